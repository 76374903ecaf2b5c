"""Items that no answer can lead to, and items that refuse every answer.

Their relevance (or constraint) is run over all answers of the items it hangs on.

Where those answers are few (lists and their sets, steps of a range, whole numbers between bounds) the run is exhaustive
and its verdict certain. Where they are not (other numbers, texts, days) answers at and beside what the expressions name
are tried, then many drawn ones (samples.py), and an item that was not reached is reported as not decided. A
choice_filter is not followed: every choice of a list counts as offered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, product
from math import prod
from random import Random
from typing import Any

from questionnaires.expressions import Call, Expression, walk
from questionnaires.functions import DRAWS
from questionnaires.instrument import Instrument
from questionnaires.items import Item
from questionnaires.program import Program, Step
from questionnaires.samples import all_answers, domain, seen

MOST_RUNS = 20_000
AGAIN = 50  # times that all answers are tried where chance decides too
DRAWN = 4_000  # runs over drawn answers where all are too many
CHANGING = frozenset({"today", "now"}) | DRAWS


@dataclass(frozen=True, slots=True)
class Unreached:
    """An item that no tried answers led to. certain: all were tried; deciders: the items that it hangs on."""

    item: str
    row: int
    certain: bool
    deciders: tuple[str, ...]


def unreached(instrument: Instrument) -> tuple[Unreached, ...]:
    """The items that are unreachable, or that could not be decided, in the order of the form."""
    steps = {step.name: step for step in instrument.program.steps}
    verdicts: dict[tuple[str, ...], tuple[bool, bool]] = {}
    found = []
    for name, item in instrument.items.items():
        conditions = _conditions(name, steps)
        if not conditions:
            continue
        if conditions not in verdicts:
            verdicts[conditions] = _try(instrument, conditions, steps)
        reached, certain = verdicts[conditions]
        if not reached:
            deciders = sorted(instrument.program.deciders[name], key=list(instrument.items).index)
            found.append(Unreached(name, item.row, certain, tuple(deciders)))
    return tuple(found)


def unanswerable(instrument: Instrument) -> tuple[Item, ...]:
    """The items whose constraint surely refuses every answer, whatever is answered elsewhere."""
    steps = {step.name: step for step in instrument.program.steps}
    return tuple(item for item in instrument.items.values() if _never_holds(item, instrument, steps))


def _never_holds(item: Item, instrument: Instrument, steps: Mapping[str, Step]) -> bool:
    if item.constraint is None or (own := all_answers(item)) is None:
        return False
    needed = _needed(item.constraint.references, steps)
    expressions = [item.constraint, *_expressions(needed, steps)]
    if _changing(expressions):
        return False
    domains: dict[str, list[Any]] = {}
    for name in sorted(needed & set(instrument.items)):
        if steps[name].calculation is None:
            domains[name], whole = domain(instrument.items[name], expressions)
            if not whole:
                return False
    if max(len(own), 1) * prod(map(len, domains.values())) > MOST_RUNS:
        return False
    program = _part(instrument.program, needed)
    contexts = (program.run(answers).context() for answers in _all_of(domains))
    return not any(item.constraint.holds(replace(context, own=seen(value))) for context in contexts for value in own)


def _all_of(domains: Mapping[str, list[Any]]) -> Iterable[dict[str, Any]]:
    return (_given(domains, values) for values in product(*domains.values()))


def _given(names: Iterable[str], values: tuple[Any, ...]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value not in ("", [])}


def _expressions(needed: Iterable[str], steps: Mapping[str, Step]) -> list[Expression]:
    return [e for name in needed for e in (steps[name].relevance, steps[name].calculation) if e]


def _changing(expressions: Iterable[Expression]) -> bool:
    """Whether the day, the hour or chance decides too."""
    return any(isinstance(node, Call) and node.name in CHANGING for e in expressions for node in walk(e.root))


def _conditions(name: str, steps: Mapping[str, Step]) -> tuple[str, ...]:
    """The item and the groups around it that have a relevance of their own."""
    found: list[str] = []
    place: str | None = name
    while place is not None:
        step = steps[place]
        if step.relevance is not None:
            found.append(place)
        place = step.group
    return tuple(found)


def _try(instrument: Instrument, conditions: tuple[str, ...], steps: Mapping[str, Step]) -> tuple[bool, bool]:
    """Whether some answers make all `conditions` hold, and whether all answers were tried."""
    needed = _needed(conditions, steps)
    program = _part(instrument.program, needed)
    expressions = _expressions(needed, steps)
    changing = _changing(expressions)
    domains: dict[str, list[Any]] = {}
    certain = not changing
    asked_for = frozenset[str]().union(*(steps[name].references for name in needed))
    for name in sorted(asked_for & set(instrument.items)):
        if steps[name].calculation is None:
            domains[name], whole = domain(instrument.items[name], expressions)
            certain = certain and whole
    if prod(len(values) for values in domains.values()) > MOST_RUNS:
        return _holds_somewhere(program, domains, conditions, chain(_corners(domains), _drawn(domains))), False
    again = AGAIN if changing else 1
    runs = chain.from_iterable(product(*domains.values()) for _ in range(again))
    return _holds_somewhere(program, domains, conditions, runs), certain


def _needed(conditions: Iterable[str], steps: Mapping[str, Step]) -> set[str]:
    found: set[str] = set()
    waiting = list(conditions)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += steps[name].references
    return found


def _part(program: Program, needed: set[str]) -> Program:
    return replace(program, steps=tuple(step for step in program.steps if step.name in needed))


def _holds_somewhere(
    program: Program, domains: Mapping[str, list[Any]], conditions: tuple[str, ...], runs: Iterable[tuple[Any, ...]]
) -> bool:
    names = list(domains)
    for number, values in enumerate(runs):
        if program.run(_given(names, values), submission_id=str(number)).relevant.issuperset(conditions):
            return True
    return False


def _corners(domains: Mapping[str, list[Any]]) -> Iterable[tuple[Any, ...]]:
    """A few runs where all are too many: from each item's n-th value on, turned round, one item at a time."""
    values = list(domains.values())
    longest = max(len(options) for options in values)
    for shift in range(longest):
        start = tuple(options[shift % len(options)] for options in values)
        for place, options in enumerate(values):
            yield from ((*start[:place], value, *start[place + 1 :]) for value in options[:50])


def _drawn(domains: Mapping[str, list[Any]]) -> Iterable[tuple[Any, ...]]:
    """Answers by chance, the same ones each time."""
    chance = Random(0)  # noqa: S311  (a sample, no secret)
    return (tuple(chance.choice(options) for options in domains.values()) for _ in range(DRAWN))
