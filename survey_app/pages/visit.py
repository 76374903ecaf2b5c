"""One person at one form: the wave, the answers so far, where to go on; and the endings that a form can have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from questionnaires.instrument import Instrument, Page
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Draft, Wave

EndingKind = Literal[
    "unknown_wave", "unknown", "used", "expired", "needs_invitation", "closed", "not_open", "quota", "conflict",
    "complete", "refused", "not_eligible", "asked",
]  # fmt: skip


@dataclass(frozen=True)
class Ending:
    """Why there is no page to answer: a kind of page, and the wave when there is one.

    "asked" comes only to a door that wants it: every page is asked and saved, the form is not handed in yet.
    """

    kind: EndingKind
    wave: Wave | None = None
    receipt: str | None = None


@dataclass(frozen=True)
class Visit:
    """One person at one form. `id` is draft key and submission id at once.

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
