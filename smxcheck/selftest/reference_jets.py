"""Derivatives by hyper-dual numbers over intervals: what a definition gives when it is differentiated by the chain rule alone.

A jet is a + b·ε₁ + c·ε₂ + d·ε₁ε₂ with ε₁² = ε₂² = 0. A function written for jets and given x_j + ε₁ has ∂f/∂x_j in b, and
given x_j + ε₁, x_k + ε₂ has ∂²f/∂x_j∂x_k in d, without a step and without truncation (Fike & Alonso, AIAA 2011-886). The
parts are intervals of mpmath, rounded outwards, so that they hold the exact derivatives however much cancels. None is a
part that is exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mpmath import iv

#: An interval of mpmath, or None for an exact 0.
Part = Any

#: A context of its own: the precision that is set here is nobody else's.
intervals = type(iv)()


def _sum(*parts: Part) -> Part:
    some = [p for p in parts if p is not None]
    return sum(some[1:], some[0]) if some else None


def _product(*parts: Part) -> Part:
    if any(p is None for p in parts):
        return None
    out = parts[0]
    for p in parts[1:]:
        out = out * p
    return out


@dataclass(frozen=True)
class Jet:
    """a + b·ε₁ + c·ε₂ + d·ε₁ε₂."""

    a: Part
    b: Part = None
    c: Part = None
    d: Part = None

    def __add__(self, other: Jet | int) -> Jet:
        y = jet(other)
        return Jet(self.a + y.a, _sum(self.b, y.b), _sum(self.c, y.c), _sum(self.d, y.d))

    def __neg__(self) -> Jet:
        return self * jet(-1)

    def __sub__(self, other: Jet | int) -> Jet:
        return self + -jet(other)

    def __rsub__(self, other: int) -> Jet:
        return jet(other) - self

    def __mul__(self, other: Jet | int) -> Jet:
        y = jet(other)
        return Jet(
            self.a * y.a,
            _sum(_product(self.a, y.b), _product(self.b, y.a)),
            _sum(_product(self.a, y.c), _product(self.c, y.a)),
            _sum(_product(self.a, y.d), _product(self.b, y.c), _product(self.c, y.b), _product(self.d, y.a)),
        )

    def __truediv__(self, other: Jet | int) -> Jet:
        y = jet(other)
        one = 1 / y.a
        return self * y.through(one, -(one * one), 2 * one * one * one)

    __radd__, __rmul__ = __add__, __mul__

    def __rtruediv__(self, other: int) -> Jet:
        return jet(other) / self

    def through(self, value: Part, slope: Part, bend: Part) -> Jet:
        """f of the jet from f, f' and f'' at its value: the chain rule, twice."""
        return Jet(
            value,
            _product(slope, self.b),
            _product(slope, self.c),
            _sum(_product(bend, self.b, self.c), _product(slope, self.d)),
        )


def jet(number: Jet | float) -> Jet:
    """A number as it stands: every float is one exactly."""
    return number if isinstance(number, Jet) else Jet(intervals.mpf(number))


def exp(x: Jet) -> Jet:
    w = intervals.exp(x.a)
    return x.through(w, w, w)


def log(x: Jet) -> Jet:
    one = 1 / x.a
    return x.through(intervals.log(x.a), one, -(one * one))


def sqrt(x: Jet) -> Jet:
    root = intervals.sqrt(x.a)
    slope = 1 / (2 * root)
    return x.through(root, slope, -slope / (2 * x.a))


def total(terms: Iterable[Jet]) -> Jet:
    out = None
    for t in terms:
        out = t if out is None else out + t
    return jet(0) if out is None else out


def along(x: list[Jet], first: list[Jet | int]) -> list[Jet]:
    """x + first·ε₁: a tangent."""
    return [Jet(v.a, jet(t).a) for v, t in zip(x, first, strict=True)]


def seeded(x: list[Jet], first: int, second: int | None = None) -> list[Jet]:
    """x with ε₁ at one place and ε₂ at another (the same, where the two are)."""
    one = intervals.mpf(1)
    return [
        Jet(v.a, one if k == first else None, one if k == second else None) for k, v in enumerate(x)
    ]
