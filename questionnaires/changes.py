"""What changed between two versions of an instrument, row by row and choice by choice."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from questionnaires.change import Change
from questionnaires.choices import Choice
from questionnaires.expressions import parse
from questionnaires.instrument import Instrument
from questionnaires.items import Item
from questionnaires.sheets import Row, Sheets
from questionnaires.xlsform import to_sheets

WORDING = ("label", "hint", "guidance_hint", "required_message", "constraint_message")
TITLES = ("sandu::title", "sandu::approval_number", "sandu::issuing_body", "sandu::purpose", "sandu::owner")
FORMULAS = ("relevant", "constraint", "calculation", "choice_filter", "sandu::score", "required")
KINDS: Mapping[str, str] = {
    **dict.fromkeys(WORDING, "wording"),
    **dict.fromkeys(("sandu::index", "sandu::weight", "sandu::score", "sandu::key", "sandu::dont_know"), "scoring"),
    **{"relevant": "relevance", "choice_filter": "offer", "constraint": "accepted"},
    **{"type": "type", "calculation": "calculation"},
}
INDEX_KINDS: Mapping[str, str] = {
    "label": "wording",
    **dict.fromkeys(("parent", "weight", "min_weight", "min_answered"), "scoring"),
}
MOST_TOLD = 8  # names, or texts of one list, that are told one by one


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of two versions: what column endings are each one's default, and which are in one version only."""

    plain: tuple[str, str]
    lone: frozenset[str]  # endings and codes of languages that one version alone has
    changes: tuple[Change, ...]

    def cells(self, row: Row, place: int) -> dict[str, str]:
        """The cells of a row; the default language's texts under the bare column where a version has no other."""
        found: dict[str, str] = {}
        for column, text in row.cells.items():
            base, _, ending = column.rpartition("::")
            if base not in (*WORDING, *TITLES):
                found[column] = text
            elif ending not in self.lone:
                found[base if ending == self.plain[place] else column] = text
        return found

    def labels(self, choice: Choice) -> dict[str, str]:
        """The texts of a choice; one alone stands under "" where a version has a single unnamed language."""
        if any(self.plain):
            return {"": next(iter(choice.labels.values()), "")}
        return {code: text for code, text in choice.labels.items() if code not in self.lone}


def collect(before: Instrument, after: Instrument) -> list[Change]:
    """Every change from `before` to `after`, in the order of the sheets."""
    old, new = to_sheets(before), to_sheets(after)
    languages = _languages(before, after, old, new)
    same_number = before.version == after.version and before.content_hash != after.content_hash
    within = {**_within(before), **_within(after)}
    return [
        *([Change("version", "", before=before.version)] if same_number else []),
        *languages.changes,
        *_settings(languages.cells(old["settings"][0], 0), languages.cells(new["settings"][0], 1)),
        *_rows(_named(old["survey"]), _named(new["survey"]), languages, within=within),
        *_survey_order(old["survey"], new["survey"], within),
        *_groups(before, after),
        *_choices(before, after, languages),
        *_rows(_named(old.get("indices", [])), _named(new.get("indices", [])), languages, within=None),
    ]


def _languages(before: Instrument, after: Instrument, old: Sheets, new: Sheets) -> Languages:
    unnamed = "default" in before.languages or "default" in after.languages
    own = {before.default_language, after.default_language} if unnamed else set()
    gone = [code for code in before.languages if code not in {*after.languages, *own}]
    come = [code for code in after.languages if code not in {*before.languages, *own}]
    lone = {*gone, *come}
    endings = {ending for sheets in (old, new) for ending in _endings(sheets) if _code(ending) in lone}
    plain = ("", "")
    if unnamed:
        plain = (_ending_of(before.default_language, old), _ending_of(after.default_language, new))
    everything = frozenset(before.items) | frozenset(after.items)
    changes = [Change("language removed", "", everything, before=code) for code in gone]
    changes += [Change("language added", "", everything, after=code) for code in come]
    return Languages(plain, frozenset(lone | endings), tuple(changes))


def _endings(sheets: Sheets) -> list[str]:
    columns = [column for row in sheets["survey"] for column in row.cells if column.startswith("label::")]
    return list(dict.fromkeys(column.partition("::")[2] for column in columns))


def _code(ending: str) -> str:
    return ending.rpartition("(")[2].rstrip(")").strip() if "(" in ending else ending


def _ending_of(code: str, sheets: Sheets) -> str:
    return next((ending for ending in _endings(sheets) if _code(ending) == code), "")


def _named(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.cells["name"]: row for row in rows if "name" in row.cells}


def _settings(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for column in dict.fromkeys([*old, *new]):
        before, after = old.get(column, ""), new.get(column, "")
        if before != after:
            yield Change("rule", "", column=column, before=before, after=after)


def _within(instrument: Instrument) -> dict[str, frozenset[str]]:
    """Item or group -> the items that a change of its row touches."""
    found: dict[str, set[str]] = {}
    for name in instrument.items:
        for place in (name, *groups_of(instrument, name)):
            found.setdefault(place, set()).add(name)
    return {name: frozenset(items) for name, items in found.items()}


def groups_of(instrument: Instrument, name: str) -> tuple[str, ...]:
    """The groups around an item, the innermost first."""
    above = {step.name: step.group for step in instrument.program.steps}
    found: list[str] = []
    place = above[name]
    while place is not None:
        found.append(place)
        place = above[place]
    return tuple(found)


def _rows(
    old: Mapping[str, Row], new: Mapping[str, Row], languages: Languages, *, within: Mapping[str, frozenset[str]] | None
) -> Iterator[Change]:
    """Changes of rows by name; `within`: the items each row of the survey touches, None for the indices."""
    for name in dict.fromkeys([*old, *new]):
        touched = within.get(name, frozenset({name})) if within is not None else frozenset[str]()
        if name not in old or name not in new:
            yield Change("added" if name in new else "removed", name, touched)
            continue
        cells = languages.cells(old[name], 0), languages.cells(new[name], 1)
        for column in dict.fromkeys([*cells[0], *cells[1]]):
            before, after = cells[0].get(column, ""), cells[1].get(column, "")
            if column == "type":
                before, after = _type(before), _type(after)
            if before != after:
                kind = _kind(column, before, after, new[name] if within is not None else None)
                yield Change(kind, name, touched, column, before, after)


def _type(text: str) -> str:
    """The type without the name of a list, whose choices are compared as such; the name of a file stays."""
    return text if text.startswith("select_one_from_file") else text.split(maxsplit=1)[0]


def _kind(column: str, before: str, after: str, row: Row | None) -> str:
    base = column if column.startswith("sandu::") else column.partition("::")[0]
    if row is None:
        return INDEX_KINDS.get(base, "rule")
    if base in FORMULAS and before and after and _same(before, after):
        return "rewritten"
    kind = row.cells.get("type", "").split()[0]
    if base == "parameters" and kind in ("range", "select_one_from_file"):
        return "offer"  # of other types they shuffle
    if base == "type" and before.split(maxsplit=1)[0] == after.split(maxsplit=1)[0]:
        return "offer"  # another file of choices
    if base == "default" and kind == "hidden":
        return "calculation"  # its default is its answer
    return KINDS.get(base, "rule")


def _same(before: str, after: str) -> bool:
    """Whether two expressions mean the same whatever the answers: blanks and quotation marks apart."""
    plain = {"yes", "no", "true", "false"}  # of column required, no expressions
    return not {before.lower(), after.lower()} & plain and parse(before).root == parse(after).root


def _survey_order(old: list[Row], new: list[Row], within: Mapping[str, frozenset[str]]) -> Iterator[Change]:
    both = _named(old).keys() & _named(new).keys()
    before, after = [name for name in _named(old) if name in both], [name for name in _named(new) if name in both]
    for change in _order(before, after):
        moved = [one for one, other in zip(before, after, strict=True) if one != other]
        items = frozenset[str]().union(*(within.get(name, frozenset()) for name in moved))
        yield Change("order", "", items, before=change.before, after=change.after)


def _order(old: list[str], new: list[str]) -> Iterator[Change]:
    """The stretch in which two orders of the same names differ."""
    places = [place for place, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if places:
        stretch = slice(places[0], places[-1] + 1)
        yield Change("order", "", before=_short(old[stretch], ""), after=_short(new[stretch], ""))


def _groups(before: Instrument, after: Instrument) -> Iterator[Change]:
    for name in after.items:
        if name in before.items:
            old, new = groups_of(before, name), groups_of(after, name)
            if old != new:
                yield Change("group", name, frozenset({name}), before=" < ".join(old), after=" < ".join(new))


def _choices(before: Instrument, after: Instrument, languages: Languages) -> Iterator[Change]:
    """Changes of what items offer. Items that share a list share the change; a file's thousands count as one."""
    found: dict[tuple[Change, ...], list[str]] = {}
    for name, item in after.items.items():
        if name in before.items and not _filtered_anew(before.items[name], item):
            old = {choice.name: choice for choice in before.items[name].choices}
            new = {choice.name: choice for choice in item.choices}
            found.setdefault(tuple(_offered(old, new, languages)), []).append(name)
    for changes, names in found.items():
        for change in changes:
            label = f"{', '.join(names)} {change.name}".strip()
            yield Change(change.kind, label, frozenset(names), change.column, change.before, change.after)


def _filtered_anew(old: Item, new: Item) -> bool:
    """Whether an item with a file has another choice_filter: the change of the filter says what it offers."""
    filters = [item.offer.filter.expression.root if item.offer and item.offer.filter else None for item in (old, new)]
    return new.type == "select_one_from_file" and filters[0] != filters[1]


def _offered(old: Mapping[str, Choice], new: Mapping[str, Choice], languages: Languages) -> Iterator[Change]:
    if old.keys() != new.keys():
        gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
        yield Change("choices", "", before=_short(gone, "-"), after=_short(come, "+"))
    both = [name for name in old if name in new]
    yield from _order(both, [name for name in new if name in old])
    worded = [change for name in both for change in _worded(old[name], new[name], languages)]
    if len(worded) > MOST_TOLD:
        yield Change("labels", "", column=str(len(worded)), before=worded[0].before, after=worded[0].after)
    else:
        yield from worded
    for one, other in ((old[name], new[name]) for name in both):
        if one.score != other.score:
            yield Change("scoring", one.name, column="score", before=_number(one.score), after=_number(other.score))
        if one.missing != other.missing:
            yield Change("scoring", one.name, column="missing", before=one.missing or "", after=other.missing or "")


def _worded(one: Choice, other: Choice, languages: Languages) -> Iterator[Change]:
    before, after = languages.labels(one), languages.labels(other)
    for language in dict.fromkeys([*before, *after]):
        texts = before.get(language, ""), after.get(language, "")
        if texts[0] != texts[1]:
            column = f"label {language}".strip()
            yield Change("wording", one.name, column=column, before=texts[0], after=texts[1])


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:g}"


def _short(names: list[str], sign: str) -> str:
    listed = " ".join(f"{sign}{name}" for name in names[:MOST_TOLD])
    return f"{listed} ... ({len(names)})" if len(names) > MOST_TOLD else listed
