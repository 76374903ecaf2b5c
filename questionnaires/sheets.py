"""The sheets of an instrument as rows of text that know their place, read from YAML; workbook.py reads .xlsx."""

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from types import MappingProxyType
from typing import NoReturn

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, Event, NodeEvent, ScalarEvent, SequenceStartEvent

from questionnaires.errors import InstrumentError

SHEETS = ("settings", "survey", "choices", "indices")
LARGEST = 1_000_000  # characters of YAML, whose parser reads some 100,000 in a fifth of a second
LARGEST_JSON = 5_000_000  # characters of JSON, which is read at once
LONGEST_CELL = 32_767  # characters; what a cell of Excel holds
LONGEST_SENTENCE = 600  # characters of an error, which quotes what it is about
DEEPEST = 8  # a sheet, a row, a cell; anything deeper is refused before it can nest without end
_DEEP = re.compile(rf"(?:[\[{{]\s*){{{DEEPEST + 1}}}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
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
        sentence = " ".join(sentence.split())
        if len(sentence) > LONGEST_SENTENCE:
            half = LONGEST_SENTENCE // 2
            sentence = f"{sentence[:half]} ... {sentence[-half:]}"
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
    sheets = _read_json(text, source) if text.startswith("{") and len(text) <= LARGEST_JSON else None
    if sheets is not None:
        return sheets
    if len(text) > LARGEST:
        raise InstrumentError(
            f"{source} has {len(text)} characters, and YAML at most {LARGEST}; put long lists in a file "
            "for select_one_from_file, or save it as .xlsx"
        )
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise InstrumentError(
            f"{source}, line {line} is not YAML: it holds the control character U+{ord(control[0]):04X}; remove it"
        )
    deep = _DEEP.search(text)
    if deep:
        _refuse(
            source, text.count("\n", 0, deep.start()), "nested too deeply; an instrument is sheets of rows of cells"
        )
    try:
        events = YAML(typ="safe", pure=True).parse(StringIO(text))
        wanted = (event for event in events if isinstance(event, NodeEvent | CollectionEndEvent))
        first = next(wanted, None)
        root = _node(first, wanted, source, 0) if isinstance(first, NodeEvent) else None
        if next(wanted, None) is not None:
            raise InstrumentError(f"{source} holds more than one YAML document; keep one")
    except YAMLError as error:
        raise _no_yaml(error, text, source) from None
    return _from_nodes(root, source)


# what the reader of YAML says -> what to do about it
_YAML_REMEDIES = {
    "mapping values": "a text that holds ': ' stands in quotation marks",
    "expected ',' or '}'": "a text that holds ': ' or a comma stands in quotation marks, and } ends the row",
    "expected ',' or ']'": "a comma stands between two rows, and ] ends the sheet",
    "cannot start any token": "indent with blanks, and put a text that begins with @, %, ` or a tab in quotation marks",
    "unknown escape": "write \\\\ for a backslash, or put the text in single quotation marks",
    "end of stream": "a quotation mark or a bracket is opened and never closed; close it",
    "stream end": "a quotation mark or a bracket is opened and never closed; close it",
    "expected <block end>": "rows of a sheet start with '-' in one column, and their cells stand below one another",
}
_YAML_REMEDY = "put the text in quotation marks, and indent like the rows around it"


def _no_yaml(error: YAMLError, text: str, source: str) -> InstrumentError:
    """What is wrong with a text that is no YAML: the line, the line's words, what to do."""
    said = getattr(error, "problem", None) or str(error).splitlines()[0]
    remedy = next((remedy for part, remedy in _YAML_REMEDIES.items() if part in said), _YAML_REMEDY)
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return InstrumentError(f"{source} is not YAML: {said}; {remedy}")
    lines = text.splitlines()
    quoted = lines[mark.line].strip()[:80] if mark.line < len(lines) else ""
    shown = f" in {quoted!r}" if quoted else ""
    return InstrumentError(f"{source}, line {mark.line + 1} is not YAML: {said}{shown}; {remedy}")


def _read_json(text: str, source: str) -> Sheets | None:
    """The sheets of plain JSON (what an .xlsx is kept as), None when it is none: then YAML says what is wrong."""
    try:
        root = json.loads(
            text, object_pairs_hook=_once, parse_int=str, parse_float=str, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        return None
    rows = [row for sheet in root.values() if isinstance(sheet, list) for row in sheet]
    if not all(isinstance(sheet, list) for sheet in root.values()) or not all(isinstance(row, dict) for row in rows):
        return None
    if not all(isinstance(cell, str) and cell for row in rows for cell in row.values()):
        return None
    return {
        name: [make_row(source, name, number, row.items()) for number, row in enumerate(sheet, start=2)]
        for name, sheet in root.items()
    }


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _node(event: NodeEvent, events: Iterator[Event], source: str, depth: int) -> _Node:
    line = event.start_mark.line
    if isinstance(event, AliasEvent):
        _refuse(source, line, f"the alias *{str(event.anchor)[:80]} is not allowed; write the row out")
    if depth > DEEPEST:
        _refuse(source, line, "nested too deeply; an instrument is sheets of rows of cells")
    tag = getattr(event, "tag", None)
    if tag not in (None, "!"):
        _refuse(source, line, f"the tag {str(tag)[:80]} is not allowed; every cell is text")
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


def make_row(source: str, sheet: str, number: int, cells: Iterable[tuple[str, str]]) -> Row:
    """A row with blanks trimmed, texts in NFC, line ends as \\n, empty cells absent, no blanks around `::` of a column.

    InstrumentError: a column that stands twice, a cell that Excel could not hold, a character nobody can see.
    """
    found: dict[str, str] = {}
    for column, cell in cells:
        text = unicodedata.normalize("NFC", cell).replace("\r\n", "\n").strip()
        name = "::".join(part.strip() for part in column.split("::"))
        place = f"{source}, sheet {sheet}, row {number}: column {name[:80]!r}"
        if text and name in found:
            raise InstrumentError(f"{place} stands twice; keep one")
        if len(text) > LONGEST_CELL:
            raise InstrumentError(f"{place} has {len(text)} characters; a cell has at most {LONGEST_CELL}")
        for letter in filter(_unseen, name + text):
            raise InstrumentError(f"{place} holds the control character U+{ord(letter):04X}; remove it")
        if text:
            found[name] = text
    return Row(source, sheet, number, MappingProxyType(found))


def _unseen(letter: str) -> bool:
    """Whether a character is a control, half a character, or turns the direction of the text round it."""
    if letter.isprintable() or letter in "\n\t":
        return False
    return letter in _BIDIRECTIONAL or unicodedata.category(letter) in ("Cc", "Cs")


def with_headers(form: Mapping[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    """Sheets as pyxform takes them. Without their headers it knows only the columns of the first 100 rows."""
    headers = {f"{name}_header": [dict.fromkeys(chain(*rows), "")] for name, rows in form.items() if rows}
    return {**form, **headers}


def language_columns(rows: Iterable[Row], base: str) -> list[str]:
    """The language endings of a translated column, in the order in which they first appear."""
    found: dict[str, None] = {}
    for row in rows:
        for column in row.cells:
            match = _COLUMN.fullmatch(column)
            if match and match["base"] == base:
                found[match["language"]] = None
    return list(found)
