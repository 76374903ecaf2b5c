"""What is refused before anything is unpacked or parsed: files too large, locked, cut off, or in another encoding.

A workbook is a zip: its parts are weighed by the sizes that its directory declares (zipfile never reads past them), and
walked once with expat, which keeps nothing, before openpyxl builds cells. So a file of a few kilobytes that unpacks to
gigabytes costs nothing.
"""

import codecs
import re
import struct
import xml.parsers.expat
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import NoReturn
from zipfile import BadZipFile, ZipFile, ZipInfo

from questionnaires.errors import InstrumentError

LARGEST_FILE = 5_000_000  # bytes on disk
LARGEST_PART = 8_000_000  # bytes of one part of a workbook, unpacked
LARGEST_WORKBOOK = 16_000_000  # bytes of all its parts together
LARGEST_DIRECTORY = 100_000  # bytes of the list of parts: about a thousand of them
MOST_ELEMENTS = 150_000  # XML elements of all parts together, about three to a cell
LAST_ROW = 20_000
LAST_COLUMN = 256
LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an OLE container: an encrypted .xlsx, or the old .xls
# what zipfile and openpyxl raise over a file that only looks like a workbook
UNREADABLE = (
    *(BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, SyntaxError),
    *(KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, AssertionError),
)
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_PLACE = re.compile(r"([A-Z]{1,4})([0-9]{1,8})")


def read_file(path: Path) -> bytes:
    """The bytes of an instrument file; InstrumentError: it is a folder or a device, cannot be read, or is too large."""
    try:
        if not path.is_file() and path.exists():
            raise InstrumentError(f"{path.name} is no file; name a .yaml or .xlsx file")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InstrumentError(f"{path.name} has {size} bytes; an instrument file has at most {LARGEST_FILE}")
        return path.read_bytes()
    except PermissionError:
        raise InstrumentError(f"{path.name} cannot be read; give the account that runs this the right to") from None


def decode(data: bytes, source: str) -> str:
    """UTF-8 text; InstrumentError names the encoding that it seems to be in and the first line that is not UTF-8."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            raise InstrumentError(f"{source} is not UTF-8 but {encoding}; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        guess = "; it seems to be GBK (ANSI in Chinese Windows)" if _is_gbk(data) else ""
        raise InstrumentError(
            f"{source} is not UTF-8 (byte {error.start}), line {line}{guess}; save it as UTF-8"
        ) from None


def _is_gbk(data: bytes) -> bool:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


@dataclass(slots=True)
class Scan:
    """What a walk over one sheet found, and how many elements may still come."""

    left: int
    formula: str | None = None
    wrong: str | None = None
    merged: str | None = None
    far: str | None = None
    _named: str | None = None
    _row: int = 0
    _column: int = 0
    _names: dict[str, str] = field(default_factory=dict)

    def element(self, tag: str, attributes: dict[str, str]) -> None:
        """One start tag."""
        self.left -= 1
        if self.left < 0:
            raise OverflowError
        name = self._names.get(tag)
        if name is None:
            name = self._names[tag] = tag.rpartition(":")[2]
        if name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = 0
            if self._row > LAST_ROW:
                self.far = self.far or f"row {self._row}"
        elif name == "c":
            self._place(attributes)
        elif name == "f":
            self.formula = self.formula or self._cell
        elif name == "mergeCell":
            self.merged = self.merged or attributes.get("ref", "")

    def _place(self, attributes: dict[str, str]) -> None:
        self._column += 1
        place = attributes.get("r")
        found = _PLACE.fullmatch(place) if place else None
        if found:
            self._column = _number(found[1])
            self._row = max(self._row, int(found[2]))
        self._named = place if found else None
        if self._column > LAST_COLUMN or self._row > LAST_ROW:
            self.far = self.far or f"cell {self._cell}"
        if attributes.get("t") == "e":
            self.wrong = self.wrong or self._cell

    @property
    def _cell(self) -> str:
        return self._named or f"{_letters(self._column)}{self._row}"


def _number(letters: str) -> int:
    found = 0
    for letter in letters:
        found = found * 26 + ord(letter) - 64
    return found


def _letters(column: int) -> str:
    found = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


def check_workbook(data: bytes, source: str) -> dict[str, Scan]:
    """Part -> what a walk over it found, of an .xlsx that is safe to open; InstrumentError says why it is not."""
    if data.startswith(LOCKED):
        raise InstrumentError(f"{source} is locked by a password, or an old .xls; save it as .xlsx without a password")
    if not data.startswith(b"PK"):
        raise InstrumentError(f"{source} is not an Excel file; save it as .xlsx, or use .yaml")
    _check_directory(data, source)
    try:
        with ZipFile(BytesIO(data)) as archive:
            _check_sizes(archive.infolist(), source)
            parts = [part for part in archive.infolist() if part.filename.endswith((".xml", ".rels"))]
            return _walk(archive, parts, source)
    except InstrumentError:
        raise
    except UNREADABLE:
        refuse_workbook(source)


def refuse_workbook(source: str) -> NoReturn:
    """The sentence about a file that is a zip, and yet no workbook that can be read."""
    raise InstrumentError(
        f"{source} is not a whole Excel file; copy it again, or open it in Excel and save it as .xlsx"
    ) from None


def _check_directory(data: bytes, source: str) -> None:
    """A zip ends with the size of its directory; a directory of thousands of parts costs memory just to list."""
    place = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_600))
    if place < 0 or len(data) < place + 22:
        refuse_workbook(source)
    (size,) = struct.unpack_from("<I", data, place + 12)
    if size > LARGEST_DIRECTORY:
        raise InstrumentError(f"{source} holds far more parts than a workbook has; save its sheets to a new .xlsx")


def _check_sizes(parts: list[ZipInfo], source: str) -> None:
    for part in parts:
        if part.flag_bits & 1:
            raise InstrumentError(f"{source} is locked by a password; save it as .xlsx without one")
        if part.file_size > LARGEST_PART:
            raise InstrumentError(
                f"{source}: {part.filename!r} unpacks to {part.file_size} bytes, more than {LARGEST_PART}; "
                "copy the filled rows into a new sheet (empty rows that have a format count too)"
            )
    total = sum(part.file_size for part in parts)
    if total > LARGEST_WORKBOOK:
        raise InstrumentError(f"{source} unpacks to {total} bytes, more than {LARGEST_WORKBOOK}; split it")


def _walk(archive: ZipFile, parts: list[ZipInfo], source: str) -> dict[str, Scan]:
    found: dict[str, Scan] = {}
    left = MOST_ELEMENTS
    for part in parts:
        scan = found[part.filename] = Scan(left)
        parser = xml.parsers.expat.ParserCreate()
        parser.StartElementHandler = scan.element
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            with archive.open(part) as stream:
                parser.ParseFile(stream)
        except OverflowError:
            raise InstrumentError(
                f"{source}: {part.filename!r} holds more cells than an instrument has; "
                "copy the filled rows into a new sheet, and put long lists in a file for select_one_from_file"
            ) from None
        except xml.parsers.expat.ExpatError:
            refuse_workbook(source)
        left = scan.left
    return found


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a workbook declares no document type")
