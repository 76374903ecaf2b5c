"""What is past its time: answers after the instrument's retention days, drafts that nobody came back to, contacts.

Counts remain, so that the reconciliation still holds; aggregates that were published remain too. Snapshots of a wave
hold answers row by row, and go with the first of them.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

from sqlalchemy import bindparam, func, select, update

from survey_app.store import audit, contacts, erasure, files, instruments, publications, waves
from survey_app.store.connections import Connection
from survey_app.store.database import Store
from survey_app.store.errors import StoreError, WordedError
from survey_app.store.reconciliation import DRAFT_DAYS
from survey_app.store.rewriting import lay_down_anew
from survey_app.store.sealing import REWRITTEN as SEALED
from survey_app.store.tables import audit as audit_table
from survey_app.store.tables import draft, quarantine, response

# What was deleted leaves these files; corrections hold answers too.
REWRITTEN = (*SEALED, "response_revision")
CLOCK_CONFIRMED = "clock.confirmed"
PAUSE_DAYS = 60  # a longer silence in the audit, and retention asks whether the clock is right
_DAYS = select(audit_table.c.on_date, audit_table.c.action).group_by(audit_table.c.on_date, audit_table.c.action)
_PAST = (response.c.wave == bindparam("the_wave"), response.c.arrived_on < bindparam("the_day"))
_HELD_PAST = (
    quarantine.c.wave == bindparam("the_wave"),
    quarantine.c.arrived_on < bindparam("the_day"),
    quarantine.c.raw != "",
)
_COUNT = select(func.count().label("count")).select_from(response).where(*_PAST)
_ANSWERS = select(response).where(*_PAST).with_for_update()
_COUNT_HELD = select(func.count().label("count")).select_from(quarantine).where(*_HELD_PAST)
_HELD = select(quarantine.c.id, quarantine.c.body_hash).where(*_HELD_PAST)
_EMPTY = (
    update(quarantine)
    .values(raw="", problems="{}", body_hash=bindparam("new_hash"))
    .where(quarantine.c.id == bindparam("the_id"), quarantine.c.body_hash == bindparam("the_hash"))
)
_COUNT_DRAFTS = (
    select(func.count().label("count"))
    .select_from(draft)
    .where(draft.c.wave == bindparam("the_wave"), draft.c.updated_on < bindparam("the_day"))
)


@dataclass(frozen=True)
class Due:
    """What of a wave is past its time. days: how long its instrument lets answers be kept, None: it does not say.

    held: bodies in quarantine, of which only the count stays. snapshots: folders that hold answers.
    """

    wave: str
    days: int | None
    answers: int = 0
    held: int = 0
    drafts: int = 0
    contacts: int = 0
    snapshots: tuple[Path, ...] = ()


def require_clock(store: Store, *, confirmed: bool = False) -> None:
    """Raise StoreError where the days of the audit jump ahead: a clock that is wrong would delete everything.

    confirmed: somebody looked at the clock and it is right; that is noted, and earlier jumps are not asked about again.
    """
    if confirmed:
        audit.note(store, CLOCK_CONFIRMED)
        return
    rows = store.read(lambda connection: connection.all(_DAYS))
    sure = max((row["on_date"] for row in rows if row["action"] == CLOCK_CONFIRMED), default="")
    days = sorted({row["on_date"] for row in rows} | {date.today().isoformat()})
    for before, after in pairwise(days):
        gap = (date.fromisoformat(after) - date.fromisoformat(before)).days
        if after > sure and gap > PAUSE_DAYS:
            raise WordedError(
                "The days jump from {before} to {after}: either nothing was done here in between, or the clock is "
                "wrong, and then answers would be deleted before their time. Look at the clock; if it is right, run "
                "`sandu retention --clock-is-right` once. Nothing was deleted.",
                before=before,
                after=after,
            )


def due(store: Store) -> list[Due]:
    """What would be deleted today, wave by wave; also waves of which nothing would."""
    people = {}
    if contacts.contacts_exist(store.settings):
        with contacts.open_contacts(store.settings) as book:
            people = contacts.past(book, date.today())
    return [_due(store, slug, people.pop(slug, 0)) for slug in waves.slugs(store)]


def _due(store: Store, slug: str, people: int) -> Due:
    wave = waves.get(store, slug)
    days = instruments.load(store, wave.instrument_id, wave.instrument_version).settings.retention_days

    def work(connection: Connection) -> list[int]:
        counted = [(_COUNT_DRAFTS, _before(DRAFT_DAYS))]
        if days is not None:
            counted += [(_COUNT, _before(days)), (_COUNT_HELD, _before(days))]
        rows = [connection.one(sql, {"the_wave": slug, "the_day": day}) for sql, day in counted]
        return [int(row["count"]) if row else 0 for row in rows]

    drafts, answers, held = (*store.read(work), 0, 0)[:3]
    folder = store.settings.snapshots / slug
    snapshots = tuple(sorted(folder.glob("[!.]*"))) if answers and folder.is_dir() else ()
    return Due(slug, days, answers, held, drafts, people, snapshots)


def apply(store: Store, found: list[Due]) -> None:
    """Delete it, with an audit row for each wave of which something went; also finish erasures that were cut short."""
    for path in publications.unfinished(store):
        with files.alone(path.parent):
            publications.settle(store, path.parent.name)
    for one in found:
        if one.answers or one.held:
            _apply(store, one)
        if one.drafts:
            erasure.purge_drafts(store, one.wave, older_than=DRAFT_DAYS)
        if one.contacts:
            audit.note(store, "contacts.forgotten", wave=one.wave, contacts=one.contacts)
    if any(one.contacts for one in found):
        with contacts.open_contacts(store.settings) as book:
            contacts.forget_past(book, date.today())
    lay_down_anew(store.database, REWRITTEN)


def _apply(store: Store, one: Due) -> None:
    """Snapshots first: whoever is killed in between leaves answers that are still due, and with them the rest.

    Nobody makes a snapshot of the wave meanwhile; one made since it was looked at goes as well.
    """
    folder = store.settings.snapshots / one.wave
    try:
        with files.alone(folder):
            for snapshot in folder.iterdir():
                if one.answers and snapshot.is_dir():
                    shutil.rmtree(snapshot)
            store.write(partial(_delete, one))
    except OSError as error:
        raise StoreError(
            f"The snapshots in {folder} cannot be removed ({error.strerror}); make the folder writable, then run "
            "`sandu retention` again."
        ) from error


def _delete(one: Due, connection: Connection) -> None:
    values = {"the_wave": one.wave, "the_day": _before(one.days or 0)}
    answers = connection.all(_ANSWERS, values)
    for row in answers:
        erasure.remove(connection, row)
    held = connection.all(_HELD, values)
    connection.run_many(
        _EMPTY,
        [{"the_id": row["id"], "the_hash": row["body_hash"], "new_hash": secrets.token_hex(32)} for row in held],
    )
    gone = {"answers": len(answers), "held": len(held), "snapshots": len(one.snapshots)}
    audit.record(connection, "retention.applied", wave=one.wave, days=one.days, gone=gone)


def _before(days: int) -> str:
    """The day before which something is past its time."""
    return (date.today() - timedelta(days=days)).isoformat()
