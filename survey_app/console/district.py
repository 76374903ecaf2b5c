"""One district against the whole: the test result in words and in numbers, for each degree."""

import pandas as pd
import streamlit as st

from analysis import format_interval, format_number
from survey_app.console import cache, markup, places, words
from survey_app.console.readings import WHOLE
from survey_app.console.visit import Visit, kept, open_view, recalled
from survey_app.publish import charts
from survey_app.publish.exports import DEGREES
from survey_app.text import translator


def show(visit: Visit) -> None:
    """The whole view."""
    _ = visit.translate
    lead = _("How one district stands against the whole city, and how sure that is.")
    snapshot = open_view(visit, _("District"), lead)
    if snapshot is None:
        return
    folder = str(snapshot.folder)
    with st.spinner(_("Computing from the snapshot…")):
        districts = cache.districts(folder)
        tables = {degree: cache.degree_table(folder, degree) for degree in DEGREES}
        comparisons = {degree: cache.comparison(folder, degree) for degree in DEGREES}
    code = _choice(visit, districts)
    name = districts.name(code, visit.language)
    found = {degree: _row(comparisons[degree], code) for degree in DEGREES}
    st.html(
        markup.cards(
            card(
                _row(tables[degree], code),
                found[degree],
                degree=degree,
                name=name,
                language=visit.language,
                districts=len(districts.codes),
            )
            for degree in DEGREES
        )
    )
    _picture(visit, found, name)
    st.html(numbers(found, _row(tables["satisfaction"], WHOLE), tables, visit.language))
    st.html(_small_print(visit, len(districts.codes)))


def card(
    estimate: pd.Series, comparison: pd.Series, *, degree: str, name: str, language: str, districts: int
) -> markup.Card:
    """One degree of the district with its verdict sentence."""
    _ = translator(language)
    return markup.Card(
        key=degree,
        label=words.degree_names(language)[degree],
        meaning="",
        value=format_number(estimate["estimate"]),
        interval=_("95% interval {interval}").format(interval=format_interval(estimate["low"], estimate["high"])),
        facts=[
            (_("answers (n)"), format_number(estimate["n"], 0)),
            (_("effective n"), format_number(estimate["effective_n"], 0)),
            (_("design effect"), format_number(estimate["design_effect"], 2)),
        ],
        sentence=words.verdict(comparison, name=name, degree=degree, districts=districts, language=language),
        evidence=str(comparison["evidence"]),
    )


def numbers(found: dict[str, pd.Series], whole: pd.Series, tables: dict[str, pd.DataFrame], language: str) -> str:
    """The test result in numbers, one row per degree."""
    _ = translator(language)
    columns = [
        markup.Column("name", _("Degree"), kind="name"),
        markup.Column("city", _("Whole city")),
        markup.Column("difference", _("Difference"), _("points"), apart=True),
        markup.Column("interval", _("95% interval"), _("all districts at once")),
        markup.Column("se", _("Standard error")),
        markup.Column("df", _("df"), apart=True),
        markup.Column("p", _("p"), _("this district alone")),
        markup.Column("p_adjusted", _("p adjusted"), _("all districts, max-t")),
        markup.Column("detectable", _("Smallest detectable"), _("80% power, points"), apart=True),
    ]
    names = words.degree_names(language)
    rows = [
        _number_row(degree, names[degree], row, _row(tables[degree], WHOLE), language) for degree, row in found.items()
    ]
    caption = _("Test of the district against the whole city")
    return markup.table(columns, rows, caption=caption, marks=words.evidence_words(language))


def _number_row(degree: str, name: str, row: pd.Series, whole: pd.Series, language: str) -> markup.Row:
    cells = {
        "name": name,
        "city": format_number(whole["estimate"]),
        "difference": words.signed(row["difference"]),
        "interval": words.signed_interval(row["low"], row["high"], language),
        "se": format_number(row["se"], 2),
        "df": format_number(row["df"]),
        "p": words.p_value(row["p"]),
        "p_adjusted": words.p_value(row["p_adjusted"]),
        "detectable": format_number(row["detectable"]),
    }
    return markup.Row(degree, cells, evidence=str(row["evidence"]))


def _choice(visit: Visit, districts: places.Districts) -> str:
    """The district to look at; it stands in the address, so that a view can be linked."""
    _ = visit.translate
    recalled("district", districts.codes, districts.codes[0])
    code = st.selectbox(
        _("District"),
        districts.codes,
        format_func=lambda code: f"{districts.name(code, visit.language)} · {code}",
        key="district",
        width=360,
    )
    return kept("district", code, address=True)


def _picture(visit: Visit, found: dict[str, pd.Series], name: str) -> None:
    """The three differences with their intervals around zero."""
    _ = visit.translate
    names = words.degree_names(visit.language)
    frame = pd.DataFrame([{**row.to_dict(), "name": names[degree]} for degree, row in found.items()])
    frame["estimate"] = frame["difference"]
    frame["shown"] = [words.signed(value) for value in frame["difference"]]
    frame["interval"] = [
        words.signed_interval(low, high, visit.language) for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    description = _("Differences of {name} from the whole city: {list}").format(
        name=name,
        list="; ".join(f"{row['name']} {row['shown']} ({row['interval']})" for row in frame.to_dict("records")),
    )
    chart_words = charts.Words(
        description=description,
        columns={"name": _("Degree"), "shown": _("Difference"), "interval": _("95% interval")},
    )
    scale = _("Difference from the whole city in points; shaded: too small to be seen reliably with this sample")
    st.html(markup.section(_("Difference from the city"), scale))
    chart = charts.difference_bar(frame, chart_words)
    st.altair_chart(chart, width="stretch", theme=None, key="district_difference")


def _small_print(visit: Visit, districts: int) -> str:
    _ = visit.translate
    return markup.note(
        _(
            "The city contains the district; their covariance is part of the test. Intervals and adjusted p hold "
            "for all "
            "{districts} districts at once (max-t, family: one degree, this wave, district against city)."
        ).format(districts=districts),
        _(
            "Not significant is not unchanged: the smallest detectable difference is what this sample would find "
            "with 80% power "
            "at the 5% level; anything smaller may be there unseen."
        ),
    )


def _row(table: pd.DataFrame, code: str) -> pd.Series:
    """The row of one unit."""
    return table.loc[table["code"] == code].iloc[0]
