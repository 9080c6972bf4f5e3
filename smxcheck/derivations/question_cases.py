"""Conditions under which a claim that is false as it stands may be true, and the points at which they are tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType

from smxcheck.derivations.points import Given, Point, points
from smxcheck.derivations.question_extremes import extreme_points
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.tree import (
    Claim,
    Condition,
    IndexRelation,
    Integral,
    Item,
    Name,
    Negative,
    Node,
    Number,
    Relation,
    free_indices,
    indices_of,
    walk,
)

#: Generic points of a question, and of the tries where numbers are changed to satisfy a condition.
GENERIC, GENERIC_CHANGED = 32, 12

#: Most classes of a point unless the claim names a class beyond: more only repeat what four show, at a higher price.
CLASSES, MOST_CLASSES = 4, 8

#: The sizes of points that are drawn, by the largest: not 4 or 7, whose cycle is that of labels and φ, so that a size would
#: always come with the same kind of labels.
_DRAWN = {4: 5, 5: 5, 6: 6, 7: 8, 8: 8}

#: Largest number of points for integrals: beyond, the integrand is so narrow that a quadrature may miss it.
LARGEST_IN_INTEGRALS = 40


@dataclass(frozen=True)
class Case:
    """Conditions and what they say in words."""

    conditions: tuple[Condition, ...]
    words: str


#: Scalars, and the number that makes their formula the plain one.
_PLAIN_SCALARS: tuple[tuple[str, str, str], ...] = (
    ("tau", "1", "at temperature 1"),
    ("m", "0", "without a margin"),
    ("a", "0", "if the constant is 0"),
    ("C", "1", "if the factor is 1"),
)


def single_cases(claim: Claim, lexicon: Lexicon) -> Iterator[Case]:
    """The conditions that fit a claim's letters and can be tried at its own points, one by one."""
    letters = free_indices(claim)
    read = lexicon.conditions
    for one, other in itertools.combinations(letters, 2):
        yield Case(read(f"{one} != {other}"), f"{one} and {other} are different")
        yield Case(read(f"{one} == {other}"), f"{one} and {other} are the same")
    if len(letters) > 2:
        pairs = itertools.combinations(letters, 2)
        yield Case(read(", ".join(f"{one} != {other}" for one, other in pairs)), "all indices are different")
    if "y" in lexicon.used([claim]) and not lexicon.symbols["y"].definition:
        yield Case(read("Y == 1"), "the labels add up to 1")
        yield Case(read("Y == 1, max(k, y[k]) == 1"), "the labels are one-hot")
        for letter in letters:
            yield Case(read(f"Y == 1, y[{letter}] == 1"), f"{letter} is the label's class and the labels are one-hot")
    yield Case(read("n == 2"), "there are two classes")
    yield Case(read("n > 1"), "there are two or more classes")
    if "z" in lexicon.used([claim]):
        yield Case(read("M > mu"), "the logits are not all equal")


def scalar_cases(claim: Claim, lexicon: Lexicon) -> Iterator[Case]:
    """Conditions on scalars, which hold at no point unless their numbers are put there."""
    given = lexicon.given([claim])
    for name, value, words in _PLAIN_SCALARS:
        if name in given:
            yield Case(lexicon.conditions(f"{name} == {value}"), words)


def joined(one: Case, other: Case) -> Case | None:
    """Two cases at once; None where one says what the other says, or denies it."""
    conditions = tuple(dict.fromkeys((*one.conditions, *other.conditions)))
    if len(conditions) < len(one.conditions) + len(other.conditions) or _contradict(one, other):
        return None
    return Case(conditions, f"{one.words}, and {other.words}")


def _contradict(one: Case, other: Case) -> bool:
    pairs = itertools.product(one.conditions, other.conditions)
    return any(
        isinstance(a, IndexRelation) and isinstance(b, IndexRelation) and (a.left, a.right) == (b.left, b.right) for a, b in pairs
    )


# ---- points


def points_of(claim: Claim, lexicon: Lexicon) -> list[tuple[Point, bool]]:
    """Where a claim is evaluated, and whether each point is a generic one.

    Where it has conditions of its own, numbers are put that satisfy them, and points are added at which conditions on
    the logits or on n hold: with equal, tied, shifted and positive logits, and with one class.
    """
    found = _plain_points(claim, lexicon, GENERIC)
    if claim.conditions:
        generic = [p for p, drawn in found if drawn][:GENERIC_CHANGED]
        found += [(change(p), True) for change in (_equal, _tied, _shifted, _positive) for p in generic if "z" in p.given]
        found += [(_single(p), True) for p in generic]
        found = [(with_numbers_of(claim.conditions, p), drawn) for p, drawn in found]
    if any(isinstance(part, Integral) for part in walk(claim)):
        return [(p, drawn) for p, drawn in found if _largest(p) <= LARGEST_IN_INTEGRALS]
    return found + [(with_numbers_of(claim.conditions, p), False) for p in extreme_points(claim, lexicon)]


def changed_points(claim: Claim, lexicon: Lexicon, conditions: Sequence[Condition]) -> list[tuple[Point, bool]]:
    """A claim's points with the numbers put that conditions on scalars ask for."""
    return [(with_numbers_of(conditions, p), drawn) for p, drawn in _plain_points(claim, lexicon, GENERIC_CHANGED)]


def equal_logits(claim: Claim, lexicon: Lexicon) -> list[tuple[Point, bool]]:
    """A claim's points with all logits equal."""
    return [(_equal(p), drawn) for p, drawn in _plain_points(claim, lexicon, GENERIC_CHANGED) if "z" in p.given]


def _plain_points(claim: Claim, lexicon: Lexicon, generic: int) -> list[tuple[Point, bool]]:
    numbers = [i for part in walk(claim) for i in indices_of(part) if isinstance(i, int)]
    largest = min(max([CLASSES, *numbers]), MOST_CLASSES)
    found = list(points(lexicon, [claim.relation, *claim.conditions], generic, _DRAWN[largest]))
    simple = len(found) - generic
    return [(p, number >= simple) for number, p in enumerate(found) if p.classes <= largest]


def _largest(point: Point) -> Fraction:
    return max((abs(v) for value in point.given.values() for v in _entries(value)), default=Fraction(0))


def _entries(value: Given) -> tuple[Fraction, ...]:
    return value if isinstance(value, tuple) else (value,)


def _with_logits(point: Point, logits: Sequence[Fraction]) -> Point:
    return replace(point, given=MappingProxyType({**point.given, "z": tuple(logits)}))


def _logits(point: Point) -> tuple[Fraction, ...]:
    return _entries(point.given["z"])


def _equal(point: Point) -> Point:
    return _with_logits(point, [_logits(point)[0]] * point.classes)


def _tied(point: Point) -> Point:
    first, *rest = _logits(point)
    return _with_logits(point, [first, first, *rest[1:]][: point.classes])


def _shifted(point: Point) -> Point:
    largest = max(_logits(point))
    return _with_logits(point, [z - largest for z in _logits(point)])


def _positive(point: Point) -> Point:
    return _with_logits(point, [abs(z) for z in _logits(point)])


def _single(point: Point) -> Point:
    """The first class alone; a distribution is then 1."""
    given = {name: (value[0] if name != "q" else Fraction(1),) if isinstance(value, tuple) else value for name, value in point.given.items()}
    return replace(point, classes=1, given=MappingProxyType(given))


def with_numbers_of(conditions: Sequence[Condition], point: Point) -> Point:
    """The point with the numbers that conditions such as tau == 1 or z[2] == 0 ask for, where it gives that letter."""
    given: dict[str, Given] = dict(point.given)
    for condition in conditions:
        if isinstance(condition, Relation) and condition.operator == "==":
            _put(given, condition.left, condition.right)
            _put(given, condition.right, condition.left)
    return replace(point, given=MappingProxyType(given))


def _put(given: dict[str, Given], letter: Node, number: Node) -> None:
    value = _exact(number)
    if value is None:
        return
    match letter:
        case Name(name) if name in given:
            given[name] = value
        case Item(name, int(index)) if name in given and index <= len(_entries(given[name])):
            own = list(_entries(given[name]))
            own[index - 1] = value
            given[name] = tuple(own)


def _exact(node: Node) -> Fraction | None:
    match node:
        case Number(value):
            return value
        case Negative(Number(value)):
            return -value
    return None
