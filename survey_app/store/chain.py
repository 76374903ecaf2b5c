"""The hash chain over the audit rows: each row's hash covers the one before, the head is sealed with the secret.

Rows are appended unlinked and linked a moment later, in the order of their entries: on SQLite at the end of the same
transaction, on PostgreSQL by a thread, so that processes do not queue on the chain's head.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from survey_app.store.connections import Connection, Row
from survey_app.store.errors import StoreError
from survey_app.store.tables import audit, audit_head

START = "0" * 64
AT_ONCE = 1000
PAUSE = 1.0  # seconds between two rounds of the linking thread
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(7355608) AS mine"
LOCK = "SELECT true AS mine FROM pg_advisory_xact_lock(7355608)"

_UNLINKED = select(audit).where(audit.c.position.is_(None)).order_by(audit.c.entry).limit(AT_ONCE)
_LINK = (
    update(audit)
    .values(position=bindparam("new_position"), hash=bindparam("new_hash"))
    .where(audit.c.entry == bindparam("the_entry"))
)
_HEAD = select(audit_head).where(audit_head.c.name == "audit")
_FIRST_HEAD = insert(audit_head)
_MOVE_HEAD = (
    update(audit_head)
    .values(position=bindparam("new_position"), hash=bindparam("new_hash"), seal=bindparam("new_seal"))
    .where(audit_head.c.name == "audit")
)
_LINKED = select(audit).where(audit.c.position.is_not(None)).order_by(audit.c.position)


def row_hash(row: Row, *, position: int, previous: str) -> str:
    """SHA-256 over the previous hash and everything that the row says."""
    said = [position, row["on_date"], row["actor"], row["action"], row["wave"], row["detail"]]
    return hashlib.sha256((previous + json.dumps(said)).encode()).hexdigest()


def seal(secret: bytes, position: int, head: str) -> str:
    """What only the installation can compute: it shows that the chain still ends where it ended."""
    return hmac.new(secret, f"audit:{position}:{head}".encode(), hashlib.sha256).hexdigest()


def link(connection: Connection, secret: bytes, *, wait: bool = False) -> int:
    """Link up to 1000 unlinked rows; how many were. wait: when another process is at it, link what it leaves."""
    if connection.engine.name == "postgresql":
        mine = connection.one(LOCK if wait else TRY_LOCK)
        if mine is None or not mine["mine"]:
            return 0
    rows = connection.all(_UNLINKED)
    if not rows:
        return 0
    head = connection.one(_HEAD)
    position, last = (head["position"], head["hash"]) if head else (0, START)
    links = []
    for row in rows:
        position += 1
        last = row_hash(row, position=position, previous=last)
        links.append({"the_entry": row["entry"], "new_position": position, "new_hash": last})
    connection.run_many(_LINK, links)
    sealed = seal(secret, position, last)
    if head:
        connection.run(_MOVE_HEAD, {"new_position": position, "new_hash": last, "new_seal": sealed})
    else:
        connection.run(_FIRST_HEAD, {"name": "audit", "position": position, "hash": last, "seal": sealed})
    return len(links)


def faults(connection: Connection, secret: bytes) -> list[str]:
    """One sentence for the first place where the chain does not hold, or an empty list."""
    position, last = 0, START
    for row in connection.each(_LINKED):
        position += 1
        if row["position"] != position:
            return [f"Audit row {position} is missing: the chain goes on at {row['position']}."]
        expected = row_hash(row, position=position, previous=last)
        if row["hash"] != expected:
            return [f"Audit row {position} ({row['on_date']}, {row['action']}) was altered: its hash does not fit."]
        last = expected
    return _head_faults(connection.one(_HEAD), position, last, secret)


def _head_faults(head: Row | None, position: int, last: str, secret: bytes) -> list[str]:
    if head is None:
        return [] if position == 0 else ["The head of the audit chain is missing."]
    if not hmac.compare_digest(head["seal"], seal(secret, head["position"], head["hash"])):
        return ["The head of the audit chain was not sealed by this installation's secret."]
    if (head["position"], head["hash"]) != (position, last):
        return [
            f"The audit chain has {position} rows where its sealed head says {head['position']}: rows were removed."
        ]
    return []


class Linker:
    """The thread that links rows on PostgreSQL: woken by writes, at most once a second."""

    def __init__(self, write: Callable[[Callable[[Connection], int]], Any], secret: bytes) -> None:
        self._write = write
        self._secret = secret
        self._work = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="sandu-audit", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something was written."""
        self._work.set()

    def close(self) -> None:
        """Link what is left and end."""
        self._stop.set()
        self._work.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._work.wait()
            self._work.clear()
            self._round()
            self._stop.wait(PAUSE)

    def _round(self) -> None:
        try:
            while self._write(lambda connection: link(connection, self._secret)) == AT_ONCE:
                continue
        except StoreError:
            self._work.set()  # the server is away; the rows wait, and the next round tries again
