"""Comparisons use the covariance of part and whole; max-t holds its level with few psus; waves share what they
share.
"""

import numpy as np
import pandas as pd
import pytest

from analysis import Design, DesignError, Sample
from analysis.simultaneous import MaxT
from analysis.variance import Root
from tests.analysis.waves_data import DESIGN, margins, wave


@pytest.fixture(scope="module")
def sample() -> Sample:
    return Sample(wave(), DESIGN).rake(margins(wave()))


def test_a_difference_from_the_whole_is_the_contrast_with_it(sample: Sample) -> None:
    estimates = sample.composite({"y": 6, "z": 5}, by="district")
    frame = estimates.compare(to="whole").to_frame()
    for name, row in frame.set_index("domain").iterrows():
        contrast = estimates.contrast({"gap": {name: 1, "whole": -1}})
        assert row["difference"] == pytest.approx(contrast.values[0], rel=1e-12)
        assert row["se"] == pytest.approx(contrast.se[0], rel=1e-12)
        assert row["df"] == pytest.approx(contrast.degrees("satterthwaite")[0], rel=1e-12)


def test_the_rest_is_the_whole_without_the_domain(sample: Sample) -> None:
    estimates = sample.mean("y", by="district")
    first = estimates.compare(to="rest").to_frame().iloc[0]
    others = sample.mean("y", where=("district", "!=", first["domain"]))
    assert first["difference"] == pytest.approx(estimates.values[0] - others.values[0], rel=1e-12)


def test_intervals_and_tests_agree_for_every_adjustment(sample: Sample) -> None:
    estimates = sample.mean("y", by=["district", "sex"])
    for adjust in ("max-t", "none", "bonferroni", "holm", "hochberg", "hommel", "bh", "by"):
        frame = estimates.compare(to="pairs", adjust=adjust).to_frame()
        assert len(frame) == 28
        assert (frame["p_adjusted"] >= frame["p"] - 2e-2 * (adjust == "max-t")).all()
        rejected = frame["p_adjusted"] <= 0.05
        if adjust in ("max-t", "none", "bonferroni", "holm"):
            apart = (frame["low"] >= 0) | (frame["high"] <= 0)
            assert (apart == rejected).all(), adjust
        assert (frame["detectable"] > frame["high"] - frame["difference"]).sum() >= len(frame) - rejected.sum()


def test_the_whole_and_its_only_part_are_never_told_apart() -> None:
    table = wave().assign(all="everyone")
    frame = Sample(table, DESIGN).mean("y", by="all").compare(to="whole").to_frame()
    assert frame["difference"].tolist() == [0.0]
    assert frame["p_adjusted"].isna().all()
    assert frame["reason"].tolist() == ["no estimated variance"]


def normal_root(seed: int, psus: int, size: int) -> Root:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((size, psus, 1)) * np.eye(size)[:, None, :]
    rows = (rows - rows.mean(axis=1, keepdims=True)) * np.sqrt(1 / (psus * (psus - 1)))
    return unsigned_root(rows.reshape(size * psus, size), np.repeat(np.arange(size), psus))


def unsigned_root(rows: np.ndarray, block: np.ndarray) -> Root:
    return Root(rows, block, np.ones((len(rows), 1), dtype=bool), np.ones(len(rows)))


def test_max_t_holds_its_level_with_six_psus_per_district() -> None:
    """Ten equal districts, all pairs, 300 samples: 5% wrong at most, with room for three standard errors of 300 draws.

    The same draws without redrawn variances, as normal theory has it, are wrong in more than a fifth of the samples.
    """
    size, psus, wrong, normal, samples = 10, 6, 0, 0, 300
    pairs = np.array([(np.eye(size)[j] - np.eye(size)[k]) for j in range(size) for k in range(j)]).T
    for seed in range(samples):
        random = np.random.default_rng(1000 + seed)
        values = random.standard_normal((size, psus))
        centred = (values - values.mean(axis=1, keepdims=True)) / np.sqrt(psus * (psus - 1))
        rows = np.zeros((size * psus, size))
        for j in range(size):
            rows[j * psus : (j + 1) * psus, j] = centred[j]
        root = unsigned_root(rows, np.repeat(np.arange(size), psus)).combine(pairs)
        family = MaxT(
            values.mean(axis=1) @ pairs, root, np.ones((pairs.shape[1], 1), dtype=bool), seed=seed, draws=1000
        )
        wrong += bool(family.rejected(0.95).any())
        drawn = random.standard_normal((1000, len(root.rows))) @ root.rows / np.sqrt((root.rows**2).sum(axis=0))
        normal += bool(np.abs(family.statistics).max() > np.quantile(np.abs(drawn).max(axis=1), 0.95))
    assert wrong / samples < 0.05 + 3 * np.sqrt(0.05 * 0.95 / samples)
    assert normal / samples > 0.2


def test_the_simulation_is_repeatable_and_says_what_the_draws_say() -> None:
    root = normal_root(1, 20, 4)
    waves = np.ones((4, 1), dtype=bool)
    one, other = (MaxT(np.array([0.1, 0.5, -0.9, 0.0]), root, waves, seed=7) for _ in range(2))
    assert (one.simulated == other.simulated).all()
    assert one.critical(0.95) == np.sort(np.abs(one.simulated).max(axis=1))[int(np.ceil(0.95 * 20_001)) - 1]
    assert ((one.p_adjusted() <= 0.05) == one.rejected(0.95)).all()


WAVES = Design(weight="base_weight", stratum="stratum", psu="psu", wave="wave")


def stacked(shared: bool) -> pd.DataFrame:
    """Two waves of the same psus (and the same answers but for a shift), or of psus that have nothing in common."""
    first, second = wave(3, slug="one"), wave(3, slug="two")
    second = second.assign(y=second["y"] + 3)
    return pd.concat([first, second if shared else second.assign(psu=second["psu"] + "x")], ignore_index=True)


def test_psus_that_two_waves_share_take_their_part_out_of_the_change() -> None:
    change = Sample(stacked(shared=True), WAVES).mean("y", by="district").change(over="wave").to_frame()
    np.testing.assert_allclose(change["difference"], 3, rtol=1e-12)
    assert change["se"].max() < 1e-9


def test_waves_without_a_common_psu_add_their_variances() -> None:
    change = Sample(stacked(shared=False), WAVES).mean("y", by="district").change(over="wave").to_frame()
    single = Sample(wave(3), DESIGN).mean("y", by="district", whole=True)
    np.testing.assert_allclose(change["se"], np.sqrt(2) * single.se, rtol=1e-10)
    assert change["domain"].tolist() == ["510100", "510101", "510102", "510103", "whole"]


def test_a_stacked_wave_has_the_numbers_it_has_alone() -> None:
    """Also where strata differ in level, where plain stacking would inflate the variance."""
    both = Sample(stacked(shared=True), WAVES).mean("y", by=["wave", "district"])
    alone = Sample(wave(3), DESIGN).mean("y", by="district")
    np.testing.assert_allclose(both.values[:4], alone.values, rtol=1e-12)
    np.testing.assert_allclose(both.se[:4], alone.se, rtol=1e-10)
    assert both.df[:4].tolist() == alone.df.tolist()


def test_districts_are_compared_with_the_whole_of_their_own_wave() -> None:
    both = Sample(stacked(shared=False), WAVES).mean("y", by=["district", "wave"])
    alone = Sample(wave(3), DESIGN).mean("y", by="district").compare(to="whole", adjust="none").to_frame()
    frame = both.compare(to="whole", adjust="none").to_frame()
    first = frame[frame["domain"].str.endswith("one")]
    np.testing.assert_allclose(first["difference"], alone["difference"], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(first["se"], alone["se"], rtol=1e-10)
    np.testing.assert_allclose(first["df"], alone["df"], rtol=1e-10)


def test_the_draws_are_the_same_through_the_estimates_as_through_their_contrasts() -> None:
    """The distribution of the largest |t| of all pairs does not depend on the space it is drawn in."""
    root, size = normal_root(2, 8, 6), 6
    pairs = np.array([(np.eye(size)[j] - np.eye(size)[k]) for j in range(size) for k in range(j)]).T
    differences, waves = np.ones(pairs.shape[1]), np.ones((pairs.shape[1], 1), dtype=bool)
    through = MaxT(differences, root, waves, pairs, draws=40_000)
    direct = MaxT(differences, root.combine(pairs), waves, draws=40_000)
    np.testing.assert_allclose(through.statistics, direct.statistics, rtol=1e-10)
    for level in (0.5, 0.8, 0.9, 0.95):
        assert through.critical(level) == pytest.approx(direct.critical(level), rel=0.02)


def test_strata_that_share_every_contrast_keep_their_joint_distribution() -> None:
    """Blocks of several directions (raking, cross-cutting domains): the K x K cross-product against plain draws."""
    random = np.random.default_rng(5)
    rows, size = random.standard_normal((60, 5)), 5
    root = unsigned_root(rows, np.repeat(np.arange(6), 10))
    pairs = np.array([(np.eye(size)[j] - np.eye(size)[k]) for j in range(size) for k in range(j)]).T
    family = MaxT(np.ones(10), root, np.ones((10, 1), dtype=bool), pairs, draws=20_000)
    halves = [rows[i * 10 : (i + 1) * 10] @ pairs for i in range(6)]
    value = sum(random.standard_normal((20_000, 10)) @ half for half in halves)
    spread = np.zeros((20_000, 10))
    for half in halves:
        drawn = random.standard_normal((20_000, 9, len(half)))
        spread += ((drawn @ half) ** 2).sum(axis=1) / 9
    plain = np.abs(value / np.sqrt(spread)).max(axis=1)
    assert family.critical(0.95) == pytest.approx(np.quantile(plain, 0.95), rel=0.03)
    assert family.critical(0.5) == pytest.approx(np.quantile(plain, 0.5), rel=0.03)


def test_a_total_over_a_domain_that_nobody_answered_says_so() -> None:
    table = wave()
    table.loc[table["district"] == "510101", "y"] = np.nan
    totals = Sample(table, DESIGN).total("y", by="district")
    assert totals.to_frame()["reason"].tolist() == ["", "no valid answer", "", ""]
    assert totals.to_frame()["estimate"].isna().tolist() == [False, True, False, False]
    frame = totals.compare(to=0).to_frame()
    assert frame["reason"].tolist() == ["", "no valid answer", "", ""]


def test_cities_make_families_of_their_own() -> None:
    """Against their own whole and rest; one city's numbers are those it has when nothing else is asked."""
    table = wave(6, districts=6)
    table["city"] = np.where(table["district"] < "510102", "A", "B")
    sample = Sample(table, DESIGN)
    both = sample.mean("y", by=["city", "district"])
    for to in ("whole", "rest", "pairs"):
        joint = both.compare(to=to, within="city")
        frame, alone = joint.to_frame(), sample.mean("y", by="district", where=("city", "==", "B")).compare(to=to)
        single = alone.to_frame().query("reason == ''").reset_index(drop=True)
        mine = frame[frame["domain"].str.startswith("B")].reset_index(drop=True)
        numbers = ["difference", "se", "df", "p", "p_adjusted", "low", "high"]
        np.testing.assert_allclose(mine[numbers], single[numbers], rtol=1e-9)
        assert "one family for each city" in joint.family
        assert len(joint.equivalence(10)) == len(frame)
    with pytest.raises(DesignError, match="not with 'A'"):
        both.compare(to="A", within="city")


def test_unlike_items_are_noted_and_common_items_compare() -> None:
    table = wave()
    table.loc[table["district"] == "510101", "y"] = np.nan
    estimates = Sample(table, DESIGN).composite({"y": 6, "z": 5}, by="district")
    assert estimates.to_frame()["without"].tolist() == ["", "y", "", ""]
    notes = estimates.compare(to="510100").to_frame()["note"].tolist()
    assert notes == ["not made of the same items: only one side has y", "", ""]
    assert estimates.rank_sets().to_frame()["note"].tolist() == ["", "without y", "", ""]
    common = estimates.on_common_items()
    assert "note" not in common.rank_sets().to_frame()
    means = Sample(table, DESIGN).mean("z", by="district")
    np.testing.assert_allclose(common.values, means.values, rtol=1e-12)
    np.testing.assert_allclose(common.se, means.se, rtol=1e-9)
    frame = common.compare(to="whole").to_frame()
    assert "note" not in frame
    np.testing.assert_allclose(frame["p"], means.compare(to="whole").to_frame()["p"], rtol=1e-7)
