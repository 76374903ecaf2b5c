"""The table that `sandu estimate` prints: the same printed text as the console, from the same snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import (
    DesignError,
    Sample,
    format_interval,
    format_number,
    format_signed,
    format_signed_interval,
    open_snapshot,
)
from analysis.errors import nearest
from survey_app.cli.screen import word
from survey_app.publish.catalogue import all_snapshots, find_snapshot
from survey_app.settings import Settings
from survey_app.store.errors import StoreError

WHOLE = "whole"
SIMULATED = "simulated / 模拟数据"


@dataclass(frozen=True, slots=True)
class EstimateTable:
    """A printed table: its title, its header (the first `names` columns name the row) and its rows of text."""

    title: str
    header: tuple[str, ...]
    names: int
    body: tuple[tuple[str, ...], ...]


def estimate_rows(
    settings: Settings,
    snapshot: str,
    *,
    index: str,
    by: str = "district",
    district: str | None = None,
    wave: str | None = None,
    baseline: str | None = None,
) -> EstimateTable:
    """Estimate an index (0-100) by a column of a snapshot, or its change since `baseline`.

    `snapshot`: folder, downloaded zip or hash prefix. Raises StoreError for an unknown snapshot or wave, DesignError
    for an unknown index, column or district.
    """
    if district is not None and by != "district":
        raise DesignError(
            f"The district {district!r} cannot be picked from rows by {by!r}; leave --by or --district out."
        )
    earlier = _path(settings, baseline, wave=None) if baseline is not None else None
    sample = open_snapshot(_path(settings, snapshot, wave=wave), baseline=earlier)
    if earlier:
        frame = sample.index(index, by=by).change(over="wave").to_frame()
        frame = frame.rename(columns={"domain": by, "difference": "estimate"})
    else:
        frame = sample.index(index, by=by, whole=True).to_frame()
    names = _unit_names(sample) if by == "district" else {}
    if district is not None:
        frame = frame[frame[by] == _district_code(district, names)]
    rows = sorted(frame.to_dict("records"), key=lambda row: row[by] != WHOLE)  # the whole first, as on the screen
    manifest = sample.manifest or {}
    mark = SIMULATED if manifest.get("simulated") else ""
    title = " · ".join(part for part in (str(manifest.get("wave", "")), index, mark) if part)
    last = "p (max-t)" if earlier else "n"
    header = (by, word("name"), word("change") if earlier else word("estimate"), word("95% interval"), last)
    return EstimateTable(title, header, 2, tuple(_row(row, by, names) for row in rows))


def _path(settings: Settings, text: str, *, wave: str | None) -> Path:
    if wave is not None:
        known = sorted({one.wave for one in all_snapshots(settings.home)})
        if wave not in known:
            raise StoreError(f"There is no snapshot of a wave {wave!r}. {nearest(wave, known)}")
    elif Path(text).suffix == ".zip":
        return Path(text)
    return find_snapshot(settings.home, text, wave=wave).folder


def _unit_names(sample: Sample) -> dict[str, tuple[str, str]]:
    """District code -> Chinese and English name."""
    units: pd.DataFrame = sample.units
    districts = units[units["level"] == "district"]
    return {
        str(code): (str(name), str(english or ""))
        for code, name, english in zip(districts["code"], districts["name"], districts["name_en"], strict=True)
    }


def _district_code(text: str, names: dict[str, tuple[str, str]]) -> str:
    for code, known in names.items():
        if text in (code, *known):
            return code
    every = [name for code, known in names.items() for name in (code, *known) if name]
    raise DesignError(f"There is no district {text!r} in this snapshot. {nearest(text, every)}")


def _row(row: Mapping[Any, Any], by: str, names: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    value = str(row[by])
    name = word("Whole city") if value == WHOLE else " ".join(part for part in names.get(value, ("", "")) if part)
    last = format_number(row["p_adjusted"], 3) if "p_adjusted" in row else str(row["n"])
    reason = row.get("reason")
    last = f"{last} ({reason})" if reason else last
    if "p_adjusted" in row:  # a change is printed with its sign, as on the screen
        between = format_signed_interval(row["low"], row["high"], template=word("{low} to {high}"))
        return value, name, format_signed(row["estimate"]), between, last
    return value, name, format_number(row["estimate"]), format_interval(row["low"], row["high"]), last
