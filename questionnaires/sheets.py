"""The sheets of an instrument, read from .yaml or .xlsx as rows of text that know their place."""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, Event, NodeEvent, ScalarEvent, SequenceStartEvent

from questionnaires.errors import InstrumentError

SHEETS = ("settings", "survey", "choices", "indices")
LARGEST = 5_000_000  # characters of one instrument file
DEEPEST = 8  # a sheet, a row, a cell; anything deeper is refused before it can nest without end
_COLUMN = re.compile(r"(?P<base>.+?)::(?P<language>[^:]+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells by column (empty ones absent), its number in the sheet (the header is row 1)."""

    source: str
    sheet: str
    number: int
    cells: Mapping[str, str]

    def error(self, sentence: str) -> InstrumentError:
        """An InstrumentError that starts with the place: file, sheet, row."""
        return InstrumentError(f"{self.source}, sheet {self.sheet}, row {self.number}: {sentence}")

    def need(self, column: str) -> str:
        """The cell of a column that must not be empty."""
        if column not in self.cells:
            raise self.error(f"column {column} is empty; fill it")
        return self.cells[column]

    def number_in(self, column: str) -> float | None:
        """The cell as a number, None when it is empty."""
        text = self.cells.get(column)
        if text is None:
            return None
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise self.error(f"column {column} holds {text!r}, which is no number; write one such as 2.5")
        return found

    def texts(self, column: str, languages: Mapping[str, str]) -> Mapping[str, str]:
        """A column by language code, the default language first; `languages`: column ending -> code."""
        found = {
            code: self.cells[f"{column}::{ending}"]
            for ending, code in languages.items()
            if f"{column}::{ending}" in self.cells
        }
        if column in self.cells:
            found = {next(iter(languages.values())): self.cells[column], **found}
        return MappingProxyType(found)


Sheets = Mapping[str, list[Row]]


@dataclass(frozen=True, slots=True)
class _Node:
    """A piece of YAML: a text, a list of nodes, or a list of (key node, node) pairs, and its line counted from 0."""

    line: int
    text: str | None = None
    rows: list["_Node"] | None = None
    cells: list[tuple["_Node", "_Node"]] | None = None


def read_yaml(text: str, source: str) -> Sheets:
    """Sheets from YAML 1.2: every cell is text as written; a key given twice, an alias or a tag is refused."""
    if len(text) > LARGEST:
        raise InstrumentError(f"{source} has {len(text)} characters; an instrument file has at most {LARGEST}")
    try:
        events = YAML(typ="safe", pure=True).parse(StringIO(text))
        wanted = (event for event in events if isinstance(event, NodeEvent | CollectionEndEvent))
        first = next(wanted, None)
        root = _node(first, wanted, source, 0) if isinstance(first, NodeEvent) else None
        if next(wanted, None) is not None:
            raise InstrumentError(f"{source} holds more than one YAML document; keep one")
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise InstrumentError(
            f"{source}{place} is not YAML: {getattr(error, 'problem', None) or str(error).splitlines()[0]}"
        ) from None
    return _from_nodes(root, source)


def _node(event: NodeEvent, events: Iterator[Event], source: str, depth: int) -> _Node:
    line = event.start_mark.line
    if isinstance(event, AliasEvent):
        _refuse(source, line, f"the alias *{event.anchor} is not allowed; write the row out")
    if depth > DEEPEST:
        _refuse(source, line, "nested too deeply; an instrument is sheets of rows of cells")
    tag = getattr(event, "tag", None)
    if tag not in (None, "!"):
        _refuse(source, line, f"the tag {tag} is not allowed; every cell is text")
    if isinstance(event, ScalarEvent):
        return _Node(line, text=event.value)
    if isinstance(event, SequenceStartEvent):
        return _Node(line, rows=[_node(e, events, source, depth + 1) for e in _until_end(events)])
    keys = _until_end(events)
    return _Node(
        line,
        cells=[(_node(key, events, source, depth + 1), _node(next(keys), events, source, depth + 1)) for key in keys],
    )


def _until_end(events: Iterator[Event]) -> Iterator[NodeEvent]:
    for event in events:
        if not isinstance(event, NodeEvent):
            return
        yield event


def _refuse(source: str, line: int, sentence: str) -> NoReturn:
    raise InstrumentError(f"{source}, line {line + 1}: {sentence}")


def _from_nodes(root: _Node | None, source: str) -> Sheets:
    if root is None or root.cells is None:
        raise InstrumentError(
            f"{source} holds no sheets; it needs settings:, survey: and choices:, each a list of rows"
        )
    sheets: dict[str, list[Row]] = {}
    for key, value in _pairs(root.cells, source):
        if value.rows is None:
            _refuse(source, value.line, f"sheet {key} is no list of rows; start each row with '-'")
        rows = sheets.setdefault(key, [])
        for number, row in enumerate(value.rows, start=2):
            if row.cells is None:
                _refuse(source, row.line, f"row {number} of sheet {key} is no 'column: text' mapping")
            cells = [(column, _cell_text(column, cell, source)) for column, cell in _pairs(row.cells, source)]
            rows.append(make_row(source, key, number, cells))
    return sheets


def _pairs(cells: list[tuple[_Node, _Node]], source: str) -> Iterable[tuple[str, _Node]]:
    seen: set[str] = set()
    for key, value in cells:
        name = _text(key, source)
        if name in seen:
            _refuse(source, key.line, f"{name!r} stands twice in one place; keep one")
        seen.add(name)
        yield name, value


def _cell_text(column: str, cell: _Node, source: str) -> str:
    if cell.text == "":
        # {label: well, well} is YAML for a column "label" and an empty column "well": the half text must not pass
        _refuse(source, cell.line, f"{column!r} has no text; leave the column out, or quote a text that holds a comma")
    return _text(cell, source)


def _text(node: _Node, source: str) -> str:
    if node.text is None:
        _refuse(source, node.line, "a cell holds a list or a mapping; write one text")
    return node.text


def read_xlsx(path: Path) -> Sheets:
    """The same sheets from an Excel file, through openpyxl; other sheets of the file are passed over."""
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError):
        raise InstrumentError(f"{path.name} is not an Excel file; save it as .xlsx, or use .yaml") from None
    sheets: dict[str, list[Row]] = {}
    for name in (name for name in book.sheetnames if name in SHEETS):
        header: list[str] = []
        rows = sheets.setdefault(name, [])
        for number, cells in enumerate(book[name].iter_rows(values_only=True), start=1):
            texts = [_cell(cell) for cell in cells]
            if number == 1:
                header = texts
                _refuse_twins(header, path.name, name)
                continue
            if any(texts):
                rows.append(make_row(path.name, name, number, list(zip(header, texts, strict=False))))
    book.close()
    return sheets


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _refuse_twins(header: list[str], source: str, sheet: str) -> None:
    for column in header:
        if column and header.count(column) > 1:
            raise InstrumentError(f"{source}, sheet {sheet}, row 1: column {column!r} stands twice; keep one")


def make_row(source: str, sheet: str, number: int, cells: Iterable[tuple[str, str]]) -> Row:
    """A row with blanks trimmed, texts in NFC, empty cells absent and blanks around `::` of a column name removed."""
    found: dict[str, str] = {}
    for column, cell in cells:
        text, name = unicodedata.normalize("NFC", cell).strip(), "::".join(part.strip() for part in column.split("::"))
        if text and name in found:
            raise InstrumentError(f"{source}, sheet {sheet}, row {number}: column {name!r} stands twice; keep one")
        if text:
            found[name] = text
    return Row(source, sheet, number, MappingProxyType(found))


def language_columns(rows: Iterable[Row], base: str) -> list[str]:
    """The language endings of a translated column, in the order in which they first appear."""
    found: dict[str, None] = {}
    for row in rows:
        for column in row.cells:
            match = _COLUMN.fullmatch(column)
            if match and match["base"] == base:
                found[match["language"]] = None
    return list(found)
