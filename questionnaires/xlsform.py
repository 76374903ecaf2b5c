"""From an Instrument back to the field's files: its sheets as .xlsx and .yaml, and the ODK XForm (through pyxform)."""

import json
import re
from pathlib import Path
from typing import IO, Any

from questionnaires.errors import InstrumentError
from questionnaires.instrument import Instrument
from questionnaires.or_other import written_out
from questionnaires.sheets import SHEETS, Sheets, read_yaml, with_headers

# what reads the same with and without quotes, in every version of YAML
_PLAIN = re.compile(r"[^\W\d_][^:#\n\t\"\\`@&*!|>%{}\[\]]*")
_WORDS = frozenset({"yes", "no", "y", "n", "on", "off", "true", "false", "null"})
_ESCAPED = re.compile(r"[^\n\x20-\x7e\u00a0-\u2027\u2030-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_EXCEL_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
WIDTHS = {"type": 26, "name": 18, "list_name": 18}


def to_sheets(instrument: Instrument) -> Sheets:
    """The sheets that the instrument was read from."""
    return read_yaml(instrument.source, instrument.id)


def to_yaml(instrument: Instrument) -> str:
    """The instrument's sheets as YAML that loads to the same content hash, however it came."""
    sheets = to_sheets(instrument)
    lines: list[str] = []
    for name in (name for name in SHEETS if name in sheets):
        lines += ["", f"{name}:"] if sheets[name] else ["", f"{name}: []"]
        for row in sheets[name]:
            for place, (column, text) in enumerate(row.cells.items()):
                lines.append(f"  {'  ' if place else '- '}{_key(column)}: {_quoted(text)}")
    return "\n".join(lines[1:]) + "\n"


def _key(column: str) -> str:
    return column if re.fullmatch(r"[A-Za-z_][\w]*(::\w+)?", column, re.ASCII) else _quoted(column, always=True)


def _quoted(text: str, *, always: bool = False) -> str:
    if not always and _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not _ESCAPED.search(text):
        return text
    return _ESCAPED.sub(lambda found: _escape(found[0]), json.dumps(text, ensure_ascii=False))


def _escape(letter: str) -> str:
    return f"\\U{ord(letter):08x}"


def write_xlsx(instrument: Instrument, path: Path | IO[bytes]) -> None:
    """Write the instrument's sheets as an Excel file that loads to the same content hash."""
    from openpyxl import Workbook

    sheets = to_sheets(instrument)
    book = Workbook()
    book.remove(book.worksheets[0])
    for name in (name for name in SHEETS if name in sheets):
        page = book.create_sheet(name)
        columns = list(dict.fromkeys(column for row in sheets[name] for column in row.cells))
        _write_header(page, columns)
        for number, row in enumerate(sheets[name], start=2):
            for column, text in row.cells.items():
                _write_cell(page.cell(number, columns.index(column) + 1), text)
    book.save(path)


def _write_header(page: Any, columns: list[str]) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for place, column in enumerate(columns, start=1):
        _write_cell(page.cell(1, place), column)
        page.cell(1, place).font = Font(bold=True)
        wide = column.startswith(("label", "hint", "constraint_message"))
        page.column_dimensions[get_column_letter(place)].width = WIDTHS.get(column, 48 if wide else 16)
    page.freeze_panes = "A2"


def _write_cell(cell: Any, text: str) -> None:
    # in Excel "_x0041_" is an escaped "A": the text of these letters is written with its first sign escaped
    cell.value = _EXCEL_ESCAPE.sub("_x005F_", text)
    # a text that starts with = is a text, and one of digits too
    cell.data_type = "s"
    cell.number_format = "@"


def to_xform(instrument: Instrument) -> str:
    """The instrument as ODK XForm XML. Choice files are named without folder, as ODK keeps them beside the form."""
    return convert_form(instrument)[0]


def convert_form(instrument: Instrument) -> tuple[str, list[str]]:
    """The ODK XForm XML, and what pyxform warned about."""
    from pyxform.errors import PyXFormError
    from pyxform.xls2xform import convert

    sheets = written_out(to_sheets(instrument))
    form = {name: _flat(sheets, name) for name in ("survey", "choices", "settings")}
    try:
        made = convert(with_headers(form), pretty_print=True)
    except PyXFormError as error:
        raise InstrumentError(f"{instrument.id} {instrument.version}: {' '.join(str(error).split())}") from None
    return str(made.xform), list(made.warnings)


def _flat(sheets: Sheets, name: str) -> list[dict[str, str]]:
    rows = [dict(row.cells) for row in sheets.get(name, [])]
    for row in rows:
        kind, _, file = row.get("type", "").partition(" ")
        if kind == "select_one_from_file":
            row["type"] = f"{kind} {Path(file.strip()).name}"
    return rows
