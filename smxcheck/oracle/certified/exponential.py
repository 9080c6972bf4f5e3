"""exp of a difference, by a table of 2^(j/4096) and a short polynomial: addition, multiplication and rint only.

No exponential of a library is called, so that nothing has to be believed about one. The proofs are in README.md
beside this file; the bounds that they arrive at are the functions `relative_error_…` here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.certified.constants import LOG_TABLE, TABLE, constants
from smxcheck.oracle.certified.exact import Array, U, fast_two_sum, split, two_product, two_sum

Integers = npt.NDArray[np.integer]

#: Up to here the argument is reduced by 29-bit heads of ln 2/4096: its quotient by that fits 24 bits.
NEAR = 2800.0
#: 2^30·ln 2 = 744261117.95…, rounded up: exp of less than -FARTHEST is below 2^-(2^30), and not told from nothing.
FARTHEST = 744261118.0
#: `exp_single` is for arguments in [-SINGLE, 0]: exp(-680) > 2^-982, which a sum of up to 2^40 weights divides without
#: underflow.
SINGLE = 680.0
#: Adding this rounds to an integer, which then stands in the low bits (Hecker; |n| < 2^51).
_TO_INTEGER = 1.5 * 2.0**52


def relative_error_double(largest: float) -> float:
    """Of `exp_double` for |d| ≤ largest: 2^-92 + min(|d|, NEAR)·2^-104 (README, "The exponential in double-double")."""
    return float(2.0**-92 + min(largest, NEAR) * 2.0**-104)


def relative_error_single(largest: float) -> float:
    """Of `exp_single` for |d| ≤ largest, whose argument errs by at most U·|d|: 2.31U·|d| + 2^-43 + 5U (README, "softmax in float64")."""
    return float(2.31 * U * largest + 2.0**-43 + 5 * U)


def exp_double(d: Array, e: Array | float) -> tuple[Array, Array, Integers]:
    """(H, L, n) with exp(d + e) = (H + L)·2^n, 1 ≤ H < 2 but for its rounding; |e| ≤ ulp(d)/2 and |d| ≤ FARTHEST.

    The exponent stands apart, so that nothing underflows.
    """
    c = constants()
    n = np.rint(d * c.inverse_step)
    near = bool(np.abs(d).max(initial=0.0) <= NEAR)
    r, low = _reduce_near(d, e, n) if near else _reduce_far(d, e, n)
    m, m_low = _expm1(r, low)
    whole: Integers = n.astype(np.int32) if near else n.astype(np.int64)
    j = whole & (TABLE - 1)
    whole >>= LOG_TABLE
    return *_times_power_of_two(j, m, m_low), whole.astype(np.int32, copy=False)


def expm1_small(d: Array, e: Array | float) -> tuple[Array, Array]:
    """exp(d + e) - 1 in two parts for |d| ≤ 2^-13.5: absolute error 2^-92.6, relative error 2^-79 of the result."""
    return _expm1(d, np.asarray(e, float))


def _reduce_near(d: Array, e: Array | float, n: Array) -> tuple[Array, Array]:
    """d + e - n·c in two parts; the products with the heads of c are exact, and so is the first difference."""
    c = constants()
    first, second = c.step_heads
    r, low = two_sum(d - n * first, -(n * second))
    low += e
    low -= n * c.step_tail
    return fast_two_sum(r, low)


def _reduce_far(d: Array, e: Array | float, n: Array) -> tuple[Array, Array]:
    """The same for quotients of up to 43 bits: n·c as exact products with three parts of c."""
    c = constants()
    a, b, tail = c.step_parts
    p, p_low = two_product(n, a)
    q, q_low = two_product(n, b)
    r, low = two_sum((d - p) - p_low, -q)  # d - n·a is exact (README)
    r, rest = two_sum(r, e)
    return fast_two_sum(r, (low + rest) - (q_low + n * tail))


def _expm1(r: Array, low: Array) -> tuple[Array, Array]:
    """exp(r + low) - 1 = r + r²/2 + (r³/6 + … + r⁶/720) + low + r·low, the first two terms and their errors exactly."""
    high, rest = split(r)
    square = r * r
    square_low = ((high * high - square) + 2.0 * (high * rest)) + rest * rest
    square *= 0.5
    tail = r * square * (1 / 3 + r * (1 / 12 + r * (1 / 60 + r * (1 / 360)))) + r * low
    tail += 0.5 * square_low + low
    m, m_low = fast_two_sum(r, square)
    m_low += tail
    return m, m_low


def _times_power_of_two(j: Integers, m: Array, m_low: Array) -> tuple[Array, Array]:
    """2^(j/TABLE)·(1 + m + m_low) in two parts."""
    c = constants()
    power, power_low = np.take(c.power, j), np.take(c.power_low, j)
    high, rest = split(m)
    product = power * m
    a, b = np.take(c.power_high_half, j), np.take(c.power_low_half, j)
    product_low = ((a * high - product) + a * rest + b * high) + b * rest
    whole, low = fast_two_sum(power, product)
    low += product_low + (power_low + power * m_low)
    low += power_low * m
    return fast_two_sum(whole, low)


def exp_single(d: Array, shifted: Array, multiple: Array, table: npt.NDArray[np.int64]) -> None:
    """d ← exp(d) for d in [-SINGLE, 0], in place; the other arrays are of its shape and lose what they hold.

    exp(d) = 2^N·2^(j/4096)·(1 + r + r²/2) = 2^N·(2^(j/4096)/2)·((1 + r)² + 1): |r| ≤ 2^-13.5, so that r³/6 ≤ 2^-43. What d
    is outside, or nan, leaves a number that means nothing.
    """
    c = constants()
    np.multiply(d, c.inverse_step, out=shifted)
    shifted += _TO_INTEGER
    np.subtract(shifted, _TO_INTEGER, out=multiple)
    multiple *= c.step_parts[0]
    d -= multiple
    d += 1.0
    d *= d
    d += 1.0
    # The low 24 bits hold n = 4096·N + j. Moved up by 40 they are N in the exponent field and j below it, which the table
    # makes up for.
    bits = shifted.view(np.int64)
    j = np.bitwise_and(bits, TABLE - 1, out=multiple.view(np.int64))
    np.take(c.half_power_bits, j, out=table, mode="clip")
    bits <<= 52 - LOG_TABLE
    table += bits
    d *= table.view(np.float64)
