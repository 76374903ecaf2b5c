"""Key drivers: weights that add up to R2, R's standard errors, chance, the table, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, DesignError, Sample
from analysis.drivers import relative_weights
from questionnaires import load_instrument
from tests.analysis import snapshot_files as files
from tests.analysis.waves_data import DESIGN, margins, wave

CLUSTERS = Path(__file__).parents[1] / "reference" / "apiclus1.csv"
NAMES = ["clean", "safe", "green"]
SEEDS = st.integers(min_value=0, max_value=2**31)
few = settings(max_examples=6, deadline=None, derandomize=True)


def answers(seed: int = 1, *, psus: int = 10, people: int = 20) -> pd.DataFrame:
    """Three items that overlap, the first the most telling, the last hardly; an outcome in two columns."""
    table = wave(seed, psus=psus, people=people)
    random = np.random.default_rng(seed)
    common, own = random.normal(0, 1, len(table)), random.normal(0, 1, (3, len(table)))
    for name, part, middle in zip(NAMES, own, (70, 50, 55), strict=True):
        table[name] = middle + 10 * (common + part)
    table["overall"] = 40 + 0.5 * table["clean"] + 0.3 * table["safe"] + random.normal(0, 8, len(table))
    table["again"] = table["overall"] + random.normal(0, 6, len(table))
    table.loc[random.random(len(table)) < 0.05, "safe"] = np.nan
    return table


def test_weights_and_standard_errors_are_those_made_in_r() -> None:
    """R 4.2, survey 4.1.1: relative weights by eigen() of cov2cor(S), S from svymean of x and xx' over
    svydesign(ids=~dnum, weights=~pw), gradient by central differences; and withReplicates over JK1.
    """
    sample = Sample(pd.read_csv(CLUSTERS), Design(weight="pw", psu="dnum"))
    found = sample.drivers("api00", ["meals", "ell", "mobility"])
    np.testing.assert_allclose(found.values, [0.5168223445925, 0.1752835398013, 0.0255101411039], rtol=1e-10)
    np.testing.assert_allclose(found.se, [0.0437261689011, 0.0480778965562, 0.0155709018691], rtol=1e-9)
    assert found.covariance[0, 1] == pytest.approx(-0.0005454210127, rel=1e-9)
    repeated = sample.replicate("jackknife", centre="mean").drivers("api00", ["meals", "ell", "mobility"])
    np.testing.assert_allclose(repeated.se, [0.0464107533542, 0.0572313058619, 0.0162467231482], rtol=1e-9)


def test_weights_add_up_to_the_share_that_the_regression_explains() -> None:
    sample = Sample(answers(), DESIGN).rake(margins(answers()))
    complete = sample.data["safe"].notna().to_numpy()
    weight, table = sample.weights[complete], sample.data[complete]
    fit = sample.regress("overall ~ clean + safe + green").values
    fitted = np.column_stack([np.ones(len(table)), table[NAMES].to_numpy()]) @ fit
    y = table["overall"].to_numpy()
    left = np.average((y - fitted) ** 2, weights=weight) / np.average(
        (y - np.average(y, weights=weight)) ** 2, weights=weight
    )
    found = sample.drivers("overall", NAMES)
    assert found.values.sum() == pytest.approx(1 - left, rel=1e-9)
    assert found.r_squared.values[0] == pytest.approx(1 - left, rel=1e-9)
    assert found.r_squared.n[0] == len(table)


def test_unrelated_predictors_get_their_squared_correlations() -> None:
    matrix = np.eye(4)
    matrix[0, 1:] = matrix[1:, 0] = [0.6, 0.3, 0.1]
    np.testing.assert_allclose(relative_weights(matrix, 1), [0.36, 0.09, 0.01], rtol=1e-12)


def test_an_outcome_of_several_columns_is_their_mean() -> None:
    table = answers().assign(mean=lambda t: (t["overall"] + t["again"]) / 2)
    one, other = (Sample(table, DESIGN).drivers(outcome, NAMES) for outcome in (["overall", "again"], "mean"))
    np.testing.assert_allclose(one.values, other.values, rtol=1e-10)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-7)


@few
@given(seed=SEEDS, factor=st.floats(min_value=1e-3, max_value=1e6))
def test_weights_order_units_and_sequence_change_nothing(seed: int, factor: float) -> None:
    table = answers(seed, psus=4)
    other = table.sample(frac=1, random_state=seed % 2**32).assign(base_weight=lambda t: t["base_weight"] * factor)
    other = other.assign(clean=3 * other["clean"] - 1000, overall=other["overall"] / 9)
    one = Sample(table, DESIGN).drivers("overall", NAMES)
    two = Sample(other, DESIGN).drivers("overall", NAMES[::-1])
    np.testing.assert_allclose(one.values, two.values[::-1], rtol=1e-8)
    np.testing.assert_allclose(one.se, two.se[::-1], rtol=1e-6)
    assert one.chance == pytest.approx(two.chance, rel=0.1)
    frame = one.to_frame()
    assert frame["low"].between(0, 1).all()
    assert frame["high"].between(0, 1).all()


def test_a_predictor_of_noise_exceeds_chance_in_one_of_twenty_samples() -> None:
    table = answers(3)
    found = Sample(table, DESIGN).drivers("overall", ["clean", "green"])
    random, weight = np.random.default_rng(5), table["base_weight"].to_numpy()
    columns = table[["overall", "clean", "green"]].to_numpy()
    drawn = random.normal(0, 1, (2000, len(table)))
    beyond = 0
    for noise in drawn:
        matrix = np.cov(np.column_stack([columns, noise]), rowvar=False, aweights=weight)
        beyond += relative_weights(matrix, 1)[-1] > found.chance
    assert 0.035 < beyond / len(drawn) < 0.065


def test_chance_falls_with_the_number_of_persons_and_rises_with_unequal_weights() -> None:
    table = answers()
    small = Sample(table.iloc[::4], DESIGN).drivers("overall", NAMES).chance
    whole = Sample(table, DESIGN).drivers("overall", NAMES)
    unequal = table.assign(base_weight=np.where(np.arange(len(table)) % 10 == 0, 3000.0, 30.0))
    assert 2 < small / whole.chance < 8
    assert Sample(unequal, DESIGN).drivers("overall", NAMES).chance > 3 * whole.chance


def test_differences_carry_the_covariance_and_a_useless_predictor_is_not_beyond_chance() -> None:
    found = Sample(answers(), DESIGN).drivers("overall", NAMES)
    pairs = found.compare(to="pairs", adjust="none")
    v = found.covariance
    assert pairs.se[0] == pytest.approx(np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1]), rel=1e-9)
    table = answers().assign(noise=np.random.default_rng(9).normal(0, 1, 800))
    against = Sample(table, DESIGN).drivers("overall", ["clean", "noise"]).against_random().to_frame()
    assert against["low"].gt(0).tolist() == [True, False]
    assert Sample(table, DESIGN).drivers("overall", ["clean", "noise"]).to_frame()["low"].gt(0).all()


def test_the_table_puts_importance_beside_satisfaction_and_says_what_is_clear() -> None:
    sample = Sample(answers(), DESIGN)
    frame = sample.drivers("overall", NAMES).importance().set_index("predictor")
    means = sample.mean(NAMES)
    np.testing.assert_allclose(frame["satisfaction"], means.values)
    np.testing.assert_allclose(frame[["satisfaction_low", "satisfaction_high"]], means.interval())
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["quadrant"].tolist() == ["keep up", "improve later", "improve later"]
    assert frame.loc["clean", "clear"]
    assert frame["rank"].tolist() == [1, 2, 3]
    assert (frame["rank_low"] <= frame["rank"]).all()


def test_scored_items_of_a_lazy_table_and_weights_implied_by_counts() -> None:
    instrument = load_instrument(files.LIBRARY)
    index = list(instrument.indices["satisfaction"].items)[:4]
    table = files.rows(1, "one")
    found = Sample(table, DESIGN, instrument=instrument).drivers(index[0], index[1:])
    lazy = Sample(pl.from_pandas(table).lazy(), DESIGN, instrument=instrument).drivers(index[0], index[1:])
    np.testing.assert_allclose(found.values, lazy.values, rtol=1e-9)
    counted = answers().assign(size=5000.0)
    even = Sample(counted, Design(stratum="stratum", psu="psu", fpc="size")).drivers("overall", NAMES)
    same = Sample(counted.assign(w=500.0), Design(weight="w", stratum="stratum", psu="psu", fpc="size"))
    assert even.chance == pytest.approx(same.drivers("overall", NAMES).chance, rel=1e-9)


@pytest.mark.parametrize(
    ("outcome", "predictors", "options", "message"),
    [
        ("overall", [*NAMES, "overall"], {}, "'overall' is an outcome and cannot be among its own drivers"),
        (["overall", "again"], [*NAMES, "again"], {}, "'again' is an outcome"),
        ("overall", NAMES, {"by": "district"}, "whole population alone, not by 'district'"),
        ("overall", ["clean"], {}, "name at least two"),
        ([], NAMES, {}, "need an outcome"),
        ("overall", ["clean", "word"], {}, "'word' holds String: score it first"),
        ("overall", ["clean", "cleen"], {}, "Did you mean 'clean'"),
        ("overall", ["clean", "clean"], {}, "names the column 'clean' twice"),
        ("overall", ["clean", "still"], {}, "'still' does not: leave it out"),
        ("still", NAMES, {}, "the outcome does not"),
        ("overall", [*NAMES, "copy"], {}, "'copy' is determined by the others"),
        ("overall", [*NAMES, "sum"], {}, "'sum' is determined by the others"),
        (
            "overall",
            NAMES,
            {"where": ("safe", "isna", None)},
            "No row has a score in the outcome and in all predictors",
        ),
    ],
)
def test_bad_requests_are_refused_by_name(outcome: Any, predictors: list[str], options: Any, message: str) -> None:
    table = answers().assign(still=50.0, copy=lambda t: 2 * t["green"] - 7, sum=lambda t: t["clean"] + t["green"])
    with pytest.raises(DesignError, match=message):
        Sample(table, DESIGN).drivers(outcome, predictors, **options)
