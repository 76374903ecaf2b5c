"""The expression language: values as XPath 1.0 gives them, errors that say where."""

import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.errors import InstrumentError
from questionnaires.expressions import Context, parse

ANSWERS = {"age": 34.0, "zero": 0.0, "sex": "female", "many": "a b c", "when": "2026-05-01", "text": "7"}


def value(text: str, own: object = "", row: dict[str, str] | None = None) -> object:
    return parse(text).evaluate(Context(ANSWERS, own, row or {}, date(2026, 6, 1)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # section 3.5 of XPath 1.0: precedence, unary minus, div and mod
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("- 2 + 3", 1.0),
        ("--2", 2.0),
        ("5 mod 2", 1.0),
        ("5 mod -2", 1.0),
        ("-5 mod 2", -1.0),
        ("1 div 0", math.inf),
        ("-1 div 0", -math.inf),
        ("8 - 4 - 2", 2.0),
        # names of operators are names where an operand stands, a minus inside a name belongs to it
        ("div", "column div"),
        ("and and or", True),
        ("street-code", "column street-code"),
        ("${age}-1", 33.0),
        # section 3.4: comparisons
        ("'' > 3", False),
        ("'' < 3", False),
        ("'a' = 'a'", True),
        ("'1' = 1", True),
        ("'1.0' = '1'", False),
        ("'' = 0", False),
        ("'' != 0", True),
        ("true() = 'a'", True),
        ("true() = ''", False),
        ("1 < 2 < 3", True),
        ("3 > 2 > 1", False),
        ("1 = 1 and 2 = 3 or 4 = 4", True),
        # references: an unanswered item is the empty text
        ("${age} >= 18", True),
        ("${nobody} = ''", True),
        ("${nobody} >= 18", False),
        ("${nobody} + 1 > 0", False),
        ("../sex = 'female'", True),
        # section 4: functions
        ("string(1)", "1"),
        ("string(0.5)", "0.5"),
        ("string(1 div 0)", "Infinity"),
        ("string(0 div 0)", "NaN"),
        ("string(true())", "true"),
        ("string(100000000000000000000)", "100000000000000000000"),
        ("string(0.0000001)", "0.0000001"),
        ("number('  -12.5 ')", -12.5),
        ("boolean('false')", True),
        ("boolean(0)", False),
        ("not('')", True),
        ("round(2.5)", 3.0),
        ("round(-2.5)", -2.0),
        ("round(1234.567, 1)", 1234.6),
        ("floor(-1.5)", -2.0),
        ("ceiling(-1.5)", -1.0),
        ("int(-1.5)", -1.0),
        ("substring-before('1999/04/01', '/')", "1999"),
        ("substring-after('1999/04/01', '/')", "04/01"),
        ("normalize-space('  a   b ')", "a b"),
        ("translate('--aaa--', 'abc-', 'ABC')", "AAA"),
        ("string-length('三度')", 2.0),
        # what XLSForm adds
        ("if(${age} > 30, 'old', 'young')", "old"),
        ("selected(${many}, 'b')", True),
        ("selected(${many}, 'ab')", False),
        ("selected-at(${many}, 1)", "b"),
        ("selected-at(${many}, 9)", ""),
        ("count-selected(${many})", 3.0),
        ("count-selected(${nobody})", 0.0),
        ("coalesce(${nobody}, 'x')", "x"),
        ("regex('12348', '[0-9]{5}')", True),
        ("regex('123481', '[0-9]{5}')", False),
        ("substr('abcdef', 1, 3)", "bc"),
        ("substr('abcdef', -2)", "ef"),
        ("join('-', 'a', 'b')", "a-b"),
        ("max(1, '', 3)", 3.0),
        ("min(4, 2)", 2.0),
        ("sum(1, '', '2')", 3.0),
        ("count-non-empty('', 'a', 0)", 2.0),
        ("pow(2, 10)", 1024.0),
        ("checklist(1, 2, ${zero}, ${age})", True),
        ("boolean-from-string('1')", True),
        # a date counts days
        ("today()", "2026-06-01"),
        ("today() - ${when}", 31.0),
        ("${when} < today()", True),
        ("number('2026-02-30')", math.nan),
        ("date(${when} + 1)", "2026-05-02"),
    ],
)
def test_an_expression_has_the_value_that_xpath_gives_it(text: str, expected: object) -> None:
    row = {name: f"column {name}" for name in ("div", "street-code", "and", "or")}
    found = value(text, row=row)
    assert type(found) is type(expected)
    assert found == expected or (isinstance(found, float) and math.isnan(found) and math.isnan(expected))


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
        ("pulldata('f', 'a', 'b', 'c')", "pulldata() is not supported"),
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
