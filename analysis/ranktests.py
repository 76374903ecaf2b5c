"""Rank tests for samples of a design: the rank of an answer is its place in the estimated population, and the mean
scores of the ranks are compared by group like any means (Lumley and Scott 2013).

With equal weights and no design the score "wilcoxon" is that of Wilcoxon, Mann and Whitney, and of Kruskal and Wallis.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import estimation
from analysis.design import describe
from analysis.errors import DesignError, nearest
from analysis.estimates import Estimates
from analysis.estimation import Plan, is_numeric
from analysis.linear import NOISE, Linear
from analysis.tables import degrees_of, where_complete
from analysis.totals import Where, numeric

if TYPE_CHECKING:
    from analysis.sample import Sample

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Score = Callable[[Floats], Floats]
GROUPS = 200
HALF = 0.5 + 1e-12  # a rank in the very middle is not above it, whatever rounding says


@dataclass(frozen=True)
class RankTest:
    """Whether the answers of all groups stand alike in the population.

    means: the mean score of each group (ranks are 0-1). Two groups: estimate is the second's mean less the first's, se
    its standard error, statistic t with ddf degrees of freedom (ndf 1). More: statistic is F with ndf and ddf, and
    estimate and se are None. p: two-sided, 0-1. n: persons who count.
    """

    score: str
    groups: tuple[Any, ...]
    means: Estimates
    estimate: float | None
    se: float | None
    statistic: float
    ndf: float
    ddf: float
    p: float
    n: int

    def to_frame(self) -> pd.DataFrame:
        """One row: score, then for two groups estimate and se, then statistic, ndf, ddf, p, n."""
        names = ["score", "estimate", "se", "statistic", "ndf", "ddf", "p", "n"]
        found = {name: getattr(self, name) for name in names}
        return pd.DataFrame([{name: value for name, value in found.items() if value is not None}])


def ranktest(sample: "Sample", item: str, group: str, *, score: str | Score, where: Where) -> RankTest:
    """A rank test; see `sample_tests.Tests.ranktest`."""
    name, scored = _score(score)
    complete = where_complete(sample, [item, group], where)
    if not is_numeric(sample.schema[item]):
        raise DesignError(
            f"A rank test needs an order, and the column {item!r} holds {sample.schema[item]}: score it first."
        )
    plan = Plan()
    place = plan.place("value", estimation.value_where(complete, numeric(item)))
    engine = estimation.read_rows(sample, plan, by=group, where=complete)
    held = (engine.reduced.domain >= 0) & engine.counts
    means = _means(engine, engine.reduced.plain[:, place], held, scored, group)
    subject = f"The rank test of {item!r} by {group!r}"
    if len(means.domains) == 2:
        return _two(means, name, degrees_of(means, subject, spent=1), subject)
    return _several(means, name, degrees_of(means, subject, spent=len(means.domains) - 1), subject)


def _means(engine: Linear, value: Floats, held: Booleans, score: Score, group: str) -> Estimates:
    """Mean scores of the groups that have answers."""
    reduced = engine.reduced
    present = [place for place in range(len(reduced.domains)) if (held & (reduced.domain == place)).any()]
    if not 2 <= len(present) <= GROUPS:
        raise DesignError(
            f"The column {group!r} has {len(present)} groups with answers: a rank test compares two or more, and at "
            f"most {GROUPS}."
        )
    if (engine.weight[held] < 0).any():
        raise DesignError("Some final weights are below 0, and ranks need none: calibrate with bounds=, or rake.")
    if not np.isfinite(value[held]).all():
        raise DesignError("The column to be ranked holds an infinite value: mend these rows.")
    member = held[:, None] & (reduced.domain[:, None] == np.array(present))
    order = np.unique(value[held], return_inverse=True)[1]

    def fit(weight: Floats) -> Floats:
        scores = np.zeros(len(weight))
        scores[held] = _scores(order, weight[held], score)
        below = weight @ member
        return np.divide((weight * scores) @ member, below, out=np.full(len(below), np.nan), where=below > 0)

    weight = engine.weight
    scores = np.zeros(len(weight))
    scores[held] = _scores(order, weight[held], score)
    found, size = fit(weight), weight @ member
    apart = scores[:, None] - found
    # a group whose answers are all alike does not vary, and what rounding leaves of it must not make a test
    influence = member * np.where(np.abs(apart) > NOISE * (1 + np.abs(found)), apart, 0.0) / size
    return Estimates(
        by=(group,),
        wave=None,
        variables=("mean score",),
        domains=tuple(reduced.domains[place] for place in present),
        wholes=(),
        entries=engine.entries_of_rows(found, influence, member, fit),
        kind="mean",
    )


def _scores(order: NDArray[np.int64], weight: Floats, score: Score) -> Floats:
    """The scores of the midranks: the share below, and half the share of those alike."""
    alike = np.bincount(order, weights=weight)
    whole = alike.sum()
    if not whole > 0:
        return np.full(len(weight), np.nan)
    ranks = (np.cumsum(alike) - alike / 2) / whole
    made = np.asarray(score(ranks))
    # a value that nobody represents (weight 0) has a rank at the very end of the scale, and no say
    if made.shape != ranks.shape or made.dtype.kind not in "biuf" or not np.isfinite(made[alike > 0]).all():
        raise DesignError("score= must turn an array of ranks between 0 and 1 into as many finite numbers.")
    return np.where(alike > 0, made.astype(float), 0.0)[order]


def _two(means: Estimates, name: str, ddf: float, subject: str) -> RankTest:
    from scipy import stats

    first, second = means.domains
    found = means.contrast({"difference": {second: 1.0, first: -1.0}})
    estimate, se = float(found.values[0]), float(found.se[0])
    reason = found.reasons[0] or ("" if se > 0 else "no estimated variance")
    if reason:
        raise DesignError(f"{subject} has {reason}, and so no test: widen where=, or name another column.")
    statistic = estimate / se
    p = float(2 * stats.t.sf(abs(statistic), ddf))
    return RankTest(name, _labels(means), means, estimate, se, statistic, 1.0, ddf, p, _n(means))


def _several(means: Estimates, name: str, ddf: float, subject: str) -> RankTest:
    from scipy import stats

    first, *others = means.domains
    differences = means.contrast({describe(one): {one: 1.0, first: -1.0} for one in others})
    if not (differences.se > 0).any():
        raise DesignError(f"{subject} has no estimated variance, and so no test: name another column.")
    ndf = float(len(others))
    statistic = differences.wald()["wald"] / ndf
    p = float(stats.f.sf(statistic, ndf, ddf))
    return RankTest(name, _labels(means), means, None, None, statistic, ndf, ddf, p, _n(means))


def _labels(means: Estimates) -> tuple[Any, ...]:
    return tuple(domain[0] for domain in means.domains)


def _n(means: Estimates) -> int:
    return int(means.n.sum())


def _score(score: str | Score) -> tuple[str, Score]:
    """A score by name, or the function given."""
    if callable(score):
        return getattr(score, "__name__", "score"), score
    if score not in SCORES:
        raise DesignError(f"score={score!r} is not a score of ranks. {nearest(score, SCORES)} Or give a function.")
    return score, SCORES[score]


def _normal(ranks: Floats) -> Floats:
    from scipy import special

    return np.asarray(special.ndtri(ranks))


SCORES: dict[str, Score] = {
    "wilcoxon": lambda ranks: ranks,
    "KruskalWallis": lambda ranks: ranks,
    "vanderWaerden": _normal,
    "median": lambda ranks: (ranks > HALF).astype(float),
}
