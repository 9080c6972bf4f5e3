"""Logarithms of balls. Where a library's log is called it only proposes: what it proposes is corrected, and the
correction bounds the error, so that nothing has to be believed about it.

With any y0: log x = y0 + log1p(t), t = x·exp(-y0) - 1. For |t| ≤ 2^-30, log1p(t) = t - t²/2 to 0.34·|t|³; the square is
of the leading part h of t alone: |t² - h²|/2 ≤ (|t - h|)·|t|, |t - h| ≤ 2U·|t| + err, and rounding it costs U·h²/2 + 2^-1075.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.certified.ball import Ball, apply, ball, horner, where
from smxcheck.oracle.certified.constants import constants
from smxcheck.oracle.certified.exact import Array, U, split
from smxcheck.oracle.certified.exponential import exp_double, relative_error_double

#: Below this, log1p goes through the series of artanh.
_SMALL = 2.0**-8
#: A proposal worse than this is given up: its error becomes infinite.
_WORST_PROPOSAL = 2.0**-30
#: No float64 has a logarithm beyond this; within it `exp_double` holds whatever was proposed.
_FARTHEST_PROPOSAL = 1000.0


def exponential(d: Array, e: Array | float = 0.0) -> tuple[Ball, npt.NDArray[np.int64]]:
    """exp(d + e) as a ball times 2^n; |e| ≤ ulp(d)/2."""
    h, low, n = exp_double(d, e)
    relative = relative_error_double(float(np.abs(d).max(initial=0.0)))
    return Ball(h, low, relative * np.abs(h) * (1 + 4 * U)), n.astype(np.int64)


def log1p(s: Ball) -> Ball:
    """log(1 + s) for s > -1/2, with full relative precision near 0.

    Up to 2^-8 by 2·artanh(z), z = s/(2 + s); beyond, by the proposal of the float64 logarithm, whose absolute error of
    2^-91 is relative to more than 2^-9.
    """
    small = s.size <= _SMALL
    return apply(small, _artanh, s, apply(~small, lambda b: log(b + 1.0), s, s))


def _artanh(s: Ball) -> Ball:
    """2z·(1 + z²/3 + z⁴/5 + …), z = s/(2 + s), |z| ≤ 2^-8.99: the first term left out is z^10/11 < 2^-93 of the result."""
    z = s / (s + 2.0)
    square = z * z
    series = horner(square, [ball(1.0) / float(k) for k in (1, 3, 5, 7, 9)])
    value = (z + z) * series
    return value.widened(value.size * 2.0**-93)


def log(x: Ball) -> Ball:
    """log x for x in [2^-900, 2^900]; the error is absolute, about 2^-91 beside what that of x becomes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        proposal = np.log(x.hi)
    y0 = np.where(np.abs(proposal) <= _FARTHEST_PROPOSAL, proposal, 0.0)
    factor, n = exponential(-y0)
    t = (x * factor.times_power(n)) - 1.0
    square = t.hi * t.hi
    size = t.size
    correction = (t - ball(0.5 * square)).widened(size * size * (0.34 * size + 4 * U) + size * t.err)
    good = (size <= _WORST_PROPOSAL) & (x.hi > 0)
    return (correction + ball(y0)).widened(np.where(good, 0.0, np.inf))


def log_of_float(x: Array) -> Ball:
    """log of positive floats, subnormal ones too: log m + e·ln 2 with 2^-½ ≤ m < 2^½, and log1p(m - 1) where e = 0 so
    that nothing cancels."""
    m, e = np.frexp(x)
    low = m < np.sqrt(0.5)
    m, e = np.where(low, 2.0 * m, m), (e - low).astype(np.float64)
    near = log1p(ball(m - 1.0))  # exact: m is in [1/2, 2]
    return where(e == 0, near, near + integer_times_ln2(e))


def integer_times_ln2(n: Array) -> Ball:
    """n·ln 2 for integers |n| < 2^26: ln 2 in three parts, the products of the first with n exact in two parts."""
    a, b, c = constants().ln2_parts
    high, low = split(np.asarray(a))
    p, q = n * high, n * low
    return (ball(p) + ball(q)) + ball(n * b).widened(np.abs(n) * (abs(b) * 2 * U + abs(c) * 2))
