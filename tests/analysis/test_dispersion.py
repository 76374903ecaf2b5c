"""Variances, correlations and the intervals that keep them on their scales: numpy, R `survey`, and the likelihood."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, Replicates, Sample
from analysis.errors import DesignError
from tests.analysis.waves_data import DESIGN, wave

REFERENCE = Path(__file__).parents[1] / "reference"
few = settings(max_examples=8, deadline=None, derandomize=True)


def api(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv", keep_default_na=False, na_values=[""])


def stratified() -> Sample:
    return Sample(api("apistrat"), Design(weight="pw", stratum="stype", fpc="fpc"))


def bootstrapped() -> Sample:
    columns = pd.read_csv(REFERENCE / "apistrat_boot.csv")
    declared = Replicates(columns=list(columns), kind="bootstrap", scale=1 / 59)
    return Sample(pd.concat([api("apistrat"), columns], axis=1), Design(weight="pw", replicates=declared))


@few
@given(seed=st.integers(0, 2**31), shift=st.sampled_from([0.0, 1e6]))
def test_equal_weights_give_numpys_variance_and_correlation(seed: int, shift: float) -> None:
    """A shift of a million would cost squares about zero six digits."""
    table = wave(seed, districts=2, psus=3, people=9).assign(base_weight=3.0, y=lambda d: d["y"] + shift)
    sample = Sample(table, DESIGN)
    for district, part in table.groupby("district"):
        place = sample.variance("y", by="district").domains.index((district,))
        variance = sample.variance("y", by="district").values[place]
        assert variance == pytest.approx(np.nanvar(part["y"], ddof=1), rel=1e-9)
        both = part.dropna(subset=["y", "z"])
        correlation = sample.correlation(["y", "z"], by="district").values[place]
        assert correlation == pytest.approx(np.corrcoef(both["y"], both["z"])[0, 1], rel=1e-8, abs=1e-10)


@few
@given(seed=st.integers(0, 2**31))
def test_rows_permuted_and_weights_scaled_change_nothing(seed: int) -> None:
    table = wave(seed, districts=3, psus=3, people=12)
    mixed = table.assign(base_weight=table["base_weight"] * 11).sample(frac=1, random_state=seed % 1000)
    for ask in (
        lambda sample: sample.variance(["y", "z"], by="district", whole=True),
        lambda sample: sample.correlation(["y", "z"], by="district", whole=True),
    ):
        one, other = (ask(Sample(each, DESIGN)).to_frame() for each in (table, mixed))
        pd.testing.assert_frame_equal(one, other, rtol=1e-8, atol=1e-10)


def test_variance_by_domain_as_r() -> None:
    """svyby(~api00, ~stype, d, svyvar) on apiclus2, survey 4.1."""
    sample = Sample(api("apiclus2"), Design(weight="pw", psu=["dnum", "snum"], fpc=["fpc1", "fpc2"]))
    found = sample.variance("api00", by="stype")
    np.testing.assert_allclose(found.values, [19296.31872569021, 9728.16008745448, 17917.49773672727], rtol=1e-10)
    np.testing.assert_allclose(found.se, [2178.71972482814, 3072.32244603008, 3816.16362915070], rtol=1e-10)
    frame = found.to_frame()
    assert (frame["low"] > 0).all() and "design_effect" not in frame


def test_correlation_by_the_delta_method_as_r() -> None:
    """The delta method by hand on coef and vcov of svyvar(~api00 + api99, d), apistrat, survey 4.1."""
    found = stratified().correlation(["api00", "api99"])
    assert found.values[0] == pytest.approx(0.97590466406412724, rel=1e-10)
    assert found.se[0] == pytest.approx(0.00395612155792199, rel=1e-10)
    low, high = found.interval()[0]
    assert -1 < low < found.values[0] < high < 1
    assert np.arctanh([low, high]).mean() == pytest.approx(np.arctanh(found.values[0]))


def test_replicates_take_the_function_anew() -> None:
    """svyvar(~api00, svrepdesign(.., apistrat_boot, mse = TRUE)), survey 4.1; the correlation by numpy per column."""
    sample, table = bootstrapped(), api("apistrat")
    found = sample.variance("api00")
    assert found.values[0] == pytest.approx(15190.58620582733, rel=1e-10)
    assert found.se[0] == pytest.approx(1165.68454784928, rel=1e-10)
    columns = pd.read_csv(REFERENCE / "apistrat_boot.csv").to_numpy()
    full = weighted_correlation(table, table["pw"].to_numpy())
    each = np.array([weighted_correlation(table, column) for column in columns.T])
    correlation = sample.correlation(["api00", "api99"])
    assert correlation.se[0] == pytest.approx(np.sqrt(((each - full) ** 2).sum() / 59), rel=1e-9)


def weighted_correlation(table: pd.DataFrame, weight: np.ndarray) -> float:
    matrix = np.cov(table["api00"], table["api99"], aweights=weight)
    return float(matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1]))


def test_pairs_over_rows_valid_in_all_or_in_both() -> None:
    table = wave(3).assign(x=lambda d: d["z"] + d["base_weight"] % 3)
    sample = Sample(table, DESIGN)
    listwise, pairwise = (sample.correlation(["z", "x", "y"], missing=rule) for rule in ("listwise", "item"))
    assert listwise.variables == ("z ~ x", "z ~ y", "x ~ y")
    assert set(listwise.n) == {table["y"].notna().sum()}
    assert pairwise.n[0] == len(table) and pairwise.values[1] == pytest.approx(listwise.values[1])


def test_comparisons_know_the_rest_and_the_whole() -> None:
    table = wave(3)
    found = Sample(table, DESIGN).variance("y", by="district")
    rest = Sample(table[table["district"] != "510100"], DESIGN).variance("y").values[0]
    compared = found.compare(to="rest", adjust="none")
    assert compared.differences[0] == pytest.approx(found.values[0] - rest)
    assert (found.compare(to="whole").to_frame()["se"] > 0).all()


def test_lazy_rows_give_the_same() -> None:
    table = wave(4)
    one = Sample(table, DESIGN).correlation(["y", "z"], by="sex").to_frame()
    two = Sample(pl.from_pandas(table).lazy(), DESIGN).correlation(["y", "z"], by="sex").to_frame()
    pd.testing.assert_frame_equal(one, two, rtol=1e-12)


def test_what_does_not_vary_has_a_reason_and_no_number() -> None:
    table = wave(3)
    table["flat"] = np.where(table["district"] == "510100", 1e6 + 0.1, table["z"])
    table.loc[(table["district"] == "510101"), "y"] = np.nan
    table.loc[(table["district"] == "510101").idxmax(), "y"] = 7.0
    sample = Sample(table, DESIGN)
    variance = sample.variance("flat", by="district").to_frame()
    assert variance["estimate"][0] == 0 and variance["reason"][0] == "no estimated variance"
    correlation = sample.correlation(["flat", "y"], by="district").to_frame()
    assert correlation["reason"].tolist()[:2] == ["a column does not vary", "one person has no variance"]
    assert correlation.loc[:1, ["estimate", "se", "low", "high"]].isna().all(axis=None)
    perfect = Sample(table.assign(w=table["z"] * 3 - 5), DESIGN).correlation(["z", "w"]).to_frame()
    assert perfect["estimate"][0] == 1 and perfect["reason"][0] == "no estimated variance"


@pytest.mark.parametrize("items", [[], ["y", "y"], ["y", "word"], ["y", "yy"], ["y", "absent"], ["y"]])
def test_what_cannot_be_is_refused(items: list[str]) -> None:
    with pytest.raises(DesignError):
        Sample(wave(3).assign(absent=np.nan), DESIGN).correlation(items)
    if items != ["y"]:
        with pytest.raises(DesignError):
            Sample(wave(3).assign(absent=np.nan), DESIGN).variance(items)


@few
@given(seed=st.integers(0, 2**31), level=st.sampled_from([0.5, 0.9, 0.99]))
def test_likelihood_limits_lie_inside_0_to_1_around_the_share(seed: int, level: float) -> None:
    found = Sample(wave(seed, districts=2, psus=3, people=9), DESIGN).proportion("word", by="district")
    limits = found.interval(method="likelihood", level=level)
    known = np.isfinite(limits).all(axis=1)
    assert known.any()
    assert ((limits[known] >= 0) & (limits[known] <= 1)).all()
    assert ((limits[known, 0] <= found.values[known]) & (found.values[known] <= limits[known, 1])).all()


def test_likelihood_at_an_end_of_the_scale_is_one_sided() -> None:
    table = wave(3).assign(word="yes")
    table.loc[0, "word"] = "no"
    found = Sample(table, DESIGN).proportion("word", by="district")
    limits = found.interval(method="likelihood")[found.values == 1]
    assert len(limits) == 3 and (limits[:, 1] == 1).all() and ((limits[:, 0] > 0.5) & (limits[:, 0] < 1)).all()
