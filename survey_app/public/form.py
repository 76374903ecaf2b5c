"""The Streamlit door's script: one page of the instrument in one form, saved when its button comes back pressed.

The place in the form stands in the address (`s` wave, `r` draft, `p` page, `lang`, `size`), the answers in the draft
on the server: a reload, a reconnect or a restarted server loses nothing that was sent. Nothing is saved in a callback,
for the browser's first press after a restart runs none.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from survey_app.pages import address, lists, widgets
from survey_app.pages.controls import Control, asked, controls
from survey_app.public import doors, styles
from survey_app.public.endings import words
from survey_app.public.journey import Go, Sent, Show, take
from survey_app.public.plain import addresses
from survey_app.public.plain.views import title_of
from survey_app.public.sender import form_line, sender
from survey_app.public.visit import Ending, Visit, find_page, find_wave, is_id, read, resume_at, sent_before
from survey_app.store.shapes import Wave
from survey_app.text import LANGUAGE_NAMES, LANGUAGE_TAGS, LANGUAGES, preferred_language, translator

Translate = Callable[[str], str]
ENDINGS = ("complete", "refused", "not_eligible")


def main() -> None:
    """Draws what the address asks for."""
    slug, visit_id = st.query_params.get("s", ""), st.query_params.get("r", "")
    if not is_id(visit_id):
        visit: Visit | Ending = Ending("unknown_wave")
    else:
        visit = ended(slug, visit_id) or read(
            doors.current(), slug, visit_id, language=st.query_params.get("lang"), accepted=_accepted()
        )
    wave = visit.wave
    language = visit.language if isinstance(visit, Visit) else _language()
    title = title_of(wave, language)
    st.set_page_config(page_title=title, page_icon=str(styles.ICON_FILE), layout="centered")
    st.html(styles.css(large=st.query_params.get("size") == "large"))
    if wave is not None and wave.simulated:
        st.html('<div class="sandu-badge">模拟数据 / simulated</div>')
    if isinstance(visit, Ending):
        show_ending(visit, language)
    else:
        show_page(visit, title)
    tag, sought = LANGUAGE_TAGS[language], st.session_state.get("sought", "")
    st.html(styles.after(st.session_state.get("step", 0), tag, into=sought), unsafe_allow_javascript=True)


def ended(slug: str, visit_id: str) -> Ending | None:
    """The ending that this visit has reached; the receipt code only in the same session.

    A session that still holds the answers may press again: it gets its ending from the submission itself.
    """
    if st.query_params.get("end") not in ENDINGS and f"copy-{visit_id}" in st.session_state:
        return None
    found = find_wave(doors.current(), slug)
    wave = found if isinstance(found, Wave) else found.wave
    if wave is None:
        return found if isinstance(found, Ending) else None
    ending = sent_before(doors.current(), wave, visit_id)
    return ending and replace(ending, receipt=st.session_state.get(f"receipt-{visit_id}"))


def show_page(visit: Visit, title: str) -> None:
    """One page of the form, and the step that its button takes."""
    language, _ = visit.language, translator(visit.language)
    visit = replace(visit, spare=st.session_state.get(f"copy-{visit.id}"))
    page = find_page(visit, st.query_params.get("p", "")) or resume_at(visit)
    if st.query_params.get("p") != page.name:
        # The address must name the page: a second press that comes after the draft has gone is read by it.
        st.query_params["p"] = page.name
    shown = st.session_state.get(f"show-{visit.id}")
    if not isinstance(shown, Show) or shown.page.name != page.name:
        shown = Show(page, visit.answers, {})
    if visit.draft is not None:
        st.session_state[f"copy-{visit.id}"] = dict(visit.draft.answers)
    began = st.session_state.setdefault(f"began-{visit.id}-{page.name}", time.monotonic())
    fields, go = _form(visit, shown, title, _)
    footer(visit, page.name, _)
    if go is None:
        return
    stay = int((time.monotonic() - began) * 1000)
    sent = Sent(fields, "stay" if go.startswith("size-") else go, stay, "streamlit")
    step = take(doors.current(), visit, page, sent)
    st.session_state["step"] = st.session_state.get("step", 0) + 1
    if go.startswith("size-"):
        st.query_params["size"] = go.removeprefix("size-")
    st.session_state.pop(f"began-{visit.id}-{page.name}", None)
    st.session_state.pop(f"show-{visit.id}", None)
    st.session_state["sought"] = (
        f"go-{lists.typed_field(step.sought)}" if isinstance(step, Show) and step.sought else ""
    )
    if isinstance(step, Show):
        st.session_state[f"show-{visit.id}"] = step
        st.query_params["p"] = step.page.name
    elif isinstance(step, Go):
        st.query_params["p"] = step.page
        st.query_params["lang"] = step.language
    elif step.kind in ENDINGS:
        st.session_state[f"receipt-{visit.id}"] = step.receipt
        st.query_params["end"] = step.kind
    else:
        st.session_state[f"ending-{visit.id}"] = step
        show_ending(step, language)
        return
    st.rerun()


def _form(visit: Visit, shown: Show, title: str, _: Translate) -> tuple[dict[str, list[str]], str | None]:
    """Draws the form of a page; returns its fields and the button that was pressed, if any."""
    page, language = shown.page, visit.language
    items = asked(page, shown.answers, visit.id)
    drawn = controls(
        items, shown.answers, submission_id=visit.id, language=language, problems=shown.problems, typed=shown.typed
    )
    number, ahead = visit.instrument.progress(shown.answers, page, submission_id=visit.id)
    first = visit.instrument.next_page(visit.answers, submission_id=visit.id) is page
    go: str | None = None
    with st.form(f"page-{page.name}", border=False, enter_to_submit=False):
        go = _tools(language, _)
        if shown.problems:
            st.error(_("Please look at this again"))
        st.progress(
            number / (number + ahead), _("Page {number} of {total}").format(number=number, total=number + ahead)
        )
        if first:
            st.title(widgets.as_text(title), anchor=False)
            if sender(visit.instrument, language):
                st.html(styles.lines(sender(visit.instrument, language), _(": ")))
        if page.label(language):
            heading = st.subheader if first else st.title
            heading(widgets.as_text(page.label(language, shown.answers, visit.id)), anchor=False)
        fields, found = _controls(visit, shown, drawn, _)
        go = found or go
        label = _("Send my answers") if ahead == 0 else _("Next")
        if st.form_submit_button(label, type="primary", width="stretch", key="go-next"):
            go = "next"
        if not first and st.form_submit_button(_("Back"), width="stretch", key="go-back"):
            go = "back"
    return fields, go


def _controls(
    visit: Visit, shown: Show, drawn: tuple[Control, ...], _: Translate
) -> tuple[dict[str, list[str]], str | None]:
    """The page's items, with the search for a community above the address."""
    # Streamlit keeps a choice by its words: in another language the widgets are others, filled from the draft.
    prefix = f"{visit.id}-{visit.language}"
    levels = address.chain(visit.instrument)
    here = {level.name for level in address.levels_on(levels, shown.page.items)}
    open_levels = {
        level.name for level in address.reachable(address.levels_on(levels, shown.page.items), shown.answers)
    }
    kept = tuple(control for control in drawn if control.name not in here or control.name in open_levels)
    fields: dict[str, list[str]] = {address.SHOWN_FIELD: [" ".join(sorted(open_levels))]}
    go = None
    if levels and levels[0].name in here:
        with st.container(border=True, key="address-search"):
            chosen = address.in_words(levels, shown.answers, visit.language)
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
            fields[address.SEARCHED_FIELD] = [shown.search]
            if st.form_submit_button(_("Find"), width="stretch", key="go-search"):
                go = "search"
            if shown.matches:
                fields[address.FOUND_FIELD] = widgets.draw_matches(
                    shown.matches, key=f"{prefix}-{address.FOUND_FIELD}", label=_("Found; please tap:")
                )
            elif shown.search:
                st.error(_("No community with this name. Try fewer characters, or choose below."))
            st.caption(_("Or choose step by step; after each step press Next:"))
    fields |= widgets.draw(kept, prefix=prefix, language=visit.language, translate=_)
    return fields, next(iter(fields.pop(widgets.GO, ())), go)


def _tools(language: str, _: Translate) -> str | None:
    """Language and type size, inside the form so that what is typed goes along."""
    other = next(code for code in LANGUAGES if code != language)
    large = st.query_params.get("size") == "large"
    with st.container(horizontal=True, horizontal_alignment="right", key="tools"):
        if st.form_submit_button(_("Normal type") if large else _("Large type"), key="go-size"):
            return "size-normal" if large else "size-large"
        if st.form_submit_button(LANGUAGE_NAMES[other], key="go-language"):
            return f"language-{other}"
    return None


def footer(visit: Visit, page: str, _: Translate) -> None:
    """What stands below every form: that questions may be skipped, the form's number, the way to the other door."""
    st.caption(_("Questions not marked as required may be skipped. What you have answered is saved page by page."))
    line = form_line(visit.instrument, visit.language)
    if line:
        st.caption(widgets.as_text(line))
    size = "large" if st.query_params.get("size") == "large" else None
    target = addresses.form(
        visit.wave.slug, visit.id, page if visit.draft else "", {"lang": visit.language, "size": size}
    )
    st.html(styles.link(target, _("Continue in the simple version (telephone)")))


def show_ending(ending: Ending, language: str) -> None:
    """The page that ends a visit."""
    _ = translator(language)
    said = words(ending, _)
    st.title(said.heading, anchor=False)
    for sentence in said.sentences:
        st.write(sentence)
    if ending.receipt:
        st.write(_("Your receipt code:"))
        st.html(styles.receipt(ending.receipt))
        st.caption(
            _("Write it down or take a picture if you may want your answers deleted later. "
              "It is shown only now, and nobody can find you by it.")
        )  # fmt: skip
    if said.again and ending.wave:
        st.html(styles.link(addresses.streamlit(ending.wave.slug, query={"lang": language}), said.again))


def _accepted() -> str:
    return st.context.headers.get("Accept-Language", "") or ""


def _language() -> str:
    chosen = st.query_params.get("lang", "")
    return chosen if chosen in LANGUAGES else preferred_language(_accepted())


if __name__ == "__main__":
    main()
