"""The distribution of any item by district: weighted shares with intervals, don't know and refusal apart."""

import pandas as pd
import streamlit as st

from analysis import format_interval, format_number
from questionnaires.instrument import Instrument
from survey_app.console import cache, markup, places, readings
from survey_app.console.readings import WHOLE
from survey_app.console.visit import Visit, kept, open_view, recalled
from survey_app.publish import charts
from survey_app.text import translator


def show(visit: Visit) -> None:
    """The whole view."""
    _ = visit.translate
    lead = _("What residents answered to one question, weighted, by district.")
    snapshot = open_view(visit, _("Items"), lead)
    if snapshot is None:
        return
    folder = str(snapshot.folder)
    instrument = cache.sample(folder).instrument
    item = _choice(visit, instrument)
    with st.spinner(_("Computing from the snapshot…")):
        table = share_rows(cache.shares(folder, item), instrument, item, cache.districts(folder), visit.language)
    _picture(visit, table, instrument, item)
    st.html(share_table(table, instrument, item, visit.language))
    st.html(
        markup.note(
            _("Shares in percent of all answers to this item, with Korn-Graubard 95% intervals in brackets."),
            _(
                "“Don't know” and “refused” are answers of their own: they stand apart and are never mixed into "
                "the scale."
            ),
            _("Rows with few answers have wide intervals; read the interval, not the share."),
        )
    )


def share_rows(
    shares: pd.DataFrame, instrument: Instrument, item: str, districts: places.Districts, language: str
) -> pd.DataFrame:
    """Shares in official order with printed text. Columns: code, name, answer (label), choice, position, "
    "estimate, ..."""
    _ = translator(language)
    on_scale, apart = readings.answers_of(instrument, item)
    order = {choice: place for place, choice in enumerate((*on_scale, *apart))}
    labels = {choice.name: choice.label(language) for choice in instrument.items[item].choices}
    codes = {code: place for place, code in enumerate((*districts.codes, WHOLE))}
    rows = shares[shares["code"].isin(codes.keys()) & shares["answer"].isin(order.keys())].copy()
    rows["choice"] = rows["answer"]
    rows["position"] = rows["choice"].map(order)
    rows["answer"] = rows["choice"].map(labels)
    names = {code: districts.name(code, language) for code in districts.codes} | {WHOLE: _("Whole city")}
    rows["name"] = rows["code"].map(names)
    rows["shown"] = [f"{format_number(value)}%" for value in rows["estimate"]]
    rows["interval"] = [format_interval(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)]
    rows["place"] = rows["code"].map(codes)
    return rows.sort_values(["place", "position"], ignore_index=True)


def share_table(rows: pd.DataFrame, instrument: Instrument, item: str, language: str) -> str:
    """The shares as a table: a column per answer, the interval behind each share."""
    _ = translator(language)
    on_scale, apart = readings.answers_of(instrument, item)
    labels = {choice.name: choice.label(language) for choice in instrument.items[item].choices}
    columns = [markup.Column("name", _("District"), kind="name"), markup.Column("answers", _("answers (n)"))]
    columns += [
        markup.Column(f"share-{choice}", labels[choice], "%", apart=choice in (on_scale[0], *apart[:1]))
        for choice in (*on_scale, *apart)
    ]
    body = []
    for _place, group in rows.groupby("place", sort=True):
        first = group.iloc[0]
        cells = {"name": first["name"], "answers": format_number(float(group["n"].max()), 0)}
        for row in group.to_dict("records"):
            cells[f"share-{row['choice']}"] = f"{format_number(row['estimate'])} ({row['interval']})"
        body.append(markup.Row(str(first["code"]), cells, whole=first["code"] == WHOLE))
    caption = instrument.items[item].label(language)
    return markup.table(columns, body, caption=caption)


def item_label(instrument: Instrument, item: str, language: str) -> str:
    """An item in the list of items: its code and its wording."""
    return f"{item} · {instrument.items[item].label(language)}"


def _choice(visit: Visit, instrument: Instrument) -> str:
    """The item to look at; it stands in the address."""
    _ = visit.translate
    names = [item.name for item in readings.shown_items(instrument)]
    recalled("item", names, _default(names))
    item = st.selectbox(
        _("Question"), names, format_func=lambda name: item_label(instrument, name, visit.language), key="item"
    )
    return kept("item", item, address=True)


def _default(names: list[str]) -> str:
    return "E5" if "E5" in names else names[0]


def _picture(visit: Visit, rows: pd.DataFrame, instrument: Instrument, item: str) -> None:
    _ = visit.translate
    on_scale, apart = readings.answers_of(instrument, item)
    labels = {choice.name: choice.label(visit.language) for choice in instrument.items[item].choices}
    question = instrument.items[item].label(visit.language)
    whole = rows[rows["code"] == WHOLE]
    description = _("Weighted answers to “{question}”, whole city: {list}").format(
        question=question, list="; ".join(f"{row.answer} {row.shown} ({row.interval})" for row in whole.itertuples())
    )
    chart_words = charts.Words(
        description=description,
        columns={"name": _("District"), "answer": _("Answer"), "shown": _("Share"), "interval": _("95% interval")},
    )
    answers, unsure = [labels[choice] for choice in on_scale], [labels[choice] for choice in apart]
    colours = charts.answer_colours(len(answers), len(unsure))
    st.html(markup.section("", _("Share of all answers, percent")))
    st.html(markup.swatches(dict(zip([*answers, *unsure], colours, strict=True))))
    chart = charts.answer_bars(rows, chart_words, answers=answers, apart=unsure)
    st.altair_chart(chart, width="stretch", theme=None, key="item_bars")
