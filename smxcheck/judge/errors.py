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
class Errors:
    """Signed errors in ulp of the exact value, the uncertainty of each, and the scale they are measured on."""

    signed: Array  # (ŷ - y)/ulp(y); ±inf where ŷ overflows the scale, nan where ŷ is nan
    slack: Array  # |signed| is known to ± slack
    ulp_exponent: Array  # ulp(y) = 2^ulp_exponent
    value: Array  # y/ulp(y) as float64, 0 where it underflows

    @property
    def size(self) -> Array:
        return np.abs(self.signed)


def ulp_exponent(enclosure: Enclosure, fmt: Format) -> Array:
    """q with ulp(y) = 2^q."""
    e = np.where(enclosure.hi == 0, fmt.e_min, enclosure.exponent.astype(np.int64) - 1)
    return np.clip(e, fmt.e_min, fmt.e_max) - fmt.precision + 1


def _scaled(x: Array, shift: Array) -> Array:
    """x·2^shift; the shift is cut where the result is 0 or infinite in any case."""
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(x, np.clip(shift, -4000, 4000).astype(np.int64))


def errors(got: Array, enclosure: Enclosure, fmt: Format) -> Errors:
    """Errors of ``got`` (any dtype, same shape) against the enclosed values, in ulp of ``fmt``."""
    q = ulp_exponent(enclosure, fmt)
    got64 = np.asarray(got).astype(np.float64)
    exponent = enclosure.exponent.astype(np.int64)
    y, rest = _scaled(enclosure.hi, exponent - q), _scaled(enclosure.lo, exponent - q)
    infinite = np.isinf(got64)
    beyond = infinite & (np.sign(enclosure.hi) * np.sign(got64) > 0) & (exponent - 1 > fmt.e_max)
    g = np.where(infinite, _scaled(np.sign(np.where(infinite, got64, 0.0)), fmt.e_max + 1 - q), _scaled(got64, -q))
    with np.errstate(invalid="ignore", over="ignore"):
        signed = np.where(beyond, 0.0, (g - y) - rest)
        unknown = (enclosure.hi == 0) & (enclosure.bound > 0)
        width = np.where(unknown, _scaled(np.ones_like(y), exponent - q), np.abs(y)) * enclosure.bound
        slack = width + np.abs(signed) * 2.0**-50
    slack = np.where(beyond | np.isnan(got64), 0.0, slack)  # nan is wrong for every number: nothing to decide
    return Errors(signed, np.where(np.isnan(slack), np.inf, slack), q, y)
