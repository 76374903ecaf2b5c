"""Regressions: exact arithmetic, R's numbers, what may not change a coefficient, and what is refused by name."""

from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, DesignError, Sample
from analysis.scoring import score_frame
from questionnaires import load_instrument
from tests.analysis import snapshot_files as files
from tests.analysis.waves_data import DESIGN, margins, wave

REFERENCE = Path(__file__).parents[1] / "reference"
SEEDS = st.integers(min_value=0, max_value=2**31)
few = settings(max_examples=6, deadline=None, derandomize=True)


def close(left: Any, right: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(left), np.asarray(right), rtol=rtol, atol=1e-10)


@pytest.fixture(scope="module")
def twopsu() -> Sample:
    data = pd.read_csv(REFERENCE / "twopsu.csv")
    return Sample(data, Design(weight="w", stratum="region", psu="psu", nest=True))


def test_proportional_odds_are_those_that_r_comes_to_when_it_searches_on(twopsu: Sample) -> None:
    """R: m <- svyolr(factor(sat) ~ ell + meals, svydesign(ids=~psu, strata=~region, weights=~w, nest=TRUE, data=d),
    control=list(reltol=1e-16, maxit=10000, ndeps=rep(1e-5, 6))); coef(m); SE(m). survey 4.1.1. With its own stopping
    rule R is up to 5e-4 off these standard errors, which is what the reference holds.
    """
    found = twopsu.regress("sat ~ ell + meals", family="ordinal")
    assert found.variables == ("ell", "meals", "1|2", "2|3", "3|4", "4|5")
    values = [-0.0993605325925, -0.0896236715614, -9.79606715074, -5.25728660901, -3.00907518872, -0.419265014147]
    se = [0.0263644569386, 0.0125226568008, 0.896510250802, 0.720160593441, 0.915180395168, 0.393058572949]
    close(found.values, values, 1e-7)
    close(found.se, se, 1e-6)
    assert found.df.tolist() == [10.0] * 6


@pytest.mark.parametrize(
    ("link", "values"),
    [
        ("probit", [-0.056698967008, -0.0521949089603, -5.6161380210495, -3.0707555050154, -1.7610379567263]),
        ("cloglog", [-0.0612617854705, -0.0572853383114, -6.731475837678, -4.0014613783613, -2.4265535748758]),
    ],
)
def test_other_links_of_the_ordinal_model_are_those_of_polr(twopsu: Sample, link: str, values: list[float]) -> None:
    """MASS::polr(factor(sat) ~ ell + meals, d, weights=w/mean(w), method=link, control=list(reltol=1e-16,
    maxit=10000)): coefficients and the first three thresholds.
    """
    close(twopsu.regress("sat ~ ell + meals", family="ordinal", link=link).values[:5], values, 1e-6)


def test_thresholds_alone_are_the_cumulative_shares(twopsu: Sample) -> None:
    found = twopsu.regress("sat ~ 1", family="ordinal")
    counts = twopsu.proportion("sat")
    below = np.cumsum(counts.values)[:-1]
    close(found.values, np.log(below / (1 - below)))


def test_an_intercept_alone_is_the_mean_on_the_scale_of_the_link() -> None:
    """By the delta method se(logit p) = se(p) / (p (1 - p)), se(log m) = se(m) / m, exactly."""
    sample = Sample(wave().assign(share=lambda t: (t["z"] > 50).astype(float)), DESIGN).rake(margins(wave()))
    mean, share = sample.mean("y"), sample.mean("share")
    plain = sample.regress("y ~ 1")
    close([plain.values[0], plain.se[0], plain.df[0]], [mean.values[0], mean.se[0], mean.df[0]])
    p, se = share.values[0], share.se[0]
    logit = sample.regress("share ~ 1", family="binomial")
    close([logit.values[0], logit.se[0]], [np.log(p / (1 - p)), se / (p * (1 - p))])
    log = sample.regress("y ~ 1", family="poisson")
    close([log.values[0], log.se[0]], [np.log(mean.values[0]), mean.se[0] / mean.values[0]])


def test_a_factor_gives_the_differences_between_the_groups_means() -> None:
    sample = Sample(wave(), DESIGN).rake(margins(wave()))
    found = sample.regress("y ~ district")
    means = sample.mean("y", by="district")
    names = [label[0] for label in means.domains]
    differences = means.contrast({name: {name: 1, names[0]: -1} for name in names[1:]})
    assert found.variables == ("(Intercept)", *(f"district{name}" for name in names[1:]))
    close(found.values, [means.values[0], *differences.values])
    close(found.covariance[1:, 1:], differences.covariance)
    assert (found.df == means.degrees("design")[0] - 3).all()
    (row,) = found.test_terms().to_dict("records")
    wald = differences.wald()
    close([row["f"], row["ndf"], row["chisq"]], [wald["f_naive"], 3, wald["wald"]])


def test_levels_choose_the_reference_and_make_a_number_a_factor() -> None:
    sample = Sample(wave(), DESIGN)
    found = sample.regress("y ~ z", levels={"z": [50, 0, 25, 75, 100]})
    means = dict(zip(*(lambda m: ([d[0] for d in m.domains], m.values))(sample.mean("y", by="z")), strict=True))
    assert found.variables == ("(Intercept)", "z0", "z25", "z75", "z100")
    close(found.values, [means[50.0], *(means[z] - means[50.0] for z in (0.0, 25.0, 75.0, 100.0))])


def test_rows_without_a_value_are_outside_the_domain_and_their_psus_stay() -> None:
    """The rows dropped leave three psus without any row: they still count in the variance, not in df."""
    table = wave()
    emptied = table["psu"].isin(table["psu"].unique()[:3])
    table = table.assign(x=np.where(emptied, np.nan, table["z"]))
    one = Sample(table, DESIGN).regress("y ~ x")
    other = Sample(table, DESIGN).regress("y ~ z", where=("x", "notna", None))
    close(one.values, other.values)
    close(one.covariance, other.covariance)
    assert one.df.tolist() == [24 - 3 - 4 - 1] * 2


@few
@given(seed=SEEDS, factor=st.floats(min_value=1e-3, max_value=1e6))
def test_scale_of_weights_order_of_rows_and_units_of_columns(seed: int, factor: float) -> None:
    table = wave(seed, districts=3, psus=4, people=12).assign(hit=lambda t: (t["z"] > 25).astype(float))
    shuffled = table.sample(frac=1, random_state=seed % 2**32).assign(
        base_weight=lambda t: t["base_weight"] * factor, z=lambda t: t["z"] / 100 + 2000
    )
    for family, formula in (("gaussian", "y ~ z + sex"), ("binomial", "hit ~ y + sex"), ("ordinal", "z ~ y + sex")):
        one, other = (Sample(each, DESIGN).regress(formula, family=family) for each in (table, shuffled))
        close(one.test_terms()["f"], other.test_terms()["f"], 1e-6)
        close(one.to_frame().iloc[-1]["p"], other.to_frame().iloc[-1]["p"], 1e-5)


@few
@given(seed=SEEDS)
def test_a_saturated_response_needs_no_error(seed: int) -> None:
    """A response that is a function of the predictors: coefficients exact, standard errors 0, no test of them."""
    table = wave(seed, districts=3, psus=4, people=12).assign(made=lambda t: 3 + 2 * t["z"])
    found = Sample(table, DESIGN).regress("made ~ z")
    close(found.values, [3, 2])
    assert (found.se < 1e-9).all()


def test_every_engine_gives_the_same_coefficients() -> None:
    frame = wave()
    expected = Sample(frame, DESIGN).regress("z ~ y + sex + band", family="ordinal")
    for data in (pl.from_pandas(frame), pl.from_pandas(frame).lazy(), nw.from_native(frame).to_arrow()):
        found = Sample(data, DESIGN).regress("z ~ y + sex + band", family="ordinal")
        assert found.variables == expected.variables
        close(found.values, expected.values, 1e-10)
        close(found.se, expected.se, 1e-10)


def test_scored_items_enter_by_their_scores_and_a_persons_index_is_a_column() -> None:
    table = files.rows(1, "one")
    instrument = load_instrument(files.LIBRARY)
    sample = Sample(table, DESIGN, instrument=instrument)
    first, second = list(instrument.indices["satisfaction"].items)[:2]
    found = sample.regress(f"{first} ~ {second} + sex")
    scored = Sample(pd.concat([table, score_frame(table, instrument)], axis=1), DESIGN)
    expected = scored.regress(f"{first}_score ~ {second}_score + sex")
    close(found.values, expected.values)
    close(found.se, expected.se)
    ordinal = sample.regress(f"{first} ~ sex", family="ordinal")
    assert ordinal.variables[1] == "0|25"


def test_the_frame_says_what_is_tested() -> None:
    frame = Sample(wave(), DESIGN).regress("y ~ sex").to_frame()
    assert frame.columns.tolist() == ["coefficient", "estimate", "se", "t", "p", "low", "high", "df"]
    assert frame["coefficient"].tolist() == ["(Intercept)", "sexmale"]
    few_psus = wave(districts=2, psus=2)
    short = Sample(few_psus, DESIGN).regress("y ~ sex + z + band").to_frame()
    assert short["low"].isna().all()
    assert short["reason"].tolist() == ["too few psus for an interval"] * 5


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("y ~ nothing", {}, "names the column 'nothing'"),
        ("y", {}, "no response: write 'response ~ y'"),
        ("y ~ z", {"family": "normal"}, "There is no family 'normal'"),
        ("y ~ z", {"link": "logit"}, "'gaussian' has no link 'logit'"),
        ("y ~ z", {"family": "ordinal", "link": "log"}, "'ordinal' has no link 'log'"),
        (
            "y ~ z",
            {"family": "binomial"},
            "lies between 0 and 100: the family 'binomial' needs numbers between 0 and 1",
        ),
        ("word ~ z", {}, "'word' holds 3 categories"),
        ("sex ~ z", {"family": "ordinal"}, "2 categories in the rows used"),
        ("z ~ 0 + y", {"family": "ordinal"}, "leaves the intercept out"),
        ("y ~ z + twice", {}, "'twice' is determined by the columns before it"),
        ("y ~ z + same", {}, "'same' is determined by the columns before it"),
        ("same ~ z", {}, "'same' is 7 in every row used"),
        ("hit ~ y + high", {"family": "binomial"}, "the coefficient of 'high' grows without end"),
        ("part ~ z", {"family": "ordinal", "levels": {"part": [0, 1, 2]}}, "2 categories in the rows used"),
        ("z ~ split", {"family": "ordinal"}, "does not converge"),
        ("y ~ sex", {"levels": {"band": ["60+"]}}, "levels= names 'band', which the formula does not use"),
        ("y ~ band", {"levels": {"band": ["60+", "40-59"]}}, "levels= of 'band' leaves out '18-39'"),
        ("y ~ band", {"levels": {"band": ["x", "60+", "40-59", "18-39"]}}, "begins with 'x', which no row used holds"),
        ("y ~ band", {"levels": {"band": [1, 2]}}, "has 1, and the column holds text"),
        ("y ~ band", {"where": ("band", "==", "60+")}, "'band' has the one level '60\\+'"),
        ("y ~ z", {"where": ("y", "isna", None)}, "No row has a value in all of y, z"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(formula: str, options: dict[str, Any], message: str) -> None:
    table = wave().assign(
        twice=lambda t: 2 * t["z"] + 1,
        same=7.0,
        hit=lambda t: (t["z"] > 50).astype(float),
        high=lambda t: (t["z"] > 50) * 2.0,
        part=lambda t: (t["z"] > 25).astype(int),
        split=lambda t: t["z"] / 25,
    )
    with pytest.raises(DesignError, match=message):
        Sample(table, DESIGN).regress(formula, **options)


def test_terms_that_the_model_does_not_have_are_named() -> None:
    found = Sample(wave(), DESIGN).regress("y ~ sex + band")
    assert found.test_terms("band")["term"].tolist() == ["band"]
    with pytest.raises(DesignError, match=r"has no term 'bond'\. Did you mean 'band'"):
        found.test_terms(["bond"])
    crowded = Sample(wave(districts=1, psus=3, people=40), DESIGN).regress("y ~ z", levels={"z": [0, 25, 50, 75, 100]})
    with pytest.raises(DesignError, match="covariance of the 4 coefficients of 'z' is singular"):
        crowded.test_terms()
