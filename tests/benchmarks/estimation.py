"""Estimation: means with the whole covariance against the bare group-by of the same columns; memory, import.

ROWS=100000000 in the environment makes the table larger (about 15 bytes a row on disk).
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from analysis import Design, Sample
from tests.benchmarks.measuring import Figure, paired

ROWS = int(os.environ.get("ROWS", "10_000_000"))
DISTRICTS, STRATA, PSUS, REPLICATES = 20, 40, 3444, 500
ITEMS = [f"q{k}" for k in range(9)]
COMPOSITES = {
    "all": dict.fromkeys(ITEMS, 1),
    "some": dict.fromkeys(ITEMS[:4], 1),
    "others": dict.fromkeys(ITEMS[4:], 2),
}
DESIGN = Design(weight="w", stratum="stratum", psu="psu")
MARGINS = [{"sex": {"f": 520_000, "m": 480_000}}, {"age": dict.fromkeys("abcdef", 1_000_000 / 6)}]
KEYS = "stratum, psu, district"
PEAK = """
import resource, sys, duckdb
from tests.benchmarks.estimation import DESIGN, Sample
Sample(duckdb.connect().read_parquet(sys.argv[1]), DESIGN).mean(sys.argv[2], by="district").covariance
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
IMPORT = """
import time, numpy, pandas
start = time.perf_counter()
from analysis import Design, DesignError, Estimates, Sample
print(time.perf_counter() - start)
"""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = _answers(Path(folder) / "answers.parquet")
        connection = duckdb.connect()

        def sample() -> Sample:
            return Sample(connection.read_parquet(path), DESIGN)

        def bare(sums: str, *, keys: str = KEYS) -> object:
            return connection.sql(f"select {keys}, {sums} from '{path}' group by {keys}").fetchall()

        for column, what in (("y", "an answer in every row"), ("q0", "one in ten missing")):
            yield from _ratio(
                f"mean by district, {ROWS:,} rows in Parquet, {what}",
                lambda column=column: sample().mean(column, by="district").covariance,
                lambda column=column: bare(f"sum(w), sum(w * {column}), count({column})"),
            )
            yield Figure("  largest memory of a process that does it", _printed(PEAK, path, column), "MB")
        nine = ", ".join(f"sum(w * {q}), sum(case when {q} is not null then w end)" for q in ITEMS)
        yield from _ratio(
            f"{len(ITEMS)} items, one in ten missing, in one call",
            lambda: sample().mean(ITEMS, by="district").covariance,
            lambda: bare(nine),
        )
        yield from _ratio(
            f"{len(COMPOSITES)} composites of the {len(ITEMS)} items in one call",
            lambda: sample().composite(COMPOSITES, by="district").covariance,
            lambda: bare(nine),
        )
        yield from _ratio(
            f"{len(ITEMS)} items and {len(COMPOSITES)} composites in one call",
            lambda: sample().composite({**{q: {q: 1} for q in ITEMS}, **COMPOSITES}, by="district").covariance,
            lambda: bare(nine),
        )
        yield from _ratio(
            f"{REPLICATES} raked bootstrap replicates: drawn, raked to sex and age, district means",
            lambda: _replicated(sample()),
            lambda: bare("sum(w), sum(w * y), count(y)", keys=f"{KEYS}, sex, age"),
        )
    yield Figure("import of Sample beyond numpy and pandas", min(_printed(IMPORT) for _ in range(5)), "s")


def _replicated(sample: Sample) -> object:
    return sample.replicate("bootstrap", REPLICATES, seed=1).rake(MARGINS).mean("y", by="district").covariance


def _ratio(what: str, ours: object, floor: object) -> Iterator[Figure]:
    mine, bare, ratio = paired(ours, floor)
    yield Figure(what, mine, "s")
    yield Figure("  the bare group-by of the same columns", bare, "s")
    yield Figure("  ratio", ratio, "times")


def _printed(script: str, *arguments: str) -> float:
    """What a fresh process prints."""
    run = subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True)
    return float(run.stdout.split()[-1])  # after the engine's progress, if any


def _answers(path: Path) -> str:
    items = ", ".join(
        f"case when hash(i * 31 + {k}) % 10 > 0 then (hash(i * 17 + {k}) % 5 * 25)::double end as q{k}"
        for k in range(len(ITEMS))
    )
    duckdb.sql(
        f"""copy (
            select 'd' || lpad((psu % {DISTRICTS})::varchar, 2, '0') as district, 's' || (psu % {STRATA}) as stratum,
                   'p' || psu as psu, 0.5 + (hash(i + 2) % 1000) / 500.0 as w, (hash(i + 1) % 101)::double as y,
                   substr('fm', (1 + hash(i + 3) % 2)::int, 1) as sex,
                   substr('abcdef', (1 + hash(i + 4) % 6)::int, 1) as age, {items}
            from (select i, hash(i) % {PSUS} as psu from range({ROWS}) as rows(i))
        ) to '{path}' (format parquet)"""
    )
    return str(path)
