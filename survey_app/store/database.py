"""The store as the rest of the application holds it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar

from survey_app.settings import Settings
from survey_app.store import chain, schema
from survey_app.store.connections import Connection
from survey_app.store.engines import PostgresDatabase, SqliteDatabase
from survey_app.store.errors import StoreError, WordedError

T = TypeVar("T")


class Readable(Protocol):
    """What can be read: a store as it is now, or a moment of it."""

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent view of the data."""

    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent view of the data for as long as the block lasts."""


class Moment:
    """A store as it was when it was first read here: several readings that fit together. For one thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on that moment; it must not write."""
        return work(self._connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """That moment."""
        yield self._connection


class Store:
    """Reads and writes of one database, from any thread.

    `cache` holds what never changes once stored (published instruments, the fixed part of a wave).
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cache: dict[tuple[str, ...], Any] = {}
        self.loading = threading.Lock()
        self.database: SqliteDatabase | PostgresDatabase
        self._linker: chain.Linker | None = None
        if settings.database_url:
            self.database = PostgresDatabase(settings.database_url)
            self._linker = chain.Linker(self.database.write, settings.secret)
        else:
            self.database = SqliteDatabase(
                settings.database, lambda connection: chain.link(connection, settings.secret)
            )

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and return what it returns, once committed; an exception undoes all of it.

        Raises StoreError when the database cannot be used; nothing is stored then.
        """
        result = self.database.write(work)
        if self._linker:
            self._linker.wake()
        return result

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent view of the data; it must not write."""
        with self.database.reading() as connection:
            return work(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the data for as long as the block lasts."""
        with self.database.reading() as connection:
            yield connection

    @contextmanager
    def at_one_moment(self) -> Iterator[Moment]:
        """A view that several functions read, so that what they find fits together while answers come in."""
        with self.database.reading() as connection:
            yield Moment(connection)

    def close(self) -> None:
        """Finish what is under way and let go of the database; calling it twice is harmless."""
        if self._linker:
            self._linker.close()
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_store(settings: Settings, *, create: bool = False) -> Store:
    """Open the database that the settings name.

    create: make it where there is none, and bring an older schema up to date. Without it nothing is made or changed.
    Raises StoreError for a missing database, for a schema older or newer than this program's, for a SQLite that is
    too old, and for a server that does not answer.
    """
    if create:
        schema.upgrade(settings)
    elif not settings.database_url and not settings.database.exists():
        raise WordedError(
            "There is no database {path}. Make it with `sandu init`, or run `sandu demo`.", path=settings.database
        )
    store = Store(settings)
    try:
        store.read(schema.check)
    except StoreError:
        store.close()
        raise
    return store
