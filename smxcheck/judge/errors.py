"""The error metric: |ŷ - y| / ulp(y), a real number, with the ulp of the exact value y.

ulp(y) = 2^(max(e, e_min) - p + 1) for 2^e ≤ |y| < 2^(e+1), and the smallest subnormal at y = 0; beyond the largest
finite number the ulp stays that of the last binade. An infinity of the right sign stands for 2^(e_max + 1): that is
where rounding to nearest puts the next number, so -inf for -6.8e38 in float32 has error 0 and -inf for -3.4e38 has
a large one.

Everything is computed in float64 after scaling by a power of two, which is exact; the difference of two numbers that
agree to more than a bit is exact too (Sterbenz), so the error itself carries a relative error of about 2^-52, which
``slack`` covers together with the enclosure's own bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.oracle.enclosure import Enclosure

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Scale:
    """The exact values measured in their own ulp: everything about an error that does not depend on the target."""

    ulp_exponent: Array  # ulp(y) = 2^ulp_exponent
    value: Array  # leading part of y/ulp(y); 0 where it underflows
    rest: Array  # the rest of it
    width: Array  # y/ulp(y) is known to ± width
    beyond: Array  # sign of y where |y| is beyond the binade of the largest finite number, else 0


@dataclass(frozen=True)
class Errors:
    """Signed errors in ulp of the exact value, the uncertainty of each, and the scale they are measured on."""

    signed: Array  # (ŷ - y)/ulp(y); ±inf where ŷ overflows the scale, nan where ŷ is nan
    slack: Array  # |signed| is known to ± slack
    scale: Scale

    @property
    def size(self) -> Array:
        return np.abs(self.signed)

    @property
    def value(self) -> Array:
        return self.scale.value

    @property
    def ulp_exponent(self) -> Array:
        return self.scale.ulp_exponent


#: Shifts are cut here: a float64 times 2^±4000 is 0 or infinite in any case.
_FARTHEST = 4000


def times_power(x: Array, shift: Array) -> Array:
    """x·2^shift in float64."""
    return np.asarray(np.ldexp(x, np.minimum(np.maximum(shift, -_FARTHEST), _FARTHEST)))


def scale(enclosure: Enclosure, fmt: Format) -> Scale:
    """The ulp of every exact value, and the value in it."""
    exponent = enclosure.exponent.astype(np.int64)
    zero = enclosure.hi == 0
    e = np.where(zero, fmt.e_min, exponent - 1)
    q = np.minimum(np.maximum(e, fmt.e_min), fmt.e_max) - fmt.precision + 1
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # inf·0 far beyond the format
        value, rest = times_power(enclosure.hi, exponent - q), times_power(enclosure.lo, exponent - q)
        width = np.abs(value) * enclosure.bound
        unknown = zero & (enclosure.bound > 0)
        if unknown.any():
            width = np.where(unknown, times_power(np.ones_like(value), exponent - q), width)
    beyond = np.where(exponent - 1 > fmt.e_max, np.sign(enclosure.hi), 0.0)
    return Scale(q, value, rest, width, beyond)


def measure(got: Array, on: Scale, fmt: Format) -> Errors:
    """Errors of ``got`` (any dtype, same shape), in ulp of the exact values."""
    got64 = np.asarray(got).astype(np.float64)
    q = on.ulp_exponent
    infinite = np.isinf(got64)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        g = times_power(got64, -q)
        if infinite.any():
            g = np.where(infinite, times_power(np.sign(got64), fmt.e_max + 1 - q), g)
        signed = (g - on.value) - on.rest
        slack = on.width + np.abs(signed) * 2.0**-50
        if infinite.any():
            right = infinite & (on.beyond * np.sign(got64) > 0)
            signed, slack = np.where(right, 0.0, signed), np.where(right, 0.0, slack)
        # nan is wrong for every number, and so is what overflows the scale: nothing is left to decide there.
        slack = np.where(np.isfinite(signed), slack, 0.0)
    return Errors(signed, slack, on)


def errors(got: Array, enclosure: Enclosure, fmt: Format) -> Errors:
    """Errors of ``got`` against the enclosed values, in ulp of ``fmt``."""
    return measure(got, scale(enclosure, fmt), fmt)
