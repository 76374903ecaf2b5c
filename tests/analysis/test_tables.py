"""Tables, given shares and t tests: against R `survey` 4.1.1, against exact arithmetic, and what is refused."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import Design, DesignError, Sample
from analysis.chisquare import exact_tail, saddlepoint_tail, satterthwaite_tail
from analysis.independence import STATISTICS

REFERENCE = Path(__file__).parents[1] / "reference"


def data(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv", dtype={"sat": str, "aware": str})


@pytest.fixture(scope="module")
def two_stage() -> Sample:
    return Sample(data("apiclus2"), Design(weight="pw", psu=["dnum", "snum"], fpc=["fpc1", "fpc2"]))


@pytest.fixture(scope="module")
def stratified() -> Sample:
    return Sample(data("apistrat"), Design(weight="pw", stratum="stype", fpc="fpc"))


def clustered(seed: int, *, rows: int = 3, columns: int = 3, psus: int = 8) -> pd.DataFrame:
    """A small wave: two strata, psus of five persons, answers that go together."""
    random = np.random.default_rng(seed)
    n = 5 * psus
    a = random.integers(rows, size=n)
    b = np.where(random.random(n) < 0.6, a % columns, random.integers(columns, size=n))
    psu = np.repeat(np.arange(psus), 5)
    return pd.DataFrame(
        {
            "stratum": psu % 2,
            "psu": psu,
            "weight": random.uniform(1, 3, n),
            "a": [f"a{one}" for one in a],
            "b": [f"b{one}" for one in b],
            "y": random.normal(size=n) + a,
        }
    )


DESIGN = Design(weight="weight", stratum="stratum", psu="psu")


# --- against R


@pytest.mark.parametrize(
    ("statistic", "value", "parameters", "p"),
    [
        ("F", 1.564627847257793, (3.060911508602948, 119.375548835514962), 0.200761674948664),
        ("Chisq", 13.741004023428948, (8, np.inf), 0.129583259848979),
        ("Wald", 1.580561104233056, (8, 39), 0.162328344152973),
        ("adjWald", 1.296870649627123, (8, 32), 0.280151079764242),
    ],
)
def test_five_by_three_with_an_empty_cell(
    two_stage: Sample, statistic: str, value: float, parameters: tuple[float, float], p: float
) -> None:
    """R: svychisq(~sat+stype, svydesign(~dnum+snum, weights=~pw, fpc=~fpc1+fpc2, data=apiclus2), statistic=)."""
    found = two_stage.crosstab("sat", "stype").test(statistic)
    assert found.statistic == pytest.approx(value, rel=1e-10)
    assert (found.ndf, found.ddf) == pytest.approx(parameters, rel=1e-10)
    assert found.p == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(
    ("statistic", "value", "p"),
    [
        ("F", 0.871569745973877, 0.480991904967868),
        ("Chisq", 3.441840136130011, 0.479967719926534),
        ("Wald", 0.925821231829113, 0.452331858492388),
        ("adjWald", 0.896889318334453, 0.469171353041005),
    ],
)
def test_missing_answers_are_outside_the_domain(stratified: Sample, statistic: str, value: float, p: float) -> None:
    """R: svychisq(~sat+aware, subset(s, !is.na(aware) & stype != "H")); 97 rows, 96 degrees of freedom."""
    found = stratified.crosstab("sat", "aware", where=[("stype", "!=", "H")]).test(statistic)
    assert found.statistic == pytest.approx(value, rel=1e-10)
    assert found.p == pytest.approx(p, rel=1e-9)
    assert found.n == 97


def test_three_given_shares(two_stage: Sample) -> None:
    """R: svygofchisq(~stype, p=c(.6, .15, .25), s)."""
    found = two_stage.goodness_of_fit("stype", {"M": 0.25, "H": 0.15, "E": 0.6})
    expected = (152.750123001230008, 129.105030569505317, 1.197530285920270, 0.334916047155704)
    assert (found.statistic, found.scale, found.df, found.p) == pytest.approx(expected, rel=1e-9)
    assert found.to_frame().iloc[0]["p"] == found.p
    assert two_stage.goodness_of_fit("stype", [0.6, 0.15, 0.25]) == found


# --- distributions of weighted sums of chi-squares


@pytest.mark.parametrize("ddf", [1.3, 20.9, 400.5, np.inf])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_weights_all_alike_make_a_chi_square_or_an_f(count: int, ddf: float) -> None:
    for x in (1e-3, 0.1, 1.0, 3.0, 10.0, 50.0, 300.0):
        expected = stats.chi2.sf(x / 2, count) if np.isinf(ddf) else stats.f.sf(x / 2 / count, count, ddf)
        assert exact_tail(x, np.full(count, 2.0), ddf) == pytest.approx(expected, rel=1e-9)
        assert satterthwaite_tail(x, np.full(count, 2.0), ddf) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("x", [0.01, 0.5, 5.0, 50.0, 500.0])
def test_pairs_of_weights_have_a_closed_form(x: float) -> None:
    """A sum of l_j chi2(2) is hypoexponential: sum_j prod_k l_j / (l_j - l_k) exp(-x / 2 l_j)."""
    lambdas = np.array([3.0, 1.0, 0.4])
    shares = [np.prod([one / (one - other) for other in lambdas if other != one]) for one in lambdas]
    expected = float(shares @ np.exp(-x / 2 / lambdas))
    assert exact_tail(x, np.repeat(lambdas, 2)) == pytest.approx(expected, rel=1e-11)
    assert saddlepoint_tail(x, np.repeat(lambdas, 2)) == pytest.approx(expected, rel=0.08)


def test_beside_the_mean_the_saddlepoint_gives_way() -> None:
    weights = np.array([1.5, 0.5])
    assert saddlepoint_tail(2.0, weights) == satterthwaite_tail(2.0, weights)
    assert exact_tail(0.0, weights) == saddlepoint_tail(0.0, weights) == 1.0


def test_the_integral_is_what_simulation_finds() -> None:
    """The two design effects of `apiclus1`, ~sch.wide+stype: 0.0220, where the saddlepoint gives 0.0264."""
    random, weights, ddf, x = np.random.default_rng(1), np.array([0.48114644, 1.81811072]), 20.924957, 11.94089208
    above = random.chisquare(1, (400_000, 2)) @ weights > x * random.chisquare(ddf, 400_000) / ddf
    found = exact_tail(x, weights, ddf)
    assert above.mean() == pytest.approx(found, abs=4 * np.sqrt(found / 400_000))
    assert saddlepoint_tail(x, weights, ddf) == pytest.approx(0.026441127709637535, rel=1e-6)


def test_with_design_effects_all_alike_lincom_is_f() -> None:
    """apisrs, ~sch.wide+stype: both are 0.9726. R's `lincom`, without CompQuadForm, is its saddlepoint: 2.246e-6."""
    table = Sample(data("apisrs"), Design(weight="pw", fpc="fpc")).crosstab("sch.wide", "stype")
    assert table.design_effects[0] == pytest.approx(table.design_effects[1], rel=1e-12)
    assert table.test("lincom").p == pytest.approx(table.test("F").p, rel=1e-10)
    assert table.test("F").p == pytest.approx(2.1606054267950955e-06, rel=1e-9)


# --- tables


def test_every_share_says_of_what_and_is_that_of_proportion(stratified: Sample) -> None:
    table = stratified.crosstab("sat", "awards")
    frame = table.to_frame()
    assert list(frame.columns) == [
        *("sat", "awards", "denominator", "share", "se", "low", "high", "df", "n", "base", "weighted", "weighted_se")
    ]
    assert len(frame) == 3 * 10
    assert not frame.isna().any().any()
    for denominator, group in (("all", []), ("sat", ["sat"]), ("awards", ["awards"])):
        part = frame[frame["denominator"] == denominator]
        sums = part.groupby(group)["share"].sum() if group else part["share"].sum()
        assert np.allclose(sums, 1, rtol=1e-12)
        assert part["n"].sum() == 200
    ours = frame[frame["denominator"] == "awards"].set_index(["sat", "awards"])
    theirs = stratified.proportion("sat", by="awards").to_frame().set_index(["variable", "awards"])
    for cell, row in ours.iterrows():
        assert (
            row[["share", "se", "low", "high"]].tolist() == theirs.loc[cell, ["estimate", "se", "low", "high"]].tolist()
        )
        assert row["base"] == theirs.loc[cell, "n"]
    # R: svyby(~I(sat=="2"), ~awards, s, svymean) and svymean(~interaction(sat, awards), s)
    assert ours.loc[("2", "No"), "share"] == pytest.approx(0.247501599131400, rel=1e-12)
    assert ours.loc[("2", "No"), "se"] == pytest.approx(0.0500263399901586, rel=1e-10)
    assert frame.loc[(frame["sat"] == "1") & (frame["awards"] == "No"), "share"].iloc[0] == pytest.approx(
        0.107211819181193, rel=1e-12
    )


def test_an_empty_cell_has_a_limit_and_an_empty_level_is_named() -> None:
    table = clustered(1).assign(b=lambda one: np.where(one["a"] == "a0", "b0", one["b"]))
    found = Sample(table, DESIGN).crosstab("a", "b", where=("b", "!=", "b2"))
    assert (found.empty, found.column_levels) == ((("b", "b2"),), ("b0", "b1"))
    frame = found.to_frame()
    empty = frame[(frame["a"] == "a0") & (frame["b"] == "b1")]
    assert empty["share"].tolist() == empty["low"].tolist() == [0.0] * 3
    assert ((empty["high"] > 0) & (empty["high"] < 1)).all()
    for statistic in STATISTICS:
        assert 0 <= found.test(statistic).p <= 1


def test_a_table_with_its_diagonal_alone_is_tested_by_what_independence_expects() -> None:
    table = clustered(2).assign(b=lambda one: one["a"].str.replace("a", "b"))
    found = Sample(table, DESIGN).crosstab("a", "b").test()
    assert found.pearson == pytest.approx(2 * 40, rel=1e-12)
    assert found.p < 0.01


def test_equal_weights_and_rows_as_units_give_pearson_and_its_distribution() -> None:
    """With replacement, equal weights: the design effects are n / (n - 1) times the delta method's, near 1."""
    random = np.random.default_rng(3)
    rows = pd.DataFrame({"weight": 1.0, "a": random.integers(2, size=3000), "b": random.integers(3, size=3000)})
    found = Sample(rows, Design(weight="weight")).crosstab("a", "b")
    plain = stats.chi2_contingency(pd.crosstab(rows["a"], rows["b"]), correction=False)
    assert found.test("Chisq").statistic == pytest.approx(plain.statistic, rel=1e-12)
    assert np.allclose(found.design_effects, 3000 / 2999, atol=0.05)
    for statistic in STATISTICS:
        assert found.test(statistic).p == pytest.approx(plain.pvalue, rel=0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["F", "Chisq", "lincom", "Wald"]), st.floats(1e-3, 1e6))
def test_nothing_depends_on_scale_order_or_which_way_round(seed: int, statistic: str, scale: float) -> None:
    table = clustered(seed, columns=2)
    first = Sample(table, DESIGN).crosstab("a", "b").test(statistic)
    scaled = table.assign(weight=table["weight"] * scale).sample(frac=1, random_state=seed)
    for other in (Sample(scaled, DESIGN).crosstab("a", "b"), Sample(table, DESIGN).crosstab("b", "a")):
        again = other.test(statistic)
        assert again.p == pytest.approx(first.p, rel=1e-6)
        assert again.statistic == pytest.approx(first.statistic, rel=1e-7)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(STATISTICS), st.integers(2, 5), st.integers(2, 6), st.integers(2, 8))
def test_a_test_gives_a_probability_or_says_why_not(
    seed: int, statistic: str, rows: int, columns: int, psus: int
) -> None:
    sample = Sample(clustered(seed, rows=rows, columns=columns, psus=psus), Design(weight="weight", psu="psu"))
    try:
        found = sample.crosstab("a", "b").test(statistic)
    except DesignError as refused:
        assert str(refused).endswith(".")
        return
    assert 0 <= found.p <= 1
    assert not found.to_frame().isna().any().any()


def test_polars_lazy_gives_the_same() -> None:
    polars = pytest.importorskip("polars")
    eager = Sample(clustered(4), DESIGN)
    lazy = Sample(polars.from_pandas(clustered(4)).lazy(), DESIGN)
    pd.testing.assert_frame_equal(
        eager.crosstab("a", "b").to_frame(), lazy.crosstab("a", "b").to_frame(), rtol=1e-12, check_dtype=False
    )
    assert lazy.ttest("y", mu=0.5).p == pytest.approx(eager.ttest("y", mu=0.5).p, rel=1e-12)


# --- t tests


def test_a_t_test_is_the_contrast_of_the_means(stratified: Sample) -> None:
    found = stratified.ttest("api00", group="comp.imp", df="satterthwaite", level=0.9)
    means = stratified.mean("api00", by="comp.imp")
    contrast = means.contrast({"difference": {"Yes": 1, "No": -1}})
    compared = contrast.compare(to=0, adjust="none", level=0.9)
    assert (found.of, found.less) == ("comp.imp=Yes", "comp.imp=No")
    assert (found.estimate, found.se, found.p) == (contrast.values[0], contrast.se[0], compared.p[0])
    assert (found.low, found.high) == tuple(compared.limits[0])
    assert found.df == contrast.degrees("satterthwaite")[0]
    assert found.to_frame()["n"].tolist() == [200]
    assert stratified.ttest("api00", group="comp.imp", df=50).df == 50


def test_two_groups_of_psus_are_the_classical_test() -> None:
    """Equal weights, one person per psu, no strata: the difference of two means, with variances over n_1 + n_2 - 1."""
    rows = pd.DataFrame({"weight": 1.0, "y": [1.0, 2, 4, 8, 3, 5, 9], "group": list("aaabbbb")})
    found = Sample(rows, Design(weight="weight")).ttest("y", group="group")
    one, two = rows["y"][:3], rows["y"][3:]
    variance = 7 / 6 * (((one - one.mean()) ** 2).sum() / 9 + ((two - two.mean()) ** 2).sum() / 16)
    assert found.estimate == pytest.approx(two.mean() - one.mean(), rel=1e-12)
    assert found.se == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert found.df == 5


# --- what is refused


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda s: s.crosstab("a", "bb"), "Did you mean 'b'?"),
        (lambda s: s.crosstab("a", "a"), "with itself"),
        (lambda s: s.crosstab("a", "none"), "Nobody answered 'none'"),
        (lambda s: s.crosstab("a", "half", where=("a", "==", "a0")), "No row is left"),
        (lambda s: s.crosstab("a", "base").to_frame(), "a column 'base' of its own"),
        (lambda s: s.crosstab("a", "id"), "holds 300 values"),
        (lambda s: s.crosstab("a", "b").test("Chi"), "Did you mean 'Chisq'?"),
        (lambda s: s.crosstab("a", "one").test(), "'one' has the one value 'x'"),
        (lambda s: s.crosstab("a", "b", where=("psu", "==", 1)).test(), "too few psus"),
        (lambda s: s.crosstab("id2", "b").test("Wald"), "use statistic='F'"),
        (lambda s: s.crosstab("id2", "b").test("adjWald"), "use statistic='F'"),
        (lambda s: s.crosstab("same", "b_same").test(), "all psus agree"),
        (lambda s: s.goodness_of_fit("a", {"a0": 0.5, "a1": 0.5}), "no share to the value 'a2'"),
        (lambda s: s.goodness_of_fit("a", [0.5, 0.5]), "p has 2 shares, and 'a' has 3 values"),
        (lambda s: s.goodness_of_fit("a", [0.5, 0.4, 0.2]), "adds up to 1.1"),
        (lambda s: s.goodness_of_fit("a", [0.5, 0.5, 0.0]), "above 0 and below 1"),
        (lambda s: s.goodness_of_fit("a", [0.5, 0.5, float("nan")]), "above 0 and below 1"),
        (lambda s: s.goodness_of_fit("a", {"a0": 0.5, "a1": 0.3, "a2": 0.1, 3: 0.1}), "names the value 3"),
        (lambda s: s.goodness_of_fit("a", 0.5), "does not hold shares"),
        (lambda s: s.goodness_of_fit("a", {"a0": "x", "a1": "y", "a2": "z"}), "does not hold shares"),
        (lambda s: s.goodness_of_fit("one", [1.0]), "one value only"),
        (lambda s: s.goodness_of_fit("same", {"p": 0.5, "q": 0.5}), "All psus agree"),
        (lambda s: s.goodness_of_fit("a", [0.5, 0.25, 0.25], where=("psu", "==", 1)), "too few psus"),
        (lambda s: s.ttest("y"), "give one of group= and mu="),
        (lambda s: s.ttest("y", mu=0, group="b"), "give one of group= and mu="),
        (lambda s: s.ttest("y", mu=float("nan")), "no number"),
        (lambda s: s.ttest("a", mu=0), "needs numbers"),
        (lambda s: s.ttest("y", group="a"), "3 values among the answers to 'y' ('a0', 'a1', 'a2')"),
        (lambda s: s.ttest("y", group="one"), "has 1 values"),
        (lambda s: s.ttest("y", group="bee"), "names the column 'bee'"),
        (lambda s: s.ttest("constant", mu=0), "no estimated variance"),
        (lambda s: s.ttest("y", mu=0, where=("psu", "==", 1)), "too few psus"),
        (lambda s: s.ttest("y", mu=0, level=95), "not a confidence level"),
        (lambda s: s.ttest("y", mu=0, df="desing"), "is not a rule"),
    ],
)
def test_what_cannot_be_tested_is_refused_by_name(ask: object, said: str) -> None:
    table = clustered(5, psus=60).assign(
        id=range(300),
        id2=lambda one: one["psu"] % 40,
        none=None,
        half=lambda one: one["a"].where(one["a"] != "a0"),
        one="x",
        base=lambda one: one["b"],
        same=["p", "p", "q", "q", "q"] * 60,
        b_same=["r", "s", "r", "s", "s"] * 60,
        constant=3.0,
    )
    table = table.assign(weight=2.0)
    with pytest.raises(DesignError) as refused:
        ask(Sample(table, DESIGN))
    assert said in str(refused.value)


def test_a_share_may_be_given_to_a_value_that_nobody_gave() -> None:
    sample = Sample(clustered(6), DESIGN)
    found = sample.goodness_of_fit("a", {"a0": 0.3, "a1": 0.3, "a2": 0.3, "a9": 0.1})
    assert (found.levels, found.shares[-1]) == (("a0", "a1", "a2", "a9"), 0.0)
    assert 0 < found.p < 1


def test_the_instrument_orders_the_values_and_names_those_never_given() -> None:
    choices = [SimpleNamespace(name=name) for name in ("a2", "a0", "a9", "a1")]
    items = {
        "a": SimpleNamespace(type="select_one", choices=choices),
        "b": SimpleNamespace(type="select_multiple", choices=choices),
    }
    sample = Sample(clustered(8), DESIGN, instrument=SimpleNamespace(items=items, indices={}))
    table = sample.crosstab("a", "stratum")
    assert (table.row_levels, table.empty) == (("a2", "a0", "a1"), (("a", "a9"),))
    assert table.to_frame()["a"].tolist()[:4] == ["a2", "a2", "a0", "a0"]
    with pytest.raises(DesignError, match="may choose several values"):
        sample.crosstab("b", "a")


def test_answers_of_weight_zero_make_no_table() -> None:
    table = clustered(7).assign(weight=lambda one: np.where(one["psu"] < 4, 0.0, 1.0))
    with pytest.raises(DesignError, match="Nobody gave both 'a' and 'b'"):
        Sample(table, DESIGN).crosstab("a", "b", where=("psu", "<", 4))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(1e-4, 1e2), min_size=1, max_size=9), st.floats(1e-3, 1e3), st.floats(1.0, 1e6))
def test_a_tail_falls_and_stays_between_the_tails_of_its_ends(weights: list[float], x: float, ddf: float) -> None:
    """All weights as large as the largest make the tail heavier, the largest alone lighter."""
    found, larger = (exact_tail(at, np.array(weights), ddf) for at in (x, 1.5 * x))
    most, count = max(weights), len(weights)
    assert larger <= found * (1 + 1e-9)
    assert stats.f.sf(x / most, 1, ddf) * (1 - 1e-8) <= found <= stats.f.sf(x / most / count, count, ddf) * (1 + 1e-8)
    assert 0 <= saddlepoint_tail(x, np.array(weights), ddf) <= 1
