"""Taking a finished interview in: the one transaction behind `submission.submit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from questionnaires import Instrument
from survey_app.store import (
    attempts,
    audit,
    dispositions,
    drafts,
    erasure,
    invitations,
    paper,
    quotas,
    responses,
    revisions,
    tallies,
    waves,
)
from survey_app.store.bodies import address_item, code
from survey_app.store.connections import Connection, Row
from survey_app.store.shapes import Accepted, Conflict, Quarantined, Refused, Wave, digest, to_json, today

Outcome = Accepted | Conflict | Quarantined | Refused


@dataclass(frozen=True)
class Arriving:
    """A submission with everything that can be worked out before the transaction."""

    id: str
    token: str | None
    mode: str
    door: str
    fieldwork_date: date
    durations: Mapping[str, int]
    wave: Wave
    instrument: Instrument
    language: str
    raw: str
    body_hash: str
    answers: Mapping[str, Any]
    problems: dict[str, str]
    bad_page: str | None
    receipt: str
    interviewer: str | None = None
    present: str | None = None
    sheet: paper.Settled | None = None

    @cached_property
    def content(self) -> Row:
        """The columns that hang on nothing in the database: worked out by who hands in, not in the transaction."""
        roles = self.instrument.with_role("disposition")
        disposition = code(self.answers.get(roles[0].name)) if roles else None
        return {
            "id": self.id,
            "wave": self.wave.slug,
            "instrument_id": self.instrument.id,
            "instrument_version": self.instrument.version,
            "content_hash": self.instrument.content_hash,
            "door": self.door,
            "language": self.language,
            "answers": to_json(dict(self.answers)),
            "raw": self.raw,
            "body_hash": self.body_hash,
            "consent": _consent(self),
            "disposition": disposition or "complete",
            "arrived_on": today(),
            "fieldwork_date": self.fieldwork_date.isoformat(),
            "durations": to_json(dict(self.durations)),
            "excluded": None,
            "interviewer": self.interviewer,
            "present": self.present,
        }


def decide(connection: Connection, new: Arriving) -> Outcome:
    """The whole transaction. Draft and invitation are held first: of two that race, the second sees the first."""
    slug = new.wave.slug
    draft = drafts.find(connection, new.id, hold=True)
    invitation = None
    if draft is not None and draft["case"] is not None:
        invitation = invitations.by_case(connection, slug, draft["case"])
    elif new.token is not None:
        invitation = invitations.by_token(connection, slug, new.token)
    stored = responses.find(connection, new.id)
    if stored is not None:
        return _again(connection, new, stored)
    if draft is not None and draft["wave"] != slug:
        return Conflict()
    reason = waves.refusal(connection, slug, date.today()) or _no_entry(new, draft, invitation)
    if reason:
        return Refused(reason)
    if new.problems:
        return _hold(connection, new, draft, invitation)
    return _store(connection, new, draft, invitation)


def _again(connection: Connection, new: Arriving, stored: Row) -> Outcome:
    same = stored["body_hash"] == new.body_hash or revisions.was_sent(connection, new.id, new.body_hash)
    if stored["wave"] != new.wave.slug or not same:
        return Conflict()
    tallies.count(connection, "duplicate", stored, new.id)
    return Accepted(new.receipt, repeated=True)


def _no_entry(new: Arriving, draft: Row | None, invitation: Row | None) -> str | None:
    begun = draft is not None and draft["case"] is not None
    if begun or new.token is not None:
        reason = invitations.unusable_because(invitation, today())
        # Who began in time may finish.
        return None if begun and reason == "expired" else reason
    return None if new.wave.open_link else "unknown"


def _design(new: Arriving, invitation: Row | None) -> Row:
    """Stream, mode and design: the invitation's, or for an open link none at all."""
    if invitation is None:
        district = code(new.answers.get(address_item(new.instrument) or ""))
        none = {"stratum": None, "psu": None, "base_weight": None}
        return {"stream": "opt-in", "mode": new.mode, "district": district, **none}
    copied = {name: invitation[name] for name in ("district", "stratum", "psu", "base_weight")}
    # Whoever was drawn may have filled in a sheet of paper; any other mode is the draw's.
    return {"stream": "probability", "mode": "paper" if new.mode == "paper" else invitation["mode"], **copied}


def _hold(connection: Connection, new: Arriving, draft: Row | None, invitation: Row | None) -> Quarantined:
    design = _design(new, invitation)
    line = {"wave": new.wave.slug, **{name: design[name] for name in ("stream", "mode", "district")}}
    # Every body under one id counts in the line of the first, so that the held interview is in one line only.
    known = responses.held_line(connection, new.id)
    kept = {"id": new.id, "body_hash": new.body_hash, "raw": new.raw, "problems": to_json(new.problems)}
    if responses.add_quarantined(connection, {**(known or line), **kept, "arrived_on": today()}) and not known:
        _count_start(connection, new.id, draft, line)
        tallies.count(connection, "quarantined", line, new.id)
        audit.record(connection, "submission.quarantined", wave=new.wave.slug)
    return Quarantined(new.problems, new.bad_page)


def _store(connection: Connection, new: Arriving, draft: Row | None, invitation: Row | None) -> Outcome:
    row = {**_design(new, invitation), **new.content, "receipt_hash": digest(new.receipt)}
    if not responses.add(connection, row):  # PostgreSQL: the same arrived twice at the same moment, without a draft
        stored = responses.find(connection, new.id)
        return _again(connection, new, stored) if stored else Conflict()
    facts = {**new.answers, **{name: row[name] for name in ("district", "mode", "stream")}}
    # Who refuses or is not eligible fills no cell, and may say so although the cell is full.
    if row["disposition"] == "complete" and not quotas.take(connection, new.wave.slug, facts):
        responses.remove(connection, new.id)
        if draft is not None:
            erasure.turn_away(connection, draft)
        return Refused("quota")
    if invitation is not None:
        invitations.spend(
            connection, new.wave.slug, invitation["case"], day=row["arrived_on"], disposition=row["disposition"]
        )
        if new.interviewer is not None and row["mode"] in dispositions.MODES:
            attempts.complete(connection, invitation, row["disposition"], by=new.interviewer, now=datetime.now())
    if new.sheet is not None:
        paper.settle(connection, new.wave.slug, new.sheet)
    if draft is not None:
        drafts.remove(connection, new.id)
    held = responses.held_line(connection, new.id)
    if held:
        tallies.move(connection, held, row, new.id)
        tallies.count(connection, "released", held, new.id)
    else:
        _count_start(connection, new.id, draft, row)
    tallies.count(connection, "accepted", row, new.id)
    audit.record(connection, "submission.accepted", wave=new.wave.slug)
    return Accepted(new.receipt)


def _count_start(connection: Connection, id: str, draft: Row | None, line: Row) -> None:
    """A whole interview that came at once starts here; one with pages saved started then, maybe in another line."""
    if draft is None or draft["page"] is None:
        tallies.count(connection, "started", line, id)
    else:
        tallies.move(connection, drafts.line_of(draft), line, id)


def _consent(new: Arriving) -> str | None:
    """What was agreed to: the item, the answer, the hash of the very text shown, and the day."""
    items = new.instrument.with_role("consent")
    if not items:
        return None
    text = digest(items[0].label(new.language))
    answer = new.answers.get(items[0].name)
    return to_json({"item": items[0].name, "answer": answer, "text_sha256": text, "on": today()})
