"""Ranks: sets of 20 districts with the whole simulation of 20,000 draws, and how fragile they are."""

import statistics
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from analysis import Design, Sample
from analysis.simultaneous import DRAWS
from tests.benchmarks.measuring import Figure, seconds

DISTRICTS, PSUS, PEOPLE = 20, 20, 25


def figures() -> Iterator[Figure]:
    table = _answers()
    plain = Sample(table, Design(weight="w", stratum="district", psu="psu"))
    persons = {"a": 0.3e6, "b": 0.7e6}
    raked = plain.rake([{"group": persons}, {"sex": {"f": 0.52e6, "m": 0.48e6}}])
    for name, sample in (("strata are the districts", plain), ("raked across districts", raked)):
        estimates = sample.mean("y", by="district")
        for simultaneous in (True, False):
            kind = "simultaneous" if simultaneous else "marginal"
            taken = _median(lambda e=estimates, s=simultaneous: e.rank_sets(simultaneous=s))
            yield Figure(f"{kind} rank sets, {DISTRICTS} districts, {DRAWS:,} draws, {name}", taken, "s")
        taken = _median(lambda e=estimates: e.compare(to="pairs").to_frame(), runs=3)
        yield Figure(f"all 190 pairs with max-t p and intervals, {name}", taken, "s")
    estimates = plain.mean("y", by="district")
    yield Figure("fragility of the ranks", _median(estimates.fragility), "s")
    yield Figure("fragility of the rank sets", _median(lambda: estimates.fragility(set=True), runs=1), "s")


def _median(work: Callable[[], object], *, runs: int = 5) -> float:
    return statistics.median(seconds(work) for _ in range(runs))


def _answers() -> pd.DataFrame:
    random, count = np.random.default_rng(1), DISTRICTS * PSUS * PEOPLE
    psu = np.repeat(np.arange(DISTRICTS * PSUS), PEOPLE)
    shift = np.repeat(random.normal(0, 6, DISTRICTS * PSUS), PEOPLE) + psu // PSUS
    return pd.DataFrame(
        {
            "district": psu // PSUS,
            "psu": psu,
            "w": random.uniform(50, 150, count),
            "group": random.choice(["a", "b"], count),
            "sex": random.choice(["f", "m"], count),
            "y": np.clip(50 + shift + random.normal(0, 20, count), 0, 100),
        }
    ).astype({"district": "string", "psu": "string"})
