"""Raw answers to clean ones: the one place where a text becomes a number or a date.

Clean: select_one a choice name, select_multiple a list of choice names, integer an int, decimal a float, date
"YYYY-MM-DD", text in NFC without control characters. No answer is None here and an absent key everywhere else.
"""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

LONGEST_TEXT = 2000
_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Unclean:
    """An answer that cannot be read; `problem` is the kind, a key of messages."""

    problem: str


Answer = str | int | float | list[str] | None


def cast(kind: str, raw: Any) -> Answer | Unclean:
    """The clean form of one raw answer to an item of type `kind`; None when there is no answer."""
    if kind == "select_multiple":
        return _many(raw)
    if isinstance(raw, list | tuple):
        if len(raw) > 1:
            return Unclean("one")
        raw = raw[0] if raw else None
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return Unclean("unreadable")
    return _NUMBERS[kind](raw) if kind in _NUMBERS else _words(kind, text(str(raw)))


def _words(kind: str, cleaned: str) -> str | Unclean | None:
    if not cleaned:
        return None
    return _date(cleaned) if kind == "date" else _short(cleaned)


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


def _integer(raw: str | float) -> int | Unclean | None:
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float):
        if not raw.is_integer():
            return Unclean("integer")
        return int(raw)
    # full-width digits are what a Chinese keyboard gives
    digits = unicodedata.normalize("NFKC", raw).strip()
    if not digits:
        return None
    if not _INTEGER.fullmatch(digits):
        return Unclean("integer")
    return int(digits)


def _decimal(raw: str | float) -> float | Unclean | None:
    if isinstance(raw, str):
        digits = unicodedata.normalize("NFKC", raw).strip()
        if not digits:
            return None
        if not _DECIMAL.fullmatch(digits):
            return Unclean("decimal")
        return float(digits)
    if not math.isfinite(raw):
        return Unclean("decimal")
    return float(raw)


def _date(cleaned: str) -> str | Unclean:
    digits = unicodedata.normalize("NFKC", cleaned)
    if not _DATE.fullmatch(digits):
        return Unclean("date")
    try:
        return date.fromisoformat(digits).isoformat()
    except ValueError:
        return Unclean("date")


_NUMBERS: dict[str, Callable[[str | float], float | Unclean | None]] = {"integer": _integer, "decimal": _decimal}
