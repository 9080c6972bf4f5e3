"""Points far out, at which a claim fails that is true of plain numbers: M < 10000, H <= 1.38, t > 0.01, n != 5.

An equation between smooth functions that holds at generic points holds; an inequality may be violated in a corner alone,
as may anything with max, min and abs. So these are tried with equal logits of many classes, with saturated rows, with large
offsets both ways, with each letter at the ends of its domain, and with the numbers that the claim itself names. An
equation is tried with more classes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias

from smxcheck.derivations.points import Given, Point
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.symbols import Symbol
from smxcheck.formula.tree import Apply, Claim, Number, free_indices, names, walk

Vector: TypeAlias = tuple[Fraction, ...]

#: Numbers of classes beside those of the plain points, and the largest that a number in the claim may ask for.
_MORE_CLASSES = (5, 6, 7, 8)
_LARGEST_CLASSES = 128

#: Choices of free indices that are evaluated at an extreme point.
CHOICES = 8

#: Offsets of logits, and distances of one logit from the others: exp(-1000) beside 1 is held by 4000 digits, exp(-10000)
#: by none that are used, so that what it leaves in doubt is not counted.
_OFFSETS = (-100_000, -10, 10, 10_000, 100_000)
_DISTANCES = (-10_000, -1000, -60, 10, 60, 1000)

#: The unit roundoffs of bfloat16, float16 and float64, beside that of float32.
_ROUNDOFFS = (Fraction(1, 2**8), Fraction(1, 2**11), Fraction(1, 2**53))

_SMALL, _LARGE = Fraction(1, 10**6), 10**6

#: Numbers that stand in a claim and are put for its letters, at most so many and so large.
_MOST_NAMED, _LARGEST_NAMED = 4, 10**6


def extreme_points(claim: Claim, lexicon: Lexicon) -> list[Point]:
    """Points beside the plain ones, the plainest first."""
    source = _Ordinary(claim, lexicon)
    found = [source.point(classes) for classes in source.classes]
    if claim.relation.order is None and _may_fail_in_a_corner(claim):
        found += [*_logits(source), *_letters(source)]
    return found


def _may_fail_in_a_corner(claim: Claim) -> bool:
    bends = any(isinstance(part, Apply) and part.function in ("max", "min", "abs") for part in walk(claim))
    return bends or claim.relation.operator != "==" or "u" in names(claim)


def named_numbers(claim: Claim) -> list[Fraction]:
    """The numbers in a claim, the largest first: that is where a < 100 fails."""
    found = {abs(part.value) for part in walk(claim) if isinstance(part, Number)}
    return sorted((v for v in found if v <= _LARGEST_NAMED), reverse=True)[:_MOST_NAMED]


class _Ordinary:
    """Points whose letters all have generic numbers, but for those that are set."""

    def __init__(self, claim: Claim, lexicon: Lexicon) -> None:
        nodes = [claim.relation, *claim.conditions]
        self.symbols = [
            lexicon.symbols[name] for name in sorted(lexicon.given(nodes))
            if name != "n" and lexicon.symbols[name].kind != "function"
        ]  # fmt: skip
        if {"f", "df"} & lexicon.used(nodes) and lexicon.symbols["N"] not in self.symbols:
            self.symbols.append(lexicon.symbols["N"])
        self.named = named_numbers(claim)
        asked = {int(v) + by for v in self.named for by in (0, 1, 2) if v <= _LARGEST_CLASSES} if "n" in names(claim) else set()
        few = len(free_indices(claim)) < 2
        self.classes = sorted({*_MORE_CLASSES, *(n for n in asked if n > max(_MORE_CLASSES) and few)})
        self._draw = random.Random(len(self.symbols))

    def point(self, classes: int, **given: Given) -> Point:
        numbers = {s.name: given[s.name] if s.name in given else self._ordinary(s, classes) for s in self.symbols}
        return Point(classes, MappingProxyType(numbers), most=CHOICES)

    def _ordinary(self, symbol: Symbol, classes: int) -> Given:
        if symbol.kind == "vector":
            found = [self._number(symbol.domain) for _ in range(classes)]
            if symbol.domain == "distribution" or (symbol.domain == "labels" and classes % 2):
                found = [v / sum(found) for v in found]
            return tuple(found)
        return self._number(symbol.domain)

    def _number(self, domain: str) -> Fraction:
        drawn = Fraction(self._draw.randint(100, 3000), 1000)
        match domain:
            case "real":
                return drawn * self._draw.choice((1, -1))
            case "unit":
                return drawn / 4
            case "order":
                return Fraction(4)
            case "rounding" | "roundoff":
                return Fraction(1, 2**24)
        return drawn


def _logits(source: _Ordinary) -> Iterator[Point]:
    """Equal, saturated and shifted logits."""
    if "z" not in {s.name for s in source.symbols}:
        return
    for classes in (2, 4, *source.classes):
        yield source.point(classes, z=(Fraction(0),) * classes)
    steps = [Fraction(step) for step in (0, 1, 3)]
    for classes, distance in ((n, d) for d in _DISTANCES for n in (2, 3)):
        yield source.point(classes, z=(Fraction(distance), *steps[: classes - 1]))
    for offset in (*map(Fraction, _OFFSETS), *(sign * v for v in source.named for sign in (1, -1))):
        yield source.point(3, z=tuple(offset + step for step in steps))
        yield source.point(1, z=(offset,))


def _letters(source: _Ordinary) -> Iterator[Point]:
    """Each letter in turn at the ends of its domain, and at the numbers that the claim names."""
    for symbol in source.symbols:
        if symbol.kind == "scalar":
            for value in _ends(symbol.domain, source.named):
                yield source.point(3, **{symbol.name: value})
        elif symbol.name != "z":
            for vector in _vectors(symbol.domain, source.named):
                yield source.point(len(vector), **{symbol.name: vector})


def _ends(domain: str, named: Sequence[Fraction]) -> list[Fraction]:
    """Numbers of a scalar's domain."""
    match domain:
        case "unit":
            inside = [v for v in named if 0 < v < 1]
            return [_SMALL, 1 - _SMALL, Fraction(1, 2), *inside, *(v / 2 for v in inside)]
        case "order":
            return [Fraction(2), Fraction(4), Fraction(6)]
        case "roundoff":
            return list(_ROUNDOFFS)
        case "rounding":
            return [Fraction(0)]
    ends = [Fraction(1), _SMALL, Fraction(_LARGE), *named, *(2 * v for v in named), *(v / 2 for v in named)]
    if domain == "positive":
        return [v for v in ends if v > 0]
    return [Fraction(0), *ends] if domain == "nonnegative" else [Fraction(0), *ends, *(-v for v in ends)]


def _vectors(domain: str, named: Sequence[Fraction]) -> list[Vector]:
    """Vectors of a domain."""
    zero, one = Fraction(0), Fraction(1)
    match domain:
        case "distribution":
            return [(_SMALL, 1 - _SMALL), (1 - _SMALL, _SMALL / 2, _SMALL / 2), (Fraction(1, 3),) * 3]
        case "rounding":
            return []
    found: list[Vector] = [(v, one, 3 * one) for v in (one, Fraction(_LARGE), *named, *(2 * v for v in named))]
    if domain != "positive":
        found += [(zero, zero, zero), (zero, one, zero)]
    return found if domain in ("positive", "nonnegative", "labels") else [*found, *(tuple(-v for v in f) for f in found)]
