"""Who did what, on which day: rows that cannot be altered unseen."""

from __future__ import annotations

import json

from sqlalchemy import bindparam, insert, select

from survey_app.store import chain
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import to_json, today
from survey_app.store.tables import audit, audit_head

_ADD = insert(audit)
_ENTRIES = select(audit).order_by(audit.c.entry.desc()).limit(bindparam("the_limit"))
_HEAD = select(audit_head.c.position, audit_head.c.hash).where(audit_head.c.name == "audit")


def record(
    connection: Connection, action: str, *, actor: str = "system", wave: str | None = None, **detail: object
) -> None:
    """Append a row within a transaction. detail holds no id of a person or a response."""
    row = {"on_date": today(), "actor": actor, "action": action, "wave": wave, "detail": to_json(detail)}
    connection.run(_ADD, {**row, "position": None, "hash": None})


def note(store: Store, action: str, *, actor: str = "system", wave: str | None = None, **detail: object) -> None:
    """Append a row in a transaction of its own, for what happened outside the database (a download, a sign-in)."""
    store.write(lambda connection: record(connection, action, actor=actor, wave=wave, **detail))


def entries(store: Store, limit: int = 200) -> list[Row]:
    """The last rows, newest first: on_date, actor, action, wave, detail (a mapping), position."""
    rows = store.read(lambda connection: connection.all(_ENTRIES, {"the_limit": limit}))
    names = ("on_date", "actor", "action", "wave", "position")
    return [{**{name: row[name] for name in names}, "detail": json.loads(row["detail"])} for row in rows]


def head(store: Store) -> tuple[int, str]:
    """How many rows are linked and the last hash: printed on a report, it pins everything before."""
    row = store.read(lambda connection: connection.one(_HEAD))
    return (row["position"], row["hash"]) if row else (0, chain.START)


def verify(store: Store) -> list[str]:
    """Link what is waiting, then check the whole chain: an empty list, or a sentence naming the first fault."""
    while store.write(lambda connection: chain.link(connection, store.settings.secret, wait=True)) == chain.AT_ONCE:
        continue
    return store.read(lambda connection: chain.faults(connection, store.settings.secret))
