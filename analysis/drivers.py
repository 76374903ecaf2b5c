"""Key drivers: what share of an outcome's variance goes with each item, for the whole population only.

Relative weights (Johnson 2000): with R the predictors' correlations, r theirs with the outcome and L = R^1/2 the
symmetric root, weight_j = sum_k L_jk^2 (L^-1 r)_k^2. They are at least 0 and add up to R2, also for predictors that
are correlated; they say what goes together, not what would happen if an item were improved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.covariances import Covariances, read_covariances, score_of
from analysis.design import as_names
from analysis.entries import pick
from analysis.errors import DesignError
from analysis.estimates import SEED, Estimates
from analysis.estimation import Plan, estimate, value_where
from analysis.linear import Part, Statistic
from analysis.totals import Where, indicator

if TYPE_CHECKING:
    from analysis.bound import BoundTable
    from analysis.families import Comparison

Floats = NDArray[np.float64]
DRAWS = 10_000
FORETOLD = 0.999
BETWEEN = 0.95
SINGULAR = "the predictors determine one another"
QUADRANTS = {
    (True, False): "improve first",
    (True, True): "keep up",
    (False, False): "improve later",
    (False, True): "maintain",
}


@dataclass(frozen=True)
class Drivers(Estimates):
    """Relative weights, 0-1, one domain per predictor, so that they can be compared and ranked like districts.

    outcomes: the columns whose mean is explained. satisfaction: the mean score of each predictor over its own base.
    """

    outcomes: tuple[str, ...] = ()
    satisfaction: Estimates | None = None
    covariances: Covariances | None = None

    def interval(self, *, method: str | None = None, level: float = 0.95, df: str | float = "valid") -> Floats:
        """P x 2 limits, by default on the logit, so that they stay inside 0-1. A weight is never below 0, so that a
        lower limit above 0 proves nothing: see `against_random` and `compare`.
        """
        return super().interval(method=method or "logit", level=level, df=df)

    @property
    def r_squared(self) -> Estimates:
        """The share of the outcome's variance that all predictors explain together: the sum of the weights."""
        summed = self.contrast({"R2": dict.fromkeys(self.domains, 1.0)})
        own = self.entries  # the same persons stand behind every weight
        return replace(summed, entries=replace(summed.entries, n=own.n[:1], size=own.size[:1], df=own.df[:1]))

    def to_frame(self, level: float = 0.95, *, method: str | None = None, df: str | float = "valid") -> pd.DataFrame:
        """One row per predictor: predictor, variable, estimate, se, low, high, df, n."""
        return super().to_frame(level, method=method, df=df).drop(columns="design_effect")

    @cached_property
    def chance(self) -> float:
        """The weight that 95 of 100 predictors without any relation to the others or the outcome stay below.

        Such a predictor's sample covariances are normal about 0, with the items' covariance matrix times
        sum w^2 / (sum w)^2 (Kish); 10,000 of them are drawn with a printed seed (after Tonidandel, LeBreton and
        Johnson 2009, who draw one per bootstrap sample).
        """
        assert self.covariances is not None
        matrix = _joined(self.covariances.matrix(), len(self.outcomes))
        size = len(matrix)
        values, vectors = np.linalg.eigh(matrix * self.covariances.concentration())
        root = vectors * np.sqrt(np.clip(values, 0.0, None))
        drawn = np.random.default_rng(SEED).standard_normal((DRAWS, size)) @ root.T
        wide = np.empty((DRAWS, size + 1, size + 1))
        wide[:, :size, :size], wide[:, size, size] = matrix, 1.0
        wide[:, size, :size] = wide[:, :size, size] = drawn
        return float(np.quantile(relative_weights(wide, 1)[:, -1], BETWEEN))

    def against_random(self, *, adjust: str = "max-t", level: float = 0.95) -> "Comparison":
        """Each weight less `chance`: a predictor counts where the interval of the difference lies above 0."""
        return self.compare(to=self.chance, adjust=adjust, level=level)

    def importance(self, level: float = 0.95) -> pd.DataFrame:
        """The importance-satisfaction table, one row per predictor.

        predictor; importance (relative weight), low, high; rank, rank_low, rank_high (simultaneous rank sets); share
        of R2; beyond_chance; satisfaction (mean score over its own base), satisfaction_low, satisfaction_high;
        quadrant. The quadrants part at the plain means of both columns: important and below the mean is "improve
        first", important and not below "keep up", else "improve later" and "maintain". clear: whether both distances
        from the means are beyond chance (max-t over the predictors); where it is not, the quadrant may be another.
        """
        assert self.satisfaction is not None
        limits, told = self.interval(level=level), self.satisfaction.interval(level=level)
        ranks = self.rank_sets(level=level)
        names = [str(label[0]) for label in self.domains]
        sides = [self.values >= self.values.mean(), self.satisfaction.values >= self.satisfaction.values.mean()]
        clear = _beyond(self, names, level) & _beyond(self.satisfaction, names, level)
        return pd.DataFrame(
            {
                "predictor": names,
                "importance": self.values,
                "low": limits[:, 0],
                "high": limits[:, 1],
                "rank": ranks.rank.astype(int),
                "rank_low": ranks.low.astype(int),
                "rank_high": ranks.high.astype(int),
                "share": self.values / self.values.sum(),
                "beyond_chance": self.against_random(level=level).limits[:, 0] > 0,
                "satisfaction": self.satisfaction.values,
                "satisfaction_low": told[:, 0],
                "satisfaction_high": told[:, 1],
                "quadrant": [QUADRANTS[bool(one), bool(other)] for one, other in zip(*sides, strict=True)],
                "clear": clear,
            }
        )


def drivers(sample: "BoundTable", outcome: str | Sequence[str], predictors: Sequence[str], *, where: Where) -> Drivers:
    """Relative weights; see `sample_models.Models.drivers`."""
    outcomes, named = as_names(outcome), as_names(predictors)
    _check(outcomes, named)
    covariances = read_covariances(sample, [*outcomes, *named], "The analysis of drivers", where=where)
    _check_predictors(covariances, len(outcomes))
    made = covariances.derived(
        named, lambda matrices: relative_weights(matrices, len(outcomes)), kind="importance", reason=SINGULAR
    )
    return Drivers(
        by=("predictor",),
        wave=None,
        variables=("relative weight",),
        domains=tuple((name,) for name in named),
        wholes=(),
        entries=pick(made.entries, range(len(named))),
        kind="importance",
        outcomes=outcomes,
        satisfaction=_means(sample, named, where),
        covariances=covariances,
    )


def relative_weights(matrices: Floats, outcomes: int) -> Floats:
    """... x P relative weights from ... x K x K covariances, the first `outcomes` of which are averaged into the
    outcome; NaN where an item does not vary or the predictors' matrix is not positive.
    """
    joined = _joined(matrices, outcomes)
    spread = np.sqrt(np.clip(np.diagonal(joined, axis1=-2, axis2=-1), 0.0, None))
    known = np.asarray((spread > 0).all(axis=-1))
    safe = np.where(known[..., None], spread, 1.0)
    correlations = joined / (safe[..., :, None] * safe[..., None, :])
    values, vectors = np.linalg.eigh(correlations[..., 1:, 1:])
    known = np.asarray(known & (values[..., 0] > 0))
    root = np.sqrt(np.where(known[..., None], values, 1.0))
    turned = np.swapaxes(vectors, -1, -2)
    loading = (vectors * root[..., None, :]) @ turned
    slopes = (vectors / root[..., None, :]) @ turned @ correlations[..., 1:, :1]
    return np.where(known[..., None], (loading**2 @ slopes**2)[..., 0], np.nan)


def _joined(matrices: Floats, outcomes: int) -> Floats:
    """The covariances of the mean of the outcomes, first, and of the predictors."""
    size = matrices.shape[-1]
    to = np.zeros((size, size - outcomes + 1))
    to[:outcomes, 0] = 1 / outcomes
    to[outcomes:, 1:] = np.eye(size - outcomes)
    return np.asarray(to.T @ matrices @ to)


def _check(outcomes: Sequence[str], predictors: Sequence[str]) -> None:
    both = [name for name in predictors if name in outcomes]
    if both:
        raise DesignError(
            f"{both[0]!r} is an outcome and cannot be among its own drivers: leave it out of one of them."
        )
    if not outcomes:
        raise DesignError("The drivers need an outcome: name the column, or the columns whose mean is to be explained.")
    if len(predictors) < 2:
        raise DesignError("Drivers share out what several predictors explain: name at least two.")


def _check_predictors(covariances: Covariances, outcomes: int) -> None:
    """Refuse, by name, what does not vary and a predictor that the others foretell."""
    matrix = _joined(covariances.matrix(), outcomes)
    names = ["the outcome", *(repr(name) for name in covariances.items[outcomes:])]
    if not np.isfinite(matrix).all():
        raise DesignError("No row has a score in the outcome and in all predictors: leave one out, or widen where=.")
    for name, variance in zip(names, np.diag(matrix).tolist(), strict=True):
        if not variance > 1e-12:
            raise DesignError(f"The drivers need answers that vary, and {name} does not: leave it out.")
    spread = np.sqrt(np.diag(matrix))
    correlations = (matrix / np.outer(spread, spread))[1:, 1:]
    for place in reversed(range(len(correlations))):
        others = [k for k in range(len(correlations)) if k != place]
        with_others = correlations[others, place]
        foretold = float(with_others @ np.linalg.pinv(correlations[np.ix_(others, others)]) @ with_others)
        if foretold > FORETOLD:
            raise DesignError(
                f"The predictor {names[1:][place]} is determined by the others (R2 = {foretold:.4f}), so that "
                "their weights cannot be told apart: leave it out."
            )


def _means(sample: "BoundTable", items: Sequence[str], where: Where) -> Estimates:
    """The mean score of each item over its own base."""
    plan = Plan()
    for item in items:
        score = plan.prepare(score_of(sample, item, "The analysis of drivers"))
        base = plan.place(("valid", item), indicator(~score.is_null()))
        above = plan.place(("score", item), value_where(~score.is_null(), score))
        plan.statistics.append(Statistic(item, (Part(above, base),), base))
    return estimate(sample, plan, kind="mean", by=None, where=where, whole=False)


def _beyond(estimates: Estimates, names: Sequence[str], level: float) -> NDArray[np.bool_]:
    """Whether each estimate's distance from the plain mean of all is beyond chance, all at once."""
    share = 1 / len(names)
    contrasts = {one: {(other,): float(one == other) - share for other in names} for one in names}
    compared = estimates.contrast(contrasts).compare(to=0, level=level)
    return np.asarray((compared.limits[:, 0] > 0) | (compared.limits[:, 1] < 0))
