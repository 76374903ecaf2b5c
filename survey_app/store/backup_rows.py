"""Rows between a PostgreSQL database and a SQLite file with the same tables, in one transaction, nothing left out.

Every column is one of the plain types that both engines share, so a value means the same on each (see tables.py);
tables and columns are those of the file, whatever schema it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from survey_app.store.engines import connect_sqlite, sqlite_driver

AT_ONCE = 1000
VERSION = "alembic_version"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
_GIVEN_OUT = """
    SELECT attname, pg_get_serial_sequence(%(table)s, attname) FROM pg_attribute
    WHERE attrelid = to_regclass(%(table)s) AND attidentity <> ''
"""
Table = tuple[str, list[str]]


def tables(raw: Any) -> list[Table]:
    """Name and columns of every table of a SQLite file, those that others refer to first."""
    names = [name for (name,) in raw.execute(_TABLES)]
    above = {name: {row[2] for row in raw.execute(f'PRAGMA foreign_key_list("{name}")')} - {name} for name in names}
    ordered = TopologicalSorter(above).static_order()
    return [(name, [row[1] for row in raw.execute(f'PRAGMA table_info("{name}")')]) for name in ordered]


def counts(raw: Any) -> dict[str, int]:
    """Rows per table of a SQLite file."""
    return {name: raw.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name, _ in tables(raw)}  # noqa: S608


def out_of_postgres(source: psycopg.Connection, file: Path) -> None:
    """Fill a SQLite file, whose tables are empty, with one consistent view of the database."""
    with closing(connect_sqlite(sqlite_driver(), file)) as raw:
        raw.execute("PRAGMA synchronous=OFF")  # a file in the making; it is brought to the disk as a whole
        raw.execute("BEGIN")
        for name, columns in tables(raw):
            if name == VERSION:
                continue
            marks = ", ".join("?" * len(columns))
            raw.executemany(f'INSERT INTO "{name}" VALUES ({marks})', _rows(source, name, columns))  # noqa: S608
        raw.execute("COMMIT")


def _rows(source: psycopg.Connection, name: str, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    query = sql.SQL("SELECT {} FROM {}").format(_names(columns), sql.Identifier(name))
    with source.cursor(name="sandu_backup") as cursor:  # kept on the server: memory stays flat
        cursor.itersize = AT_ONCE
        cursor.execute(query)
        yield from cursor


def into_postgres(target: psycopg.Connection, file: Path) -> None:
    """Fill a database, whose tables are empty, with the rows of a SQLite file; the caller commits."""
    with closing(connect_sqlite(sqlite_driver(), file)) as raw:
        for name, columns in tables(raw):
            if name == VERSION:
                continue
            order = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(name), _names(columns))
            chosen = ", ".join(f'"{column}"' for column in columns)
            with target.cursor() as cursor, cursor.copy(order) as copy:
                for row in raw.execute(f'SELECT {chosen} FROM "{name}"'):  # noqa: S608
                    copy.write_row(row)
            _continue_numbers(target, name)


def _continue_numbers(target: psycopg.Connection, name: str) -> None:
    """Numbers that the database gives out go on behind the largest that came."""
    for column, sequence in target.execute(_GIVEN_OUT, {"table": name}).fetchall():
        largest = sql.SQL("SELECT setval(%s, coalesce(max({}), 1), count(*) > 0) FROM {}")
        target.execute(largest.format(sql.Identifier(column), sql.Identifier(name)), [sequence])


def postgres_counts(source: psycopg.Connection, names: list[str]) -> dict[str, int]:
    """Rows per table of a database."""
    found = {}
    for name in names:
        row = source.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        found[name] = row[0] if row else 0
    return found


def _names(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
