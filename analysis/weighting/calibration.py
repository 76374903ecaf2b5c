"""Calibration: weights as near to the old ones as a distance says, under which totals of a model's columns are met.

Deville and Sarndal 1992. The variance is that of the residuals of a regression on the columns, with the weights
before the step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.design import as_names, check_columns, describe
from analysis.errors import DesignError, nearest
from analysis.terms import INTERCEPT, Column, Factor, Formula, ModelMatrix, column_of, model_matrix, parse_formula
from analysis.weighting.cells import Cells, Floats
from analysis.weighting.distances import Distance
from analysis.weighting.margins import Margin, number_of, read_margins
from analysis.weighting.newton import solve_calibration
from analysis.weighting.projection import Basis, basis_of
from analysis.weighting.steps import Before

TOLERANCE = 1e-10
AGREEMENT = 1e-9
FIRMNESS = 1000.0  # in naming what is out of reach, the number of persons is taken as given


@dataclass(frozen=True)
class Calibration:
    """Agreement of weighted sums with totals: of columns by their names, and of categories as margins."""

    formula: Formula
    totals: Mapping[str, float]
    margins: tuple[Margin, ...]
    distance: Distance
    credit: str = "design"
    estimated: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns of the formula."""
        return self.formula.predictors

    def matrix(self, cells: Cells, held: Floats) -> tuple[ModelMatrix, Mapping[str, Column]]:
        """The model's columns by cell, 0 where a cell weighs nothing (held: C), and the variables they come from."""
        places = np.flatnonzero(held != 0)
        columns = {}
        for name in self.variables:
            values = cells.column(name)
            columns[name] = _checked(name, column_of(name, [values[place] for place in places]))
        made = model_matrix(self.formula, columns, len(places))
        full = np.zeros((len(held), len(made.names)))
        full[places] = made.values
        return ModelMatrix(made.names, full, made.term), columns

    def solve(self, cells: Cells, before: Before) -> Floats:
        """C x B factors. Raises DesignError for missing or unknown totals, for totals that contradict each other,
        and, naming the column and what it is off, for totals that the bounds put out of reach.
        """
        held = np.abs(before.weight).sum(axis=1)
        made, columns = self.matrix(cells, held)
        totals = self._targets(made, columns)
        basis = basis_of(made.values, before.weight[:, 0])
        target = basis.inverse @ totals
        reach = np.maximum(np.abs(totals), (np.abs(made.values) * np.abs(before.weight[:, :1])).sum(axis=0))
        _check_consistent(made.names, totals, basis.loading @ target, reach)
        solved = solve_calibration(
            basis.values, basis.loading, target, before.weight, distance=self.distance, tolerance=TOLERANCE * reach
        )
        off = np.abs(solved.misfit) / reach[:, None]
        if not off.max() <= TOLERANCE:
            column = int(np.argmax(~(off.max(axis=0) <= TOLERANCE)))
            weight = before.weight[:, column]
            raise self._unreachable(made, totals, weight, solved.misfit[:, column], before.name(column))
        return np.where(held[:, None] > 0, solved.factor, 1.0)

    def _targets(self, made: ModelMatrix, columns: Mapping[str, Column]) -> Floats:
        """The total of each column, from the totals by name and from the margins."""
        totals = dict(self.totals)
        for margin in self.margins:
            for name, total in _from_margin(self.formula, margin, columns).items():
                if abs(totals.setdefault(name, total) - total) > AGREEMENT * max(abs(total), abs(totals[name])):
                    raise DesignError(
                        f"The totals disagree: {name!r} is {totals[name]:.10g} in one and {total:.10g} by the "
                        f"categories of {' x '.join(margin.variables)}. Give one of them, or mend it."
                    )
        for name in totals:
            if name not in made.names:
                raise DesignError(
                    f"totals= names the column {name!r}, which the model does not have. {nearest(name, made.names)}"
                )
        for name in made.names:
            if name not in totals:
                raise DesignError(
                    f"totals= lacks the column {name!r}: the model {self.formula.text!r} has the columns "
                    f"{', '.join(made.names)}, and each needs its total."
                )
        return np.array([totals[name] for name in made.names])

    def explain(self, cells: Cells, weight: Floats, sums: Floats) -> Floats:
        """The weighted least squares fit of the columns."""
        return self._basis(cells, weight).fit(weight, sums)

    def _basis(self, cells: Cells, weight: Floats) -> Basis:
        """The basis under these weights; kept, since every statistic of a request asks for the same."""
        known = cells.memory.get(id(self))
        if known is None or known[0] is not self or not np.array_equal(known[1], weight):
            known = (self, weight, basis_of(self.matrix(cells, weight)[0].values, weight))
            cells.memory[id(self)] = known
        basis: Basis = known[2]
        return basis

    def notes(self, cells: Cells, before: Before, factor: Floats) -> tuple[str, ...]:
        """How many weights are not above 0."""
        after = before.weight[:, 0] * factor
        bad = (before.weight[:, 0] > 0) & (after <= 0)
        if not bad.any():
            return ()
        rows = before.rows[:, 0]
        return (
            f"calibrate: {int(rows[bad].sum())} of {int(rows.sum())} weights are negative or 0; quantiles and shares "
            "can leave their scale. Use distance='raking', or bounds= that begin above 0.",
        )

    def _unreachable(
        self, made: ModelMatrix, totals: Floats, weight: Floats, misfit: Floats, where: str
    ) -> DesignError:
        low, high = self.distance.least, self.distance.high
        cost = np.array([FIRMNESS if name == INTERCEPT else 1.0 for name in made.names])
        gaps = least_gaps(made.values, totals, weight, bounds=(low, high), cost=cost)
        size = np.maximum(np.abs(totals), 1.0)
        if np.abs(gaps / size).max() <= 1e-8:
            worst = int(np.argmax(np.abs(misfit) / size))
            return DesignError(
                f"calibrate did not converge{where}: the sum of {made.names[worst]!r} is still {misfit[worst]:.6g} off "
                f"its total {totals[worst]:.10g}. Widen bounds=, or leave the column out."
            )
        worst = int(np.argmax(np.abs(gaps) / size))
        between, remedy = f"between {low:g} and {high:g} times the old", "Widen bounds="
        if (low, high) == (0, np.inf):
            between, remedy = "of at least 0", "Mend the total"
        return DesignError(
            f"calibrate cannot reach the total of {made.names[worst]!r}{where}: with new weights {between} it comes no "
            f"nearer to {totals[worst]:.10g} than {totals[worst] - gaps[worst]:.10g} ({abs(gaps[worst]):.6g} off). "
            f"{remedy}, or leave the column out."
        )


def read_calibration(
    formula: str,
    totals: Mapping[Any, Any],
    *,
    distance: Distance,
    credit: str,
    columns: Sequence[str],
) -> Calibration:
    """A calibration as asked for, checked. totals: {column of the model: total}, and, for the totals of all categories,
    {variable(s): {category: total}}.
    """
    read = parse_formula(formula)
    if read.response is not None:
        raise DesignError(f"The formula {formula!r} of a calibration has a left-hand side: give '~ column + column'.")
    check_columns(read.predictors, columns, f"The formula {formula!r}")
    if not isinstance(totals, Mapping) or not totals:
        raise DesignError(
            "totals= holds nothing: give {'(Intercept)': persons, column: total} for the model's columns."
        )
    plain = {str(name): number_of(str(name), total) for name, total in totals.items() if not isinstance(total, Mapping)}
    nested = {name: total for name, total in totals.items() if isinstance(total, Mapping)}
    for name, total in plain.items():
        if not np.isfinite(total):
            raise DesignError(f"The total of {name!r} is {total:g}: give a finite number.")
    for name in (one for key in nested for one in as_names(key)):
        if name not in read.predictors:
            raise DesignError(
                f"totals= lists categories of {name!r}, which the formula {formula!r} does not hold. "
                f"{nearest(name, read.predictors)}"
            )
    return Calibration(read, plain, read_margins(nested, columns) if nested else (), distance, credit)


def _checked(name: str, column: Column) -> Column:
    if not isinstance(column, Factor) and not np.isfinite(column).all():
        raise DesignError(f"The column {name!r} holds an infinite value: mend these rows before calibrating on it.")
    return column


def _from_margin(formula: Formula, margin: Margin, columns: Mapping[str, Column]) -> dict[str, float]:
    """The totals of the model's columns that follow from those of categories."""
    labels, counts = list(margin.totals), np.array(list(margin.totals.values()))
    given: dict[str, Column] = {}
    for name, column in columns.items():
        if name not in margin.variables:
            zeros = np.zeros(len(labels))
            given[name] = Factor(zeros.astype(np.int64), column.levels) if isinstance(column, Factor) else zeros
            continue
        place = margin.variables.index(name)
        if not isinstance(column, Factor):
            raise DesignError(f"totals= lists categories of {name!r}, which holds numbers: give the total of its sum.")
        given[name] = _coded(name, [label[place] for label in labels], column, margin)
    made = model_matrix(formula, given, len(labels))
    inside = [-1, *(i for i, term in enumerate(formula.terms) if set(term) <= set(margin.variables))]
    return {
        name: float(counts @ made.values[:, place])
        for place, (name, term) in enumerate(zip(made.names, made.term, strict=True))
        if term in inside
    }


def _coded(name: str, values: Sequence[Any], column: Factor, margin: Margin) -> Factor:
    order = {level: place for place, level in enumerate(column.levels)}
    for level in column.levels:
        if level not in {str(value) for value in values}:
            raise DesignError(
                f"The sample holds {name} = {describe(level)}, of which totals= says nothing: give the total of every "
                "category."
            )
    for label, value in zip(margin.totals, values, strict=True):
        if str(value) not in order:
            raise DesignError(
                f"totals= holds {margin.describe(label)}, but nobody in the sample: merge it with a neighbouring "
                f"category. {nearest(value, order)}"
            )
    return Factor(np.array([order[str(value)] for value in values], dtype=np.int64), column.levels)


def _check_consistent(names: Sequence[str], totals: Floats, reached: Floats, reach: Floats) -> None:
    """Refuse totals that contradict what the columns imply of each other in the sample."""
    off = np.abs(reached - totals) / np.where(reach > 0, reach, 1.0)
    if off.max(initial=0.0) > AGREEMENT:
        worst = int(np.argmax(off))
        raise DesignError(
            f"The total {totals[worst]:.10g} of {names[worst]!r} cannot be met: in the sample the other columns "
            f"determine it, and their totals give about {reached[worst]:.10g}. Leave the column out, or mend its total."
        )


def least_gaps(columns: Floats, totals: Floats, weight: Floats, *, bounds: tuple[float, float], cost: Floats) -> Floats:
    """p distances of totals from weighted sums, under the factors between the bounds which make the relative distances,
    each at its cost, smallest in sum (a linear programme).
    """
    from scipy.optimize import linprog

    size = np.maximum(np.abs(totals), 1.0)
    count = len(totals)
    limits = tuple(None if np.isinf(bound) else bound for bound in bounds)
    solved = linprog(
        np.concatenate([np.zeros(len(weight)), cost, cost]),
        A_eq=np.hstack([(columns * weight[:, None] / size).T, np.eye(count), -np.eye(count)]),
        b_eq=totals / size,
        bounds=[limits] * len(weight) + [(0, None)] * (2 * count),
        method="highs",
    )
    return np.asarray((solved.x[-2 * count : -count] - solved.x[-count:]) * size)
