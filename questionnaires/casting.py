"""Raw answers to clean ones: the one place where a text becomes a number or a date.

Clean: select_one a choice name, select_multiple a list of choice names, integer an int, decimal a float, date
"YYYY-MM-DD", text in NFC without control characters. No answer is None here and an absent key everywhere else.
"""

import math
import re
import unicodedata
from datetime import date
from typing import Any

LONGEST_TEXT = 2000
_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class UncleanError(ValueError):
    """Raised inside this package only: `args[0]` is the kind of problem, a key of messages."""


def cast(kind: str, raw: Any) -> str | int | float | list[str] | None:
    """The clean form of one raw answer to an item of type `kind`; None when there is no answer."""
    if kind == "select_multiple":
        return _many(raw)
    if isinstance(raw, list | tuple):
        if len(raw) > 1:
            raise UncleanError("one")
        raw = raw[0] if raw else None
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise UncleanError("unreadable")
    if kind == "integer":
        return _integer(raw)
    if kind == "decimal":
        return _decimal(raw)
    cleaned = text(_plain(raw))
    if not cleaned:
        return None
    return _date(cleaned) if kind == "date" else _short(cleaned)


def text(raw: str) -> str:
    """NFC, line ends as \\n, no control characters, no blanks around."""
    if raw.isascii() and raw.isalnum():
        return raw
    unified = raw.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _UNWANTED.sub("", unified)).strip()


def _plain(raw: str | float) -> str:
    return raw if isinstance(raw, str) else str(raw)


def _short(cleaned: str) -> str:
    if len(cleaned) > LONGEST_TEXT:
        raise UncleanError("too long")
    return cleaned


def _many(raw: Any) -> list[str] | None:
    if isinstance(raw, str):
        raw = raw.split()
    if raw is None:
        return None
    if not isinstance(raw, list | tuple) or not all(isinstance(name, str) for name in raw):
        raise UncleanError("unreadable")
    return [name for name in dict.fromkeys(text(part) for part in raw) if name] or None


def _integer(raw: str | float) -> int | None:
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float):
        if not raw.is_integer():
            raise UncleanError("integer")
        return int(raw)
    # full-width digits are what a Chinese keyboard gives
    digits = unicodedata.normalize("NFKC", raw).strip()
    if not digits:
        return None
    if not _INTEGER.fullmatch(digits):
        raise UncleanError("integer")
    return int(digits)


def _decimal(raw: str | float) -> float | None:
    if isinstance(raw, str):
        digits = unicodedata.normalize("NFKC", raw).strip()
        if not digits:
            return None
        if not _DECIMAL.fullmatch(digits):
            raise UncleanError("decimal")
        return float(digits)
    if not math.isfinite(raw):
        raise UncleanError("decimal")
    return float(raw)


def _date(cleaned: str) -> str:
    digits = unicodedata.normalize("NFKC", cleaned)
    if not _DATE.fullmatch(digits):
        raise UncleanError("date")
    try:
        return date.fromisoformat(digits).isoformat()
    except ValueError:
        raise UncleanError("date") from None
