"""What may not change a number, on random samples: scale of the weights, order, labels, splitting of rows, empty
domains.
"""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Sample
from tests.analysis.waves_data import DESIGN, margins, wave

SEEDS = st.integers(min_value=0, max_value=2**31)
few = settings(max_examples=6, deadline=None, derandomize=True)


def same(left: object, right: object, *, factor: float = 1.0) -> None:
    np.testing.assert_allclose(np.asarray(left), np.asarray(right) * factor, rtol=1e-9, atol=1e-9 * factor)


def frame_of(sample: Sample) -> pd.DataFrame:
    return sample.composite({"y": 6, "z": 5}, by="district", whole=True).to_frame()


def small(seed: int) -> pd.DataFrame:
    return wave(seed, districts=3, psus=3, people=12)


@few
@given(seed=SEEDS, factor=st.floats(min_value=1e-3, max_value=1e6))
def test_scaling_all_weights_changes_totals_and_nothing_else(seed: int, factor: float) -> None:
    table = small(seed)
    one, other = Sample(table, DESIGN), Sample(table.assign(base_weight=table["base_weight"] * factor), DESIGN)
    pd.testing.assert_frame_equal(frame_of(one), frame_of(other), rtol=1e-9)
    tests = [each.mean("y", by="district").compare(to="rest", adjust="holm").p_adjusted for each in (one, other)]
    same(*tests)
    same(other.total("z", by="sex").values, one.total("z", by="sex").values, factor=factor)
    same(other.total("z", by="sex").se, one.total("z", by="sex").se, factor=factor)


@few
@given(seed=SEEDS)
def test_the_order_of_the_rows_is_without_meaning(seed: int) -> None:
    table = small(seed)
    shuffled = table.sample(frac=1, random_state=seed % 2**32).reset_index(drop=True)
    one, other = (Sample(each, DESIGN).rake(margins(table)) for each in (table, shuffled))
    pd.testing.assert_frame_equal(frame_of(one), frame_of(other), rtol=1e-9)
    same(one.mean(["y", "z"], by="sex").covariance, other.mean(["y", "z"], by="sex").covariance)
    simulated = [each.mean("y", by="district").compare(to="whole", adjust="max-t").to_frame() for each in (one, other)]
    pd.testing.assert_frame_equal(*simulated, rtol=1e-9)


@few
@given(seed=SEEDS)
def test_labels_are_only_labels(seed: int) -> None:
    table = small(seed)
    renamed = table.assign(stratum="x" + table["stratum"].str[::-1], psu=table["psu"].astype("int64") * 7 % 1_000_003)
    pd.testing.assert_frame_equal(frame_of(Sample(table, DESIGN)), frame_of(Sample(renamed, DESIGN)), rtol=1e-9)


@few
@given(seed=SEEDS, share=st.floats(min_value=0.05, max_value=0.95))
def test_splitting_a_row_into_two_with_its_weight_divided_changes_no_estimate_and_no_error(
    seed: int, share: float
) -> None:
    table = small(seed)
    split = pd.concat(
        [
            table.assign(base_weight=table["base_weight"] * share),
            table.assign(base_weight=table["base_weight"] * (1 - share)),
        ]
    )
    one, other = (Sample(each, DESIGN).rake(margins(table)).mean("y", by="district") for each in (table, split))
    same(one.values, other.values)
    same(one.covariance, other.covariance)
    assert one.df.tolist() == other.df.tolist()


@few
@given(seed=SEEDS)
def test_a_domain_of_nobody_adds_nothing(seed: int) -> None:
    """Rows of weight 0 in a domain of their own: no estimate there, said in words, and no other number moves."""
    table = small(seed)
    ghost = table.iloc[:2].assign(base_weight=0.0, district="519999")
    one, other = frame_of(Sample(table, DESIGN)), frame_of(Sample(pd.concat([table, ghost]), DESIGN))
    empty = other[other["district"] == "519999"]
    assert empty["estimate"].isna().all()
    assert empty["reason"].tolist() == ["no valid answer"]
    rest = other[other["district"] != "519999"].drop(columns="reason").reset_index(drop=True)
    pd.testing.assert_frame_equal(one, rest, rtol=1e-9)


@few
@given(seed=SEEDS)
def test_a_raked_sample_meets_its_margins_and_estimates_them_without_error(seed: int) -> None:
    table = small(seed)
    sample = Sample(table, DESIGN).rake(margins(table))
    counts = sample.total("band")
    wanted = next(iter(margins(table)[1].values()))
    same(counts.values, [wanted[name.removeprefix("band=")] for name in counts.variables])
    assert counts.se.tolist() == [0.0, 0.0, 0.0]
    assert Sample(table, DESIGN).total("band").se.min() > 0


@few
@given(seed=SEEDS)
def test_the_covariance_of_everything_with_everything_is_that_of_the_parts(seed: int) -> None:
    """A whole mean is the weighted sum of its domains', and so are its scores, whatever the domains."""
    sample = Sample(small(seed), DESIGN)
    sums = sample.total("z", by="sex")
    whole = sample.total("z")
    same(whole.values, [sums.values.sum()])
    same(whole.covariance, [[sums.covariance.sum()]])
