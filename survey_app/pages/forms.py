"""One page of an instrument as one Streamlit form, the same for residents, interviewers and who keys in paper."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from survey_app.pages import address, lists, widgets
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


def draw(visit: Visit, shown: Show, frame: Frame, _: Translate) -> str | None:
    """Draws the form of a page; returns the button that was pressed, if any."""
    page = shown.page
    drawn = _drawn(visit, shown)
    number, ahead = visit.instrument.progress(shown.answers, page, submission_id=visit.id)
    first = visit.instrument.next_page(visit.answers, submission_id=visit.id) is page
    with st.form(f"page-{page.name}", border=False, enter_to_submit=False):
        go = frame.tools() if frame.tools else None
        if shown.unsaved:
            st.error(_("This page could not be saved just now. Your answers still stand here: please send it again."))
        if shown.problems:
            st.error(_("Please look at this again"))
        st.progress(
            number / (number + ahead), _("Page {number} of {total}").format(number=number, total=number + ahead)
        )
        _heading(visit, shown, frame, first=first)
        go = _search(visit, shown, frame, _) or go
        widgets.draw(drawn, prefix=_prefix(visit, frame), language=visit.language, translate=_, aloud=frame.aloud)
        label = frame.send if ahead == 0 else _("Next")
        if st.form_submit_button(label, type="primary", width="stretch", key=f"go-next-{page.name}"):
            go = "next"
        if not first and st.form_submit_button(_("Back"), width="stretch", key=f"go-back-{page.name}"):
            go = "back"
        if frame.below:
            go = frame.below() or go
    return go


def pressed(visit: Visit, shown: Show, frame: Frame, more: Mapping[str, str]) -> tuple[Fields, str] | None:
    """The fields and the button that was pressed, read before anything is drawn; None when no button was pressed.

    None as well in a session that has not drawn the page yet: the first press after a restart of the server. `more`:
    key of a button -> what it stands for, beside those of every form.
    """
    page, drawn = shown.page.name, _drawn(visit, shown)
    finds = [lists.typed_field(control.name) for control in drawn if control.lookup]
    buttons = {**more, f"go-next-{page}": "next", f"go-back-{page}": "back", "go-search": "search"}
    buttons |= {f"go-{name}": name for name in finds}
    go = next((meaning for key, meaning in buttons.items() if st.session_state.get(key)), None)
    return (_fields(visit, shown, frame, drawn), go) if go else None


def _prefix(visit: Visit, frame: Frame) -> str:
    # Streamlit keeps a choice by its words: in another language the widgets are others, filled from the draft.
    return f"{frame.key or visit.id}-{visit.language}"


def _drawn(visit: Visit, shown: Show) -> tuple[Control, ...]:
    """The page's controls; of the levels of an address those whose turn has come."""
    items = asked(shown.page, shown.answers, visit.id)
    made = controls(
        items,
        shown.answers,
        submission_id=visit.id,
        language=visit.language,
        problems=shown.problems,
        typed=shown.typed,
    )
    here = address.levels_on(address.chain(visit.instrument), shown.page.items)
    shut = {level.name for level in here} - {level.name for level in address.reachable(here, shown.answers)}
    return tuple(control for control in made if control.name not in shut)


def fields(visit: Visit, shown: Show, frame: Frame) -> Fields:
    """What is in the form's widgets, field name -> values, as an HTML form would send it."""
    return _fields(visit, shown, frame, _drawn(visit, shown))


def _fields(visit: Visit, shown: Show, frame: Frame, drawn: Sequence[Control]) -> Fields:
    prefix, held = _prefix(visit, frame), st.session_state.get
    here = address.levels_on(address.chain(visit.instrument), shown.page.items)
    open_levels = sorted(level.name for level in address.reachable(here, shown.answers))
    found: Fields = {address.SHOWN_FIELD: [" ".join(open_levels)], **widgets.read(drawn, prefix=prefix)}
    if _has_search(visit, shown):
        found |= {address.SEARCHED_FIELD: [shown.search], address.SEARCH_FIELD: [held("find") or ""]}
        chosen = held(f"{prefix}-{address.FOUND_FIELD}") if shown.matches else None
        found |= {address.FOUND_FIELD: [chosen]} if chosen else {}
    return found


def _heading(visit: Visit, shown: Show, frame: Frame, *, first: bool) -> None:
    if first:
        st.title(widgets.as_text(frame.title), anchor=False)
        if frame.opening:
            st.html(frame.opening)
    if shown.page.label(visit.language):
        heading = st.subheader if first else st.title
        heading(widgets.as_text(shown.page.label(visit.language, shown.answers, visit.id)), anchor=False)


def _has_search(visit: Visit, shown: Show) -> bool:
    levels = address.chain(visit.instrument)
    return bool(levels) and any(item.name == levels[0].name for item in shown.page.items)


def _search(visit: Visit, shown: Show, frame: Frame, _: Translate) -> str | None:
    """A community by its name, above the address; whether it is to be looked up."""
    if not _has_search(visit, shown):
        return None
    with st.container(border=True, key="address-search"):
        chosen = address.in_words(address.chain(visit.instrument), shown.answers, visit.language)
        if chosen:
            st.success(_("Chosen: {place}").format(place=widgets.as_text(chosen)))
        st.text_input(
            _("Find your community (village) by its Chinese name"),
            shown.search,
            max_chars=address.LONGEST_SEARCH,
            key="find",
            placeholder=_("for example: 水井坊"),
        )
        go = "search" if st.form_submit_button(_("Find"), width="stretch", key="go-search") else None
        if shown.matches:
            label = _("Found; please tap:")
            widgets.draw_matches(shown.matches, key=f"{_prefix(visit, frame)}-{address.FOUND_FIELD}", label=label)
        elif shown.search:
            st.error(_("No community with this name. Try fewer characters, or choose below."))
        st.caption(_("Or choose step by step; after each step press Next:"))
    return go
