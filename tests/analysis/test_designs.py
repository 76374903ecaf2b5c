"""Designs that cannot be are refused in one sentence that names the offender and the remedy."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest

from analysis import Design, DesignError, Sample
from tests.analysis.stages_data import pupils
from tests.analysis.waves_data import DESIGN, wave


def with_weight(value: float) -> pd.DataFrame:
    table = wave()
    table.loc[3, "base_weight"] = value
    return table


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (math.nan, r"'base_weight' has 1 missing values"),
        (math.inf, r"'base_weight' has 1 infinite values"),
        (-1.0, r"'base_weight' has 1 negative values"),
    ],
)
@pytest.mark.parametrize("engine", [pd.DataFrame, pl.from_pandas])
def test_a_weight_that_is_no_weight_is_refused(value: float, sentence: str, engine) -> None:
    with pytest.raises(DesignError, match=sentence):
        Sample(engine(with_weight(value)), DESIGN)


def test_a_lazy_table_is_checked_at_the_first_estimate() -> None:
    sample = Sample(pl.from_pandas(with_weight(-1.0)).lazy(), DESIGN)
    with pytest.raises(DesignError, match="negative"):
        sample.mean("y")


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(DesignError, match=r"All weights in the column 'base_weight' are 0"):
        Sample(wave().assign(base_weight=0.0), DESIGN)


def test_an_infinite_answer_is_refused() -> None:
    with pytest.raises(DesignError, match="infinite value"):
        Sample(wave().assign(y=math.inf), DESIGN).mean("y")


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(DesignError, match="no rows"):
        Sample(wave().iloc[:0], DESIGN)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda s: s.mean("yy"), r"'yy', which the table does not have. Did you mean 'y'\?"),
        (lambda s: s.mean("y", by="distrikt"), r"'distrikt'.*Did you mean 'district'\?"),
        (lambda s: s.mean("y", where=("sax", "==", "male")), r"'sax'.*Did you mean 'sex'\?"),
        (lambda s: s.mean("y", where=("sex", "=", "male")), r"comparison '=' on 'sex'"),
        (lambda s: s.mean("y", where=("sex", "==", "nobody")), r"No row is left"),
        (lambda s: s.mean("y", missing="both"), r"missing='both' is not a rule"),
        (lambda s: s.ratio("y", "word"), r"the column 'word' holds"),
        (lambda s: s.composite({"y": 0}), r"every item weight finite and above 0"),
        (lambda s: s.mean("y").interval(method="wald"), r"no interval method 'wald'"),
        (lambda s: s.mean("y").interval(level=95), r"level=95 is not a confidence level"),
        (lambda s: s.mean("y").interval(df="rows"), r"df='rows' is not a rule"),
        (lambda s: s.mean("y").interval(method="logit"), r"needs values between 0 and 1"),
        (lambda s: s.mean("y").compare(to="whole"), r"no whole to compare with"),
        (lambda s: s.mean("y", by="sex").compare(to="males"), r"no domain 'males'.*Did you mean 'male'\?"),
        (lambda s: s.mean("y", by="sex").compare(to="rest", adjust="tukey"), r"adjust='tukey' is not an adjustment"),
        (lambda s: s.mean("y", by="sex").contrast({"gap": {"man": 1}}), r"no estimate of 'man'"),
        (lambda s: s.mean("y", by="sex").change(over="wave"), r"only 'one'"),
        (lambda s: s.index("satisfaction"), r"no index 'satisfaction'. There is none."),
    ],
)
def test_a_request_that_cannot_be_honoured_names_what_is_wrong(ask, sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        ask(Sample(wave(), DESIGN))


@pytest.mark.parametrize(
    ("declare", "sentence"),
    [
        (Design, "neither weight nor fpc"),
        (lambda: Design(weight="w", lonely_psu="ignore"), "lonely_psu='ignore' is not a rule"),
        (lambda: Design(weight="w", fpc=["a", "b"]), "2 fpc columns for 0 psu columns"),
        (lambda: Sample(wave(), Design(weight="base_wait")), "Did you mean 'base_weight'"),
        (lambda: Sample(wave(), Design(weight="sex")), "'sex' holds"),
        (lambda: Sample(wave().assign(psu="7"), DESIGN), "psu '7'.*stands in two strata"),
        (lambda: Sample(wave(psus=1), DESIGN), r"stratum '510100' \(and 3 more\) has one psu"),
        (lambda: Sample(wave().assign(stratum=None), DESIGN), "'stratum' has missing values"),
        (lambda: Sample(wave().assign(n=3), Design(**vars(DESIGN) | {"fpc": "n"})), "says 3 units .* 6 were drawn"),
        (
            lambda: Sample(wave().assign(n=range(192)), Design(**vars(DESIGN) | {"fpc": "n"})),
            "no single positive value",
        ),
    ],
)
def test_a_design_that_cannot_be_is_refused(declare, sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        declare()


def test_labels_are_compared_as_pairs_and_never_joined() -> None:
    """Joined strings would make the psu "1" of stratum "11" the psu "11" of stratum "1"."""
    table = pd.DataFrame({"s": ["1", "1", "11", "11"], "p": ["11", "2", "1", "2"], "w": 1.0, "y": [1.0, 2.0, 3.0, 5.0]})
    mean = Sample(table, Design(weight="w", stratum="s", psu="p", nest=True)).mean("y")
    assert mean.df[0] == 2
    assert mean.se[0] ** 2 == pytest.approx((2 * (0.5**2) * 2 + 2 * (1**2) * 2) / 16)


def test_an_item_that_nobody_answered_has_no_estimate_and_says_why() -> None:
    table = wave().assign(y=lambda t: t["y"].where(t["district"] != "510101"))
    frame = Sample(table, DESIGN).mean("y", by="district").to_frame()
    assert frame["reason"].tolist() == ["", "no valid answer", "", ""]
    assert np.isnan(frame.loc[1, ["estimate", "se", "low", "high"]].astype(float)).all()


def test_a_sample_is_unchanged_by_weighting() -> None:
    sample = Sample(wave(), DESIGN)
    before = sample.weights.copy()
    sample.poststratify("sex", {"female": 500.0, "male": 400.0})
    assert sample.steps == ()
    assert (sample.weights == before).all()


STAGES = {"stratum": "region", "psu": ["school", "room"]}


def test_three_stages_with_an_fpc_each_are_those_of_r() -> None:
    """svydesign(ids=~school+room+pupil, strata=~region, fpc=~n1+n2+n3, data=d): svymean, svytotal, svyby(covmat=TRUE).
    R 4.2, survey 4.1.1. Pupils are the units whether the psu list names them or not.
    """
    for psu in (["school", "room"], ["school", "room", "pupil"]):
        sample = Sample(pupils(), Design(stratum="region", psu=psu, fpc=["n1", "n2", "n3"]))
        assert sample.mean("y").values[0] == pytest.approx(43.77266530334015, rel=1e-12)
        assert sample.mean("y").se[0] == pytest.approx(3.53103877336955, rel=1e-12)
        assert sample.total("y").se[0] == pytest.approx(5962.80692664490471, rel=1e-12)
        covariance = [[15.52163585184242, 9.95886125978401], [9.95886125978401, 12.19422511223241]]
        assert sample.mean("y", by="g").covariance == pytest.approx(np.array(covariance), rel=1e-12)
        assert sample.mean("y").degrees("design")[0] == 4


def test_a_last_stage_without_fpc_is_as_if_drawn_with_replacement() -> None:
    """svydesign(ids=~school+room+pupil, strata=~region, fpc=~n1+n2+inf, weights=~w, data=d), inf = Inf: svymean."""
    table = pupils().assign(w=lambda t: t["n1"] / 3 * t["n2"] / 2 * t["n3"] / 3)
    design = Design(weight="w", stratum="region", psu=["school", "room", "pupil"], fpc=["n1", "n2"])
    assert Sample(table, design).mean("y").se[0] == pytest.approx(3.54841184135469, rel=1e-12)


def test_fractions_and_counts_of_different_stages_go_together() -> None:
    table = pupils().assign(f1=lambda t: 3 / t["n1"], f2=lambda t: 2 / t["n2"])
    counts = Sample(table, Design(**STAGES, fpc=["n1", "n2", "n3"])).mean("y")
    mixed = Sample(table, Design(**STAGES, fpc=["f1", "f2", "n3"])).mean("y")
    assert mixed.se[0] == pytest.approx(counts.se[0], rel=1e-12)


def test_where_all_psus_were_drawn_the_second_stage_carries_all_the_variance() -> None:
    """By hand: f1 = 1, so V = sum over schools of (1 - f2) m / (m - 1) sum (E_ij - mean)^2."""
    table = pupils().assign(n1=3)
    total = Sample(table, Design(**STAGES, fpc=["n1", "n2"], weight="n3")).total("y")
    expected = 0.0
    for _, school in table.groupby("school"):
        rooms = (school["n3"] * school["y"]).groupby(school["room"]).sum()
        expected += (1 - 2 / school["n2"].iloc[0]) * 2 * ((rooms - rooms.mean()) ** 2).sum()
    assert total.se[0] ** 2 == pytest.approx(expected, rel=1e-12)
    assert Sample(table, Design(stratum="region", psu="school", fpc="n1", weight="n3")).total("y").se[0] == 0


@pytest.mark.parametrize(
    ("change", "stages", "sentence"),
    [
        ({"n3": 2}, ["n1", "n2", "n3"], "'n3' says 2 units .*of which 3 were drawn"),
        ({"n3": -4}, ["n1", "n2", "n3"], "'n3' has no single positive value"),
        ({"n1": lambda t: t["n1"].where(t["region"] == "north", 0.25)}, ["n1"], "'n1' holds 0.25 .*counts elsewhere"),
        ({"n1": lambda t: t["n1"].where(t["region"] == "north", 1)}, ["n1"], "'n1' says 1 units .* 3 were drawn"),
        ({"n1": lambda t: t["n1"].where(t["pupil"] > 1)}, ["n1"], "'n1' has no single positive value .*missing"),
        ({"n2": lambda t: t["n2"] + t["room"]}, ["n1", "n2"], "'n2' has no single positive value in the group"),
    ],
)
@pytest.mark.parametrize("engine", [pd.DataFrame, pl.from_pandas, lambda t: pl.from_pandas(t).lazy()])
def test_an_fpc_that_cannot_be_is_refused_at_any_stage(change, stages, sentence: str, engine) -> None:
    table = pupils().assign(w=1.0).assign(**change)
    with pytest.raises(DesignError, match=sentence):
        Sample(engine(table), Design(**STAGES, fpc=stages, weight="w")).mean("y")


@pytest.mark.parametrize("column", ["stratum", "psu"])
def test_a_column_of_numbers_beside_text_is_refused(column: str) -> None:
    table = wave()
    table[column] = table[column].astype(object)
    table.loc[: len(table) // 2, column] = [int(one) for one in table.loc[: len(table) // 2, column]]
    with pytest.raises(DesignError, match=f"column '{column}' holds values of several kinds"):
        Sample(table, DESIGN)


def lonely_in_a_domain() -> pd.DataFrame:
    """Two strata of three psus; the group a stands in one psu of the first and in two of the second."""
    return pd.DataFrame(
        {
            "s": ["x"] * 6 + ["y"] * 6,
            "p": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6],
            "w": [2.0, 3.0, 2.0, 4.0, 1.0, 2.0, 5.0, 1.0, 2.0, 2.0, 3.0, 1.0],
            "g": ["a", "b", "b", "b", "b", "b", "a", "b", "a", "b", "b", "b"],
            "y": [10.0, 40.0, 20.0, 60.0, 30.0, 10.0, 50.0, 20.0, 70.0, 80.0, 40.0, 90.0],
        }
    )


def by_hand(rule: str) -> float:
    """Scores of the mean of a: psu totals w (y - r) / W. Stratum x has one psu with a, whose score is e; y has two."""
    table = lonely_in_a_domain()[lambda t: t["g"] == "a"]
    mean = np.average(table["y"], weights=table["w"])
    e, u, v = (table["w"] * (table["y"] - mean) / table["w"].sum()).tolist()
    y = 1.5 * sum((one - (u + v) / 3) ** 2 for one in (u, v, 0.0))
    lonely = 1.5 * sum((one - e / 3) ** 2 for one in (e, 0.0, 0.0))
    return {"keep": lonely + y, "adjust": 1.5 * e**2 + y, "average": 2 * y}[rule] ** 0.5


@pytest.mark.parametrize(
    ("rule", "in_domains", "expected"),
    [
        ("fail", False, "keep"),
        ("adjust", False, "keep"),
        ("average", False, "keep"),
        ("remove", True, "keep"),
        ("certainty", True, "keep"),
        ("adjust", True, "adjust"),
        ("average", True, "average"),
    ],
)
def test_a_stratum_that_a_domain_leaves_with_one_psu(rule: str, in_domains: bool, expected: str) -> None:
    design = Design(weight="w", stratum="s", psu="p", lonely_psu=rule, lonely_psu_in_domains=in_domains)
    for mean in (
        Sample(lonely_in_a_domain(), design).mean("y", by="g"),
        Sample(lonely_in_a_domain(), design).mean("y", where=("g", "==", "a")),
    ):
        assert mean.se[0] == pytest.approx(by_hand(expected), rel=1e-12)
        assert mean.lonely_strata[0] == 1
        assert mean.to_frame()["lonely_strata"][0] == 1


def test_the_refusing_rule_refuses_such_a_domain_by_name() -> None:
    design = Design(weight="w", stratum="s", psu="p", lonely_psu_in_domains=True)
    with pytest.raises(DesignError, match=r"leaves 'x' with one psu"):
        Sample(lonely_in_a_domain(), design).mean("y", by="g")
    assert Sample(lonely_in_a_domain(), design).mean("y").se[0] > 0


def test_where_every_stratum_is_left_with_one_psu_the_average_is_of_none() -> None:
    table = lonely_in_a_domain().assign(g=["a", "b", "b", "b", "b", "b"] * 2)
    design = Design(weight="w", stratum="s", psu="p", lonely_psu="average", lonely_psu_in_domains=True)
    frame = Sample(table, design).mean("y", by="g").to_frame(df="design")
    assert np.isnan(frame["low"][0])
    assert frame["reason"][0] == "no estimated variance"


def test_no_lonely_stratum_no_column() -> None:
    assert "lonely_strata" not in Sample(wave(), DESIGN).mean("y", by="district").to_frame()


def strata_of_one() -> pd.DataFrame:
    """Five strata with one psu each and a sixth with two, with their sizes."""
    return pd.DataFrame(
        {
            "s": ["a", "b", "c", "d", "e", "f", "f"],
            "p": [1, 1, 1, 1, 1, 1, 2],
            "size": [10, 50, 20, 40, 30, 60, 60],
            "n": [5, 4, 3, 6, 7, 9, 9],
            "w": 2.0,
            "y": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 31.0],
        }
    )


ONES = Design(weight="w", stratum="s", psu="p", nest=True)


def test_collapsed_strata_count_as_one_by_hand() -> None:
    """Totals 2y: a with b, c with d and e; V = n / (n - 1) sum (E_i - mean)^2 in each group, psus 1 of two strata two
    psus.
    """
    collapsed = ONES.collapse_strata([("a", "b"), ("c", "d", "e")])
    total = Sample(strata_of_one(), collapsed).total("y")
    groups = [[2, 4], [8, 16, 32], [64, 62]]
    expected = sum(len(one) / (len(one) - 1) * ((np.array(one) - np.mean(one)) ** 2).sum() for one in groups)
    assert total.se[0] ** 2 == pytest.approx(expected, rel=1e-12)
    assert total.df[0] == 4
    named = ONES.collapse_strata({"a": "one", "c": "two", "b": "one", "d": "two", "e": "two"})
    assert Sample(strata_of_one(), named).total("y").se[0] == total.se[0]


def test_psus_there_are_add_up_in_collapsed_strata() -> None:
    design = Design(weight="w", stratum="s", psu="p", nest=True, fpc="n").collapse_strata(["ab", "cde"])
    total = Sample(strata_of_one(), design).total("y")
    expected = (1 - 2 / 9) * 2 * 2 + (1 - 3 / 16) * 1.5 * ((np.array([8, 16, 32]) - 56 / 3) ** 2).sum()
    expected += (1 - 2 / 9) * 2 * 2
    assert total.se[0] ** 2 == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("engine", [pd.DataFrame, pl.from_pandas, lambda t: pl.from_pandas(t).lazy()])
def test_neighbours_are_the_next_in_an_order_known_beforehand(engine) -> None:
    """By size: a 10, c 20, e 30, d 40, b 50, f 60 (two psus): a with c, e with d, b with f."""
    sample = Sample(engine(strata_of_one()), Design(**vars(ONES) | {"lonely_psu": "remove"}))
    collapsed = sample.collapse_strata(by="size")
    assert {frozenset(label for (label,) in group) for group in collapsed.design.collapsed} == {
        frozenset("ac"),
        frozenset("ed"),
        frozenset("bf"),
    }
    assert sample.design.collapsed == ()
    without_last = Sample(strata_of_one().iloc[:5], sample.design).collapse_strata(by="size")
    assert {len(group) for group in without_last.design.collapsed} == {2, 3}
    assert collapsed.collapse_strata(by="size").design == collapsed.design
    assert collapsed.collapse_strata([("a", "e")]).total("y").df[0] == 5


def test_collapsed_strata_with_waves_keep_the_covariance_of_shared_psus() -> None:
    two = pd.concat([strata_of_one().assign(wave=1), strata_of_one().assign(wave=2)])
    design = Design(**vars(ONES) | {"wave": "wave"}).collapse_strata(["ab", "cd", "ef"])
    change = Sample(two, design).total("y", by="wave").change(over="wave")
    assert change.se[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda s: s.collapse_strata(), "either the groups of strata or by="),
        (lambda s: s.collapse_strata([("a", "b")], by="size"), "either the groups of strata or by="),
        (lambda s: s.collapse_strata([("a",)]), "'a' alone"),
        (lambda s: s.collapse_strata([("a", "b"), ("b", "c")]), "'b' stands in two groups"),
        (lambda s: s.collapse_strata([("a", "bb")]), "'bb' does not stand in the table"),
        (lambda s: s.collapse_strata([(("a", 1), ("b", 1))]), "has 2 labels for 1 stratum columns"),
        (lambda s: s.collapse_strata(by="sice"), "Did you mean 'size'"),
        (lambda s: s.collapse_strata(by="y"), "no single value in the stratum 'f'"),
        (lambda s: Sample(s.data.iloc[:1], s.design).collapse_strata(by="size"), "no neighbour to merge it with"),
        (lambda s: Design(weight="w", psu="p").collapse_strata([("a", "b")]), "no strata to collapse"),
    ],
)
def test_strata_that_cannot_be_collapsed_are_refused(ask, sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        ask(Sample(strata_of_one(), Design(**vars(ONES) | {"lonely_psu": "remove"})))


def test_a_collapsed_stratum_named_as_number_where_the_table_has_text_is_refused() -> None:
    table = strata_of_one().assign(s=["1", "2", "3", "4", "5", "6", "6"])
    with pytest.raises(DesignError, match=r"\(1,\) is \('1',\) in the table"):
        Sample(table, ONES.collapse_strata([(1, 2)]))
