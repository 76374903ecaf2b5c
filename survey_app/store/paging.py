"""Saving one page of a draft: the transaction behind `submission.save_draft`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from survey_app.store import drafts, responses, tallies, waves
from survey_app.store.bodies import code, plain
from survey_app.store.connections import Connection, Row
from survey_app.store.shapes import Accepted, Conflict, Draft, Refused, Wave, to_json


@dataclass(frozen=True)
class SentPage:
    """One page as it was sent: the items of the page, what came for them, and which item is the district."""

    id: str
    wave: Wave
    page: str
    names: list[str]
    answers: dict[str, Any]
    language: str
    duration_ms: int | None
    address: str | None
    receipt: str


def save(connection: Connection, saving: SentPage) -> Draft | Accepted | Conflict | Refused:
    """The whole transaction of a page."""
    row = drafts.find(connection, saving.id, hold=True)
    stored = responses.find(connection, saving.id)
    if stored is not None:
        return _page_again(connection, saving, stored)
    reason = waves.refusal(connection, saving.wave.slug, date.today())
    if reason:
        return Refused(reason)
    if row is None:
        if not saving.wave.open_link:
            return Refused("unknown")
        begun = {"id": saving.id, "wave": saving.wave.slug, "mode": "web", "language": saving.language}
        drafts.add(connection, begun)
        row = drafts.find(connection, saving.id, hold=True)
    if row is None or row["wave"] != saving.wave.slug:
        return Conflict()
    return _merge(connection, saving, row)


def _merge(connection: Connection, saving: SentPage, row: Row) -> Draft:
    before = drafts.from_row(row)
    kept = {name: value for name, value in before.answers.items() if name not in saving.names}
    durations = dict(before.durations)
    if saving.duration_ms is not None and saving.duration_ms >= 0:
        durations[saving.page] = durations.get(saving.page, 0) + saving.duration_ms
    after = replace(
        before,
        answers=plain({**kept, **saving.answers}),
        page=saving.page,
        language=saving.language,
        durations=durations,
        updated_on=date.today(),
    )
    district = row["district"] if before.invited else code(after.answers.get(saving.address or ""))
    drafts.save(connection, after, district)
    if before.page is None and not responses.is_quarantined(connection, saving.id):
        stream = "probability" if before.invited else "opt-in"
        tallies.count(connection, "started", {**row, "district": district, "stream": stream}, saving.id)
    return after


def _page_again(connection: Connection, saving: SentPage, stored: Row) -> Accepted | Conflict:
    """A page that comes after its interview was stored: a double tap, or somebody else on the same address."""
    raw = json.loads(stored["raw"])
    then = {name: raw[name] for name in saving.names if name in raw}
    if stored["wave"] != saving.wave.slug or then != json.loads(to_json(saving.answers)):
        return Conflict()
    tallies.count(connection, "duplicate", stored, saving.id)
    return Accepted(saving.receipt, repeated=True)
