"""Formulas and what belongs to them inside a paragraph of LaTeX, in a reader's letters; Markdown writes them alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smxcheck.formula.notation import Notation, latex
from smxcheck.formula.tree import Condition, Name, Node
from smxcheck.pages.latex_words import words
from smxcheck.pages.marks import LATEX_SIGNS, NUMBER, failure_head
from smxcheck.pages.model import Chain, Failure, Line, Numbers, Prose

#: Room for a line that the reader fills in.
_BLANK = r"\underline{\hspace{10em}}"


@dataclass(frozen=True)
class Inline:
    """Running text and formulas in LaTeX, in a reader's letters."""

    notation: Notation

    def math(self, node: Node) -> str:
        """A formula without dollars."""
        return latex(node, self.notation)

    def plain(self, text: str) -> str:
        """Running text without formulas."""
        return words(text)

    def words(self, prose: Prose) -> str:
        """Running text; its formulas between dollars."""
        return "".join(self.plain(part) if isinstance(part, str) else f"${self.math(part)}$" for part in prose)

    def conditions(self, conditions: Sequence[Condition]) -> str:
        """Conditions in running text."""
        return " and ".join(f"${self.math(condition)}$" for condition in conditions)

    def assignments(self, indices: Sequence[tuple[str, int]]) -> str:
        """``$i = 1$, $j = 2$``."""
        return ", ".join(f"${self.math(Name(letter))} = {number}$" for letter, number in indices)

    def line(self, line: Line) -> str:
        """The sign and the formula of a step, or room for one that the reader fills in."""
        expression = _BLANK if line.expression is None else self.math(line.expression)
        return f"{LATEX_SIGNS[line.operator]} {expression}{self.remainder(line.order)}"

    def remainder(self, order: tuple[str, int] | None) -> str:
        """`` + O(t^{3})``, nothing where there is none."""
        if order is None:
            return ""
        name, power = order
        letter = self.math(Name(name))
        return f" + O({letter})" if power == 1 else f" + O({letter}^{{{power}}})"

    def failure(self, failure: Failure, outcome: str) -> str:
        """``false at $z = (0, 1)$, $i = 1$: left $0.19$, right $-0.73$``."""
        given = [f"${self.math(Name(name))} = {value}$" for name, value in failure.point if name != "phi"]
        given += [f"${self.math(Name(name))}(x)$ = {self.plain(value)}" for name, value in failure.point if name == "phi"]
        place = ", ".join([*given, *([self.assignments(failure.indices)] if failure.indices else [])])
        return f"{failure_head(failure, outcome)}{place}: left {number(failure.left)}, right {number(failure.right)}"

    def numbers(self, entry: Numbers) -> str:
        """A line with numbers in it: ``$i = 1$: $0.5 \\cdot (1 - 0.5) = 0.25$``."""
        put = self.math(entry.formula)
        head = f"{self.assignments(entry.indices)}: " if entry.indices else ""
        return f"{head}${put}$" if put == entry.value else f"{head}${put} = {scientific(entry.value)}$"

    def rule(self, line: Line) -> str:
        """The number and the rule of a step, and the conditions that hold from it on."""
        rule = f"{line.number}.~{self.words(line.rule)}"
        return f"{rule} (from here on {self.conditions(line.given)})" if line.given else rule

    def title(self, chain: Chain) -> str:
        """The title of a chain and its conditions."""
        condition = f"if {self.conditions(chain.conditions)}" if chain.conditions else ""
        return ", ".join(filter(None, [self.words(chain.title), condition]))


def scientific(value: str) -> str:
    """A printed number in mathematics: ``1.5e-05`` is ``1.5 \\times 10^{-5}``."""
    mantissa, _, power = value.partition("e")
    return rf"{mantissa} \times 10^{{{int(power)}}}" if power and NUMBER.match(value) else value.replace("inf", r"\infty")


def number(value: str) -> str:
    """A printed number between dollars; what is no number, as text."""
    return f"${scientific(value)}$" if NUMBER.match(value) else words(value)
