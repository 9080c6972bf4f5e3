"""Whether a relation holds: both sides evaluated at every point, for the choices of its free indices.

That a relation holds here is evidence, no proof: analytic functions that agree in 30 and more digits at dozens of points,
drawn without regard to them, are the same with practical certainty. That one fails is a proof: the point is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from smxcheck.derivations.points import Point, assignments
from smxcheck.formula.evaluate import (
    COMPARISONS,
    DIGITS,
    MOST_OPERATIONS,
    QUADRATURE_DIGITS,
    Environment,
    TooCostly,
    Undefined,
    evaluate,
    holds,
)
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.tree import Condition, Integral, Node, Relation, free_indices, order_of, walk

#: Digits in which two sides must agree to count as equal, and beyond which they must differ to count as different. What
#: lies between is undecided: it is neither.
AGREE, DIFFER = 30, 20

#: Places after the point that differences leave of a number near 1, by nested order: somewhat below the 2·D/(r + 2) of
#: `smxcheck.formula.evaluate`, since higher derivatives of these functions reach 10^12 at the points that are used.
_PLACES = {0: 110, 1: 64, 2: 46, 3: 34}
_PLACES_OF_QUADRATURE = 32


#: Digits up to which two sides near 0 are evaluated to tell them apart.
MOST_DIGITS = 4000


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
class Setting:
    """How exactly a formula can be evaluated: its nested order of derivatives, the digits of the arithmetic, the places
    that are right, and the digits in which two sides must agree."""

    order: int
    digits: int
    places: int
    agree: int


def setting_of(node: Node) -> Setting:
    """How exactly a formula can be evaluated."""
    order = order_of(node)
    if any(isinstance(part, Integral) for part in walk(node)):
        return Setting(order, QUADRATURE_DIGITS, _PLACES_OF_QUADRATURE - 8 * order, 25 - 8 * order)
    return Setting(order, DIGITS, _PLACES[order], min(AGREE, _PLACES[order] - 4))


class Places:
    """Points at which relations of one lexicon are evaluated one after another, with what was evaluated there before.

    The line before a step is the line of the step before: its value is the same, and so are those of the letters in it.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._environments: dict[tuple[Any, ...], Environment] = {}
        self._values: dict[tuple[Any, ...], tuple[Node, Environment, Any]] = {}

    def at(self, point: Point, setting: Setting) -> Environment:
        """The environment of a point, with operations to spend. Without derivatives the step of differences is free."""
        order = max(setting.order, 1)
        key = (tuple(sorted(point.given.items())), point.classes, point.phi.text, order, setting.digits)
        if key not in self._environments:
            self._environments[key] = point.environment(self._lexicon, order, setting.digits)
        self._environments[key].allow(MOST_OPERATIONS)
        return self._environments[key]

    def value(self, node: Node, at: Environment, indices: Mapping[str, int]) -> Any:
        """What a line is at a place. Raises Undefined and TooCostly."""
        key = (id(node), id(at), *(indices[letter] for letter in _letters(node)))
        if key not in self._values:
            self._values[key] = node, at, evaluate(node, at, indices)  # which live on with it, so that no id comes again
        return self._values[key][-1]


@lru_cache(maxsize=1024)
def _letters(node: Node) -> tuple[str, ...]:
    return free_indices(node)


def execute(
    relation: Relation,
    conditions: Sequence[Condition],
    lexicon: Lexicon,
    where: Iterable[Point],
    places: Places | None = None,
) -> Finding:
    """Evaluates both sides wherever the conditions hold, and stops at the first failure; a point in doubt alone stops
    nothing, since another may decide.

    With a remainder O(t^k) the difference of the sides must fall at least like t^k, measured at two small t. ``places``
    keeps what was evaluated for the next relation of the chain.
    """
    places = places or Places(lexicon)
    setting = setting_of(relation)
    letters = free_indices(relation)
    letters += tuple(i for c in conditions for i in free_indices(c) if i not in letters)
    least, decided, undefined, why = setting.digits, 0, 0, ""
    doubt: Finding | None = None
    for point in where:
        at = places.at(point, setting)
        told = False
        for indices in _spread(list(_assignments(letters, point, conditions, at)), point.most):
            try:
                outcome, digits, sides, why_not = compare(relation, at, indices, setting, places)
            except Undefined as error:
                undefined, why = undefined + 1, str(error)
                continue
            except TooCostly as error:
                return Finding(Outcome.UNDECIDED, 0, decided, undefined, None, str(error))
            if outcome is Outcome.TRUE:
                least, told = min(least, digits), True
                continue
            witness = Witness(evaluated_at(point, relation), indices, *sides)
            doubtful = Finding(outcome, digits, decided, undefined, witness, why_not)
            if outcome is Outcome.FALSE:
                return doubtful
            doubt = doubt or doubtful
        decided += told
    if doubt:
        return doubt
    if not decided:
        return Finding(Outcome.UNDECIDED, 0, 0, undefined, None, why or "no point satisfies the conditions")
    return Finding(Outcome.TRUE, least, decided, undefined)


def _spread(choices: list[Mapping[str, int]], most: int | None) -> list[Mapping[str, int]]:
    """At most so many of them, evenly spread: a third into each share of the list, since a stride that is a multiple of the
    number of classes would choose the same last index always."""
    if most is None or len(choices) <= most:
        return choices
    return [choices[(3 * i + 1) * len(choices) // (3 * most)] for i in range(most)]


def evaluated_at(point: Point, relation: Relation) -> Point:
    """The point at which the sides of a relation were evaluated: a remainder sets its scalar itself."""
    if relation.order is None:
        return point
    name, power = relation.order
    return replace(point, given=MappingProxyType({**point.given, name: _small(power)}))


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


def compare(
    relation: Relation, at: Environment, indices: Mapping[str, int], setting: Setting, places: Places | None = None
) -> tuple[Outcome, int, tuple[Any, Any], str]:
    """The outcome at one point, the digits of agreement, both sides, and in words why not where numbers do not tell."""
    if relation.order is not None:
        return _remainder(relation, at, indices, setting)
    left, right = _sides(relation, at, indices, places)
    if _tiny(left, right, setting):
        if _noise(_sides(relation, at.finer(setting.order, 2 * setting.digits), indices), (left, right), setting):
            return Outcome.TRUE, setting.places, (left, right), ""
        finer = _finer(setting, left, right)
        if finer.digits > MOST_DIGITS:
            return Outcome.UNDECIDED, 0, (left, right), "both sides are too near to 0 to tell whether they differ"
        left, right = _sides(relation, at.finer(finer.order, finer.digits), indices)
        outcome, digits = _related(relation.operator, left, right, finer)
        return outcome, min(digits, setting.places), (left, right), ""
    return *_related(relation.operator, left, right, setting), (left, right), ""


def _sides(
    relation: Relation, at: Environment, indices: Mapping[str, int], places: Places | None = None
) -> tuple[Any, Any]:
    value = places.value if places else evaluate
    left, right = value(relation.left, at, indices), value(relation.right, at, indices)
    if not (at.context.isfinite(left) and at.context.isfinite(right)):
        raise Undefined("an infinite value")
    return left, right


def _tiny(left: Any, right: Any, setting: Setting) -> bool:
    """Whether two sides that differ are so small that noise could be the reason."""
    scale, ten = max(abs(left), abs(right)), left.context.mpf(10)
    return bool(scale**2 <= ten**-setting.places and abs(left - right) > scale * ten**-setting.agree)


def _noise(twice: tuple[Any, Any], once: tuple[Any, Any], setting: Setting) -> bool:
    """Whether two tiny sides are 0 but for noise, which falls to 10^-2places with twice the digits: a number does not."""
    after, before = (max(map(abs, sides)) for sides in (twice, once))
    ten = after.context.mpf(10)
    return bool(after <= ten ** (10 - 2 * setting.places) and after <= before * ten**-20)


def _finer(setting: Setting, left: Any, right: Any) -> Setting:
    """Digits that tell exp(-1000), which is tiny, from log(1 + exp(-1000)) that rounding made 0: 1 + exp(-1000) must hold
    it, and of D digits 2D/(order + 2) places are right."""
    size = -int(left.context.log10(max(abs(left), abs(right))))
    digits = max(2 * setting.digits, (setting.order + 2) * (size + 60))
    return Setting(setting.order, digits, 2 * size + 50, setting.agree)


def _related(operator: str, left: Any, right: Any, setting: Setting) -> tuple[Outcome, int]:
    difference, scale = abs(left - right), max(abs(left), abs(right))
    noise = left.context.mpf(10) ** -setting.places
    if operator == "==":
        return _equal(difference, scale, noise, setting)
    if operator == "!=":
        outcome, digits = _equal(difference, scale, noise, setting)
        return {Outcome.TRUE: Outcome.FALSE, Outcome.FALSE: Outcome.TRUE}.get(outcome, outcome), digits
    if difference <= noise * max(scale, 1):  # equal, as far as can be told
        return (Outcome.TRUE if "=" in operator else Outcome.FALSE), setting.agree
    return (Outcome.TRUE if COMPARISONS[operator](left, right) else Outcome.FALSE), setting.agree


def _equal(difference: Any, scale: Any, noise: Any, setting: Setting) -> tuple[Outcome, int]:
    context = noise.context
    if difference <= noise:
        return Outcome.TRUE, setting.places if difference == 0 else _digits(difference, max(scale, 1), setting, context)
    if difference <= scale * context.mpf(10) ** -setting.agree:
        return Outcome.TRUE, _digits(difference, scale, setting, context)
    if difference > scale * context.mpf(10) ** -DIFFER and difference > context.sqrt(noise):
        return Outcome.FALSE, 0
    return Outcome.UNDECIDED, _digits(difference, scale, setting, context)


def _digits(difference: Any, scale: Any, setting: Setting, context: Any) -> int:
    return min(setting.places, int(context.floor(-context.log10(difference / scale))))


def _small(power: int) -> Fraction:
    """A t where t^power is 10^-30, far above all noise."""
    return Fraction(1, 10 ** (30 // power))


def _remainder(
    relation: Relation, at: Environment, indices: Mapping[str, int], setting: Setting
) -> tuple[Outcome, int, tuple[Any, Any], str]:
    """The order in which the difference of the sides falls from a small t to t/10."""
    assert relation.order is not None
    name, power = relation.order
    sides = []
    for t in (_small(power), _small(power) / 10):
        there = at.with_values(**{name: at.context.mpf(t.numerator) / t.denominator})
        sides.append((evaluate(relation.left, there, indices), evaluate(relation.right, there, indices)))
    first, second = (abs(left - right) for left, right in sides)
    if second <= at.context.mpf(10) ** -min(60, setting.places) or first == 0:  # no difference at all
        return Outcome.TRUE, power, sides[0], ""
    fell = at.context.log10(first / second)
    if fell > power - 0.01:
        return Outcome.TRUE, power, sides[0], ""
    return Outcome.FALSE, power, sides[0], f"the difference falls like {name}^{float(fell):.2f}, not {name}^{power}"
