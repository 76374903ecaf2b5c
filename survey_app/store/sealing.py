"""Sealing: after it, nothing in the store tells which answer came from which invitation.

Within a wave, a response keeps stratum, psu and mode (the design) and its day of arrival; a used invitation keeps
stratum, psu, mode and its disposition, and no day. Every used invitation of the same psu, mode and disposition in the
wave is therefore an equally good match. Hidden columns are dealt with too: on PostgreSQL rows get one common xmin and
are laid down anew in the order of their random ids; SQLite's tables have no row number, and its log is emptied.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update

from survey_app.store import audit
from survey_app.store.connections import Connection
from survey_app.store.database import Store
from survey_app.store.tables import audit as audit_table
from survey_app.store.tables import invitation, response

# Written as it stands: the point is the new row version, not a new value.
_TOUCH_RESPONSES = (
    update(response).values(arrived_on=response.c.arrived_on).where(response.c.arrived_on >= bindparam("the_day"))
)
_FORGET_DAYS = update(invitation).values(used_on=None).where(invitation.c.used_on.is_not(None))
_LAST = select(func.max(audit_table.c.on_date).label("day")).where(audit_table.c.action == "sealed")
# Each holds ids or cases; rewriting them also removes what deleted rows left behind in the files.
REWRITTEN = ("response", "invitation", "draft", "quarantine")


@dataclass(frozen=True)
class Sealed:
    """How many responses and used invitations were sealed anew."""

    responses: int
    invitations: int


def seal(store: Store) -> Sealed:
    """Cut every trace that links answers to invitations (nightly, and before each snapshot)."""
    sealed = store.write(_seal)
    with store.database.outside() as connection:
        if connection.engine.name == "postgresql":
            for name in REWRITTEN:
                connection.run(f"CLUSTER {name} USING pk_{name}")
        else:
            connection.one("PRAGMA wal_checkpoint(TRUNCATE)")
    return sealed


def _seal(connection: Connection) -> Sealed:
    last = connection.one(_LAST)
    since = (last["day"] if last else None) or ""
    sealed = Sealed(
        responses=connection.run(_TOUCH_RESPONSES, {"the_day": since}), invitations=connection.run(_FORGET_DAYS)
    )
    audit.record(connection, "sealed", responses=sealed.responses, invitations=sealed.invitations)
    return sealed
