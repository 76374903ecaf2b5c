"""The only code that touches rows: one group-by of the table to sums per (stratum, psu, weighting cell, domain).

Everything linear follows from these sums (Lumley 2010, chapter 2; Binder 1983): a domain is a key and never a
filter, so units without a member of the domain stay, with zero. Where the row is itself the sampling unit, each row
of a table in memory is a group, and those of a lazy table give their cross-products too (see `elements`).
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce as fold
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis import elements
from analysis.codes import Column, codes_of
from analysis.design import Design, check_columns
from analysis.errors import DesignError, reading
from analysis.grouping import PREFIX, Answered, Request, Term, grouped, indicator, is_nan, listed, named, surveyed
from analysis.layout import Layout, make_layout

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]
Condition = tuple[str, str, Any]
Where = nw.Expr | Condition | Sequence[Condition] | None

SMALLEST, LARGEST = 1e-60, 1e60
_COMPARISONS = {
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    "in": lambda column, value: column.is_in(list(value)),
}


@dataclass(frozen=True)
class Reduced:
    """The table of sums: R groups of rows, J row expressions x, each zero where it does not apply.

    sums: R x J, of weight times x (base weights). plain: R x J, of x, where asked for. weight, rows: R, sums of
    weight and of ones. Rows of weight 0 count nowhere.
    unit: R, the last-stage unit. cell: R, the weighting cell. domain: R, the domain or -1. inside: R, `where` holds.
    replicates: R x B, the replicate columns of the design as they are, where asked for.
    """

    sums: Floats
    plain: Floats
    weight: Floats
    rows: Floats
    unit: Integers
    cell: Integers
    cells: tuple[tuple[Any, ...], ...]
    domain: Integers
    domains: tuple[tuple[Any, ...], ...]
    inside: NDArray[np.bool_]
    layout: Layout
    replicates: Floats


def numeric(name: str) -> nw.Expr:
    """A column as float."""
    return nw.col(name).cast(nw.Float64)


def answered(name: str, schema: Mapping[str, Any]) -> nw.Expr:
    """Whether a column has a value: neither null nor, for numbers, NaN."""
    return answers([name], schema).condition()


def answers(names: Sequence[str], schema: Mapping[str, Any], *, any_of: bool = False) -> Answered:
    """The condition that all, or any, of some columns have a value, in the form that `Term` sums fastest."""
    return Answered(tuple(names), tuple(name for name in names if schema[name].is_float()), any_of)


def condition_of(where: Where, schema: Mapping[str, Any]) -> nw.Expr | None:
    """`where` as one row condition; several (column, op, value) are joined by and."""
    if where is None or isinstance(where, nw.Expr):
        return where
    if not isinstance(where, (list, tuple)):
        raise DesignError(f"where is a {type(where).__name__}: give (column, comparison, value), or a list of them.")
    alone = isinstance(where, tuple) and bool(where) and not isinstance(where[0], (list, tuple))
    conditions = [_one_condition(one, schema) for one in ([where] if alone else where)]
    return fold(lambda one, other: one & other, conditions) if conditions else None


def _one_condition(condition: Any, schema: Mapping[str, Any]) -> nw.Expr:
    if not isinstance(condition, (list, tuple)) or len(condition) != 3 or not isinstance(condition[1], str):
        raise DesignError(f"where holds {condition!r}: give (column, comparison, value).")
    column, op, value = condition
    check_columns([column], list(schema), "where")
    if op in ("notna", "isna"):
        return answered(column, schema) if op == "notna" else ~answered(column, schema)
    if op not in _COMPARISONS:
        known = ", ".join([*_COMPARISONS, "notna", "isna"])
        raise DesignError(f"where uses the comparison {op!r} on {column!r}; there is: {known}.")
    if op == "in" and (isinstance(value, str) or not isinstance(value, Iterable) or not list(value)):
        raise DesignError(f"where compares {column!r} by 'in' with {value!r}: give a list of values.")
    _check_kind(column, schema[column], list(value) if op == "in" else [value])
    return _COMPARISONS[op](nw.col(column), value) & answered(column, schema)


def _check_kind(column: str, dtype: Any, values: Sequence[Any]) -> None:
    """Refuse to compare a column with no value, with several at once, or text with a number."""
    text = dtype in (nw.String, nw.Categorical) or dtype == nw.Enum
    for value in values:
        if is_missing(value):
            raise DesignError(f"where compares {column!r} with a missing value: say ({column!r}, 'isna', None).")
        if not isinstance(value, Hashable) or isinstance(value, tuple):
            raise DesignError(f"where compares {column!r} with {value!r}: give one value, or several by 'in'.")
        number, truth = isinstance(value, (Real, Decimal)), isinstance(value, (bool, np.bool_))
        if (text and not isinstance(value, str)) or (dtype.is_numeric() and isinstance(value, str)):
            raise DesignError(
                f"where compares the column {column!r}, which holds {'text' if text else 'numbers'}, with {value!r}: "
                f"write it as {'text' if text else 'a number'}."
            )
        if (dtype == nw.Boolean and not truth) or (dtype.is_temporal() and number) or dtype.is_nested():
            raise DesignError(f"where compares the column {column!r}, which holds {dtype}, with {value!r}.")


def reduce_rows(
    frame: Frame,
    design: Design,
    expressions: Sequence[nw.Expr | Term] = (),
    *,
    cells: Sequence[str] = (),
    by: Sequence[str] = (),
    where: Where = None,
    plain: Sequence[int] = (),
    each_row: bool = False,
    replicates: bool = False,
    spread: bool = True,
) -> Reduced:
    """One pass over the rows; see `Reduced` for what comes back. Raises DesignError for weights or keys that cannot
    be.

    each_row: every row is a group of its own, so that `plain` holds the rows' values; the needed columns are read.
    replicates: whether to read the design's replicate columns. spread: whether a variance will be asked; where the rows
    of a lazy table are the sampling units, it comes from sums of cross-products (see `elements`).
    """
    schema = frame.collect_schema()
    check_columns(by, list(schema), "by=")
    given = base_weight(design)
    columns = design.replicate_columns if replicates else ()
    request = Request(
        keys=tuple(dict.fromkeys((*design.keys, *cells, *by))),
        weight=nw.lit(1.0) if given is None else given,
        terms=tuple(expressions),
        plain=tuple(plain),
        inside=condition_of(where, schema),
        limits=tuple(_possible(name) for name in design.stage_columns),
    )
    nested = next((name for name in request.keys if schema[name].is_nested()), None)
    if nested is not None:
        raise DesignError(f"The column {nested!r} holds {schema[nested]}, which is no label: name another column.")
    with reading():
        apart = design.rows_are_units and not each_row and _are_summable(frame, design, request, columns, spread)
        if apart:
            found = _in_order(materialise(elements.summed(frame, request, spread=spread)), request)
            collected = elements.stand_ins(found, request, spread=spread)
        elif each_row or design.rows_are_units:
            further = [numeric(name).alias(named("r", i)) for i, name in enumerate(columns)]
            collected = materialise(listed(frame, request, further))
        else:
            collected = _groups(frame, surveyed(frame, request))
    return _reduced(frame, design, request, collected, cells=cells, by=by, replicates=len(columns))


def _groups(frame: Frame, request: Request) -> nw.DataFrame[Any]:
    """The groups of rows, in the order of their keys."""
    found = materialise(grouped(frame, request))
    values = [found[named("s", j)].to_numpy() for j in range(len(request.terms))]
    if request.nulls and not np.isfinite(values).all():  # NaN, for one
        found = materialise(grouped(frame, replace(request, nulls=False, complete=False)))
    return _in_order(found, request)


def _in_order(found: nw.DataFrame[Any], request: Request) -> nw.DataFrame[Any]:
    """Engines hand out groups in any order; one order makes every sum, and every draw of a seed, the same each time."""
    order = [*request.keys, *([] if request.inside is None else [named("inside")])]
    return found.sort(*order, nulls_last=True) if order else found


def _are_summable(frame: Frame, design: Design, request: Request, replicates: Sequence[str], spread: bool) -> bool:
    """Whether rows that are units may be summed: of a lazy table, where nothing asks for the rows themselves."""
    if not isinstance(frame, nw.LazyFrame) or replicates or design.pps is not None or design.lonely_psu_in_domains:
        return False
    return not spread or len(request.terms) <= elements.MOST


def _reduced(
    frame: Frame,
    design: Design,
    request: Request,
    collected: nw.DataFrame[Any],
    *,
    cells: Sequence[str],
    by: Sequence[str],
    replicates: int,
) -> Reduced:
    """The table of sums from what the engine gave."""
    labels = {name: _labels(collected[name]) for name in request.keys}
    numbers = {name: collected[name].to_numpy().astype(float) for name in collected.columns if name.startswith(PREFIX)}
    _check_weights(frame, design, numbers)
    rows = len(collected)
    limits = [(numbers[named("low", i)], numbers[named("high", i)]) for i in range(len(request.limits))]
    layout, unit = make_layout(design, labels, limits, rows, copies=numbers.get(elements.COPIES))
    scale = np.ones(rows) if base_weight(design) is not None else layout.implied_weight[unit]
    count = len(request.terms)
    sums = _matrix(numbers, "s", count, rows) * scale[:, None]
    _check_finite(sums)
    inside = np.ones(rows, dtype=bool) if request.inside is None else numbers[named("inside")] > 0
    cell, cell_labels = codes_of([labels[name] for name in cells], rows)
    domain, domain_labels = _domains([labels[name] for name in by], inside)
    return Reduced(
        sums=sums,
        plain=_matrix(numbers, "q", count, rows),
        weight=numbers[named("weight")] * scale,
        rows=numbers[named("rows")],
        unit=unit,
        cell=cell,
        cells=cell_labels,
        domain=domain,
        domains=domain_labels,
        inside=inside,
        layout=layout,
        replicates=_matrix(numbers, "r", replicates, rows),
    )


def _possible(name: str) -> nw.Expr:
    """A column of units there are, or of chances: a missing value as one that cannot be."""
    return nw.when(numeric(name) > 0).then(numeric(name)).otherwise(nw.lit(-1.0))


def base_weight(design: Design) -> nw.Expr | None:
    """The weight of a row before any weighting: its column, else one over the product of the inclusion probabilities;
    None where the fpc implies it. Negative where an inclusion probability is none.
    """
    if not design.inclusion_probabilities:
        return None if design.weight is None else numeric(design.weight)
    chances = [numeric(name) for name in design.inclusion_probabilities]
    weight = 1 / fold(lambda one, other: one * other, chances) if design.weight is None else numeric(design.weight)
    possible = fold(lambda one, other: one & other, [(chance > 0) & (chance <= 1) for chance in chances])
    return nw.when(possible).then(weight).otherwise(nw.lit(-1.0))


def materialise(frame: Frame) -> nw.DataFrame[Any]:
    """A lazy result in memory; sums, and the needed columns of what sums cannot give, are all that comes here."""
    with reading():
        return frame.collect(backend="pyarrow") if isinstance(frame, nw.LazyFrame) else frame


def _labels(column: nw.Series[Any]) -> Column:
    """Labels with NaN as None, so that a missing key is the same thing for every engine."""
    values = column.to_list()
    if isinstance(column.dtype, nw.String) or column.dtype.is_integer():
        return Column(values)
    return Column(None if is_missing(value) else value for value in values)


def is_missing(value: Any) -> bool:
    """None, or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _matrix(numbers: Mapping[str, Floats], letter: str, count: int, rows: int) -> Floats:
    absent = np.full(rows, np.nan)
    columns = [numbers.get(f"{PREFIX}{letter}{j}", absent) for j in range(count)]
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def _domains(labels: Sequence[Column], inside: NDArray[np.bool_]) -> tuple[Integers, tuple[tuple[Any, ...], ...]]:
    """Domain codes in the order of their labels; a missing label, like a row outside `where`, is in no domain."""
    codes, found = codes_of(labels, len(inside))
    known = sorted((label for label in found if None not in label), key=_order)
    position = {label: i for i, label in enumerate(known)}
    place = np.array([position.get(label, -1) for label in found], dtype=np.int64)
    return np.where(inside, place[codes], -1), tuple(known)


def _order(label: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    return tuple((isinstance(part, str), part) for part in label)


def _check_weights(frame: Frame, design: Design, numbers: Mapping[str, Floats]) -> None:
    weight = numbers[named("weight")]
    if (numbers[named("rows")] < numbers[named("all")]).any() or not np.isfinite(weight).all():
        _look_at_weights(frame, design)
    if not len(weight):
        raise DesignError("The table has no rows: there is nothing to estimate from.")
    if not weight.sum() > 0:
        raise DesignError(f"All weights in the column {design.weight!r} are 0: nobody is represented.")
    if not SMALLEST < weight.sum() < LARGEST:  # products of such numbers would be 0 or infinite without a word
        raise DesignError(
            f"The weights in the column {design.weight!r} add up to {weight.sum():.3g}: a weight says how many persons "
            "one stands for; rescale the column."
        )


def _look_at_weights(frame: Frame, design: Design) -> None:
    """Refuse weights that cannot be, by their kind and number; rows of weight 0 pass."""
    for chance in design.inclusion_probabilities:
        wrong = _counted(frame, {"wrong": ~((numeric(chance) > 0) & (numeric(chance) <= 1)) | nw.col(chance).is_null()})
        if wrong:
            raise DesignError(
                f"The column {chance!r} has {wrong['wrong']} values that are no inclusion probability: each must be "
                "above 0 and at most 1; mend these rows."
            )
    if design.weight is None:
        return
    w = numeric(design.weight)
    missing = nw.col(design.weight).is_null() | is_nan(w)
    found = _counted(frame, {"missing": missing, "infinite": w == float("inf"), "negative": w < 0})
    if found:
        kinds = " and ".join(f"{count} {kind}" for kind, count in found.items())
        raise DesignError(
            f"The weight column {design.weight!r} has {kinds} values: a weight is a finite number of at least 0; "
            "mend these rows or give them weight 0."
        )


def _counted(frame: Frame, checks: Mapping[str, nw.Expr]) -> dict[str, int]:
    """How many rows meet each condition, of those that any row meets."""
    counted = materialise(frame.select(*(indicator(check).sum().alias(kind) for kind, check in checks.items())))
    found = {kind: int(counted[kind].to_list()[0] or 0) for kind in checks}
    return {kind: count for kind, count in found.items() if count}


def _check_finite(sums: Floats) -> None:
    if not (np.abs(sums) < LARGEST**2).all():  # squares of larger ones would be infinite without a word
        raise DesignError(
            "An answer column holds an infinite value, or one so large that its square is no number: mend these rows."
        )
