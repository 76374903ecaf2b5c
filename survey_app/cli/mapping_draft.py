"""`sandu import --draft-map`: a first mapping by exact names and labels, for a person to finish.

What is not found is not guessed: it stands under `undecided`, or without a choice, and the import refuses the file
until somebody has decided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from questionnaires import Instrument
from questionnaires.items import Item
from survey_app.cli.imports_reading import Table, open_table
from survey_app.cli.mapping import ENCODINGS, SEVERAL, asked
from survey_app.cli.screen import word
from survey_app.store import files, instruments, waves
from survey_app.store.database import Store
from survey_app.store.errors import StoreError

MOST_VALUES = 200  # different cells of a column that are listed
CHOSEN, NOT_CHOSEN = ("1", "Y", "yes", "TRUE", "True", "是"), ("0", "N", "no", "FALSE", "False", "否")
_NUMBERED = re.compile(r"^[0-9]+[、.．]\s*")  # what 问卷星 puts before a question
_ABOUT = """\
# A first mapping by exact names and labels. Finish it, then: sandu import {wave} {csv} --map {name}
# - give each column under `undecided` to an item, or move it to `skip`
# - give each value that has no choice ("") one, or move it to `empty` if it means no answer
# - other words: constant, format (dates, such as "%Y/%m/%d %H:%M:%S"), separator, leave_out, source
#   (survey_app/README.md explains each)
"""


@dataclass
class _Draft:
    """What was found so far: item -> columns (choice by column where each choice has its own)."""

    single: dict[str, str] = field(default_factory=dict)
    marked: dict[str, dict[str, str]] = field(default_factory=dict)
    undecided: list[str] = field(default_factory=list)


def draft_mapping(store: Store, wave: str, path: Path) -> list[str]:
    """Write `answers.mapping.yaml` beside `answers.csv`, never over a file; the lines to print. Raises StoreError."""
    declared = waves.get(store, wave)
    instrument = instruments.load(store, declared.instrument_id, declared.instrument_version)
    target = path.with_name(f"{path.stem}.mapping.yaml")
    files.require_absent(target)
    encoding, separator = _layout(path)
    with open_table(path, encoding, separator) as table:
        draft = _match(table.header, instrument)
        seen = _values(table, [*draft.single.values(), *(one for marks in draft.marked.values() for one in marks)])
    text = _ABOUT.format(wave=wave, csv=path.name, name=target.name) + "\n".join(
        _written(instrument, draft, seen, encoding, separator)
    )
    with files.workshop(target) as folder:
        (folder / "draft").write_text(text + "\n", encoding="utf-8")
        files.place(folder / "draft", target)
    mapped = len(draft.single) + len(draft.marked)
    return [
        f"{word('A first mapping stands in')} {target}",
        f"{word('items found:')} {mapped}, {word('columns undecided:')} {len(draft.undecided)}",
    ]


def _layout(path: Path) -> tuple[str, str]:
    """Encoding and separator with which the file can be read; the first line decides the separator."""
    for encoding in ENCODINGS:
        with suppress(UnicodeDecodeError), path.open(encoding=encoding, newline="") as file:
            first = file.readline()
            while file.read(1 << 20):
                continue
            return encoding, max((",", ";", "\t"), key=first.count)
    raise StoreError(f"{path.name} is neither UTF-8 nor GB18030; save it as CSV in UTF-8.")


def _match(header: list[str], instrument: Instrument) -> _Draft:
    items = asked(instrument)
    names = {label: name for name, item in items.items() for label in (name, *item.labels.values())}
    marks = {
        form: (name, choice.name)
        for name, item in items.items()
        if item.type in SEVERAL
        for choice in item.choices
        for form in (f"{name}/{choice.name}", f"{name}[{choice.name}]")
    }
    draft = _Draft()
    for column in header:
        found = next((names[form] for form in _forms(column) if form in names), None)
        mark = next((marks[form] for form in _forms(column) if form in marks), None)
        if found is not None and found not in draft.single:
            draft.single[found] = column
        elif mark is not None:
            draft.marked.setdefault(mark[0], {})[column] = mark[1]
        else:
            draft.undecided.append(column)
    for item in draft.single.keys() & draft.marked.keys():  # KoboToolbox gives both; one is enough
        draft.undecided += draft.marked.pop(item)
    return draft


def _forms(column: str) -> tuple[str, ...]:
    """A heading as it stands, without a question's number before it, without the groups before it."""
    bare = column.strip()
    tail = bare.split("/")
    return bare, _NUMBERED.sub("", bare), "/".join(tail[-2:]), tail[-1]


def _values(table: Table, columns: Iterable[str]) -> dict[str, dict[str, None]]:
    """The different cells of some columns, in their order, up to a number."""
    places = [(column, table.header.index(column)) for column in columns]
    seen: dict[str, dict[str, None]] = {column: {} for column, _ in places}
    for _, cells in table.rows():
        for column, place in places:
            if place < len(cells) and cells[place].strip() and len(seen[column]) < MOST_VALUES:
                seen[column][cells[place].strip()] = None
    return seen


def _written(
    instrument: Instrument, draft: _Draft, seen: Mapping[str, Mapping[str, None]], encoding: str, separator: str
) -> list[str]:
    lines = [f"encoding: {encoding}", f"separator: {_quoted(separator)}"]
    lines += ['# row_key: "..."  # the column with a row\'s own key; without it the number of the row is the key']
    lines += _listed("empty", []) + _listed("skip", []) + _listed("undecided", draft.undecided) + ["items:"]
    for name, item in asked(instrument).items():
        if name in draft.single:
            lines += [*_heading(item), *_one_column(item, draft.single[name], seen[draft.single[name]])]
        elif name in draft.marked:
            lines += [*_heading(item), *_marks(draft.marked[name], seen)]
        else:
            lines.append(f"  # {name} ({item.type}) {_plain(item)}: no column found")
    return lines


def _heading(item: Item) -> list[str]:
    return [f"  {_quoted(item.name)}:  # {_plain(item)}"]


def _plain(item: Item) -> str:
    return " ".join(next(iter(item.labels.values()), "").split())[:60]


def _one_column(item: Item, column: str, cells: Mapping[str, None]) -> list[str]:
    lines = [f"    column: {_quoted(column)}"]
    if not item.choices:
        return lines
    known = {label.strip(): choice.name for choice in item.choices for label in choice.labels.values()}
    known |= {choice.name: choice.name for choice in item.choices}
    parts = list(cells)
    if item.type in SEVERAL:
        separator = _separator(cells, known)
        lines += [f"    separator: {_quoted(separator)}"] if separator else []
        parts = list(dict.fromkeys(part.strip() for cell in cells for part in cell.split(separator)))
    if all(part == known.get(part) for part in parts):
        return lines
    few = "" if len(item.choices) > 20 else "  # one of: " + ", ".join(choice.name for choice in item.choices)
    values = [
        f"      {_quoted(part)}: {_quoted(known.get(part, ''))}{'' if part in known else few}" for part in parts if part
    ]
    return [*lines, "    values:", *values]


def _separator(cells: Iterable[str], known: Mapping[str, str]) -> str | None:
    """By which all parts are known; None: blanks, also where nothing fits."""
    for separator in (None, "┋", ";", ",", "|"):
        if all(part.strip() in known for cell in cells for part in cell.split(separator)):
            return separator
    return next((one for one in ("┋", ";", "|") if any(one in cell for cell in cells)), None)


def _marks(columns: Mapping[str, str], seen: Mapping[str, Mapping[str, None]]) -> list[str]:
    cells = list(dict.fromkeys(cell for column in columns for cell in seen[column]))
    chosen = [cell for cell in cells if cell in CHOSEN]
    others = [cell for cell in cells if cell in NOT_CHOSEN]
    return [
        "    columns:",
        *(f"      {_quoted(column)}: {_quoted(choice)}" for column, choice in columns.items()),
        f"    chosen: {json.dumps(chosen, ensure_ascii=False)}",
        f"    not_chosen: {json.dumps(others, ensure_ascii=False)}",
    ]


def _listed(name: str, texts: list[str]) -> list[str]:
    return [f"{name}:", *(f"  - {_quoted(text)}" for text in texts)] if texts else [f"{name}: []"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
