"""`sandu restore`: a backup becomes an installation again, in a place that was empty, wholly or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy import Connection as SqlConnection

from survey_app.settings import DATABASE, Settings
from survey_app.store import backup_rows, files, schema
from survey_app.store.backup_reading import CONTACTS, Manifest, reading
from survey_app.store.contacts_opening import SCHEMA, bring_up_to_date
from survey_app.store.engines import connect_sqlite, sqlite_driver
from survey_app.store.errors import StoreError

_ANY_TABLE = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') LIMIT 1
"""


def restore(path: Path, home: Path, environment: Mapping[str, str] = os.environ) -> Manifest:
    """Restore a backup into the folder `home`, and its rows into the empty PostgreSQL database that
    SANDU_DATABASE_URL names, or else into SQLite there. An older schema is brought up to date on the way.

    Raises StoreError where the backup is damaged or newer than this program, or the place is not empty; the place is
    then as it was before.
    """
    home = home.expanduser().absolute()
    _require_empty(home)
    home.parent.mkdir(parents=True, exist_ok=True)
    with reading(path, named=path, beside=home) as (folder, manifest):
        # Read where the secret already lies, so that none is made.
        settings = Settings.from_environment({**environment, "SANDU_HOME": str(folder)})
        if settings.database_url:
            _into_postgres(settings, folder, home)
        else:
            schema.upgrade(settings)
            _without_log(folder / DATABASE)
            _settle(folder, home)
    return manifest


def _require_empty(home: Path) -> None:
    if home.is_symlink() or (home.exists() and (not home.is_dir() or any(home.iterdir()))):
        raise StoreError(f"{home} is not empty; a backup is restored into a new or an empty folder only.")


def _into_postgres(settings: Settings, folder: Path, home: Path) -> None:
    """One transaction for tables and rows; the folder gets its name just before it is committed."""
    settled = False
    try:
        with schema.changing(settings) as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            _fill(raw, connection, folder)
            _settle(folder, home)
            settled = True
    except StoreError:
        if settled:  # the server did not commit
            shutil.rmtree(home)
        raise


def _fill(raw: psycopg.Connection, connection: SqlConnection, folder: Path) -> None:
    taken = raw.execute(_ANY_TABLE).fetchone()
    if taken:
        raise StoreError(
            f"The database of SANDU_DATABASE_URL is not empty (it has a table {taken[0]}); give an empty one."
        )
    with closing(connect_sqlite(sqlite_driver(), folder / DATABASE)) as copy:
        revision = schema.sqlite_revision(copy)
    schema.bring_to(connection, revision)
    backup_rows.into_postgres(raw, folder / DATABASE)
    schema.bring_to(connection)
    if (folder / CONTACTS).exists():
        # Laid down in the order of their keys, with everything else in one transaction: that links nothing to nobody.
        raw.execute(f"CREATE SCHEMA {SCHEMA}")
        raw.execute(f"SET LOCAL search_path TO {SCHEMA}")
        bring_up_to_date(connection)
        backup_rows.into_postgres(raw, folder / CONTACTS)
    for name in (DATABASE, CONTACTS):
        (folder / name).unlink(missing_ok=True)


def _without_log(database: Path) -> None:
    """Everything in the one file, on the disk."""
    with closing(connect_sqlite(sqlite_driver(), database)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _settle(folder: Path, home: Path) -> None:
    """Give the finished folder its name: at once, and only where there is nothing."""
    finished = folder / "home"
    finished.mkdir(mode=0o700)
    for path in [path for path in folder.iterdir() if path != finished]:
        path.rename(finished / path.name)
    for path in finished.rglob("*"):
        files.sync(path)
    try:
        finished.rename(home)
    except OSError as error:
        raise StoreError(f"{home} is not empty; a backup is restored into a new or an empty folder only.") from error
    files.sync(home.parent)
