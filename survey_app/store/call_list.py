"""The call list: which drawn person an interviewer tries next, and who has whom in hand.

A case is on the list until somebody has answered for it, a final code stands, or its attempts are used up. One
interviewer has it in hand at a time; a hold that nobody keeps up runs out by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, update

from survey_app.store import attempts, dispositions, invitations
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import Wave
from survey_app.store.tables import disposition, invitation

HOLD = {dispositions.PHONE: 60 * 60, dispositions.FACE_TO_FACE: 12 * 60 * 60}  # seconds
ME: Any = bindparam("the_interviewer")
NOW: Any = bindparam("the_time")
IN_WAVE = invitation.c.wave == bindparam("the_wave")
THE_CASE = and_(IN_WAVE, invitation.c.case == bindparam("the_case"))
OPEN = and_(
    IN_WAVE,
    or_(invitation.c.mode == dispositions.PHONE, invitation.c.mode == dispositions.FACE_TO_FACE),
    invitation.c.used.is_(False),
    invitation.c.disposition.is_(None),
)
_TRIES = (
    select(
        disposition.c.case,
        func.max(disposition.c.attempt).label("number"),
        func.sum(case((disposition.c.time_window == bindparam("the_window"), 1), else_=0)).label("in_window"),
    )
    .where(disposition.c.wave == bindparam("the_wave"))
    .group_by(disposition.c.case)
    .subquery("tries")
)
_LAST = disposition.alias("last")
_JOINED = invitation.outerjoin(_TRIES, _TRIES.c.case == invitation.c.case).outerjoin(
    _LAST,
    and_(
        _LAST.c.wave == invitation.c.wave,
        _LAST.c.case == invitation.c.case,
        _LAST.c.attempt == _TRIES.c.number,
    ),
)
_TRIED = func.coalesce(_TRIES.c.number, 0)
_AGREED = _LAST.c.callback_until.is_not(None)
_FREE = or_(invitation.c.held_by.is_(None), invitation.c.held_by == ME, invitation.c.held_until < NOW)
_MINE_TO_TRY = or_(invitation.c.interviewer.is_(None), invitation.c.interviewer == ME)
_DUE = and_(
    bindparam("the_most") > _TRIED,
    or_(_LAST.c.callback_from.is_(None), _LAST.c.callback_from <= NOW),
    # What was agreed is kept whatever the window; else a case is tried at different times of the week.
    or_(_AGREED, func.coalesce(_TRIES.c.in_window, 0) < bindparam("the_most_in_window")),
)
_FIRST = case(
    (invitation.c.held_by == ME, 0),
    (and_(_AGREED, _LAST.c.callback_until >= NOW), 1),
    (_AGREED, 2),
    else_=3,
)
_NEXT = (
    select(invitation.c.case, _TRIED.label("tried"))
    .select_from(_JOINED)
    .where(OPEN, _FREE, _MINE_TO_TRY, _DUE)
    .where(or_(bindparam("the_mode") == "", invitation.c.mode == bindparam("the_mode")))
    .order_by(
        _FIRST,
        _LAST.c.callback_until,
        invitation.c.interviewer.is_(None),
        _TRIED,
        # Visits go from door to door of one community, calls anywhere.
        case((invitation.c.mode == dispositions.FACE_TO_FACE, invitation.c.psu), else_=""),
        func.random(),
    )
    .limit(1)
    .with_for_update(of=invitation, skip_locked=True)
)
_TRIED_NOW = (
    select(func.coalesce(func.max(disposition.c.attempt), 0).label("tried"))
    .where(disposition.c.wave == bindparam("the_wave"), disposition.c.case == bindparam("the_case"))
)  # fmt: skip
_TAKE = update(invitation).values(held_by=ME, held_until=bindparam("new_until")).where(THE_CASE)
_KEEP = (
    update(invitation).values(held_until=bindparam("new_until")).where(THE_CASE, invitation.c.held_by == ME)
)  # fmt: skip
_LET_GO = update(invitation).values(held_by=None, held_until=None).where(THE_CASE, invitation.c.held_by == ME)
_IN_HAND = (
    select(invitation)
    # Also when the time is over: it is theirs until somebody else takes it.
    .where(OPEN, invitation.c.held_by == ME)
    .order_by(invitation.c.held_until.desc())
    .limit(1)
)
_HELD = _IN_HAND.with_for_update()
_STATE = (
    select(
        invitation.c.case,
        invitation.c.mode,
        invitation.c.district,
        invitation.c.psu,
        invitation.c.interviewer,
        invitation.c.held_by,
        invitation.c.held_until,
        _TRIED.label("tried"),
        func.coalesce(_TRIES.c.in_window, 0).label("in_window"),
        _LAST.c.code,
        _LAST.c.interviewer.label("tried_by"),
        _LAST.c.callback_from,
        _LAST.c.callback_until,
    )
    .select_from(_JOINED)
    .where(OPEN)
)


@dataclass(frozen=True)
class OpenCase:
    """A case that is still on the list. next_from, next_until: seconds since 1970; until only where it was agreed."""

    case: str
    mode: str
    district: str
    psu: str
    interviewer: str | None
    held_by: str | None
    tried: int
    last_code: str | None
    tried_by: str | None
    next_from: int | None
    next_until: int | None


@dataclass(frozen=True)
class Counts:
    """The list as one interviewer finds it: cases to be tried now, agreed call-backs due, cases for later, own ones."""

    now: int = 0
    due: int = 0
    later: int = 0
    own: int = 0


def take_next(store: Store, wave: Wave, interviewer: str, *, now: datetime, mode: str = "") -> Row | None:
    """The next case for an interviewer, held for them; the one in hand first. None when there is none to try now.

    now: local time; mode: "phone", "face_to_face", or "" for either. Agreed call-backs that are due come first, then
    cases assigned to the interviewer, then those with the fewest attempts.
    """
    values = values_of(wave, interviewer, now) | {"the_mode": mode}

    def work(connection: Connection) -> Row | None:
        row = connection.one(_HELD, values)
        while row is None:
            found = connection.one(_NEXT, values)
            if found is None:
                return None
            tried = connection.one(_TRIED_NOW, {**values, "the_case": found["case"]})
            if tried == {"tried": found["tried"]}:  # PostgreSQL: else somebody tried it between our look and our hold
                row = invitations.by_case(connection, wave.slug, found["case"])
        until = int(now.timestamp()) + HOLD[row["mode"]]
        connection.run(_TAKE, {**values, "the_case": row["case"], "new_until": until})
        return {**row, "held_by": interviewer, "held_until": until}

    return store.write(work)


def held(store: Store, wave: Wave, interviewer: str) -> Row | None:
    """The case that an interviewer has in hand, or None."""
    key = {"the_wave": wave.slug, "the_interviewer": interviewer}
    return store.read(lambda connection: connection.one(_IN_HAND, key))


def keep(store: Store, wave: Wave, row: Row, interviewer: str, *, now: datetime) -> bool:
    """Hold on to a case during an interview; False when it is in other hands."""
    until = int(now.timestamp()) + HOLD[row["mode"]]
    key = {"the_wave": wave.slug, "the_case": row["case"], "the_interviewer": interviewer, "new_until": until}
    return store.write(lambda connection: connection.run(_KEEP, key)) == 1


def gone_because(store: Store, wave: Wave, case: str) -> str:
    """Why a case is in an interviewer's hands no more: "used" when it has answered, else "unknown"."""
    row = store.read(lambda connection: invitations.by_case(connection, wave.slug, case))
    return "used" if row is not None and row["used"] else "unknown"


def let_go(store: Store, wave: Wave, case: str, interviewer: str) -> bool:
    """Put a case back without an attempt; False when it was not in this interviewer's hands."""
    key = {"the_wave": wave.slug, "the_case": case, "the_interviewer": interviewer}
    return store.write(lambda connection: connection.run(_LET_GO, key)) == 1


def open_cases(store: Store, wave: Wave, *, now: datetime) -> list[OpenCase]:
    """Every case that is still on the list, by district, psu and case; for those who run the fieldwork."""
    rows = store.read(lambda connection: connection.all(_STATE, values_of(wave, "", now)))
    cases = [_open_case(row, now) for row in rows if row["tried"] < attempts.most(wave)]
    return sorted(cases, key=lambda each: (each.district, each.psu, each.case))


def own_cases(store: Store, wave: Wave, interviewer: str, *, now: datetime) -> list[OpenCase]:
    """The cases assigned to an interviewer, and free ones that the interviewer tried last; soonest first."""
    found = [each for each in open_cases(store, wave, now=now) if belongs(each, interviewer)]
    return sorted(found, key=lambda each: (each.next_from or 0, each.case))


def counts(store: Store, wave: Wave, interviewer: str, *, now: datetime) -> Counts:
    """The list as one interviewer finds it now."""
    rows = store.read(lambda connection: connection.all(_STATE, values_of(wave, interviewer, now)))
    at = int(now.timestamp())
    mine = [row for row in rows if row["interviewer"] in (None, interviewer) and row["tried"] < attempts.most(wave)]
    ready = [row for row in mine if _is_due(row, wave, at) and _is_free(row, interviewer, at)]
    return Counts(
        now=len(ready),
        due=sum(row["callback_until"] is not None for row in ready),
        later=len(mine) - len(ready),
        own=sum(row["interviewer"] == interviewer for row in mine),
    )


def belongs(each: OpenCase, who: str) -> bool:
    """Whether a case is an interviewer's own: assigned, or free and tried by them last."""
    return each.interviewer == who or (each.interviewer is None and each.tried_by == who)


def values_of(wave: Wave, interviewer: str, now: datetime) -> Row:
    """What the statements of the list ask about."""
    most = attempts.most(wave)
    return {
        "the_wave": wave.slug,
        "the_interviewer": interviewer,
        "the_time": int(now.timestamp()),
        "the_window": dispositions.window_of(now),
        "the_most": most,
        "the_most_in_window": -(-most // len(dispositions.WINDOWS)),
    }


def _is_due(row: Row, wave: Wave, at: int) -> bool:
    if row["callback_from"] is not None and row["callback_from"] > at:
        return False
    return row["callback_until"] is not None or row["in_window"] < -(-attempts.most(wave) // len(dispositions.WINDOWS))


def _is_free(row: Row, interviewer: str, at: int) -> bool:
    return row["held_by"] in (None, interviewer) or row["held_until"] < at


def _open_case(row: Row, now: datetime) -> OpenCase:
    in_hand = row["held_until"] is not None and row["held_until"] >= int(now.timestamp())
    return OpenCase(
        **{name: row[name] for name in ("case", "mode", "district", "psu", "interviewer", "tried", "tried_by")},
        held_by=row["held_by"] if in_hand else None,
        last_code=row["code"],
        next_from=row["callback_from"],
        next_until=row["callback_until"],
    )
