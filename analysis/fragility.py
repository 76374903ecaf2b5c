"""Fragility: how few respondents would change a rank.

The smallest k such that k more respondents of a domain, at its mean final weight, in the base of every item, all at
the top of the scale (at its bottom downward), without weighting anew, move the domain past its neighbour. For one item
that is floor(n (theta_j - theta_i) / (top - theta_j)) + 1; a composite has no closed form, so that all are bisected.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.design import describe
from analysis.errors import DesignError
from analysis.estimates import Estimates, check_level, is_number
from analysis.ranks import Pairs, all_pairs, bounds, check_rankable

Floats = NDArray[np.float64]
KINDS = ("mean", "share", "index")
TIE = 1e-12
MOST = 2**40
Moves = Callable[[int, bool, float], bool]


@dataclass(frozen=True)
class Fragility:
    """K domains: respondents needed to move up and down, NaN where no number does. of_sets: to move a bound of the rank
    set instead of the point rank.
    """

    domains: tuple[str, ...]
    estimates: Floats
    rank: Floats
    n: Floats
    up: Floats
    down: Floats
    of_sets: bool

    def to_frame(self) -> pd.DataFrame:
        """One row per domain: domain, estimate, rank, n, up, up_share, down, down_share.

        up, down: numbers of respondents, missing where no number is enough (the first cannot rise); the shares are of
        the domain's n.
        """
        return pd.DataFrame(
            {
                "domain": list(self.domains),
                "estimate": self.estimates,
                "rank": self.rank.astype(int),
                "n": self.n.astype(int),
                "up": pd.array(self.up).astype("Int64"),
                "up_share": self.up / self.n,
                "down": pd.array(self.down).astype("Int64"),
                "down_share": self.down / self.n,
            }
        )


@dataclass(frozen=True)
class Base:
    """What a domain's estimate is made of: weighted sums of its K items, their bases, and the mean final weight."""

    above: Floats
    below: Floats
    shares: Floats
    weight: float

    def after(self, count: int, answer: float) -> float:
        """The estimate when `count` more respondents give `answer` to every item."""
        added = count * self.weight
        return float(self.shares @ ((self.above + added * answer) / (self.below + added)))


def fragility(estimates: Estimates, *, of_sets: bool, scale: tuple[float, float], level: float, seed: int) -> Fragility:
    """See `Estimates.fragility`."""
    check_rankable(estimates, varying=of_sets)
    if estimates.kind not in KINDS or estimates.engine is None:
        raise DesignError(
            f"Fragility is of means, shares and indices, whose answers have a scale, not of a {estimates.kind}."
        )
    check_level(level)
    low, high = _ends(scale)
    for domain, value in zip(estimates.domains, estimates.values, strict=True):
        if not low - TIE * abs(low) <= value <= high * (1 + TIE):
            raise DesignError(
                f"The estimate of {describe(domain)!r}, {value:g}, lies outside the scale {low:g} to {high:g}: give "
                "scale=(lowest, highest answer)."
            )
    passes = _moves_set(estimates, level, seed) if of_sets else _moves_rank(estimates.values, high - low)
    bases = [_base(estimates, place) for place in range(len(estimates.domains))]
    up, down = (
        np.array([_fewest(base, answer, partial(passes, place, up)) for place, base in enumerate(bases)])
        for answer, up in ((high, True), (low, False))
    )
    values = estimates.values
    return Fragility(
        domains=tuple(describe(domain) for domain in estimates.domains),
        estimates=values,
        rank=1.0 + (values[None, :] > values[:, None]).sum(axis=1),
        n=estimates.n,
        up=up,
        down=down,
        of_sets=of_sets,
    )


def _ends(scale: Any) -> tuple[float, float]:
    """The lowest and the highest answer, refused where they make no scale."""
    numbers = isinstance(scale, (tuple, list)) and len(scale) == 2 and all(map(is_number, scale))
    if not numbers or not np.isfinite(scale).all() or not scale[0] < scale[1]:
        raise DesignError(f"scale={scale!r} is no scale: give (lowest, highest answer), such as (0, 100).")
    return float(scale[0]), float(scale[1])


def _base(estimates: Estimates, place: int) -> Base:
    engine, statistic = estimates.engine, estimates.statistics[0]
    assert engine is not None
    mask = engine.mask(estimates.entries.members[[place]])[:, 0]
    totals = (mask * engine.factor) @ engine.reduced.sums
    count = len(statistic.parts)
    # with the added respondents every item has a base
    shares = np.ones(count) if statistic.rule is None else statistic.rule(np.ones(count, dtype=bool))[0]
    return Base(
        above=np.array([totals[part.numerator] for part in statistic.parts]),
        below=np.array([totals[part.denominator] for part in statistic.parts if part.denominator is not None]),
        shares=shares,
        weight=float(estimates.entries.size[place] / estimates.entries.n[place]),
    )


def _moves_rank(values: Floats, span: float) -> Moves:
    """Whether a new value of a domain passes the nearest one above it (below it, downward)."""

    def moves(place: int, up: bool, value: float) -> bool:
        others = np.delete(values, place)
        if up:
            higher = others[others > values[place]]
            return len(higher) > 0 and bool(value > higher.min() + TIE * span)
        lower = others[others <= values[place]]
        return len(lower) > 0 and bool(value < lower.max() - TIE * span)

    return moves


def _moves_set(estimates: Estimates, level: float, seed: int) -> Moves:
    """Whether a bound of a domain's rank set moves when its value does and the covariance stays as it is: who the added
    respondents' neighbours would be, and so what variance they bring, nobody knows.
    """
    made = all_pairs(estimates, seed)
    matrix, values = made.family.contrasts, estimates.values
    assert matrix is not None
    se = made.family.rooted.se()

    def set_of(place: int, value: float) -> tuple[float, float]:
        moved = np.where(np.arange(made.size) == place, value, values)
        differences = moved @ matrix
        rejected = made.family.rejected(level, statistics=differences / se)
        low, high = bounds(made.above(rejected, _spread(made, differences)))
        return float(low[place]), float(high[place])

    before = [set_of(place, value) for place, value in enumerate(values)]

    def moves(place: int, up: bool, value: float) -> bool:
        low, high = set_of(place, value)
        if up:
            return low < before[place][0] or high < before[place][1]
        return low > before[place][0] or high > before[place][1]

    return moves


def _spread(made: Pairs, tested: Floats) -> Floats:
    """Differences of the tested pairs in the order of all pairs."""
    differences = np.zeros(len(made.pairs))
    differences[made.tested] = tested
    return differences


def _fewest(base: Base, answer: float, moves: Callable[[float], bool]) -> float:
    """The smallest number of respondents that moves the domain, by doubling and bisection; NaN where none does."""
    if not moves(answer):
        return np.nan
    enough = 1
    while not moves(base.after(enough, answer)):
        enough *= 2
        if enough > MOST:
            return np.nan
    short = enough // 2
    while enough - short > 1:
        middle = (short + enough) // 2
        if moves(base.after(middle, answer)):
            enough = middle
        else:
            short = middle
    return float(enough)
