"""XPath 1.0 values: a text, a number (float) or a truth value; their conversions and the operators over them.

Conversions follow XPath 1.0, section 4, with the addition ODK makes (https://docs.getodk.org/form-operators-functions/):
where a number is wanted, a date counts its days since 1970-01-01 and a moment adds its share of the day.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from re import compile as pattern

from questionnaires.dates import days_of

Value = str | float | bool

_NUMBER = pattern(r"[ \t\r\n]*-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[ \t\r\n]*")


@dataclass(slots=True)
class Context:
    """What an expression is evaluated over.

    values: answers by item name; own: the own answer (`.`); row: the row of a choice; today, now: the clock, read from
    the machine where neither is given. submission_id, item: what chance hangs on; without an id there is none.
    language, label: the language of the resident, and how jr:choice-name() finds a label (item, choice, language).
    """

    values: Mapping[str, Value]
    own: Value = ""
    row: Mapping[str, str] = field(default_factory=dict)
    today: date | None = None
    now: datetime | None = None
    submission_id: str = ""
    item: str = ""
    language: str = ""
    label: Callable[[str, str, str], str] | None = None

    @property
    def day(self) -> date:
        """Today."""
        return self.today or (self.now.date() if self.now else date.today())

    @property
    def moment(self) -> datetime:
        """Now, with its offset; the first moment of `today` where only that is given."""
        if self.now is not None:
            return self.now if self.now.tzinfo else self.now.astimezone()
        return datetime.combine(self.today, time()).astimezone() if self.today else datetime.now().astimezone()


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of an error sentence: the nearest right name, or nothing to add."""
    known = sorted(names)
    close = get_close_matches(name, known, n=1, cutoff=0.5) or [other for other in known if other.startswith(name)]
    return f"; did you mean {close[0]!r}?" if close else ""


def number(value: Value) -> float:
    """XPath number(): a text that is no number is NaN; a date counts its days since 1970-01-01 (ODK)."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else days_of(value)
    return float(value)


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


def words(value: Value) -> list[str]:
    """The names in a list of choices, which XForms keep as one text with blanks between."""
    return string(value).split()


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
