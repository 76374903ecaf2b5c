"""Nonresponse by weighting classes: counted by hand, R's numbers from its parts, and what is refused by name."""

import numpy as np
import pandas as pd
import pytest

from analysis import Design, DesignError, Sample
from tests.analysis.schools import api, by_hand, linear

CLASSES = ["sch.wide", "awards"]


def test_the_numbers_are_those_that_r_gives_from_its_parts() -> None:
    """data/weighting_by_hand.R sums f (z - b), and b for everybody drawn, by svytotal under the design as drawn."""
    sample = api().nonresponse(CLASSES, "responded")
    expected = by_hand("nonresponse")
    means, totals = sample.mean(["api00", "enroll"]), sample.total(["api00", "enroll"])
    for found, kind in ((means, "mean"), (totals, "total")):
        rows = expected[expected["variable"].str.startswith(kind)]
        np.testing.assert_allclose(found.values, rows["estimate"], rtol=1e-9)
        np.testing.assert_allclose(found.se, rows["se"], rtol=1e-9)


def test_a_calibration_afterwards_is_credited_with_the_nonresponse_before_it() -> None:
    expected = by_hand("nonresponse, calibrate")
    found = linear(api().nonresponse(CLASSES, "responded")).mean(["api00", "enroll"])
    np.testing.assert_allclose(found.values, expected["estimate"], rtol=1e-9)
    np.testing.assert_allclose(found.se, expected["se"], rtol=1e-9)


def test_twelve_cases_counted_by_hand() -> None:
    """Two psus of six, weight 2; class a: 3 of 4 respond, class b: 4 of 8. Factors 4/3 and 2.

    Total of y (1 in psu p, 3 in psu q) among respondents: a: p 1, 1; q 3; b: p 1; q 3, 3, 3.
    a: 2 * 4/3 * 5 = 40/3; b: 2 * 2 * 10 = 40. Class means of respondents: 5/3 and 10/4.
    Psu p: a: 2 * (4/3 ((1 - 5/3) + (1 - 5/3)) + 2 * 5/3) = 28/9; b: 2 * (2 (1 - 5/2) + 4 * 5/2) = 14.
    The variance with replacement of two psus is (E_p - E_q)^2, and E_p + E_q is the total.
    """
    answered = {"p": {"a": [1, 1], "b": [1, 0, 0, 0]}, "q": {"a": [1, 0], "b": [1, 1, 1, 0]}}
    rows = [
        {"psu": psu, "class": name, "answered": one, "w": 2.0, "y": (1.0 if psu == "p" else 3.0) if one else np.nan}
        for psu, classes in answered.items()
        for name, ones in classes.items()
        for one in ones
    ]
    sample = Sample(pd.DataFrame(rows), Design(weight="w", psu="psu")).nonresponse("class", "answered")
    total = sample.total("y")
    assert total.values[0] == pytest.approx(40 / 3 + 40, rel=1e-14)
    first = 28 / 9 + 14
    assert total.se[0] == pytest.approx(abs(first - (160 / 3 - first)), rel=1e-12)
    assert total.n.tolist() == [7]
    assert sample.weights.sum() == pytest.approx(24, rel=1e-14)


@pytest.mark.parametrize(
    "ask",
    [
        lambda sample: sample.regress("score ~ api99 + group"),
        lambda sample: sample.regress("score ~ api99", levels={"score": [1, 2, 3]}, family="ordinal"),
        lambda sample: sample.ranktest("score", "group").means,
        lambda sample: sample.quantile("score", [0.001, 0.2, 0.999]),
        lambda sample: sample.quantile("api00", [0.001, 0.2, 0.999]),
        lambda sample: sample.correlation(["score", "api00"]),
    ],
    ids=["regression", "ordinal", "rank test", "quantiles of a few values", "quantiles", "correlation"],
)
def test_what_is_known_of_who_did_not_respond_changes_no_estimate_of_rows(ask) -> None:
    """Whether their values stand in the table or are missing; also values that no respondent has."""
    table = api().data
    table = table.assign(score=np.arange(len(table)) % 3 + 1, group=np.where(np.arange(len(table)) % 2, "a", "b"))
    values = ["score", "group", "api00", "api99"]
    away = ~table["responded"]
    strange = table.assign(
        score=table["score"].mask(away, 9), group=table["group"].mask(away, "c"), api00=table["api00"].mask(away, 5.0)
    )
    blank = table.assign(**{name: table[name].mask(away) for name in values})
    one, *others = (
        ask(Sample(each, api().design).nonresponse(CLASSES, "responded")) for each in (blank, table, strange)
    )
    for other in others:
        np.testing.assert_array_equal(other.n, one.n)
        np.testing.assert_allclose(other.values, one.values, rtol=1e-12)
        np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-9, atol=1e-15)


def test_who_did_not_respond_stays_in_the_design_and_counts_nowhere() -> None:
    table = api().data.assign(known=1.0)
    sample = Sample(table, api().design).nonresponse("stype", "responded")
    counted = sample.total("known", by="awards", whole=True)
    assert counted.n.sum() == 2 * table["responded"].sum()
    assert sample.mean("api00").degrees("design").tolist() == [197]
    # the drawn weights of a class are its total: stratified by class, they do not vary
    assert sample.total("stype").se.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("change", "classes", "responded", "sentence"),
    [
        ({}, "stype", "answered", "'answered', which the table does not have"),
        ({}, [], "responded", "at least one class"),
        ({}, "responded", "responded", "at least one class"),
        ({"responded": "yes"}, "stype", "responded", "holds 'yes': write True"),
        ({"responded": 2}, "stype", "responded", "holds 2: write True"),
        ({"responded": [None] + [1.0] * 199}, "stype", "responded", "'responded' has missing values"),
        ({"group": [None] + ["a"] * 199}, "group", "responded", "'group' has missing values"),
        (
            {"group": ["alone"] + ["a"] * 199, "responded": [0] + [1] * 199},
            "group",
            "responded",
            "Nobody.*group = alone",
        ),
    ],
)
def test_what_nonresponse_cannot_use_is_refused_by_name(change, classes, responded: str, sentence: str) -> None:
    sample = Sample(api().data.assign(**change), api().design)
    with pytest.raises(DesignError, match=sentence):
        sample.nonresponse(classes, responded)


def test_the_rule_of_r_is_refused_after_nonresponse() -> None:
    with pytest.raises(DesignError, match="credit='survey' after nonresponse"):
        linear(api().nonresponse(CLASSES, "responded"), credit="survey")


def test_a_row_that_calibration_puts_at_0_still_counts_in_the_replicates_that_keep_it() -> None:
    """A bound of 0 is reached by some rows; a plain loop over the replicate weights finds the same."""
    table = pd.DataFrame({"psu": range(12), "w": 1.0, "x": [1.0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4.7]})
    table["y"] = [5.0, 3, 8, 1, 9, 2, 7, 4, 6, 0, 11, 40]
    sample = Sample(table, Design(weight="w", psu="psu")).replicate("jackknife")
    sample = sample.calibrate("x", {"(Intercept)": 12, "x": 22}, bounds=(0, 4))
    replicates = sample.replicate_weights().to_numpy()
    assert (sample.weights == 0).any() and (replicates[sample.weights == 0] > 0).any()
    found = sample.regress("y ~ x")

    def fit(weight):
        matrix = np.column_stack([np.ones(12), table["x"]])
        return np.linalg.solve((matrix.T * weight) @ matrix, (matrix.T * weight) @ table["y"])

    off = np.array([fit(one) for one in replicates.T]) - fit(sample.weights)
    np.testing.assert_allclose(found.covariance, 11 / 12 * off.T @ off, rtol=1e-8)
