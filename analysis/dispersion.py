"""Variances and correlations in the population, as smooth functions of means.

S2 = n / (n - 1) (E y^2 - (E y)^2), the divisor of R's `survey`; r = cov(a, b) / sqrt(S2_a S2_b), where it cancels.
Standard errors by the delta method (Sarndal, Swensson and Wretman 1992, section 5.5). Squares are taken about the
column's mean in the table, so that large values with a small spread lose no digits.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis import estimation
from analysis.derived import Derived, Function, smooth
from analysis.design import check_columns
from analysis.entries import Entries, chain
from analysis.errors import DesignError
from analysis.estimation import Plan, is_numeric, joint, value_where
from analysis.linear import Linear, Part, Statistic
from analysis.totals import PREFIX, Frame, Where, answered, indicator, materialise, numeric

if TYPE_CHECKING:
    from analysis.bound import BoundTable, By

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
CONSTANT = 1e-12  # a variance below this share of the mean square is rounding
ALONE = "one person has no variance"
NO_SPREAD = "a column does not vary"


def variance(
    sample: "BoundTable", items: tuple[str, ...], *, by: "By", where: Where, whole: bool, listwise: bool
) -> Derived:
    """Variances of columns; see `sample_distributions.Distributions.variance`."""
    _check(sample, items, "The variance")
    centred = _centred(sample, items)
    plan, groups = Plan(), []
    together = joint([answered(item, sample.schema) for item in items])
    for item in items:
        valid = together if listwise else answered(item, sample.schema)
        one = centred[item]
        groups.append(_means(plan, item, valid, {item: one, f"{item} {item}": one * one}))
    return _estimated(sample, plan, groups, items, function=_variance, kind="variance", by=by, where=where, whole=whole)


def correlation(
    sample: "BoundTable", items: tuple[str, ...], *, by: "By", where: Where, whole: bool, listwise: bool
) -> Derived:
    """Correlations of every pair of columns; see `sample_distributions.Distributions.correlation`."""
    _check(sample, items, "The correlation")
    if len(items) < 2:
        raise DesignError(f"A correlation is between two columns, and only {items[0]!r} is named: name another.")
    centred = _centred(sample, items)
    plan, groups = Plan(), []
    names = [f"{first} ~ {second}" for first, second in combinations(items, 2)]
    for name, (first, second) in zip(names, combinations(items, 2), strict=True):
        valid = joint([answered(item, sample.schema) for item in (items if listwise else (first, second))])
        a, b = centred[first], centred[second]
        terms = {
            first: a,
            second: b,
            f"{first} {first}": a * a,
            f"{second} {second}": b * b,
            f"{first} {second}": a * b,
        }
        groups.append(_means(plan, "all" if listwise else name, valid, terms))
    return _estimated(
        sample, plan, groups, names, function=_correlation, kind="correlation", by=by, where=where, whole=whole
    )


def _check(sample: "BoundTable", items: Sequence[str], what: str) -> None:
    if not items:
        raise DesignError(f"{what} needs a column: name one.")
    check_columns(items, list(sample.schema), what)
    for place, item in enumerate(items):
        if item in items[:place]:
            raise DesignError(f"{what} names the column {item!r} twice: name it once.")
        if not is_numeric(sample.schema[item]):
            raise DesignError(
                f"{what} needs numbers, and the column {item!r} holds {sample.schema[item]}: score it first."
            )


def _centred(sample: "BoundTable", items: Sequence[str]) -> dict[str, nw.Expr]:
    """Each column less its unweighted mean in the table, which one more aggregate finds."""
    scores = [nw.when(answered(item, sample.schema)).then(numeric(item)) for item in items]
    means = table_means(sample.frame, items, scores)
    return {item: numeric(item) - mean for item, mean in zip(items, means.tolist(), strict=True)}


def table_means(frame: Frame, items: Sequence[str], scores: Sequence[nw.Expr]) -> NDArray[np.float64]:
    """The unweighted mean score of each item in the table; a null score is no score."""
    sums = []
    for place, score in enumerate(scores):
        sums.append(value_where(~score.is_null(), score).sum().alias(f"{PREFIX}v{place}"))
        sums.append(indicator(~score.is_null()).sum().alias(f"{PREFIX}n{place}"))
    found = materialise(frame.select(*sums))
    count = np.array([float(found[f"{PREFIX}n{place}"].to_list()[0] or 0.0) for place in range(len(items))])
    if not count.all():
        raise DesignError(f"The column {items[int(np.argmin(count))]!r} has no score at all: name another column.")
    return np.array([float(found[f"{PREFIX}v{place}"].to_list()[0]) for place in range(len(items))]) / count


def _means(plan: Plan, key: str, valid: nw.Expr, terms: dict[str, nw.Expr]) -> list[Statistic]:
    """The statistics of the means of some terms over the valid rows."""
    base = plan.place(("valid", key), indicator(valid))
    made = [
        Statistic(name, (Part(plan.place(("term", key, name), value_where(valid, term)), base),), base)
        for name, term in terms.items()
    ]
    plan.statistics.extend(made)
    return made


def _estimated(
    sample: "BoundTable",
    plan: Plan,
    groups: Sequence[Sequence[Statistic]],
    names: Sequence[str],
    *,
    function: Function,
    kind: str,
    by: "By",
    where: Where,
    whole: bool,
) -> Derived:
    means = estimation.estimate(sample, plan, kind="mean", by=by, where=where, whole=False)
    engine = means.engine
    assert engine is not None
    count, shown = len(means.domains), means.shown
    singles = means.entries.members[:count]
    wholes = means.entries.members[shown : shown + len(means.wholes)]

    def remake(variable: int, members: Booleans) -> Entries:
        return _made(engine, groups[variable], members, function)

    result = Derived(
        by=means.by,
        wave=means.wave,
        variables=tuple(names),
        domains=means.domains,
        wholes=means.wholes,
        entries=chain([remake(v, members) for members in (singles, wholes) for v in range(len(names))]),
        kind=kind,
        again=lambda more: _estimated(
            sample, plan, groups, names, function=function, kind=kind, by=more, where=where, whole=False
        ),
        remake=remake,
    )
    return result.with_whole() if whole else result


def _made(engine: Linear, statistics: Sequence[Statistic], members: Booleans, function: Function) -> Entries:
    return smooth(engine, [engine.entries(one, members) for one in statistics], function)


def _spread(first: Floats, square: Floats) -> Floats:
    """E y^2 - (E y)^2, 0 where only rounding is left of it."""
    left = square - first**2
    return np.where(left > CONSTANT * square, left, 0.0)


def _variance(means: Floats, n: Floats) -> tuple[Floats, Floats, list[str]]:
    first, square = means[..., 0], means[..., 1]
    factor = np.divide(n, n - 1, out=np.zeros(len(n)), where=n > 1)
    slopes = np.stack([-2 * factor * first, np.broadcast_to(factor, first.shape)], axis=-1)
    return factor * _spread(first, square), slopes, ["" if one > 1 else ALONE for one in n.tolist()]


def _correlation(means: Floats, n: Floats) -> tuple[Floats, Floats, list[str]]:
    a, b, aa, bb, ab = (means[..., k] for k in range(5))
    spread_a, spread_b = _spread(a, aa), _spread(b, bb)
    defined = (spread_a > 0) & (spread_b > 0)
    va, vb = np.where(defined, spread_a, 1.0), np.where(defined, spread_b, 1.0)
    s = np.sqrt(va * vb)
    r = np.clip((ab - a * b) / s, -1.0, 1.0)
    r = np.where(1 - np.abs(r) <= CONSTANT, np.sign(r), r)
    slopes = np.stack([r * a / va - b / s, r * b / vb - a / s, -r / (2 * va), -r / (2 * vb), 1 / s], axis=-1)
    flat = np.atleast_1d(defined.all(axis=tuple(range(defined.ndim - 1))))
    reasons = [
        ALONE if one <= 1 else "" if ok else NO_SPREAD for one, ok in zip(n.tolist(), flat.tolist(), strict=True)
    ]
    return np.where(defined, r, np.nan), slopes, reasons
