"""What respondents know: right, wrong and don't-know side by side, and the band that the rule for don't-know leaves.

A knowledge item has right and wrong answers (scores of 100 and 0, or a ledger to be verified against) and offers
"don't know". At 0, don't-know is ignorance; at chance, those who say so would have guessed like anybody who knows
nothing. The truth of a published index lies between (Mondak 2001).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from analysis import scoring
from analysis.errors import DesignError, nearest
from analysis.estimation import Plan, joint, value_where
from analysis.linear import Part, Statistic
from analysis.totals import indicator

if TYPE_CHECKING:
    from analysis.bound import BoundTable

ANSWERS = ("right", "wrong", "dont_know")


def is_knowledge(item: Any) -> bool:
    """Whether an item has right answers, wrong ones and a don't-know that counts as 0."""
    scores = {item.scores().get(choice.name) for choice in item.choices if choice.missing is None}
    asked = item.type == "select_one" and item.dont_know == "zero" and _dont_know(item) is not None
    return asked and (item.key is not None or scores == {0.0, 100.0})


def chance(item: Any) -> float:
    """The mean score, 0-100, of an answer picked blindly among those that are answers."""
    substantive = [choice.name for choice in item.choices if choice.missing is None]
    scores = item.scores() if item.key is None else item.scored_against(substantive[0])
    return float(sum(scores[name] or 0.0 for name in substantive) / len(substantive))


def _dont_know(item: Any) -> str | None:
    return next((str(choice.name) for choice in item.choices if choice.missing == "dont_know"), None)


def knowledge_items(sample: "BoundTable", asked: str | Sequence[str]) -> list[Any]:
    """The knowledge items named, or those of the index named; DesignError for others."""
    if sample.instrument is None:
        raise DesignError("Knowledge needs the instrument, which says what is right: open a snapshot.")
    items = sample.instrument.items
    if isinstance(asked, str) and asked in sample.indices:
        found = [items[name] for name in sample.indices[asked].items if is_knowledge(items[name])]
        if not found:
            raise DesignError(f"The index {asked!r} has no knowledge item (right, wrong, don't-know scored as 0).")
        return found
    names = [asked] if isinstance(asked, str) else list(asked)
    known = [name for name, item in items.items() if item.choices and is_knowledge(item)]
    for name in names:
        if name not in known:
            raise DesignError(f"{name!r} is no knowledge item (right, wrong, don't-know). {nearest(name, known)}")
    return [items[name] for name in names]


def plan_of_knowledge(sample: "BoundTable", items: Sequence[Any]) -> Plan:
    """Per item the shares right, wrong and don't-know (0-1) of those who gave one of the three; where a ledger decides,
    of those whose ledger has an entry.
    """
    plan = Plan()
    for item in items:
        score = plan.prepare(scoring.item_score(item, sample.schema))
        unknown = scoring.text_of(item.name, sample.schema) == _dont_know(item)
        known = ~score.is_null()
        base = plan.place((item.name, "base"), indicator(known))
        rows = {"right": score > 50, "wrong": (score <= 50) & ~unknown, "dont_know": unknown}
        for answer in ANSWERS:
            above = plan.place((item.name, answer), indicator(joint([known, rows[answer]])))
            plan.statistics.append(Statistic(f"{item.name}: {answer}", (Part(above, base),), base))
    return plan


def plan_of_band(sample: "BoundTable", declaration: Any) -> Plan:
    """An index twice: don't-know at 0, as published, and at chance."""
    knowledge_items(sample, declaration.name)
    items = [sample.instrument.items[name] for name in declaration.items]
    rule = scoring.tree_rule(sample.indices, declaration, [item.name for item in items])
    plan, known = Plan(), nw.lit(False)
    parts: dict[str, list[Part]] = {"at 0": [], "at chance": []}
    for item in items:
        for name, found in parts.items():
            guessed = chance(item) if name == "at chance" and is_knowledge(item) else None
            score = plan.prepare(scoring.item_score(item, sample.schema, dont_know=guessed))
            known = known | ~score.is_null()
            below = plan.place((item.name, "base"), indicator(~score.is_null()))
            above = plan.place((item.name, guessed), value_where(~score.is_null(), score))
            found.append(Part(above, below, item.name))
    base = plan.place("any", indicator(known))
    plan.statistics += [
        Statistic(f"{declaration.name}: don't know {name}", tuple(found), base, rule) for name, found in parts.items()
    ]
    return plan
