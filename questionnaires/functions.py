"""The functions that expressions may call, by name; and those of ODK that they may not, with what to do instead.

Functions that XPath lacks follow https://docs.getodk.org/form-operators-functions/. All are pure: those that read the
clock, the language, the own answer or chance take the context as their first argument.
"""

import base64
import binascii
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from questionnaires import arithmetic
from questionnaires.chance import LONGEST_UUID, chance, fingerprint, unique_id, unique_letters
from questionnaires.dates import formatted, moment_of, read_moment, share_of_day, written
from questionnaires.patterns import matches
from questionnaires.values import OPERATORS, Context, Value, boolean, equal, nearest, number, string, words

__all__ = ["BEYOND", "FUNCTIONS", "OPERATORS", "Function", "Value", "boolean", "equal", "nearest", "number", "string"]

MANY = 1_000


def _selected_at(value: Value, position: Value) -> str:
    names, place = words(value), number(position)
    return names[int(place)] if 0 <= place < len(names) else ""


def _choice_name(context: Context, value: Value, item: Value) -> str:
    """The label of a choice; a name that the list lacks stands for itself, as an answer of "other" does."""
    names = words(value)
    if context.label is None:
        return " ".join(names)
    comma = "、" if context.language.startswith("zh") else ", "
    return comma.join(context.label(string(item), name, context.language) for name in names)


def _once(context: Context, value: Value) -> Value:
    return context.own if context.own != "" else value


def _random(context: Context, place: Value) -> float:
    if not context.submission_id:
        return math.nan
    return chance(context.submission_id, context.item, string(place))


def _uuid(context: Context, place: Value, length: Value | None = None) -> str:
    if not context.submission_id:
        return ""
    seed = (context.submission_id, context.item, string(place))
    if length is None:
        return unique_id(*seed)
    letters = number(length)
    return unique_letters(int(letters), *seed) if 1 <= letters <= LONGEST_UUID else ""


def _date(value: Value) -> str:
    """ODK date(): the day of a date or dateTime text, or of a number of days since 1970; "" when there is none."""
    found = _moment(value)
    return found[0].date().isoformat() if found else ""


def _moment(value: Value) -> tuple[datetime, str] | None:
    read = read_moment(value) if isinstance(value, str) else None
    if read is not None:
        return read
    found = moment_of(number(value))
    return (found, "") if found else None


def _date_time(value: Value) -> str:
    found = _moment(value)
    return written(*found) if found else ""


def _format(context: Context, value: Value, form: Value) -> str:
    found = _moment(value)
    return formatted(found[0], string(form), context.language) if found else ""


def _today(context: Context) -> str:
    return context.day.isoformat()


def _now(context: Context) -> str:
    return context.moment.isoformat(timespec="milliseconds")


def _substr(value: Value, start: Value, end: Value = math.inf) -> str:
    """ODK substr(): from `start` up to and without `end`, counted from 0, negative from the end."""
    text, first, last = string(value), number(start), number(end)
    if math.isnan(first) or math.isnan(last):
        return ""
    return text[_bound(first, len(text)) : _bound(last, len(text))]


def _bound(place: float, length: int) -> int:
    return int(max(-length, min(length, place))) if place < 0 else int(min(length, place))


def _substring(value: Value, start: Value, length: Value = math.inf) -> str:
    """XPath substring(): counted from 1, both numbers rounded; the letters between start and start + length."""
    text, first = string(value), arithmetic.rounded(start)
    last = first + arithmetic.rounded(length)
    return "".join(letter for place, letter in enumerate(text, start=1) if first <= place < last)


def _before(text: Value, mark: Value) -> str:
    head, found, _ = string(text).partition(string(mark)) if string(mark) else ("", "", "")
    return head if found else ""


def _after(text: Value, mark: Value) -> str:
    return string(text).partition(string(mark))[2] if string(mark) else string(text)


def _translate(text: Value, old: Value, new: Value) -> str:
    source, target = string(old), string(new)
    table = {ord(letter): target[place : place + 1] for place, letter in reversed(list(enumerate(source)))}
    return string(text).translate(table)


def _decoded(value: Value) -> str:
    try:
        return base64.b64decode(string(value), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _from_string(value: Value) -> bool:
    return string(value).strip().lower() in ("true", "1")


def _join(separator: Value, *values: Value) -> str:
    return string(separator).join(string(value) for value in values)


def _if(condition: Value, yes: Value, no: Value) -> Value:
    return yes if boolean(condition) else no


@dataclass(frozen=True, slots=True)
class Function:
    """One callable of the language and how many arguments it takes; `in_context`: it is given the context first."""

    apply: Callable[..., Value]
    least: int
    most: int
    in_context: bool = False

    @property
    def arity(self) -> str:
        """The number of arguments in words, for error sentences."""
        if self.least == self.most:
            return f"{self.least} argument{'s' if self.least != 1 else ''}"
        return f"at least {self.least}" if self.most == MANY else f"{self.least} to {self.most} arguments"


_NO_REPEATS = "repeats are not supported: ask each as an item of its own"
_NO_PLACES = "places on a map are not supported: ask for the community with select_one_from_file"
_NO_FILES = "other files are not read: use select_one_from_file, or a choice_filter"
# functions of ODK's language that need repeats, places, files or keys: refused by name, never passed over
BEYOND: dict[str, str] = {
    **dict.fromkeys(("indexed-repeat", "position", "last"), _NO_REPEATS),
    "count": "it counts repeats; write count-selected() or count-non-empty()",
    **dict.fromkeys(("area", "distance", "geofence", "intersects"), _NO_PLACES),
    **dict.fromkeys(("instance", "pulldata", "pull-data", "current", "id"), _NO_FILES),
    "randomize": "write randomize=true in column parameters",
    "jr:itext": "write the text in a label column of each language",
    "extract-signed": "signed texts are not supported: remove it",
    "property": "write the text itself",
    "version": "the version is stored with every answer: remove it",
    **dict.fromkeys(("last-saved", "jr:last-saved"), "an answer knows of no other: preset it with sandu::role preset"),
}
# only a calculation is stored: what it drew, or what it said first in one language, is what everything else sees
CALCULATION_ONLY = frozenset({"random", "uuid", "once", "jr:choice-name"})
# without an argument, these take the own answer
OF_ITSELF = frozenset({"string", "number", "string-length", "normalize-space"})
# each call is told where it stands, so that two calls in one expression draw two numbers
DRAWS = frozenset({"random", "uuid"})

FUNCTIONS: dict[str, Function] = {
    # truth and choice
    "if": Function(_if, 3, 3),
    "true": Function(lambda: True, 0, 0),
    "false": Function(lambda: False, 0, 0),
    "not": Function(lambda value: not boolean(value), 1, 1),
    "boolean": Function(boolean, 1, 1),
    "boolean-from-string": Function(_from_string, 1, 1),
    "coalesce": Function(lambda first, second: first if first != "" else second, 2, 2),
    "once": Function(_once, 1, 1, in_context=True),
    "checklist": Function(arithmetic.checklist, 3, MANY),
    "weighted-checklist": Function(arithmetic.weighted_checklist, 4, MANY),
    # choices
    "selected": Function(lambda value, name: string(name).strip() in words(value), 2, 2),
    "selected-at": Function(_selected_at, 2, 2),
    "count-selected": Function(lambda value: float(len(words(value))), 1, 1),
    "jr:choice-name": Function(_choice_name, 2, 2, in_context=True),
    # numbers
    "number": Function(number, 1, 1),
    "int": Function(arithmetic.whole, 1, 1),
    "round": Function(arithmetic.rounded, 1, 2),
    "floor": Function(arithmetic.floor, 1, 1),
    "ceiling": Function(lambda value: -arithmetic.floor(-number(value)), 1, 1),
    "abs": Function(lambda value: abs(number(value)), 1, 1),
    "pow": Function(arithmetic.power, 2, 2),
    "sqrt": Function(arithmetic.of_number(math.sqrt), 1, 1),
    "exp": Function(arithmetic.of_number(math.exp), 1, 1),
    "exp10": Function(lambda value: arithmetic.power(10.0, value), 1, 1),
    "log": Function(arithmetic.logarithm(math.log), 1, 1),
    "log10": Function(arithmetic.logarithm(math.log10), 1, 1),
    "pi": Function(lambda: math.pi, 0, 0),
    "sin": Function(arithmetic.of_number(math.sin), 1, 1),
    "cos": Function(arithmetic.of_number(math.cos), 1, 1),
    "tan": Function(arithmetic.of_number(math.tan), 1, 1),
    "asin": Function(arithmetic.of_number(math.asin), 1, 1),
    "acos": Function(arithmetic.of_number(math.acos), 1, 1),
    "atan": Function(arithmetic.of_number(math.atan), 1, 1),
    "atan2": Function(lambda y, x: math.atan2(number(y), number(x)), 2, 2),
    "min": Function(arithmetic.extreme(min), 1, MANY),
    "max": Function(arithmetic.extreme(max), 1, MANY),
    "sum": Function(arithmetic.total, 1, MANY),
    "count-non-empty": Function(lambda *values: float(sum(1 for value in values if value != "")), 1, MANY),
    "random": Function(_random, 0, 0, in_context=True),
    # texts
    "string": Function(string, 1, 1),
    "concat": Function(lambda *values: "".join(string(value) for value in values), 1, MANY),
    "join": Function(_join, 2, MANY),
    "contains": Function(lambda text, part: string(part) in string(text), 2, 2),
    "starts-with": Function(lambda text, part: string(text).startswith(string(part)), 2, 2),
    "ends-with": Function(lambda text, part: string(text).endswith(string(part)), 2, 2),
    "substr": Function(_substr, 2, 3),
    "substring": Function(_substring, 2, 3),
    "substring-before": Function(_before, 2, 2),
    "substring-after": Function(_after, 2, 2),
    "string-length": Function(lambda text: float(len(string(text))), 1, 1),
    "normalize-space": Function(lambda text: " ".join(words(text)), 1, 1),
    "translate": Function(_translate, 3, 3),
    "regex": Function(lambda value, pattern: matches(string(value), string(pattern)), 2, 2),
    "digest": Function(lambda *texts: fingerprint(*map(string, texts)), 2, 3),
    "base64-decode": Function(_decoded, 1, 1),
    "uuid": Function(_uuid, 0, 1, in_context=True),
    # dates and moments
    "today": Function(_today, 0, 0, in_context=True),
    "now": Function(_now, 0, 0, in_context=True),
    "date": Function(_date, 1, 1),
    "date-time": Function(_date_time, 1, 1),
    "decimal-date-time": Function(number, 1, 1),
    "decimal-time": Function(lambda value: share_of_day(string(value)), 1, 1),
    "format-date": Function(_format, 2, 2, in_context=True),
    "format-date-time": Function(_format, 2, 2, in_context=True),
}
