"""The two databases behind one face: `writing`, `reading`, `close`."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, LifoQueue
from types import ModuleType
from typing import Any, TypeVar

import psycopg
import psycopg_pool
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg as postgresql

from survey_app.store.connections import Connection, Engine, Statements
from survey_app.store.errors import StoreError, WordedError
from survey_app.store.writer import Writer

T = TypeVar("T")
Work = Callable[[Connection], T]
# Older ones can damage the file when two connections write and one resets the log (the WAL-reset bug).
OLDEST_SQLITE = (3, 51, 3)
BUSY_TIMEOUT = 10_000  # milliseconds
SHORT_TIMEOUT = 1_000  # milliseconds, for upkeep
CHECKPOINT = 4_000  # pages, 16 MB of log: a quarter of the pauses that SQLite's own 1,000 make
POOL = 16
PATIENCE = 10.0  # seconds until a PostgreSQL server that gives no connection counts as away, at the start
SHORT_PATIENCE = 5.0  # and while somebody waits for a page
# The pool tells its log of every failed attempt, server and user included; the caller gets one sentence instead.
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
POSTGRES_STATEMENTS = Statements(postgresql.dialect())  # type: ignore[no-untyped-call]
SQLITE_STATEMENTS = Statements(sqlite.dialect(paramstyle="named"))  # type: ignore[no-untyped-call]


def sqlite_driver() -> ModuleType:
    """The driver module; refused where its SQLite is older than 3.51.3."""
    for name in ("pysqlite3.dbapi2", "sqlite3"):
        with suppress(ImportError):
            driver = importlib.import_module(name)
            if driver.sqlite_version_info >= OLDEST_SQLITE:
                return driver
    raise StoreError(
        f"SQLite {driver.sqlite_version} can damage a database that two processes write; 3.51.3 or newer is needed. "
        "Install the package pysqlite3 (x86-64 Linux), or set SANDU_DATABASE_URL to a PostgreSQL database."
    )


def connect_sqlite(driver: ModuleType, path: Path) -> Any:
    """A connection in autocommit mode (transactions are begun by hand) with the settings that the store relies on."""
    try:
        connection = driver.connect(str(path), isolation_level=None, check_same_thread=False, cached_statements=256)
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={CHECKPOINT}",
            "foreign_keys=ON",
            "secure_delete=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except driver.Error as error:
        raise _cannot_open(path, str(error)) from error
    return connection


def _cannot_open(path: Path, reason: str) -> WordedError:
    """What SQLite says, and what to do about it."""
    if "malformed" in reason or "not a database" in reason:
        return WordedError(
            "The database {path} is damaged ({reason}). Leave it as it is, and restore the newest backup into a new "
            "folder.",
            path=path,
            reason=reason,
        )
    if "disk I/O" in reason or "full" in reason:
        return WordedError(
            "The database {path} cannot be opened ({reason}). Free space on its disk; where there is space, the disk "
            "itself fails.",
            path=path,
            reason=reason,
        )
    if "locked" in reason or "busy" in reason:
        return WordedError(
            "The database {path} is held by another process ({reason}). Try again when that has ended.",
            path=path,
            reason=reason,
        )
    return WordedError(
        "The database {path} cannot be opened ({reason}). Check that the folder exists, and that it and the file "
        "belong to the user who runs this.",
        path=path,
        reason=reason,
    )


def require_unused(path: Path) -> None:
    """Raise StoreError while another connection, of whichever process, has the database file open."""
    driver = sqlite_driver()
    raw = connect_sqlite(driver, path)
    try:
        raw.execute(f"PRAGMA busy_timeout={SHORT_TIMEOUT}").fetchall()
        raw.execute("PRAGMA journal_mode=DELETE").fetchall()  # granted only to the last one that has the file open
    except driver.Error as error:
        raise StoreError(f"{path} is in use by another process; stop sandu there, then start over.") from error
    finally:
        raw.close()


class SqliteDatabase:
    """Reads run side by side on connections of their own; every write goes through one thread."""

    def __init__(self, path: Path, before_commit: Work[Any]) -> None:
        driver = sqlite_driver()
        self.path = path
        self._driver = driver
        self._idle: LifoQueue[Any] = LifoQueue()
        self.engine = Engine("sqlite", SQLITE_STATEMENTS, driver.Error, self._explain)
        self._writer = Writer(connect_sqlite(driver, path), self.engine, before_commit)

    def write(self, work: Work[T]) -> T:
        """Run the work in the writer thread; back when it is on the disk."""
        return self._writer.write(work)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view for as long as the block lasts."""
        try:
            raw = self._idle.get_nowait()
        except Empty:
            raw = connect_sqlite(self._driver, self.path)
        connection = Connection(raw, self.engine)
        connection.run("BEGIN")
        try:
            yield connection
        finally:
            raw.rollback()
            self._idle.put(raw)

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """A connection without a transaction, for VACUUM and checkpoints."""
        raw = connect_sqlite(self._driver, self.path)
        raw.execute(f"PRAGMA busy_timeout={SHORT_TIMEOUT}").fetchall()  # writers wait while a checkpoint waits
        try:
            yield Connection(raw, self.engine)
        finally:
            raw.close()

    def close(self) -> None:
        """Finish waiting writes and close every connection."""
        self._writer.close()
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def _explain(self, error: Exception) -> StoreError:
        text = str(error)
        if "full" in text or "disk I/O" in text:
            return WordedError(
                "Nothing was saved: no space is left for {path} ({reason}). Free space and try again.",
                path=self.path,
                reason=text,
            )
        if "locked" in text or "busy" in text:
            return WordedError("Nothing was saved: another process held {path} for 10 s. Try again.", path=self.path)
        if "readonly" in text:
            return WordedError(
                "Nothing was saved: {path} may not be written by this user. "
                "Run the command as the user that owns the data folder.",
                path=self.path,
            )
        if "malformed" in text or "not a database" in text:
            return _cannot_open(self.path, text)
        return StoreError(f"The database {self.path} refused: {text}.")


class PostgresDatabase:
    """One pooled transaction per piece of work; the server groups commits by itself."""

    def __init__(self, url: str) -> None:
        self.engine = Engine("postgresql", POSTGRES_STATEMENTS, psycopg.Error, _explain_postgres)
        self._url = url
        try:
            psycopg.conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise StoreError(
                "SANDU_DATABASE_URL is not an address that PostgreSQL understands. "
                "Give postgresql://user:password@host:port/database, special characters as %XX."
            ) from error
        self._pool = psycopg_pool.ConnectionPool(
            url,
            min_size=1,
            max_size=POOL,
            timeout=SHORT_PATIENCE,
            # else the pool waits longer and longer, and minutes after the server is back
            reconnect_timeout=SHORT_PATIENCE,
            check=psycopg_pool.ConnectionPool.check_connection,
            open=False,
            name="sandu",
        )
        try:
            self._pool.open(wait=True, timeout=PATIENCE)
        except psycopg_pool.PoolTimeout as error:
            self._pool.close()
            raise WordedError(
                "The PostgreSQL server of SANDU_DATABASE_URL did not let us in. "
                "Check that it runs and that the address, user and password are right."
            ) from error

    def write(self, work: Work[T]) -> T:
        """Run the work in a transaction of its own; back when it is committed."""
        with self._transaction() as connection:
            return work(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view for as long as the block lasts."""
        with self._transaction() as connection:
            connection.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """A connection without a transaction, for VACUUM."""
        try:
            with psycopg.connect(self._url, autocommit=True) as raw:
                yield Connection(raw, self.engine)
        except psycopg.Error as error:
            raise _explain_postgres(error) from error

    def close(self) -> None:
        """Give every connection back."""
        self._pool.close()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._pool.connection() as raw:
                yield Connection(raw, self.engine)
        except (psycopg.Error, psycopg_pool.PoolTimeout) as error:
            raise _explain_postgres(error) from error


def _explain_postgres(error: Exception) -> StoreError:
    reason = str(error).strip().partition("\n")[0]
    if isinstance(error, psycopg.OperationalError | psycopg_pool.PoolTimeout):
        return WordedError(
            "Nothing was saved: the PostgreSQL server did not answer ({reason}). Try again.", reason=reason
        )
    return StoreError(f"The PostgreSQL database refused: {reason}.")
