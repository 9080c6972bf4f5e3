"""Formulas as the grammar's own text, which can be read again: what is printed where there is no Unicode."""

from __future__ import annotations

from smxcheck.formula.decimals import decimal
from smxcheck.formula.letters import Notation
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

#: How tightly an operation binds, the loosest first, as in the grammar: sum, product, signed, power, atom.
_SUM, _PRODUCT, _SIGNED, _POWER, _ATOM = range(5)
_BINDING = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "^": _POWER}


class Source:
    """Prints the text from which `smxcheck.formula.grammar` reads the same tree, but for a reader's own letters."""

    def __init__(self, notation: Notation) -> None:
        self._notation = notation

    def show(self, node: Node) -> str:
        """An expression, a relation, a condition or a claim."""
        match node:
            case Claim(relation, conditions):
                return self.show(relation) + (f" if {self.joined(conditions)}" if conditions else "")
            case Relation(operator, left, right, order):
                rest = f" + O({self._letter(order[0])}^{order[1]})" if order else ""
                return f"{self.show(left)} {operator} {self.show(right)}{rest}"
            case IndexRelation(operator, left, right):
                return f"{self._index(left)} {operator} {self._index(right)}"
        return self._expression(node)

    def joined(self, conditions: tuple[Condition, ...]) -> str:
        """Conditions as the grammar lists them."""
        return ", ".join(self.show(condition) for condition in conditions)

    def _expression(self, node: Node) -> str:
        match node:
            case Number(value):
                return decimal(value)
            case Name(name):
                return self._letter(name)
            case Item(name, index):
                return f"{self._letter(name)}[{self._index(index)}]"
            case At(name, argument, index):
                entry = "" if index is None else f"[{self._index(index)}]"
                return f"{self._letter(name)}({self.show(argument)}){entry}"
            case Apply(function, arguments):
                return f"{self._letter(function)}({', '.join(self.show(a) for a in arguments)})"
            case Over(kind, index, without, body):
                but = "".join(f" != {self._index(i)}" for i in without)
                return f"{kind}({self._letter(index)}{but}, {self.show(body)})"
            case Integral(variable, low, high, body):
                ends = ", ".join(self.show(part) for part in (low, high, body))
                return f"integral({self._letter(variable)}, {ends})"
            case Delta(left, right):
                return f"delta({self._index(left)}, {self._index(right)})"
            case Diff(body, variables):
                return f"diff({', '.join(self.show(part) for part in (body, *variables))})"
            case Negative(operand):
                return f"-{self._operand(operand, _SIGNED, leading=False)}"
            case Binary():
                return self._binary(node)
        raise TypeError(f"{type(node).__name__} cannot be printed")

    def _binary(self, node: Binary) -> str:
        binding = _BINDING[node.operator]
        if node.operator == "^":
            return f"{self._operand(node.left, _ATOM)}^{self._operand(node.right, _SIGNED)}"
        left, right = self._operand(node.left, binding), self._operand(node.right, binding + 1, leading=False)
        quotients = any(isinstance(part, Binary) and part.operator == "/" for part in (node.left, node.right))
        gap = " " if binding == _SUM or (node.operator == "*" and quotients) else ""
        return f"{left}{gap}{node.operator}{gap}{right}"

    def _operand(self, node: Node, binding: int, leading: bool = True) -> str:
        """A part in parentheses where it binds less tightly; so does a minus that is not ``leading``, for the eye."""
        text = self._expression(node)
        match node:
            case Binary(operator):
                own = _BINDING[operator]
            case Negative():
                own = _SIGNED
            case _:
                own = _ATOM
        return f"({text})" if own < binding or (not leading and text.startswith("-")) else text

    def _letter(self, name: str) -> str:
        return name if name in FUNCTIONS else self._notation.letter(name).ascii

    def _index(self, index: Index) -> str:
        return str(index) if isinstance(index, int) else self._letter(index)
