"""Tables of two answers and the tests of their independence: Rao and Scott, and Wald.

Everything comes from Estimates of the sample (shares or totals of the cells with their covariance), so that weighting,
later stages and replicates count without more ado.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import estimation, scoring
from analysis.design import check_columns, describe
from analysis.entries import pick
from analysis.errors import DesignError
from analysis.estimated import NO_DEGREE, NO_VARIANCE
from analysis.estimates import Estimates
from analysis.independence import Independence, TableTest
from analysis.linear import Part, Statistic
from analysis.totals import Where, answered, condition_of, indicator

if TYPE_CHECKING:
    from analysis.sample import Sample

Floats = NDArray[np.float64]
COLUMNS = ("denominator", "share", "se", "low", "high", "df", "n", "base", "weighted", "weighted_se")
LEVELS, CELLS = 200, 2_000


@dataclass(frozen=True)
class Crosstab:
    """A table of two columns over the rows that have a value in both.

    row_levels, column_levels: those that somebody gave; empty: (column, level) of the others, left out. Row by row:
    persons: unweighted counts of the cells; counts: Estimates of their totals (persons represented); of_all: of their
    shares (0-1) in the table.
    """

    sample: "Sample"
    row: str
    column: str
    where: nw.Expr
    row_levels: tuple[Any, ...]
    column_levels: tuple[Any, ...]
    empty: tuple[tuple[str, Any], ...]
    persons: tuple[int, ...]
    counts: Estimates
    of_all: Estimates

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self.row_levels), len(self.column_levels)

    @property
    def n(self) -> int:
        """Persons with both answers."""
        return int(self.of_all.n[0])

    @cached_property
    def of_row(self) -> Estimates:
        """Shares (0-1) that add up to 1 within each row: those of the column's values, by row. One more pass."""
        return self._bare.proportion(self.column, by=self.row, where=self.where)

    @cached_property
    def of_column(self) -> Estimates:
        """Shares (0-1) that add up to 1 within each column: those of the row's values, by column. One more pass."""
        return self._bare.proportion(self.row, by=self.column, where=self.where)

    @property
    def _bare(self) -> "Sample":
        """The sample without its instrument: a table has the values that were given, listed as choices or not."""
        return replace(self.sample, instrument=None)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Three rows per cell, one per denominator, with the interval that shares have by default (Korn-Graubard).

        Columns: the two variables; denominator: "all", or the variable within each of whose values the shares add up
        to 1; share, se, low, high (0-1), df; n: persons in the cell; base: persons in the denominator; weighted,
        weighted_se: persons represented by the cell. Where there is no interval a last column says why.
        """
        for name in (self.row, self.column):
            if name in ("all", "reason", *COLUMNS):
                raise DesignError(f"The table has a column {name!r} of its own: give the variable another name.")
        cells = [(a, b) for a in self.row_levels for b in self.column_levels]
        labels = {self.row: [a for a, _ in cells], self.column: [b for _, b in cells]}
        counts = {"n": np.array(self.persons), "weighted": self.counts.values, "weighted_se": self.counts.se}
        across, down = _places(self.of_row), _places(self.of_column)
        parts = [
            _shares(self.of_all, list(range(len(cells))), level).assign(denominator="all", **labels, **counts),
            _shares(self.of_row, [across[str(b), (a,)] for a, b in cells], level).assign(
                denominator=self.row, **labels, **counts
            ),
            _shares(self.of_column, [down[str(a), (b,)] for a, b in cells], level).assign(
                denominator=self.column, **labels, **counts
            ),
        ]
        frame = pd.concat(parts, ignore_index=True)
        return frame[[*labels, *COLUMNS, *(["reason"] if frame["reason"].any() else [])]]

    def test(self, statistic: str = "F") -> TableTest:
        """Whether the two answers are independent.

        statistic: "F" (Rao and Scott 1984, second order; the default), "Chisq" (first order), "lincom" (the same X2
        referred to its exact asymptotic distribution), "saddlepoint" (an approximation of that), "Wald" or "adjWald"
        (Koch, Freeman and Freeman 1975; the F of Korn and Graubard 1990). Raises DesignError where a variable has one
        value only, where there is no degree of freedom, and for a Wald test whose covariance is singular.
        """
        return self._independence.test(statistic)

    @property
    def design_effects(self) -> Floats:
        """The generalised design effects of the interactions (Rao and Scott 1981): 1 in a simple random sample."""
        return self._independence.design_effects

    @cached_property
    def _independence(self) -> Independence:
        for name, levels in ((self.row, self.row_levels), (self.column, self.column_levels)):
            if len(levels) < 2:
                raise DesignError(
                    f"The column {name!r} has the one value {describe(levels[0])!r} in this table, which leaves "
                    "nothing to test: widen where=, or name another column."
                )
        subject = f"The table of {self.row!r} and {self.column!r}"
        return Independence(subject, self.shape, self.counts, self.of_all, degrees_of(self.of_all, subject))


def crosstab(sample: "Sample", row: str, column: str, where: Where) -> Crosstab:
    """The table of two columns; see `sample_tests.Tests.crosstab`."""
    if row == column:
        raise DesignError(f"A table of {row!r} with itself says nothing: name two columns.")
    complete = where_complete(sample, [row, column], where)
    rows, columns = levels_of(sample, row), levels_of(sample, column)
    if len(rows) * len(columns) > CELLS:
        raise DesignError(
            f"The table of {row!r} and {column!r} would have {len(rows) * len(columns)} cells, more than {CELLS}: "
            "merge values first."
        )
    n = _persons(sample, row, column, complete)
    across = [level for level in rows if any((level, other) in n for other in columns)]
    down = [level for level in columns if any((other, level) in n for other in rows)]
    plan = _plan(sample, (row, across), (column, down))
    made = estimation.estimate(sample, plan, kind="share", by=None, where=complete, whole=False)
    cells = np.arange(len(across) * len(down))
    return Crosstab(
        sample=sample,
        row=row,
        column=column,
        where=complete,
        row_levels=tuple(across),
        column_levels=tuple(down),
        empty=tuple(
            (name, level)
            for name, levels, kept in ((row, rows, across), (column, columns, down))
            for level in dict.fromkeys((*levels, *scoring.choices_of(sample.instrument, name)))
            if level not in kept
        ),
        persons=tuple(n.get((a, b), 0) for a in across for b in down),
        counts=_some(made, cells, "total"),
        of_all=_some(made, cells + len(cells), "share"),
    )


def _persons(sample: "Sample", row: str, column: str, complete: nw.Expr) -> dict[tuple[Any, Any], int]:
    """Unweighted counts of the cells in which there is somebody."""
    plan = estimation.Plan()
    plan.statistics.append(Statistic("persons", (Part(plan.place("all", indicator(complete)), None),), 0))
    counted = estimation.estimate(sample, plan, kind="total", by=[row, column], where=complete, whole=False)
    found = {(a, b): int(n) for (a, b), n in zip(counted.domains, counted.n.tolist(), strict=True) if n > 0}
    if not found:
        raise DesignError(f"Nobody gave both {row!r} and {column!r}: there is no table; widen where=.")
    return found


def _plan(sample: "Sample", row: tuple[str, list[Any]], column: tuple[str, list[Any]]) -> estimation.Plan:
    """The totals of the cells, then their shares of all."""
    plan = estimation.Plan()
    both = answered(row[0], sample.schema) & answered(column[0], sample.schema)
    everybody = plan.place("all", indicator(both))
    cells = {
        f"{row[0]}={a}, {column[0]}={b}": plan.place(
            (a, b), indicator(both & (nw.col(row[0]) == a) & (nw.col(column[0]) == b))
        )
        for a in row[1]
        for b in column[1]
    }
    plan.statistics += [Statistic(name, (Part(cell, None),), everybody) for name, cell in cells.items()]
    plan.statistics += [Statistic(name, (Part(cell, everybody),), everybody) for name, cell in cells.items()]
    return plan


def _some(estimates: Estimates, places: NDArray[np.int64], kind: str) -> Estimates:
    """Some of the estimates of one domain, with their hidden wholes, as Estimates of their own."""
    chosen = places.tolist()
    return replace(
        estimates,
        variables=tuple(estimates.variables[place] for place in chosen),
        statistics=tuple(estimates.statistics[place] for place in chosen),
        entries=pick(estimates.entries, [*chosen, *(estimates.shown + place for place in chosen)]),
        kind=kind,
        again=None,
    )


def _places(estimates: Estimates) -> dict[tuple[str, Any], int]:
    return {label: place for place, label in enumerate(estimates.labels)}


def _shares(estimates: Estimates, places: list[int], level: float) -> pd.DataFrame:
    """share, se, low, high, df, base and the reason where there is no interval, of some estimates."""
    limits, df = estimates.interval(level=level)[places], estimates.df[places]
    reasons = [
        reason or ("" if np.isfinite(low) else NO_VARIANCE if freedom > 0 else NO_DEGREE)
        for reason, low, freedom in zip(
            [estimates.reasons[place] for place in places], limits[:, 0], df.tolist(), strict=True
        )
    ]
    return pd.DataFrame(
        {
            "share": estimates.values[places],
            "se": estimates.se[places],
            "low": limits[:, 0],
            "high": limits[:, 1],
            "df": df,
            "base": estimates.n[places].astype(int),
            "reason": reasons,
        }
    )


def levels_of(sample: "Sample", item: str) -> list[Any]:
    """The values of a column of which a person gives one, in the instrument's order where it asks the item."""
    if scoring.is_multiple(sample.instrument, item):
        raise DesignError(f"Of {item!r} a person may choose several values: make a column of each, and name one.")
    levels = estimation.observed_levels(sample.frame, item)
    if not levels:
        raise DesignError(f"Nobody answered {item!r}, so that there is nothing to count: name another column.")
    if len(levels) > LEVELS:
        raise DesignError(f"The column {item!r} holds {len(levels)} values: name a column of categories.")
    choices = scoring.choices_of(sample.instrument, item)
    return sorted(levels, key=lambda level: choices.index(level) if level in choices else len(choices))


def where_complete(sample: "Sample", items: Sequence[str], where: Where) -> nw.Expr:
    """`where`, and a value in every column: what is missing is outside the domain, and degrees of freedom see it."""
    check_columns(items, list(sample.schema), "The request")
    given = condition_of(where, sample.schema)
    complete = estimation.joint([answered(item, sample.schema) for item in items])
    return complete if given is None else given & complete


def degrees_of(estimates: Estimates, subject: str, *, spent: int = 0) -> float:
    """Degrees of freedom of the design after `where`, less those spent; refused where none is left."""
    degrees = float(np.min(estimates.degrees("design"))) - spent
    if not degrees > 0:
        raise DesignError(f"{subject} has answers from too few psus for a test: widen where=, or name another column.")
    return degrees
