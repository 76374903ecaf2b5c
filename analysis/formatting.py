"""How a number is printed, on every surface alike: "the same number" means the same printed text."""

import math

ABSENT = "–"


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
