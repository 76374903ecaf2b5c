"""Each view over a small real snapshot: what it prints is what the analysis says, in two languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from analysis import format_interval, format_number, open_snapshot
from survey_app.console import district, downloads, fieldwork, items, overview, readings, waves, words
from survey_app.console.visit import Visit
from survey_app.demonstration.making import Demonstration
from survey_app.publish.catalogue import Snapshot, newest
from survey_app.publish.exports import DEGREES
from survey_app.store import Account, Store, invitations, reconciliation
from survey_app.store import waves as stored_waves

VIEWS: dict[str, Callable[[Visit], None]] = {
    "overview": overview.show,
    "district": district.show,
    "items": items.show,
    "waves": waves.show,
    "fieldwork": fieldwork.show,
    "downloads": downloads.show,
}


@pytest.fixture
def visit(demonstration: Demonstration, store: Store, snapshot: Snapshot, analyst: Account) -> Visit:
    """The analyst looking at the later wave in English."""
    wave = stored_waves.get(store, snapshot.wave)
    return Visit(demonstration.settings, store, analyst, "en", wave, snapshot)


@pytest.fixture(scope="session")
def satisfaction(snapshot: Snapshot) -> pd.DataFrame:
    """What the analysis itself says, not read through the console."""
    return open_snapshot(snapshot.folder).index("satisfaction", by="district", whole=True).to_frame()


def run(show, what):
    show(what)


def either(what):
    import streamlit as st

    from survey_app.console import district, items

    view = items if st.session_state.get("open") == "items" else district
    view.show(what)


def shown(view: str, visit: Visit) -> AppTest:
    """The view after its first run, without an exception."""
    test = AppTest.from_function(run, args=(VIEWS[view], visit), default_timeout=120).run()
    assert not test.exception
    return test


def html(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


def text(test: AppTest) -> str:
    """What a reader sees of the HTML, tags removed."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html(test))).split())


def cells(test: AppTest, table: int = 0) -> dict[str, dict[str, str]]:
    """A table's printed cells: row code -> column key -> text."""
    body = html(test).split("<tbody>")[table + 1].split("</tbody>")[0]
    rows = re.findall(r'<tr data-row="([^"]*)"[^>]*>(.*?)</tr>', body, re.DOTALL)
    return {
        code: {
            key: unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for key, cell in re.findall(r'<td[^>]*data-column="([^"]*)">(.*?)</td>', row, re.DOTALL)
        }
        for code, row in rows
    }


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("view", list(VIEWS))
def test_every_view_says_that_the_data_are_simulated(view: str, language: str, visit: Visit) -> None:
    seen = text(shown(view, replace(visit, language=language)))
    assert "simulated / 模拟数据" in seen
    if language == "en":
        rest = seen.replace("模拟数据", "")
        assert not re.search("[\u4e00-\u9fff]", rest), re.findall("[\u4e00-\u9fff]+", rest)


@pytest.mark.parametrize("view", ["overview", "district", "items", "waves", "downloads"])
def test_without_a_snapshot_a_view_says_which_command_makes_one(view: str, visit: Visit) -> None:
    seen = text(shown(view, replace(visit, snapshot=None)))
    assert "No snapshot of this wave yet" in seen
    assert "sandu snapshot chengdu-2026-2" in seen


def test_the_overview_prints_the_city_s_three_degrees_with_interval_and_n(visit: Visit, snapshot: Snapshot) -> None:
    seen = text(shown("overview", visit))
    assert "Equal-size assumption" in seen
    sample = open_snapshot(snapshot.folder)
    for degree in DEGREES:
        row = sample.index(degree).to_frame().iloc[0]
        interval = format_interval(row["low"], row["high"])
        assert f"{format_number(row['estimate'])} 95% interval {interval}" in seen
        assert f"effective n {format_number(row['n'] / row['design_effect'], 0)}" in seen
        assert f"answers (n) {row['n']}" in seen


def test_the_overview_s_table_is_the_analysis_in_official_order(visit: Visit, satisfaction: pd.DataFrame) -> None:
    table = cells(shown("overview", visit))
    assert list(table) == [*sorted(code for code in table if code != "whole"), "whole"]
    assert len(table) == 21
    for row in satisfaction.itertuples():
        printed = table[row.district]
        assert printed["shown"] == format_number(row.estimate)
        assert printed["interval"] == format_interval(row.low, row.high)
        assert printed["n_shown"] == str(row.n)


def test_the_overview_marks_a_district_only_by_its_test_against_the_city(visit: Visit, snapshot: Snapshot) -> None:
    comparison = open_snapshot(snapshot.folder).index("satisfaction", by="district").compare(to="whole").to_frame()
    table = cells(shown("overview", visit))
    marks = words.evidence_words("en")
    for row in comparison.itertuples():
        expected = "above" if row.low > 0 else "below" if row.high < 0 else "undecided"
        assert table[row.domain]["evidence_words"] == marks[expected]


def test_against_a_target_the_marks_change_their_meaning(visit: Visit) -> None:
    test = shown("overview", visit)
    test.number_input(key="overview_target").set_value(5.0).run()
    assert not test.exception
    table = cells(test)
    assert {row["evidence_words"] for code, row in table.items() if code != "whole"} == {
        "whole interval above the target"
    }


def test_another_degree_can_be_chosen(visit: Visit, snapshot: Snapshot) -> None:
    test = shown("overview", visit)
    test.get_by_key("degree").set_value("awareness").run()
    row = open_snapshot(snapshot.folder).index("awareness", by="district").to_frame().iloc[0]
    assert cells(test)[row["district"]]["shown"] == format_number(row["estimate"])


def test_the_district_view_gives_the_test_in_words_and_in_numbers(visit: Visit, snapshot: Snapshot) -> None:
    test = shown("district", visit)
    test.selectbox(key="district").set_value("510185").run()
    assert not test.exception
    comparison = open_snapshot(snapshot.folder).index("awareness", by="district").compare(to="whole").to_frame()
    row = comparison[comparison["domain"] == "510185"].iloc[0]
    printed = cells(test)["awareness"]
    assert printed["difference"] == words.signed(row["difference"])
    assert printed["interval"] == words.signed_interval(row["low"], row["high"], "en")
    assert printed["p_adjusted"] == words.p_value(row["p_adjusted"])
    assert printed["se"] == format_number(row["se"], 2)
    assert printed["df"] == format_number(row["df"])
    assert printed["detectable"] == format_number(row["detectable"])
    seen = text(test)
    assert "Jianyang City: awareness is" in seen
    assert "Not significant is not unchanged" in seen


def test_a_district_can_be_linked_by_its_address(visit: Visit) -> None:
    test = AppTest.from_function(run, args=(district.show, visit), default_timeout=120)
    test.query_params["district"] = "510112"
    test.run()
    assert test.selectbox(key="district").value == "510112"


def test_a_made_up_district_in_the_address_falls_back_to_the_first(visit: Visit) -> None:
    test = AppTest.from_function(run, args=(district.show, visit), default_timeout=120)
    test.query_params["district"] = "<script>"
    test.run()
    assert not test.exception
    assert test.selectbox(key="district").value == "510104"


def test_shares_of_an_item_are_weighted_add_up_and_keep_don_t_know_apart(visit: Visit, snapshot: Snapshot) -> None:
    test = shown("items", visit)
    test.selectbox(key="item").set_value("E5").run()
    whole = cells(test)["whole"]
    shares = open_snapshot(snapshot.folder).proportion("E5").to_frame(method="korn-graubard")
    printed = {key.removeprefix("share-"): value for key, value in whole.items() if key.startswith("share-")}
    for row in shares.itertuples():
        interval = format_interval(100 * row.low, 100 * row.high)
        assert printed[row.variable] == f"{format_number(100 * row.estimate)} ({interval})"
    assert list(printed)[-2:] == ["dont_know", "refused"]
    assert sum(float(value.split()[0]) for value in printed.values()) == pytest.approx(100, abs=0.4)


def test_a_choice_is_kept_when_another_view_is_opened_and_the_first_again(visit: Visit) -> None:
    test = AppTest.from_function(either, args=(visit,), default_timeout=120).run()
    test.selectbox(key="district").set_value("510112").run()
    test.session_state["open"] = "items"
    test.run()
    assert [box.key for box in test.selectbox] == ["item"]
    test.session_state["open"] = "district"
    test.run()
    assert test.selectbox(key="district").value == "510112"


def test_every_item_offered_can_be_shown(visit: Visit, snapshot: Snapshot) -> None:
    sample = open_snapshot(snapshot.folder)
    names = [item.name for item in readings.shown_items(sample.instrument)]
    assert {"K1", "V1", "B4", "E1", "E9", "P1", "P2", "D3"} <= set(names)
    assert not {"consent", "S1", "D5_community", "city"} & set(names)
    for name in names:
        table = readings.shares(sample, name)
        assert table["estimate"].dropna().between(0, 100).all(), name
        assert set(table["answer"]) <= {choice.name for choice in sample.instrument.items[name].choices}, name


def test_the_change_between_waves_is_the_analysis_of_both(
    visit: Visit, snapshot: Snapshot, demonstration: Demonstration
) -> None:
    earlier = newest(demonstration.settings.home, "chengdu-2026-1")
    assert earlier is not None
    stacked = open_snapshot(snapshot.folder, baseline=earlier.folder)
    change = stacked.index("satisfaction", by="district").change(over="wave").to_frame().set_index("domain")
    test = shown("waves", visit)
    table = cells(test)
    assert list(table) == sorted(table)
    assert len(table) == 20
    for code, printed in table.items():
        assert printed["shown"] == words.signed(change.loc[code, "difference"])
        assert printed["p_adjusted"] == words.p_value(change.loc[code, "p_adjusted"])
    city = stacked.index("satisfaction").change(over="wave").to_frame().iloc[0]
    assert f"{words.signed(city['difference'])} points" in text(test)
    assert "Series break" not in text(test)


def test_the_first_wave_says_that_there_is_nothing_before_it(visit: Visit, demonstration: Demonstration) -> None:
    wave = stored_waves.get(visit.store, "chengdu-2026-1")
    first = replace(visit, wave=wave, snapshot=newest(demonstration.settings.home, "chengdu-2026-1"))
    assert "This is the first wave" in text(shown("waves", first))


def test_the_downloads_view_links_to_the_signed_in_route_only(visit: Visit, snapshot: Snapshot) -> None:
    test = shown("downloads", visit)
    links = re.findall(r'href="([^"]+)"', html(test))
    address = f"/downloads/{snapshot.wave}/{snapshot.hash}"
    assert links == [f"{address}/{kind}.zip" for kind in ("responses", "codebook", "district-indices")]
    assert not test.get("download_button")
    assert f'open_snapshot("{snapshot.wave}-{snapshot.hash}-responses-simulated.zip")' in test.code[0].value


def test_an_organiser_is_offered_what_an_organiser_may_take(visit: Visit) -> None:
    organiser = replace(visit, account=Account("o", "organiser", "O"))
    assert "responses.zip" not in html(shown("downloads", organiser))
    assert "codebook.zip" in html(shown("downloads", organiser))


def test_the_reconciliation_adds_up_and_its_sum_is_the_store_s(visit: Visit) -> None:
    total = reconciliation.total(reconciliation.reconcile(visit.store, visit.wave).lines)
    test = shown("fieldwork", visit)
    last = cells(test)["all"]
    assert last["started"] == str(total.started)
    assert last["counted"] == str(total.counted)
    assert int(last["received"]) == int(last["accepted"]) + int(last["quarantined"])
    assert int(last["accepted"]) == int(last["counted"]) + int(last["excluded"])
    assert "Every equation of the reconciliation holds, in every district" in text(test)


@pytest.mark.parametrize(("grouping", "rows"), [("district", 20), ("mode", 4), ("lines", 80)])
def test_the_reconciliation_can_be_added_up_in_three_ways_with_one_sum(visit: Visit, grouping: str, rows: int) -> None:
    lines = reconciliation.reconcile(visit.store, visit.wave).lines
    grouped = reconciliation.grouped(lines, grouping)
    assert len(grouped) == rows or grouping == "lines"
    whole, again = reconciliation.total(lines), reconciliation.total(grouped)
    assert again == whole


def test_the_drawn_sample_accounts_for_every_case(visit: Visit) -> None:
    sample = cells(shown("fieldwork", visit), table=1)["whole"]
    parts = [int(sample[name]) for name in ("complete", "refused", "not_eligible", "unknown")]
    assert int(sample["drawn"]) == sum(parts) == 1200


@pytest.mark.parametrize(
    ("stored", "counted"),
    [
        ("complete", "complete"), ("refused", "refused"), ("not_eligible", "not_eligible"), ("2.12", "refused"),
        ("4.3", "not_eligible"), ("2.31", "other"), ("3.18", "unknown"), ("2.24", "not_reached"), ("3.9", "unknown"),
        ("partial", "other"), ("an outcome of one's own", "other"),
    ],
)  # fmt: skip
def test_what_an_interviewer_recorded_counts_in_the_drawn_sample(stored: str, counted: str) -> None:
    assert fieldwork.outcome_of(stored) == counted


def test_don_t_know_is_the_item_weighted_mean_of_the_items_shares(snapshot: Snapshot) -> None:
    sample = open_snapshot(snapshot.folder)
    weights = sample.instrument.indices["satisfaction"].items
    total = 0.0
    for name, weight in weights.items():
        shares = sample.proportion(name)
        total += weight * 100 * dict(zip(shares.variables, shares.values, strict=True))["dont_know"]
    assert readings.dont_know_shares(sample)["satisfaction"] == pytest.approx(total / sum(weights.values()))


def test_fieldwork_shows_how_invitations_were_taken_up_by_batch_district_and_day(visit: Visit) -> None:
    test = shown("fieldwork", visit)
    by_batch, by_district, by_day = (cells(test, table=place) for place in (2, 3, 4))
    drawn = invitations.cases(visit.store, visit.wave)
    answered = format_number(len(invitations.answered(visit.store, visit.wave)), 0)
    assert by_batch["whole"]["answered"] == by_district["whole"]["answered"] == answered
    assert len(by_district) == len({case.district for case in drawn}) + 1
    assert list(by_district)[:2] == ["510104", "510105"]
    assert list(by_day.values())[-1]["rate"] != ""
