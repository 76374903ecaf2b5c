"""The score of a number as a row expression: the tree of `sandu::score`, translated for whatever engine holds the rows.

Translated rather than looked up value by value: a look-up would first have to ask a lazy table which values it holds,
and again at every change, while a translated formula is part of the one query that sums the rows.

XPath's NaN is null here. It can only come of a division by zero, since "." is a number wherever the formula counts; so
each part carries whether it may be null, and only what may be is guarded. XPath's infinities are the engine's own.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce as fold_left
from typing import Any

import narwhals as nw

from analysis.errors import DesignError

ROUNDING = 1e-9  # as in the instrument: a score may miss 0 or 100 by the last bits
NUMBER = r"^-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the formula: a number or, with `truth`, a condition (never null); may_fail: it may be null.

    constant: its value where the formula holds it as written.
    """

    expression: nw.Expr
    truth: bool = False
    may_fail: bool = False
    constant: float | None = None


def number_score(item: Any, answer: nw.Expr) -> nw.Expr:
    """The score 0-100 of an item that asks for a number; null where it has none or would lie outside."""
    part = _number(item.fold_score(own=lambda: Part(answer), literal=_literal, call=_call))
    score = part.expression
    inside = ~answer.is_null() & (score >= -ROUNDING) & (score <= 100 + ROUNDING)
    low = nw.when(score < 0).then(nw.lit(0.0)).otherwise(score)
    bounded = nw.when(score > 100).then(nw.lit(100.0)).otherwise(low)
    return nw.when(inside).then(bounded).otherwise(_null())


def number_fault(item: Any, answer: nw.Expr) -> nw.Expr:
    """Whether a row's answer has no score although the instrument does not say so with ''."""
    part = _number(item.fold_score(own=lambda: Part(answer), literal=_literal, call=_call))
    score = part.expression
    outside = ((score < -ROUNDING) | (score > 100 + ROUNDING)).fill_null(False)
    on_purpose = item.fold_score(own=lambda: False, literal=lambda value: value == "", call=lambda _, parts: any(parts))
    # where '' may be meant, a score that is null may be it
    return ~answer.is_null() & (outside if on_purpose else outside | score.is_null())


def number_of(name: str, dtype: Any) -> nw.Expr:
    """A column as numbers, null where it holds none: the texts of a calculate item are read as XPath reads them."""
    if dtype.is_temporal() or dtype.is_nested():
        raise DesignError(f"The column {name!r} holds {dtype}, and its item asks for a number: write it as one.")
    column = nw.col(name)
    if dtype == nw.String or dtype in (nw.Categorical, nw.Enum, nw.Object):
        text = column.cast(nw.String).str.strip_chars()
        # what is no number goes first: engines refuse a whole table for one text that they cannot cast
        return nw.when(text.str.contains(NUMBER)).then(text).otherwise(nw.lit(None, dtype=nw.String)).cast(nw.Float64)
    number = column.cast(nw.Float64)
    return number.fill_nan(None) if dtype.is_float() else number


def _null() -> nw.Expr:
    return nw.lit(None, dtype=nw.Float64)


def _literal(value: Any) -> Part:
    if value == "":
        return Part(_null(), may_fail=True)
    return Part(nw.lit(float(value)), constant=float(value))


def _number(part: Part) -> Part:
    if not part.truth:
        return part
    return Part(nw.when(part.expression).then(nw.lit(1.0)).otherwise(nw.lit(0.0)))


def _truth(part: Part) -> nw.Expr:
    if part.truth:
        return part.expression
    return _sure(part, part.expression != 0.0)


def _sure(part: Part, condition: nw.Expr) -> nw.Expr:
    return ~part.expression.is_null() & condition.fill_null(False) if part.may_fail else condition


def _call(name: str, parts: Sequence[Part]) -> Part:
    return _CALLS[name](*parts)


def _arithmetic(apply: Callable[..., nw.Expr]) -> Callable[..., Part]:
    def call(*parts: Part) -> Part:
        numbers = [_number(part) for part in parts]
        found, may_fail = apply(*(n.expression for n in numbers)), any(n.may_fail for n in numbers)
        # where a division by zero gave an infinity, infinity less infinity may follow
        return Part(found.fill_nan(None) if may_fail else found, may_fail=may_fail)

    return call


def _compared(apply: Callable[[nw.Expr, nw.Expr], nw.Expr]) -> Callable[[Part, Part], Part]:
    def call(left: Part, right: Part) -> Part:
        one, other = _number(left), _number(right)
        found = apply(one.expression, other.expression)
        # nothing compares with NaN
        return Part(found.fill_null(False) if one.may_fail or other.may_fail else found, truth=True)

    return call


def _equal(left: Part, right: Part) -> Part:
    if left.truth or right.truth:
        one, other = _truth(left), _truth(right)
        return Part((one & other) | (~one & ~other), truth=True)
    return _compared(lambda a, b: a == b)(left, right)


def _not(part: Part) -> Part:
    return Part(~_truth(part), truth=True)


def _divided(above: Part, below: Part) -> Part:
    over, under = _number(above), _number(below)
    top, bottom = over.expression, under.expression
    if under.constant:
        return Part(top / bottom, may_fail=over.may_fail)
    # engines differ in what a division by zero gives
    safe = nw.when(bottom != 0.0).then(bottom).otherwise(_null())
    positive = nw.when((bottom == 0.0) & (top > 0.0)).then(nw.lit(math.inf)).otherwise(top / safe)
    signed = nw.when((bottom == 0.0) & (top < 0.0)).then(nw.lit(-math.inf)).otherwise(positive)
    return Part(signed.fill_nan(None), may_fail=True)


def _remainder(above: Part, below: Part) -> Part:
    over, under = _number(above), _number(below)
    top = over.expression
    bottom = nw.when(under.expression != 0.0).then(under.expression).otherwise(_null())
    return Part(top - bottom * _toward_zero(top / bottom), may_fail=True)


def _toward_zero(number: nw.Expr) -> nw.Expr:
    return nw.when(number < 0.0).then(-(-number).floor()).otherwise(number.floor())


def _rounded(part: Part, places: Part | None = None) -> Part:
    number = _number(part)
    step = 10.0 ** int(places.constant or 0.0) if places else 1.0
    # halves go up, as in XPath; a half that the last bit misses is a half
    return Part((number.expression * step + 0.5 + ROUNDING).floor() / step, may_fail=number.may_fail)


def _extreme(choose: Callable[..., nw.Expr]) -> Callable[..., Part]:
    def call(*parts: Part) -> Part:
        numbers = [_number(part) for part in parts]
        found = choose(*(n.expression for n in numbers))
        unsure = [n for n in numbers if n.may_fail]
        if not unsure:
            return Part(found)
        failed = fold_left(lambda a, b: a | b, [n.expression.is_null() for n in unsure])
        return Part(nw.when(~failed).then(found).otherwise(_null()), may_fail=True)

    return call


def _chosen(condition: Part, yes: Part, no: Part) -> Part:
    one, other = _number(yes), _number(no)
    found = nw.when(_truth(condition)).then(one.expression).otherwise(other.expression)
    return Part(found, may_fail=one.may_fail or other.may_fail)


def _constant(value: bool) -> Callable[[], Part]:
    return lambda: Part(nw.lit(value), truth=True)


_CALLS: Mapping[str, Callable[..., Part]] = {
    "+": _arithmetic(lambda a, b: a + b),
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "negative": _arithmetic(lambda a: a * -1.0),
    "div": _divided,
    "mod": _remainder,
    "=": _equal,
    "!=": lambda a, b: _not(_equal(a, b)),
    "<": _compared(lambda a, b: a < b),
    "<=": _compared(lambda a, b: a <= b),
    ">": _compared(lambda a, b: a > b),
    ">=": _compared(lambda a, b: a >= b),
    "and": lambda a, b: Part(_truth(a) & _truth(b), truth=True),
    "or": lambda a, b: Part(_truth(a) | _truth(b), truth=True),
    "not": _not,
    "if": _chosen,
    "min": _extreme(nw.min_horizontal),
    "max": _extreme(nw.max_horizontal),
    "round": _rounded,
    "floor": _arithmetic(lambda a: a.floor()),
    "ceiling": _arithmetic(lambda a: a.ceil()),
    "int": _arithmetic(_toward_zero),
    "abs": _arithmetic(lambda a: a.abs()),
    "number": _number,
    "boolean": lambda part: Part(_truth(part), truth=True),
    "true": _constant(True),
    "false": _constant(False),
}
