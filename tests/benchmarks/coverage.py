"""How often what is claimed holds: intervals, tests and rank sets in 4,000 simulated samples, few psus and many."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis import Design, Estimates, Sample
from analysis.simultaneous import MaxT
from tests.benchmarks.measuring import Figure

Floats = NDArray[np.float64]
RUNS = 4000
DISTRICTS, PEOPLE = 20, 10
CLUSTER = 0.35  # the psus' share of the latent spread, as standard deviation: a correlation of 0.11 within psus
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95)
INSIDE = [place for place, share in enumerate(SHARES) if 0.1 <= share <= 0.9]
DESIGN = Design(weight="weight", stratum="district", psu="psu")
SHIFT = 10.0
UNEVEN = 0.33  # the weights of the psus of a district vary by a third, where they vary


def figures() -> Iterator[Figure]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for psus in (6, 20):
            single = np.array(list(pool.map(partial(intervals, psus=psus), range(RUNS), chunksize=20)))
            means, logit, korn = single[:, 0], single[:, 1], single[:, 2]
            yield Figure(f"{psus} psus: 95% intervals of means hold the truth", means.mean(), "")
            by_share = logit.mean(axis=0).reshape(-1, len(SHARES)).mean(axis=0)[INSIDE]
            yield Figure(f"{psus} psus: logit intervals of shares of .1 to .9, lowest", by_share.min(), "")
            yield Figure(f"{psus} psus: logit intervals of shares of .1 to .9, highest", by_share.max(), "")
            by_share = korn.mean(axis=0).reshape(-1, len(SHARES)).mean(axis=0)
            yield Figure(f"{psus} psus: Korn-Graubard intervals of shares of .01 to .95, lowest", by_share.min(), "")
            for spread, said in ((0.0, "equal weights"), (UNEVEN, "uneven weights")):
                one = partial(family, psus=psus, spread=spread)
                families = np.array(list(pool.map(one, range(RUNS), chunksize=20)))
                yield Figure(f"{psus} psus, {said}: rank sets of equal districts all hold", families[:, 0].mean(), "")
                yield Figure(f"{psus} psus, {said}: max-t with the whole, error", families[:, 1].mean(), "")
            waves = np.array(list(pool.map(partial(changes, psus=psus), range(RUNS), chunksize=20)))
            ratio = waves[:, 1].mean() / waves[:, 0].var()
            yield Figure(f"{psus} psus: variance of the city's change, half of the psus shared, to the true", ratio, "")


def intervals(seed: int, *, psus: int) -> list[list[float]]:
    """For every district: whether the t interval of its mean, the logit and the Korn-Graubard interval of its share
    hold the truth; the shares go round the districts.
    """
    random = np.random.default_rng([seed, psus])
    latent = drawn(random, psus)
    true = np.resize(SHARES, DISTRICTS)
    said = latent < true_cuts(true)[:, None]
    weight = weights(random, psus, UNEVEN)
    sample = Sample(table(latent, psus, weight=weight, said=said.astype(float).ravel()), DESIGN)
    mean = sample.mean("y", by="district").interval()
    share = sample.mean("said", by="district")
    as_share = replace(share, kind="share")
    return [
        held(mean, np.zeros(DISTRICTS)),
        held(as_share.interval(method="logit"), true),
        held(as_share.interval(method="korn-graubard"), true),
    ]


def family(seed: int, *, psus: int, spread: float) -> list[float]:
    """Twenty equal districts: whether every rank set holds every rank, and whether max-t finds any difference."""
    random = np.random.default_rng([seed, psus, 1])
    sample = Sample(table(drawn(random, psus), psus, weight=weights(random, psus, spread)), DESIGN)
    means = sample.mean("y", by="district")
    pairs = [(j, k) for j in range(DISTRICTS) for k in range(j)]
    whole = [(j, DISTRICTS) for j in range(DISTRICTS)]
    return [float(not differ(means, pairs, seed)), float(differ(means, whole, seed))]


def differ(means: Estimates, pairs: list[tuple[int, int]], seed: int) -> bool:
    """Whether any of the pairs is told apart at 5%, by 2,000 draws in place of 20,000 (4,000 samples wait)."""
    entries = means.entries
    matrix = np.zeros((len(entries.values), len(pairs)))
    for column, (plus, minus) in enumerate(pairs):
        matrix[[plus, minus], column] = 1.0, -1.0
    waves = np.ones((len(pairs), 1), dtype=bool)
    test = MaxT(entries.values @ matrix, entries.root.combine(matrix), waves, seed=seed, draws=2000)
    return bool((np.abs(test.statistics) > test.critical(0.95)).any())


def changes(seed: int, *, psus: int) -> list[float]:
    """The city's change between two waves that share half of their psus, and its estimated variance; districts differ
    by ten points.
    """
    random = np.random.default_rng([seed, psus, 2])
    lasting = random.standard_normal((DISTRICTS, psus + psus // 2))
    tables = []
    for wave, first in enumerate((0, psus // 2)):
        effects = CLUSTER * (np.sqrt(0.7) * lasting + np.sqrt(0.3) * random.standard_normal(lasting.shape))
        units = effects[:, first : first + psus]
        people = units[:, :, None] + np.sqrt(1 - CLUSTER**2) * random.standard_normal((DISTRICTS, psus, PEOPLE))
        level = 60 + SHIFT * np.arange(DISTRICTS) / 2 + 20 * people.reshape(DISTRICTS, -1).T
        made = table(level.T, psus, weight=np.ones(DISTRICTS * psus * PEOPLE), first=first)
        tables.append(made.append_column("wave", pa.array([f"w{wave}"] * len(made))))
    both = Sample(pa.concat_tables(tables), replace(DESIGN, wave="wave"))
    frame = both.mean("y", by="wave").change(over="wave", adjust="none").to_frame()
    return [float(frame["difference"].iloc[0]), float(frame["se"].iloc[0]) ** 2]


def drawn(random: np.random.Generator, psus: int) -> Floats:
    """Standard normal values, districts x people, those of a psu alike."""
    units = CLUSTER * random.standard_normal((DISTRICTS, psus, 1))
    people = np.sqrt(1 - CLUSTER**2) * random.standard_normal((DISTRICTS, psus, PEOPLE))
    return (units + people).reshape(DISTRICTS, -1)


def weights(random: np.random.Generator, psus: int, spread: float) -> Floats:
    """Weights that vary between psus, unrelated to the answers; spread: of their logarithm."""
    return np.repeat(np.exp(random.normal(0.0, spread, DISTRICTS * psus)), PEOPLE)


def true_cuts(shares: Floats) -> Floats:
    from scipy import stats

    return np.asarray(stats.norm.ppf(shares))


def table(values: Floats, psus: int, *, weight: Floats, first: int = 0, **more: Floats) -> pa.Table:
    district = np.repeat(np.arange(DISTRICTS), psus * PEOPLE)
    unit = np.tile(np.repeat(np.arange(first, first + psus), PEOPLE), DISTRICTS)
    return pa.table(
        {
            "district": np.char.add("d", np.char.zfill(district.astype(str), 2)),
            "psu": np.char.add(np.char.add(district.astype(str), "-"), unit.astype(str)),
            "weight": weight,
            "y": values.ravel(),
            **more,
        }
    )


def held(limits: Floats, true: Floats) -> list[float]:
    return ((limits[:, 0] <= true) & (true <= limits[:, 1])).astype(float).tolist()
