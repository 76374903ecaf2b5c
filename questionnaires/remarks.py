"""What loads, because XLSForms of others have it, and is seldom meant: `sandu check` says it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from questionnaires.checks import kind_of
from questionnaires.instrument import Instrument
from questionnaires.items import Item
from questionnaires.program import ASKED, Step
from questionnaires.reachability import unanswerable
from questionnaires.xlsform import to_sheets


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding about the item (or the list) `name` in `row` of the survey, and the `other` in `other_row`.

    kind: constraint (it refuses every answer), later (whether it is asked hangs on `other`, asked after it), case (its
    name differs from that of `other` in capitals only), list (no question uses it; row 0).
    """

    kind: Literal["constraint", "later", "case", "list"]
    name: str
    row: int = 0
    other: str = ""
    other_row: int = 0

    @property
    def blocks(self) -> bool:
        """Whether the form cannot be answered as it is meant."""
        return self.kind == "constraint"


def remarks(instrument: Instrument) -> tuple[Remark, ...]:
    """Every finding, in the order of the form, those about lists behind."""
    found = [Remark("constraint", item.name, item.row) for item in unanswerable(instrument)]
    found += [*_later(instrument), *_alike(instrument.items)]
    return (*sorted(found, key=lambda one: one.row), *_unused(instrument))


def _later(instrument: Instrument) -> Iterable[Remark]:
    steps = {step.name: step for step in instrument.program.steps}
    places = {name: place for place, name in enumerate(instrument.items)}
    told: set[str] = set()
    for name, item in instrument.items.items():
        if not item.shown:
            continue  # what is worked out, and not asked, may stand anywhere
        for condition in _around(name, steps):
            # of a group the first item is told, not each
            for other in sorted(_asked_in(condition, instrument, steps), key=places.__getitem__):
                if places[other] > places[name] and condition.name not in told:
                    told.add(condition.name)
                    yield Remark("later", name, item.row, other, instrument.items[other].row)


def _around(name: str, steps: Mapping[str, Step]) -> Iterable[Step]:
    """The item and the groups it stands in."""
    place: str | None = name
    while place is not None:
        yield steps[place]
        place = steps[place].group


def _asked_in(step: Step, instrument: Instrument, steps: Mapping[str, Step]) -> frozenset[str]:
    """The asked items that a relevance names, itself or through a calculation."""
    named = step.relevance.references if step.relevance else frozenset[str]()
    asked = {name for name in named if steps[name].type in ASKED}
    worked_out = named - asked
    return frozenset(asked).union(*(instrument.program.deciders[name] for name in worked_out))


def _alike(items: Mapping[str, Item]) -> Iterable[Remark]:
    first: dict[str, Item] = {}
    for name, item in items.items():
        before = first.setdefault(name.lower(), item)
        if before is not item:
            yield Remark("case", name, item.row, before.name, before.row)


def _unused(instrument: Instrument) -> Iterable[Remark]:
    sheets = to_sheets(instrument)
    used = {kind_of(row)[1] for row in sheets["survey"]}
    lists = dict.fromkeys(row.cells["list_name"] for row in sheets.get("choices", []))
    return [Remark("list", name) for name in lists if name not in used]
