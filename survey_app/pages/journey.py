"""One step of a form, the same at every door: a page was sent; what is saved, and what is shown next."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from questionnaires.instrument import Page
from survey_app.pages import address, lists
from survey_app.pages.controls import asked, raw_answers
from survey_app.pages.keeping import Keeper
from survey_app.pages.visit import Ending, Visit, find_page
from survey_app.store.errors import StoreError
from survey_app.text import LANGUAGES

LONGEST_COPY = 8_192
"""Characters; longer answers are not carried along, and a second tap then gets its thanks without the receipt."""


@dataclass(frozen=True)
class Show:
    """The same page again, nothing written: with problems, communities found, what a long list holds, or not saved.

    `typed` is what was written to find something in a long list, item name -> text; `sought` the item just looked for.
    """

    page: Page
    answers: Mapping[str, Any]
    problems: Mapping[str, str]
    matches: tuple[address.Match, ...] = ()
    search: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    sought: str = ""
    unsaved: bool = False


@dataclass(frozen=True)
class Go:
    """The page is saved; go on at this one. visit: as it stands after the save, in the language it goes on in."""

    page: str
    visit: Visit
    item: str = ""


Step = Show | Go | Ending


@dataclass(frozen=True)
class Sent:
    """What a door received: fields by name, the button pressed (`go`), milliseconds spent, the door's name.

    hold: after the last page do not hand the form in yet, but come back with the ending "asked": the
    door has something of its own to ask first.
    """

    fields: Mapping[str, Sequence[str]]
    go: str
    duration_ms: int | None
    door: str
    hold: bool = False

    def text(self, name: str) -> str:
        """The last value of a field, without spaces around it; "" when it was not sent."""
        return (self.fields.get(name) or ("",))[-1].strip()


def take(keeper: Keeper, visit: Visit, page: Page, sent: Sent) -> Step:
    """Takes a sent page one step on; where the store cannot be used, the same page again with all that was sent."""
    answers = _merged(visit, page, sent)
    try:
        return _step(keeper, visit, page, answers, sent)
    except StoreError as error:
        logging.getLogger("survey_app").error("a page was not saved: %s", error)
        return Show(page, answers, {}, unsaved=True)


def _step(keeper: Keeper, visit: Visit, page: Page, answers: Mapping[str, Any], sent: Sent) -> Step:
    if sent.go == "back":
        before = visit.instrument.previous_page(answers, page.name, submission_id=visit.id)
        return _go(_save(keeper, visit, page, answers, sent), before or page)
    if sent.go.startswith("language-") and sent.go.removeprefix("language-") in LANGUAGES:
        language = sent.go.removeprefix("language-")
        return _go(_save(keeper, visit, page, answers, sent, language=language), page)
    if sent.go == "stay":
        return _go(_save(keeper, visit, page, answers, sent), page)
    typed = _typed(visit, page, answers, sent)
    sought = _sought(typed, sent)
    if sought or _searches(visit, page, answers, sent):
        return Show(page, answers, {}, *_found(visit, page, answers, sent), typed, sought)
    return _onward(keeper, visit, page, answers, sent)


def _onward(keeper: Keeper, visit: Visit, page: Page, answers: Mapping[str, Any], sent: Sent) -> Step:
    problems = visit.instrument.problems(page, answers, visit.language, submission_id=visit.id)
    if problems:
        found = _found(visit, page, answers, sent)
        return Show(page, answers, problems, *found, _typed(visit, page, answers, sent))
    fresh = _next_level(visit, page, answers, sent)
    if fresh:
        return _go(_save(keeper, visit, page, answers, sent), page, fresh)
    following = visit.instrument.next_page(answers, page.name, submission_id=visit.id)
    if sent.text(address.FOUND_FIELD):
        following = _behind_address(visit, following, answers)
    if following is None and not sent.hold:
        return submit(keeper, visit, page, answers, sent)
    saved = _save(keeper, visit, page, answers, sent)
    if following is None and isinstance(saved, Visit):
        return Ending("asked", visit.wave)
    return _go(saved, following or page)


def _go(saved: Visit | Ending, page: Page, item: str = "") -> Go | Ending:
    return Go(page.name, saved, item) if isinstance(saved, Visit) else saved


def submit(keeper: Keeper, visit: Visit, page: Page, answers: Mapping[str, Any], sent: Sent) -> Step:
    """Hands the whole form in. The draft is not saved first: when the answer is accepted it must be gone."""
    durations = dict(visit.durations)
    if sent.duration_ms is not None:
        durations[page.name] = durations.get(page.name, 0) + sent.duration_ms
    outcome = keeper.submit(visit, answers, durations=durations, door=sent.door)
    if isinstance(outcome, Ending):
        return outcome
    bad = find_page(visit, outcome.page) if outcome.page else None
    if bad is None:
        return Go(visit.instrument.pages[0].name, visit)
    names = {item.name for item in bad.items}
    return Show(bad, answers, {name: text for name, text in outcome.problems.items() if name in names})


def read_copy(visit: Visit, text: str) -> dict[str, Any] | None:
    """The copy of earlier answers that a plain page carries; None when it is missing or no set of answers.

    It is the resident's own data and is checked like any answer.
    """
    if not text or len(text) > LONGEST_COPY:
        return None
    try:
        copy = json.loads(text)
    except ValueError:
        return None
    if not isinstance(copy, dict) or not all(_is_raw(value) for value in copy.values()):
        return None
    items = visit.instrument.items
    return {name: value for name, value in copy.items() if name in items and items[name].shown}


def write_copy(visit: Visit) -> str:
    """The copy for a page of this visit: its raw answers so far as compact JSON, without the wave's presets.

    "" when they are too long to be carried from page to page.
    """
    if not visit.kept:
        return ""
    copy = json.dumps(dict(visit.kept), ensure_ascii=False, separators=(",", ":"))
    return copy if len(copy) <= LONGEST_COPY else ""


def _is_raw(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(part, str) for part in value))


def _merged(visit: Visit, page: Page, sent: Sent) -> dict[str, Any]:
    """All raw answers after this page: the draft's, this page's as sent, the wave's presets, an address that fits."""
    base = visit.answers
    here = {item.name for item in page.items}
    posted = raw_answers(asked(page, base, visit.id), sent.fields)
    answers = {**{name: value for name, value in base.items() if name not in here}, **posted, **visit.wave.presets}
    levels = address.chain(visit.instrument)
    if not address.levels_on(levels, page.items):
        return answers
    found = sent.text(address.FOUND_FIELD)
    return address.tidy(levels, {**answers, **(address.place_of(levels, found) if found else {})})


def _searches(visit: Visit, page: Page, answers: Mapping[str, Any], sent: Sent) -> bool:
    """Whether a community is to be looked up: asked for, or a new name typed and no community chosen yet.

    A name that was looked up already does not hold up who leaves it standing and goes on by the levels.
    """
    levels = address.chain(visit.instrument)
    if not address.levels_on(levels, page.items) or sent.text(address.FOUND_FIELD):
        return False
    typed = sent.text(address.SEARCH_FIELD)
    fresh = typed != sent.text(address.SEARCHED_FIELD) and levels[-1].name not in answers
    return bool(typed) and (sent.go == "search" or fresh)


def _found(visit: Visit, page: Page, answers: Mapping[str, Any], sent: Sent) -> tuple[tuple[address.Match, ...], str]:
    """The communities of the name that was typed on this page, and the name."""
    levels, text = address.chain(visit.instrument), sent.text(address.SEARCH_FIELD)[: address.LONGEST_SEARCH]
    if not text or not address.levels_on(levels, page.items):
        return (), ""
    return address.find(levels, text, answers, visit.language), text


def _typed(visit: Visit, page: Page, answers: Mapping[str, Any], sent: Sent) -> dict[str, str]:
    """What stands in the fields of this page that search a long list, by item name; empty ones only when pressed."""
    names = [item.name for item in asked(page, answers, visit.id)]
    written = {name: sent.text(lists.typed_field(name))[: address.LONGEST_SEARCH] for name in names}
    return {name: text for name, text in written.items() if text or sent.go == lists.typed_field(name)}


def _sought(typed: Mapping[str, str], sent: Sent) -> str:
    """The long list to search now, by item name: its button was pressed, or a new text stands in its field; or ""."""
    pressed = [name for name in typed if sent.go == lists.typed_field(name)]
    fresh = [name for name, text in typed.items() if text != sent.text(lists.searched_field(name))]
    return next(iter((*pressed, *fresh)), "")


def _next_level(visit: Visit, page: Page, answers: Mapping[str, Any], sent: Sent) -> str:
    """The level of the address that this page has to show next because the one above it was just chosen, or ""."""
    here = address.levels_on(address.chain(visit.instrument), page.items)
    if not here or sent.text(address.FOUND_FIELD):
        return ""
    shown = [here[0].name, *sent.text(address.SHOWN_FIELD).split()]
    emptied = [level.name for level in here if sent.text(level.name) and level.name not in answers]
    fresh = [level.name for level in address.reachable(here, answers) if level.name not in shown]
    return next(iter((*emptied, *fresh)), "")


def _behind_address(visit: Visit, page: Page | None, answers: Mapping[str, Any]) -> Page | None:
    """The next page that asks more than levels of an address that was found whole."""
    levels = {level.name for level in address.chain(visit.instrument)}
    while page is not None and all(
        item.name in levels and item.name in answers for item in asked(page, answers, visit.id)
    ):
        page = visit.instrument.next_page(answers, page.name, submission_id=visit.id)
    return page


def _save(
    keeper: Keeper,
    visit: Visit,
    page: Page,
    answers: Mapping[str, Any],
    sent: Sent,
    *,
    language: str | None = None,
) -> Visit | Ending:
    """Saves this page, and before it every other page whose part of the address has changed with it.

    The visit as it stands then; an ending when there is nothing to save to any more: the form was sent already, or
    the wave has closed meanwhile.
    """
    known = visit.draft.answers if visit.draft else {}
    levels = {level.name for level in address.chain(visit.instrument)}
    parts: list[tuple[Page, dict[str, Any], int | None]] = []
    for other in visit.instrument.pages:
        names = [item.name for item in other.items]
        part = {name: answers[name] for name in names if name in answers}
        changed = part != {name: known[name] for name in names if name in known}
        if other is not page and not levels.isdisjoint(names) and changed:
            parts.append((other, part, None))
    here = {item.name: answers[item.name] for item in page.items if item.name in answers}
    spoken = language or visit.language
    for each, part, duration in [*parts, (page, here, sent.duration_ms)]:
        saved = keeper.save(visit, each.name, part, language=spoken, duration_ms=duration)
        if isinstance(saved, Ending):
            return saved
        visit = saved
    return visit
