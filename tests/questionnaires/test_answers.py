"""Raw answers become clean ones, or a kind of problem."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questionnaires.casting import Unclean, cast


@pytest.mark.parametrize(
    ("kind", "raw", "clean"),
    [
        ("integer", "19", 19),
        ("integer", " １９５６ ", 1956),
        ("integer", "-3", -3),
        ("integer", "007", 7),
        ("integer", 4.0, 4),
        ("integer", "", None),
        ("integer", "　", None),
        ("decimal", "2.50", 2.5),
        ("decimal", ".5", 0.5),
        ("decimal", 3, 3.0),
        ("date", "2026-05-01", "2026-05-01"),
        ("date", "２０２６-05-01", "2026-05-01"),
        ("text", "e\u0301t\x00\x07é\r\nb\tc ", "été\nb\tc"),
        ("text", "\ud800坏", "坏"),
        ("text", "  ", None),
        ("text", None, None),
        ("select_one", "yes", "yes"),
        ("select_one", ["yes"], "yes"),
        ("select_one", [], None),
        ("select_multiple", "a b", ["a", "b"]),
        ("select_multiple", ["b", "a", "b", ""], ["b", "a"]),
        ("select_multiple", [], None),
        ("hidden", 2026, "2026"),
    ],
)
def test_a_raw_answer_has_one_clean_form(kind: str, raw: Any, clean: Any) -> None:
    found = cast(kind, raw)
    assert found == clean
    assert type(found) is type(clean)


@pytest.mark.parametrize(
    ("kind", "raw", "problem"),
    [
        ("integer", "abc", "integer"),
        ("integer", "1e3", "integer"),
        ("integer", "3.5", "integer"),
        ("integer", 3.5, "integer"),
        ("integer", "٣", "integer"),
        ("integer", "9" * 16, "integer"),
        ("integer", True, "unreadable"),
        ("decimal", "nan", "decimal"),
        ("decimal", float("inf"), "decimal"),
        ("date", "2026-02-30", "date"),
        ("date", "1/5/2026", "date"),
        ("text", "长" * 2001, "too long"),
        ("text", {"a": 1}, "unreadable"),
        ("select_one", ["a", "b"], "one"),
        ("select_multiple", [1, 2], "unreadable"),
    ],
)
def test_what_cannot_be_read_is_named(kind: str, raw: Any, problem: str) -> None:
    assert cast(kind, raw) == Unclean(problem)


RAW = st.one_of(
    st.text(max_size=30), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.text(max_size=5))
)


@given(kind=st.sampled_from(["integer", "decimal", "date", "text", "select_one", "select_multiple"]), raw=RAW)
def test_cleaning_a_clean_answer_changes_nothing_and_text_is_safe_to_store(kind: str, raw: Any) -> None:
    clean = cast(kind, raw)
    if isinstance(clean, Unclean):
        return
    assert cast(kind, clean) == clean
    if isinstance(clean, str):
        assert clean.encode("utf-8").decode("utf-8") == unicodedata.normalize("NFC", clean) == clean
        assert not set(clean) & {chr(code) for code in range(32) if code not in (9, 10)}
