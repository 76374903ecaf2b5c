"""Estimation: district means with the whole covariance against the bare group-by of the same columns."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from analysis import Design, Sample
from tests.benchmarks.measuring import Figure, paired

ROWS = 10_000_000
DISTRICTS, STRATA, PSUS = 20, 40, 3444


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = _answers(Path(folder) / "answers.parquet")
        connection = duckdb.connect()

        def ours() -> object:
            sample = Sample(connection.read_parquet(path), Design(weight="w", stratum="stratum", psu="psu"))
            return sample.mean("y", by="district").covariance

        def floor() -> object:
            return connection.sql(
                f"select stratum, psu, district, sum(w), sum(w * y), count(y) from '{path}' group by all"
            ).fetchall()

        mine, bare, ratio = paired(ours, floor)
    yield Figure(f"mean by district, {ROWS:,} rows in Parquet, {PSUS} psus: ours", mine, "s")
    yield Figure("the bare group-by of the same columns", bare, "s")
    yield Figure("ratio", ratio, "times")


def _answers(path: Path) -> str:
    duckdb.sql(
        f"""copy (
            select 'd' || lpad((psu % {DISTRICTS})::varchar, 2, '0') as district, 's' || (psu % {STRATA}) as stratum,
                   'p' || psu as psu, 0.5 + (hash(i + 2) % 1000) / 500.0 as w, (hash(i + 1) % 101)::double as y
            from (select i, hash(i) % {PSUS} as psu from range({ROWS}) as rows(i))
        ) to '{path}' (format parquet)"""
    )
    return str(path)
