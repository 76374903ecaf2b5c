"""Stored answers, and what is kept beside them: quarantined bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from survey_app.store import audit
from survey_app.store.connections import Connection, Row, Values
from survey_app.store.database import Readable, Store
from survey_app.store.shapes import Response, Wave
from survey_app.store.tables import quarantine, response
from survey_app.store.waves import slug_of

_ADD = insert(response).on_conflict_do_nothing()
_FIND = select(response).where(response.c.id == bindparam("the_id"))
_HOLD = _FIND.with_for_update()
_STREAM = select(response).where(response.c.wave == bindparam("the_wave"), response.c.excluded.is_(None))
_STREAM_ALL = select(response).where(response.c.wave == bindparam("the_wave"))
_EXCLUDE = update(response).values(excluded=bindparam("new_rule")).where(response.c.id == bindparam("the_id"))
_REMOVE = delete(response).where(response.c.id == bindparam("the_id"))
_HELD = (
    select(quarantine.c.wave, quarantine.c.district, quarantine.c.mode, quarantine.c.stream)
    .where(quarantine.c.id == bindparam("the_id"))
    .limit(1)
)
_QUARANTINE = insert(quarantine).on_conflict_do_nothing()


def stream(store: Readable, wave: Wave | str, *, with_excluded: bool = False) -> Iterator[Response]:
    """Every counted response of a wave, in no order that means anything.

    with_excluded: also those that a rule excludes. One consistent view: what arrives meanwhile does not appear.
    """
    with store.reading() as connection:
        for row in connection.each(_STREAM_ALL if with_excluded else _STREAM, {"the_wave": slug_of(wave)}):
            yield from_row(row)


def find(connection: Connection, id: str, *, hold: bool = False) -> Row | None:
    """The row under an id; hold: nobody else changes or removes it until the transaction ends."""
    return connection.one(_HOLD if hold else _FIND, {"the_id": id})


def add(connection: Connection, row: Values) -> bool:
    """Store an answer; False when there is one under its id."""
    return connection.run(_ADD, row) == 1


def add_quarantined(connection: Connection, row: Values) -> bool:
    """Keep a body that does not hold; False when the very same is already kept."""
    return connection.run(_QUARANTINE, row) == 1


def is_quarantined(connection: Connection, id: str) -> bool:
    """Whether a body is kept under the id."""
    return held_line(connection, id) is not None


def held_line(connection: Connection, id: str) -> Row | None:
    """wave, district, mode and stream that a quarantined interview counts in; None when no body is kept."""
    return connection.one(_HELD, {"the_id": id})


def remove(connection: Connection, id: str) -> int:
    """Delete an answer."""
    return connection.run(_REMOVE, {"the_id": id})


def exclude(store: Store, id: str, rule: str | None) -> bool:
    """Leave a response out of what counts, naming the rule, or with None take it in again; False for an unknown id."""

    def work(connection: Connection) -> bool:
        row = find(connection, id)
        if row is None:
            return False
        connection.run(_EXCLUDE, {"the_id": id, "new_rule": rule})
        audit.record(connection, "response.excluded" if rule else "response.included", wave=row["wave"], rule=rule)
        return True

    return store.write(work)


def from_row(row: Row) -> Response:
    """A stored row as a Response."""
    plain = (
        *("id", "wave", "stream", "mode", "door", "language", "district", "stratum", "psu", "base_weight"),
        *("disposition", "instrument_id", "instrument_version", "content_hash", "excluded", "interviewer", "present"),
    )
    return Response(
        **{name: row[name] for name in plain},
        answers=json.loads(row["answers"]),
        durations=json.loads(row["durations"]),
        arrived_on=date.fromisoformat(row["arrived_on"]),
        fieldwork_date=date.fromisoformat(row["fieldwork_date"]),
    )
