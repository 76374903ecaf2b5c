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
- tables are laid down anew, so that neither row versions (xmin, ctid) nor places on a page tell an order.

An answer keeps its interviewer, its day and its door. What an answer itself says (age, an address that was typed) is no
part of the guarantee, nor are unfinished drafts, backups made before, or a PostgreSQL server's own log.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, insert, or_, select, union, update

from survey_app.store import audit, contacts, erasure
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.rewriting import lay_down_anew
from survey_app.store.tables import audit as audit_table
from survey_app.store.tables import disposition, draft, invitation, paper_entry, response

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

# Written as it stands: the point is the new row version, not a new value. SQLite has no row versions, and there it
# would only make writers wait: laying the file down anew is all that it needs.
_SINCE = response.c.arrived_on >= bindparam("the_day")
_TOUCH_RESPONSES = update(response).values(arrived_on=response.c.arrived_on).where(_SINCE)
_COUNT_RESPONSES = select(func.count().label("count")).select_from(response).where(_SINCE)
_LAST = select(func.max(audit_table.c.on_date).label("day")).where(audit_table.c.action == "sealed")


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
_ANSWERED = select(invitation.c.case).where(_IN_WAVE, invitation.c.used.is_(True))
_USED = select(invitation).where(*_PORTION).order_by(invitation.c.case).with_for_update()
_TAKE_TOKENS = update(invitation).values(token_hash=None).where(*_PORTION)
_GIVE = (
    update(invitation)
    .values({f"{name}": bindparam(f"new_{name}") for name in MIXED})
    .values(dict.fromkeys(CUT))
    .where(_IN_WAVE, invitation.c.case == bindparam("the_case"))
)
_OF_PORTION = _of_used(disposition, *_PORTION)
_ATTEMPTS = select(disposition).where(_OF_PORTION).order_by(disposition.c.case, disposition.c.attempt)
_TAKE_ATTEMPTS = delete(disposition).where(_OF_PORTION)
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
        sealed, answered = store.write(lambda connection: _seal(lambda work: work(connection)))
    else:
        # SQLite has one writer and no row versions: portion by portion, so that answers get in between.
        sealed, answered = _seal(store.write)
    if answered and contacts.contacts_exist(store.settings):
        with contacts.open_contacts(store.settings) as people:
            for wave, cases in answered.items():
                contacts.hide_answered(people, wave, cases)
    complete = lay_down_anew(store.database, REWRITTEN)
    return Sealed(sealed.responses, sealed.invitations, sealed.alone, complete)


def _seal(run: Callable[[Work], Any]) -> tuple[Sealed, dict[str, list[str]]]:
    """The steps, each handed to `run`; and the cases of each wave that had something to seal.

    Killed between two of them, the rest is sealed the next time.
    """
    portions = run(_begin)
    fresh = sum(run(partial(_seal_portion, portion)) for portion in portions)
    answered: dict[str, list[str]] = {
        slug: [row["case"] for row in run(partial(_answered, slug))] for slug in {one.wave for one in portions}
    }
    return run(partial(_end, fresh)), answered


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


def _answered(slug: str, connection: Connection) -> list[Row]:
    return connection.all(_ANSWERED, {"the_wave": slug})


def _end(fresh: int, connection: Connection) -> Sealed:
    if connection.engine.name == "sqlite":
        _remove_beside_answers(connection)  # of those who answered since the beginning
    last = connection.one(_LAST)
    responses = _touch(connection, (last["day"] if last else None) or "")
    alone = connection.one(_ALONE)
    audit.record(connection, "sealed", responses=responses, invitations=fresh)
    return Sealed(responses, fresh, int(alone["count"]) if alone else 0)


def _touch(connection: Connection, since: str) -> int:
    """Write the answers of a day and later anew; how many those are."""
    if connection.engine.name == "postgresql":
        return connection.run(_TOUCH_RESPONSES, {"the_day": since})
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
    connection.run(_TAKE_TOKENS, portion.values)  # no token may stand twice, not even for a moment
    connection.run_many(_GIVE, given)
    connection.run(_TAKE_ATTEMPTS, portion.values)
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
