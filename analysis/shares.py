"""Shares of several answers at once, with their denominator said: the top of a scale, those who ticked anything."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce as fold
from typing import TYPE_CHECKING, Any

import narwhals as nw

from analysis import scoring
from analysis.design import check_columns
from analysis.errors import DesignError, nearest
from analysis.estimation import Plan, is_numeric, observed_levels
from analysis.linear import Part, Statistic
from analysis.totals import answered, indicator

if TYPE_CHECKING:
    from analysis.bound import BoundTable

DENOMINATORS = ("answered", "ticking")
MOST_POINTS = 11


@dataclass(frozen=True)
class Top:
    """The top of a scale: its values, all values of the scale, and whether the column holds other answers too."""

    values: tuple[Any, ...]
    scale: tuple[Any, ...]


def top_of(sample: "BoundTable", item: str, count: int, values: Sequence[Any] | None) -> Top:
    """The `count` highest values of an item: by the scores of the instrument, else by number; or those named."""
    check_columns([item], list(sample.schema), "The request")
    scale = _scale(sample, item)
    if values is not None:
        values = [values] if isinstance(values, str) else list(dict.fromkeys(values))
        if not values:
            raise DesignError(f"values= names no answer of {item!r}. {nearest('', scale)}")
        for value in values:
            if value not in scale:
                raise DesignError(f"The item {item!r} has no answer {value!r}. {nearest(value, scale)}")
        return Top(tuple(values), scale)
    ranked = _ranked(sample, item, scale)
    if not isinstance(count, int) or not 0 < count < len(ranked):
        raise DesignError(f"The scale of {item!r} has {len(ranked)} values: a top of {count} is no part of it.")
    ordered = sorted(ranked, key=lambda value: -ranked[value])
    if ranked[ordered[count - 1]] == ranked[ordered[count]]:
        raise DesignError(
            f"{ordered[count - 1]!r} and {ordered[count]!r} of {item!r} have the same score: say which belong to the "
            "top with values=."
        )
    return Top(tuple(ordered[:count]), scale)


def _scale(sample: "BoundTable", item: str) -> tuple[Any, ...]:
    if scoring.is_multiple(sample.instrument, item):
        raise DesignError(f"The item {item!r} lets people tick several answers, which are no scale: use proportion.")
    if scoring.choices_of(sample.instrument, item):
        asked = sample.instrument.items[item]
        return tuple(choice.name for choice in asked.choices if choice.missing is None)
    return tuple(observed_levels(sample.frame, item))


def _ranked(sample: "BoundTable", item: str, scale: tuple[Any, ...]) -> dict[Any, float]:
    """The values of a scale with what orders them."""
    if scoring.choices_of(sample.instrument, item):
        scores = sample.instrument.items[item].scores()
        if all(scores[name] is not None for name in scale):
            return {name: scores[name] for name in scale}
    try:
        numbers = {value: float(value) for value in scale}
        if not all(map(math.isfinite, numbers.values())):
            raise ValueError("a label such as 'nan' is no number")
    except (TypeError, ValueError) as error:
        raise DesignError(
            f"The answers of {item!r} have neither scores nor numbers, so that nothing says which are the top: name "
            "them with values=."
        ) from error
    if len(numbers) > MOST_POINTS:
        raise DesignError(f"The item {item!r} takes {len(numbers)} values, which is no scale of points: use values=.")
    return numbers


def plan_of_top(sample: "BoundTable", item: str, top: Top) -> Plan:
    """The share (0-1) of the top values among the answers on the scale; don't-know and refusals are outside."""
    listed = bool(scoring.choices_of(sample.instrument, item))
    column = nw.col(item) if is_numeric(sample.schema[item]) and not listed else scoring.text_of(item, sample.schema)
    plan = Plan()
    valid = answered(item, sample.schema) & column.is_in(list(top.scale))
    base = plan.place("valid", indicator(valid))
    above = plan.place("top", indicator(valid & column.is_in(list(top.values))))
    name = f"{item}: {', '.join(_printed(value) for value in top.values)}"
    plan.statistics.append(Statistic(name, (Part(above, base),), base))
    return plan


def plan_of_shares(sample: "BoundTable", item: str, of: str) -> Plan:
    """The share of every value of a column; of: "answered", all with an answer, or "ticking", of a select-multiple item
    those who ticked at least one answer proper.
    """
    check_columns([item], list(sample.schema), "The request")
    if of not in DENOMINATORS:
        raise DesignError(f"of={of!r} is no denominator. {nearest(of, DENOMINATORS)}")
    valid, levels = answered(item, sample.schema), sample.levels(item)
    if of == "ticking":
        if not scoring.is_multiple(sample.instrument, item):
            raise DesignError(f"of='ticking' is for items of several answers, and {item!r} is none: leave it out.")
        asked = sample.instrument.items[item]
        levels = [choice.name for choice in asked.choices if choice.missing is None]
        valid = valid & fold(lambda left, right: left | right, [sample.chosen(item, level) for level in levels])
    plan = Plan()
    base = plan.place("valid", indicator(valid))
    for level in levels:
        above = plan.place(("level", level), indicator(valid & sample.chosen(item, level)))
        plan.statistics.append(Statistic(str(level), (Part(above, base),), base))
    return plan


def denominator(sample: "BoundTable", item: str, of: str) -> str:
    """What the shares of an item are of, in words; "" for an item of one answer, where all who answered are meant."""
    if not scoring.is_multiple(sample.instrument, item):
        return ""
    return "those who ticked at least one" if of == "ticking" else "all who were asked"


def _printed(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
