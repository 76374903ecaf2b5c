"""Two versions of an instrument: what changed, in words, and which indices stay comparable.

An index stays comparable when the same items count into it, with the same shares of item weight, asked of the same
people, with the same answers offered and accepted and the same score for each. What cannot be shown to leave a number
as it was breaks the series. A change of wording, of order or of language does not break it by itself, but it can move
an answer: it is told beside the index, for a person to judge.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum

from questionnaires.change import Change
from questionnaires.changes import collect, groups_of
from questionnaires.conditions import say
from questionnaires.errors import InstrumentError
from questionnaires.indices import IndexDeclaration
from questionnaires.instrument import Instrument
from questionnaires.nodes import Call, Node

# what makes two series of numbers different when it happens to an item that counts; the rest is told beside the index
BREAKS = frozenset({"added", "removed", "choices", "offer", "accepted", "scoring", "type", "calculation"})
# what changes who is asked when it happens to an item that others hang on
ROUTES = frozenset({"removed", "choices", "type", "calculation"})
# what changes who is asked only if the conditions that an item stands under change by it
CONDITIONS = frozenset({"relevance", "group"})
WORDS: Mapping[str, tuple[str, str]] = {
    "same": ("两个版本内容完全相同。", "Both versions have the same content."),
    "comparable": ("指数 {what} 前后可比", "index {what} stays comparable"),
    "not comparable": ("指数 {what} 前后不可比", "index {what} is not comparable"),
    "because": ("，因为：{what}", ", because of {what}"),
    "beside": ("；另请留意：{what}", "; to be judged beside it: {what}"),
}


@dataclass(frozen=True, slots=True)
class IndexComparison:
    """Whether an index of both versions measures the same: what breaks it, and what to judge beside it."""

    name: str
    breaks: tuple[Change, ...]
    beside: tuple[Change, ...]

    @property
    def comparable(self) -> bool:
        """Whether nothing breaks it."""
        return not self.breaks

    def sentence(self, language: str) -> str:
        """The verdict in words, with its reasons by item and kind."""
        said = say(WORDS, "comparable" if self.comparable else "not comparable", language, what=self.name)
        for kind, changes in (("because", self.breaks), ("beside", self.beside)):
            if changes:
                said += say(WORDS, kind, language, what=_listed(changes, language))
        return said


def _listed(changes: Iterable[Change], language: str) -> str:
    return ("；" if language == "zh" else "; ").join(dict.fromkeys(change.sentence(language) for change in changes))


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes from one version to the other, and the verdict on each index that both have."""

    changes: tuple[Change, ...]
    indices: tuple[IndexComparison, ...] = field(default=())

    def sentences(self, language: str = "zh") -> list[str]:
        """Everything in words, one line each: the changes first, then the indices."""
        said = [change.sentence(language) for change in self.changes] or [say(WORDS, "same", language)]
        return said + [index.sentence(language) for index in self.indices]


def diff(before: Instrument, after: Instrument) -> Difference:
    """What changed from `before` to `after`; InstrumentError: they are two different instruments."""
    if before.id != after.id:
        raise InstrumentError(
            f"{before.id} {before.version} and {after.id} {after.version} are two instruments; "
            "name two versions of one (the same form_id)"
        )
    changes = collect(before, after)
    asked_anew = _asked_anew(before, after)
    both = [name for name in after.indices if name in before.indices]
    return Difference(tuple(changes), tuple(_compare(before, after, name, changes, asked_anew) for name in both))


def _asked_anew(before: Instrument, after: Instrument) -> frozenset[str]:
    """The items that stand under other conditions than before, their own and those of the groups around them."""
    both = [name for name in after.items if name in before.items]
    return frozenset(name for name in both if _conditions(before, name) != _conditions(after, name))


def _conditions(instrument: Instrument, name: str) -> frozenset[Node]:
    steps = {step.name: step for step in instrument.program.steps}
    found = [steps[place].relevance for place in (name, *groups_of(instrument, name))]
    waiting: list[Node] = [expression.root for expression in found if expression is not None]
    parts: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, Call) and node.name == "and":
            waiting += node.arguments
        else:
            parts.add(node)
    return frozenset(parts)


def _compare(
    before: Instrument, after: Instrument, name: str, changes: Iterable[Change], asked_anew: frozenset[str]
) -> IndexComparison:
    old, new = before.indices[name], after.indices[name]
    below = _below(before, old) | _below(after, new)
    items = set(old.items) | set(new.items)
    counting = items | _feeding(before, items) | _feeding(after, items)
    routers = (_routers(before, counting) | _routers(after, counting)) - counting
    same_shares = _shares(before, old) == _shares(after, new)
    breaks: list[Change] = []
    beside: list[Change] = []
    for change in changes:
        counts, routes = change.items & counting, change.items & routers
        own = not change.items and change.name in below
        if not counts and not routes and not own:
            continue
        if own and change.name == name and change.column in ("parent", "weight"):
            continue  # the place of an index in the tree above it does not change its own value
        rescaled = same_shares and change.column in ("weight", "sandu::weight")
        container = change.kind in ("added", "removed") and change.name not in counting | routers | below
        broken = (
            (change.kind in BREAKS and bool(counts or own) and not rescaled)
            or (change.kind in ROUTES and bool(routes) and not _grown_file(change, after))
            or (change.kind in CONDITIONS and bool(asked_anew & (counts | routes)))
        )
        (breaks if broken and not container else beside).append(change)
    return IndexComparison(name, tuple(breaks), tuple(beside))


def _grown_file(change: Change, after: Instrument) -> bool:
    """Whether more places came into a file, which sends nobody elsewhere who was there before."""
    kinds = {after.items[name].type for name in change.items if name in after.items}
    return change.kind == "choices" and kinds == {"select_one_from_file"} and not change.before


def _shares(instrument: Instrument, index: IndexDeclaration) -> dict[str, object]:
    """Item -> its share of the index's item weight, and the index below in which it stands."""
    total = fsum(index.items.values())
    return {name: (round(weight / total, 9), instrument.items[name].index) for name, weight in index.items.items()}


def _below(instrument: Instrument, index: IndexDeclaration) -> set[str]:
    found = {index.name}
    for child in index.children:
        found |= _below(instrument, instrument.indices[child])
    return found


def _routers(instrument: Instrument, items: set[str]) -> set[str]:
    """The items on whose answers it hangs whether `items` are asked."""
    steps = {step.name: step for step in instrument.program.steps}
    found: set[str] = set()
    waiting = [name for name in items if name in steps]
    while waiting:
        new = steps[waiting.pop()].references - found
        found |= new
        waiting += [name for name in new if name in steps]
    return found & set(instrument.items)


def _feeding(instrument: Instrument, items: set[str]) -> set[str]:
    """The items whose answers a scored calculation is made of."""
    found: set[str] = set()
    waiting = [name for name in items if name in instrument.items]
    while waiting:
        calculation = instrument.items[waiting.pop()].calculation
        new = {name for name in calculation.references if name in instrument.items} - found if calculation else set()
        found |= new
        waiting += new
    return found
