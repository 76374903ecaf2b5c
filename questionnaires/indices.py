"""Scores declared in the file: an index, its place in the tree, the items below it with their weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from questionnaires.choices import text_in
from questionnaires.functions import nearest
from questionnaires.sheets import Row


@dataclass(frozen=True, eq=False)
class IndexDeclaration:
    """An index 0-100: item weights as declared (never rescaled), its parent and its children.

    min_weight: the share (0-1) of item weight a domain must have to get a value; min_answered: how many items a person
    must have answered for a person-level score; items: every scored item below it, with its item weight.
    """

    name: str
    parent: str | None
    item_weight: float
    labels: Mapping[str, str]
    min_weight: float = 0.0
    min_answered: int = 0
    children: tuple[str, ...] = ()
    items: Mapping[str, float] = field(default_factory=dict)

    def label(self, language: str) -> str:
        """The name of the index as shown, in `language` or else in the default language."""
        return text_in(self.labels, language)


def read_indices(
    rows: list[Row], own_items: Mapping[str, Mapping[str, float]], languages: Mapping[str, str]
) -> Mapping[str, IndexDeclaration]:
    """The sheet `indices` as declarations; `own_items`: index -> item -> item weight, as the survey sheet has it.

    InstrumentError: a repeated name, an unknown parent, a circle, a weight that is no positive number, weights below an
    index that do not add up to its own.
    """
    by_name: dict[str, Row] = {}
    for row in rows:
        name = row.need("name")
        if name in by_name:
            raise row.error(f"index {name!r} is declared twice; the first is in row {by_name[name].number}")
        by_name[name] = row
    for row in rows:
        parent = row.cells.get("parent")
        if parent and parent not in by_name:
            raise row.error(
                f"index {row.cells['name']!r} has the parent {parent!r}, which is no index{nearest(parent, by_name)}"
            )
    _refuse_circles(by_name)
    children = {name: tuple(n for n, r in by_name.items() if r.cells.get("parent") == name) for name in by_name}
    found = {name: _declare(name, by_name, children, own_items, languages) for name in by_name}
    for name, index in found.items():
        _check_sum(index, by_name[name], found, own_items.get(name, {}))
    return MappingProxyType(found)


def _refuse_circles(by_name: Mapping[str, Row]) -> None:
    for name, row in by_name.items():
        seen, above = {name}, row.cells.get("parent")
        while above:
            if above in seen:
                raise row.error(f"index {name!r} is its own parent through {above!r}; break the circle")
            seen.add(above)
            above = by_name[above].cells.get("parent")


def _declare(
    name: str,
    by_name: Mapping[str, Row],
    children: Mapping[str, tuple[str, ...]],
    own_items: Mapping[str, Mapping[str, float]],
    languages: Mapping[str, str],
) -> IndexDeclaration:
    row = by_name[name]
    items: dict[str, float] = {}
    waiting = [name]
    while waiting:
        below = waiting.pop(0)
        items |= own_items.get(below, {})
        waiting += children[below]
    share = row.number_in("min_weight") or 0.0
    if not 0 <= share <= 1:
        raise row.error(f"min_weight of index {name!r} is {share:g}; it is a share between 0 and 1")
    answered = row.number_in("min_answered") or 0.0
    if answered != int(answered) or not 0 <= answered <= len(items):
        raise row.error(f"min_answered of index {name!r} is {answered:g}; it is a count of its {len(items)} items")
    weight = row.number_in("weight")
    if weight is None or weight <= 0:
        raise row.error(f"index {name!r} has no positive weight; write one in column weight")
    labels = row.texts("label", languages)
    if not labels:
        raise row.error(f"index {name!r} has no label; write the name that readers see")
    return IndexDeclaration(
        name=name,
        parent=row.cells.get("parent"),
        item_weight=weight,
        labels=labels,
        min_weight=share,
        min_answered=int(answered),
        children=children[name],
        items=MappingProxyType(items),
    )


def _check_sum(
    index: IndexDeclaration, row: Row, indices: Mapping[str, IndexDeclaration], items: Mapping[str, float]
) -> None:
    parts = {**{name: indices[name].item_weight for name in index.children}, **items}
    if not parts:
        raise row.error(
            f"index {index.name!r} has neither items nor indices below it; name it in sandu::index of an item"
        )
    total = math.fsum(parts.values())
    if not math.isclose(total, index.item_weight, rel_tol=1e-9):
        listed = " + ".join(f"{name} {weight:g}" for name, weight in parts.items())
        raise row.error(
            f"index {index.name!r} weighs {index.item_weight:g}, but {listed} add up to {total:g}; make them equal"
        )
