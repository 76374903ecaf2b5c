"""Which schema a database has, and bringing it up to date with Alembic."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from survey_app.settings import Settings
from survey_app.store import files
from survey_app.store.connections import Connection
from survey_app.store.engines import connect_sqlite, sqlite_driver
from survey_app.store.errors import StoreError, WordedError

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
        raise WordedError("The database has no tables yet. Make them with `sandu init`, or run `sandu demo`.")
    row = connection.one(_REVISION)
    revision = row["version_num"] if row else None
    if revision == REVISIONS[-1]:
        return
    raise _refusal(revision)


def sqlite_revision(raw: Any) -> str:
    """The schema of a SQLite file; StoreError where it has none that this program knows."""
    return _known(raw, _TABLE["sqlite"])


def postgres_revision(raw: psycopg.Connection) -> str:
    """The schema of a PostgreSQL database; StoreError where it has none that this program knows."""
    return _known(raw, _TABLE["postgresql"])


def _known(raw: Any, table: str) -> str:
    if raw.execute(table).fetchone() is None:
        raise WordedError("The database has no tables yet. Make them with `sandu init`, or run `sandu demo`.")
    row = raw.execute(_REVISION).fetchone()
    if row is None or row[0] not in REVISIONS:
        raise _refusal(row[0] if row else None)
    return str(row[0])


def _refusal(revision: str | None) -> StoreError:
    if revision in REVISIONS or revision is None:
        return WordedError(
            "The database has schema {revision}, this program needs {needed}. "
            "Make a backup, then bring it up to date with `sandu init`.",
            revision=revision,
            needed=REVISIONS[-1],
        )
    return WordedError(
        "The database has schema {revision}, which is newer than this program's {needed}. "
        "Install the version of Sandu that wrote it; nothing was changed.",
        revision=revision,
        needed=REVISIONS[-1],
    )


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Make the tables, or bring them up to date, in one transaction: a killed migration leaves the old schema."""
    _migrate(settings, command.upgrade, revision)


def downgrade(settings: Settings, revision: str) -> None:
    """Go back to an earlier schema ("base" removes every table and what is in it)."""
    _migrate(settings, command.downgrade, revision)


def _migrate(settings: Settings, step: Any, revision: str) -> None:
    with changing(settings) as connection:
        _refuse_newer(connection)
        _run(connection, step, revision)


def bring_to(connection: SqlConnection, revision: str = "head") -> None:
    """Upgrade within a transaction that `changing` opened."""
    _run(connection, command.upgrade, revision)


def _run(connection: SqlConnection, step: Any, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    step(config, revision)


@contextmanager
def changing(settings: Settings) -> Iterator[SqlConnection]:
    """The one transaction in which a schema is made or changed; another process that wants to waits."""
    engine = _alembic_engine(settings)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(LOCK)  # two processes that start together migrate once
            yield connection
    except (DBAPIError, psycopg.Error, sqlite3.Error) as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise WordedError(
            "The database could not be made or brought up to date ({reason}); it is as it was before. "
            "Mend that, then run the command again.",
            reason=reason,
        ) from error
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
    if not settings.database.exists():
        files.make_private(settings.database)  # it holds every answer
    engine = create_engine(
        "sqlite://", module=driver, creator=lambda: connect_sqlite(driver, settings.database), poolclass=NullPool
    )
    # The driver is in autocommit mode; this makes the whole migration one transaction, DDL included.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
