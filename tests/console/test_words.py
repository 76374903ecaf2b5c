"""A comparison in words: what is shown, what is not, and never more than the evidence."""

import pandas as pd
import pytest

from survey_app.console import words

NAN = float("nan")


def row(difference: float, low: float, high: float, evidence: str) -> pd.Series:
    return pd.Series(
        {
            "difference": difference,
            "low": low,
            "high": high,
            "p": 0.0312,
            "p_adjusted": 0.0004,
            "detectable": 5.67,
            "evidence": evidence,
        }
    )


def test_a_district_above_the_city_is_said_to_be_above_with_size_interval_and_adjusted_p() -> None:
    text = words.verdict(
        row(3.24, 0.36, 6.1, "above"), name="Jinjiang District", degree="satisfaction", districts=20, language="en"
    )
    assert "Jinjiang District: satisfaction is 3.2 points above the city" in text
    assert "+0.4 to +6.1" in text
    assert "adjusted p < 0.001" in text
    assert "all 20 districts" in text


def test_the_same_in_chinese() -> None:
    text = words.verdict(
        row(-3.24, -6.1, -0.36, "below"), name="锦江区", degree="satisfaction", districts=20, language="zh"
    )
    assert "锦江区的满意度比全市低 3.2 分" in text
    assert "\N{MINUS SIGN}6.1 至 \N{MINUS SIGN}0.4" in text
    assert "20 个区县" in text


@pytest.mark.parametrize(
    ("language", "caution", "detectable"),
    [("en", "Not significant is not unchanged", "5.7 points"), ("zh", "不显著不等于没有差别", "5.7 分")],
)
def test_no_evidence_is_never_called_equality(language: str, caution: str, detectable: str) -> None:
    text = words.verdict(
        row(0.4, -2.0, 2.8, "undecided"), name="X", degree="awareness", districts=20, language=language
    )
    assert caution in text
    assert detectable in text


def test_without_an_interval_the_sentence_says_so_and_prints_no_number() -> None:
    text = words.verdict(row(NAN, NAN, NAN, "none"), name="X", degree="awareness", districts=20, language="en")
    assert "cannot be compared" in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("value", "printed"),
    [(3.26, "+3.3"), (-1.52, "\N{MINUS SIGN}1.5"), (0.04, "0.0"), (-0.04, "0.0"), (NAN, "–")],
)
def test_a_difference_is_printed_with_its_sign_and_zero_without(value: float, printed: str) -> None:
    assert words.signed(value) == printed


@pytest.mark.parametrize(("p", "printed"), [(0.0004, "< 0.001"), (0.0345, "0.035"), (1.0, "1.000"), (NAN, "–")])
def test_p_values_have_three_decimals(p: float, printed: str) -> None:
    assert words.p_value(p) == printed


def test_a_change_of_the_city_names_the_earlier_wave() -> None:
    text = words.change_verdict(row(1.2, 0.4, 2.0, "above"), degree="participation", language="en", earlier="Wave 1")
    assert text == "Participation rose by 1.2 points since “Wave 1” (95% interval +0.4 to +2.0, p = 0.031)."
