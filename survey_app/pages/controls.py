"""Which control an item gets, whatever draws it: HTML without JavaScript or Streamlit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal, cast

from questionnaires.casting import cast as cast_answer
from questionnaires.choices import Choice
from questionnaires.instrument import Page
from questionnaires.items import Item
from questionnaires.ranges import as_text
from survey_app.pages import lists
from survey_app.pages.lists import Lookup

Kind = Literal[
    "note", "told", "choices", "scale", "many", "menu", "search", "rank", "number", "date", "time", "dateTime",
    "acknowledge", "text", "long_text",
]  # fmt: skip

# Not after a full stop inside quotation marks: there the quotation belongs to what is asked.
_LAST_QUESTION = re.compile(r"(?<=[\u3002\uff01.!])\s*(?![\s\"\u201d\u300d])[^\u3002\uff01.!]+[?\uff1f]\s*$")

LONG_LABEL = 90
"""Characters above which a label is set as a letter."""

LONG_LIST = 12
"""From this many choices on, a list is a menu rather than a column of buttons."""

MOST_CELLS = 11
"""Up to this many numbers, a range is a row of numbers to tap; a longer one is a field. Never a slider."""

MATRIX = "list-nolabel"


@dataclass(frozen=True)
class Matrix:
    """Items with the same choices that stand as the rows of a table, the choices as its columns."""

    rows: tuple["Control", ...]
    kind: str = "matrix"

    @property
    def name(self) -> str:
        """The first item's name."""
        return self.rows[0].name

    @property
    def columns(self) -> tuple[Choice, ...]:
        """The choices that every row offers."""
        return self.rows[0].choices


@dataclass(frozen=True)
class Control:
    """One item as it stands on a page.

    `value` is the raw answer ("" or () when there is none); `scale` are the choices of a numbered scale, drawn in a
    row; `choices` those drawn below one another; `problem` the sentence shown beside the item, or None; `lookup` what
    is shown of a list that is too long to send.
    """

    item: Item
    kind: Kind
    label: str
    hint: str
    value: str | tuple[str, ...]
    scale: tuple[Choice, ...] = ()
    choices: tuple[Choice, ...] = ()
    problem: str | None = None
    guidance: str = ""
    lookup: Lookup | None = None

    @property
    def name(self) -> str:
        """The item's name, which is also the field's name."""
        return self.item.name

    @property
    def letter(self) -> str:
        """What stands before the question where the label is a letter to be read (a consent text); "" otherwise."""
        return self.label[: -len(self.question)].strip()

    @property
    def question(self) -> str:
        """What is asked: the label, or the last sentence of a letter."""
        if len(self.label) <= LONG_LABEL:
            return self.label
        last = _LAST_QUESTION.search(self.label)
        return last.group().strip() if last else self.label

    @property
    def limits(self) -> tuple[str, str] | None:
        """The least and the greatest number of a range that is drawn as a field."""
        limits = self.item.range
        return (as_text(limits.start), as_text(limits.end)) if limits and self.kind == "number" else None

    @property
    def inputmode(self) -> str:
        """The keyboard that a telephone shows: numeric, decimal, or "" for letters."""
        if self.kind == "number":
            whole = self.item.type == "integer" or (self.item.range is not None and self.item.range.whole)
            return "numeric" if whole else "decimal"
        return "numeric" if "numbers" in self.item.appearances else ""

    @property
    def layout(self) -> str:
        """How the choices stand on a wide screen: "" one below the other, "likert", or "c2" to "c5" for columns."""
        words = self.item.appearances
        if "likert" in words:
            return "likert"
        counted = next((word for word in words if word.startswith("columns-")), "columns-3")
        return f"c{min(max(int(counted[8:]), 2), 5)}" if words & {"horizontal", "columns", counted} else ""

    @property
    def places(self) -> Mapping[str, str]:
        """What each choice of a ranking has been given, as its field sends it: choice name -> "place:choice"."""
        given = [part for part in self.value if part]
        if any(not part.partition(":")[0].isdecimal() for part in given):
            given = [f"{place}:{name}" for place, name in enumerate(given, start=1)]
        return {part.partition(":")[2]: part for part in given}

    @property
    def described(self) -> str:
        """The ids of what describes the control on an HTML page: its problem, its hint, its letter."""
        parts = {"problem": self.problem, "hint": self.hint, "letter": self.letter}
        return " ".join(f"{self.name}-{part}" for part, text in parts.items() if text)

    @property
    def substantive(self) -> tuple[Choice, ...]:
        """The choices that are answers."""
        return tuple(choice for choice in self.choices if choice.missing is None)

    @property
    def set_apart(self) -> tuple[Choice, ...]:
        """The choices that are none: don't know, rather not say."""
        return tuple(choice for choice in self.choices if choice.missing is not None)


def asked(page: Page, answers: Mapping[str, Any], submission_id: str = "") -> tuple[Item, ...]:
    """The items of a page that a person sees, given the answers so far."""
    return tuple(item for item in page.visible(answers, submission_id=submission_id) if item.shown)


def controls(
    items: Sequence[Item],
    answers: Mapping[str, Any],
    *,
    submission_id: str,
    language: str,
    problems: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> tuple[Control, ...]:
    """The controls of a page's items, in order; `problems` maps an item's name to its sentence.

    `typed` is what was written to find something in a long list, by item name.
    """
    problems, typed = problems or {}, typed or {}
    drawn = (
        _control(item, answers, submission_id=submission_id, language=language, problem=problems.get(item.name))
        for item in items
    )
    return tuple(_shortened(each, typed.get(each.name), answers, language) for each in drawn)


def _shortened(control: Control, text: str | None, answers: Mapping[str, Any], language: str) -> Control:
    """The same control; of a list that is searched only what is chosen, found, or no answer."""
    if control.kind != "search":
        return control
    chosen = [control.value] if isinstance(control.value, str) else control.value
    found = lists.look_up(control.item, control.choices, text, chosen=chosen, answers=answers, language=language)
    return replace(control, choices=control.set_apart, lookup=found)


def blocks(drawn: Sequence[Control]) -> tuple[Control | Matrix, ...]:
    """The controls as a page shows them: neighbours of appearance list-nolabel with the same choices as one table."""
    found: list[Control | Matrix] = []
    for key, run in groupby(drawn, key=_columns):
        rows = tuple(run)
        found += [Matrix(rows)] if key else rows
    return tuple(found)


def _columns(control: Control) -> tuple[str, ...]:
    if MATRIX not in control.item.appearances or control.item.offer is None:
        return ()
    return (control.kind, *(choice.name for choice in control.choices))


def raw_answers(items: Sequence[Item], posted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a form sent for these items: text or a list of texts by item name; nothing sent or only spaces = no key."""
    found: dict[str, Any] = {}
    for item in items:
        values = [value for value in posted.get(item.name, ()) if value.strip()]
        if not values or item.type == "note" or item.read_only:
            continue
        many = item.type in ("select_multiple", "rank")
        found[item.name] = values if many else _canonical(item, values[-1].replace("\r\n", "\n").strip())
    return found


def _canonical(item: Item, text: str) -> str:
    """A day or a time as each door can show it again, however it was written; what cannot be read stays as it is."""
    read = cast_answer(item.type, text) if item.type in ("date", "time", "dateTime") else text
    return read if isinstance(read, str) else text


def _control(
    item: Item, answers: Mapping[str, Any], *, submission_id: str, language: str, problem: str | None
) -> Control:
    offered = item.offered(answers, submission_id, language)
    if item.range is not None and item.range.size <= MOST_CELLS:
        offered = tuple(Choice(number, {"": number}) for number in item.range.values)
    kind = _kind(item, offered)
    numbered = item.range is not None
    scale = tuple(c for c in offered if numbered or _is_number(c)) if kind == "scale" else ()
    answer = answers.get(item.name, item.default)
    if item.read_only:
        answer = item.program.run(answers, submission_id=submission_id).answers.get(item.name)
    return Control(
        item=item,
        kind=kind,
        label=item.label(language, answers, submission_id),
        hint=item.hint(language, answers, submission_id),
        value=_value(answer, many=item.type in ("select_multiple", "rank")),
        scale=scale,
        choices=tuple(choice for choice in offered if choice not in scale),
        problem=problem,
        guidance=item.guidance(language, answers, submission_id),
    )


def _kind(item: Item, offered: Sequence[Choice]) -> Kind:
    if lists.is_long(item, offered):
        return "search"
    if item.type == "select_multiple":
        return "many"
    if item.type == "range":
        return "scale" if offered else "number"
    if item.type.startswith("select_"):
        return _select_kind(item, offered)
    if item.type == "text":
        return "told" if item.read_only else "long_text" if "multiline" in item.appearances else "text"
    return "number" if item.type in ("integer", "decimal") else cast(Kind, item.type)


def _select_kind(item: Item, offered: Sequence[Choice]) -> Kind:
    if MATRIX in item.appearances:
        return "choices"
    if item.appearances & {"minimal", "autocomplete"} or item.type == "select_one_from_file":
        return "menu"
    if sum(map(_is_number, offered)) >= 5:
        return "scale"
    return "menu" if len(offered) >= LONG_LIST else "choices"


@lru_cache(maxsize=4_096)
def _is_number(choice: Choice) -> bool:
    """Whether a choice says its number and no more ("3", "3\u5206"), so that the number alone can stand for it."""
    own = [label.strip() for label in choice.labels.values()]
    return choice.name.isdecimal() and all(len(text.removeprefix(choice.name)) <= 1 for text in own)


def _value(answer: Any, *, many: bool) -> str | tuple[str, ...]:
    if answer is None:
        return () if many else ""
    if many:
        return tuple(answer.split() if isinstance(answer, str) else map(str, answer))
    return answer if isinstance(answer, str) else str(answer)
