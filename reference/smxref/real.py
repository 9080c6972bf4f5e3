"""Real numbers as balls that carry their own error through every operation.

For formulas of many parts (derivatives, generalisations) the roundings are not counted by hand: every operation
returns a ball that holds the exact result for all numbers of its operands' balls.

**Proof, operation by operation.** Let X = x ± a and Y = y ± b be balls and ẑ the computed value of x ∘ y. By the model
of `smxref.arithmetic`, ẑ = (x ∘ y)(1 + δ)^±1 with |δ| ≤ eps, so that |ẑ - x ∘ y| ≤ 2·eps·|ẑ| =: r. Then the error is at most

=========== ==================================== =====================================================================
x + y       a + b + r                            the exact operands differ by at most a and b
x · y       |x|·b + |y|·a + a·b + r              (x + α)(y + β) - xy = xβ + yα + αβ
1 / y       b / (|y|·(|y| - b)) + r, b < |y|     |1/(y + β) - 1/y| = |β| / (|y|·|y + β|)
exp x       ẑ·(1 + 2·eps)·2a + r, a ≤ 1/2        |e^(x + α) - e^x| ≤ e^x·(e^a - 1) and e^a - 1 ≤ 2a there
log y       b / (y - b) + r, b < y               |log(y + β) - log y| ≤ |β| / (y - b)
log1p y     b / (1 + y - b) + r, b < 1 + y       the same
sqrt y      b / √y + r, 0 ≤ b ≤ y, y > 0         |√(y + β) - √y| = |β| / (√(y + β) + √y) ≤ |β| / √y
=========== ==================================== =====================================================================

Errors are formed in 30 bits, every step rounded up. What an operation cannot bound (a divisor whose ball holds 0)
raises `Unbounded`: more bits are needed, unless the number is exactly 0, which the caller decides beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mpmath import libmp

from smxref.arithmetic import Raw, context, exact, log1p
from smxref.ball import Ball

_BITS = 30
_UP = libmp.round_up
_ZERO: Raw = libmp.fzero


class Unbounded(ArithmeticError):
    """The ball of an operand is too wide for the operation: more bits are needed."""


def _add(a: Raw, b: Raw) -> Raw:
    out: Raw = libmp.mpf_add(a, b, _BITS, _UP)
    return out


def _mul(a: Raw, b: Raw) -> Raw:
    out: Raw = libmp.mpf_mul(a, b, _BITS, _UP)
    return out


def _ratio(a: Raw, b: Raw) -> Raw:
    """a/b for a ≥ 0 < b, rounded up."""
    out: Raw = libmp.mpf_div(a, b, _BITS, _UP)
    return out


def _less(a: Raw, b: Raw) -> Raw:
    """|a| - b, rounded down; Unbounded where it is not positive."""
    out: Raw = libmp.mpf_sub(libmp.mpf_abs(a), b, _BITS, libmp.round_down)
    if out[0] or not out[1]:
        raise Unbounded
    return out


@dataclass(frozen=True, slots=True)
class Real:
    """value ± error, raw mpmath numbers, in P = ``bits`` bits. Values are finite."""

    value: Raw
    error: Raw
    bits: int

    # -- made from exact numbers

    @classmethod
    def of(cls, number: float | Raw, bits: int) -> Real:
        """An exact number: a Python float or int, or a raw mpmath number, of any length."""
        raw = number if isinstance(number, tuple) else exact(number)
        if not raw[1] and raw[2]:
            raise ValueError("no limit: an infinity in a sum or product")
        return cls(raw, _ZERO, bits)

    @property
    def is_zero(self) -> bool:
        """Exactly 0."""
        return not self.value[1] and not self.error[1]

    # -- arithmetic

    def _rounded(self, value: Raw, error: Raw) -> Real:
        """``error`` plus the rounding 2·eps·|value| of the value, eps = 2^(1-P)."""
        return Real(value, _add(error, _up(libmp.mpf_shift(libmp.mpf_abs(value), 2 - self.bits))), self.bits)

    def __add__(self, other: Real) -> Real:
        if self.is_zero:
            return other
        if other.is_zero:
            return self
        value = libmp.mpf_add(self.value, other.value, self.bits, libmp.round_nearest)
        return self._rounded(value, _add(self.error, other.error))

    def __neg__(self) -> Real:
        return Real(libmp.mpf_neg(self.value), self.error, self.bits)

    def __sub__(self, other: Real) -> Real:
        return self + (-other)

    def __mul__(self, other: Real) -> Real:
        if self.is_zero or other.is_zero:
            return Real(_ZERO, _ZERO, self.bits)
        x, y, a, b = self.value, other.value, self.error, other.error
        value = libmp.mpf_mul(x, y, self.bits, libmp.round_nearest)
        error = _ZERO
        if a[1]:
            error = _mul(a, _up(libmp.mpf_abs(y)))
        if b[1]:
            error = _add(error, _add(_mul(b, _up(libmp.mpf_abs(x))), _mul(a, b)))
        return self._rounded(value, error)

    def __truediv__(self, other: Real) -> Real:
        return self * other.inverse()

    def inverse(self) -> Real:
        y, b = self.value, self.error
        least = _less(y, b)
        value = libmp.mpf_div(libmp.fone, y, self.bits, libmp.round_nearest)
        square = libmp.mpf_mul(least, libmp.mpf_abs(y), _BITS, libmp.round_down)
        return self._rounded(value, _ratio(b, square) if b[1] else _ZERO)

    def exp(self) -> Real:
        a = self.error
        if a[1] and libmp.mpf_gt(a, libmp.fhalf):
            raise Unbounded
        value = libmp.mpf_exp(self.value, self.bits, libmp.round_nearest)
        size = libmp.mpf_mul(value, _THREE, _BITS, _UP)  # (1 + 2·eps)·2 < 3
        return self._rounded(value, _mul(size, a) if a[1] else _ZERO)

    def log(self) -> Real:
        """The natural logarithm; Unbounded where the ball is not positive."""
        y, b = self.value, self.error
        if y[0]:
            raise Unbounded
        least = _less(y, b)
        return self._rounded(libmp.mpf_log(y, self.bits, libmp.round_nearest), _ratio(b, least) if b[1] else _ZERO)

    def log1p(self) -> Real:
        """log(1 + y), which loses nothing for small y; y must be above -1."""
        ctx = context(self.bits)
        value = log1p(ctx, ctx.make_mpf(self.value))._mpf_
        least = _less(libmp.mpf_add(libmp.fone, self.value, 2 * _BITS, libmp.round_down), self.error)
        return self._rounded(value, _ratio(self.error, least) if self.error[1] else _ZERO)

    def sqrt(self) -> Real:
        y, b = self.value, self.error
        if self.is_zero:
            return self
        if y[0]:
            raise Unbounded
        _less(y, b)
        value = libmp.mpf_sqrt(y, self.bits, libmp.round_nearest)
        low = libmp.mpf_sqrt(y, _BITS, libmp.round_down)
        return self._rounded(value, _ratio(b, low) if b[1] else _ZERO)

    def power(self, exponent: int) -> Real:
        """The product of ``exponent`` ≥ 0 factors, by repeated squaring."""
        out, factor = Real(libmp.fone, _ZERO, self.bits), self
        while exponent:
            if exponent & 1:
                out = out * factor
            exponent >>= 1
            if exponent:
                factor = factor * factor
        return out

    # -- answers

    @property
    def sign(self) -> int:
        """-1 or 1, or 0 for an exact 0. Raises Unbounded where the ball holds 0 and another number."""
        if self.is_zero:
            return 0
        _less(self.value, self.error)
        return -1 if self.value[0] else 1

    def ball(self) -> Ball:
        make = context(self.bits).make_mpf
        return Ball(make(self.value), make(self.error))


_THREE: Raw = libmp.from_int(3)


def _up(a: Raw) -> Raw:
    """``a`` ≥ 0 in few bits, rounded up."""
    out: Raw = libmp.mpf_pos(a, _BITS, _UP)
    return out


def total(terms: Iterable[Real], bits: int) -> Real:
    """The sum; exactly 0 for no terms."""
    out = Real(_ZERO, _ZERO, bits)
    for term in terms:
        out = out + term
    return out


def exact_sum(numbers: Iterable[Raw]) -> Raw:
    """The sum of raw numbers without any rounding."""
    out: Raw = libmp.mpf_sum(list(numbers))
    return out


def exact_difference(a: Raw, b: Raw) -> Raw:
    """a - b without any rounding."""
    out: Raw = libmp.mpf_sub(a, b)
    return out


def infinite(sign: int, bits: int) -> Ball:
    """+inf or -inf as an answer."""
    ctx: Any = context(bits)
    return Ball(ctx.inf if sign > 0 else ctx.ninf, ctx.zero)


def zero(bits: int) -> Ball:
    """An exact 0 as an answer."""
    ctx: Any = context(bits)
    return Ball(ctx.zero, ctx.zero)
