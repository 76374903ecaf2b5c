"""The one emitter: the tree of an expression to a Python function of a context."""

from collections.abc import Callable

from questionnaires.functions import FUNCTIONS
from questionnaires.nodes import Call, Column, Dot, ItemName, Literal, Node, Reference, joins
from questionnaires.values import OPERATORS, Context, Value, boolean

Evaluator = Callable[[Context], Value]
SHORT_CHAIN = 8


def emit(node: Node) -> Evaluator:
    """A tree to a function of a context."""
    if not isinstance(node, Call):
        return _emit_leaf(node)
    if node.name == "if":
        return _emit_if(*map(emit, node.arguments))
    if joins(node):
        return _emit_chain(node)
    return _emit_call(node.name, tuple(map(emit, node.arguments)))


def _emit_leaf(node: Literal | Reference | ItemName | Column | Dot) -> Evaluator:
    match node:
        case Reference(name):
            return lambda context: context.values.get(name, "")
        case Column(name):
            return lambda context: context.row.get(name, "")
        case Dot():
            return lambda context: context.own
        case Literal(value) | ItemName(value):
            return lambda context: value


def _emit_call(name: str, parts: tuple[Evaluator, ...]) -> Evaluator:
    if name == "negative":
        negative, (only,) = OPERATORS[name], parts
        return lambda context: negative(only(context))
    function = FUNCTIONS[name]
    apply = function.apply
    if function.in_context:
        return lambda context: apply(context, *[part(context) for part in parts])
    return lambda context: apply(*[part(context) for part in parts])


def _emit_chain(node: Node) -> Evaluator:
    """An operator; a chain of many, such as `a or b or c ...`, is run as a loop and not as a tower of calls."""
    chain: list[Call] = []
    while isinstance(node, Call) and joins(node):
        chain.append(node)
        node = node.arguments[0]
    found = emit(node)
    links = [_link(call.name, emit(call.arguments[1])) for call in reversed(chain)]
    if len(links) > SHORT_CHAIN:
        return _emit_loop(found, links)
    for link in links:
        found = _join_link(found, link)
    return found


_Link = Callable[[Value, Context], Value]


def _link(name: str, right: Evaluator) -> _Link:
    if name == "and":
        return lambda left, context: boolean(left) and boolean(right(context))
    if name == "or":
        return lambda left, context: boolean(left) or boolean(right(context))
    operator = OPERATORS[name]
    return lambda left, context: operator(left, right(context))


def _join_link(left: Evaluator, link: _Link) -> Evaluator:
    return lambda context: link(left(context), context)


def _emit_loop(first: Evaluator, links: list[_Link]) -> Evaluator:
    def run(context: Context) -> Value:
        value = first(context)
        for link in links:
            value = link(value, context)
        return value

    return run


def _emit_if(condition: Evaluator, yes: Evaluator, no: Evaluator) -> Evaluator:
    return lambda context: yes(context) if boolean(condition(context)) else no(context)
