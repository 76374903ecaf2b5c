"""Interviews under way, one row each, under the id that the answer will have."""

from __future__ import annotations

import json
from datetime import date

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import Draft, Wave, to_json, today
from survey_app.store.tables import draft
from survey_app.store.waves import slug_of

_ADD = insert(draft).on_conflict_do_nothing()
_FIND = select(draft).where(draft.c.id == bindparam("the_id"))
_HOLD = select(draft).where(draft.c.id == bindparam("the_id")).with_for_update()
_LOCK = text("SELECT 1 FROM pg_advisory_xact_lock(hashtextextended(:the_id, 0))")
_BY_CASE = select(draft).where(draft.c.wave == bindparam("the_wave"), draft.c.case == bindparam("the_case"))
_HOLD_CASE = _BY_CASE.with_for_update()
_SAVE = (
    update(draft)
    .values(
        answers=bindparam("new_answers"),
        page=bindparam("new_page"),
        language=bindparam("new_language"),
        district=bindparam("new_district"),
        durations=bindparam("new_durations"),
        interviewer=bindparam("new_interviewer"),
        updated_on=bindparam("new_day"),
    )
    .where(draft.c.id == bindparam("the_id"))
)
_TAKE_OVER = update(draft).values(interviewer=bindparam("new_interviewer")).where(draft.c.id == bindparam("the_id"))
_REMOVE = delete(draft).where(draft.c.id == bindparam("the_id"))


def get(store: Store, wave: Wave | str, id: str) -> Draft | None:
    """The draft under an id, or None when there is none in this wave."""
    row = store.read(lambda connection: connection.one(_FIND, {"the_id": id}))
    return from_row(row) if row and row["wave"] == slug_of(wave) else None


def find(connection: Connection, id: str, *, hold: bool = False) -> Row | None:
    """The row under an id; hold: nobody else does anything under this id until the transaction ends."""
    if not hold:
        return connection.one(_FIND, {"the_id": id})
    row = connection.one(_HOLD, {"the_id": id})
    if row is None and connection.engine.name == "postgresql":
        # No row to hold: two first arrivals of one id wait for each other on its name. SQLite has one writer anyway.
        connection.one(_LOCK, {"the_id": id})
        row = connection.one(_HOLD, {"the_id": id})
    return row


def of_case(connection: Connection, wave: str, case: str, *, hold: bool = False) -> Row | None:
    """The draft that an invitation has led to; hold: as in `find`, and before the invitation is."""
    return connection.one(_HOLD_CASE if hold else _BY_CASE, {"the_wave": wave, "the_case": case})


def add(connection: Connection, row: Row) -> bool:
    """Begin a draft; False when there is already one under its id or for its case."""
    unknown = ("case", "district", "page", "interviewer", "resume_hash", "resume_until")
    empty = {**dict.fromkeys(unknown), "answers": "{}", "durations": "{}", "updated_on": today()}
    return connection.run(_ADD, {**empty, **row}) == 1


def by_resident(row: Row) -> bool:
    """Whether a resident typed what a draft holds, rather than an interviewer."""
    return row["interviewer"] is None and row["page"] is not None


def take_over(connection: Connection, id: str, interviewer: str) -> None:
    """The draft is this interviewer's from now on."""
    connection.run(_TAKE_OVER, {"the_id": id, "new_interviewer": interviewer})


def save(connection: Connection, changed: Draft, district: str | None) -> None:
    """Write a draft back."""
    values = {
        "the_id": changed.id,
        "new_answers": to_json(dict(changed.answers)),
        "new_page": changed.page,
        "new_language": changed.language,
        "new_district": district,
        "new_durations": to_json(dict(changed.durations)),
        "new_interviewer": changed.interviewer,
        "new_day": changed.updated_on.isoformat(),
    }
    connection.run(_SAVE, values)


def remove(connection: Connection, id: str) -> int:
    """Delete a draft, and with it the link between its id and an invitation."""
    return connection.run(_REMOVE, {"the_id": id})


def line_of(row: Row) -> Row:
    """The row with its stream: with wave, district and mode the line of the reconciliation that it counts in."""
    return {**row, "stream": "opt-in" if row["case"] is None else "probability"}


def from_row(row: Row) -> Draft:
    """A stored row as a Draft."""
    return Draft(
        id=row["id"],
        wave=row["wave"],
        answers=json.loads(row["answers"]),
        page=row["page"],
        language=row["language"],
        invited=row["case"] is not None,
        durations=json.loads(row["durations"]),
        updated_on=date.fromisoformat(row["updated_on"]),
        mode=row["mode"],
        interviewer=row["interviewer"],
    )
