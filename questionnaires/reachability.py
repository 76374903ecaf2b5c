"""Items that no answer can lead to: their relevance is run over all answers of the items it hangs on.

Where those answers are few (lists and their sets) the run is exhaustive and its verdict certain. Where they are not
(numbers, texts, days) answers at and beside what the expressions name are tried, and an item that was not reached is
reported as not decided. A choice_filter is not followed: every choice of a list counts as offered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, combinations, product
from math import prod
from typing import Any

from questionnaires.expressions import Call, Context, Expression, Literal, walk
from questionnaires.functions import DRAWS
from questionnaires.instrument import Instrument
from questionnaires.items import Item
from questionnaires.program import Program, Step
from questionnaires.values import Value

MOST_RUNS = 20_000
LARGEST_SET = 6  # choices of a select_multiple whose every combination is tried
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
    expressions = [e for name in needed for e in (steps[name].relevance, steps[name].calculation) if e]
    certain = not any(
        isinstance(node, Call) and node.name in CHANGING for expression in expressions for node in walk(expression.root)
    )
    domains: dict[str, list[Any]] = {}
    asked_for = frozenset().union(*(steps[name].references for name in needed))
    for name in asked_for & set(instrument.items):
        if steps[name].calculation is None:
            domains[name], whole = _domain(instrument.items[name], expressions)
            certain = certain and whole
    if prod(len(values) for values in domains.values()) > MOST_RUNS:
        return _holds_somewhere(program, domains, conditions, _corners(domains)), False
    return _holds_somewhere(program, domains, conditions, product(*domains.values())), certain


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
    for values in runs:
        answers = {name: value for name, value in zip(names, values, strict=True) if value not in ("", [])}
        if program.run(answers).relevant.issuperset(conditions):
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


def _domain(item: Item, expressions: list[Expression]) -> tuple[list[Any], bool]:
    """The answers to try, "" for none, and whether no other answer could make a difference."""
    literals = [node.value for expression in expressions for node in walk(expression.root) if isinstance(node, Literal)]
    values, whole = _values(item, literals)
    if item.constraint is not None and not item.constraint.references:
        values = [
            value for value in values if value in ("", []) or item.constraint.holds(Context({}, own=_seen(value)))
        ]
    return (values if item.required else ["", *values]), whole


def _seen(value: Any) -> Value:
    if isinstance(value, list):
        return " ".join(value)
    return float(value) if isinstance(value, int | float) else value


def _values(item: Item, literals: list[Value]) -> tuple[list[Any], bool]:
    names = [choice.name for choice in item.choices]
    if item.type == "select_one":
        return list(names), True
    if item.type == "select_multiple" and len(names) <= LARGEST_SET:
        return [list(some) for size in range(1, len(names) + 1) for some in combinations(names, size)], True
    if item.type == "acknowledge":
        return ["OK"], True
    return _samples(item, names, literals), False


def _samples(item: Item, names: list[str], literals: list[Value]) -> list[Any]:
    """Some answers of an item that takes more than can be tried: at and beside what the expressions name."""
    numbers = [value for value in literals if isinstance(value, float) and abs(value) < 1e15]
    texts = [value for value in literals if isinstance(value, str) and value]
    match item.type:
        case "select_multiple":
            return [[name] for name in names]
        case "select_one_from_file":
            return [*(name for name in texts if name in names), *names[:3]]
        case "integer":
            return sorted({int(n) + step for n in chain(numbers, [0.0]) for step in (-1, 0, 1)})
        case "decimal" | "range":
            return sorted({n + step for n in chain(numbers, [0.0]) for step in (-0.5, 0.0, 0.5)})
        case "date" | "today" | "start" | "end":
            return [*(text for text in texts if len(text) == 10), "1950-06-15", "2026-06-15"]
        case _:
            return [*texts, *(f"{n:g}" for n in numbers), "x"]
