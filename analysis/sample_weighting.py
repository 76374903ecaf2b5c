"""The weighting steps that a Sample offers; each gives a new sample."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from analysis.bound import BoundTable
from analysis.design import as_names
from analysis.totals import reduce_rows
from analysis.weighting import Cells, Raking, Step, product, read_margins, take


class Weighting(BoundTable):
    """How a sample is made to agree with what is known of its population."""

    def rake(self, margins: Any, *, tolerance: float = 1e-10, iterations: int = 1000, credit: str = "design") -> Self:
        """A new sample whose weighted counts agree with every margin (persons), by iterative proportional fitting.

        margins: mappings {variable: {category: total}}, {(variable, variable): {(category, category): total}}, or long
        tables whose last column is the total. credit: "design", or "survey" for the variance of R's `survey`.
        Raises DesignError for margins that disagree, cells without anybody, unknown categories and non-convergence.
        """
        margin = read_margins(margins, list(self.schema))
        return self.weigh(Raking(margin, credit, tolerance, iterations))

    def poststratify(self, by: str | Sequence[str], table: Any, *, credit: str = "design") -> Self:
        """A new sample whose weighted counts agree with one table of totals (persons) by the cross of `by`."""
        margin = {as_names(by): table} if isinstance(table, Mapping) else table
        return self.weigh(Raking(read_margins([margin], list(self.schema)), credit, tolerance=1e-9, iterations=1))

    def weigh(self, step: Step) -> Self:
        """A new sample on which a step was taken."""
        variables = tuple(dict.fromkeys((*self.weighting_variables, *step.variables)))
        reduced = reduce_rows(self.frame, self.design, cells=variables)
        cells = Cells(variables, reduced.cells)
        weight = np.bincount(reduced.cell, weights=reduced.weight, minlength=len(reduced.cells))
        taken = take(step, cells, weight * product(self.steps, cells))
        return replace(self, steps=(*self.steps, taken))
