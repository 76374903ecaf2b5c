"""What changed between two versions of an instrument, in words, and which indices stay comparable.

An index stays comparable when the same items count into it, with the same item weights, the same answers offered and
the same score for each. A change of wording, of order or of who is asked does not break the series by itself, but it
can move an answer: it is told beside the index, for a person to judge.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from questionnaires.choices import Choice
from questionnaires.errors import InstrumentError
from questionnaires.indices import IndexDeclaration
from questionnaires.instrument import Instrument
from questionnaires.sheets import Row
from questionnaires.xlsform import to_sheets

WORDING = ("label", "hint", "guidance_hint", "required_message", "constraint_message", "choice_label")
SCORING = ("sandu::index", "sandu::weight", "sandu::score", "sandu::key", "sandu::dont_know", "score", "missing")
INDEX_SCORING = ("parent", "weight", "min_weight", "min_answered")
ROUTING = ("relevant", "choice_filter")
# what makes two series of numbers different; other kinds are told beside the index
BREAKS = frozenset({"added", "removed", "choices", "scoring", "type", "calculation"})
# what changes who is asked, when it happens to an item that others hang on
ROUTED = frozenset({"removed", "choices", "type", "calculation", "relevance"})
WORDS: Mapping[str, tuple[str, str]] = {
    "added": ("新增 {what}", "{what} is new"),
    "removed": ("删除 {what}", "{what} is gone"),
    "wording": (
        "{what} 的文字改了（{column}）：“{before}” → “{after}”",
        '{what}: wording of {column}: "{before}" -> "{after}"',
    ),
    "choices": ("{what} 的选项改了：{before} → {after}", "{what}: choices: {before} -> {after}"),
    "scoring": ("{what} 的计分改了（{column}）：{before} → {after}", "{what}: scoring, {column}: {before} -> {after}"),
    "relevance": (
        "{what} 的出现条件改了（{column}）：{before} → {after}",
        "{what}: when it is asked, {column}: {before} -> {after}",
    ),
    "type": ("{what} 的题型改了：{before} → {after}", "{what}: type: {before} -> {after}"),
    "calculation": ("{what} 的计算改了：{before} → {after}", "{what}: calculation: {before} -> {after}"),
    "rule": ("{what} 的 {column} 改了：{before} → {after}", "{what}: {column}: {before} -> {after}"),
    "order": ("{what} 的顺序改了：{before} → {after}", "{what}: order: {before} -> {after}"),
    "same": ("两个版本内容完全相同。", "Both versions have the same content."),
    "comparable": ("指数 {what} 前后可比", "index {what} stays comparable"),
    "not comparable": ("指数 {what} 前后不可比", "index {what} is not comparable"),
    "because": ("，因为：{what}", ", because of {what}"),
    "beside": ("；另请留意：{what}", "; to be judged beside it: {what}"),
    "whole": ("问卷", "the form"),
    "empty": ("（空）", "(empty)"),
}


def words(kind: str, language: str, **details: object) -> str:
    """A sentence of this module; Chinese for zh, English for every other language."""
    chinese, english = WORDS[kind]
    return (chinese if language == "zh" else english).format(**details)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. kind: a key of WORDS; name: the item, index or choice; items: the items that it touches."""

    kind: str
    name: str
    items: frozenset[str] = frozenset()
    column: str = ""
    before: str = ""
    after: str = ""

    def sentence(self, language: str) -> str:
        """The change in words."""
        empty = words("empty", language)
        name = words("whole", language) if self.name == "" else self.name
        return words(
            self.kind, language, what=name, column=self.column, before=self.before or empty, after=self.after or empty
        )


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
        said = words("comparable" if self.comparable else "not comparable", language, what=self.name)
        for kind, changes in (("because", self.breaks), ("beside", self.beside)):
            if changes:
                said += words(kind, language, what=_listed(changes, language))
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
        said = [change.sentence(language) for change in self.changes] or [words("same", language)]
        return said + [index.sentence(language) for index in self.indices]


def diff(before: Instrument, after: Instrument) -> Difference:
    """What changed from `before` to `after`; InstrumentError: they are two different instruments."""
    if before.id != after.id:
        raise InstrumentError(
            f"{before.id} {before.version} and {after.id} {after.version} are two instruments; "
            "name two versions of one (the same form_id)"
        )
    old, new = to_sheets(before), to_sheets(after)
    changes = [
        *_settings(old["settings"][0], new["settings"][0]),
        *_rows(_named(old["survey"]), _named(new["survey"]), {**_within(before), **_within(after)}),
        *_choices(before, after),
        *_rows(_named(old.get("indices", [])), _named(new.get("indices", [])), None),
    ]
    both = [name for name in after.indices if name in before.indices]
    return Difference(tuple(changes), tuple(_compare(before, after, name, changes) for name in both))


def _named(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.cells["name"]: row for row in rows if "name" in row.cells}


def _settings(old: Row, new: Row) -> Iterable[Change]:
    for column in dict.fromkeys([*old.cells, *new.cells]):
        before, after = old.cells.get(column, ""), new.cells.get(column, "")
        if before != after:
            yield Change("rule", "", column=column, before=before, after=after)


def _within(instrument: Instrument) -> dict[str, frozenset[str]]:
    """Item or group -> the items that a change of its row touches."""
    found: dict[str, set[str]] = {}
    above = {step.name: step.group for step in instrument.program.steps}
    for name in instrument.items:
        place: str | None = name
        while place is not None:
            found.setdefault(place, set()).add(name)
            place = above.get(place)
    return {name: frozenset(items) for name, items in found.items()}


def _rows(
    old: Mapping[str, Row], new: Mapping[str, Row], within: Mapping[str, frozenset[str]] | None
) -> Iterable[Change]:
    """Changes of rows by name; `within`: the items each row of the survey touches, None for the indices."""
    items = within is not None
    for name in dict.fromkeys([*old, *new]):
        touched = within.get(name, frozenset({name})) if within is not None else frozenset[str]()
        if name not in old or name not in new:
            yield Change("added" if name in new else "removed", name, touched)
            continue
        for column in dict.fromkeys([*old[name].cells, *new[name].cells]):
            before, after = old[name].cells.get(column, ""), new[name].cells.get(column, "")
            if column == "type":  # a list may be renamed: its choices are compared as such
                before, after = before.split()[0], after.split()[0]
            if before != after:
                yield Change(_kind(column, items=items), name, touched, column, before, after)
    yield from _order("", [name for name in old if name in new], [name for name in new if name in old], frozenset())


def _kind(column: str, *, items: bool) -> str:
    base = column if column.startswith("sandu::") else column.partition("::")[0]
    if base in WORDING:
        return "wording"
    if base in SCORING or (not items and base in INDEX_SCORING):
        return "scoring"
    if base in ROUTING:
        return "relevance"
    return base if base in ("type", "calculation") else "rule"


def _order(name: str, old: list[str], new: list[str], items: frozenset[str]) -> Iterable[Change]:
    if old != new:
        first = next(place for place, (one, other) in enumerate(zip(old, new, strict=True)) if one != other)
        yield Change(
            "order", name, items, before=" ".join(old[first : first + 4]), after=" ".join(new[first : first + 4])
        )


def _choices(before: Instrument, after: Instrument) -> Iterable[Change]:
    """Changes of what an item offers. Items that share a list share the change; a file's thousands count as one."""
    found: dict[tuple[Change, ...], list[str]] = {}
    for name, item in after.items.items():
        if name in before.items:
            old = {choice.name: choice for choice in before.items[name].choices}
            new = {choice.name: choice for choice in item.choices}
            found.setdefault(tuple(_offered(old, new)), []).append(name)
    for changes, names in found.items():
        for change in changes:
            told = ", ".join(names)
            label = f"{told} {change.name}".strip()
            yield Change(change.kind, label, frozenset(names), change.column, change.before, change.after)


def _offered(old: Mapping[str, Choice], new: Mapping[str, Choice]) -> Iterable[Change]:
    if old.keys() != new.keys():
        gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
        yield Change("choices", "", before=_short(gone, "-"), after=_short(come, "+"))
    yield from _order("", [name for name in old if name in new], [name for name in new if name in old], frozenset())
    for name in (name for name in old if name in new):
        one, other = old[name], new[name]
        for language in dict.fromkeys([*one.labels, *other.labels]):
            texts = one.labels.get(language, ""), other.labels.get(language, "")
            if texts[0] != texts[1]:
                yield Change("wording", name, column=language, before=texts[0], after=texts[1])
        if one.score != other.score:
            yield Change("scoring", name, column="score", before=_number(one.score), after=_number(other.score))
        if one.missing != other.missing:
            yield Change("scoring", name, column="missing", before=one.missing or "", after=other.missing or "")


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:g}"


def _short(names: list[str], sign: str) -> str:
    listed = " ".join(f"{sign}{name}" for name in names[:8])
    return f"{listed} ... ({len(names)})" if len(names) > 8 else listed


def _compare(before: Instrument, after: Instrument, name: str, changes: Iterable[Change]) -> IndexComparison:
    old, new = before.indices[name], after.indices[name]
    below = _below(before, old) | _below(after, new)
    items = set(old.items) | set(new.items)
    feeding = items | _feeding(before, items) | _feeding(after, items)
    touching = [
        change
        for change in changes
        if (change.items & feeding if change.items else change.name in below)
        and not (change.kind in ("added", "removed") and change.name not in feeding | below)
    ]
    # the place of an index in the tree above it does not change its own value
    own = [change for change in touching if not (change.name == name and change.column in ("parent", "weight"))]
    breaks = tuple(change for change in own if change.kind in BREAKS)
    routers = (_routers(before, items) | _routers(after, items)) - feeding
    routed = [change for change in changes if change.kind in ROUTED and change.items & routers and change not in own]
    return IndexComparison(name, breaks, (*(change for change in own if change.kind not in BREAKS), *routed))


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
