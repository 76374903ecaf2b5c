"""Numbers that an expression scores: the instrument's own score and every engine's column are the same."""

import json
import random
from collections.abc import Callable
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from analysis import Design, DesignError, Sample
from analysis.scoring import answers_off_the_scale, item_score, score_frame
from questionnaires import Instrument, InstrumentError, load_instrument_text

ENGINES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "polars lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pa.Table.from_pandas(frame, preserve_index=False)),
}
FORM = """
settings: [{{form_title: 表, form_id: f, version: "1", default_language: 中文 (zh)}}]
survey:
  - {{type: {type}, name: x, "label::中文 (zh)": 几次？, sandu::index: i, sandu::weight: 1, {more}}}
indices: [{{name: i, weight: 1, "label::中文 (zh)": 指数}}]
"""


def form(score: str, *, type: str = "decimal", **more: str) -> Instrument:
    columns = {"sandu::score": score, **more}
    return load_instrument_text(FORM.format(type=type, more=json.dumps(columns)[1:-1]))


def scored_by(engine: str, instrument: Instrument, values: Any) -> list[float | None]:
    data = ENGINES[engine](pd.DataFrame({"x": values}))
    frame = nw.from_native(data)
    score = item_score(instrument.items["x"], dict(frame.collect_schema())).alias("score")
    chosen = frame.select(score)
    rows = chosen.collect("pyarrow") if isinstance(chosen, nw.LazyFrame) else chosen
    return [None if pd.isna(one) else float(one) for one in rows["score"].to_list()]


SCORES = (
    "100 * min(. div 3, 1)",
    "if(. >= 1, 100, 0)",
    "if(. = 0, 0, if(. < 3, 50, 100))",
    "100 * (. - 1) div 9",
    "if(. < 0, '', .)",
    "round(.)",
    "round(. * 10 div 3, 1)",
    "100 div .",
    "min(100, 100 div .)",
    "max(0, -(100 div .))",
    ". mod 7",
    "100 * (. > 2 and not(. mod 2 = 0))",
    "50 * (. > 2) + 50 * (. != 3)",
    "if(. div . = 1, 100, 0)",
    "if(not(. div . > 0), 100, 0)",
    "if(. div 0 != 5, 10, 20)",
    "int(.) + abs(.) + floor(.) + ceiling(.)",
    "if(. , 100, 0) * boolean(.)",
    "if(true() or false(), number(. > 1), 3)",
    "min(100, 1 div . - 1 div .)",
    "max(1, 0 * (1 div .))",
    "if(1 div . - 1 div . > 5, 10, 20)",
)
VALUES = [-7.5, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 7.0, 9.0, 10.0, 33.3, 100.0, 100.5, None]


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_column_scores_as_the_item_scores_each_answer(engine: str, score: str) -> None:
    # a calculate item is judged answer by answer, so that expressions which leave 0-100 load here
    item = form(score, type="calculate", calculation="today()")
    assert scored_by(engine, item, VALUES) == pytest.approx([item.items["x"].scored(value) for value in VALUES])


@pytest.mark.parametrize("engine", ENGINES)
def test_texts_of_a_calculate_item_are_read_and_what_is_no_number_is_not_scored(engine: str) -> None:
    item, texts = (
        form(".", type="calculate", calculation="today()"),
        ["50", " 66.5 ", "na", "", "1e2", "-0", ".5", None],
    )
    expected = [50.0, 66.5, None, None, None, 0.0, 0.5, None]
    assert scored_by(engine, item, texts) == [item.items["x"].scored(text) for text in texts] == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_whole_numbers_of_an_integer_item_score_too(engine: str) -> None:
    item = form("100 * min(. div 3, 1)", type="integer", constraint=". >= 0")
    assert scored_by(engine, item, [0, 1, 3, 40]) == pytest.approx([0, 100 / 3, 100, 100])


def test_no_answer_is_not_scored_however_a_table_writes_it() -> None:
    item = form("100 * min(. div 3, 1)", type="integer", constraint=". >= 0").items["x"]
    tables: list[Any] = [
        pl.DataFrame({"x": [float("nan"), 3.0]}),
        pl.DataFrame({"x": [None, 3]}),
        pa.table({"x": ["", "3"]}),
        pd.DataFrame({"x": pd.array([None, 3], dtype="Int64")}),
        pd.DataFrame({"x": pd.Categorical(["?", "3"])}),
        pd.DataFrame({"x": pd.Series([None, "3"], dtype=object)}),
        duckdb.sql("select * from (values (null), (3.00::decimal(5, 2))) as t(x)").pl(),
    ]
    for table in tables:
        frame = nw.from_native(table)
        scores = frame.select(item_score(item, dict(frame.collect_schema())).alias("score"))["score"].to_list()
        assert [None if pd.isna(one) else one for one in scores] == [None, pytest.approx(100)]
    for table in (pl.DataFrame({"x": [None, None]}), pa.table({"x": pa.nulls(2)})):
        frame = nw.from_native(table)
        scores = frame.select(item_score(item, dict(frame.collect_schema())).alias("score"))["score"].to_list()
        assert scores == [None, None]


def test_a_column_of_dates_is_no_column_of_numbers() -> None:
    item = form("100 * min(. div 3, 1)", type="integer", constraint=". >= 0").items["x"]
    with pytest.raises(DesignError, match="The column 'x' holds Date, and its item asks for a number"):
        item_score(item, {"x": nw.Date()})


@pytest.mark.parametrize("engine", ["pandas", "polars lazy", "duckdb"])
def test_any_expression_of_the_language_is_translated_alike(engine: str) -> None:
    chance = random.Random(20261122)
    for _ in range(40):
        item = form(expression(chance, 3), type="calculate", calculation="today()")
        expected = [item.items["x"].scored(value) for value in VALUES]
        assert scored_by(engine, item, VALUES) == pytest.approx(expected, abs=1e-6), item.items["x"].score


def expression(chance: random.Random, depth: int) -> str:
    """A random score; divisions by zero have their own cases, since not every engine keeps the sign of a zero."""
    if depth == 0:
        return chance.choice([".", ".", "0.5", "2", "30", "100"])
    first, second = expression(chance, depth - 1), expression(chance, depth - 1)
    return chance.choice(
        [
            *(f"({first} {sign} {second})" for sign in ("+", "-", "*", "<", ">=", "=", "!=", "and", "or")),
            *(f"{name}({first}, {second})" for name in ("min", "max")),
            *(f"{name}({first})" for name in ("not", "abs", "floor", "ceiling", "int", "number")),
            f"if({first}, {second}, {expression(chance, depth - 1)})",
            f"({first} div 4)",
            f"-({first})",
        ]
    )


def test_a_number_outside_the_scale_is_not_scored_and_says_why() -> None:
    item = form("100 * . div 4", type="calculate", calculation="today()").items["x"]
    assert item.scored(4) == 100
    assert item.unscored(4) is None
    assert item.scored(5) is None
    assert item.unscored(5) == "item 'x': the answer 5 scores 125, and a score is between 0 and 100"
    odd = form("100 * (. div .)", type="calculate", calculation="today()").items["x"]
    assert odd.scored(0) is None
    assert odd.unscored("0") == "item 'x': the answer 0 scores no number"
    assert odd.unscored("na") is odd.unscored(None) is odd.scored("na") is None


@pytest.mark.parametrize("engine", ENGINES)
def test_answers_off_the_scale_are_counted(engine: str) -> None:
    table = ENGINES[engine](pd.DataFrame({"x": [0.0, 1.0, 5.0, -1.0, 100.0, None]}))
    calculated = {"type": "calculate", "calculation": "today()"}
    assert answers_off_the_scale(table, form("100 * . div 4", **calculated)) == {"x": 3}
    assert answers_off_the_scale(table, form("100 * (. div .)", **calculated)) == {"x": 1}
    assert answers_off_the_scale(table, form("if(. < 0, '', min(., 100))", **calculated)) == {}


@pytest.mark.parametrize("engine", ["polars lazy", "arrow", "duckdb"])
def test_an_index_over_numbers_is_the_same_on_every_engine(engine: str, opinion_like: Instrument) -> None:
    frame = pd.DataFrame({"c": ["good", "poor"] * 3, "k": ["yes"] * 6, "ledger_ledger": ["yes"] * 6, "weight": 1.0})
    frame["n"], frame["place"] = [0, 1, 2, 3, 4, 9], ["a", "b"] * 3
    found = Sample(ENGINES[engine](frame), Design(weight="weight"), instrument=opinion_like)
    # by hand: a: c 100, k 100, n (0 + 200/3 + 100) / 3; b: c 0, k 100, n (100/3 + 100 + 100) / 3
    expected = [(100 + 100 + 2 * (500 / 9)) / 4, (0 + 100 + 2 * (700 / 9)) / 4]
    assert found.index("i", by="place").values == pytest.approx(expected)


@pytest.mark.parametrize(
    ("type", "score", "constraint", "sentence"),
    [
        ("integer", "100 * . div 4", ". >= 0", "the answer 100 scores 2500, and a score is between 0 and 100"),
        ("integer", "100 * . div 4", ". >= 0 and . <= 5", "the answer 5 scores 125"),
        ("integer", "100 * (. - 1) div 4", ". >= 0 and . <= 5", "the answer 0 scores -25"),
        ("integer", "100 div . div .", ". >= 0 and . <= 9", "the answer 0 scores inf"),
        ("decimal", "100 * . div .", ". >= 0 and . <= 9", "the answer 0 scores no number"),
        ("integer", "if(. = 7, 101, 50)", ". >= 0 and . <= 9", "the answer 7 scores 101"),
        ("decimal", ".", "", "scores -0.5"),
        ("integer", "100 * . div 4", ". > 0 and . <= 3 or . = 9", "the answer 9 scores 225"),
        ("integer", "string-length(.)", "", r"string-length\(\) cannot score a number"),
        ("integer", "if(. = 'a', 100, 0)", "", "the text 'a' is no number; only '' may stand as a whole result"),
        ("integer", "if(. = '', 100, 0)", "", "the text '' is no number"),
        ("integer", "min(100, '')", "", "the text '' is no number"),
        ("integer", "round(50, .)", "", r"the second argument of round\(\) must be a number"),
        ("integer", "+".join(["1 div (. + 1)"] * 5), "", "it divides 5 times by something other than a number"),
    ],
)
def test_a_score_that_leaves_the_scale_is_refused_at_its_row(
    type: str, score: str, constraint: str, sentence: str
) -> None:
    more = {"constraint": constraint} if constraint else {}
    with pytest.raises(InstrumentError, match=rf"sheet survey, row 2: column sandu::score: .*{sentence}"):
        form(score, type=type, **more)


@pytest.mark.parametrize(
    ("type", "score", "constraint"),
    [
        ("integer", "100 * min(. div 3, 1)", ". >= 0"),
        ("integer", "if(. >= 1, 100, 0)", ""),
        ("integer", "100 * . div 4", ". >= 0 and . <= 4"),
        ("integer", "if(. = 99, '', 100 * . div 4)", "(. >= 0 and . <= 4) or . = 99"),
        ("decimal", "100 * (. - 1) div 9", ". >= 1 and . <= 10"),
    ],
)
def test_a_score_within_the_scale_loads(type: str, score: str, constraint: str) -> None:
    item = form(score, type=type, **({"constraint": constraint} if constraint else {})).items["x"]
    assert item.scores_numbers
    assert item.scores() == {}


def test_every_step_of_a_range_is_tried() -> None:
    item = form("20 * (. - 1)", type="range", parameters="start=1 end=6 step=0.5").items["x"]
    assert [item.scored(value) for value in (1.0, 3.5, 6.0)] == [0, 50, 100]
    with pytest.raises(InstrumentError, match=r"the answer 3.5 scores 150, and a score is between 0 and 100"):
        form("if(. = 3.5, 150, 50)", type="range", parameters="start=1 end=6 step=0.5")


def test_what_is_for_choices_is_refused_on_a_number_and_a_number_needs_its_expression() -> None:
    with pytest.raises(InstrumentError, match="item 'x' is a number, and sandu::dont_know is for choices"):
        form("if(. > 0, 100, 0)", type="integer", **{"sandu::dont_know": "zero"})
    with pytest.raises(InstrumentError, match=r"say in sandu::score how its answer '\.' becomes 0-100"):
        load_instrument_text(FORM.format(type="integer", more="required: 'no'"))
    with pytest.raises(InstrumentError, match="only a select_one or a number can be scored"):
        form("if(. > 0, 100, 0)", type="date")


def test_an_item_of_choices_scores_an_answer_by_its_name(opinion_like: Instrument) -> None:
    item = opinion_like.items["c"]
    assert [item.scored(name) for name in ("good", "poor", "dont_know", None, "")] == [100, 0, None, None, None]
    assert item.unscored("good") is None
    key = opinion_like.items["k"]
    assert (key.scored("yes"), key.scored("yes", "yes"), key.scored("no", "yes")) == (None, 100, 0)


@pytest.fixture
def opinion_like() -> Instrument:
    return load_instrument_text("""
settings: [{form_title: 表, form_id: f, version: "1", default_language: 中文 (zh)}]
survey:
  - {type: select_one s, name: c, "label::中文 (zh)": 好吗？, sandu::index: i, sandu::weight: 1,
     sandu::dont_know: exclude}
  - {type: select_one y, name: k, "label::中文 (zh)": 有吗？, sandu::index: i, sandu::weight: 1, sandu::key: ledger}
  - {type: integer, name: n, "label::中文 (zh)": 几次？, sandu::index: i, sandu::weight: 2,
     sandu::score: "100 * min(. div 3, 1)", constraint: ". >= 0"}
choices:
  - {list_name: s, name: good, "label::中文 (zh)": 好, score: 100}
  - {list_name: s, name: poor, "label::中文 (zh)": 差, score: 0}
  - {list_name: s, name: dont_know, "label::中文 (zh)": 说不清, missing: dont_know}
  - {list_name: y, name: "yes", "label::中文 (zh)": 有}
  - {list_name: y, name: "no", "label::中文 (zh)": 没有}
indices: [{name: i, weight: 4, "label::中文 (zh)": 指数}]
""")


def test_numbers_and_choices_make_one_index(opinion_like: Instrument) -> None:
    frame = pd.DataFrame(
        {
            "c": ["good", "poor", "good", None],
            "k": ["yes", "no", "yes", "no"],
            "ledger_ledger": ["yes", "yes", None, None],
            "n": [3.0, 0.0, 1.5, None],
            "weight": 1.0,
        }
    )
    scores = score_frame(frame, opinion_like)
    assert scores["n_score"].tolist()[:3] == [100, 0, 50]
    sample = Sample(frame, Design(weight="weight"), instrument=opinion_like)
    composite = sample.index("i")
    # by hand: c 200/3 with weight 1, k 50 with weight 1, n 50 with weight 2
    assert composite.values == pytest.approx([(200 / 3 + 50 + 2 * 50) / 4])
