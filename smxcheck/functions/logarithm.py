"""log(1 + s) in two parts for s = high + low ≥ 0 in float64, with a relative error below 2^-57; arrays of any shape.

For s ≥ 1/16:  y = log(S) rounded, S = 1 + s; then log S = y + log1p(t) with t = S·exp(-y) - 1, |t| < 2^-50, and t itself
stands for its logarithm. exp(-y) to 2^-60 (`exponential`) makes t good to 2^-60, and log S ≥ 0.06.

Below:  log(1 + s) = 2·artanh(z), z = s/(2 + s) ≤ 1/33, by its series to z^13: what is cut off is below z^14/15 < 2^-74 of
the first term. z is divided in two parts; the rest of the series is below z²/3 < 2^-11 of it and may be rounded.
"""

from __future__ import annotations

import numpy as np

from smxcheck.functions.arrays import Array
from smxcheck.functions.exponential import UNSCALE, exp_in_two_parts, leading_bits
from smxcheck.functions.layout import Scratch

_SERIES = 1 / 16
#: Below this s²/2 is less than 2^-60 of s.
_TINY = 2.0**-60


def fast_two_sum(large: Array, small: Array) -> tuple[Array, Array]:
    """large + small, rounded, and what that lost, for |large| ≥ |small| (Dekker, Numer. Math. 18, 1971)."""
    total = large + small
    return total, small - (total - large)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b, rounded, and what that lost (Knuth, TAOCP 2, 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def log1p_in_two_parts(high: Array, low: Array) -> tuple[Array, Array]:
    """(log(1 + s) rounded or nearly so, what is missing); nan where s is nan."""
    log, rest = _by_newton(*two_sum(np.asarray(1.0), np.maximum(high, _SERIES)), low)
    small, small_rest = _by_series(np.minimum(high, _SERIES), low)
    series = high < _SERIES
    log, rest = np.where(series, small, log), np.where(series, small_rest, rest)
    tiny = high < _TINY
    return np.where(tiny, high, log), np.where(tiny, low, rest)


def _by_newton(total: Array, error: Array, low: Array) -> tuple[Array, Array]:
    low = error + low
    log = np.log(total)
    e_high, e_low = exp_in_two_parts(-log, 0.0, Scratch(np.dtype(np.float64)), (0, 1, 2, 3, 4))
    e_high, e_low = e_high * UNSCALE, e_low * UNSCALE
    # Of 26 bits each: the first product is exact, and so is its difference from 1, which is near.
    head = leading_bits(total)
    t = (head * e_high - 1.0) + (total - head) * e_high + (total * e_low + low * e_high)
    return log, t


def _by_series(high: Array, low: Array) -> tuple[Array, Array]:
    divisor, divisor_low = fast_two_sum(np.asarray(2.0), high)
    z = leading_bits(high / divisor)
    head = leading_bits(divisor)
    remainder = (high - z * head) - z * (divisor - head)
    z_low = (remainder - z * (divisor_low + low) + low) / divisor
    whole = z + z_low
    square = whole * whole
    series = np.zeros_like(square)
    for k in (13, 11, 9, 7, 5, 3):
        series = (series + 1 / k) * square
    return fast_two_sum(2 * z, 2 * (z_low + whole * series))
