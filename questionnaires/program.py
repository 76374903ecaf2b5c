"""Which items apply, given the answers: every relevance and calculation of an instrument, run once in order.

A `Program` is made from the file before any item is, so that items and pages can hold it; it knows names only.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from graphlib import TopologicalSorter
from time import monotonic
from types import MappingProxyType
from typing import Any

from questionnaires.casting import Unclean, cast
from questionnaires.choices import Offer
from questionnaires.expressions import Context, Expression
from questionnaires.functions import DRAWS
from questionnaires.values import Value, string

ASKED = frozenset(
    {"select_one", "select_one_from_file", "select_multiple", "rank", "integer", "decimal", "range", "text", "date"}
    | {"time", "dateTime", "acknowledge"}
)
UNANSWERED = frozenset({"group", "note"})
# twenty calculations that each write the one before twice would make a million letters of one
LONGEST_CALCULATION = 32_767
METADATA = frozenset({"start", "end", "today"})
"""Filled here and not asked: the day, never the hour, for an hour would tell who answered when."""
_THREAD = threading.local()
"""The last runs of each thread: of one and the same answers a door asks what comes next, what shows, how far it is."""
KEPT_RUNS = 4
"""A press has two sets of answers, those before it and those after, and asks of each with a language and without."""


@dataclass(frozen=True, slots=True)
class Step:
    """One group or item: when it applies and, for a calculate item, what it amounts to."""

    name: str
    type: str
    group: str | None = None
    relevance: Expression | None = None
    calculation: Expression | None = None
    # the answer of an item that is not asked, where none is given; of a read-only one whatever is given
    default: str | None = None
    read_only: bool = False

    @property
    def references(self) -> frozenset[str]:
        """The items that have to be known before this step."""
        found = frozenset[str]()
        for expression in (self.relevance, self.calculation):
            found |= expression.references if expression else frozenset()
        return found | ({self.group} if self.group else frozenset())


@dataclass(slots=True)
class Scope:
    """What one run found: the steps that apply, the clean answers to them, the values expressions see, the unclean."""

    relevant: set[str] = field(default_factory=set)
    answers: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    unclean: dict[str, Unclean] = field(default_factory=dict)

    # the clock, the language and the submission of the run
    around: Context = field(default_factory=lambda: Context({}))

    def context(self, own: Value = "") -> Context:
        """What a constraint or a condition of this run is evaluated over; `own`: the answer itself."""
        return replace(self.around, values=self.values, own=own, item="")


@dataclass(frozen=True, slots=True)
class Program:
    """The steps in an order in which each comes after all it depends on."""

    steps: tuple[Step, ...]
    # item -> the asked items that decide, directly or through others, whether it applies
    deciders: Mapping[str, frozenset[str]]
    # item -> what it offers, for jr:choice-name()
    offers: Mapping[str, Offer] = field(default_factory=dict, repr=False)
    # whether a relevance or a calculation asks what time it is
    tells_time: bool = False

    def run(
        self,
        answers: Mapping[str, Any],
        today: date | None = None,
        *,
        now: datetime | None = None,
        submission_id: str = "",
        language: str = "",
    ) -> Scope:
        """Apply relevance and calculations to raw or clean `answers`; an answer that cannot be read counts as none.

        now: what now() says in the whole run. submission_id: what random() and uuid() hang on; without it a calculation
        that draws keeps the value it has in `answers`. language: of the labels that jr:choice-name() gives.
        What comes back is not to be changed: the same answers again on the same day get the same object.
        """
        if now is not None or self.tells_time or not all(type(answer) in (str, list) for answer in answers.values()):
            return self._run(answers, today, now, submission_id, language)
        key = (today or date.today(), submission_id, language)
        last: tuple[_Last, ...] = getattr(_THREAD, "last", ())
        for each in last:
            if each.program is self and each.is_of(key, answers):
                return each.scope
        scope = self._run(answers, today, now, submission_id, language)
        _THREAD.last = (_Last(self, key, _copy(answers), monotonic(), scope), *last)[:KEPT_RUNS]
        return scope

    def _run(
        self, answers: Mapping[str, Any], today: date | None, now: datetime | None, submission_id: str, language: str
    ) -> Scope:
        scope = Scope()
        context = Context(
            scope.values, today=today, now=now, submission_id=submission_id, language=language, label=self._label
        )
        if now is None and today is None:
            context.now = datetime.now().astimezone()  # one moment for the whole run
        scope.around = context
        relevant = scope.relevant
        for step in self.steps:
            if step.group is not None and step.group not in relevant:
                continue
            if step.relevance is not None and not step.relevance.holds(context):
                continue
            relevant.add(step.name)
            if step.calculation is not None:
                _calculate(step, answers.get(step.name), context, scope)
            elif step.default is not None and (step.read_only or step.name not in answers):
                _read(step, step.default, scope)
            elif step.name in answers and step.type not in UNANSWERED:
                _read(step, answers[step.name], scope)
            elif step.type in METADATA:
                _read(step, (today or date.today()).isoformat(), scope)
        return scope

    def _label(self, item: str, name: str, language: str) -> str:
        offer = self.offers.get(item)
        return offer.by_name[name].label(language) if offer and name in offer.by_name else name


@dataclass(frozen=True, slots=True)
class _Last:
    """A run, and what it was of."""

    program: Program
    key: tuple[date, str, str]
    answers: Mapping[str, Any]
    moment: float
    scope: Scope

    def is_of(self, key: tuple[date, str, str], answers: Mapping[str, Any]) -> bool:
        """Whether it was of these answers, in this order, and within this second (a constraint may ask the time)."""
        fresh = monotonic() - self.moment < 1
        return fresh and self.key == key and self.answers == answers and list(self.answers) == list(answers)


def _copy(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer.copy() if type(answer) is list else answer for name, answer in answers.items()}


def _calculate(step: Step, before: Any, context: Context, scope: Scope) -> None:
    assert step.calculation is not None
    kept = cast("text", before) if isinstance(before, str) else None
    # once() keeps the value from before
    context.item, context.own = step.name, kept if isinstance(kept, str) else ""
    drawn = context.submission_id or DRAWS.isdisjoint(step.calculation.calls)
    # XLSForm keeps the result of a calculation as text, and expressions read it as text
    text = string(step.calculation.evaluate(context)) if drawn else string(context.own)
    context.own = ""
    if text and text != "NaN" and len(text) <= LONGEST_CALCULATION:
        scope.answers[step.name] = scope.values[step.name] = text


def _read(step: Step, raw: Any, scope: Scope) -> None:
    answer = cast(step.type, raw)
    if isinstance(answer, Unclean):
        scope.unclean[step.name] = answer
        return
    if answer is None:
        return
    scope.answers[step.name] = answer
    if isinstance(answer, int | float):
        scope.values[step.name] = float(answer)
    else:
        scope.values[step.name] = " ".join(answer) if isinstance(answer, list) else answer


def make_program(
    steps: Iterable[Step], filters: Mapping[str, frozenset[str]], offers: Mapping[str, Offer] = MappingProxyType({})
) -> Program:
    """Order the steps; `filters` are the items that each item's choice_filter names.

    graphlib.CycleError: a relevance, calculation or choice_filter depends on itself.
    """
    by_name = {step.name: step for step in steps}
    graph = {name: sorted(step.references | filters.get(name, frozenset())) for name, step in by_name.items()}
    order = tuple(TopologicalSorter(graph).static_order())
    deciders: dict[str, frozenset[str]] = {}
    for name in order:
        step = by_name[name]
        found = frozenset[str]()
        for reference in step.references:
            found |= deciders[reference]
            if by_name[reference].type in ASKED:
                found |= {reference}
        deciders[name] = found
    told = [step.relevance for step in by_name.values()] + [step.calculation for step in by_name.values()]
    tells_time = any("now" in expression.calls for expression in told if expression)
    return Program(tuple(by_name[name] for name in order), deciders, offers, tells_time)
