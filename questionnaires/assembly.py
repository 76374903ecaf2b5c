"""From pyxform's tree to items and pages: steps first, then the program, then what holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from questionnaires.checks import FORMULAS, Survey, formula
from questionnaires.choices import Choice, Filter, Offer, make_offer, read_choice_file, take_apart
from questionnaires.columns import is_matrix_head, is_read_only, texts_that_tell
from questionnaires.errors import InstrumentError
from questionnaires.functions import nearest
from questionnaires.instrument import Page
from questionnaires.items import SELECTS, SHOWN, Item
from questionnaires.program import Program, Step, make_program
from questionnaires.ranges import read_range
from questionnaires.scorable import check_scoring
from questionnaires.sheets import Row

ORDER = "sandu::order"


@dataclass(frozen=True, slots=True)
class Parts:
    """What an instrument is made of."""

    items: Mapping[str, Item]
    pages: tuple[Page, ...]
    program: Program


@dataclass(slots=True)
class _Sketch:
    """An item or group on its way: pyxform's node, its row, the groups around it, its filter."""

    node: Mapping[str, Any]
    row: Row
    type: str
    group: str | None
    page_group: str | None
    filter: Filter | None = None


@dataclass(slots=True)
class _Assembler:
    survey: Survey
    lists: Mapping[str, list[Mapping[str, Any]]]
    languages: Mapping[str, str]
    folder: Path
    sketches: dict[str, _Sketch] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    files: dict[tuple[str, str, str], tuple[Choice, ...]] = field(default_factory=dict)

    def collect(self, nodes: list[Mapping[str, Any]], group: str | None, page_group: str | None) -> None:
        """Walk the tree in the order of the form."""
        for node in nodes:
            name = node["name"]
            row = self.survey.rows.get(name)
            if row is None:  # pyxform's own group "meta"
                continue
            kind = "group" if node["type"] == "group" else self.survey.kinds[name]
            if kind == "note" and not node.get("label") and is_matrix_head(row):
                continue
            sketch = self.sketches[name] = _Sketch(node, row, kind, group, page_group)
            if kind == "group":
                is_page = "field-list" in node.get("control", {}).get("appearance", "").split()
                if ORDER in row.cells and (is_page or page_group):
                    raise row.error("sandu::order shuffles pages, and this group is on one page; remove one of the two")
                self.collect(node.get("children", []), name, page_group or (name if is_page else None))
                continue
            expression = formula(row, "choice_filter")
            sketch.filter = take_apart(expression) if expression else None

    def steps(self) -> list[Step]:
        return [self._step(name, sketch) for name, sketch in self.sketches.items()]

    def _step(self, name: str, sketch: _Sketch) -> Step:
        # what is shown before it is sent is no answer: only what nobody can change has its default as answer
        fixed = sketch.type == "hidden" or is_read_only(sketch.row)
        return Step(
            name,
            sketch.type,
            sketch.group,
            formula(sketch.row, "relevant"),
            formula(sketch.row, "calculation"),
            default=sketch.row.cells.get("default") if fixed else None,
            read_only=is_read_only(sketch.row),
        )

    def offer(self, name: str) -> Offer | None:
        """The choices of an item; those of the items above it first."""
        if name in self.offers:
            return self.offers[name]
        sketch = self.sketches[name]
        if sketch.type not in SELECTS:
            return None
        choices = self._from_file(sketch) if sketch.type == "select_one_from_file" else self._from_list(sketch)
        self._check_filter(sketch, choices)
        parents = {item: self.offer(item) for _, item in sketch.filter.links} if sketch.filter else {}
        above = {item: offer for item, offer in parents.items() if offer is not None}
        self.offers[name] = make_offer(choices, sketch.filter, above)
        return self.offers[name]

    def _from_list(self, sketch: _Sketch) -> tuple[Choice, ...]:
        ours, listed = {"name", "label", "score", "missing"}, self.survey.lists[sketch.node["name"]]
        return tuple(
            Choice(
                name=choice["name"],
                labels=self.survey.choices[listed][choice["name"]].texts("label", self.languages),
                score=float(choice["score"]) if "score" in choice else None,
                missing=choice.get("missing"),
                attributes=MappingProxyType(
                    {k: v for k, v in choice.items() if k not in ours} | {"name": choice["name"]}
                ),
            )
            for choice in self.lists[listed]
        )

    def _from_file(self, sketch: _Sketch) -> tuple[Choice, ...]:
        parameters = sketch.node.get("parameters", {})
        name = self.survey.lists[sketch.node["name"]]
        value, label = parameters.get("value", "name"), parameters.get("label", "label")
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()) or path.suffix != ".csv":
            raise sketch.row.error(f"choice file {name!r} must be a .csv inside the data folder")
        if (name, value, label) not in self.files:
            try:
                languages = list(self.languages.values())
                self.files[name, value, label] = read_choice_file(path, value=value, label=label, languages=languages)
            except InstrumentError as error:
                raise sketch.row.error(str(error)) from None
        return self.files[name, value, label]

    def _check_filter(self, sketch: _Sketch, choices: tuple[Choice, ...]) -> None:
        columns = {column for choice in choices for column in choice.attributes}
        used = sketch.filter.expression.columns if sketch.filter else frozenset[str]()
        for column in sorted(used - columns):
            raise sketch.row.error(
                f"choice_filter names column {column!r}, which {self.survey.lists[sketch.row.cells['name']]} lacks"
                f"{nearest(column, columns)}"
            )

    def page_of(self, program: Program) -> dict[str, str]:
        """Item -> page. A field-list group is a page; an item that hangs on its page, or tells it, starts a new one.

        A choice_filter starts none: a list that another item of the page narrows is offered when the page comes again.
        """
        found: dict[str, str] = {}
        current: dict[str, str] = {}
        for name, sketch in self.sketches.items():
            if sketch.type not in SHOWN:
                continue
            group = sketch.page_group
            if group is None:
                found[name] = name
                continue
            page = current.setdefault(group, group)
            if any(found.get(other) == page for other in program.deciders[name] | self.told(name, program)):
                page = current[group] = name
            found[name] = page
        return found

    def told(self, name: str, program: Program) -> frozenset[str]:
        """The asked items that the texts of a row hang on."""
        names = frozenset(item for told in texts_that_tell(self.sketches[name].row).values() for item in told)
        return names.union(*(program.deciders[item] for item in names))

    def shuffled(self, name: str, program: Program) -> tuple[tuple[str, str], ...]:
        """The randomised groups around an item, each with its part that the item is in; parts hang on no other part."""
        chain = [name]
        while (above := self.sketches[chain[0]].group) is not None:
            chain.insert(0, above)
        found = tuple((group, part) for group, part in pairwise(chain) if self.sketches[group].row.cells.get(ORDER))
        for group, part in found:
            self._check_part(group, part, name, program)
        return found

    def _check_part(self, group: str, part: str, name: str, program: Program) -> None:
        row = self.sketches[name].row
        named = frozenset[str]().union(*(e.references for e in (formula(row, c) for c in (*FORMULAS, "required")) if e))
        needed = named | program.deciders[name] | self.told(name, program)
        for other in sorted(needed.union(*(program.deciders[item] for item in needed))):
            below, above = other, self.sketches[other].group
            while above is not None and above != group:
                below, above = above, self.sketches[above].group
            if above == group and below != part:
                raise row.error(f"item {name!r} hangs on {other!r}, and group {group!r} puts both in random order")

    def item(self, name: str, page: str | None, program: Program, items: Mapping[str, Item]) -> Item:
        sketch, row = self.sketches[name], self.sketches[name].row
        node, cells = sketch.node, sketch.row.cells
        # texts come from the row as written: pyxform turns Chinese quotation marks into straight ones
        item = Item(
            name=name,
            type=sketch.type,
            page=page,
            labels=row.texts("label", self.languages),
            hints=row.texts("hint", self.languages),
            program=program,
            offer=self.offer(name),
            items=items,
            guidance_hints=row.texts("guidance_hint", self.languages),
            default=cells.get("default"),
            read_only=is_read_only(row) and sketch.type == "text",
            range=read_range(node.get("parameters", {})) if sketch.type == "range" else None,
            required=cells.get("required", "").lower() in ("yes", "true", "true()"),
            required_when=formula(row, "required"),
            required_messages=row.texts("required_message", self.languages),
            relevance=formula(row, "relevant"),
            constraint=formula(row, "constraint"),
            constraint_messages=row.texts("constraint_message", self.languages),
            calculation=formula(row, "calculation"),
            appearance=node.get("control", {}).get("appearance", ""),
            parameters=MappingProxyType(dict(node.get("parameters", {}))),
            role=cells.get("sandu::role"),
            sensitive=cells.get("sandu::sensitive") == "yes",
            index=cells.get("sandu::index"),
            item_weight=row.number_in("sandu::weight"),
            score=formula(row, "sandu::score"),
            key=cells.get("sandu::key"),
            reverse=cells.get("sandu::reverse"),
            dont_know=cells.get("sandu::dont_know"),
            row=row.number,
        )
        check_scoring(item, row)
        return item


def assemble(tree: Mapping[str, Any], survey: Survey, *, languages: Mapping[str, str], folder: Path) -> Parts:
    """Items, pages and program of a checked form; InstrumentError names cycles, missing files, unscorable items."""
    assembler = _Assembler(survey, tree.get("choices", {}), languages, folder)
    assembler.collect(tree["children"], None, None)
    filters = {n: s.filter.expression.references for n, s in assembler.sketches.items() if s.filter}
    try:
        program = make_program(assembler.steps(), filters, MappingProxyType(assembler.offers))
    except CycleError as error:
        circle = error.args[1][:0:-1]  # each depends on the next
        first = min(range(len(circle)), key=lambda place: assembler.sketches[circle[place]].row.number)
        turned = [*circle[first:], *circle[:first], circle[first]]
        raise assembler.sketches[turned[0]].row.error(
            f"{' -> '.join(turned)} is a cycle of relevance, calculation or choice_filter; break it"
        ) from None
    page_of = assembler.page_of(program)
    items: dict[str, Item] = {}
    frozen = MappingProxyType(items)
    for name, sketch in assembler.sketches.items():
        if sketch.type != "group":
            items[name] = assembler.item(name, page_of.get(name), program, frozen)
    pages: dict[str, list[Item]] = {}
    for item in items.values():
        if item.page is not None:
            pages.setdefault(item.page, []).append(item)
    made = tuple(_page(name, page_items, assembler, program) for name, page_items in pages.items())
    return Parts(frozen, made, program)


def _page(name: str, items: list[Item], assembler: _Assembler, program: Program) -> Page:
    # a page that was split off keeps the heading of the group it came from
    group = assembler.sketches[items[0].name].page_group
    heading = assembler.sketches[group].row.texts("label", assembler.languages) if group else MappingProxyType({})
    orders = [assembler.shuffled(item.name, program) for item in items]
    # a page group stands inside the part of a randomised group, so its items agree
    return Page(name, heading, tuple(items), program, orders[0])
