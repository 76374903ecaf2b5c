"""The answer model of the demonstration, read from data/demonstration/model.yaml: traits, district effects, items."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from survey_app.store.errors import StoreError

AGE_BANDS = ("18-29", "30-39", "40-49", "50-59", "60-69", "70+")
SEXES = ("male", "female")
KINDS = ("knowledge", "verifiable", "ordered")


@dataclass(frozen=True, slots=True)
class Trait:
    """One latent trait; all numbers in standard deviations of the answer noise, `lasting` a share of variance (0-1)."""

    name: str
    community: float
    person: float
    lasting: float
    female: float
    age: Mapping[str, float]
    change: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ItemModel:
    """How one scored item is answered; `cut` in trait units, `dont_know` and `first` are shares (0-1)."""

    name: str
    trait: str
    kind: str
    cut: tuple[float, ...]
    dont_know: float
    first: float


@dataclass(frozen=True, slots=True)
class AnswerModel:
    """The documented model: traits, district effects, items, and the sections that only simulation needs."""

    seed: int
    population: Mapping[str, str]
    traits: Mapping[str, Trait]
    person_correlation: float
    districts: Mapping[str, Mapping[str, float]]
    moved: Mapping[str, Mapping[str, Mapping[str, float]]]
    items: Mapping[str, ItemModel]
    dont_know_oldest: float
    shares: Mapping[str, Mapping[str, float]]
    from60: Mapping[str, Mapping[str, float]]
    several: Mapping[str, Mapping[str, float]]
    asked_when: Mapping[str, Mapping[str, tuple[str, ...]]]
    fieldwork: Mapping[str, Any]
    careless: Mapping[str, float]
    opt_in: Mapping[str, Any]

    @property
    def waves(self) -> tuple[str, ...]:
        """Slugs of the waves, earliest first."""
        return tuple(next(iter(self.traits.values())).change)

    def district_level(self, trait: str, wave: str) -> np.ndarray:
        """Trait level of every district (in the order of `districts`) in a wave, in trait units."""
        moved = self.moved.get(wave, {})
        change = self.traits[trait].change[wave]
        return np.array(
            [effects[trait] + change + moved.get(code, {}).get(trait, 0.0) for code, effects in self.districts.items()]
        )

    def demographic_level(self, trait: str) -> np.ndarray:
        """Effect of sex and age band on a trait, shape (2 sexes, 6 bands), in trait units."""
        declared = self.traits[trait]
        age = np.array([declared.age[band] for band in AGE_BANDS])
        return age + np.array([[0.0], [declared.female]])


def load_model(path: Path) -> AnswerModel:
    """Read a model file (YAML 1.2, duplicate keys refused). StoreError when a part is missing or a kind unknown."""
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        fields = {key: value for key, value in content.items() if key != "simulated"}
        fields["traits"] = {name: Trait(name=name, **trait) for name, trait in content["traits"].items()}
        fields["items"] = {name: _item(name, item) for name, item in content["items"].items()}
        return AnswerModel(**fields)
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"The answer model {path} cannot be used ({error}); take the file of the release.") from error


def _item(name: str, declared: Mapping[str, Any]) -> ItemModel:
    if declared["kind"] not in KINDS:
        raise KeyError(f"item {name} has the kind {declared['kind']}")
    return ItemModel(
        name=name,
        trait=declared["trait"],
        kind=declared["kind"],
        cut=tuple(float(value) for value in declared["cut"]),
        dont_know=float(declared["dont_know"]),
        first=float(declared.get("first", 0.5)),
    )


def community_effects(model: AnswerModel, communities: int) -> dict[tuple[str, str], np.ndarray]:
    """Effect of every community of the frame by (trait, wave), in trait units; drawn once with the model's seed.

    The lasting part is the same in all waves; the rest is new in each.
    """
    generator = np.random.default_rng([model.seed, 1])
    effects = {}
    for trait in model.traits.values():
        lasting = generator.standard_normal(communities)
        for wave in model.waves:
            fresh = generator.standard_normal(communities)
            mixed = np.sqrt(trait.lasting) * lasting + np.sqrt(1 - trait.lasting) * fresh
            effects[trait.name, wave] = trait.community * mixed
    return effects
