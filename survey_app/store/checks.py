"""`sandu check`: is the file whole, the audit chain unbroken, do the counts add up, is every answer what was sent."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from survey_app.store import audit, publications, reconciliation, waves
from survey_app.store.connections import Connection
from survey_app.store.database import Store
from survey_app.store.shapes import digest
from survey_app.store.tables import audit as audit_table
from survey_app.store.tables import invitation, response, tally

_BODIES = select(response.c.id, response.c.raw, response.c.body_hash)
_AUDITED = (
    select(audit_table.c.wave, func.count().label("count"))
    .where(audit_table.c.action == "submission.accepted")
    .group_by(audit_table.c.wave)
)
_TALLIED = (
    select(tally.c.wave, func.sum(tally.c.count).label("count"))
    .where(tally.c.event == "accepted")
    .group_by(tally.c.wave)
)
_SPENT = (
    select(invitation.c.wave, func.count().label("count"))
    .where(invitation.c.used.is_(True))
    .group_by(invitation.c.wave)
)
_INVITED = (
    select(response.c.wave, func.count().label("count"))
    .where(response.c.stream == "probability")
    .group_by(response.c.wave)
)
_ERASED = (
    select(tally.c.wave, func.sum(tally.c.count).label("count"))
    .where(tally.c.event == "erased", tally.c.stream == "probability")
    .group_by(tally.c.wave)
)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. kind: "integrity" | "audit" | "reconciliation" | "content" | "erasure"."""

    kind: str
    sentence: str


def check(store: Store) -> list[Finding]:
    """Everything that is wrong with the store; an empty list is the good news. Works while answers come in."""
    findings = [Finding("audit", sentence) for sentence in audit.verify(store)]
    with store.reading() as connection:
        findings += _integrity(connection)
        findings += _content(connection)
        findings += _counts(connection)
    for slug in waves.slugs(store):
        findings += [Finding("reconciliation", sentence) for sentence in reconciliation.equations(store, slug)]
    return findings + [
        Finding(
            "erasure",
            f"An erasure was cut short: {path} still waits to take the place of a snapshot. "
            "Run `sandu retention`, which finishes it.",
        )
        for path in publications.unfinished(store)
    ]


def _integrity(connection: Connection) -> list[Finding]:
    """SQLite can look through its own file; PostgreSQL checks pages as it reads them (data checksums)."""
    if connection.engine.name != "sqlite":
        return []
    wrong = [row["integrity_check"] for row in connection.all("PRAGMA integrity_check")]
    orphans = connection.all("PRAGMA foreign_key_check")
    findings = [Finding("integrity", f"The database file is damaged: {line}.") for line in wrong if line != "ok"]
    return findings + [
        Finding("integrity", f"A row of {row['table']} refers to a row that is gone.") for row in orphans
    ]


def _content(connection: Connection) -> list[Finding]:
    return [
        Finding("content", f"Response {row['id']} was altered: its body does not fit its hash.")
        for row in connection.each(_BODIES)
        if digest(row["raw"]) != row["body_hash"]
    ]


def _counts(connection: Connection) -> list[Finding]:
    """Three independent counts of the same thing: audit rows, tally, invitations spent."""
    audited, tallied, spent, invited, erased = (
        {row["wave"]: int(row["count"]) for row in connection.all(statement)}
        for statement in (_AUDITED, _TALLIED, _SPENT, _INVITED, _ERASED)
    )
    findings = [
        Finding(
            "reconciliation",
            f"Wave {slug!r}: {audited.get(slug, 0)} audit rows against {tallied.get(slug, 0)} submissions accepted.",
        )
        for slug in sorted(audited.keys() | tallied.keys())
        if audited.get(slug, 0) != tallied.get(slug, 0)
    ]
    return findings + [
        Finding(
            "reconciliation",
            f"Wave {slug!r}: {spent.get(slug, 0)} invitations spent against "
            f"{invited.get(slug, 0) + erased.get(slug, 0)} answers of invited people.",
        )
        for slug in sorted(spent.keys() | invited.keys())
        if spent.get(slug, 0) != invited.get(slug, 0) + erased.get(slug, 0)
    ]
