"""What the answer model says about one item: the probability of every choice.

A person's answer to a scored item comes from an ordered probit: trait level + person effect + standard normal noise,
cut at the item's cut points (McCullagh 1980, JRSS B 42, 109-142). Person effects are normal, so the probabilities of a
whole cell are the same probits with the spread sqrt(1 + person variance): true values need no simulation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from questionnaires import Instrument
from survey_app.demonstration.model import AGE_BANDS, AnswerModel, ItemModel
from survey_app.store.errors import StoreError


@dataclass(frozen=True, slots=True)
class ScoredChoices:
    """The choices of a scored item by what they mean: places per score level (lowest first), and of don't know.

    `right` holds the place of the right choice of a verifiable item by ledger value ("yes", "no").
    """

    names: tuple[str, ...]
    levels: tuple[tuple[int, ...], ...]
    dont_know: int | None
    right: Mapping[str, int]


def scored_choices(instrument: Instrument, item: ItemModel) -> ScoredChoices:
    """Sort the choices of an instrument's item into score levels. StoreError when the model does not fit the item."""
    if item.name not in instrument.items:
        raise StoreError(f"The answer model names item {item.name}, which instrument {instrument.id} does not ask.")
    choices = instrument.items[item.name].choices
    names = tuple(choice.name for choice in choices)
    substantive = [place for place, choice in enumerate(choices) if choice.missing is None]
    unknown = [place for place, choice in enumerate(choices) if choice.missing == "dont_know"]
    dont_know = unknown[0] if unknown else None
    if item.kind == "verifiable":
        right = {ledger: names.index(ledger) for ledger in ("yes", "no")}
        return ScoredChoices(names, tuple((place,) for place in substantive), dont_know, right)
    scores = instrument.items[item.name].scores()
    by_level: dict[float, list[int]] = {}
    for place in substantive:
        by_level.setdefault(float(scores[names[place]] or 0.0), []).append(place)
    levels = tuple(tuple(by_level[score]) for score in sorted(by_level))
    if item.kind == "ordered" and dont_know is not None and instrument.items[item.name].dont_know == "zero":
        # not knowing is the lowest level of the scale itself ("do you know your grid worker")
        levels, dont_know = ((dont_know,), *levels), None
    if len(levels) != len(item.cut) + 1:
        cuts = f"The answer model cuts item {item.name} into {len(item.cut) + 1} levels"
        raise StoreError(f"{cuts} and the instrument scores {len(levels)}; mend the model file.")
    return ScoredChoices(names, levels, dont_know, {})


def dont_know_shares(model: AnswerModel, item: ItemModel, band: np.ndarray) -> np.ndarray:
    """Share (0-1) who do not know, by age band index (0-5); of knowledge items: of those without the right answer."""
    if item.kind != "ordered":
        return np.full(len(band), item.dont_know)
    return item.dont_know * (1 + (model.dont_know_oldest - 1) * band / (len(AGE_BANDS) - 1))


def choice_probabilities(
    item: ItemModel,
    choices: ScoredChoices,
    level: np.ndarray,
    *,
    spread: float,
    unknown: np.ndarray,
    ledger: np.ndarray,
) -> np.ndarray:
    """Probability of every choice, shape (people or cells, choices); rows add up to 1.

    `level`: trait level; `spread`: 1 for a person whose effect is in the level, sqrt(1 + person variance) for a cell;
    `unknown`: from `dont_know_shares`; `ledger`: "yes", "no" or "" of each row's community (verifiable items).
    """
    below = ndtr((np.array(item.cut) - level[:, None]) / spread)
    if item.kind == "ordered":
        parts = np.diff(below, axis=1, prepend=0.0, append=1.0)
        probabilities = np.zeros((len(level), len(choices.names)))
        for part, places in zip(parts.T, choices.levels, strict=True):
            probabilities[:, places] = part[:, None] * _within(len(places), item.first)
        return _with_unknown(probabilities, choices.dont_know, unknown)
    right = _right_choices(item, choices, ledger)
    others = ~right & np.isin(np.arange(len(choices.names)), [place for level in choices.levels for place in level])
    wrong = _with_unknown(others / others.sum(axis=1, keepdims=True), choices.dont_know, unknown)
    knows = 1.0 - below
    return wrong * (1.0 - knows) + right * knows


def _right_choices(item: ItemModel, choices: ScoredChoices, ledger: np.ndarray) -> np.ndarray:
    """Which choice is right, shape (rows, choices). Where the ledger is silent, people answer as if it said no."""
    right = np.zeros((len(ledger), len(choices.names)), dtype=bool)
    if item.kind == "knowledge":
        right[:, choices.levels[-1]] = True
        return right
    right[ledger == "yes", choices.right["yes"]] = True
    right[ledger != "yes", choices.right["no"]] = True
    return right


def _within(count: int, first: float) -> np.ndarray:
    """Shares of the choices of one score level: the first declared, the others evenly."""
    return np.ones(1) if count == 1 else np.concatenate([[first], np.full(count - 1, (1 - first) / (count - 1))])


def _with_unknown(probabilities: np.ndarray, dont_know: int | None, unknown: np.ndarray) -> np.ndarray:
    if dont_know is None:
        return probabilities
    mixed = probabilities * (1 - unknown[:, None])
    mixed[:, dont_know] += unknown
    return mixed
