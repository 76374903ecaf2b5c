"""A family of differences: tested together at one error rate, with the covariance that the estimates share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.adjusting import ADJUSTMENTS, adjusted_p, cut, error_rate
from analysis.entries import Entries
from analysis.errors import DesignError, nearest
from analysis.estimates import NO_VARIANCE, Estimates, check_level, positive_df
from analysis.simultaneous import SEED, MaxT
from analysis.variance import Root, join

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
POWER = 0.8
NO_TEST = 1e-9
ARRAYS = ("differences", "df", "p", "p_adjusted", "critical", "limits", "tested")


@dataclass(frozen=True)
class Rule:
    """How a family is tested: its adjustment, its level, its degrees of freedom and the seed of the simulation."""

    adjust: str = "max-t"
    level: float = 0.95
    df: str | float = "satterthwaite"
    seed: int = SEED


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
    tested: m, whether there is a test; simulation: of those tested. notes: what is to be known of a difference that
    was tested. parts: the families, where there are several side by side (one per city).
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
    tested: Booleans
    simulation: MaxT | None
    notes: tuple[str, ...]
    parts: tuple["Comparison", ...] = ()

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

    @property
    def approximate(self) -> bool:
        """Whether the adjustment simulates from replicates, which do not tell the strata apart."""
        return self.adjust == "max-t" and self.root.replicates is not None

    def to_frame(self) -> pd.DataFrame:
        """One row per difference: domain, reference, difference, se, df, p, p_adjusted, low, high, detectable.

        With several variables a column `variable` comes first; where there is no test a last column `reason` says
        why, and where the two sides are not made of the same items a last column `note` does.
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
        said = {"reason": self.reasons, "note": self.notes}
        return frame.assign(**{name: list(texts) for name, texts in said.items() if any(texts)})

    def equivalence(self, margin: float) -> pd.DataFrame:
        """Whether each difference is shown to be smaller than `margin`, in the units of the estimates: two one-sided
        tests; see `equivalence.equivalence`.
        """
        from analysis.equivalence import equivalence

        return equivalence(self, margin)


def contrast_matrix(rows: Sequence[Row], count: int) -> Floats:
    """count x m coefficients: +1 and -1."""
    matrix = np.zeros((count, len(rows)))
    for column, row in enumerate(rows):
        matrix[row.plus, column] += 1.0
        if row.minus is not None:
            matrix[row.minus, column] -= 1.0
    return matrix


def make_family(family: str, rows: Sequence[Row], estimates: Estimates, rule: Rule, *, entries: Entries) -> Comparison:
    """The tests of a family; entries: what the rows count from, `estimates.entries` or more behind them."""
    check_level(rule.level)
    if not isinstance(rule.adjust, str) or rule.adjust not in ADJUSTMENTS:
        raise DesignError(f"adjust={rule.adjust!r} is not an adjustment. {nearest(rule.adjust, ADJUSTMENTS)}")
    if not rows:
        raise DesignError(f"There is nothing to compare in {family!r}: it needs at least two domains.")
    matrix = contrast_matrix(rows, len(entries.values))
    used = [[row.plus] if row.minus is None else [row.plus, row.minus] for row in rows]
    minus = np.array([0.0 if row.minus is None else entries.values[row.minus] for row in rows])
    differences = entries.values[[row.plus for row in rows]] - minus - np.array([row.fixed for row in rows])
    waves = np.array([entries.waves[places].any(axis=0) for places in used])
    rooted = entries.root.combine(matrix)
    df = _degrees(rooted, waves, entries, rule)
    scale = float(np.nan_to_num(entries.root.se()).max(initial=0.0))
    # where a part is flat, the difference would pass off the other part's variance as its own
    varied = ~np.array([bool(entries.flat[places].any()) for places in used])
    tested = np.isfinite(differences) & varied & (rooted.se() > NO_TEST * scale) & (df > 0)
    needed = np.flatnonzero(matrix[:, tested].any(axis=1))
    part, contrasts = entries.root.columns(needed), matrix[np.ix_(needed, tested)]
    simulation = MaxT(differences[tested], part, waves[tested], contrasts, seed=rule.seed)
    p, adjusted, critical = _tests(simulation, df=df, tested=tested, rule=rule)
    limits = np.column_stack([differences - critical * rooted.se(), differences + critical * rooted.se()])
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
        limits=cut(limits, differences, rejected=adjusted <= 1 - rule.level),
        reasons=tuple(
            "" if known else next((entries.reasons[i] for i in places if entries.reasons[i]), NO_VARIANCE)
            for places, known in zip(used, tested.tolist(), strict=True)
        ),
        tested=tested,
        simulation=simulation,
        notes=tuple(
            other_items(estimates, row.variable, [entries.coefficients[i] for i in places]) if known else ""
            for row, places, known in zip(rows, used, tested.tolist(), strict=True)
        ),
    )


def _degrees(rooted: Root, waves: Booleans, entries: Entries, rule: Rule) -> Floats:
    if isinstance(rule.df, (int, float)):
        return np.full(len(waves), positive_df(rule.df))
    if rule.df == "satterthwaite":
        return rooted.satterthwaite(waves)
    if rule.df != "design":
        raise DesignError(f"df={rule.df!r} is not a rule. {nearest(rule.df, ('satterthwaite', 'design'))}")
    return np.full(len(waves), entries.df[:, 2].max())


def _tests(simulation: MaxT, *, df: Floats, tested: Booleans, rule: Rule) -> tuple[Floats, Floats, Floats]:
    """p, adjusted p and critical values of a family; missing where there is no test."""
    from scipy import stats

    p, adjusted, critical = (np.full(len(tested), np.nan) for _ in range(3))
    if not tested.any():
        return p, adjusted, critical
    p[tested] = 2 * stats.t.sf(np.abs(simulation.statistics), df[tested])
    if rule.adjust == "max-t":
        adjusted[tested], critical[tested] = simulation.p_adjusted(), simulation.critical(rule.level)
    else:
        adjusted[tested] = adjusted_p(p[tested], rule.adjust)
        critical[tested] = stats.t.ppf(1 - error_rate(p[tested], rule.adjust, rule.level) / 2, df[tested])
    return p, adjusted, critical


def joined(parts: Sequence[Comparison], family: str) -> Comparison:
    """Several families side by side, each keeping its own error rate."""
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    return replace(
        parts[0],
        **arrays,
        family=family,
        rows=tuple(row for part in parts for row in part.rows),
        root=join([part.root for part in parts]),
        reasons=tuple(reason for part in parts for reason in part.reasons),
        notes=tuple(note for part in parts for note in part.notes),
        simulation=None,
        parts=tuple(parts),
    )


def other_items(estimates: Estimates, variable: str, sides: Sequence[tuple[float, ...]]) -> str:
    """A note where the two sides of a difference are not made of the same items, "" where they are."""
    if len(sides) != 2 or not estimates.statistics:
        return ""
    parts = estimates.statistics[estimates.variables.index(variable)].parts
    if not all(len(side) == len(parts) for side in sides):
        return ""
    apart = [part.name for part, one, other in zip(parts, *sides, strict=True) if (one == 0) != (other == 0)]
    return f"not made of the same items: only one side has {', '.join(apart)}" if apart else ""
