"""Cells that would change nothing: a column on a row whose type it means nothing for, half of a pair, an empty group.

XLSForm tools pass over them in silence, and the author believes that they are in force.
"""

from collections.abc import Callable, Iterable, Mapping

from questionnaires.columns import is_matrix_head
from questionnaires.expressions import Call, Expression, ItemName, Literal, Reference, walk
from questionnaires.functions import nearest
from questionnaires.sheets import Row
from questionnaires.values import Value, number

NEVER_WRONG = ("calculate", "note", "hidden", "begin_group", "start", "end", "today")
LISTED = ("select_one", "select_multiple", "select_one_from_file", "rank")
NUMBERS = ("integer", "decimal", "range")
_WORDS = ("type", "name", "label", "hint")  # of an end_group: what many tools write there too
_NO = ("no", "false", "false()")
# column -> the types it means something for, or (with not) all but these
_FOR: Mapping[str, Callable[[str], bool]] = {
    "required": lambda kind: kind not in NEVER_WRONG,
    "constraint": lambda kind: kind not in NEVER_WRONG,
    "choice_filter": lambda kind: kind in LISTED,
    "sandu::reverse": lambda kind: kind in LISTED,
    "sandu::dont_know": lambda kind: kind in (*LISTED, *NUMBERS, "calculate"),  # of numbers scorable.py says why not
    **dict.fromkeys(
        ("sandu::index", "sandu::weight", "sandu::score", "sandu::key", "sandu::sensitive", "sandu::role"),
        lambda kind: kind not in ("begin_group", "note"),
    ),
}
# column -> the one it needs beside it
_PAIRS = {
    "required_message": "required",
    "sandu::score": "sandu::index",
    "sandu::key": "sandu::index",
}


def check_misplaced(row: Row, kind: str) -> None:
    """Refuse a cell that nothing will ever read, and a question without words."""
    asked = kind not in ("begin_group", "calculate", "hidden", "start", "end", "today")
    if asked and not is_matrix_head(row) and not any(column.split("::")[0] == "label" for column in row.cells):
        what = "note" if kind == "note" else "question"
        raise row.error(f"{kind} {row.need('name')!r} has no label; write the {what} in column label")
    for column, cell in row.cells.items():
        means = _FOR.get(column)
        if means is not None and not means(kind) and not (column == "required" and cell.lower() in _NO):
            raise row.error(f"column {column} means nothing for type {kind}; remove it")
        needed = _PAIRS.get(column.split("::")[0] if column.startswith("required") else column)
        if needed is not None and needed not in row.cells:
            raise row.error(f"column {column} means nothing without {needed}; write that too, or remove it")
    if kind not in NUMBERS and kind != "date" and "constraint" not in row.cells:
        # to what is no number or date the message is said too
        message = next((column for column in row.cells if column.startswith("constraint_message")), None)
        if message is not None:
            raise row.error(f"column {message} means nothing without constraint; write that too, or remove it")


def check_groups(rows: Iterable[tuple[Row, str]]) -> None:
    """Each group has its end, something in it, and its settings in the row of its beginning."""
    opened: list[Row] = []
    before = ""
    for row, kind in rows:
        if kind == "begin_group":
            opened.append(row)
        elif kind == "end_group":
            _check_end(row, opened, before)
        before = kind
    if opened:
        raise opened[-1].error(f"group {opened[-1].need('name')!r} is never closed; add a row end_group behind it")


def _check_end(row: Row, opened: list[Row], before: str) -> None:
    if not opened:
        raise row.error("this end_group closes no group; remove it, or add the row begin_group")
    begun = opened.pop()
    name = begun.need("name")
    if row.cells.get("name", name) != name:
        raise row.error(f"this end_group is named {row.cells['name']!r}, and closes {name!r}; give it that name")
    for column, cell in row.cells.items():
        if column.split("::")[0] not in _WORDS and cell.lower() not in _NO:
            raise row.error(f"column {column} means nothing for end_group; write it in the row of begin_group")
    if before == "begin_group":
        raise begun.error(f"group {name!r} holds nothing; remove it, or move its items into it")


NamesOf = Callable[[str], Iterable[str] | None]


def check_comparisons(
    row: Row, column: str, expression: Expression, kinds: Mapping[str, str], names_of: NamesOf
) -> None:
    """Refuse what an answer is compared with and can never be: a choice its list lacks, a word for a number."""
    found: list[tuple[str, Value]] = []
    for node in walk(expression.root):
        match node:
            case Call("=" | "!=" | "selected", (Reference(item), Literal(value))) if value != "":
                found.append((item, value))
            case Call("=" | "!=", (Literal(value), Reference(item))) if value != "":
                found.append((item, value))
            case Call("<" | "<=" | ">" | ">=", (Reference(item), Literal(str() as value))):
                _check_number(row, column, item, value, kinds)
            case ItemName(item) if kinds.get(item) not in (*LISTED, "calculate", None):
                raise row.error(f"column {column}: item {item!r} has no choices; name a select in jr:choice-name()")
    for item, value in found:
        names = names_of(item)
        if names is not None:
            _check_literal(row, column, item, value, names)
        elif isinstance(value, str):
            _check_number(row, column, item, value, kinds)


def _check_literal(row: Row, column: str, item: str, value: Value, names: Iterable[str]) -> None:
    if isinstance(value, str) and value not in names:
        hint = nearest(value, names) or "; add it to the list, or name another"
        raise row.error(f"column {column}: item {item!r} has no choice {value!r}{hint}")
    elif isinstance(value, float) and value not in map(number, names):
        raise row.error(f"column {column}: item {item!r} has no choice {value:g}; compare with the name of a choice")


def _check_number(row: Row, column: str, item: str, value: str, kinds: Mapping[str, str]) -> None:
    kind = kinds.get(item)
    if kind in (*NUMBERS, "date", "dateTime", "today", "start", "end") and number(value) != number(value):
        what = "a number, such as 3" if kind in NUMBERS else "a date, such as '2026-05-01'"
        raise row.error(f"column {column}: item {item!r} is never {value!r}; compare it with {what}")
