"""The instrument: pages of items, pure and frozen. What comes next, what is wrong, what the answers amount to."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from questionnaires.chance import seed_of
from questionnaires.choices import Choice, text_in
from questionnaires.errors import AnswerError
from questionnaires.functions import nearest
from questionnaires.indices import IndexDeclaration
from questionnaires.items import Item, tell_answers
from questionnaires.program import UNANSWERED, Program, Scope

__all__ = ["Choice", "Clean", "IndexDeclaration", "Instrument", "Item", "Page", "Settings"]


@dataclass(frozen=True, eq=False)
class Page:
    """Items shown together. Whether an item applies never hangs on another of its page; what it offers may."""

    name: str
    labels: Mapping[str, str]
    items: tuple[Item, ...]
    program: Program = field(repr=False)
    # (randomised group, its part that the page belongs to), the outermost group first
    shuffled: tuple[tuple[str, str], ...] = ()

    def label(self, language: str, answers: Mapping[str, Any] | None = None, submission_id: str = "") -> str:
        """The heading of the page, "" when it has none; `answers` put in words what it tells."""
        heading = text_in(self.labels, language)
        items = self.items[0].items
        return tell_answers(heading, items, self.program, language, answers, submission_id=submission_id)

    def visible(self, answers: Mapping[str, Any], *, submission_id: str = "") -> tuple[Item, ...]:
        """The items of this page that apply, given the answers so far."""
        return self._visible(self.program.run(answers, submission_id=submission_id))

    def _visible(self, scope: Scope) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.name in scope.relevant)


@dataclass(frozen=True)
class Settings:
    """The header of the form. Texts by language are mappings; retention_days: how long answers may be kept."""

    form_number: str = ""
    valid_until: str = ""
    retention_days: int | None = None
    approval_number: Mapping[str, str] = field(default_factory=dict)
    issuing_body: Mapping[str, str] = field(default_factory=dict)
    purpose: Mapping[str, str] = field(default_factory=dict)
    owner: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Clean:
    """A whole set of answers, checked: the clean ones, sentences for the bad ones, the page of the first bad one.

    answers is a plain dict in the order of the form, ready for JSON; cleaning it again gives the same.
    dropped: names that were answered but do not apply, or that the instrument does not have.
    """

    answers: dict[str, Any]
    problems: dict[str, str]
    first_bad_page: str | None
    dropped: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Instrument:
    """One published version of a questionnaire. `source` is the text it was read from, `content_hash` its SHA-256."""

    id: str
    version: str
    title: Mapping[str, str]
    languages: tuple[str, ...]
    default_language: str
    content_hash: str
    source: str = field(repr=False)
    settings: Settings
    items: Mapping[str, Item] = field(repr=False)
    pages: tuple[Page, ...] = field(repr=False)
    indices: Mapping[str, IndexDeclaration] = field(repr=False)
    program: Program = field(repr=False)

    def page(self, name: str) -> Page:
        """One page by its name; AnswerError names the nearest when there is none."""
        return self.pages[self._place(name)]

    def item(self, name: str) -> Item:
        """One item by its name; AnswerError names the nearest when there is none."""
        if name not in self.items:
            raise AnswerError(f"instrument {self.id} {self.version} has no item {name!r}{nearest(name, self.items)}")
        return self.items[name]

    def pages_for(self, submission_id: str = "") -> tuple[Page, ...]:
        """The pages in the order of one submission: groups with sandu::order = random shuffled, by its id."""
        if not submission_id or not any(page.shuffled for page in self.pages):
            return self.pages
        return tuple(_shuffled(self.pages, 0, submission_id))

    def _place(self, name: str, pages: tuple[Page, ...] | None = None) -> int:
        for place, page in enumerate(pages or self.pages):
            if page.name == name:
                return place
        names = [page.name for page in self.pages]
        raise AnswerError(f"instrument {self.id} {self.version} has no page {name!r}{nearest(name, names)}")

    def next_page(
        self, answers: Mapping[str, Any], after: str | None = None, *, submission_id: str = ""
    ) -> Page | None:
        """The first page behind `after` (None: of all) with an item that applies; None: the form ends here.

        `submission_id` decides the order of randomised groups here and below; without it the order is the file's.
        """
        pages = self.pages_for(submission_id)
        start = 0 if after is None else self._place(after, pages) + 1
        scope = self.program.run(answers, submission_id=submission_id)
        return next((page for page in pages[start:] if page._visible(scope)), None)

    def previous_page(self, answers: Mapping[str, Any], before: str, *, submission_id: str = "") -> Page | None:
        """The last page ahead of `before` with an item that applies; None: `before` is the first."""
        pages = self.pages_for(submission_id)
        scope = self.program.run(answers, submission_id=submission_id)
        return next((page for page in reversed(pages[: self._place(before, pages)]) if page._visible(scope)), None)

    def progress(self, answers: Mapping[str, Any], page: str | Page, *, submission_id: str = "") -> tuple[int, int]:
        """(number of this page, how many pages may follow it).

        A page whose items hang on a question still open counts as following, so the count only ever shrinks.
        """
        pages = self.pages_for(submission_id)
        place = self._place(page if isinstance(page, str) else page.name, pages)
        scope = self.program.run(answers, submission_id=submission_id)
        behind = sum(1 for earlier in pages[:place] if earlier._visible(scope))
        open_items = {item.name for later in pages[place:] for item in later.items if item.name not in scope.answers}
        ahead = sum(1 for later in pages[place + 1 :] if self._may_come(later, scope, open_items))
        return behind + 1, ahead

    def _may_come(self, page: Page, scope: Scope, open_items: set[str]) -> bool:
        return any(
            item.name in scope.relevant or not open_items.isdisjoint(self.program.deciders[item.name])
            for item in page.items
        )

    def problems(
        self,
        page: Page,
        answers: Mapping[str, Any],
        language: str = "zh",
        *,
        today: date | None = None,
        submission_id: str = "",
    ) -> dict[str, str]:
        """Item name -> one sentence to the resident, for each answer on `page` that cannot stand."""
        scope = self.program.run(answers, today, submission_id=submission_id, language=language)
        found = {item.name: item.problem(scope, language) for item in page._visible(scope)}
        return {name: sentence for name, sentence in found.items() if sentence}

    def clean(
        self,
        answers: Mapping[str, Any],
        language: str = "zh",
        *,
        today: date | None = None,
        submission_id: str = "",
    ) -> Clean:
        """The server's truth about a whole set of raw answers: relevance, types, choices and constraints run again.

        `today` is the day that start, end and today are filled with, where the answers do not hold them already.
        """
        scope = self.program.run(answers, today, submission_id=submission_id, language=language)
        kept: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for name, item in self.items.items():
            if name not in scope.relevant:
                continue
            problem = item.problem(scope, language)
            if problem:
                problems[name] = problem
            elif name in scope.answers:
                kept[name] = scope.answers[name]
        pages = self.pages_for(submission_id) if problems else ()
        bad_page = next((page.name for page in pages if any(item.name in problems for item in page.items)), None)
        return Clean(kept, problems, bad_page, self._dropped(answers, scope))

    def _dropped(self, answers: Mapping[str, Any], scope: Scope) -> tuple[str, ...]:
        return tuple(
            name
            for name, raw in answers.items()
            if raw not in (None, "", [])
            and (
                name not in self.items or (self.items[name].calculation is None and not _takes(self.items[name], scope))
            )
        )

    def with_role(self, role: str) -> tuple[Item, ...]:
        """The items of one sandu::role, in the order of the form."""
        return tuple(item for item in self.items.values() if item.role == role)


def _shuffled(pages: Sequence[Page], level: int, submission_id: str) -> Iterator[Page]:
    """The pages with the parts of each randomised group at this depth, and below it, in the submission's order."""
    for group, run in groupby(pages, key=lambda page: page.shuffled[level][0] if level < len(page.shuffled) else ""):
        if not group:
            yield from run
            continue
        parts = [list(part) for _, part in groupby(run, key=lambda page: page.shuffled[level][1])]
        random.Random(seed_of(f"{submission_id} {group}")).shuffle(parts)  # noqa: S311  (an order, no secret)
        for part in parts:
            yield from _shuffled(part, level + 1, submission_id)


def _takes(item: Item, scope: Scope) -> bool:
    return item.name in scope.relevant and item.type not in UNANSWERED
