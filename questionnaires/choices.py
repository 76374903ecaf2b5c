"""Choices: a list in the sheet, or thousands of rows in a file, filtered through an index and searched by name."""

import csv
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from questionnaires.errors import InstrumentError
from questionnaires.expressions import Call, Column, Context, Expression, Literal, Node, Reference
from questionnaires.functions import Value, nearest, string

MISSING_KINDS = ("dont_know", "refused", "not_applicable")
NOTHING: Mapping[str, str] = MappingProxyType({})


def text_in(texts: Mapping[str, str], language: str) -> str:
    """The text in one language, else in the first (the default) one; "" when there is none."""
    found = texts.get(language)
    return found if found is not None else next(iter(texts.values()), "")


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer an item offers: `score` 0-100 or None (not scored), `missing` the kind of non-answer it is."""

    name: str
    labels: Mapping[str, str] = field(hash=False)
    score: float | None = None
    missing: str | None = None
    # what a choice_filter sees of this choice: the other columns of its row
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)

    def label(self, language: str) -> str:
        """The choice as shown, in `language` or else in the default language."""
        return text_in(self.labels, language)


def read_choice_file(path: Path, *, value: str, label: str, languages: Sequence[str]) -> tuple[Choice, ...]:
    """The rows of a select_one_from_file file as choices; every column is an attribute.

    Column `label` is in the first of `languages`; a column such as name_en, where there is one, is its translation.
    InstrumentError: no such file, not UTF-8, a missing column, an empty or a repeated value.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except FileNotFoundError:
        raise InstrumentError(f"the choice file {path.name} is not in {path.parent}; put it there") from None
    except UnicodeDecodeError as error:
        raise InstrumentError(f"the choice file {path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    for column in (value, label):
        if rows and column not in rows[0]:
            hint = nearest(column, [name for name in rows[0] if name])
            raise InstrumentError(f"the choice file {path} has no column {column!r}{hint}")
    columns = {languages[0]: label, **{language: f"{label}_{language}" for language in languages[1:]}}
    return tuple(_file_choices(path, rows, value, columns))


def _file_choices(path: Path, rows: list[dict[str, str]], value: str, columns: Mapping[str, str]) -> Iterable[Choice]:
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        name = (row[value] or "").strip()
        if not name or name in seen:
            what = f"repeats {value} {name!r}" if name else f"has no {value}"
            raise InstrumentError(f"row {number} of the choice file {path} {what}; each row needs its own")
        seen.add(name)
        labels = {language: row[column] for language, column in columns.items() if row.get(column)}
        yield Choice(name, MappingProxyType(labels or {"": name}), attributes=MappingProxyType(dict(row)))


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice_filter taken apart: `column = 'text'` parts, `column = ${item}` parts, or neither (`whole`)."""

    expression: Expression
    fixed: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    whole: bool = True


def take_apart(expression: Expression) -> Filter:
    """Find the equalities of a conjunction, for an index to answer; any other filter is evaluated row by row."""
    fixed: list[tuple[str, str]] = []
    links: list[tuple[str, str]] = []
    waiting: list[Node] = [expression.root]
    while waiting:
        node = waiting.pop()
        match node:
            case Call("and", (left, right)):
                waiting += [right, left]
            case Call("=", (Column(column), Literal(str() as text))) | Call(
                "=", (Literal(str() as text), Column(column))
            ):
                fixed.append((column, text))
            case Call("=", (Column(column), Reference(item))) | Call("=", (Reference(item), Column(column))):
                links.append((column, item))
            case _:
                return Filter(expression)
    return Filter(expression, tuple(fixed), tuple(links), whole=False)


def plain(text: str) -> str:
    """A text as it is searched: width and case unified, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True, slots=True)
class Offer:
    """The choices of one item with its filter: which are offered, given the other answers."""

    choices: tuple[Choice, ...]
    filter: Filter | None
    by_name: Mapping[str, Choice] = field(repr=False)
    index: Mapping[tuple[str, ...], tuple[Choice, ...]] = field(repr=False)
    parents: Mapping[str, "Offer"] = field(repr=False)
    searchable: tuple[tuple[str, str, Choice, Mapping[str, str]], ...] = field(repr=False)

    def given(self, values: Mapping[str, Value]) -> tuple[Choice, ...]:
        """The choices offered when the other answers are `values`."""
        if self.filter is None:
            return self.choices
        if self.filter.whole:
            context = Context(values)
            return tuple(choice for choice in self.choices if self._passes(choice, context))
        return self.index.get(tuple(string(values.get(item, "")) for _, item in self.filter.links), ())

    def accepts(self, name: str, values: Mapping[str, Value]) -> bool:
        """Whether `name` is among the choices offered, without listing them."""
        choice = self.by_name.get(name)
        if choice is None or self.filter is None:
            return choice is not None
        if self.filter.whole:
            return self._passes(choice, Context(values))
        row = choice.attributes
        return all(row.get(column, "") == string(values.get(item, "")) for column, item in self.filter.links)

    def _passes(self, choice: Choice, context: Context) -> bool:
        assert self.filter is not None
        context.row = choice.attributes
        return self.filter.expression.holds(context)

    @property
    def above(self) -> frozenset[str]:
        """The items that the filter names, and those that their own filters name: a street's district and city."""
        own = frozenset(item for _, item in self.filter.links) if self.filter else frozenset[str]()
        return own.union(*(parent.above for parent in self.parents.values()))

    def chain(self, name: str) -> dict[str, str]:
        """The answers above `name`, by item: the street, the district, the city of a community."""
        found: dict[str, str] = {}
        choice = self.by_name.get(name)
        if choice is None or self.filter is None:
            return found
        for column, item in self.filter.links:
            above = choice.attributes.get(column, "")
            if item in self.parents:
                found |= self.parents[item].chain(above)
            found[item] = above
        return found

    def search(self, text: str, *, limit: int, values: Mapping[str, Value]) -> tuple[Choice, ...]:
        """The choices whose own name, or the name of a place above them, holds every word of `text`.

        Best first: the name starts with the text, the name holds it, a place above holds it; then file order.
        """
        words = [plain(word) for word in text.split()]
        if not any(words):
            return ()
        whole, wanted = plain(text), {item: string(value) for item, value in values.items() if value != ""}
        ranked: tuple[list[Choice], ...] = ([], [], [])
        for own, path, choice, above in self.searchable:
            if not all(word in path for word in words):
                continue
            if any(wanted.get(item, value) != value for item, value in above.items()):
                continue
            ranked[0 if own.startswith(whole) else 1 if all(word in own for word in words) else 2].append(choice)
        return tuple((ranked[0] + ranked[1] + ranked[2])[:limit])


def make_offer(choices: tuple[Choice, ...], filter: Filter | None, parents: Mapping[str, Offer]) -> Offer:
    """Index the choices of one item; `parents` are the offers of the items that its filter names."""
    if filter is not None and not filter.whole:
        choices = tuple(
            c for c in choices if all(c.attributes.get(column, "") == text for column, text in filter.fixed)
        )
    by_name = MappingProxyType({choice.name: choice for choice in choices})
    index: dict[tuple[str, ...], list[Choice]] = {}
    if filter is not None and not filter.whole:
        for choice in choices:
            index.setdefault(tuple(choice.attributes.get(column, "") for column, _ in filter.links), []).append(choice)
    frozen = MappingProxyType({key: tuple(rows) for key, rows in index.items()})
    offer = Offer(choices, filter, by_name, frozen, MappingProxyType(dict(parents)), ())
    return Offer(choices, filter, by_name, frozen, offer.parents, tuple(_searchable(offer)))


def _searchable(offer: Offer) -> Iterable[tuple[str, str, Choice, Mapping[str, str]]]:
    for choice in offer.choices:
        above = offer.chain(choice.name)
        names = [
            offer_above.by_name[above[item]].labels
            for item, offer_above in _all_parents(offer).items()
            if above.get(item) in offer_above.by_name
        ]
        own = "\n".join(plain(label) for label in choice.labels.values())
        path = "\n".join([own, *(plain(label) for labels in names for label in labels.values())])
        yield own, path, choice, MappingProxyType(above)


def _all_parents(offer: Offer) -> dict[str, Offer]:
    found: dict[str, Offer] = {}
    for item, above in offer.parents.items():
        found |= _all_parents(above) | {item: above}
    return found
