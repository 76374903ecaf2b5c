"""Names and places of districts: official order, names in two languages, the tile grid."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

_KINDS_EN = (" Yi and Miao Autonomous County", " Hui and Yi Autonomous County", " Yi Autonomous County")
_KINDS_EN_SHORT = (" District", " County", " City")
_KINDS_ZH = ("彝族苗族自治县", "回族彝族自治县", "彝族自治县")


@dataclass(frozen=True)
class Districts:
    """The districts of a snapshot in official order: codes, and the names in each language by code."""

    codes: tuple[str, ...]
    names: Mapping[str, Mapping[str, str]]

    def name(self, code: str, language: str) -> str:
        """The district's name in `language`, else its Chinese name, else its code."""
        names = self.names.get(code, {})
        return names.get(language) or names.get("zh") or code


def districts_of(units: pd.DataFrame) -> Districts:
    """The districts in `units` (columns code, name, name_en, level, order), sorted by `order`."""
    rows = units[units["level"] == "district"].copy()
    rows["order"] = pd.to_numeric(rows["order"])
    rows = rows.sort_values("order")
    codes = rows["code"].astype(str)
    english = rows["name_en"].fillna("").astype(str) if "name_en" in rows.columns else [""] * len(rows)
    names = {
        code: {"zh": str(chinese), "en": str(roman)}
        for code, chinese, roman in zip(codes, rows["name"], english, strict=True)
    }
    return Districts(tuple(codes), names)


def tile_positions(path: Path) -> pd.DataFrame:
    """Columns code, col, row (row 0 on top) of every district that the tile-grid file holds; empty without the file."""
    if not path.is_file():
        return pd.DataFrame({"code": pd.Series(dtype=str), "col": pd.Series(dtype=int), "row": pd.Series(dtype=int)})
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    rows = [feature["properties"] for feature in features]
    return pd.DataFrame(rows)[["code", "col", "row"]].astype({"code": str, "col": int, "row": int})


def short_name(name: str, language: str) -> str:
    """A name that fits a tile: "Jinjiang" for Jinjiang District; 都江堰 for 都江堰市; two characters keep their 区."""
    endings = (*_KINDS_EN, *_KINDS_EN_SHORT) if language == "en" else (*_KINDS_ZH, "区", "县", "市")
    for ending in endings:
        stem = name.removesuffix(ending)
        if stem != name and len(stem) >= 2:
            return stem
    return name
