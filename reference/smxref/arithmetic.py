"""Arithmetic in P bits, and the one model of its errors that every docstring of this package counts with.

**Model.** With eps = 2^(1-P), each operation of mpmath in P bits (+, -, ·, /, exp, log) returns ŷ with
ŷ = y(1 + δ)^±1, |δ| <= eps. mpmath rounds to nearest, which is 2^-P, and evaluates exp and log with at least 14
guard bits; the factor 2 left over pays for what those lose. Exponents are unbounded: nothing overflows or underflows.

**Counting.** A quantity *has k roundings* when its computed value is exact · ∏ of at most k factors (1 + δ)^±1.
Products and quotients add the counts of their operands and one more. A sum of numbers of one sign has the largest
count of its operands and one more, so that n terms with k roundings each sum up to k + n - 1. A function f that is
concave with f(0) = 0 and not negative, such as log1p on x >= 0, passes the factor t of its argument on as a factor
between 1 and t, since f(tx) <= t·f(x) for t >= 1 and f(tx) >= t·f(x) for t <= 1: it adds only its own rounding.

**Bound.** k roundings change a number by at most γ = k·eps / (1 - k·eps) times its exact value, and where terms of
both signs are added, the sum by at most γ times the sum of their magnitudes M. Only the computed M̂ is known, with as
many roundings, and M <= M̂ / (1 - γ); γ / (1 - γ) = k·eps / (1 - 2k·eps) <= (k + 1)·eps as long as
2k(k + 1)·eps <= 1, which `relative_bound` checks. So the error is at most (k + 1)·eps·M̂, which `enclose` returns.

Two traps of mpmath are avoided here: a shared context whose precision others can change (each precision has a
context of its own, which never changes), and ``-x``, ``abs(x)`` and ``mpf(x)``, which round (the helpers do not).
"""

from __future__ import annotations

from functools import lru_cache
from math import isnan
from typing import Any

from mpmath import MPContext, libmp, mpf

from smxref.ball import Ball

#: mpmath's own representation of a number: (sign, mantissa, exponent, bit count).
Raw = tuple[int, int, int, int]

#: Below this the model of exp and log is not relied on, and a float would not fit in one number.
MINIMUM_BITS = 64

_ERROR_BITS = 30


@lru_cache(maxsize=256)
def context(bits: int) -> Any:
    """The mpmath context of a precision. Nothing may change it.

    Raises ValueError below 64 bits.
    """
    if bits < MINIMUM_BITS:
        raise ValueError(f"bits must be at least {MINIMUM_BITS}, not {bits}")
    ctx = MPContext()
    ctx.prec = bits
    return ctx


def exact(number: float) -> Raw:
    """A Python float or int without any rounding; infinities stay.

    Raises TypeError for anything else (a decimal string is not exact in binary), ValueError for nan.
    """
    if isinstance(number, float):
        if isnan(number):
            raise ValueError("not a number: an input is nan")
        raw: Raw = libmp.from_float(number)
    elif isinstance(number, int):
        raw = libmp.from_int(number)
    else:
        raise TypeError(f"inputs are Python floats or ints, not {type(number).__name__}")
    return raw


def log1p(ctx: Any, x: mpf) -> mpf:
    """log(1 + x) for finite x > -1, 1 rounding.

    For |x| < 2^-P the answer is x: |log1p(x) - x| <= x²/(2(1 - |x|)) < eps·|x|/2. Otherwise 1 + x is formed exactly,
    which takes at most 2P + 1 bits, and only the logarithm rounds.
    """
    _, mantissa, exponent, length = raw = x._mpf_
    if mantissa and exponent + length <= -ctx.prec:
        return x
    return ctx.make_mpf(libmp.mpf_log(libmp.mpf_add(libmp.fone, raw), ctx.prec, libmp.round_nearest))


def relative_bound(roundings: int, ctx: Any) -> Raw:
    """(k + 1)·eps, see "Bound" above.

    Raises ValueError where 2k(k + 1)·eps > 1: more bits are needed for that many operations.
    """
    if (2 * roundings * (roundings + 1)) >> (ctx.prec - 1):
        raise ValueError(f"{ctx.prec} bits are too few for {roundings} roundings")
    bound: Raw = libmp.from_man_exp(roundings + 1, 1 - ctx.prec)
    return bound


def enclose(value: mpf, magnitude: mpf, bound: Raw, ctx: Any) -> Ball:
    """The ball around a computed value whose terms have magnitudes that add up to ``magnitude``.

    ``magnitude`` is the value itself where no terms cancel. Infinite values are exact.
    """
    _, mantissa, exponent, _ = raw = magnitude._mpf_
    if not mantissa:
        if exponent and not ctx.isinf(value):
            raise ValueError("no limit: +inf and -inf are added")
        return Ball(value, ctx.zero)
    error = libmp.mpf_mul(libmp.mpf_abs(raw), bound, _ERROR_BITS, libmp.round_up)
    return Ball(value, ctx.make_mpf(error))


def multiplicities(counts: list[int] | None, n: int) -> list[int]:
    """How often each of n values occurs: all ones by default.

    Raises ValueError for another length, or anything but positive ints.
    """
    if counts is None:
        return [1] * n
    if len(counts) != n:
        raise ValueError(f"counts must have one entry per value: {n}, not {len(counts)}")
    if not all(isinstance(c, int) and c > 0 for c in counts):
        raise ValueError("counts must be positive ints")
    return counts
