"""Differences between estimates of one sample, with the covariance they share, as one declared family of tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.adjusting import ADJUSTMENTS, adjusted_p, cut, error_rate
from analysis.design import describe
from analysis.entries import Entries, chain
from analysis.errors import DesignError, nearest
from analysis.estimates import NO_VARIANCE, Estimates, check_level, positive_df
from analysis.simultaneous import MaxT
from analysis.variance import Root

Floats = NDArray[np.float64]
POWER = 0.8
NO_TEST = 1e-9


@dataclass(frozen=True)
class Rule:
    """How a family is tested: its adjustment, its level, its degrees of freedom and the seed of the simulation."""

    adjust: str = "max-t"
    level: float = 0.95
    df: str | float = "satterthwaite"
    seed: int = 20140101


@dataclass(frozen=True)
class Row:
    """One difference of a family: what is compared with what, and its coefficients over the entries."""

    variable: str
    domain: str
    reference: str
    plus: int
    minus: int | None
    fixed: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """m differences, in the units of the estimates; one family (index, wave and kind of comparison share one level).

    family: in words. root: of the differences. critical: what their standard errors are multiplied by for the limits.
    """

    family: str
    adjust: str
    level: float
    rows: tuple[Row, ...]
    differences: Floats
    root: Root
    df: Floats
    p: Floats
    p_adjusted: Floats
    critical: Floats
    limits: Floats
    reasons: tuple[str, ...]

    @property
    def se(self) -> Floats:
        """m standard errors of the differences."""
        return np.where(np.isnan(self.differences), np.nan, self.root.se())

    @property
    def covariance(self) -> Floats:
        """m x m, of the differences."""
        return self.root.covariance()

    @property
    def detectable(self) -> Floats:
        """m smallest differences that this test finds four times in five: (critical value + t of 0.8) standard
        errors.
        """
        from scipy import stats

        return (self.critical + stats.t.ppf(POWER, np.maximum(self.df, 1e-9))) * self.se

    def to_frame(self) -> pd.DataFrame:
        """One row per difference: domain, reference, difference, se, df, p, p_adjusted, low, high, detectable.

        With several variables a column `variable` comes first; where there is no test a last column says why.
        """
        frame = pd.DataFrame(
            {
                "domain": [row.domain for row in self.rows],
                "reference": [row.reference for row in self.rows],
                "difference": self.differences,
                "se": self.se,
                "df": self.df,
                "p": self.p,
                "p_adjusted": self.p_adjusted,
                "low": self.limits[:, 0],
                "high": self.limits[:, 1],
                "detectable": self.detectable,
            }
        )
        variables = [row.variable for row in self.rows]
        if len(set(variables)) > 1:
            frame.insert(0, "variable", variables)
        return frame.assign(reason=list(self.reasons)) if any(self.reasons) else frame


def compare(estimates: Estimates, to: Any, rule: Rule) -> Comparison:
    """The family of all shown estimates against `to`; see `Estimates.compare`."""
    entries = estimates.entries
    if isinstance(to, (int, float)) and not isinstance(to, bool):
        if (to,) in estimates.domains or not np.isfinite(to):
            raise DesignError(
                f"to={to!r} may be a number or the domain of this name: say to=({to!r},) for the domain, "
                "or give the domains labels of text."
                if np.isfinite(to)
                else f"to={to!r} is no number to compare with."
            )
        rows = [_row(estimates, i, None, f"{to:g}", fixed=float(to)) for i in range(estimates.shown)]
        return _family(f"each against {to:g}", rows, entries, rule)
    if to == "whole":
        rows = [_row(estimates, i, _whole(estimates, i), "whole") for i in _parts(estimates)]
        return _family("each against the whole", rows, entries, rule)
    if to == "rest":
        places = _parts(estimates)
        entries = chain([entries, estimates.rest_entries(places)])
        first = len(estimates.entries.values)
        rows = [_row(estimates, i, first + k, "rest") for k, i in enumerate(places)]
        return _family("each against the rest", rows, entries, rule)
    if to == "pairs":
        pairs = [
            (i, j) for i in range(estimates.shown) for j in range(i) if estimates.labels[i][0] == estimates.labels[j][0]
        ]
        rows = [
            _row(estimates, j, i, describe(estimates.labels[i][1]))
            for i, j in sorted(pairs, key=lambda pair: pair[::-1])
        ]
        return _family("all pairs", rows, entries, rule)
    return _against_domain(estimates, to, rule)


def change(estimates: Estimates, over: str, rule: Rule, *, baseline: Any) -> Comparison:
    """The family of changes from `baseline` to the last value of `over`; see `Estimates.change`."""
    if over not in estimates.by:
        raise DesignError(f"A change over {over!r} needs by= to hold it, for example by=['district', {over!r}].")
    place = estimates.by.index(over)
    rounds = sorted({label[place] for label in estimates.domains})
    if len(rounds) < 2:
        raise DesignError(f"A change needs two values of {over!r}, and there is only {describe(tuple(rounds))!r}.")
    first = rounds[0] if baseline is None else baseline
    if first not in rounds:
        raise DesignError(f"There is no {over} {first!r}. {nearest(first, rounds)}")
    last = rounds[-1] if rounds[-1] != first else rounds[-2]
    named = [*estimates.labels, *estimates.hidden_labels]
    position = {label: i for i, label in reversed(list(enumerate(named)))}
    rows = []
    for (variable, label), plus in position.items():
        before = (variable, tuple(first if i == place else part for i, part in enumerate(label)))
        if label[place] == last and before in position:
            others = tuple(part for i, part in enumerate(label) if i != place)
            rows.append((plus, Row(variable, describe(others) or "whole", str(first), plus, position[before])))
    ordered = [row for _, row in sorted(rows, key=lambda one: one[0])]
    unique = list({(row.variable, row.domain): row for row in reversed(ordered)}.values())[::-1]
    family = f"change from {first} to {last}"
    return _family(family, unique, estimates.entries, rule)


def _row(estimates: Estimates, plus: int, minus: int | None, reference: str, *, fixed: float = 0.0) -> Row:
    variable, domain = estimates.labels[plus]
    return Row(variable, describe(domain) or "whole", reference, plus, minus, fixed)


def _parts(estimates: Estimates) -> list[int]:
    """The shown estimates that are parts of a whole."""
    if not estimates.by or not estimates.wholes:
        raise DesignError("There is no whole to compare with: ask for the estimates with by=.")
    return [i for i, (_, domain) in enumerate(estimates.labels) if domain not in estimates.wholes]


def _whole(estimates: Estimates, place: int) -> int:
    v, d = divmod(place, len(estimates.domains))
    return estimates.shown + v * len(estimates.wholes) + estimates.whole_of(estimates.domains[d])


def _against_domain(estimates: Estimates, to: Any, rule: Rule) -> Comparison:
    wanted = to if isinstance(to, tuple) else (to,)
    if wanted not in estimates.domains:
        known = [describe(domain) for domain in estimates.domains]
        if describe(wanted) in known:
            raise DesignError(f"The domain {describe(wanted)!r} is labelled by a number: give to=({wanted[0]},).")
        raise DesignError(
            f"There is no domain {describe(wanted)!r} to compare with. {nearest(describe(wanted), known)} "
            "Or compare with 'whole', 'rest', 'pairs' or a number."
        )
    place, count = estimates.domains.index(wanted), len(estimates.domains)
    rows = [
        _row(estimates, i, i // count * count + place, describe(wanted))
        for i in range(estimates.shown)
        if i % count != place
    ]
    return _family(f"each against {describe(wanted)}", rows, estimates.entries, rule)


def contrast_matrix(rows: Sequence[Row], count: int) -> Floats:
    """count x m coefficients: +1 and -1."""
    matrix = np.zeros((count, len(rows)))
    for column, row in enumerate(rows):
        matrix[row.plus, column] += 1.0
        if row.minus is not None:
            matrix[row.minus, column] -= 1.0
    return matrix


def _family(family: str, rows: Sequence[Row], entries: Entries, rule: Rule) -> Comparison:
    check_level(rule.level)
    if rule.adjust not in ADJUSTMENTS:
        raise DesignError(f"adjust={rule.adjust!r} is not an adjustment. {nearest(rule.adjust, ADJUSTMENTS)}")
    if not rows:
        raise DesignError(f"There is nothing to compare in {family!r}: it needs at least two domains.")
    minus = np.array([0.0 if row.minus is None else entries.values[row.minus] for row in rows])
    differences = entries.values[[row.plus for row in rows]] - minus - np.array([row.fixed for row in rows])
    used = [[row.plus] if row.minus is None else [row.plus, row.minus] for row in rows]
    waves = np.array([entries.waves[places].any(axis=0) for places in used])
    rooted = entries.root.combine(contrast_matrix(rows, len(entries.values)))
    df = _degrees(rooted, waves, entries, rule)
    scale = float(entries.root.se().max(initial=0.0))
    # where a part is flat, the difference would pass off the other part's variance as its own
    varied = ~np.array([bool(entries.flat[places].any()) for places in used])
    tested = np.isfinite(differences) & varied & (rooted.se() > NO_TEST * scale) & (df > 0)
    p, adjusted, critical, limits = _tests(differences, rooted, waves, df=df, tested=tested, rule=rule)
    return Comparison(
        family=family,
        adjust=rule.adjust,
        level=rule.level,
        rows=tuple(rows),
        differences=differences,
        root=rooted,
        df=df,
        p=p,
        p_adjusted=adjusted,
        critical=critical,
        limits=limits,
        reasons=tuple(
            "" if known else next((entries.reasons[i] for i in places if entries.reasons[i]), NO_VARIANCE)
            for places, known in zip(used, tested.tolist(), strict=True)
        ),
    )


def _degrees(rooted: Root, waves: NDArray[np.bool_], entries: Entries, rule: Rule) -> Floats:
    if isinstance(rule.df, (int, float)):
        return np.full(len(waves), positive_df(rule.df))
    if rule.df == "satterthwaite":
        return rooted.satterthwaite(waves)
    if rule.df != "design":
        raise DesignError(f"df={rule.df!r} is not a rule. {nearest(rule.df, ('satterthwaite', 'design'))}")
    return np.full(len(waves), entries.df[:, 2].max())


def _tests(
    differences: Floats,
    rooted: Root,
    waves: NDArray[np.bool_],
    *,
    df: Floats,
    tested: NDArray[np.bool_],
    rule: Rule,
) -> tuple[Floats, Floats, Floats, Floats]:
    """p, adjusted p, critical values and limits of a family; missing where there is no test."""
    from scipy import stats

    se = rooted.se()
    p, adjusted, critical = (np.full(len(se), np.nan) for _ in range(3))
    p[tested] = 2 * stats.t.sf(np.abs(differences[tested] / se[tested]), df[tested])
    if tested.any() and rule.adjust == "max-t":
        part = rooted.columns(np.flatnonzero(tested))
        result = MaxT(differences[tested], part, waves[tested], seed=rule.seed)
        adjusted[tested], critical[tested] = result.p_adjusted(), result.critical(rule.level)
    elif tested.any():
        adjusted[tested] = adjusted_p(p[tested], rule.adjust)
        critical[tested] = stats.t.ppf(1 - error_rate(p[tested], rule.adjust, rule.level) / 2, df[tested])
    limits = np.column_stack([differences - critical * se, differences + critical * se])
    return p, adjusted, critical, cut(limits, differences, rejected=adjusted <= 1 - rule.level)
