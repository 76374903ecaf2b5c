"""Unequal probabilities without replacement: R's numbers, the double sum by hand, equal probabilities, refusals."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, DesignError, Sample
from tests.analysis.stages_data import pupils, rooms

METHODS = ("overton", "hartley-rao")


def schools() -> pd.DataFrame:
    return rooms()[lambda t: t["room"] == 1].reset_index(drop=True)


def double_sum(form: np.ndarray, totals: np.ndarray, variance: str) -> float:
    """sum_ij D_ij E_i E_j, or -1/2 sum_ij D_ij (E_i - E_j)^2, term by term."""
    if variance == "HT":
        return float(sum(form[i, j] * totals[i] * totals[j] for i in range(len(form)) for j in range(len(form))))
    gaps = np.subtract.outer(totals, totals) ** 2
    return float(-0.5 * (form * gaps).sum())


def form_by_hand(pi: np.ndarray, stratum: np.ndarray, method: str) -> np.ndarray:
    """1 - (n - c_ij) / (n - 1) between psus of a stratum, 1 - pi on the diagonal."""
    form = np.zeros((len(pi), len(pi)))
    for i in range(len(pi)):
        mine = stratum == stratum[i]
        n = mine.sum()
        for j in np.flatnonzero(mine):
            both = pi[i] + pi[j]
            taken = both / 2 if method == "overton" else both - pi[mine].mean()
            form[i, j] = 1 - pi[i] if i == j else 1 - (n - taken) / (n - 1)
    return form


def test_brewer_in_two_stages_is_that_of_r() -> None:
    """svydesign(ids=~school+room, strata=~region, fpc=~pi1+pi2, data=d, pps="brewer"): svytotal, svymean. R 4.2, survey
    4.1.1.
    """
    design = Design(stratum="region", psu="school", inclusion_probability=["pi1", "pi2"], pps="brewer")
    sample = Sample(rooms(), design)
    total, mean = sample.total("y"), sample.mean("y")
    assert total.values[0] == pytest.approx(8152.93736132445792, rel=1e-12)
    assert total.se[0] == pytest.approx(2710.92109081188210, rel=1e-12)
    assert mean.se[0] == pytest.approx(3.66545161922255, rel=1e-12)
    named = Sample(rooms(), Design(**vars(design) | {"psu": ["school", "room"]}))
    assert named.total("y").se[0] == pytest.approx(total.se[0], rel=1e-12)


@pytest.mark.parametrize(
    ("method", "variance", "total", "mean"),
    [
        ("overton", "HT", 304.9321670096353, 3.8993236093682),
        ("overton", "YG", 269.29498541734392, 3.84076679061474),
        ("hartley-rao", "HT", 298.86648433984777, 3.94751706921788),
        ("hartley-rao", "YG", 275.09746865972067, 3.90905798089195),
    ],
)
def test_approximated_joint_probabilities_in_strata_are_those_of_r(
    method: str, variance: str, total: float, mean: float
) -> None:
    """svydesign(ids=~school, strata=~region, fpc=~pi1, data=d, pps="overton" or HR(), variance=). R 4.2, survey
    4.1.1.
    """
    design = Design(stratum="region", psu="school", inclusion_probability="pi1", pps=method, pps_variance=variance)
    sample = Sample(schools(), design)
    assert sample.total("y").se[0] == pytest.approx(total, rel=1e-10)
    assert sample.mean("y").se[0] == pytest.approx(mean, rel=1e-10)
    assert sample.mean("y").df[0] == 4


@pytest.mark.parametrize("variance", ["HT", "YG"])
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_form_is_the_double_sum_over_pairs_of_psus(method: str, variance: str, data) -> None:
    size = data.draw(st.integers(2, 7))
    pi = np.array(data.draw(st.lists(st.floats(0.05, 1.0), min_size=2 * size, max_size=2 * size)))
    y = np.array(data.draw(st.lists(st.floats(0, 100), min_size=2 * size, max_size=2 * size)))
    table = pd.DataFrame({"s": ["a"] * size + ["b"] * size, "pi": pi, "y": y})
    design = Design(stratum="s", inclusion_probability="pi", pps=method, pps_variance=variance)
    expected = double_sum(form_by_hand(pi, table["s"].to_numpy(), method), y / pi, variance)
    root = Sample(table, design).total("y").entries.root
    assert root.variance()[0] == pytest.approx(expected, rel=1e-7, abs=1e-9 * (1 + ((y / pi) ** 2).sum()))


@pytest.mark.parametrize("pps", ["brewer", *METHODS, "matrix", "matrix YG"])
def test_equal_probabilities_give_the_simple_random_variance(pps: str) -> None:
    """Joint probabilities n (n - 1) / (N (N - 1)): every method is then (1 - n / N) n / (n - 1) sum (E_i - E)^2, also
    below it the second stage.
    """
    table = pupils().assign(pi1=lambda t: 3 / t["n1"], pi2=lambda t: 2 / t["n2"])
    names = list(dict.fromkeys(table["school"]))
    count = {name: table.loc[table["school"] == name, "n1"].iloc[0] for name in names}
    joint = {
        (one, other): 3 * 2 / (count[one] * (count[one] - 1))
        for one in names
        for other in names
        if one != other and one[0] == other[0]
    }
    keys = {"stratum": "region", "psu": ["school", "room"], "weight": "w"}
    table = table.assign(w=1 / table["pi1"] / table["pi2"])
    variance = "YG" if pps.endswith("YG") else "HT"
    drawn = Design(
        **keys,
        inclusion_probability=["pi1", "pi2"],
        pps=joint if pps.startswith("matrix") else pps,
        pps_variance=variance,
    )
    found = Sample(table, drawn).mean("y", by="g")
    simple = Sample(table, Design(**keys, fpc=["n1", "n2"])).mean("y", by="g")
    assert found.covariance == pytest.approx(simple.covariance, rel=1e-9)
    assert found.df.tolist() == simple.df.tolist()
    assert found.degrees("satterthwaite") == pytest.approx(simple.degrees("satterthwaite"), rel=0.2)


def joint_of(pi: list[float], shrink: float = 0.8) -> np.ndarray:
    joint = shrink * np.outer(pi, pi)
    np.fill_diagonal(joint, pi)
    return joint


PI = [0.2, 0.5, 0.4, 0.3]
ELEMENTS = pd.DataFrame({"pi": PI, "y": [10.0, 30.0, 20.0, 40.0], "g": ["a", "b", "a", "b"]})


@pytest.mark.parametrize("variance", ["HT", "YG"])
def test_given_joint_probabilities_are_the_double_sum_with_covariances_of_domains(variance: str) -> None:
    joint = joint_of(PI)
    sample = Sample(ELEMENTS, Design(inclusion_probability="pi", pps=joint, pps_variance=variance))
    form = 1 - np.outer(PI, PI) / joint
    np.fill_diagonal(form, 1 - np.array(PI))
    totals = ELEMENTS["y"].to_numpy() / PI
    parts = sample.total("y", by="g")
    by_hand = [double_sum(form, totals * (ELEMENTS["g"] == g).to_numpy(), variance) for g in "ab"]
    both = double_sum(form, totals, variance)
    assert np.diag(parts.covariance) == pytest.approx(by_hand, rel=1e-10)
    assert parts.covariance.sum() == pytest.approx(both, rel=1e-10)


def test_a_table_labelled_by_psu_may_stand_in_any_order_and_rows_too() -> None:
    table = schools()
    names = table["school"].tolist()
    north = joint_of(table["pi1"].tolist(), 0.9)
    apart = np.not_equal.outer([name[0] for name in names], [name[0] for name in names])
    square = pd.DataFrame(np.where(apart, np.nan, north), index=names, columns=names)
    first = Sample(table, Design(stratum="region", psu="school", inclusion_probability="pi1", pps=square)).mean("y")
    shuffled = square.sample(frac=1, random_state=1).sample(frac=1, random_state=2, axis=1)
    for frame in (table.sample(frac=1, random_state=3), pl.from_pandas(table).lazy()):
        again = Sample(frame, Design(stratum="region", psu="school", inclusion_probability="pi1", pps=shuffled))
        assert again.mean("y").se[0] == pytest.approx(first.se[0], rel=1e-12)


def test_labels_that_start_again_are_named_with_their_stratum() -> None:
    table = schools().assign(school=[1, 2, 3, 1, 2, 3])
    pi = dict(zip(zip(table["region"], table["school"], strict=True), table["pi1"], strict=True))
    joint = {(a, b): 0.9 * pi[a] * pi[b] for a in pi for b in pi if a[0] == b[0] and a < b}
    keys = {"stratum": "region", "psu": "school", "nest": True, "inclusion_probability": "pi1"}
    found = Sample(table, Design(**keys, pps=joint)).mean("y")
    names = schools()["school"].tolist()
    renamed = {(names[list(pi).index(a)], names[list(pi).index(b)]): value for (a, b), value in joint.items()}
    assert found.se[0] == Sample(schools(), Design(**keys | {"nest": False}, pps=renamed)).mean("y").se[0]


def test_the_weight_is_one_over_the_product_of_the_probabilities() -> None:
    table = rooms()
    design = Design(stratum="region", psu="school", inclusion_probability=["pi1", "pi2"])
    sample = Sample(table, design)
    assert sample.weights == pytest.approx(1 / (table["pi1"] * table["pi2"]).to_numpy(), rel=1e-15)
    given = Sample(table.assign(w=sample.weights), Design(weight="w", stratum="region", psu="school"))
    assert sample.mean("y").se[0] == pytest.approx(given.mean("y").se[0], rel=1e-12)


def negative() -> Sample:
    """Two psus with equal totals, rarely drawn together: Horvitz and Thompson's estimate is below 0."""
    table = pd.DataFrame({"pi": [0.5, 0.5, 0.9], "y": [10.0, 10.0, 1.0], "g": ["a", "a", "b"]})
    joint = np.array([[0.5, 0.05, 0.45], [0.05, 0.5, 0.45], [0.45, 0.45, 0.9]])
    return Sample(table, Design(inclusion_probability="pi", pps=joint))


def test_a_negative_variance_is_reported_and_never_a_number() -> None:
    sample = negative()
    frame = sample.total("y", by="g", whole=True).to_frame()
    assert frame["reason"].tolist() == [
        "its variance is estimated to be negative",
        frame["reason"][1],
        "its variance is estimated to be negative",
    ]
    assert frame["estimate"].tolist() == pytest.approx([40.0, 10 / 9, 40 + 10 / 9])
    assert np.isnan(frame.loc[0, ["se", "low", "high"]].astype(float)).all()
    compared = sample.total("y", by="g").compare(to="pairs").to_frame()
    assert np.isnan(compared["p"]).all()
    assert (compared["reason"] != "").all()
    with pytest.raises(DesignError, match="not positive"):
        sample.total("y", by="g").wald()


def test_a_variable_in_proportion_to_the_probabilities_has_no_variance() -> None:
    for method in ("brewer", *METHODS):
        variance = "HT" if method == "brewer" else "YG"
        design = Design(inclusion_probability="pi", pps=method, pps_variance=variance)
        total = Sample(ELEMENTS.assign(y=[7 * pi for pi in PI]), design).total("y")
        assert total.se[0] == pytest.approx(0.0, abs=1e-12)


KEYS = {"stratum": "region", "psu": "school", "inclusion_probability": "pi1"}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Design(weight="w", pps="brewer"), "needs the inclusion probabilities"),
        (lambda: Design(**KEYS, pps="bruer"), "pps='bruer' is not a method. Did you mean 'brewer'"),
        (lambda: Design(**KEYS, pps="overton", pps_variance="SYG"), "pps_variance='SYG'"),
        (lambda: Design(**KEYS, pps="brewer", pps_variance="YG"), "needs joint probabilities"),
        (lambda: Design(**KEYS, pps="brewer", fpc="n1"), "leave fpc out"),
        (lambda: Design(**KEYS, pps="overton", wave="wave"), "use pps='brewer' with wave="),
        (lambda: Design(**KEYS, pps="overton", lonely_psu="adjust"), "stratum with one psu can be refused"),
        (lambda: Design(inclusion_probability=["a", "b"]), "2 inclusion_probability columns for 0 psu columns"),
        (lambda: Design(**KEYS, pps=np.ones((2, 3))), "shape \\(2, 3\\) are no square matrix"),
        (lambda: Design(**KEYS, pps=np.array([[0.5, 0.2], [0.3, 0.5]])), "0.2 and 0.3 the other way round"),
        (lambda: Design(**KEYS, pps=np.array([[0.5, 0.0], [0.0, 0.5]])), "never drawn together"),
        (lambda: Design(**KEYS, pps={"a": 0.5}), "write pairs"),
        (lambda: Design(**KEYS, pps=pd.DataFrame(np.eye(2), index=["a", "b"], columns=["a", "c"])), "same psu labels"),
        (lambda: Sample(schools(), Design(**KEYS, pps=np.full((6, 6), 0.05))), "whose rows are psus"),
        (lambda: Sample(schools(), Design(**KEYS, pps={("n0", "n1"): 0.01})), "lack the psu 'n2'"),
        (lambda: Sample(ELEMENTS, Design(inclusion_probability="pi", pps=joint_of(PI[:3]))), "lack the psu 3"),
        (
            lambda: Sample(ELEMENTS, Design(inclusion_probability="pi", pps=joint_of([0.2, 0.5, 0.4, 0.6]))),
            "psu 3 has the inclusion probability 0.3 in the table and 0.6",
        ),
        (
            lambda: Sample(ELEMENTS, Design(inclusion_probability="pi", pps=np.where(np.eye(4), np.diag(PI), 0.25))),
            "is above that of one of them",
        ),
        (
            lambda: Sample(ELEMENTS, Design(stratum="g", inclusion_probability="pi", pps=joint_of(PI))),
            "strata are drawn independently",
        ),
        (lambda: Sample(schools().assign(pi1=0.0), Design(**KEYS)), "'pi1' has 6 values that are no inclusion"),
        (lambda: Sample(schools().assign(pi1=1.2), Design(**KEYS, pps="brewer")), "above 0 and at most 1"),
        (lambda: Sample(schools().assign(pi1=math.nan), Design(**KEYS)), "no inclusion probability"),
        (lambda: Sample(schools().assign(w=1.0, pi1=-1.0), Design(**KEYS, weight="w")), "no inclusion probability"),
        (lambda: Sample(rooms().assign(pi1=FIRST_VARIES), Design(**KEYS, pps="brewer")), "in one sampling unit"),
        (lambda: Sample(schools().iloc[2:], Design(**KEYS, pps="overton")), "stratum 'north' has one psu"),
    ],
)
def test_what_cannot_be_is_refused(make, sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        make()


FIRST_VARIES = [0.3, 0.31] + [0.2] * 10


@pytest.mark.parametrize("pps", [*METHODS, "matrix"])
def test_a_lonely_psu_may_add_no_variance(pps: str) -> None:
    table = schools().iloc[2:]
    names = table["school"].tolist()
    joint = pd.DataFrame(joint_of(table["pi1"].tolist(), 1.0), index=names, columns=names)
    keys = {**KEYS, "lonely_psu": "remove", "pps": joint if pps == "matrix" else pps}
    total = Sample(table, Design(**keys)).total("y", by="region")
    assert total.se[0] == 0
    south = Sample(schools().iloc[3:], Design(**KEYS | {"pps": "overton"})).total("y")
    assert pps != "overton" or total.se[1] == pytest.approx(south.se[0], rel=1e-12)
