"""The case that a session has on its screen, as against the one that its interviewer has in hand.

A page can outlive the hold: its time ran out and somebody else took the case, it was taken back, it has answered, or
its interviewer went on in another window. Then nothing on that page may be stored, least of all with another case.
"""

import streamlit as st

from survey_app.console import pageform, reasons
from survey_app.console.visit import Visit
from survey_app.store import call_list
from survey_app.store.connections import Row


def key_of(visit: Visit, case: str) -> str:
    """What keeps a case's widgets apart from all others; two waves may number their cases alike."""
    return f"{visit.wave.slug}-{case}"


def remember(visit: Visit, case: str) -> None:
    """This case is on the screen."""
    st.session_state[_name(visit)] = case


def forget(visit: Visit) -> None:
    """No case is on the screen, because its interviewer has done with it."""
    st.session_state.pop(_name(visit), None)


def lost(visit: Visit, held: Row | None) -> str | None:
    """The case on the screen, where it is in hand no more."""
    case = st.session_state.get(_name(visit))
    return str(case) if case and (held is None or held["case"] != case) else None


def show_lost(visit: Visit, case: str, at: str) -> None:
    """Why nothing more can be stored of a case, with the page or the note as it was typed; `at`: the form's name."""
    _ = visit.translate
    why = reasons.why(call_list.gone_because(visit.store, visit.wave, case), visit.language)
    st.error(why + " " + pageform.not_stored(visit.language))
    form = pageform.left_open(key_of(visit, case), at)
    note = st.session_state.setdefault(
        f"kept-{key_of(visit, case)}", st.session_state.get(f"note-{key_of(visit, case)}")
    )
    if form is not None:
        pageform.stay(form)
    elif note:
        st.text_area(_("Your note"), note, disabled=True)
    if st.button(_("Go on to the list"), type="primary", key="go-on-lost"):
        pageform.leave(key_of(visit, case), at)
        st.session_state.pop(f"kept-{key_of(visit, case)}", None)
        forget(visit)
        st.rerun()


def _name(visit: Visit) -> str:
    return f"on-screen-{visit.wave.slug}"
