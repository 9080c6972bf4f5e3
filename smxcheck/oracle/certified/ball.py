"""Balls in double-double: a value in two parts and a bound on its absolute error, carried through every operation.

Running error analysis (Wilkinson 1986; Higham, "Accuracy and Stability of Numerical Algorithms", 2002, §3.3): the bound of
a result is what the operands' bounds become, plus what the operation itself rounds away, which README.md derives. The
bounds are computed in float64 and so round themselves; `INFLATION`, applied once at the end, covers that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.certified.exact import Array, U, fast_two_sum, two_product, two_sum

#: Roundings of a product and of a quotient, in units of U² of its size (README, "Operations on balls").
MULTIPLY, DIVIDE = 9 * U * U, 13 * U * U
#: More than underflow can cost in any operation.
UNDERFLOW = 2.0**-1000
#: Covers the rounding of bounds over 2^20 operations in a row, each of them at most 7 roundings: (1 + U)^(7·2^20) < this.
INFLATION = 1.0 + 2.0**-30


@dataclass(frozen=True)
class Ball:
    """Numbers y with |y - (hi + lo)| ≤ err, element by element; |lo| ≤ U·|hi|."""

    hi: Array
    lo: Array
    err: Array

    def __neg__(self) -> Ball:
        return Ball(-self.hi, -self.lo, self.err)

    def __add__(self, other: Ball | float) -> Ball:
        b = ball(other)
        s, e = two_sum(self.hi, b.hi)
        low = self.lo + b.lo
        rest = e + low
        hi, lo = two_sum(s, rest)
        # Only ``low`` and ``rest`` are rounded, each by at most U of its result: sums of floats often stay exact.
        return Ball(hi, lo, self.err + b.err + U * (np.abs(low) + np.abs(rest)))

    def __sub__(self, other: Ball | float) -> Ball:
        return self + -ball(other)

    def __rsub__(self, other: float) -> Ball:
        return ball(other) + -self

    def __mul__(self, other: Ball | float) -> Ball:
        b = ball(other)
        p, e = two_product(self.hi, b.hi)
        hi, lo = fast_two_sum(p, e + (self.hi * b.lo + self.lo * b.hi))
        size_a, size_b = np.abs(self.hi) * (1 + 2 * U), np.abs(b.hi) * (1 + 2 * U)
        err = size_a * b.err + self.err * (size_b + b.err) + (MULTIPLY * np.abs(p) + UNDERFLOW)
        return Ball(hi, lo, np.where(self.is_zero | b.is_zero, 0.0, err))

    def __truediv__(self, other: Ball | float) -> Ball:
        b = ball(other)
        q = self.hi / b.hi
        p, e = two_product(q, b.hi)
        hi, lo = fast_two_sum(q, (((self.hi - p) - e) + (self.lo - q * b.lo)) / b.hi)
        # A difference magnifies the rounding of its parts, so that err is inflated here already.
        least = np.abs(b.hi) * (1 - 4 * U) - b.err * INFLATION
        size = np.abs(hi) * (1 + 2 * U)
        err = (self.err + size * b.err + UNDERFLOW) / least + (DIVIDE * size + UNDERFLOW)
        return Ball(hi, lo, np.where(least > 0, np.where(self.is_zero, 0.0, err), np.inf))

    def __abs__(self) -> Ball:
        sign = np.where(self.hi < 0, -1.0, 1.0)
        return Ball(self.hi * sign, self.lo * sign, self.err)

    def __getitem__(self, index: Any) -> Ball:
        return Ball(self.hi[index], self.lo[index], self.err[index])

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.hi.shape)

    @property
    def is_zero(self) -> npt.NDArray[np.bool_]:
        """Where the value is exactly 0."""
        return np.asarray((self.hi == 0) & (self.err == 0))

    @property
    def size(self) -> Array:
        """An upper bound of |y|."""
        return np.asarray(np.abs(self.hi) * (1 + 2 * U) + self.err)

    def times_power(self, exponent: npt.NDArray[np.integer]) -> Ball:
        """Times 2^exponent: exact but for underflow, which is counted where it may have happened."""
        whole = np.asarray(exponent).astype(np.int32)  # ldexp is twenty times slower for 64-bit exponents
        hi, lo, err = (np.ldexp(part, whole) for part in (self.hi, self.lo, self.err))
        kept = (np.ldexp(hi, -whole) == self.hi) & (np.ldexp(lo, -whole) == self.lo) & (self.err == 0)
        return Ball(hi, lo, np.where(kept | (whole >= 0), err, err + UNDERFLOW))

    def widened(self, by: Array | float) -> Ball:
        """The same value with ``by`` more of an error."""
        return Ball(self.hi, self.lo, self.err + by)

    def across(self) -> Ball:
        """One value for each row as a column, (R,) → (R, 1)."""
        return Ball(self.hi[:, None], self.lo[:, None], self.err[:, None])


def ball(value: Ball | Array | float) -> Ball:
    """Floats as they are, without error."""
    if isinstance(value, Ball):
        return value
    hi = np.asarray(value, np.float64)
    zero = np.zeros_like(hi)
    return Ball(hi, zero, zero)


def difference(a: Array, b: Array) -> Ball:
    """a - b of floats, exactly."""
    hi, lo = two_sum(a, -b)
    return Ball(hi, lo, np.zeros_like(hi))


def product(a: Array, b: Array) -> Ball:
    """a·b of floats, exactly but for underflow."""
    hi, lo = two_product(a, b)
    return Ball(hi, lo, np.full_like(hi, UNDERFLOW))


def where(mask: Any, yes: Ball | float, no: Ball | float) -> Ball:
    a, b = ball(yes), ball(no)
    return Ball(np.where(mask, a.hi, b.hi), np.where(mask, a.lo, b.lo), np.where(mask, a.err, b.err))


def total(terms: Ball) -> Ball:
    """The sum of each row (R, n) → (R,), added in pairs: ⌈log2 n⌉ additions deep. The sum of no terms is 0."""
    n = terms.shape[-1]
    if n == 0:
        return ball(np.zeros(terms.shape[:-1]))
    while n > 1:
        half = n // 2
        pairs = terms[..., :half] + terms[..., half : 2 * half]
        if n % 2:
            odd = pairs[..., :1] + terms[..., -1:]
            parts = ((getattr(odd, f), getattr(pairs, f)[..., 1:]) for f in ("hi", "lo", "err"))
            pairs = Ball(*(np.concatenate(p, axis=-1) for p in parts))
        terms, n = pairs, half
    return terms[..., 0]


def horner(x: Ball, coefficients: list[Ball]) -> Ball:
    """Σ c_i x^i, the constant first."""
    value = coefficients[-1]
    for c in coefficients[-2::-1]:
        value = value * x + c
    return value


def apply(mask: npt.NDArray[np.bool_], function: Callable[[Ball], Ball], of: Ball, otherwise: Ball) -> Ball:
    """``function`` where ``mask`` holds, worked out there alone; ``otherwise`` elsewhere."""
    if not mask.any():
        return otherwise
    if mask.all():
        return function(of)
    result = Ball(*(np.array(getattr(otherwise, f)) for f in ("hi", "lo", "err")))
    some = function(of[mask])
    for f in ("hi", "lo", "err"):
        getattr(result, f)[mask] = getattr(some, f)
    return result
