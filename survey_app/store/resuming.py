"""Resume codes: eight characters by which a draft is taken up on another device, for a week at most.

The code is worked out from the draft's id and the installation's secret, so it can be shown again; the database holds
only its keyed hash, which nobody can try codes against without the secret. It dies with the draft.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import bindparam, exists, select, update

from survey_app.store.connections import Connection, Row
from survey_app.store.shapes import from_date
from survey_app.store.tables import draft

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
DAYS = 7
_TRIES = 4  # codes of one draft, should another draft hold the first
_OTHER = draft.alias("other")
_GIVE = (
    update(draft)
    .values(page=bindparam("new_page"), resume_hash=bindparam("new_hash"), resume_until=bindparam("new_until"))
    .where(draft.c.id == bindparam("the_id"))
    .where(~exists().where(_OTHER.c.resume_hash == bindparam("new_hash"), _OTHER.c.id != bindparam("the_id")))
)
_FIND = select(draft.c.id).where(
    draft.c.wave == bindparam("the_wave"),
    draft.c.resume_hash == bindparam("the_hash"),
    draft.c.resume_until >= bindparam("the_day"),
)


@dataclass(frozen=True)
class ResumeCode:
    """A code as it is shown, in two groups of four, and the last day on which it opens the draft."""

    text: str
    until: date


def give(connection: Connection, row: Row, secret: bytes, after: str | None) -> ResumeCode | None:
    """Let a draft be taken up by its code from today on, behind the page `after` (None: behind the one saved last).

    One without a page saved begins at the first: it has not started. None when four codes in a row belong to others.
    """
    until = date.today() + timedelta(days=DAYS)
    for number in range(_TRIES):
        code = _code(secret, row["id"], number)
        values = {
            "the_id": row["id"],
            "new_page": (after or row["page"]) if row["page"] else None,
            "new_hash": _hashed(secret, row["wave"], code),
            "new_until": from_date(until),
        }
        if connection.run(_GIVE, values) == 1:
            return ResumeCode(_shown(code), until)
    return None


def given(row: Row, secret: bytes) -> ResumeCode | None:
    """The code that a draft has been given, while it holds."""
    if row["resume_hash"] is None or row["resume_until"] < date.today().isoformat():
        return None
    codes = (_code(secret, row["id"], number) for number in range(_TRIES))
    found = (code for code in codes if _hashed(secret, row["wave"], code) == row["resume_hash"])
    return next((ResumeCode(_shown(code), date.fromisoformat(row["resume_until"])) for code in found), None)


def find(connection: Connection, wave: str, typed: str, secret: bytes) -> str | None:
    """The id of the draft that a typed code belongs to. A malformed code is looked up like any other."""
    values = {"the_wave": wave, "the_hash": _hashed(secret, wave, read(typed)), "the_day": date.today().isoformat()}
    row = connection.one(_FIND, values)
    return row["id"] if row else None


def read(typed: str) -> str:
    """A code as somebody typed it: any letter case or width, spaces and hyphens, O for 0, I or L for 1."""
    letters = unicodedata.normalize("NFKC", typed[:64]).upper().translate(_LOOKALIKES)
    return "".join(letter for letter in letters if letter in ALPHABET)


def _code(secret: bytes, id: str, number: int) -> str:
    mac = hmac.new(secret, f"resume code {number}:{id}".encode(), hashlib.sha256).digest()
    bits = int.from_bytes(mac[:5], "big")
    return "".join(ALPHABET[bits >> shift & 31] for shift in range(35, -1, -5))


def _hashed(secret: bytes, wave: str, code: str) -> str:
    return hmac.new(secret, f"resume hash:{wave}:{code}".encode(), hashlib.sha256).hexdigest()


def _shown(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"
