"""Adult margins from the 2020 census: `python data/make_margins.py` writes data/margins/adults-2020.csv anew.

The census gives ages 15-19 as one band, and adults begin at 18. The persons aged 18 and 19 are read off a monotone
cubic through the cumulative counts of each district and sex (Fritsch and Carlson 1980, SIAM J. Numer. Anal. 17,
238-246); what follows if 2/5 or 3/5 of the band were adults stands beside it. Everything else is a sum of census cells.
"""

import csv
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator

DATA = Path(__file__).resolve().parent
CENSUS = DATA / "census" / "sex-age-2020.csv"
MARGINS = DATA / "margins" / "adults-2020.csv"
LOWER_AGES = {"18-29": 20, "30-39": 30, "40-49": 40, "50-59": 50, "60-69": 60, "70+": 70}
SOURCE = "Seventh national census, county tables (leiii/census 0ba0f1e, MIT)"
DATE = "2020-11-01"
ASSUMPTION = "18-19 taken from the census band 15-19 by monotone interpolation of cumulative counts; low 2/5, high 3/5"


def main() -> None:
    """Write the margins file, one row per district, sex and age band, in persons."""
    rows = margin_rows(census_counts(CENSUS))
    with MARGINS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def census_counts(path: Path) -> dict[tuple[str, str], dict[int, int]]:
    """Persons by (district code, sex) and lower age of the band (0, 1, 5, 10 ... 85)."""
    counts: dict[tuple[str, str], dict[int, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            lower = int(row["age_band"].split("-")[0].rstrip("+"))
            counts.setdefault((row["district_code"], row["sex"]), {})[lower] = int(row["count"])
    return counts


def share_adult(bands: dict[int, int]) -> float:
    """Share (0-1) of the persons aged 15-19 who are 18 or 19, from the monotone cubic at age 18."""
    ages = sorted(bands)
    cumulative = np.concatenate([[0.0], np.cumsum([bands[age] for age in ages[:-1]])])
    at_18 = float(PchipInterpolator(ages, cumulative)(18))
    below_20 = cumulative[ages.index(20)]
    return float((below_20 - at_18) / bands[15])


def largest_remainder(values: np.ndarray) -> np.ndarray:
    """Integers that add up to the rounded total: floors, then one more for the largest remainders."""
    floors = np.floor(values)
    missing = round(float(values.sum())) - int(floors.sum())
    order = np.argsort(-(values - floors), kind="stable")
    floors[order[:missing]] += 1
    return floors.astype(int)


def margin_rows(counts: dict[tuple[str, str], dict[int, int]]) -> list[dict[str, str]]:
    """The rows of the margins file; rounding adds up within each city."""
    young: dict[tuple[str, str], tuple[int, ...]] = {}
    for city in sorted({code[:4] for code, _ in counts}):
        young |= young_adults(counts, city)
    rows = []
    for code, sex in sorted(counts):
        for band, lower in LOWER_AGES.items():
            whole = sum(persons for age, persons in counts[code, sex].items() if band_of(age) == lower)
            parts = young[code, sex] if band == "18-29" else (0, 0, 0)
            count, low, high = (str(whole + part) for part in parts)
            row = {"scheme": "nbs", "edition": "2023", "unit_code": code, "variable": "sex*age_band"}
            row |= {"category": f"{sex}*{band}", "count": count, "count_low": low, "count_high": high}
            row |= {"source": SOURCE, "date": DATE, "assumption": ASSUMPTION if band == "18-29" else ""}
            rows.append(row)
    return rows


def band_of(age: int) -> int:
    """Lower age of the adult band that a census band starting at `age` belongs to; 0 below age 20."""
    return min(age // 10 * 10, 70) if age >= 20 else 0


def young_adults(counts: dict[tuple[str, str], dict[int, int]], city: str) -> dict[tuple[str, str], tuple[int, ...]]:
    """Persons aged 18-19 per (district, sex) of one city: by interpolation, at 2/5 and at 3/5, in integers."""
    keys = [key for key in sorted(counts) if key[0].startswith(city)]
    band = np.array([counts[key][15] for key in keys], dtype=float)
    interpolated = band * [share_adult(counts[key]) for key in keys]
    columns = [largest_remainder(values) for values in (interpolated, band * 2 / 5, band * 3 / 5)]
    return {key: tuple(int(column[place]) for column in columns) for place, key in enumerate(keys)}


if __name__ == "__main__":
    main()
