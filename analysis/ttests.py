"""The t test: a mean against a number, or two groups against each other, as a contrast of means of the sample."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.design import describe
from analysis.errors import DesignError
from analysis.estimated import check_level, is_number
from analysis.estimates import Estimates
from analysis.estimation import is_numeric
from analysis.tables import degrees_of, where_complete
from analysis.totals import Where

if TYPE_CHECKING:
    from analysis.sample import Sample


@dataclass(frozen=True)
class TTest:
    """estimate: the difference named by `of` and `less`, in the units of the column; low, high: its limits at `level`;
    statistic: estimate / se, referred to t with df degrees of freedom. p: two-sided, 0-1. n: persons who count.
    """

    of: str
    less: str
    estimate: float
    se: float
    statistic: float
    df: float
    p: float
    low: float
    high: float
    level: float
    n: int

    def to_frame(self) -> pd.DataFrame:
        """One row: of, less, estimate, se, statistic, df, p, low, high, n."""
        names = ("of", "less", "estimate", "se", "statistic", "df", "p", "low", "high", "n")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def ttest(
    sample: "Sample", item: str, *, group: str | None, mu: float | None, where: Where, df: str | float, level: float
) -> TTest:
    """A t test; see `sample_tests.Tests.ttest`."""
    check_level(level)
    if (group is None) == (mu is None):
        raise DesignError("A t test compares two groups or a mean with a number: give one of group= and mu=.")
    if mu is not None and not (is_number(mu) and np.isfinite(mu)):
        raise DesignError(f"mu={mu!r} is no number to compare with.")
    named = [item] if group is None else [item, group]
    complete = where_complete(sample, named, where)
    if not is_numeric(sample.schema[item]):
        raise DesignError(
            f"The t test needs numbers, and the column {item!r} holds {sample.schema[item]}: score it first."
        )
    means = sample.mean(item, by=group, where=complete)
    if group is None:
        assert mu is not None
        return _judged(means, (f"the mean of {item}", f"{mu:g}"), {(item,): 1.0}, mu=float(mu), df=df, level=level)
    first, second = _two(means, item, group)
    between = (f"{group}={describe(second)}", f"{group}={describe(first)}")
    return _judged(means, between, {second: 1.0, first: -1.0}, mu=0.0, df=df, level=level)


def _two(means: Estimates, item: str, group: str) -> list[Any]:
    """The labels of the two groups that have answers."""
    held = [domain for domain, n in zip(means.domains, means.n.tolist(), strict=True) if n > 0]
    if len(held) != 2:
        shown = ", ".join(repr(describe(domain)) for domain in held[:5]) + (", ..." if len(held) > 5 else "")
        raise DesignError(
            f"The column {group!r} has {len(held)} values among the answers to {item!r} ({shown or 'none'}): a t test "
            "compares two; choose them with where=, or compare all with mean(by=).compare()."
        )
    return held


def _judged(
    means: Estimates, names: tuple[str, str], terms: dict[Any, float], *, mu: float, df: str | float, level: float
) -> TTest:
    found = means.contrast({"difference": terms})
    subject = f"The difference of {names[0]} and {names[1]}"
    freedom: str | float = df
    if df == "design":
        freedom = degrees_of(means, subject, spent=1)
    tested = found.compare(to=mu, adjust="none", df=freedom, level=level)
    if tested.reasons[0]:
        raise DesignError(f"{subject} has {tested.reasons[0]}, and so no test: widen where=, or name another column.")
    estimate, se = float(tested.differences[0]), float(tested.se[0])
    return TTest(
        of=names[0],
        less=names[1],
        estimate=estimate,
        se=se,
        statistic=estimate / se,
        df=float(tested.df[0]),
        p=float(tested.p[0]),
        low=float(tested.limits[0, 0]),
        high=float(tested.limits[0, 1]),
        level=level,
        n=int(found.n[0]),
    )
