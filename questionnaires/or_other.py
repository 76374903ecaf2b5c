"""`or_other` after the type of a select, in pyxform's meaning: a choice "other", and a text item when it is chosen.

pyxform writes both in English only and adds the choice to every item that shares the list. Here they stand in the
languages of the form and only where they were asked for: the row becomes the rows that an author would write.
"""

from collections.abc import Iterable, Sequence
from types import MappingProxyType

from questionnaires.sheets import Row, Sheets, language_columns

WORDS = {"choice": ("其他", "Other"), "text": ("请具体说明", "Please specify")}
OTHER = "other"


def written_out(sheets: Sheets) -> Sheets:
    """The sheets with every or_other written out; the same sheets where there is none."""
    survey = sheets.get("survey", [])
    if not any(_asks(row) for row in survey):
        return sheets
    endings = language_columns(survey, "label")
    choices = list(sheets.get("choices", []))
    rows: list[Row] = []
    for row in survey:
        rows += _survey_rows(row, choices, endings) if _asks(row) else [row]
    return {**sheets, "survey": rows, "choices": choices}


def _asks(row: Row) -> bool:
    return row.cells.get("type", "").endswith((" or_other", " or other"))


def _survey_rows(row: Row, choices: list[Row], endings: Sequence[str]) -> Iterable[Row]:
    kind, _, rest = row.need("type").removesuffix("other")[:-3].strip().partition(" ")
    if kind not in ("select_one", "select_multiple"):
        raise row.error(f"or_other is for select_one and select_multiple, not for {kind}; remove it")
    if "choice_filter" in row.cells:
        raise row.error("or_other and choice_filter do not go together; write the choice and its text item out")
    name = row.need("name")
    listed = _with_other(rest.strip(), choices, row, endings)
    yield _row(row, {**row.cells, "type": f"{kind} {listed}"})
    relevant = f"selected(${{{name}}}, '{OTHER}')"
    text = {"type": "text", "name": f"{name}_{OTHER}", "relevant": relevant, **_labels("text", row, endings)}
    yield _row(row, text)


def _with_other(listed: str, choices: list[Row], row: Row, endings: Sequence[str]) -> str:
    """The name of the list with a choice "other": itself where it has one, else a copy of its own."""
    own = [choice for choice in choices if choice.cells.get("list_name") == listed]
    made = f"{listed}_or_{OTHER}"
    if not own or any(choice.cells.get("name") == OTHER for choice in own):
        return listed
    if all(choice.cells.get("list_name") != made for choice in choices):
        choices += [_row(choice, {**choice.cells, "list_name": made}) for choice in own]
        labels = _labels("choice", row, endings)
        choices.append(_row(own[-1], {"list_name": made, "name": OTHER, **labels}))
    return made


def _labels(what: str, row: Row, endings: Sequence[str]) -> dict[str, str]:
    chinese, english = WORDS[what]
    if endings:
        return {f"label::{ending}": chinese if "zh" in ending else english for ending in endings}
    return {"label": chinese if any("\u4e00" <= letter <= "\u9fff" for letter in row.need("label")) else english}


def _row(place: Row, cells: dict[str, str]) -> Row:
    return Row(place.source, place.sheet, place.number, MappingProxyType(cells))
