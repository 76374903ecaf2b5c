"""Which schema a database has, and bringing it up to date with Alembic."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from survey_app.settings import Settings
from survey_app.store.connections import Connection
from survey_app.store.engines import connect_sqlite, sqlite_driver
from survey_app.store.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
# Every revision this program knows, oldest first; a test holds it against the files in migrations/versions.
REVISIONS = ("0001", "0002")
LOCK = "SELECT pg_advisory_xact_lock(7355609)"

_TABLE = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'",
    "postgresql": "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL",
}
_REVISION = "SELECT version_num FROM alembic_version"


def check(connection: Connection) -> None:
    """Raise StoreError unless the database has exactly the schema of this program."""
    if connection.one(_TABLE[connection.engine.name]) is None:
        raise StoreError("The database has no tables yet. Make them with `sandu init`, or run `sandu demo`.")
    row = connection.one(_REVISION)
    revision = row["version_num"] if row else None
    if revision == REVISIONS[-1]:
        return
    raise _refusal(revision)


def _refusal(revision: str | None) -> StoreError:
    if revision in REVISIONS or revision is None:
        return StoreError(
            f"The database has schema {revision}, this program needs {REVISIONS[-1]}. "
            "Make a backup, then bring it up to date with `sandu init`."
        )
    return StoreError(
        f"The database has schema {revision}, which is newer than this program's {REVISIONS[-1]}. "
        "Install the version of Sandu that wrote it; nothing was changed."
    )


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Make the tables, or bring them up to date, in one transaction: a killed migration leaves the old schema."""
    _migrate(settings, command.upgrade, revision)


def downgrade(settings: Settings, revision: str) -> None:
    """Go back to an earlier schema ("base" removes every table and what is in it)."""
    _migrate(settings, command.downgrade, revision)


def _migrate(settings: Settings, step: Any, revision: str) -> None:
    engine = _alembic_engine(settings)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(LOCK)  # two processes that start together migrate once
            _refuse_newer(connection)
            config.attributes["connection"] = connection
            step(config, revision)
    except (DBAPIError, psycopg.Error, sqlite3.Error) as error:
        raise StoreError(f"The database could not be made or brought up to date: {error}") from error
    finally:
        engine.dispose()


def _refuse_newer(connection: Any) -> None:
    if connection.exec_driver_sql(_TABLE[connection.dialect.name]).first() is None:
        return
    row = connection.exec_driver_sql(_REVISION).first()
    if row is not None and row[0] not in REVISIONS:
        raise _refusal(row[0])


def _alembic_engine(settings: Settings) -> Engine:
    """An SQLAlchemy engine for migrations only."""
    if settings.database_url:
        url = settings.database_url
        return create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    driver = sqlite_driver()
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        "sqlite://", module=driver, creator=lambda: connect_sqlite(driver, settings.database), poolclass=NullPool
    )
    # The driver is in autocommit mode; this makes the whole migration one transaction, DDL included.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
