"""Laying tables down anew: afterwards the files hold what the rows say, and nothing of when they were written.

A page of a database keeps more than its rows: what was deleted, and in the places of its rows the order in which they
were written. Rewritten in the order of the primary key, a table is a function of its content.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from survey_app.store.engines import BUSY_TIMEOUT, SHORT_TIMEOUT, PostgresDatabase, SqliteDatabase
from survey_app.store.errors import StoreError


def lay_down_anew(database: SqliteDatabase | PostgresDatabase, tables: Iterable[str]) -> bool:
    """Rewrite the tables (SQLite: the whole file, and empty its log); False when somebody held the file too long.

    Writers wait meanwhile. PostgreSQL's own log (WAL) and what was copied elsewhere are out of reach here.
    """
    with database.outside() as connection:
        if connection.engine.name == "postgresql":
            for name in tables:
                connection.run(f"CLUSTER {name} USING pk_{name}")
            return True
        with suppress(StoreError):
            connection.one(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
            connection.run("VACUUM")
            connection.one(f"PRAGMA busy_timeout={SHORT_TIMEOUT}")  # writers wait while a checkpoint waits
            emptied = connection.one("PRAGMA wal_checkpoint(TRUNCATE)")
            return emptied is not None and emptied["busy"] == 0
        return False
