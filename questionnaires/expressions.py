"""The XLSForm expression language: the subset of XPath 1.0 that XLSForms use, one grammar, parsed once.

`parse(text)` gives an `Expression`; `expression.evaluate(Context(...))` gives a text, a number or a truth value.
Values follow XPath 1.0 (https://www.w3.org/TR/1999/REC-xpath-19991116/) with the two additions ODK makes
(https://docs.getodk.org/form-operators-functions/): an unanswered `${item}` is the empty text, and a date text
"2026-05-01" counts as a number of days when a number is wanted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NoReturn

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken

from questionnaires.errors import InstrumentError
from questionnaires.functions import BEYOND, FUNCTIONS, OPERATORS, Value, boolean, nearest, string

GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction | disjunction OR conjunction -> binary
?conjunction: equality | conjunction AND equality -> binary
?equality: relation | equality EQUALS relation -> binary
?relation: sum | relation COMPARES sum -> binary
?sum: product | sum (PLUS | MINUS) product -> binary
?product: signed | product (TIMES | DIV | MOD) signed -> binary
?signed: operand | MINUS signed -> negative
?operand: NUMBER -> number
        | TEXT -> text
        | REFERENCE -> reference
        | SIBLING -> sibling
        | DOT -> dot
        | NAME "(" [disjunction ("," disjunction)*] ")" -> call
        | NAME -> column
        | "(" disjunction ")"
OR: /or(?![\w.\-])/
AND: /and(?![\w.\-])/
DIV: /div(?![\w.\-])/
MOD: /mod(?![\w.\-])/
EQUALS: "=" | "!="
COMPARES: "<=" | ">=" | "<" | ">"
PLUS: "+"
MINUS: "-"
TIMES: "*"
NUMBER: /[0-9]+(\.[0-9]*)?|\.[0-9]+/
TEXT: /"[^"]*"|'[^']*'/
REFERENCE: /\$\{\s*[^}\s]+\s*\}/
SIBLING: /\.\.\/[^\W\d][\w.\-]*/
DOT: /\.(?![0-9.])/
NAME: /[^\W\d][\w.\-]*(:[^\W\d][\w.\-]*)?/
%ignore /\s+/
"""
LONGEST = 4000  # characters; a longer expression is a generated one, and a stack overflow when it is evaluated
DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Literal:
    """A number or a text written in the expression."""

    value: Value


@dataclass(frozen=True, slots=True)
class Reference:
    """`${name}`: the answer to another item."""

    name: str


@dataclass(frozen=True, slots=True)
class Column:
    """A bare name inside a choice_filter: a column of the choices sheet or file."""

    name: str


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`: the answer to the item itself."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator with its operands."""

    name: str
    arguments: tuple["Node", ...]


Node = Literal | Reference | Column | Dot | Call


@dataclass(slots=True)
class Context:
    """What an expression is evaluated over: answers by item name, the own answer, the row of a choice, the day."""

    values: Mapping[str, Value]
    own: Value = ""
    row: Mapping[str, str] = field(default_factory=dict)
    today: date | None = None


Evaluator = Callable[[Context], Value]


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, its tree, the items and columns it names, and how to evaluate it."""

    text: str
    root: Node
    references: frozenset[str]
    columns: frozenset[str]
    evaluate: Evaluator = field(compare=False, repr=False)

    def holds(self, context: Context) -> bool:
        """Whether the expression is true over `context` (XPath boolean())."""
        return boolean(self.evaluate(context))


class _Builder(Transformer[Token, Node]):
    """Bottom-up: grammar rules to nodes."""

    def binary(self, parts: list) -> Node:
        return Call(str(parts[1]), (parts[0], parts[2]))

    def negative(self, parts: list) -> Node:
        return Call("negative", (parts[1],))

    def number(self, parts: list) -> Node:
        return Literal(float(parts[0]))

    def text(self, parts: list) -> Node:
        return Literal(str(parts[0])[1:-1])

    def reference(self, parts: list) -> Node:
        return Reference(str(parts[0])[2:-1].strip())

    def sibling(self, parts: list) -> Node:
        return Reference(str(parts[0])[3:])

    def dot(self, parts: list) -> Node:
        return Dot()

    def column(self, parts: list) -> Node:
        return Column(str(parts[0]))

    def call(self, parts: list) -> Node:
        name, arguments = str(parts[0]), tuple(part for part in parts[1:] if part is not None)
        _check_call(name, len(arguments))
        if name == "regex" and isinstance(arguments[1], Literal):
            _check_pattern(string(arguments[1].value))
        return Call(name, arguments)


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise InstrumentError(f"the pattern {pattern!r} of regex() cannot be read: {error}") from None


def _check_call(name: str, given: int) -> None:
    if name in BEYOND:
        raise InstrumentError(f"the function {name}() is not supported; write it another way")
    function = FUNCTIONS.get(name)
    if function is None:
        raise InstrumentError(f"there is no function {name}(){nearest(name, FUNCTIONS)}")
    if not function.least <= given <= function.most:
        raise InstrumentError(f"{name}() takes {function.arity}, and {given} are given")


_PARSER = Lark(GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder())


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Parse one expression; InstrumentError says at which character it cannot be read, or which function is unknown."""
    if len(text) > LONGEST:
        raise InstrumentError(f"the expression has {len(text)} characters; split it: at most {LONGEST} are read")
    try:
        root: Node = _PARSER.parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        _refuse(text, error)
    _check_depth(root)
    nodes = tuple(walk(root))
    references = frozenset(node.name for node in nodes if isinstance(node, Reference))
    columns = frozenset(node.name for node in nodes if isinstance(node, Column))
    return Expression(text, root, references, columns, _emit(root))


def _refuse(text: str, error: UnexpectedInput) -> NoReturn:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        raise InstrumentError(
            f"the expression {_short(text)} ends too early: something is missing at its end"
        ) from None
    place = error.pos_in_stream or 0
    raise InstrumentError(
        f"the expression {_short(text)} cannot be read from character {place + 1}, at {text[place : place + 12]!r}"
    ) from None


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def walk(root: Node) -> list[Node]:
    """Every node of the tree, the root first."""
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, Call):
            waiting.extend(node.arguments)
    return found


def _check_depth(root: Node) -> None:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise InstrumentError(f"the expression is nested more than {DEEPEST} deep; split it into calculate items")
        level = [below for node in level if isinstance(node, Call) for below in node.arguments]


def _emit(node: Node) -> Evaluator:
    """The one emitter: a tree to a Python function of a context."""
    match node:
        case Literal(value):
            return lambda context: value
        case Reference(name):
            return lambda context: context.values.get(name, "")
        case Column(name):
            return lambda context: context.row.get(name, "")
        case Dot():
            return lambda context: context.own
        case Call(name, arguments):
            parts = tuple(_emit(argument) for argument in arguments)
            return _emit_call(name, parts)


def _emit_call(name: str, parts: tuple[Evaluator, ...]) -> Evaluator:
    if name in _LAZY:
        return _LAZY[name](*parts)
    if name in OPERATORS:
        operator = OPERATORS[name]
        if len(parts) == 1:
            (only,) = parts
            return lambda context: operator(only(context))
        left, right = parts
        return lambda context: operator(left(context), right(context))
    apply = FUNCTIONS[name].apply
    return lambda context: apply(*[part(context) for part in parts])


def _emit_and(first: Evaluator, second: Evaluator) -> Evaluator:
    return lambda context: boolean(first(context)) and boolean(second(context))


def _emit_or(first: Evaluator, second: Evaluator) -> Evaluator:
    return lambda context: boolean(first(context)) or boolean(second(context))


def _emit_if(condition: Evaluator, yes: Evaluator, no: Evaluator) -> Evaluator:
    return lambda context: yes(context) if boolean(condition(context)) else no(context)


def _emit_today() -> Evaluator:
    return lambda context: (context.today or date.today()).isoformat()


# what does not evaluate all its operands first, or needs the context itself
_LAZY: dict[str, Callable[..., Evaluator]] = {"and": _emit_and, "or": _emit_or, "if": _emit_if, "today": _emit_today}
