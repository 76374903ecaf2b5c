"""Replicate weights: made from psus or supplied, held against linearisation, R's `survey` 4.1.1 and plain loops."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, DesignError, Replicates, Sample
from analysis.estimation import Plan, read_rows
from analysis.hadamard import hadamard
from tests.analysis.waves_data import DESIGN, margins, wave

REFERENCE = Path(__file__).parents[1] / "reference"
SEEDS = st.integers(min_value=0, max_value=2**31)
few = settings(max_examples=6, deadline=None, derandomize=True)
ROTATING = Design(weight="base_weight", stratum="stratum", psu="psu", wave="wave")
COLUMNS = ["r1", "r2", "r3"]


def apiclus() -> Sample:
    data = pd.read_csv(REFERENCE / "apiclus1.csv", dtype={"stype": "str"})
    return Sample(data, Design(weight="pw", psu="dnum", fpc="fpc"))


def schools() -> list[dict[str, dict[str, float]]]:
    return [{"stype": {"E": 4421, "H": 755, "M": 1018}}, {"sch.wide": {"No": 1072, "Yes": 5122}}]


def two_waves(seed: int) -> pd.DataFrame:
    """Psus 0-3 in the first wave, 2-5 in the second, in strata that differ in level."""
    frame = wave(seed, districts=3, psus=6, people=6)
    place = frame["psu"].str[-1].astype(int)
    one, two = frame[place < 4], frame[place >= 2].assign(wave="two", y=lambda rows: rows["y"] * 0.9)
    return pd.concat([one, two], ignore_index=True)


def pairs(seed: int = 1, districts: int = 5) -> pd.DataFrame:
    return wave(seed, districts=districts, psus=2, people=6)


# ---- against linearisation -------------------------------------------------------------------------------------------


@few
@given(seed=SEEDS)
def test_the_jackknife_of_a_total_is_its_linearisation(seed: int) -> None:
    sample = Sample(wave(seed), DESIGN)
    one, other = sample.total(["y", "z"], by="sex"), sample.replicate("jackknife").total(["y", "z"], by="sex")
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(other.df, one.df)


@few
@given(seed=SEEDS, centre=st.sampled_from(["estimate", "mean"]))
def test_it_is_so_with_waves_that_share_psus(seed: int, centre: str) -> None:
    """Decision 2 of the estimation rules: scores centred within the stratum of each wave."""
    sample = Sample(two_waves(seed), ROTATING)
    one = sample.total("z", by="wave")
    other = sample.replicate("jackknife", centre=centre).total("z", by="wave")
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-9)
    stacked = Sample(two_waves(seed), DESIGN).total("z", by="wave")
    assert abs(stacked.se[0] / one.se[0] - 1) > 0.01


def test_it_is_so_with_finite_populations_and_with_rows_as_psus() -> None:
    table = wave(3).assign(N=40.0)
    for design in (
        Design(weight="base_weight", stratum="stratum", psu="psu", fpc="N"),
        Design(weight="base_weight", stratum="stratum"),
        Design(weight="base_weight"),
    ):
        sample = Sample(table, design)
        np.testing.assert_allclose(sample.replicate("jackknife").total("z").se, sample.total("z").se, rtol=1e-9)


@pytest.mark.parametrize(("kind", "rho"), [("brr", None), ("fay", 0.3)])
@pytest.mark.parametrize("districts", [3, 4, 7, 12])
def test_balanced_replicates_of_a_total_are_its_linearisation(kind: str, rho: float | None, districts: int) -> None:
    sample = Sample(pairs(districts=districts), DESIGN)
    for centre in ("estimate", "mean"):
        repeated = sample.replicate(kind, rho=rho, centre=centre).total(["z", "y"])
        np.testing.assert_allclose(repeated.covariance, sample.total(["z", "y"]).covariance, rtol=1e-9)


@pytest.mark.parametrize("method", ["rao-wu", "chipperfield-preston"])
@pytest.mark.parametrize("fpc", [None, "N"])
def test_the_bootstrap_comes_near_the_linearisation(method: str, fpc: str | None) -> None:
    design = Design(weight="base_weight", stratum="stratum", psu="psu", fpc=fpc)
    sample = Sample(wave(5).assign(N=10.0), design)
    repeated = sample.replicate("bootstrap", 6000, seed=1, method=method)
    np.testing.assert_allclose(repeated.total("z").se, sample.total("z").se, rtol=0.03)
    np.testing.assert_allclose(repeated.mean("y", by="district").se, sample.mean("y", by="district").se, rtol=0.05)


@pytest.mark.parametrize("method", ["rao-wu", "chipperfield-preston"])
def test_the_bootstrap_of_waves_that_share_psus_does_too(method: str) -> None:
    sample = Sample(two_waves(5), ROTATING)
    repeated = sample.replicate("bootstrap", 6000, seed=2, method=method)
    one, other = sample.total("z", by="wave"), repeated.total("z", by="wave")
    np.testing.assert_allclose(other.se, one.se, rtol=0.03)
    np.testing.assert_allclose(other.covariance[0, 1], one.covariance[0, 1], rtol=0.1)
    change = [each.mean("y", by="wave").change(over="wave", adjust="none").se[0] for each in (sample, repeated)]
    assert abs(change[1] / change[0] - 1) < 0.05


@pytest.mark.parametrize("method", ["rao-wu", "chipperfield-preston"])
def test_bootstrap_factors_are_1_on_average_and_never_below_0(method: str) -> None:
    for table, design in ((wave(2), DESIGN), (two_waves(2), ROTATING)):
        replication = Sample(table, design).replicate("bootstrap", 4000, seed=1, method=method).replication
        assert replication is not None
        assert replication.factors.min() >= 0
        np.testing.assert_allclose(replication.factors.mean(axis=1), 1.0, atol=0.06)


def test_hadamard_matrices_are_orthogonal() -> None:
    for least in range(1, 70):
        matrix = hadamard(least)
        assert len(matrix) >= least
        np.testing.assert_array_equal(matrix @ matrix.T, len(matrix) * np.eye(len(matrix)))
        assert (matrix[0] == 1).all()


# ---- weighting is repeated -------------------------------------------------------------------------------------------


def test_a_raked_jackknife_is_that_of_r() -> None:
    """R 4.2, survey 4.1.1: des <- svydesign(~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1);
    j <- as.svrepdesign(des, type = "JK1", mse = TRUE);
    k <- rake(j, list(~stype, ~sch.wide), list(data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)),
    data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))), control = list(maxit = 500, epsilon = 1e-10));
    SE(svymean(~api00 + enroll, k)); svyby(~api.stu, ~stype, k, svyratio, denominator = ~enroll)

    Replicates of weights held fixed would give 23.8 for the first.
    """
    sample = apiclus().replicate("jackknife").rake(schools(), tolerance=1e-12)
    found = sample.mean(["api00", "enroll"])
    np.testing.assert_allclose(found.values, [641.23032092680, 588.84083759615], rtol=1e-10)
    np.testing.assert_allclose(found.se, [26.874442209622, 74.843803639932], rtol=1e-8)
    ratio = sample.ratio("api.stu", "enroll", by="stype")
    np.testing.assert_allclose(ratio.values, [0.8539823786235, 0.8304536687009, 0.8524785273932], rtol=1e-10)
    np.testing.assert_allclose(ratio.se, [0.01462826441912, 0.01950896605981, 0.01259031413366], rtol=1e-8)


def test_steps_before_and_after_are_repeated_alike() -> None:
    table = wave(4)
    sample = Sample(table, DESIGN)
    before = sample.rake(margins(table)).replicate("bootstrap", 40, seed=9)
    after = sample.replicate("bootstrap", 40, seed=9).rake(margins(table))
    np.testing.assert_array_equal(before.mean("y", by="sex").covariance, after.mean("y", by="sex").covariance)


def test_each_replicate_meets_the_margins_and_a_plain_loop_finds_the_same() -> None:
    table = wave(4)
    sample = Sample(table, DESIGN).replicate("bootstrap", 30, seed=9).rake(margins(table), tolerance=1e-13)
    weights = sample.replicate_weights()
    assert list(weights.columns) == [f"r{place}" for place in range(1, 31)]
    held = weights.groupby(table["band"]).sum()
    wanted = pd.Series(margins(table)[1]["band"])
    np.testing.assert_allclose(
        held.to_numpy(), np.repeat(wanted[held.index].to_numpy()[:, None], 30, axis=1), rtol=1e-9
    )
    known = table["y"].notna()
    for sex in ("female", "male"):
        rows = known & (table["sex"] == sex)
        loop = [np.average(table["y"][rows], weights=weights[name][rows]) for name in weights]
        found = sample.mean("y", by="sex")
        place = [domain for (domain,) in found.domains].index(sex)
        assert found.se[place] == pytest.approx(np.sqrt(np.mean((np.array(loop) - found.values[place]) ** 2)), rel=1e-9)


def test_a_margin_has_no_variance() -> None:
    table = wave(4)
    sample = Sample(table, DESIGN).replicate("bootstrap", 30, seed=9).rake(margins(table))
    np.testing.assert_array_equal(sample.proportion("band").se, 0.0)


def test_a_composite_and_its_contrasts_are_taken_of_each_replicate() -> None:
    sample = Sample(wave(6), DESIGN).replicate("bootstrap", 50, seed=4)
    weights, table = sample.replicate_weights(), wave(6)
    found = sample.composite({"y": 3, "z": 1}, by="district")

    def of(weight: pd.Series, district: str) -> float:
        rows = table["district"] == district
        return sum(
            share * np.average(table[name][rows & table[name].notna()], weights=weight[rows & table[name].notna()])
            for name, share in (("y", 0.75), ("z", 0.25))
        )

    loop = np.array([[of(weights[name], district) for (district,) in found.domains] for name in weights])
    centred = loop - found.values
    np.testing.assert_allclose(found.covariance, centred.T @ centred / 50, rtol=1e-9)
    difference = found.compare(to=found.domains[0][0], adjust="none")
    np.testing.assert_allclose(
        difference.se, np.sqrt(np.mean((centred[:, 1:] - centred[:, :1]) ** 2, axis=0)), rtol=1e-9
    )


# ---- order, engines, chunks ------------------------------------------------------------------------------------------


@few
@given(seed=SEEDS)
def test_factors_belong_to_the_labels_and_not_to_the_order(seed: int) -> None:
    table = two_waves(seed % 1000)
    shuffled = table.sample(frac=1, random_state=seed % 2**32).reset_index(drop=True)
    one, other = (
        Sample(each, ROTATING).replicate("bootstrap", 20, seed=3).rake(margins(table)[1:]) for each in (table, shuffled)
    )
    np.testing.assert_allclose(
        one.mean("z", by=["district", "wave"]).se, other.mean("z", by=["district", "wave"]).se, rtol=1e-9
    )
    np.testing.assert_allclose(
        one.mean("y", where=("z", ">", 0)).se, other.mean("y", where=("z", ">", 0)).se, rtol=1e-9
    )


def test_every_engine_gives_the_same_replicates() -> None:
    table = wave(7)
    expected = Sample(table, DESIGN).replicate("bootstrap", 20, seed=3).mean("z", by="district").covariance
    held = table.drop(columns=["word"])
    for data in (pl.from_pandas(held), pl.from_pandas(held).lazy(), duckdb.sql("select * from held")):
        found = Sample(data, DESIGN).replicate("bootstrap", 20, seed=3).mean("z", by="district").covariance
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_few_replicates_at_a_time_are_all_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = Sample(wave(7), DESIGN).replicate("bootstrap", 23, seed=3)
    expected, weights = sample.mean("y", by="sex").covariance, sample.replicate_weights()
    monkeypatch.setattr("analysis.repeats.CELLS", 500)
    np.testing.assert_allclose(sample.mean("y", by="sex").covariance, expected, rtol=1e-12)
    pd.testing.assert_frame_equal(sample.replicate_weights(), weights)


# ---- supplied columns ------------------------------------------------------------------------------------------------


def test_exported_weights_are_read_back_alike() -> None:
    table = wave(8)
    made = Sample(table, DESIGN).replicate("jackknife").rake(margins(table))
    recipe = made.replicate_recipe()
    weights = made.replicate_weights()
    joined = pd.concat([table, weights], axis=1).assign(weight=made.weights)
    declared = Replicates(list(weights), "JKn", scale=recipe["scale"], rscales=recipe["rscales"])
    supplied = Sample(joined, Design(weight="weight", replicates=declared))
    for one, other in (
        (made.mean("y", by="sex"), supplied.mean("y", by="sex")),
        (made.total("z"), supplied.total("z")),
    ):
        np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-9)


def test_factors_and_complete_weights_say_the_same() -> None:
    table = pairs()
    weights = Sample(table, DESIGN).replicate("brr").replicate_weights()
    factors = weights.div(table["base_weight"], axis=0).add_prefix("f")
    joined = pd.concat([table, weights, factors], axis=1)
    one = Sample(joined, Design(weight="base_weight", replicates=Replicates(list(weights), "BRR")))
    other = Sample(joined, Design(weight="base_weight", replicates=Replicates(list(factors), "BRR", combined=False)))
    np.testing.assert_allclose(one.mean("y", by="sex").covariance, other.mean("y", by="sex").covariance, rtol=1e-9)
    lazy = Sample(pl.from_pandas(joined).lazy(), one.design)
    np.testing.assert_allclose(lazy.mean("y", by="sex").covariance, one.mean("y", by="sex").covariance, rtol=1e-9)


def test_r_reads_exported_weights_with_our_standard_errors() -> None:
    """R 4.2, survey 4.1.1, on apiclus1 beside `weight` and r1..r20 as exported:
    s <- <the recipe's R call>; SE(svymean(~api00 + enroll, s)); SE(svyby(~api00, ~stype, s, svymean))
    """
    sample = apiclus().replicate("bootstrap", 20, seed=3).rake(schools(), tolerance=1e-12)
    recipe = sample.replicate_recipe()
    assert recipe["R"] == (
        'svrepdesign(data = d, weights = ~weight, repweights = "^r[0-9]+$", type = "bootstrap", scale = 0.05, '
        "rscales = rep(1, 20), combined.weights = TRUE, mse = TRUE, degf = 14)"
    )
    assert recipe["Stata"] == "svyset [pw=weight], bsrweight(r1-r20) vce(bootstrap) mse dof(14)"
    np.testing.assert_allclose(sample.mean(["api00", "enroll"]).se, [19.8348682747, 53.9438750376], rtol=1e-9)
    by_type = [21.2079528980, 28.6411622228, 23.1666565873]
    np.testing.assert_allclose(sample.mean("api00", by="stype").se, by_type, rtol=1e-9)


def test_recipes_name_scales_rho_and_multipliers() -> None:
    fay = Sample(pairs(), DESIGN).replicate("fay", rho=0.5).replicate_recipe()
    assert 'type = "Fay", rho = 0.5, combined' in fay["R"]
    assert fay["Stata"] == "svyset [pw=weight], brrweight(r1-r8) fay(0.5) vce(brr) mse dof(5)"
    jackknife = Sample(
        pd.concat(
            [pairs(), wave(2, districts=1, psus=4).assign(stratum="x", psu="x" + wave(2, districts=1, psus=4)["psu"])]
        ),
        DESIGN,
    )
    recipe = jackknife.replicate("jackknife").replicate_recipe()
    assert "scale = 1.0, rscales = c(0.5, 0.5," in recipe["R"]
    assert "jkrweight(r1, multiplier(0.5)) jkrweight(r2" in recipe["Stata"]
    assert jackknife.replicate("jackknife", centre="mean").replicate_recipe()["Stata"] == ""


def test_default_scales_are_those_of_svrepdesign() -> None:
    columns = np.array([[2.0, 1.5, 0.0], [0.0, 1.5, 1.25]])
    scales = {
        "bootstrap": Replicates(COLUMNS, "bootstrap"),
        "BRR": Replicates(COLUMNS, "BRR"),
        "fay": Replicates(COLUMNS, "fay", rho=0.5),
        "JK1": Replicates(COLUMNS, "JK1"),
        "JK1 factors": Replicates(COLUMNS, "JK1", combined=False),
        "JKn factors": Replicates(COLUMNS, "JKn", combined=False),
        "other": Replicates(COLUMNS, "other", scale=2.0, rscales=[1, 0, 3]),
    }
    expected = {
        "bootstrap": [0.5] * 3,
        "BRR": [1 / 3] * 3,
        "fay": [4 / 3] * 3,
        "JK1": [2 / 3] * 3,
        "JK1 factors": [0.5] * 3,
        "JKn factors": [0.5, 2 / 3, 0.8],
        "other": [2.0, 0.0, 6.0],
    }
    for name, replicates in scales.items():
        np.testing.assert_allclose(replicates.scales(columns), expected[name])


# ---- degrees of freedom, tests, intervals ----------------------------------------------------------------------------


def test_degrees_of_freedom_are_psus_less_strata_or_the_rank() -> None:
    table = wave(1, districts=3, psus=4)
    sample = Sample(table, DESIGN)
    alone = ("psu", "in", ["510100000", "510101000", "510101001"])
    assert sample.replicate("bootstrap", 40, seed=1).mean("y").df[0] == 9
    assert sample.replicate("jackknife").mean("y", where=alone).df[0] == 1
    assert sample.replicate("jackknife", df="rank").mean("y").df[0] == 9
    assert sample.replicate("jackknife", df="rank").mean("y", where=alone).df[0] == 2


def test_a_domain_that_vanishes_from_a_replicate_has_no_estimate_and_says_so() -> None:
    table = wave(1)
    sample = Sample(table.assign(one=table["psu"].str.slice(-3).eq("000")), DESIGN).replicate("jackknife")
    frame = sample.mean("z", by=["district", "one"]).to_frame()
    np.testing.assert_array_equal(frame["estimate"].isna(), frame["one"])
    assert set(frame["reason"]) == {"", "no value in 1 of 24 replicates"}
    assert sample.total("z", by="one").se.min() > 0


def test_comparisons_and_rank_sets_from_replicates_say_that_they_are_approximate() -> None:
    sample = Sample(wave(1), DESIGN)
    repeated = sample.replicate("bootstrap", 400, seed=1)
    one, other = (each.mean("y", by="district").compare(to="whole") for each in (sample, repeated))
    assert (one.approximate, other.approximate) == (False, True)
    np.testing.assert_allclose(other.critical, one.critical, rtol=0.1)
    assert not repeated.mean("y", by="district").compare(to="whole", adjust="holm").approximate
    sets = repeated.mean("y", by="district").rank_sets()
    assert sets.approximate
    assert (sets.low <= sets.rank).all()
    assert repeated.mean("y", by="district").design_effect() == pytest.approx(
        sample.mean("y", by="district").design_effect(), rel=0.25
    )


def test_logit_limits_take_the_log_odds_of_each_replicate() -> None:
    sample = Sample(wave(3), DESIGN).replicate("bootstrap", 60, seed=1)
    share = sample.proportion("word")
    replicates = share.entries.root.replicates
    assert replicates is not None
    odds = np.log(replicates.estimates[:, 0] / (1 - replicates.estimates[:, 0]))
    middle = np.log(share.values[0] / (1 - share.values[0]))
    half = np.sqrt(np.mean((odds - middle) ** 2)) * 2
    low = share.interval(method="logit", df=60.5)[0, 0]
    assert np.log(low / (1 - low)) == pytest.approx(middle - half, rel=1e-3)
    assert low != pytest.approx(share.interval(method="xlogit", df=60.5)[0, 0], rel=1e-9)


def test_estimates_of_rows_are_made_anew_in_each_replicate() -> None:
    sample = Sample(wave(3), DESIGN).replicate("bootstrap", 15, seed=1)
    engine = read_rows(sample, Plan())
    values = wave(3)["z"].to_numpy()

    def median(weight: np.ndarray) -> np.ndarray:
        order = np.argsort(values, kind="stable")
        return values[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)][None]

    full = median(engine.weight)
    everybody = np.ones((len(values), 1), dtype=bool)
    entries = engine.entries_of_rows(full, np.ones((len(values), 1)), everybody, fit=median)
    loop = [median(sample.replicate_weights()[f"r{place}"].to_numpy())[0] for place in range(1, 16)]
    assert entries.root.se()[0] == pytest.approx(np.sqrt(np.mean((np.array(loop) - full[0]) ** 2)))
    with pytest.raises(DesignError, match="cannot be repeated"):
        engine.entries_of_rows(full, np.ones((len(values), 1)), everybody)


# ---- refusals --------------------------------------------------------------------------------------------------------


def lonely(rule: str = "remove") -> Sample:
    table = pd.concat([wave(1), wave(2, districts=1, psus=1).assign(stratum="x", psu="only")], ignore_index=True)
    return Sample(table, Design(weight="base_weight", stratum="stratum", psu="psu", lonely_psu=rule))


def test_lonely_psus_are_refused_by_name_and_keep_factor_1_in_a_bootstrap() -> None:
    for kind in ("jackknife", "brr"):
        with pytest.raises(DesignError, match="stratum 'x' has one psu"):
            lonely().replicate(kind)
    with pytest.raises(DesignError, match=r"'x'.*lonely_psu='adjust'"):
        lonely("adjust").replicate("bootstrap", 10, seed=1)
    sample = lonely().replicate("bootstrap", 10, seed=1)
    only = np.flatnonzero(pd.DataFrame(sample.data)["stratum"] == "x")
    np.testing.assert_array_equal(
        sample.replicate_weights().iloc[only], np.repeat(sample.weights[only][:, None], 10, axis=1)
    )


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda sample: sample.replicate("jacknife"), "jackknife"),
        (lambda sample: sample.replicate("brr"), r"'510100' \(and 3 more\) has another number"),
        (lambda sample: sample.replicate("bootstrap", 500), "seed"),
        (lambda sample: sample.replicate("bootstrap", 1, seed=1), "at least 2"),
        (lambda sample: sample.replicate("jackknife", 20), "leave out count"),
        (lambda sample: sample.replicate("fay"), "rho="),
        (lambda sample: sample.replicate("jackknife", rho=0.2), "rho= belongs to"),
        (lambda sample: sample.replicate("jackknife", centre="median"), "centre='median'"),
        (lambda sample: sample.replicate("jackknife", df="valid"), "df='valid'"),
        (lambda sample: sample.replicate("bootstrap", 9, seed=1, method="raowu"), "rao-wu"),
        (lambda sample: sample.replicate_weights(), "has no replicates"),
        (lambda sample: Sample(pl.from_pandas(wave(1)).lazy(), Design("base_weight")).replicate("jackknife"), "lazy"),
        (
            lambda sample: Sample(pairs().assign(N=9.0), Design("base_weight", "stratum", "psu", "N")).replicate("brr"),
            "fpc",
        ),
    ],
)
def test_replicates_that_cannot_be_made_are_refused(ask: object, told: str) -> None:
    with pytest.raises(DesignError, match=told):
        ask(Sample(wave(1), DESIGN))  # type: ignore[operator]


def test_the_fpc_of_a_later_stage_is_refused() -> None:
    table = wave(1).assign(N=40.0, M=400.0)
    design = Design(weight="base_weight", stratum="stratum", psu="psu", fpc=["N", "M"])
    with pytest.raises(DesignError, match="later stages"):
        Sample(table, design).replicate("jackknife")


@pytest.mark.parametrize(
    ("told", "arguments"),
    [
        ("at least two columns", {"columns": ["r1"], "kind": "BRR"}),
        ("each named once", {"columns": ["r1", "r1"], "kind": "BRR"}),
        ("at least two columns", {"columns": "r1", "kind": "BRR"}),
        ("Did you mean 'BRR'", {"columns": COLUMNS, "kind": "BRRR"}),
        ("rho=", {"columns": COLUMNS, "kind": "fay"}),
        ("rho= belongs", {"columns": COLUMNS, "kind": "BRR", "rho": 0.5}),
        ("its own scale", {"columns": COLUMNS, "kind": "BRR", "scale": 0.5}),
        ("2 rscales for 3", {"columns": COLUMNS, "kind": "other", "scale": 1, "rscales": [1, 1]}),
        ("at least 0", {"columns": COLUMNS, "kind": "other", "scale": -1}),
        ("need rscales", {"columns": COLUMNS, "kind": "JKn"}),
        ("give scale", {"columns": COLUMNS, "kind": "other"}),
        ("centre='middle'", {"columns": COLUMNS, "kind": "BRR", "centre": "middle"}),
    ],
)
def test_replicates_that_contradict_themselves_are_refused(told: str, arguments: dict[str, object]) -> None:
    with pytest.raises(DesignError, match=told):
        Replicates(**arguments)  # type: ignore[arg-type]


def test_replicate_columns_are_checked_when_they_are_bound() -> None:
    table = wave(1).assign(r1=1.0, r2=1.0, r3=1.0)
    design = Design(weight="base_weight", replicates=Replicates(COLUMNS, "BRR"))
    for wrong, told in (
        (table.drop(columns="r3"), "'r3'"),
        (table.assign(r2="a"), "'r2'"),
        (table.assign(r2=np.nan), "'r2' has missing"),
        (table.assign(base_weight=table["base_weight"].where(table.index > 0, 0.0)), "weight 0"),
    ):
        with pytest.raises(DesignError, match=told):
            Sample(wrong, design)
    with pytest.raises(DesignError, match="in place of stratum"):
        Design(weight="base_weight", psu="psu", replicates=Replicates(COLUMNS, "BRR"))
    with pytest.raises(DesignError, match="already"):
        Sample(table, design).replicate("jackknife")
