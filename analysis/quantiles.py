"""Quantiles of a column as Estimates: values, Woodruff limits, standard errors and covariance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import estimation
from analysis.derived import Derived
from analysis.design import as_names
from analysis.entries import Entries
from analysis.errors import DesignError, nearest
from analysis.estimates import NO_DEGREE, NO_VARIANCE, check_level
from analysis.linear import Linear
from analysis.quantile_column import read_column
from analysis.quantile_rules import BY_DISTINCT_VALUE, RULES, Arrange, Inverse, ordered
from analysis.totals import Where
from analysis.woodruff import METHODS, Targets, Turn

if TYPE_CHECKING:
    from analysis.bound import BoundTable, By

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
INTERVALS = (*METHODS, "score", "replicates")
JACKKNIFE = ("JK1", "JKn", "jackknife")
OPEN = "the interval of the share leaves 0-1: choose interval='xlogit'"


@dataclass(frozen=True)
class Quantiles(Derived):
    """Estimates of quantiles, in the units of the column; a variable for each probability.

    `interval` and `to_frame` give Woodruff limits at any level; se and covariance are from those at the level that
    the quantiles were asked with.
    """

    targets: Targets | None = None
    places: Mapping[tuple[str, tuple[Any, ...]], int] | None = None
    probabilities: Mapping[str, float] | None = None
    level: float = 0.95

    @property
    def se(self) -> Floats:
        """P standard errors; NaN where the share has no interval that could be turned back."""
        assert self.targets is not None
        found = super().se
        if self.targets.turn.method == "replicates":
            return found
        return np.where((found > 0) | np.isfinite(self.interval()).any(axis=1), found, np.nan)

    def interval(self, *, method: str | None = None, level: float | None = None, df: str | float = "valid") -> Floats:
        """P x 2 limits, in the units of the column; NaN where there is none.

        method: None, the way asked for with interval=; "mean", the quantile plus and minus t standard errors.
        """
        assert self.targets is not None and self.places is not None
        chosen = self.level if level is None else level
        check_level(chosen)
        if method == "mean" or (method is None and self.targets.turn.method == "replicates"):
            return super().interval(method="mean" if method else None, level=chosen, df=df)
        if method is not None:
            raise DesignError(
                f"The limits of a quantile are not made by method={method!r}: ask quantile(interval=...) for them, or "
                "take method='mean'."
            )
        places = [self.places[label] for label in self.labels]
        freedom = np.zeros(len(self.targets.p))
        freedom[places] = self.degrees(df)
        return self.targets.limits(chosen, freedom)[places]

    def to_frame(
        self, level: float | None = None, *, method: str | None = None, df: str | float = "valid"
    ) -> pd.DataFrame:
        """One row per estimate: a column per `by` name, variable, p (0-1), estimate, se, low, high, df, n.

        Where a number is missing a last column `reason` says why.
        """
        assert self.probabilities is not None
        frame = super().to_frame(self.level if level is None else level, method=method, df=df)
        frame.insert(len(self.by) + 1, "p", [self.probabilities[v] for v, _ in self.labels])
        reasons = [
            reason or _why(low, high, df)
            for reason, low, high, df in zip(self.reasons, frame["low"], frame["high"], frame["df"], strict=True)
        ]
        frame = frame.drop(columns="reason", errors="ignore")
        return frame.assign(reason=reasons) if any(reasons) else frame


def _why(low: float, high: float, df: float) -> str:
    if np.isfinite(low) and np.isfinite(high):
        return ""
    if not df > 0:
        return NO_DEGREE
    return OPEN if np.isfinite(low) or np.isfinite(high) else NO_VARIANCE


def quantile(
    sample: "BoundTable",
    item: str,
    probs: float | Sequence[float],
    *,
    rule: str,
    interval: str,
    by: "By",
    where: Where,
    level: float,
) -> Quantiles:
    """Quantiles of a column; see `sample_distributions.Distributions.quantile`."""
    if rule not in RULES:
        raise DesignError(f"rule={rule!r} is not a rule of quantiles. {nearest(rule, RULES)}")
    if interval not in INTERVALS:
        raise DesignError(f"interval={interval!r} is not an interval of quantiles. {nearest(interval, INTERVALS)}")
    return inverted(
        sample,
        item,
        probs,
        rule=RULES[rule],
        turn=Turn(interval),
        by=by,
        where=where,
        level=level,
        summed=rule in BY_DISTINCT_VALUE,
    )


def inverted(
    sample: "BoundTable",
    item: str,
    probs: float | Sequence[float],
    *,
    rule: Inverse,
    turn: Turn,
    by: "By",
    where: Where,
    level: float,
    summed: bool,
    arrange: Arrange = ordered,
) -> Quantiles:
    """Quantiles by any rule; summed: whether rows with equal values may be summed first; arrange: how answers are put
    in order.
    """
    check_level(level)
    chosen = read_probabilities(probs)
    column = replace(read_column(sample, item, by, where, summed=summed), arrange=arrange)
    _check_replicates(column.engine, turn)
    names, reduced = as_names(by), column.engine.reduced
    domains, count = reduced.domains, len(chosen)
    wholes, labels = estimation.wholes_of(domains, names, sample.design.wave)
    variables = tuple(f"{item} p{100 * p:g}" for p in chosen)
    members = [np.eye(len(domains), dtype=bool), wholes]
    targets = Targets(
        column=column,
        rule=rule,
        turn=turn,
        p=np.concatenate([np.repeat(chosen, len(one)) for one in members]),
        members=np.vstack([np.tile(one, (count, 1)) for one in members]),
    )
    named = [(variable, label) for group in (domains, labels) for variable in variables for label in group]

    def remake(variable: int, sets: Booleans) -> Entries:
        return replace(targets, p=np.repeat(chosen[variable], len(sets)), members=sets, known={}).entries(level)

    return Quantiles(
        by=names,
        wave=sample.design.wave if sample.design.wave in names else None,
        variables=variables,
        domains=domains,
        wholes=labels,
        entries=targets.entries(level),
        kind="quantile",
        again=lambda more: inverted(
            sample,
            item,
            probs,
            rule=rule,
            turn=turn,
            by=more,
            where=where,
            level=level,
            summed=summed,
            arrange=arrange,
        ),
        remake=remake,
        targets=targets,
        places={label: place for place, label in reversed(list(enumerate(named)))},
        probabilities=dict(zip(variables, chosen, strict=True)),
        level=level,
    )


def read_probabilities(probs: float | Sequence[float]) -> list[float]:
    """Probabilities, each inside 0-1 and named once."""
    listed: list[Any] = [probs] if probs is None or np.ndim(probs) == 0 else list(np.asarray(probs, dtype=object))
    if not listed:
        raise DesignError("probs= is empty: give shares between 0 and 1, such as 0.5 for the median.")
    for place, p in enumerate(listed):
        if isinstance(p, bool) or not isinstance(p, (int, float, np.number, np.ndarray)) or not 0 < p < 1:
            raise DesignError(f"probs= holds {p!r}, which is no share: give numbers between 0 and 1, such as 0.5.")
        if p in listed[:place]:
            raise DesignError(f"probs= holds {p!r} twice: name it once.")
    return [float(p) for p in listed]


def _check_replicates(engine: Linear, turn: Turn) -> None:
    if turn.method != "replicates":
        return
    if not engine.replicated:
        raise DesignError("interval='replicates' needs a sample with replicate weights: make them, or take 'mean'.")
    if engine.repeats is not None and engine.repeats.kind in JACKKNIFE:
        raise DesignError(
            "The jackknife is no estimate of the variance of a quantile, however large the sample: take "
            "interval='mean', which repeats the share, or replicate('bootstrap')."
        )
