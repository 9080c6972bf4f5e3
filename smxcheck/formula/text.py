"""Formulas as lines of text: terse Unicode, ∂pᵢ/∂zⱼ = pᵢ(δᵢⱼ − pⱼ)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

from smxcheck.formula.decimals import decimal
from smxcheck.formula.layout import Edge, Joint, Kind, Layout, Piece
from smxcheck.formula.letters import Letter
from smxcheck.formula.tree import Condition, Index, Integral, Item, Name, Negative, Node, Number

#: Letters and digits that Unicode has as subscripts; c is not among them.
_SUBSCRIPTS = str.maketrans("0123456789aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

_SINGLE = (Kind.ATOM, Kind.POWER)


class UnicodeText(Layout):
    """Formulas on one line."""

    minus: ClassVar[str] = "−"
    operators: ClassVar[Mapping[str, str]] = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
    joints: ClassVar[Mapping[Joint, str]] = {Joint.NONE: "", Joint.SPACE: " ", Joint.DOT: "·", Joint.SPACED_DOT: " · "}

    def form(self, letter: Letter) -> str:
        return letter.text

    def function(self, name: str) -> str:
        return name

    def enclose(self, text: str) -> str:
        return f"({text})"

    def number(self, value: Fraction) -> Piece:
        text = decimal(value)
        edge = Edge.APART if "e" in text else Edge.DIGIT
        return Piece(text, Kind.ATOM, edge, Edge.APART if value == 0 else edge)

    def entry(self, letter: str, indices: Sequence[Index]) -> Piece:
        subscript, on_line = self._subscript([self.index(index) for index in indices])
        left = Edge.SCALAR if len(letter) == 1 else Edge.APART
        return Piece(letter + subscript, Kind.ATOM, left, Edge.LINE if on_line else Edge.ENTRY)

    def _subscript(self, indices: list[str]) -> tuple[str, bool]:
        """Indices below the line, and whether they had to be written on it."""
        if all(len(index) == 1 and ord(index) in _SUBSCRIPTS for index in indices) or (
            len(indices) == 1 and indices[0].isdigit()
        ):
            return "".join(indices).translate(_SUBSCRIPTS), False
        if len(indices) == 1 and len(indices[0]) == 1:
            return f"_{indices[0]}", True
        between = "" if all(len(index) == 1 for index in indices) else ","
        return f"_{{{between.join(indices)}}}", True

    def big(self, kind: str, index: str, without: tuple[Index, ...]) -> str:
        sign = {"sum": "Σ", "prod": "Π", "max": "max"}[kind]
        if without:
            return f"{sign}_{{{self.index(index)}≠{','.join(self.index(i) for i in without)}}}"
        return sign + self._subscript([self.index(index)])[0]

    def absolute(self, inside: str) -> Piece:
        return Piece(f"|{inside}|", Kind.ATOM, Edge.BAR, Edge.BAR)

    def root(self, inside: Piece) -> Piece:
        if inside.kind is not Kind.ATOM:
            inside = self.enclosed(inside)
        return Piece(f"√{inside.text}", Kind.PREFIX, Edge.SCALAR, Edge.OPEN)

    def quotient(self, numerator: Piece, denominator: Piece) -> Piece:
        if numerator.kind not in (Kind.PRODUCT, *_SINGLE) or numerator.right in (Edge.OPEN, Edge.SLASH):
            numerator = self.enclosed(numerator)
        if denominator.kind not in (Kind.PREFIX, *_SINGLE):
            denominator = self.enclosed(denominator)
        edge = Edge.OPEN if denominator.right is Edge.OPEN else Edge.SLASH
        return Piece(f"{numerator.text}/{denominator.text}", Kind.QUOTIENT, numerator.left, edge)

    def power(self, base: Piece, exponent: Node) -> Piece:
        if base.kind is not Kind.ATOM or (base.text[0].isdigit() and "e" in base.text):
            base = self.enclosed(base)
        whole = _whole(exponent)
        if whole is not None:
            edge = base.right if base.right in (Edge.SCALAR, Edge.APART) else Edge.ENTRY
            return Piece(base.text + str(whole).translate(_SUPERSCRIPTS), Kind.POWER, base.left, edge)
        raised = self.piece(exponent)
        if not isinstance(exponent, Item | Name | Number):
            raised = self.enclosed(raised)
        return Piece(f"{base.text}^{raised.text}", Kind.POWER, base.left, Edge.APART)

    def derivative(self, body: Node, variables: tuple[Item | Name, ...]) -> Piece:
        inside = self.piece(body)
        if inside.kind is not Kind.ATOM:
            inside = self.enclosed(inside)
        order = "" if len(variables) == 1 else str(len(variables)).translate(_SUPERSCRIPTS)
        below = [self.piece(variable).text for variable in variables]
        if len(variables) > 1 and len(set(below)) == 1:
            below = [below[0] + order]
        text = f"∂{order}{inside.text}/{''.join(f'∂{variable}' for variable in below)}"
        return Piece(text, Kind.DERIVATIVE, Edge.BIG, Edge.SLASH)

    def integral(self, node: Integral) -> Piece:
        body = self.piece(node.body)
        if body.kind is Kind.SUM:
            body = self.enclosed(body)
        low, high = (self._end(end, table) for end, table in ((node.low, _SUBSCRIPTS), (node.high, _SUPERSCRIPTS)))
        text = f"∫{low or '_' + self._braced(node.low)}{high or '^' + self._braced(node.high)}"
        return Piece(f"{text} {body.text} d{self.letter(node.variable)}", Kind.OPEN, Edge.BIG, Edge.OPEN)

    def _end(self, end: Node, table: dict[int, int]) -> str:
        whole = _whole(end)
        return str(whole).translate(table) if whole is not None and whole >= 0 else ""

    def _braced(self, end: Node) -> str:
        return self.show(end) if isinstance(end, Name) else f"{{{self.show(end)}}}"

    def remainder(self, name: str, power: int) -> str:
        return f"O({self.letter(name)}{str(power).translate(_SUPERSCRIPTS) if power > 1 else ''})"

    def given(self, conditions: tuple[Condition, ...]) -> str:
        *most, last = (self.show(condition) for condition in conditions)
        return f" if {', '.join(most)}{' and ' if most else ''}{last}"


def _whole(node: Node) -> int | None:
    """The whole number that a node writes, or None."""
    match node:
        case Number(value) if value.denominator == 1:
            return int(value)
        case Negative(Number(value)) if value.denominator == 1 and value:
            return -int(value)
    return None
