"""The people of the demonstration: whom the draw met, how they think, and whether they answer."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.sampling import DrawnPsu
from survey_app.demonstration.model import AGE_BANDS, SEXES, AnswerModel
from survey_app.demonstration.population import Population

OLDEST = 88
ANSWERS, REFUSES, INELIGIBLE, SILENT = range(4)
HONEST, SPEEDER, STRAIGHT_LINER = range(3)


@dataclass(frozen=True, slots=True)
class People:
    """One entry per person. `community`: place in the population; `sex`, `band`: places in SEXES, AGE_BANDS;
    `effects`: person effects, shape (people, traits in model order), trait units; `outcome`, `manner`: the codes above.
    """

    community: np.ndarray
    sex: np.ndarray
    band: np.ndarray
    age: np.ndarray
    effects: np.ndarray
    mode: np.ndarray
    outcome: np.ndarray
    manner: np.ndarray

    def __len__(self) -> int:
        return len(self.community)


def drawn_people(
    model: AnswerModel, population: Population, psus: tuple[DrawnPsu, ...], generator: np.random.Generator
) -> People:
    """One random adult of the district per drawn place, in the order of the psus; each decides whether to answer."""
    place = {code: position for position, code in enumerate(population.communities)}
    community = np.repeat([place[psu.psu] for psu in psus], [psu.people for psu in psus])
    shares = population.adults.reshape(len(population.districts), -1)
    cells = _draw(
        np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)[population.district_of[community]], generator
    )
    sex, band = np.divmod(cells, len(AGE_BANDS))
    modes = model.fieldwork["mode"]
    mode = generator.choice(list(modes), size=len(community), p=list(modes.values()))
    return _people(
        model,
        generator,
        community=community,
        sex=sex,
        band=band,
        mode=mode,
        outcome=_outcomes(model, sex, band, generator),
    )


def volunteers(
    model: AnswerModel, population: Population, generator: np.random.Generator, *, count: int | None = None
) -> People:
    """The opt-in stream: self-selected, so younger, more involved and more content by the model's shifts."""
    plan = model.opt_in
    count = int(plan["people"]) if count is None else count
    totals = population.adults.sum(axis=(1, 2))
    per_community = (totals / np.bincount(population.district_of))[population.district_of]
    community = generator.choice(len(population.communities), size=count, p=per_community / per_community.sum())
    sex = (generator.random(count) < plan["female"]).astype(int)
    band = generator.choice(len(AGE_BANDS), size=count, p=[plan["age"][name] for name in AGE_BANDS])
    people = _people(
        model,
        generator,
        community=community,
        sex=sex,
        band=band,
        mode=np.full(count, "web"),
        outcome=np.full(count, ANSWERS),
    )
    return replace(people, effects=people.effects + np.array([plan["shift"][trait] for trait in model.traits]))


def _people(
    model: AnswerModel,
    generator: np.random.Generator,
    *,
    community: np.ndarray,
    sex: np.ndarray,
    band: np.ndarray,
    mode: np.ndarray,
    outcome: np.ndarray,
) -> People:
    count = len(community)
    lowest = np.array([int(name.rstrip("+").split("-")[0]) for name in AGE_BANDS])
    highest = np.append(lowest[1:], OLDEST + 1)
    careless = model.careless
    chances = [
        1 - careless["speeders"] - careless["straight_liners"],
        careless["speeders"],
        careless["straight_liners"],
    ]
    return People(
        community=community,
        sex=sex,
        band=band,
        age=generator.integers(lowest[band], highest[band]),
        effects=_person_effects(model, count, generator),
        mode=mode,
        outcome=outcome,
        manner=generator.choice(3, size=count, p=chances),
    )


def _person_effects(model: AnswerModel, count: int, generator: np.random.Generator) -> np.ndarray:
    """Normal effects with the traits' spreads and one correlation between any two of them."""
    spread = np.array([trait.person for trait in model.traits.values()])
    common = generator.standard_normal((count, 1))
    own = generator.standard_normal((count, len(spread)))
    rho = model.person_correlation
    return np.asarray((np.sqrt(rho) * common + np.sqrt(1 - rho) * own) * spread)


def _outcomes(model: AnswerModel, sex: np.ndarray, band: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    fieldwork = model.fieldwork
    table = np.array([[fieldwork["response"][name][age] for age in AGE_BANDS] for name in SEXES])
    outcome = np.where(generator.random(len(sex)) < table[sex, band], ANSWERS, SILENT)
    why = generator.random(len(sex))
    silent = outcome == SILENT
    outcome[silent & (why < fieldwork["refusals"] + fieldwork["ineligible"])] = INELIGIBLE
    outcome[silent & (why < fieldwork["refusals"])] = REFUSES
    return outcome


def _draw(cumulative: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One category per row from cumulative probabilities, shape (rows, categories)."""
    uniform = generator.random((len(cumulative), 1))
    return np.minimum((uniform >= cumulative).sum(axis=1), cumulative.shape[1] - 1)
