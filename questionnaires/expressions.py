"""The XLSForm expression language: the subset of XPath 1.0 that XLSForms use, one grammar, parsed once.

`parse(text)` gives an `Expression`; `expression.evaluate(Context(...))` gives a text, a number or a truth value.
Values follow XPath 1.0 (https://www.w3.org/TR/1999/REC-xpath-19991116/) with the two additions ODK makes
(https://docs.getodk.org/form-operators-functions/): an unanswered `${item}` is the empty text, and a date text
"2026-05-01" counts as a number of days when a number is wanted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken

from questionnaires.chance import ALGORITHMS, ENCODINGS
from questionnaires.dates import unknown_identifier
from questionnaires.emitter import Evaluator, emit
from questionnaires.errors import InstrumentError
from questionnaires.functions import BEYOND, DRAWS, FUNCTIONS, OF_ITSELF
from questionnaires.nodes import Call, Column, Dot, ItemName, Literal, Node, Reference, size, walk
from questionnaires.patterns import compiled
from questionnaires.values import Context, boolean, nearest, string

__all__ = ["Call", "Column", "Context", "Dot", "Expression", "Literal", "Node", "Reference", "parse", "walk"]

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
LONGEST_CHAIN = 200


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, its tree, the items, columns and functions it names, and how to evaluate it."""

    text: str
    root: Node
    references: frozenset[str]
    columns: frozenset[str]
    calls: frozenset[str]
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
        return _reference(str(parts[0])[2:-1].strip())

    def sibling(self, parts: list) -> Node:
        return Reference(str(parts[0])[3:])

    def dot(self, parts: list) -> Node:
        return Dot()

    def column(self, parts: list) -> Node:
        return Column(str(parts[0]))

    def call(self, parts: list) -> Node:
        name, arguments = str(parts[0]), tuple(part for part in parts[1:] if part is not None)
        _check_call(name, len(arguments))
        if name in _LITERALS:
            _LITERALS[name](arguments)
        if name == "jr:choice-name":
            arguments = (arguments[0], _asked_of(arguments[1]))
        if name in DRAWS:  # where the call stands, so that a second one draws another number
            arguments = (Literal(float(parts[0].start_pos or 0)), *arguments)
        if name in OF_ITSELF and not arguments:
            arguments = (Dot(),)
        return Call(name, arguments)


def _reference(name: str) -> Reference:
    if name.startswith("last-saved#"):
        raise InstrumentError(f"${{{name}}} is not supported: {BEYOND['last-saved']}")
    return Reference(name)


def _asked_of(node: Node) -> "ItemName":
    """The second argument of jr:choice-name(), an item in quotes or, as many write it, without."""
    if isinstance(node, Reference):
        return ItemName(node.name)
    found = _QUOTED.fullmatch(string(node.value)) if isinstance(node, Literal) else None
    if found is None:
        raise InstrumentError("the second argument of jr:choice-name() is an item in quotes, such as '${item}'")
    return ItemName(found[1])


def _check_regex(arguments: tuple[Node, ...]) -> None:
    pattern = _written(arguments, 1)
    try:
        compiled(pattern or "")
    except ValueError as error:
        raise InstrumentError(f"the pattern {_short(pattern or '')} of regex() cannot be read: {error}") from None


def _check_digest(arguments: tuple[Node, ...]) -> None:
    for place, (what, known) in enumerate((("algorithm", [*ALGORITHMS]), ("encoding", [*ENCODINGS])), start=1):
        found = _written(arguments, place)
        if found is not None and found not in known:
            raise InstrumentError(f"digest() has no {what} {found!r}, one of {', '.join(known)}{nearest(found, known)}")


def _check_format(name: str) -> Callable[[tuple[Node, ...]], None]:
    def check(arguments: tuple[Node, ...]) -> None:
        mark = unknown_identifier(_written(arguments, 1) or "", with_time=name == "format-date-time")
        if mark is not None:
            other = "; hours belong to format-date-time()" if name == "format-date" and mark[1:] in set("HhMS3") else ""
            raise InstrumentError(f"{name}() has no identifier {mark!r}{other}")

    return check


def _written(arguments: tuple[Node, ...], place: int) -> str | None:
    """The text that stands in the expression itself as this argument; None where it is left out or worked out."""
    node = arguments[place] if place < len(arguments) else None
    return string(node.value) if isinstance(node, Literal) else None


_QUOTED = re.compile(r"\s*\$\{\s*([^}\s]+)\s*\}\s*")
# functions whose written arguments can be wrong
_LITERALS: dict[str, Callable[[tuple[Node, ...]], None]] = {
    "regex": _check_regex,
    "digest": _check_digest,
    "format-date": _check_format("format-date"),
    "format-date-time": _check_format("format-date-time"),
}


def _check_call(name: str, given: int) -> None:
    if name in BEYOND:
        raise _beyond(name)
    function = FUNCTIONS.get(name)
    if function is None:
        raise InstrumentError(f"there is no function {name}(){nearest(name, FUNCTIONS)}")
    if name in OF_ITSELF and given == 0:
        return
    if not function.least <= given <= function.most:
        raise InstrumentError(f"{name}() takes {function.arity}, and {given} are given")
    if name == "weighted-checklist" and given % 2:
        raise InstrumentError(f"{name}() takes two bounds, then pairs of an answer and its weight; one is left over")


def _beyond(name: str) -> InstrumentError:
    return InstrumentError(f"the function {name}() is not supported: {BEYOND[name]}")


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
    levels, chain = size(root)
    if chain > LONGEST_CHAIN:
        raise InstrumentError(f"{chain} operators follow each other, at most {LONGEST_CHAIN}; split the expression")
    if levels > DEEPEST:
        raise InstrumentError(f"the expression is nested more than {DEEPEST} deep; split it into calculate items")
    nodes = tuple(walk(root))
    references = frozenset(node.name for node in nodes if isinstance(node, Reference | ItemName))
    columns = frozenset(node.name for node in nodes if isinstance(node, Column))
    calls = frozenset(node.name for node in nodes if isinstance(node, Call) and node.name in FUNCTIONS)
    return Expression(text, root, references, columns, calls, emit(root))


_TEXTS = re.compile(r""" "[^"]*" | '[^']*' """, re.VERBOSE)


def _refuse(text: str, error: UnexpectedInput) -> NoReturn:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        raise InstrumentError(
            f"the expression {_short(text)} ends too early: something is missing at its end"
        ) from None
    place = error.pos_in_stream or 0
    for called in re.finditer(r"([^\W\d][\w.\-]*(?::[\w.\-]+)?)\s*\(", _TEXTS.sub("''", text)):
        if called[1] in BEYOND:  # what it takes, such as position(..), is beyond the grammar too
            raise _beyond(called[1]) from None
    raise InstrumentError(
        f"the expression {_short(text)} cannot be read from character {place + 1}, at {text[place : place + 12]!r}"
    ) from None


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
