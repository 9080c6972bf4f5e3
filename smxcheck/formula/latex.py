r"""Formulas in LaTeX, for what stands between two $ or in align*; beside the standard commands only those of amsmath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

from smxcheck.formula.decimals import decimal
from smxcheck.formula.layout import Edge, Joint, Kind, Layout, Piece
from smxcheck.formula.letters import Letter
from smxcheck.formula.tree import Condition, Index, Integral, Item, Name, Node

#: What makes a formula taller than a line, so that its parentheses have to grow.
_TALL = (r"\frac", r"\sum", r"\prod", r"\int", r"\max_")

_FUNCTIONS = {"exp": r"\exp", "log": r"\log", "max": r"\max", "min": r"\min"}


class Latex(Layout):
    """Formulas for a page: fractions over one another, signs with their index below."""

    minus: ClassVar[str] = "-"
    operators: ClassVar[Mapping[str, str]] = {"==": "=", "!=": r"\ne", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">"}
    joints: ClassVar[Mapping[Joint, str]] = {
        Joint.NONE: " ", Joint.SPACE: " ", Joint.DOT: r" \cdot ", Joint.SPACED_DOT: r" \cdot ",
    }  # fmt: skip

    def form(self, letter: Letter) -> str:
        return letter.latex

    def function(self, name: str) -> str:
        return _FUNCTIONS.get(name, rf"\operatorname{{{name}}}")

    def enclose(self, text: str) -> str:
        return self._between("(", ")", text)

    def _between(self, opening: str, closing: str, text: str) -> str:
        if any(command in text for command in _TALL):
            return rf"\left{opening} {text} \right{closing}"
        gap = " " if opening.startswith("\\") else ""
        return f"{opening}{gap}{text}{gap}{closing}"

    def number(self, value: Fraction) -> Piece:
        mantissa, _, exponent = decimal(value).partition("e")
        if exponent:
            return Piece(rf"{mantissa} \times 10^{{{int(exponent)}}}", Kind.PRODUCT, Edge.DIGIT, Edge.APART)
        return Piece(mantissa, Kind.ATOM, Edge.DIGIT, Edge.DIGIT if value else Edge.APART)

    def entry(self, letter: str, indices: Sequence[Index]) -> Piece:
        subscript = self._joined(indices)
        left = Edge.APART if letter.startswith(r"\mathrm") else Edge.SCALAR
        return Piece(f"{letter}_{{{subscript}}}", Kind.ATOM, left, Edge.ENTRY)

    def _joined(self, indices: Sequence[Index]) -> str:
        """Indices side by side, with commas where one has two digits or more."""
        shown = [self.index(index) for index in indices]
        two_digits = any(isinstance(index, int) and index > 9 for index in indices)
        return (", " if two_digits else " " if any(s.startswith("\\") for s in shown) else "").join(shown)

    def big(self, kind: str, index: str, without: tuple[Index, ...]) -> str:
        sign = {"sum": r"\sum", "prod": r"\prod", "max": r"\max"}[kind]
        but = rf" \ne {', '.join(self.index(i) for i in without)}" if without else ""
        return f"{sign}_{{{self.index(index)}{but}}}"

    def absolute(self, inside: str) -> Piece:
        return Piece(self._between(r"\lvert", r"\rvert", inside), Kind.ATOM, Edge.BAR, Edge.BAR)

    def root(self, inside: Piece) -> Piece:
        return Piece(rf"\sqrt{{{inside.text}}}", Kind.FRACTION, Edge.BIG, Edge.PAREN)

    def quotient(self, numerator: Piece, denominator: Piece) -> Piece:
        return Piece(rf"\frac{{{numerator.text}}}{{{denominator.text}}}", Kind.FRACTION, Edge.BIG, Edge.PAREN)

    def power(self, base: Piece, exponent: Node) -> Piece:
        if base.kind is not Kind.ATOM:
            base = self.enclosed(base)
        edge = base.right if base.right in (Edge.SCALAR, Edge.APART) else Edge.ENTRY
        return Piece(f"{base.text}^{{{self.show(exponent)}}}", Kind.POWER, base.left, edge)

    def derivative(self, body: Node, variables: tuple[Item | Name, ...]) -> Piece:
        inside = self.piece(body)
        order = "" if len(variables) == 1 else f"^{{{len(variables)}}}"
        below = [self.show(variable) for variable in variables]
        if len(variables) > 1 and len(set(below)) == 1:
            below = [below[0] + order]
        under = " ".join(rf"\partial {variable}" for variable in below)
        if inside.kind is Kind.ATOM and not any(command in inside.text for command in _TALL):
            return Piece(rf"\frac{{\partial{order} {inside.text}}}{{{under}}}", Kind.FRACTION, Edge.BIG, Edge.PAREN)
        text = rf"\frac{{\partial{order}}}{{{under}}} {self.enclose(inside.text)}"
        return Piece(text, Kind.FRACTION, Edge.BIG, Edge.PAREN)

    def integral(self, node: Integral) -> Piece:
        body = self.piece(node.body)
        if body.kind is Kind.SUM:
            body = self.enclosed(body)
        ends = f"_{{{self.show(node.low)}}}^{{{self.show(node.high)}}}"
        return Piece(
            rf"\int{ends} {body.text} \, d{self.letter(node.variable)}", Kind.OPEN, Edge.BIG, Edge.OPEN
        )

    def remainder(self, name: str, power: int) -> str:
        return f"O({self.letter(name)}{f'^{{{power}}}' if power > 1 else ''})"

    def given(self, conditions: tuple[Condition, ...]) -> str:
        *most, last = (self.show(condition) for condition in conditions)
        joined = ",\\ ".join(most) + (r" \text{ and } " if most else "") + last
        return rf" \quad \text{{if }} {joined}"
