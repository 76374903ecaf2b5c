"""One Sample code on every kind of table: the same numbers to 1e-12, and lazy rows never reach Python."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from analysis import DesignError, Sample
from tests.analysis.waves_data import DESIGN, margins, wave

ENGINES = {
    "polars": pl.from_pandas,
    "polars lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pa.Table.from_pandas(frame, preserve_index=False)),
}


def numbers(data: Any) -> dict[str, np.ndarray]:
    """Everything that the later parts of the program ask for, as plain arrays."""
    frame = wave()
    sample = Sample(data, DESIGN).rake(margins(frame))
    women = sample.mean(["y", "z"], by="district", where=("sex", "==", "female"))
    index = sample.composite({"y": 6, "z": 5}, by="district", whole=True)
    shares = sample.proportion("word", by="sex")
    return {
        "weights": np.sort(sample.weights),
        "women": women.values,
        "covariance": women.covariance,
        "index": index.values,
        "index se": index.se,
        "effects": index.design_effect(),
        "shares": shares.values,
        "share limits": shares.interval(),
        "share covariance": shares.covariance,
        "two composites": sample.composite({"even": {"y": 1, "z": 1}, "y": {"y": 1}}, by="district").covariance,
        "variance": sample.variance("y", by="band").se,
        "correlation": sample.correlation(["y", "z"], by="sex").values,
        "median": sample.quantile("y", 0.5, by="district").values,
        "median limits": sample.quantile("z", [0.25, 0.5], by="sex").interval(),
        "calibrated": _calibrated(Sample(data, DESIGN), frame).mean("y", by="district").covariance,
        "replicated": _replicated(Sample(data, DESIGN), frame).mean("y", by="district").covariance,
        "tested": sample.crosstab("word", "sex").test().to_frame()["p"].to_numpy(float),
        "regressed": sample.regress("y ~ z + sex").se,
        "totals": sample.total("z", by=["district", "band"]).values,
        "ratio": sample.ratio("y", "z", by="band").se,
        "differences": index.compare(to="rest", adjust="holm").to_frame()["p_adjusted"].to_numpy(),
    }


def _calibrated(sample: Sample, frame: Any) -> Sample:
    return sample.calibrate("z", totals={"(Intercept)": 45_000.0, "z": 45_000.0 * frame["z"].mean()})


def _replicated(sample: Sample, frame: Any) -> Sample:
    return sample.replicate("jackknife").rake(margins(frame))


@pytest.fixture(scope="module")
def by_pandas() -> dict[str, np.ndarray]:
    return numbers(wave())


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_numbers_come_from_every_engine(engine: str, by_pandas: dict[str, np.ndarray]) -> None:
    found = numbers(ENGINES[engine](wave()))
    for name, expected in by_pandas.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, atol=1e-12, err_msg=f"{engine}: {name}")


def test_rows_of_a_lazy_table_never_reach_python(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []
    collect = nw.LazyFrame.collect

    def counting(self: Any, *arguments: Any, **options: Any) -> Any:
        collected = collect(self, *arguments, **options)
        lengths.append(len(collected))
        return collected

    frame = wave(districts=3, psus=4, people=50)
    data = ENGINES["duckdb"](frame)
    monkeypatch.setattr(nw.LazyFrame, "collect", counting)
    estimates = Sample(data, DESIGN).mean(["y", "z"], by="district")
    assert np.isfinite(estimates.covariance).all()
    assert lengths
    assert max(lengths) == 3 * 4


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("missing", [None, float("nan")], ids=["null", "NaN"])
@pytest.mark.parametrize("weights", ["above 0", "one of 0"])
def test_a_parquet_file_gives_the_numbers_of_its_rows(tmp_path: Path, missing: float | None, weights: str) -> None:
    """The statistics in a Parquet file pass over NaN, and DuckDB answers from them: a NaN must not be counted."""
    frame = wave().assign(z=lambda rows: rows["z"] + 0.5)
    if weights == "one of 0":
        frame.loc[5, "base_weight"] = 0.0
    expected = Sample(frame, DESIGN).mean(["y", "z"], by="district")
    answers = [missing if np.isnan(y) else y for y in frame["y"]]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.set_column(table.column_names.index("y"), "y", pa.array(answers, pa.float64(), from_pandas=False))
    parquet.write_table(table, tmp_path / "wave.parquet", row_group_size=50)
    found = Sample(duckdb.connect().read_parquet(str(tmp_path / "wave.parquet")), DESIGN)
    estimates = found.mean(["y", "z"], by="district")
    np.testing.assert_allclose(estimates.values, expected.values, rtol=1e-12)
    np.testing.assert_allclose(estimates.covariance, expected.covariance, rtol=1e-12, atol=1e-15)
    assert estimates.n.tolist() == expected.n.tolist()
    np.testing.assert_allclose(found.mean("z").se, Sample(frame, DESIGN).mean("z").se, rtol=1e-12)


@pytest.mark.parametrize(
    ("weight", "kind"), [(float("nan"), "missing"), (float("inf"), "infinite"), (-1.0, "negative")]
)
def test_a_weight_that_cannot_be_is_found_in_a_parquet_file(tmp_path: Path, weight: float, kind: str) -> None:
    table = pa.Table.from_pandas(wave(), preserve_index=False)
    weights = table["base_weight"].to_pylist()
    weights[7] = weight
    place = table.column_names.index("base_weight")
    table = table.set_column(place, "base_weight", pa.array(weights, pa.float64(), from_pandas=False))
    parquet.write_table(table, tmp_path / "wave.parquet", row_group_size=50)
    with pytest.raises(DesignError, match=f"'base_weight' has 1 {kind} values"):
        Sample(duckdb.connect().read_parquet(str(tmp_path / "wave.parquet")), DESIGN).mean("z")


def test_a_real_local_spark_gives_the_same_numbers(spark: Any, by_pandas: dict[str, np.ndarray]) -> None:
    frame = wave().astype(object)
    frame = frame.where(frame.notna(), None)
    types = "wave string, district string, stratum string, psu string, base_weight double, sex string, band string"
    data = spark.createDataFrame(
        list(frame.itertuples(index=False, name=None)), f"{types}, y double, z double, word string"
    )
    found = numbers(data)
    for name, expected in by_pandas.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, atol=1e-12, err_msg=f"spark: {name}")
