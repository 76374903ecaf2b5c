"""Standardised means: R's numbers, post-stratification's, and what cannot be standardised."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Design, DesignError, Sample
from tests.analysis.waves_data import BANDS, DESIGN, SEXES, wave

REFERENCE = Path(__file__).parents[1] / "reference"
POPULATION = {(sex, band): 10.0 + 7 * i + j for i, sex in enumerate(SEXES) for j, band in enumerate(BANDS)}


def test_the_numbers_are_those_of_svystandardize() -> None:
    """R 4.2.2, survey 4.1.1, tolerance 1e-9, on tests/reference/apistrat.csv:

    d$big <- ifelse(d$enroll > 500, "large", "small")
    d$county <- ifelse(d$cnum < 20, "south", ifelse(d$cnum < 37, "mid", "north"))
    des <- svydesign(id=~1, strata=~stype, weights=~pw, data=d)
    s <- svystandardize(des, by=~big+awards, over=~county, population=c(1000, 500, 2000, 2694))
    svyby(~api00, ~county, s, svymean)  # and the same for sat; population in the order large No, small No, large Yes ..
    """
    table = pd.read_csv(REFERENCE / "apistrat.csv")
    table["big"] = np.where(table["enroll"] > 500, "large", "small")
    table["county"] = np.select([table["cnum"] < 20, table["cnum"] < 37], ["south", "mid"], "north")
    sample = Sample(table, Design(weight="pw", stratum="stype"))
    population = pd.DataFrame(
        {"big": ["large", "small"] * 2, "awards": ["No", "No", "Yes", "Yes"], "persons": [1000, 500, 2000, 2694]}
    )
    found = sample.standardised_mean(["api00", "sat"], over=["big", "awards"], population=population, by="county")
    values = [675.250958736, 688.526261920, 649.388450550, 2.79078768960, 2.85574618403, 2.57981452554]
    errors = [14.5120669266, 13.2328899668, 15.9291924434, 0.151216945149, 0.138718636417, 0.161537885865]
    np.testing.assert_allclose(found.values, values, rtol=1e-9)
    np.testing.assert_allclose(found.se, errors, rtol=1e-9)


def test_of_the_whole_it_is_the_post_stratified_mean() -> None:
    sample = Sample(wave(2, people=20), DESIGN)
    standard = sample.standardised_mean("z", over=["sex", "band"], population=POPULATION)
    other = sample.poststratify(["sex", "band"], POPULATION).mean("z")
    np.testing.assert_allclose(standard.values, other.values, rtol=1e-12)
    np.testing.assert_allclose(standard.se, other.se, rtol=1e-9)


def test_populations_of_any_size_and_shape_are_one_standard() -> None:
    sample = Sample(wave(2, people=20), DESIGN)
    given = [
        POPULATION,
        {key: count * 1000 for key, count in POPULATION.items()},
        {("band", "sex"): {key[::-1]: count for key, count in POPULATION.items()}},
        pd.DataFrame([(*key, count) for key, count in POPULATION.items()], columns=["sex", "band", "persons"]),
    ]
    frames = [
        sample.standardised_mean("y", over=["sex", "band"], population=one, by="district", whole=True).to_frame()
        for one in given
    ]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])


def test_districts_of_one_composition_are_compared_with_the_covariance_they_share() -> None:
    """Where the answer depends on sex alone, standardised districts do not differ though their means do."""
    table = wave(3, people=20)
    table["z"] = np.where(table["sex"] == "female", 80.0, 20.0)
    found = Sample(table, DESIGN).standardised_mean("z", over="sex", population={"female": 1, "male": 1}, by="district")
    np.testing.assert_allclose(found.values, 50, rtol=1e-12)
    assert np.ptp(Sample(table, DESIGN).mean("z", by="district").values) > 1
    assert set(found.compare(to="whole").to_frame()["reason"]) == {"no estimated variance"}


def test_an_empty_cell_leaves_its_domain_without_an_estimate_and_says_which() -> None:
    table = wave(2, people=20)
    gone = (table["district"] == "510101") & (table["sex"] == "male") & (table["band"] == "60+")
    table.loc[gone, "y"] = np.nan
    sample = Sample(table, DESIGN)
    frame = sample.standardised_mean("y", over=["sex", "band"], population=POPULATION, by="district").to_frame()
    assert frame["reason"].tolist() == ["", "nobody in the standard's cell male / 60+", "", ""]
    assert frame["estimate"].isna().tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("population", "match"),
    [
        ({"female": 1}, "holds sex = male"),
        ({"female": 1, "male": 1, "other": 1}, "other, and nobody in the sample"),
        ({("band",): {"60+": 1}}, "is by band, and over= names sex"),
        ({"female": 0, "male": 0}, "adds up to 0"),
    ],
)
def test_a_standard_that_does_not_fit_is_refused(population: dict[object, object], match: str) -> None:
    with pytest.raises(DesignError, match=match):
        Sample(wave(), DESIGN).standardised_mean("y", over="sex", population=population)


def test_only_numbers_are_standardised() -> None:
    with pytest.raises(DesignError, match="'word' holds"):
        Sample(wave(), DESIGN).standardised_mean("word", over="sex", population={"female": 1, "male": 1})
