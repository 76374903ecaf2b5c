"""For who runs the fieldwork: how each interviewer gets on, cases assigned and taken back, the drawn sample so far."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import streamlit as st

from survey_app.console import markup
from survey_app.console.call_list import mode_names
from survey_app.console.visit import Visit, open_live
from survey_app.store import assignments, attempts, call_list, units
from survey_app.store.assignments import Progress
from survey_app.store.errors import WordedError
from survey_app.text import translator


def show(visit: Visit) -> None:
    """The whole view."""
    _ = visit.translate
    st.html(markup.style("interview.css"))
    now = datetime.now()
    lead = _("Attempts and interviews of each interviewer, read live. Results of the survey are not shown here.")
    open_live(visit, _("Interviewers"), lead)
    said = st.session_state.pop("assigned-said", "")
    if said:
        st.success(said)
    found = assignments.progress(visit.store, visit.wave, now=now)
    cases = call_list.open_cases(visit.store, visit.wave, now=now)
    facts = [
        (_("cases still open"), str(len(cases))),
        (_("of them assigned"), str(sum(each.interviewer is not None for each in cases))),
        (_("in hand now"), str(sum(each.held_by is not None for each in cases))),
    ]
    st.html(markup.facts(facts))
    if found:
        st.html(progress_table(found, visit.language))
    else:
        st.html(markup.empty(_("No interviewer yet"), _("Make an account:"), "sandu user add NAME --role interviewer"))
    names = assignments.interviewers(visit.store)
    if names:
        with st.container(border=True, key="assign-box"):
            _assign(visit, names, sorted({each.district for each in cases if each.interviewer is None}), now=now)
        with st.container(border=True, key="take-back-box"):
            _take_back(visit, names)
    st.html(group_table(attempts.groups(visit.store, visit.wave), visit.language))


def progress_table(found: Sequence[Progress], language: str) -> str:
    """One line per interviewer."""
    _ = translator(language)
    texts = {
        "assigned": _("assigned"),
        "in_hand": _("in hand"),
        "due": _("call-backs due"),
        "attempts": _("attempts"),
        "complete": _("complete"),
        "refused": _("refused to take part"),
        "not_eligible": _("not eligible"),
    }
    columns = [
        markup.Column("name", _("Interviewer"), kind="name"),
        *(markup.Column(name, text, apart=name in {"attempts", "complete"}) for name, text in texts.items()),
    ]
    rows = []
    for each in found:
        cells = {name: str(getattr(each, name)) for name in texts}
        shown = each.name if each.name == each.interviewer else f"{each.name} ({each.interviewer})"
        rows.append(markup.Row(each.interviewer, {**cells, "name": shown}))
    return markup.table(columns, rows, caption=_("Progress by interviewer (cases, attempts, interviews)"))


def group_table(groups: Mapping[str, int], language: str) -> str:
    """Drawn cases by group of the AAPOR response rates (persons)."""
    _ = translator(language)
    texts = {
        "I": _("complete"),
        "P": _("partial"),
        "R": _("refused or broken off"),
        "NC": _("eligible, not reached"),
        "O": _("eligible, other"),
        "UH": _("not known whether a household"),
        "UO": _("not known whether eligible"),
        "NE": _("not eligible"),
    }
    columns = [
        markup.Column("group", _("Group"), kind="name"),
        markup.Column("text", _("Meaning"), kind="text"),
        markup.Column("count", _("Persons"), apart=True),
    ]
    rows = [
        markup.Row(group, {"group": group, "text": texts[group], "count": str(count)})
        for group, count in groups.items()
    ]
    rows.append(markup.Row("all", {"group": _("All"), "count": str(sum(groups.values()))}, whole=True))
    return markup.table(columns, rows, caption=_("Drawn cases by group of the AAPOR response rates"))


def _assign(visit: Visit, names: Mapping[str, str], districts: Sequence[str], *, now: datetime) -> None:
    _ = visit.translate
    st.html(markup.section(_("Assign cases"), _("Free cases, community by community.")))
    places = units.names(visit.store, visit.wave.scheme, visit.wave.edition, visit.language)
    modes = mode_names(visit.language)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.selectbox(_("Interviewer"), list(names), format_func=names.__getitem__, key="assign_to")
        mode = st.selectbox(_("Mode"), list(modes), format_func=modes.__getitem__, key="assign_mode")
        district = st.selectbox(
            _("District"),
            ["", *districts],
            format_func=lambda code: places.get(code, code) if code else _("all districts"),
            key="assign_district",
        )
        count = st.number_input(_("Number of cases"), 1, 500, 20, key="assign_count")
        # A second press of a double click finds no button of its name any more: it would assign as many again.
        turn = st.session_state.get("assigned-times", 0)
        pressed = st.button(_("Assign"), type="primary", key=f"assign-{turn}")
    if not pressed:
        return
    try:
        given = assignments.assign(
            visit.store, visit.wave, who, mode=mode, count=int(count), by=visit.account.name, now=now, district=district
        )
    except WordedError as error:
        st.error(error.said(_))
        return
    st.session_state["assigned-times"] = turn + 1
    st.session_state["assigned-said"] = _("{count} cases are assigned to {name}.").format(count=given, name=names[who])
    st.rerun()


def _take_back(visit: Visit, names: Mapping[str, str]) -> None:
    _ = visit.translate
    st.html(markup.section(_("Take cases back"), _("Every unfinished case of an interviewer goes back on the list.")))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.selectbox(_("Interviewer"), list(names), format_func=names.__getitem__, key="take_back_from")
        pressed = st.button(_("Take back"), key="take-back")
    if pressed:
        count = assignments.take_back(visit.store, visit.wave, who, by=visit.account.name)
        text = _("{count} cases of {name} are back on the list.")
        st.session_state["assigned-said"] = text.format(count=count, name=names[who])
        st.rerun()
