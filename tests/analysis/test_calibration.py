"""Calibration to totals of model columns: R's numbers, what the weights agree with, and what is refused by name."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from analysis import Design, DesignError, Sample
from analysis.weighting import Cells, repeat
from analysis.weighting.distances import Distance
from tests.analysis.schools import TOTALS, api, by_hand, linear

CROSSED = {
    ("stype", "sch.wide"): {
        ("E", "No"): 419,
        ("E", "Yes"): 4002,
        ("H", "No"): 335,
        ("H", "Yes"): 420,
        ("M", "No"): 318,
        ("M", "Yes"): 700,
    }
}
DISTANCES = [
    Distance("linear"),
    Distance("linear", 0.6, 1.5),
    Distance("raking"),
    Distance("raking", 0.6, 1.5),
    Distance("logit", 0.4, 2.5),
]
BY_TYPE = {"stype": {"E": 4421, "H": 755, "M": 1018}, "api99": 3914069}


@pytest.mark.parametrize("credit", ["design", "survey"])
@pytest.mark.parametrize(
    ("case", "asked"),
    [
        ("linear", {}),
        ("raking", {"distance": "raking"}),
        ("logit", {"distance": "logit", "bounds": (0.9, 1.2)}),
        ("linear within 0.97 and 1.04", {"bounds": (0.97, 1.04)}),
        ("raking within 0.97 and 1.04", {"distance": "raking", "bounds": (0.97, 1.04)}),
    ],
)
def test_every_distance_gives_the_numbers_of_r(case: str, asked, credit: str) -> None:
    """Against numbers that R's calibrate() made (data/weighting_by_hand.R)."""
    expected = by_hand(case)
    estimates = linear(api(), credit=credit, **asked).mean(["api00", "enroll"])
    np.testing.assert_allclose(estimates.values, expected["estimate"], rtol=1e-9)
    np.testing.assert_allclose(estimates.se, expected["se"], rtol=1e-8)


def test_an_interaction_is_calibrated_by_names_of_columns_as_in_r() -> None:
    totals = {
        "(Intercept)": 6194,
        "stypeH": 755,
        "stypeM": 1018,
        "sch.wideYes": 5122,
        "stypeH:sch.wideYes": 420,
        "stypeM:sch.wideYes": 700,
    }
    expected = by_hand("interaction")
    estimates = api().calibrate("stype * sch.wide", totals).mean(["api00", "enroll"])
    np.testing.assert_allclose(estimates.values, expected["estimate"], rtol=1e-9)
    np.testing.assert_allclose(estimates.se, expected["se"], rtol=1e-9)
    # the totals of all categories say the same
    again = api().calibrate("stype * sch.wide", CROSSED).mean(["api00", "enroll"])
    np.testing.assert_allclose(again.values, estimates.values, rtol=1e-12)


def test_totals_of_all_categories_stand_for_columns_and_the_intercept() -> None:
    by_category = api().calibrate("stype + api99", BY_TYPE)
    np.testing.assert_allclose(by_category.weights, linear(api()).weights, rtol=1e-12)
    counts = by_category.total(["stype", "api99"])
    np.testing.assert_allclose(counts.values, [4421, 755, 1018, 3914069], rtol=1e-12)
    assert counts.se.tolist() == [0.0] * 4


def test_calibration_on_one_category_variable_is_post_stratification_and_on_two_raking() -> None:
    margins = {"stype": {"E": 4421, "H": 755, "M": 1018}, "sch.wide": {"No": 1072, "Yes": 5122}}
    one = api().calibrate("stype", {"stype": margins["stype"]})
    post = api().poststratify("stype", margins["stype"])
    np.testing.assert_allclose(one.weights, post.weights, rtol=1e-12)
    np.testing.assert_allclose(one.mean("enroll").se, post.mean("enroll").se, rtol=1e-10)
    two = api().calibrate("stype + sch.wide", margins, distance="raking")
    raked = api().rake(margins)
    np.testing.assert_allclose(two.weights, raked.weights, rtol=1e-9)
    np.testing.assert_allclose(two.mean("enroll").se, raked.mean("enroll").se, rtol=1e-8)


@pytest.mark.parametrize(
    ("formula", "totals", "asked", "sentence"),
    [
        ("stype + api98", TOTALS, {}, "'api98', which the table does not have. Did you mean 'api99'"),
        ("api00 ~ stype", TOTALS, {}, "has a left-hand side"),
        ("log(api99)", TOTALS, {}, r"log\(api99\)"),
        ("stype + api99", {**TOTALS, "stypeX": 3}, {}, "'stypeX', which the model does not have"),
        ("stype + api99", {"(Intercept)": 6194, "stypeH": 755, "api99": 1}, {}, "totals= lacks the column 'stypeM'"),
        ("stype + api99", {}, {}, "totals= holds nothing"),
        ("stype + api99", {**TOTALS, "api99": float("nan")}, {}, "The total of 'api99' is nan"),
        ("stype + api99", {**TOTALS, "api99": "many"}, {}, "api99 has the total 'many': give a number"),
        (
            "stype + api99",
            {**BY_TYPE, "(Intercept)": 6000},
            {},
            r"totals disagree: '\(Intercept\)' is 6000 in one and 6194",
        ),
        ("stype + api99", {"stype": {"E": 1, "H": 2}, "api99": 3}, {}, "stype = M, of which totals= says nothing"),
        ("stype", {"stype": {"E": 1, "H": 2, "M": 3, "X": 4}}, {}, "stype = X, but nobody in the sample"),
        ("api99", {"api99": {"600": 1}}, {}, "'api99', which holds numbers"),
        ("stype + api99", {"awards": {"No": 1}}, {}, "'awards', which the formula 'stype .* does not hold"),
        ("target", {"(Intercept)": 6194, "target": 5}, {}, "'target' has missing values"),
        ("stype + api99", TOTALS, {"distance": "chi"}, "distance='chi' is not known"),
        ("stype + api99", TOTALS, {"distance": "logit"}, "distance='logit' has bounds"),
        ("stype + api99", TOTALS, {"bounds": (2, 1)}, "leave no room"),
        ("stype + api99", TOTALS, {"bounds": 3}, "bounds=3: give"),
        ("stype + api99", TOTALS, {"bounds": (-2, -1)}, "allow no weight above 0"),
        ("stype + api99", TOTALS, {"credit": "R"}, "credit='R' is not a rule"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_by_name(formula: str, totals, asked, sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        api().calibrate(formula, totals, **asked)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"bounds": (0.999, 1.001)}, r"total of 'api99': with new weights between 0.999 and 1.001.*14928.7 off"),
        ({"distance": "raking", "bounds": (0.999, 1.001)}, r"no nearer to 3914069 than 38\d+\.\d+ "),
        ({"distance": "logit", "bounds": (0.999, 1.001)}, r"Widen bounds="),
    ],
)
def test_bounds_out_of_reach_name_the_column_and_how_far_off_it_stays(asked, sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        linear(api(), **asked)
    with pytest.raises(DesignError, match=r"'api99': with new weights of at least 0 .*Mend the total"):
        api().calibrate("stype + api99", {**TOTALS, "api99": 6194 * 310}, distance="raking")


def test_a_column_that_others_imply_needs_a_total_that_agrees() -> None:
    sample = Sample(api().data.assign(twice=lambda t: 2 * t["api99"]), api().design)
    totals = {"(Intercept)": 6194, "api99": 3914069, "twice": 2 * 3914069}
    one = api().calibrate("api99", {"(Intercept)": 6194, "api99": 3914069})
    np.testing.assert_allclose(sample.calibrate("api99 + twice", totals).weights, one.weights, rtol=1e-10)
    with pytest.raises(DesignError, match="cannot be met: in the sample the other columns determine it"):
        sample.calibrate("api99 + twice", {**totals, "twice": 2 * 3914069 + 100})


def test_negative_weights_are_allowed_and_said_in_the_notes() -> None:
    sample = api().calibrate("stype + api99", {**TOTALS, "api99": 6194 * 310})
    assert sample.weights.min() < 0
    assert sample.notes[0].startswith("calibrate: 71 of 200 weights are negative or 0; quantiles")
    again = sample.calibrate("stype + api99", TOTALS)
    assert (again.weights * api().data["api99"]).sum() == pytest.approx(3914069, rel=1e-10)
    assert again.total("api99").se.tolist() == [0.0]
    assert linear(api()).notes == ()


def test_who_weighs_nothing_needs_no_values() -> None:
    table = api().data.assign(x=lambda t: t["api99"].where(t["responded"]))
    sample = Sample(table, api().design).nonresponse(["stype"], "responded")
    weighted = sample.calibrate("x", {"(Intercept)": 6194, "x": 3914069}).rake([{"stype": BY_TYPE["stype"]}])
    assert (weighted.weights > 0).sum() == table["responded"].sum()
    # a missing number is null in one engine and NaN in another
    columns = pl.DataFrame({name: table[name].tolist() for name in table.columns})
    again = Sample(columns, api().design).nonresponse(["stype"], "responded")
    again = again.calibrate("x", {"(Intercept)": 6194, "x": 3914069}).rake([{"stype": BY_TYPE["stype"]}])
    np.testing.assert_allclose(again.weights, weighted.weights, rtol=1e-10)
    np.testing.assert_allclose(weighted.total("stype").values, [4421, 755, 1018], rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    distance=st.sampled_from(DISTANCES),
)
def test_the_factors_are_the_nearest_by_their_distance(seed: int, distance: Distance) -> None:
    """Against the same dual problem given to scipy's general optimiser; totals are made reachable."""
    random = np.random.default_rng(seed)
    count = 60
    x, area = random.normal(5, 2, count).round(3), random.choice(["a", "b", "c"], count)
    weight = random.uniform(1, 4, count)
    columns = np.column_stack([np.ones(count), area == "b", area == "c", x]).astype(float)
    totals = columns.T @ (weight * random.uniform(0.8, 1.25, count))
    table = pd.DataFrame({"x": x, "area": area, "w": weight})
    bounds = None if np.isinf(distance.high) else (distance.low, distance.high)
    names = ["(Intercept)", "areab", "areac", "x"]
    sample = Sample(table, Design(weight="w")).calibrate(
        "area + x", dict(zip(names, totals, strict=True)), distance=distance.name, bounds=bounds
    )
    factors = sample.weights / weight
    np.testing.assert_allclose(columns.T @ sample.weights, totals, rtol=1e-9)

    def dual(multipliers: np.ndarray) -> tuple[float, np.ndarray]:
        u = columns @ multipliers
        return (weight * distance.integral(u)).sum() - totals @ multipliers, columns.T @ (
            weight * distance.factor(u)
        ) - totals

    best = minimize(dual, np.zeros(4), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 2000})
    np.testing.assert_allclose(factors, distance.factor(columns @ best.x), atol=2e-4)


def test_replicates_are_calibrated_all_at_once_and_one_out_of_reach_is_named() -> None:
    sample = linear(api(), bounds=(0.9, 1.2))
    table = api().data
    variables = sample.weighting_variables
    cells = Cells(variables, tuple(zip(*(table[name].tolist() for name in variables), strict=True)))
    base = table["pw"].to_numpy()
    random = np.random.default_rng(3)
    weight = np.column_stack([base, base[:, None] * random.uniform(0.97, 1.03, (len(base), 300))])
    found = repeat(sample.steps, cells, weight, np.ones(len(base)))
    sums = table["api99"].to_numpy() @ (weight * found)
    np.testing.assert_allclose(sums, 3914069, rtol=1e-10)
    assert found.min() >= 0.9
    weight[:, 200] *= 1.6
    with pytest.raises(DesignError, match=r"cannot reach the total of '\w+' in replicate 200: "):
        repeat(sample.steps, cells, weight, np.ones(len(base)))
