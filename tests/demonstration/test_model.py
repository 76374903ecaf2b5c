"""The answer model: its probabilities, and the true values that are kept beside it."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from questionnaires import Instrument, load_instrument
from survey_app.demonstration.answers import simulate_answers
from survey_app.demonstration.model import AGE_BANDS, AnswerModel, load_model
from survey_app.demonstration.people import ANSWERS, HONEST, People
from survey_app.demonstration.population import Population, load_population
from survey_app.demonstration.probabilities import choice_probabilities, dont_know_shares, scored_choices
from survey_app.demonstration.truth import INDICES, INSTRUMENT, index_values, true_values
from survey_app.store.errors import StoreError

DATA = Path(__file__).resolve().parents[2] / "data"
WAVE = "chengdu-2026-2"


@pytest.fixture(scope="module")
def model() -> AnswerModel:
    return load_model(DATA / "demonstration" / "model.yaml")


@pytest.fixture(scope="module")
def population(model: AnswerModel) -> Population:
    return load_population(DATA, model)


@pytest.fixture(scope="module")
def instrument() -> Instrument:
    return load_instrument(INSTRUMENT, choice_files=DATA)


def test_the_kept_true_values_are_those_of_the_model(model, population, instrument):
    with (DATA / "demonstration" / "truth.csv").open(encoding="utf-8", newline="") as file:
        kept = {(row["wave"], row["unit_code"], row["index"]): row["value"] for row in csv.DictReader(file)}
    exact = true_values(model, population, instrument)
    assert kept == {(one.wave, one.unit_code, one.index): f"{one.value:.6f}" for one in exact}
    assert len(kept) == 2 * 21 * 3


def test_the_city_lies_within_its_districts_and_the_three_degrees_are_far_apart(model, population, instrument):
    values = {
        (one.unit_code, one.index): one.value for one in true_values(model, population, instrument) if one.wave == WAVE
    }
    for index in INDICES:
        districts = [values[code, index] for code in population.districts]
        assert min(districts) < values["510100", index] < max(districts)
        assert max(districts) - min(districts) > 8
    assert values["510100", "participation"] < values["510100", "awareness"] < values["510100", "satisfaction"]


def test_probabilities_of_every_item_add_up_to_one(model, instrument):
    level = np.linspace(-3, 3, 12)
    for item in model.items.values():
        choices = scored_choices(instrument, item)
        unknown = dont_know_shares(model, item, np.tile(np.arange(6), 2))
        for value in ("yes", "no", ""):
            found = choice_probabilities(
                item, choices, level, spread=1.2, unknown=unknown, ledger=np.full(len(level), value)
            )
            np.testing.assert_allclose(found.sum(axis=1), 1.0)
            assert (found >= 0).all()


def crowd(population: Population, model: AnswerModel, district: int, count: int, seed: int) -> People:
    """People of one district drawn one by one from communities, sexes, ages and normal person effects."""
    generator = np.random.default_rng(seed)
    cells = population.adults[district].ravel()
    cell = generator.choice(len(cells), size=count, p=cells / cells.sum())
    band = cell % len(AGE_BANDS)
    return People(
        community=generator.choice(np.flatnonzero(population.district_of == district), size=count),
        sex=cell // len(AGE_BANDS),
        band=band,
        age=18 + 12 * band,
        effects=generator.standard_normal((count, 3)) * [trait.person for trait in model.traits.values()],
        mode=np.full(count, "web"),
        outcome=np.full(count, ANSWERS),
        manner=np.full(count, HONEST),
    )


@pytest.mark.parametrize("district", ["510104", "510185"])
def test_a_large_crowd_answering_one_by_one_comes_to_the_true_values(model, population, instrument, district):
    """Independent of the exact sums: answers are drawn, scored by the instrument and averaged item by item."""
    count = 60_000
    people = crowd(population, model, population.districts.index(district), count, seed=11)
    quiet = replace(model, fieldwork=model.fieldwork | {"skipped": 0.0, "prefers_not_to_answer": 0.0})
    answers = simulate_answers(quiet, population, instrument, people=people, wave=WAVE, seed=[9, 9])
    means, errors = {}, {}
    for name in model.items:
        item = instrument.items[name]
        ledger = population.ledger[item.key][people.community] if item.key else np.full(count, "")
        by_ledger = {value: item.scored_against(value or None) if item.key else item.scores() for value in set(ledger)}
        scores = [by_ledger[value].get(row.get(name)) for row, value in zip(answers, ledger, strict=True)]
        valid = np.array([score for score in scores if score is not None])
        means[name] = np.array([valid.mean()])
        errors[name] = valid.std() / np.sqrt(len(valid))
    truth = {
        one.index: one.value
        for one in true_values(model, population, instrument)
        if (one.wave, one.unit_code) == (WAVE, district)
    }
    for index in INDICES:
        item_weights = instrument.indices[index].items
        found = index_values(means, item_weights)[0]
        # scores of one person hang together, so the items' errors are added up rather than their squares
        worst = sum(errors[name] * weight for name, weight in item_weights.items()) / sum(item_weights.values())
        assert abs(found - truth[index]) < 4 * worst


def test_who_knows_less_is_older_and_the_model_reads_back_as_written(model):
    item = model.items["E3"]
    shares = dont_know_shares(model, item, np.arange(6))
    assert shares[0] == item.dont_know
    assert shares[-1] == pytest.approx(item.dont_know * model.dont_know_oldest)
    assert (np.diff(shares) > 0).all()
    assert model.waves == ("chengdu-2026-1", WAVE)
    assert len(model.districts) == 20


def test_community_effects_last_from_wave_to_wave_as_declared(model, population):
    from survey_app.demonstration.model import community_effects

    effects = community_effects(model, len(population.communities))
    for trait in model.traits.values():
        first, second = effects[trait.name, model.waves[0]], effects[trait.name, model.waves[1]]
        assert np.corrcoef(first, second)[0, 1] == pytest.approx(trait.lasting, abs=0.04)
        assert first.std() == pytest.approx(trait.community, rel=0.06)


def test_a_model_that_does_not_fit_the_instrument_is_refused_by_name(model, instrument, tmp_path):
    wrong = replace(model.items["E1"], cut=(-1.0, 1.0))
    with pytest.raises(StoreError, match="item E1 into 3 levels"):
        scored_choices(instrument, wrong)
    with pytest.raises(StoreError, match="names item E10"):
        scored_choices(instrument, replace(model.items["E1"], name="E10"))
    (tmp_path / "model.yaml").write_text("traits: {}\nitems: {}\n", encoding="utf-8")
    with pytest.raises(StoreError, match=r"answer model .*model\.yaml cannot be used"):
        load_model(tmp_path / "model.yaml")
