"""Taking data out again: at its owner's wish, and when nobody came back to a draft. Counts remain, answers do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import bindparam, delete, select

from survey_app.store import audit, drafts, responses, revisions, tallies
from survey_app.store.bodies import typed_receipt
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import Response, Wave, digest
from survey_app.store.tables import draft, quarantine, response, response_revision
from survey_app.store.waves import slug_of

_BY_RECEIPT = select(response).where(response.c.receipt_hash == bindparam("the_hash"))
_HOLD = _BY_RECEIPT.with_for_update()
_REVISIONS = delete(response_revision).where(response_revision.c.response_id == bindparam("the_id"))
_HELD = delete(quarantine).where(quarantine.c.id == bindparam("the_id"))
# Held: who comes back to one at this moment is either before us, and then it is not stale, or after us.
_STALE = (
    select(draft)
    .where(draft.c.wave == bindparam("the_wave"), draft.c.updated_on < bindparam("the_day"))
    .order_by(draft.c.id)
    .with_for_update()
)


@dataclass(frozen=True)
class Held:
    """An answer that is to be erased: the response as it stands now, and as it stood before each correction."""

    wave: str
    versions: Sequence[Response]


def held(store: Store, receipt: str) -> Held | None:
    """The answer of a receipt code, in every version that a snapshot may hold; None for a code of nothing."""
    hashed = digest(typed_receipt(receipt))

    def work(connection: Connection) -> Held | None:
        row = connection.one(_BY_RECEIPT, {"the_hash": hashed})
        if row is None:
            return None
        now = responses.from_row(row)
        earlier = [json.loads(one["answers"]) for one in revisions.versions(connection, row["id"])]
        return Held(row["wave"], (now, *(replace(now, answers=answers) for answers in earlier)))

    return store.read(work)


def erase(store: Store, receipt: str, also: Callable[[Connection], None] | None = None) -> str | None:
    """Remove the answer of a receipt code with its revisions, draft and quarantined bodies; the wave's slug.

    None for a code that belongs to nothing. The invitation stays used. also: what belongs to the same transaction.
    Snapshots are not touched here: `publish.recutting.erase` does both, and is what a person's wish goes through.
    """
    hashed = digest(typed_receipt(receipt))

    def work(connection: Connection) -> str | None:
        row = connection.one(_HOLD, {"the_hash": hashed})
        if row is None:
            return None
        remove(connection, row)
        audit.record(connection, "response.erased", wave=row["wave"])
        if also is not None:
            also(connection)
        return str(row["wave"])

    return store.write(work)


def remove(connection: Connection, row: Row) -> None:
    """Remove an answer with its revisions, draft and quarantined bodies within a transaction; a count remains."""
    for statement in (_REVISIONS, _HELD):
        connection.run(statement, {"the_id": row["id"]})
    drafts.remove(connection, row["id"])
    responses.remove(connection, row["id"])
    tallies.count(connection, "erased", row, row["id"])


def purge_drafts(store: Store, wave: Wave | str, *, older_than: int) -> int:
    """Remove drafts that nobody saved a page of for `older_than` days; how many.

    Each is counted as expired, except those that were opened only or whose answers are held in quarantine.
    """
    day = (date.today() - timedelta(days=older_than)).isoformat()

    def work(connection: Connection) -> int:
        rows = connection.all(_STALE, {"the_wave": slug_of(wave), "the_day": day})
        for row in rows:
            expire(connection, row)
        if rows:
            audit.record(connection, "drafts.purged", wave=slug_of(wave), count=len(rows))
        return len(rows)

    return store.write(work)


def expire(connection: Connection, row: Row) -> bool:
    """Remove an unfinished draft; True when it counts as an interview that was started and expired.

    One that was opened only does not, nor one whose answers are held in quarantine.
    """
    drafts.remove(connection, row["id"])
    if row["page"] is None or responses.is_quarantined(connection, row["id"]):
        return False
    tallies.count(connection, "expired", drafts.line_of(row), row["id"])
    return True


def turn_away(connection: Connection, row: Row) -> None:
    """End the draft of somebody whose quota is full: the answers go, the count stays, an invitation is not spent."""
    if expire(connection, row):
        tallies.count(connection, "quota_full", drafts.line_of(row), row["id"])
    audit.record(connection, "quota.full", wave=row["wave"])
