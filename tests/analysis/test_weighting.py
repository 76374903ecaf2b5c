"""Raking and post-stratification: what is refused by name, and that the variance is that of the residuals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, DesignError, Sample
from analysis.weighting import (
    Cells,
    CellSums,
    Margin,
    Nonresponse,
    PostStratification,
    Raking,
    credited,
    product,
    read_calibration,
    repeat,
    take,
)
from analysis.weighting.distances import Distance
from tests.analysis.schools import api, by_hand, linear
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


MARGINS = [{"stype": {"E": 4421, "H": 755, "M": 1018}}, {"sch.wide": {"No": 1072, "Yes": 5122}}]


def partly(sample: Sample, **given) -> Sample:
    return sample.poststratify("stype", {"E": 4421, "H": 755, "M": 1018, "X": 9}, partial=True, **given)


@pytest.mark.parametrize(
    ("case", "weigh"),
    [
        ("trim", lambda sample: sample.trim(lower=16, upper=40)),
        ("trim strict", lambda sample: sample.trim(upper=32, strict=True)),
        ("linear, trim", lambda sample: linear(sample).trim(lower=16, upper=44, credit="survey")),
        ("trim, linear", lambda sample: linear(sample.trim(lower=16, upper=40))),
        ("partial", partly),
        ("partial", lambda sample: partly(sample, credit="survey")),
    ],
)
def test_trimming_and_partial_tables_are_those_of_r(case: str, weigh) -> None:
    """Against numbers that R made (data/weighting_by_hand.R)."""
    expected = by_hand(case)
    estimates = weigh(api()).mean(["api00", "enroll"])
    np.testing.assert_allclose(estimates.values, expected["estimate"], rtol=1e-9)
    np.testing.assert_allclose(estimates.se, expected["se"], rtol=1e-9)


def test_what_a_partial_table_leaves_alone_is_said_in_the_notes() -> None:
    sample = api().poststratify("stype", {"E": 4000, "H": 755, "X": 9}, partial=True)
    assert [note.split(";")[0].split(":")[1].strip() for note in sample.notes] == [
        "no total is known of stype = M",
        "the totals of stype = X are left out",
    ]
    np.testing.assert_allclose(sample.total("stype").values, [4000, 755, 1018], rtol=1e-7)
    assert sample.total("stype").se[:2].tolist() == [0.0, 0.0]
    assert partly(api()).notes == ("poststratify: the totals of stype = X are left out: nobody was drawn there.",)
    with pytest.raises(DesignError, match="knows no category of the sample"):
        api().poststratify("stype", {"X": 9}, partial=True)
    with pytest.raises(DesignError, match="asked for by awards, and the table has the columns stype"):
        api().poststratify("awards", pd.DataFrame({"stype": ["E", "H", "M"], "Freq": [1, 2, 3]}))


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        ({}, "lower=-inf and upper=inf: give"),
        ({"lower": 50, "upper": 40}, "lower=50 and upper=40"),
        ({"lower": -3}, "a lower bound of at least 0"),
        ({"upper": float("nan")}, "upper=nan"),
        (
            {"upper": 20, "strict": True},
            r"trim cannot keep the sum of the weights.*no row is left to take 2194 persons",
        ),
        ({"lower": 25, "upper": 40}, "take -306 persons, the mean weight being 30.97"),
        ({"upper": 40, "credit": "R"}, "credit='R' is not a rule"),
    ],
)
def test_bounds_that_trimming_cannot_meet_are_refused(bounds, sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        api().trim(**bounds)


def test_trimming_keeps_the_sum_and_ends_inside_its_bounds() -> None:
    trimmed = api().trim(upper=32, strict=True)
    assert trimmed.weights.sum() == pytest.approx(api().weights.sum(), rel=1e-12)
    assert trimmed.weights.max() <= 32 * (1 + 1e-12)
    assert api().trim(upper=32).weights.max() > 32
    np.testing.assert_allclose(trimmed.rake(MARGINS).total("stype").values, [4421, 755, 1018], rtol=1e-9)


def test_only_the_steps_after_trimming_are_credited_unless_asked_as_r_does() -> None:
    plain, calibrated = api().trim(lower=16, upper=44), linear(api()).trim(lower=16, upper=44)
    as_drawn = Sample(api().data.assign(pw=calibrated.weights), api().design)
    np.testing.assert_allclose(calibrated.mean("enroll").se, as_drawn.mean("enroll").se, rtol=1e-10)
    assert len(plain.steps) == 1
    again = calibrated.rake(MARGINS).mean("enroll").se
    np.testing.assert_allclose(again, as_drawn.rake(MARGINS).mean("enroll").se, rtol=1e-10)


def test_trimming_that_trims_nothing_changes_nothing() -> None:
    one, other = linear(api()), linear(api()).trim(upper=1000)
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-14)
    np.testing.assert_allclose(one.mean("enroll").se, other.mean("enroll").se, rtol=1e-12)


def test_a_category_that_a_replicate_leaves_empty_is_refused_with_the_number_of_the_replicate() -> None:
    cells = Cells(("sex",), (("f",), ("m",)))
    margin = Margin(("sex",), {("f",): 10.0, ("m",): 12.0})
    weights, rows = np.array([[5.0, 5.0, 5.0], [5.0, 10.0, 0.0]]), np.array([2.0, 2.0])
    for step in (Raking((margin,)), PostStratification(margin)):
        taken, _ = take(step, cells, weights[:, 0], rows)
        np.testing.assert_allclose(repeat((taken,), cells, weights[:, :2], rows), [[2, 2], [2.4, 1.2]], rtol=1e-12)
        with pytest.raises(DesignError, match="sex = m has a total of 12 but nobody in replicate 2"):
            repeat((taken,), cells, weights, rows)


def test_replicates_repeat_each_step_on_their_own_weights() -> None:
    """Every column of `repeat` is what a sample with these base weights, taken alone, gets."""
    table = wave().assign(answered=lambda t: np.arange(len(t)) % 5 != 0)
    random = np.random.default_rng(5)
    drawn = pd.DataFrame({"psu": table["psu"].unique()}).set_index("psu")
    factors = random.integers(1, 4, (len(drawn), 3)).astype(float)
    totals = {"(Intercept)": 37_000.0, "z": 1_850_000.0}

    def chain(frame: pd.DataFrame) -> Sample:
        first = (
            Sample(frame, DESIGN)
            .nonresponse(["district"], "answered")
            .poststratify("sex", {"female": 2e4, "male": 17e3})
        )
        return first.trim(upper=300).rake(margins(frame)).calibrate("z", totals, distance="raking")

    whole = chain(table)
    variables = whole.weighting_variables
    cells = Cells(variables, tuple(zip(*(table[name].tolist() for name in variables), strict=True)))
    base, times = table["base_weight"].to_numpy(), factors[[drawn.index.get_loc(one) for one in table["psu"]]]
    found = repeat(whole.steps, cells, np.column_stack([base, base[:, None] * times]), np.ones(len(table)))
    np.testing.assert_allclose(base * found[:, 0], whole.weights, rtol=1e-9)
    for column in range(3):
        # a row drawn twice is two rows
        copies = table.loc[table.index.repeat(times[:, column].astype(int))]
        np.testing.assert_allclose(
            np.repeat(base * found[:, column + 1], times[:, column].astype(int)), chain(copies).weights, rtol=1e-7
        )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.permutations(["nonresponse", "poststratify", "calibrate", "partial"]))
def test_the_residual_is_the_derivative_of_the_estimate_by_the_base_weight(seed: int, steps: list[str]) -> None:
    """For any order of steps whose regression is exact, by central differences of the whole chain."""
    random = np.random.default_rng(seed)
    count = 40
    labels = [
        (str(random.integers(3)), bool(random.random() < 0.7), ("a", "b")[i % 2], float(random.integers(0, 9)), i)
        for i in range(count)
    ]
    # who answered is put in every class
    labels[:3] = [(str(i), True, "a", 1.0 + i, i) for i in range(3)]
    cells = Cells(("area", "answered", "sex", "x", "row"), tuple(labels))
    weight, y = random.uniform(1, 3, count), random.normal(50, 10, count)
    chosen = {
        "nonresponse": Nonresponse(("area",), "answered"),
        "poststratify": PostStratification(Margin(("sex",), {("a",): 60.0, ("b",): 70.0})),
        "partial": PostStratification(Margin(("area",), {("0",): 30.0, ("2",): 45.0}), partial=True),
        "calibrate": read_calibration(
            "x", {"(Intercept)": 130.0, "x": 500.0}, distance=Distance("linear"), credit="design", columns=["x"]
        ),
    }
    taken: list = []
    for name in steps:
        before = weight * product(taken, cells)
        taken.append(take(chosen[name], cells, before, np.ones(count))[0])
    sums = CellSums(weight=weight, rows=np.ones(count), scores=(weight * y)[:, None], plain=y[:, None])
    credit = credited(cells, taken, sums)
    residual = credit.multiplier * weight * y + credit.offset[:, 0] * weight
    step = 1e-5
    up, down = (weight[:, None] * (1 + sign * step * np.eye(count)) for sign in (1, -1))
    moved = np.column_stack([weight, up, down])
    totals = (moved * repeat(taken, cells, moved, np.ones(count)) * y[:, None]).sum(axis=0)
    slope = (totals[1 : count + 1] - totals[count + 1 :]) / (2 * step)
    np.testing.assert_allclose(residual, slope, rtol=1e-5, atol=1e-5 * np.abs(weight * y).max())
