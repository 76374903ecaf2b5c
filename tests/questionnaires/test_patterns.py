"""regex(): patterns that stop other engines take no time here, and those that cannot be had are refused by place."""

import time

import pytest

from questionnaires import InstrumentError, load_instrument_text
from questionnaires.expressions import Context, parse
from questionnaires.patterns import matches

FORM = """settings:
  - {{form_title: 表, form_id: form, version: "1"}}
survey:
  - {{type: text, name: first, label: 一？}}
  - {{type: text, name: second, label: 二？, constraint: "regex(., '{pattern}')"}}
"""


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*", "(a|aa)+", "(.*a){20}", "a*a*a*a*a*a*", "([a-z]+)*[0-9]", "(a?){50}b"]
)
def test_a_pattern_that_tries_everything_elsewhere_takes_no_time(pattern: str) -> None:
    expression = parse(f"regex(., '{pattern}')")
    start = time.perf_counter()
    assert expression.evaluate(Context({}, own="a" * 50_000 + "!")) is False
    assert time.perf_counter() - start < 0.5


def test_the_whole_of_fifty_thousand_letters_is_matched() -> None:
    assert matches("a" * 50_000, "(a+)+$")
    assert matches("区" * 50_000, "(区+)+")
    assert not matches("a" * 50_000 + "\n", "(a+)+$")


def test_an_answer_of_the_longest_is_checked_in_time_by_the_dearest_pattern() -> None:
    form = load_instrument_text(FORM.format(pattern=".*[ab].{900}"))
    start = time.perf_counter()
    form.clean({"second": "ab" * 1000})
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("pattern", "remedy"),
    [
        ("(?=a)b", "looks ahead or behind; write that condition as a second regex(), joined by and"),
        ("(?!a)b", "looks ahead or behind"),
        ("(?<=a)b", "looks ahead or behind"),
        (r"(a)\\1", "refers back to a part of the text; compare the parts in an expression"),
        (r"(?P<n>a)\\k<n>", "refers back"),
        ("a*+", "repeats without giving back; write it with a plain repetition"),
        ("(?>a)", "repeats without giving back"),
        ("a{1001}", "repeats more than 1000 times; check the length with string-length()"),
        ("a{1,10000}", "repeats more than 1000 times"),
        ("a{9999999999}", "repeats more than 1000 times"),
        ("((a{20}){20}){20}", "repeats more than 1000 times"),
        (".{1000}" * 6, "is too large; shorten it"),
        ("a{,5}", "write {0,n}"),
        ("[a-z&&b]", "holds &&"),
        (r"\\u4e00", "names a letter by its number; write the letter itself"),
        (r"a\\Z", "regex() matches the whole text as it is"),
        ("(a", "missing )"),
        ("[a", "missing ]"),
        ("[b-a]", "invalid character class range"),
        ("*", "no argument for repetition operator"),
    ],
)
def test_a_pattern_beyond_is_refused_with_sheet_row_and_remedy(pattern: str, remedy: str) -> None:
    with pytest.raises(InstrumentError) as caught:
        load_instrument_text(FORM.format(pattern=pattern))
    assert str(caught.value).startswith("instrument, sheet survey, row 3: column constraint: the pattern ")
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("text", "pattern", "found"),
    [
        ("锦江区", r"\p{Han}+", True),
        ("１", r"\d", False),
        ("é", r"\w", False),
        ("a{,5}", r"a\{,5\}", True),
        ("&&", r"\&\&", True),
        ("a\nb", "a.b", False),
        ("ABC", "(?i)abc", True),
        ("𠮷", ".", True),
        ("\ud800", ".", False),
        ("a", "\ud800", False),
        ("a", "(?=a).", False),
        ("x" * 40, "[一-龥]{1,200}|x{40}", True),
    ],
)
def test_letters_of_every_script_are_whole(text: str, pattern: str, found: bool) -> None:
    assert matches(text, pattern) is found
