"""Dates and moments as XForms keep them: texts such as 2026-05-01 and 2026-05-01T09:30:00.000+08:00.

A moment counts by the clock it was written with: its offset is carried along, never applied, so that the day of an
answer is the day on the wall of the one who gave it.
"""

import math
import re
from datetime import date, datetime, time, timedelta

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
_OFFSET = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_MOMENT = re.compile(rf"({_DATE})(?:[T ]({_TIME})({_OFFSET}))?")
_CLOCK = re.compile(rf"({_TIME}){_OFFSET}")
_EPOCH = datetime(1970, 1, 1)
_DAY = timedelta(days=1)
# identifiers that https://docs.getodk.org/form-operators-functions/ lists; the second set is for moments only
DAY_FORMAT = frozenset("Yymnbdea%")
MOMENT_FORMAT = DAY_FORMAT | frozenset("HhMS3")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": tuple(f"周{day}" for day in "一二三四五六日"),
}


def read_moment(text: str) -> tuple[datetime, str] | None:
    """The moment a date or dateTime text names, by its own clock, and its offset as written; None: it is neither."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    try:
        clock = time.fromisoformat(_six_digits(found[2])) if found[2] else time()
        return datetime.combine(date.fromisoformat(found[1]), clock), found[3] or ""
    except ValueError:
        return None


def _six_digits(clock: str) -> str:
    """Python reads a fraction of a second of three or six digits."""
    head, point, fraction = clock.partition(".")
    return f"{head}.{fraction:0<6}" if point else clock


def moment_of(days: float) -> datetime | None:
    """The moment that lies `days` after the start of 1970; None outside the years 1 to 9999."""
    if math.isnan(days) or math.isinf(days) or abs(days) > 4e6:
        return None
    try:
        # to the millisecond: a number of days in a float is no finer
        return _EPOCH + timedelta(milliseconds=round(days * 86_400_000))
    except OverflowError:
        return None


def days_of(text: str) -> float:
    """How many days after the start of 1970 a date or dateTime text lies; NaN when it is neither."""
    found = read_moment(text)
    return (found[0] - _EPOCH) / _DAY if found else math.nan


def share_of_day(text: str) -> float:
    """ODK decimal-time(): 0.5 for noon, from a time or a dateTime text; NaN when it is neither."""
    found, clock = read_moment(text), _CLOCK.fullmatch(text.strip())
    if found is not None:
        return (found[0] - datetime.combine(found[0].date(), time())) / _DAY
    try:
        at = time.fromisoformat(_six_digits(clock[1])) if clock else None
    except ValueError:
        return math.nan
    return math.nan if at is None else (datetime.combine(_EPOCH.date(), at) - _EPOCH) / _DAY


def written(moment: datetime, offset: str = "") -> str:
    """A moment as XForms keep it, to the millisecond."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + offset


def unknown_identifier(form: str, *, with_time: bool) -> str | None:
    """The first %x of a format that ODK does not have; None when all are known."""
    known = MOMENT_FORMAT if with_time else DAY_FORMAT
    return next((mark for mark in re.findall("%.?", form, re.DOTALL) if mark[1:] not in known or mark == "%"), None)


def formatted(moment: datetime, form: str, language: str) -> str:
    """ODK format-date(): identifiers replaced, month and weekday in Chinese where `language` is, else in English."""
    chinese = language.startswith("zh")
    parts = {
        "Y": f"{moment.year:04}",
        "y": f"{moment.year % 100:02}",
        "m": f"{moment.month:02}",
        "n": str(moment.month),
        "b": f"{moment.month}月" if chinese else _MONTHS[moment.month - 1],
        "d": f"{moment.day:02}",
        "e": str(moment.day),
        "a": _WEEKDAYS["zh" if chinese else "en"][moment.weekday()],
        "H": f"{moment.hour:02}",
        "h": str(moment.hour),
        "M": f"{moment.minute:02}",
        "S": f"{moment.second:02}",
        "3": f"{moment.microsecond // 1000:03}",
        "%": "%",
    }
    return re.sub("%(.)", lambda mark: parts.get(mark[1], mark[0]), form)
