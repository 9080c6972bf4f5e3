"""How many bits to start with, and raising them until every answer is as narrow as asked for (Ziv's strategy)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import TypeVar

from mpmath import libmp

from smxref.ball import Ball

_T = TypeVar("_T", Ball, list[Ball], Ball | list[Ball], list[list[Ball]])

#: Bits that a cancellation may take before `refine` has to raise the precision: more than the 53 of a float, the
#: distance between neighbouring inputs.
_CANCELLATION_BITS = 64


def starting_bits(values: Iterable[float], n: int, relative_bits: int) -> int:
    """A precision that usually gives n terms made of these values an error of 2^-relative_bits, relative.

    The error bounds of this package are at most 3n + 14 units of 2^(1-P) for n terms: that takes log2(3n + 14) + 1
    bits. What cancels is a difference of inputs, or of functions that are about as sharp (logsumexp near 0, KL of
    close distributions).
    Between the highest bit of the largest input and the lowest bit of any lie r bits; a difference is a multiple of
    that lowest bit, so a plain cancellation takes at most r of them. r is cut at 64, because the formulas themselves
    lose nothing to a wide range of exponents: exp(-1e300) is as narrow as exp(-1).
    """
    highest, lowest = None, None
    for value in values:
        if not value or (isinstance(value, float) and not isfinite(value)):
            continue
        numerator, denominator = value.as_integer_ratio()  # the denominator is a power of two
        low = (numerator & -numerator).bit_length() - denominator.bit_length()
        high = numerator.bit_length() - denominator.bit_length() + 1
        highest = high if highest is None else max(highest, high)
        lowest = low if lowest is None else min(lowest, low)
    spread = 0 if highest is None or lowest is None else min(highest - lowest, _CANCELLATION_BITS)
    return max(64, relative_bits + (3 * n + 14).bit_length() + 1 + spread)


def refine(compute: Callable[[int], _T], relative_bits: int, start: int, cap: int) -> _T:
    """``compute(bits)`` at the first of start, 2·start, 4·start, ... cap where every ball is narrow enough.

    Narrow enough is error <= 2^-relative_bits·|value|, or error 0 (exact, infinite). At the cap the balls are returned
    as they are; an answer that is exactly 0 without having been recognised so ends there, as a tiny ball around 0.
    """
    bits = min(start, cap)
    while True:
        result = compute(bits)
        if bits >= cap or all(is_narrow(ball, relative_bits) for ball in _balls(result)):
            return result
        bits = min(2 * bits, cap)


def is_narrow(ball: Ball, relative_bits: int) -> bool:
    """Whether error <= 2^-relative_bits·|value|."""
    _, error_mantissa, error_exponent, error_length = error = ball.error._mpf_
    if not error_mantissa:
        return True
    _, mantissa, exponent, length = value = ball.value._mpf_
    if not mantissa:
        return False
    if error_exponent + error_length < exponent + length - relative_bits:
        return True  # decided by the exponents, as nearly always
    return bool(libmp.mpf_le(libmp.mpf_shift(error, relative_bits), libmp.mpf_abs(value)))


def _balls(result: Ball | list[Ball] | list[list[Ball]]) -> Iterator[Ball]:
    if isinstance(result, Ball):
        yield result
    else:
        for part in result:
            yield from _balls(part)
