"""A resident's visit: which wave, which draft, which language, and what keeps the form from being shown.

Reading a visit writes nothing. An address that cannot be answered gives an `Ending`, which a door shows as a page.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from questionnaires.instrument import Instrument, Page
from survey_app import submission
from survey_app.public.doors import Doors
from survey_app.store import drafts, instruments, responses, waves
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Draft, Wave
from survey_app.text import LANGUAGES, preferred_language

EndingKind = Literal[
    "unknown_wave", "unknown", "used", "expired", "needs_invitation", "closed", "not_open", "quota", "conflict",
    "complete", "refused", "not_eligible",
]  # fmt: skip

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class Ending:
    """Why there is no page to answer: a kind of page, and the wave when there is one."""

    kind: EndingKind
    wave: Wave | None = None
    receipt: str | None = None


@dataclass(frozen=True)
class Visit:
    """One resident at one form. `id` is draft key and submission id at once.

    `spare` is a copy of earlier answers that the browser carries, used only when there is no draft: a second tap on the
    last button arrives after the first one's transaction has removed the draft, and gets the same thank-you with it.
    """

    wave: Wave
    instrument: Instrument
    id: str
    draft: Draft | None
    language: str
    spare: Mapping[str, Any] | None = None

    @property
    def kept(self) -> Mapping[str, Any]:
        """The raw answers so far: the draft's, else those of the spare copy."""
        return self.draft.answers if self.draft else self.spare or {}

    @property
    def answers(self) -> dict[str, Any]:
        """The raw answers so far with the wave's presets, which nobody can change."""
        return {**self.kept, **self.wave.presets}

    @property
    def durations(self) -> Mapping[str, int]:
        """Milliseconds spent on each page so far."""
        return self.draft.durations if self.draft else {}


def new_id() -> str:
    """A fresh draft and submission id: UUID version 4, 122 random bits."""
    return str(uuid.uuid4())


def is_id(text: str) -> bool:
    """Whether `text` is an id as `new_id` makes them."""
    return _UUID4.fullmatch(text) is not None


def find_wave(doors: Doors, slug: str) -> Wave | Ending:
    """The wave of an address, or why it cannot be answered today."""
    if not _SLUG.fullmatch(slug):
        return Ending("unknown_wave")
    try:
        wave = waves.get(doors.store, slug)
    except StoreError:
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


def sent_before(doors: Doors, wave: Wave, visit_id: str) -> Ending | None:
    """The ending of the form that was sent under this id, without its receipt code; None when none was sent."""
    row = doors.store.read(lambda connection: responses.find(connection, visit_id))
    return Ending(ending_kind(row["disposition"]), wave) if row and row["wave"] == wave.slug else None


def ending_kind(disposition: str) -> EndingKind:
    """The ending that a form has by its disposition item: complete, refused or not eligible."""
    return "refused" if disposition == "refused" else "not_eligible" if disposition == "not_eligible" else "complete"


def resume_at(visit: Visit) -> Page:
    """The page to go on with: the one after the last page saved, or that page while it has problems."""
    answers, instrument = visit.answers, visit.instrument
    first = instrument.next_page(answers, submission_id=visit.id)
    if first is None:
        raise StoreError(f"The instrument {instrument.id} of wave {visit.wave.slug} has no page to show; check it.")
    saved = visit.draft.page if visit.draft else None
    page = find_page(visit, saved) if saved else None
    if page is None:
        return first
    if instrument.problems(page, answers, visit.language, submission_id=visit.id):
        return page
    return instrument.next_page(answers, page.name, submission_id=visit.id) or page


def find_page(visit: Visit, name: str) -> Page | None:
    """The page of that name if its turn can have come: it has something to ask, and without answers it is the first."""
    page = next((page for page in visit.instrument.pages if page.name == name), None)
    if page is None or not page.visible(visit.answers, submission_id=visit.id):
        return None
    begun = visit.draft is not None or visit.spare is not None
    return page if begun or page is visit.instrument.next_page(visit.answers, submission_id=visit.id) else None


def refusal(reason: str) -> EndingKind:
    """The ending for the reason that the submission service gives."""
    reasons: dict[str, EndingKind] = {
        "unknown": "unknown", "expired": "expired", "used": "used", "closed": "closed", "not open": "not_open",
        "quota": "quota",
    }  # fmt: skip
    return reasons.get(reason, "unknown")
