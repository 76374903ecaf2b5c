"""The area-level model: closed forms, independent arithmetic, and what it refuses to publish or to be mixed with."""

import numpy as np
import pandas as pd
import pytest

from analysis import Design, DesignError, Sample
from analysis.area_model import fit
from analysis.small_area import SmallAreas, fay_herriot

DESIGN = Design(weight="w", stratum="district", psu="psu")


def answers(seed: int = 1, *, districts: int = 4, streets: int = 8, spread: float = 8.0) -> pd.DataFrame:
    """Streets with two or three psus of ten equal weights; every fourth street was not drawn."""
    random, rows = np.random.default_rng(seed), []
    for d in range(districts):
        for s in range(streets):
            level = 50 + 3 * (s - streets / 2) + random.normal(0, spread)
            for p in range(0 if s % 4 == 3 else 2 + s % 2):
                shift = random.normal(0, 4)
                for _ in range(10):
                    rows.append((f"d{d}", f"d{d}s{s}", f"d{d}s{s}p{p}", 10.0, level + shift + random.normal(0, 10)))
    return pd.DataFrame(rows, columns=["district", "street", "psu", "w", "y"])


def covariates(districts: int = 4, streets: int = 8) -> pd.DataFrame:
    rows = [(f"d{d}s{s}", f"d{d}", float(s), 1000.0 + 100 * s) for d in range(districts) for s in range(streets)]
    return pd.DataFrame(rows, columns=["street", "district", "services", "persons"])


def model(**options: object) -> SmallAreas:
    sample = Sample(answers(), DESIGN)
    given = {"variables": ["services"], "within": "district", "size": "persons"} | options
    return fay_herriot(sample.mean("y", by="street"), covariates(), **given)


def test_with_equal_sampling_variances_between_is_the_closed_form() -> None:
    """A = RSS / (m - p) - D, and every EBLUP leans on the regression by the same gamma."""
    random = np.random.default_rng(3)
    x = np.column_stack([np.ones(30), random.normal(size=30)])
    y, d = x @ [50, 4] + random.normal(0, 5, 30), np.full(30, 9.0)
    beta, rss, *_ = np.linalg.lstsq(x, y, rcond=None)
    found = fit(y, d, x)
    assert found.between == pytest.approx(rss[0] / 28 - 9, rel=1e-6)
    assert not found.adjusted
    np.testing.assert_allclose(found.beta, beta, rtol=1e-10)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(x.T @ x) * (found.between + 9), rtol=1e-9)


def test_between_solves_the_residual_likelihood_equation_and_errors_are_those_of_prasad_and_rao() -> None:
    """tr P = y'PPy at the maximum, with P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1 written out as matrices."""
    random = np.random.default_rng(4)
    m = 25
    x = np.column_stack([np.ones(m), random.normal(size=m)])
    d = random.uniform(2, 20, m)
    y = x @ [40, 3] + random.normal(0, 4, m) + random.normal(0, np.sqrt(d))
    found = fit(y, d, x)
    inverse = np.diag(1 / (found.between + d))
    q = np.linalg.inv(x.T @ inverse @ x)
    p = inverse - inverse @ x @ q @ x.T @ inverse
    assert np.trace(p) == pytest.approx(y @ p @ p @ y, rel=1e-5)
    gamma = found.between / (found.between + d)
    g1, g2 = gamma * d, (1 - gamma) ** 2 * np.diag(x @ q @ x.T)
    g3 = d**2 * (found.between + d) ** -3 * 2 / np.trace(inverse @ inverse)
    errors = found.mean_squared_error(x, d, np.ones(m, dtype=bool))
    np.testing.assert_allclose(errors, g1 + g2 + 2 * g3, rtol=1e-10)
    synthetic = found.mean_squared_error(x, d, np.zeros(m, dtype=bool))
    np.testing.assert_allclose(synthetic, found.between + np.diag(x @ q @ x.T), rtol=1e-10)


def test_where_residual_likelihood_is_zero_the_adjusted_one_is_not() -> None:
    random = np.random.default_rng(5)
    x = np.column_stack([np.ones(20), np.linspace(0, 1, 20)])
    y = x @ [50, 5] + random.normal(0, 0.5, 20)
    found = fit(y, np.full(20, 25.0), x)
    assert found.adjusted
    assert 0 < found.between < 25


def test_sampling_variances_are_the_pooled_between_psu_variance_over_the_psus() -> None:
    table, found = answers(), model()
    means = table.groupby(["street", "psu"])["y"].mean()
    by_street = means.groupby("street")
    district = means.index.get_level_values("street").str[:2]
    squares = (by_street.var() * (by_street.size() - 1)).groupby(lambda name: name[:2]).sum()
    df = (by_street.size() - 1).groupby(lambda name: name[:2]).sum()
    assert set(district) == set(df.index)
    pooled = squares.sum() / df.sum()  # no district has ten degrees of freedom of its own
    assert df.max() < 10
    np.testing.assert_allclose(found.sampling, [pooled / size if size else np.nan for size in found.psus], rtol=1e-9)


def test_streets_without_a_psu_are_synthetic_and_unpublished() -> None:
    frame = model().to_frame()
    synthetic = frame[frame["psus"] == 0]
    assert len(synthetic) == 8
    assert set(synthetic["kind"]) == {"synthetic"}
    assert synthetic["estimate"].isna().all()
    assert (synthetic["gamma"] == 0).all()
    assert synthetic["reason"].str.contains("none of its psus").all()
    every = model().to_frame(unpublished=True)
    assert every["estimate"].notna().all()
    drawn = every[every["psus"] > 0]
    between = np.sort(np.column_stack([drawn["direct"], drawn["estimate"]]), axis=1)
    assert np.isfinite(between).all()
    assert (drawn["rmse"] < every.loc[synthetic.index, "rmse"].min()).all()


def test_only_a_gamma_of_half_is_published() -> None:
    high = model(threshold=0.999).to_frame()
    assert high["estimate"].isna().all()
    low = model(threshold=0.0).to_frame()
    assert low["estimate"].notna().sum() == 24
    assert (model().to_frame().query("gamma >= 0.5")["reason"] == "").all()


def test_benchmarked_streets_add_up_to_their_district() -> None:
    sample = Sample(answers(), DESIGN)
    districts = sample.mean("y", by="district")
    found = model(benchmark=districts)
    table = covariates().assign(estimate=found.estimates)
    table["part"] = table["estimate"] * table["persons"]
    sums = table.groupby("district")[["part", "persons"]].sum()
    np.testing.assert_allclose(sums["part"] / sums["persons"], districts.values, rtol=1e-12)
    np.testing.assert_allclose(found.rmse, model().rmse)


def test_a_model_is_never_mixed_with_the_design() -> None:
    found = model()
    for verb in ("compare", "contrast", "change", "rank_sets", "fragility", "wald"):
        with pytest.raises(DesignError, match="come from a model"):
            getattr(found, verb)(to="whole")
    with pytest.raises(DesignError, match="model"):
        Sample(answers(), DESIGN).mean("y", by="street").compare(to=found)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda table: table.drop(columns="services"), "names the column 'services'"),
        (lambda table: table.assign(services=1.0), "at least one covariate that varies"),
        (lambda table: table.assign(services="many"), "not numbers"),
        (lambda table: table.assign(services=[np.nan, *table["services"][1:]]), "no value for the area 'd0s0'"),
        (lambda table: table.iloc[1:], "no row for street 'd0s0'"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "list the area 'd0s0' twice"),
        (lambda table: table.assign(persons=0.0), "has the size 0"),
    ],
)
def test_covariates_that_do_not_serve_are_refused(change: object, match: str) -> None:
    direct = Sample(answers(), DESIGN).mean("y", by="street")
    with pytest.raises(DesignError, match=match):
        fay_herriot(direct, change(covariates()), variables=["services"], within="district", size="persons")


def test_without_streets_of_two_psus_there_is_no_sampling_variance() -> None:
    table = answers()
    table = table[table["psu"].str.endswith("p0")]
    with pytest.raises(DesignError, match="degrees of freedom"):
        fay_herriot(Sample(table, DESIGN).mean("y", by="street"), covariates(), variables=["services"])
