"""How the cells of a row become an answer: a rule per item or fact, declared, never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

Cells = Mapping[str, str]
Answer = str | list[str] | None
# What a spreadsheet leaves where it lost an answer (a text that began with "=" or "-" and was taken for a formula).
LOST = frozenset({"#NAME?", "#REF!", "#VALUE!", "#N/A", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True)
class Fault:
    """One cell that was not taken. `why` goes on after the row's number: "has ...", "holds ..."."""

    column: str
    value: str
    why: str


class UnreadableError(ValueError):
    """Raised by a rule; carries the fault."""

    def __init__(self, column: str, value: str, why: str) -> None:
        super().__init__(why)
        self.fault = Fault(column, value, why)


@dataclass(frozen=True)
class Constant:
    """The same answer in every row."""

    value: str | list[str]
    columns: tuple[str, ...] = ()

    def read(self, cells: Cells) -> Answer:
        """The answer of a row."""
        return self.value


@dataclass(frozen=True)
class Cell:
    """One column. values: cell -> choice, None: the cell as it stands; empty: cells that mean no answer;
    several: the cell holds several choices, parted by `separator` (None: blanks); form: how a date or time is written,
    as strptime has it; keep_formulas: texts that begin like a formula are taken too.
    """

    column: str
    kind: str = "text"
    values: Mapping[str, str] | None = None
    empty: frozenset[str] = frozenset()
    several: bool = False
    separator: str | None = None
    form: str | None = None
    keep_formulas: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The one it reads."""
        return (self.column,)

    def read(self, cells: Cells) -> Answer:
        """The answer of a row. Raises UnreadableError."""
        cell = cells[self.column]
        shown = cell.strip()
        if not shown or shown in self.empty:
            return None
        refuse_lost(self.column, shown)
        if self.several:
            parts = [part.strip() for part in shown.split(self.separator)]
            return [self._one(part) for part in parts if part and part not in self.empty]
        if self.form is not None:
            return _instant(self.kind, _parse(self.column, shown, self.form))
        if self.kind == "text" and self.values is None and not self.keep_formulas:
            _refuse_formula(self.column, shown)
        return self._one(shown) if self.values is not None else cell

    def _one(self, part: str) -> str:
        if self.values is None:
            return part
        if part not in self.values:
            raise UnreadableError(self.column, part, f"has {part!r} in column {self.column!r}, which is not mapped")
        return self.values[part]


@dataclass(frozen=True)
class Marks:
    """Several columns, one per choice, each marked or not: column -> choice."""

    choices: Mapping[str, str]
    chosen: frozenset[str]
    not_chosen: frozenset[str]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those it reads."""
        return tuple(self.choices)

    def read(self, cells: Cells) -> Answer:
        """The choices marked, or None. Raises UnreadableError."""
        return [
            choice for column, choice in self.choices.items() if self._marked(column, cells[column].strip())
        ] or None

    def _marked(self, column: str, cell: str) -> bool:
        refuse_lost(column, cell)
        if cell not in self.chosen and cell and cell not in self.not_chosen:
            raise UnreadableError(
                column, cell, f"has {cell!r} in column {column!r}, which is neither under chosen nor under not_chosen"
            )
        return cell in self.chosen


@dataclass(frozen=True)
class Order:
    """Several columns that hold a choice each, the first place first."""

    cells: tuple[Cell, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those it reads."""
        return tuple(cell.column for cell in self.cells)

    def read(self, cells: Cells) -> Answer:
        """The choices in their order, or None. Raises UnreadableError."""
        found = [cell.read(cells) for cell in self.cells]
        return [one for one in found if isinstance(one, str)] or None


Rule = Constant | Cell | Marks | Order


def read_day(rule: Rule | None, cells: Cells) -> date | None:
    """The day of fieldwork; from 2000 to today."""
    text = rule.read(cells) if rule else None
    if not isinstance(text, str):
        return None
    column = rule.columns[0] if rule and rule.columns else "fieldwork_date"
    day = datetime.fromisoformat(text).date() if _is_iso(text) else None
    if day is None:
        raise UnreadableError(column, text, f"has fieldwork_date {text!r}; it must read YYYY-MM-DD")
    if not EARLIEST <= day <= date.today():
        raise UnreadableError(column, text, f"has fieldwork_date {text}; give a day from {EARLIEST} to today")
    return day


def _is_iso(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return False
    return True


def refuse_lost(column: str, cell: str) -> None:
    """Raise for what a spreadsheet writes where it lost a text."""
    if cell in LOST:
        raise UnreadableError(
            column, cell, f"holds the spreadsheet error {cell} in column {column!r}; the answer itself is lost there"
        )


def _refuse_formula(column: str, cell: str) -> None:
    if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        raise UnreadableError(
            column,
            cell,
            f"begins with {cell[0]!r} in column {column!r}, as a formula does; "
            "look at it, then take such texts with formula_text: keep",
        )


def _parse(column: str, cell: str, form: str) -> datetime:
    try:
        return datetime.strptime(cell, form)
    except ValueError as error:
        raise UnreadableError(
            column, cell, f"has {cell!r} in column {column!r}, which is not written as {form}"
        ) from error


def _instant(kind: str, found: datetime) -> str:
    forms: dict[str, Callable[[datetime], str]] = {
        "date": lambda when: when.date().isoformat(),
        "time": lambda when: when.strftime("%H:%M"),
        "dateTime": lambda when: when.strftime("%Y-%m-%dT%H:%M"),
    }
    return forms[kind](found)


def gather(rules: Mapping[str, Rule], cells: Cells) -> tuple[dict[str, str | list[str]], list[Fault]]:
    """The answers of a row, and every cell that could not be read."""
    answers: dict[str, str | list[str]] = {}
    faults = []
    for item, rule in rules.items():
        try:
            answer = rule.read(cells)
        except UnreadableError as error:
            faults.append(error.fault)
            continue
        if answer:
            answers[item] = answer
    return answers, faults


def columns_of(rules: Iterable[Rule | None]) -> set[str]:
    """Every column that some rule reads."""
    return {column for rule in rules if rule for column in rule.columns}
