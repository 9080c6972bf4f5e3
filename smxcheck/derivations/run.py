"""A derivation executed: each step against the line before it, and each result by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smxcheck.derivations.execute import Finding, Outcome, Places, execute
from smxcheck.derivations.model import Derivation, Part, Step
from smxcheck.derivations.points import RANDOM_POINTS, Point, points
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.tree import Claim, Condition, Integral, Relation, free_indices, walk

#: Classes of the largest points. With two and more free indices fewer will do, as every choice of them is evaluated: four
#: classes hold three different indices and a class beside them.
MOST_CLASSES, FEWER_CLASSES = 5, 4
_SEVERAL = 2

#: Generic points of a relation with an integral, each of whose values takes the integrand at a thousand points.
POINTS_OF_QUADRATURE = 18


@dataclass(frozen=True)
class StepResult:
    """A step, its number from 1 on through all parts, and what its execution said.

    ``sharp`` is the finding on where an inequality is an equality; None for other steps.
    """

    number: int
    part: Part
    step: Step
    relation: Relation
    finding: Finding
    sharp: Finding | None = None

    @property
    def true(self) -> bool:
        """Whether the step was executed and holds."""
        return self.finding.outcome is Outcome.TRUE and (self.sharp is None or self.sharp.outcome is Outcome.TRUE)


@dataclass(frozen=True)
class DerivationResult:
    """What the execution of a derivation said, step by step, and of each result."""

    derivation: Derivation
    steps: tuple[StepResult, ...]
    results: tuple[tuple[Claim, Finding], ...]

    @property
    def true(self) -> bool:
        """Whether every step and every result holds."""
        return all(s.true for s in self.steps) and all(f.outcome is Outcome.TRUE for _, f in self.results)

    @property
    def first_false(self) -> StepResult | None:
        """The first step that does not follow."""
        return next((s for s in self.steps if not s.true), None)


def run(derivation: Derivation, generic: int = RANDOM_POINTS) -> DerivationResult:
    """Executes every step at the simple points and at ``generic`` generic ones."""
    return DerivationResult(
        derivation,
        run_parts(derivation.parts, derivation.lexicon, generic),
        tuple((claim, run_claim(claim, derivation.lexicon, generic)) for claim in derivation.results),
    )


def run_parts(parts: Sequence[Part], lexicon: Lexicon, generic: int = RANDOM_POINTS) -> tuple[StepResult, ...]:
    """Executes chains of steps, published ones too."""
    found: list[StepResult] = []
    for part in parts:
        places = Places(lexicon)
        for step, relation, conditions in part.relations():
            finding, sharp = run_step(step, relation, conditions, lexicon, generic, places)
            found.append(StepResult(len(found) + 1, part, step, relation, finding, sharp))
    return tuple(found)


def run_step(
    step: Step,
    relation: Relation,
    conditions: Sequence[Condition],
    lexicon: Lexicon,
    generic: int = RANDOM_POINTS,
    places: Places | None = None,
) -> tuple[Finding, Finding | None]:
    """Executes one step, given as the relation to the line before it; for an inequality, where it is an equality too."""
    finding = run_relation(relation, conditions, lexicon, generic, places)
    if not step.equality:
        return finding, None
    equal = Relation("==", relation.left, relation.right, relation.order)
    return finding, run_relation(equal, (*conditions, *step.equality), lexicon, generic, places)


def run_claim(claim: Claim, lexicon: Lexicon, generic: int = RANDOM_POINTS) -> Finding:
    """Executes one relation with its conditions."""
    return run_relation(claim.relation, claim.conditions, lexicon, generic)


def run_relation(
    relation: Relation,
    conditions: Sequence[Condition],
    lexicon: Lexicon,
    generic: int = RANDOM_POINTS,
    places: Places | None = None,
) -> Finding:
    """Executes one relation under conditions at all points; ``places`` keeps what was evaluated for the next one."""
    return execute(relation, conditions, lexicon, _points(relation, conditions, lexicon, generic), places)


def _points(relation: Relation, conditions: Sequence[Condition], lexicon: Lexicon, generic: int) -> list[Point]:
    several = len(free_indices(relation)) >= _SEVERAL
    largest = FEWER_CLASSES if several else MOST_CLASSES
    if any(isinstance(node, Integral) for node in walk(relation)):
        generic = min(generic, POINTS_OF_QUADRATURE)
    return list(points(lexicon, [relation, *conditions], generic, largest))
