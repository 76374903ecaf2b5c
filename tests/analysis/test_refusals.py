"""What cannot be estimated is refused or said, never printed as a number: no variance, no row, no sensible request."""

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from analysis import Design, DesignError, Sample

DESIGN = Design(weight="w", stratum="s", psu="p")


def table(**columns: Any) -> pd.DataFrame:
    """Two strata of twenty psus with ten rows each."""
    random, n = np.random.default_rng(0), 400
    frame = pd.DataFrame(
        {
            "s": np.repeat(["a", "b"], n // 2),
            "p": np.repeat(np.arange(40), 10).astype(str),
            "w": random.uniform(1, 2, n),
            "y": random.uniform(0, 100, n),
            "g": random.choice(["u", "v"], n),
        }
    )
    return frame.assign(**columns)


def test_a_constant_varies_nowhere_and_rounding_makes_no_difference_significant() -> None:
    means = Sample(table(y=50.1), DESIGN).mean("y", by="g")
    frame = means.to_frame()
    assert frame["se"].tolist() == [0, 0]
    assert frame["low"].isna().all()
    assert frame["reason"].tolist() == ["no estimated variance"] * 2
    for adjust in ("max-t", "holm"):
        family = means.compare(to="pairs", adjust=adjust).to_frame()
        assert family["p_adjusted"].isna().all()
        assert family["reason"].tolist() == ["no estimated variance"]
    with pytest.raises(DesignError, match="no estimated variance"):
        means.rank_sets()


def test_a_domain_in_one_psu_has_no_interval_and_is_compared_with_nothing() -> None:
    frame = table()
    means = Sample(frame.assign(g=np.where(frame["p"] == "0", "one", "rest")), DESIGN).mean("y", by="g")
    assert means.to_frame()["reason"].tolist() == ["too few psus for an interval", ""]
    tests = means.compare(to="whole").to_frame()
    assert tests["reason"].tolist() == ["no estimated variance", ""]
    assert tests["p"].isna().tolist() == [True, False]


def test_an_estimate_that_rounding_puts_beside_the_end_of_the_scale_has_an_interval_on_it() -> None:
    sample = Sample(table(a_score=100.0, b_score=100.0, c_score=100.0), DESIGN)
    sample = sample.rake([{"g": {"u": 123.4, "v": 567.8}}])
    estimates = sample.index(Index({"a": 0.1, "b": 0.2, "c": 0.7}), by="g", whole=True)
    frame = estimates.to_frame()
    np.testing.assert_allclose(frame["estimate"], 100, rtol=1e-12)
    assert (frame["high"] <= 100).all()
    assert frame["low"].between(95, 100, inclusive="neither").all()


class Index:
    """An index of a bare table."""

    name = "made up"
    children: tuple[str, ...] = ()
    min_weight = None
    item_weight = 1.0

    def __init__(self, items: dict[str, float]) -> None:
        self.items = items


def test_a_total_of_nothing_is_told_from_a_missing_answer() -> None:
    assert Sample(table(z=0.0), DESIGN).ratio("y", "z").to_frame()["reason"].tolist() == [
        "what it is divided by adds up to 0"
    ]


@pytest.mark.parametrize(
    ("request_of", "sentence"),
    [
        (lambda: Sample(pd.concat([table(), table()[["y"]]], axis=1), DESIGN), "column 'y' 2 times"),
        (lambda: Sample(table(y=None), DESIGN).mean("y"), "at least one answer"),
        (lambda: Sample(table(), DESIGN).mean([]), "name a column"),
        (lambda: Sample(table(), DESIGN).composite({"y": np.nan}), "finite and above 0"),
        (lambda: Sample(table(), DESIGN).composite({"y": np.inf}), "finite and above 0"),
        (lambda: Sample(table(), DESIGN).index(5), "5 is no index"),
        (lambda: Sample(table(), DESIGN).mean("y", where=("y", ">", "5")), "holds numbers, with '5'"),
        (lambda: Sample(table(), DESIGN).mean("y", where=("g", "in", [5])), "holds text, with 5"),
        (lambda: Sample(table(), DESIGN).mean("y", where=[("g", "==")]), "column, comparison, value"),
        (lambda: Sample(table(), DESIGN).rake([{"g": {"u": "x", "v": 1}}]), "total 'x': give a number"),
        (lambda: Sample(table(), DESIGN).rake([{"g": {"u": 0, "v": 0}}]), "adds up to 0"),
        (lambda: Sample(table(g=1), DESIGN).rake([{"g": {"1": 10}}]), "give both the same type"),
        (lambda: Sample(table(), DESIGN).rake([{"g": {"u": 1, "v": 1}}], iterations=0), "at least 1"),
        (lambda: Sample(table(), DESIGN).mean("y", by="g").compare(to="whole", level=95), "level=95"),
        (lambda: Sample(table(), DESIGN).mean("y", by="g").rank_sets(level=95), "level=95"),
        (lambda: Sample(table(), DESIGN).mean("y").to_frame(df=0), "df=0 gives no interval"),
        (lambda: Sample(table(), DESIGN).mean("y", by="g").compare(to="whole", df=float("nan")), "df=nan"),
        (lambda: Sample(table(g=3), DESIGN).mean("y", by="g").compare(to=3), r"say to=\(3,\)"),
        (lambda: Sample(table(g=3), DESIGN).mean("y", by="g").compare(to="3"), "labelled by a number"),
        (lambda: Sample(table(), DESIGN).mean("y", by="g", where=("g", "==", "u")).wald(), "no estimate of 'v'"),
    ],
)
def test_a_request_without_sense_is_one_sentence(request_of: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        request_of()


@pytest.mark.parametrize("label", ["whole", "rest", "pairs"])
def test_a_domain_named_as_a_reference_is_never_taken_for_it(label: str) -> None:
    sample = Sample(table(g=np.where(table()["g"] == "u", label, "v")), DESIGN)
    with pytest.raises(DesignError, match=f"'{label}'"):
        sample.mean("y", by="g").compare(to=label)
    if label == "whole":  # it would be left out of every ranking as the whole of all domains
        with pytest.raises(DesignError, match="name of all domains together"):
            sample.mean("y", by="g").rank_sets()
    else:
        assert sample.mean("y", by="g").compare(to=(label,)).to_frame()["reference"].tolist() == [label]


def test_a_joint_test_is_of_correlations_and_needs_as_many_degrees_of_freedom_as_estimates() -> None:
    sample = Sample(table(income=table()["y"] * 1e9 + 1e8 * np.arange(400)), DESIGN)
    assert sample.mean(["y", "income"]).wald()["q"] == 2
    with pytest.raises(DesignError, match="at least 2 degrees of freedom"):
        sample.mean("y", by="g").wald(df=1)


@pytest.mark.parametrize(
    ("request_of", "sentence"),
    [
        (lambda means: means.compare(to="whole", level="95"), "level='95'"),
        (lambda means: means.rank_sets(level=None), "level=None"),
        (lambda means: means.fragility(level=1), "level=1"),
        (lambda means: means.fragility(scale=(0, np.inf)), "is no scale"),
        (lambda means: means.fragility(scale="ab"), "is no scale"),
        (lambda means: means.to_frame(method=["logit"]), "no interval method"),
        (lambda means: means.compare(to="whole", adjust=["holm"]), "not an adjustment"),
        (lambda means: means.compare(to="whole", seed="x"), "no seed"),
        (lambda means: means.compare(to="whole", seed=-1), "no seed"),
        (lambda means: means.compare(to=np.array([1, 2])), "is a ndarray"),
        (lambda means: means.compare(to=table()), "is a DataFrame"),
        (lambda means: means.compare(to=means), "by their domains"),
        (lambda means: means.compare(to="whole").equivalence("5"), "no margin"),
        (lambda means: means.contrast({"a": {"u": "1"}}), "coefficient '1'"),
        (lambda means: means.contrast({"a": {"u": np.nan}}), "coefficient nan"),
        (lambda means: means.contrast({"a": ["u", "v"]}), "name at least one domain"),
        (lambda means: means.contrast([("u", 1)]), "name at least one"),
    ],
)
def test_what_makes_no_sense_of_estimates_is_one_sentence(request_of: Callable[[Any], Any], sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        request_of(Sample(table(), DESIGN).mean("y", by="g"))


@pytest.mark.parametrize(
    ("request_of", "sentence"),
    [
        (lambda sample: sample.mean(5), "5 is no column"),
        (lambda sample: sample.mean("y", by=5), "5 is no column"),
        (lambda sample: sample.mean("y", where=5), "where is a int"),
        (lambda sample: sample.mean("y", where=table()["y"] > 5), "where is a Series"),
        (lambda sample: sample.mean("y", where=("y", ["=="], 5)), "column, comparison, value"),
        (lambda sample: sample.mean("y", where=("y", "in", 5)), "give a list of values"),
        (lambda sample: sample.mean("y", where=("g", "in", [])), "give a list of values"),
        (lambda sample: sample.mean("y", where=("g", "in", "uv")), "give a list of values"),
        (lambda sample: sample.mean("y", where=("y", "==", None)), "'isna'"),
        (lambda sample: sample.mean("y", where=("y", "==", [1, 2])), "several by 'in'"),
        (lambda sample: sample.composite(["y"]), "give every column its weight"),
        (lambda sample: sample.composite({"y": "1"}), "finite and above 0"),
        (lambda sample: sample.composite({"y": 1e308, "w": 1e308}), "finite and above 0"),
        (lambda sample: sample.top_two("g", values=[]), "names no answer"),
        (lambda sample: sample.rake(None), "None is no margin"),
        (lambda sample: sample.trim(upper="a"), "bound 'a'"),
        (lambda sample: sample.replicate("bootstrap", "10", seed=1), "count=500, seed=1"),
        (lambda sample: Sample(sample.data, Design(weight=["w"])), "no column"),
        (lambda sample: sample.ttest("y", mu="a"), "no number to compare with"),
    ],
)
def test_what_makes_no_sense_of_a_sample_is_one_sentence(request_of: Callable[[Any], Any], sentence: str) -> None:
    with pytest.raises(DesignError, match=sentence):
        request_of(Sample(table(), DESIGN))


@pytest.mark.parametrize("labels", [["nan", "1", "2", "3"], [pd.Timestamp(2020, 1, day).date() for day in range(1, 5)]])
def test_labels_that_no_number_orders_have_no_top(labels: list[Any]) -> None:
    with pytest.raises(DesignError, match="neither scores nor numbers"):
        Sample(table(item=np.resize(np.array(labels, dtype=object), 400)), DESIGN).top_two("item")


def test_the_categories_of_pandas_keep_their_missing_values() -> None:
    blank = np.arange(400) % 4 == 0
    numbers = pd.Categorical(pd.Series(np.arange(400) % 3, dtype=object).mask(blank))
    truths = pd.Categorical(pd.Series(np.arange(400) % 2 == 0, dtype=object).mask(blank))
    sample = Sample(table(numbers=numbers, truths=truths), DESIGN)
    for name in ("numbers", "truths"):
        assert sample.mean(name).n.tolist() == [300]
        assert sample.proportion(name).n.tolist() == [300] * len(sample.levels(name))


def test_columns_that_would_be_mistaken_for_others_are_refused() -> None:
    with pytest.raises(DesignError, match="'sandu__w': rename it"):
        Sample(table(sandu__w=1.0), DESIGN)
    with pytest.raises(DesignError, match="'se' of by= has the name"):
        Sample(table(se="a"), DESIGN).mean("y", by="se").to_frame()
    with pytest.raises(DesignError, match="names a column twice"):
        Sample(table(), DESIGN).mean("y", by=["g", "g"])
    with pytest.raises(DesignError, match="Did you mean 'y'"):
        Sample(table(), DESIGN).levels("yy")


@pytest.mark.parametrize("data", [None, [1], {"y": [1]}, "table.parquet", np.zeros((2, 2)), pd.Series([1])])
def test_what_is_no_table_is_refused(data: Any) -> None:
    with pytest.raises(DesignError, match="is no table"):
        Sample(data, DESIGN)


def test_a_lazy_table_that_fails_says_what_its_engine_says() -> None:
    lazy = pl.from_pandas(table()).lazy()
    text = lazy.with_columns(y=pl.col("g").cast(pl.Int64))
    for data in (text, lazy.map_batches(lambda frame: 1 / 0)):
        with pytest.raises(DesignError, match="its engine says"):
            Sample(data, DESIGN).mean("y")
    with pytest.raises(DesignError, match="its engine says"):
        Sample(pl.scan_csv("no such file.csv"), DESIGN)
    relation = duckdb.connect().sql("select 'u'::varchar g, 1 w").select("g::int as y, w")
    with pytest.raises(DesignError, match="its engine says"):
        Sample(relation, Design(weight="w")).mean("y")


@pytest.mark.parametrize("item", ["mixed", "lists"])
def test_values_that_nothing_orders_are_refused(item: str) -> None:
    odd = {"mixed": [*range(399), "text"], "lists": [[1, 2]] * 400}
    sample = Sample(table(**{item: odd[item]}), DESIGN)
    for ask in (lambda: sample.mean(item), lambda: sample.proportion(item), lambda: sample.top_two(item)):
        with pytest.raises(DesignError, match="several kinds"):
            ask()


def test_a_number_whose_square_is_none_is_refused() -> None:
    with pytest.raises(DesignError, match="its square is no number"):
        Sample(table(y=table()["y"] * 1e300), DESIGN).mean("y")


@pytest.mark.parametrize(("column", "value"), [("flag", 1), ("day", 5)])
def test_where_compares_like_with_like(column: str, value: Any) -> None:
    frame = table(flag=np.arange(400) % 2 == 0, day=pd.Timestamp(2020, 1, 1))
    for data in (frame, pl.from_pandas(frame).lazy()):
        with pytest.raises(DesignError, match=f"the column '{column}', which holds"):
            Sample(data, DESIGN).mean("y", where=(column, "==", value))
