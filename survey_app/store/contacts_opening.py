"""Opening the contact store: a database file of its own, or on PostgreSQL a schema of its own.

It never shares a connection with the store of the answers, so no transaction spans both. On SQLite it is
`$SANDU_HOME/contacts.sqlite`, readable by its owner only; on PostgreSQL the schema `contacts` of the same database,
which the role of the residents' process needs no right to use.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from survey_app.settings import Settings
from survey_app.store import files
from survey_app.store.connections import Connection
from survey_app.store.engines import PostgresDatabase, SqliteDatabase, connect_sqlite, sqlite_driver
from survey_app.store.errors import StoreError

T = TypeVar("T")
MIGRATIONS = Path(__file__).parent / "contact_migrations"
REVISIONS = ("0001",)
SCHEMA = "contacts"
LOCK = "SELECT pg_advisory_xact_lock(7355610)"
_REVISION = "SELECT version_num FROM alembic_version"
_MADE = f"SELECT 1 WHERE to_regclass('{SCHEMA}.alembic_version') IS NOT NULL"


class Contacts:
    """Reads and writes of the contact store, from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database: SqliteDatabase | PostgresDatabase
        if settings.database_url:
            self.database = PostgresDatabase(_own_schema(settings.database_url))
        else:
            self.database = SqliteDatabase(contacts_file(settings), lambda _: None)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; an exception undoes all of it."""
        return self.database.write(work)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent view of the data; it must not write."""
        with self.database.reading() as connection:
            return work(connection)

    def close(self) -> None:
        """Let go of the database; calling it twice is harmless."""
        self.database.close()

    def __enter__(self) -> Contacts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def contacts_file(settings: Settings) -> Path:
    """Where the contact store is on SQLite."""
    return settings.home / "contacts.sqlite"


def open_contacts(settings: Settings) -> Contacts:
    """Open the contact store, making it or bringing it up to date where needed.

    Raises StoreError for a store newer than this program, and for one that cannot be opened.
    """
    with _changing(settings) as connection:
        if not inspect(connection).has_table("alembic_version", SCHEMA if settings.database_url else None):
            bring_up_to_date(connection)
        found = connection.exec_driver_sql(_REVISION).scalar()
        if found not in REVISIONS:
            raise StoreError(
                f"The contact store has schema {found}, which is newer than this program's {REVISIONS[-1]}. "
                "Install the version of Sandu that wrote it; nothing was changed."
            )
        if found != REVISIONS[-1]:
            bring_up_to_date(connection)
    return Contacts(settings)


def contacts_exist(settings: Settings) -> bool:
    """Whether a contact store was ever made; asking makes none."""
    if not settings.database_url:
        return contacts_file(settings).exists()
    try:
        with psycopg.connect(settings.database_url) as connection:
            return connection.execute(_MADE).fetchone() is not None
    except psycopg.Error as error:
        raise StoreError(f"The PostgreSQL server did not answer ({error}). Try again.") from error


def _own_schema(url: str) -> str:
    """The server's address with the contact store's schema as the only one in sight."""
    try:
        given = psycopg.conninfo.conninfo_to_dict(url).get("options") or ""
        return psycopg.conninfo.make_conninfo(url, options=f"{given} -c search_path={SCHEMA}".strip())
    except psycopg.ProgrammingError:
        return url  # PostgresDatabase says what is wrong with it


def bring_up_to_date(connection: SqlConnection) -> None:
    """Make the tables, or change them, within an open transaction; on PostgreSQL in the schema that is in sight."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _changing(settings: Settings) -> Iterator[SqlConnection]:
    engine = _engine(settings)
    try:
        with engine.begin() as connection:
            if settings.database_url:
                connection.exec_driver_sql(LOCK)
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            yield connection
    except (DBAPIError, psycopg.Error, sqlite3.Error) as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise StoreError(f"The contact store could not be opened ({reason}); it is as it was before.") from error
    finally:
        engine.dispose()


def _engine(settings: Settings) -> Engine:
    if settings.database_url:
        url = _own_schema(settings.database_url)
        return create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    driver = sqlite_driver()
    path = contacts_file(settings)
    files.make_private(path)
    engine = create_engine("sqlite://", module=driver, creator=lambda: connect_sqlite(driver, path), poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
