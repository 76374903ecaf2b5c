"""One page of an instrument as one Streamlit form, the same for residents, interviewers and who keys in paper."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from survey_app.pages import address, widgets
from survey_app.pages.controls import Control, asked, controls
from survey_app.pages.journey import Show
from survey_app.pages.visit import Visit

Translate = Callable[[str], str]
Fields = dict[str, list[str]]


@dataclass(frozen=True)
class Frame:
    """What stands around the items: the first page's title and the HTML under it, the last page's button.

    tools draws what else may be pressed at the top of the form, below at its end; each returns what was. aloud:
    somebody reads the questions to a person, so texts and guidance are marked for that. key keeps the widgets of two
    forms apart where the visit's id does not.
    """

    title: str
    send: str
    opening: str = ""
    tools: Callable[[], str | None] | None = None
    below: Callable[[], str | None] | None = None
    aloud: bool = False
    key: str = ""


def draw(visit: Visit, shown: Show, frame: Frame, _: Translate) -> tuple[Fields, str | None]:
    """Draws the form of a page; returns its fields and the button that was pressed, if any."""
    page, language = shown.page, visit.language
    items = asked(page, shown.answers, visit.id)
    drawn = controls(
        items, shown.answers, submission_id=visit.id, language=language, problems=shown.problems, typed=shown.typed
    )
    number, ahead = visit.instrument.progress(shown.answers, page, submission_id=visit.id)
    first = visit.instrument.next_page(visit.answers, submission_id=visit.id) is page
    with st.form(f"page-{page.name}", border=False, enter_to_submit=False):
        go = frame.tools() if frame.tools else None
        if shown.problems:
            st.error(_("Please look at this again"))
        st.progress(
            number / (number + ahead), _("Page {number} of {total}").format(number=number, total=number + ahead)
        )
        _heading(visit, shown, frame, first=first)
        fields, found = _items(visit, shown, drawn, frame, _)
        go = found or go
        label = frame.send if ahead == 0 else _("Next")
        if st.form_submit_button(label, type="primary", width="stretch", key=f"go-next-{page.name}"):
            go = "next"
        if not first and st.form_submit_button(_("Back"), width="stretch", key=f"go-back-{page.name}"):
            go = "back"
        if frame.below:
            go = frame.below() or go
    return fields, go


def _heading(visit: Visit, shown: Show, frame: Frame, *, first: bool) -> None:
    if first:
        st.title(widgets.as_text(frame.title), anchor=False)
        if frame.opening:
            st.html(frame.opening)
    if shown.page.label(visit.language):
        heading = st.subheader if first else st.title
        heading(widgets.as_text(shown.page.label(visit.language, shown.answers, visit.id)), anchor=False)


def _items(
    visit: Visit, shown: Show, drawn: tuple[Control, ...], frame: Frame, _: Translate
) -> tuple[Fields, str | None]:
    """The page's items, with the search for a community above the address."""
    # Streamlit keeps a choice by its words: in another language the widgets are others, filled from the draft.
    prefix = f"{frame.key or visit.id}-{visit.language}"
    levels = address.chain(visit.instrument)
    here = address.levels_on(levels, shown.page.items)
    names = {level.name for level in here}
    open_levels = {level.name for level in address.reachable(here, shown.answers)}
    kept = tuple(control for control in drawn if control.name not in names or control.name in open_levels)
    fields: Fields = {address.SHOWN_FIELD: [" ".join(sorted(open_levels))]}
    go = None
    if levels and levels[0].name in names:
        found, go = _search(visit, shown, prefix, _)
        fields |= found
    fields |= widgets.draw(kept, prefix=prefix, language=visit.language, translate=_, aloud=frame.aloud)
    return fields, next(iter(fields.pop(widgets.GO, ())), go)


def _search(visit: Visit, shown: Show, prefix: str, _: Translate) -> tuple[Fields, str | None]:
    """A community by its name."""
    fields: Fields = {address.SEARCHED_FIELD: [shown.search]}
    go = None
    with st.container(border=True, key="address-search"):
        chosen = address.in_words(address.chain(visit.instrument), shown.answers, visit.language)
        if chosen:
            st.success(_("Chosen: {place}").format(place=widgets.as_text(chosen)))
        typed = st.text_input(
            _("Find your community (village) by its Chinese name"),
            shown.search,
            max_chars=address.LONGEST_SEARCH,
            key="find",
            placeholder=_("for example: 水井坊"),
        )
        fields[address.SEARCH_FIELD] = [typed or ""]
        if st.form_submit_button(_("Find"), width="stretch", key="go-search"):
            go = "search"
        if shown.matches:
            fields[address.FOUND_FIELD] = widgets.draw_matches(
                shown.matches, key=f"{prefix}-{address.FOUND_FIELD}", label=_("Found; please tap:")
            )
        elif shown.search:
            st.error(_("No community with this name. Try fewer characters, or choose below."))
        st.caption(_("Or choose step by step; after each step press Next:"))
    return fields, go
