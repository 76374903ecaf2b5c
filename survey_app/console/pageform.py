"""A form inside the console, page by page: where it stands is kept in the session, its answers by its keeper."""

import time
from dataclasses import dataclass

import streamlit as st

from survey_app.pages import forms
from survey_app.pages.journey import Go, Sent, Show, submit, take
from survey_app.pages.keeping import Keeper
from survey_app.pages.visit import Ending, Visit, find_page, resume_at
from survey_app.text import LANGUAGE_NAMES, LANGUAGES, translator

DOOR = "console"


@dataclass(frozen=True)
class Form:
    """A visit, who keeps it, how it looks; key: of the session's entries. hold: something is asked after the pages.

    at: the address's parameter that names the page, so that a reload or a new session goes on there.
    """

    visit: Visit
    keeper: Keeper
    frame: forms.Frame
    key: str
    at: str
    hold: bool = False


def run(form: Form) -> Ending | None:
    """Draw the page where the form stands and take the step of its button; an ending when the form has one."""
    visit, names = form.visit, _names(form)
    page = find_page(visit, st.session_state.get(names["page"]) or st.query_params.get(form.at, "")) or resume_at(visit)
    st.session_state[names["page"]] = st.query_params[form.at] = page.name
    shown = st.session_state.get(names["show"])
    if not isinstance(shown, Show) or shown.page.name != page.name:
        shown = Show(page, visit.answers, {})
    began = st.session_state.setdefault(names["began"], time.monotonic())
    go = forms.draw(visit, shown, form.frame, translator(visit.language))
    st.html(_to_top(st.session_state.get("page-step", 0)), unsafe_allow_javascript=True)
    if go is None:
        return None
    fields = forms.fields(visit, shown, form.frame)
    stay = int((time.monotonic() - began) * 1000)
    return _follow(form, take(form.keeper, visit, page, Sent(fields, go, stay, DOOR, hold=form.hold)))


def hand_in(form: Form) -> Ending | None:
    """Submit a form whose pages are all saved; None when a page has to be looked at again, which is shown next."""
    page = resume_at(form.visit)
    return _follow(form, submit(form.keeper, form.visit, page, form.visit.answers, Sent({}, "next", None, DOOR)))


def leave(key: str, at: str) -> None:
    """Forget where a form stands."""
    for name in ("page", "show", "began"):
        st.session_state.pop(f"{name}-{key}", None)
    st.query_params.pop(at, None)


def language_button(visit: Visit) -> str | None:
    """The button that goes on in the other language; what is on the page goes along."""
    _ = translator(visit.language)
    offered = [code for code in LANGUAGES if code in visit.instrument.languages and code != visit.language]
    with st.container(horizontal=True, horizontal_alignment="right", key="tools"):
        for code in offered:
            label = _("Ask in {language}").format(language=LANGUAGE_NAMES[code])
            if st.form_submit_button(label, key=f"go-language-{code}"):
                return f"language-{code}"
    return None


def _follow(form: Form, step: Show | Go | Ending) -> Ending | None:
    names = _names(form)
    st.session_state["page-step"] = st.session_state.get("page-step", 0) + 1
    for name in ("show", "began"):
        st.session_state.pop(names[name], None)
    if isinstance(step, Ending):
        return step
    if isinstance(step, Show):
        st.session_state[names["show"]] = step
    name = step.page.name if isinstance(step, Show) else step.page
    st.session_state[names["page"]] = st.query_params[form.at] = name
    st.rerun()


def _to_top(step: int) -> str:
    """Streamlit keeps the place where the old page was left; each step makes the script anew."""
    return f"<script>document.querySelector('[data-testid=stMain]')?.scrollTo(0, 0) /* {int(step)} */</script>"


def _names(form: Form) -> dict[str, str]:
    return {name: f"{name}-{form.key}" for name in ("page", "show", "began")}
