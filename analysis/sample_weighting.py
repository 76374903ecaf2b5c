"""The weighting steps that a Sample offers; each gives a new sample."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from analysis.bound import BoundTable
from analysis.design import as_names, check_columns
from analysis.errors import DesignError
from analysis.estimated import is_number
from analysis.totals import reduce_rows
from analysis.weighting import (
    Cells,
    Nonresponse,
    PostStratification,
    Raking,
    Step,
    Trimming,
    product,
    read_calibration,
    read_margins,
    take,
)
from analysis.weighting.distances import Distance


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

    def poststratify(
        self, by: str | Sequence[str], table: Any, *, partial: bool = False, credit: str = "design"
    ) -> Self:
        """A new sample whose weighted counts agree with one table of totals (persons) by the cross of `by`.

        table: {category: total}, {(category, category): total}, or a long table whose last column is the total.
        partial: categories that only the sample or only the table knows are left as they are, and said in `notes`.
        Raises DesignError for unknown categories and for cells without anybody (Holt and Smith 1979).
        """
        margin = {as_names(by): table} if isinstance(table, Mapping) else table
        (read,) = read_margins([margin], list(self.schema))
        if set(read.variables) != set(as_names(by)):
            raise DesignError(
                f"poststratify is asked for by {' x '.join(as_names(by))}, and the table has the columns "
                f"{', '.join(read.variables)} before its total: name the same columns."
            )
        return self.weigh(PostStratification(read, credit, partial))

    def calibrate(
        self,
        formula: str,
        totals: Mapping[Any, Any],
        *,
        distance: str = "linear",
        bounds: tuple[float, float] | None = None,
        credit: str = "design",
    ) -> Self:
        """A new sample whose weighted sums of the formula's columns agree with known totals (Deville, Sarndal 1992).

        formula: such as "stype + api99", with treatment contrasts. totals: {"(Intercept)": persons, "stypeH": persons,
        "api99": sum}, by R's names of the columns; the totals of all categories may stand as {"stype": {"E": persons,
        ...}}, which give the intercept too. distance: "linear" (weights may come out negative: see `notes`), "raking"
        (always positive) or "logit" (inside bounds). bounds: lowest and highest ratio of new to old weights.
        A numeric column is read by its distinct values, so that a lazy table gives as many groups as it has values.
        Raises DesignError for unknown, missing or contradictory totals and, naming column and distance, for totals out
        of reach.
        """
        low, high = (-np.inf, np.inf) if bounds is None else _pair(bounds)
        chosen = Distance(distance, low, high)
        step = read_calibration(formula, totals, distance=chosen, credit=credit, columns=list(self.schema))
        return self.weigh(step)

    def trim(
        self, *, lower: float | None = None, upper: float | None = None, strict: bool = False, credit: str = "design"
    ) -> Self:
        """A new sample whose weights (persons) lie between lower and upper; what is cut off goes in equal parts to the
        rows that lay inside. strict: repeated until that pushes no row outside.

        The trimmed weight is a new base: totals met before hold no longer, so rake or calibrate once more; only these
        later steps are credited in the variance (credit="survey": earlier ones too, as in R). Rows are grouped by
        weight. Raises DesignError for bounds that cannot be met.
        """
        for bound in (lower, upper):
            if bound is not None and not is_number(bound):
                raise DesignError(f"trim has the bound {bound!r}: give a number, in persons.")
        step = Trimming(
            variables=tuple(dict.fromkeys((*self.weighting_variables, *self._weight_columns))),
            lower=-np.inf if lower is None else float(lower),
            upper=np.inf if upper is None else float(upper),
            strict=strict,
            credit=credit,
        )
        return self.weigh(step)

    def nonresponse(self, classes: str | Sequence[str], responded: str) -> Self:
        """A new sample in which, class by class, those who responded stand for everybody drawn.

        The table holds all eligible drawn cases. classes: columns known of all of them. responded: true (1) or false
        (0). Who did not respond gets weight 0 and stays in the design, so that the variance knows of the drawn weights
        (Sarndal, Swensson and Wretman 1992, section 15.6). Raises DesignError for a class in which nobody responded.
        """
        names = as_names(classes)
        check_columns((*names, responded), list(self.schema), "nonresponse")
        if not names or responded in names:
            raise DesignError("nonresponse needs at least one class besides the column of who responded.")
        return self.weigh(Nonresponse(names, responded))

    @property
    def _weight_columns(self) -> tuple[str, ...]:
        """The columns that a row's base weight follows from."""
        return self.design.columns if self.design.weight is None else (self.design.weight,)

    def weigh(self, step: Step) -> Self:
        """A new sample on which a step was taken."""
        if step.credit == "survey" and any(taken.step.estimated for taken in self.steps):
            raise DesignError(
                "credit='survey' after nonresponse is not possible, since R's `survey` has no such step: leave credit= "
                "out."
            )
        variables = tuple(dict.fromkeys((*self.weighting_variables, *step.variables)))
        reduced = reduce_rows(self.frame, self.design, cells=variables)
        cells = Cells(variables, reduced.cells)
        weight, rows = (
            np.bincount(reduced.cell, weights=one, minlength=len(reduced.cells)).astype(float)
            for one in (reduced.weight, reduced.rows)
        )
        taken, notes = take(step, cells, weight * product(self.steps, cells), rows)
        return replace(self, steps=(*self.steps, taken), notes=(*self.notes, *notes))


def _pair(bounds: Any) -> tuple[float, float]:
    try:
        low, high = (float(one) for one in bounds)
    except (TypeError, ValueError) as error:
        raise DesignError(f"bounds={bounds!r}: give (lowest, highest) ratio of new to old weights.") from error
    return low, high
