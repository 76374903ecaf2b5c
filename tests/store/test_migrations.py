"""Migrations up and down with live data in every table, killed in the middle, and raced, on both databases."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from survey_app import submission
from survey_app.settings import Settings
from survey_app.store import Store, StoreError, Wave, checks, open_store, responses, schema
from survey_app.store.tables import metadata
from tests.store.test_integrity import play

ROOT = Path(__file__).resolve().parents[2]
ROWS = 120
ALLOWED = {
    ("wave", "state"): ("open", "closed"),
    ("response", "stream"): ("probability", "opt-in"),
    ("quota", "taken"): (3, 7),
    ("quota", "cap"): (7, 7),
}
ODD = "街道🏮\u0301\n\"'\\"
OPT_IN_HAS_NONE = ("stratum", "psu", "base_weight")
Dump = dict[str, list[tuple[Any, ...]]]


def engine_of(settings: Settings) -> sa.Engine:
    return schema._alembic_engine(settings)


def reflected(connection: sa.Connection) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(connection)
    return found


def value(column: sa.Column[Any], number: int) -> Any:
    """What stands in a column of the n-th row: the same as in the row that it refers to."""
    for key in column.foreign_keys:
        return value(key.column, number)
    table, name = column.table.name, column.name
    if (table, name) in ALLOWED:
        return ALLOWED[table, name][number % 2]
    if table == "response" and name in OPT_IN_HAS_NONE and number % 2:
        return None
    if column.nullable and not (table == "response" and name in OPT_IN_HAS_NONE) and number % 3 == 0:
        return None
    return plain_value(column, number, random.Random(f"{table} {name} {number}"))


def plain_value(column: sa.Column[Any], number: int, chance: random.Random) -> Any:
    if isinstance(column.type, sa.Boolean):
        return bool(number % 2)
    if isinstance(column.type, sa.Float):
        return chance.random() * 10 ** chance.randrange(-8, 8)
    if isinstance(column.type, sa.Integer):
        return number + 1 if column.primary_key or column.name == "position" else chance.randrange(2**31)
    length = getattr(column.type, "length", None) or 400
    if length == 10:
        return f"2026-{1 + number % 12:02}-{1 + number % 28:02}"
    text = f"{number:04}{ODD if length == 400 else ''}{chance.getrandbits(900):x}"
    return text[:length]


def fill(settings: Settings) -> None:
    """Rows in every table that the schema has."""
    engine = engine_of(settings)
    with engine.begin() as connection:
        for table in reflected(connection).sorted_tables:
            if table.name != "alembic_version":
                rows = [{column.name: value(column, number) for column in table.columns} for number in range(ROWS)]
                connection.execute(table.insert(), rows)
    engine.dispose()


def dump(settings: Settings, columns: dict[str, list[str]] | None = None) -> Dump:
    """Every row of every table; columns: of these tables these columns only."""
    engine = engine_of(settings)
    with engine.connect() as connection:
        found = {
            table.name: sorted(
                (tuple(row) for row in connection.execute(sa.select(*_chosen(table, columns)))), key=repr
            )
            for table in reflected(connection).sorted_tables
            if table.name != "alembic_version" and (columns is None or table.name in columns)
        }
    engine.dispose()
    return found


def _chosen(table: sa.Table, columns: dict[str, list[str]] | None) -> list[sa.Column[Any]]:
    return [table.c[name] for name in (columns[table.name] if columns else table.c.keys())]


def columns_of(settings: Settings) -> dict[str, list[str]]:
    engine = engine_of(settings)
    with engine.connect() as connection:
        found = {table.name: table.c.keys() for table in reflected(connection).sorted_tables}
    engine.dispose()
    found.pop("alembic_version")
    return found


def without_rowid(settings: Settings) -> set[str]:
    """Tables with a hidden row number, which would tell in which order rows came."""
    if settings.database_url:
        return set()
    engine = engine_of(settings)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT name, wr FROM pragma_table_list WHERE type = 'table'").fetchall()
    engine.dispose()
    return {name for name, wr in rows if not wr and not name.startswith("sqlite_")}


def test_every_row_of_the_first_schema_survives_the_way_up_and_down_again(settings: Settings) -> None:
    schema.downgrade(settings, "base")
    schema.upgrade(settings, "0001")
    fill(settings)
    columns, before = columns_of(settings), dump(settings)
    assert all(len(rows) == ROWS for rows in before.values())
    assert len(before) == 17
    schema.upgrade(settings)
    assert dump(settings, columns) == before
    new = {
        table: [name for name in names if name not in columns.get(table, ())]
        for table, names in columns_of(settings).items()
    }
    assert "paper_entry" in new
    for rows in dump(settings, {table: names for table, names in new.items() if names and table in columns}).values():
        assert {cell for row in rows for cell in row} == {None}
    assert without_rowid(settings) - {"alembic_version"} == (set() if settings.database_url else {"audit"})
    schema.downgrade(settings, "0001")
    assert dump(settings) == before
    assert columns_of(settings) == columns
    assert without_rowid(settings) - {"alembic_version"} == (set() if settings.database_url else {"audit"})
    schema.upgrade(settings)
    assert dump(settings, columns) == before


def test_after_the_way_down_and_up_the_tables_are_those_of_the_program_to_the_last_constraint(
    settings: Settings, tmp_path: Path, make_postgres_database: Callable[[], str]
) -> None:
    """Autogenerate finds nothing, and what it does not look at (checks, keys by name) is compared with fresh tables."""
    schema.downgrade(settings, "base")
    schema.upgrade(settings, "0001")
    fill(settings)
    schema.upgrade(settings)
    schema.downgrade(settings, "0001")
    schema.upgrade(settings)
    fresh_url = make_postgres_database() if settings.database_url else None
    fresh = Settings(home=tmp_path / "fresh", data=tmp_path, secret=b"", database_url=fresh_url)
    engines = engine_of(settings), engine_of(fresh)
    with engines[0].connect() as migrated, engines[1].begin() as made:
        options = {"compare_type": True}
        assert compare_metadata(MigrationContext.configure(migrated, opts=options), metadata) == []
        metadata.create_all(made)
        ours, theirs = sa.inspect(migrated), sa.inspect(made)
        for table in metadata.tables:
            for look in (
                "get_pk_constraint",
                "get_foreign_keys",
                "get_check_constraints",
                "get_indexes",
                "get_columns",
            ):
                found = [_comparable(getattr(one, look)(table)) for one in (ours, theirs)]
                assert found[0] == found[1], (table, look)
    for engine in engines:
        engine.dispose()


def _comparable(found: Any) -> Any:
    if isinstance(found, list):
        return sorted((_comparable(one) for one in found), key=repr)
    if isinstance(found, dict):
        return {name: _comparable(one) for name, one in found.items()}
    return str(found)


def test_a_lived_in_store_goes_down_and_up_and_is_in_order(store: Store, wave: Wave) -> None:
    settings = store.settings
    play(store, wave)
    submission.seal(store)
    kept = {one.id for one in responses.stream(store, wave, with_excluded=True)}
    schema.downgrade(settings, "0001")
    with pytest.raises(StoreError, match=r"schema 0001, this program needs 0002\. Make a backup.*sandu init"):
        open_store(settings)
    with open_store(settings, create=True) as again:
        assert {one.id for one in responses.stream(again, wave, with_excluded=True)} == kept
        assert checks.check(again) == []


def process(settings: Settings, direction: str, statement: int) -> subprocess.Popen[bytes]:
    command = ["-m", "tests.store.migrating", direction, settings.home, settings.database_url or "", statement]
    return subprocess.Popen(
        [sys.executable, *map(str, command)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_migration_killed_before_any_of_its_statements_leaves_the_old_schema_whole(
    settings: Settings, direction: str
) -> None:
    schema.downgrade(settings, "base")
    schema.upgrade(settings, "0001")
    fill(settings)
    if direction == "down":
        schema.upgrade(settings)
    before, shape = dump(settings), columns_of(settings)
    statement, kills = 1, 0
    while True:
        ran = process(settings, direction, statement)
        _, complaint = ran.communicate(timeout=120)
        if ran.returncode == 0:
            break
        assert ran.returncode == -signal.SIGKILL, complaint.decode()
        assert columns_of(settings) == shape
        assert dump(settings) == before
        kills += 1
        statement += 3  # some twenty statements
    assert kills >= 5
    assert columns_of(settings) != shape
    if direction == "down":
        schema.upgrade(settings)
    engine = engine_of(settings)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_processes_that_start_together_migrate_once(settings: Settings) -> None:
    schema.downgrade(settings, "base")
    schema.upgrade(settings, "0001")
    fill(settings)
    columns, before = columns_of(settings), dump(settings)
    running = [process(settings, "together", 0) for _ in range(3)]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write(b"go\n")
        one.stdin.flush()
    for one in running:
        _, complaint = one.communicate(timeout=120)
        assert (one.returncode, complaint) == (0, b"")
    assert dump(settings, columns) == before


@pytest.mark.slow
@pytest.mark.parametrize("command", [["serve", "public"], ["serve", "console"], ["check"], ["seal"]])
def test_a_command_on_an_old_schema_says_what_to_do(settings: Settings, command: list[str]) -> None:
    schema.downgrade(settings, "0001")
    environment = {name: given for name, given in os.environ.items() if not name.startswith("SANDU_")}
    environment |= {
        "SANDU_HOME": str(settings.home),
        "SANDU_LANGUAGE": "en",
        "SANDU_PUBLIC_PORT": "18501",
        "SANDU_CONSOLE_PORT": "18502",
    }
    if settings.database_url:
        environment["SANDU_DATABASE_URL"] = settings.database_url
    start = [sys.executable, "-m", "survey_app.cli"]
    ran = subprocess.run(
        [*start, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode != 0
    assert "The database has schema 0001, this program needs 0002. Make a backup" in ran.stderr
    assert ran.stderr.count("\n") == 1, ran.stderr
    done = subprocess.run([*start, "init"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    checked = subprocess.run([*start, "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
