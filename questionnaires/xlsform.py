"""From an Instrument back to the field's files: the same sheets as .xlsx, and the ODK XForm (through pyxform)."""

from pathlib import Path

from questionnaires.errors import InstrumentError
from questionnaires.instrument import Instrument
from questionnaires.sheets import SHEETS, Sheets, read_yaml


def write_xlsx(instrument: Instrument, path: Path) -> None:
    """Write the instrument's sheets as an Excel file that loads to the same content hash."""
    from openpyxl import Workbook

    sheets = read_yaml(instrument.source, instrument.id)
    book = Workbook()
    book.remove(book.worksheets[0])
    for name in (name for name in SHEETS if name in sheets):
        page = book.create_sheet(name)
        columns = list(dict.fromkeys(column for row in sheets[name] for column in row.cells))
        for place, column in enumerate(columns, start=1):
            page.cell(1, place).value = column
        for number, row in enumerate(sheets[name], start=2):
            for column, text in row.cells.items():
                cell = page.cell(number, columns.index(column) + 1)
                cell.value = text
                # a text that starts with = is a text
                cell.data_type = "s"
    book.save(path)


def to_xform(instrument: Instrument) -> str:
    """The instrument as ODK XForm XML. Choice files are named without folder, as ODK keeps them beside the form."""
    from pyxform.errors import PyXFormError
    from pyxform.xls2xform import convert

    sheets = read_yaml(instrument.source, instrument.id)
    form = {name: _flat(sheets, name) for name in ("survey", "choices", "settings")}
    try:
        return str(convert(form, pretty_print=True).xform)
    except PyXFormError as error:
        raise InstrumentError(f"{instrument.id} {instrument.version}: {error}") from None


def _flat(sheets: Sheets, name: str) -> list[dict[str, str]]:
    rows = [dict(row.cells) for row in sheets.get(name, [])]
    for row in rows:
        kind, _, file = row.get("type", "").partition(" ")
        if kind == "select_one_from_file":
            row["type"] = f"{kind} {Path(file.strip()).name}"
    return rows
