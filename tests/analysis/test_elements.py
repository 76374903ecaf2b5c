"""Where rows are the sampling units of a lazy table: the numbers of the rows themselves, and no row in Python."""

from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from analysis import Design, Sample

PEOPLE = 600
LAZY = {
    "polars": lambda frame: pl.from_pandas(frame).lazy(),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pa.Table.from_pandas(frame, preserve_index=False)),
}
DESIGNS = {
    "one stratum": Design(weight="weight"),
    "strata with fpc": Design(weight="weight", stratum="stratum", fpc="people"),
    "weights that follow from the fpc": Design(stratum="stratum", fpc="people"),
    "rows within psus": Design(weight="weight", stratum="stratum", psu="psu", fpc=["psus", "households"]),
    "waves": Design(weight="weight", stratum="stratum", wave="wave"),
}
SEXES = {"sex": {"female": 5000.0, "male": 4500.0}}
BANDS = {"band": {"old": 4700.0, "young": 4800.0}}


def people(seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    stratum = np.sort(random.choice(["a", "b", "c"], PEOPLE))
    frame = pd.DataFrame(
        {
            "stratum": stratum,
            "psu": np.char.add(stratum, np.sort(random.integers(0, 8, PEOPLE)).astype(str)),
            "sex": random.choice(["female", "male"], PEOPLE),
            "band": random.choice(["old", "young"], PEOPLE),
            "wave": random.choice(["one", "two"], PEOPLE),
            "y": random.normal(50, 10, PEOPLE),
            "z": random.normal(5, 1, PEOPLE),
            "weight": random.choice([10.0, 15.0, 0.0], PEOPLE, p=[0.6, 0.38, 0.02]),
            "households": 120,
        }
    )
    sizes = pd.DataFrame({"stratum": ["a", "b", "c"], "people": [4000, 9000, 700], "psus": [20, 30, 25]})
    frame = frame.merge(sizes, on="stratum").sort_values(["stratum", "psu"], ignore_index=True)
    return frame.assign(y=frame["y"].where(random.random(PEOPLE) > 0.1), same=7.0)


def numbers(data: Any, design: Design, credit: str | None) -> dict[str, np.ndarray]:
    sample = Sample(data, design)
    if credit is not None and design.wave is None:
        sample = sample.rake([SEXES, BANDS], credit=credit)
    means = sample.mean(["y", "z", "same"], by="band", whole=True)
    women = sample.total("y", by="band", where=("sex", "==", "female"))
    composite = sample.composite({"y": 2, "z": 3}, by=["band", "sex"])
    against = means.compare(to="rest", adjust="holm").to_frame()
    return {
        "means": means.values,
        "covariance": means.covariance[:6, :6],
        "df": np.array([means.degrees(kind) for kind in ("valid", "domain", "design")]),
        "satterthwaite": means.degrees("satterthwaite")[:6],
        "n": means.n,
        "flat": means.se[6:],
        "design effects": means.design_effect()[:6],
        "differences": against[["difference", "se", "p_adjusted"]].to_numpy()[:4],
        "women": np.r_[women.values, women.se, women.df],
        "ratio": sample.ratio("y", "z", by="stratum").se,
        "composite": np.r_[composite.values, composite.se],
        "shares": sample.proportion("sex", by="band").interval(),
        "variances": sample.variance("y", by="sex").se,
        "correlation": sample.correlation(["y", "z"]).interval(),
    }


@pytest.mark.parametrize("engine", LAZY)
@pytest.mark.parametrize("credit", [None, "design", "survey"])
@pytest.mark.parametrize("design", DESIGNS)
def test_rows_that_are_units_are_summed_by_lazy_engines(
    engine: str, credit: str | None, design: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = people()
    expected = numbers(frame, DESIGNS[design], credit)
    lengths, collect = [], nw.LazyFrame.collect

    def counting(self: Any, *arguments: Any, **options: Any) -> Any:
        collected = collect(self, *arguments, **options)
        lengths.append(len(collected))
        return collected

    monkeypatch.setattr(nw.LazyFrame, "collect", counting)
    found = numbers(LAZY[engine](frame), DESIGNS[design], credit)
    for name, wanted in expected.items():
        scale = np.nanmax(np.abs(wanted), initial=0.0)
        np.testing.assert_allclose(found[name], wanted, rtol=1e-11, atol=1e-12 * scale, err_msg=name)
    assert lengths
    assert max(lengths) < PEOPLE / 2


def test_a_stratum_of_one_row_is_lonely_although_its_rows_are_summed() -> None:
    frame = people().assign(stratum=["d", *people()["stratum"][1:]])
    design = Design(weight="weight", stratum="stratum", lonely_psu="remove")
    eager, lazy = (Sample(make(frame), design).mean("z", by="band") for make in (pl.from_pandas, LAZY["polars"]))
    np.testing.assert_allclose(lazy.covariance, eager.covariance, rtol=1e-12)
    with pytest.raises(ValueError, match="one psu"):
        Sample(LAZY["polars"](frame), Design(weight="weight", stratum="stratum")).mean("z")


@pytest.mark.parametrize("lonely", ["adjust", "average", "certainty"])
def test_the_rules_for_lonely_psus_give_what_rows_give(lonely: str) -> None:
    frame = people().assign(stratum=["d", *people()["stratum"][1:]])
    design = Design(weight="weight", stratum="stratum", lonely_psu=lonely)
    eager, lazy = (Sample(make(frame), design).mean("z", by="band") for make in (pl.from_pandas, LAZY["duckdb"]))
    np.testing.assert_allclose(lazy.covariance, eager.covariance, rtol=1e-11)
    assert lazy.df.tolist() == eager.df.tolist()


def test_a_domain_with_one_answer_in_a_stratum_is_counted() -> None:
    frame = people()
    frame["y"] = frame["y"].where((frame["stratum"] != "a") | (frame.index == frame.index[frame["y"].notna()][0]))
    eager, lazy = (
        Sample(make(frame), DESIGNS["strata with fpc"]).mean("y") for make in (pl.from_pandas, LAZY["duckdb"])
    )
    assert lazy.lonely_strata.tolist() == eager.lonely_strata.tolist() == [1]
