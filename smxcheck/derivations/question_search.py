"""Where an inequality comes nearest to failing: uphill from the points that were evaluated.

x*exp(-x) <= 0.3675 is false near x = 1 alone, and abs(diff(p[i], z[j])) <= 0.249 near ties of two classes. Points are few,
and the largest value of a formula lies between them. So one number at a time is moved, up or down, by steps that are halved, as
long as that brings the two sides nearer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from smxcheck.derivations.points import Point
from smxcheck.derivations.question_table import Entry
from smxcheck.formula.evaluate import Environment, TooCostly, Undefined, evaluate, holds
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.tree import Claim, Integral, order_of, walk

#: Operations of a search, and digits of its arithmetic: what it finds is judged anew.
BUDGET, _DIGITS = 250_000, 40

#: How many points are started from, one for each choice of classes, and the steps from there.
_STARTS = 6
_STEPS = tuple(Fraction(step) for step in ("1", "0.5", "0.2", "0.1", "0.03", "0.01", "0.003", "0.001"))
_MOST_ROUNDS = 8

#: No start has a larger number: far out, where formulas are flat, steps of 1 lead nowhere.
_FARTHEST = 50

#: Domains in which a number may be moved by itself, and the least that it may become; those of a sum may not.
_LEAST = {"real": None, "positive": Fraction(1, 1000), "nonnegative": Fraction(0), "unit": Fraction(1, 1000)}


def nearest_to_failure(claim: Claim, lexicon: Lexicon, entries: Sequence[Entry]) -> list[Point]:
    """Points at which an inequality seems to fail, at most one for each start; none for any other relation."""
    relation = claim.relation
    if relation.operator not in ("<", "<=", ">", ">=") or relation.order or any(isinstance(p, Integral) for p in walk(claim)):
        return []
    left = BUDGET
    found = []
    for entry in _starts(entries):
        climb = _Climb(claim, lexicon, entry, left)
        point = climb.top()
        left = climb.left
        if point is not None:
            found.append(point)
    return found


def _starts(entries: Sequence[Entry]) -> list[Entry]:
    """The evaluations with the smallest gap, for each number of classes and each choice of indices the first of them."""
    best: dict[Any, Entry] = {}
    for entry in sorted(entries, key=_gap):
        given = entry.witness.point.given.values()
        if all(abs(v) <= _FARTHEST for value in given for v in (value if isinstance(value, tuple) else (value,))):
            equal = len(set(entry.witness.indices.values())) < len(entry.witness.indices)
            best.setdefault((entry.witness.point.classes, equal), entry)
    return list(best.values())[:_STARTS]


def _gap(entry: Entry) -> float:
    return float(abs(entry.witness.left - entry.witness.right))


class _Climb:
    """The way from one point to where the sides are nearest, or have crossed."""

    def __init__(self, claim: Claim, lexicon: Lexicon, start: Entry, budget: int) -> None:
        self._claim, self._lexicon, self._indices = claim, lexicon, start.witness.indices
        self._point, self.left = start.witness.point, budget

    def top(self) -> Point | None:
        """A point where the relation seems to fail; None where the way ends before."""
        here = self._room(self._point)
        for step in _STEPS:
            for _ in range(_MOST_ROUNDS):
                before = here
                for moved in self._moves(step):
                    there = self._room(moved)
                    if there is not None and (here is None or there < here):
                        self._point, here = moved, there
                        if here < 0:
                            return self._point
                if self.left < 0 or here == before:
                    break
        return None

    def _room(self, point: Point) -> Any:
        """How far the relation is from failing; None where it has no value or its conditions do not hold."""
        if self.left < 0:
            return None
        at: Environment = point.environment(self._lexicon, order_of(self._claim), _DIGITS)
        at.allow(self.left)
        try:
            if not all(holds(condition, at, self._indices) for condition in self._claim.conditions):
                return None
            left, right = (evaluate(s, at, self._indices) for s in (self._claim.relation.left, self._claim.relation.right))
        except (Undefined, TooCostly):
            return None
        finally:
            self.left = at.left
        return right - left if self._claim.relation.operator in ("<", "<=") else left - right

    def _moves(self, step: Fraction) -> Iterator[Point]:
        for name in tuple(self._point.given):
            domain = self._lexicon.symbols[name].domain
            if domain not in _LEAST:
                continue
            value = self._point.given[name]
            for k in range(len(value)) if isinstance(value, tuple) else (None,):
                for change in (step, -step):
                    yield from self._moved(name, k, change, domain)

    def _moved(self, name: str, place: int | None, change: Fraction, domain: str) -> Iterator[Point]:
        value = self._point.given[name]  # of now: an earlier move may have been kept
        old = value[place] if isinstance(value, tuple) and place is not None else value
        assert isinstance(old, Fraction)
        new, least = old + change, _LEAST[domain]
        if (least is not None and new < least) or (domain == "unit" and new >= 1):
            return
        changed = (*value[:place], new, *value[place + 1 :]) if isinstance(value, tuple) and place is not None else new
        yield replace(self._point, given=MappingProxyType({**self._point.given, name: changed}))
