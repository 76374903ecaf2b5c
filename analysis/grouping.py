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
class Term:
    """A row expression that is `value` (None: 1) where `valid` holds, and 0 elsewhere.

    Terms that hold the very same `valid` share its work. column: the column whose having a value is all that `valid`
    says; the value, if any, is then that column's.
    """

    valid: nw.Expr
    value: nw.Expr | None = None
    column: str | None = None


def expression_of(term: nw.Expr | Term) -> nw.Expr:
    """The row expression that a term is."""
    if not isinstance(term, Term):
        return term
    if term.value is None:
        return indicator(term.valid)
    return nw.when(term.valid).then(term.value).otherwise(nw.lit(0.0))


@dataclass(frozen=True)
class Request:
    """What to sum by which keys.

    weight: of a row. terms: J row expressions. plain: positions of those to be summed without weights too. inside: the
    condition `where`, a further key. limits: columns of which each group's least and largest value is wanted.
    positive: it is known that every weight is above 0; complete: and that every `valid` holds in every row.
    """

    keys: tuple[str, ...]
    weight: nw.Expr
    terms: tuple[nw.Expr | Term, ...]
    plain: tuple[int, ...]
    inside: nw.Expr | None
    limits: tuple[nw.Expr, ...]
    positive: bool = False
    complete: bool = False


def named(letter: str, place: int | str = "") -> str:
    """The name of a column of ours."""
    return f"{PREFIX}{letter}{place}"


def surveyed(frame: Frame, request: Request) -> Request:
    """The request with what is known of its rows, asked of an engine that answers from the statistics of its columns.

    Elsewhere, or where the answer would be no, nothing is taken as known. Statistics may pass over NaN: sums show it.
    """
    if not isinstance(frame, nw.LazyFrame) or not frame.implementation.is_duckdb():
        return request
    bad = ~(request.weight > 0) | request.weight.is_null()
    terms = [term for term in request.terms if isinstance(term, Term) and term.column is not None]
    summed = {term.column for term in terms if term.value is not None}  # whose NaN would show in a sum
    if summed and len(terms) == len(request.terms) and summed == {term.column for term in terms}:
        blank = fold(lambda one, other: one | other, [nw.col(str(name)).is_null() for name in summed])
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
    weights: dict[int, nw.Expr] = {}
    products, sums = [], []
    for j, term in enumerate(request.terms):
        held, value = nw.col(named("w")), term.value if isinstance(term, Term) else term
        if isinstance(term, Term) and not request.complete:
            name = named("t", list(weights).index(id(term.valid)) if id(term.valid) in weights else len(weights))
            weights[id(term.valid)] = nw.when(term.valid).then(held).alias(name)
            held = nw.col(name)
        if value is None:
            sums.append(held.sum().alias(named("s", j)))
        else:
            products.append((held * value).alias(named("s", j)))
            sums.append(nw.col(named("s", j)).sum())
        if j in request.plain and value is None:
            sums.append((nw.len() if request.complete else held.count()).alias(named("q", j)))
        elif j in request.plain:
            products.append(nw.when(~held.is_null()).then(value).alias(named("q", j)))
            sums.append(nw.col(named("q", j)).sum())
    return list(weights.values()), products, sums


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
