"""A simulated ledger of communities: `python data/make_ledger.py` writes data/ledger/communities-simulated.csv anew.

SIMULATED: no public list says which community has a legal adviser or a service point, so this file invents one for
the demonstration, from a fixed seed. An office replaces it by its own ledger with the same columns. An entry exists for
95% of the communities; of these, 75% of the villages have a legal adviser and 50% a service point, 10 points more in
towns.
"""

import csv
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent
DIVISIONS = DATA / "frame" / "divisions-nbs-2023.csv"
LEDGER = DATA / "ledger" / "communities-simulated.csv"
SEED = 20260101
SHARE_ENTERED = 0.95
SHARES_VILLAGE = {"legal_adviser": 0.75, "service_point": 0.50}
TOWN_EXTRA = 0.10


def main() -> None:
    """Write one row per community; an empty cell means that the ledger has no entry."""
    with LEDGER.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["scheme", "edition", "code", *SHARES_VILLAGE, "simulated"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(ledger_rows(communities(DIVISIONS)))


def communities(path: Path) -> list[dict[str, str]]:
    """The communities and villages of the frame, in code order."""
    with path.open(encoding="utf-8", newline="") as file:
        return sorted((row for row in csv.DictReader(file) if row["level"] == "community"), key=lambda row: row["code"])


def ledger_rows(units: list[dict[str, str]]) -> list[dict[str, str]]:
    """yes, no or an empty cell per community and column, drawn with the file's own seed."""
    generator = np.random.default_rng(SEED)
    draws = generator.random((len(units), 2, len(SHARES_VILLAGE)))
    rows = []
    for unit, (entered, present) in zip(units, draws, strict=True):
        extra = 0.0 if unit["name"].endswith("村委会") else TOWN_EXTRA
        row = {name: unit[name] for name in ("scheme", "edition", "code")}
        for place, (column, share) in enumerate(SHARES_VILLAGE.items()):
            answer = "yes" if present[place] < share + extra else "no"
            row[column] = answer if entered[place] < SHARE_ENTERED else ""
        rows.append(row | {"simulated": "yes"})
    return rows


if __name__ == "__main__":
    main()
