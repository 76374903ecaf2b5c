"""How a number is printed, on every surface alike: "the same number" means the same printed text."""

import math

ABSENT = "–"
MINUS = "\N{MINUS SIGN}"


def format_number(value: float | None, digits: int = 1, *, for_file: bool = False) -> str:
    """A number as text: `digits` decimals on screen, six significant digits `for_file`; an en dash where there is none.

    >>> format_number(63.26), format_number(63.2612345, for_file=True), format_number(None)
    ('63.3', '63.2612', '–')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    if for_file:
        return f"{value:.6g}"
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def format_interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """An interval as text, `60.1–66.5`; the word "to" where a limit is negative, an en dash where there is no interval.

    >>> format_interval(60.12, 66.49), format_interval(-1.2, 3.4)
    ('60.1–66.5', '-1.2 to 3.4')
    """
    first, last = format_number(low, digits), format_number(high, digits)
    if ABSENT in (first, last):
        return ABSENT
    joint = " to " if first.startswith("-") or last.startswith("-") else ABSENT
    return f"{first}{joint}{last}"


def format_signed(value: float | None, digits: int = 1) -> str:
    """A difference with its sign, a true minus; zero as printed has none.

    >>> format_signed(3.26), format_signed(-1.52), format_signed(-0.04), format_signed(None)
    ('+3.3', '−1.5', '0.0', '–')
    """
    text = format_number(value, digits)
    if text.startswith("-"):
        return MINUS + text[1:]
    return text if text == ABSENT or not text.strip("0.") else f"+{text}"


def format_signed_interval(
    low: float | None, high: float | None, digits: int = 1, *, template: str = "{low} to {high}"
) -> str:
    """The interval of a difference as text, `+0.4 to +6.0`: a dash between signed numbers could not be read.

    template: in the reader's language. An en dash where there is no interval.
    """
    first, last = format_signed(low, digits), format_signed(high, digits)
    return ABSENT if ABSENT in (first, last) else template.format(low=first, high=last)
