"""The two-stage draw: inclusion probabilities, rotation between waves, and what it refuses."""

from collections import Counter

import numpy as np
import pytest

from analysis.errors import DesignError
from analysis.sampling import EQUAL_SIZE, systematic, two_stage

FRAME = {"a": tuple(f"a{number:02d}" for number in range(31)), "b": tuple(f"b{number:02d}" for number in range(12))}
ADULTS = {"a": 31_000.0, "b": 24_000.0}


def test_every_psu_is_drawn_as_often_as_its_inclusion_probability_says_in_each_wave():
    draws, psus = 3000, 6
    counts: dict[int, Counter[str]] = {0: Counter(), 1: Counter()}
    for seed in range(draws):
        drawn = two_stage(FRAME, seed=seed, adults=ADULTS, psus=psus, people=5, waves=2, shared=3)
        for wave, counter in counts.items():
            counter.update(psu.psu for psu in drawn.wave(wave))
    for counter in counts.values():
        for units in FRAME.values():
            expected = psus / len(units)
            spread = np.sqrt(expected * (1 - expected) / draws)
            for unit in units:
                assert abs(counter[unit] / draws - expected) < 4.5 * spread


def test_two_waves_share_exactly_the_promised_psus_in_every_stratum():
    drawn = two_stage(FRAME, seed=7, adults=ADULTS, psus=6, people=5, waves=2, shared=3)
    for stratum in FRAME:
        first, second = ({psu.psu for psu in drawn.wave(wave) if psu.stratum == stratum} for wave in (0, 1))
        assert (len(first), len(second), len(first & second)) == (6, 6, 3)


def test_base_weights_stand_for_all_adults_of_each_stratum():
    people = two_stage(FRAME, seed=3, adults=ADULTS, psus=6, people=5).to_frame()
    assert people.groupby("stratum")["base_weight"].sum().to_dict() == pytest.approx(ADULTS)
    assert len(people) == 2 * 6 * 5
    assert people.groupby(["stratum", "psu"])["person"].apply(list).map(lambda one: one == [1, 2, 3, 4, 5]).all()
    product = people["inclusion_probability_psu"] * people["inclusion_probability_person"]
    np.testing.assert_allclose(1 / product, people["base_weight"])


def test_without_a_listing_the_draw_says_that_it_assumes_equal_sizes():
    assert two_stage(FRAME, seed=1, adults=ADULTS, psus=2, people=2).size_assumption == EQUAL_SIZE
    assert EQUAL_SIZE.startswith("equal-size assumption")


def test_listed_adults_replace_the_assumption():
    listed = {unit: 100.0 + number for units in FRAME.values() for number, unit in enumerate(units)}
    drawn = two_stage(FRAME, seed=1, adults=ADULTS, listed=listed, psus=2, people=4)
    assert drawn.size_assumption == ""
    for psu in drawn.psus:
        assert psu.inclusion_probability_person == 4 / listed[psu.psu]


def test_the_same_seed_draws_the_same_sample_and_another_seed_another():
    first, again, other = (two_stage(FRAME, seed=seed, adults=ADULTS, psus=4, people=2) for seed in (5, 5, 6))
    assert first == again
    assert first.psus != other.psus


def test_a_draw_is_spread_over_the_frame_in_street_order():
    units = 100
    for seed in range(200):
        places = systematic(units, 20, np.random.default_rng(seed))
        assert np.diff(places).tolist() == [5] * 19


def test_a_census_of_psus_takes_each_once():
    assert systematic(7, 7, np.random.default_rng(1)).tolist() == list(range(7))


def test_the_result_cannot_be_changed():
    drawn = two_stage(FRAME, seed=1, adults=ADULTS, psus=2, people=2)
    with pytest.raises(AttributeError):
        drawn.seed = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"psus": 13}, "Stratum b has 12 psus and the draw needs 13"),
        ({"psus": 8, "waves": 2, "shared": 2}, "does not divide"),
        ({"psus": 4, "shared": 5}, "cannot share 5"),
        ({"adults": {"a": 31_000.0}}, "stratum b"),
        ({"people": 3000}, "3000 people cannot be drawn"),
        ({"listed": {"a00": 5.0}}, "No positive number of adults"),
    ],
)
def test_an_impossible_draw_is_refused_with_the_stratum_named(changes: dict, sentence: str):
    arguments = {"seed": 1, "adults": ADULTS, "psus": 4, "people": 2} | changes
    with pytest.raises(DesignError, match=sentence):
        two_stage(FRAME, **arguments)


def test_a_psu_listed_twice_is_refused():
    with pytest.raises(DesignError, match="lists a psu twice"):
        two_stage({"a": ("a1", "a1", "a2")}, seed=1, adults={"a": 10.0}, psus=1, people=1)
