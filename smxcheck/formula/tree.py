"""What a formula is: an immutable tree, which keeps what its author wrote and nothing else.

The tree is never simplified or reordered. ``p[i]*(1 - p[j])`` stays a product of two factors, since the step of a
derivation that writes it so says something else than one that writes ``p[i] - p[i]*p[j]``. What is printed and what is
evaluated is the same tree, so the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import TypeAlias

#: A letter that runs over the classes, or one class by its number, counted from 1.
Index: TypeAlias = str | int


@dataclass(frozen=True)
class Node:
    """Anything in a formula. ``position`` is where its text begins; it takes no part in comparisons."""

    position: int = field(default=0, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Number(Node):
    """An exact number: 2, 0.5."""

    value: Fraction


@dataclass(frozen=True)
class Name(Node):
    """A scalar, as L or t; inside the argument of an `At`, a whole vector too."""

    name: str


@dataclass(frozen=True)
class Item(Node):
    """An entry of a vector: z[i]."""

    name: str
    index: Index


@dataclass(frozen=True)
class At(Node):
    """A quantity as a function of the logits, at other logits: H(z + t*d), p(z - m)[i]."""

    name: str
    argument: Node
    index: Index | None = None


@dataclass(frozen=True)
class Apply(Node):
    """A function of numbers: exp(x), max(a, b)."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Over(Node):
    """sum, prod or max over all values of an index, but for those in ``without``."""

    kind: str
    index: str
    without: tuple[Index, ...]
    body: Node


@dataclass(frozen=True)
class Integral(Node):
    """The integral of ``body`` over ``variable`` from ``low`` to ``high``."""

    variable: str
    low: Node
    high: Node
    body: Node


@dataclass(frozen=True)
class Delta(Node):
    """Kronecker's delta: 1 where the two indices are equal, otherwise 0."""

    left: Index
    right: Index


@dataclass(frozen=True)
class Diff(Node):
    """A partial derivative, of second order where two variables stand."""

    body: Node
    variables: tuple[Item | Name, ...]


@dataclass(frozen=True)
class Binary(Node):
    """``left`` + - * / ^ ``right``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Negative(Node):
    """-x."""

    operand: Node


@dataclass(frozen=True)
class Relation(Node):
    """``left`` == <= >= < > != ``right``; with ``order``, up to a remainder O(name^power) as the scalar goes to 0."""

    operator: str
    left: Node
    right: Node
    order: tuple[str, int] | None = None


@dataclass(frozen=True)
class IndexRelation(Node):
    """i == j or i != j."""

    operator: str
    left: Index
    right: Index


Condition: TypeAlias = Relation | IndexRelation


@dataclass(frozen=True)
class Claim(Node):
    """A relation, under conditions that may be none."""

    relation: Relation
    conditions: tuple[Condition, ...] = ()


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below one, in the order of reading."""
    for f in fields(node):
        value = getattr(node, f.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Node):
                yield part


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def indices_of(node: Node) -> tuple[Index, ...]:
    """The indices that a node itself names, those of its children left out."""
    match node:
        case Item(_, index) | At(_, _, index):
            return () if index is None else (index,)
        case Over(_, _, without, _):
            return without
        case Delta(left, right) | IndexRelation(_, left, right):
            return (left, right)
    return ()


def free_indices(node: Node) -> tuple[str, ...]:
    """The index letters that no sum, product or maximum binds, in the order of their first use."""
    found: dict[str, None] = {}

    def visit(part: Node, bound: frozenset[str]) -> None:
        inner = bound | {part.index} if isinstance(part, Over) else bound
        for index in indices_of(part):
            if isinstance(index, str) and index not in bound:
                found.setdefault(index)
        for child in children(part):
            visit(child, inner)

    visit(node, frozenset())
    return tuple(found)


def names(node: Node) -> set[str]:
    """Every symbol and function that a formula names, but for bound variables of integrals."""
    found: set[str] = set()
    for part in walk(node):
        match part:
            case Name(name) | Item(name) | At(name):
                found.add(name)
            case Apply(function):
                found.add(function)
            case Relation(order=(name, _)):
                found.add(name)
    return found - {part.variable for part in walk(node) if isinstance(part, Integral)}


def order_of(node: Node) -> int:
    """How many derivatives are nested in a formula at most."""
    below = max((order_of(child) for child in children(node)), default=0)
    return below + (len(node.variables) if isinstance(node, Diff) else 0)
