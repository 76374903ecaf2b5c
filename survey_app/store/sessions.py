"""Sessions of the console: rows on the server, so that they can be ended there. The token is stored as its hash."""

from __future__ import annotations

import secrets
import time

from sqlalchemy import bindparam, delete, insert, select, update

from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import Account, digest
from survey_app.store.tables import account, session

IDLE = 30 * 60  # seconds
ABSOLUTE = 12 * 60 * 60  # seconds
TOUCH = 60  # seconds: "last seen" is written at most this often, so that looking around does not write each time

_ADD = insert(session)
_FIND = (
    select(session.c.opened_at, session.c.seen_at, account)
    .join(account, account.c.name == session.c.account)
    .where(session.c.token_hash == bindparam("the_hash"))
)
_SEEN = update(session).values(seen_at=bindparam("new_time")).where(session.c.token_hash == bindparam("the_hash"))
_REMOVE = delete(session).where(session.c.token_hash == bindparam("the_hash"))
_REMOVE_OLD = delete(session).where(
    (session.c.seen_at < bindparam("the_idle")) | (session.c.opened_at < bindparam("the_oldest"))
)


def open(store: Store, name: str) -> str:
    """Begin a session for an account that `accounts.verify` let in; its token (128 bits), new each time."""
    token = secrets.token_urlsafe(16)
    now = int(time.time())
    row = {"token_hash": digest(token), "account": name, "opened_at": now, "seen_at": now}

    def work(connection: Connection) -> None:
        connection.run(_REMOVE_OLD, {"the_idle": now - IDLE, "the_oldest": now - ABSOLUTE})
        connection.run(_ADD, row)

    store.write(work)
    return token


def get(store: Store, token: str) -> Account | None:
    """Whose session this is, or None: unknown, ended, idle for 30 minutes, older than 12 hours, account disabled."""
    values = {"the_hash": digest(token)}
    row = store.read(lambda connection: connection.one(_FIND, values))
    now = int(time.time())
    if row is None or row["disabled"] or not _alive(row, now):
        return None
    if now - row["seen_at"] >= TOUCH:
        store.write(lambda connection: connection.run(_SEEN, {**values, "new_time": now}))
    return Account(name=row["name"], role=row["role"], display_name=row["display_name"])


def close(store: Store, token: str) -> None:
    """End a session; an unknown token is harmless."""
    store.write(lambda connection: connection.run(_REMOVE, {"the_hash": digest(token)}))


def _alive(row: Row, now: int) -> bool:
    return now - row["seen_at"] < IDLE and now - row["opened_at"] < ABSOLUTE
