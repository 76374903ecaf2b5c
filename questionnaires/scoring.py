"""Scores of numbers: `sandu::score`, an expression over the answer ".", gives 0-100, or '' for "not scored".

Only what every table engine computes alike may stand in such an expression, so that a form that loads can be analysed.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from questionnaires.expressions import Call, Context, Dot, Expression, Literal, Node, walk
from questionnaires.functions import Value, nearest, number, string

T = TypeVar("T")
NUMBERS = frozenset({"integer", "decimal", "range", "calculate"})
COMPUTED = frozenset(
    {"+", "-", "*", "div", "mod", "negative", "=", "!=", "<", "<=", ">", ">=", "and", "or", "not", "if"}
    | {"min", "max", "round", "floor", "ceiling", "int", "abs", "number", "boolean", "true", "false"}
)
ROUNDING = 1e-9  # 100 * 3 * (1 div 3) may miss 100 by the last bit
DEAREST = 4  # divisions by something other than a number: each of them doubles what a table engine has to compute
EVERY = 5_000  # answers tried one by one


def value_of(answer: Value) -> float:
    """An answer as "." of the expression sees it: always a number, NaN for a text that is none."""
    return number(answer)


def score_of(expression: Expression, answer: Value) -> float | None:
    """The score 0-100 of one answer; None where it has none, whatever the reason."""
    score = _evaluate(expression, answer)
    if score is None or not -ROUNDING <= score <= 100 + ROUNDING:  # NaN is within no bounds
        return None
    return min(max(score, 0.0), 100.0)


def fault(expression: Expression, answer: Value) -> str | None:
    """Why an answer has no score although the form does not say so, as half a sentence; None where all is well."""
    score = _evaluate(expression, answer)
    if score is None or -ROUNDING <= score <= 100 + ROUNDING:
        return None
    shown = f"the answer {string(answer)}"
    if math.isnan(score):
        return f"{shown} scores no number"
    return f"{shown} scores {score:g}, and a score is between 0 and 100"


def _evaluate(expression: Expression, answer: Value) -> float | None:
    own = value_of(answer)
    if math.isnan(own):
        return None
    score = expression.evaluate(Context({}, own=own))
    return None if score == "" else number(score)


def fold(
    root: Node, *, own: Callable[[], T], literal: Callable[[Value], T], call: Callable[[str, Sequence[T]], T]
) -> T:
    """A score's tree from its leaves up: how another engine makes its own formula of it."""
    match root:
        case Dot():
            return own()
        case Literal(value):
            return literal(value)
        case Call(name, arguments):
            return call(name, [fold(part, own=own, literal=literal, call=call) for part in arguments])
    raise TypeError(f"{root} stands in no score")


def problem(kind: str, score: Expression, constraint: Expression | None, points: Sequence[float] = ()) -> str | None:
    """What is wrong with the score of a number, as the end of a sentence; None when nothing can be shown to be.

    Shown is what one answer that the constraint allows proves: all `points` of a range, all integers between near
    bounds, else the bounds, what lies beside them, and small and large numbers.
    """
    return _unusable(score) or next(
        (found for answer in _allowed(kind, score, constraint, points) if (found := fault(score, answer))), None
    )


def _unusable(score: Expression) -> str | None:
    nodes = walk(score.root)
    for node in nodes:
        if isinstance(node, Call) and node.name not in COMPUTED:
            return f"{node.name}() cannot score a number{nearest(node.name, COMPUTED - {'negative'})}"
    results = set(map(id, _results(score.root)))
    for node in nodes:
        if isinstance(node, Literal) and isinstance(node.value, str) and (node.value or id(node) not in results):
            return f"the text {node.value!r} is no number; only '' may stand as a whole result, for \"not scored\""
    dear = [n for n in nodes if isinstance(n, Call) and n.name in ("div", "mod") and not _is_number(n.arguments[1])]
    if len(dear) > DEAREST:
        return f"it divides {len(dear)} times by something other than a number; split it into calculate items"
    digits = [n for n in nodes if isinstance(n, Call) and n.name == "round" and len(n.arguments) == 2]
    if not all(_is_number(node.arguments[1]) for node in digits):
        return "the second argument of round() must be a number"
    return None


def _is_number(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, float)


def _results(root: Node) -> Iterable[Node]:
    """The nodes that may be the result itself: the root, and what the if() there gives."""
    if isinstance(root, Call) and root.name == "if":
        return [*_results(root.arguments[1]), *_results(root.arguments[2])]
    return [root]


def _allowed(kind: str, score: Expression, constraint: Expression | None, points: Sequence[float]) -> Iterable[float]:
    """Answers that can surely be given, to try the score on. What hangs on other items shows nothing."""
    if kind == "calculate" or (constraint is not None and constraint.references):
        return []
    tried = points or _numbers(kind, score, constraint)
    return [one for one in tried if constraint is None or constraint.holds(Context({}, own=one))]


def _numbers(kind: str, score: Expression, constraint: Expression | None) -> list[float]:
    bounds = sorted(_literals(constraint)) if constraint is not None else []
    beside = 1.0 if kind == "integer" else 0.5
    tried = [one + by for one in {*bounds, *_literals(score), 0.0} for by in (0, beside, -beside)]
    tried += [1000.0, -1000.0, 1e6, -1e6]
    if bounds and bounds[-1] - bounds[0] <= EVERY:
        tried += [math.ceil(bounds[0]) + place for place in range(int(bounds[-1] - bounds[0]) + 1)]
    return [one for one in tried if kind != "integer" or one == int(one)]


def _literals(expression: Expression) -> set[float]:
    numbers = {n.value for n in walk(expression.root) if isinstance(n, Literal) and isinstance(n.value, float)}
    # a negative bound is a minus sign before a literal
    return numbers | {-one for one in numbers}
