"""Rank sets: the ranks that the data do not exclude, never a rank alone (Mogstad, Romano, Shaikh and Wilhelm 2024)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, count

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.comparisons import contrast_matrix
from analysis.comparisons import Row as Pair
from analysis.design import describe
from analysis.errors import DesignError, nearest
from analysis.estimates import Estimates
from analysis.simultaneous import MaxT
from analysis.variance import Root

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
METHODS = ("max-t", "pairs-holm", "means-bonferroni", "means-sidak")


@dataclass(frozen=True)
class RankSets:
    """K domains, rank 1 the highest value: the ranks `low` to `high` that are not excluded, and letters.

    Domains that share a letter cannot be told apart; letters overlap, they are not classes.
    """

    domains: tuple[str, ...]
    estimates: Floats
    rank: Floats
    low: Floats
    high: Floats
    letters: tuple[str, ...]
    method: str
    simultaneous: bool
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per domain: domain, estimate, rank, low, high, letters."""
        return pd.DataFrame(
            {
                "domain": list(self.domains),
                "estimate": self.estimates,
                "rank": self.rank.astype(int),
                "low": self.low.astype(int),
                "high": self.high.astype(int),
                "letters": list(self.letters),
            }
        )


def rank_sets(estimates: Estimates, *, level: float, simultaneous: bool, method: str, seed: int) -> RankSets:
    """Rank sets of the domains of one variable; see `Estimates.rank_sets`.

    method: "max-t" (pairs by step-down simulation; `simultaneous=False`: for each domain the pairs that contain it only),
    "pairs-holm", "means-bonferroni", "means-sidak" (Klein, Wright and Wieczorek 2020). Raises DesignError where a domain
    has no estimate or no estimated variance: a rank set would claim what is not known.
    """
    if method not in METHODS:
        raise DesignError(f"There is no rank method {method!r}. {nearest(method, METHODS)}")
    if not simultaneous and method != "max-t":
        raise DesignError(
            f"The method {method!r} is simultaneous by construction: use method='max-t' for marginal sets."
        )
    _check(estimates)
    above = _above(estimates, level=level, simultaneous=simultaneous, method=method, seed=seed)
    values = estimates.values
    return RankSets(
        domains=tuple(describe(domain) for domain in estimates.domains),
        estimates=values,
        rank=1.0 + (values[None, :] > values[:, None]).sum(axis=1),
        low=1.0 + above.sum(axis=0),
        high=len(values) - above.sum(axis=1).astype(float),
        letters=letters(above | above.T, values),
        method=method,
        simultaneous=simultaneous,
        level=level,
    )


def _check(estimates: Estimates) -> None:
    if len(estimates.variables) != 1 or len(estimates.domains) < 2:
        raise DesignError("Rank sets need one variable and at least two domains: ask for one item with by=.")
    for domain, reason in zip(estimates.domains, estimates.reasons, strict=True):
        if reason:
            raise DesignError(f"The domain {describe(domain)!r} has no estimate ({reason}): leave it out with where=.")
    for domain, se in zip(estimates.domains, estimates.se, strict=True):
        if not se > 0:
            raise DesignError(
                f"The domain {describe(domain)!r} has no estimated variance (all its psus agree, or it has one): it has no "
                "rank set; leave it out with where=."
            )


def _above(estimates: Estimates, *, level: float, simultaneous: bool, method: str, seed: int) -> Booleans:
    """K x K: whether domain j is shown to lie above domain k."""
    size = len(estimates.domains)
    pairs = list(combinations(range(size), 2))
    above = np.zeros((size, size), dtype=bool)
    if method.startswith("means"):
        low, high = _means(estimates, level, method)
        return low[:, None] > high[None, :]
    if simultaneous:
        for (j, k), positive in _found(estimates, pairs, level=level, method=method, seed=seed):
            above[(j, k) if positive else (k, j)] = True
    return above


def _means(estimates: Estimates, level: float, method: str) -> tuple[Floats, Floats]:
    """Simultaneous intervals of the K values, t with each domain's degrees of freedom."""
    from scipy import stats

    size, alpha = len(estimates.values), 1 - level
    each = alpha / size if method == "means-bonferroni" else 1 - (1 - alpha) ** (1 / size)
    half = stats.t.ppf(1 - each / 2, estimates.df) * estimates.se
    return estimates.values - half, estimates.values + half


def _found(
    estimates: Estimates, pairs: list[tuple[int, int]], *, level: float, method: str, seed: int
) -> Iterator[tuple[tuple[int, int], bool]]:
    """The pairs whose difference is shown, and whether it is positive."""
    rows = [Pair("", "", "", j, k) for j, k in pairs]
    rooted = estimates.entries.root.combine(contrast_matrix(rows, len(estimates.entries.values)))
    differences = np.array([estimates.values[j] - estimates.values[k] for j, k in pairs])
    waves = np.array([estimates.entries.waves[[j, k]].any(axis=0) for j, k in pairs])
    se = np.sqrt((rooted.rows**2).sum(axis=0))
    tested = np.flatnonzero(se > 1e-9 * estimates.se.max())
    part = Root(rooted.rows[:, tested], rooted.block, rooted.waves)
    if method == "max-t":
        rejected = MaxT(differences[tested], part, waves[tested], seed=seed).rejected(level)
    else:
        rejected = _holm(differences[tested], part, waves[tested], level)
    for place in tested[rejected]:
        yield pairs[place], bool(differences[place] > 0)


def _holm(differences: Floats, part: Root, waves: Booleans, level: float) -> Booleans:
    from scipy import stats
    from statsmodels.stats.multitest import multipletests

    se = np.sqrt((part.rows**2).sum(axis=0))
    p = 2 * stats.t.sf(np.abs(differences / se), part.satterthwaite(waves))
    return np.asarray(multipletests(p, alpha=1 - level, method="holm")[0])


def letters(differ: Booleans, values: Floats) -> tuple[str, ...]:
    """Letters such that two domains share one exactly where they do not differ (insert and absorb, Piepho 2004)."""
    size = len(values)
    columns: list[frozenset[int]] = [frozenset(range(size))]
    for j, k in combinations(range(size), 2):
        if not differ[j, k]:
            continue
        split: list[frozenset[int]] = []
        for column in columns:
            split += [column - {j}, column - {k}] if {j, k} <= column else [column]
        columns = [
            one for i, one in enumerate(split) if not any(_absorbs(split, i, m) for m in range(len(split)) if m != i)
        ]
    columns.sort(key=lambda column: sorted((-values[i], i) for i in column))
    names = [_letter(i) for i, _ in zip(count(), columns, strict=False)]
    return tuple("".join(name for name, column in zip(names, columns, strict=True) if i in column) for i in range(size))


def _absorbs(columns: list[frozenset[int]], small: int, large: int) -> bool:
    one, other = columns[small], columns[large]
    return one < other or (one == other and large < small)


def _letter(place: int) -> str:
    """a to z, then a1 to z1 and so on."""
    turn, letter = divmod(place, 26)
    return chr(ord("a") + letter) + (str(turn) if turn else "")
