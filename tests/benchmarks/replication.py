"""Replicates: 500 bootstrap replicates, raked in each, and the district means with their whole covariance."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis import Design, Sample
from tests.benchmarks.measuring import Figure, paired

ROWS, DISTRICTS, PSUS, REPLICATES = 10_000, 20, 400, 500
MARGINS = [{"sex": {"f": 520_000, "m": 480_000}}, {"age": dict.fromkeys("abcdef", 1_000_000 / 6)}]


def figures() -> Iterator[Figure]:
    sample = Sample(answers(), Design(weight="w", stratum="district", psu="psu"))

    def ours() -> object:
        repeated = sample.replicate("bootstrap", REPLICATES, seed=1).rake(MARGINS)
        return repeated.mean("y", by="district").covariance

    def floor() -> object:
        return sample.rake(MARGINS).mean("y", by="district").covariance

    mine, bare, ratio = paired(ours, floor)
    yield Figure(
        f"{REPLICATES} raked replicates of {DISTRICTS} districts, {ROWS:,} rows: drawn, raked, estimated", mine, "s"
    )
    yield Figure("the same by linearisation", bare, "s")
    yield Figure("ratio", ratio, "times")


def answers() -> pd.DataFrame:
    random = np.random.default_rng(7)
    psu = np.arange(ROWS) % PSUS
    return pd.DataFrame(
        {
            "psu": np.char.add("p", psu.astype(str)),
            "district": np.char.add("d", (psu % DISTRICTS).astype(str)),
            "sex": random.choice(["f", "m"], ROWS),
            "age": random.choice(list("abcdef"), ROWS),
            "w": random.uniform(50, 150, ROWS),
            "y": random.integers(0, 101, ROWS) + random.normal(0, 5, PSUS)[psu],
        }
    )
