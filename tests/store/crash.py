"""Run as a process of its own, to be killed: python crash.py HOW HOME DATA URL WAVE, see test_crash.py."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alembic.operations import Operations

from survey_app import submission
from survey_app.settings import Settings, read_secret
from survey_app.store import Store, open_store, schema
from survey_app.submission import Submission, new_id

ANSWERS = {"consent": "yes", "district": "east", "age": "41"}


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DiesBeforeCommit(Store):
    """Does the whole work of the transaction, then the power goes."""

    def write(self, work: Callable[[Any], Any]) -> Any:
        return super().write(lambda connection: (work(connection), die()))


class DiesAfterCommit(Store):
    """Commits, and is gone before anybody hears of it."""

    def write(self, work: Callable[[Any], Any]) -> Any:
        super().write(work)
        die()


def once(settings: Settings, kind: type[Store], wave: str, id_: str) -> None:
    submission.submit(kind(settings), wave, Submission(id_, ANSWERS))


def many(settings: Settings, wave: str) -> None:
    """Four clients; an id is announced before it is sent and acknowledged after."""
    store = open_store(settings)

    def send(_: int) -> None:
        id_ = new_id()
        os.write(1, f"sent {id_}\n".encode())
        submission.submit(store, wave, Submission(id_, ANSWERS))
        os.write(1, f"acked {id_}\n".encode())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(100_000)))


def migrate(settings: Settings) -> None:
    """All tables are made; at the first index the process dies."""
    Operations.create_index = die  # type: ignore[assignment,method-assign]
    schema.upgrade(settings)


if __name__ == "__main__":
    how, home, data, url, wave, id_ = sys.argv[1:7]
    chosen = Settings(home=Path(home), data=Path(data), secret=read_secret(Path(home)), database_url=url or None)
    if how == "many":
        many(chosen, wave)
    elif how == "migrate":
        migrate(chosen)
    else:
        once(chosen, DiesBeforeCommit if how == "before" else DiesAfterCommit, wave, id_)
