"""Keying in sheets of paper: the same pages, twice, by two people; the second does not see the first one's entry."""

from datetime import date, datetime

import streamlit as st

from survey_app.console import markup, pageform, reasons
from survey_app.console.visit import Visit, open_live
from survey_app.pages import forms, sheets
from survey_app.pages.sheets import Finished, Sheets
from survey_app.store import paper
from survey_app.store.errors import WordedError
from survey_app.store.paper import Entry
from survey_app.text import LANGUAGE_NAMES, LANGUAGES, translator

AT, SHEET = "keying", "sheet"


def show(visit: Visit) -> None:
    """The sheet that is being keyed in, else where to begin one."""
    st.html(markup.style("interview.css"))
    mine = _open(visit)
    gone = None if mine else _gone(visit)
    if mine is not None:
        _key(visit, mine)
    elif gone is not None:
        _show_gone(visit, gone)
    else:
        _begin(visit)


def _open(visit: Visit) -> Entry | None:
    """One's own unfinished entry of the sheet that the address names."""
    sheet = st.query_params.get(SHEET, "")
    entries = paper.of_sheet(visit.store, visit.wave, sheet) if sheet else []
    return next((one for one in entries if one.keyer == visit.account.name and not one.finished), None)


def _gone(visit: Visit) -> pageform.Form | None:
    """The page of a sheet that is still on the screen, though the entry was ended elsewhere or thrown away."""
    return pageform.left_open(_name(visit, st.query_params.get(SHEET, "")), AT)


def _show_gone(visit: Visit, form: pageform.Form) -> None:
    _ = visit.translate
    gone = WordedError(
        "Your entry of sheet '{sheet}' is finished or thrown away. Begin again.", sheet=st.query_params[SHEET]
    )
    st.error(gone.said(_) + " " + pageform.not_stored(visit.language))
    pageform.stay(form)
    if st.button(_("Go on to the sheets"), type="primary", key="go-on-gone"):
        _leave(form.key)


def _begin(visit: Visit) -> None:
    _ = visit.translate
    twice = paper.needed(visit.wave) > 1
    rule = _("Every sheet is keyed in twice, by two people.") if twice else _("Every sheet is keyed in once.")
    open_live(visit, _("Paper"), rule)
    _said(visit)
    today = datetime.now().date()
    with st.form("sheet", border=True):
        st.html(markup.section(_("Begin a sheet, or go on with your own"), ""))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            sheet = st.text_input(_("Sheet number or case number"), max_chars=64, key="sheet-number")
            case = st.text_input(_("Case number, if the sheet has another"), max_chars=64, key="sheet-case")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            day = st.date_input(
                _("Day of the interview, as on the sheet"),
                None,
                min_value=visit.wave.opens or date(2000, 1, 1),
                max_value=today,
                format="YYYY-MM-DD",
                key="sheet-day",
            )
            language = st.selectbox(
                _("Language of the sheet"), LANGUAGES, format_func=LANGUAGE_NAMES.__getitem__, key="sheet-language"
            )
        pressed = st.form_submit_button(_("Key in"), type="primary", key="key-in")
    if pressed:
        _start(visit, sheet.strip(), case.strip(), day if isinstance(day, date) else None, language)
    _waiting(visit)


def _start(visit: Visit, sheet: str, case: str, day: date | None, language: str) -> None:
    _ = visit.translate
    if not sheet or day is None:
        st.error(_("Give the number of the sheet and the day of the interview."))
        return
    try:
        new = Entry(visit.wave.slug, sheet, visit.account.name, language, day, case=case or None)
        paper.begin(visit.store, visit.wave, new)
    except WordedError as error:
        st.error(error.said(_))
        return
    st.session_state.pop("sheet-said", None)
    st.query_params[SHEET] = sheet
    st.rerun()


def _key(visit: Visit, mine: Entry) -> None:
    """One page of the sheet."""
    _ = visit.translate
    pages = sheets.visit_of(visit.store, visit.wave, mine)
    key = _name(visit, mine.sheet)
    frame = _frame(visit, mine, key)
    with st.container(key="form-around"):
        number = _("first") if mine.entry == 1 else _("second")
        facts = [(_("Sheet"), mine.sheet), (_("Entry"), number), (_("Day"), mine.fieldwork_date.isoformat())]
        st.html(markup.facts([*facts, (_("Case"), mine.case or "")]))
        st.caption(_("Key in what stands on the paper. Leave out what cannot be read or what the form does not take."))
        ending = pageform.run(pageform.Form(pages, Sheets(visit.store, mine), frame, key, AT))
        if ending is None:
            if st.button(_("Leave the sheet; it can be gone on with"), key="leave-sheet"):
                _leave(key)
            return
    st.session_state["sheet-said"] = (mine.sheet, sheets.go_on(visit.store, visit.wave, mine.sheet))
    _leave(key)


def _frame(visit: Visit, mine: Entry, key: str) -> forms.Frame:
    _ = translator(mine.language)
    title = visit.wave.title.get(mine.language) or visit.wave.slug
    return forms.Frame(title=title, send=_("Finish the sheet"), key=f"paper-{key}")


def _name(visit: Visit, sheet: str) -> str:
    """What keeps the widgets of a sheet apart from all others."""
    return f"{visit.wave.slug}-{sheet}-{visit.account.name}"


def _leave(key: str) -> None:
    pageform.leave(key, AT)
    st.query_params.pop(SHEET, None)
    st.rerun()


def _said(visit: Visit) -> None:
    """What became of the sheet that was just finished."""
    _ = visit.translate
    sheet, finished = st.session_state.get("sheet-said", ("", None))
    if not isinstance(finished, Finished):
        return
    texts = {
        "waiting": _("Sheet {sheet} is keyed in. It counts after another person's entry agrees."),
        "differs": _("Sheet {sheet}: the two entries differ in {count} places. Who runs the fieldwork settles them."),
        "submitted": _("Sheet {sheet} is stored and counts."),
        "refused": _("Sheet {sheet} was not stored ({reason}). Tell who runs the fieldwork."),
    }
    text = texts[finished.state].format(
        sheet=sheet, count=finished.differences, reason=reasons.why(finished.reason, visit.language)
    )
    (st.success if finished.state == "submitted" else st.info if finished.state == "waiting" else st.warning)(text)


def _waiting(visit: Visit) -> None:
    """One's own unfinished sheets by number, and how many wait for somebody."""
    _ = visit.translate
    found = paper.all_sheets(visit.store, visit.wave)
    me = visit.account.name
    unfinished = [sheet for sheet, entries in found.items() if any(e.keyer == me and not e.finished for e in entries)]
    whole = paper.needed(visit.wave)
    second = sum(len(entries) < whole and all(e.keyer != me for e in entries) for entries in found.values())
    own = sum(len(entries) < whole and any(e.keyer == me and e.finished for e in entries) for entries in found.values())
    both = sum(len(entries) == whole and all(e.finished for e in entries) for entries in found.values())
    facts = [
        (_("your unfinished sheets"), ", ".join(unfinished)),
        (_("wait for a second entry that you can make"), str(second)),
        (_("yours that wait for another person"), str(own)),
        (_("wait to be settled"), str(both)),
    ]
    st.html(markup.facts(facts))
