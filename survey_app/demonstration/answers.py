"""Raw answers of simulated people, as a door would hand them in: drawn from the answer model item by item."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from questionnaires import Instrument
from survey_app.demonstration.model import AnswerModel, ItemModel
from survey_app.demonstration.people import INELIGIBLE, REFUSES, SPEEDER, STRAIGHT_LINER, People
from survey_app.demonstration.population import Population, community_levels
from survey_app.demonstration.probabilities import ScoredChoices, choice_probabilities, dont_know_shares, scored_choices

Columns = dict[str, np.ndarray]
BEGINNING = {"consent": "yes", "S1": "yes", "S2": "yes", "S3": "no"}
ENDINGS = {REFUSES: {"consent": "no"}, INELIGIBLE: BEGINNING | {"S3": "yes"}}
SPEEDER_FACTOR = 0.12
OLD_BAND = 4
NOTHING = np.array(None, dtype=object)


def simulate_answers(
    model: AnswerModel, population: Population, instrument: Instrument, *, people: People, wave: str, seed: list[int]
) -> list[dict[str, Any]]:
    """One mapping of raw answers per person, in their order; who refuses or is ineligible stops where the form ends."""
    generator = np.random.default_rng([model.seed, 1000, *seed])
    levels = community_levels(model, population, wave)
    columns: Columns = {}
    for place, trait in enumerate(model.traits):
        level = levels[trait][people.community] + model.demographic_level(trait)[people.sex, people.band]
        for item in model.items.values():
            if item.trait == trait:
                columns[item.name] = _scored(
                    model, population, instrument, item=item, people=people, generator=generator,
                    level=level + people.effects[:, place],
                )  # fmt: skip
    columns |= _unscored(model, people, generator)
    for name, condition in model.asked_when.items():
        for asked, answers in condition.items():
            columns[name] = np.where(np.isin(columns[asked].astype(str), list(answers)), columns[name], NOTHING)
    _leave_out(model, instrument, columns, generator)
    columns |= _about(model, population, people, columns, year=_fieldwork_year(wave), generator=generator)
    rows = [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        for row in zip(*(column.tolist() for column in columns.values()), strict=True)
    ]
    return [ENDINGS.get(int(outcome), BEGINNING | row) for row, outcome in zip(rows, people.outcome, strict=True)]


def page_durations(
    model: AnswerModel, instrument: Instrument, people: People, generator: np.random.Generator
) -> list[dict[str, int]]:
    """Milliseconds on each page, log-normal around the mode's seconds; speeders take an eighth of it."""
    pages = [page.name for page in instrument.pages]
    seconds = np.array([model.fieldwork["page_seconds"][mode] for mode in people.mode], dtype=float)
    seconds[people.manner == SPEEDER] *= SPEEDER_FACTOR
    drawn = seconds[:, None] * np.exp(generator.normal(0.0, 0.45, size=(len(people), len(pages))))
    shown = np.where(np.isin(people.outcome, (REFUSES, INELIGIBLE)), 1, len(pages))
    return [
        dict(zip(pages[:count], (int(value) for value in row[:count] * 1000), strict=True))
        for row, count in zip(drawn, shown, strict=True)
    ]


def _scored(
    model: AnswerModel, population: Population, instrument: Instrument, *, item: ItemModel, people: People,
    level: np.ndarray, generator: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    choices = scored_choices(instrument, item)
    key = instrument.items[item.name].key
    ledger = population.ledger[key][people.community] if key else np.full(len(people), "")
    unknown = dont_know_shares(model, item, people.band)
    probabilities = choice_probabilities(item, choices, level, spread=1.0, unknown=unknown, ledger=ledger)
    drawn = _draw(probabilities, generator)
    _be_careless(drawn, choices, people, generator)
    return np.array(choices.names, dtype=object)[drawn]


def _be_careless(drawn: np.ndarray, choices: ScoredChoices, people: People, generator: np.random.Generator) -> None:
    """Speeders tap anywhere; straight-liners tap the same place of every satisfaction scale, one below the top."""
    hurried = people.manner == SPEEDER
    drawn[hurried] = generator.integers(0, len(choices.names), size=int(hurried.sum()))
    if len(choices.levels) >= 5:
        drawn[people.manner == STRAIGHT_LINER] = choices.levels[-2][0]


def _unscored(model: AnswerModel, people: People, generator: np.random.Generator) -> Columns:
    columns: Columns = {}
    for name, shares in model.shares.items():
        columns[name] = _choices(shares, len(people), generator)
        if name in model.from60:
            older = _choices(model.from60[name], len(people), generator)
            columns[name] = np.where(people.band >= OLD_BAND, older, columns[name])
    for name, chances in model.several.items():
        chosen = generator.random((len(people), len(chances))) < np.array(list(chances.values()))
        column = np.empty(len(people), dtype=object)
        column[:] = [[choice for choice, yes in zip(chances, row, strict=True) if yes] or None for row in chosen]
        columns[name] = column
    return columns


def _leave_out(model: AnswerModel, instrument: Instrument, columns: Columns, generator: np.random.Generator) -> None:
    """Some items are skipped, some refused where the item offers that; follow-ups keep what they hang on."""
    hung_on = {asked for condition in model.asked_when.values() for asked in condition}
    for name in [name for name in columns if name not in hung_on]:
        chance = generator.random(len(columns[name]))
        skipped = chance < model.fieldwork["skipped"]
        offered = {choice.missing: choice.name for choice in instrument.items[name].choices}
        refused = (chance > 1 - model.fieldwork["prefers_not_to_answer"]) & (columns[name] != NOTHING)
        if "refused" in offered and name in model.items:
            columns[name] = np.where(refused, offered["refused"], columns[name])
        columns[name] = np.where(skipped, NOTHING, columns[name])


def _about(
    model: AnswerModel, population: Population, people: People, columns: Columns, *, year: int,
    generator: np.random.Generator,
) -> Columns:  # fmt: skip
    """Address, sex, year of birth and household of each person; `columns` come first so that pages keep their order."""
    count = len(people)
    codes = np.array(population.communities, dtype=object)[people.community]
    sex = np.array(["male", "female"], dtype=object)[people.sex]
    sex = np.where(generator.random(count) < model.fieldwork["sex_refused"], "refused", sex)
    born = np.where(
        generator.random(count) < model.fieldwork["birth_year_skipped"], NOTHING, (year - people.age).astype(object)
    )
    years = (generator.random(count) ** 1.5 * np.minimum(people.age, 45)).astype(int)
    return {
        "D5_district": np.array([code[:6] for code in codes], dtype=object),
        "D5_street": np.array([code[:9] for code in codes], dtype=object),
        "D5_community": codes,
        "D1": sex,
        "D2": born,
        "D4_years": years.astype(object),
        "D6_phones": (1 + (generator.random(count) < 0.18)).astype(object),
        "D6_adults": (1 + generator.binomial(4, 0.32, size=count)).astype(object),
    }


def _fieldwork_year(wave: str) -> int:
    return int(wave.split("-")[1])


def _choices(shares: Mapping[str, float], count: int, generator: np.random.Generator) -> np.ndarray:
    names = np.array(list(shares), dtype=object)
    return np.asarray(names[_draw(np.tile(list(shares.values()), (count, 1)), generator)])


def _draw(probabilities: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One column place per row from probabilities that add up to 1."""
    cumulative = probabilities.cumsum(axis=1)
    uniform = generator.random((len(probabilities), 1))
    return np.minimum((uniform >= cumulative).sum(axis=1), probabilities.shape[1] - 1)
