"""How few respondents change a rank: the closed form, and estimation anew with the respondents appended."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import DesignError, Sample
from analysis.estimates import Estimates
from analysis.ranks import RankSets
from tests.analysis.waves_data import DESIGN, margins, wave


def ranks(values: np.ndarray) -> np.ndarray:
    return 1 + (values[None, :] > values[:, None] + 1e-10).sum(axis=1)


def appended(table: pd.DataFrame, weights: np.ndarray, district: str, count: int, answer: float) -> np.ndarray:
    """District composites when `count` people with the district's mean final weight all give `answer`."""
    mine = (table["district"] == district).to_numpy() & (table["y"].notna() | table["z"].notna()).to_numpy()
    more = table[mine].iloc[[0] * count].assign(y=answer, z=answer, base_weight=weights[mine].mean())
    wide = pd.concat([table.assign(base_weight=weights), more])
    return Sample(wide, DESIGN).composite({"y": 6, "z": 5}, by="district").values


@pytest.mark.parametrize("raked", [False, True])
def test_the_number_found_is_the_first_that_moves_the_rank(raked: bool) -> None:
    table = wave(7, districts=5)
    table.loc[table.index % 5 == 0, "z"] = np.nan
    sample = Sample(table, DESIGN).rake(margins(table)) if raked else Sample(table, DESIGN)
    weights = np.asarray(sample.weights)
    estimates = sample.composite({"y": 6, "z": 5}, by="district")
    frame = estimates.fragility().to_frame()
    before = ranks(estimates.values)
    assert frame["rank"].tolist() == before.tolist()
    for place, row in frame.iterrows():
        for way, answer, sign in (("up", 100.0, -1), ("down", 0.0, 1)):
            if pd.isna(row[way]):
                assert before[place] == (1 if way == "up" else 5)
                continue
            after = [ranks(appended(table, weights, row["domain"], int(row[way]) - less, answer)) for less in (0, 1)]
            assert sign * (after[0][place] - before[place]) >= 1
            assert after[1][place] == before[place]
            assert row[f"{way}_share"] == row[way] / row["n"]


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**31))
def test_for_one_item_it_is_the_closed_form(seed: int) -> None:
    """floor(n (theta_j - theta_i) / (100 - theta_j)) + 1, theta_j the next above; downward the same of the mirror."""
    estimates = Sample(wave(seed, districts=4, psus=3, people=10), DESIGN).mean("z", by="district")
    found = estimates.fragility()
    for values, numbers in ((estimates.values, found.up), (100 - estimates.values, found.down)):
        for place, number in enumerate(numbers):
            higher = values[values > values[place] + 1e-10]
            if not len(higher) or (np.abs(np.delete(values, place) - values[place]) < 1e-10).any():
                continue
            exact = estimates.n[place] * (higher.min() - values[place]) / (100 - higher.min())
            assert number == int(np.floor(exact + 1e-9)) + 1


def test_a_share_reaches_from_0_to_1_and_ties_fall_with_one() -> None:
    table = wave(3, districts=3).assign(z=[0.0, 1.0] * 72)
    frame = Sample(table.assign(base_weight=1.0), DESIGN).mean("z", by="district").fragility(scale=(0, 1)).to_frame()
    assert frame["estimate"].tolist() == [0.5] * 3
    assert frame["up"].isna().all()
    assert frame["down"].tolist() == [1, 1, 1]
    shares = Sample(table.assign(word=np.where(table["z"] > 0, "yes", "no")), DESIGN).proportion("word", by="district")
    with pytest.raises(DesignError, match="one variable"):
        shares.fragility()


def moved(estimates: Estimates, place: int, count: int, answer: float) -> RankSets:
    """Rank sets with one value moved as `count` answers would, the covariance held."""
    values = estimates.entries.values.copy()
    n, value = estimates.n[place], values[place]
    values[place] = (n * value + count * answer) / (n + count)
    entries = type(estimates.entries)(**{**vars(estimates.entries), "values": values})
    return type(estimates)(**{**vars_of(estimates), "entries": entries}).rank_sets()


def vars_of(estimates: Estimates) -> dict[str, object]:
    return {name: getattr(estimates, name) for name in estimates.__dataclass_fields__}


def test_the_number_for_a_rank_set_is_the_first_that_moves_one_of_its_bounds() -> None:
    table = wave(2, districts=4, psus=8)
    table["z"] = (table["z"] / 4 + table["district"].map({f"51010{i}": 25.0 * i for i in range(4)})).clip(0, 100)
    estimates = Sample(table, DESIGN).mean("z", by="district")
    before = estimates.rank_sets()
    found = estimates.fragility(set=True)
    assert found.of_sets
    for place in range(4):
        for number, answer in ((found.up[place], 100.0), (found.down[place], 0.0)):
            if np.isnan(number):
                continue
            sets = [moved(estimates, place, int(number) - less, answer) for less in (0, 1)]
            changed = [(one.low[place], one.high[place]) != (before.low[place], before.high[place]) for one in sets]
            assert changed == [True, False]


def test_what_has_no_scale_has_no_fragility() -> None:
    sample = Sample(wave(), DESIGN)
    with pytest.raises(DesignError, match="not of a total"):
        sample.total("y", by="district").fragility()
    with pytest.raises(DesignError, match="outside the scale 0 to 5"):
        sample.mean("y", by="district").fragility(scale=(0, 5))
    with pytest.raises(DesignError, match="at least two domains"):
        sample.mean("y").fragility()
