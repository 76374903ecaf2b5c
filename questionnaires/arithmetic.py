"""The functions over numbers: rounding, sums, powers, angles. Where mathematics has no answer, the answer is NaN."""

import math
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal

from questionnaires.values import Value, boolean, number

_EXACT = Context(prec=60)


def rounded(value: Value, places: Value = 0.0) -> float:
    """XPath round(): halves towards positive infinity; ODK's second argument is the number of decimals."""
    amount, digits = number(value), number(places)
    if math.isnan(amount) or math.isinf(amount) or math.isnan(digits) or abs(digits) > 15 or abs(amount) >= 1e15:
        return amount
    step = Decimal(1).scaleb(-int(digits))
    rounding = ROUND_HALF_UP if amount >= 0 else ROUND_HALF_DOWN
    return float(Decimal(repr(amount)).quantize(step, rounding=rounding, context=_EXACT))


def whole(value: Value) -> float:
    """ODK int(): the number without its fraction."""
    amount = number(value)
    return amount if math.isnan(amount) or math.isinf(amount) else float(math.trunc(amount))


def floor(value: Value) -> float:
    """XPath floor()."""
    amount = number(value)
    # a zero keeps its sign, as XPath wants it
    return amount if math.isnan(amount) or math.isinf(amount) or amount == 0 else float(math.floor(amount))


def power(base: Value, exponent: Value) -> float:
    """ODK pow(); NaN for the root of a negative number."""
    below, above = number(base), number(exponent)
    try:
        return math.pow(below, above)
    except OverflowError:
        return -math.inf if below < 0 and above % 2 == 1 else math.inf
    except ValueError:  # the root of a negative number, or a negative power of zero
        return math.inf if below == 0 else math.nan


def of_number(apply: Callable[[float], float]) -> Callable[[Value], float]:
    """A function of the math module as one of ours: NaN where it is not defined, infinity where it is too large."""

    def applied(value: Value) -> float:
        try:
            return apply(number(value))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return applied


def logarithm(apply: Callable[[float], float]) -> Callable[[Value], float]:
    """A logarithm: minus infinity at zero, NaN below."""
    defined = of_number(apply)
    return lambda value: -math.inf if number(value) == 0 else defined(value)


def extreme(choose: Callable[[list[float]], float]) -> Callable[..., float]:
    """min() or max() of the values that are there; NaN when none is, or when one is no number."""

    def chosen(*values: Value) -> float:
        numbers = [number(value) for value in values if value != ""]
        return math.nan if not numbers or any(map(math.isnan, numbers)) else choose(numbers)

    return chosen


def total(*values: Value) -> float:
    """sum() of the values that are there."""
    return sum((number(value) for value in values if value != ""), 0.0)


def _ticked(value: Value) -> bool:
    """Whether an answer counts in a checklist: the text yes, or what is true as a number above zero."""
    if isinstance(value, bool):
        return boolean(value)
    return value == "yes" or number(value) > 0


def _within(amount: float, least: Value, most: Value) -> bool:
    """Whether `amount` keeps both bounds; a bound of -1 is none."""
    bottom, top = number(least), number(most)
    return (bottom == -1 or amount >= bottom) and (top == -1 or amount <= top)


def checklist(least: Value, most: Value, *answers: Value) -> bool:
    """ODK checklist(): whether as many answers are yes as the bounds allow."""
    return _within(float(sum(map(_ticked, answers))), least, most)


def weighted_checklist(least: Value, most: Value, *pairs: Value) -> bool:
    """ODK weighted-checklist(): the same over the sum of the weights that stand behind the answers."""
    weighed: Iterable[tuple[Value, Value]] = zip(pairs[::2], pairs[1::2], strict=True)
    return _within(sum((number(weight) for answer, weight in weighed if _ticked(answer)), 0.0), least, most)
