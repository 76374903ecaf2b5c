"""What the views show, computed from one snapshot: pure functions from a `Sample` to plain tables.

Every number starts in `analysis.open_snapshot`; nothing here prints and nothing knows Streamlit. Degrees and shares are
on 0-100. Tables stand in official order (the order of `sample.units`), never by score.
"""

from dataclasses import dataclass

import pandas as pd

from analysis import Sample
from questionnaires.instrument import Instrument, Item
from survey_app.publish.exports import DEGREES

__all__ = ["DEGREES", "Figure", "changes", "city_changes", "comparison", "degree_table", "dont_know_share", "figures", "shares"]

WHOLE = "whole"


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


def figures(sample: Sample) -> tuple[Figure, ...]:
    """The three degrees of the whole, in their order: awareness, participation, satisfaction."""
    return tuple(_figure(sample, name) for name in DEGREES)


def degree_table(sample: Sample, degree: str) -> pd.DataFrame:
    """One degree by district and for the whole (last row, code "whole").

    Columns: code, estimate, se, low, high, df, n, design_effect, effective_n.
    """
    frame = sample.index(degree, by="district", whole=True).to_frame()
    return _coded(frame)


def comparison(sample: Sample, degree: str, target: float | None = None) -> pd.DataFrame:
    """Each district's degree against the whole city, or against a fixed target (0-100), all districts at once (max-t).

    Columns: code, difference, low, high, se, df, p, p_adjusted, detectable, evidence (above, below or undecided).
    """
    estimates = sample.index(degree, by="district")
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
    return _share_table(sample, item, by="district")


def dont_know_share(sample: Sample, degree: str) -> float:
    """The mean, over the degree's items by item weight, of the weighted share (0-100) of "don't know" answers."""
    instrument = sample.instrument
    weights = instrument.indices[degree].items
    found = {name: _dont_know(sample, instrument.items[name]) for name in weights}
    known = {name: share for name, share in found.items() if share == share}
    total = sum(weights[name] for name in known)
    return sum(weights[name] * share for name, share in known.items()) / total if total else float("nan")


def evidence(low: float, high: float) -> str:
    """What an interval of a difference shows: above, below, undecided, or none where there is no interval."""
    if low != low or high != high:
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


def _figure(sample: Sample, degree: str) -> Figure:
    row = sample.index(degree).to_frame().iloc[0]
    return Figure(
        degree=degree,
        estimate=float(row["estimate"]),
        low=float(row["low"]),
        high=float(row["high"]),
        n=int(row["n"]),
        design_effect=float(row["design_effect"]),
        effective_n=float(row["n"] / row["design_effect"]),
        dont_know=dont_know_share(sample, degree),
    )


def _coded(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns={"district": "code"}).reset_index(drop=True)
    frame["code"] = frame["code"].astype(str)
    frame["effective_n"] = frame["n"] / frame["design_effect"]
    return frame


def _change_table(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns={"district": "code", "domain": "code", "estimate": "difference"}).reset_index(drop=True)
    frame["evidence"] = [evidence(low, high) for low, high in zip(frame["low"], frame["high"], strict=True)]
    return frame


def _share_table(sample: Sample, item: str, by: str | None) -> pd.DataFrame:
    frame = sample.proportion(item, by=by, whole=by is not None).to_frame(method="korn-graubard")
    frame = frame.rename(columns={"district": "code", "variable": "answer"}).reset_index(drop=True)
    frame[["estimate", "low", "high"]] *= 100.0
    return frame.astype({"answer": str})


def _dont_know(sample: Sample, item: Item) -> float:
    names = [choice.name for choice in item.choices if choice.missing == "dont_know"]
    if not names:
        return float("nan")
    table = _share_table(sample, item.name, by=None)
    return float(table.loc[table["answer"].isin(names), "estimate"].sum())
