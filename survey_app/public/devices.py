"""Going on with a form on another device, at the Streamlit door: showing a draft's code, and asking for one."""

from collections.abc import Callable

import streamlit as st

from questionnaires.instrument import Page
from survey_app import submission
from survey_app.http.throttle import prefix
from survey_app.pages.journey import Go, Step
from survey_app.pages.visit import Visit
from survey_app.public import doors, styles
from survey_app.public.plain import addresses
from survey_app.public.sender import day
from survey_app.public.visit import offer_code

BUTTON = "device"
Translate = Callable[[str], str]


def client() -> str:
    """The address that this session comes from, "" for this very machine; it is counted under a hash and never kept."""
    return str(st.context.ip_address or "")


def button(page: str, _: Translate) -> str | None:
    """Inside the form, so that what is typed on the page is saved with it."""
    pressed = st.form_submit_button(_("Continue on another device"), width="stretch", key=f"go-device-{page}")
    return BUTTON if pressed else None


def remember(visit: Visit, go: str) -> None:
    """Keeps that the code was asked for until the page is saved; any other button puts it away again."""
    st.session_state[f"device-{visit.id}"] = go == BUTTON
    st.session_state.pop(f"code-{visit.id}", None)


def offer(visit: Visit, page: Page, step: Step) -> None:
    """Gives the draft its code once its page is saved."""
    if st.session_state.pop(f"device-{visit.id}", False) and isinstance(step, Go):
        st.session_state[f"code-{visit.id}"] = offer_code(doors.current(), visit, page)


def show_code(visit: Visit, _: Translate) -> None:
    """The code that was asked for, above the form."""
    code = st.session_state.get(f"code-{visit.id}")
    if not isinstance(code, submission.ResumeCode):
        return
    with st.container(border=True, key="device-code"):
        st.write(_("What you have answered is saved. On the other device open this address:"))
        address = doors.current().settings.public_address + addresses.resume(visit.wave.slug)
        st.html(styles.receipt(address))
        st.write(_("and enter this code:"))
        st.html(styles.receipt(code.text, large=True))
        until = day(code.until.isoformat(), visit.language)
        st.caption(
            _("The code works until {day} and ends when the form is sent. "
              "Show it to nobody else: whoever has it sees your answers.").format(day=until)
        )  # fmt: skip


def ask_code(visit: Visit, _: Translate) -> None:
    """Below a form that was not begun yet: a field for a code from another device."""
    with st.expander(_("Begun on another device? Enter your code")), st.form("resume", border=False):
        typed = st.text_input(_("Your code: eight letters and digits"), max_chars=20, key="resume-code")
        if st.form_submit_button(_("Go on"), key="go-resume"):
            _resume(visit, typed or "", _)


def _resume(visit: Visit, typed: str, _: Translate) -> None:
    process, network = doors.current(), prefix(client())
    if process.codes.wait(visit.wave.slug, network) > 0:
        st.error(_("Too many codes were tried. Please try again in a quarter of an hour."))
        return
    found = submission.resume(process.store, visit.wave, typed)
    if found is None:
        process.codes.failed(visit.wave.slug, network)
        st.error(_("No form goes with this code. Please compare it with the other device letter by letter."))
        return
    st.query_params.pop("p", None)
    st.query_params["r"] = found
    st.rerun()
