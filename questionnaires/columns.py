"""What the cells of one survey row may hold, by its type: appearance, parameters, default, texts that tell."""

import re
from collections.abc import Mapping

from questionnaires.errors import InstrumentError
from questionnaires.functions import nearest
from questionnaires.ranges import read_range
from questionnaires.sheets import Row
from questionnaires.wording import told_in

SELECT_APPEARANCES = ("minimal", "autocomplete", "likert", "quick", "horizontal", "columns")
MATRIX = ("label", "list-nolabel")
APPEARANCES: Mapping[str, tuple[str, ...]] = {
    "select_one": (*SELECT_APPEARANCES, *MATRIX),
    "select_multiple": (*SELECT_APPEARANCES, *MATRIX),
    "select_one_from_file": SELECT_APPEARANCES,
    "text": ("multiline", "numbers"),
    "begin_group": ("field-list", "table-list"),
}
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "range": ("start", "end", "step"),
    "select_one": ("randomize", "seed"),
    "select_multiple": ("randomize", "seed"),
    "rank": ("randomize", "seed"),
    "select_one_from_file": ("value", "label", "randomize", "seed"),
}
# words that each say how the whole list, or the whole text, stands: one of them
LAYOUTS: Mapping[str, str] = {"minimal": "menu", "autocomplete": "menu", "multiline": "text", "numbers": "digits"} | {
    word: word for word in ("likert", "horizontal", "columns", *MATRIX)
}
DEFAULTED = ("hidden", "text")
TOLD = ("label", "hint", "guidance_hint", "required_message", "constraint_message")
NOT_ASKED = ("begin_group", "note")
_COLUMNS = re.compile(r"columns-[1-9][0-9]?")
_PARAMETER = re.compile(r"([^\s=,;]+)\s*=\s*([^\s,;]+)")


def is_matrix_head(row: Row) -> bool:
    """Whether a select is only the head of a matrix (appearance label): its choices name the columns."""
    return "label" in row.cells.get("appearance", "").split()


def check_cells(row: Row, kind: str) -> None:
    """Refuse what a cell of this row cannot hold."""
    words = row.cells.get("appearance", "").split()
    for word in words:
        _check_appearance(row, kind, word)
    layouts = {LAYOUTS.get(word, word if _COLUMNS.fullmatch(word) else ""): word for word in words}
    several = [word for layout, word in layouts.items() if layout]
    if len(several) > 1:
        raise row.error(f"appearances {several[0]!r} and {several[1]!r} contradict each other; keep one")
    _check_parameters(row, kind)
    _check_default(row, kind)
    _check_read_only(row, kind)
    if "sandu::order" in row.cells and kind != "begin_group":
        raise row.error("sandu::order shuffles the pages of a group; write it in the row of begin_group")


def _check_appearance(row: Row, kind: str, word: str) -> None:
    base = "columns" if _COLUMNS.fullmatch(word) else word
    every = [name for names in APPEARANCES.values() for name in names]
    if base not in every:
        raise row.error(f"there is no appearance {word!r}{nearest(word, dict.fromkeys(every))}")
    if base not in APPEARANCES.get(kind, ()):
        kinds = ", ".join(name for name, names in APPEARANCES.items() if base in names)
        raise row.error(f"appearance {word!r} is for {kinds}, not for {kind}; remove it")


def parameters(row: Row) -> dict[str, str]:
    """The cell parameters as names and values."""
    found: dict[str, str] = {}
    for written, value in _PARAMETER.findall(row.cells.get("parameters", "")):
        name = written.lower()
        if name in found:
            raise row.error(f"column parameters says {name} twice, {found[name]!r} and {value!r}; keep one")
        found[name] = value
    return found


def _check_parameters(row: Row, kind: str) -> None:
    known = PARAMETERS.get(kind, ())
    found = parameters(row)
    if row.cells.get("parameters") and not found:
        raise row.error(f"column parameters holds {row.cells['parameters']!r}; write it as name=value")
    for name in found:
        if name not in known:
            what = f"type {kind} has no parameter {name!r}"
            raise row.error(f"{what}{nearest(name, known)}" if known else f"{what}; remove it")
    if found.get("randomize", "true") not in ("true", "false"):
        raise row.error(f"parameter randomize holds {found['randomize']!r}; write true or false")
    if "seed" in found and found.get("randomize") != "true":
        raise row.error("parameter seed needs randomize=true beside it")
    if kind == "range":
        try:
            read_range(found)
        except InstrumentError as error:
            raise row.error(str(error)) from None


def _check_default(row: Row, kind: str) -> None:
    default = row.cells.get("default")
    if default is None:
        return
    if kind not in DEFAULTED:
        raise row.error(
            f"type {kind} takes no default: an answer that stands there before the question is read is nobody's; "
            "remove it"
        )
    if "${" in default or re.search(r"[a-z)]\(.*\)", default):
        raise row.error("a default is a text as it stands; write what is to be computed as a calculation")


def _check_read_only(row: Row, kind: str) -> None:
    cell = row.cells.get("read_only")
    if cell is None:
        return
    if cell.lower() not in ("yes", "no", "true", "false", "true()", "false()"):
        raise row.error(f"column read_only holds {cell!r}, one of yes, no{nearest(cell, ('yes', 'no'))}")
    if not is_read_only(row) or kind == "note":
        return
    if kind != "text":
        raise row.error(f"type {kind} cannot be read_only; use a read-only text, or a note that tells the answer")
    given = "default" in row.cells or "calculation" in row.cells or row.cells.get("sandu::role") == "preset"
    if not given:
        raise row.error("a read_only text needs something to show: a default or a calculation")


def is_read_only(row: Row) -> bool:
    """Whether the row's item is shown and not asked."""
    return row.cells.get("read_only", "").lower() in ("yes", "true", "true()")


def texts_that_tell(row: Row) -> dict[str, frozenset[str]]:
    """Column of a text -> the items whose answers it tells."""
    told = {column: told_in([cell]) for column, cell in row.cells.items() if column.split("::")[0] in TOLD}
    return {column: names for column, names in told.items() if names}


def check_told(row: Row, kinds: Mapping[str, str], rows: Mapping[str, Row]) -> None:
    """Every `${item}` in a text, and in the parameter seed, is an item; one that is told is asked before."""
    seed = parameters(row).get("seed", "")
    for column, names in {**texts_that_tell(row), "parameters": told_in([seed])}.items():
        for name in sorted(names):
            if kinds.get(name) in (None, *NOT_ASKED):
                items = [other for other, kind in kinds.items() if kind not in NOT_ASKED]
                raise row.error(f"column {column} refers to {name!r}, which is no item{nearest(name, items)}")
            asked_later = kinds[name] not in ("calculate", "hidden") and rows[name].number >= row.number
            if asked_later and not column.startswith(("required_message", "constraint_message")):
                raise row.error(f"column {column} tells the answer to {name!r}, which is asked later; move one")
