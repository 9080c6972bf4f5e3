"""Balls times powers of two: values far below the smallest float, or above the largest, with all their digits.

The leading part of a ball stays below 2^400 and that of a divisor above 2^-60, so that no operation overflows and what
underflows is counted; what is small has a small exponent instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.certified import ball as balls
from smxcheck.oracle.certified.ball import INFLATION, UNDERFLOW, Ball, ball, where
from smxcheck.oracle.certified.exact import Array, U, two_product
from smxcheck.oracle.certified.logarithm import log1p
from smxcheck.oracle.enclosure import Enclosure

Integers = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]

#: Weights with an exponent below this are known to be smaller than 2^-(2^30), and no more.
LOWEST = -(2**30)
#: Exponents further below the unit are cut to this: any float is 0 there, and loses less than the `UNDERFLOW` it costs.
_CUT = -5000
#: Whatever is not 0 becomes infinite in units of 2^-_OVERFLOW.
_OVERFLOW = 2**12
#: Below this unit log1p(s) = s to within s²·2^E, E the unit.
_LINEAR = -100
#: Exponent of an exact zero in a comparison of exponents; no other exponent is as low.
_ZERO = -(2**40)


@dataclass(frozen=True)
class Scaled:
    """A ball times 2^exponent, element by element."""

    ball: Ball
    exponent: Integers

    def __neg__(self) -> Scaled:
        return Scaled(-self.ball, self.exponent)

    def __add__(self, other: Scaled) -> Scaled:
        unit = np.maximum(self.rank, other.rank)
        return Scaled(self.at(unit) + other.at(unit), unit)  # two exact zeros: 0·2^_ZERO

    def __sub__(self, other: Scaled) -> Scaled:
        return self + -other

    def __mul__(self, other: Scaled) -> Scaled:
        return Scaled(self.ball * other.ball, self.exponent + other.exponent)

    def __truediv__(self, other: Scaled) -> Scaled:
        return Scaled(self.ball / other.ball, self.exponent - other.exponent)

    def __abs__(self) -> Scaled:
        return Scaled(abs(self.ball), self.exponent)

    @property
    def rank(self) -> Integers:
        """The exponent, and far below any where the value is exactly 0."""
        return np.where(self.ball.is_zero, _ZERO, self.exponent)

    def at(self, unit: Integers) -> Ball:
        """As a ball in units of 2^unit; what lies more than 5000 powers below counts as an error."""
        return self.ball.times_power(np.clip(self.exponent - unit, _CUT, 0))

    def plain(self) -> Ball:
        """As a ball; what underflows is counted as an error."""
        return self.ball.times_power(np.clip(self.exponent, _CUT, _OVERFLOW))

    def across(self) -> Scaled:
        """One value for each row as a column, (R,) → (R, 1)."""
        return Scaled(self.ball.across(), self.exponent[:, None])


def plain(b: Ball) -> Scaled:
    """A ball whose leading part is neither very large nor very small."""
    return Scaled(b, np.zeros(b.shape, np.int64))


def scaled(b: Ball) -> Scaled:
    """The same value with a leading part in [1/2, 1)."""
    shift = np.frexp(b.hi)[1].astype(np.int64)
    return Scaled(b.times_power(-shift), shift)


def normal(s: Scaled) -> Scaled:
    """The same value with a leading part in [1/2, 1)."""
    b = scaled(s.ball)
    return Scaled(b.ball, s.exponent + b.exponent)


def scaled_floats(x: Array) -> Scaled:
    """Floats, exactly, subnormal ones too; nan and infinities decide nothing."""
    mantissa, exponent = np.frexp(x)
    return unknown(~np.isfinite(x), Scaled(ball(mantissa), exponent.astype(np.int64)))


def product(x: Array, y: Array) -> Scaled:
    """x·y of floats, exactly; nan and infinities decide nothing."""
    (m, e), (n, f) = np.frexp(x), np.frexp(y)
    high, low = two_product(m, n)
    exact = Scaled(Ball(high, low, np.zeros(high.shape)), e.astype(np.int64) + f)
    return unknown(~(np.isfinite(x) & np.isfinite(y)), exact)


def zero(shape: tuple[int, ...]) -> Scaled:
    """Exact zeros."""
    return plain(ball(np.zeros(shape)))


def nothing(shape: tuple[int, ...]) -> Scaled:
    """What is only known to be at most 2^LOWEST."""
    zero = np.zeros(shape)
    return Scaled(Ball(zero, zero, np.ones(shape)), np.full(shape, LOWEST, np.int64))


def unknown(where_not: Mask, value: Scaled) -> Scaled:
    """``value`` with an infinite bound where it does not hold."""
    if not where_not.any():
        return value
    return Scaled(value.ball.widened(np.where(where_not, np.inf, 0.0)), value.exponent)


def select(mask: Mask, yes: Scaled, no: Scaled) -> Scaled:
    return Scaled(where(mask, yes.ball, no.ball), np.where(mask, yes.exponent, no.exponent))


def total(terms: Scaled) -> Scaled:
    """The sum of each row (R, n) → (R,), in units of the largest exponent of a term that is not exactly 0."""
    unit = terms.rank.max(axis=-1)
    return Scaled(balls.total(terms.at(unit[..., None])), unit)


def log1p_scaled(s: Scaled) -> Scaled:
    """log(1 + s) for s > -1/2; below 2^-100 it is s to within s²/2."""
    tiny = s.exponent < _LINEAR
    b = s.ball
    linear = b.widened(b.size * b.size * np.ldexp(1.0, np.clip(s.exponent, -1000, 0).astype(np.int32)))
    usual = log1p(where(tiny, 0.0, b.times_power(np.clip(s.exponent, _LINEAR, _OVERFLOW))))
    return Scaled(where(tiny, linear, usual), np.where(tiny, s.exponent, 0))


def enclosure(value: Scaled) -> Enclosure:
    """With the bound relative to the value; exact zeros have bound 0.

    Infinite where the ball is not away from 0, unless what is known to be at most 2^E lies far below every format, or
    below what an exponent of 32 bits can say: that has hi = lo = 0 and bound 1.
    """
    b = value.ball
    mantissa, shift = np.frexp(b.hi)
    with np.errstate(all="ignore"):
        err = b.err * INFLATION
        bound = err / (np.abs(b.hi) * (1 - 2.0**-50) - err) * (1 + 4 * U)
        top = value.exponent + np.frexp(b.size * INFLATION)[1]
    finite = (b.size < np.inf) & np.isfinite(b.lo)  # a bound says nothing about what has overflowed
    bound = np.where((bound >= 0) & finite, bound, np.inf)
    bound = np.where(b.err > 0, np.maximum(bound, UNDERFLOW), bound)  # the quotient may have underflowed
    bound = np.where(b.is_zero, 0.0, bound)
    far = finite & ~b.is_zero & (top < LOWEST // 2) & ((bound >= 1) | (top < LOWEST - 2**12))
    exponent = np.where(b.is_zero, 0, np.where(far, np.maximum(top, LOWEST - 2**12), value.exponent + shift))
    exponent = np.clip(exponent, -(2**31) + 1, 2**31 - 1).astype(np.int32)
    low = np.ldexp(b.lo, -shift)
    bound = np.where(np.ldexp(low, shift) == b.lo, bound, bound + UNDERFLOW)
    return Enclosure(np.where(far, 0.0, mantissa), np.where(far, 0.0, low), exponent, np.where(far, 1.0, bound))
