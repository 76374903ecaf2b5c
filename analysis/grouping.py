"""The group-by behind the table of sums, in the form that every engine runs fastest.

A row's weight is null where it is not above 0, and an answer's weight is null where the answer does not count; a
product with a null is null, and sums and counts pass over it. So each answer costs one case expression, and counts of
rows need no column of ones. Whatever looks odd in the sums is looked at in a second pass, which good tables never need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

PREFIX = "sandu__"
Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]


def indicator(condition: nw.Expr) -> nw.Expr:
    """1 where the condition holds, 0 where it does not or is unknown."""
    return nw.when(condition).then(nw.lit(1.0)).otherwise(nw.lit(0.0))


@dataclass(frozen=True)
class Term:
    """A row expression that is `value` (None: 1) where `valid` holds, and 0 elsewhere.

    Terms that hold the very same `valid` share its work.
    """

    valid: nw.Expr
    value: nw.Expr | None = None


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
    """

    keys: tuple[str, ...]
    weight: nw.Expr
    terms: tuple[nw.Expr | Term, ...]
    plain: tuple[int, ...]
    inside: nw.Expr | None
    limits: tuple[nw.Expr, ...]


def named(letter: str, place: int | str = "") -> str:
    """The name of a column of ours."""
    return f"{PREFIX}{letter}{place}"


def grouped(frame: Frame, request: Request) -> Frame:
    """One row per group: the keys, `inside` where asked, sums s (weighted) and q (plain), `weight` (sum), `rows` (with
    weight above 0), `all` (rows of any weight), low and high.
    """
    w = nw.col(named("w"))
    first: list[nw.Expr] = [nw.when(request.weight > 0).then(request.weight).alias(named("w"))]
    first += [limit.alias(named("f", i)) for i, limit in enumerate(request.limits)]
    keys = list(request.keys)
    if request.inside is not None:
        first.append(indicator(request.inside).alias(named("inside")))
        keys.append(named("inside"))
    conditions = _conditions(request.terms)
    second = [nw.when(valid).then(w).alias(named("t", i)) for i, valid in enumerate(conditions)]
    products, sums = _sums(request, conditions)
    for i in range(len(request.limits)):
        sums.append(nw.col(named("f", i)).min().alias(named("low", i)))
        sums.append(nw.col(named("f", i)).max().alias(named("high", i)))
    sums += [w.sum().alias(named("weight")), w.count().alias(named("rows")), nw.len().alias(named("all"))]
    for stage in (first, second, products):
        frame = frame.with_columns(*stage) if stage else frame
    return frame.group_by(keys).agg(*sums)


def _conditions(terms: Sequence[nw.Expr | Term]) -> list[nw.Expr]:
    """The conditions of the terms, each once."""
    found: dict[int, nw.Expr] = {id(term.valid): term.valid for term in terms if isinstance(term, Term)}
    return list(found.values())


def _sums(request: Request, conditions: Sequence[nw.Expr]) -> tuple[list[nw.Expr], list[nw.Expr]]:
    """Columns to be made of the weights, and the aggregates of each term."""
    place_of: Mapping[int, int] = {id(valid): i for i, valid in enumerate(conditions)}
    w, products, sums = nw.col(named("w")), [], []
    for j, term in enumerate(request.terms):
        held = nw.col(named("t", place_of[id(term.valid)])) if isinstance(term, Term) else w
        value = term.value if isinstance(term, Term) else term
        if value is None:
            sums.append(held.sum().alias(named("s", j)))
        else:
            products.append((held * value).alias(named("s", j)))
            sums.append(nw.col(named("s", j)).sum())
        if j in request.plain and value is None:
            sums.append(held.count().alias(named("q", j)))
        elif j in request.plain:
            products.append(nw.when(~held.is_null()).then(value).alias(named("q", j)))
            sums.append(nw.col(named("q", j)).sum())
    return products, sums


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
