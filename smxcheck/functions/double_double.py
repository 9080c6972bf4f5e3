"""Double-double arithmetic: a number as an unevaluated sum hi + lo of float64, |lo| ≤ ulp(hi)/2, some 100 bits.

Every NumPy operation is rounded on its own, so the error-free transformations hold as published: Dekker, "A floating-point
technique for extending the available precision", Numer. Math. 18, 1971; Joldes, Muller & Popescu, "Tight and rigorous
error bounds for basic building blocks of double-word arithmetic", ACM TOMS 44(2), 2017. A `Pair` is (hi, lo), two float64
arrays that broadcast. Numbers are finite, products stay below 2^1023, and what is said of errors holds as long as no low
part underflows, that is for results above about 2^-969.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from smxcheck.functions.arrays import Array

Pair = tuple[Array, Array]

#: log 2 = 0.B17217F7D1CF79ABC9E3B39803F2F6AF₁₆ in two heads of 28 bits and the rest.
_LOG2 = tuple(
    float.fromhex(digits)
    for digits in ("0x0.B17217Fp0", "0x0.00000007D1CF79p0", "0x0.00000000000000ABC9E3B39803F2F6AFp0")
)
LOG2 = np.array(math.fsum(_LOG2)), np.array(math.fsum((*_LOG2, -math.fsum(_LOG2))))
#: Elements of a piece: its temporaries stay in a cache, and calls are few for each element.
PIECE = 1 << 15
#: Steps of the table of powers of two, for each octave.
_STEPS = 4096
#: exp below this is 0 in every use: no float64 factor brings it back into range.
DEEPEST = -2000.0


def in_pieces(formula: Callable[[Array], Array], x: Array) -> Array:
    """A formula of each element, applied to pieces whose temporaries stay in cache."""
    flat = x.reshape(-1)
    result = np.empty_like(flat)
    for start in range(0, len(flat), PIECE):
        result[start : start + PIECE] = formula(flat[start : start + PIECE])
    return result.reshape(x.shape)


def two_sum(a: Array, b: Array) -> Pair:
    """a + b, exactly (Knuth, TAOCP 2, 4.2.2)."""
    high = a + b
    part = high - a
    return high, (a - (high - part)) + (b - part)


def fast_two_sum(a: Array, b: Array) -> Pair:
    """a + b, exactly, where |a| ≥ |b| or a = 0 (Dekker 1971)."""
    high = a + b
    return high, b - (high - a)


def two_product(a: Array, b: Array) -> Pair:
    """a·b, exactly (Dekker 1971, the halves cut from the bits, so that no splitting overflows)."""
    high = a * b
    a_high, b_high = _head(a), _head(b)
    a_low, b_low = a - a_high, b - b_high
    return high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low


def _head(a: Array) -> Array:
    """``a`` rounded to 26 bits: what is left has at most 26, and products of such halves are exact."""
    bits = np.asarray(a, np.float64).view(np.int64)
    return np.asarray((bits + (1 << 26)) & ~((1 << 27) - 1)).view(np.float64)


def widen(a: Array) -> Pair:
    """A float64 number as a pair."""
    return a, np.zeros_like(a)


def negative(x: Pair) -> Pair:
    return -x[0], -x[1]


def ldexp(x: Pair, exponent: Array | int) -> Pair:
    """x·2^exponent."""
    return np.ldexp(x[0], exponent), np.ldexp(x[1], exponent)


def add(x: Pair, y: Pair) -> Pair:
    """x + y, relative error below 2^-104 (AccurateDWPlusDW), also where it cancels."""
    high, error = two_sum(x[0], y[0])
    low, low_error = two_sum(x[1], y[1])
    high, error = fast_two_sum(high, error + low)
    return fast_two_sum(high, error + low_error)


def multiply(x: Pair, y: Pair) -> Pair:
    """x·y, relative error below 2^-103 (DWTimesDW1)."""
    high, error = two_product(x[0], y[0])
    return fast_two_sum(high, error + (x[0] * y[1] + x[1] * y[0]))


def divide(x: Pair, y: Pair) -> Pair:
    """x/y, relative error below 2^-100: the rounded quotient, and that of what it leaves."""
    quotient = x[0] / y[0]
    product, error = two_product(quotient, y[0])
    left = (x[0] - product) - error + (x[1] - quotient * y[1])
    return fast_two_sum(quotient, left / y[0])


def total(x: Pair) -> Pair:
    """The sum of each row, shape (b, 1), within n²·2^-104 of its largest term.

    With σ = 2^k ≥ 2n·max, the parts fl(σ + t) - σ are multiples of 2^-53 σ whose sum stays below σ: it is exact in any
    order (Rump, Ogita & Oishi, "Accurate floating-point summation I", SIAM J. Sci. Comput. 31(1), 2008). What is left
    is below 2^-53 σ for each term and is added as it is. Terms are scaled, so that σ does not overflow.
    """
    high, low = x
    _, exponent = np.frexp(np.abs(high).max(axis=-1, keepdims=True, initial=0.0))
    term = np.ldexp(high, -exponent)
    sigma = float(2 ** (high.shape[-1].bit_length() + 1))
    head = (sigma + term) - sigma
    left = (term - head) + np.ldexp(low, -exponent)
    return ldexp(fast_two_sum(*(part.sum(axis=-1, keepdims=True) for part in (head, left))), exponent)


def exp_parts(x: Pair) -> tuple[Pair, Array]:
    """exp(x) = (hi + lo)·2^exponent with 0.999 < hi < 2, relative error below 2^-90; hi = 0 for x < -2000. x ≤ 710."""
    deep = x[0] < DEEPEST
    growth, n = _reduced((np.where(deep, 0.0, x[0]), np.where(deep, 0.0, x[1])))
    mantissa, lost = _power_times_one_more(n, growth)
    return (np.where(deep, 0.0, mantissa), np.where(deep, 0.0, lost)), n // _STEPS


def exp(x: Pair) -> Pair:
    """exp(x), relative error below 2^-90. x ≤ 709."""
    mantissa, exponent = exp_parts(x)
    return ldexp(mantissa, exponent)


def expm1(x: Pair) -> Pair:
    """exp(x) - 1, -2000 ≤ x ≤ 709: error below 2^-90 exp(x), and relative error below 2^-78, since |exp(x) - 1| > 2^-14
    but where nothing is reduced and the series is the result."""
    growth, n = _reduced(x)
    large = add(ldexp(_power_times_one_more(n, growth), n // _STEPS), widen(np.full_like(x[0], -1.0)))
    return np.where(n == 0, growth[0], large[0]), np.where(n == 0, growth[1], large[1])


def _reduced(x: Pair) -> tuple[Pair, Array]:
    """(exp(r) - 1, n) with x = n log2/4096 + r, |r| < 2^-13.4.

    n·C and h - n·C are exact for the 28-bit heads C of log2/4096, |n| < 2^24, and what is rounded of the rest is below
    2^-96. exp(r) - 1 = r + r²/2 + r³(1/6 + …) with r²/2 in two parts; what follows is below 2^-42, and its rounding in
    plain float64 costs 2^-94.
    """
    n = np.rint(x[0] * (_STEPS / math.log(2.0)))
    head, middle, tail = (part / _STEPS for part in _LOG2)
    high, error = two_sum(x[0] - n * head, -(n * middle))
    high, low = fast_two_sum(high, error + (x[1] - n * tail))
    square, square_low = two_product(high, high)
    rest = high * square * (1 / 6 + high * (1 / 24 + high * (1 / 120 + high * (1 / 720))))
    value, error = fast_two_sum(high, 0.5 * square)
    return fast_two_sum(value, error + (low + (0.5 * square_low + high * low) + rest)), n.astype(np.int32)


def _power_times_one_more(n: Array, growth: Pair) -> Pair:
    """2^(n/4096 - floor(n/4096))·(1 + growth), the power from a table."""
    power, power_low = (column[n % _STEPS] for column in _powers())
    product, product_low = two_product(power, growth[0])
    mantissa, lost = fast_two_sum(power, product)
    return fast_two_sum(mantissa, lost + (product_low + power * growth[1] + power_low * (1.0 + growth[0])))


def log1p(x: Pair) -> Pair:
    """log(1 + x), x > -1: relative error below 2^-77; the logarithm of 1 + x outside [-½, 1]."""
    near = np.abs(x[0] - 0.25) <= 0.75
    small = _log1p_near_0((np.where(near, x[0], 0.0), np.where(near, x[1], 0.0)))
    if near.all():
        return small
    one_more = add(widen(np.ones_like(x[0])), x)
    large = log((np.where(near, 1.0, one_more[0]), np.where(near, 0.0, one_more[1])))
    return np.where(near, small[0], large[0]), np.where(near, small[1], large[1])


def log(x: Pair) -> Pair:
    """log x, x > 0: error below 2^-90 (1 + |log x|), relative error below 2^-77. k log 2 + log1p(m - 1) with x = m·2^k,
    ⅔ ≤ m < 4/3: where k is not 0, |log x| > 0.28, so that nothing is lost by the sum."""
    mantissa, exponent = np.frexp(x[0])
    exponent = exponent - (mantissa < 2.0 / 3.0)
    scaled = ldexp(x, -exponent)
    part = _log1p_near_0(add(widen(np.full_like(scaled[0], -1.0)), scaled))
    return add(multiply(widen(exponent.astype(np.float64)), LOG2), part)


def _log1p_near_0(x: Pair) -> Pair:
    """One Newton step from y = fl(log1p(hi)), off by a few 2^-53 |y|: t = (1 + x)·exp(-y) - 1 is formed as x + e + x·e,
    e = expm1(-y), which keeps the digits of a small x, and log(1 + t) is t - t²/2 to within 2^-150."""
    y = widen(np.log1p(x[0]))
    e = expm1(negative(y))
    step, low = add(add(x, e), multiply(x, e))
    return add(y, (step, low - 0.5 * step * step))


@functools.cache
def _powers() -> Pair:
    """2^(j/4096), 0 ≤ j < 4096, within 2^-100.

    exp(r) - 1 at r = j log2/2^20 by its series, |r|^11/11! < 2^-118, then doubled eight times: 2e + e².
    """
    j = np.arange(_STEPS, dtype=np.float64)
    r = multiply(widen(j / 2.0**20), LOG2)
    growth = widen(np.zeros(_STEPS))
    for order in range(10, 0, -1):  # e ← r/order·(1 + e)
        step = multiply(r, add(widen(np.ones(_STEPS)), growth))
        growth = divide(step, widen(np.full(_STEPS, float(order))))
    for _ in range(8):
        growth = add(ldexp(growth, 1), multiply(growth, growth))
    return add(widen(np.ones(_STEPS)), growth)
