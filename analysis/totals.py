"""The only code that touches rows: one group-by of the table to sums per (stratum, psu, weighting cell, domain).

Everything linear follows from these sums (Lumley 2010, chapter 2; Binder 1983): a domain is a key and never a
filter, so units without a member of the domain stay, with zero. Where the row is itself the sampling unit, each row
is a group.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce as fold
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis.design import Design, check_columns
from analysis.errors import DesignError
from analysis.layout import Layout, codes_of, make_layout

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]
Condition = tuple[str, str, Any]
Where = nw.Expr | Condition | Sequence[Condition] | None

PREFIX = "sandu__"
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
    present = ~nw.col(name).is_null()
    return present & ~numeric(name).is_nan() if schema[name].is_float() else present


def indicator(condition: nw.Expr) -> nw.Expr:
    """1 where the condition holds, 0 where it does not or is unknown."""
    return nw.when(condition).then(nw.lit(1.0)).otherwise(nw.lit(0.0))


def condition_of(where: Where, schema: Mapping[str, Any]) -> nw.Expr | None:
    """`where` as one row condition; several (column, op, value) are joined by and."""
    if where is None or isinstance(where, nw.Expr):
        return where
    conditions: Sequence[Any] = [where] if isinstance(where, tuple) and isinstance(where[0], str) else list(where)
    joined: nw.Expr | None = None
    for condition in conditions:
        if len(condition) != 3:
            raise DesignError(f"where holds {condition!r}: give (column, comparison, value).")
        column, op, value = condition
        check_columns([column], list(schema), "where")
        if op in _COMPARISONS:
            _check_kind(column, schema[column], value if op == "in" else [value])
        if op in _COMPARISONS:
            one = _COMPARISONS[op](nw.col(column), value) & answered(column, schema)
        elif op == "notna":
            one = answered(column, schema)
        elif op == "isna":
            one = ~answered(column, schema)
        else:
            known = ", ".join([*_COMPARISONS, "notna", "isna"])
            raise DesignError(f"where uses the comparison {op!r} on {column!r}; there is: {known}.")
        joined = one if joined is None else joined & one
    return joined


def _check_kind(column: str, dtype: Any, values: Any) -> None:
    """Refuse to compare a column of text with a number, or one of numbers with text."""
    text = dtype in (nw.String, nw.Categorical) or dtype == nw.Enum
    for value in values:
        if (text and not isinstance(value, str)) or (dtype.is_numeric() and isinstance(value, str)):
            raise DesignError(
                f"where compares the column {column!r}, which holds {'text' if text else 'numbers'}, with {value!r}: "
                f"write it as {'text' if text else 'a number'}."
            )


def reduce_rows(
    frame: Frame,
    design: Design,
    expressions: Sequence[nw.Expr] = (),
    *,
    cells: Sequence[str] = (),
    by: Sequence[str] = (),
    where: Where = None,
    plain: Sequence[int] = (),
    each_row: bool = False,
    replicates: bool = False,
) -> Reduced:
    """One pass over the rows; see `Reduced` for what comes back. Raises DesignError for weights or keys that cannot
    be.

    each_row: every row is a group of its own, so that `plain` holds the rows' values; the needed columns are read.
    replicates: whether to read the design's replicate columns.
    """
    schema = frame.collect_schema()
    check_columns(by, list(schema), "by=")
    keys = list(dict.fromkeys((*design.keys, *cells, *by)))
    rowwise = each_row or design.rows_are_units
    condition = condition_of(where, schema)
    columns = design.replicate_columns if replicates else ()
    collected = _collect(
        frame, design, expressions, keys=keys, where=condition, plain=plain, rowwise=rowwise, replicates=columns
    )
    labels = {name: _clean(collected[name].to_list()) for name in keys}
    numbers = {name: collected[name].to_numpy().astype(float) for name in collected.columns if name.startswith(PREFIX)}
    _check_weights(frame, design, numbers)
    stages = range(len(design.stage_columns))
    limits = [(numbers[f"{PREFIX}low{i}"], numbers[f"{PREFIX}high{i}"]) for i in stages]
    layout, unit = make_layout(design, labels, limits, len(collected))
    scale = np.ones(len(unit)) if base_weight(design) is not None else layout.implied_weight[unit]
    count = len(expressions)
    sums = _matrix(numbers, "s", count, len(unit)) * scale[:, None]
    _check_finite(sums)
    cell, cell_labels = codes_of([labels[name] for name in cells], len(unit))
    domain, domain_labels = _domains([labels[name] for name in by], numbers[f"{PREFIX}inside"] > 0)
    return Reduced(
        sums=sums,
        plain=_matrix(numbers, "q", count, len(unit)),
        weight=numbers[f"{PREFIX}weight"] * scale,
        rows=numbers[f"{PREFIX}rows"],
        unit=unit,
        cell=cell,
        cells=cell_labels,
        domain=domain,
        domains=domain_labels,
        inside=numbers[f"{PREFIX}inside"] > 0,
        layout=layout,
        replicates=_matrix(numbers, "r", len(columns), len(unit)),
    )


def _collect(
    frame: Frame,
    design: Design,
    expressions: Sequence[nw.Expr],
    *,
    keys: list[str],
    where: nw.Expr | None,
    plain: Sequence[int],
    rowwise: bool,
    replicates: Sequence[str],
) -> nw.DataFrame[Any]:
    """The group-by itself: derived columns first, then only sum, min, max and len, the fast path of every engine."""
    given = base_weight(design)
    weight = nw.lit(1.0) if given is None else given
    derived = [weight.alias(f"{PREFIX}w"), indicator(weight > 0).alias(f"{PREFIX}one")]
    derived.append((nw.lit(1.0) if where is None else indicator(where)).alias(f"{PREFIX}inside"))
    derived += [one.alias(f"{PREFIX}p{j}") for j, one in enumerate(expressions)]
    for i, name in enumerate(design.stage_columns):  # a missing value as one that cannot be
        known = nw.when(numeric(name) > 0).then(numeric(name)).otherwise(nw.lit(-1.0))
        derived.append(known.alias(f"{PREFIX}f{i}"))
    products = [
        (nw.col(f"{PREFIX}p{j}") * nw.col(f"{PREFIX}w")).alias(f"{PREFIX}s{j}") for j in range(len(expressions))
    ]
    products += [(nw.col(f"{PREFIX}p{j}") * nw.col(f"{PREFIX}one")).alias(f"{PREFIX}q{j}") for j in plain]
    wide = frame.with_columns(*derived).with_columns(weight_is_bad().alias(f"{PREFIX}bad"), *products)
    count, limits = len(expressions), range(len(design.stage_columns))
    names = [f"{PREFIX}s{j}" for j in range(count)] + [f"{PREFIX}q{j}" for j in plain]
    if rowwise:
        chosen = [nw.col(name) for name in (*keys, f"{PREFIX}inside", f"{PREFIX}bad", *names)]
        chosen += [nw.col(f"{PREFIX}w").alias(f"{PREFIX}weight"), nw.col(f"{PREFIX}one").alias(f"{PREFIX}rows")]
        chosen += [nw.col(f"{PREFIX}f{i}").alias(f"{PREFIX}{end}{i}") for i in limits for end in ("low", "high")]
        chosen += [numeric(name).alias(f"{PREFIX}r{i}") for i, name in enumerate(replicates)]
        return materialise(wide.select(*chosen))
    sums = [nw.col(name).sum() for name in (*names, f"{PREFIX}bad")]
    sums += [nw.col(f"{PREFIX}w").sum().alias(f"{PREFIX}weight"), nw.col(f"{PREFIX}one").sum().alias(f"{PREFIX}rows")]
    for i in limits:
        sums += [
            nw.col(f"{PREFIX}f{i}").min().alias(f"{PREFIX}low{i}"),
            nw.col(f"{PREFIX}f{i}").max().alias(f"{PREFIX}high{i}"),
        ]
    if where is None:  # one key less to hash: everybody is inside
        grouped = wide.group_by(keys).agg(*sums).with_columns(nw.lit(1.0).alias(f"{PREFIX}inside"))
    else:
        grouped = wide.group_by([*keys, f"{PREFIX}inside"]).agg(*sums)
    # engines hand out groups in any order; one order makes every sum, and every draw of a seed, the same each time
    return materialise(grouped).sort(*keys, f"{PREFIX}inside", nulls_last=True)


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


def weight_is_bad() -> nw.Expr:
    """1 where the prepared weight is missing, not a number, infinite or negative."""
    w = nw.col(f"{PREFIX}w")
    return nw.lit(1.0) - indicator((w >= 0) & (w < float("inf")) & ~w.is_nan() & ~w.is_null())


def materialise(frame: Frame) -> nw.DataFrame[Any]:
    """A lazy result in memory; only sums (or, for element designs, the needed columns) ever come here."""
    return frame.collect(backend="pyarrow") if isinstance(frame, nw.LazyFrame) else frame


def _clean(values: list[Any]) -> list[Any]:
    """NaN as None, so that a missing key is the same thing for every engine."""
    return [None if is_missing(value) else value for value in values]


def is_missing(value: Any) -> bool:
    """None, or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _matrix(numbers: Mapping[str, Floats], letter: str, count: int, rows: int) -> Floats:
    absent = np.full(rows, np.nan)
    columns = [numbers.get(f"{PREFIX}{letter}{j}", absent) for j in range(count)]
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def _domains(labels: list[list[Any]], inside: NDArray[np.bool_]) -> tuple[Integers, tuple[tuple[Any, ...], ...]]:
    """Domain codes in the order of their labels; a missing label, like a row outside `where`, is in no domain."""
    tuples = list(zip(*labels, strict=True)) if labels else [()] * len(inside)
    complete = [None not in one for one in tuples]
    known = sorted({one for one, whole in zip(tuples, complete, strict=True) if whole}, key=_order)
    position = {label: i for i, label in enumerate(known)}
    codes = np.array([position.get(one, -1) for one in tuples], dtype=np.int64)
    return np.where(inside, codes, -1), tuple(known)


def _order(label: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    return tuple((isinstance(part, str), part) for part in label)


def _check_weights(frame: Frame, design: Design, numbers: Mapping[str, Floats]) -> None:
    bad = numbers[f"{PREFIX}bad"].sum()
    if bad:
        for chance in design.inclusion_probabilities:
            good = indicator((numeric(chance) > 0) & (numeric(chance) <= 1))
            wrong = materialise(frame.select((nw.lit(1.0) - good).sum().alias("n")))["n"].to_list()[0]
            if wrong:
                raise DesignError(
                    f"The column {chance!r} has {int(wrong)} values that are no inclusion probability: each must be "
                    "above 0 and at most 1; mend these rows."
                )
        name = design.weight or ""
        w = numeric(name)
        checks = {
            "missing": nw.col(name).is_null() | w.is_nan(),
            "infinite": w == float("inf"),
            "negative": w < 0,
        }
        counted = materialise(frame.select(*(indicator(check).sum().alias(kind) for kind, check in checks.items())))
        found = [f"{int(counted[kind].to_list()[0])} {kind}" for kind in checks if counted[kind].to_list()[0]]
        raise DesignError(
            f"The weight column {name!r} has {' and '.join(found)} values: a weight is a finite number of at least 0; "
            "mend these rows or give them weight 0."
        )
    if not len(numbers[f"{PREFIX}weight"]):
        raise DesignError("The table has no rows: there is nothing to estimate from.")
    if not numbers[f"{PREFIX}weight"].sum() > 0:
        raise DesignError(f"All weights in the column {design.weight!r} are 0: nobody is represented.")


def _check_finite(sums: Floats) -> None:
    if not np.isfinite(sums).all():
        raise DesignError("An answer column holds an infinite value, so that its sum is not a number: mend these rows.")
