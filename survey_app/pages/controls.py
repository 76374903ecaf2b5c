"""Which control an item gets, whatever draws it: HTML without JavaScript or Streamlit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from questionnaires.choices import Choice
from questionnaires.instrument import Page
from questionnaires.items import Item

Kind = Literal["note", "choices", "scale", "many", "menu", "number", "date", "text", "long_text"]

# Not after a full stop inside quotation marks: there the quotation belongs to what is asked.
_LAST_QUESTION = re.compile(r"(?<=[\u3002\uff01.!])\s*(?![\s\"\u201d\u300d])[^\u3002\uff01.!]+[?\uff1f]\s*$")

LONG_LABEL = 90
"""Characters above which a label is set as a letter."""

LONG_LIST = 12
"""From this many choices on, a list is a menu rather than a column of buttons."""


@dataclass(frozen=True)
class Control:
    """One item as it stands on a page.

    `value` is the raw answer ("" or () when there is none); `scale` are the choices of a numbered scale, drawn in a
    row; `choices` those drawn below one another; `problem` the sentence shown beside the item, or None.
    """

    item: Item
    kind: Kind
    label: str
    hint: str
    value: str | tuple[str, ...]
    scale: tuple[Choice, ...] = ()
    choices: tuple[Choice, ...] = ()
    problem: str | None = None

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


def asked(page: Page, answers: Mapping[str, Any]) -> tuple[Item, ...]:
    """The items of a page that a person sees, given the answers so far."""
    return tuple(item for item in page.visible(answers) if item.shown)


def controls(
    items: Sequence[Item],
    answers: Mapping[str, Any],
    *,
    submission_id: str,
    language: str,
    problems: Mapping[str, str] | None = None,
) -> tuple[Control, ...]:
    """The controls of a page's items, in order; `problems` maps an item's name to its sentence."""
    problems = problems or {}
    return tuple(
        _control(item, answers, submission_id=submission_id, language=language, problem=problems.get(item.name))
        for item in items
    )


def raw_answers(items: Sequence[Item], posted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a form sent for these items: text or a list of texts by item name; nothing sent or only spaces = no key."""
    found: dict[str, Any] = {}
    for item in items:
        values = [value for value in posted.get(item.name, ()) if value.strip()]
        if not values or item.type == "note":
            continue
        found[item.name] = values if item.type == "select_multiple" else values[-1].replace("\r\n", "\n").strip()
    return found


def _control(
    item: Item, answers: Mapping[str, Any], *, submission_id: str, language: str, problem: str | None
) -> Control:
    offered = item.offered(answers, submission_id, language) if item.type.startswith("select_") else ()
    kind = _kind(item, offered)
    scale = tuple(choice for choice in offered if choice.name.isdecimal()) if kind == "scale" else ()
    return Control(
        item=item,
        kind=kind,
        label=item.label(language),
        hint=item.hint(language),
        value=_value(answers.get(item.name), many=kind == "many"),
        scale=scale,
        choices=tuple(choice for choice in offered if choice not in scale),
        problem=problem,
    )


def _kind(item: Item, offered: Sequence[Choice]) -> Kind:
    if item.type == "select_multiple":
        return "many"
    if item.type.startswith("select_"):
        numbered = sum(choice.name.isdecimal() for choice in offered)
        if numbered >= 5 and item.type == "select_one":
            return "scale"
        return "menu" if item.type == "select_one_from_file" or len(offered) >= LONG_LIST else "choices"
    if item.type == "text":
        return "long_text" if "multiline" in (item.appearance or "") else "text"
    kinds: dict[str, Kind] = {"note": "note", "integer": "number", "decimal": "number", "date": "date"}
    return kinds[item.type]


def _value(answer: Any, *, many: bool) -> str | tuple[str, ...]:
    if answer is None:
        return () if many else ""
    if many:
        return tuple(answer.split() if isinstance(answer, str) else map(str, answer))
    return answer if isinstance(answer, str) else str(answer)
