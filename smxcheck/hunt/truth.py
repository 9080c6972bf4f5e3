"""float64 values of sigmoid, log_sigmoid and logsumexp([0, x]) with a bound: what all float32 inputs are screened by.

With t = exp(-|x|):  σ(x) = 1/(1 + t) for x ≥ 0, t/(1 + t) below;  logsumexp([0, x]) = s(x) = max(x, 0) + log1p(t);
log_sigmoid(x) = -s(-x).

**Bound.** u = 2^-53; NumPy's exp and log1p of float64 are granted 1.5 ulp, 3u relative (their own tests demand 1 ulp).
The error of t enters 1 + t and log1p(t) with a factor of at most 1, since t ≤ 1 and both have condition numbers ≤ 1 there.
σ: 3u, the sum u, the quotient u: at most 3 + 3·t/(1 + t) + 1 + 1 < 7u. s: log1p(t) errs by 3 + 3 = 6u, the sum, of
terms of one sign, by u more: 7u. `GRANTED` is 8u, second-order terms included; nothing underflows for |x| < 128, the only
inputs that are asked. Each shard holds the bound against smxref at drawn inputs, which no proof needs.

**Constant ranges.** An exact value is within 1/6 ulp of the float32 below, so that this is its rounding and a target
that returns it errs by at most 1/6 there, most at an end of a shard (s and σ are monotone, and a shard lies on one side
of 0 and within a binade):

    |x| < 2^-26   σ: |σ - ½| ≤ |x|/4 < 2^-28, an eighth of the ulp 2^-25 below ½;  s: |s - log 2| ≤ |x|/2 + x²/8, an eighth
                  of the ulp 2^-24, and log 2 is 0.032 ulp off its own rounding
    x ≥ 32        1 - σ < e^-32 < 2^-46; s - x < 2^-46
    x ≤ -128      σ, s < 2^-184, far below half the smallest subnormal 2^-149
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smxcheck.hunt.model import SHARD_INPUTS
from smxcheck.hunt.question import Array

#: Relative error of `VALUES`.
GRANTED = 8 * 2.0**-53

#: Biased exponents of float32 below and from which the rounding is constant (or x itself): |x| < 2^-26; |x| ≥ 32 where it
#: is not 0; |x| ≥ 128.
SMALL, SATURATED, LARGE = 101, 132, 134
#: Infinities and NaNs.
SPECIAL = 255


def _sigmoid(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, t) / (1.0 + t)


def _two_class(x: Array) -> Array:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


VALUES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda x: -_two_class(-x),
    "logsumexp": _two_class,
}

#: The rounded value at small x, at large x, and at large -x; None where it is x.
_LOG_2 = float(np.float32(np.log(2.0)))
_CONSTANT: dict[str, tuple[float, float | None, float | None]] = {
    "sigmoid": (0.5, 1.0, 0.0),
    "log_sigmoid": (-_LOG_2, 0.0, None),
    "logsumexp": (_LOG_2, None, 0.0),
}


def inputs(shard: int, start: int, count: int) -> Array:
    """``count`` float32 inputs of a shard (sign and biased exponent, the upper nine bits) from the ``start``-th on."""
    bits = np.arange(start, start + count, dtype=np.uint32) | np.uint32(shard * SHARD_INPUTS)
    return bits.view(np.float32)


def constant(function: str, shard: int, x: Array) -> Array | None:
    """What every exact value of the shard rounds to, and stays within 1/6 ulp of; None where that varies."""
    negative, exponent = divmod(shard, 256)
    small, above, below = _CONSTANT[function]
    value = small if exponent < SMALL else below if negative else above
    if SMALL <= exponent < (LARGE if value == 0 else SATURATED) or exponent == SPECIAL:
        return None
    return x if value is None else np.full(x.shape, value, np.float32)
