"""Rank tests against scipy where the design is simple, against R `survey` where it is not, and exact midranks."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis import Design, Replicates, Sample
from analysis.errors import DesignError
from tests.analysis.waves_data import DESIGN, wave

REFERENCE = Path(__file__).parents[1] / "reference"
few = settings(max_examples=8, deadline=None, derandomize=True)


def api(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv", keep_default_na=False, na_values=[""])


def clusters() -> Sample:
    return Sample(api("apiclus1"), Design(weight="pw", psu="dnum", fpc="fpc"))


def test_a_function_of_the_ranks_as_r() -> None:
    """svyranktest(api00 ~ comp.imp, d, test = function(r, N) (r / N)^2) on apiclus1, survey 4.1."""
    found = clusters().ranktest("api00", "comp.imp", score=lambda ranks: ranks**2)
    assert found.groups == ("No", "Yes") and found.ndf == 1 and found.ddf == 13
    assert found.estimate == pytest.approx(0.054989675658285, rel=1e-10)
    assert found.statistic == pytest.approx(1.406475372910033, rel=1e-10)
    assert found.p == pytest.approx(0.183035626693295, rel=1e-10)


def test_three_groups_and_a_domain_as_r() -> None:
    """svyranktest(api00 ~ stype, d, test = "vanderWaerden"); svyranktest(api00 ~ comp.imp, subset(d, stype != "E"))."""
    several = clusters().ranktest("api00", "stype", score="vanderWaerden")
    assert (several.ndf, several.ddf, several.estimate, several.se) == (2, 12, None, None)
    assert several.statistic * 2 == pytest.approx(3.040724886809543, rel=1e-9)
    assert several.p == pytest.approx(0.257913972650972, rel=1e-9)
    part = clusters().ranktest("api00", "comp.imp", where=("stype", "!=", "E"))
    assert part.ddf == 10 and part.estimate == pytest.approx(-0.0396825396825397, rel=1e-10)
    assert part.statistic == pytest.approx(-0.4446560482278286, rel=1e-10)
    assert list(several.to_frame().columns) == ["score", "statistic", "ndf", "ddf", "p", "n"]
    assert "estimate" in part.to_frame()


@few
@given(seed=st.integers(0, 2**31))
def test_mean_ranks_are_scipys_at_equal_weights(seed: int) -> None:
    table = wave(seed, districts=2, psus=4, people=9).assign(base_weight=2.0)
    found = Sample(table, DESIGN).ranktest("y", "sex")
    complete = table.dropna(subset=["y"])
    ranks = (stats.rankdata(complete["y"]) - 0.5) / len(complete)
    expected = [ranks[(complete["sex"] == sex).to_numpy()].mean() for sex in found.groups]
    np.testing.assert_allclose(found.means.values, expected, rtol=1e-12)
    assert found.n == len(complete)


@few
@given(seed=st.integers(0, 2**31), score=st.sampled_from(["wilcoxon", "vanderWaerden", "median"]))
def test_order_scale_and_any_rising_transformation_are_nothing(seed: int, score: str) -> None:
    table = wave(seed, districts=2, psus=4, people=12)
    other = table.assign(base_weight=table["base_weight"] * 0.3, y=np.exp(table["y"] / 50))
    other = other.sample(frac=1, random_state=seed % 1000)
    one, two = (Sample(each, DESIGN).ranktest("y", "band", score=score) for each in (table, other))
    np.testing.assert_allclose([one.statistic, one.p], [two.statistic, two.p], rtol=1e-8)


def test_equal_answers_share_the_middle_of_what_they_make_up() -> None:
    """Weights 1, then 2 and 4 alike, then 1: shares below 0, 1/8 and 7/8, so ranks 1/16, 1/2, 1/2 and 15/16, in any
    order of the rows. R takes the plain mean of the rows' own places: with the light row first (1 + 1 and 1 + 2 + 2)/2
    / 8 = 7/16, with the heavy one first (1 + 2 and 1 + 4 + 1)/2 / 8 = 9/16, for the same sample.
    """
    seen: list[np.ndarray] = []

    def score(ranks: np.ndarray) -> np.ndarray:
        seen.append(ranks)
        return ranks

    table = pd.DataFrame({"y": [0.0, 5, 5, 9], "w": [1.0, 2, 4, 1], "g": ["a", "b", "a", "b"]})
    for rows in ([0, 1, 2, 3], [3, 2, 1, 0]):
        Sample(table.iloc[rows], Design(weight="w")).ranktest("y", "g", score=score)
    for ranks in seen:
        np.testing.assert_allclose(ranks, [1 / 16, 1 / 2, 15 / 16], rtol=1e-15)


def test_replicates_rank_anew() -> None:
    columns, table = pd.read_csv(REFERENCE / "apistrat_boot.csv"), api("apistrat")
    declared = Replicates(columns=list(columns), kind="bootstrap", scale=1 / 59)
    sample = Sample(pd.concat([table, columns], axis=1), Design(weight="pw", replicates=declared))
    found = sample.ranktest("api00", "comp.imp")
    each = np.array([difference(table, column) for column in columns.to_numpy().T])
    full = difference(table, table["pw"].to_numpy())
    assert found.estimate == pytest.approx(full, rel=1e-10)
    assert found.se == pytest.approx(np.sqrt(((each - full) ** 2).sum() / 59), rel=1e-9)
    assert found.ddf == 58


def difference(table: pd.DataFrame, weight: np.ndarray) -> float:
    """The difference of mean midranks, row against row."""
    y, second = table["api00"].to_numpy(), (table["comp.imp"] == "Yes").to_numpy()
    below = (y[:, None] > y) @ weight + ((y[:, None] == y) @ weight) / 2
    ranks = below / weight.sum()
    return float(
        np.average(ranks[second], weights=weight[second]) - np.average(ranks[~second], weights=weight[~second])
    )


def test_lazy_rows_give_the_same() -> None:
    table = wave(4)
    one = Sample(table, DESIGN).ranktest("y", "sex").to_frame()
    two = Sample(duckdb.from_df(table), DESIGN).ranktest("y", "sex").to_frame()
    pd.testing.assert_frame_equal(one, two, rtol=1e-12)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"item": "word"}, "word"),
        ({"item": "yy"}, "yy"),
        ({"group": "wave"}, "1 groups"),
        ({"group": "psu_sex"}, "psu_sex"),
        ({"score": "wilcox"}, "wilcoxon"),
        ({"score": lambda ranks: ranks / 0.0}, "finite"),
        ({"score": lambda ranks: 1.0}, "as many"),
        ({"score": lambda ranks: np.full(len(ranks), "a")}, "finite numbers"),
        ({"score": None}, "is not a score"),
        ({"item": "half", "group": "half"}, "no estimated variance"),
        ({"item": "third", "group": "third"}, "no estimated variance"),
        ({"score": lambda ranks: 0 * ranks}, "variance"),
        ({"item": "absent"}, "No row is left"),
    ],
)
def test_what_cannot_be_is_refused(asked: dict[str, object], words: str) -> None:
    table = wave(3).assign(absent=np.nan)
    table = table.assign(half=np.arange(len(table)) % 2, third=np.arange(len(table)) % 3)
    with np.errstate(all="ignore"), pytest.raises(DesignError, match=words):
        Sample(table, DESIGN).ranktest(**({"item": "y", "group": "sex"} | asked))
