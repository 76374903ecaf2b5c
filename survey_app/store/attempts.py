"""Contact attempts: what came of each call or visit to a drawn person, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, insert, select, update

from survey_app.store import dispositions, invitations
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Readable, Store
from survey_app.store.errors import WordedError
from survey_app.store.shapes import Wave
from survey_app.store.tables import disposition, invitation
from survey_app.store.waves import slug_of

ATTEMPTS = 6  # contact attempts a case gets at most, where its wave does not say
LONGEST_NOTE = 500  # characters

_OF_CASE = (
    select(disposition)
    .where(disposition.c.wave == bindparam("the_wave"), disposition.c.case == bindparam("the_case"))
    .order_by(disposition.c.attempt)
)
_ADD = insert(disposition)
_SETTLE = (
    update(invitation)
    .values(held_by=None, held_until=None, disposition=func.coalesce(bindparam("new_code"), invitation.c.disposition))
    .where(invitation.c.wave == bindparam("the_wave"), invitation.c.case == bindparam("the_case"))
)
_LAST = (
    select(disposition.c.case, func.max(disposition.c.attempt).label("attempt"))
    .where(disposition.c.wave == bindparam("the_wave"))
    .group_by(disposition.c.case)
    .subquery()
)
_CODES = (
    select(invitation.c.case, invitation.c.disposition, disposition.c.code)
    .select_from(
        invitation.outerjoin(_LAST, _LAST.c.case == invitation.c.case).outerjoin(
            disposition,
            (disposition.c.wave == invitation.c.wave)
            & (disposition.c.case == invitation.c.case)
            & (disposition.c.attempt == _LAST.c.attempt),
        )
    )
    .where(invitation.c.wave == bindparam("the_wave"))
)


@dataclass(frozen=True)
class Attempt:
    """One attempt. on_date, hour (0-23, local) and interviewer are None once the case's answer is sealed.

    callback_from: not to be tried before, seconds since 1970; callback_until: and until then, where it was agreed.
    """

    number: int
    code: str
    mode: str | None
    interviewer: str | None
    on_date: str | None
    hour: int | None
    window: str | None
    note: str | None
    callback_from: int | None
    callback_until: int | None


@dataclass(frozen=True)
class Result:
    """What an interviewer records of an attempt. callback: from and until when to try again, if it was agreed."""

    code: str
    note: str = ""
    callback: tuple[datetime, datetime] | None = None


def of_case(store: Store, wave: Wave | str, case: str) -> list[Attempt]:
    """The attempts of a case, first to last."""
    return store.read(lambda connection: _of_case(connection, slug_of(wave), case))


def most(wave: Wave) -> int:
    """How many attempts a case of the wave gets at most."""
    return int(wave.fieldwork.get("attempts", ATTEMPTS))


def record(store: Store, wave: Wave, case: str, result: Result, *, by: str, now: datetime) -> Attempt:
    """Store what came of an attempt and let go of the case; with a final code it leaves the list.

    now: local time. Raises StoreError for a case that `by` does not hold, a code that cannot be recorded in the case's
    mode, a call-back that cannot be kept, and an attempt beyond the wave's last.
    """

    def work(connection: Connection) -> Attempt:
        held = invitations.by_case(connection, wave.slug, case)
        if held is None or held["held_by"] != by:
            raise WordedError("Case '{case}' is not in your hands any more. Take the next one.", case=case)
        if held["used"]:
            raise WordedError("Case '{case}' has answered meanwhile. Take the next one.", case=case)
        before = _of_case(connection, wave.slug, case)
        return _add(connection, held, _checked(result, held["mode"], now), by=by, now=now, before=before, wave=wave)

    return store.write(work)


def complete(connection: Connection, case: Row, outcome: str, *, by: str, now: datetime) -> None:
    """The attempt that an interview itself is, within the transaction that stores it; the case is let go of."""
    before = _of_case(connection, case["wave"], case["case"])
    row = _row(case, Result(dispositions.code_of(outcome)), by=by, now=now, number=len(before) + 1)
    connection.run(_ADD, row)
    connection.run(_SETTLE, {"the_wave": case["wave"], "the_case": case["case"], "new_code": None})


def groups(store: Store, wave: Wave | str) -> dict[str, int]:
    """Drawn cases by group of the response rates (persons): what came of each, else its last attempt, else untried."""
    rows = store.read(lambda connection: connection.all(_CODES, {"the_wave": slug_of(wave)}))
    return dispositions.groups(row["disposition"] or row["code"] for row in rows)


def outcomes(store: Readable, wave: Wave | str) -> dict[str, str]:
    """Case -> what came of it: what was handed in or a final code, else the code of its last attempt, if it has one."""
    rows = store.read(lambda connection: connection.all(_CODES, {"the_wave": slug_of(wave)}))
    found = {row["case"]: row["disposition"] or row["code"] for row in rows}
    return {case: outcome for case, outcome in found.items() if outcome}


def _of_case(connection: Connection, wave: str, case: str) -> list[Attempt]:
    return [_attempt(row) for row in connection.all(_OF_CASE, {"the_wave": wave, "the_case": case})]


def _add(
    connection: Connection, case: Row, result: Result, *, by: str, now: datetime, before: list[Attempt], wave: Wave
) -> Attempt:
    number = before[-1].number + 1 if before else 1
    if number > most(wave):
        raise WordedError("This case has had its {most} attempts. Put it back and take the next.", most=most(wave))
    if result.callback and number == most(wave):
        raise WordedError(
            "This is the last of {most} attempts: no call-back can be kept. Record it without.", most=most(wave)
        )
    row = _row(case, result, by=by, now=now, number=number)
    connection.run(_ADD, row)
    final = dispositions.ALL[result.code].final
    settled = {"the_wave": wave.slug, "the_case": case["case"], "new_code": result.code if final else None}
    connection.run(_SETTLE, settled)
    return _attempt(row)


def _checked(result: Result, mode: str, now: datetime) -> Result:
    known = dispositions.ALL.get(result.code)
    if known is None or not known.by_hand or mode not in known.modes:
        allowed = ", ".join(each.code for each in dispositions.for_mode(mode))
        raise WordedError(
            "Code '{code}' cannot be recorded here. Codes are: {allowed}.", code=result.code, allowed=allowed
        )
    if len(result.note) > LONGEST_NOTE:
        raise WordedError("The note is longer than {most} characters. Shorten it.", most=LONGEST_NOTE)
    if result.callback is None:
        return result
    if known.final:
        raise WordedError("Code {code} is final: nobody tries again. Leave the call-back out.", code=result.code)
    begin, end = result.callback
    if not now <= end or not begin < end:
        raise WordedError("The call-back must end after it begins, and not in the past. Give another time.")
    return result


def _row(case: Row, result: Result, *, by: str, now: datetime, number: int) -> Row:
    begin, end = _again(result, now)
    return {
        "wave": case["wave"],
        "case": case["case"],
        "attempt": number,
        "code": result.code,
        "interviewer": by,
        "on_date": now.date().isoformat(),
        "note": result.note.strip() or None,
        "mode": case["mode"],
        "hour": now.hour,
        "time_window": dispositions.window_of(now),
        "callback_from": begin,
        "callback_until": end,
    }


def _again(result: Result, now: datetime) -> tuple[int | None, int | None]:
    """Not before and not after, seconds since 1970."""
    if result.callback:
        return int(result.callback[0].timestamp()), int(result.callback[1].timestamp())
    wait = dispositions.ALL[result.code].wait
    return (int((now + timedelta(hours=wait)).timestamp()), None) if wait else (None, None)


def _attempt(row: Row) -> Attempt:
    names = ("code", "mode", "interviewer", "on_date", "hour", "note", "callback_from", "callback_until")
    return Attempt(number=row["attempt"], window=row["time_window"], **{name: row[name] for name in names})
