"""Saving one page of a draft: the transaction behind `submission.save_draft`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from survey_app.store import drafts, erasure, quotas, responses, tallies, waves
from survey_app.store.bodies import code, plain
from survey_app.store.connections import Connection, Row
from survey_app.store.shapes import Accepted, Conflict, Draft, Refused, Wave, to_json


@dataclass(frozen=True)
class SentPage:
    """One page as it was sent: the items of the page, what came for them, and which item is the district.

    known: what a whole set of raw answers says for certain, item name -> clean value. interviewer: who asked it, None
    for a resident; the draft is theirs from then on.
    """

    id: str
    wave: Wave
    page: str
    names: list[str]
    answers: dict[str, Any]
    language: str
    duration_ms: int | None
    address: str | None
    receipt: str
    known: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    interviewer: str | None = None


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


def _merge(connection: Connection, saving: SentPage, row: Row) -> Draft | Refused:
    before = drafts.from_row(row)
    kept = {name: value for name, value in before.answers.items() if name not in saving.names}
    answers = plain({**kept, **saving.answers})
    district = row["district"] if before.invited else code(answers.get(saving.address or ""))
    line = {**drafts.line_of(row), "district": district}
    facts = {"district": district, "mode": line["mode"], "stream": line["stream"]}
    if quotas.is_full(connection, saving.wave.slug, lambda: {**saving.known(answers), **facts}):
        erasure.turn_away(connection, row)
        return Refused("quota")
    after = replace(
        before,
        answers=answers,
        page=saving.page,
        language=saving.language,
        durations=_durations(saving, before),
        updated_on=date.today(),
        interviewer=saving.interviewer,
    )
    drafts.save(connection, after, district)
    if not responses.is_quarantined(connection, saving.id):
        if before.page is None:
            tallies.count(connection, "started", line, saving.id)
        else:
            tallies.move(connection, drafts.line_of(row), line, saving.id)
    return after


def _durations(saving: SentPage, before: Draft) -> dict[str, int]:
    durations = dict(before.durations)
    if saving.duration_ms is not None and saving.duration_ms >= 0:
        durations[saving.page] = durations.get(saving.page, 0) + saving.duration_ms
    return durations


def _page_again(connection: Connection, saving: SentPage, stored: Row) -> Accepted | Conflict:
    """A page that comes after its interview was stored: a double tap, or somebody else on the same address."""
    raw = json.loads(stored["raw"])
    then = {name: raw[name] for name in saving.names if name in raw}
    if stored["wave"] != saving.wave.slug or then != json.loads(to_json(saving.answers)):
        return Conflict()
    tallies.count(connection, "duplicate", stored, saving.id)
    return Accepted(saving.receipt, repeated=True)
