"""The overview: three degrees for the city, then each by district in official order."""

import math

import pandas as pd
import streamlit as st

from analysis import format_interval, format_number
from survey_app.console import cache, markup, places, words
from survey_app.console.readings import WHOLE, Figure
from survey_app.console.visit import Visit, kept, open_view, recalled
from survey_app.publish import charts
from survey_app.publish.exports import DEGREES
from survey_app.text import translator


def show(visit: Visit) -> None:
    """The whole view."""
    _ = visit.translate
    snapshot = open_view(visit, _("Overview"), _("The three degrees of the city and of its districts, 0 to 100."))
    if snapshot is None:
        return
    folder = str(snapshot.folder)
    with st.spinner(_("Computing from the snapshot…")):
        figures = cache.figures(folder)
    st.html(markup.cards(card(figure, visit.language) for figure in figures))
    degree, target = _choices(visit)
    with st.spinner(_("Computing from the snapshot…")):
        table = district_rows(
            cache.degree_table(folder, degree),
            cache.comparison(folder, degree, target),
            cache.districts(folder),
            visit.language,
        )
    _pictures(visit, table, degree, target)
    st.html(_table(visit, table, degree, target))
    st.html(_small_print(visit, len(table) - 1, target))


def card(figure: Figure, language: str) -> markup.Card:
    """One degree of the city as a card."""
    _ = translator(language)
    facts = [
        (_("answers (n)"), format_number(figure.n, 0)),
        (_("effective n"), format_number(figure.effective_n, 0)),
        (_("design effect"), format_number(figure.design_effect, 2)),
    ]
    if math.isfinite(figure.dont_know):
        facts.append((_("don't know"), f"{format_number(figure.dont_know)}%"))
    return markup.Card(
        key=figure.degree,
        label=words.degree_names(language)[figure.degree],
        meaning=words.degree_meanings(language)[figure.degree],
        value=format_number(figure.estimate),
        interval=_("95% interval {interval}").format(interval=format_interval(figure.low, figure.high)),
        facts=facts,
        bar=markup.Bar(figure.low, figure.estimate, figure.high) if math.isfinite(figure.low) else None,
    )


def district_rows(
    table: pd.DataFrame, comparison: pd.DataFrame, districts: places.Districts, language: str
) -> pd.DataFrame:
    """Districts in official order, the whole last, with evidence and the printed text of every number.

    Columns: code, name, label, estimate, low, high, n, effective_n, evidence; in print shown, interval, n_shown,
    effective_shown.
    """
    _ = translator(language)
    rows = table.set_index("code").reindex([*districts.codes, WHOLE]).reset_index()
    evidence = dict(zip(comparison["code"], comparison["evidence"], strict=True))
    names = {code: districts.name(code, language) for code in districts.codes} | {WHOLE: _("Whole city")}
    rows["name"] = rows["code"].map(names)
    rows["label"] = [places.short_name(name, language) for name in rows["name"]]
    rows["evidence"] = [evidence.get(code, "none") for code in rows["code"]]
    rows["shown"] = [format_number(value) for value in rows["estimate"]]
    rows["interval"] = [format_interval(low, high) for low, high in zip(rows["low"], rows["high"], strict=True)]
    rows["n_shown"] = [format_number(value, 0) for value in rows["n"]]
    rows["effective_shown"] = [format_number(value, 0) for value in rows["effective_n"]]
    return rows


def _choices(visit: Visit) -> tuple[str, float | None]:
    """Which degree to look at, and against what: the whole city or a fixed target."""
    _ = visit.translate
    names = words.degree_names(visit.language)
    st.html(
        markup.section(
            _("By district"),
            _("Districts stand in official order, not by score; whether two differ is for a test to say."),
        )
    )
    recalled("degree", DEGREES, "satisfaction")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        degree = st.segmented_control(
            _("Degree"),
            DEGREES,
            format_func=lambda name: names[name],
            key="degree",
            required=True,
        )
        target = st.number_input(
            _("Fixed target (optional)"),
            min_value=0.0,
            max_value=100.0,
            value=None,
            step=1.0,
            format="%.1f",
            placeholder=_("empty: the whole city"),
            key="overview_target",
            width=260,
        )
    return kept("degree", degree), target


def _pictures(visit: Visit, table: pd.DataFrame, degree: str, target: float | None) -> None:
    """The dot chart and the tile map side by side; one under the other on a phone."""
    _ = visit.translate
    districts, whole = table[table["code"] != WHOLE], table[table["code"] == WHOLE].iloc[0]
    name = words.degree_names(visit.language)[degree]
    marks = words.evidence_words(visit.language, target=target is not None)
    present = {*districts["evidence"], "above", "below", "undecided"}
    columns = {"name": _("District"), "shown": name, "interval": _("95% interval"), "n_shown": _("answers (n)")}
    reference = whole["estimate"] if target is None else target
    label = _("whole city") if target is None else _("target")
    description = chart_description(districts, name, visit.language)
    chart_words = charts.Words(description=description, columns=columns)
    scale = _("{degree}, 0 to 100; dashed: {reference}").format(
        degree=name, reference=f"{label} {format_number(reference)}"
    )
    st.html(markup.legend({mark: text for mark, text in marks.items() if mark in present}, scale))
    left, right = st.columns([1.12, 1], gap="large")
    with left:
        chart = charts.interval_dots(
            districts, chart_words, reference=reference, reference_label=f"{label} {format_number(reference)}"
        )
        st.altair_chart(chart, width="stretch", theme=None, key="overview_dots")
    with right:
        _tiles(visit, districts, chart_words)


def _tiles(visit: Visit, districts: pd.DataFrame, chart_words: charts.Words) -> None:
    """The tile map, where the grid knows the city's districts."""
    _ = visit.translate
    path = visit.settings.data / "map" / "districts-schematic.geojson"
    grid = districts.merge(cache.tiles(str(path)), on="code")
    if len(grid):
        st.altair_chart(charts.tile_map(grid, chart_words), width="stretch", theme=None, key="overview_tiles")
        st.html(markup.note(_("Tile map: each district is one square near where it lies; area means nothing.")))


def chart_description(districts: pd.DataFrame, degree: str, language: str) -> str:
    """The chart in words, for screen readers: every district with estimate and interval, in official order."""
    _ = translator(language)
    parts = [
        f"{row.name_} {row.shown} ({row.interval})" for row in districts.rename(columns={"name": "name_"}).itertuples()
    ]
    return _("{degree} by district with 95% intervals: {list}").format(degree=degree, list="; ".join(parts))


def _table(visit: Visit, table: pd.DataFrame, degree: str, target: float | None) -> str:
    _ = visit.translate
    columns = [
        markup.Column("name", _("District"), kind="name"),
        markup.Column("shown", words.degree_names(visit.language)[degree]),
        markup.Column("interval", _("95% interval")),
        markup.Column("n_shown", _("answers (n)"), apart=True),
        markup.Column("effective_shown", _("effective n")),
        markup.Column("evidence_words", _("What the evidence shows"), kind="text", apart=True),
    ]
    marks = words.evidence_words(visit.language, target=target is not None)
    rows = []
    for row in table.to_dict("records"):
        whole = row["code"] == WHOLE
        cells = {key: str(row[key]) for key in ("name", "shown", "interval", "n_shown", "effective_shown")}
        cells["evidence_words"] = "" if whole else marks[row["evidence"]]
        rows.append(markup.Row(row["code"], cells, evidence="" if whole else row["evidence"], whole=whole))
    caption = _("{degree} by district, weighted, with 95% intervals").format(
        degree=words.degree_names(visit.language)[degree]
    )
    return markup.table(columns, rows, caption=caption, marks=marks)


def _small_print(visit: Visit, districts: int, target: float | None) -> str:
    _ = visit.translate
    against = _("the target") if target is not None else _("the whole city")
    sizes = []
    if visit.snapshot and visit.snapshot.manifest.get("size_assumption"):
        sizes = [_("Equal-size assumption: communities of a district are weighted as equally large; no sizes exist.")]
    return markup.note(
        _(
            "Colour and shape state evidence, not place: {districts} districts are compared with {against} at once "
            "(max-t, family error 5%). “Not shown to differ” does not mean equal."
        ).format(districts=districts, against=against),
        _(
            "Weighted by raking to the census margins; variance between communities (psus) within districts. "
            "Effective n is n divided by the design effect. “Don't know” is the mean over the degree's items."
        ),
        _("Open-link answers are not part of any number here: they come without a known chance of selection."),
        *sizes,
    )
