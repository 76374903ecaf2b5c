"""Drawn cases and their single-use tokens; a token is stored as its hash only.

A token is 128 random bits as 26 letters and digits of Crockford's base 32, which a person can type from paper: no
letter looks like a digit, and capitals, blanks and hyphens do not matter.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import date

from sqlalchemy import bindparam, func, insert, select, update

from survey_app.store.connections import Connection, Row
from survey_app.store.database import Readable, Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Case, Wave, digest, from_date
from survey_app.store.tables import draft, invitation
from survey_app.store.waves import slug_of

TOKEN_BITS = 128
TOKEN_LENGTH = 26
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LOOKALIKES = str.maketrans({"o": "0", "i": "1", "l": "1", "-": "", " ": ""})
CASE_FIELDS = tuple(field.name for field in fields(Case))

_ADD = insert(invitation)
_CASES = select(invitation).where(invitation.c.wave == bindparam("the_wave")).order_by(invitation.c.case)
_BY_CASE = (
    select(invitation)
    .where(invitation.c.wave == bindparam("the_wave"), invitation.c.case == bindparam("the_case"))
    .with_for_update()
)
_BY_TOKEN = (
    select(invitation)
    .where(invitation.c.wave == bindparam("the_wave"), invitation.c.token_hash == bindparam("the_hash"))
    .with_for_update()
)
_MINT = (
    update(invitation)
    .values(token_hash=bindparam("new_hash"), expires=bindparam("new_expires"), batch=bindparam("new_batch"))
    .where(
        invitation.c.wave == bindparam("the_wave"),
        invitation.c.case == bindparam("the_case"),
        invitation.c.used.is_(False),
    )
)
_SPEND = (
    update(invitation)
    .values(used=True, used_on=bindparam("new_day"), disposition=bindparam("new_disposition"))
    .where(
        invitation.c.wave == bindparam("the_wave"),
        invitation.c.case == bindparam("the_case"),
        invitation.c.used.is_(False),
    )
)
_WAITING_ALL = (
    select(invitation)
    .where(
        invitation.c.wave == bindparam("the_wave"),
        invitation.c.used.is_(False),
        invitation.c.mode == bindparam("the_mode"),
    )
    .order_by(func.random())
)
_ANSWERED = select(invitation.c.case).where(invitation.c.wave == bindparam("the_wave"), invitation.c.used.is_(True))
_BEGUN = select(draft.c.id).where(draft.c.wave == invitation.c.wave, draft.c.case == invitation.c.case).exists()
_WAITING = _WAITING_ALL.where(invitation.c.token_hash.is_(None), ~_BEGUN)


def draw(store: Store, wave: Wave | str, cases: Iterable[Case]) -> int:
    """Store the drawn cases of a wave, without tokens; how many. Raises StoreError when a case is already there."""
    unknown = ("token_hash", "expires", "used_on", "interviewer", "held_by", "held_until", "batch")
    empty = {**dict.fromkeys(unknown), "used": False}
    rows = [{**asdict(case), **empty, "wave": slug_of(wave)} for case in cases]
    store.write(lambda connection: connection.run_many(_ADD, rows))
    return len(rows)


def cases(store: Readable, wave: Wave | str) -> list[Case]:
    """Every drawn case of a wave, ordered by case, with what came of it."""
    values = {"the_wave": slug_of(wave)}
    with store.reading() as connection:
        return [_case(row) for row in connection.each(_CASES, values)]


def new_token() -> str:
    """A fresh token, in no store yet."""
    number = secrets.randbits(TOKEN_BITS)
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(TOKEN_LENGTH))


def token_hash(token: str) -> str:
    """What is stored of a token, however somebody typed it."""
    return digest(token.lower().translate(LOOKALIKES))


def answered(store: Store, wave: Wave | str) -> set[str]:
    """Every case of a wave whose invitation is used."""
    rows = store.read(lambda connection: connection.all(_ANSWERED, {"the_wave": slug_of(wave)}))
    return {row["case"] for row in rows}


def waiting(store: Store, wave: Wave | str, *, mode: str = "web", again: bool = False) -> list[Case]:
    """Drawn cases of a mode that have not answered and have neither token nor draft; again: all that have not answered.

    In random order, because who comes first must tell nothing.
    """
    values = {"the_wave": slug_of(wave), "the_mode": mode}
    rows = store.read(lambda connection: connection.all(_WAITING_ALL if again else _WAITING, values))
    return [_case(row) for row in rows]


def mint(
    store: Store,
    wave: Wave | str,
    case_ids: Sequence[str],
    expires: date | None = None,
    *,
    batch: str | None = None,
    tokens: Sequence[str] | None = None,
) -> list[str]:
    """A fresh token per case, in their order; an earlier token of the case ends.

    expires: the last day on which a token opens a form, or None. batch: the name under which they go out. tokens: made
    before with `new_token`, where they had to be written down first. Raises StoreError for a case that is unknown or
    has answered; no token is made then.
    """
    tokens = [new_token() for _ in case_ids] if tokens is None else list(tokens)

    def work(connection: Connection) -> None:
        for case, token in zip(case_ids, tokens, strict=True):
            values = {
                "the_wave": slug_of(wave),
                "the_case": case,
                "new_hash": token_hash(token),
                "new_expires": from_date(expires),
                "new_batch": batch,
            }
            if connection.run(_MINT, values) != 1:
                raise StoreError(
                    f"Case {case!r} of wave {slug_of(wave)!r} is unknown or has already answered. "
                    "Leave it out and mint again."
                )

    store.write(work)
    return tokens


def by_token(connection: Connection, wave: str, token: str) -> Row | None:
    """The invitation that a token belongs to, held until the transaction ends."""
    return connection.one(_BY_TOKEN, {"the_wave": wave, "the_hash": token_hash(token)})


def by_case(connection: Connection, wave: str, case: str) -> Row | None:
    """The invitation of a case, held until the transaction ends."""
    return connection.one(_BY_CASE, {"the_wave": wave, "the_case": case})


def spend(connection: Connection, wave: str, case: str, *, day: str, disposition: str) -> bool:
    """Mark an invitation as used; False when it was already."""
    values = {"the_wave": wave, "the_case": case, "new_day": day, "new_disposition": disposition}
    return connection.run(_SPEND, values) == 1


def unusable_because(row: Row | None, day: str) -> str | None:
    """Why an invitation opens no form, "unknown", "used" or "expired", or None when it does."""
    if row is None:
        return "unknown"
    if row["used"]:
        return "used"
    if row["expires"] is not None and day > row["expires"]:
        return "expired"
    return None


def _case(row: Row) -> Case:
    return Case(**{name: row[name] for name in CASE_FIELDS})
