"""Known totals of the population, by one variable or by the cross of several; read, checked and matched to cells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.design import as_names, check_columns, describe
from analysis.errors import DesignError, nearest
from analysis.weighting.cells import Cells, Floats, Integers, Label
from analysis.weighting.steps import Before


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
    single = isinstance(margins, Mapping) or hasattr(margins, "columns") or not isinstance(margins, Iterable)
    read: list[Margin] = []
    for one in [margins] if single else margins:
        if not isinstance(one, Mapping) and not hasattr(one, "columns"):
            raise DesignError(f"{one!r} is no margin: give {{variable: {{category: total}}}} or a long table.")
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


def number_of(name: str, total: Any) -> float:
    """A total as a number; DesignError names what it is the total of."""
    try:
        return float(total)
    except (TypeError, ValueError) as error:
        raise DesignError(f"{name} has the total {total!r}: give a number.") from error


def _total(variables: Sequence[str], label: Any, total: Any) -> float:
    return number_of(f"The margin {' x '.join(variables)} = {describe(label)}", total)


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


def match(cells: Cells, margin: Margin, weight: Floats, *, partial: bool = False) -> tuple[Integers, Floats]:
    """Each cell's place in the margin (all of C), and the totals in the margin's order.

    weight: C x B. Cells that weigh nothing may be anything, and stand at place 0. partial: cells that the margin does
    not know stand at -1 instead of being refused.
    """
    order = {label: place for place, label in enumerate(margin.totals)}
    part, code = cells.onto(margin.variables)
    held = np.zeros(len(part.labels), dtype=bool)
    held[code[(weight != 0).any(axis=1)]] = True
    places = [order.get(label, -1) for label in part.labels]
    for label, place, counts in zip(part.labels, places, held, strict=True):
        if counts and place < 0:
            _check_known(label, margin, order, partial=partial)
    found = np.array(places, dtype=np.int64)
    found = np.where((found < 0) & ~held, 0, found)
    return found[code], np.array(list(margin.totals.values()))


def _check_known(label: Label, margin: Margin, order: Mapping[Label, int], *, partial: bool) -> None:
    """Refuse a missing value, and a category that the margin does not know unless that is allowed."""
    if None in label:
        raise DesignError(
            f"The weighting variable {margin.variables[label.index(None)]!r} has missing values: fill them by "
            "a seeded draw (and flag it) before weighting."
        )
    close = nearest(describe(label), [describe(one) for one in order])
    if describe(label) in [describe(one) for one in order]:
        close = "One of the two holds numbers and the other text: give both the same type."
    elif partial:
        return
    raise DesignError(f"The sample holds {margin.describe(label)}, which the margin does not know. {close}")


def check_filled(margin: Margin, target: Floats, now: Floats, before: Before) -> None:
    """Refuse a category with a total (T) and nobody to represent it, in the sample or in a replicate (now: T x B)."""
    empty = (target[:, None] > 0) & ~(now > 0)
    if not empty.any():
        return
    column = int(empty.any(axis=0).argmax())
    label = list(margin.totals)[int(empty[:, column].argmax())]
    where = f"nobody{before.name(column)}" if column else "nobody in the sample"
    raise DesignError(
        f"The cell {margin.describe(label)} has a total of {margin.totals[label]:g} but {where}: merge it with a "
        "neighbouring category."
    )
