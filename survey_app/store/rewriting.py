"""Laying tables down anew: afterwards the files hold what the rows say, and nothing of when they were written.

A page of a database keeps more than its rows: what was deleted, and in the places of its rows the order in which they
were written. Rewritten in the order of the primary key, a table is a function of its content.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from psycopg.errors import LockNotAvailable

from survey_app.store.connections import Connection
from survey_app.store.engines import BUSY_TIMEOUT, SHORT_TIMEOUT, PostgresDatabase, SqliteDatabase
from survey_app.store.errors import StoreError

TRIES = 5  # of a table that somebody reads


def lay_down_anew(database: SqliteDatabase | PostgresDatabase, tables: Iterable[str]) -> bool:
    """Rewrite the tables (SQLite: the whole file, and empty its log); False when somebody held the file too long.

    Writers wait meanwhile. PostgreSQL's own log (WAL) and what was copied elsewhere are out of reach here.
    """
    with database.outside() as connection:
        if connection.engine.name == "postgresql":
            connection.run(f"SET lock_timeout = {SHORT_TIMEOUT}")
            held = [name for name in tables if not _cluster(connection, name)]  # each is tried, whatever became of one
            return not held
        with suppress(StoreError):
            connection.one(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
            connection.run("VACUUM")
            connection.one(f"PRAGMA busy_timeout={SHORT_TIMEOUT}")  # writers wait while a checkpoint waits
            emptied = connection.one("PRAGMA wal_checkpoint(TRUNCATE)")
            return emptied is not None and emptied["busy"] == 0
        return False


def _cluster(connection: Connection, name: str) -> bool:
    """False when the table was read all the time: who waits for us to get it, every writer, is let through instead."""
    for _ in range(TRIES):
        try:
            connection.run(f"CLUSTER {name} USING pk_{name}")
        except StoreError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
        else:
            return True
    return False
