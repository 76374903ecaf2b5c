"""The one way an answer gets in: drafts page by page, then one transaction per submission.

Three outcomes of a final submission and no fourth: stored, kept raw in quarantine, or refused with nothing stored.
Ids are random UUIDs: key of the draft and of the answer at once, so that a double tap, a retry or a killed server
make one row.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from questionnaires import Instrument
from survey_app.store import bodies, drafts, instruments, intake, invitations, paging, responses, revisions, waves
from survey_app.store.bodies import is_id
from survey_app.store.connections import Connection
from survey_app.store.database import Store
from survey_app.store.erasure import erase
from survey_app.store.intake import Outcome
from survey_app.store.sealing import seal
from survey_app.store.shapes import Accepted, Conflict, Draft, Quarantined, Refused, Wave, digest, to_json, today

__all__ = [
    "Accepted",
    "Conflict",
    "Draft",
    "Outcome",
    "Quarantined",
    "Refused",
    "Submission",
    "erase",
    "is_id",
    "new_id",
    "open_invitation",
    "receipt_of",
    "revise",
    "save_draft",
    "seal",
    "submit",
    "submitted",
]


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


def receipt_of(store: Store, id: str) -> str:
    """The receipt code of an answer: 20 characters in four groups, the same at every repeat."""
    return bodies.receipt(store.settings.secret, id)


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
    slug = waves.resolve(store, wave).slug

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
    bodies.check_id(draft_id)
    wave = waves.resolve(store, wave)
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    fixed = bodies.preset_names(instrument)
    names = [item.name for item in instrument.page(page).items if item.name not in fixed]
    sent = paging.SentPage(
        id=draft_id,
        wave=wave,
        page=page,
        names=names,
        answers={name: value for name, value in bodies.plain(answers).items() if name in names},
        language=_spoken(instrument, language),
        duration_ms=duration_ms,
        address=bodies.address_item(instrument),
        receipt=receipt_of(store, draft_id),
    )
    return store.write(lambda connection: paging.save(connection, sent))


def submit(store: Store, wave: Wave | str, submission: Submission) -> Outcome:
    """Store a finished interview in one transaction: answer, spent invitation, quota place, audit row, counts.

    The design (stratum, psu, base weight, mode) comes from the invitation, never from an answer; what the wave presets
    replaces what was sent. A repeat (same id, same body) is Accepted with the same receipt; the same id with another
    body is a Conflict; a body that fails `Instrument.clean` is Quarantined and spends nothing. Refused: "closed",
    "not open", "used", "expired", "quota", or "unknown" (no such invitation, or none where the wave needs one).
    Raises StoreError for an unknown wave or a malformed id, AnswerError for a body that is no mapping of answers or
    too large; nothing is stored then.
    """
    bodies.check_id(submission.id)
    wave = waves.resolve(store, wave)
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    language = _spoken(instrument, submission.language)
    raw = bodies.plain(submission.answers)
    fixed = bodies.preset_names(instrument)
    clean = instrument.clean(
        {**{name: raw[name] for name in raw if name not in fixed}, **wave.presets},
        language,
        today=submission.fieldwork_date,
        submission_id=submission.id,
    )
    body = to_json(raw)
    arriving = intake.Arriving(
        id=submission.id,
        token=submission.invitation,
        mode=submission.mode,
        door=submission.door,
        fieldwork_date=submission.fieldwork_date or date.today(),
        durations=submission.durations,
        wave=wave,
        instrument=instrument,
        language=language,
        raw=body,
        body_hash=digest(body),
        answers=clean.answers,
        problems=dict(clean.problems),
        bad_page=clean.first_bad_page,
        receipt=receipt_of(store, submission.id),
    )
    return store.write(lambda connection: intake.decide(connection, arriving))


def revise(
    store: Store, wave: Wave | str, id: str, answers: Mapping[str, Any], *, editor: str, reason: str
) -> int | Quarantined | None:
    """Correct a stored answer: new raw answers of all pages; the earlier version is kept. Its number, from 1.

    They are cleaned as the first ones were: with the same fieldwork date, the same submission id, in the same language.
    Quarantined, with nothing changed, when the new answers fail `Instrument.clean`; None for an id that this wave does
    not have. A repeat of what was sent first still gets its receipt.
    """
    wave = waves.resolve(store, wave)
    stored = store.read(lambda connection: responses.find(connection, id))
    if stored is None or stored["wave"] != wave.slug:
        return None
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    fixed = bodies.preset_names(instrument)
    raw = bodies.plain(answers)
    clean = instrument.clean(
        {**{name: raw[name] for name in raw if name not in fixed}, **wave.presets},
        stored["language"],
        today=date.fromisoformat(stored["fieldwork_date"]),
        submission_id=id,
    )
    if clean.problems:
        return Quarantined(dict(clean.problems), clean.first_bad_page)
    return store.write(
        lambda connection: revisions.replace(
            connection, id, raw=raw, answers=clean.answers, editor=editor, reason=reason
        )
    )


def _spoken(instrument: Instrument, language: str) -> str:
    return language if language in instrument.languages else instrument.default_language
