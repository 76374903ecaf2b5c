"""The cells of fieldwork in words, and their quotas: at most so many complete answers, and how many are stored."""

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from analysis import format_number
from questionnaires import Instrument
from survey_app.console import markup
from survey_app.console.visit import Visit
from survey_app.store import instruments, quotas
from survey_app.store.quotas import Quota
from survey_app.store.reconciliation import ALL
from survey_app.text import translator


def show(visit: Visit, names: Mapping[str, str]) -> None:
    """The wave's quotas, where it has any. names: of the districts, code -> name."""
    _ = visit.translate
    held = quotas.state(visit.store, visit.wave)
    if held:
        instrument = instruments.load(visit.store, visit.wave.instrument_id, visit.wave.instrument_version)
        st.html(markup.section(_("Quotas"), _("Complete answers at most, and how many are stored.")))
        st.html(quota_table(held, instrument, names, visit.language))


def quota_table(held: Iterable[Quota], instrument: Instrument, names: Mapping[str, str], language: str) -> str:
    """Conditions, taken, cap and left of each quota (complete answers)."""
    _ = translator(language)
    columns = [
        markup.Column("quota", _("Quota"), kind="name"),
        markup.Column("taken", _("taken")),
        markup.Column("cap", _("at most")),
        markup.Column("left", _("left"), apart=True),
    ]
    rows = []
    for one in held:
        conditions = [_condition(*each, instrument, names, language) for each in one.conditions.items()]
        cells = {
            "quota": _(" · ").join(conditions) or _("All"),
            "taken": format_number(one.taken, 0),
            "cap": format_number(one.cap, 0),
            "left": _("full") if one.full else format_number(one.cap - one.taken, 0),
        }
        rows.append(markup.Row(one.name, cells))
    return markup.table(columns, rows, caption=_("Quotas (complete answers)"))


def kinds(mode: str, stream: str, language: str) -> tuple[str, str]:
    """Mode and stream in words; "" where a line adds over them ("all")."""
    _ = translator(language)
    modes = {
        "web": _("web"),
        "phone": _("phone"),
        "face_to_face": _("face to face"),
        "face to face": _("face to face"),
        "paper": _("paper"),
        "all": "",
    }
    streams = {"probability": _("probability sample"), "opt-in": _("open link"), "all": ""}
    return modes.get(mode, mode), streams.get(stream, stream)


def _condition(field: str, value: Any, instrument: Instrument, names: Mapping[str, str], language: str) -> str:
    if field == "district":
        return names.get(value, value)
    if field in {"mode", "stream"}:
        return "".join(kinds(value if field == "mode" else ALL, value if field == "stream" else ALL, language))
    item = instrument.items[field]
    label = item.offer.by_name[value].label(language) if item.offer and isinstance(value, str) else str(value)
    return f"{item.label(language)} {label}".strip()
