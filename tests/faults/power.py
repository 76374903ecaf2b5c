"""A machine whose power fails, over and over: python -m tests.faults.power HOME CUTS FOLDER SYNCHRONOUS.

The file methods of the SQLite that the store uses are wrapped. What was written since a file was last synced is kept
apart from what was: at a cut each of those writes reached the disk or did not, or half of it did. Every cut leaves a
folder with the files as a machine would find them, and the ids that residents had been thanked for by then.
"""

from __future__ import annotations

import ctypes
import json
import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast
from pathlib import Path
from typing import Any

import pysqlite3._sqlite3 as library

from survey_app import submission
from survey_app.store import open_store
from survey_app.submission import Accepted, Submission, new_id
from tests.faults.conftest import DATA, SLUG
from tests.faults.people import PAGES

SECTOR = 512
Change = tuple[int, bytes | None]
"""Where, and what was written there; None: the file was cut off there."""
ANSWERS = {name: value for answers in PAGES.values() for name, value in answers.items()}

WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
SYNC = CFUNCTYPE(c_int, c_void_p, c_int)
OPEN = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p, c_int, c_void_p)


class Methods(Structure):
    """sqlite3_io_methods: a version and eighteen functions."""

    _fields_ = [
        ("version", c_int), ("close", c_void_p), ("read", c_void_p), ("write", WRITE), ("truncate", TRUNCATE),
        ("sync", SYNC), ("rest", c_void_p * 13),
    ]  # fmt: skip


class File(Structure):
    """sqlite3_file: what comes first in every open file."""

    _fields_ = [("methods", POINTER(Methods))]


class Vfs(Structure):
    """The beginning of sqlite3_vfs."""

    _fields_ = [
        ("version", c_int), ("size", c_int), ("longest", c_int), ("next", c_void_p), ("name", c_char_p),
        ("data", c_void_p), ("open", OPEN),
    ]  # fmt: skip


class Disk:
    """What is safe of each file, and what was written to it since its last sync."""

    def __init__(self, cuts: int, folder: Path) -> None:
        self.safe: dict[str, bytearray] = {}
        self.loose: dict[str, list[Change]] = {}
        self.thanked: list[str] = []
        self.chance = random.Random(11)
        self._cuts, self._folder, self._lock = cuts, folder, threading.RLock()

    def opened(self, path: str) -> None:
        with self._lock:
            if path not in self.safe:
                self.safe[path] = bytearray(Path(path).read_bytes() if Path(path).exists() else b"")
                self.loose[path] = []

    def written(self, path: str, place: int, data: bytes) -> None:
        with self._lock:
            self.loose[path].append((place, data))
            self._maybe_cut()

    def truncated(self, path: str, size: int) -> None:
        with self._lock:
            self.loose[path].append((size, None))

    def synced(self, path: str) -> None:
        with self._lock:
            for place, data in self.loose[path]:
                put(self.safe[path], place, data)
            self.loose[path] = []
            self._maybe_cut()

    def _maybe_cut(self) -> None:
        if self._cuts and self.chance.random() < 0.02:
            self._cuts -= 1
            thanked = list(self.thanked)
            target = self._folder / f"cut{self._cuts}"
            target.mkdir()
            for path, safe in self.safe.items():
                (target / Path(path).name).write_bytes(self._after_cut(safe, self.loose[path]))
            (target / "thanked.json").write_text(json.dumps(thanked))

    def _after_cut(self, safe: bytearray, loose: list[Change]) -> bytes:
        image = bytearray(safe)
        for place, data in loose:
            fate = self.chance.random()
            if fate < 0.4:
                put(image, place, data)
            elif fate < 0.6 and data is not None:
                put(image, place, data[: self.chance.randrange(len(data) // SECTOR + 1) * SECTOR])
        return bytes(image)

    @property
    def done(self) -> bool:
        """Whether every cut was made."""
        return self._cuts == 0


def put(image: bytearray, place: int, data: bytes | None) -> None:
    """Write into an image, which grows with zeros; without data, end it there."""
    if data is None:
        del image[place:]
        return
    if len(image) < place:
        image.extend(bytes(place - len(image)))
    image[place : place + len(data)] = data


def wrap(disk: Disk) -> list[Any]:
    """Put the disk between SQLite and its files; what must live as long as the process."""
    sqlite = ctypes.CDLL(library.__file__)
    sqlite.sqlite3_vfs_find.restype = POINTER(Vfs)
    vfs = sqlite.sqlite3_vfs_find(None).contents
    paths: dict[int, str] = {}
    tables: dict[int, Methods] = {}
    real_open = OPEN(cast(vfs.open, c_void_p).value)

    def guarded(own: Any, name: bytes | None, file: int, flags: int, out: Any) -> int:
        result = int(real_open(own, name, file, flags, out))
        if result == 0 and name is not None:
            paths[file] = name.decode()
            disk.opened(paths[file])
            opened = cast(file, POINTER(File)).contents
            address = cast(opened.methods, c_void_p).value or 0
            if address not in tables:
                tables[address] = methods_over(opened.methods.contents, disk, paths)
            opened.methods = ctypes.pointer(tables[address])
        return result

    vfs.open = OPEN(guarded)
    return [vfs.open, tables, sqlite, real_open]


def methods_over(real: Methods, disk: Disk, paths: dict[int, str]) -> Methods:
    """The same methods, told of what is written, truncated and synced."""
    made = Methods.from_buffer_copy(real)
    write, truncate, sync = (kind(cast(function, c_void_p).value) for kind, function in (
        (WRITE, real.write), (TRUNCATE, real.truncate), (SYNC, real.sync)))  # fmt: skip

    def after(function: Callable[..., int], tell: Callable[..., None]) -> Callable[..., int]:
        def call(file: int, *arguments: int) -> int:
            result = int(function(file, *arguments))
            if result == 0:
                tell(paths[file], *arguments)
            return result

        return call

    made.write = WRITE(after(write, lambda path, data, size, place: disk.written(
        path, place, ctypes.string_at(data, size))))  # fmt: skip
    made.truncate = TRUNCATE(after(truncate, disk.truncated))
    made.sync = SYNC(after(sync, lambda path, _: disk.synced(path)))
    return made


def main() -> None:
    """Four residents at a time until every cut is made."""
    from tests.faults.conftest import settings_for

    home, cuts, folder, synchronous = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    disk = Disk(cuts, folder)
    kept = wrap(disk)
    assert DATA.exists()
    store = open_store(settings_for(home, None))
    # checkpoints come often, so that cuts fall into them too
    store.write(lambda connection: connection.one("PRAGMA wal_autocheckpoint = 100"))
    if synchronous != "FULL":
        store.database._writer._driver.execute(f"PRAGMA synchronous = {synchronous}").fetchall()  # type: ignore[union-attr]

    def answer(_: int) -> None:
        while not disk.done:
            id_ = new_id()
            if isinstance(submission.submit(store, SLUG, Submission(id_, ANSWERS)), Accepted):
                disk.thanked.append(id_)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(answer, range(4)))
    store.close()
    assert kept


if __name__ == "__main__":
    main()
