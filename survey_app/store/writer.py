"""One writer thread per process with group commit: many submissions share one transaction and one wait for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedTooLong
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from survey_app.store.connections import Connection, Engine
from survey_app.store.errors import StoreError

T = TypeVar("T")
Work = Callable[[Connection], Any]
GROUP = 256
PATIENCE = 60.0  # seconds; a group takes milliseconds, another process's lock at most the busy timeout of 10 s


class _Outcome:
    """Catches whatever a piece of work raises, so that the thread goes on and the asker gets it."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None

    def __enter__(self) -> _Outcome:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        return True


class Writer:
    """Runs work one piece after another, each in a SAVEPOINT, and answers only when its group is on the disk.

    before_commit is run once per group, inside its transaction.
    """

    def __init__(self, driver: Any, engine: Engine, before_commit: Work) -> None:
        self._connection = Connection(driver, engine)
        self._driver = driver
        self._before_commit = before_commit
        self._waiting: SimpleQueue[tuple[Work, Future[Any]] | None] = SimpleQueue()
        self._closed = False
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="sandu-writer", daemon=True)
        self._thread.start()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run the work and wait until it is committed. Raises what the work raised, or StoreError.

        The work may be run a second time after its first run was undone, so it changes nothing but the database.
        """
        if threading.current_thread() is self._thread:
            raise StoreError("A write was begun inside another write; use the connection at hand.")
        future: Future[T] = Future()
        with self._door:
            if self._closed:
                raise StoreError("The store is closed; open it again to write.")
            self._waiting.put((work, future))
        try:
            return future.result(PATIENCE)
        except WaitedTooLong:
            raise StoreError(
                f"The database gave no answer within {PATIENCE:.0f} s; what was sent may or may not be stored. "
                "Send the same again: it is counted once."
            ) from None

    def close(self) -> None:
        """Finish what is waiting, then end the thread and close the connection."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

    def _serve(self) -> None:
        going_on = True
        while going_on:
            group, going_on = self._next_group()
            if group:
                self._commit(group)
        self._driver.close()

    def _next_group(self) -> tuple[list[tuple[Work, Future[Any]]], bool]:
        """What is waiting now, at least one piece, and whether more may come."""
        group: list[tuple[Work, Future[Any]]] = []
        job = self._waiting.get()
        while job is not None:
            group.append(job)
            if len(group) == GROUP:
                return group, True
            try:
                job = self._waiting.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _commit(self, group: list[tuple[Work, Future[Any]]]) -> None:
        outcomes: list[_Outcome] = []
        with _Outcome() as whole:
            self._connection.run("BEGIN IMMEDIATE")
            outcomes.extend(self._attempt(work) for work, _ in group)
            self._before_commit(self._connection)
            self._connection.run("COMMIT")
        if whole.error is not None:
            with _Outcome():
                self._driver.rollback()
            if len(group) > 1:
                # One that is too large for a full disk must not take the others with it: each for itself.
                for job in group:
                    self._commit([job])
                return
        for number, (_, future) in enumerate(group):
            outcome = whole if whole.error is not None else outcomes[number]
            if outcome.error is None:
                future.set_result(outcome.value)
            else:
                future.set_exception(outcome.error)

    def _attempt(self, work: Work) -> _Outcome:
        self._connection.run("SAVEPOINT one")
        with _Outcome() as outcome:
            outcome.value = work(self._connection)
        if outcome.error is not None:
            if not self._driver.in_transaction:
                raise outcome.error  # a full disk ends the whole transaction, and with it the group
            self._connection.run("ROLLBACK TO one")
        self._connection.run("RELEASE one")
        return outcome
