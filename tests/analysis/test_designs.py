"""Designs that cannot be are refused in one sentence that names the offender and the remedy."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest

from analysis import Design, DesignError, Sample
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
