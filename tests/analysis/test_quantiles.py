"""Quantiles: the rules against numpy and exact fractions, intervals against their definition and R `survey`."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, Replicates, Sample, quantile_column
from analysis.errors import DesignError
from analysis.quantile_rules import RULES, in_row_order, ordered
from tests.analysis.waves_data import DESIGN, wave

REFERENCE = Path(__file__).parents[1] / "reference"
NUMPY = {
    "hf1": "inverted_cdf",
    "math": "inverted_cdf",
    "hf2": "averaged_inverted_cdf",
    "school": "averaged_inverted_cdf",
    "hf3": "closest_observation",
    "hf4": "interpolated_inverted_cdf",
    "hf5": "hazen",
    "hf6": "weibull",
    "hf7": "linear",
    "hf8": "median_unbiased",
    "hf9": "normal_unbiased",
}
VALUES = st.lists(st.integers(min_value=-20, max_value=20), min_size=2, max_size=30)
some = settings(max_examples=60, deadline=None, derandomize=True)
few = settings(max_examples=6, deadline=None, derandomize=True)


def api(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv", keep_default_na=False, na_values=[""])


def clusters() -> Sample:
    design = Design(weight="pw", psu=["dnum", "snum"], fpc=["fpc1", "fpc2"])
    return Sample(api("apiclus2"), design)


def bootstrapped(kind: str = "bootstrap") -> Sample:
    """The apistrat sample with its 60 bootstrap columns."""
    columns = pd.read_csv(REFERENCE / "apistrat_boot.csv")
    declared = Replicates(columns=list(columns), kind=kind, scale=1 / 59)
    return Sample(pd.concat([api("apistrat"), columns], axis=1), Design(weight="pw", replicates=declared))


@some
@given(
    values=VALUES,
    p=st.integers(min_value=1, max_value=39),
    weight=st.sampled_from([1.0, 0.1, 44.21]),
    rule=st.sampled_from(sorted(NUMPY)),
)
def test_equal_weights_give_numpys_quantiles(values: list[int], p: int, weight: float, rule: str) -> None:
    """p in fortieths meets many exact ties; numpy is asked with fractions in mind: its own p n is rounded too, so
    that p stands a hair above or below a tie only where the sides agree.
    """
    x = np.array(values, dtype=float)
    got = RULES[rule](ordered(x, np.full(len(x), weight)), np.array([p / 40]))[0]
    if (Fraction(p, 40) * len(x) * 2).denominator == 1 and rule in ("hf1", "hf2", "hf3", "math", "school"):
        assert got == by_fractions(sorted(values), Fraction(p, 40), rule)
    else:
        assert got == pytest.approx(np.quantile(x, p / 40, method=NUMPY[rule]), rel=1e-12, abs=1e-12)


def by_fractions(values: list[int], p: Fraction, rule: str) -> float:
    """Hyndman and Fan's types 1 to 3 in exact arithmetic: (1 - g) x_j + g x_(j+1), with j + g' = n p + m."""
    n, m = len(values), Fraction(-1, 2) if rule == "hf3" else Fraction(0)
    j = (n * p + m).__floor__()
    rest = n * p + m - j
    share = {"hf3": Fraction(int(j % 2 != 0)), "hf2": Fraction(1, 2), "school": Fraction(1, 2)}.get(rule, Fraction(0))
    share = share if rest == 0 else Fraction(1)
    low, high = values[max(j - 1, 0)], values[min(max(j, 0), n - 1)]
    return float((1 - share) * low + share * high)


@some
@given(
    pairs=st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 30)), min_size=1, max_size=25),
    p=st.integers(1, 19),
    factor=st.sampled_from([0.1, 1 / 3, 7.7, 1e5]),
)
def test_unequal_weights_invert_the_exact_distribution(pairs: list[tuple[int, int]], p: int, factor: float) -> None:
    """math: the first value at which the sum of weights reaches p of the whole, in fractions; school: half-way."""
    values, weights = (np.array(part, dtype=float) for part in zip(*pairs, strict=True))
    whole = sum(weight for _, weight in pairs)
    reached = {v: Fraction(sum(w for x, w in pairs if x <= v), whole) for v, _ in pairs}
    first = min(v for v, share in reached.items() if share >= Fraction(p, 20))
    later = [v for v in reached if v > first]
    middle = (first + min(later)) / 2 if reached[first] == Fraction(p, 20) and later else first
    data = ordered(values, weights * factor)
    assert RULES["math"](data, np.array([p / 20]))[0] == first
    assert RULES["school"](data, np.array([p / 20]))[0] == middle


@some
@given(values=VALUES, p=st.floats(0.01, 0.99), seed=st.integers(0, 99), rule=st.sampled_from(sorted(RULES)))
def test_scale_of_weights_and_order_of_rows_are_nothing(values: list[int], p: float, seed: int, rule: str) -> None:
    draw = np.random.default_rng(seed)
    weights, order = draw.integers(1, 5, len(values)).astype(float), draw.permutation(len(values))
    x = np.array(values, dtype=float)
    one = RULES[rule](ordered(x, weights), np.array([p]))[0]
    other = RULES[rule](ordered(x[order], weights[order] * 3.7), np.array([p]))[0]
    assert one == pytest.approx(other, rel=1e-9, abs=1e-9)
    assert x.min() <= one <= x.max()


def test_shah_and_vaish_by_hand() -> None:
    """Weights 1, 1, 2 are 3/4, 3/4, 6/4 of their mean; positions (3/4 + 1/2 - 3/8) / 4 = 7/32, 13/32, 22/32."""
    data = ordered(np.array([5.0, 6.0, 8.0]), np.array([10.0, 10.0, 20.0]))
    asked = np.array([0.1, 7 / 32, 0.4, 13 / 32, 0.6, 22 / 32, 0.9])
    assert RULES["shahvaish"](data, asked).tolist() == [5, 5, 5, 6, 6, 8, 8]


def test_two_stages_by_domain_as_r() -> None:
    """svyquantile(~api00, subset(d, stype == t), c(.25, .5), interval.type = "xlogit", qrule = "school"), survey 4.1.

    For the lower limit of the first quartile of M, R gives the second answer, 537, though the first, 502, alone makes
    .144 of the weights where the share's interval begins at .124: R's rule has nothing below the first answer.
    """
    found = clusters().quantile("api00", [0.25, 0.5], rule="school", interval="xlogit", by="stype")
    assert found.values.tolist() == [580, 479, 537, 690, 627, 596]
    expected = [[541, 710], [479, 631], [502, 776], [580, 807], [555, 645], [537, 794]]
    assert found.interval().tolist() == expected
    se = [41.5796424163395, 35.1791810035034, 57.2876769037503, 55.8495788669175, 20.8297782257586, 61.6022299759993]
    se[2] *= (776 - 502) / (776 - 537)
    np.testing.assert_allclose(found.se, se, rtol=1e-9)
    assert list(found.to_frame().columns) == ["stype", "variable", "p", "estimate", "se", "low", "high", "df", "n"]


def test_replicates_as_r() -> None:
    """svyquantile(~api00, svrepdesign(.., apistrat_boot, mse = TRUE), c(.25, .5), interval.type = "quantile")."""
    made = bootstrapped().quantile("api00", [0.25, 0.5], interval="replicates")
    np.testing.assert_allclose(made.se, [17.0552442354897, 12.4403662271015], rtol=1e-9)
    np.testing.assert_allclose(made.interval()[0], [530.872535112619, 599.127464887381], rtol=1e-9)
    turned = bootstrapped().quantile("api00", [0.25, 0.5])
    assert turned.interval().tolist() == [[535, 597], [641, 696]]
    np.testing.assert_allclose(turned.se, [15.4922896571691, 13.7431601797468], rtol=1e-9)


def test_replicates_are_refused_where_they_prove_nothing() -> None:
    with pytest.raises(DesignError, match="jackknife"):
        bootstrapped("JK1").quantile("api00", 0.5, interval="replicates")
    with pytest.raises(DesignError, match="replicate weights"):
        clusters().quantile("api00", 0.5, interval="replicates")


def test_the_score_interval_holds_what_its_test_does_not_reject() -> None:
    """At the limits, and just before them, the share at or below is held against p by its own standard error."""
    sample = clusters()
    found = sample.quantile("enroll", 0.5, interval="score")
    reach = 2.0261924630291  # t quantile .975 with 37 degrees of freedom, psus less strata with an answer
    assert found.df[0] == 37
    table = api("apiclus2")
    values = np.sort(table["enroll"].dropna().unique())
    for limit, bound in zip(found.interval()[0], (-reach, reach), strict=True):
        before = values[np.searchsorted(values, limit) - 1]
        scores = []
        for point in (before, limit):
            below = table.assign(below=(table["enroll"] <= point).where(table["enroll"].notna()).astype(float))
            share = Sample(below, sample.design).mean("below")
            scores.append((share.values[0] - 0.5) / share.se[0])
        assert scores[0] < bound <= scores[1]


def test_other_levels_are_turned_back_anew() -> None:
    found = clusters().quantile("api00", 0.5, level=0.9)
    again = clusters().quantile("api00", 0.5, level=0.8)
    assert found.interval(level=0.8).tolist() == again.interval().tolist()
    assert found.interval(level=0.8).tolist() != found.interval().tolist()
    symmetric = found.interval(method="mean", df=float("inf"), level=0.9)[0]
    assert symmetric.mean() == pytest.approx(found.values[0])
    with pytest.raises(DesignError, match="interval="):
        found.interval(method="beta")


def test_an_open_side_is_said_and_leaves_a_standard_error() -> None:
    frame = clusters().quantile("api00", 0.02, interval="mean").to_frame()
    assert np.isnan(frame["low"][0]) and np.isfinite(frame["high"][0]) and frame["se"][0] > 0
    assert "xlogit" in frame["reason"][0]
    closed = clusters().quantile("api00", 0.02, interval="xlogit").to_frame()
    assert np.isfinite(closed[["low", "high"]]).all(axis=None) and "reason" not in closed


def test_medians_are_compared_like_means() -> None:
    medians = Sample(wave(3), DESIGN).quantile("y", 0.5, by="district")
    for to in ("whole", "rest", "pairs"):
        frame = medians.compare(to=to, adjust="holm").to_frame()
        assert frame["se"].notna().all() and (frame["se"] > 0).all()
    rest = Sample(wave(3).query("district != '510101'"), DESIGN).quantile("y", 0.5)
    difference = medians.compare(to="rest", adjust="none").differences[medians.domains.index(("510101",))]
    assert difference == medians.values[medians.domains.index(("510101",))] - rest.values[0]
    assert medians.with_whole().interval().shape == (len(medians.domains) + 1, 2)


@few
@given(seed=st.integers(0, 2**31), rule=st.sampled_from(["math", "school", "hf7"]))
def test_rows_permuted_and_weights_scaled_change_nothing(seed: int, rule: str) -> None:
    table = wave(seed, districts=3, psus=3, people=12)
    mixed = table.assign(base_weight=table["base_weight"] * 11).sample(frac=1, random_state=seed % 1000)
    one, other = (
        Sample(each, DESIGN).quantile("y", [0.2, 0.5], rule=rule, interval="xlogit", by="district").to_frame()
        for each in (table, mixed)
    )
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


@pytest.mark.parametrize("rule", ["math", "school"])
def test_sums_by_value_and_rows_give_the_same(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    table = wave(5)
    asked: dict[str, Any] = {"rule": rule, "interval": "xlogit", "by": "district", "where": ("z", ">", 0)}
    raked = Sample(table, DESIGN).poststratify("sex", {"female": 6000.0, "male": 5000.0})
    monkeypatch.setattr(quantile_column, "FEW_IN_MEMORY", 1_000)
    summed = raked.quantile("y", [0.3, 0.5], **asked).to_frame()
    monkeypatch.setattr(quantile_column, "FEW", 0)
    pd.testing.assert_frame_equal(summed, raked.quantile("y", [0.3, 0.5], **asked).to_frame(), rtol=1e-10)


@pytest.mark.parametrize("engine", ["polars", "lazy", "duckdb"])
@pytest.mark.parametrize("rule", ["school", "hf6"])
def test_every_engine_gives_the_same(engine: str, rule: str) -> None:
    table = wave(7)
    other = pl.from_pandas(table)
    frames = {"polars": other, "lazy": other.lazy(), "duckdb": duckdb.from_arrow(other.to_arrow())}
    one = Sample(table, DESIGN).quantile("y", 0.5, rule=rule, by="district").to_frame()
    two = Sample(frames[engine], DESIGN).quantile("y", 0.5, rule=rule, by="district").to_frame()
    pd.testing.assert_frame_equal(one, two, rtol=1e-12)


def test_a_domain_without_answers_has_a_reason() -> None:
    table = wave(5)
    gone = table["district"] == table["district"].iloc[0]
    for rule in ("math", "hf7"):
        frame = (
            Sample(table.assign(y=table["y"].mask(gone)), DESIGN)
            .quantile("y", 0.5, rule=rule, by="district")
            .to_frame()
        )
        row = frame[frame["district"] == table["district"].iloc[0]].iloc[0]
        assert row["reason"] == "no valid answer" and np.isnan(row["estimate"]) and np.isnan(row["se"])
        assert (frame["reason"] == "").sum() == len(frame) - 1


def test_a_constant_has_a_quantile_and_no_interval() -> None:
    frame = Sample(wave(5).assign(y=4.0), DESIGN).quantile("y", 0.5).to_frame()
    assert frame["estimate"][0] == 4 and frame["reason"][0] == "no estimated variance"
    assert frame[["se", "low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"probs": []}, "empty"),
        ({"probs": 0}, "between 0 and 1"),
        ({"probs": [0.5, 1.0]}, "1.0"),
        ({"probs": float("nan")}, "nan"),
        ({"probs": [0.5, 0.5]}, "twice"),
        ({"probs": None}, "None"),
        ({"probs": "0.5"}, "'0.5'"),
        ({"item": "district"}, "district"),
        ({"item": "z9"}, "'z9'"),
        ({"item": "absent"}, "absent"),
        ({"rule": "hf10"}, "hf1"),
        ({"interval": "wald"}, "wald"),
        ({"level": 95}, "95"),
    ],
)
def test_what_cannot_be_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    table = wave(5).assign(absent=np.nan)
    asked = {"item": "y", "probs": 0.5} | change
    with pytest.raises(DesignError, match=words):
        Sample(table, DESIGN).quantile(**asked)


def test_the_older_estimator_as_r() -> None:
    """oldsvyquantile(~api00, d, c(.3, .5), method = "constant", f = .5, ci = TRUE, ties = "rounded"), survey 4.1."""
    sample = Sample(api("apiclus1"), Design(weight="pw", psu="dnum", fpc="fpc"))
    found = sample.quantile_legacy("api00", [0.3, 0.5], method="constant", f=0.5, ties="rounded")
    assert found.values.tolist() == [574, 651.5]
    assert found.interval().tolist() == [[492.5, 656.5], [560, 712.5]]
    np.testing.assert_allclose(found.se, [38.2322402791520, 35.5513209912846], rtol=1e-9)
    for wrong in ({"method": "cubic"}, {"f": 2.0}, {"interval": "t"}, {"ties": "rounded", "interval": "score"}):
        with pytest.raises(DesignError):
            sample.quantile_legacy("api00", 0.5, **wrong)


def test_rs_lines_depend_on_the_order_of_rows_and_the_present_rules_do_not() -> None:
    """Two answers 2 with weights 1 and 3 after an answer 0 with weight 1: half of 5 lies 1.5 beyond the first. With
    the light one first the line ends at cumulative weight 2, with the heavy one first at 4.
    """
    x, w, p = np.array([0.0, 2.0, 2.0]), np.array([1.0, 1.0, 3.0]), np.array([0.3])
    swapped = np.array([0, 2, 1])
    lines = RULES["hf4"]
    assert lines(in_row_order(x, w), p)[0] == pytest.approx(1.0)
    assert lines(in_row_order(x[swapped], w[swapped]), p)[0] == pytest.approx(1 / 3)
    assert lines(ordered(x, w), p)[0] == lines(ordered(x[swapped], w[swapped]), p)[0]


def test_weights_below_zero_are_refused_by_name() -> None:
    table = wave(3)
    size = table["base_weight"].sum()
    far = Sample(table, DESIGN).calibrate("z", {"(Intercept)": size, "z": 90 * size})
    assert (far.weights < 0).any()
    with pytest.raises(DesignError, match="final weight below 0"):
        far.quantile("y", 0.5)
    with pytest.raises(DesignError, match="weights are below 0"):
        far.ranktest("y", "sex")


def test_unequal_probabilities_reach_the_share() -> None:
    """The standard error of a quantile is its share's, scaled; so Brewer's factor below 1 narrows it."""
    drawn, wide = Design(inclusion_probability="prob", pps="brewer"), Design(inclusion_probability="prob")
    one, other = (Sample(api("apipps"), each).quantile("api00", 0.5, rule="hf7") for each in (drawn, wide))
    assert one.values[0] == other.values[0] and one.se[0] < other.se[0]
