"""A resident's visit: which wave, which draft, which language, and what keeps the form from being shown.

Reading a visit writes nothing. An address that cannot be answered gives an `Ending`, which a door shows as a page.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from questionnaires.instrument import Page
from survey_app import submission
from survey_app.pages.visit import Ending, Visit, ending_kind, refusal
from survey_app.public.doors import Doors
from survey_app.store import drafts, instruments, responses, waves
from survey_app.store.shapes import Wave
from survey_app.submission import ResumeCode
from survey_app.text import LANGUAGES, preferred_language

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def new_id() -> str:
    """A fresh draft and submission id: UUID version 4, 122 random bits."""
    return str(uuid.uuid4())


def is_id(text: str) -> bool:
    """Whether `text` is an id as `new_id` makes them."""
    return _UUID4.fullmatch(text) is not None


def find_wave(doors: Doors, slug: str) -> Wave | Ending:
    """The wave of an address, or why it cannot be answered today. StoreError where the store cannot be read."""
    if not _SLUG.fullmatch(slug):
        return Ending("unknown_wave")
    wave = waves.find(doors.store, slug)
    if wave is None:
        return Ending("unknown_wave")
    reason = waves.closed_because(wave.state, wave.opens, wave.closes, date.today())
    return wave if reason is None else Ending(refusal(reason), wave)


def enter(doors: Doors, slug: str, token: str | None) -> str | Ending:
    """The id that a new visitor goes on with: the invitation's draft when a token is given, else a fresh id.

    Only exchanging a token writes (the draft that the invitation leads to).
    """
    wave = find_wave(doors, slug)
    if isinstance(wave, Ending):
        return wave
    if token is None:
        return new_id() if wave.open_link else Ending("needs_invitation", wave)
    opened = submission.open_invitation(doors.store, slug, token)
    if isinstance(opened, submission.Refused):
        return Ending(refusal(opened.reason), wave)
    return opened.id


def read(doors: Doors, slug: str, visit_id: str, *, language: str | None = None, accepted: str = "") -> Visit | Ending:
    """The visit at an address. `language` overrides the draft's; `accepted` is the browser's Accept-Language."""
    wave = find_wave(doors, slug)
    if isinstance(wave, Ending):
        return wave
    draft = drafts.get(doors.store, slug, visit_id)
    if draft is None and not wave.open_link and sent_before(doors, wave, visit_id) is None:
        return Ending("needs_invitation", wave)
    instrument = instruments.load(doors.store, wave.instrument_id, wave.instrument_version)
    offered = tuple(code for code in LANGUAGES if code in instrument.languages) or LANGUAGES
    # An invitation's draft exists before anybody has chosen a language in it.
    chosen = draft.language if draft and draft.page else None
    spoken = next((code for code in (language, chosen) if code in offered), None)
    return Visit(wave, instrument, visit_id, draft, spoken or preferred_language(accepted, offered, offered[0]))


def recall(doors: Doors, slug: str, visit_id: str, *, language: str | None, copy: Mapping[str, Any] | None) -> Visit:
    """The visit without the store, which cannot be read now: what the process remembers, and the browser's own copy.

    So that what a resident has filled in stays on the screen. StoreError when this process never read the wave.
    """
    wave = waves.resolve(doors.store, slug)
    instrument = instruments.load(doors.store, wave.instrument_id, wave.instrument_version)
    offered = [code for code in LANGUAGES if code in instrument.languages]
    spoken = language if language in offered else next(iter(offered), LANGUAGES[0])
    return Visit(wave, instrument, visit_id, None, spoken, copy or {})


def offer_code(doors: Doors, visit: Visit, page: Page) -> ResumeCode | None:
    """A code that takes the draft up on another device at this page, which was just saved."""
    before = visit.instrument.previous_page(visit.answers, page.name, submission_id=visit.id)
    return submission.offer_resume_code(doors.store, visit.wave, visit.id, after=before.name if before else None)


def sent_before(doors: Doors, wave: Wave, visit_id: str) -> Ending | None:
    """The ending of the form that was sent under this id, without its receipt code; None when none was sent."""
    row = doors.store.read(lambda connection: responses.find(connection, visit_id))
    return Ending(ending_kind(row["disposition"]), wave) if row and row["wave"] == wave.slug else None
