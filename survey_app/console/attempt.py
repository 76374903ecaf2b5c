"""Recording what came of a call or a visit."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import streamlit as st

from survey_app.console import hand, markup
from survey_app.console.visit import Visit
from survey_app.store import attempts, call_list, dispositions
from survey_app.store.attempts import LONGEST_NOTE, Result
from survey_app.store.connections import Row
from survey_app.store.errors import WordedError

BROKEN_OFF = {
    dispositions.PHONE: (dispositions.REFUSED, dispositions.BROKEN_OFF, "2.21", "2.33", "2.34"),
    dispositions.FACE_TO_FACE: (dispositions.REFUSED, dispositions.BROKEN_OFF, "2.25", "2.33"),
}
"""What may end an interview that has begun, by mode."""


def form(visit: Visit, held: Row, *, now: datetime, last: bool, codes: Sequence[str] = ()) -> None:
    """Code, note and call-back of the case in hand, and the button that records them; the list is shown next.

    last: this attempt is the case's last, so nothing can be agreed. codes: those to choose from, else all of the mode.
    """
    _ = visit.translate
    case = held["case"]
    st.html(markup.section(_("Record the attempt"), _("A final result takes the case off the list.")))
    code = _code(visit, held, codes)
    key = hand.key_of(visit, case)
    callback = _callback(visit, key, now) if code and not dispositions.ALL[code].final and not last else None
    if last:
        st.caption(_("This is the last attempt for this case; no call-back can be agreed."))
    note = st.text_area(
        _("Note for whoever tries next (no names, nothing about answers)"),
        max_chars=LONGEST_NOTE,
        key=f"note-{key}",
        height=80,
    )
    with st.container(horizontal=True, key="record-line"):
        record = st.button(_("Record"), key="record", disabled=code is None, type="primary")
        free = not codes and st.button(_("Put back without an attempt"), key="put-back")
    if free:
        call_list.let_go(visit.store, visit.wave, case, visit.account.name)
        hand.forget(visit)
        st.rerun()
    if record and code:
        try:
            result = Result(code, note or "", callback)
            attempts.record(visit.store, visit.wave, case, result, by=visit.account.name, now=now)
        except WordedError as error:
            st.error(error.said(_))
            return
        hand.forget(visit)
        st.rerun()


def _code(visit: Visit, held: Row, codes: Sequence[str]) -> str | None:
    """The code; final and temporary ones are told apart in words."""
    _ = visit.translate
    offered = [each for each in dispositions.for_mode(held["mode"]) if not codes or each.code in codes]

    def text(code: str) -> str:
        each = dispositions.ALL[code]
        wait = _("final") if each.final else _("again in {hours} h at the earliest").format(hours=each.wait)
        return f"{code} {each.text(visit.language)} · {wait}"

    return st.selectbox(
        _("Result"),
        [each.code for each in offered],
        index=None,
        format_func=text,
        key=f"code-{hand.key_of(visit, held['case'])}",
        placeholder=_("Please choose"),
    )


def _callback(visit: Visit, key: str, now: datetime) -> tuple[datetime, datetime] | None:
    """When to try again, if it was agreed."""
    _ = visit.translate
    if not st.checkbox(_("A time was agreed"), key=f"agreed-{key}"):
        st.session_state.pop(f"today-{key}", None)
        return None
    # A field whose limits change at midnight would go back to its default, unseen.
    today = st.session_state.setdefault(f"today-{key}", now.date())
    with st.container(horizontal=True, key="callback"):
        day = st.date_input(_("Day"), today + timedelta(days=1), min_value=today, key=f"day-{key}", format="YYYY-MM-DD")
        begin = st.time_input(_("From"), time(18, 0), key=f"from-{key}", step=900)
        end = st.time_input(_("Until"), time(20, 0), key=f"until-{key}", step=900)
    if not isinstance(day, date) or begin is None or end is None:
        return None
    return datetime.combine(day, begin), datetime.combine(day, end)
