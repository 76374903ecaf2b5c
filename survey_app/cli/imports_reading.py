"""A CSV row by row, in flat memory: every byte decoded, every row counted, nothing repaired."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from survey_app.store.engines import sqlite_driver
from survey_app.store.errors import StoreError

LONGEST_LINE = 8 * 1024 * 1024  # bytes
MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
UTF8_MARK = b"\xef\xbb\xbf"
Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """An open CSV. `header` is row 1; rows are numbered as a spreadsheet shows them, blank ones are passed over."""

    name: str
    file: BinaryIO
    encoding: str
    separator: str
    header: list[str]

    def rows(self, digest: Any = None) -> Iterator[Row]:
        """Every row behind the header, from the beginning each time. digest: gets every byte of the file."""
        self.file.seek(0)
        numbered = _records(self.name, self.file, self.encoding, self.separator, digest)
        next(numbered)
        return numbered

    def cells(self, cells: list[str]) -> dict[str, str]:
        """A row of the right length by column."""
        return dict(zip(self.header, cells, strict=True))

    def flaw(self, cells: list[str]) -> str | None:
        """What is wrong with a row as a row: "has ..." or "holds ..."."""
        if len(cells) != len(self.header):
            return f"has {len(cells)} cells, the header {len(self.header)}; mend the row"
        for column, cell in zip(self.header, cells, strict=True):
            if "\0" in cell:
                return f"holds a NUL character in column {column!r}; export it as CSV again"
            if "\ufeff" in cell:
                return f"holds a byte order mark in column {column!r}: two files were joined; export it as CSV again"
        return None


@contextmanager
def open_table(path: Path, encoding: str, separator: str) -> Iterator[Table]:
    """Open a CSV and read its header. Raises StoreError."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise StoreError(f"The file {path} cannot be read ({error.strerror}); check its name.") from error
    with file:
        _check_mark(path.name, file.read(3), encoding)
        file.seek(0)
        first = next(_records(path.name, file, encoding, separator, None), None)
        if first is None:
            raise StoreError(f"{path.name} is empty, so it is no table with a header; export it as CSV again.")
        header = first[1]
        twice = next((name for name, count in Counter(header).items() if count > 1), None)
        if twice is not None:
            raise StoreError(f"{path.name} has the column {twice!r} twice; rename or remove one.")
        yield Table(path.name, file, encoding, separator, header)


def _check_mark(name: str, start: bytes, encoding: str) -> None:
    found = MARKS.get(start[:2]) or ("UTF-8" if start == UTF8_MARK else None)
    if found == "UTF-16":
        raise StoreError(f"{name} is UTF-16; save it as CSV in UTF-8.")
    if found and encoding != "utf-8":
        raise StoreError(f"{name} begins with the mark of UTF-8, and {encoding} is declared; declare utf-8.")


def _records(name: str, file: BinaryIO, encoding: str, separator: str, digest: Any) -> Iterator[Row]:
    reader = csv.reader(_lines(name, file, encoding, digest), delimiter=separator, strict=True)
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise StoreError(
                f"{name} is no table with a header (line {reader.line_num}: {error}); export it as CSV again."
            ) from error
        number += 1
        if cells:
            yield number, cells


def _lines(name: str, file: BinaryIO, encoding: str, digest: Any) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise StoreError(f"{name} line {number} has more than {LONGEST_LINE} bytes; export it as CSV again.")
        if digest is not None:
            digest.update(line)
        if number == 1:
            line = line.removeprefix(UTF8_MARK) if encoding == "utf-8" else line
        try:
            yield line.decode(encoding)
        except UnicodeDecodeError as error:
            raise StoreError(_undecodable(name, number, line, error)) from error


def _undecodable(name: str, number: int, line: bytes, error: UnicodeDecodeError) -> str:
    byte, encoding = line[error.start], error.encoding.upper()
    if encoding == "UTF-8":
        return f"{name} line {number} holds byte 0x{byte:02X}, which is not UTF-8; save as UTF-8."
    return f"{name} line {number} holds byte 0x{byte:02X}, which is not {encoding}; declare the file's own encoding."


class Keys:
    """Which keys stand more than once: kept in a temporary file, not in memory."""

    def __init__(self) -> None:
        self._rows = sqlite_driver().connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode=OFF")
        self._rows.execute("CREATE TABLE key (key TEXT PRIMARY KEY, first INTEGER, count INTEGER) WITHOUT ROWID")
        self._rows.execute("BEGIN")

    def add(self, key: str, number: int) -> bool:
        """Note a row's key; False when an earlier row has it too."""
        sql = "INSERT INTO key VALUES (?, ?, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1 RETURNING count"
        return bool(self._rows.execute(sql, (key, number)).fetchone()[0] == 1)

    def repeated(self, key: str) -> int | None:
        """The first row with a key that several rows have."""
        row = self._rows.execute("SELECT first FROM key WHERE key = ? AND count > 1", (key,)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Throw the temporary file away."""
        self._rows.close()
