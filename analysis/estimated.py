"""What estimates say of themselves: values, covariance, degrees of freedom, intervals, tables, their whole and rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import Any, Self, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import intervals
from analysis.design import describe
from analysis.entries import Entries, chain, pick
from analysis.errors import DesignError, nearest
from analysis.linear import Linear, Statistic
from analysis.moments import Moments, simple_variance

Floats = NDArray[np.float64]
Label = tuple[Any, ...]
DEFAULT_INTERVALS = {"share": "korn-graubard", "index": "logit", "variance": "log", "correlation": "fisher"}
COLUMNS = (
    *("variable", "estimate", "se", "low", "high", "df", "n"),
    *("design_effect", "lonely_strata", "of", "without", "reason"),
)
DEGREES = ("valid", "domain", "design")
NO_VARIANCE = "no estimated variance"
NEGATIVE = "its variance is estimated to be negative"
NO_DEGREE = "too few psus for an interval"


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def check_level(level: float) -> None:
    """Refuse what is no confidence level."""
    if not is_number(level) or not 0 < level < 1:
        raise DesignError(f"level={level!r} is not a confidence level: give a number between 0 and 1, such as 0.95.")


def positive_df(df: float) -> float:
    """Degrees of freedom given as a number, refused where they are none."""
    if not is_number(df) or not df > 0:
        raise DesignError(f"df={df!r} gives no interval and no test: give a number above 0.")
    return float(df)


def _check_names(by: tuple[str, ...]) -> None:
    """Refuse a column of domains that has the name of a column of the table of results, which would take its place."""
    taken = next((name for name in by if name in COLUMNS), None)
    if taken is not None:
        raise DesignError(f"The column {taken!r} of by= has the name of a column of the results: rename it.")


@dataclass(frozen=True)
class Estimated:
    """P = variables x domains estimates, variable-major, and behind them, hidden, those of the whole.

    by: the columns that make the domains; domains: their labels. kind: mean, total, ratio, share, index or contrast.
    of: what shares are of, in words, where it needs to be said.
    """

    by: tuple[str, ...]
    wave: str | None
    variables: tuple[str, ...]
    domains: tuple[Label, ...]
    wholes: tuple[Label, ...]
    entries: Entries
    kind: str
    engine: Linear | None = None
    statistics: tuple[Statistic, ...] = ()
    reference: str = "wr"
    moments: Callable[[], Moments] | None = None
    again: Callable[[tuple[str, ...]], Any] | None = None
    of: str = ""

    @property
    def shown(self) -> int:
        """How many estimates are shown; the entries after these are the hidden wholes."""
        return len(self.variables) * len(self.domains)

    @property
    def values(self) -> Floats:
        """P estimates, NaN where there is none (see `reasons`)."""
        return self.entries.values[: self.shown]

    @cached_property
    def covariance(self) -> Floats:
        """P x P, over variables and domains."""
        return self.entries.root.columns(range(self.shown)).covariance()

    @property
    def se(self) -> Floats:
        """P standard errors; NaN where there is no estimate, or where joint inclusion probabilities make its variance
        negative.
        """
        return np.where(np.isnan(self.values), np.nan, self.entries.root.se()[: self.shown])

    @property
    def df(self) -> Floats:
        """P degrees of freedom: psus less strata among the rows with a valid answer (Korn and Graubard 1999, 5.2)."""
        return self.degrees("valid")

    @property
    def n(self) -> Floats:
        """P numbers of persons who count."""
        return self.entries.n[: self.shown]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why there is no estimate, "" where there is one."""
        return self.entries.reasons[: self.shown]

    @property
    def without(self) -> tuple[str, ...]:
        """P texts: the items without a base in the domain that have one in another, "" where there are none."""
        found, count = [], len(self.domains)
        for v, statistic in enumerate(self.statistics):
            coefficients = self.entries.coefficients[v * count : (v + 1) * count]
            used = [k for k in range(len(statistic.parts)) if any(one and one[k] for one in coefficients)]
            for one, reason in zip(coefficients, self.reasons[v * count : (v + 1) * count], strict=True):
                absent = [statistic.parts[k].name for k in used if one and not one[k] and statistic.parts[k].name]
                found.append("" if reason else ", ".join(absent))
        return tuple(found)

    @property
    def labels(self) -> tuple[tuple[str, Label], ...]:
        """(variable, domain) of each estimate, in order."""
        return tuple((variable, domain) for variable in self.variables for domain in self.domains)

    @property
    def hidden_labels(self) -> tuple[tuple[str, Label], ...]:
        """(variable, whole) of each hidden estimate, in order."""
        return tuple((variable, whole) for variable in self.variables for whole in self.wholes)

    @cached_property
    def lonely_strata(self) -> NDArray[np.int64]:
        """P numbers of strata of which the answers of a domain leave one psu of several: the psus without an answer
        count with zero, so that the variance stands on little; see `Design.lonely_psu_in_domains`.
        """
        count = len(self.domains)
        if self.engine is None or self.engine.repeats is not None or len(self.statistics) * count != self.shown:
            return np.zeros(self.shown, dtype=np.int64)
        members = self.entries.members[: self.shown].reshape(len(self.statistics), count, -1)
        return np.concatenate([self.engine.lonely_strata(*one) for one in zip(self.statistics, members, strict=True)])

    def degrees(self, kind: str | float = "valid") -> Floats:
        """P degrees of freedom: "valid", "domain", "design" (psus less strata), "satterthwaite", or a number."""
        if is_number(kind):
            return np.full(self.shown, positive_df(kind))
        if kind == "satterthwaite":
            return self.entries.root.satterthwaite(self.entries.waves)[: self.shown]
        if kind not in DEGREES:
            raise DesignError(f"df={kind!r} is not a rule. {nearest(kind, (*DEGREES, 'satterthwaite'))}")
        return np.asarray(self.entries.df[: self.shown, DEGREES.index(kind)])

    def interval(self, *, method: str | None = None, level: float = 0.95, df: str | float = "valid") -> Floats:
        """P x 2 limits, in the units of the estimates; NaN where there is no estimate or no degree of freedom.

        method: mean, logit, likelihood, asin, beta, korn-graubard, xlogit or wilson; log and fisher. The default is
        korn-graubard (truncated) for shares, logit on 0-100 for indices, log for variances, fisher for correlations and
        mean otherwise (sources in `intervals`). Where all psus agree a variance
        of zero is no certainty: the default gives no interval inside the scale, a method asked for by name its own.
        """
        chosen = method or DEFAULT_INTERVALS.get(self.kind, "mean")
        check_level(level)
        scale, replicates = 100.0 if self.kind == "index" else 1.0, self.entries.root.replicates
        evidence = intervals.Evidence(
            values=self._within(scale),
            variance=self.se**2,
            df=self.degrees(df),
            n=self.n,
            pooled=self._pooled(scale),
            flat=self.entries.flat[: self.shown] & (method is None),
            logit=None if replicates is None else replicates.columns(np.arange(self.shown)).logit_variance(scale),
        )
        return intervals.limits(evidence, chosen, level=level, scale=scale)

    def _within(self, scale: float) -> Floats:
        """The values, those that only rounding puts beside an end of the scale at the end itself."""
        ends = np.where(np.abs(self.values - scale) <= 1e-12 * scale, scale, self.values)
        return np.where(np.abs(ends) <= 1e-12 * scale, 0.0, ends)

    def design_effect(self, reference: str | None = None) -> Floats:
        """P ratios of the variance to that of a simple random sample of as many persons; NaN where undefined.

        reference: "wr", drawn with replacement, or "wor", without (R's two conventions). Costs a second pass over
        the rows.
        """
        if self.moments is None or self.engine is None:
            return np.full(self.shown, np.nan)
        return self._design_effects[: self.shown] / self._correction(reference or self.reference)[: self.shown]

    def _correction(self, reference: str) -> Floats:
        if reference not in ("wr", "wor"):
            raise DesignError(f"design_effect={reference!r} is not a reference: choose 'wr' or 'wor'.")
        if reference == "wr":
            return np.ones(len(self.entries.n))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.entries.size > self.entries.n, 1 - self.entries.n / self.entries.size, np.nan)

    @cached_property
    def _design_effects(self) -> Floats:
        """Design effects against a sample with replacement, of shown and hidden entries."""
        assert self.engine is not None and self.moments is not None
        simple = simple_variance(self.engine, self.statistics, self.entries, self._statistic_of, self.moments())
        variance = self.entries.root.variance()
        return np.divide(variance, simple, out=np.full(len(simple), np.nan), where=simple > 0)

    @property
    def _statistic_of(self) -> list[int]:
        """Which statistic each entry, shown or hidden, is about."""
        count = range(len(self.statistics))
        return [v for v in count for _ in self.domains] + [v for v in count for _ in self.wholes]

    def _pooled(self, scale: float) -> Floats:
        """The design effect of each variable over its domains, for limits at the ends of the scale; else not needed."""
        if self.kind not in ("share", "index") or not np.isin(self._within(scale), (0.0, scale)).any():
            return np.ones(self.shown)
        effects = self.design_effect("wr").reshape(len(self.variables), len(self.domains))
        mean = [row[np.isfinite(row)].mean() if np.isfinite(row).any() else 1.0 for row in effects]
        return np.repeat(mean, len(self.domains))

    def to_frame(self, level: float = 0.95, *, method: str | None = None, df: str | float = "valid") -> pd.DataFrame:
        """One row per estimate: a column per `by` name, variable, estimate, se, low, high, df, n, design_effect.

        Where there is no estimate or no interval the numbers are missing, and a last column `reason` says why. Where a
        domain leaves strata with one of their psus a column `lonely_strata` counts them.
        """
        _check_names(self.by)
        frame = pd.DataFrame(
            {name: [label[i] for _, label in self.labels] for i, name in enumerate(self.by)}
            | {"variable": [variable for variable, _ in self.labels]}
        )
        limits = self.interval(method=method, level=level, df=df)
        numbers = {"estimate": self.values, "se": self.se, "low": limits[:, 0], "high": limits[:, 1]}
        frame = frame.assign(**numbers, df=self.degrees(df), n=self.n.astype(int), design_effect=self.design_effect())
        if self.lonely_strata.any():
            frame = frame.assign(lonely_strata=self.lonely_strata)
        if self.of:
            frame = frame.assign(of=self.of)
        if any(self.without):
            frame = frame.assign(without=list(self.without))
        reasons = [
            reason or ("" if np.isfinite(low) else NEGATIVE if below else NO_DEGREE if not df > 0 else NO_VARIANCE)
            for reason, low, below, df in zip(self.reasons, limits[:, 0], np.isnan(self.se), frame["df"], strict=True)
        ]
        return frame.assign(reason=reasons) if any(reasons) else frame

    def with_whole(self) -> Self:
        """The same estimates with the whole shown after the domains of each variable."""
        domains = tuple(self.wholes) if not self.by else (*self.domains, *self.wholes)
        if not self.by or any(whole in self.domains for whole in self.wholes):
            return self
        order = [place for v in range(len(self.variables)) for place in self._block(v)]
        hidden = list(range(self.shown, len(self.entries.values)))
        return replace(self, domains=domains, entries=pick(self.entries, [*order, *hidden]))

    def without_whole(self) -> Self:
        """The same estimates with the domains alone shown: the whole is not one of them to be ranked or paired."""
        count, kept = len(self.domains), [i for i, domain in enumerate(self.domains) if domain not in self.wholes]
        if not self.by or len(kept) == count:
            return self
        order = [variable * count + i for variable in range(len(self.variables)) for i in kept]
        hidden = list(range(self.shown, len(self.entries.values)))
        return replace(
            self, domains=tuple(self.domains[i] for i in kept), entries=pick(self.entries, [*order, *hidden])
        )

    def _block(self, variable: int) -> list[int]:
        count, wholes = len(self.domains), len(self.wholes)
        shown = list(range(variable * count, (variable + 1) * count))
        return shown + [self.shown + variable * wholes + i for i in range(wholes)]

    def rest_entries(self, places: Sequence[int]) -> Entries:
        """Entries of the rest: the whole of the same wave without the domain, for each of the shown estimates named."""
        if self.engine is None:
            raise DesignError("A contrast has no rest: compare estimates of a sample.")
        parts = []
        for place in places:
            v, d = divmod(place, len(self.domains))
            whole = self.entries.members[self.shown + v * len(self.wholes) + self.whole_of(self.domains[d])]
            members = whole & ~self.entries.members[place]
            parts.append(self.engine.entries(self.statistics[v], members[None, :]))
        return chain(parts)

    def whole_of(self, domain: Label) -> int:
        """The position of the whole that a domain belongs to: its own wave's."""
        if self.wave is None or len(self.wholes) == 1:
            return 0
        place = self.by.index(self.wave)
        return [whole[place] for whole in self.wholes].index(domain[place])

    def find(self, key: Any) -> int:
        """The position, shown or hidden, of an estimate named by its domain, or by (variable, domain..)."""
        wanted = key if isinstance(key, tuple) else (key,)
        named = [*self.labels, *self.hidden_labels]
        for place, (variable, domain) in enumerate(named):
            full = domain if self.by else ()
            if wanted == (variable, *full) or (len(self.variables) == 1 and wanted == domain):
                return place
            if len(wanted) == len(domain) and wanted == domain and len(self.variables) == 1:
                return place
        known = [
            describe(domain) if len(self.variables) == 1 else describe((variable, *domain))
            for variable, domain in named
        ]
        raise DesignError(f"There is no estimate of {describe(wanted)!r}. {nearest(describe(wanted), known)}")
