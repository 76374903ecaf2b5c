"""The expression language: values as XPath 1.0 gives them, errors that say where.

expressions.csv holds the values: each line an expression, the answers it is evaluated over (JSON; "." is the own one)
and its value (JSON, with NaN, Infinity and -Infinity), worked out by hand from XPath 1.0 and ODK's page of functions.
"""

import csv
import json
import math
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires import load_instrument
from questionnaires.errors import InstrumentError
from questionnaires.expressions import Call, Context, parse, walk
from questionnaires.functions import BEYOND, CALCULATION_ONLY, FUNCTIONS

ANSWERS = {"age": 34.0, "zero": 0.0, "sex": "female", "many": "a b c", "when": "2026-05-01", "text": "7"}
NOW = datetime(2026, 6, 1, 9, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=8)))
LABELS = {("clean", "good"): "干净", ("clean", "poor"): "不干净"}
with (Path(__file__).parent / "expressions.csv").open(encoding="utf-8", newline="") as lines:
    VECTORS = [
        (row["expression"], json.loads(row["answers"]), json.loads(row["value"])) for row in csv.DictReader(lines)
    ]


def context(answers: dict[str, object]) -> Context:
    values = {name: float(given) if type(given) is int else given for name, given in answers.items()}
    own = values.pop(".", "")
    return Context(
        values, own, now=NOW, submission_id="s1", item="draw", language="zh",
        label=lambda item, name, language: LABELS.get((item, name), name),
    )  # fmt: skip


def same(found: object, expected: object) -> bool:
    """Equal, of the same type, NaN as NaN and a zero with its sign."""
    if type(found) is not type(expected):
        return False
    if not isinstance(found, float) or not isinstance(expected, float):
        return found == expected
    if math.isnan(expected):
        return math.isnan(found)
    return found == expected and math.copysign(1, found) == math.copysign(1, expected)


@pytest.mark.parametrize(("text", "answers", "expected"), VECTORS, ids=[text for text, _, _ in VECTORS])
def test_an_expression_has_its_value(text: str, answers: dict[str, object], expected: object) -> None:
    found = parse(text).evaluate(context(answers))
    assert same(found, expected), found


def test_every_function_and_operator_stands_in_two_lines_at_least() -> None:
    seen = Counter(
        name
        for text, _, _ in VECTORS
        for name in {node.name for node in walk(parse(text).root) if isinstance(node, Call)}
    )
    assert len(VECTORS) >= 250
    assert {name for name in FUNCTIONS if seen[name] < 2} == set()
    assert all(seen[name] for name in ("+", "-", "*", "div", "mod", "=", "!=", "<", "<=", ">", ">=", "and", "or"))


def value(text: str, own: object = "", row: dict[str, str] | None = None) -> object:
    return parse(text).evaluate(Context(ANSWERS, own, row or {}, date(2026, 6, 1)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("div", "column div"), ("and and or", True), ("street-code", "column street-code"), ("district", "")],
)
def test_a_name_is_a_column_where_an_operand_stands(text: str, expected: object) -> None:
    row = {name: f"column {name}" for name in ("div", "street-code", "and", "or")}
    assert value(text, row=row) == expected


def test_the_dot_is_the_answer_itself() -> None:
    assert value("100 * (. - 1) div 9", own="10") == 100.0
    assert value(". >= 1 and . <= 10", own=11.0) is False


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (". >== 3 and (", "cannot be read from character 5, at '= 3 and ('"),
        ("${a} = ", "ends too early"),
        ("", "ends too early"),
        ("selectd(${a}, 'b')", "there is no function selectd(); did you mean 'selected'?"),
        ("selected(${a})", "selected() takes 2 arguments, and 1 are given"),
        ("if(1, 2)", "if() takes 3 arguments, and 2 are given"),
        ("pulldata('f', 'a', 'b', 'c')", "pulldata() is not supported: other files are not read"),
        ("position(..)", "position() is not supported: repeats"),
        ("instance('f')/root/item[name = 'a']/label", "instance() is not supported"),
        ("count(${a})", "count() is not supported: it counts repeats; write count-selected()"),
        ("${last-saved#age} + 1", "${last-saved#age} is not supported: an answer knows of no other"),
        ("format-dat(today(), '%Y')", "there is no function format-dat(); did you mean 'format-date'?"),
        ("jr:choicename('a', '${b}')", "did you mean 'jr:choice-name'?"),
        ("weighted-checklst(1, 2, 'yes', 3)", "did you mean 'weighted-checklist'?"),
        ("weighted-checklist(1, 2, 'yes')", "weighted-checklist() takes at least 4"),
        ("weighted-checklist(1, 2, 'yes', 3, 'no')", "one is left over"),
        ("random(1)", "random() takes 0 arguments, and 1 are given"),
        ("uuid(1, 2)", "uuid() takes 0 to 1 arguments, and 2 are given"),
        ("once()", "once() takes 1 argument, and 0 are given"),
        ("now('x')", "now() takes 0 arguments"),
        ("digest('a')", "digest() takes 2 to 3 arguments"),
        ("digest('a', 'SHA256')", "digest() has no algorithm 'SHA256'"),
        ("digest('a', 'SHA-256', 'base32')", "no encoding 'base32', one of base64, hex; did you mean 'base64'?"),
        ("jr:choice-name('a', 'b')", "is an item in quotes, such as '${item}'"),
        ("format-date(today(), '%Q')", "format-date() has no identifier '%Q'"),
        ("format-date(today(), '%H')", "hours belong to format-date-time()"),
        ("format-date(today(), '100%')", "no identifier '%'"),
        ("regex(., 'a{99999999999999999999}')", "of regex() cannot be read"),
        ("1" + " + 1" * 300, "300 operators follow each other, at most 200"),
        ("regex(., '[')", "pattern '[' of regex() cannot be read"),
        ("'open", "cannot be read from character 1"),
        ("(" * 150 + "1" + ")" * 150 + " + ", "ends too early"),
        ("not(" * 150 + "1" + ")" * 150, "nested more than 100 deep"),
        ("1" + " + 1" * 2000, "has 8001 characters"),
    ],
)
def test_a_broken_expression_is_refused_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(InstrumentError) as caught:
        parse(text)
    assert sentence in str(caught.value)


def test_an_expression_knows_what_it_names() -> None:
    expression = parse("level = 'street' and parent_code = ${district} and selected(${many}, 'a')")
    assert expression.references == {"district", "many"}
    assert expression.columns == {"level", "parent_code"}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="${}age().'\"=<>+-*/ divmodandornotif,0123.三", max_size=40))
def test_any_text_is_parsed_or_refused_and_never_breaks(text: str) -> None:
    try:
        expression = parse(text)
    except InstrumentError:
        return
    assert isinstance(expression.evaluate(Context(ANSWERS)), str | float | bool)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_at_all_is_parsed_or_refused(text: str) -> None:
    try:
        parse(text)
    except InstrumentError as error:
        assert str(error)


OPERANDS = ["${a}", "${b}", "${nobody}", ".", "''", "0", "-1", "2.5", "'2026-05-01'", "'x'", "now()", "random()"]
ANSWER = st.one_of(st.text(max_size=12), st.floats(), st.booleans(), st.sampled_from(["2026-02-30", "a b", "-0", "["]))


@st.composite
def calls(draw: st.DrawFn, depth: int = 3) -> str:
    """A call of any function, with as many arguments as it takes."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(OPERANDS))
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    function = FUNCTIONS[name]
    count = draw(st.integers(function.least, min(function.most, function.least + 2)))
    arguments = [draw(calls(depth=depth - 1)) for _ in range(count + count % 2 if "weighted" in name else count)]
    if name == "jr:choice-name":
        arguments[1] = "'${a}'"
    return f"({name}({', '.join(arguments)}) {draw(st.sampled_from(['=', '<', '+', 'div', 'mod', 'and']))} ${{b}})"


@settings(max_examples=500, deadline=None)
@given(calls(), ANSWER, ANSWER)
def test_any_call_over_any_answers_has_a_value_and_the_same_twice(text: str, a: object, b: object) -> None:
    try:
        expression = parse(text)
    except InstrumentError:
        return  # a written argument that is none, such as the pattern of a regex()
    around = context({"a": a, "b": b, ".": a})
    found = expression.evaluate(around)
    assert isinstance(found, str | float | bool)
    assert same(expression.evaluate(around), found)


def test_a_number_drawn_hangs_on_submission_item_and_place() -> None:
    def drawn(text: str, submission_id: str, item: str) -> object:
        return parse(text).evaluate(Context({}, submission_id=submission_id, item=item))

    assert drawn("random()", "s1", "arm") == drawn("random()", "s1", "arm")
    draws = {drawn("random()", f"s{place}", item) for place in range(500) for item in ("arm", "order")}
    assert len(draws) == 1000
    assert 0.45 < sum(map(float, draws)) / 1000 < 0.55
    assert drawn("random() - random()", "s1", "arm") != 0
    assert drawn("uuid()", "s1", "arm") != drawn("uuid()", "s2", "arm")
    assert math.isnan(drawn("random()", "", "arm"))
    assert drawn("uuid()", "", "arm") == ""


def test_a_chain_of_many_conditions_is_one_level() -> None:
    text = " or ".join(f"${{a}} = '{place}'" for place in range(190))
    assert value(text) is False
    assert parse(text).evaluate(Context({"a": "189"})) is True


def test_the_clock_is_read_once_in_words_of_the_context() -> None:
    assert value("now()").startswith("2026-06-01T00:00:00.000")
    english = Context({}, now=NOW, language="en")
    assert parse("format-date(now(), '%a %e %b')").evaluate(english) == "Mon 1 Jun"


def test_functions_are_supported_or_refused_never_both() -> None:
    assert not FUNCTIONS.keys() & BEYOND.keys()
    assert FUNCTIONS.keys() >= CALCULATION_ONLY
    assert all(remedy for remedy in BEYOND.values())


FORM = """
settings:
  - {{form_title: t, form_id: t, version: "1", default_language: 中文 (zh)}}
survey:
  - {{type: calculate, name: arm, calculation: "if(random() < 0.5, 'a', 'b')"}}
  - {{type: calculate, name: kept, calculation: "once(random())"}}
  - {{type: select_one scale, name: clean, "label::中文 (zh)": 干净吗, "label::English (en)": Clean}}
  - {{type: calculate, name: said, calculation: "jr:choice-name(${{clean}}, '${{{asked}}}')"}}
  - {{type: date, name: when, "label::中文 (zh)": 哪天, "label::English (en)": When, constraint: ". <= today()"}}
  - {{type: text, name: why, "label::中文 (zh)": 为什么, "label::English (en)": Why, relevant: "{relevant}"}}
choices:
  - {{list_name: scale, name: good, "label::中文 (zh)": 好, "label::English (en)": Good}}
  - {{list_name: scale, name: poor, "label::中文 (zh)": 差, "label::English (en)": Poor}}
"""


def form(folder: Path, relevant: str = "${arm} = 'a'", asked: str = "clean") -> Path:
    path = folder / "form.yaml"
    path.write_text(FORM.format(relevant=relevant, asked=asked), encoding="utf-8")
    return path


def test_a_form_draws_by_submission_and_speaks_the_language_of_the_resident(tmp_path: Path) -> None:
    instrument = load_instrument(form(tmp_path))
    first = instrument.clean({"clean": "good"}, "en", submission_id="s1").answers
    assert first["said"] == "Good"
    assert first["arm"] in ("a", "b")
    assert first == instrument.clean(first, "en", submission_id="s1").answers
    assert first == instrument.clean(first, "en").answers  # without an id a draw is kept, never made anew
    assert "arm" not in instrument.clean({}).answers
    assert instrument.clean({"clean": "good"}, submission_id="s1").answers["said"] == "好"
    later = instrument.clean(first, "en", submission_id="s2").answers
    assert later["kept"] == first["kept"]  # once
    arms = Counter(instrument.clean({}, submission_id=f"s{place}").answers["arm"] for place in range(200))
    assert 70 < arms["a"] < 130


@pytest.mark.parametrize(
    ("calculation", "words"),
    [("jr:choice-name(${clean}, '${clean}')", "Good"), ("format-date('2026-06-01', '%a %e %b')", "Mon 1 Jun")],
)
def test_the_same_answers_in_another_language_are_told_in_it(tmp_path: Path, calculation: str, words: str) -> None:
    """At once, one after the other: a run that is remembered is one of its language."""
    path = form(tmp_path)
    text = path.read_text(encoding="utf-8").replace("jr:choice-name(${clean}, '${clean}')", calculation)
    path.write_text(text, encoding="utf-8")
    instrument = load_instrument(path)
    chinese = instrument.clean({"clean": "good"}, "zh").answers["said"]
    assert instrument.clean({"clean": "good"}, "en").answers["said"] == words != chinese
    assert instrument.clean({"clean": "good"}, "zh").answers["said"] == chinese


def test_pages_and_orders_follow_what_the_submission_drew(tmp_path: Path) -> None:
    path = form(tmp_path)
    text = path.read_text(encoding="utf-8").replace(
        "name: clean,", 'name: clean, parameters: "randomize=true, seed=${kept}",'
    )
    path.write_text(text, encoding="utf-8")
    instrument = load_instrument(path)
    orders = set()
    for place in range(40):
        who = {"submission_id": f"s{place}"}
        drew = instrument.clean({}, **who).answers["arm"]
        following = instrument.next_page({}, after="when", **who)
        assert (following is not None) is (drew == "a")
        assert bool(instrument.page("why").visible({}, **who)) is (drew == "a")
        assert not instrument.problems(instrument.page("why"), {}, **who)
        orders.add((f"s{place}", tuple(choice.name for choice in instrument.item("clean").offered({}, f"s{place}"))))
    assert len(orders) == 40
    assert len({order for _, order in orders}) == 2


def test_a_constraint_sees_the_day_it_is_given(tmp_path: Path) -> None:
    instrument = load_instrument(form(tmp_path))
    assert "when" in instrument.clean({"when": "2026-05-02"}, today=date(2026, 5, 1)).problems
    assert "when" not in instrument.clean({"when": "2026-05-02"}, today=date(2026, 5, 2)).problems


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"relevant": "random() < 0.5"}, "row 7: column relevant: random() stands in a calculation only"),
        ({"relevant": "once(1) = 1"}, "once() stands in a calculation only"),
        ({"asked": "claen"}, "row 5: column calculation refers to 'claen', which is no item; did you mean 'clean'?"),
        ({"asked": "said"}, "row 5: said -> said is a cycle"),
        ({"relevant": "format-dat(${when}, '%Y') = '2026'"}, "row 7: column relevant: there is no function format-dat"),
        ({"relevant": "${why} = 1"}, "why -> why is a cycle"),
    ],
)
def test_a_wrong_call_is_refused_with_its_row(tmp_path: Path, changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(InstrumentError) as caught:
        load_instrument(form(tmp_path, **changed))
    assert sentence in str(caught.value)
