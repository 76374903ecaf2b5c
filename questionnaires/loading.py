"""An XLSForm (.xlsx, or the same sheets as .yaml) becomes an Instrument. pyxform reads the form; we read its result.

A file that is not right is refused with sheet, row and the nearest right name; nothing is repaired.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from questionnaires.assembly import assemble
from questionnaires.checks import Survey, check_languages, check_sheets
from questionnaires.dates import days_of
from questionnaires.errors import InstrumentError
from questionnaires.functions import nearest
from questionnaires.indices import read_indices
from questionnaires.instrument import Instrument, Settings
from questionnaires.limits import decode, read_file
from questionnaires.or_other import written_out
from questionnaires.sheets import Row, Sheets, language_columns, read_yaml, with_headers
from questionnaires.workbook import read_xlsx

LIBRARY = Path(__file__).parent / "library"
# what becomes part of file names and addresses; letters of any script
_WORD = {"form_id": re.compile(r"\w[\w.-]{0,63}"), "version": re.compile(r"\w[\w.+-]{0,31}")}
LONGEST_CODE = 16  # characters of a language, which is stored with each answer
_FILE = re.compile(r"(?!.*\.\.)[\w][\w./-]*")


def load_instrument(path: str | Path, *, choice_files: Path | None = None) -> Instrument:
    """The instrument in a .yaml or .xlsx file.

    choice_files: the folder of select_one_from_file files; by default SANDU_DATA, or data/ beside the packages.
    InstrumentError: no such file, or anything wrong in it, with its place and the remedy.
    """
    path = Path(path)
    if path.suffix not in (".yaml", ".yml", ".xlsx"):
        if os.path.isdir(path):  # noqa: PTH112  (Path.is_dir raises where the folder around may not be read)
            raise InstrumentError(f"{path} is a folder; name the .yaml or .xlsx file in it")
        raise InstrumentError(f"{path} is neither .yaml nor .xlsx; an instrument is one of them")
    try:
        data = read_file(path)
    except (FileNotFoundError, NotADirectoryError):
        library = sorted(file.name for file in LIBRARY.glob("*.yaml"))
        raise InstrumentError(f"there is no instrument file {path}{nearest(path.name, library)}") from None
    if path.suffix == ".xlsx":
        sheets = read_xlsx(data, path.name)
        return _load(sheets, path.name, as_text(sheets), choice_files)
    text = decode(data, path.name)
    return _load(read_yaml(text, path.name), path.name, text, choice_files)


def load_instrument_text(text: str, *, choice_files: Path | None = None) -> Instrument:
    """The instrument in a YAML text, as `Instrument.source` keeps it."""
    return _load(read_yaml(text, "instrument"), "instrument", text, choice_files)


def as_text(sheets: Sheets) -> str:
    """Sheets as JSON, which is YAML 1.2 too: the source of an instrument that came as .xlsx."""
    return json.dumps(_plain(sheets), ensure_ascii=False, indent=1) + "\n"


def _plain(sheets: Sheets) -> dict[str, list[dict[str, str]]]:
    return {name: [dict(row.cells) for row in rows] for name, rows in sheets.items() if not name.startswith("_")}


def content_hash(sheets: Sheets) -> str:
    """SHA-256 over all cells: equal for .yaml and .xlsx of the same content, blind to comments and layout."""
    canonical = json.dumps(_plain(sheets), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def default_folder() -> Path:
    """Where choice files live: SANDU_DATA, or data/ beside the packages."""
    return Path(os.environ.get("SANDU_DATA") or Path(__file__).resolve().parents[1] / "data")


def structure(sheets: Sheets, source: str) -> dict[str, Any]:
    """The form as pyxform understands it: a tree of groups and items, aliases and translations resolved.

    The one place that touches pyxform's private attribute; pyxform is pinned, and a test holds the shape.
    """
    from pyxform.errors import PyXFormError
    from pyxform.xls2xform import convert

    form = {name: [dict(row.cells) for row in sheets.get(name, [])] for name in ("survey", "choices", "settings")}
    try:
        return convert(with_headers(form), pretty_print=False)._pyxform
    except PyXFormError as error:
        raise _placed(source, " ".join(str(error).split()), sheets["survey"]) from None
    except (LookupError, TypeError, AttributeError, ValueError) as error:  # pyxform stumbles over some odd sheets
        raise InstrumentError(
            f"{source}, sheet survey: the form cannot be put together ({type(error).__name__}: {error}); "
            "compare its columns with those of a form that loads"
        ) from None


# what pyxform says is wrong -> what to do about it
_REMEDIES = {
    "Missing calculation": "Write one in column calculation",
    "has no label or hint": "Write the question in column label",
    "file extensions": "Name a .csv",
    "seed value": "Write seed=${item}, or a number",
    "is reserved": "Rename it",
    "Parameters must be": "Write name=value, with a blank between two",
}


def _placed(source: str, sentence: str, rows: list[Row]) -> InstrumentError:
    """A sentence of pyxform with its place in our form: "[row : 8] On the 'survey' sheet, ..." names both."""
    remedy = next((remedy for said, remedy in _REMEDIES.items() if said in sentence), None)
    if remedy is not None:
        sentence = f"{sentence.rstrip('.')}. {remedy}"
    row = re.search(r"\[row : ([0-9]+)\] *", sentence)
    if row is None:
        named = next((row for row in rows if f"'{row.cells.get('name')}'" in sentence), None)
        return named.error(sentence) if named else InstrumentError(f"{source}, sheet survey: {sentence}")
    sheet = re.search(r"[Oo]n the '(\w+)' sheet", sentence)
    name = sheet[1] if sheet else "survey"
    return InstrumentError(f"{source}, sheet {name}, row {row[1]}: {sentence.replace(row[0], '')}")


def _load(sheets: Sheets, source: str, text: str, choice_files: Path | None) -> Instrument:
    written = written_out(sheets)
    survey = check_sheets(written, source)
    settings = sheets["settings"][0]
    _check_words(sheets)
    languages = _languages(sheets, settings)
    tree = structure(written, source)
    parts = assemble(tree, survey, languages=languages, folder=choice_files or default_folder())
    indices = read_indices(sheets.get("indices", []), _own_items(survey, sheets), languages)
    title = settings.texts("sandu::title", languages)
    return Instrument(
        id=settings.need("form_id"),
        version=settings.need("version"),
        title=MappingProxyType({next(iter(languages.values())): settings.need("form_title"), **title}),
        languages=tuple(languages.values()),
        default_language=next(iter(languages.values())),
        content_hash=content_hash(sheets),
        source=text,
        settings=_settings(settings, languages),
        items=parts.items,
        pages=parts.pages,
        indices=indices,
        program=parts.program,
    )


def _check_words(sheets: Sheets) -> None:
    """An id, a version or a choice file that could name a place outside its folder, and a choice without words."""
    settings = sheets["settings"][0]
    for column, allowed in _WORD.items():
        word = settings.need(column)
        if not allowed.fullmatch(word) or ".." in word:
            raise settings.error(
                f"{column} {word!r} must start with a letter or digit, and hold only those, '-', '_', '.'"
            )
    for row in sheets.get("choices", []):
        if not any(column.split("::")[0] == "label" for column in row.cells):
            raise row.error(f"choice {row.need('name')!r} has no label; write what a resident reads")
    for row in sheets["survey"]:
        kind, _, name = row.cells.get("type", "").partition(" ")
        if kind == "select_one_from_file" and name.strip() and not _FILE.fullmatch(name.strip()):
            raise row.error(
                f"choice file {name.strip()!r} must be a .csv inside the data folder, named with '/' and no '..'"
            )


def _is_day(text: str) -> bool:
    """Whether a text is a date of the calendar as 2027-12-31."""
    return len(text) == 10 and not math.isnan(days_of(text))


def _languages(sheets: Sheets, settings: Row) -> dict[str, str]:
    """Column ending -> language code ("中文 (zh)" -> "zh"), the default language first."""
    endings = language_columns(sheets["survey"], "label") or ["default"]
    default = settings.cells.get("default_language", endings[0])
    if default not in endings:
        raise settings.error(
            f"default_language {default!r} has no label column{nearest(default, endings) or '; add it'}"
        )
    endings.sort(key=lambda ending: ending != default)
    check_languages(sheets, endings)
    codes = {ending: ending.rpartition("(")[2].rstrip(")").strip() if "(" in ending else ending for ending in endings}
    for ending, code in codes.items():
        if len(code) > LONGEST_CODE:
            raise settings.error(f"language {ending!r} is long; write it with its code, such as label::English (en)")
    return codes


def _own_items(survey: Survey, sheets: Sheets) -> dict[str, dict[str, float]]:
    """Index -> item -> item weight, as the survey sheet declares them."""
    names = [row.cells.get("name", "") for row in sheets.get("indices", [])]
    found: dict[str, dict[str, float]] = {}
    for name, row in survey.rows.items():
        index, weight = row.cells.get("sandu::index"), row.number_in("sandu::weight")
        if (index is None) != (weight is None):
            raise row.error(f"item {name!r} needs both sandu::index and sandu::weight, or neither")
        if index is None or weight is None:
            continue
        if index not in names:
            raise row.error(
                f"item {name!r} counts into index {index!r}, which sheet indices lacks"
                f"{nearest(index, names) or '; add it there'}"
            )
        if weight <= 0:
            raise row.error(f"item {name!r} weighs {weight:g}; an item weight is above 0")
        found.setdefault(index, {})[name] = weight
    return found


def _settings(row: Row, languages: Mapping[str, str]) -> Settings:
    until = row.cells.get("sandu::valid_until")
    if until is not None and not _is_day(until):
        raise row.error(f"sandu::valid_until is {until!r}; it is a day, such as 2027-12-31")
    days = row.number_in("sandu::retention_days")
    if days is not None and (days != int(days) or not 0 < days < 100_000):
        raise row.error(f"sandu::retention_days is {days:g}; it is a whole number of days, such as 1095")
    return Settings(
        form_number=row.cells.get("sandu::form_number", ""),
        approval_number=row.texts("sandu::approval_number", languages),
        valid_until=row.cells.get("sandu::valid_until", ""),
        retention_days=None if days is None else int(days),
        issuing_body=row.texts("sandu::issuing_body", languages),
        purpose=row.texts("sandu::purpose", languages),
        owner=row.texts("sandu::owner", languages),
    )
