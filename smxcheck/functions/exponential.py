"""exp in two parts, for float64: exp(x) = 2^-SHIFT·(high + low)·(1 + ε), |ε| < 2^-60, where high has 26 bits.

    x = k·(ln 2)/256 + r,   |r| < 2^-9.4,   exp(x) = 2^⌊k/256⌋ · t · exp(r),   t = 2^((k mod 256)/256)

(Tang, "Table-driven implementation of the exponential function", ACM TOMS 15(2), 1989.) t is tabulated as t_h + t_l with
26 bits in t_h. With m = r + r²/2 + ... + r⁵/120 ≈ exp(r) - 1, exp(x) is 2^⌊k/256⌋ times t_h + (t_l + (t_h + t_l)·m). Errors
relative to exp(x): r is rounded to 2^-63 twice, m to 2^-63, the product and the sum that make ``low`` to 2^-62 each, the
series is cut at r⁶/720 < 2^-65: less than 2^-60.5 together.

Both parts carry the factor 2^SHIFT, so that nothing of them is subnormal down to x = FLOOR, and 26 bits let ``high`` be
multiplied by another number of 26 bits exactly.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal

import numpy as np

from smxcheck.functions.arrays import Array
from smxcheck.functions.layout import Scratch

SHIFT = 500
SCALE, UNSCALE = 2.0**SHIFT, 2.0**-SHIFT

#: Arguments are raised to this: exp(-1000) = 2^-1443 is 0 beside anything that float64 holds, times any number of terms.
FLOOR = -1000.0

#: Above this no argument can be so low that its shift's rounding matters, or is not a number.
_ORDINARY = -700.0

_BITS = 8
_SIZE = 1 << _BITS
#: Adding 1.5·2^52 leaves the nearest integer in the low bits.
_MAGIC = 1.5 * 2.0**52


def leading_bits(x: Array | float) -> Array:
    """The leading 26 bits of the significand, by truncation."""
    return (np.asarray(x, np.float64).view(np.int64) & -(1 << 27)).view(np.float64)


def _tables() -> tuple[float, float, Array, Array]:
    """(C1, C2, t_h, t_l): (ln 2)/256 = C1 + C2, C1 of 32 bits so that k·C1 is exact for |k| < 2^21; 40 digits inside."""
    context = Context(prec=40)
    step = context.divide(context.ln(Decimal(2)), Decimal(_SIZE))
    first = math.floor(context.multiply(step, Decimal(2**40))) / 2.0**40
    powers = [context.exp(context.multiply(step, Decimal(j))) for j in range(_SIZE)]
    high = leading_bits(np.array([float(p) for p in powers]))
    low = np.array([float(context.subtract(p, Decimal(float(h)))) for p, h in zip(powers, high, strict=True)])
    return first, float(context.subtract(step, Decimal(first))), high, low


_C1, _C2, _HIGH, _LOW = _tables()


def exp_in_two_parts(
    x: Array, residual: Array | float, scratch: Scratch, slots: tuple[int, ...]
) -> tuple[Array, Array]:
    """(high, low) of 2^SHIFT·exp(x + residual), for x ≤ 0 (or a little more) and a residual that is small beside 1.

    Where x is below `FLOOR` the residual may be anything, and the result is far below every float64. Of the five
    slots the first two hold the result, which lasts until they are used again; the others are free afterwards.
    """
    shape = x.shape
    high, low, r, power, spare = (scratch.like(slot, shape) for slot in slots)
    ordinary = bool(x.min() > _ORDINARY)
    x = x if ordinary else np.maximum(x, FLOOR, out=low)
    np.multiply(x, _SIZE / math.log(2), out=power)
    power += _MAGIC
    k = np.subtract(power, _MAGIC, out=high)
    np.multiply(k, _C1, out=r)
    np.subtract(x, r, out=r)
    k *= _C2
    r -= k
    r += residual
    if not ordinary:  # a residual of an entry below the floor, or nan
        np.fmin(np.fmax(r, -1.0, out=r), 1.0, out=r)
    bits = power.view(np.int64)
    place = np.bitwise_and(bits, _SIZE - 1, out=spare.view(np.int64))
    np.take(_LOW, place, out=low, mode="clip")
    np.take(_HIGH, place, out=high, mode="clip")
    bits >>= _BITS
    bits += 1023 + SHIFT
    bits <<= 52
    m = _exp_minus_1(r, spare)
    m *= np.add(high, low, out=r)
    low += m
    high *= power
    low *= power
    return high, low


def _exp_minus_1(r: Array, out: Array) -> Array:
    np.multiply(r, 1 / 120, out=out)
    for coefficient in (1 / 24, 1 / 6, 1 / 2):
        out += coefficient
        out *= r
    out *= r
    out += r
    return out
