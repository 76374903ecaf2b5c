"""Which items apply, given the answers: every relevance and calculation of an instrument, run once in order.

A `Program` is made from the file before any item is, so that items and pages can hold it; it knows names only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from graphlib import TopologicalSorter
from typing import Any

from questionnaires.casting import Unclean, cast
from questionnaires.expressions import Context, Expression
from questionnaires.functions import Value, string

ASKED = frozenset({"select_one", "select_one_from_file", "select_multiple", "integer", "decimal", "text", "date"})
UNANSWERED = frozenset({"group", "note"})


@dataclass(frozen=True, slots=True)
class Step:
    """One group or item: when it applies and, for a calculate item, what it amounts to."""

    name: str
    type: str
    group: str | None = None
    relevance: Expression | None = None
    calculation: Expression | None = None

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
    unclean: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Program:
    """The steps in an order in which each comes after all it depends on."""

    steps: tuple[Step, ...]
    # item -> the asked items that decide, directly or through others, whether it applies
    deciders: Mapping[str, frozenset[str]]

    def run(self, answers: Mapping[str, Any], today: date | None = None) -> Scope:
        """Apply relevance and calculations to raw or clean `answers`; an answer that cannot be read counts as none."""
        scope = Scope()
        context = Context(scope.values, today=today)
        relevant = scope.relevant
        for step in self.steps:
            if step.group is not None and step.group not in relevant:
                continue
            if step.relevance is not None and not step.relevance.holds(context):
                continue
            relevant.add(step.name)
            if step.calculation is not None:
                _calculate(step, step.calculation, context, scope)
            elif step.name in answers and step.type not in UNANSWERED:
                _read(step, answers[step.name], scope)
        return scope


def _calculate(step: Step, calculation: Expression, context: Context, scope: Scope) -> None:
    # XLSForm keeps the result of a calculation as text, and expressions read it as text
    text = string(calculation.evaluate(context))
    if text and text != "NaN":
        scope.answers[step.name] = scope.values[step.name] = text


def _read(step: Step, raw: Any, scope: Scope) -> None:
    answer = cast(step.type, raw)
    if isinstance(answer, Unclean):
        scope.unclean[step.name] = answer.problem
        return
    if answer is None:
        return
    scope.answers[step.name] = answer
    if isinstance(answer, int):
        scope.values[step.name] = float(answer)
    else:
        scope.values[step.name] = " ".join(answer) if isinstance(answer, list) else answer


def make_program(steps: Iterable[Step], filters: Mapping[str, frozenset[str]]) -> Program:
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
    return Program(tuple(by_name[name] for name in order), deciders)
