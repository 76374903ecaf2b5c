"""Raw answers to clean ones: the one place where a text becomes a number or a date.

Clean: select_one a choice name, select_multiple a list of choice names, rank the list of names with the first place
first, integer an int, decimal a float, range an int where it is whole and else a float, date "YYYY-MM-DD", time
"HH:MM", dateTime "YYYY-MM-DDTHH:MM", acknowledge "OK", text in NFC without control characters. No answer is None here
and an absent key everywhere else.
"""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

LONGEST_TEXT = 2000
# an answer beyond these is refused as it comes: normalising megabytes takes longer than anyone's answer is worth
LONGEST_RAW = 40_000
MOST_NAMES = 1000
LARGEST_NUMBER = 10**15
_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})")
# a number with what it counts behind it, or with a full stop: the digits are plain, and still nobody's number
_COUNTED = re.compile(r"([+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([^\W\d_]{1,8}|[%\u3002\u3001])")
# the year first, so that no day is taken for a month; the stops are those of both keyboards
_DATE = re.compile(
    r"([0-9]{4})(?:([-./\u3002])([0-9]{1,2})\2([0-9]{1,2})|\s*年\s*([0-9]{1,2})\s*月\s*([0-9]{1,2})\s*[日号]?)"
)
_TIME = re.compile(r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
_PLACE = re.compile(r"(?P<place>[1-9][0-9]{0,2}):(?P<name>.+)")
# full-width letters, digits and blanks, which a Chinese keyboard gives, as narrow ones; and no more: \u00b3 is no 3
_NARROW = {0x3000: " ", **{wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}}
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Unclean:
    """An answer that cannot be read; `problem` is the kind, a key of messages, `detail` what its sentence names."""

    problem: str
    detail: str = ""


Answer = str | int | float | list[str] | None


def cast(kind: str, raw: Any) -> Answer | Unclean:
    """The clean form of one raw answer to an item of type `kind`; None when there is no answer."""
    if _is_huge(raw):
        return Unclean(_HUGE.get(kind, "unreadable"))
    if kind == "select_multiple":
        return _many(raw)
    if kind == "rank":
        return _ranked(_many(raw))
    return _one(kind, raw)


def _one(kind: str, raw: Any) -> Answer | Unclean:
    if isinstance(raw, list | tuple):
        if len(raw) > 1:
            return Unclean("one")
        raw = raw[0] if raw else None
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return Unclean("unreadable")
    return _NUMBERS[kind](raw) if kind in _NUMBERS else _words(kind, text(str(raw)))


_HUGE = {"text": "too long", "integer": "integer", "decimal": "decimal", "range": "decimal"}


def _is_huge(raw: Any) -> bool:
    """Whether a text, or a list of texts, is far longer than any answer."""
    if isinstance(raw, str):
        return len(raw) > LONGEST_RAW
    if isinstance(raw, list | tuple):
        return len(raw) > MOST_NAMES or sum(len(part) for part in raw if isinstance(part, str)) > LONGEST_RAW
    return isinstance(raw, int | float) and abs(raw) >= LARGEST_NUMBER


def _words(kind: str, cleaned: str) -> str | Unclean | None:
    if not cleaned:
        return None
    return _WORDS.get(kind, _short)(cleaned)


def text(raw: str) -> str:
    """NFC, line ends as \\n, no control characters, no blanks around."""
    if raw.isascii() and raw.isalnum():
        return raw
    unified = raw.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _UNWANTED.sub("", unified)).strip()


def _short(cleaned: str) -> str | Unclean:
    if len(cleaned) > LONGEST_TEXT:
        return Unclean("too long")
    return cleaned


def _many(raw: Any) -> list[str] | Unclean | None:
    if isinstance(raw, str):
        raw = raw.split()
    if raw is None:
        return None
    if not isinstance(raw, list | tuple) or not all(isinstance(name, str) for name in raw):
        return Unclean("unreadable")
    return [name for name in dict.fromkeys(text(part) for part in raw) if name] or None


def _ranked(given: list[str] | Unclean | None) -> list[str] | Unclean | None:
    """Names in their order, or "place:name" parts as a form without JavaScript sends them, sorted by place."""
    if not isinstance(given, list):
        return given
    marked = [_PLACE.fullmatch(part) for part in given]
    parts = [(int(mark["place"]), mark["name"]) for mark in marked if mark]
    if len(parts) < len(given):
        # a mixture is neither of the two ways to say it
        return given if not parts else Unclean("unreadable")
    places, names = [place for place, _ in parts], {name for _, name in parts}
    twice = next((place for place in sorted(places) if places.count(place) > 1), None)
    if twice is not None:
        return Unclean("place twice", str(twice))
    return [name for _, name in sorted(parts)] if len(names) == len(parts) else Unclean("unreadable")


def _narrow(raw: str) -> str:
    return raw.translate(_NARROW).strip()


def _no_number(kind: str, digits: str) -> Unclean:
    """Why a text is no number: what stands behind the digits, where that is all that is wrong (3\u4e07 is not 3)."""
    found = _COUNTED.fullmatch(digits)
    if not found or (kind == "integer" and "." in found[1]) or any(letter.isnumeric() for letter in found[2]):
        return Unclean(kind)
    return Unclean("digits alone", f"{found[1]} {found[2]}")


def _integer(raw: str | float) -> int | Unclean | None:
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float):
        if not raw.is_integer():
            return Unclean("integer")
        return int(raw)
    digits = _narrow(raw)
    if not digits:
        return None
    return int(digits) if _INTEGER.fullmatch(digits) else _no_number("integer", digits)


def _decimal(raw: str | float) -> float | Unclean | None:
    if isinstance(raw, str):
        digits = _narrow(raw)
        if not digits:
            return None
        return float(digits) if _DECIMAL.fullmatch(digits) else _no_number("decimal", digits)
    if not math.isfinite(raw):
        return Unclean("decimal")
    return float(raw)


def _range(raw: str | float) -> float | Unclean | None:
    found = _decimal(raw)
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _date(cleaned: str) -> str | Unclean:
    found = _DATE.fullmatch(_narrow(cleaned))
    if not found:
        return Unclean("date")
    year, month, day = (int(part) for part in (found[1], found[3] or found[5], found[4] or found[6]))
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return Unclean("date")


def _time(cleaned: str) -> str | Unclean:
    found = _TIME.fullmatch(_narrow(cleaned))
    if not found or int(found["hour"]) > 23 or int(found["minute"]) > 59:
        return Unclean("time")
    return f"{int(found['hour']):02}:{found['minute']}"


def _date_time(cleaned: str) -> str | Unclean:
    # the last blank: "2026 年 5 月 1 日 8:30" has some within the day
    day, _, clock = _narrow(cleaned).replace("T", " ").rpartition(" ")
    parts = _date(day), _time(clock)
    return Unclean("dateTime") if any(isinstance(part, Unclean) for part in parts) else f"{parts[0]}T{parts[1]}"


def _acknowledged(cleaned: str) -> str | Unclean:
    return cleaned if cleaned == "OK" else Unclean("unreadable")


_NUMBERS: dict[str, Callable[[str | float], float | Unclean | None]] = {
    "integer": _integer,
    "decimal": _decimal,
    "range": _range,
}
_WORDS: dict[str, Callable[[str], str | Unclean]] = {
    "date": _date,
    "time": _time,
    "dateTime": _date_time,
    "acknowledge": _acknowledged,
}
