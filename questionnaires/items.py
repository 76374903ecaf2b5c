"""One item of an instrument: what it asks, what it offers, how its answers score."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from questionnaires.casting import LONGEST_TEXT
from questionnaires.chance import seed_of
from questionnaires.choices import Choice, Offer, text_in
from questionnaires.errors import AnswerError
from questionnaires.expressions import Context, Expression
from questionnaires.functions import Value, nearest, number, string
from questionnaires.messages import sentence
from questionnaires.program import ASKED, Program, Scope
from questionnaires.ranges import Range
from questionnaires.scoring import NUMBERS, fault, fold, score_of
from questionnaires.wording import tell

T = TypeVar("T")
SELECTS = frozenset({"select_one", "select_one_from_file", "select_multiple", "rank"})
SHOWN = ASKED | {"note"}


@dataclass(frozen=True, eq=False)
class Item:
    """One row of the survey sheet that holds an answer, or a note that is only read.

    type: the word of the file: select_one, select_one_from_file, select_multiple, rank, integer, decimal, range, text,
    date, time, dateTime, acknowledge, note, calculate, hidden, start, end, today. role: preset, address, margin,
    probe...; index, item_weight: the score it belongs to and its weight there as declared. key: the ledger column that
    holds the right answer. dont_know: zero | exclude.
    """

    name: str
    type: str
    page: str | None
    labels: Mapping[str, str]
    hints: Mapping[str, str]
    program: Program = field(repr=False)
    offer: Offer | None = field(default=None, repr=False)
    # every item of the form, for texts that tell an answer
    items: Mapping[str, "Item"] = field(default_factory=dict, repr=False)
    guidance_hints: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    read_only: bool = False
    range: Range | None = None
    required: bool = False
    required_when: Expression | None = None
    required_messages: Mapping[str, str] = field(default_factory=dict)
    relevance: Expression | None = None
    constraint: Expression | None = None
    constraint_messages: Mapping[str, str] = field(default_factory=dict)
    calculation: Expression | None = None
    appearance: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    role: str | None = None
    sensitive: bool = False
    index: str | None = None
    item_weight: float | None = None
    score: Expression | None = None
    key: str | None = None
    reverse: str | None = None
    dont_know: str | None = None
    row: int = 0

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Every choice the item can ever offer, in the order of the file; () for other types."""
        return self.offer.choices if self.offer else ()

    @property
    def shown(self) -> bool:
        """Whether a resident ever sees it."""
        return self.type in SHOWN

    def label(self, language: str, answers: Mapping[str, Any] | None = None, submission_id: str = "") -> str:
        """The question as shown, in `language` or else in the default language.

        `answers` put in words the answers that it tells; without them `${item}` stays as written.
        """
        return self._told(text_in(self.labels, language), language, answers, submission_id)

    def hint(self, language: str, answers: Mapping[str, Any] | None = None, submission_id: str = "") -> str:
        """The help below the question, "" when there is none."""
        return self._told(text_in(self.hints, language), language, answers, submission_id)

    def guidance(self, language: str, answers: Mapping[str, Any] | None = None, submission_id: str = "") -> str:
        """The longer help that is shown on demand, "" when there is none."""
        return self._told(text_in(self.guidance_hints, language), language, answers, submission_id)

    def _told(self, text: str, language: str, answers: Mapping[str, Any] | None, submission_id: str) -> str:
        return tell_answers(text, self.items, self.program, language, answers, submission_id=submission_id)

    @property
    def appearances(self) -> frozenset[str]:
        """The words of column appearance."""
        return frozenset(self.appearance.split())

    def label_of(self, value: Any, language: str) -> str:
        """An answer in words: the choice's label, several joined by a comma, anything else as text."""
        if self.offer is None or value is None:
            return "" if value is None else str(value)
        names = value if isinstance(value, list | tuple) else str(value).split() if self._many else [str(value)]
        found = [self.offer.by_name[name].label(language) if name in self.offer.by_name else name for name in names]
        return ("、" if language == "zh" else ", ").join(found)

    @property
    def _many(self) -> bool:
        return self.type in ("select_multiple", "rank")

    def choice(self, name: str) -> Choice:
        """One choice by its name; AnswerError names the nearest when there is none."""
        if self.offer is None or name not in self.offer.by_name:
            raise AnswerError(
                f"item {self.name!r} has no choice {name!r}{nearest(name, [c.name for c in self.choices])}"
            )
        return self.offer.by_name[name]

    def offered(self, answers: Mapping[str, Any], submission_id: str = "", language: str = "zh") -> tuple[Choice, ...]:
        """The choices to show: choice_filter applied, order reversed or shuffled for this submission as declared.

        Choices that are no answer (don't know, refused) stay at the end. `language` is for lists sorted by label.
        """
        if self.offer is None:
            return ()
        found = self.offer.choices
        if self.offer.filter is not None:
            found = self.offer.given(self.program.run(answers, submission_id=submission_id).values)
        randomized = self.parameters.get("randomize") == "true"
        seed = self._order_seed(answers, submission_id) if randomized else submission_id
        if not seed or not (self.reverse or randomized):
            return found
        substantive = [choice for choice in found if choice.missing is None]
        rest = [choice for choice in found if choice.missing is not None]
        if self.reverse:
            # one coin per submission: the scales of one form all run the same way
            return (*(reversed(substantive) if seed_of(submission_id) % 2 else substantive), *rest)
        random.Random(seed_of(seed)).shuffle(substantive)  # noqa: S311  (an order, no secret)
        return (*substantive, *rest)

    def _order_seed(self, answers: Mapping[str, Any], submission_id: str) -> str:
        """What a shuffled order hangs on: the parameter seed, a number or an answer, else the submission; "" = none."""
        declared = self.parameters.get("seed")
        if declared is None:
            return submission_id and f"{submission_id} {self.name}"
        if not declared.startswith("${"):
            return declared
        value = self.program.run(answers, submission_id=submission_id).values.get(declared[2:-1].strip(), "")
        return string(value)

    def search(
        self, text: str, *, limit: int = 20, answers: Mapping[str, Any] = MappingProxyType({})
    ) -> tuple[Choice, ...]:
        """The choices whose name, or the name of a place above, holds `text` (several words: all of them), best first.

        Answers to the items above narrow the search; items above without an answer leave it wide.
        """
        if self.offer is None:
            return ()
        above = {item for item in self.offer.above if item in answers}
        values = {item: str(answers[item]) for item in above if answers[item] not in (None, "")}
        return self.offer.search(text, limit=limit, values=values)

    def chain(self, value: str) -> dict[str, str]:
        """`value` with the answers above it, by item: a community gives also its street, its district and its city."""
        self.choice(value)
        return {**(self.offer.chain(value) if self.offer else {}), self.name: value}

    def scores(self) -> dict[str, float | None]:
        """Choice name -> score 0-100, with this item's rule for don't-know applied; None = not scored."""
        return {choice.name: self._score(choice) for choice in self.choices}

    def scored_against(self, ledger_value: str | None) -> dict[str, float | None]:
        """The scores of a verifiable item where the ledger holds `ledger_value`: right 100, else 0.

        None (no ledger entry): nothing is scored. For an item without key this is scores().
        """
        if self.key is None:
            return {choice.name: self._score(choice) for choice in self.choices}
        if ledger_value is None:
            return dict.fromkeys((choice.name for choice in self.choices), None)
        self.choice(ledger_value)
        return {choice.name: self._verified(choice, ledger_value) for choice in self.choices}

    @property
    def scores_numbers(self) -> bool:
        """Whether its answers are numbers that sandu::score turns into 0-100."""
        return self.type in NUMBERS and self.index is not None and self.score is not None

    def scored(self, answer: Any, ledger_value: str | None = None) -> float | None:
        """The score 0-100 of one answer, a choice name or a number; None: no answer, or one that is not scored.

        ledger_value: the right answer to a verifiable item. AnswerError names the nearest choice for an unknown one.
        """
        if answer is None or answer == "":
            return None
        if self.scores_numbers:
            assert self.score is not None
            return score_of(self.score, answer)
        choice = self.choice(str(answer))
        return self._score(choice) if self.key is None else self.scored_against(ledger_value)[choice.name]

    def unscored(self, answer: Any) -> str | None:
        """Why a number has no score although the form does not say so, in a sentence; None where all is well."""
        if answer is None or answer == "" or not self.scores_numbers:
            return None
        assert self.score is not None
        found = fault(self.score, answer)
        return found and f"item {self.name!r}: {found}"

    def fold_score(
        self, *, own: Callable[[], T], literal: Callable[[Value], T], call: Callable[[str, Sequence[T]], T]
    ) -> T:
        """The score of a number as another engine's formula, made from its leaves up."""
        assert self.score is not None
        return fold(self.score.root, own=own, literal=literal, call=call)

    def _verified(self, choice: Choice, ledger_value: str) -> float | None:
        if choice.missing is not None:
            return self._missing_score(choice)
        return 100.0 if choice.name == ledger_value else 0.0

    def _score(self, choice: Choice) -> float | None:
        if self.index is None or self.key is not None:
            return None
        if choice.missing is not None:
            return self._missing_score(choice)
        if self.score is not None:
            return number(self.score.evaluate(Context({}, own=choice.name)))
        return choice.score

    def _missing_score(self, choice: Choice) -> float | None:
        return 0.0 if choice.missing == "dont_know" and self.dont_know == "zero" else None

    def problem(self, scope: Scope, language: str) -> str | None:
        """What is wrong with the answer to this relevant item, as a sentence to the resident; None when nothing is."""
        if self.name in scope.unclean:
            kind, detail = scope.unclean[self.name].problem, scope.unclean[self.name].detail
            # what the form itself says of a right answer helps more than "a whole number"
            own = text_in(self.constraint_messages, language) if kind in ("integer", "decimal", "date") else ""
            number, _, unit = detail.partition(" ")
            told = {"limit": LONGEST_TEXT, "place": detail, "number": number, "unit": unit}
            return self._filled(own, scope, language) or sentence(kind, language, **told)
        answer = scope.answers.get(self.name)
        if answer is None:
            return self._required_problem(scope, language)
        not_taken = self._not_taken(answer, scope, language)
        if not_taken or self.constraint is None or self.constraint.holds(scope.context(scope.values[self.name])):
            return not_taken
        own = self._filled(text_in(self.constraint_messages, language), scope, language)
        return own or sentence("constraint", language)

    def _not_taken(self, answer: Any, scope: Scope, language: str) -> str | None:
        """What is wrong with an answer that the list or the range of the item does not have."""
        if self.offer is not None:
            names = answer if isinstance(answer, list) else [answer]
            if not all(self.offer.accepts(name, scope.values) for name in names):
                return sentence("not offered", language)
            if self.type == "rank" and len(names) < len(self.offer.given(scope.values)):
                return sentence("rank incomplete", language)
        if self.range is not None and not self.range.accepts(answer):
            return self.range.problem(language)
        return None

    def _filled(self, text: str, scope: Scope, language: str) -> str:
        return tell(text, lambda name: self.items[name].label_of(scope.answers.get(name), language))

    def _required_problem(self, scope: Scope, language: str) -> str | None:
        wanted = self.required or (self.required_when is not None and self.required_when.holds(scope.context()))
        if not wanted or not self.shown or self.type == "note" or self.read_only:
            return None
        own = self._filled(text_in(self.required_messages, language), scope, language)
        return own or sentence("required", language)


def tell_answers(
    text: str,
    items: Mapping[str, Item],
    program: Program,
    language: str,
    answers: Mapping[str, Any] | None,
    *,
    submission_id: str,
) -> str:
    """A text with `${item}` in words, as far as there are clean answers; as written when `answers` is None."""
    if answers is None or "${" not in text:
        return text
    known = program.run(answers, submission_id=submission_id, language=language).answers
    return tell(text, lambda name: items[name].label_of(known.get(name), language))
