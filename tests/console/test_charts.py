"""Charts say what the frame says: order, intervals, evidence; checked on the Vega-Lite they become."""

from typing import Any

import altair as alt
import pandas as pd
import pytest

from survey_app.publish import charts
from survey_app.publish.charts import EVIDENCE, EVIDENCE_COLOURS, EVIDENCE_SHAPES, Words

WORDS = Words(description="Three districts", columns={"name": "District", "shown": "Value"})


@pytest.fixture
def districts() -> pd.DataFrame:
    """Three districts whose official order is neither that of their names nor that of their scores."""
    return pd.DataFrame(
        {
            "name": ["锦江区", "青羊区", "金牛区"],
            "label": ["锦江", "青羊", "金牛"],
            "col": [3, 2, 3],
            "row": [2, 2, 1],
            "estimate": [61.2, 74.9, 66.0],
            "low": [57.0, 71.3, 62.2],
            "high": [65.1, 78.0, 69.5],
            "detectable": [4.0, 4.0, 4.0],
            "evidence": ["below", "above", "undecided"],
            "shown": ["61.2", "74.9", "66.0"],
            "interval": ["57.0–65.1", "71.3–78.0", "62.2–69.5"],
        }
    )


def layers_of(chart: alt.LayerChart) -> list[dict[str, Any]]:
    return list(chart.to_dict()["layer"])


def test_districts_stand_in_the_order_of_the_frame_never_by_score(districts: pd.DataFrame) -> None:
    for chart in (charts.interval_dots(districts, WORDS), charts.difference_bar(districts, WORDS)):
        orders = [layer["encoding"]["y"]["sort"] for layer in layers_of(chart) if "y" in layer["encoding"]]
        assert orders
        assert all(order == ["锦江区", "青羊区", "金牛区"] for order in orders)


def test_every_dot_has_its_interval_as_a_line(districts: pd.DataFrame) -> None:
    lines, points = layers_of(charts.interval_dots(districts, WORDS))
    assert lines["encoding"]["x"]["field"] == "low"
    assert lines["encoding"]["x2"]["field"] == "high"
    assert points["encoding"]["x"]["field"] == "estimate"


def test_colour_and_shape_come_from_the_evidence_and_from_nothing_else(districts: pd.DataFrame) -> None:
    _lines, points = layers_of(charts.interval_dots(districts, WORDS))
    colour, shape = points["encoding"]["color"], points["encoding"]["shape"]
    assert colour["field"] == shape["field"] == "evidence"
    assert colour["scale"] == {"domain": list(EVIDENCE), "range": [EVIDENCE_COLOURS[name] for name in EVIDENCE]}
    assert shape["scale"]["range"] == [EVIDENCE_SHAPES[name] for name in EVIDENCE]


def test_no_evidence_is_painted_red_or_green() -> None:
    for colour in EVIDENCE_COLOURS.values():
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        assert not (red > 150 and green < 90 and blue < 90)
        assert not (green > red + 40 and green > blue + 40)


def test_a_reference_is_drawn_and_lies_inside_the_scale(districts: pd.DataFrame) -> None:
    chart = charts.interval_dots(districts, WORDS, reference=88.4, reference_label="target 88.4")
    reference, lines, _points = layers_of(chart)
    low, high = lines["encoding"]["x"]["scale"]["domain"]
    assert reference["mark"]["strokeDash"] == [4, 3]
    assert low <= 57.0
    assert high >= 88.4


def test_the_scale_never_leaves_0_to_100() -> None:
    frame = pd.DataFrame({"name": ["a"], "estimate": [50.0], "low": [0.2], "high": [99.9], "evidence": ["undecided"]})
    (lines, _points) = layers_of(charts.interval_dots(frame, WORDS))
    assert lines["encoding"]["x"]["scale"]["domain"] == [0.0, 100.0]


def test_a_district_without_an_interval_leaves_the_scale_usable() -> None:
    nothing = float("nan")
    frame = pd.DataFrame(
        {"name": ["a"], "estimate": [nothing], "low": [nothing], "high": [nothing], "evidence": ["none"]}
    )
    (lines, _points) = layers_of(charts.interval_dots(frame, WORDS))
    assert lines["encoding"]["x"]["scale"]["domain"] == [0.0, 100.0]


def test_the_tile_map_has_one_equal_tile_per_district_with_name_and_printed_number(districts: pd.DataFrame) -> None:
    chart = charts.tile_map(districts, WORDS)
    tiles, names, numbers = layers_of(chart)
    assert tiles["mark"]["type"] == "rect"
    assert names["encoding"]["text"]["field"] == "label"
    assert numbers["encoding"]["text"]["field"] == "shown"
    assert tiles["encoding"]["x"]["scale"]["domain"] == [2, 3]
    assert len(next(iter(chart.to_dict()["datasets"].values()))) == 3


def test_answers_apart_from_the_scale_are_grey_and_come_last() -> None:
    frame = pd.DataFrame(
        {"name": ["甲"] * 3, "answer": ["好", "坏", "不知道"], "position": [0, 1, 2], "estimate": [50.0, 40.0, 10.0]}
    )
    spec = charts.answer_bars(frame, WORDS, answers=["好", "坏"], apart=["不知道"]).to_dict()
    colour = spec["encoding"]["color"]["scale"]
    assert colour["range"] == charts.answer_colours(2, 1)
    assert colour["domain"] == ["好", "坏", "不知道"]
    assert colour["range"][-1] == charts.APART_COLOURS[0]
    assert spec["encoding"]["order"]["field"] == "position"


def test_ten_answers_get_ten_different_colours() -> None:
    names = [str(number) for number in range(1, 11)]
    frame = pd.DataFrame({"name": "甲", "answer": names, "position": range(10), "estimate": 10.0})
    spec = charts.answer_bars(frame, WORDS, answers=names, apart=[]).to_dict()
    colours = spec["encoding"]["color"]["scale"]["range"]
    assert len(set(colours)) == 10
    assert (colours[0], colours[-1]) == (charts.ANSWER_COLOURS[0], charts.ANSWER_COLOURS[4])


def test_the_strip_of_what_cannot_be_seen_is_as_wide_as_the_smallest_detectable_difference(
    districts: pd.DataFrame,
) -> None:
    blind, *_others = layers_of(charts.difference_bar(districts, WORDS))
    assert blind["encoding"]["x"]["field"] == "least"
    assert blind["encoding"]["x2"]["field"] == "detectable"
    reach = blind["encoding"]["x"]["scale"]["domain"]
    assert reach[0] == -reach[1]


@pytest.mark.parametrize("make", [charts.interval_dots, charts.tile_map, charts.difference_bar])
def test_each_chart_speaks_to_a_screen_reader_in_a_chinese_capable_font(make: Any, districts: pd.DataFrame) -> None:
    spec = make(districts, WORDS).to_dict()
    assert spec["description"] == "Three districts"
    assert "Noto Sans CJK SC" in spec["config"]["font"]
