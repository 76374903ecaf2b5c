"""The answers of an item that are worth trying: all of them where they are few, else at and beside what is named."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations
from typing import Any

from questionnaires.expressions import Context, Expression, Literal, walk
from questionnaires.items import Item
from questionnaires.nodes import Call, Dot, Node
from questionnaires.values import Value

LARGEST_SET = 6  # choices of a select_multiple whose every combination is tried
MOST_NUMBERS = 2_000  # numbers that are tried one by one
YEARS = range(1930, 2036)
TIMES = ("00:00", "06:00", "08:30", "12:00", "15:00", "18:00", "23:59")
TEXTS = ("x", "A", "7", "13800000000", "x@example.org", "x" * 60)


def domain(item: Item, expressions: Iterable[Expression]) -> tuple[list[Any], bool]:
    """The answers to try, "" for none, and whether no other answer could make a difference."""
    known = [*expressions, *([item.constraint] if item.constraint else [])]
    literals = [node.value for expression in known for node in walk(expression.root) if isinstance(node, Literal)]
    values, whole = _values(item, literals)
    if item.constraint is not None and not item.constraint.references:
        values = [value for value in values if item.constraint.holds(Context({}, own=seen(value)))]
    return (values if item.required else ["", *values]), whole


def all_answers(item: Item) -> list[Any] | None:
    """Every answer that its constraint could let pass, None where they cannot be listed; one if '.' is not in it."""
    if item.constraint is not None and not any(isinstance(node, Dot) for node in walk(item.constraint.root)):
        return ["x"]
    bounds = _bounds(item.constraint) if item.type == "decimal" else None
    if bounds and bounds[0] > bounds[1]:
        return []
    values, whole = _values(item, [])
    return values if whole else None


def seen(value: Any) -> Value:
    """An answer as expressions see it."""
    if isinstance(value, list):
        return " ".join(value)
    return float(value) if isinstance(value, int | float) else value


def _values(item: Item, literals: list[Value]) -> tuple[list[Any], bool]:
    names = [choice.name for choice in item.choices]
    match item.type:
        case "select_one":
            return list(names), True
        case "select_multiple" if len(names) <= LARGEST_SET:
            return [list(some) for size in range(1, len(names) + 1) for some in combinations(names, size)], True
        case "acknowledge":
            return ["OK"], True
        case "range" if item.range is not None and item.range.size <= MOST_NUMBERS:
            return [float(value) for value in item.range.values], True
        case "integer" if bounds := _bounds(item.constraint):
            low, high = int(bounds[0]) - 1, int(bounds[1]) + 1
            if high - low <= MOST_NUMBERS:
                return list(range(low, high + 1)), True
    return list(_samples(item, names, literals)), False


def _bounds(constraint: Expression | None) -> tuple[float, float] | None:
    """The numbers between which a constraint holds an answer, whatever else it asks; None where it does not."""
    low: list[float] = []
    high: list[float] = []
    waiting: list[Node] = [constraint.root] if constraint is not None else []
    while waiting:
        match waiting.pop():
            case Call("and", parts):
                waiting += parts
            case Call(">" | ">=", (Dot(), Literal(float() as value))):
                low.append(value)
            case Call(">" | ">=", (Dot(), Call("negative", (Literal(float() as value),)))):
                low.append(-value)
            case Call("<" | "<=", (Dot(), Literal(float() as value))):
                high.append(value)
    if not low or not high or max(map(abs, low + high)) > 1e9:
        return None
    return max(low), min(high)


def _samples(item: Item, names: list[str], literals: list[Value]) -> Iterable[Any]:
    """Some answers of an item that takes more than can be tried: first those at and beside what is named."""
    numbers = [value for value in literals if isinstance(value, float) and abs(value) < 1e15]
    texts = [value for value in literals if isinstance(value, str) and value]
    found: Iterable[Any]
    match item.type:
        case "select_multiple" | "rank":
            found = _sets(names, ordered=item.type == "rank")
        case "select_one_from_file":
            found = [*(name for name in texts if name in names), *names[:3]]
        case "integer":
            near = sorted({int(n) + step for n in (*numbers, 0.0) for step in (-1, 0, 1)})
            found = [*near, *range(151), *range(1900, 2051), *(10**power for power in range(3, 10)), -10, -100, -1000]
        case "decimal" | "range":
            beside = sorted({n + step for n in (*numbers, 0.0) for step in (-0.5, 0.0, 0.5)})
            found = [*beside, *(n / 10 for n in range(51)), *map(float, range(5, 201, 5)), 1e3, 1e4, 1e5, 1e6, -1e2]
        case "date" | "today" | "start" | "end":
            found = _days(texts)
        case "time":
            found = [*(text for text in texts if text[2:3] == ":"), *TIMES]
        case "dateTime":
            found = [f"{day}T{time}" for day in _days(texts) for time in ("08:30", "20:00")]
        case _:
            found = [*texts, *(f"{n:g}" for n in numbers), "".join(texts), *TEXTS]
    return found


def _sets(names: list[str], *, ordered: bool) -> list[list[str]]:
    if ordered:
        return [[*names[place:], *names[:place]] for place in range(len(names))] + [names[::-1]]
    several = [list(some) for size in (1, 2) for some in combinations(names[:40], size)]
    return several + [names[:size] for size in range(3, len(names) + 1)] + [names[-size:] for size in range(3, 8)]


def _days(texts: list[str]) -> list[str]:
    """Days at and beside those that are named, and days of all seasons of many years."""
    named = []
    for text in texts:
        try:
            day = date.fromisoformat(text[:10])
        except ValueError:
            continue
        named += [str(day + timedelta(days=step)) for step in (-1, 0, 1) if 1 < day.year < 9999]
    return [*named, *(f"{year}-{month:02}-15" for year in YEARS for month in (2, 6, 10))]
