"""Sealing: after it, nothing in the stores tells which answer came from which invitation.

**The guarantee.** Within a wave, an answer and a used invitation share what the design puts on both: stratum, psu,
mode and outcome (its disposition). Every used invitation of that cell is an equally good match for every answer of it:
joining the store of the answers and the contact store over all columns, hidden ones included, and over the bytes of the
files, finds no pair better than chance. Used invitations keep no day; where a list is worked off in the order of its
case numbers the number tells the day nevertheless, and the guarantee then holds among the answers of one day. A cell
with a single used invitation has nothing to be mixed with; `Sealed.alone` counts those.

**What is cut or mixed for it.**
- used invitations lose the day, the interviewer they were assigned to and who had them in hand;
- token, expiry, batch and attempts to reach somebody change places at random among the used invitations of a cell. A
  batch goes out on a day, a token opens a door that the answer names, an attempt has a mode: kept in their place they
  would tell answers apart. Counted by district, psu, mode, batch or outcome they remain exact, and a used link is still
  known as used;
- attempts of used cases keep number, mode and code; interviewer, day, hour, time window, call-back and note go;
- drafts and keyed sheets that a used case still has are removed: their answers would be those of the response;
- the contact store forgets the language of cases that have answered, in a transaction of its own;
- answers and held bodies are written anew in the order of their ids and tables laid down anew, so that neither row
  versions (xmin, ctid), nor the numbers of long texts, nor places on a page tell an order.

An answer keeps its interviewer, its day and its door. What an answer itself says (age, an address that was typed) is no
part of the guarantee, nor is a PostgreSQL server's own log. **It is about the stores as they stand, not about copies.**
Whoever holds two states of them (backups, snapshots with their list of cases), both sealed, sees which invitations were
used in between and which answers came: it then holds among those of a cell. A draft has the id that its answer will
have: whoever holds a state with it knows whose the answer is, however late it came.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, insert, or_, select, union, update

from survey_app.store import audit, contacts, erasure, invitations
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.rewriting import lay_down_anew
from survey_app.store.tables import audit as audit_table
from survey_app.store.tables import disposition, draft, invitation, paper_entry, quarantine, response

CELL = ("stratum", "psu", "mode", "disposition")
MIXED = ("token_hash", "expires", "batch")
DRAWN = (
    *("wave", "case", "district", *CELL, "inclusion_probability_psu", "inclusion_probability_person", "base_weight"),
    *("weighting_class", "used"),
)
ATTEMPT = ("wave", "case", "attempt", "code", "mode")
# What is not named above goes: a column that somebody adds is cut until it is thought about here.
CUT = tuple(column.name for column in invitation.columns if column.name not in (*DRAWN, *MIXED))
CUT_OF_ATTEMPT = tuple(column.name for column in disposition.columns if column.name not in ATTEMPT)
# Each holds ids or cases; laying them down anew also removes what deleted rows left behind in the files.
REWRITTEN = ("response", "invitation", "draft", "quarantine", "disposition", "paper_entry")
PORTION = 2000  # used invitations that are sealed while writers wait
Work = Callable[[Connection], Any]
_CHANCE = random.SystemRandom()

# Written as they stand: the point is the new row version, not a new value. PostgreSQL keeps a long text in a place of
# its own, under a number that is given out in the order of arrival and outlives CLUSTER: only a text put together anew
# gets a new one. SQLite has neither, and there it would only make writers wait: laying the file down anew is all it
# needs.
_SINCE = response.c.arrived_on >= bindparam("the_day")
_FRESH = select(response.c.id).where(_SINCE).order_by(response.c.id)
_TOUCH = (
    update(response)
    .values(answers=response.c.answers + "", raw=response.c.raw + "")
    .where(response.c.id == bindparam("the_id"))
)
_HELD = (
    select(quarantine.c.id, quarantine.c.body_hash)
    .where(quarantine.c.arrived_on >= bindparam("the_day"))
    .order_by(quarantine.c.id, quarantine.c.body_hash)
)
_TOUCH_HELD = (
    update(quarantine)
    .values(raw=quarantine.c.raw + "", problems=quarantine.c.problems + "")
    .where(quarantine.c.id == bindparam("the_id"), quarantine.c.body_hash == bindparam("the_hash"))
)
_COUNT_RESPONSES = select(func.count().label("count")).select_from(response).where(_SINCE)
# A clock that ran ahead once may have sealed in days to come; what is sealed today goes by the days before.
_LAST = select(func.max(audit_table.c.on_date).label("day")).where(
    audit_table.c.action == "sealed", audit_table.c.on_date <= bindparam("the_day")
)


_PORTION = (
    invitation.c.wave == bindparam("the_wave"),
    invitation.c.psu.between(bindparam("first_psu"), bindparam("last_psu")),
    invitation.c.used.is_(True),
)


def _of_used(table: Table, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that a row belongs to a case that has answered."""
    same = (invitation.c.wave == table.c.wave, invitation.c.case == table.c.case)
    return select(invitation.c.case).where(*same, invitation.c.used.is_(True), *more).exists()


_UNSEALED = union(
    select(invitation.c.wave).where(
        invitation.c.used.is_(True), or_(*(invitation.c[name].is_not(None) for name in CUT))
    ),
    select(disposition.c.wave).where(
        _of_used(disposition), or_(*(disposition.c[name].is_not(None) for name in CUT_OF_ATTEMPT))
    ),
)
_DRAFTS = select(draft).where(_of_used(draft)).with_for_update()
_SHEETS = delete(paper_entry).where(_of_used(paper_entry))
_IN_WAVE = invitation.c.wave == bindparam("the_wave")
_PSUS = (
    select(invitation.c.psu, func.count().label("count"))
    .where(_IN_WAVE, invitation.c.used.is_(True))
    .group_by(invitation.c.psu)
    .order_by(invitation.c.psu)  # the database's order, which "between" goes by too
)
_USED = select(invitation).where(*_PORTION).order_by(invitation.c.case).with_for_update()
_THE_CASE = (_IN_WAVE, invitation.c.case == bindparam("the_case"))
_TAKE_TOKEN = update(invitation).values(token_hash=None).where(*_THE_CASE)
_GIVE = (
    update(invitation)
    .values({f"{name}": bindparam(f"new_{name}") for name in MIXED})
    .values(dict.fromkeys(CUT))
    .where(*_THE_CASE)
)
_OF_PORTION = _of_used(disposition, *_PORTION)
_ATTEMPTS = select(disposition).where(_OF_PORTION).order_by(disposition.c.case, disposition.c.attempt)
_TAKE_ATTEMPTS = delete(disposition).where(
    disposition.c.wave == bindparam("the_wave"), disposition.c.case == bindparam("the_case")
)
_ADD_ATTEMPT = insert(disposition)
_CELLS = (
    select(func.count().label("size"))
    .where(invitation.c.used.is_(True), invitation.c.disposition == "complete")
    .group_by(invitation.c.wave, *(invitation.c[name] for name in CELL))
    .subquery()
)
_ALONE = select(func.count().label("count")).select_from(_CELLS).where(_CELLS.c.size == 1)


@dataclass(frozen=True)
class Sealed:
    """What a sealing did.

    responses    how many were written anew; invitations: how many used ones were sealed for the first time
    alone        completed interviews, of all waves, that are the only one of their cell: whoever holds the sample can
                 still tell whose they are
    complete     False when somebody held the database file so long that old pages are still in it: seal again
    """

    responses: int
    invitations: int
    alone: int = 0
    complete: bool = True


@dataclass(frozen=True)
class Portion:
    """Psus of a wave, from the first to the last in the database's order, whose invitations are sealed together."""

    wave: str
    first: str
    last: str

    @property
    def values(self) -> dict[str, str]:
        """As the statements take it."""
        return {"the_wave": self.wave, "first_psu": self.first, "last_psu": self.last}


def seal(store: Store) -> Sealed:
    """Cut every trace that links answers to invitations (nightly, and before each snapshot)."""
    if store.settings.database_url:
        # One transaction, so that no row version tells one portion of the invitations from another.
        sealed = store.write(lambda connection: _seal(lambda work: work(connection)))
    else:
        # SQLite has one writer and no row versions: portion by portion, so that answers get in between.
        sealed = _seal(store.write)
    hidden = _hide_languages(store)
    return replace(sealed, complete=lay_down_anew(store.database, REWRITTEN) and hidden)


def _hide_languages(store: Store) -> bool:
    """Of everybody who has answered, whenever: contacts may be loaded again after the seal; False as `complete`."""
    if not contacts.contacts_exist(store.settings):
        return True
    with contacts.open_contacts(store.settings) as people:
        speaking = contacts.with_language(people)
        answered = {wave: cases & invitations.answered(store, wave) for wave, cases in speaking.items()}
        return contacts.hide_answered(people, answered)


def _seal(run: Callable[[Work], Any]) -> Sealed:
    """The steps, each handed to `run`. Killed between two of them, the rest is sealed the next time."""
    portions = run(_begin)
    fresh = sum(run(partial(_seal_portion, portion)) for portion in portions)
    sealed: Sealed = run(partial(_end, fresh))
    return sealed


def _begin(connection: Connection) -> list[Portion]:
    """Drafts are held before invitations, as in a submission: two that wait for each other cannot be."""
    _remove_beside_answers(connection)
    found = []
    for slug in [row["wave"] for row in connection.all(_UNSEALED)]:
        rows = connection.all(_PSUS, {"the_wave": slug})
        found += _portions(slug, [(row["psu"], int(row["count"])) for row in rows])
    return found


def _portions(slug: str, psus: Sequence[tuple[str, int]]) -> list[Portion]:
    """Runs of psus with about PORTION used invitations each; a cell lies within one psu, so none is cut."""
    found: list[Portion] = []
    size = PORTION
    for psu, count in psus:
        if size >= PORTION:
            found.append(Portion(slug, psu, psu))
            size = 0
        found[-1] = replace(found[-1], last=psu)
        size += count
    return found


def _remove_beside_answers(connection: Connection) -> None:
    """Drafts and keyed sheets of cases that have answered."""
    for row in connection.all(_DRAFTS):
        erasure.expire(connection, row)
    connection.run(_SHEETS)


def _seal_portion(portion: Portion, connection: Connection) -> int:
    """How many of its used invitations were not sealed before."""
    used = connection.all(_USED, portion.values)
    _mix(connection, portion, used)
    return sum(row["used_on"] is not None for row in used)


def _end(fresh: int, connection: Connection) -> Sealed:
    if connection.engine.name == "sqlite":
        _remove_beside_answers(connection)  # of those who answered since the beginning
    responses = _touch(connection, _since(connection))
    alone = connection.one(_ALONE)
    audit.record(connection, "sealed", responses=responses, invitations=fresh)
    return Sealed(responses, fresh, int(alone["count"]) if alone else 0)


def _since(connection: Connection) -> str:
    """The day before the last sealing: who came in at midnight may have been stored after it under its day."""
    last = connection.one(_LAST, {"the_day": date.today().isoformat()})
    day = last["day"] if last else None
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat() if day else ""


def _touch(connection: Connection, since: str) -> int:
    """Write the answers of a day and later anew, one by one in the order of their ids; how many those are."""
    if connection.engine.name == "postgresql":
        fresh = [{"the_id": row["id"]} for row in connection.all(_FRESH, {"the_day": since})]
        held = connection.all(_HELD, {"the_day": since})
        connection.run_many(_TOUCH, fresh)
        connection.run_many(_TOUCH_HELD, [{"the_id": row["id"], "the_hash": row["body_hash"]} for row in held])
        return len(fresh)
    counted = connection.one(_COUNT_RESPONSES, {"the_day": since})
    return int(counted["count"]) if counted else 0


def _mix(connection: Connection, portion: Portion, used: Sequence[Row]) -> None:
    """Deal tokens, batches and attempts out anew within each cell, and leave nothing of day and interviewer."""
    donors = _donors(used)
    attempts = defaultdict(list)
    for row in connection.all(_ATTEMPTS, portion.values):
        attempts[row["case"]].append({**row, **dict.fromkeys(CUT_OF_ATTEMPT)})
    given = []
    dealt = []
    for row in used:
        donor = donors[row["case"]]
        given.append(
            {"the_wave": portion.wave, "the_case": row["case"], **{f"new_{name}": donor[name] for name in MIXED}}
        )
        dealt += [{**attempt, "case": row["case"]} for attempt in attempts[donor["case"]]]
    # Case by case, as they were looked at and held: who answers at this very moment is left for the next time.
    cases = [{"the_wave": portion.wave, "the_case": row["case"]} for row in used]
    connection.run_many(_TAKE_TOKEN, cases)  # no token may stand twice, not even for a moment
    connection.run_many(_GIVE, given)
    connection.run_many(_TAKE_ATTEMPTS, [one for one in cases if one["the_case"] in attempts])
    connection.run_many(_ADD_ATTEMPT, dealt)


def _donors(used: Iterable[Row]) -> dict[str, Row]:
    """For each case the row, of its own cell, whose token and attempts it gets."""
    cells: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in used:
        cells[tuple(row[name] for name in CELL)].append(row)
    donors: dict[str, Row] = {}
    for members in cells.values():
        shuffled = _CHANCE.sample(members, len(members))
        donors |= {row["case"]: donor for row, donor in zip(members, shuffled, strict=True)}
    return donors
