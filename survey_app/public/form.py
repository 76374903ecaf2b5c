"""The Streamlit door's script: one page of the instrument in one form, saved when its button comes back pressed.

The place in the form stands in the address (`s` wave, `r` draft, `p` page, `lang`, `size`), the answers in the draft
on the server: a reload, a reconnect or a restarted server loses nothing that was sent. Nothing is saved in a callback,
for the browser's first press after a restart runs none.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from questionnaires.instrument import Page
from survey_app.http.middleware import ERROR_SENTENCES
from survey_app.pages import forms, lists
from survey_app.pages.journey import Sent, Show, Step, take
from survey_app.pages.keeping import Away, Drafts, Keeper
from survey_app.pages.visit import Ending, Visit, find_page, resume_at
from survey_app.public import devices, doors, styles
from survey_app.public.endings import words
from survey_app.public.plain import addresses
from survey_app.public.plain.views import title_of
from survey_app.public.sender import form_line, sender
from survey_app.public.visit import find_wave, is_id, read, recall, sent_before
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Wave
from survey_app.text import LANGUAGE_NAMES, LANGUAGE_TAGS, LANGUAGES, preferred_language, translator

Translate = Callable[[str], str]
TOO_FAST = ERROR_SENTENCES[429]
ENDINGS = ("complete", "refused", "not_eligible")


def main() -> None:
    """Draws what the address asks for."""
    slug, visit_id = st.query_params.get("s", ""), st.query_params.get("r", "")
    if not is_id(visit_id):
        visit: Visit | Ending = Ending("unknown_wave")
        keeper: Keeper = Drafts(doors.current().store)
    else:
        visit, keeper = _visit(slug, visit_id)
    wave = visit.wave
    language = visit.language if isinstance(visit, Visit) else _language()
    title = title_of(wave, language)
    st.set_page_config(page_title=title, page_icon=styles.icon(), layout="centered")
    st.html(styles.css(large=st.query_params.get("size") == "large"))
    if wave is not None and wave.simulated:
        st.html('<div class="sandu-badge">模拟数据 / simulated</div>')
    if isinstance(visit, Ending):
        show_ending(visit, language)
        below = ""
    else:
        below = show_form(visit, keeper, title)
    tag, sought = LANGUAGE_TAGS[language], st.session_state.get("sought", "")
    script = styles.after(st.session_state.get("step", 0), tag, into=sought)
    # One element, not two: each costs a message to the browser.
    st.html(below + script, unsafe_allow_javascript=True)


def _visit(slug: str, visit_id: str) -> tuple[Visit | Ending, Keeper]:
    """The visit at the address, also while the store is away: then as this process and this session remember it."""
    spoken, copy = st.query_params.get("lang"), st.session_state.get(f"copy-{visit_id}")
    keeper: Keeper = Drafts(doors.current().store)
    try:
        found = ended(slug, visit_id) or read(doors.current(), slug, visit_id, language=spoken, accepted=_accepted())
    except StoreError as error:
        keeper = Away(str(error))
        found = recall(doors.current(), slug, visit_id, language=spoken, copy=copy)
    return replace(found, spare=copy) if isinstance(found, Visit) and copy is not None else found, keeper


def ended(slug: str, visit_id: str) -> Ending | None:
    """The ending that this visit has reached; the receipt code only in the same session.

    A session that still holds the answers may press again: it gets its ending from the submission itself.
    """
    thanked = st.query_params.get("end") in ENDINGS or f"receipt-{visit_id}" in st.session_state
    if not thanked and f"copy-{visit_id}" in st.session_state:
        return None
    found = find_wave(doors.current(), slug)
    wave = found if isinstance(found, Wave) else found.wave
    if wave is None:
        return found if isinstance(found, Ending) else None
    ending = sent_before(doors.current(), wave, visit_id)
    return ending and replace(ending, receipt=st.session_state.get(f"receipt-{visit_id}"))


def show_form(visit: Visit, keeper: Keeper, title: str) -> str:
    """The open page or, when one of its buttons was pressed, what comes after it; the HTML that stands below.

    What was pressed is read before the page is drawn, so that a press costs one drawing and not two. A session that
    has not drawn the page yet (the first press after a restart of the server) has to draw it to know what is in it.
    """
    page = find_page(visit, st.query_params.get("p", "")) or resume_at(visit)
    sent = _sent(visit, page, title)
    new_here, below = sent is None, ""
    if new_here:
        below = show_page(visit, page, title)
        sent = _sent(visit, page, title)
    if sent is None:
        return below
    if _braked(visit):
        return below if new_here else show_page(visit, page, title)
    step = take(keeper, visit, page, sent)
    devices.offer(visit, page, step)
    following = follow(visit, page, step)
    if new_here or sent.go != "next":
        st.rerun()
    if isinstance(following, Ending):
        show_ending(following, visit.language)
        return ""
    return show_page(following, find_page(following, st.query_params["p"]) or resume_at(following), title)


def show_page(visit: Visit, page: Page, title: str) -> str:
    """One page of the form; the HTML that stands below it."""
    _ = translator(visit.language)
    if st.query_params.get("p") != page.name:
        # The address must name the page: a second press that comes after the draft has gone is read by it.
        st.query_params["p"] = page.name
    if visit.draft is not None:
        st.session_state[f"copy-{visit.id}"] = dict(visit.draft.answers)
    devices.show_code(visit, _)
    st.session_state.setdefault(f"began-{visit.id}-{page.name}", time.monotonic())
    forms.draw(visit, _shown(visit, page), _frame(visit, page, title, _), _)
    if visit.draft is None:
        devices.ask_code(visit, _)
    return footer(visit, page.name, _)


def _shown(visit: Visit, page: Page) -> Show:
    """The page as it was last shown: with its problems, or as the draft has it."""
    shown = st.session_state.get(f"show-{visit.id}")
    return shown if isinstance(shown, Show) and shown.page.name == page.name else Show(page, visit.answers, {})


def _sent(visit: Visit, page: Page, title: str) -> Sent | None:
    """What was sent with the press of a button of this page, if one was pressed."""
    frame = _frame(visit, page, title, translator(visit.language))
    large, other = st.query_params.get("size") == "large", _other(visit.language)
    more = {
        f"go-size-{page.name}": "size-normal" if large else "size-large",
        f"go-language-{page.name}": f"language-{other}",
        f"go-device-{page.name}": devices.BUTTON,
    }
    found = forms.pressed(visit, _shown(visit, page), frame, more)
    if found is None:
        return None
    fields, go = found
    devices.remember(visit, go)
    if go.startswith("size-"):
        st.query_params["size"] = go.removeprefix("size-")
    began = st.session_state.get(f"began-{visit.id}-{page.name}", time.monotonic())
    stays = go.startswith("size-") or go == devices.BUTTON
    return Sent(fields, "stay" if stays else go, int((time.monotonic() - began) * 1000), "streamlit")


def _braked(visit: Visit) -> bool:
    """Says so where pages come in a loop; what is typed stays in the form."""
    wait = doors.current().posts.wait(visit.id, devices.client())
    if wait > 0:
        st.warning(translator(visit.language)(TOO_FAST))
    return wait > 0


def follow(visit: Visit, page: Page, step: Step) -> Visit | Ending:
    """Where the step leads, written into the address: the visit at the page to show next, or an ending."""
    st.session_state["step"] = st.session_state.get("step", 0) + 1
    st.session_state.pop(f"began-{visit.id}-{page.name}", None)
    st.session_state.pop(f"show-{visit.id}", None)
    st.session_state["sought"] = (
        f"go-{lists.typed_field(step.sought)}" if isinstance(step, Show) and step.sought else ""
    )
    if isinstance(step, Ending):
        if step.kind in ENDINGS:
            st.session_state[f"receipt-{visit.id}"] = step.receipt
            st.query_params["end"] = step.kind
        return step
    if isinstance(step, Show):
        st.session_state[f"show-{visit.id}"] = step
        st.query_params["p"] = step.page.name
        return visit
    st.query_params.update(p=step.page, lang=step.visit.language)
    return step.visit


def _frame(visit: Visit, page: Page, title: str, _: Translate) -> forms.Frame:
    who = sender(visit.instrument, visit.language)
    return forms.Frame(
        title=title,
        send=_("Send my answers"),
        opening=styles.lines(who, _(": ")) if who else "",
        tools=lambda: _tools(page.name, visit.language, _),
        below=lambda: devices.button(page.name, _),
    )


def _tools(page: str, language: str, _: Translate) -> str | None:
    """Language and type size, inside the form so that what is typed goes along."""
    other = _other(language)
    large = st.query_params.get("size") == "large"
    with st.container(horizontal=True, horizontal_alignment="right", key=f"tools-{page}"):
        if st.form_submit_button(_("Normal type") if large else _("Large type"), key=f"go-size-{page}"):
            return "size-normal" if large else "size-large"
        if st.form_submit_button(LANGUAGE_NAMES[other], key=f"go-language-{page}"):
            return f"language-{other}"
    return None


def footer(visit: Visit, page: str, _: Translate) -> str:
    """What stands below every form: that questions may be skipped, the form's number, the way to the other door."""
    said = [
        _("Questions not marked as required may be skipped. What you have answered is saved page by page."),
        form_line(visit.instrument, visit.language),
    ]
    size = "large" if st.query_params.get("size") == "large" else None
    target = addresses.form(
        visit.wave.slug, visit.id, page if visit.draft else "", {"lang": visit.language, "size": size}
    )
    link = styles.link(target, _("Continue in the simple version (telephone)"))
    return styles.small(line for line in said if line) + link


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
    if ending.kind == "needs_invitation" and ending.wave:
        target = addresses.resume(ending.wave.slug, {"lang": language})
        st.html(styles.link(target, _("Begun on another device? Enter your code")))
    if said.again and ending.wave:
        st.html(styles.link(addresses.streamlit(ending.wave.slug, query={"lang": language}), said.again))


def _other(language: str) -> str:
    return next(code for code in LANGUAGES if code != language)


def _accepted() -> str:
    return st.context.headers.get("Accept-Language", "") or ""


def _language() -> str:
    chosen = st.query_params.get("lang", "")
    return chosen if chosen in LANGUAGES else preferred_language(_accepted())


if __name__ == "__main__":
    main()
