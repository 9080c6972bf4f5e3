"""What a derivation is: parts, each a chain of steps from a line that is known to one that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.tree import Claim, Condition, Node, Relation


@dataclass(frozen=True)
class Step:
    """One line of a chain: ``operator`` relates it to the line above; ``rule`` says in words why it follows.

    ``given`` are conditions that hold from this line on. ``order`` makes the relation hold up to O(t^k). A step with an
    inequality says in ``equality`` where both sides are equal, so that a bound that is too wide is noticed as well.
    """

    rule: str
    expression: Node
    operator: str = "=="
    given: tuple[Condition, ...] = ()
    order: tuple[str, int] | None = None
    equality: tuple[Condition, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Part:
    """A chain: ``start``, then steps that follow from one another, under ``conditions``."""

    title: str
    start: Node
    steps: tuple[Step, ...]
    conditions: tuple[Condition, ...] = ()
    text: str = ""

    def relations(self) -> Iterator[tuple[Step, Relation, tuple[Condition, ...]]]:
        """Each step as a relation between the line before and its own, with the conditions that hold there."""
        line, conditions = self.start, self.conditions
        for step in self.steps:
            conditions = (*conditions, *step.given)
            yield step, Relation(step.operator, line, step.expression, step.order), conditions
            line = step.expression


@dataclass(frozen=True)
class Derivation:
    """A topic: from definitions to results.

    ``definitions`` are the letters that are written out at its head, in this order; ``results`` are what it arrives at,
    each executed by itself as well; ``functions`` are those of the catalog that compute its results.
    """

    id: str
    title: str
    group: str
    summary: str
    parts: tuple[Part, ...]
    results: tuple[Claim, ...] = ()
    definitions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    lexicon: Lexicon = field(default=COMMON, repr=False, compare=False)

    @property
    def steps(self) -> Iterator[tuple[Part, int, Step]]:
        """Every step with its part and its number, counted through all parts from 1 on."""
        number = 0
        for part in self.parts:
            for step in part.steps:
                number += 1
                yield part, number, step
