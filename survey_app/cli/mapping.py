"""The mapping file of `sandu import --map`: which column answers which item, and what its codes mean here.

Everything is read as text (1 is the text "1"), and everything is checked before the first row is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from analysis.errors import nearest
from questionnaires import Instrument
from questionnaires.items import Item
from survey_app.cli.mapping_rules import Cell, Constant, Marks, Order, Rule, UnreadableError, columns_of, read_day
from survey_app.cli.yaml_files import read_yaml
from survey_app.store.errors import StoreError

ENCODINGS = ("utf-8", "gb18030")
DATED = ("date", "time", "dateTime")
SEVERAL = ("select_multiple", "rank")
MODES = ("web", "phone", "face_to_face", "paper")
FACTS = ("mode", "language", "fieldwork_date", "invitation")
FILE = ("encoding", "separator", "row_key", "source", "skip", "leave_out", "empty", "formula_text")
RULE = ("column", "columns", "constant", "values", "empty", "separator", "format", "chosen", "not_chosen")
NAMED_SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";"}


@dataclass(frozen=True)
class ColumnMapping:
    """A mapping, checked against the instrument.

    row_key: the column with a row's own key, None: its number. source: what the ids hang on, None: the file's content.
    leave_out: column -> cells of rows that are passed over. numbered: a row without a key goes by its number.
    strict: the first faulty row refuses the file.
    """

    items: Mapping[str, Rule]
    encoding: str = "utf-8"
    separator: str = ","
    row_key: str | None = None
    source: str | None = None
    skip: frozenset[str] = frozenset()
    leave_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    facts: Mapping[str, Rule] = field(default_factory=dict)
    numbered: bool = False
    strict: bool = False

    @property
    def used(self) -> set[str]:
        """Every column that something is read from."""
        keys = {self.row_key} if self.row_key is not None else set()
        return columns_of([*self.items.values(), *self.facts.values()]) | set(self.leave_out) | keys


def asked(instrument: Instrument) -> dict[str, Item]:
    """The items that somebody answers."""
    return {name: item for name, item in instrument.items.items() if item.shown and item.type != "note"}


def load_mapping(path: Path, instrument: Instrument) -> ColumnMapping:
    """Read and check a mapping file. Raises StoreError with the place in the file and the remedy."""
    return _Loading(path.name, instrument).mapping(read_yaml(path, as_text=True))


@dataclass(frozen=True)
class _Loading:
    """Turns what YAML gave into a mapping; every complaint names the file and the place in it."""

    name: str
    instrument: Instrument

    def mapping(self, found: Any) -> ColumnMapping:
        top = self.table(found, "the file")
        self.only(top, (*FILE, *FACTS, "items", "undecided"), "the file")
        undecided = [column for column in self.texts(top, "undecided", "the file") if column]
        if undecided:
            raise self.error(
                f"leaves {len(undecided)} columns undecided, the first is {undecided[0]!r}; "
                "give each to an item, or name it under skip"
            )
        encoding = self.text(top, "encoding", "the file") or "utf-8"
        if encoding not in ENCODINGS:
            raise self.error(f"has encoding {encoding!r}. {nearest(encoding, ENCODINGS)}")
        row_key, source = self.text(top, "row_key", "the file"), self.text(top, "source", "the file")
        if source and not row_key:
            raise self.error("has a source and no row_key; name the column that holds a row's own key")
        common = {"empty": frozenset(self.texts(top, "empty", "the file")), "keep_formulas": self.keeps_formulas(top)}
        rules = self.table(top.get("items") or {}, "items")
        self.require_all(rules)
        return ColumnMapping(
            items={item: self.rule(item, rule, common) for item, rule in rules.items()},
            encoding=encoding,
            separator=self.separator(top),
            row_key=row_key,
            source=source,
            skip=frozenset(self.texts(top, "skip", "the file")),
            leave_out={
                column: frozenset(self.texts(top["leave_out"], column, "leave_out"))
                for column in self.table(top.get("leave_out") or {}, "leave_out")
            },
            facts={fact: self.fact(fact, top[fact], common) for fact in FACTS if top.get(fact)},
        )

    def error(self, what: str) -> StoreError:
        return StoreError(f"{self.name} {what.rstrip('.')}.")

    def table(self, found: Any, place: str) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise self.error(f"holds no 'name: value' lines at {place}; see the README for an example")
        return found

    def only(self, found: Mapping[str, Any], known: Iterable[str], place: str) -> None:
        stray = next((name for name in found if name not in set(known)), None)
        if stray is not None:
            raise self.error(f"has an unknown word {stray!r} at {place}. {nearest(stray, list(known))}")

    def text(self, found: Mapping[str, Any], key: str, place: str) -> str | None:
        value = found.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error(f"has more than one text under {key} at {place}; write one")
        return value or None

    def texts(self, found: Mapping[str, Any], key: str, place: str) -> list[str]:
        value = found.get(key, [])
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in texts):
            raise self.error(f"has something other than texts under {key} at {place}; write a list of texts")
        return texts

    def separator(self, top: Mapping[str, Any]) -> str:
        given = self.text(top, "separator", "the file") or ","
        found = NAMED_SEPARATORS.get(given, given)
        if len(found) != 1:
            raise self.error(f"has separator {given!r}; give one character, or tab")
        return found

    def keeps_formulas(self, top: Mapping[str, Any]) -> bool:
        given = self.text(top, "formula_text", "the file") or "refuse"
        if given not in {"keep", "refuse"}:
            raise self.error(f"has formula_text {given!r}; give keep or refuse")
        return given == "keep"

    def require_all(self, rules: Mapping[str, Any]) -> None:
        known = asked(self.instrument)
        missing = next((name for name, item in known.items() if item.required and name not in rules), None)
        if missing is not None:
            raise self.error(f"gives no answer to {missing!r}, which {self.instrument.id} requires; add it under items")

    def rule(self, item_name: str, given: Any, common: Mapping[str, Any]) -> Rule:
        known = asked(self.instrument)
        if item_name not in known:
            raise self.error(
                f"maps an item {item_name!r}, which {self.instrument.id} does not ask. "
                f"{nearest(item_name, list(known))}"
            )
        item = known[item_name]
        found = self.table(given, item_name)
        self.only(found, RULE, item_name)
        if sum(name in found for name in ("column", "columns", "constant")) != 1:
            raise self.error(f"needs one of column, columns or constant at {item_name}")
        if "constant" in found:
            return self.constant(item, found)
        if "column" in found:
            return self.cell(item, found, self.text(found, "column", item_name) or "", common)
        if item.type not in SEVERAL:
            raise self.error(f"gives several columns to {item_name}, which takes one answer; name one column")
        if isinstance(found["columns"], dict):
            return self.marks(item, found)
        columns = self.texts(found, "columns", item_name)
        return Order(tuple(self.cell(item, found, column, common, several=False) for column in columns))

    def constant(self, item: Item, found: Mapping[str, Any]) -> Constant:
        texts = self.texts(found, "constant", item.name)
        for text in texts:
            self.choice(item, text, "constant")
        if item.type in SEVERAL:
            return Constant(texts)
        if len(texts) != 1 or not texts[0]:
            raise self.error(f"needs one text as the constant of {item.name}")
        return Constant(texts[0])

    def cell(
        self, item: Item, found: Mapping[str, Any], column: str, common: Mapping[str, Any], *, several: bool = True
    ) -> Cell:
        form = self.text(found, "format", item.name)
        if form is not None:
            self.dated(form, item.type in DATED, item.name)
        return Cell(
            column,
            kind=item.type,
            values=self.values(item, found),
            empty=common["empty"] | frozenset(self.texts(found, "empty", item.name)),
            several=several and item.type in SEVERAL,
            separator=self.text(found, "separator", item.name),
            form=form,
            keep_formulas=common["keep_formulas"],
        )

    def values(self, item: Item, found: Mapping[str, Any]) -> Mapping[str, str] | None:
        if "values" not in found:
            return {choice.name: choice.name for choice in item.choices} or None
        values = self.table(found["values"], f"{item.name}, values")
        for cell in values:
            if not self.text(values, cell, f"{item.name}, values"):
                raise self.error(
                    f"has no choice for {cell!r} at {item.name}; write one, or move it to empty if it is no answer"
                )
            self.choice(item, values[cell], f"values, {cell!r}")
        return {cell.strip(): choice for cell, choice in values.items()}

    def choice(self, item: Item, name: str, place: str) -> None:
        if item.choices and item.offer is not None and name not in item.offer.by_name:
            raise self.error(
                f"names a choice {name!r} at {item.name}, {place}, which it does not offer. "
                f"{nearest(name, list(item.offer.by_name))}"
            )

    def marks(self, item: Item, found: Mapping[str, Any]) -> Marks:
        columns = self.table(found["columns"], f"{item.name}, columns")
        for column, choice in columns.items():
            if not isinstance(choice, str):
                raise self.error(f"has no choice for the column {column!r} at {item.name}; write one")
            self.choice(item, choice, f"columns, {column!r}")
        chosen = frozenset(self.texts(found, "chosen", item.name))
        if not chosen or "" in chosen:
            raise self.error(f"needs, under chosen at {item.name}, what a marked cell holds, such as '1' or 'Y'")
        return Marks(columns, chosen, frozenset(self.texts(found, "not_chosen", item.name)))

    def dated(self, form: str, dated: bool, place: str) -> None:
        if not dated:
            raise self.error(f"gives a format to {place}, which is no date and no time; leave it out")
        try:
            datetime.strptime(datetime(2001, 2, 3, 4, 5).strftime(form), form)
        except ValueError as error:
            raise self.error(
                f"has a format {form!r} at {place} that reads no date; write one such as %Y/%m/%d"
            ) from error

    def fact(self, fact: str, given: Any, common: Mapping[str, Any]) -> Rule:
        if isinstance(given, str):
            return self.constant_fact(fact, given)
        found = self.table(given, fact)
        self.only(found, ("column", "values", "empty", "format"), fact)
        column = self.text(found, "column", fact)
        if column is None:
            raise self.error(f"needs a column at {fact}")
        form = self.text(found, "format", fact)
        if form is not None:
            self.dated(form, fact == "fieldwork_date", fact)
        values = self.table(found["values"], f"{fact}, values") if "values" in found else None
        for value in (values or {}).values():
            self.known(fact, value)
        empty = common["empty"] | frozenset(self.texts(found, "empty", fact))
        return Cell(column, kind="date", values=values, empty=empty, form=form)

    def constant_fact(self, fact: str, given: str) -> Constant:
        if fact == "invitation":
            raise self.error("has one invitation for all rows; name its column")
        self.known(fact, given)
        if fact == "fieldwork_date":
            try:
                read_day(Constant(given), {})
            except UnreadableError as error:
                raise self.error(error.fault.why) from error
        return Constant(given)

    def known(self, fact: str, value: Any) -> None:
        """A mode or a language is one of those there are."""
        there = {"mode": MODES, "language": self.instrument.languages}.get(fact)
        if there is not None and value not in there:
            raise self.error(f"has {fact} {value!r}. {nearest(str(value), there)}")
