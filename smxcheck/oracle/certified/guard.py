"""Whether this process computes as the proofs suppose: binary64, rounding to nearest, gradual underflow.

A shared library built with -ffast-math can switch a whole process to flush-to-zero when it is loaded, and code can change
the rounding mode; either makes proven bounds worthless. The question is cheap, so it is put before every use.
"""

from __future__ import annotations

import numpy as np

_TINY = np.array([5e-324, 2.0**-1074])
_ONE = np.array([1.0, 1.0, -1.0])
_HALF_ULP = np.array([2.0**-53, 3 * 2.0**-54, -(2.0**-53)])
_NEAREST = np.array([1.0, 1.0 + 2.0**-52, -1.0])


class UnsoundArithmetic(RuntimeError):
    """The floating-point environment is not the one that the bounds are proven for."""


def complaint() -> str:
    """What is wrong with the arithmetic of this thread; "" where nothing is."""
    with np.errstate(all="ignore"):
        if not ((_TINY + _TINY) * 0.5 == _TINY).all() or not (_TINY > 0).all():
            return "subnormal numbers are flushed to zero (a library in this process set the CPU's FTZ or DAZ flag)"
        if not np.array_equal(_ONE + _HALF_ULP, _NEAREST):
            return "the rounding mode is not to nearest"
    return ""


def ensure_sound() -> None:
    """Raises UnsoundArithmetic where a bound would not hold."""
    if text := complaint():
        raise UnsoundArithmetic(f"the certified oracle refuses to run: {text}")
