"""What pyxform lets pass: unknown columns, types, lists, references, and every expression, checked row by row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from questionnaires.choices import MISSING_KINDS
from questionnaires.columns import TOLD, check_cells, check_told, is_matrix_head, is_read_only
from questionnaires.errors import InstrumentError
from questionnaires.expressions import Dot, Expression, parse, walk
from questionnaires.functions import CALCULATION_ONLY, nearest
from questionnaires.misplaced import check_comparisons, check_groups, check_misplaced
from questionnaires.sheets import SHEETS, Row, Sheets

TRANSLATED = {
    "survey": ("label", "hint", "guidance_hint", "required_message", "constraint_message"),
    "choices": ("label",),
    "settings": ("sandu::title", "sandu::approval_number", "sandu::issuing_body", "sandu::purpose", "sandu::owner"),
    "indices": ("label",),
}
COLUMNS = {
    "survey": (
        *("type", "name", "required", "relevant", "constraint", "calculation", "appearance", "choice_filter"),
        *("parameters", "sandu::index", "sandu::weight", "sandu::score", "sandu::key", "sandu::reverse"),
        *("sandu::role", "sandu::sensitive", "sandu::dont_know", "sandu::order", "default", "read_only"),
    ),
    "choices": ("list_name", "name", "score", "missing"),
    "settings": (
        *("form_title", "form_id", "version", "default_language", "style"),
        *("sandu::form_number", "sandu::valid_until", "sandu::retention_days"),
    ),
    "indices": ("name", "parent", "weight", "min_weight", "min_answered"),
}
# columns of XLSForm beyond what is taken here, by sheet, and what to do
_ODK_ALONE = "is for ODK's own server and app, and nothing here reads it; remove it"
_MEDIA = "shows pictures or sound, which no form here has; remove it, and say in label what they show"
MEDIA = frozenset({"image", "audio", "video", "big-image", "media"})
BEYOND_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "survey": {
        "trigger": "is not supported; remove it, and write what follows from another answer as its relevant",
        "repeat_count": "is not supported; remove it, and write the questions of each round out",
    },
    "settings": dict.fromkeys(
        (
            *("instance_name", "instance_id", "public_key", "submission_url", "auto_send", "auto_delete", "namespaces"),
            *("allow_choice_duplicates", "client_editable", "sms_keyword", "prefix", "delimiter", "id_string"),
        ),
        _ODK_ALONE,
    ),
}
STYLES = ("pages", "theme-grid", "theme-formhub", "no-text-transform")
LONGEST_NAME = 64  # characters of a name, which is part of addresses and of columns
TYPES = frozenset(
    {"integer", "decimal", "text", "date", "note", "calculate", "hidden", "start", "end", "today", "end_group"}
    | {"begin_group", "select_one", "select_multiple", "select_one_from_file", "rank", "range", "time", "dateTime"}
    | {"acknowledge"}
)
BEYOND_TYPES = frozenset(
    {"geopoint", "geotrace", "geoshape", "image", "audio", "video", "file"}
    | {"barcode", "xml-external", "csv-external", "begin_repeat", "end_repeat", "audit"}
    | {"deviceid", "username", "phonenumber", "email", "start-geopoint", "select_multiple_from_file"}
)
LISTED = ("select_one", "select_multiple", "rank")
ROLES = ("consent", "screening", "preset", "address", "margin", "probe", "disposition", "paradata", "follow_up")
ONE_OF = {
    "sandu::role": ROLES,
    "sandu::reverse": ("half",),
    "sandu::dont_know": ("zero", "exclude"),
    "sandu::sensitive": ("yes", "no"),
    "sandu::order": ("random",),
}
OWN_ANSWER = ("constraint", "sandu::score")
FORMULAS = ("relevant", "constraint", "calculation", "choice_filter", "sandu::score")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_YES_NO = frozenset({"yes", "no", "true", "false", "true()", "false()"})


@dataclass(frozen=True, slots=True)
class Survey:
    """The checked survey sheet: each named row by its name, its kind of item, its list or file."""

    rows: Mapping[str, Row]
    kinds: Mapping[str, str]
    lists: Mapping[str, str]
    choices: Mapping[str, Mapping[str, Row]]


def kind_of(row: Row) -> tuple[str, str]:
    """The type of a row as one word, and the list or file that follows it ("" for other types)."""
    words = row.need("type").split()
    if words[0] in ("begin", "end") and len(words) > 1:
        words[:2] = [f"{words[0]}_{words[1]}"]
    return words[0], words[1] if len(words) > 1 else ""


def check_sheets(sheets: Sheets, source: str) -> Survey:
    """All checks that need no structure; InstrumentError at the first fault names place and nearest right name."""
    for name in sheets:
        if name not in SHEETS and not name.startswith("_"):
            hint = nearest(name, SHEETS) or "; the name of a sheet of notes begins with _"
            raise InstrumentError(f"{source}: there is no sheet {name!r}{hint}")
    for name in ("settings", "survey"):
        if not sheets.get(name):
            raise InstrumentError(f"{source}: sheet {name} is missing or empty; add its rows")
    if len(sheets["settings"]) > 1:
        raise sheets["settings"][1].error("settings has one row; remove this one")
    _check_columns(sheets)
    for word in sheets["settings"][0].cells.get("style", "").split():
        if word not in STYLES:
            hint = nearest(word, STYLES) or "; remove it"
            raise sheets["settings"][0].error(f"there is no style {word!r}, only {', '.join(STYLES)}{hint}")
    for row in sheets.get("indices", []):
        check_length(row, row.need("name"))
    lists = _check_choices(sheets.get("choices", []))
    survey = _check_survey(sheets["survey"], lists)
    for row in survey.rows.values():
        check_told(row, survey.kinds, survey.rows)
        _check_formulas(row, survey, lists)
    return survey


def _check_columns(sheets: Sheets) -> None:
    filters = " ".join(row.cells.get("choice_filter", "") for row in sheets["survey"])
    used_by_filters = set(re.findall(r"[^\W\d][\w.\-]*", filters))
    for sheet, known in COLUMNS.items():
        for row in sheets.get(sheet, []):
            for column in row.cells:
                _refuse_beyond(row, column)
                base = column if column in known else _base(column, TRANSLATED[sheet])
                if base in known or base in TRANSLATED[sheet] or (sheet == "choices" and column in used_by_filters):
                    continue
                hint = nearest(column, [*known, *TRANSLATED[sheet]]) if column else ""
                raise row.error(f"there is no column {column!r}{hint or '; remove it'}")


def _refuse_beyond(row: Row, column: str) -> None:
    """Refuse a column of XLSForm that is not taken here; `label::image` is no language."""
    base, *parts = column.split("::")
    if row.sheet in ("survey", "choices") and (base in MEDIA or not MEDIA.isdisjoint(parts)):
        raise row.error(f"column {column!r} {_MEDIA}")
    beyond = BEYOND_COLUMNS.get(row.sheet, {}).get(base)
    if beyond is not None:
        raise row.error(f"column {column!r} {beyond}")


def check_length(row: Row, name: str) -> None:
    """Refuse a name that is longer than what keeps it."""
    if len(name) > LONGEST_NAME:
        raise row.error(f"name {name[:20] + '...'!r} has {len(name)} characters, at most {LONGEST_NAME}; shorten it")


def _base(column: str, translated: Iterable[str]) -> str:
    return next((base for base in translated if column.startswith(f"{base}::")), column)


def _check_choices(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    lists: dict[str, dict[str, Row]] = {}
    for row in rows:
        names, name = lists.setdefault(row.need("list_name"), {}), row.need("name")
        if name in names:
            raise row.error(
                f"list {row.cells['list_name']!r} has {name!r} already in row {names[name].number}; rename one"
            )
        if any(letter.isspace() for letter in name):
            raise row.error(f"choice name {name!r} holds a blank; use _ instead")
        check_length(row, name)
        names[name] = row
        missing, score = row.cells.get("missing"), row.number_in("score")
        if any("${" in cell for cell in row.cells.values()):
            raise row.error("a choice tells no answer; write the text without ${...}")
        if missing is not None and missing not in MISSING_KINDS:
            raise row.error(
                f"column missing holds {missing!r}, one of {', '.join(MISSING_KINDS)}{nearest(missing, MISSING_KINDS)}"
            )
        if missing is not None and score is not None:
            raise row.error(f"choice {name!r} has both a score and missing; keep one")
        if score is not None and not 0 <= score <= 100:
            raise row.error(f"choice {name!r} scores {score:g}; a score is between 0 and 100")
    return lists


def _check_survey(rows: Iterable[Row], lists: Mapping[str, Mapping[str, Row]]) -> Survey:
    found: dict[str, Row] = {}
    kinds: dict[str, str] = {}
    named_lists: dict[str, str] = {}
    typed = [(row, *kind_of(row)) for row in rows]
    for row, kind, of in typed:
        _check_type(row, kind, of, lists)
        if kind == "end_group":
            continue
        name = row.need("name")
        if not _NAME.fullmatch(name):
            raise row.error(f"name {name!r} must start with a letter or _ and hold letters, digits, _ - . only")
        check_length(row, name)
        if name in found:
            raise row.error(f"name {name!r} is taken by row {found[name].number}; rename one")
        found[name], kinds[name] = row, "note" if is_matrix_head(row) else kind
        if of:
            named_lists[name] = of
        _check_values(row)
        check_cells(row, kind)
        check_misplaced(row, kind)
    check_groups((row, kind) for row, kind, _ in typed)
    return Survey(found, kinds, named_lists, lists)


def _check_type(row: Row, kind: str, of: str, lists: Mapping[str, Mapping[str, Row]]) -> None:
    if kind in BEYOND_TYPES:
        raise row.error(f"type {kind!r} is not supported; remove the row or use another type")
    if kind not in TYPES:
        hint = nearest(kind, TYPES) or "; the types that there are stand in questionnaires/README.md"
        raise row.error(f"there is no type {kind!r}{hint}")
    if kind in (*LISTED, "select_one_from_file") and not of:
        raise row.error(f"type {kind} names no list; write '{kind} name_of_the_list'")
    if kind in LISTED and of not in lists:
        raise row.error(f"there is no list {of!r} in sheet choices{nearest(of, lists) or '; add it there'}")
    placed = next((name for name in lists[of] if re.match(r"[0-9]+:", name)), None) if kind == "rank" else None
    if placed is not None:
        raise row.error(f"choice {placed!r} of a rank starts with a number and ':', which says a place; rename it")
    if len(row.cells["type"].split()) > 2 and not kind.endswith("_group"):
        raise row.error(f"type {row.cells['type']!r} has too many words; write '{kind} {of}'")


def _check_values(row: Row) -> None:
    for column, allowed in ONE_OF.items():
        cell = row.cells.get(column)
        if cell is not None and cell not in allowed:
            raise row.error(f"column {column} holds {cell!r}, one of {', '.join(allowed)}{nearest(cell, allowed)}")
    for column, cell in row.cells.items():
        may = (*FORMULAS, "required", "parameters", "default")
        if "${" in cell and column not in may and column.split("::")[0] not in TOLD:
            raise row.error(f"column {column} holds a reference; only texts and expressions can, write it as it is")


def formula(row: Row, column: str) -> Expression | None:
    """The parsed expression of a cell, None when it is empty; an error in it gets its place."""
    text = row.cells.get(column)
    if text is None or (column == "required" and text.lower() in _YES_NO):
        return None
    try:
        return parse(text)
    except InstrumentError as error:
        raise row.error(f"column {column}: {error}") from None


def _check_formulas(row: Row, survey: Survey, lists: Mapping[str, Mapping[str, Row]]) -> None:
    for column in (*FORMULAS, "required"):
        expression = formula(row, column)
        if expression is None:
            continue
        if column not in OWN_ANSWER and any(isinstance(node, Dot) for node in walk(expression.root)):
            raise row.error(f"column {column}: '.' is the answer itself, which only {' and '.join(OWN_ANSWER)} can use")
        _check_place(row, column, expression)
        if column == "sandu::score" and expression.references:
            raise row.error("column sandu::score refers to another item; it scores '.', the answer itself, alone")
        for name in sorted(expression.references):
            if survey.kinds.get(name) in (None, "begin_group", "note"):
                items = [other for other, kind in survey.kinds.items() if kind not in ("begin_group", "note")]
                raise row.error(
                    f"column {column} refers to {name!r}, which is no item{nearest(name, items) or '; add it'}"
                )
        for name in sorted(expression.columns):
            if column != "choice_filter":
                raise row.error(
                    f"column {column}: {name!r} stands alone; write ${{{name}}} for an item, '{name}' for a text"
                )
        check_comparisons(row, column, expression, survey.kinds, lambda item: lists.get(survey.lists.get(item, "")))
    calculated = survey.kinds[row.cells["name"]] == "calculate" or is_read_only(row)
    if row.cells.get("calculation") and not calculated:
        raise row.error("only a calculate, or a read_only text, has a calculation; remove it or change the type")


def _check_place(row: Row, column: str, expression: Expression) -> None:
    for name in sorted(expression.calls & CALCULATION_ONLY if column != "calculation" else ()):
        raise row.error(f"column {column}: {name}() stands in a calculation only; let a calculate item call it")


def check_languages(sheets: Sheets, endings: Sequence[str]) -> None:
    """Every translated column ends in one of the form's languages, and every label stands in all of them."""
    for sheet, bases in TRANSLATED.items():
        for row in sheets.get(sheet, []):
            for base, ending in (column.rsplit("::", 1) for column in row.cells if _base(column, bases) != column):
                if ending not in endings:
                    hint = nearest(ending, endings) or "; remove it"
                    raise row.error(f"column {base}::{ending} is in no language of the form{hint}")
            if "label" in row.cells and "default" not in endings:
                raise row.error(f"column label names no language; write it in label::{endings[0]}")
            lacking = [ending for ending in endings if f"label::{ending}" not in row.cells]
            if 0 < len(lacking) < len(endings):
                raise row.error(f"column label::{lacking[0]} is empty; every label stands in all languages of the form")
