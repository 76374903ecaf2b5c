"""Fieldwork: what came in, what became of it, and whether the counts add up. The one view that reads the live store."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from analysis import format_number
from questionnaires.instrument import Instrument
from survey_app.console import cache, markup, quota_cells, taken_up
from survey_app.console.visit import Visit, kept, open_view, recalled
from survey_app.publish.catalogue import Snapshot
from survey_app.store import dispositions, reconciliation, redemption, units
from survey_app.store.reconciliation import ALL, Fault, Line
from survey_app.text import translator

_FLOW = ("opened", "started", "drafts_open", "drafts_expired", "quota_full", "received", "quarantined", "accepted")
_REST = ("excluded", "counted", "duplicates", "erased")


def show(visit: Visit) -> None:
    """The whole view."""
    _ = visit.translate
    lead = _("What came in, what became of it, and whether every count adds up. Read live from the database.")
    snapshot = open_view(visit, _("Fieldwork"), lead, needs_snapshot=False)
    found = reconciliation.reconcile(visit.store, visit.wave)
    names = units.names(visit.store, visit.wave.scheme, visit.wave.edition, visit.language)
    st.html(markup.cards(flow_cards(reconciliation.total(found.lines), visit.language)))
    if found.faults:
        st.error("\n\n".join(fault_sentence(fault, names, visit.language) for fault in found.faults))
    else:
        st.html(markup.note(_("Every equation of the reconciliation holds, in every district, mode and stream.")))
    st.html(line_table(reconciliation.grouped(found.lines, _grouping(visit)), names, visit.language))
    st.html(
        markup.note(
            _(
                "started = drafts open + drafts expired + received + erased; received = accepted + quarantined; "
                "accepted = counted + excluded."
            ),
            _("“Not yet known” holds interviews whose district is not known before the address is answered."),
            _("“Quota full” are those of the expired drafts whose quota was full; their answers are removed."),
        )
    )
    quota_cells.show(visit, names)
    if snapshot is not None:
        _sample(visit, snapshot, names)
    for section in taken_up.sections(redemption.redemption(visit.store, visit.wave), names, visit.language):
        st.html(section)


def fault_sentence(fault: Fault, names: Mapping[str, str], language: str) -> str:
    """What does not add up, where, and by how much."""
    _ = translator(language)
    equations = {
        reconciliation.STARTED: _("interviews started = drafts open + drafts expired + received + erased"),
        reconciliation.ACCEPTED: _("submissions accepted = responses stored + erased"),
        reconciliation.QUARANTINED: _("submissions quarantined = held + accepted since"),
    }
    line = fault.line
    district = names.get(line.district or "", line.district or _("not yet known"))
    place = _(" · ").join((district, *quota_cells.kinds(line.mode, line.stream, language)))
    return _("{place}: {equation} does not hold: {left} against {right} ({difference}).").format(
        place=place,
        equation=equations[fault.equation],
        left=fault.left,
        right=fault.right,
        difference=f"{fault.left - fault.right:+d}",
    )


def flow_cards(total: Line, language: str) -> list[markup.Card]:
    """Three counts of the whole wave: interviews started, received, and counted in the numbers."""
    _ = translator(language)
    texts = column_texts(language)
    return [
        _card("started", texts, total, ("drafts_open", "drafts_expired", "erased")),
        _card("received", texts, total, ("accepted", "quarantined", "duplicates")),
        _card("counted", texts, total, ("accepted", "excluded")),
    ]


def column_texts(language: str) -> Mapping[str, str]:
    """What each count of the reconciliation is called."""
    _ = translator(language)
    return {
        "opened": _("only opened"),
        "started": _("started"),
        "drafts_open": _("drafts open"),
        "drafts_expired": _("drafts expired"),
        "quota_full": _("quota full"),
        "received": _("received"),
        "quarantined": _("quarantined"),
        "accepted": _("accepted"),
        "excluded": _("excluded by rule"),
        "counted": _("counted"),
        "duplicates": _("duplicates absorbed"),
        "erased": _("erased"),
    }


def line_table(lines: Iterable[Line], names: Mapping[str, str], language: str) -> str:
    """The reconciliation, one row per district, mode and stream in official order; the sum last."""
    _ = translator(language)
    texts = column_texts(language)
    lines = list(lines)
    kinds = [markup.Column("mode", _("Mode"), kind="text"), markup.Column("stream", _("Stream"), kind="text")]
    if all(line.mode == ALL for line in lines):
        kinds = []
    columns = [
        markup.Column("district", _("District"), kind="name"),
        *kinds,
        *(markup.Column(name, texts[name], apart=name in {"opened", "received"}) for name in _FLOW),
        *(markup.Column(name, texts[name], apart=name == "excluded") for name in _REST),
    ]
    place = {code: number for number, code in enumerate(names)}
    ordered = sorted(lines, key=lambda line: (place.get(line.district or "", len(place)), line.mode, line.stream))
    known = {**names, ALL: _("All")}
    rows = [_row(line, known.get(line.district or "", _("not yet known")), language) for line in ordered]
    rows.append(_row(reconciliation.total(ordered), _("All"), language, whole=True))
    return markup.table(columns, rows, caption=_("Reconciliation by district, mode and stream (interviews)"))


def disposition_table(sample: pd.DataFrame, names: Mapping[str, str], language: str) -> str:
    """The drawn cases of the snapshot by district and outcome (persons), in official order; the sum last."""
    _ = translator(language)
    outcome = sample["disposition"].map(outcome_of, na_action="ignore").fillna("unknown")
    texts = {
        "complete": _("complete"),
        "refused": _("refused to take part"),
        "not_reached": _("eligible, not reached"),
        "other": _("eligible, other"),
        "not_eligible": _("not eligible"),
        "unknown": _("no answer"),
    }
    # Only interviewers record these two; a wave without them needs no columns for them.
    texts = {name: text for name, text in texts.items() if name not in {"not_reached", "other"} or name in set(outcome)}
    columns = [
        markup.Column("district", _("District"), kind="name"),
        markup.Column("drawn", _("drawn")),
        *(markup.Column(name, text, apart=name == "complete") for name, text in texts.items()),
        markup.Column("share", _("complete of drawn"), "%", apart=True),
    ]
    table = pd.crosstab(sample["district"].astype(str), outcome).reindex(columns=list(texts), fill_value=0)
    counts = {str(code): row.to_dict() for code, row in table.iterrows()}
    rows = [_outcomes(code, names[code], counts[code]) for code in names if code in counts]
    rows.append(_outcomes("whole", _("All"), table.sum().to_dict(), whole=True))
    return markup.table(columns, rows, caption=_("Drawn sample of the snapshot by outcome (persons)"))


def scale_check(counts: Mapping[str, int], instrument: Instrument, language: str) -> str:
    """Per item, how many answers of the snapshot have no score because their number scores outside 0-100.

    "" where the instrument scores no numbers and so none can be off its scale.
    """
    _ = translator(language)
    if not counts and not any(item.scores_numbers for item in instrument.items.values()):
        return ""
    heading = markup.section(_("Off the scale"), _("Numbers that the instrument's own rule scores outside 0-100."))
    if not counts:
        return heading + markup.note(_("Every number in the snapshot lies on its scale."))
    columns = [markup.Column("item", _("Question"), kind="name"), markup.Column("count", _("answers (n)"))]
    rows = [
        markup.Row(
            name,
            {"item": f"{name} · {instrument.item(name).label(language)}", "count": format_number(float(count), 0)},
        )
        for name, count in counts.items()
    ]
    caption = _("Answers of the probability sample without a score, because they fall off the scale")
    return (
        heading
        + markup.table(columns, rows, caption=caption)
        + markup.note(
            _("They count in no index. Look at the answers, or give the item a constraint in the next version.")
        )
    )


def outcome_of(stored: str) -> str:
    """What a stored outcome or AAPOR code counts as in the table of the drawn sample."""
    group = dispositions.ALL[dispositions.code_of(stored)].group
    known = {"I": "complete", "P": "other", "R": "refused", "NC": "not_reached", "O": "other", "NE": "not_eligible"}
    return known.get(group, "unknown")


def _grouping(visit: Visit) -> str:
    """How the lines are added up: by district at first."""
    _ = visit.translate
    names = {"district": _("By district"), "mode": _("By mode and stream"), "lines": _("Every line")}
    recalled("grouping", list(names), "district")
    chosen = st.segmented_control(
        _("Added up"),
        list(names),
        format_func=names.__getitem__,
        key="grouping",
        required=True,
        label_visibility="collapsed",
    )
    return kept("grouping", chosen)


def _sample(visit: Visit, snapshot: Snapshot, names: Mapping[str, str]) -> None:
    _ = visit.translate
    st.html(markup.section(_("Drawn sample"), _("Every drawn case and what came of it, as frozen in the snapshot.")))
    st.html(disposition_table(cache.drawn_cases(str(snapshot.folder)), names, visit.language))
    st.html(
        markup.note(
            _("“Complete of drawn” is the plain share of drawn persons who answered, unweighted; it is no AAPOR rate.")
        )
    )
    folder = str(snapshot.folder)
    checked = scale_check(cache.off_the_scale(folder), cache.sample(folder).instrument, visit.language)
    if checked:
        st.html(checked)


def _card(name: str, texts: Mapping[str, str], total: Line, facts: tuple[str, ...]) -> markup.Card:
    return markup.Card(
        key=name,
        label=texts[name],
        meaning="",
        value=format_number(getattr(total, name), 0),
        interval="",
        facts=[(texts[fact], format_number(getattr(total, fact), 0)) for fact in facts],
    )


def _row(line: Line, district: str, language: str, *, whole: bool = False) -> markup.Row:
    mode, stream = quota_cells.kinds(line.mode, line.stream, language)
    cells = {
        "district": district,
        "mode": mode,
        "stream": stream,
    }
    cells |= {name: format_number(getattr(line, name), 0) for name in (*_FLOW, *_REST)}
    return markup.Row(ALL if whole else line.district or "", cells, whole=whole)


def _outcomes(code: str, name: str, counts: Mapping[Any, int], *, whole: bool = False) -> markup.Row:
    drawn = sum(counts.values())
    cells = {outcome: format_number(count, 0) for outcome, count in counts.items()}
    share = 100.0 * counts["complete"] / drawn if drawn else float("nan")
    return markup.Row(
        code, {**cells, "district": name, "drawn": format_number(drawn, 0), "share": format_number(share)}, whole=whole
    )
