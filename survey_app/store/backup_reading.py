"""Reading a backup: nothing in it is believed before its size, its hash and its counts were looked at."""

from __future__ import annotations

import errno
import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import IO, Any, NoReturn

from survey_app.settings import DATABASE, SECRET_BYTES
from survey_app.store import backup_rows, files, schema
from survey_app.store.engines import connect_sqlite, sqlite_driver
from survey_app.store.errors import StoreError

KIND = "sandu backup"
MANIFEST = "manifest.json"
CONTACTS = "contacts.sqlite"
SECRET = "secret"  # noqa: S105  (the name of a file)
LARGEST_MANIFEST = 64 * 1024 * 1024  # bytes
BLOCK = 1024 * 1024  # bytes read at once
# What a damaged zip makes the library raise; ValueError also covers names that are no text.
UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, lzma.LZMAError),
    *(EOFError, KeyError, ValueError, OverflowError, NotImplementedError, RuntimeError, MemoryError),
)


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: schema revision, rows per table of each database, size and SHA-256 of each file."""

    made_at: str
    code_version: str
    engine: str
    revision: str
    counts: dict[str, dict[str, int]]
    files: dict[str, dict[str, Any]]
    kind: str = KIND

    @property
    def responses(self) -> int:
        """Stored answers."""
        return self.counts[DATABASE].get("response", 0)


def verify(path: Path) -> Manifest:
    """Read a backup as a restore would: hashes, database integrity, counts. Raises StoreError with what is wrong."""
    with reading(path, named=path) as (_, manifest):
        return manifest


@contextmanager
def reading(path: Path, *, named: Path, beside: Path | None = None) -> Iterator[tuple[Path, Manifest]]:
    """A folder with the files of a backup, all checked, gone at the end; `named`: the backup as errors name it.

    beside: on whose disk the folder lies, by default the backup's. Raises StoreError.
    """
    with files.workshop(beside or path) as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                manifest = _manifest(archive, named)
                for name, facts in manifest.files.items():
                    _extract(archive, name, facts, folder, named)
        except StoreError:
            raise
        except FileNotFoundError as error:
            raise StoreError(f"There is no backup {named}; check its name.") from error
        except UNREADABLE as error:
            raise _damaged(named, str(error.args[0]) if error.args else "it ends too early") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # a place in the file that cannot be: that is the file's fault
                raise
            raise _damaged(named, "its table of contents leads nowhere") from error
        _check(folder, manifest, named)
        yield folder, manifest


def _manifest(archive: zipfile.ZipFile, named: Path) -> Manifest:
    entry = archive.getinfo(MANIFEST)
    if entry.file_size > LARGEST_MANIFEST:
        _refuse(named, f"its manifest has {entry.file_size} bytes")
    try:
        found = json.loads(archive.read(entry))
        manifest = Manifest(**{field.name: found[field.name] for field in fields(Manifest)})
        shapes = [(facts["size"] + 0, facts["sha256"] + "") for facts in manifest.files.values()]
        tables = [count + 0 for table in manifest.counts.values() for count in table.values()]
    except (ValueError, KeyError, TypeError, AttributeError):
        _refuse(named, "its manifest cannot be read")
    if manifest.kind != KIND or not {DATABASE, SECRET} <= manifest.files.keys() or not (shapes and tables):
        _refuse(named, "it is no backup of Sandu")
    if sorted(archive.namelist()) != sorted([*manifest.files, MANIFEST]):
        _refuse(named, "it does not hold the files that its manifest names")
    if manifest.revision not in schema.REVISIONS:
        raise StoreError(
            f"The backup {named} has schema {manifest.revision}, which is newer than this program's "
            f"{schema.REVISIONS[-1]}. Install the version of Sandu that wrote it ({manifest.code_version})."
        )
    return manifest


def _extract(archive: zipfile.ZipFile, name: str, facts: dict[str, Any], folder: Path, named: Path) -> None:
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name or "\0" in name:
        _refuse(named, f"it names a file outside of itself ({name!r})")
    target = folder / place
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.open(name) as source, target.open("xb") as sink:
        target.chmod(0o600)
        found = pour(source, sink, facts["size"])
    if found != {"size": facts["size"], "sha256": facts["sha256"]}:
        _refuse(named, f"its file {name!r} is not what was written")


def pour(source: IO[bytes], sink: IO[bytes], limit: int | None = None) -> dict[str, Any]:
    """Copy a file; its size in bytes and its SHA-256. limit: the size after which to stop."""
    size, digest = 0, hashlib.sha256()
    while block := source.read(BLOCK):
        size += len(block)
        if limit is not None and size > limit:
            break
        digest.update(block)
        sink.write(block)
    return {"size": size, "sha256": digest.hexdigest()}


def _check(folder: Path, manifest: Manifest, named: Path) -> None:
    """The databases are whole and hold what the manifest says."""
    if (folder / SECRET).stat().st_size != SECRET_BYTES:
        _refuse(named, "its secret does not have 32 bytes")
    driver = sqlite_driver()
    for name, expected in manifest.counts.items():
        try:
            with closing(connect_sqlite(driver, folder / name)) as raw:
                wrong = [row[0] for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
                orphans = raw.execute("PRAGMA foreign_key_check").fetchall()
                counted = backup_rows.counts(raw)
                raw.execute("PRAGMA journal_mode=DELETE").fetchall()
        except driver.Error as error:
            raise _damaged(named, str(error)) from error
        if wrong or orphans or counted != expected:
            _refuse(named, f"its database {name} is not whole ({wrong[0] if wrong else 'its rows do not add up'})")


def _damaged(named: Path, what: str) -> StoreError:
    return StoreError(f"{named} cannot be used as a backup: {what}. Take another one; nothing was changed.")


def _refuse(named: Path, what: str) -> NoReturn:
    raise _damaged(named, what)
