"""CSV tables that an office hands in, read whole before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.errors import nearest
from survey_app.cli.imports_reading import open_table
from survey_app.store.errors import StoreError

Line = tuple[int, dict[str, str]]


def read_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[Line]:
    """Every row of a UTF-8 CSV with its number as a spreadsheet shows it, cells without blanks around them.

    Raises StoreError for a missing or unknown column, a row of another length, no rows at all, and what cannot be read.
    """
    with open_table(path, "utf-8", ",") as table:
        known = (*required, *optional)
        stray = next((name for name in table.header if name not in known), None)
        if stray is not None:
            raise StoreError(f"{path.name} has a column {stray!r}, which is not read here. {nearest(stray, known)}")
        missing = next((name for name in required if name not in table.header), None)
        if missing is not None:
            raise StoreError(f"{path.name} lacks the column {missing!r}; add it. Columns are: {', '.join(known)}.")
        lines = []
        for number, cells in table.rows():
            flaw = table.flaw(cells)
            if flaw:
                raise StoreError(f"{path.name} row {number} {flaw}.")
            lines.append((number, {name: cell.strip() for name, cell in table.cells(cells).items()}))
    if not lines:
        raise StoreError(f"{path.name} has a header and no rows; export it again with its rows.")
    return lines


def refuse_cell(path: Path, number: int, column: str, why: str) -> StoreError:
    """The refusal of one cell, naming file, row and column."""
    return StoreError(f"{path.name} row {number}, column {column!r}: {why}")
