"""Sheets whose two entries differ: item by item side by side, a choice of the right one and the reason."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from analysis import format_number
from questionnaires import Instrument
from survey_app.console import markup, reasons
from survey_app.console.visit import Visit, kept, open_live, recalled
from survey_app.pages import sheets, widgets
from survey_app.pages.controls import controls, raw_answers
from survey_app.pages.sheets import DATE, REASONS, Choice, Difference
from survey_app.store import instruments, paper
from survey_app.store.errors import WordedError
from survey_app.store.paper import Entry, Quality
from survey_app.text import translator


def show(visit: Visit) -> None:
    """The whole view: one sheet to settle, those that wait, and how exactly people key in."""
    _ = visit.translate
    st.html(markup.style("interview.css"))
    lead = _("Nothing of a sheet counts before its two entries agree or are settled here.")
    open_live(visit, _("Differences"), lead)
    said = st.session_state.pop("settled-said", "")
    if said:
        st.success(said)
    found = paper.all_sheets(visit.store, visit.wave)
    ready = {sheet: entries for sheet, entries in found.items() if _is_ready(visit, entries)}
    counts = [(_("to settle"), str(len(ready))), (_("still being keyed in"), str(len(found) - len(ready)))]
    st.html(markup.facts(counts))
    if ready:
        _sheet(visit, ready)
    else:
        st.html(markup.empty(_("Nothing to settle"), _("Sheets stand here when their two entries differ.")))
    _discard(visit, found)
    quality = paper.quality(visit.store, visit.wave)
    if quality:
        st.html(quality_table(quality, visit.language))


def reason_names(language: str) -> dict[str, str]:
    """Why entries differ."""
    _ = translator(language)
    return {
        "mistyped": _("mistyped"),
        "misread": _("misread"),
        "skipped": _("passed over"),
        "illegible": _("cannot be read on the paper"),
        "contradictory": _("the paper contradicts itself"),
        "other": _("other reason"),
    }


def quality_table(quality: Sequence[Quality], language: str) -> str:
    """How exactly each person keys in (0-100)."""
    _ = translator(language)
    columns = [
        markup.Column("keyer", _("Account"), kind="name"),
        markup.Column("sheets", _("Sheets")),
        markup.Column("compared", _("Items compared")),
        markup.Column("differing", _("Items that differed"), "%", apart=True),
        markup.Column("wrong", _("of them not as settled"), _("% of compared")),
    ]
    rows = []
    for each in quality:
        cells = {
            "keyer": each.keyer,
            "sheets": str(each.sheets),
            "compared": str(each.compared),
            "differing": "" if each.differing is None else format_number(each.differing),
            "wrong": "" if each.wrong is None else format_number(each.wrong),
        }
        rows.append(markup.Row(each.keyer, cells))
    return markup.table(columns, rows, caption=_("How exactly sheets are keyed in, by account"))


def _is_ready(visit: Visit, entries: list[Entry]) -> bool:
    return len(entries) == paper.needed(visit.wave) and all(each.finished for each in entries)


def _sheet(visit: Visit, ready: dict[str, list[Entry]]) -> None:
    """One sheet: its differences, and the button that hands it in."""
    _ = visit.translate
    recalled("open_sheet", list(ready), next(iter(ready)))
    sheet = kept("open_sheet", st.selectbox(_("Sheet"), list(ready), key="open_sheet", width=320))
    entries = ready[sheet]
    instrument = instruments.load(visit.store, visit.wave.instrument_id, visit.wave.instrument_version)
    found = sheets.differences(visit.store, visit.wave, entries)
    choices = [_difference(visit, instrument, sheet, each, entries) for each in found]
    made = {each.name: choice for each, choice in zip(found, choices, strict=True) if choice is not None}
    st.caption(_("{count} of {total} differences are settled.").format(count=len(made), total=len(found)))
    if st.button(_("Hand in the sheet"), type="primary", key="settle", disabled=len(made) < len(found)):
        _settle(visit, sheet, made)


def _settle(visit: Visit, sheet: str, made: dict[str, Choice]) -> None:
    _ = visit.translate
    try:
        finished = sheets.settle(visit.store, visit.wave, sheet, made, by=visit.account.name)
    except WordedError as error:
        st.error(error.said(_))
        return
    if finished.state != "submitted":
        st.error(_("The sheet was not stored: {reason}").format(reason=reasons.why(finished.reason, visit.language)))
        return
    st.session_state["settled-said"] = _("Sheet {sheet} is stored and counts.").format(sheet=sheet)
    st.rerun()


def _difference(
    visit: Visit, instrument: Instrument, sheet: str, found: Difference, entries: list[Entry]
) -> Choice | None:
    """One item: what each entry has, what is right, and why they differ; None while something is open."""
    _ = visit.translate
    key = f"{visit.wave.slug}-{sheet}-{found.name}"
    first, second = (_in_words(instrument, found.name, value, visit) for value in (found.first, found.second))
    by = [each.keyer for each in entries]
    options = {
        "first": _("{keyer}: {answer}").format(keyer=by[0], answer=first),
        "second": _("{keyer}: {answer}").format(keyer=by[1], answer=second),
        "other": _("Neither; the paper says:"),
    }
    with st.container(border=True, key=f"difference-item-{key}"):
        st.markdown(f"**{widgets.as_text(_question(instrument, found.name, visit))}**")
        right = st.radio(
            _("What is right"),
            list(options),
            index=None,
            format_func=lambda code: widgets.as_text(options[code]),
            key=f"right-{key}",
            label_visibility="collapsed",
            width="stretch",
        )
        value = {"first": found.first, "second": found.second}.get(right or "")
        if right == "other":
            value = _other(visit, instrument, found.name, key, entries)
        names = reason_names(visit.language)
        reason = st.selectbox(
            _("Why do the entries differ?"),
            REASONS,
            index=None,
            format_func=names.__getitem__,
            key=f"reason-{key}",
            placeholder=_("Please choose"),
        )
    unsaid = right is None or reason is None or (found.name == DATE and value is None)
    return None if unsaid else Choice(value, str(reason))


def _other(visit: Visit, instrument: Instrument, name: str, key: str, entries: list[Entry]) -> Any:
    """The item's own control, for an answer that neither entry has; None leaves it unanswered."""
    _ = visit.translate
    if name == DATE:
        day = st.date_input(_("Day"), None, max_value="today", key=f"day-{key}", format="YYYY-MM-DD")
        return day.isoformat() if day else None  # type: ignore[union-attr]
    item = instrument.items[name]
    drawn = controls((item,), {**entries[0].answers, name: None}, submission_id="", language=visit.language)
    widgets.draw(drawn, prefix=f"other-{key}", language=visit.language, translate=_)
    return raw_answers((item,), widgets.read(drawn, prefix=f"other-{key}")).get(name)


def _question(instrument: Instrument, name: str, visit: Visit) -> str:
    _ = visit.translate
    return _("Day of the interview") if name == DATE else f"{name} {instrument.items[name].label(visit.language)}"


def _in_words(instrument: Instrument, name: str, value: Any, visit: Visit) -> str:
    """An answer as the form shows it."""
    _ = visit.translate
    if value in (None, "", []):
        return _("left out")
    item = instrument.items.get(name)
    if item is None or item.offer is None:
        return str(value)
    codes = value if isinstance(value, list) else str(value).split()
    return ", ".join(_labelled(code, item.label_of(code, visit.language)) for code in codes)


def _labelled(code: str, label: str) -> str:
    return label if label == code else f"{label} ({code})"


def _discard(visit: Visit, found: dict[str, list[Entry]]) -> None:
    """Throwing away the entries of a sheet, for one keyed in under a wrong number."""
    _ = visit.translate
    if not found:
        return
    with st.expander(_("Throw a sheet's entries away, to be keyed in anew")):
        sheet = st.selectbox(_("Sheet"), list(found), index=None, key="discard_sheet", placeholder=_("Please choose"))
        if st.button(_("Throw away"), key="discard", disabled=sheet is None) and sheet:
            paper.discard(visit.store, visit.wave, sheet, by=visit.account.name)
            st.rerun()
