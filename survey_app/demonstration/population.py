"""The population that the demonstration simulates: communities of one city with their adults and ledger entries."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from survey_app.demonstration.model import AGE_BANDS, SEXES, AnswerModel, community_effects
from survey_app.store.errors import StoreError


@dataclass(frozen=True, slots=True)
class Population:
    """Communities in street order. `adults`: persons, shape (districts, 2 sexes, 6 age bands).

    `district_of` and `ledger` hold one entry per community: the place of its district, and "yes", "no" or "" by column.
    """

    districts: tuple[str, ...]
    communities: tuple[str, ...]
    district_of: np.ndarray
    adults: np.ndarray
    ledger: Mapping[str, np.ndarray]

    def frame(self) -> dict[str, tuple[str, ...]]:
        """District code -> its community codes in street order: the sampling frame of the first stage."""
        codes = np.array(self.communities)
        return {code: tuple(codes[self.district_of == place]) for place, code in enumerate(self.districts)}

    def adults_by_district(self) -> dict[str, float]:
        """District code -> adults (persons)."""
        totals = self.adults.sum(axis=(1, 2))
        return {code: float(total) for code, total in zip(self.districts, totals, strict=True)}


def load_population(data: Path, model: AnswerModel) -> Population:
    """Read frame, margins and ledger of the model's city from the data folder. StoreError when a unit is missing."""
    districts = tuple(model.districts)
    place = {code: position for position, code in enumerate(districts)}
    frame = rows_of(data / "frame" / "divisions-nbs-2023.csv")
    codes = sorted(row["code"] for row in frame if row["level"] == "community" and row["code"][:6] in place)
    adults = np.zeros((len(districts), len(SEXES), len(AGE_BANDS)))
    for row in rows_of(data / model.population["margins"]):
        if row["unit_code"] in place and row["variable"] == "sex*age_band":
            sex, band = row["category"].split("*")
            adults[place[row["unit_code"]], SEXES.index(sex), AGE_BANDS.index(band)] = float(row["count"])
    if not (adults > 0).all():
        raise StoreError(f"The margins {model.population['margins']} lack adults of a district of the model; add them.")
    entries = {row["code"]: row for row in rows_of(data / model.population["ledger"])}
    columns = ("legal_adviser", "service_point")
    ledger = {column: np.array([entries.get(code, {}).get(column, "") for code in codes]) for column in columns}
    return Population(districts, tuple(codes), np.array([place[code[:6]] for code in codes]), adults, ledger)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV of the data folder, all text. StoreError when the file cannot be read."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise StoreError(
            f"The data file {path} cannot be read ({error.strerror}); put it back or set SANDU_DATA."
        ) from error


def community_levels(model: AnswerModel, population: Population, wave: str) -> dict[str, np.ndarray]:
    """Level of every community by trait in a wave: district level plus community effect, in trait units."""
    effects = community_effects(model, len(population.communities))
    return {
        trait: model.district_level(trait, wave)[population.district_of] + effects[trait, wave]
        for trait in model.traits
    }
