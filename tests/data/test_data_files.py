"""The data folder: what its README promises about each file holds, and derived files follow from their sources."""

import csv
import importlib.util
import json
from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DATA = Path(__file__).resolve().parents[2] / "data"


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def script(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_frame_has_every_unit_of_both_cities_below_its_parent():
    units = rows_of("frame/divisions-nbs-2023.csv")
    assert Counter(unit["level"] for unit in units) == {"city": 2, "district": 34, "street": 411, "community": 4785}
    codes = {unit["code"] for unit in units}
    assert len(codes) == len(units)
    assert {(unit["scheme"], unit["edition"]) for unit in units} == {("nbs", "2023")}
    for unit in units:
        if unit["level"] != "city":
            assert unit["parent_code"] in codes
            assert unit["code"].startswith(unit["parent_code"].removesuffix("00"))
    assert [unit["code"] for unit in units] == sorted(codes)


def test_every_city_and_district_has_an_english_name_of_its_own():
    units = rows_of("frame/divisions-nbs-2023.csv")
    named = [unit["name_en"] for unit in units if unit["level"] in {"city", "district"}]
    assert len(set(named)) == len(named) == 36
    assert all(name.isascii() and name for name in named)
    assert {unit["name_en"] for unit in units if unit["level"] in {"street", "community"}} == {""}


def test_margins_add_up_to_the_census_in_every_district_and_sex():
    census: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in rows_of("census/sex-age-2020.csv"):
        census[row["district_code"], row["sex"]][row["age_band"]] = int(row["count"])
    margins: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in rows_of("margins/adults-2020.csv"):
        sex, band = row["category"].split("*")
        margins[row["unit_code"], sex][band] = int(row["count"])
    assert margins.keys() == census.keys()
    children = {"0", "1-4", "5-9", "10-14", "15-19"}
    for key, bands in margins.items():
        counts = census[key]
        from_20 = sum(count for band, count in counts.items() if band not in children)
        eighteen_and_nineteen = sum(bands.values()) - from_20
        assert 0.35 < eighteen_and_nineteen / counts["15-19"] < 0.5
        assert bands["30-39"] == counts["30-34"] + counts["35-39"]
        assert bands["70+"] == counts["70-74"] + counts["75-79"] + counts["80-84"] + counts["85+"]


def test_census_districts_add_up_to_their_published_city_totals():
    totals = {row["code"]: row for row in rows_of("census/district-totals-2020.csv")}
    by_city: Counter[str] = Counter()
    for row in rows_of("census/sex-age-2020.csv"):
        by_city[row["city_code"]] += int(row["count"])
    assert by_city == {"510100": 20_937_757, "530100": 8_460_088}
    for code, count in by_city.items():
        assert int(totals[code]["population"]) == count


def test_the_adult_share_of_15_to_19_stands_between_the_two_bounds_in_each_city():
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows_of("margins/adults-2020.csv"):
        for name in ("count", "count_low", "count_high"):
            counts[row["unit_code"][:4]][name] += int(row[name])
        young = row["category"].endswith("18-29")
        assert bool(row["assumption"]) == young
        assert young or row["count"] == row["count_low"] == row["count_high"]
    for city in ("5101", "5301"):
        assert counts[city]["count_low"] < counts[city]["count"] < counts[city]["count_high"]


def test_integers_by_largest_remainder_keep_the_total():
    maker = script("make_margins")
    values = np.array([0.25, 1.5, 2.125, 3.125])
    assert maker.largest_remainder(values).tolist() == [0, 2, 2, 3]
    assert maker.largest_remainder(values).sum() == round(values.sum())


def test_an_even_band_splits_at_two_fifths():
    maker = script("make_margins")
    ages = [0, 1, *range(5, 90, 5)]
    even = {age: 1000 * (1 if age == 0 else 4 if age == 1 else 5) for age in ages}
    assert maker.share_adult(even) == pytest.approx(2 / 5)


@pytest.mark.parametrize("name", ["make_margins", "make_ledger"])
def test_a_derived_file_is_made_anew_byte_for_byte(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    maker = script(name)
    target = "MARGINS" if name == "make_margins" else "LEDGER"
    kept: Path = getattr(maker, target)
    monkeypatch.setattr(maker, target, tmp_path / "anew.csv")
    maker.main()
    assert (tmp_path / "anew.csv").read_bytes() == kept.read_bytes()


def test_the_ledger_covers_every_community_and_says_that_it_is_simulated():
    ledger = rows_of("ledger/communities-simulated.csv")
    frame = [unit["code"] for unit in rows_of("frame/divisions-nbs-2023.csv") if unit["level"] == "community"]
    assert [row["code"] for row in ledger] == frame
    assert {row["simulated"] for row in ledger} == {"yes"}
    for column in ("legal_adviser", "service_point"):
        assert {row[column] for row in ledger} == {"yes", "no", ""}
        assert 0.03 < np.mean([row[column] == "" for row in ledger]) < 0.07


def test_the_map_is_one_unit_square_per_district_on_places_of_their_own():
    features = json.loads((DATA / "map/districts-schematic.geojson").read_text(encoding="utf-8"))["features"]
    names = {
        unit["code"]: unit["name"] for unit in rows_of("frame/divisions-nbs-2023.csv") if unit["level"] == "district"
    }
    assert {one["properties"]["code"]: one["properties"]["name"] for one in features} == names
    places = {(one["properties"]["city_code"], one["properties"]["col"], one["properties"]["row"]) for one in features}
    assert len(places) == len(features) == 34
    for one in features:
        (ring,) = one["geometry"]["coordinates"]
        assert len(ring) == 5
        assert max(x for x, _ in ring) - min(x for x, _ in ring) == 1
        assert max(y for _, y in ring) - min(y for _, y in ring) == 1


def test_every_data_file_has_its_row_in_the_readme():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    files = [path.relative_to(DATA) for path in DATA.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in files:
        wanted = "demonstration/" if path.parts[0] == "demonstration" else path.as_posix()
        assert path.name == "README.md" or wanted in text, f"data/README.md has no row for {path}"
