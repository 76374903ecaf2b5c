"""What is made of scores and answers: shares with their denominator, persons' indices, knowledge, sensitivity."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

import questionnaires
from analysis import DesignError, Sample
from questionnaires import load_instrument
from tests.analysis.waves_data import DESIGN, wave

LIBRARY = Path(questionnaires.__file__).parent / "library" / "public-opinion.yaml"


@dataclass(frozen=True)
class Index:
    """An index of a bare table: columns `<item>_score`."""

    items: dict[str, float]
    name: str = "index"
    min_weight: float = 0.0
    min_answered: int = 0
    children: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Random answers to every scored item, everybody answering everything."""
    instrument, random = load_instrument(LIBRARY), np.random.default_rng(1)
    table = wave(5)
    columns = {}
    for name in sorted({name for index in instrument.indices.values() for name in index.items}):
        item = instrument.items[name]
        columns[name] = random.choice(
            [choice.name for choice in item.choices if choice.missing != "refused"], len(table)
        )
        if item.key:
            truth = [choice.name for choice in item.choices if choice.missing is None]
            columns[f"ledger_{item.key}"] = random.choice(truth, len(table))
    columns["B2_matter"] = random.choice(["government", "compound other", "", None], len(table))
    return Sample(pd.concat([table, pd.DataFrame(columns)], axis=1), DESIGN, instrument=instrument)


def test_the_top_two_are_those_with_the_highest_scores_among_the_answers_on_the_scale(sample: Sample) -> None:
    found = sample.top_two("E1", by="district")
    assert found.variables == ("E1: very_satisfied, satisfied",)
    shares = sample.proportion("E1", by="district")
    table = dict(zip(shares.variables, shares.values.reshape(len(shares.variables), -1), strict=True))
    scale = sum(table[name] for name in table if name not in ("dont_know", "refused"))
    np.testing.assert_allclose(found.values, (table["very_satisfied"] + table["satisfied"]) / scale, rtol=1e-12)
    assert set(found.to_frame()["of"]) == {"answers on the scale"}
    assert (sample.top_two("E1", values=["very_satisfied"]).values < found.values.max()).all()


def test_of_a_bare_column_the_highest_numbers_are_the_top() -> None:
    bare = Sample(wave(), DESIGN)
    found = bare.top_two("z")
    assert found.variables == ("z: 100, 75",)
    table = wave().assign(top=lambda t: (t["z"] >= 75).astype(float))
    mean = Sample(table, DESIGN).mean("top")
    np.testing.assert_allclose([found.values, found.se], [mean.values, mean.se], rtol=1e-12)
    with pytest.raises(DesignError, match="neither scores nor numbers"):
        bare.top_two("word")
    with pytest.raises(DesignError, match="no part of it"):
        bare.top_two("z", count=5)
    with pytest.raises(DesignError, match="no answer '7'"):
        bare.top_two("word", values=["7"])


def test_scores_that_tie_are_not_cut(sample: Sample) -> None:
    with pytest.raises(DesignError, match="have the same score"):
        sample.top_two("B1", count=1)
    assert sample.top_two("B1", count=2).variables == ("B1: once_or_twice, three_or_more",)


def test_shares_of_several_answers_say_what_they_are_of(sample: Sample) -> None:
    asked, ticking = sample.proportion("B2_matter"), sample.proportion("B2_matter", of="ticking")
    assert set(asked.to_frame()["of"]) == {"all who were asked"}
    assert set(ticking.to_frame()["of"]) == {"those who ticked at least one"}
    table = sample.data
    weight = table["base_weight"]
    anything = table["B2_matter"].isin(["government", "compound other"])
    government = (table["B2_matter"] == "government") * weight
    assert ticking.values[0] == pytest.approx(government.sum() / (anything * weight).sum(), rel=1e-12)
    assert asked.values[0] == pytest.approx(government.sum() / (table["B2_matter"].notna() * weight).sum(), rel=1e-12)
    with pytest.raises(DesignError, match="several answers"):
        sample.proportion("E1", of="ticking")
    assert "of" not in sample.proportion("E1").to_frame()


def test_where_everybody_answers_everything_the_mean_of_persons_is_the_index(sample: Sample) -> None:
    complete = sample.with_person_index("awareness")
    persons, index = complete.mean("awareness", by="district"), sample.index("awareness", by="district")
    np.testing.assert_allclose(persons.values, index.values, rtol=1e-12)
    np.testing.assert_allclose(persons.se, index.se, rtol=1e-10)


def test_a_person_below_the_smallest_number_of_answers_has_no_index() -> None:
    table = wave()[["stratum", "psu", "base_weight", "district"]].head(96).reset_index(drop=True)
    scores = pd.DataFrame({"a_score": [100.0, None], "b_score": [50.0, 50.0], "c_score": [0.0, None]})
    table = table.join(pd.concat([scores] * 48, ignore_index=True))
    for least, wanted in ((1, [62.5, 50.0]), (2, [62.5, None]), (4, [None, None])):
        index = Index({"a": 2.0, "b": 1.0, "c": 1.0}, min_answered=least)
        for data in (table, pl.from_pandas(table), pl.from_pandas(table).lazy()):
            made = Sample(data, DESIGN).with_person_index(index, name="own")
            column = nw.from_native(made.data).lazy().select("own").collect()["own"].to_list()
            assert column[:2] == wanted
    with pytest.raises(DesignError, match="already has a column 'a_score'"):
        Sample(table, DESIGN).with_person_index(Index({"a": 1.0}), name="a_score")


def test_a_person_index_keeps_the_weighting_steps(sample: Sample) -> None:
    weighted = sample.poststratify("sex", {"female": 600, "male": 400})
    made = weighted.with_person_index("satisfaction", name="own")
    np.testing.assert_allclose(made.weights, weighted.weights)
    assert made.mean("own").se[0] > 0


def test_right_wrong_and_dont_know_add_up_to_one(sample: Sample) -> None:
    found = sample.knowledge("awareness", by="district")
    assert found.variables[:3] == ("K1: right", "K1: wrong", "K1: dont_know")
    assert not any(name.startswith("A4") for name in found.variables)
    shares = found.values.reshape(-1, 3, 4)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    index = sample.index("A1", by="district").values
    np.testing.assert_allclose(100 * shares[:4, 0].mean(axis=0), index, rtol=1e-12)
    with pytest.raises(DesignError, match="no knowledge item"):
        sample.knowledge("E1")
    with pytest.raises(DesignError, match="no knowledge item"):
        sample.knowledge("satisfaction")
    with pytest.raises(DesignError, match="needs the instrument"):
        Sample(wave(), DESIGN).knowledge("K1")


def test_the_band_of_dont_know_reaches_from_the_published_index_to_guessing(sample: Sample) -> None:
    band = sample.dont_know_band("A1", by="district")
    low, high = band.values.reshape(2, -1)
    np.testing.assert_allclose(low, sample.index("A1", by="district").values, rtol=1e-12)
    items = list(sample.indices["A1"].items)
    shares = sample.knowledge("A1", by="district").values.reshape(len(items), 3, 4)
    guesses = [1 / sum(choice.missing is None for choice in sample.instrument.items[name].choices) for name in items]
    wanted = 100 * np.mean([part[0] + guess * part[2] for part, guess in zip(shares, guesses, strict=True)], axis=0)
    np.testing.assert_allclose(high, wanted, rtol=1e-12)


def test_sensitivity_is_the_same_items_weighed_otherwise() -> None:
    table = wave().rename(columns={"y": "y_score", "z": "z_score"})
    sample, weights = Sample(table, DESIGN), {"y": 6.0, "z": 2.0}
    found = sample.sensitivity(Index(weights), by="district")
    means = sample.mean(["y_score", "z_score"], by="district").values.reshape(2, -1)
    wanted = {
        "declared": 0.75 * means[0] + 0.25 * means[1],
        "equal weights": means.mean(axis=0),
        "geometric mean": means[0] ** 0.75 * means[1] ** 0.25,
        "y -20%": (4.8 * means[0] + 2 * means[1]) / 6.8,
        "y +20%": (7.2 * means[0] + 2 * means[1]) / 9.2,
        "z -20%": (6 * means[0] + 1.6 * means[1]) / 7.6,
        "z +20%": (6 * means[0] + 2.4 * means[1]) / 8.4,
    }
    assert found.variants == tuple(wanted)
    np.testing.assert_allclose(found.values, list(wanted.values()), rtol=1e-12)
    frame = found.to_frame()
    np.testing.assert_allclose(frame["estimate"], sample.index(Index(weights), by="district").values, rtol=1e-12)
    assert (frame["low"] <= frame["estimate"]).all()
    assert (frame["rank_low"] <= frame["rank"]).all()
    assert (frame["rank"] <= frame["rank_high"]).all()
    assert len(found.variants_frame()) == 28


def test_sensitivity_says_why_a_domain_has_no_index() -> None:
    table = wave().rename(columns={"y": "y_score", "z": "z_score"})
    table.loc[table["district"] == "510101", "y_score"] = np.nan
    frame = Sample(table, DESIGN).sensitivity(Index({"y": 6.0, "z": 2.0}, min_weight=0.5), by="district").to_frame()
    assert frame["estimate"].isna().tolist() == [False, True, False, False]
    assert frame["rank"].isna().tolist() == [False, True, False, False]
    assert "below 50%" in frame["reason"][1]


@pytest.fixture(scope="module")
def coded() -> Sample:
    """One item whose choices 1, 2 and 3 another program has written as numbers."""
    choices = [SimpleNamespace(name=name, missing=None) for name in "123"]
    item = SimpleNamespace(name="E1", type="select_one", key=None, choices=choices)
    item.scores = lambda: {"1": 0.0, "2": 50.0, "3": 100.0}
    frame = wave().assign(E1=np.resize([1.0, 2, 3, np.nan], len(wave())))
    return Sample(frame, DESIGN, instrument=SimpleNamespace(items={"E1": item}, indices={}))


def test_numbers_that_name_choices_are_read_alike_by_every_engine(coded: Sample) -> None:
    codes = coded.data["E1"].to_numpy()
    text = [None if np.isnan(code) else str(int(code)) for code in codes]
    expected = replace(coded, data=coded.data.assign(E1=text))
    for table in (coded.data, pl.DataFrame(coded.data).lazy(), pl.DataFrame(coded.data.assign(E1=codes)).lazy()):
        found = replace(coded, data=table)
        for ask in (lambda one: one.proportion("E1", by="district"), lambda one: one.top_two("E1", by="district")):
            np.testing.assert_allclose(ask(found).values, ask(expected).values, rtol=1e-12)


def test_a_number_that_is_not_whole_names_no_choice(coded: Sample) -> None:
    half = coded.data.assign(E1=coded.data["E1"].replace({2.0: 1.7, 3.0: np.inf}))
    shares = []
    for table in (half, pl.from_pandas(half).lazy(), duckdb.from_df(half)):
        found = replace(coded, data=table).proportion("E1")
        shares.append(found.values)
        assert found.values[found.variables.index("2")] == 0
        assert found.values[found.variables.index("1")] > 0
    np.testing.assert_allclose(shares[1:], shares[:1] * 2, rtol=1e-12)
    with pytest.raises(DesignError, match="holds Boolean, and its choices are text"):
        replace(coded, data=half.assign(E1=True)).proportion("E1")


def test_a_table_of_numbers_that_name_choices_has_every_number_that_was_given(coded: Sample) -> None:
    bare = replace(coded, instrument=None).crosstab("E1", "district").to_frame()
    pd.testing.assert_frame_equal(coded.crosstab("E1", "district").to_frame(), bare)
