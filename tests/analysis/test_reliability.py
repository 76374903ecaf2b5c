"""Alpha and omega: R's numbers, exact arithmetic, invariances, and sets of items that have no reliability."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, DesignError, Sample
from analysis.factor import one_factor
from questionnaires import load_instrument
from tests.analysis import snapshot_files as files
from tests.analysis.waves_data import DESIGN, margins, wave

CLUSTERS = Path(__file__).parents[1] / "reference" / "apiclus1.csv"
SEEDS = st.integers(min_value=0, max_value=2**31)
few = settings(max_examples=6, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def clusters() -> Sample:
    return Sample(pd.read_csv(CLUSTERS), Design(weight="pw", psu="dnum"))


def items(seed: int = 1, count: int = 4) -> pd.DataFrame:
    """A wave with items that share a person's mood, some unanswered."""
    table, random = wave(seed), np.random.default_rng(seed)
    mood = random.normal(0, 1, len(table))
    for k in range(count):
        answer = np.clip(np.round(2 + mood + random.normal(0, 1 + 0.2 * k, len(table))), 0, 4) * 25
        table[f"q{k}"] = np.where(random.random(len(table)) < 0.04, np.nan, answer)
    return table


NAMES = ["q0", "q1", "q2", "q3"]


def test_alpha_has_the_standard_error_of_r_by_linearisation_and_by_the_jackknife(clusters: Sample) -> None:
    """R 4.2, survey 4.1.1: the means of x and xx' (x centred) by svymean over svydesign(ids=~dnum, weights=~pw),
    alpha's gradient by central differences, sqrt(g' vcov g); and SE(withReplicates(as.svrepdesign(des, type="JK1"),
    function(w, d) alpha(cov.wt(d[, v], w, method="ML")$cov))).
    """
    names = ["not.hsg", "meals", "ell"]
    found = clusters.reliability(names)
    np.testing.assert_allclose([found.values[0], found.se[0]], [0.749254142325, 0.0817794621187], rtol=1e-10)
    repeated = clusters.replicate("jackknife", centre="mean").reliability(names)
    np.testing.assert_allclose(repeated.se, [0.0890115952097], rtol=1e-9)


def test_omega_is_that_of_rs_factor_analysis_with_its_standard_error(clusters: Sample) -> None:
    """R: factanal(covmat=S, factors=1, control=list(opt=list(factr=10, lmm=20))), S as above; its digits end at
    about the eighth.
    """
    names = ["meals", "not.hsg", "ell", "emer"]
    found = clusters.reliability(names, kind="omega")
    np.testing.assert_allclose([found.values[0], found.se[0]], [0.776156369291, 0.0566050462113], rtol=1e-7)
    repeated = clusters.replicate("jackknife", centre="mean").reliability(names, kind="omega")
    np.testing.assert_allclose(repeated.se, [0.0613958192018], rtol=1e-6)


def test_alpha_counted_by_hand() -> None:
    """Two items, weights 1: variances 2/3 and 2/3, covariance 1/3, of the sum 2: alpha = 2 (1 - (4/3) / 2) = 2/3."""
    table = pd.DataFrame({"p": [1, 2, 3], "w": 1.0, "a": [0, 1, 2], "b": [1, 0, 2]})
    found = Sample(table, Design(weight="w", psu="p")).reliability(["a", "b"])
    assert found.values[0] == pytest.approx(2 / 3, abs=1e-12)


def test_items_that_are_one_thing_have_alpha_one_and_parallel_items_spearman_and_brown() -> None:
    table = items().assign(copy=lambda t: t["q0"])
    same = Sample(table, DESIGN).reliability(["q0", "copy"])
    assert same.values[0] == pytest.approx(1, abs=1e-12)
    r = Sample(table, DESIGN).correlation(["q0", "q1"]).values[0]
    standard = {
        name: table[name] / np.sqrt(Sample(table.dropna(subset=["q0", "q1"]), DESIGN).variance(name).values[0])
        for name in ("q0", "q1")
    }
    found = Sample(table.assign(**standard), DESIGN).reliability(["q0", "q1"])
    assert found.values[0] == pytest.approx(2 * r / (1 + r), rel=1e-9)


def test_the_factor_model_finds_the_loadings_that_made_the_matrix() -> None:
    random = np.random.default_rng(3)
    loading, unique = random.uniform(0.4, 2, (20, 6)), random.uniform(0.3, 2, (20, 6))
    matrices = loading[:, :, None] * loading[:, None, :] + unique[:, :, None] * np.eye(6)
    found, left = one_factor(matrices)
    np.testing.assert_allclose(found, loading, rtol=1e-9)
    np.testing.assert_allclose(left, unique, rtol=1e-9)


def test_the_likelihood_has_no_higher_point_nearby() -> None:
    random = np.random.default_rng(4)
    matrix = np.cov(random.normal(size=(60, 1)) + random.normal(size=(60, 5)) * [0.6, 0.8, 1, 1.2, 1.4], rowvar=False)
    (loading,), (unique,) = (part[None] for part in one_factor(matrix))

    def misfit(lam: np.ndarray, psi: np.ndarray) -> float:
        model = np.outer(lam, lam) + np.diag(psi)
        return float(np.linalg.slogdet(model)[1] + np.trace(np.linalg.solve(model, matrix)))

    best = misfit(loading, unique)
    for _ in range(200):
        moved = loading * np.exp(random.normal(0, 0.01, 5)), unique * np.exp(random.normal(0, 0.01, 5))
        assert misfit(*moved) >= best


@few
@given(seed=SEEDS, factor=st.floats(min_value=1e-3, max_value=1e6), shift=st.floats(min_value=-1e4, max_value=1e4))
def test_weights_order_and_units_change_nothing(seed: int, factor: float, shift: float) -> None:
    table = items(seed)
    other = table.sample(frac=1, random_state=seed % 2**32).assign(base_weight=lambda t: t["base_weight"] * factor)
    other[NAMES] = other[NAMES] * 7 + shift
    for kind in ("alpha", "omega"):
        one, two = (Sample(each, DESIGN).reliability(NAMES, kind=kind, by="sex") for each in (table, other))
        np.testing.assert_allclose(one.values, two.values, rtol=1e-7)
        np.testing.assert_allclose(one.se, two.se, rtol=1e-6)


def test_a_domains_number_is_that_of_the_domain_alone_and_limits_stay_below_one() -> None:
    sample = Sample(items(), DESIGN).rake(margins(items()))
    for kind in ("alpha", "omega"):
        both = sample.reliability(NAMES, kind=kind, by="sex")
        alone = sample.reliability(NAMES, kind=kind, where=("sex", "==", "female"))
        np.testing.assert_allclose([both.values[0], both.se[0]], [alone.values[0], alone.se[0]], rtol=1e-9)
        frame = both.to_frame()
        assert (frame["low"] < frame["estimate"]).all()
        assert (frame["estimate"] < frame["high"]).all()
        assert (frame["high"] < 1).all()
        rest = both.compare(to="rest", adjust="none")
        assert rest.differences[0] == pytest.approx(both.values[0] - both.values[1], rel=1e-9)


def test_an_item_dropped_is_an_item_left_out() -> None:
    sample = Sample(items().dropna(subset=NAMES), DESIGN)
    for kind in ("alpha", "omega"):
        dropped = sample.reliability(NAMES, kind=kind).if_dropped()
        assert dropped.variables == tuple(NAMES)
        without = [sample.reliability([name for name in NAMES if name != one], kind=kind) for one in NAMES]
        np.testing.assert_allclose(dropped.values, [one.values[0] for one in without], rtol=1e-9)
        np.testing.assert_allclose(dropped.se, [one.se[0] for one in without], rtol=1e-6)


def test_omega_is_made_of_its_loadings_and_exceeds_alpha_where_they_differ() -> None:
    sample = Sample(items(), DESIGN)
    omega, alpha = sample.reliability(NAMES, kind="omega"), sample.reliability(NAMES)
    assert (omega.loadings().values > 0).all()
    assert omega.values[0] == pytest.approx(alpha.values[0], abs=0.05)


def test_lazy_tables_give_the_same_number() -> None:
    one = Sample(items(), DESIGN).reliability(NAMES, kind="omega", by="district")
    other = Sample(pl.from_pandas(items()).lazy(), DESIGN).reliability(NAMES, kind="omega", by="district")
    np.testing.assert_allclose(one.values, other.values, rtol=1e-10)
    np.testing.assert_allclose(one.se, other.se, rtol=1e-8)


def test_scored_items_enter_by_their_scores_and_branches_are_named() -> None:
    instrument = load_instrument(files.LIBRARY)
    sample = Sample(files.rows(1, "one"), DESIGN, instrument=instrument)
    index = list(instrument.indices["satisfaction"].items)
    branching = [name for name in index if instrument.items[name].relevance is not None]
    found = sample.reliability(index[:4])
    assert np.isfinite(found.values).all()
    assert ("conditional on the branch" in found.note) == bool(set(branching) & set(index[:4]))
    if branching:
        assert (
            branching[0]
            in sample.reliability([branching[0], *[name for name in index if name != branching[0]][:2]]).note
        )


def test_a_change_between_waves_is_a_difference_of_two_numbers() -> None:
    table = pd.concat([items(), items(2).assign(wave="two")])
    sample = Sample(table, replace(DESIGN, wave="wave"))
    by_wave = sample.reliability(NAMES, by="wave").values
    changed = sample.reliability(NAMES).change(over="wave")
    assert abs(changed.differences[0]) == pytest.approx(abs(by_wave[1] - by_wave[0]), rel=1e-9)


def test_no_estimate_is_said_with_its_reason() -> None:
    table = items().assign(still=50.0, opposite=lambda t: 100 - t["q0"])
    frame = Sample(table, DESIGN).reliability(["q0", "opposite"]).to_frame()
    assert frame["estimate"].isna().all()
    assert frame["reason"].tolist() == ["the sum of the items does not vary"]
    frame = Sample(table, DESIGN).reliability(["q0", "q1", "still"], kind="omega").to_frame()
    assert frame["reason"].str.contains("no proper solution").all()


@pytest.mark.parametrize(
    ("names", "kind", "message"),
    [
        (["q0", "q9"], "alpha", "names the column 'q9'"),
        (["q0", "word"], "alpha", "'word' holds String: score it first"),
        (["q0", "q0"], "alpha", "names the column 'q0' twice"),
        (["q0"], "alpha", "alpha needs at least 2 items, and 1 is given"),
        (["q0", "q1"], "omega", "omega needs at least 3 items"),
        (["q0", "q1"], "alfa", "Did you mean 'alpha'"),
        (["q0", "none"], "alpha", "'none' has no score at all"),
    ],
)
def test_bad_requests_are_refused_by_name(names: list[str], kind: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        Sample(items().assign(none=np.nan), DESIGN).reliability(names, kind=kind)


def test_two_items_have_none_to_drop() -> None:
    with pytest.raises(DesignError, match="Of 2 items none can be dropped"):
        Sample(items(), DESIGN).reliability(["q0", "q1"]).if_dropped()


def test_a_domain_where_no_item_varies_leaves_the_others_theirs() -> None:
    """Of items that do not vary the model has no equations; that used to stop the estimates of every domain."""
    table = items()
    still = table["psu"] == table["psu"].iloc[0]
    table.loc[still, ["q0", "q1", "q2", "q3"]] = 3.0
    found = Sample(table.assign(part=np.where(still, "still", "varied")), DESIGN).reliability(
        ["q0", "q1", "q2", "q3"], kind="omega", by="part"
    )
    assert found.domains == (("still",), ("varied",))
    assert np.isnan(found.values[0]) and "no proper solution" in found.reasons[0]
    assert 0 < found.values[1] < 1


def test_one_item_is_named_as_one() -> None:
    with pytest.raises(DesignError, match="alpha needs at least 2 items, and 1 is given"):
        Sample(items(), DESIGN).reliability("q0")
