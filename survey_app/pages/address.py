"""An address as a chain of items: district, street, community; each level's choices depend on the level above.

Two ways lead to the community: down the levels, one after the other, or by its name; a community that is found fills
all levels. What is chosen below a level that has changed since is dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from questionnaires.choices import Choice
from questionnaires.errors import AnswerError
from questionnaires.instrument import Instrument
from questionnaires.items import Item

SEARCH_FIELD = "find-community"
FOUND_FIELD = "found-community"
SEARCHED_FIELD = "searched-community"
SHOWN_FIELD = "shown-levels"
"""Names of the fields that a form adds to a chain; no item can have them, for item names hold no hyphen."""

MATCHES = 20
LONGEST_SEARCH = 60


@dataclass(frozen=True)
class Match:
    """A community found by its name: its code, its name, where it lies, and the answers it fills (item -> code)."""

    code: str
    label: str
    place: str
    answers: Mapping[str, str]


@lru_cache(maxsize=64)
def chain(instrument: Instrument) -> tuple[Item, ...]:
    """The levels of the instrument's address, from the widest down; fewer than two make no chain."""
    levels = tuple(item for item in instrument.items.values() if _is_place(item))
    return levels if len(levels) > 1 else ()


def is_level(item: Item) -> bool:
    """Whether an item is a level of its form's address."""
    return _is_place(item) and sum(map(_is_place, item.items.values())) > 1


def _is_place(item: Item) -> bool:
    return item.role == "address" and item.type == "select_one_from_file"


def levels_on(levels: Sequence[Item], items: Sequence[Item]) -> tuple[Item, ...]:
    """Those levels that stand among a page's items."""
    here = {item.name for item in items}
    return tuple(level for level in levels if level.name in here)


def reachable(levels: Sequence[Item], answers: Mapping[str, Any]) -> tuple[Item, ...]:
    """The levels of a page to show: the first, and each one below a level that is answered."""
    shown: list[Item] = []
    for level in levels:
        shown.append(level)
        if level.name not in answers:
            break
    return tuple(shown)


def tidy(levels: Sequence[Item], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers without those levels that do not lie in the level above them."""
    kept = dict(answers)
    valid = True
    for level in levels:
        if level.name not in kept:
            valid = False
        elif not valid or all(choice.name != kept[level.name] for choice in level.offered(kept)):
            del kept[level.name]
            valid = False
    return kept


def find(
    levels: Sequence[Item], text: str, answers: Mapping[str, Any], language: str, *, limit: int = MATCHES
) -> tuple[Match, ...]:
    """Communities whose name holds `text`, anywhere in the wave's city; those of the district already chosen first.

    `answers` carries the wave's presets (the city).
    """
    wide = {name: value for name, value in answers.items() if name not in {level.name for level in levels}}
    lowest = levels[-1]
    found = [match(levels, choice, language) for choice in lowest.search(text.strip(), limit=limit, answers=wide)]
    chosen = [(level.name, answers[level.name]) for level in levels[:-1] if level.name in answers]
    found.sort(key=lambda each: -sum(each.answers.get(name) == value for name, value in chosen))
    return tuple(found)


def match(levels: Sequence[Item], choice: Choice, language: str) -> Match:
    """A community with the levels above it."""
    answers = place_of(levels, choice.name)
    places = [level.label_of(answers[level.name], language) for level in levels[:-1] if level.name in answers]
    return Match(choice.name, choice.label(language), " · ".join(places), answers)


def place_of(levels: Sequence[Item], code: str) -> dict[str, str]:
    """The answers that a community fills, level by level; {} when the code is none of its item's choices."""
    try:
        above = levels[-1].chain(code)
    except AnswerError:
        return {}
    names = {level.name for level in levels}
    return {name: value for name, value in above.items() if name in names}


def in_words(levels: Sequence[Item], answers: Mapping[str, Any], language: str) -> str:
    """The address chosen so far, widest unit first, as far as it goes."""
    return " · ".join(level.label_of(answers[level.name], language) for level in levels if level.name in answers)
