"""Interviews by telephone and face to face: the next case, who it is, the interview, what came of it.

An interviewer sees the case in hand and their own cases, and nobody else's.
"""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from survey_app.console import attempt, hand, interview, markup, moments, people
from survey_app.console.visit import Visit, open_live
from survey_app.store import attempts, call_list, dispositions, units
from survey_app.store.attempts import Attempt
from survey_app.store.call_list import OpenCase
from survey_app.store.connections import Row
from survey_app.text import translator


def show(visit: Visit) -> None:
    """The whole view: the interview under way, else the case in hand, else the list."""
    st.html(markup.style("interview.css"))
    now = datetime.now()
    held = call_list.held(visit.store, visit.wave, visit.account.name)
    gone = hand.lost(visit, held)
    if interview.told(visit) is not None:
        interview.thank(visit)
    elif gone is not None:
        hand.show_lost(visit, gone, interview.AT)
    elif held is not None and interview.under_way(visit, held):
        interview.show(visit, held, now=now)
    elif held is not None:
        _case(visit, held, now=now)
    else:
        interview.forget()
        _list(visit, now=now)
    st.session_state[interview.SEEN] = True


def mode_names(language: str) -> dict[str, str]:
    """What the modes of an interview are called."""
    _ = translator(language)
    return {dispositions.PHONE: _("phone"), dispositions.FACE_TO_FACE: _("face to face")}


def _list(visit: Visit, *, now: datetime) -> None:
    _ = visit.translate
    lead = _("Take the next case: agreed call-backs come first, then your own cases, then those least tried.")
    open_live(visit, _("Interviews"), lead)
    counts = call_list.counts(visit.store, visit.wave, visit.account.name, now=now)
    facts = [
        (_("to try now"), str(counts.now)),
        (_("agreed call-backs due"), str(counts.due)),
        (_("to try later"), str(counts.later)),
        (_("assigned to you"), str(counts.own)),
    ]
    st.html(markup.facts(facts))
    with st.container(horizontal=True, vertical_alignment="bottom", key="take"):
        mode = _mode(visit)
        pressed = st.button(_("Next case"), type="primary", key="next-case", disabled=counts.now == 0)
    if pressed:
        if call_list.take_next(visit.store, visit.wave, visit.account.name, now=now, mode=mode):
            st.rerun()
        st.info(_("There is no case to try now in this mode. Choose another, or come back later."))
    if counts.now == 0:
        st.html(
            markup.empty(_("Nothing to try now"), _("Cases come back when their wait is over or a call-back is due."))
        )
    own = call_list.own_cases(visit.store, visit.wave, visit.account.name, now=now)
    if own:
        names = units.names(visit.store, visit.wave.scheme, visit.wave.edition, visit.language)
        st.html(own_table(own, names, visit.language))


def own_table(own: Sequence[OpenCase], names: dict[str, str], language: str) -> str:
    """An interviewer's own cases, soonest first."""
    _ = translator(language)
    columns = [
        markup.Column("case", _("Case"), kind="name"),
        markup.Column("mode", _("Mode"), kind="text"),
        markup.Column("district", _("District"), kind="text"),
        markup.Column("tried", _("Attempts"), apart=True),
        markup.Column("code", _("Last result"), kind="text"),
        markup.Column("next", _("Next time"), kind="text", apart=True),
    ]
    rows = []
    for each in own:
        cells = {
            "case": each.case,
            "mode": mode_names(language).get(each.mode, each.mode),
            "district": names.get(each.district, each.district),
            "tried": str(each.tried),
            "code": dispositions.ALL[each.last_code].text(language) if each.last_code else "",
            "next": moments.when(each.next_from, each.next_until, language),
        }
        rows.append(markup.Row(each.case, cells))
    return markup.table(columns, rows, caption=_("Your cases that are still open"))


def attempt_table(tried: Sequence[Attempt], language: str) -> str:
    """What came of earlier attempts; who made them is not told."""
    _ = translator(language)
    columns = [
        markup.Column("number", _("Attempt"), kind="name"),
        markup.Column("when", _("When"), kind="text"),
        markup.Column("code", _("Code"), kind="text", apart=True),
        markup.Column("text", _("Result"), kind="text"),
        markup.Column("note", _("Note"), kind="text"),
    ]
    rows = []
    for each in tried:
        hour = f" {each.hour:02}:00" if each.hour is not None else ""
        cells = {
            "number": str(each.number),
            "when": f"{each.on_date or ''}{hour} {moments.window_names(language).get(each.window or '', '')}".strip(),
            "code": each.code,
            "text": dispositions.ALL[each.code].text(language),
            "note": each.note or "",
        }
        rows.append(markup.Row(str(each.number), cells))
    return markup.table(columns, rows, caption=_("Earlier attempts"))


def _mode(visit: Visit) -> str:
    """Which cases to take: either kind at first."""
    _ = visit.translate
    names = {"": _("phone and face to face"), **mode_names(visit.language)}
    chosen = st.segmented_control(
        _("Mode"),
        list(names),
        format_func=names.__getitem__,
        default="",
        key="case_mode",
        required=True,
        label_visibility="collapsed",
    )
    return chosen or ""


def _case(visit: Visit, held: Row, *, now: datetime) -> None:
    """The case in hand: who it is, what came of earlier attempts, and what to do now."""
    _ = visit.translate
    hand.remember(visit, held["case"])
    tried = attempts.of_case(visit.store, visit.wave, held["case"])
    most = attempts.most(visit.wave)
    title = _("Case {case}").format(case=held["case"])
    lead = _("{mode}; attempt {number} of {most}").format(
        mode=mode_names(visit.language)[held["mode"]], number=len(tried) + 1, most=most
    )
    open_live(visit, title, lead)
    names = units.names(visit.store, visit.wave.scheme, visit.wave.edition, visit.language)
    district, community = (str(names.get(held[name], held[name])) for name in ("district", "psu"))
    place = [(_("District"), district), (_("Community"), community)]
    with st.container(border=True, key="case"):
        st.html(markup.facts([*people.facts(visit, held["case"]), *place]))
        begun = interview.draft_of(visit, held)
        typed_alone = begun is not None and begun.page is not None and begun.interviewer is None
        if typed_alone:
            st.info(
                _("This person has begun the form by an own link. What was typed there is not shown to you, and goes "
                  "when an interview begins. Ask whether the person would rather finish it alone.")
            )  # fmt: skip
        on = begun is not None and begun.page is not None and not typed_alone
        label = _("Go on with the interview") if on else _("Begin the interview")
        if st.button(label, type="primary", key="begin"):
            interview.begin(visit, held)
    if tried:
        st.html(attempt_table(tried, visit.language))
    with st.container(border=True, key="attempt"):
        attempt.form(visit, held, now=now, last=len(tried) + 1 >= most)
