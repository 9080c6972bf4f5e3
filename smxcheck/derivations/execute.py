"""Whether a relation holds: both sides evaluated at every point, for every choice of its free indices.

That a relation holds here is evidence, no proof: analytic functions that agree in 30 and more digits at dozens of points,
drawn without regard to them, are the same with practical certainty. That one fails is a proof: the point is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from smxcheck.derivations.points import Point, assignments
from smxcheck.formula.evaluate import (
    COMPARISONS,
    DIGITS,
    QUADRATURE_DIGITS,
    Environment,
    TooCostly,
    Undefined,
    evaluate,
    holds,
)
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.tree import Condition, Integral, Relation, free_indices, order_of, walk

#: Digits in which two sides must agree to count as equal, and beyond which they must differ to count as different. What
#: lies between is undecided: it is neither.
AGREE, DIFFER = 30, 20

#: Places after the point that differences leave of a number near 1, by nested order: somewhat below the 2·D/(r + 2) of
#: `smxcheck.formula.evaluate`, since higher derivatives of these functions reach 10^12 at the points that are used.
_PLACES = {0: 110, 1: 64, 2: 46, 3: 34}
_PLACES_OF_QUADRATURE = 32


class Outcome(StrEnum):
    """What an execution says."""

    TRUE = "true"
    FALSE = "false"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Witness:
    """Where both sides were evaluated, and what came out: numbers with all their digits, as mpf."""

    point: Point
    indices: Mapping[str, int]
    left: Any
    right: Any


@dataclass(frozen=True)
class Finding:
    """The outcome of one relation.

    ``digits`` is the least agreement found (for ==), in significant digits, or in places where both sides are 0;
    ``points`` how many points were decided and ``undefined`` how many had no value; ``witness`` the first failure.
    """

    outcome: Outcome
    digits: int = 0
    points: int = 0
    undefined: int = 0
    witness: Witness | None = None
    why: str = field(default="", compare=False)


@dataclass(frozen=True)
class _Setting:
    """How exactly one relation can be evaluated."""

    order: int
    digits: int
    places: int
    agree: int

    @classmethod
    def of(cls, relation: Relation) -> _Setting:
        order = order_of(relation)
        if any(isinstance(node, Integral) for node in walk(relation)):
            return cls(order, QUADRATURE_DIGITS, _PLACES_OF_QUADRATURE - 8 * order, 25 - 8 * order)
        return cls(order, DIGITS, _PLACES[order], min(AGREE, _PLACES[order] - 4))


def execute(
    relation: Relation, conditions: Sequence[Condition], lexicon: Lexicon, where: Iterable[Point]
) -> Finding:
    """Evaluates both sides wherever the conditions hold, and stops at the first failure.

    With a remainder O(t^k) the difference of the sides must fall at least like t^k, measured at two small t.
    """
    setting = _Setting.of(relation)
    letters = free_indices(relation)
    letters += tuple(i for c in conditions for i in free_indices(c) if i not in letters)
    least, decided, undefined, why = setting.digits, 0, 0, ""
    for point in where:
        at = point.environment(lexicon, setting.order, setting.digits)
        told = False
        for indices in _assignments(letters, point, conditions, at):
            try:
                outcome, digits, sides = _compare(relation, at, indices, setting)
            except Undefined as error:
                undefined, why = undefined + 1, str(error)
                continue
            except TooCostly as error:
                return Finding(Outcome.UNDECIDED, 0, decided, undefined, None, str(error))
            if outcome is not Outcome.TRUE:
                return Finding(outcome, digits, decided, undefined, Witness(point, indices, *sides))
            least, told = min(least, digits), True
        decided += told
    if not decided:
        return Finding(Outcome.UNDECIDED, 0, 0, undefined, None, why or "no point satisfies the conditions")
    return Finding(Outcome.TRUE, least, decided, undefined)


def _assignments(
    letters: tuple[str, ...], point: Point, conditions: Sequence[Condition], at: Environment
) -> Iterator[Mapping[str, int]]:
    """The choices of indices that satisfy the conditions; where a condition has no value it is not satisfied."""
    for indices in assignments(letters, point.classes):
        try:
            if all(holds(condition, at, indices) for condition in conditions):
                yield MappingProxyType(indices)
        except (Undefined, TooCostly):
            continue


def _compare(
    relation: Relation, at: Environment, indices: Mapping[str, int], setting: _Setting
) -> tuple[Outcome, int, tuple[Any, Any]]:
    if relation.order is not None:
        return _remainder(relation, at, indices)
    left, right = evaluate(relation.left, at, indices), evaluate(relation.right, at, indices)
    difference, scale = abs(left - right), max(abs(left), abs(right))
    noise = at.context.mpf(10) ** -setting.places
    if relation.operator == "==":
        return *_equal(difference, scale, noise, setting), (left, right)
    if relation.operator == "!=":
        outcome, digits = _equal(difference, scale, noise, setting)
        opposite = {Outcome.TRUE: Outcome.FALSE, Outcome.FALSE: Outcome.TRUE}
        return opposite.get(outcome, outcome), digits, (left, right)
    if difference <= noise * max(scale, 1):  # equal, as far as can be told
        return (Outcome.TRUE if "=" in relation.operator else Outcome.FALSE), setting.agree, (left, right)
    true = COMPARISONS[relation.operator](left, right)
    return (Outcome.TRUE if true else Outcome.FALSE), setting.agree, (left, right)


def _equal(difference: Any, scale: Any, noise: Any, setting: _Setting) -> tuple[Outcome, int]:
    context = noise.context
    if difference <= noise:
        return Outcome.TRUE, setting.places if difference == 0 else _digits(difference, max(scale, 1), setting, context)
    if difference <= scale * context.mpf(10) ** -setting.agree:
        return Outcome.TRUE, _digits(difference, scale, setting, context)
    if difference > scale * context.mpf(10) ** -DIFFER and difference > context.sqrt(noise):
        return Outcome.FALSE, 0
    return Outcome.UNDECIDED, _digits(difference, scale, setting, context)


def _digits(difference: Any, scale: Any, setting: _Setting, context: Any) -> int:
    return min(setting.places, int(context.floor(-context.log10(difference / scale))))


def _remainder(
    relation: Relation, at: Environment, indices: Mapping[str, int]
) -> tuple[Outcome, int, tuple[Any, Any]]:
    """The order in which the difference falls from t to t/10, at a t where t^k is 10^-30, far above all noise."""
    assert relation.order is not None
    name, power = relation.order
    small = at.context.mpf(10) ** -(30 // power)
    sides = []
    for t in (small, small / 10):
        there = at.with_values(**{name: t})
        sides.append((evaluate(relation.left, there, indices), evaluate(relation.right, there, indices)))
    first, second = (abs(left - right) for left, right in sides)
    if second <= at.context.mpf(10) ** -60 or first == 0:  # no difference at all
        return Outcome.TRUE, power, sides[0]
    fell = at.context.log10(first / second)
    return (Outcome.TRUE if fell > power - 0.01 else Outcome.FALSE), power, sides[0]
