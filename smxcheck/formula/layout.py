"""Where a printed formula needs parentheses, and what stands between two factors. The same for Unicode and LaTeX.

The rules are those of a careful textbook: what a reader could take for something else gets parentheses or a dot.

- a sum, a product or a maximum extends over a product or over parentheses, and ends at the next + or -;
- nothing follows an open end: (Σₖ pₖzₖ)t, (log pᵢ)/S, never Σₖ pₖzₖ t or log pᵢ/S;
- a product in a denominator has parentheses: a/(bc);
- a dot stands between two numbers, around names of several letters, and between one letter or a function and a
  parenthesis, since H(…) is the entropy at other logits and no product.

What is printed is never simplified or reordered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from fractions import Fraction
from typing import ClassVar

from smxcheck.formula.letters import Letter, Notation
from smxcheck.formula.symbols import FUNCTIONS
from smxcheck.formula.tree import (
    Apply,
    At,
    Binary,
    Claim,
    Condition,
    Delta,
    Diff,
    Index,
    IndexRelation,
    Integral,
    Item,
    Name,
    Negative,
    Node,
    Number,
    Over,
    Relation,
)


class Kind(Enum):
    """What the outermost operation of a printed formula is."""

    SUM = auto()  # a + b
    SPACED = auto()  # a/b · c
    PRODUCT = auto()  # ab
    QUOTIENT = auto()  # a/b on one line
    FRACTION = auto()  # a over b, which encloses both
    DERIVATIVE = auto()  # ∂p/∂z on one line
    OPEN = auto()  # Σ ab: a word or a big sign, and a product after it
    PREFIX = auto()  # Σ a: the same with a single factor after it
    POWER = auto()
    ATOM = auto()


class Edge(Enum):
    """What a printed formula begins or ends with, as far as a neighbour has to know it."""

    MINUS = auto()
    DIGIT = auto()
    SCALAR = auto()  # a letter by itself
    ENTRY = auto()  # a letter with a subscript
    LINE = auto()  # a subscript that is written on the line, as in p_c
    WORD = auto()  # exp, log, max
    APART = auto()  # what would be misread beside another letter: CE, 0, 2e-05, x^N
    PAREN = auto()
    CALL = auto()  # the closing parenthesis of a function
    BAR = auto()
    BIG = auto()  # Σ, ∫, ∂
    SLASH = auto()  # the end of a quotient on one line
    OPEN = auto()  # whatever follows would be taken to belong to it


class Joint(Enum):
    """What stands between two factors."""

    NONE = auto()
    SPACE = auto()
    DOT = auto()
    SPACED_DOT = auto()


@dataclass(frozen=True)
class Piece:
    """A printed formula, with what its neighbours have to know of it."""

    text: str
    kind: Kind
    left: Edge
    right: Edge


def joint(left: Piece, right: Piece) -> Joint:
    """What stands between two factors, so that each is read as it is meant."""
    if Kind.QUOTIENT in (left.kind, right.kind) or left.right is Edge.SLASH:
        return Joint.SPACED_DOT
    numbers = right.left is Edge.DIGIT or (left.right is Edge.DIGIT and right.kind is Kind.FRACTION)
    called = left.right in (Edge.SCALAR, Edge.CALL) and right.left is Edge.PAREN
    bars = left.right is Edge.BAR and right.left is Edge.BAR
    on_line = left.right is Edge.LINE and right.left is not Edge.PAREN
    if numbers or called or bars or on_line or Edge.APART in (left.right, right.left):
        return Joint.DOT
    if left.right is Edge.CALL or right.left in (Edge.BIG, Edge.WORD):
        return Joint.SPACE
    return Joint.NONE


class Layout(ABC):
    """Prints formulas in one notation; subclasses say how signs, subscripts and fractions look."""

    minus: ClassVar[str]
    operators: ClassVar[Mapping[str, str]]
    joints: ClassVar[Mapping[Joint, str]]

    def __init__(self, notation: Notation) -> None:
        self.notation = notation

    def show(self, node: Node) -> str:
        """An expression, a relation, a condition or a claim as text."""
        match node:
            case Claim(relation, conditions):
                return self.show(relation) + (self.given(conditions) if conditions else "")
            case Relation(operator, left, right, order):
                rest = f" + {self.remainder(*order)}" if order else ""
                return f"{self.show(left)} {self.operators[operator]} {self.show(right)}{rest}"
            case IndexRelation(operator, left, right):
                return f"{self.index(left)} {self.operators[operator]} {self.index(right)}"
        return self.piece(node).text

    def piece(self, node: Node) -> Piece:
        """An expression with what its neighbours have to know of it."""
        match node:
            case Number(value):
                return self.number(value)
            case Name(name):
                return self.name(name)
            case Item(name, index):
                return self.entry(self.letter(name), (index,))
            case Delta(left, right):
                return self.entry(self.letter("delta"), (left, right))
            case At(name, argument, index):
                return self.at(self.letter(name), self.show(argument), index)
            case Apply(function, arguments):
                return self.apply(function, arguments)
            case Binary(operator, left, right):
                return self.binary(operator, left, right)
            case Negative(operand):
                return self.negative(self.piece(operand))
            case Over():
                return self.over(node)
            case Diff(body, variables):
                return self.derivative(body, variables)
            case Integral():
                return self.integral(node)
        raise TypeError(f"{type(node).__name__} cannot be printed")

    # ---- the same in every notation

    def letter(self, name: str) -> str:
        return self.form(self.notation.letter(name))

    def index(self, index: Index) -> str:
        return str(index) if isinstance(index, int) else self.letter(index)

    def name(self, name: str) -> Piece:
        """A letter by itself; in running text an index or a function too."""
        if name in FUNCTIONS:
            return Piece(self.function(name), Kind.ATOM, Edge.APART, Edge.APART)
        return Piece(self.letter(name), Kind.ATOM, self.edge(name, Edge.SCALAR), self.edge(name, Edge.SCALAR))

    def edge(self, name: str, otherwise: Edge) -> Edge:
        """APART for a name of several letters, which beside another would not be seen to be one."""
        return Edge.APART if len(self.notation.letter(name).text.rstrip("′")) > 1 else otherwise

    def binary(self, operator: str, left: Node, right: Node) -> Piece:
        match operator:
            case "+" | "-":
                return self.sum(operator, self.piece(left), self.piece(right))
            case "*":
                return self.product(self.piece(left), self.piece(right))
            case "/":
                return self.quotient(self.piece(left), self.piece(right))
        return self.power(self.piece(left), right)

    def sum(self, operator: str, left: Piece, right: Piece) -> Piece:
        if right.kind is Kind.SUM or right.left is Edge.MINUS:
            right = self.enclosed(right)
        sign = "+" if operator == "+" else self.minus
        return Piece(f"{left.text} {sign} {right.text}", Kind.SUM, left.left, right.right)

    def negative(self, operand: Piece) -> Piece:
        if operand.kind is Kind.SUM or operand.left is Edge.MINUS:
            operand = self.enclosed(operand)
        kind = operand.kind if operand.kind in (Kind.SPACED, Kind.QUOTIENT) else Kind.PRODUCT
        return Piece(self.minus + operand.text, kind, Edge.MINUS, operand.right)

    def product(self, left: Piece, right: Piece) -> Piece:
        if left.kind is Kind.SUM or left.right is Edge.OPEN:
            left = self.enclosed(left)
        if right.kind in (Kind.SUM, Kind.SPACED, Kind.PRODUCT) or right.left is Edge.MINUS:
            right = self.enclosed(right)
        between = joint(left, right)
        spaced = between is Joint.SPACED_DOT or left.kind is Kind.SPACED
        kind = Kind.SPACED if spaced else Kind.PRODUCT
        return Piece(left.text + self.joints[between] + right.text, kind, left.left, right.right)

    def over(self, node: Over) -> Piece:
        body = self.piece(node.body)
        loose = (Kind.SUM, Kind.SPACED, Kind.QUOTIENT)
        if body.kind in loose or body.left is Edge.MINUS:
            body = self.enclosed(body)
        single = body.kind in (Kind.ATOM, Kind.POWER, Kind.FRACTION)
        edge = Edge.WORD if node.kind == "max" else Edge.BIG
        text = f"{self.big(node.kind, node.index, node.without)} {body.text}"
        return Piece(text, Kind.PREFIX if single else Kind.OPEN, edge, Edge.OPEN)

    def apply(self, function: str, arguments: tuple[Node, ...]) -> Piece:
        first = arguments[0]
        simple = isinstance(first, Item | Name | Number) and self.piece(first).kind is Kind.ATOM
        if function == "log" and simple:
            return Piece(f"{self.function('log')} {self.show(first)}", Kind.PREFIX, Edge.WORD, Edge.OPEN)
        if function == "abs":
            return self.absolute(self.show(first))
        if function == "sqrt":
            return self.root(self.piece(first))
        own = function not in FUNCTIONS
        text = self.letter(function) if own else self.function(function)
        inside = self.enclose(", ".join(self.show(argument) for argument in arguments))
        return Piece(text + inside, Kind.ATOM, self.edge(function, Edge.SCALAR) if own else Edge.WORD, Edge.CALL)

    def at(self, letter: str, argument: str, index: Index | None) -> Piece:
        """p(z - M)[i]: a letter, other logits, and an index where it is a vector."""
        text = letter + self.enclose(argument)
        whole = Piece(text, Kind.ATOM, Edge.SCALAR if len(letter) == 1 else Edge.APART, Edge.CALL)
        if index is None:
            return whole
        entry = self.entry(text, (index,))
        return replace(entry, left=whole.left)

    def enclosed(self, piece: Piece) -> Piece:
        return Piece(self.enclose(piece.text), Kind.ATOM, Edge.PAREN, Edge.PAREN)

    # ---- what a notation decides

    @abstractmethod
    def form(self, letter: Letter) -> str:
        """A letter in this notation."""

    @abstractmethod
    def function(self, name: str) -> str:
        """The name of a function of numbers: exp, log, max."""

    @abstractmethod
    def enclose(self, text: str) -> str:
        """Text in parentheses."""

    @abstractmethod
    def number(self, value: Fraction) -> Piece:
        """A number that is not negative."""

    @abstractmethod
    def entry(self, letter: str, indices: Sequence[Index]) -> Piece:
        """A letter with subscripts."""

    @abstractmethod
    def big(self, kind: str, index: str, without: tuple[Index, ...]) -> str:
        """The sign of a sum, a product or a maximum with its index."""

    @abstractmethod
    def absolute(self, inside: str) -> Piece:
        """An absolute value."""

    @abstractmethod
    def root(self, inside: Piece) -> Piece:
        """A square root."""

    @abstractmethod
    def quotient(self, numerator: Piece, denominator: Piece) -> Piece:
        """A quotient."""

    @abstractmethod
    def power(self, base: Piece, exponent: Node) -> Piece:
        """A power."""

    @abstractmethod
    def derivative(self, body: Node, variables: tuple[Item | Name, ...]) -> Piece:
        """A partial derivative."""

    @abstractmethod
    def integral(self, node: Integral) -> Piece:
        """An integral."""

    @abstractmethod
    def remainder(self, name: str, power: int) -> str:
        """O(t^3)."""

    @abstractmethod
    def given(self, conditions: tuple[Condition, ...]) -> str:
        """Conditions after a relation, with the word that leads to them."""
