"""One answer against shares that are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import chisquare, estimation
from analysis.design import describe
from analysis.errors import DesignError, nearest
from analysis.estimated import NO_VARIANCE
from analysis.independence import SINGULAR
from analysis.linear import Part, Statistic
from analysis.tables import degrees_of, levels_of, where_complete
from analysis.totals import Where, answered, indicator

if TYPE_CHECKING:
    from analysis.sample import Sample

Floats = NDArray[np.float64]
Shares = Mapping[Any, float] | Sequence[float]


@dataclass(frozen=True)
class GoodnessOfFit:
    """A test of given shares. statistic: X2 of the weighted counts; statistic / scale is referred to a chi-square with
    df degrees of freedom, both by Satterthwaite. p: 0-1. n: persons with an answer.

    levels, shares, expected: the values, and the observed and given share of each (0-1).
    """

    statistic: float
    scale: float
    df: float
    p: float
    n: int
    levels: tuple[Any, ...]
    shares: tuple[float, ...]
    expected: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row: statistic, scale, df, p, n."""
        return pd.DataFrame(
            [{"statistic": self.statistic, "scale": self.scale, "df": self.df, "p": self.p, "n": self.n}]
        )


def goodness_of_fit(sample: "Sample", item: str, p: Shares, where: Where) -> GoodnessOfFit:
    """The test of given shares; see `sample_tests.Tests.goodness_of_fit`."""
    complete = where_complete(sample, [item], where)
    levels, expected = _given(item, levels_of(sample, item), p)
    plan = estimation.Plan()
    everybody = plan.place("all", indicator(answered(item, sample.schema)))
    for level in levels:
        place = plan.place(("level", level), indicator(answered(item, sample.schema) & (nw.col(item) == level)))
        plan.statistics.append(Statistic(describe(level), (Part(place, None),), everybody))
    counts = estimation.estimate(sample, plan, kind="total", by=None, where=complete, whole=False)
    degrees_of(counts, f"The column {item!r}")
    total = float(counts.values.sum())
    root = np.sqrt(expected * total)
    gap = (counts.values - expected * total) / root
    # the derivative of (O - N p) / sqrt(N p) by each count, N being their sum
    slope = np.diag(1 / root) - (expected / root + gap / (2 * total))[:, None]
    effects: Floats = np.asarray(np.linalg.eigvalsh(slope @ counts.covariance @ slope.T), dtype=float)
    if not effects.max() > SINGULAR * total / counts.n[0]:  # in a simple random sample they are about N / n
        raise DesignError(f"All psus agree on {item!r}: {NO_VARIANCE}, and so no test.")
    x2 = float(gap @ gap)
    scale, df = chisquare.satterthwaite(effects)
    return GoodnessOfFit(
        statistic=x2,
        scale=scale,
        df=df,
        p=chisquare.satterthwaite_tail(x2, effects),
        n=int(counts.n[0]),
        levels=tuple(levels),
        shares=tuple((counts.values / total).tolist()),
        expected=tuple(expected.tolist()),
    )


def _given(item: str, levels: list[Any], p: Shares) -> tuple[list[Any], Floats]:
    """The values and their shares under the hypothesis, checked; a mapping may name values that nobody gave."""
    if isinstance(p, Mapping):
        levels = _named(item, levels, p)
        p = [p[level] for level in levels]
    shares = np.asarray(p)
    if shares.ndim != 1 or shares.dtype.kind not in "biuf":
        raise DesignError(f"p={p!r} does not hold shares: give {{value: share}}, or a list of numbers.")
    if len(shares) != len(levels):
        held = ", ".join(repr(describe(level)) for level in levels)
        raise DesignError(f"p has {len(shares)} shares, and {item!r} has {len(levels)} values ({held}): give one each.")
    if len(levels) < 2:
        raise DesignError(f"The column {item!r} has one value only, which leaves nothing to test: name another column.")
    for level, share in zip(levels, shares.tolist(), strict=True):
        if not 0 < share < 1:
            raise DesignError(f"p gives {describe(level)!r} the share {share:g}: a share is above 0 and below 1.")
    if abs(shares.sum() - 1) > 1e-9:
        raise DesignError(f"p adds up to {shares.sum():.10g}: the shares of the values of {item!r} add up to 1.")
    return levels, shares


def _named(item: str, levels: list[Any], p: Mapping[Any, float]) -> list[Any]:
    for level in levels:
        if level not in p:
            raise DesignError(f"p gives no share to the value {level!r} of {item!r}. {nearest(level, p)}")
    for level in p:
        if isinstance(level, str) != isinstance(levels[0], str):
            raise DesignError(f"p names the value {level!r}, and {item!r} holds values such as {levels[0]!r}.")
    return [*levels, *(level for level in p if level not in levels)]
