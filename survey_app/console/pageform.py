"""A form inside the console, page by page: where it stands is kept in the session, its answers by its keeper."""

import time
from dataclasses import dataclass, replace

import streamlit as st

from survey_app.console import markup
from survey_app.pages import forms
from survey_app.pages.controls import asked, raw_answers
from survey_app.pages.journey import Go, Sent, Show, submit, take
from survey_app.pages.keeping import Keeper
from survey_app.pages.visit import Ending, Visit, find_page, resume_at
from survey_app.text import LANGUAGE_NAMES, LANGUAGES, translator

DOOR = "console"
OPEN, DRAWN = "form-open", "form-drawn"
"""In the session: the form that it drew last and has not left, and whether it drew it in its last run."""


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
    shown = _shown(form)
    page = shown.page
    st.session_state[OPEN] = form
    st.session_state[DRAWN] = True
    st.session_state[names["page"]] = st.query_params[form.at] = page.name
    began = st.session_state.setdefault(names["began"], time.monotonic())
    go = forms.draw(visit, shown, form.frame, translator(visit.language))
    st.html(_to_top(st.session_state.get("page-step", 0)), unsafe_allow_javascript=True)
    if go is None:
        return None
    fields = forms.fields(visit, shown, form.frame)
    stay = int((time.monotonic() - began) * 1000)
    return _follow(form, take(form.keeper, visit, page, Sent(fields, go, stay, DOOR, hold=form.hold)))


def left_open(key: str, at: str) -> Form | None:
    """The form that this session drew last and has not left, where it is this one."""
    form = st.session_state.get(OPEN)
    return form if isinstance(form, Form) and (form.key, form.at) == (key, at) else None


def turn_over() -> None:
    """A view is about to be drawn, with a form or without."""
    st.session_state.pop(DRAWN, None)


def show_left_open(language: str) -> None:
    """The form that was on the screen until now, for somebody who may not go on with it."""
    form = st.session_state.get(OPEN)
    if isinstance(form, Form) and st.session_state.get(DRAWN):
        st.html(markup.style("interview.css"))
        st.warning(not_stored(language))
        shown = _shown(form)
        # Outside a view Streamlit takes the widgets for others and leaves them empty: they are filled anew.
        typed = raw_answers(
            asked(shown.page, shown.answers, form.visit.id), forms.fields(form.visit, shown, form.frame)
        )
        st.session_state[_names(form)["show"]] = replace(shown, answers={**shown.answers, **typed})
        stay(form)


def not_stored(language: str) -> str:
    """That a page was not stored and why it still stands there."""
    _ = translator(language)
    return _("What was typed on this page was not stored; it stands below so that you can note it down.")


def stay(form: Form) -> None:
    """The page as it stands, with what was typed; its buttons lead nowhere."""
    st.session_state[DRAWN] = True
    with st.container(key="form-around"):
        forms.draw(form.visit, _shown(form), form.frame, translator(form.visit.language))


def hand_in(form: Form) -> Ending | None:
    """Submit a form whose pages are all saved; None when a page has to be looked at again, which is shown next."""
    page = resume_at(form.visit)
    return _follow(form, submit(form.keeper, form.visit, page, form.visit.answers, Sent({}, "next", None, DOOR)))


def leave(key: str, at: str) -> None:
    """Forget where a form stands."""
    for name in (OPEN, *(f"{name}-{key}" for name in ("page", "show", "began"))):
        st.session_state.pop(name, None)
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


def _shown(form: Form) -> Show:
    """The page where the form stands, as it was last shown or as its keeper has it."""
    visit, names = form.visit, _names(form)
    page = find_page(visit, st.session_state.get(names["page"]) or st.query_params.get(form.at, "")) or resume_at(visit)
    shown = st.session_state.get(names["show"])
    if isinstance(shown, Show) and shown.page.name == page.name:
        return shown
    return Show(page, visit.answers, {})


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
