"""Equivalence by two one-sided tests: the single test, its families, and intervals that say the same."""

import numpy as np
import pytest
from scipy import stats

from analysis import DesignError, Sample
from tests.analysis.waves_data import DESIGN, wave

ADJUSTMENTS = ("max-t", "none", "bonferroni", "holm", "hochberg", "hommel", "bh", "by")


@pytest.fixture(scope="module")
def sample() -> Sample:
    return Sample(wave(4, districts=5, psus=8), DESIGN)


def test_a_single_difference_has_the_p_of_the_two_one_sided_t_tests(sample: Sample) -> None:
    comparison = sample.mean("y", by="sex").compare(to="pairs", adjust="none")
    (row,) = comparison.equivalence(8).to_dict("records")
    upper = stats.t.sf((8 - row["difference"]) / row["se"], comparison.df[0])
    lower = stats.t.sf((8 + row["difference"]) / row["se"], comparison.df[0])
    assert row["p"] == pytest.approx(max(upper, lower), rel=1e-12)
    assert row["p_adjusted"] == row["p"]
    half = stats.t.ppf(0.95, comparison.df[0]) * row["se"]
    assert row["high"] - row["low"] == pytest.approx(2 * half, rel=1e-12)


def test_max_t_of_a_single_difference_is_the_single_test(sample: Sample) -> None:
    """Within the simulation, whose degrees of freedom are redrawn by stratum."""
    means = sample.mean("y", by="sex")
    one, other = (means.compare(to="pairs", adjust=adjust).equivalence(8).iloc[0] for adjust in ("max-t", "none"))
    assert one["p_adjusted"] == pytest.approx(other["p"], abs=0.01)
    assert one["high"] == pytest.approx(other["high"], rel=0.05)


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
@pytest.mark.parametrize("margin", [6.0, 15.0, 40.0])
def test_the_interval_lies_within_the_margin_exactly_where_equivalence_is_found(
    sample: Sample, adjust: str, margin: float
) -> None:
    comparison = sample.mean("y", by="district").compare(to="pairs", adjust=adjust)
    frame = comparison.equivalence(margin)
    found = frame["p_adjusted"] <= 0.05
    within = (frame["low"] >= -margin) & (frame["high"] <= margin)
    assert (within | ~found).all()
    if adjust in ("max-t", "none", "bonferroni"):
        assert (within == found).all()
    assert (frame["p_adjusted"] >= frame["p"] - 2e-2 * (adjust == "max-t")).all()
    assert (frame["verdict"].str.contains("equivalent|within") == found).all()
    differ = comparison.to_frame()["p_adjusted"] <= 0.05
    assert (frame["verdict"].str.startswith("different") == differ).all()


def test_max_t_lies_between_no_adjustment_and_twice_bonferroni(sample: Sample) -> None:
    means = sample.mean("y", by="district")
    none, most = (means.compare(to="whole", adjust=adjust).equivalence(20)["p"] for adjust in ("none", "bonferroni"))
    middle = means.compare(to="whole", adjust="max-t").equivalence(20)["p_adjusted"]
    assert (middle >= none - 0.01).all()
    assert (middle <= np.minimum(5 * most, 1) + 0.02).all()


def test_untested_differences_have_no_verdict_and_a_margin_must_be_one() -> None:
    frame = Sample(wave().assign(all="everyone"), DESIGN).mean("y", by="all").compare(to="whole").equivalence(5)
    assert frame["verdict"].tolist() == [""]
    assert frame["p"].isna().all()
    assert frame["reason"].tolist() == ["no estimated variance"]
    for margin in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(DesignError, match="is no margin"):
            Sample(wave(), DESIGN).mean("y", by="sex").compare(to="pairs").equivalence(margin)
