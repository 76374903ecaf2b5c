"""The one way an answer gets in: drafts page by page, then one transaction per submission.

Three outcomes of a final submission and no fourth: stored, kept raw in quarantine, or refused with nothing stored.
Ids are random UUIDs: key of the draft and of the answer at once, so that a double tap, a retry or a killed server
make one row.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from questionnaires import AnswerError, Instrument
from survey_app.store import audit, drafts, instruments, invitations, quotas, responses, tallies, waves
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.sealing import seal
from survey_app.store.shapes import (
    Accepted,
    Conflict,
    Draft,
    Quarantined,
    Refused,
    Wave,
    digest,
    to_json,
    today,
)

__all__ = [
    "Accepted",
    "Conflict",
    "Draft",
    "Outcome",
    "Quarantined",
    "Refused",
    "Submission",
    "is_id",
    "new_id",
    "open_invitation",
    "receipt_of",
    "save_draft",
    "seal",
    "submit",
    "submitted",
]

Outcome = Accepted | Conflict | Quarantined | Refused
LARGEST_BODY = 256 * 1024  # characters of JSON; the longest real interview stays under a tenth of it
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Submission:
    """A finished interview as a door hands it in.

    answers    raw, of all pages, item name -> value
    mode       "web", "phone", "face_to_face", "paper"; an invitation's own mode goes before it
    door       which way in: "plain", "streamlit", "console", "import"
    durations  milliseconds per page
    invitation a token, only where no draft was begun with it
    """

    id: str
    answers: Mapping[str, Any]
    language: str = "zh"
    mode: str = "web"
    door: str = "plain"
    durations: Mapping[str, int] = field(default_factory=dict)
    invitation: str | None = None
    fieldwork_date: date | None = None


def new_id() -> str:
    """A fresh id (UUIDv4)."""
    return str(uuid.uuid4())


def is_id(text: str) -> bool:
    """Whether a text has the form of an id: a random UUID, or the UUIDv5 that imports use, in small letters."""
    return _ID.fullmatch(text) is not None


def receipt_of(store: Store, id: str) -> str:
    """The receipt code of an answer: 20 characters in four groups, the same at every repeat."""
    mac = hmac.new(store.settings.secret, f"receipt:{id}".encode(), hashlib.sha256).digest()
    code = base64.b32encode(mac).decode()[:20]
    return "-".join(code[start : start + 5] for start in range(0, 20, 5))


def submitted(store: Store, wave: Wave | str, id: str) -> Accepted | None:
    """The receipt again, when an answer is stored under the id in this wave; None otherwise.

    For the thank-you page right after a submission; an address alone should not be enough to see it.
    """
    row = store.read(lambda connection: responses.find(connection, id))
    if row is None or row["wave"] != waves.slug_of(wave):
        return None
    return Accepted(receipt_of(store, id), repeated=True)


def open_invitation(store: Store, wave: Wave | str, token: str, *, language: str = "zh") -> Draft | Refused:
    """Exchange a token for its draft; the same token leads to the same draft until it is used.

    Refused: "unknown", "expired", "used", or the wave's "closed" or "not open".
    """
    slug = waves.get(store, waves.slug_of(wave)).slug

    def work(connection: Connection) -> Draft | Refused:
        invitation = invitations.by_token(connection, slug, token)
        reason = invitations.unusable_because(invitation, today()) or waves.refusal(connection, slug, date.today())
        if invitation is None or reason:
            return Refused(reason or "unknown")
        row = drafts.of_case(connection, slug, invitation["case"])
        if row is None:
            begun = {name: invitation[name] for name in ("case", "district", "mode")}
            drafts.add(connection, {**begun, "id": new_id(), "wave": slug, "language": language})
            row = drafts.of_case(connection, slug, invitation["case"])
        return drafts.from_row(row) if row else Refused("unknown")

    return store.write(work)


def save_draft(
    store: Store,
    wave: Wave | str,
    draft_id: str,
    page: str,
    answers: Mapping[str, Any],
    *,
    language: str,
    duration_ms: int | None = None,
) -> Draft | Accepted | Conflict | Refused:
    """Merge one page's raw answers into the draft; items of the page that are absent are removed from it.

    What does not belong to the page, or is fixed by the wave, is left aside. An open wave begins a draft here.
    When an answer is already stored under the id: Accepted (repeated) if the page is as it was sent then, else
    Conflict. Refused: the wave is closed or not open yet, or it takes invitations only and there is none ("unknown").
    Raises AnswerError for a page that the instrument does not have or a body too large, StoreError for a malformed id.
    """
    _check_id(draft_id)
    wave = waves.resolve(store, wave)
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    fixed = _preset_names(instrument)
    if language not in instrument.languages:
        language = instrument.default_language
    names = [item.name for item in instrument.page(page).items if item.name not in fixed]
    sent = {name: value for name, value in plain(answers).items() if name in names}
    saving = _Page(draft_id, wave, page, names, sent, language, duration_ms, _address(instrument))
    return store.write(lambda connection: _save(connection, store, saving))


@dataclass(frozen=True)
class _Page:
    id: str
    wave: Wave
    page: str
    names: list[str]
    sent: dict[str, Any]
    language: str
    duration_ms: int | None
    address: str | None


def _save(connection: Connection, store: Store, saving: _Page) -> Draft | Accepted | Conflict | Refused:
    row = drafts.find(connection, saving.id, hold=True)
    stored = responses.find(connection, saving.id)
    if stored is not None:
        return _page_again(connection, store, saving, stored)
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


def _merge(connection: Connection, saving: _Page, row: Row) -> Draft:
    before = drafts.from_row(row)
    kept = {name: value for name, value in before.answers.items() if name not in saving.names}
    durations = dict(before.durations)
    if saving.duration_ms is not None and saving.duration_ms >= 0:
        durations[saving.page] = durations.get(saving.page, 0) + saving.duration_ms
    after = replace(
        before,
        answers=plain({**kept, **saving.sent}),
        page=saving.page,
        language=saving.language,
        durations=durations,
        updated_on=date.today(),
    )
    district = row["district"] if before.invited else _text(after.answers.get(saving.address or ""))
    drafts.save(connection, after, district)
    if before.page is None and not responses.is_quarantined(connection, saving.id):
        stream = "probability" if before.invited else "opt-in"
        tallies.count(connection, "started", {**row, "district": district, "stream": stream}, saving.id)
    return after


def _page_again(connection: Connection, store: Store, saving: _Page, stored: Row) -> Accepted | Conflict:
    """A page that comes after its interview was stored: a double tap, or somebody else on the same address."""
    raw = json.loads(stored["raw"])
    then = {name: raw[name] for name in saving.names if name in raw}
    if stored["wave"] != saving.wave.slug or then != json.loads(to_json(saving.sent)):
        return Conflict()
    tallies.count(connection, "duplicate", stored, saving.id)
    return Accepted(receipt_of(store, saving.id), repeated=True)


def submit(store: Store, wave: Wave | str, submission: Submission) -> Outcome:
    """Store a finished interview in one transaction: answer, spent invitation, quota place, audit row, counts.

    The design (stratum, psu, base weight, mode) comes from the invitation, never from an answer; what the wave presets
    replaces what was sent. A repeat (same id, same body) is Accepted with the same receipt; the same id with another
    body is a Conflict; a body that fails `Instrument.clean` is Quarantined and spends nothing.
    Raises StoreError for an unknown wave or a malformed id, AnswerError for a body that is no mapping of answers or
    too large; nothing is stored then.
    """
    _check_id(submission.id)
    wave = waves.resolve(store, wave)
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    raw = plain(submission.answers)
    language = submission.language if submission.language in instrument.languages else instrument.default_language
    fixed = _preset_names(instrument)
    asked = {name: value for name, value in raw.items() if name not in fixed}
    clean = instrument.clean({**asked, **wave.presets}, language)
    body = to_json(raw)
    arriving = _Arriving(
        submission=submission,
        wave=wave,
        instrument=instrument,
        language=language,
        raw=body,
        body_hash=digest(body),
        answers=clean.answers,
        problems=dict(clean.problems),
        bad_page=clean.first_bad_page,
    )
    receipt = receipt_of(store, submission.id)
    return store.write(lambda connection: _decide(connection, arriving, receipt))


@dataclass(frozen=True)
class _Arriving:
    """A submission with everything that can be worked out before the transaction."""

    submission: Submission
    wave: Wave
    instrument: Instrument
    language: str
    raw: str
    body_hash: str
    answers: Mapping[str, Any]
    problems: dict[str, str]
    bad_page: str | None

    @property
    def id(self) -> str:
        return self.submission.id


def _decide(connection: Connection, new: _Arriving, receipt: str) -> Outcome:
    """The whole transaction. Draft and invitation are held first: of two that race, the second sees the first."""
    slug = new.wave.slug
    draft = drafts.find(connection, new.id, hold=True)
    invitation = None
    if draft is not None and draft["case"] is not None:
        invitation = invitations.by_case(connection, slug, draft["case"])
    elif new.submission.invitation is not None:
        invitation = invitations.by_token(connection, slug, new.submission.invitation)
    stored = responses.find(connection, new.id)
    if stored is not None:
        return _again(connection, new, stored, receipt)
    if draft is not None and draft["wave"] != slug:
        return Conflict()
    reason = waves.refusal(connection, slug, date.today()) or _no_entry(new, draft, invitation)
    if reason:
        return Refused(reason)
    if new.problems:
        return _hold(connection, new, draft, invitation)
    return _store(connection, new, draft, invitation, receipt=receipt)


def _again(connection: Connection, new: _Arriving, stored: Row, receipt: str) -> Outcome:
    if stored["wave"] != new.wave.slug or stored["body_hash"] != new.body_hash:
        return Conflict()
    tallies.count(connection, "duplicate", stored, new.id)
    return Accepted(receipt, repeated=True)


def _no_entry(new: _Arriving, draft: Row | None, invitation: Row | None) -> str | None:
    begun = draft is not None and draft["case"] is not None
    if begun or new.submission.invitation is not None:
        reason = invitations.unusable_because(invitation, today())
        # Who began in time may finish.
        return None if begun and reason == "expired" else reason
    return None if new.wave.open_link else "unknown"


def _design(new: _Arriving, invitation: Row | None) -> Row:
    """Stream, mode and design: the invitation's, or for an open link none at all."""
    if invitation is None:
        district = _text(new.answers.get(_address(new.instrument) or ""))
        none = {"stratum": None, "psu": None, "base_weight": None}
        return {"stream": "opt-in", "mode": new.submission.mode, "district": district, **none}
    copied = {name: invitation[name] for name in ("mode", "district", "stratum", "psu", "base_weight")}
    return {"stream": "probability", **copied}


def _hold(connection: Connection, new: _Arriving, draft: Row | None, invitation: Row | None) -> Quarantined:
    row = {name: value for name, value in _design(new, invitation).items() if name in {"stream", "mode", "district"}}
    row["wave"] = new.wave.slug
    known = responses.is_quarantined(connection, new.id)
    kept = {"id": new.id, "body_hash": new.body_hash, "raw": new.raw, "problems": to_json(new.problems)}
    if responses.add_quarantined(connection, {**row, **kept, "arrived_on": today()}) and not known:
        if draft is None or draft["page"] is None:
            tallies.count(connection, "started", row, new.id)
        tallies.count(connection, "quarantined", row, new.id)
        audit.record(connection, "submission.quarantined", wave=new.wave.slug)
    return Quarantined(new.problems, new.bad_page)


def _store(
    connection: Connection, new: _Arriving, draft: Row | None, invitation: Row | None, *, receipt: str
) -> Outcome:
    row = {**_design(new, invitation), **_content(new), "receipt_hash": digest(receipt)}
    if not responses.add(connection, row):  # PostgreSQL: the same arrived twice at the same moment, without a draft
        stored = responses.find(connection, new.id)
        return _again(connection, new, stored, receipt) if stored else Conflict()
    facts = {**new.answers, **{name: row[name] for name in ("district", "mode", "stream")}}
    if not quotas.take(connection, new.wave.slug, facts):
        responses.remove(connection, new.id)
        return Refused("quota")
    if invitation is not None:
        invitations.spend(
            connection, new.wave.slug, invitation["case"], day=row["arrived_on"], disposition=row["disposition"]
        )
    if draft is not None:
        drafts.remove(connection, new.id)
    held = responses.is_quarantined(connection, new.id)
    if held:
        tallies.count(connection, "released", row, new.id)
    elif draft is None or draft["page"] is None:
        tallies.count(connection, "started", row, new.id)
    tallies.count(connection, "accepted", row, new.id)
    audit.record(connection, "submission.accepted", wave=new.wave.slug)
    return Accepted(receipt)


def _content(new: _Arriving) -> Row:
    roles = new.instrument.with_role("disposition")
    disposition = _text(new.answers.get(roles[0].name)) if roles else None
    return {
        "id": new.id,
        "wave": new.wave.slug,
        "instrument_id": new.instrument.id,
        "instrument_version": new.instrument.version,
        "content_hash": new.instrument.content_hash,
        "door": new.submission.door,
        "language": new.language,
        "answers": to_json(dict(new.answers)),
        "raw": new.raw,
        "body_hash": new.body_hash,
        "consent": _consent(new),
        "disposition": disposition or "complete",
        "arrived_on": today(),
        "fieldwork_date": (new.submission.fieldwork_date or date.today()).isoformat(),
        "durations": to_json({page: int(spent) for page, spent in new.submission.durations.items()}),
        "excluded": None,
    }


def _consent(new: _Arriving) -> str | None:
    """What was agreed to: the item, the answer, the hash of the very text shown, and the day."""
    items = new.instrument.with_role("consent")
    if not items:
        return None
    text = digest(items[0].label(new.language))
    answer = new.answers.get(items[0].name)
    return to_json({"item": items[0].name, "answer": answer, "text_sha256": text, "on": today()})


def plain(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Raw answers as they are kept: no empty ones; text, numbers and lists of text only. Raises AnswerError else."""
    kept = {str(name): _value(name, value) for name, value in answers.items() if value not in (None, "", [], ())}
    size = sum(len(name) + len(str(value)) for name, value in kept.items())
    if size > LARGEST_BODY:
        raise AnswerError(f"The answers have {size} characters; at most {LARGEST_BODY} are taken. Shorten the texts.")
    return kept


def _value(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    if isinstance(value, float) and value - value != 0:
        raise AnswerError(f"Item {name!r}: {value} is no number. Give a finite one, or leave the item out.")
    if not isinstance(value, str | int | float):
        raise AnswerError(
            f"Item {name!r}: a {type(value).__name__} is no answer. Give text, a number or a list of codes."
        )
    return value


def _check_id(id: str) -> None:
    if not is_id(id):
        raise StoreError(f"{id[:40]!r} is no id of a submission. Use a random UUID (version 4) in small letters.")


def _preset_names(instrument: Instrument) -> set[str]:
    return {item.name for item in instrument.with_role("preset")}


def _address(instrument: Instrument) -> str | None:
    """The item that says in which district somebody lives: the first with the role `address`."""
    items = instrument.with_role("address")
    return items[0].name if items else None


def _text(value: Any) -> str | None:
    """A code (of a unit, a disposition), or None for what cannot be one."""
    return value if isinstance(value, str) and len(value) <= 32 else None
