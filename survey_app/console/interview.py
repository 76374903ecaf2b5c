"""An interview: the residents' very pages, asked by an interviewer, saved page by page, handed in once."""

from datetime import datetime

import streamlit as st

from survey_app import submission
from survey_app.console import attempt, hand, markup, pageform, reasons
from survey_app.console.visit import Visit
from survey_app.pages import forms
from survey_app.pages.keeping import Drafts
from survey_app.pages.visit import Ending
from survey_app.pages.visit import Visit as PageVisit
from survey_app.store import attempts, call_list, dispositions, drafts, instruments
from survey_app.store.connections import Row
from survey_app.store.shapes import Draft
from survey_app.text import translator

AT = "asking"
SEEN = "interviews-seen"
"""In a session that has drawn the view before, and knows by itself what is under way."""


def draft_of(visit: Visit, held: Row) -> Draft | None:
    """The draft of the case in hand, if an interview of it was ever begun."""
    row = visit.store.read(lambda connection: drafts.of_case(connection, visit.wave.slug, held["case"]))
    return drafts.from_row(row) if row else None


def under_way(visit: Visit, held: Row) -> bool:
    """Whether the pages are to be shown: begun in this session, or in one that ended with a page in the address."""
    reloaded = bool(st.query_params.get(AT)) and not st.session_state.get(SEEN)
    return reloaded or bool(st.session_state.get(_talking(visit, held)))


def begin(visit: Visit, held: Row) -> None:
    """Open the case's draft and show its pages, or say why there are none."""
    opened = submission.open_case(
        visit.store, visit.wave, held["case"], interviewer=visit.account.name, language=visit.language
    )
    if isinstance(opened, submission.Refused):
        st.error(reasons.why(opened.reason, visit.language))
        return
    st.session_state[_talking(visit, held)] = True
    st.rerun()


def show(visit: Visit, held: Row, *, now: datetime) -> None:
    """The page where the interview stands, and a way out of it."""
    _ = visit.translate
    draft = draft_of(visit, held)
    st.session_state[_talking(visit, held)] = True
    hand.remember(visit, held["case"])
    if draft is None or draft.interviewer != visit.account.name:
        _leave(visit, held)
        st.rerun()
    if not call_list.keep(visit.store, visit.wave, held, visit.account.name, now=now):
        st.rerun()  # somebody else took it at this very moment
    form = _form(visit, held, draft)
    with st.container(key="form-around"):
        st.html(markup.facts([(_("Case"), held["case"]), (_("Interviewer"), visit.account.display_name)]))
        ending = _presence(visit, held, draft) if st.session_state.get(_asked(visit, held)) else pageform.run(form)
        if ending is not None:
            _end(visit, held, ending)
        _way_out(visit, held, now=now)


def forget() -> None:
    """No case is in hand: nothing of an earlier interview may open the next one."""
    st.query_params.pop(AT, None)
    for name in [str(name) for name in st.session_state if str(name).startswith(("talking-", "asked-"))]:
        del st.session_state[name]


def told(visit: Visit) -> Ending | None:
    """The ending of the interview that was just handed in and not yet left."""
    found = st.session_state.get(_ended(visit))
    return found if isinstance(found, Ending) else None


def thank(visit: Visit) -> None:
    """What came of the interview, and the way to the next case."""
    _ = visit.translate
    ending = told(visit)
    if ending is None:
        return
    texts = {
        "complete": _("The interview is stored and recorded as complete (1.1)."),
        "refused": _("The refusal is stored and recorded (2.11)."),
        "not_eligible": _("It is stored and recorded that the person is not eligible (4.7)."),
    }
    if ending.kind in texts:
        st.success(texts[ending.kind])
    else:
        st.warning(reasons.why(ending.kind, visit.language))
    if ending.receipt:
        st.html(markup.facts([(_("Receipt code, for the person if wanted"), ending.receipt)]))
    if st.button(_("Go on to the list"), type="primary", key="go-on"):
        st.session_state.pop(_ended(visit), None)
        st.rerun()


def _form(visit: Visit, held: Row, draft: Draft, present: str | None = None) -> pageform.Form:
    _ = translator(draft.language)
    instrument = instruments.load(visit.store, visit.wave.instrument_id, visit.wave.instrument_version)
    pages = PageVisit(visit.wave, instrument, draft.id, draft, draft.language)
    frame = forms.Frame(
        title=visit.wave.title.get(draft.language) or visit.wave.slug,
        send=_("Finish the interview"),
        tools=lambda: pageform.language_button(pages),
        aloud=True,
    )
    keeper = Drafts(visit.store, visit.account.name, present)
    key = hand.key_of(visit, held["case"])
    return pageform.Form(pages, keeper, frame, key, AT, hold=held["mode"] == dispositions.FACE_TO_FACE)


def _presence(visit: Visit, held: Row, draft: Draft) -> Ending | None:
    """The last question of a face-to-face interview, answered by the interviewer; then the form is handed in."""
    _ = visit.translate
    names = {
        "alone": _("nobody else"),
        "family": _("family or others of the household"),
        "official": _("an official, grid worker or escort"),
        "other": _("somebody else"),
    }
    with st.form("presence", border=True):
        st.html(markup.section(_("Who was present?"), _("For the interviewer; do not read aloud")))
        chosen = [code for code in submission.PRESENT if st.checkbox(names[code], key=f"present-{code}-{held['case']}")]
        if not st.form_submit_button(_("Hand in the interview"), type="primary", width="stretch", key="hand-in"):
            return None
        if not chosen or ("alone" in chosen and len(chosen) > 1):
            st.error(_("Say who was present: nobody else, or one or more of the others."))
            return None
    st.session_state.pop(_asked(visit, held), None)
    return pageform.hand_in(_form(visit, held, draft, " ".join(chosen)))


def _end(visit: Visit, held: Row, ending: Ending) -> None:
    """After the last page: ask who was present, or tell what came of it."""
    if ending.kind == "asked":
        st.session_state[_asked(visit, held)] = True
    else:
        _leave(visit, held)
        hand.forget(visit)
        st.session_state[_ended(visit)] = ending
    st.rerun()


def _way_out(visit: Visit, held: Row, *, now: datetime) -> None:
    """Breaking off: what was answered so far stays in the draft."""
    _ = visit.translate
    with st.expander(_("Break off the interview")):
        st.caption(_("What is saved so far is kept. Whoever tries next goes on from there."))
        if st.button(_("Back to the case"), key="to-case"):
            _leave(visit, held)
            st.rerun()
        tried = len(attempts.of_case(visit.store, visit.wave, held["case"]))
        last = tried + 1 >= attempts.most(visit.wave)
        attempt.form(visit, held, now=now, last=last, codes=attempt.BROKEN_OFF[held["mode"]])


def _leave(visit: Visit, held: Row) -> None:
    pageform.leave(hand.key_of(visit, held["case"]), AT)
    st.session_state.pop(_talking(visit, held), None)


def _talking(visit: Visit, held: Row) -> str:
    return f"talking-{hand.key_of(visit, held['case'])}"


def _asked(visit: Visit, held: Row) -> str:
    return f"asked-{hand.key_of(visit, held['case'])}"


def _ended(visit: Visit) -> str:
    return f"ended-{visit.wave.slug}"
