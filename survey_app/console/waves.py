"""Wave against wave: the change of each degree with its own interval, communities in both waves credited."""

import pandas as pd
import streamlit as st

from analysis import format_number
from survey_app.console import cache, markup, places, words
from survey_app.console.visit import Visit, kept, open_view, recalled
from survey_app.publish import charts
from survey_app.publish.catalogue import Snapshot, newest
from survey_app.publish.exports import DEGREES
from survey_app.text import translator


def show(visit: Visit) -> None:
    """The whole view."""
    _ = visit.translate
    lead = _("What changed since the wave before, with the change's own interval.")
    snapshot = open_view(visit, _("Waves"), lead)
    if snapshot is None:
        return
    earlier = newest(visit.settings.home, visit.wave.previous) if visit.wave.previous else None
    if earlier is None:
        st.html(_nothing_before(visit))
        return
    folder, baseline = str(snapshot.folder), str(earlier.folder)
    with st.spinner(_("Computing from two snapshots…")):
        cities = {degree: cache.city_changes(folder, baseline, degree).iloc[0] for degree in DEGREES}
        tables = {degree: cache.changes(folder, baseline, degree) for degree in DEGREES}
    st.html(_series_break(visit, snapshot, earlier))
    title = earlier.title(visit.language)
    st.html(markup.cards(card(row, degree, visit.language, title) for degree, row in cities.items()))
    degree = _choice(visit)
    rows = change_rows(tables[degree], cache.districts(folder), visit.language)
    _picture(visit, rows, degree)
    st.html(change_table(rows, degree, visit.language))
    st.html(
        markup.note(
            _(
                "Both waves stand in one design: a community that was asked in both carries its covariance, so "
                "the interval of a "
                "change is not that of two separate surveys."
            ),
            _(
                "Adjusted p holds for all districts at once. Not significant is not unchanged: the interval says "
                "what remains possible."
            ),
        )
    )


def card(row: pd.Series, degree: str, language: str, earlier: str) -> markup.Card:
    """The whole city's change in one degree."""
    _ = translator(language)
    facts = [
        (_("Standard error"), format_number(row["se"], 2)),
        (_("df"), format_number(row["df"])),
        (_("p"), words.p_value(row["p"])),
    ]
    return markup.Card(
        key=degree,
        label=words.degree_names(language)[degree],
        meaning="",
        value=words.signed(row["difference"]),
        unit=_("points"),
        interval=_("95% interval {interval}").format(interval=words.signed_interval(row["low"], row["high"], language)),
        facts=facts,
        sentence=words.change_verdict(row, degree=degree, language=language, earlier=earlier),
        evidence=str(row["evidence"]),
    )


def change_rows(table: pd.DataFrame, districts: places.Districts, language: str) -> pd.DataFrame:
    """Changes in official order with printed text."""
    rows = table.set_index("code").reindex(list(districts.codes)).reset_index()
    rows["evidence"] = rows["evidence"].fillna("none")
    rows["name"] = [districts.name(code, language) for code in rows["code"]]
    rows["estimate"] = rows["difference"]
    rows["shown"] = [words.signed(value) for value in rows["difference"]]
    rows["interval"] = [
        words.signed_interval(low, high, language) for low, high in zip(rows["low"], rows["high"], strict=True)
    ]
    return rows


def change_table(rows: pd.DataFrame, degree: str, language: str) -> str:
    """The changes as a table, in official order."""
    _ = translator(language)
    columns = [
        markup.Column("name", _("District"), kind="name"),
        markup.Column("shown", _("Change"), _("points")),
        markup.Column("interval", _("95% interval")),
        markup.Column("se", _("Standard error")),
        markup.Column("df", _("df"), apart=True),
        markup.Column("p", _("p")),
        markup.Column("p_adjusted", _("p adjusted")),
        markup.Column("detectable", _("Smallest detectable"), _("80% power, points"), apart=True),
    ]
    marks = change_words(language)
    body = []
    for row in rows.to_dict("records"):
        cells = {
            "name": row["name"],
            "shown": row["shown"],
            "interval": row["interval"],
            "se": format_number(row["se"], 2),
            "df": format_number(row["df"]),
            "p": words.p_value(row["p"]),
            "p_adjusted": words.p_value(row["p_adjusted"]),
            "detectable": format_number(row["detectable"]),
        }
        body.append(markup.Row(row["code"], cells, evidence=row["evidence"]))
    caption = _("Change of {degree} by district").format(degree=words.degree_names(language)[degree])
    return markup.table(columns, body, caption=caption, marks=marks)


def change_words(language: str) -> dict[str, str]:
    """What the marks of a change say."""
    _ = translator(language)
    return {
        "above": _("rose, beyond chance"),
        "below": _("fell, beyond chance"),
        "undecided": _("no change shown"),
    }


def _choice(visit: Visit) -> str:
    _ = visit.translate
    names = words.degree_names(visit.language)
    st.html(markup.section(_("By district"), _("Change since the wave before, in official order.")))
    recalled("degree", DEGREES, "satisfaction")
    degree = st.segmented_control(
        _("Degree"),
        DEGREES,
        format_func=lambda name: names[name],
        key="degree",
        required=True,
    )
    return kept("degree", degree)


def _picture(visit: Visit, rows: pd.DataFrame, degree: str) -> None:
    _ = visit.translate
    name = words.degree_names(visit.language)[degree]
    description = _("Change of {degree} by district with 95% intervals: {list}").format(
        degree=name,
        list="; ".join(f"{row['name']} {row['shown']} ({row['interval']})" for row in rows.to_dict("records")),
    )
    st.html(
        markup.legend(change_words(visit.language), _("Points; shaded: too small to be seen reliably with this sample"))
    )
    chart_words = charts.Words(
        description=description,
        columns={"name": _("District"), "shown": _("Change"), "interval": _("95% interval")},
    )
    st.altair_chart(charts.difference_bar(rows, chart_words), width="stretch", theme=None, key="waves_changes")


def _nothing_before(visit: Visit) -> str:
    _ = visit.translate
    if not visit.wave.previous:
        return markup.empty(
            _("This is the first wave"), _("A change needs an earlier wave. Choose a later wave above.")
        )
    return markup.empty(
        _("The wave before has no snapshot yet"),
        _("A change is read from two snapshots. Make the earlier one on the server, then open this page again:"),
        f"sandu snapshot {visit.wave.previous}",
    )


def _series_break(visit: Visit, later: Snapshot, earlier: Snapshot) -> str:
    """A warning where instrument or modes changed between the waves: then a change is not one of opinion alone."""
    _ = visit.translate
    wording = _(
        "Series break: the two waves used different versions of the instrument; a difference may come from the wording."
    )
    modes = _(
        "Series break: the two waves were asked in different modes; a difference may come from the way of asking."
    )
    same_wording = later.manifest.get("instrument") == earlier.manifest.get("instrument")
    same_modes = cache.modes(str(later.folder)) == cache.modes(str(earlier.folder))
    return markup.note("" if same_wording else wording, "" if same_modes else modes)
