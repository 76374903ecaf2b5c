"""Who runs the fieldwork: cases assigned to interviewers and taken back, and how each interviewer gets on."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select, update

from survey_app.store import audit, dispositions
from survey_app.store.call_list import IN_WAVE, ME, NOW, OPEN, THE_CASE, belongs, open_cases, values_of
from survey_app.store.connections import Connection
from survey_app.store.database import Store
from survey_app.store.errors import WordedError
from survey_app.store.shapes import Wave
from survey_app.store.tables import account, disposition, invitation, response

_UNASSIGNED = (
    select(invitation.c.case)
    .where(OPEN, invitation.c.interviewer.is_(None))
    .where(or_(invitation.c.held_by.is_(None), invitation.c.held_until < NOW))
    .where(invitation.c.mode == bindparam("the_mode"))
    .where(or_(bindparam("the_district") == "", invitation.c.district == bindparam("the_district")))
    .order_by(invitation.c.psu, func.random())
    .limit(bindparam("the_count"))
    .with_for_update(skip_locked=True)
)
_ASSIGN = update(invitation).values(interviewer=ME).where(THE_CASE)
_TAKE_BACK = (
    update(invitation)
    .values(interviewer=None, held_by=None, held_until=None)
    .where(IN_WAVE, invitation.c.used.is_(False))
    .where(or_(invitation.c.interviewer == ME, invitation.c.held_by == ME))
)
_TRIES = (
    select(disposition.c.interviewer, func.count().label("count"))
    .where(disposition.c.wave == bindparam("the_wave"), disposition.c.interviewer.is_not(None))
    .group_by(disposition.c.interviewer)
)
# A refusal that ended an interview at its consent is an answer; the others stand with their case.
_REFUSALS = (
    select(disposition.c.interviewer, func.count().label("count"))
    .join(invitation, and_(invitation.c.wave == disposition.c.wave, invitation.c.case == disposition.c.case))
    .where(disposition.c.wave == bindparam("the_wave"), disposition.c.interviewer.is_not(None))
    .where(or_(disposition.c.code == dispositions.REFUSED, disposition.c.code == dispositions.BROKEN_OFF))
    .where(invitation.c.used.is_(False))
    .group_by(disposition.c.interviewer)
)
_ANSWERS = (
    select(response.c.interviewer, response.c.disposition, func.count().label("count"))
    .where(response.c.wave == bindparam("the_wave"), response.c.interviewer.is_not(None))
    .where(or_(response.c.mode == dispositions.PHONE, response.c.mode == dispositions.FACE_TO_FACE))
    .group_by(response.c.interviewer, response.c.disposition)
)
_INTERVIEWERS = (
    select(account.c.name, account.c.display_name)
    .where(account.c.role == "interviewer", account.c.disabled.is_(False))
    .order_by(account.c.name)
)


@dataclass(frozen=True)
class Progress:
    """How an interviewer gets on (cases, attempts, interviews).

    assigned, in_hand and due (agreed call-backs whose time has come) as of now. Attempts are counted until the answer
    of their case is sealed, interviews always.
    """

    interviewer: str
    name: str
    assigned: int
    in_hand: int
    due: int
    attempts: int
    complete: int
    refused: int
    not_eligible: int


def interviewers(store: Store) -> dict[str, str]:
    """Account -> name of everybody who may sign in as an interviewer."""
    rows = store.read(lambda connection: connection.all(_INTERVIEWERS))
    return {row["name"]: row["display_name"] for row in rows}


def assign(
    store: Store, wave: Wave, interviewer: str, *, mode: str, count: int, by: str, now: datetime, district: str = ""
) -> int:
    """Assign up to `count` free cases of a mode, of one district or any, community by community; how many.

    Raises StoreError where nobody of that name is an interviewer.
    """
    if interviewer not in interviewers(store):
        raise WordedError("There is no interviewer '{name}'. Make the account first: sandu user add.", name=interviewer)
    values = values_of(wave, interviewer, now) | {"the_mode": mode, "the_district": district, "the_count": count}

    def work(connection: Connection) -> int:
        cases = [row["case"] for row in connection.all(_UNASSIGNED, values)]
        for each in cases:
            connection.run(_ASSIGN, {**values, "the_case": each})
        audit.record(connection, "cases.assigned", actor=by, wave=wave.slug, to=interviewer, count=len(cases))
        return len(cases)

    return store.write(work)


def take_back(store: Store, wave: Wave, interviewer: str, *, by: str) -> int:
    """Take every unfinished case from an interviewer, in hand or assigned, and put it on the list; how many."""

    def work(connection: Connection) -> int:
        count = connection.run(_TAKE_BACK, {"the_wave": wave.slug, "the_interviewer": interviewer})
        audit.record(connection, "cases.released", actor=by, wave=wave.slug, of=interviewer, count=count)
        return count

    return store.write(work)


def progress(store: Store, wave: Wave, *, now: datetime) -> list[Progress]:
    """How every interviewer of the wave gets on, ordered by account."""
    key = {"the_wave": wave.slug}
    with store.reading() as connection:
        tries = {row["interviewer"]: row["count"] for row in connection.all(_TRIES, key)}
        answers = connection.all(_ANSWERS, key)
        done = Counter({(row["interviewer"], row["disposition"]): row["count"] for row in answers})
        done.update({(row["interviewer"], "refused"): row["count"] for row in connection.all(_REFUSALS, key)})
    names = interviewers(store)
    work = _at_work(store, wave, now=now)
    everybody = sorted({*names, *tries, *work, *(who for who, _ in done)})
    return [
        Progress(
            interviewer=who,
            name=names.get(who, who),
            **{name: work[who][name] for name in ("assigned", "in_hand", "due")},
            attempts=tries.get(who, 0),
            **{outcome: done[who, outcome] for outcome in ("complete", "refused", "not_eligible")},
        )
        for who in everybody
    ]


def _at_work(store: Store, wave: Wave, *, now: datetime) -> defaultdict[str, Counter[str]]:
    """Interviewer -> cases assigned, in hand, and agreed call-backs due."""
    at = int(now.timestamp())
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in open_cases(store, wave, now=now):
        for who in {name for name in (each.interviewer, each.held_by, each.tried_by) if name}:
            counts = found[who]
            counts["assigned"] += each.interviewer == who
            counts["in_hand"] += each.held_by == who
            counts["due"] += belongs(each, who) and each.next_until is not None and (each.next_from or 0) <= at
    return found
