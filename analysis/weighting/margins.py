"""Known totals of the population, by one variable or by the cross of several; read, checked and matched to cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.design import as_names, check_columns, describe
from analysis.errors import DesignError, nearest
from analysis.weighting.cells import Cells, Floats, Integers, Label


@dataclass(frozen=True)
class Margin:
    """Known totals: variables, and the total of each combination of their values."""

    variables: tuple[str, ...]
    totals: Mapping[Label, float]

    def describe(self, label: Label) -> str:
        """One cell of the margin as a reader writes it."""
        return f"{' x '.join(self.variables)} = {describe(label)}"


def read_margins(margins: Sequence[Any] | Mapping[Any, Any], columns: Sequence[str]) -> tuple[Margin, ...]:
    """Margins as given, checked: mappings {variable(s): {label(s): total}} or long tables whose last column is the
    total.
    """
    given = [margins] if isinstance(margins, Mapping) or hasattr(margins, "columns") else list(margins)
    read: list[Margin] = []
    for one in given:
        if isinstance(one, Mapping):
            read += [_from_mapping(as_names(key), totals) for key, totals in one.items()]
        else:
            read.append(_from_table(one))
    if not read:
        raise DesignError("The weighting step names no margin: give at least one {variable: {category: total}}.")
    for margin in read:
        check_columns(margin.variables, columns, "A margin")
        _check_totals(margin)
    _check_agreement(read)
    return tuple(read)


def _from_mapping(variables: tuple[str, ...], totals: Mapping[Any, float]) -> Margin:
    read = {}
    for label, total in totals.items():
        key = label if isinstance(label, tuple) else (label,)
        if len(key) != len(variables):
            raise DesignError(
                f"The margin of {' x '.join(variables)} has the label {describe(label)!r}: give one value per variable."
            )
        read[key] = _total(variables, label, total)
    return Margin(variables, read)


def _total(variables: Sequence[str], label: Any, total: Any) -> float:
    try:
        return float(total)
    except (TypeError, ValueError) as error:
        raise DesignError(
            f"The margin {' x '.join(variables)} = {describe(label)} has the total {total!r}: give a number."
        ) from error


def _from_table(table: Any) -> Margin:
    names = [str(name) for name in table.columns]
    columns = [table[name].to_list() for name in names]
    labels = list(zip(*columns[:-1], strict=True))
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise DesignError(f"The margin of {' x '.join(names[:-1])} lists {describe(twice)!r} twice: keep one row.")
    variables = tuple(names[:-1])
    return Margin(
        variables,
        {label: _total(variables, label, total) for label, total in zip(labels, columns[-1], strict=True)},
    )


def _check_totals(margin: Margin) -> None:
    for label, total in margin.totals.items():
        if not np.isfinite(total) or total < 0:
            raise DesignError(
                f"The margin {margin.describe(label)} has the total {total:g}: give a count of at least 0."
            )


def _check_agreement(margins: Sequence[Margin]) -> None:
    sums = [sum(margin.totals.values()) for margin in margins]
    if not sums[0] > 0:
        raise DesignError(f"The margin of {' x '.join(margins[0].variables)} adds up to 0: it represents nobody.")
    for margin, total in zip(margins[1:], sums[1:], strict=True):
        if abs(total - sums[0]) > 1e-9 * max(abs(total), abs(sums[0])):
            raise DesignError(
                f"The margins disagree: {' x '.join(margins[0].variables)} adds up to {sums[0]:.10g} and "
                f"{' x '.join(margin.variables)} to {total:.10g}. Margins of one step need the same total."
            )


def match(cells: Cells, margin: Margin, weight: Floats) -> tuple[Integers, Floats]:
    """Each cell's place in the margin, and the totals in the margin's order."""
    order = {label: place for place, label in enumerate(margin.totals)}
    labels = cells.project(margin.variables)
    for label in labels:
        if None in label:
            raise DesignError(
                f"The weighting variable {margin.variables[label.index(None)]!r} has missing values: fill them by "
                "a seeded draw (and flag it) before weighting."
            )
        if label not in order:
            close = nearest(describe(label), [describe(one) for one in order])
            if describe(label) in [describe(one) for one in order]:
                close = "One of the two holds numbers and the other text: give both the same type."
            raise DesignError(f"The sample holds {margin.describe(label)}, which the margin does not know. {close}")
    place = np.array([order[label] for label in labels], dtype=np.int64)
    target = np.array(list(margin.totals.values()))
    held = np.bincount(place, weights=weight, minlength=len(target))
    for label, total, now in zip(margin.totals, target, held, strict=True):
        if total > 0 and not now > 0:
            raise DesignError(
                f"The cell {margin.describe(label)} has a total of {total:g} but nobody in the sample: merge it with a "
                "neighbouring category."
            )
    return place, target
