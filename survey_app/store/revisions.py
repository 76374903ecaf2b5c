"""Corrections after the fact: the earlier version is kept beside, never overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from survey_app.store import audit, responses
from survey_app.store.connections import Connection, Row
from survey_app.store.shapes import digest, to_json, today
from survey_app.store.tables import response, response_revision

_ADD = insert(response_revision)
_NUMBER = select(func.count().label("count")).where(response_revision.c.response_id == bindparam("the_id"))
_ALL = (
    select(response_revision)
    .where(response_revision.c.response_id == bindparam("the_id"))
    .order_by(response_revision.c.revision)
)
_CHANGE = (
    update(response)
    .values(answers=bindparam("new_answers"), raw=bindparam("new_raw"), body_hash=bindparam("new_hash"))
    .where(response.c.id == bindparam("the_id"))
)
_SAME = select(response_revision.c.revision).where(
    response_revision.c.response_id == bindparam("the_id"), response_revision.c.body_hash == bindparam("the_hash")
)


def replace(
    connection: Connection, id: str, *, raw: Mapping[str, Any], answers: Mapping[str, Any], editor: str, reason: str
) -> int | None:
    """Put new answers in the place of the present ones and keep those; the number of the version kept, from 1.

    None when no response has the id.
    """
    now = responses.find(connection, id, hold=True)
    if now is None:
        return None
    counted = connection.one(_NUMBER, {"the_id": id})
    number = (counted["count"] if counted else 0) + 1
    kept = {name: now[name] for name in ("answers", "raw", "body_hash")}
    said = {"editor": editor, "reason": reason, "replaced_on": today()}
    connection.run(_ADD, {**kept, **said, "response_id": id, "revision": number})
    body = to_json(dict(raw))
    changed = {"new_answers": to_json(dict(answers)), "new_raw": body, "new_hash": digest(body)}
    connection.run(_CHANGE, {**changed, "the_id": id})
    audit.record(connection, "response.revised", actor=editor, wave=now["wave"], reason=reason)
    return number


def was_sent(connection: Connection, id: str, body_hash: str) -> bool:
    """Whether this body stood under the id before it was corrected."""
    return connection.one(_SAME, {"the_id": id, "the_hash": body_hash}) is not None


def versions(connection: Connection, id: str) -> list[Row]:
    """The versions that were replaced, oldest first: revision, answers, raw, editor, reason, replaced_on."""
    return connection.all(_ALL, {"the_id": id})
