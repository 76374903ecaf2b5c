"""Files that must be refused, each made in memory: name -> its bytes. Shared by the tests and the benchmark."""

import json
import re
import struct
import zipfile
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any, Literal, overload

from openpyxl import Workbook

Form = dict[str, list[dict[str, str]]]
SHEET = "xl/worksheets/sheet1.xml"


def small_form() -> Form:
    """Two items, one scored, in one language."""
    return {
        "survey": [
            {"type": "select_one answer", "name": "q1", "label": "一?", "sandu::index": "all", "sandu::weight": "6"},
            {"type": "integer", "name": "q2", "label": "二?", "relevant": "${q1} = 'yes'"},
        ],
        "choices": [
            {"list_name": "answer", "name": "yes", "label": "是", "score": "100"},
            {"list_name": "answer", "name": "no", "label": "否", "score": "0"},
        ],
        "settings": [{"form_title": "小问卷", "form_id": "small", "version": "1"}],
        "indices": [{"name": "all", "weight": "6", "label": "全部"}],
    }


@overload
def workbook(form: Form, *, book: Literal[True]) -> Any: ...
@overload
def workbook(form: Form) -> bytes: ...
def workbook(form: Form, *, book: bool = False) -> Any:
    """The form as .xlsx: its bytes, or (`book`) openpyxl's workbook to spoil further."""
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in form.items():
        page = made.create_sheet(name)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        page.append(columns)
        for row in rows:
            page.append([row.get(column) for column in columns])
    return made if book else _saved(made)


def _saved(book: Any) -> bytes:
    # the moment of saving is in the file; the same form is to be the same bytes
    book.properties.created = book.properties.modified = datetime(2026, 1, 1)
    saved, made = BytesIO(), BytesIO()
    book.save(saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            text = re.sub(rb"<dcterms:modified.*</dcterms:modified>", b"", old.read(part))
            new.writestr(zipfile.ZipInfo(part.filename), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _spoilt(spoil: Callable[[Any], object]) -> Callable[[], bytes]:
    def make() -> bytes:
        book = workbook(small_form(), book=True)
        spoil(book)
        return _saved(book)

    return make


def _part(write: Callable[[Any], None], *, name: str = SHEET) -> Callable[[], bytes]:
    """A sound workbook, one part of which is written anew."""

    def make() -> bytes:
        old, made = zipfile.ZipFile(BytesIO(workbook(small_form()))), BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
            for part in old.infolist():
                if part.filename != name:
                    new.writestr(part.filename, old.read(part))
            with new.open(name, "w") as stream:
                write(stream)
        return made.getvalue()

    return make


def _zeros(count: int) -> Callable[[Any], None]:
    def write(stream: Any) -> None:
        for _ in range(count // 1_000_000):
            stream.write(b" " * 1_000_000)

    return write


def _rows(text: bytes, times: int = 1) -> Callable[[Any], None]:
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'

    def write(stream: Any) -> None:
        stream.write(head)
        for _ in range(max(times // 1000, 1)):
            stream.write(text * min(times, 1000))
        stream.write(b"</sheetData></worksheet>")

    return write


def _many_parts() -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for number in range(4):
            with new.open(f"xl/part{number}.xml", "w") as stream:
                _zeros(7_000_000)(stream)
    return made.getvalue()


def _lying() -> bytes:
    content = bytearray(_part(_zeros(200_000_000))())
    for mark, size, name in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
        place = content.find(mark)
        while place >= 0 and content[place + name : place + name + len(SHEET)] != SHEET.encode():
            place = content.find(mark, place + 1)
        content[place + size : place + size + 4] = struct.pack("<I", 5000)
    return bytes(content)


def _empty_parts() -> bytes:
    entry = struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 100_000
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 65_535, 65_535, len(directory), 4, 0)
    return b"PK\x03\x04" + directory + end


def _locked() -> bytes:
    content = bytearray(workbook(small_form()))
    for mark, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + flag] |= 1
            place = content.find(mark, place + 4)
    return bytes(content)


def _zip_of(name: str) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as new:
        new.writestr(name, "a text")
    return made.getvalue()


def _doctype(stream: Any) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    stream.write(f'<!DOCTYPE x [<!ENTITY a0 "lol">{entities}]><x>&a11;</x>'.encode())


def _text(sheet: str, column: str, text: str) -> Callable[[], bytes]:
    def make() -> bytes:
        form = small_form()
        form[sheet][0][column] = text
        return json.dumps(form).encode()

    return make


def _cell(row: int, column: int, value: str, kind: str = "s") -> Callable[[Any], None]:
    def spoil(book: Any) -> None:
        cell = book["survey"].cell(row, column)
        cell.value = value
        cell.data_type = kind

    return spoil


def _title(book: Any) -> None:
    book["survey"].title = "Surveys"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "an empty file.xlsx": lambda: b"",
    "cut off.xlsx": lambda: workbook(small_form())[:-900],
    "locked by a password.xlsx": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000,
    "locked parts.xlsx": _locked,
    "a zip that is no workbook.xlsx": lambda: _zip_of("a.txt"),
    "a bomb of one part.xlsx": _part(_zeros(200_000_000)),
    "a bomb of many parts.xlsx": _many_parts,
    "a bomb that lies about its size.xlsx": _lying,
    "a hundred thousand parts.xlsx": _empty_parts,
    "a million empty rows.xlsx": _part(_rows(b'<row r="1"/>', 1_000_000)),
    "one row far below.xlsx": _part(_rows(b'<row r="1048576"/>')),
    "one column far right.xlsx": _part(_rows(b'<row r="3"><c r="XFD3"/></row>')),
    "empty cells without end.xlsx": _part(_rows(b"<c/>", 1_500_000)),
    "a document type.xlsx": _part(_doctype),
    "a formula.xlsx": _spoilt(_cell(2, 3, "=1+1", "f")),
    "an error of Excel.xlsx": _spoilt(_cell(2, 3, "#REF!", "e")),
    "merged cells.xlsx": _spoilt(lambda book: book["survey"].merge_cells("A2:B2")),
    "text without a column.xlsx": _spoilt(_cell(2, 12, "lost")),
    "a misspelt sheet.xlsx": _spoilt(_title),
    "entities.xlsx": _spoilt(lambda book: book.create_sheet("entities")),
    "aliases.yaml": lambda: b"survey: [" + b"&a [x], " + b"*a, " * 5000 + b"]",
    "a tag.yaml": lambda: b"survey: !!python/object:os.system []",
    "a key given twice.yaml": lambda: b"survey: []\nsurvey: []",
    "nested lists.yaml": lambda: b"[" * 5000,
    "nested maps.yaml": lambda: b"{a: " * 5000,
    "nested blocks.yaml": lambda: "".join(" " * depth + "a:\n" for depth in range(1200)).encode(),
    "two million characters.yaml": lambda: b"#" * 2_000_000,
    "too many bytes.yaml": lambda: b"#" * 6_000_000,
    "UTF-16.yaml": lambda: "survey: 问卷".encode("utf-16"),
    "GBK.yaml": lambda: "settings:\n  - {form_title: 居民问卷}".encode("gbk"),
    "a control character.yaml": lambda: b"survey: [{type: \x07}]",
    "an escaped control character.yaml": _text("settings", "form_title", "bell \x07"),
    "half a character.yaml": _text("settings", "form_title", "half \ud800"),
    "text that runs backwards.yaml": _text("settings", "form_title", "\u202egnp.exe"),
    "a cell too long.yaml": _text("settings", "form_title", "长" * 40_000),
    "an id that is a path.yaml": _text("settings", "form_id", "../../etc/passwd"),
    "an id of two dots.yaml": _text("settings", "form_id", "a..b"),
    "a version that is a path.yaml": _text("settings", "version", "1/2"),
    "a choice file above.yaml": _text("survey", "type", "select_one_from_file ../passwd.csv"),
    "an absolute choice file.yaml": _text("survey", "type", "select_one_from_file /etc/passwd.csv"),
    "a choice file of Windows.yaml": _text("survey", "type", "select_one_from_file c:\\passwd.csv"),
}
