"""A design small enough to count by hand.

Two strata A and B, two and three psus, twelve rows; the weight is 10 in A and 20 in B:

    A  psu 1: y = 1, 3        psu 2: y = 5, 7          (the last y of psu 2 belongs to domain "out")
    B  psu 1: y = 2, 4, -     psu 2: y = 6, 8          psu 3: y = 4, 6, 2      ("-": no answer)

Mean. W = 10 x 4 + 20 x 7 = 180, Y = 10 x 16 + 20 x 32 = 800, mean 800/180 = 40/9 = 4.4444.
Scores of the psus, w (y - 40/9) summed: A: 10 (4 - 80/9) = -440/9, 10 (12 - 80/9) = 280/9; their mean -80/9,
deviations -40 and 40,
    sum of squares 3200, times n/(n-1) = 2: 6400.
    B: 20 (6 - 80/9) = -520/9, 20 (14 - 80/9) = 920/9, 20 (12 - 120/9) = -240/9; mean 160/27;
    squares about it: (520^2 + 920^2 + 240^2)/81 - 3 (160/27)^2 = 1174400/81 - 76800/729 = 10492800/729, times 3/2:
    5246400/243.
Variance (6400 + 5246400/243) / 180^2 = 0.863893, se = 0.929458; df = 5 psus - 2 strata = 3.

Domain "out" is one row, y = 7 in psu 2 of A: mean 7, and as every score is w (y - 7) = 0, se 0.
Its total is 70: A's psus hold 0 and 70, deviations 35, variance 2 x 2 x 35^2 = 4900, se 70; dropping the other rows
first would leave one psu and no variance at all. df of the domain: 1 psu - 1 stratum = 0, so there is no interval.
"""

import math

import numpy as np
import pandas as pd
import pytest

from analysis import Design, Sample

ROWS = [
    ("A", 1, 10, 1.0, "in"),
    ("A", 1, 10, 3.0, "in"),
    ("A", 2, 10, 5.0, "in"),
    ("A", 2, 10, 7.0, "out"),
    ("B", 1, 20, 2.0, "in"),
    ("B", 1, 20, 4.0, "in"),
    ("B", 1, 20, math.nan, "in"),
    ("B", 2, 20, 6.0, "in"),
    ("B", 2, 20, 8.0, "in"),
    ("B", 3, 20, 4.0, "in"),
    ("B", 3, 20, 6.0, "in"),
    ("B", 3, 20, 2.0, "in"),
]


@pytest.fixture
def sample() -> Sample:
    table = pd.DataFrame(ROWS, columns=["stratum", "psu", "weight", "y", "domain"])
    return Sample(table, Design(weight="weight", stratum="stratum", psu="psu", nest=True))


def test_the_mean_its_error_and_its_degrees_of_freedom(sample: Sample) -> None:
    mean = sample.mean("y")
    assert mean.values[0] == pytest.approx(40 / 9, rel=1e-14)
    assert mean.se[0] ** 2 == pytest.approx((6400 + 5246400 / 243) / 180**2, rel=1e-13)
    assert mean.se[0] == pytest.approx(0.929458, abs=5e-7)
    assert (mean.df[0], mean.n[0]) == (3, 11)


def test_the_interval_is_t_with_three_degrees_of_freedom(sample: Sample) -> None:
    row = sample.mean("y").to_frame().iloc[0]
    assert row["high"] - row["estimate"] == pytest.approx(3.182446305284263 * row["se"], rel=1e-12)
    assert row["low"] == pytest.approx(2 * row["estimate"] - row["high"], rel=1e-12)


def test_a_domain_is_never_a_filter(sample: Sample) -> None:
    total = sample.total("y", by="domain")
    assert total.values.tolist() == [730, 70]
    assert total.se[1] == pytest.approx(70, rel=1e-14)
    mean = sample.mean("y", by="domain")
    assert mean.values[1] == 7
    assert mean.se[1] == 0
    assert mean.df.tolist() == [3, 0]
    assert np.isnan(mean.interval()[1]).all()


def test_where_gives_the_numbers_of_the_domain(sample: Sample) -> None:
    inside, by = sample.mean("y", where=("domain", "==", "in")), sample.mean("y", by="domain")
    assert inside.values[0] == pytest.approx(by.values[0], rel=1e-14)
    assert inside.se[0] == pytest.approx(by.se[0], rel=1e-14)


def test_post_stratification_by_stratum_halves(sample: Sample) -> None:
    """To 80 in A and 160 in B the factors are 2 and 1 (160 includes the row without y)."""
    weighted = sample.poststratify("stratum", {"A": 80, "B": 160})
    assert sorted(set(weighted.weights.tolist())) == [20.0]
    assert weighted.mean("y").values[0] == pytest.approx((20 * 16 + 20 * 32) / (80 + 140), rel=1e-14)


def test_sampling_fractions_shrink_the_variance_of_each_stratum() -> None:
    """With 4 and 6 psus there are, f is 1/2 in both strata: the variance halves."""
    table = pd.DataFrame(ROWS, columns=["stratum", "psu", "weight", "y", "domain"])
    table["psus"] = table["stratum"].map({"A": 4, "B": 6})
    sample = Sample(table, Design(weight="weight", stratum="stratum", psu="psu", fpc="psus", nest=True))
    assert sample.mean("y").se[0] ** 2 == pytest.approx((6400 + 5246400 / 243) / 180**2 / 2, rel=1e-13)
