"""The sheets of an instrument from an Excel file: openpyxl reads the cells of what limits.py let pass."""

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from io import BytesIO
from posixpath import join, normpath
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

from questionnaires.errors import InstrumentError
from questionnaires.functions import nearest
from questionnaires.limits import LAST_COLUMN, LAST_ROW, UNREADABLE, Scan, check_workbook, refuse_workbook
from questionnaires.sheets import SHEETS, Row, Sheets, make_row

BEYOND = ("external_choices", "entities", "osm")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how Excel writes what XML cannot hold
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_xlsx(data: bytes, source: str) -> Sheets:
    """Sheets from the bytes of an .xlsx; sheets of other names (notes, a cover) are passed over, misspelt ones not.

    InstrumentError: no workbook, a locked or oversized one, a formula, a merged cell, text in a column without a name.
    """
    from openpyxl import load_workbook

    scans = check_workbook(data, source)
    try:
        parts = _parts(data)
        _check_names(list(parts), source)
        for name in (name for name in parts if name in SHEETS):
            _check_sheet(scans[parts[name]], source, name)
        book = load_workbook(BytesIO(data), read_only=True, data_only=True)
        sheets = {name: _rows(book[name], source, name) for name in parts if name in SHEETS}
        book.close()
    except InstrumentError:
        raise
    except UNREADABLE:
        refuse_workbook(source)
    return sheets


def _parts(data: bytes) -> dict[str, str]:
    """Sheet name -> part of the zip, as the workbook links them."""
    with ZipFile(BytesIO(data)) as archive:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  (walked before: no document type)
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    return {
        sheet.get("name", ""): normpath(join("/xl", targets[sheet.get(_LINK)])).lstrip("/")
        for sheet in book.iter(f"{_MAIN}sheet")
    }


def _check_names(names: list[str], source: str) -> None:
    for name in names:
        if name in BEYOND:
            raise InstrumentError(f"{source}: sheet {name!r} is not supported; remove it")
        close = nearest(name.strip().lower(), SHEETS)
        if name not in SHEETS and close and not name.startswith("_"):
            raise InstrumentError(f"{source}: there is no sheet {name!r}{close} A sheet of notes begins with _")


def _check_sheet(scan: Scan, source: str, name: str) -> None:
    place = f"{source}, sheet {name}"
    if scan.formula:
        raise InstrumentError(f"{place}, cell {scan.formula}: it holds a formula; paste its value as text")
    if scan.wrong:
        raise InstrumentError(f"{place}, cell {scan.wrong}: it holds an error of Excel; write its value as text")
    if scan.merged:
        raise InstrumentError(f"{place}, cells {scan.merged}: they are merged; unmerge them and fill each")
    if scan.far:
        raise InstrumentError(
            f"{place} reaches to {scan.far}; a sheet has at most {LAST_ROW} rows and {LAST_COLUMN} columns. "
            "Delete the empty rows and columns behind the last filled one (those with a format count too)"
        )


def _rows(page: Any, source: str, name: str) -> list[Row]:
    page.reset_dimensions()  # the size that a file declares for itself may be a lie
    lines = page.iter_rows(values_only=True)
    header = [_cell(cell) for cell in next(lines, ())]
    _refuse_twins(header, source, name)
    rows = []
    for number, cells in enumerate(lines, start=2):
        texts = [_cell(cell) for cell in cells]
        if any(texts):
            rows.append(make_row(source, name, number, _named(header, texts, f"{source}, sheet {name}, row {number}")))
    return rows


def _named(header: list[str], texts: list[str], place: str) -> Iterable[tuple[str, str]]:
    for column, text in enumerate(texts):
        name = header[column].strip() if column < len(header) else ""
        if text.strip() and not name:
            raise InstrumentError(f"{place}: {text[:40]!r} stands in column {column + 1}, which has no name in row 1")
        if name:
            yield name, text


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), str(cell))


def _refuse_twins(header: list[str], source: str, sheet: str) -> None:
    for column in header:
        if column and header.count(column) > 1:
            raise InstrumentError(f"{source}, sheet {sheet}, row 1: column {column[:80]!r} stands twice; keep one")
