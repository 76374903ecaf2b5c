"""Intervals of quantiles by turning an interval of the share at or below them back into values (Woodruff 1952).

The share is estimated like any other, so that weighting steps, later stages, unequal probabilities and replicates
count. Standard errors are the interval's width over twice the t quantile (Francisco and Fuller 1991); they scale the
scores of the share into scores of the quantile, which makes quantiles of one sample comparable with one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis import intervals
from analysis.entries import Entries
from analysis.quantile_column import Column
from analysis.quantile_rules import Inverse, Ordered

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
METHODS = ("mean", "beta", "xlogit", "asin")


@dataclass(frozen=True)
class Turn:
    """How an interval of shares is made and turned back: one of METHODS, or "score", or "replicates".

    given: about the given probability instead of the estimated share, with ends beyond 0 and 1 at the smallest and
    the largest answer (R's older estimator).
    """

    method: str
    given: bool = False


@dataclass(frozen=True)
class Targets:
    """P quantiles to find: the probability and the set of domains (P x D) of each."""

    column: Column
    rule: Inverse
    turn: Turn
    p: Floats
    members: Booleans
    known: dict[tuple[float, bytes], Floats] = field(default_factory=dict, repr=False, compare=False)

    def data(self, weight: Floats) -> list[Ordered | None]:
        """The answers of each target's domains in order, with R given weights; None where there is none."""
        known: dict[bytes, Ordered | None] = {}
        for one in self.members:
            if one.tobytes() not in known:
                known[one.tobytes()] = self.column.ordered(one, weight)
        return [known[one.tobytes()] for one in self.members]

    def inverse(self, data: Sequence[Ordered | None], p: Floats) -> Floats:
        """P quantiles at P probabilities; NaN where nobody answered or p is outside 0-1."""
        return np.array(
            [
                self.rule(one, p[[place]])[0] if one is not None and 0 <= p[place] <= 1 else np.nan
                for place, one in enumerate(data)
            ]
        )

    @cached_property
    def own_data(self) -> list[Ordered | None]:
        """The same with the final weights."""
        return self.data(self.column.engine.weight)

    def at(self, p: Floats) -> Floats:
        """P quantiles at P probabilities."""
        return self.inverse(self.own_data, p)

    @cached_property
    def values(self) -> Floats:
        """P quantiles."""
        return self.at(self.p)

    def shares(self, points: Floats) -> Entries:
        """Entries of the shares of answers at or below P points."""
        found = self.column.at_most(np.where(np.isnan(points), 0.0, points), self.members)
        return replace(found, members=self.members, flat=found.flat | ~(found.root.se() > 0))

    @cached_property
    def share(self) -> Entries:
        """Entries of the shares at or below the quantiles themselves."""
        return self.shares(self.values)

    def limits(self, level: float, df: Floats) -> Floats:
        """P x 2 limits with P degrees of freedom; NaN on the sides where there is none."""
        key = (level, df.tobytes())
        if key not in self.known:
            self.known[key] = self._limits(level, df)
        return self.known[key]

    def _limits(self, level: float, df: Floats) -> Floats:
        if self.turn.method == "score":
            return self._by_score(level, df)
        share = self.share
        evidence = intervals.Evidence(
            values=self.p if self.turn.given else share.values,
            variance=share.root.variance(),
            df=np.where(np.isnan(share.values), 0.0, df),
            n=share.n,
            pooled=np.ones(len(self.p)),
            flat=share.flat,
        )
        ends = intervals.limits(evidence, self.turn.method, level=level, scale=1.0)
        if self.turn.given:
            ends = np.clip(ends, 0.0, 1.0)
        return np.column_stack([self.at(ends[:, 0]), self.at(ends[:, 1])])

    def _by_score(self, level: float, df: Floats) -> Floats:
        """The values between which the share of those above them is not rejected to be 1 - p."""
        known = np.isfinite(self.values) & (df > 0)
        reach = _t(level, np.where(known, df, 1.0))
        ends = np.column_stack([self._first_beyond(-reach), self._first_beyond(reach)])
        return np.where(known[:, None], ends, np.nan)

    def _first_beyond(self, bound: Floats) -> Floats:
        """P first values x at which (share at or below x - p) / se is at least P bounds, by bisection."""
        lists = [np.zeros(1) if data is None else data.distinct().values for data in self.own_data]
        low, high = np.zeros(len(lists), dtype=int), np.array([len(one) - 1 for one in lists])
        while (low < high).any():
            middle = (low + high) // 2
            share = self.shares(np.array([one[place] for one, place in zip(lists, middle, strict=True)]))
            gap, se = share.values - self.p, share.root.se()
            score = np.divide(gap, se, out=np.sign(gap) * np.inf, where=se > 0)
            beyond = score >= bound
            high = np.where(beyond, middle, high)
            low = np.where(beyond, low, np.minimum(middle + 1, high))
        return np.array([one[place] for one, place in zip(lists, low, strict=True)])

    def entries(self, level: float) -> Entries:
        """Entries of the P quantiles, with the standard errors that the interval at `level` gives."""
        if self.turn.method == "replicates":
            return self._repeated()
        share = self.share
        se = _width(self.values, self.limits(level, share.df[:, 0]), _t(level, np.maximum(share.df[:, 0], 1.0)))
        share_se = share.root.se()
        # a larger share at a point means a smaller quantile
        scale = -np.divide(se, share_se, out=np.zeros(len(se)), where=(share_se > 0) & (se > 0))
        flat = ~(np.abs(scale) > 0)
        return replace(share, values=self.values, root=share.root.combine(np.diag(scale)), flat=flat)

    def _repeated(self) -> Entries:
        """Entries of the quantiles made anew with the weights of each replicate."""
        share, engine = self.share, self.column.engine
        count = len(self.p)
        made = engine.entries_of_rows(
            self.values,
            np.zeros((len(self.column.value), count)),
            (engine.mask(self.members) > 0) & self.column.held[:, None],
            lambda weight: self.inverse(self.data(weight), self.p),
        )
        reasons = tuple(one or other for one, other in zip(share.reasons, made.reasons, strict=True))
        return replace(made, n=share.n, reasons=reasons, members=self.members, flat=~(made.root.se() > 0))


def _t(level: float, df: Floats) -> Floats:
    from scipy import stats

    return np.asarray(stats.t.ppf(1 - (1 - level) / 2, df))


def _width(values: Floats, ends: Floats, t: Floats) -> Floats:
    """P standard errors: half the width over t; where the interval is open on a side, the other half."""
    below, above = values - ends[:, 0], ends[:, 1] - values
    halves = np.where(np.isnan(below), above, np.where(np.isnan(above), below, (below + above) / 2))
    return np.nan_to_num(halves / t, nan=0.0)
