"""`sandu backup`: one file that holds everything an installation cannot lose, made while answers come in.

Inside is always a SQLite file. From SQLite it comes by VACUUM INTO: one read transaction, writers go on, and what was
erased does not travel along in free pages. From PostgreSQL the rows come out of one repeatable-read transaction, not
from pg_dump: no client program of the server's age is needed, no password stands in a list of processes, the copy can
be opened and counted right after it was written, and it restores to either database.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from survey_app.settings import DATABASE, Settings
from survey_app.store import backup_rows, files, schema
from survey_app.store.backup_reading import CONTACTS, MANIFEST, SECRET, Manifest, pour, reading
from survey_app.store.contacts_opening import SCHEMA, contacts_exist, contacts_file, open_contacts
from survey_app.store.engines import connect_sqlite, sqlite_driver
from survey_app.store.errors import StoreError

_SPACE = "See that there is space for a second copy."
_SECONDS = (1980, 1, 1, 0, 0, 0)  # a zip's own times say nothing: the manifest does


def make(settings: Settings, target: Path, *, snapshots: bool = True) -> Manifest:
    """Write a backup and read it back; never over an existing file, and nothing is left when it fails.

    The file has mode 0600: it holds the secret and every answer. Raises StoreError.
    """
    files.require_absent(target)
    with files.workshop(target) as folder:
        _copy_databases(settings, folder)
        revision, counts = _facts(folder)
        sources = _sources(settings, folder, snapshots=snapshots)
        finished = folder / "finished"
        engine = "postgresql" if settings.database_url else "sqlite"
        with _archive(finished) as archive:
            written = {name: _add(archive, name, path) for name, path in sources}
            made_at = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = Manifest(made_at, version("sandu"), engine, revision, counts, written)
            archive.writestr(_entry(MANIFEST), json.dumps(asdict(manifest), indent=1, ensure_ascii=False))
        for name in counts:
            (folder / name).unlink()  # makes room for reading back
        files.sync(finished)
        with reading(finished, named=target):
            pass
        files.place(finished, target)
    return manifest


def _copy_databases(settings: Settings, folder: Path) -> None:
    """Answers and, where there are any, contacts: two files, as they are two stores."""
    if settings.database_url:
        _copy_postgres(settings, folder)
        return
    if not settings.database.exists():
        raise StoreError(f"There is no database {settings.database}, so there is nothing to back up.")
    _vacuum(settings.database, folder / DATABASE)
    if contacts_exist(settings):
        _vacuum(contacts_file(settings), folder / CONTACTS)


def _vacuum(source: Path, copy: Path) -> None:
    driver = sqlite_driver()
    with closing(connect_sqlite(driver, source)) as raw:
        try:
            before = _audited(raw)
            raw.execute("VACUUM INTO ?", [str(copy)])
        except driver.Error as error:
            raise StoreError(f"{source} could not be copied ({error}); nothing was kept. {_SPACE}") from error
    with closing(connect_sqlite(driver, copy)) as raw:
        if _audited(raw) < before:
            raise StoreError(f"The copy of {source} lacks audit rows that were there; nothing was kept. Try again.")


def _audited(raw: Any) -> int:
    """Audit rows, which only ever grow in number; 0 in a file that has none."""
    if not raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchone():
        return 0
    return int(raw.execute("SELECT count(*) FROM audit").fetchone()[0])


def _copy_postgres(settings: Settings, folder: Path) -> None:
    contacts = contacts_exist(settings)
    if contacts:
        open_contacts(settings).close()  # brings an older one up to date: it has no other refusal
    try:
        with psycopg.connect(settings.database_url or "") as source:
            source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            source.read_only = True
            _make_tables(folder, schema.postgres_revision(source), contacts=contacts)
            _copy_rows(source, folder / DATABASE)
            if contacts:
                source.execute(f"SET LOCAL search_path TO {SCHEMA}")
                _copy_rows(source, folder / CONTACTS)
    except psycopg.Error as error:
        reason = str(error).strip().partition("\n")[0]
        raise StoreError(f"The PostgreSQL server did not hand out its rows ({reason}); nothing was kept.") from error
    except (sqlite_driver().Error, sqlite3.Error) as error:
        raise StoreError(f"The copy could not be written ({error}); nothing was kept. {_SPACE}") from error


def _copy_rows(source: psycopg.Connection, copy: Path) -> None:
    backup_rows.out_of_postgres(source, copy)
    with closing(connect_sqlite(sqlite_driver(), copy)) as raw:
        found = backup_rows.counts(raw)
    if backup_rows.postgres_counts(source, list(found)) != found:
        raise StoreError("The copy does not have the server's number of rows; nothing was kept. Try again.")


def _make_tables(folder: Path, revision: str, *, contacts: bool) -> None:
    empty = Settings(home=folder, data=folder, secret=b"")
    try:
        schema.upgrade(empty, revision)
        if contacts:
            open_contacts(empty).close()
    except StoreError as error:
        raise StoreError(f"The copy could not be made; nothing was kept. {_SPACE}") from error


def _facts(folder: Path) -> tuple[str, dict[str, dict[str, int]]]:
    """Revision, and rows per table of each database in the folder."""
    found = {}
    revision = ""
    for name in (DATABASE, CONTACTS):
        if not (folder / name).exists():
            continue
        with closing(connect_sqlite(sqlite_driver(), folder / name)) as raw:
            found[name] = backup_rows.counts(raw)
            if name == DATABASE:
                revision = schema.sqlite_revision(raw)
            raw.execute("PRAGMA journal_mode=DELETE").fetchall()  # one file, no log beside it
    return revision, found


def _sources(settings: Settings, folder: Path, *, snapshots: bool) -> Iterator[tuple[str, Path]]:
    yield DATABASE, folder / DATABASE
    if (folder / CONTACTS).exists():
        yield CONTACTS, folder / CONTACTS
    yield SECRET, settings.home / SECRET
    if snapshots:
        for path in sorted(settings.snapshots.rglob("*")):
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(settings.home).parts):
                yield path.relative_to(settings.home).as_posix(), path


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w+b") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        yield archive


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _SECONDS)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as sink:
        return pour(source, sink)
