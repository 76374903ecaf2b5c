"""Two-stage draws of a survey sample: psus systematically in frame order, then people within each psu.

Every draw is seeded and frozen: the same frame and seed give the same sample. Sizes may be assumed for drawing, never
for weighting; without a listing of its adults a psu's second-stage probability rests on equal psu sizes within the
stratum, and the draw says so in `size_assumption`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.errors import DesignError

EQUAL_SIZE = (
    "equal-size assumption: every psu of a stratum is taken to hold the same number of adults, "
    "because no listing or population of the psus was supplied"
)


@dataclass(frozen=True, slots=True)
class DrawnPsu:
    """One psu of one wave; probabilities are 0-1, `adults` are persons (listed, or assumed equal in the stratum)."""

    wave: int
    stratum: str
    psu: str
    adults: float
    people: int
    inclusion_probability_psu: float
    inclusion_probability_person: float

    @property
    def base_weight(self) -> float:
        """Adults each drawn person stands for: 1 / (probability of the psu x of the person within it)."""
        return 1.0 / (self.inclusion_probability_psu * self.inclusion_probability_person)


@dataclass(frozen=True, slots=True)
class TwoStageDraw:
    """A drawn sample: psus in (wave, frame) order, the seed that made it, and what had to be assumed about sizes."""

    psus: tuple[DrawnPsu, ...]
    seed: int
    size_assumption: str

    def wave(self, number: int) -> tuple[DrawnPsu, ...]:
        """The psus of one wave (0 is the first)."""
        return tuple(psu for psu in self.psus if psu.wave == number)

    def to_frame(self) -> pd.DataFrame:
        """One row per drawn person: wave, stratum, psu, person (1..people), both probabilities, base_weight."""
        names = ("wave", "stratum", "psu", "inclusion_probability_psu", "inclusion_probability_person", "base_weight")
        rows = pd.DataFrame({name: [getattr(psu, name) for psu in self.psus] for name in names})
        repeats = np.array([psu.people for psu in self.psus])
        people = rows.loc[rows.index.repeat(repeats)].reset_index(drop=True)
        people.insert(3, "person", np.concatenate([np.arange(1, count + 1) for count in repeats]))
        return people


def two_stage(
    frame: Mapping[str, Sequence[str]],
    *,
    seed: int,
    adults: Mapping[str, float],
    listed: Mapping[str, float] | None = None,
    psus: int = 20,
    people: int = 20,
    waves: int = 1,
    shared: int = 0,
) -> TwoStageDraw:
    """Draw `psus` psus per stratum with equal probability, systematically in frame order, and `people` adults in each.

    `frame`: stratum -> its psus in the order of the list (street order); `adults`: stratum -> adults (persons);
    `listed`: psu -> adults found by listing, for every psu or not at all; `shared`: psus that two waves in a row have
    in common. Consecutive waves rotate: psus - shared leave and as many enter. In every wave each psu of a stratum of
    N psus has inclusion probability psus / N exactly. Systematic selection: Särndal, Swensson and Wretman 1992, s. 3.4.
    DesignError when a stratum has too few psus or adults, or the waves cannot share so many.
    """
    entering = _psus_that_enter(psus, waves, shared)
    generator = np.random.default_rng(seed)
    drawn: list[DrawnPsu] = []
    for stratum, units in frame.items():
        _check_stratum(stratum, units, psus + (waves - 1) * entering)
        for wave, chosen in enumerate(_rotating(len(units), generator, (psus, waves, entering))):
            for place in chosen:
                size = _size(stratum, units[place], adults=adults, listed=listed, units=len(units))
                probability = psus / len(units)
                psu = _drawn(wave, stratum, units[place], size=size, people=people, probability=probability)
                drawn.append(psu)
    drawn.sort(key=lambda psu: psu.wave)
    return TwoStageDraw(tuple(drawn), seed, "" if listed is not None else EQUAL_SIZE)


def systematic(units: int, sample: int, generator: np.random.Generator) -> np.ndarray:
    """Places (from 0, ascending) of a systematic sample; every unit has inclusion probability sample / units."""
    if not 0 < sample <= units:
        raise DesignError(f"A systematic sample of {sample} from {units} units cannot be drawn; ask for 1 to {units}.")
    start = generator.random()
    places = np.floor((np.arange(sample) + start) * (units / sample)).astype(int)
    return np.minimum(places, units - 1)


def _psus_that_enter(psus: int, waves: int, shared: int) -> int:
    if psus < 1 or waves < 1 or not 0 <= shared <= psus:
        raise DesignError(f"{waves} waves of {psus} psus cannot share {shared}; share between 0 and {psus}.")
    entering = psus - shared
    if waves > 1 and entering and psus % entering:
        raise DesignError(
            f"Rotation replaces {entering} of {psus} psus per wave, which does not divide {psus}; share another number."
        )
    return entering


def _check_stratum(stratum: str, units: Sequence[str], needed: int) -> None:
    if len(set(units)) != len(units):
        raise DesignError(f"The frame of stratum {stratum} lists a psu twice; list each psu once.")
    if len(units) < needed:
        raise DesignError(
            f"Stratum {stratum} has {len(units)} psus and the draw needs {needed}; draw fewer or merge strata."
        )


def _rotating(units: int, generator: np.random.Generator, plan: tuple[int, int, int]) -> list[np.ndarray]:
    """Places per wave: one systematic draw for all waves, its psus dealt in turn to rotation groups in random order."""
    psus, waves, entering = plan
    total = psus + (waves - 1) * entering
    places = systematic(units, total, generator)
    groups = total // entering if waves > 1 and entering else 1
    order = generator.permutation(groups)
    group = order[np.arange(total) % groups]
    span = psus // entering if groups > 1 else 1
    return [places[(group >= wave) & (group < wave + span)] if groups > 1 else places for wave in range(waves)]


def _size(
    stratum: str, psu: str, *, adults: Mapping[str, float], listed: Mapping[str, float] | None, units: int
) -> float:
    size = adults.get(stratum, 0.0) / units if listed is None else listed.get(psu, 0.0)
    if not (np.isfinite(size) and size > 0):
        where = f"stratum {stratum}" if listed is None else f"psu {psu} of stratum {stratum}"
        raise DesignError(f"No positive number of adults is given for {where}; add it to the sizes.")
    return float(size)


def _drawn(wave: int, stratum: str, psu: str, *, size: float, people: int, probability: float) -> DrawnPsu:
    if not 1 <= people <= size:
        where = f"psu {psu} of stratum {stratum}"
        raise DesignError(f"{people} people cannot be drawn in {where}, which has {size:g} adults; draw fewer.")
    return DrawnPsu(wave, stratum, psu, size, people, probability, people / size)
