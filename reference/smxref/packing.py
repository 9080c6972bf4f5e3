"""A ball as four Python numbers, and as decimal digits."""

from __future__ import annotations

from math import ldexp, log10

from mpmath import libmp

from smxref.ball import Ball

#: (hi, lo, exponent, bound) of `pack`.
Packed = tuple[float, float, int, float]

#: Smallest exponent that a packed value has. What lies below is far under every floating-point format.
LOWEST_EXPONENT = -(2**30)

_FLOAT_BITS = 53
_LOW_MASK = (1 << _FLOAT_BITS) - 1
_TRUNCATION = 2.0**-105
#: 1 + 2^-48: more than the few roundings of floats that form a bound.
_ROUND_UP = 1 + 2.0**-48
#: Bounds are not given smaller than this, so that they stay normal floats.
_SMALLEST_BOUND_EXPONENT = -1000


def pack(ball: Ball) -> Packed:
    """(hi, lo, exponent, bound) with ``|y - (hi + lo)·2^exponent| <= bound·|y|`` for every y of the ball.

    ``hi`` is the first 53 bits of the value, in [0.5, 1) with its sign, ``lo`` the next 53, truncated (less than
    2^-105 relative, counted in ``bound``). With e = error/|value| and truncation τ, |y| >= |value|(1 - e) and so
    bound = (e + τ)/(1 - e), rounded up.

    ====================================== ==================== =====================================
    value                                  packed               meaning
    ====================================== ==================== =====================================
    exactly 0                              (0.0, 0.0, 0, 0.0)   y = 0
    infinite                               (±inf, 0.0, 0, 0.0)  y = ±inf
    error > |value|/2, or |y| < 2^(-2^30)  (0.0, 0.0, E, 1.0)   only |y| <= 2^E is known, E >= -2^30
    ====================================== ==================== =====================================
    """
    sign, mantissa, exponent, length = ball.value._mpf_
    _, error_mantissa, error_exponent, error_length = ball.error._mpf_
    top = exponent + length
    if not mantissa:
        if exponent:
            return float(ball.value), 0.0, 0, 0.0
        if not error_mantissa:
            return 0.0, 0.0, 0, 0.0
        return 0.0, 0.0, max(error_exponent + error_length, LOWEST_EXPONENT), 1.0

    excess = length - 2 * _FLOAT_BITS
    digits = int(mantissa >> excess if excess > 0 else mantissa << -excess)
    hi = (digits >> _FLOAT_BITS) * 2.0**-53
    error = _relative_error(hi, top, ball.error._mpf_) if error_mantissa else 0.0
    if error > 0.5:
        return 0.0, 0.0, max(max(top, error_exponent + error_length) + 1, LOWEST_EXPONENT), 1.0
    if top < LOWEST_EXPONENT:
        return 0.0, 0.0, LOWEST_EXPONENT, 1.0
    lo = (digits & _LOW_MASK) * 2.0**-106
    truncation = _TRUNCATION if excess > 0 else 0.0
    bound = (error + truncation) / (1.0 - error) * _ROUND_UP
    return (-hi, -lo, top, bound) if sign else (hi, lo, top, bound)


def _relative_error(hi: float, top: int, error: tuple[int, int, int, int]) -> float:
    """An upper bound of error/|value| for a value of at least hi·2^top."""
    _, mantissa, exponent, length = error
    difference = max(min(exponent + length - top, 2), _SMALLEST_BOUND_EXPONENT)
    return ldexp(_leading(mantissa, length) / hi, difference) * _ROUND_UP


def _leading(mantissa: int, length: int) -> float:
    """The mantissa as a float in (0.5, 1], rounded up."""
    excess = length - _FLOAT_BITS
    if excess > 0:
        return (int(mantissa >> excess) + 1) * 2.0**-53
    return ldexp(int(mantissa), -length)


def decimal_string(number: Ball | Packed, digits: int = 40) -> str:
    """The value in at most ``digits`` significant decimal digits, and no more than its error supports.

    The error is at most half a unit of the last digit shown, beside the rounding to that digit (one digit is always
    shown). A number of which only the size is known reads ``|y| <= 2^E``.
    """
    hi, lo, exponent, bound = pack(number) if isinstance(number, Ball) else number
    if isinstance(number, Ball):
        raw = number.value._mpf_
        _, mantissa, low, length = raw
        if mantissa and number.error:
            leading = ldexp(int(mantissa >> max(length - _FLOAT_BITS, 0)), -min(length, _FLOAT_BITS))
            bound = _relative_error(leading, low + length, number.error._mpf_)
        elif mantissa:
            bound = 0.0
    else:
        low_part = libmp.mpf_shift(libmp.from_float(lo), exponent)
        raw = libmp.mpf_add(libmp.mpf_shift(libmp.from_float(hi), exponent), low_part)
    if bound > 0.5:
        return f"|y| <= 2^{exponent}"
    if bound:
        digits = max(1, min(digits, int(-log10(2 * bound))))
    text: str = libmp.to_str(raw, digits)
    return text.removeprefix("+").removesuffix(".0")
