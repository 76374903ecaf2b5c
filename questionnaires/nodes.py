"""The tree of a parsed expression."""

from dataclasses import dataclass

from questionnaires.values import OPERATORS, Value

# operators that need their right side only now and then
LAZY = frozenset({"and", "or"})


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


@dataclass(frozen=True, slots=True)
class ItemName:
    """`'${name}'` inside jr:choice-name(): the item itself, not its answer."""

    name: str


Node = Literal | Reference | Column | Dot | Call | ItemName


def walk(root: Node) -> list[Node]:
    """Every node of the tree, the root first."""
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, Call):
            waiting.extend(node.arguments)
    return found


def size(root: Node) -> tuple[int, int]:
    """How many levels the tree has, and how many operators its longest chain: `a or b or c` is one level, two long."""
    level, levels, longest = [root], 0, 0
    while level:
        levels += 1
        below = [_below(node) for node in level if isinstance(node, Call)]
        longest = max([longest, *(length for _, length in below)])
        level = [node for nodes, _ in below for node in nodes]
    return levels, longest


def _below(node: Call) -> tuple[list[Node], int]:
    """What stands one level deeper, and how many operators follow each other here."""
    found: list[Node] = []
    first: Node = node
    while isinstance(first, Call) and joins(first):
        found.append(first.arguments[1])
        first = first.arguments[0]
    return ([*found, first], len(found)) if found else (list(node.arguments), 0)


def joins(node: Node) -> bool:
    """Whether the node is an operator with two sides."""
    return isinstance(node, Call) and len(node.arguments) == 2 and (node.name in OPERATORS or node.name in LAZY)
