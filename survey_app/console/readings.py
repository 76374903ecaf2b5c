"""What the views show, computed from one snapshot: pure functions from a `Sample` to plain tables.

Every number starts in `analysis.open_snapshot`; nothing here prints and nothing knows Streamlit. Degrees and shares are
on 0-100. Tables stand in official order (the order of `sample.units`), never by score.
"""

import math
from dataclasses import dataclass

import pandas as pd

from analysis import Estimates, Sample
from questionnaires.instrument import Instrument, Item

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


def dont_know_share(sample: Sample, degree: str) -> float:
    """The mean, over the degree's items by item weight, of the weighted share (0-100) of "don't know" answers."""
    instrument = sample.instrument
    weights = instrument.indices[degree].items
    found = {name: _dont_know(sample, instrument.items[name]) for name in weights}
    known = {name: share for name, share in found.items() if math.isfinite(share)}
    total = sum(weights[name] for name in known)
    return sum(weights[name] * share for name, share in known.items()) / total if total else float("nan")


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


def _dont_know(sample: Sample, item: Item) -> float:
    names = [choice.name for choice in item.choices if choice.missing == "dont_know"]
    if not names:
        return float("nan")
    shares = sample.proportion(item.name)
    return 100.0 * sum(value for value, answer in zip(shares.values, shares.variables, strict=True) if answer in names)
