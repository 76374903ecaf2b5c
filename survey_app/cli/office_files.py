"""What an office hands in as files, read whole before anything is done: CSV tables, and the YAML file of a wave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.events import AliasEvent

from analysis.errors import nearest
from survey_app.cli.imports_reading import open_table
from survey_app.store.errors import StoreError

LARGEST = 1_000_000  # characters of a YAML file
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


def read_yaml(path: Path) -> Mapping[str, Any]:
    """A YAML 1.2 file that holds one mapping; no aliases, no tags, no key twice. Raises StoreError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StoreError(f"{path.name} is not UTF-8; save it as UTF-8.") from error
    except OSError as error:
        raise StoreError(f"The file {path} cannot be read ({error.strerror}); check its name.") from error
    if len(text) > LARGEST:
        raise StoreError(f"{path.name} has {len(text)} characters, more than {LARGEST}; shorten it.")
    try:
        for event in YAML(typ="safe", pure=True).parse(StringIO(text)):
            if isinstance(event, AliasEvent) or getattr(event, "tag", None) not in (None, "!"):
                line = event.start_mark.line + 1
                raise StoreError(f"{path.name} line {line} holds an alias or a tag; write the text out.")
        found = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, StoreError):
            raise
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        what = str(getattr(error, "problem", None) or error).partition("\n")[0]
        raise StoreError(f"{path.name}{place} is not YAML: {what}. Mend that line.") from error
    if not isinstance(found, dict):
        raise StoreError(f"{path.name} holds no mapping; write it as lines of name: value.")
    return found
