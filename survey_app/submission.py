"""The one way an answer gets in: drafts page by page, then one transaction per submission.

Three outcomes of a final submission and no fourth: stored, kept raw in quarantine, or refused with nothing stored.
Ids are random UUIDs: key of the draft and of the answer at once, so that a double tap, a retry or a killed server
make one row.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from questionnaires import AnswerError, Instrument
from survey_app.store import (
    bodies,
    drafts,
    instruments,
    intake,
    invitations,
    paging,
    quotas,
    responses,
    resuming,
    revisions,
    waves,
)
from survey_app.store.bodies import is_id
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.erasure import erase, expire
from survey_app.store.errors import StoreError
from survey_app.store.intake import Outcome
from survey_app.store.paper import Settled
from survey_app.store.resuming import ResumeCode
from survey_app.store.sealing import seal
from survey_app.store.shapes import Accepted, Conflict, Draft, Quarantined, Refused, Wave, digest, to_json, today

__all__ = [
    "PRESENT",
    "Accepted",
    "Conflict",
    "Draft",
    "Outcome",
    "Quarantined",
    "Refused",
    "ResumeCode",
    "Settled",
    "Submission",
    "erase",
    "is_id",
    "new_id",
    "offer_resume_code",
    "open_case",
    "open_invitation",
    "receipt_of",
    "resume",
    "resume_code",
    "revise",
    "save_draft",
    "seal",
    "submit",
    "submitted",
]

PRESENT = ("alone", "family", "official", "other")
"""Who was there beside interviewer and respondent: nobody; family; an official, a grid worker or an escort; others."""


@dataclass(frozen=True)
class Submission:
    """A finished interview as a door hands it in.

    answers    raw, of all pages, item name -> value
    mode       "web", "phone", "face_to_face", "paper"; an invitation's own mode goes before all but paper
    door       which way in: "plain", "streamlit", "console", "import"
    durations  milliseconds per page
    invitation a token, only where no draft was begun with it
    interviewer the account that asked or keyed it in; present: who else was there, codes of PRESENT; None on the web
    sheet      of a sheet of paper: what the comparison of its entries showed
    """

    id: str
    answers: Mapping[str, Any]
    language: str = "zh"
    mode: str = "web"
    door: str = "plain"
    durations: Mapping[str, int] = field(default_factory=dict)
    invitation: str | None = None
    fieldwork_date: date | None = None
    interviewer: str | None = None
    present: str | None = None
    sheet: Settled | None = None


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


def open_case(
    store: Store, wave: Wave | str, case: str, *, interviewer: str, language: str = "zh", paper: bool = False
) -> Draft | Refused:
    """The draft of a drawn case, begun or gone on with; it is this interviewer's from now on.

    What a resident typed by an own link was not said to any interviewer: nobody goes on from there, it ends and the
    interview begins afresh (counted as one that expired).
    The interviewer must have the case in hand, except where it came back on paper. Refused: "unknown" (no such case, or
    in other hands), "used", or the wave's "closed" or "not open".
    """
    slug = waves.resolve(store, wave).slug

    def work(connection: Connection) -> Draft | Refused:
        drafts.of_case(connection, slug, case, hold=True)  # first, as in a submission: two cannot wait for each other
        invitation = invitations.by_case(connection, slug, case)
        if invitation is None or not (paper or invitation["held_by"] == interviewer):
            return Refused("unknown")
        reason = "used" if invitation["used"] else waves.refusal(connection, slug, date.today())
        if reason:
            return Refused(reason)
        begun = {**invitation, "mode": "paper"} if paper else invitation
        before = drafts.of_case(connection, slug, case)
        if before is not None and not paper and (drafts.by_resident(before) or before["mode"] == "paper"):
            expire(connection, before)
        draft = _draft_of(connection, begun, language)
        if not paper:
            drafts.take_over(connection, draft.id, interviewer)
        return replace(draft, interviewer=interviewer)

    return store.write(work)


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
        return _draft_of(connection, invitation, language)

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
    interviewer: str | None = None,
) -> Draft | Accepted | Conflict | Refused:
    """Merge one page's raw answers into the draft; items of the page that are absent are removed from it.

    What does not belong to the page, or is fixed by the wave, is left aside. An open wave begins a draft here.
    When an answer is already stored under the id: Accepted (repeated) if the page is as it was sent then, else
    Conflict. Refused: the wave is closed or not open yet, it takes invitations only and there is none ("unknown"), or
    the answers so far say that the quota is full ("quota"): the draft is removed then, and an invitation not spent.
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
        known=lambda sent: quotas.known_facts(instrument, {**sent, **wave.presets}, draft_id),
        interviewer=interviewer,
    )
    return store.write(lambda connection: paging.save(connection, sent))


def offer_resume_code(store: Store, wave: Wave | str, draft_id: str, *, after: str | None = None) -> ResumeCode | None:
    """Give a draft a resume code, good for seven days; asked again the same code, good for longer. None: no draft.

    after: the page behind which to go on, where that is not the page saved last but the one somebody is at.
    """

    def work(connection: Connection) -> ResumeCode | None:
        row = drafts.find(connection, draft_id, hold=True)
        known = row is not None and row["wave"] == waves.slug_of(wave)
        return resuming.give(connection, row, store.settings.secret, after) if row and known else None

    return store.write(work)


def resume_code(store: Store, wave: Wave | str, draft_id: str) -> ResumeCode | None:
    """The code that a draft was given, to show it again; None when there is none that still holds."""
    row = store.read(lambda connection: drafts.find(connection, draft_id))
    return resuming.given(row, store.settings.secret) if row and row["wave"] == waves.slug_of(wave) else None


def resume(store: Store, wave: Wave | str, typed: str) -> str | None:
    """The id of the draft that a typed resume code opens; None for a code that is wrong, too old or used up.

    It can be guessed: a door limits how often it asks.
    """
    slug, secret = waves.slug_of(wave), store.settings.secret
    return store.read(lambda connection: resuming.find(connection, slug, typed, secret))


def submit(store: Store, wave: Wave | str, submission: Submission) -> Outcome:
    """Store a finished interview in one transaction: answer, spent invitation, quota place, audit row, counts.

    The design (stratum, psu, base weight, mode) comes from the invitation, never from an answer; what the wave presets
    replaces what was sent. A repeat (same id, same body) is Accepted with the same receipt; the same id with another
    body is a Conflict; a body that fails `Instrument.clean` is Quarantined and spends nothing. Refused: "closed",
    "not open", "used", "expired", "quota" (full; the draft is removed), or "unknown" (no such invitation, or none where
    the wave needs one).
    Raises StoreError for an unknown wave, mode, door or account or a malformed id, AnswerError for a body that is no
    mapping of answers or too large; nothing is stored then.
    """
    bodies.check_id(submission.id)
    bodies.check_way(submission.mode, submission.door, submission.interviewer)
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
        durations=bodies.spent(submission.durations),
        wave=wave,
        instrument=instrument,
        language=language,
        raw=body,
        body_hash=digest(body),
        answers=clean.answers,
        problems=dict(clean.problems),
        bad_page=clean.first_bad_page,
        receipt=receipt_of(store, submission.id),
        interviewer=submission.interviewer,
        present=_present(submission.present),
        sheet=submission.sheet,
    )
    if not arriving.problems:
        arriving.content  # noqa: B018  (worked out here, in the caller's thread, and kept)
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


def _draft_of(connection: Connection, invitation: Row, language: str) -> Draft:
    """The draft that an invitation has led to, begun where there is none."""
    slug, case = invitation["wave"], invitation["case"]
    row = drafts.of_case(connection, slug, case)
    if row is None:
        begun = {name: invitation[name] for name in ("wave", "case", "district", "mode")}
        drafts.add(connection, {**begun, "id": new_id(), "language": language})
        row = drafts.of_case(connection, slug, case)
    if row is None:
        raise StoreError(f"The draft of case {case!r} went away while it was opened. Open it again.")
    return drafts.from_row(row)


def _present(given: str | None) -> str | None:
    """Who was there, as it is kept: codes of PRESENT in their order, "alone" by itself."""
    if given is None:
        return None
    codes = given.split()
    if not codes or not set(codes) <= set(PRESENT) or ("alone" in codes and len(set(codes)) > 1):
        raise AnswerError(f"{given[:40]!r} does not say who was present. Give alone, or some of {PRESENT[1:]}.")
    return " ".join(code for code in PRESENT if code in codes)


def _spoken(instrument: Instrument, language: str) -> str:
    return language if language in instrument.languages else instrument.default_language
