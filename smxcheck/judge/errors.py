"""The error metric: |ŷ - y| / ulp(y), a real number, with the ulp of the exact value y.

ulp(y) = 2^(max(e, e_min) - p + 1) for 2^e ≤ |y| < 2^(e+1), and the smallest subnormal at y = 0; beyond the largest
finite number the ulp stays that of the last binade. A y that is a power of two to within 2^-78 counts as that power:
no enclosure tells for every such y on which side it lies. An infinity of the right sign stands for 2^(e_max + 1): that
is where rounding to nearest puts the next number, so -inf for -6.8e38 in float32 has error 0 and -inf for -3.4e38 has
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
    doubt: Array | None = None  # where a wide enclosure holds a power of two, so that the ulp is not known


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
#: Powers of two up to here are normal numbers of float64, and so are their reciprocals.
_NORMAL = 1022


def times_power(x: Array, shift: Array) -> Array:
    """x·2^shift in float64, rounded once where it is subnormal."""
    if np.size(shift) and np.max(shift) <= _NORMAL and np.min(shift) >= -_NORMAL:
        return np.asarray(x * power_of_two(shift))  # the same as ldexp, at a third of its time
    return np.asarray(np.ldexp(x, np.minimum(np.maximum(shift, -_FARTHEST), _FARTHEST)))


def power_of_two(exponent: Array) -> Array:
    """2^exponent for |exponent| ≤ 1022, by its bits: the biased exponent stands above 52 bits of zeros."""
    bits = np.asarray(exponent).astype(np.int64)
    bits += 1023
    bits <<= 52
    return bits.view(np.float64)


def scale(enclosure: Enclosure, fmt: Format) -> Scale:
    """The ulp of every exact value, and the value in it."""
    exponent = enclosure.exponent.astype(np.int64)
    zero = enclosure.hi == 0
    e = np.where(zero, fmt.e_min, exponent - 1)
    step, doubt = binade_steps(enclosure)
    if step is not None:
        e = e + step
    q = np.minimum(np.maximum(e, fmt.e_min), fmt.e_max) - fmt.precision + 1
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # inf·0 far beyond the format
        shift = exponent - q  # the precision of the format, but where y is subnormal or beyond the format
        if shift.size and (shift == shift.flat[0]).all():
            shift = shift.flat[0]
        value, rest = times_power(enclosure.hi, shift), times_power(enclosure.lo, shift)
        width = np.abs(value) * enclosure.bound
        unknown = zero & (enclosure.bound > 0)
        if unknown.any():
            width = np.where(unknown, times_power(np.ones_like(value), exponent - q), width)
    beyond = np.where(exponent - 1 > fmt.e_max, np.sign(enclosure.hi), 0.0)
    return Scale(q, value, rest, width, beyond, doubt)


#: Enclosures of float32 results are at most so wide: what lies further from a power of two is not looked at twice.
_EDGE = 2.0**-39
#: What lies within this of a power of two counts as that power, whatever is known of it; a wider enclosure that leaves the
#: binade open is worth more bits. A step wider than the 80 bits of the first enclosures.
_SAME = 2.0**-78


def binade_steps(enclosure: Enclosure) -> tuple[Array | None, Array | None]:
    """What is added to the exponent of hi for the binade of hi + lo, and where the enclosure leaves it open and is wide.

    Beside a power of two hi may be rounded up to it, so that lo tells: 1 - 2^-60 is hi = 1, lo = -2^-60, and lies below 1.
    A power of two within the enclosure, or within 2^-78, is taken for the value: exact powers are common, numbers that are
    nearly one are not.
    None, None where no value is near a power of two.
    """
    off_centre = np.abs(enclosure.hi) - 0.75  # of [½, 1); -¾ at 0
    off_centre = np.abs(off_centre, out=np.asarray(off_centre))
    if off_centre.max(initial=0.0) < 0.25 - _EDGE:
        return None, None
    near = (off_centre >= 0.25 - _EDGE) & (off_centre < 0.75)
    if not near.any():
        return None, None
    size, rest = np.abs(enclosure.hi), np.where(enclosure.hi < 0, -enclosure.lo, enclosure.lo)
    above, below = (size - 0.5) + rest, (1.0 - size) - rest  # distances from the powers around hi
    reach = np.maximum(enclosure.bound, _SAME)
    below_its_own = near & (above < 0) & (-above > 0.5 * reach)
    at_the_next = near & (below <= reach)
    open_ = at_the_next | (near & (np.abs(above) <= 0.5 * reach))
    return at_the_next.astype(np.int64) - below_its_own, open_ & (enclosure.bound > _SAME)


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
