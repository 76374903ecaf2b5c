"""Direct standardisation: what the domains would differ by if all had the same composition, by age and sex say.

The standardised mean is sum_s P_s ybar_ds over the cells s of a standard population, a sum of ratios whose scores go
through the one variance (Korn and Graubard 1999, section 3.7; R's `svystandardize` has the same numbers).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis.design import as_names, check_columns, describe
from analysis.errors import DesignError, nearest
from analysis.estimation import Plan, is_numeric, joint, value_where
from analysis.linear import Part, Rule, Statistic
from analysis.totals import PREFIX, answered, indicator, is_missing, materialise, numeric
from analysis.weighting import Margin, read_margins

if TYPE_CHECKING:
    from analysis.bound import BoundTable

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Standard:
    """A standard population: the share of each cell of the variables; shares add up to 1."""

    variables: tuple[str, ...]
    shares: Mapping[tuple[Any, ...], float]


def read_standard(population: Any, over: str | Sequence[str], columns: Sequence[str]) -> Standard:
    """The standard population as given: {cell: persons}, {variables: {cell: persons}}, or a long table whose last
    column is the number.
    """
    names = as_names(over)
    if isinstance(population, Mapping) and not any(isinstance(one, Mapping) for one in population.values()):
        population = {names: population}
    margins = read_margins(population, columns)
    if len(margins) != 1 or set(margins[0].variables) != set(names):
        given = " and ".join(" x ".join(margin.variables) for margin in margins)
        raise DesignError(
            f"The standard population is by {given}, and over= names {' x '.join(names)}: give one table by the "
            "variables of over=."
        )
    margin: Margin = margins[0]
    total = sum(margin.totals.values())
    return Standard(margin.variables, {cell: count / total for cell, count in margin.totals.items() if count > 0})


def plan_of_standardised(sample: "BoundTable", items: Sequence[str], standard: Standard) -> Plan:
    """Standardised means of numeric columns, each over its own valid rows; rows with a missing cell are outside."""
    schema = sample.schema
    check_columns(items, list(schema), "The request")
    _check_cells(sample, standard)
    plan = Plan()
    for item in items:
        if not is_numeric(schema[item]):
            raise DesignError(
                f"A standardised mean needs numbers, and the column {item!r} holds {schema[item]}: name another column."
            )
        parts = []
        for cell in standard.shares:
            here = answered(item, schema) & in_cell(standard.variables, cell)
            below = plan.place(("cell", item, cell), indicator(here))
            above = plan.place(("value", item, cell), value_where(here, numeric(item)))
            parts.append(Part(above, below, describe(cell)))
        known = joint([answered(name, schema) for name in (item, *standard.variables)])
        base = plan.place(("valid", item), indicator(known))
        plan.statistics.append(Statistic(item, tuple(parts), base, standard_rule(standard)))
    return plan


def in_cell(variables: Sequence[str], cell: Sequence[Any]) -> nw.Expr:
    """Whether a row is in a cell; a row with a missing value is in none."""
    return joint(
        [~nw.col(name).is_null() & (nw.col(name) == value) for name, value in zip(variables, cell, strict=True)]
    )


def standard_rule(standard: Standard) -> Rule:
    """The shares of the standard as coefficients; no estimate where a cell has nobody: its mean is not known."""
    shares, cells = np.array(list(standard.shares.values())), list(standard.shares)

    def rule(based: Booleans) -> tuple[Floats, str]:
        if based.all():
            return shares, ""
        empty = [describe(cell) for cell, known in zip(cells, based.tolist(), strict=True) if not known]
        if len(empty) == len(cells):
            return np.zeros(len(shares)), "no valid answer"
        return np.zeros(len(shares)), f"nobody in the standard's cell {', '.join(empty)}"

    return rule


def _check_cells(sample: "BoundTable", standard: Standard) -> None:
    """Refuse values that the standard does not know, and cells that nobody in the sample is in."""
    for name in standard.variables:
        if sample.schema[name].is_nested():
            raise DesignError(f"The column {name!r} of over= holds {sample.schema[name]}, which is no label.")
    counted = materialise(sample.frame.group_by(list(standard.variables)).agg(nw.len().alias(f"{PREFIX}n")))
    columns = [counted[name].to_list() for name in standard.variables]
    found = {cell for cell in zip(*columns, strict=True) if not any(is_missing(value) for value in cell)}
    names = " x ".join(standard.variables)
    for cell in sorted(found - set(standard.shares), key=describe):
        raise DesignError(
            f"The sample holds {names} = {describe(cell)}, which the standard population does not know (as text or "
            f"number). {nearest(describe(cell), [describe(one) for one in standard.shares])}"
        )
    for cell in sorted(set(standard.shares) - found, key=describe):
        raise DesignError(
            f"The standard population has {names} = {describe(cell)}, and nobody in the sample is: merge it with a "
            "neighbouring category."
        )
