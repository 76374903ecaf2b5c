"""A transaction as the store sees it: SQLAlchemy Core statements, each compiled once, run on the driver's cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.base import Executable

from survey_app.store.errors import StoreError

Row = dict[str, Any]
Values = Mapping[str, Any]
ROWS_AT_ONCE = 500
_HALF = "A text holds half a character (a lone surrogate), which no database keeps. Leave it out; nothing was stored."


class Statements:
    """SQL text and fixed values of each statement, kept for as long as the statement itself lives."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._compiled: WeakKeyDictionary[Executable, tuple[str, dict[str, Any]]] = WeakKeyDictionary()

    def compiled(self, statement: Executable) -> tuple[str, dict[str, Any]]:
        """The SQL text and the values that stand in the statement itself."""
        known = self._compiled.get(statement)
        if known is None:
            known = self._compile(statement)
            self._compiled[statement] = known
        return known

    def _compile(self, statement: Executable) -> tuple[str, dict[str, Any]]:
        keys = None
        fixed = statement
        if isinstance(statement, Insert):
            # Every column but numbers that the database gives out; inline: nothing has to be handed back.
            keys = [column.name for column in statement.table.columns if column.identity is None]
            fixed = statement.inline()
        compiled = fixed.compile(dialect=self.dialect, column_keys=keys)  # type: ignore[attr-defined]
        values = {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}
        return compiled.string, values


@dataclass(frozen=True)
class Engine:
    """What differs between the two databases, for a Connection."""

    name: str
    statements: Statements
    errors: type[Exception]
    explain: Callable[[Exception], StoreError]


class Connection:
    """One open transaction. Statements should be constants of a module: they are then compiled once per process."""

    def __init__(self, driver: Any, engine: Engine) -> None:
        self.driver = driver
        self.engine = engine

    def run(self, statement: Executable | str, values: Values | None = None) -> int:
        """Execute; the number of rows touched."""
        return int(self._execute(statement, values).rowcount)

    def run_many(self, statement: Executable, rows: Iterable[Values]) -> None:
        """Execute once per row."""
        sql, fixed = self.engine.statements.compiled(statement)
        try:
            self.driver.cursor().executemany(sql, [{**fixed, **row} for row in rows])
        except self.engine.errors as error:
            raise self.engine.explain(error) from error
        except UnicodeEncodeError as error:
            raise StoreError(_HALF) from error

    def one(self, statement: Executable | str, values: Values | None = None) -> Row | None:
        """The first row, or None."""
        cursor = self._execute(statement, values)
        found = cursor.fetchone()
        return None if found is None else dict(zip(_names(cursor), found, strict=True))

    def all(self, statement: Executable | str, values: Values | None = None) -> list[Row]:
        """Every row."""
        return list(self.each(statement, values))

    def each(self, statement: Executable | str, values: Values | None = None) -> Iterator[Row]:
        """Row by row, for results that are too long for a list; read within the transaction."""
        cursor = self._execute(statement, values)
        names = _names(cursor)
        while rows := self._fetch(cursor):
            for row in rows:
                yield dict(zip(names, row, strict=True))

    def _fetch(self, cursor: Any) -> list[tuple[Any, ...]]:
        try:
            return list(cursor.fetchmany(ROWS_AT_ONCE))
        except self.engine.errors as error:
            raise self.engine.explain(error) from error

    def _execute(self, statement: Executable | str, values: Values | None) -> Any:
        fixed: Values = {}
        if isinstance(statement, str):
            sql = statement
        else:
            sql, fixed = self.engine.statements.compiled(statement)
        parameters = {**fixed, **values} if values else dict(fixed)
        try:
            cursor = self.driver.cursor()
            cursor.execute(sql, parameters)
        except self.engine.errors as error:
            raise self.engine.explain(error) from error
        except UnicodeEncodeError as error:
            raise StoreError(_HALF) from error
        return cursor


def _names(cursor: Any) -> list[str]:
    return [column[0] for column in cursor.description]
