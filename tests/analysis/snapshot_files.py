"""Writes small snapshots of random answers to the library's instrument, as folder and as zip, in the agreed formats."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.scoring import score_frame
from questionnaires import load_instrument

LIBRARY = Path(__file__).parents[2] / "questionnaires" / "library" / "public-opinion.yaml"
DISTRICTS = ("510104", "510105", "510106")
MARGIN_HEADER = ("wave", "scheme", "edition", "unit_code", "variable", "category", "count", "source", "date")
RECIPE = """
design: {stratum: stratum, psu: psu, weight: base_weight}
labels: {size_assumption: "equal-size assumption: made up for a test"}
steps:
  - rake:
      margins:
        - {unit: district, variables: [sex]}
        - {unit: district, variables: [age_band3]}
        - {unit: city, variables: [sex, age_band]}
      tolerance: 1.0e-10
      iterations: 1000
"""
BROAD = {"18-29": "18-39", "30-39": "18-39", "40-49": "40-59", "50-59": "40-59", "60-69": "60+", "70+": "60+"}


def rows(seed: int, slug: str, *, psus: range = range(6), people: int = 30) -> pd.DataFrame:
    """Random answers: every scored item skipped by one in twelve; a ledger entry for five psus in six."""
    instrument = load_instrument(LIBRARY)
    random = np.random.default_rng(seed)
    scored = {name for index in instrument.indices.values() for name in index.items}
    table = []
    for district in DISTRICTS:
        for i in psus:
            for _ in range(people):
                band = str(random.choice(list(BROAD)))
                row: dict[str, Any] = {
                    "wave": slug,
                    "district": district,
                    "stratum": district,
                    "psu": f"{district}{i:06d}",
                    "base_weight": 100.0 + 7 * i,
                    "sex": str(random.choice(["female", "male"])),
                    "age_band": band,
                    "age_band3": BROAD[band],
                    "weighting_drawn": bool(random.random() < 0.02),
                    "minutes": float(random.gamma(4, 2)),
                    "D2": None if random.random() < 0.1 else int(random.integers(1940, 2006)),
                    "D3": str(random.choice(["=1+1", "-", "plain"])),
                }
                for name in scored:
                    item = instrument.items[name]
                    row[name] = None if random.random() < 1 / 12 else str(random.choice([c.name for c in item.choices]))
                    if item.key is not None:
                        row[f"ledger_{item.key}"] = (None, "yes", "no", "yes", "no", "yes")[i % 6]
                table.append(row)
    return pd.DataFrame(table).astype({"D2": "Int64"})


def margin_rows(slug: str) -> list[dict[str, Any]]:
    """Totals of every district by sex and by broad band, and of the city by sex x band; each sums to the city's
    60,000.
    """
    found = []
    for k, district in enumerate(DISTRICTS):
        size = 10_000 * (k + 1)
        found += [(district, "sex", "female", 0.52 * size), (district, "sex", "male", 0.48 * size)]
        found += [(district, "age_band3", b, s * size) for b, s in (("18-39", 0.3), ("40-59", 0.4), ("60+", 0.3))]
    shares = {"18-29": 0.12, "30-39": 0.18, "40-49": 0.18, "50-59": 0.22, "60-69": 0.2, "70+": 0.1}
    for sex, part in (("female", 0.52), ("male", 0.48)):
        found += [("510100", "sex*age_band", f"{sex}*{band}", part * share * 60_000) for band, share in shares.items()]
    return [
        dict(zip(MARGIN_HEADER, (slug, "nbs", "2023", *one, "made up", "2020-11-01"), strict=True)) for one in found
    ]


def text_of(table: list[dict[str, Any]] | pd.DataFrame) -> str:
    """A table as CSV, floats with 17 digits, text that a spreadsheet would take for a formula guarded by '."""
    frame = pd.DataFrame(table)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(frame.columns)
    for row in frame.itertuples(index=False):
        writer.writerow([cell_of(value) for value in row])
    return out.getvalue()


def cell_of(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.17g}"
    text = str(value)
    return f"'{text}" if text.startswith(tuple("=+-@\t\r")) else text


def common_files(slug: str) -> dict[str, str]:
    units = [{"code": "510100", "name": "成都市", "name_en": "Chengdu", "level": "city", "parent_code": "", "order": 0}]
    units += [
        {
            "code": code,
            "name": f"区{code}",
            "name_en": f"District {code}",
            "level": "district",
            "parent_code": "510100",
            "order": 1,
        }
        for code in DISTRICTS
    ]
    return {
        "instrument.yaml": LIBRARY.read_text(encoding="utf-8"),
        "units.csv": text_of(units),
        "margins.csv": text_of(margin_rows(slug)),
        "weighting.yaml": RECIPE,
        "manifest.json": json.dumps({"wave": slug, "simulated": True}),
    }


def write_folder(path: Path, frame: pd.DataFrame, slug: str) -> Path:
    path.mkdir(parents=True)
    for name, text in common_files(slug).items():
        (path / name).write_text(text, encoding="utf-8")
    frame.to_parquet(path / "responses.parquet", index=False)
    return path


def write_zip(path: Path, frame: pd.DataFrame, slug: str, **changed: str | bytes) -> Path:
    """The download; `changed` replaces a file's content, its dots written as double underscores."""
    scores = score_frame(frame, load_instrument(LIBRARY))
    files: dict[str, str | bytes] = dict(common_files(slug))
    files["responses.csv"] = "\ufeff" + text_of(pd.concat([frame, scores], axis=1))
    files |= {name.replace("__", "."): content for name, content in changed.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
