"""XPath 1.0 values and the functions that XLSForm expressions may call.

A value is a text, a number (float) or a truth value. Conversions follow XPath 1.0, section 4; functions that XPath
lacks follow https://docs.getodk.org/form-operators-functions/. All are pure; today() reads the day from the context.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from difflib import get_close_matches

Value = str | float | bool

_NUMBER = re.compile(r"\s*-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = date(1970, 1, 1).toordinal()
MANY = 1_000


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of an error sentence: the nearest right name, or nothing to add."""
    known = sorted(names)
    close = get_close_matches(name, known, n=1, cutoff=0.5) or [other for other in known if other.startswith(name)]
    return f"; did you mean {close[0]!r}?" if close else ""


def number(value: Value) -> float:
    """XPath number(): a text that is no number is NaN; a date counts its days since 1970-01-01 (ODK)."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return float(value)
        if _DATE.fullmatch(value):
            return _days(value)
        return math.nan
    return float(value)


def _days(text: str) -> float:
    try:
        return float(date.fromisoformat(text).toordinal() - _EPOCH)
    except ValueError:
        return math.nan


def string(value: Value) -> str:
    """XPath string(): numbers without exponent and without a needless fraction, truth as true and false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value):
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def boolean(value: Value) -> bool:
    """XPath boolean(): the empty text, zero and NaN are false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value != ""
    return not (value == 0 or math.isnan(value))


def equal(left: Value, right: Value) -> bool:
    """XPath `=`: as truth values if one is, else as numbers if one is, else as texts."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return boolean(left) == boolean(right)
    return number(left) == number(right)


def _divide(left: Value, right: Value) -> float:
    above, below = number(left), number(right)
    if below != 0:
        return above / below
    if math.isnan(above) or math.isnan(below) or above == 0:
        return math.nan
    return math.copysign(math.inf, above) * math.copysign(1.0, below)


def _remainder(left: Value, right: Value) -> float:
    above, below = number(left), number(right)
    if below == 0 or math.isinf(above) or math.isnan(above) or math.isnan(below):
        return math.nan
    return math.fmod(above, below)


OPERATORS: dict[str, Callable[..., Value]] = {
    "=": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": lambda left, right: number(left) < number(right),
    "<=": lambda left, right: number(left) <= number(right),
    ">": lambda left, right: number(left) > number(right),
    ">=": lambda left, right: number(left) >= number(right),
    "+": lambda left, right: number(left) + number(right),
    "-": lambda left, right: number(left) - number(right),
    "*": lambda left, right: number(left) * number(right),
    "div": _divide,
    "mod": _remainder,
    "negative": lambda value: -number(value),
}


def _words(value: Value) -> list[str]:
    return string(value).split()


def _selected_at(value: Value, position: Value) -> str:
    words, place = _words(value), number(position)
    return words[int(place)] if place >= 0 and place < len(words) else ""


def _round(value: Value, places: Value = 0.0) -> float:
    """XPath round(): halves towards positive infinity; ODK's second argument is the number of decimals."""
    amount, digits = number(value), number(places)
    if math.isnan(amount) or math.isinf(amount) or math.isnan(digits) or abs(digits) > 15:
        return amount
    step = Decimal(1).scaleb(-int(digits))
    rounding = ROUND_HALF_UP if amount >= 0 else ROUND_HALF_DOWN
    return float(Decimal(repr(amount)).quantize(step, rounding=rounding)) if abs(amount) < 1e15 else amount


def _whole(value: Value) -> float:
    amount = number(value)
    return amount if math.isnan(amount) or math.isinf(amount) else float(math.trunc(amount))


def _power(base: Value, exponent: Value) -> float:
    try:
        return math.pow(number(base), number(exponent))
    except OverflowError:
        return math.inf
    except ValueError:  # the root of a negative number, a division by zero
        return math.nan


def _date(value: Value) -> str:
    """ODK date(): the day of a date text, or of a number of days since 1970-01-01; "" when there is none."""
    days = number(value[:10] if isinstance(value, str) else value)
    place = days + _EPOCH
    return date.fromordinal(int(place)).isoformat() if 1 <= place <= date.max.toordinal() else ""


def _floor(value: Value) -> float:
    amount = number(value)
    return amount if math.isnan(amount) or math.isinf(amount) else float(math.floor(amount))


def _substr(value: Value, start: Value, end: Value = math.inf) -> str:
    """ODK substr(): from `start` up to and without `end`, counted from 0, negative from the end."""
    text, first, last = string(value), number(start), number(end)
    if math.isnan(first) or math.isnan(last):
        return ""
    return text[_bound(first, len(text)) : _bound(last, len(text))]


def _bound(place: float, length: int) -> int:
    return int(max(-length, min(length, place))) if place < 0 else int(min(length, place))


def _regex(value: Value, pattern: Value) -> bool:
    return re.fullmatch(string(pattern), string(value)) is not None


def _extreme(choose: Callable[[list[float]], float]) -> Callable[..., float]:
    def extreme(*values: Value) -> float:
        numbers = [number(value) for value in values if value != ""]
        return math.nan if not numbers or any(map(math.isnan, numbers)) else choose(numbers)

    return extreme


def _before(text: Value, mark: Value) -> str:
    head, found, _ = string(text).partition(string(mark)) if string(mark) else ("", "", "")
    return head if found else ""


def _after(text: Value, mark: Value) -> str:
    return string(text).partition(string(mark))[2] if string(mark) else string(text)


def _translate(text: Value, old: Value, new: Value) -> str:
    source, target = string(old), string(new)
    table = {ord(letter): target[place : place + 1] for place, letter in reversed(list(enumerate(source)))}
    return string(text).translate(table)


def _from_string(value: Value) -> bool:
    return string(value).strip().lower() in ("true", "1")


def _checklist(least: Value, most: Value, *values: Value) -> bool:
    count = sum(1 for value in values if boolean(value))
    return (number(least) < 0 or count >= number(least)) and (number(most) < 0 or count <= number(most))


def _join(separator: Value, *values: Value) -> str:
    return string(separator).join(string(value) for value in values)


@dataclass(frozen=True, slots=True)
class Function:
    """One callable of the language and how many arguments it takes."""

    apply: Callable[..., Value]
    least: int
    most: int

    @property
    def arity(self) -> str:
        """The number of arguments in words, for error sentences."""
        if self.least == self.most:
            return f"{self.least} argument{'s' if self.least != 1 else ''}"
        return f"at least {self.least}" if self.most == MANY else f"{self.least} to {self.most} arguments"


def _context_only(*_: Value) -> Value:
    raise TypeError("evaluated by the emitter, which alone knows the context")


# functions of ODK's language that need repeats, places, files, chance or the clock: refused by name, never passed over
BEYOND = frozenset(
    {"area", "count", "decimal-date-time", "digest", "distance", "format-date", "format-date-time", "indexed-repeat"}
    | {"instance", "jr:choice-name", "jr:itext", "now", "once", "position", "pulldata", "random", "randomize", "uuid"}
    | {"weighted-checklist", "decimal-time", "date-time", "geofence", "intersects", "last-saved"}
)
FUNCTIONS: dict[str, Function] = {
    "if": Function(_context_only, 3, 3),
    "today": Function(_context_only, 0, 0),
    "true": Function(lambda: True, 0, 0),
    "false": Function(lambda: False, 0, 0),
    "not": Function(lambda value: not boolean(value), 1, 1),
    "boolean": Function(boolean, 1, 1),
    "boolean-from-string": Function(_from_string, 1, 1),
    "number": Function(number, 1, 1),
    "string": Function(string, 1, 1),
    "int": Function(_whole, 1, 1),
    "round": Function(_round, 1, 2),
    "floor": Function(_floor, 1, 1),
    "ceiling": Function(lambda value: -_floor(-number(value)), 1, 1),
    "abs": Function(lambda value: abs(number(value)), 1, 1),
    "pow": Function(_power, 2, 2),
    "date": Function(_date, 1, 1),
    "min": Function(_extreme(min), 1, MANY),
    "max": Function(_extreme(max), 1, MANY),
    "sum": Function(lambda *values: sum(number(value) for value in values if value != ""), 1, MANY),
    "count-non-empty": Function(lambda *values: float(sum(1 for value in values if value != "")), 1, MANY),
    "coalesce": Function(lambda first, second: first if first != "" else second, 2, 2),
    "selected": Function(lambda value, name: string(name).strip() in _words(value), 2, 2),
    "selected-at": Function(_selected_at, 2, 2),
    "count-selected": Function(lambda value: float(len(_words(value))), 1, 1),
    "checklist": Function(_checklist, 3, MANY),
    "concat": Function(lambda *values: "".join(string(value) for value in values), 1, MANY),
    "join": Function(_join, 2, MANY),
    "contains": Function(lambda text, part: string(part) in string(text), 2, 2),
    "starts-with": Function(lambda text, part: string(text).startswith(string(part)), 2, 2),
    "ends-with": Function(lambda text, part: string(text).endswith(string(part)), 2, 2),
    "substr": Function(_substr, 2, 3),
    "substring-before": Function(_before, 2, 2),
    "substring-after": Function(_after, 2, 2),
    "string-length": Function(lambda text: float(len(string(text))), 1, 1),
    "normalize-space": Function(lambda text: " ".join(_words(text)), 1, 1),
    "translate": Function(_translate, 3, 3),
    "regex": Function(_regex, 2, 2),
}
