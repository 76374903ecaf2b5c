"""Where the pages of a form are kept while it is filled in, and where the finished form goes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from survey_app import submission
from survey_app.pages.visit import Ending, EndingKind, Visit, ending_kind, refusal
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Draft


class Keeper(Protocol):
    """Keeps a form: drafts of interviews under way, or a sheet of paper that is being keyed in."""

    def save(
        self, visit: Visit, page: str, answers: Mapping[str, Any], *, language: str, duration_ms: int | None
    ) -> Visit | Ending:
        """Save one page: the visit as it stands then, or an ending when there is nothing to save to any more."""

    def submit(
        self, visit: Visit, answers: Mapping[str, Any], *, durations: Mapping[str, int], door: str
    ) -> Ending | submission.Quarantined:
        """Hand the whole form in: its ending, or what is wrong with it."""


@dataclass(frozen=True)
class Drafts:
    """Interviews under way. interviewer: the account that asks, None where a resident fills in the form alone.

    present: who else was there, asked at the end of a face-to-face interview.
    """

    store: Store
    interviewer: str | None = None
    present: str | None = None

    def save(
        self, visit: Visit, page: str, answers: Mapping[str, Any], *, language: str, duration_ms: int | None
    ) -> Visit | Ending:
        """An ending when the form was sent already, or the wave has closed meanwhile."""
        saved = submission.save_draft(
            self.store,
            visit.wave,
            visit.id,
            page,
            answers,
            language=language,
            duration_ms=duration_ms,
            interviewer=self.interviewer,
        )
        if isinstance(saved, Draft):
            return replace(visit, draft=saved, language=saved.language)
        if isinstance(saved, submission.Accepted):
            return Ending("complete", visit.wave, saved.receipt)
        kind: EndingKind = "conflict" if isinstance(saved, submission.Conflict) else refusal(saved.reason)
        return Ending(kind, visit.wave)

    def submit(
        self, visit: Visit, answers: Mapping[str, Any], *, durations: Mapping[str, int], door: str
    ) -> Ending | submission.Quarantined:
        """One submission, with the mode in which the draft was begun."""
        outcome = submission.submit(
            self.store,
            visit.wave,
            submission.Submission(
                id=visit.id,
                answers={name: value for name, value in answers.items() if name not in visit.wave.presets},
                language=visit.language,
                mode=visit.draft.mode if visit.draft else "web",
                door=door,
                durations=durations,
                interviewer=self.interviewer,
                present=self.present,
            ),
        )
        if isinstance(outcome, submission.Accepted):
            return Ending(ending_of(visit, answers), visit.wave, outcome.receipt)
        if isinstance(outcome, submission.Conflict):
            return Ending("conflict", visit.wave)
        if isinstance(outcome, submission.Refused):
            return Ending(refusal(outcome.reason), visit.wave)
        return outcome


@dataclass(frozen=True)
class Away:
    """Keeps nothing, for the store cannot be used now: a page that is sent stays on the screen."""

    reason: str

    def save(
        self, visit: Visit, page: str, answers: Mapping[str, Any], *, language: str, duration_ms: int | None
    ) -> Visit | Ending:
        """Always StoreError."""
        raise StoreError(self.reason)

    def submit(
        self, visit: Visit, answers: Mapping[str, Any], *, durations: Mapping[str, int], door: str
    ) -> Ending | submission.Quarantined:
        """Always StoreError."""
        raise StoreError(self.reason)


def ending_of(visit: Visit, answers: Mapping[str, Any]) -> EndingKind:
    """The ending that an accepted form has: complete, refused or not eligible, by its disposition item."""
    clean = visit.instrument.clean(answers, visit.language, submission_id=visit.id).answers
    roles = visit.instrument.with_role("disposition")
    return ending_kind(clean.get(roles[0].name, "complete") if roles else "complete")
