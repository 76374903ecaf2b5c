"""Raking and post-stratification: what is refused by name, and that the variance is that of the residuals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Design, DesignError, Sample
from tests.analysis.waves_data import DESIGN, margins, wave


@pytest.fixture(scope="module")
def sample() -> Sample:
    return Sample(wave(), DESIGN)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            [{"sex": {"female": 10, "male": 10}}, {"band": {"18-39": 5, "40-59": 5, "60+": 11}}],
            "margins disagree: sex adds",
        ),
        ([{"sex": {"female": 10}}], r"sample holds sex = male, which the margin does not know"),
        (
            [{"sex": {"female": 10, "male": 9, "other": 1}}],
            r"cell sex = other has a total of 1 but nobody in the sample",
        ),
        ([{"sexes": {"female": 10, "male": 9}}], r"'sexes'.*Did you mean 'sex'\?"),
        ([{"sex": {"female": 10, "male": -9}}], r"sex = male has the total -9"),
        ([{("sex", "band"): {"female": 3}}], r"give one value per variable"),
        ([{"word": {"yes": 10, "no": 9, "dont_know": 1}}], r"'word' has missing values"),
        ([], r"names no margin"),
    ],
)
def test_margins_that_cannot_be_met_are_refused_by_name(sample: Sample, given, sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        sample.rake(given)


def test_raking_that_does_not_converge_names_the_margin_that_is_off(sample: Sample) -> None:
    with pytest.raises(DesignError, match=r"did not converge in 1 iterations: .* is still"):
        sample.rake(margins(wave()), iterations=1)


def test_a_margin_may_be_a_long_table(sample: Sample) -> None:
    given = margins(wave())
    tables = []
    for margin in given:
        ((names, totals),) = margin.items()
        names = names if isinstance(names, tuple) else (names,)
        rows = [(*(label if isinstance(label, tuple) else (label,)), total) for label, total in totals.items()]
        tables.append(pd.DataFrame(rows, columns=[*names, "count"]))
    np.testing.assert_allclose(sample.rake(tables).weights, sample.rake(given).weights, rtol=1e-14)


def test_post_stratification_is_raking_to_one_margin(sample: Sample) -> None:
    totals = {"female": 5000.0, "male": 4000.0}
    one, other = sample.poststratify("sex", totals), sample.rake([{"sex": totals}])
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-14)
    np.testing.assert_allclose(
        one.mean("y", by="band").covariance, other.mean("y", by="band").covariance, rtol=1e-12, atol=1e-14
    )


def test_the_variance_is_that_of_the_residuals_of_the_projection_on_the_margins(sample: Sample) -> None:
    """The same numbers from a plain regression of each row's score on margin dummies, with design weights."""
    table, raked = wave(), sample.rake(margins(wave()))
    w, g = table["base_weight"].to_numpy(), raked.weights / table["base_weight"].to_numpy()
    valid = table["y"].notna().to_numpy()
    y = table["y"].fillna(0).to_numpy()
    mean = (w * g * y)[valid].sum() / (w * g)[valid].sum()
    z = np.where(valid, y - mean, 0) / (w * g)[valid].sum()
    dummies = pd.get_dummies(
        pd.DataFrame({"a": table["district"] + table["sex"], "b": table["band"]}), dtype=float
    ).to_numpy()
    root = np.sqrt(w)[:, None]
    fitted = dummies @ np.linalg.lstsq(dummies * root, z * root[:, 0], rcond=None)[0]
    table["e"] = w * g * (z - fitted)
    totals = table.groupby(["stratum", "psu"])["e"].sum()
    variance = sum(len(one) / (len(one) - 1) * ((one - one.mean()) ** 2).sum() for _, one in totals.groupby("stratum"))
    estimate = raked.mean("y")
    assert estimate.values[0] == pytest.approx(mean, rel=1e-12)
    assert estimate.se[0] ** 2 == pytest.approx(variance, rel=1e-9)


def test_steps_follow_each_other_and_the_last_margin_holds(sample: Sample) -> None:
    chained = sample.poststratify("sex", {"female": 5000.0, "male": 4000.0}).rake(margins(wave()))
    assert len(chained.steps) == 2
    counts = chained.total("band")
    wanted = next(iter(margins(wave())[1].values()))
    np.testing.assert_allclose(counts.values, list(wanted.values()), rtol=1e-9)
    assert counts.se.tolist() == [0.0, 0.0, 0.0]


def test_an_unknown_credit_is_refused(sample: Sample) -> None:
    with pytest.raises(DesignError, match="credit='R' is not a rule"):
        sample.rake(margins(wave()), credit="R")


def test_the_default_credit_is_that_of_the_raking_distance_of_r() -> None:
    """Against numbers that R made (data/raking_by_calibrate.R); R's `rake` differs from its own `calibrate`."""
    schools = pd.read_csv(Path(__file__).parents[1] / "reference" / "apistrat.csv")
    expected = pd.read_csv(Path(__file__).parent / "data" / "raking_by_calibrate.csv")
    bound = Sample(schools, Design(weight="pw", stratum="stype", fpc="fpc"))
    totals = [{"stype": {"E": 4421, "H": 755, "M": 1018}}, {"sch.wide": {"No": 1072, "Yes": 5122}}]
    raked = bound.rake(totals, tolerance=1e-13).mean(["api00", "enroll"], by="awards", whole=True).to_frame()
    assert raked["awards"].tolist() == expected["domain"].tolist()
    np.testing.assert_allclose(raked[["estimate", "se"]], expected[["estimate", "se"]], rtol=1e-9)
    by_rake = bound.rake(totals, credit="survey").mean(["api00", "enroll"]).se
    assert by_rake[0] == pytest.approx(9.2729, abs=5e-5)
