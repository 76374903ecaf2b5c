"""CSV files read as text, every defect named with its line: nothing is guessed, nothing skipped."""

import csv
from collections.abc import Sequence
from io import StringIO

import pandas as pd

from analysis.errors import DesignError, nearest

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def decode(raw: bytes, place: str) -> str:
    """Bytes as UTF-8 text, a byte order mark dropped; DesignError names line and byte where they are not."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DesignError(
            f"{place}, line {line}: the byte 0x{raw[error.start]:02x} at position {error.start} is not UTF-8. "
            "Save the file as 'CSV UTF-8' and try again."
        ) from error


def read_csv_text(text: str, place: str, required: Sequence[str]) -> pd.DataFrame:
    """A CSV table whose cells are all text, an empty cell missing.

    A cell that was guarded against formulas by a leading ' loses it. Raises DesignError for a header that occurs
    twice, a missing column (with the nearest name) and a line with another number of cells than the header.
    """
    lines = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        rows = list(lines)
    except csv.Error as error:
        raise DesignError(f"{place}, line {lines.line_num}: {error}; mend the quotes of this line.") from error
    if not rows:
        raise DesignError(f"{place} is empty: it needs a header line.")
    header = rows[0]
    for name in header:
        if header.count(name) > 1:
            raise DesignError(
                f"{place}: the column {name!r} occurs {header.count(name)} times in the header: keep one."
            )
    for name in required:
        if name not in header:
            raise DesignError(f"{place}: the column {name!r} is missing. {nearest(name, header)}")
    body = [row for row in rows[1:] if row]
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise DesignError(
                f"{place}, row {number}: {len(row)} cells where the header has {len(header)}; mend this row."
            )
    columns = zip(*body, strict=True) if body else ([] for _ in header)
    return pd.DataFrame(
        {name: [_cell(cell) for cell in column] for name, column in zip(header, columns, strict=True)}, dtype="str"
    )


def _cell(cell: str) -> str | None:
    if len(cell) > 1 and cell[0] == "'" and cell[1] in FORMULA:
        return cell[1:]
    return cell or None


def as_numbers(column: pd.Series, place: str) -> pd.Series:
    """A column of text as numbers; DesignError names the line of a cell that is none."""
    read = pd.to_numeric(column, errors="coerce")
    bad = read.isna() & column.notna()
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise DesignError(
            f"{place}, line {row + 2}: {column.iloc[row]!r} in the column {column.name!r} is not a number; "
            "open the file as text, not in a spreadsheet, and mend the cell."
        )
    # pandas' fast parser can be one unit in the last place off; Python's own is exact
    return column.map(float, na_action="ignore").astype(float)
