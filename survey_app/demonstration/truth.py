"""True district values of the demonstration, exactly from the answer model, with no simulation.

Run as `python -m survey_app.demonstration.truth` to write data/demonstration/truth.csv anew.
The value of an item is its mean score over all adults who would give a scored answer, each community holding the same
number of adults of every sex and age as the others of its district; an index is the item-weighted mean of its items.
"""

import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from questionnaires import Instrument, load_instrument
from survey_app.demonstration.model import AGE_BANDS, SEXES, AnswerModel, ItemModel, load_model
from survey_app.demonstration.population import Population, community_levels, load_population
from survey_app.demonstration.probabilities import choice_probabilities, dont_know_shares, scored_choices
from survey_app.settings import CHECKOUT

INDICES = ("awareness", "participation", "satisfaction")
INSTRUMENT = CHECKOUT / "questionnaires" / "library" / "public-opinion.yaml"
CELLS = len(SEXES) * len(AGE_BANDS)


@dataclass(frozen=True, slots=True)
class TrueValue:
    """The true value (0-100) of an index in a district or the city, in one wave."""

    wave: str
    unit_code: str
    index: str
    value: float


def true_values(model: AnswerModel, population: Population, instrument: Instrument) -> list[TrueValue]:
    """Every wave, the city and its districts, and the three degrees, in that order."""
    units = (model.population["city"], *population.districts)
    values = []
    for wave in model.waves:
        levels = community_levels(model, population, wave)
        items = {
            name: item_values(model, population, instrument, item=item, level=levels[item.trait])
            for name, item in model.items.items()
        }
        for index in INDICES:
            by_unit = index_values(items, instrument.indices[index].items)
            values += [TrueValue(wave, unit, index, float(by_unit[place])) for place, unit in enumerate(units)]
    return values


def index_values(items: Mapping[str, np.ndarray], item_weights: Mapping[str, float]) -> np.ndarray:
    """Item first: the weighted mean of item values per unit, on the items' scale (0-100)."""
    total = sum(item_weights.values())
    return np.asarray(sum(items[name] * weight for name, weight in item_weights.items()) / total)


def item_values(
    model: AnswerModel, population: Population, instrument: Instrument, *, item: ItemModel, level: np.ndarray
) -> np.ndarray:
    """Mean score (0-100) of an item in the city, then in each district; `level`: of every community, in trait units."""
    choices = scored_choices(instrument, item)
    cells = level[:, None] + model.demographic_level(item.trait).reshape(1, CELLS)
    rows = np.repeat(np.arange(len(level)), CELLS)
    ledger = _ledger(population, instrument, item)[rows]
    probabilities = choice_probabilities(
        item,
        choices,
        cells.ravel(),
        spread=float(np.hypot(1.0, model.traits[item.trait].person)),
        unknown=dont_know_shares(model, item, np.tile(np.arange(len(AGE_BANDS)), len(level) * len(SEXES))),
        ledger=ledger,
    )
    scores = _scores(instrument, item, choices.names, ledger)
    scored = probabilities * ~np.isnan(scores)
    adults = _adults_per_cell(population)
    district = population.district_of[rows]
    count = len(population.districts)
    base = np.bincount(district, adults * scored.sum(axis=1), minlength=count)
    total = np.bincount(district, adults * (scored * np.nan_to_num(scores)).sum(axis=1), minlength=count)
    return np.concatenate([[total.sum() / base.sum()], total / base])


def _ledger(population: Population, instrument: Instrument, item: ItemModel) -> np.ndarray:
    key = instrument.items[item.name].key
    return population.ledger[key] if key else np.full(len(population.communities), "")


def _scores(instrument: Instrument, item: ItemModel, names: tuple[str, ...], ledger: np.ndarray) -> np.ndarray:
    """Score of every choice (0-100, NaN = not scored), shape (rows, choices) or (1, choices)."""
    declared = instrument.items[item.name]
    if not declared.key:
        return np.array([[declared.scores().get(name) for name in names]], dtype=float)
    scores = np.empty((len(ledger), len(names)))
    for value in ("yes", "no", ""):
        against = declared.scored_against(value or None)
        scores[ledger == value] = np.array([against.get(name) for name in names], dtype=float)
    return scores


def _adults_per_cell(population: Population) -> np.ndarray:
    """Adults of every community x sex x band, flat: the district's, shared evenly among its communities."""
    communities = np.bincount(population.district_of, minlength=len(population.districts))
    each = population.adults.reshape(-1, CELLS) / communities[:, None]
    return np.asarray(each[population.district_of].ravel())


def write_truth(data: Path) -> Path:
    """Write demonstration/truth.csv of a data folder anew and return its path; six decimals."""
    model = load_model(data / "demonstration" / "model.yaml")
    values = true_values(model, load_population(data, model), load_instrument(INSTRUMENT, choice_files=data))
    path = data / "demonstration" / "truth.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["wave", "unit_code", "index", "value", "simulated"])
        writer.writerows([value.wave, value.unit_code, value.index, f"{value.value:.6f}", "yes"] for value in values)
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{write_truth(CHECKOUT / 'data')}\n")
