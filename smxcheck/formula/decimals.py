"""Exact numbers as decimals that the grammar reads."""

from __future__ import annotations

from fractions import Fraction

#: Below this a number is written with a power of ten, as 2.40265555e-05.
SMALL = Fraction(1, 10_000)

#: From this many digits before the point on, too.
_LONG = 16


def decimal(value: Fraction) -> str:
    """A number as a decimal, with all its digits and no zeros at the end: 0.5, 2, 2.40265555e-05.

    Raises ValueError for one whose decimals have no end, as 1/3.
    """
    rest = value.denominator
    places = 0
    while rest > 1:
        common = next((p for p in (10, 5, 2) if rest % p == 0), None)
        if common is None:
            raise ValueError(f"{value} has no end as a decimal")
        rest //= common
        places += 1
    digits = str(abs(value.numerator) * 10**places // value.denominator)
    return ("-" if value < 0 else "") + _placed(digits, -places)


def _placed(digits: str, exponent: int) -> str:
    """The digits times 10^exponent."""
    shorter = digits.rstrip("0") or "0"
    exponent += len(digits) - len(shorter)
    before = len(shorter) + exponent  # digits before the point
    if shorter == "0":
        return "0"
    if before < -3 or before > _LONG:
        mantissa = shorter[0] + (f".{shorter[1:]}" if len(shorter) > 1 else "")
        return f"{mantissa}e{before - 1:+03d}"
    if before <= 0:
        return f"0.{'0' * -before}{shorter}"
    if exponent >= 0:
        return shorter + "0" * exponent
    return f"{shorter[:before]}.{shorter[before:]}"
