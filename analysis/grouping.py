"""The group-by behind the table of sums, in the form that every engine runs fastest.

A row's weight is null where it is not above 0, and an answer's weight is null where the answer does not count; a
product with a null is null, and sums and counts pass over it. So each answer costs one case expression, and counts of
rows need no column of ones. Where every weight is above 0 and every answer is there, not even these are needed; an
engine that keeps statistics of its columns is asked whether that is so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce as fold
from typing import Any

import narwhals as nw

PREFIX = "sandu__"
Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]


def indicator(condition: nw.Expr) -> nw.Expr:
    """1 where the condition holds, 0 where it does not or is unknown."""
    return nw.when(condition).then(nw.lit(1.0)).otherwise(nw.lit(0.0))


def is_nan(number: nw.Expr) -> nw.Expr:
    """Whether a float is NaN. DuckDB answers isnan() from the statistics of a Parquet file, which pass over NaN."""
    return ~(number.is_finite() | (number == float("inf")) | (number == float("-inf")))


@dataclass(frozen=True)
class Answered:
    """The condition that columns have a value: all of them, or any (of numbers). floats: those that may hold NaN."""

    columns: tuple[str, ...]
    floats: tuple[str, ...] = ()
    any: bool = False

    def condition(self, *, nan: bool = True) -> nw.Expr:
        """The condition of a row; nan=False: with null as the only sign of a missing value."""
        if self.any and not nan:  # of numbers, and several times faster than one condition after the other
            return ~nw.coalesce(*(_number(name) for name in self.columns)).is_null()
        has = [~nw.col(name).is_null() for name in self.columns]
        if nan:
            numbers = [nw.col(name).cast(nw.Float64) if name in self.floats else None for name in self.columns]
            has = [one if x is None else one & ~is_nan(x) for one, x in zip(has, numbers, strict=True)]
        return fold(lambda one, other: one | other if self.any else one & other, has)


@dataclass(frozen=True)
class Term:
    """A row expression that is `value` where `valid` holds, and 0 elsewhere; a str is a column of numbers, None is 1.

    Terms of equal (for expressions: the very same) `valid` share its work.
    """

    valid: nw.Expr | Answered
    value: nw.Expr | str | None = None


def expression_of(term: nw.Expr | Term) -> nw.Expr:
    """The row expression that a term is."""
    if not isinstance(term, Term):
        return term
    valid = term.valid.condition() if isinstance(term.valid, Answered) else term.valid
    if term.value is None:
        return indicator(valid)
    return nw.when(valid).then(_number(term.value)).otherwise(nw.lit(0.0))


def _number(value: nw.Expr | str) -> nw.Expr:
    return nw.col(value).cast(nw.Float64) if isinstance(value, str) else value


@dataclass(frozen=True)
class Request:
    """What to sum by which keys.

    weight: of a row. terms: J row expressions. plain: positions of those to be summed without weights too. inside: the
    condition `where`, a further key. limits: columns of which each group's least and largest value is wanted.
    positive: it is known that every weight is above 0. nulls: null is taken to be the only sign of a missing value, as
    long as every sum is a number. complete: it is known that no column asked has a null.
    """

    keys: tuple[str, ...]
    weight: nw.Expr
    terms: tuple[nw.Expr | Term, ...]
    plain: tuple[int, ...]
    inside: nw.Expr | None
    limits: tuple[nw.Expr, ...]
    positive: bool = False
    nulls: bool = False
    complete: bool = False


def named(letter: str, place: int | str = "") -> str:
    """The name of a column of ours."""
    return f"{PREFIX}{letter}{place}"


def surveyed(frame: Frame, request: Request) -> Request:
    """The request with what may be taken as known of its rows.

    NaN need not be looked for where it would show in a sum. Whether weights are positive and columns complete is asked
    of DuckDB alone, which answers from the statistics of its columns, or stops at the first row that says no.
    """
    terms = [term for term in request.terms if isinstance(term, Term)]
    conditions = [term.valid for term in terms if isinstance(term.valid, Answered)]
    summed = {term.value for term in terms if isinstance(term.value, str)}
    nulls = bool(conditions) and all(set(one.floats) <= summed for one in conditions)
    request = replace(request, nulls=nulls)
    if not isinstance(frame, nw.LazyFrame) or not frame.implementation.is_duckdb():
        return request
    bad = ~(request.weight > 0) | request.weight.is_null()
    if nulls and len(conditions) == len(request.terms):
        asked = dict.fromkeys(name for one in conditions for name in one.columns)
        blank = fold(lambda one, other: one | other, [nw.col(name).is_null() for name in asked])
        if not _any(frame, bad | blank):
            return replace(request, positive=True, complete=True)
    return replace(request, positive=not _any(frame, bad))


def _any(frame: nw.LazyFrame[Any], condition: nw.Expr) -> bool:
    """Whether a row meets a condition; the first one found ends the search."""
    return len(frame.filter(condition).select(nw.lit(1).alias(named("w"))).head(1).collect()) > 0


def grouped(frame: Frame, request: Request) -> Frame:
    """One row per group: the keys, `inside` where asked, sums s (weighted) and q (plain), `weight` (sum), `rows` (with
    weight above 0), `all` (rows of any weight), low and high.
    """
    w = nw.col(named("w"))
    weight = request.weight if request.positive else nw.when(request.weight > 0).then(request.weight)
    first = [weight.alias(named("w"))]
    first += [limit.alias(named("f", i)) for i, limit in enumerate(request.limits)]
    keys = list(request.keys)
    if request.inside is not None:
        first.append(indicator(request.inside).alias(named("inside")))
        keys.append(named("inside"))
    second, third, sums = _sums(request)
    for i in range(len(request.limits)):
        sums.append(nw.col(named("f", i)).min().alias(named("low", i)))
        sums.append(nw.col(named("f", i)).max().alias(named("high", i)))
    rows = nw.len() if request.positive else w.count()
    sums += [w.sum().alias(named("weight")), rows.alias(named("rows")), nw.len().alias(named("all"))]
    for stage in (first, second, third):
        frame = frame.with_columns(*stage) if stage else frame
    return frame.group_by(keys).agg(*sums)


def _sums(request: Request) -> tuple[list[nw.Expr], list[nw.Expr], list[nw.Expr]]:
    """The weights of answers, one for each condition; their products with values; and the aggregates of each term."""
    weights: dict[Any, nw.Expr] = {}
    products, sums, w = [], [], nw.col(named("w"))
    for j, term in enumerate(request.terms):
        held, value = w, term.value if isinstance(term, Term) else term
        if isinstance(term, Term) and not request.complete and not _speaks_for_itself(request, term):
            held = _weight_of(term.valid, request, weights)
        if value is None:
            sums.append(held.sum().alias(named("s", j)))
            sums += [_count(request, term, held).alias(named("q", j))] if j in request.plain else []
            continue
        products.append((held * _number(value)).alias(named("s", j)))
        sums.append(nw.col(named("s", j)).sum())
        if j in request.plain:
            products.append(nw.when(~held.is_null()).then(_number(value)).alias(named("q", j)))
            sums.append(nw.col(named("q", j)).sum())
    return list(weights.values()), products, sums


def _speaks_for_itself(request: Request, term: Term) -> bool:
    """Whether the value is null wherever the term is not valid."""
    return request.nulls and isinstance(term.valid, Answered) and (term.value,) == term.valid.columns


def _weight_of(valid: nw.Expr | Answered, request: Request, weights: dict[Any, nw.Expr]) -> nw.Expr:
    """The column of the weights of the rows where a condition holds, made once."""
    key = valid if isinstance(valid, Answered) else id(valid)
    name = named("t", list(weights).index(key) if key in weights else len(weights))
    if key not in weights:
        condition = valid.condition(nan=not request.nulls) if isinstance(valid, Answered) else valid
        weights[key] = nw.when(condition).then(nw.col(named("w"))).alias(name)
    return nw.col(name)


def _count(request: Request, term: nw.Expr | Term, held: nw.Expr) -> nw.Expr:
    """The number of rows with a weight above 0 where a term is valid."""
    if request.complete:
        return nw.len()
    alone = isinstance(term, Term) and isinstance(term.valid, Answered) and len(term.valid.columns) == 1
    if alone and request.positive and request.nulls:
        return nw.col(term.valid.columns[0]).count()  # type: ignore[union-attr]
    return held.count()


def listed(frame: Frame, request: Request, further: Sequence[nw.Expr] = ()) -> Frame:
    """The same columns with each row as a group of its own; further: columns to be read beside them."""
    alive = request.weight > 0
    chosen = [nw.col(name) for name in request.keys]
    chosen.append(nw.when(alive).then(request.weight).otherwise(nw.lit(0.0)).alias(named("w")))
    chosen += [indicator(alive).alias(named("rows")), nw.lit(1.0).alias(named("all")), *further]
    if request.inside is not None:
        chosen.append(indicator(request.inside).alias(named("inside")))
    for i, limit in enumerate(request.limits):
        chosen += [limit.alias(named("low", i)), limit.alias(named("high", i))]
    for j, term in enumerate(request.terms):
        chosen.append(nw.when(alive).then(expression_of(term)).otherwise(nw.lit(0.0)).alias(named("q", j)))
    products = [(nw.col(named("q", j)) * nw.col(named("w"))).alias(named("s", j)) for j in range(len(request.terms))]
    return frame.select(*chosen).with_columns(nw.col(named("w")).alias(named("weight")), *products)
