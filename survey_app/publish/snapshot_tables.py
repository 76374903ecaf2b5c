"""The tables of a snapshot: counted responses with what weights them, and every drawn case.

Nothing here reads the store: a wave's responses and cases come in, frames go out, in an order that tells nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from questionnaires import Instrument
from survey_app.store.errors import StoreError

SEX, AGE_BAND, AGE_BAND3 = "sex", "age_band", "age_band3"
BROAD_BAND = {"18-29": "18-39", "30-39": "18-39", "40-49": "40-59", "50-59": "40-59", "60-69": "60+", "70+": "60+"}
MOST_MISSING = 0.05
COUNTED = "complete"


def response_frame(responses: Iterable[Any], instrument: Instrument, *, seed: int, design: bool) -> pd.DataFrame:
    """One row per counted response of one stream, in an order drawn with `seed` (the store's own order tells nothing).

    Item columns hold the clean value (select_multiple joined by a space); `minutes` is the time on the pages. With
    `design`, stratum, psu and base_weight stand before the items.
    """
    items = [name for name, item in instrument.items.items() if item.role != "preset" and item.type != "note"]
    rows = [_row(response, items, design=design) for response in responses if response.disposition == COUNTED]
    rows.sort(key=lambda row: json.dumps(row, sort_keys=True, ensure_ascii=False))
    order = np.random.default_rng(seed).permutation(len(rows))
    leading = ["wave", "district", *(["stratum", "psu", "base_weight"] if design else []), "mode", "language"]
    columns = [*leading, *items, "minutes"]
    frame = pd.DataFrame([rows[place] for place in order], columns=list(dict.fromkeys(columns)))
    return frame.assign(**{name: _typed(frame[name], instrument) for name in items})


def _row(response: Any, items: Sequence[str], *, design: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"wave": response.wave, "district": response.district}
    if design:
        row |= {"stratum": response.stratum, "psu": response.psu, "base_weight": response.base_weight}
    row |= {"mode": response.mode, "language": response.language}
    for name in items:
        value = response.answers.get(name)
        row[name] = " ".join(value) if isinstance(value, list | tuple) else value
    return row | {"minutes": sum(response.durations.values()) / 60_000}


def _typed(column: pd.Series, instrument: Instrument) -> pd.Series:
    kind = instrument.items[str(column.name)].type
    if kind == "integer":
        return column.astype("Int64")
    if kind in ("decimal", "range"):
        return column.astype("Float64")
    return column.astype("string")


def with_ledger(frame: pd.DataFrame, instrument: Instrument, ledger: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """The frame with `ledger_<key>` (yes, no or missing) of each verifiable item, by the community drawn as psu."""
    keys = dict.fromkeys(item.key for item in instrument.items.values() if item.key)
    columns = {
        f"ledger_{key}": pd.array([ledger.get(psu, {}).get(str(key)) or None for psu in frame["psu"]], dtype="string")
        for key in keys
    }
    return frame.assign(**columns)


def with_weighting_variables(frame: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """The frame with sex, age_band and age_band3, drawn where the answer is missing, and `weighting_drawn` where so.

    A missing value is taken from a random respondent of the same district and the same other variable, else of the
    district, else of the wave (ESTIMATION decision 9). StoreError where over 5% of the responses lack one.
    """
    sex = frame["D1"].where(frame["D1"].isin(["male", "female"])) if "D1" in frame else pd.Series(dtype="string")
    known = pd.DataFrame({"district": frame["district"], SEX: sex, AGE_BAND: frame[AGE_BAND]}, index=frame.index)
    missing = known[[SEX, AGE_BAND]].isna()
    share = float(missing.any(axis=1).mean()) if len(frame) else 0.0
    if share > MOST_MISSING:
        raise StoreError(
            f"{share:.1%} of the responses lack sex or year of birth, more than {MOST_MISSING:.0%}: "
            "weighting by them is refused; ask the two items again or weigh by other variables."
        )
    generator = np.random.default_rng([seed, 1])
    drawn = known.copy()
    for variable, other in ((SEX, AGE_BAND), (AGE_BAND, SEX)):
        for row in known.index[missing[variable]]:
            drawn.loc[row, variable] = generator.choice(_donors(known, known.loc[row], variable=variable, other=other))
    columns = {SEX: drawn[SEX], AGE_BAND: drawn[AGE_BAND], AGE_BAND3: drawn[AGE_BAND].map(BROAD_BAND)}
    return frame.assign(
        **{name: values.astype("string") for name, values in columns.items()}, weighting_drawn=missing.any(axis=1)
    )


def _donors(known: pd.DataFrame, row: pd.Series, *, variable: str, other: str) -> np.ndarray:
    """Values of `variable` among the nearest respondents who gave it, as an array to draw from."""
    given = known[known[variable].notna()]
    same_district = given["district"] == row["district"]
    same_other = given[other].eq(row[other]).fillna(False).astype(bool)
    for rows in (same_district & same_other, same_district, pd.Series(True, index=given.index)):
        if rows.any():
            return given.loc[rows, variable].to_numpy(dtype=object)
    raise StoreError(f"Nobody in the wave gave {variable}, so nothing can be weighted by it; collect answers first.")


CASE_COLUMNS = (
    "case", "wave", "district", "stratum", "psu", "inclusion_probability_psu", "inclusion_probability_person",
    "base_weight", "weighting_class", "mode", "disposition",
)  # fmt: skip


def case_frame(cases: Iterable[Any], wave: str, outcomes: Mapping[str, str]) -> pd.DataFrame:
    """Every drawn case of a wave in the order of its case number; outcomes: case -> what came of it, where known.

    disposition: the outcome that the instrument gives what was handed in ("complete", "refused", "not_eligible"), else
    the AAPOR code of a final result or of the last attempt; missing where nobody tried.
    """
    more = {"wave": lambda _case: wave, "disposition": lambda case: outcomes.get(case.case)}
    rows = [
        [more[name](case) if name in more else getattr(case, name) for name in CASE_COLUMNS]
        for case in sorted(cases, key=lambda case: str(case.case))
    ]
    frame = pd.DataFrame(rows, columns=list(CASE_COLUMNS))
    texts = ("case", "wave", "district", "stratum", "psu", "weighting_class", "mode", "disposition")
    return frame.astype(dict.fromkeys(texts, "string"))
