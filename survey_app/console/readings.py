"""What the views show, computed from one snapshot: pure functions from a `Sample` to plain tables.

Every number starts in `analysis.open_snapshot`; nothing here prints and nothing knows Streamlit. Degrees and shares are
on 0-100. Tables stand in official order (the order of `sample.units`), never by score.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from analysis import Estimates, Sample
from questionnaires.instrument import Instrument, Item
from survey_app.publish.exports import DEGREES

WHOLE = "whole"  # the code of the row that all districts make up


@dataclass(frozen=True)
class Figure:
    """One degree of the whole city (0-100), its 95% interval and what it rests on; `dont_know` is a share (0-100)."""

    degree: str
    estimate: float
    low: float
    high: float
    n: int
    design_effect: float
    effective_n: float
    dont_know: float


def degree_estimates(sample: Sample, degree: str) -> Estimates:
    """One degree by district, with the scores that every table and comparison below is read from."""
    return sample.index(degree, by="district")


def degree_table(estimates: Estimates) -> pd.DataFrame:
    """One degree by district and for the whole (last row, code "whole").

    Columns: code, estimate, se, low, high, df, n, design_effect, effective_n.
    """
    frame = estimates.with_whole().to_frame().rename(columns={"district": "code"}).reset_index(drop=True)
    frame["effective_n"] = frame["n"] / frame["design_effect"]
    return frame.astype({"code": str})


def figure(table: pd.DataFrame, degree: str, dont_know: float) -> Figure:
    """The whole city's row of a degree's table, with the share (0-100) of "don't know" beside it."""
    row = table.loc[table["code"] == WHOLE].iloc[0]
    return Figure(
        degree=degree,
        estimate=float(row["estimate"]),
        low=float(row["low"]),
        high=float(row["high"]),
        n=int(row["n"]),
        design_effect=float(row["design_effect"]),
        effective_n=float(row["effective_n"]),
        dont_know=dont_know,
    )


def comparison(estimates: Estimates, target: float | None = None) -> pd.DataFrame:
    """Each district's degree against the whole city, or against a fixed target (0-100), all districts at once (max-t).

    Columns: code, difference, low, high, se, df, p, p_adjusted, detectable, evidence (above, below or undecided).
    """
    frame = estimates.compare(to=WHOLE if target is None else target, adjust="max-t").to_frame()
    frame = frame.rename(columns={"domain": "code"})
    frame["code"] = frame["code"].astype(str)
    frame["evidence"] = [evidence(low, high) for low, high in zip(frame["low"], frame["high"], strict=True)]
    return frame.reset_index(drop=True)


def changes(sample: Sample, degree: str) -> pd.DataFrame:
    """Each district's change between the two stacked waves; shared psus are credited. Columns as in `comparison`."""
    change = sample.index(degree, by="district").change(over="wave")
    return _change_table(change.to_frame())


def city_changes(sample: Sample, degree: str) -> pd.DataFrame:
    """The whole city's change between the two stacked waves: one row."""
    return _change_table(sample.index(degree).change(over="wave").to_frame())


def shares(sample: Sample, item: str) -> pd.DataFrame:
    """Weighted shares (0-100) of every answer to an item, by district and for the whole, with Korn-Graubard intervals.

    Columns: code, answer, estimate, low, high, n. Don't know and refusal are answers of their own.
    """
    frame = sample.proportion(item, by="district", whole=True).to_frame(method="korn-graubard")
    frame = frame.rename(columns={"district": "code", "variable": "answer"}).reset_index(drop=True)
    frame[["estimate", "low", "high"]] *= 100.0
    return frame.astype({"code": str, "answer": str})


def dont_know_shares(sample: Sample) -> dict[str, float]:
    """Of each degree: the mean, over its items by item weight, of the weighted share (0-100) of "don't know" answers.

    All items in one pass over the rows; missing (NaN) where no item of a degree offers "don't know".
    """
    items = {name: item for degree in DEGREES for name, item in _unsure_items(sample.instrument, degree).items()}
    marks = {name: _unsure(sample.data, item) for name, item in items.items()}
    marked = replace(sample, data=sample.data.assign(**marks))
    shares = dict(zip(items, 100.0 * marked.mean(list(items)).values, strict=True))
    return {degree: _weighted_mean(sample.instrument.indices[degree].items, shares) for degree in DEGREES}


def evidence(low: float, high: float) -> str:
    """What an interval of a difference shows: above, below, undecided, or none where there is no interval."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "none"
    if low > 0:
        return "above"
    return "below" if high < 0 else "undecided"


def answers_of(instrument: Instrument, item: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The answers of an item in the instrument's order: those on its scale, and those apart from it (don't know...)."""
    choices = instrument.items[item].choices
    on_scale = tuple(choice.name for choice in choices if choice.missing is None)
    return on_scale, tuple(choice.name for choice in choices if choice.missing is not None)


def shown_items(instrument: Instrument) -> tuple[Item, ...]:
    """The items whose distribution is shown: closed questions, without consent, screening, address and presets."""
    hidden = {"consent", "screening", "preset", "address", "disposition", "paradata"}
    closed = (item for item in instrument.items.values() if item.type in {"select_one", "select_multiple"})
    return tuple(item for item in closed if item.role not in hidden and item.choices)


def _change_table(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns={"district": "code", "domain": "code", "estimate": "difference"}).reset_index(
        drop=True
    )
    frame["evidence"] = [evidence(low, high) for low, high in zip(frame["low"], frame["high"], strict=True)]
    return frame


def _unsure_items(instrument: Instrument, degree: str) -> dict[str, Item]:
    """The degree's items that offer "don't know", by the name of the column that marks it."""
    items = (instrument.items[name] for name in instrument.indices[degree].items)
    return {f"unsure_{item.name}": item for item in items if any(one.missing == "dont_know" for one in item.choices)}


def _unsure(data: pd.DataFrame, item: Item) -> pd.Series:
    """1 where the answer is "don't know", 0 for another answer, missing where there is none."""
    names = [choice.name for choice in item.choices if choice.missing == "dont_know"]
    answers = data[item.name]
    return answers.isin(names).astype(float).where(answers.notna())


def _weighted_mean(weights: Mapping[str, float], shares: Mapping[str, float]) -> float:
    """The mean of the shares by item weight, over the items that have one."""
    known = {name: weight for name, weight in weights.items() if math.isfinite(shares.get(f"unsure_{name}", math.nan))}
    total = sum(known.values())
    return sum(weight * shares[f"unsure_{name}"] for name, weight in known.items()) / total if total else math.nan
