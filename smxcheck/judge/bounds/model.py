"""What a bound is: the roundings of one named algorithm on one input, term by term; and what is granted to exp, log.

A bound has relative terms, whose sum r makes an error of at most expm1(r)·|y| (each term is the logarithm of a factor
1 + δ), and absolute terms in units of the value. Terms are kept apart so that the largest can be named.

Notation used by every module here: u unit roundoff, λ smallest subnormal, a = max x, d_j = a - x_j ≥ 0,
w_j = exp(-d_j), S = Σ w_j, s = S without one maximal term, p_j = w_j/S, q = s/S, L = log S, T = Σ p_j d_j,
ρ_j = |fl(x_j - a) - (x_j - a)| ≤ u·d_j the rounding of the shift, known exactly on each input.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

#: Bounds are evaluated in float64 from quantities whose relative error is far below 2^-30; raising them by 2^-20
#: keeps an evaluation from making one smaller than it was derived.
EVALUATION_SLACK = 2.0**-20

#: Relative error granted to the platform's exp, in u. NumPy's float32 exp reaches 2.54 ulp (all inputs tried), float64
#: libraries stay below 1 ulp = 2u except vector ones near 2 ulp; 16-bit results come through float32 or are rounded
#: once from it. The same on every machine.
EXP_ERROR: Mapping[str, float] = {"float16": 2, "bfloat16": 2, "float32": 6, "float64": 4}

#: The same for log: NumPy's float32 log reaches 3.83 ulp (all inputs tried).
LOG_ERROR: Mapping[str, float] = {"float16": 2, "bfloat16": 2, "float32": 8, "float64": 4}

#: The same for log1p of a number ≥ 0: NumPy's float32 log1p reaches 1.96 ulp, 3.4 u (all inputs from 2^-24 to 2^24 tried),
#: float64 libraries stay below 2 ulp.
LOG1P_ERROR: Mapping[str, float] = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 4}

#: Roundings of the argument of exp in the forms that ``standard`` admits, beside the shift itself, as multiples of
#: u·d. In float32 and float64: exp2((x - a)·log2 e) rounds the constant and the product (2); in all formats
#: exp((x - a) - log S) rounds the difference (1, and L, which the term of the logarithm holds).
EXTRA_ARGUMENT_ROUNDINGS: Mapping[str, float] = {"float16": 1, "bfloat16": 1, "float32": 2, "float64": 2}

#: What base 2 costs log_softmax, in u·d: a product with log2 e, one with ln 2, and the rounding of both constants, which
#: is 0.27 u in float32 and 0.43 u in float64.
BASE_2 = 2.5


@dataclass(frozen=True)
class Bound:
    """Named terms; ``relative`` as logarithms of factors, ``absolute`` in units of the value."""

    relative: Mapping[str, Any] = field(default_factory=dict)
    absolute: Mapping[str, Any] = field(default_factory=dict)

    def total_relative(self) -> Array | float:
        total: Array | float = 0.0
        for term in self.relative.values():
            total = total + term
        return np.expm1(np.minimum(total, 700.0)) * (1 + EVALUATION_SLACK)

    def total_absolute(self) -> Array | float:
        total: Array | float = 0.0
        for term in self.absolute.values():
            total = total + term
        return total * (1 + EVALUATION_SLACK)


@functools.cache
def tree_roundings(n: int) -> int:
    """Additions on the longest path of NumPy's pairwise summation of n terms.

    Fewer than 8 terms one after another: n - 1. Up to 128: eight accumulators take ⌊n/8⌋ terms each, 3 additions join
    them, and the n mod 8 terms that are left follow one after another. More: two halves, the first cut to a multiple
    of 8. Never less than the ⌈log2 n⌉ of a balanced tree from 8 terms on, and never more than n - 1.
    """
    if n < 8:
        return max(n - 1, 0)
    if n <= 128:
        return n // 8 - 1 + 3 + n % 8
    half = n // 2 - n // 2 % 8
    return 1 + max(tree_roundings(half), tree_roundings(n - half))


def roundings(n: int, level: Level) -> int:
    """Additions that one term passes through: a tree for ``tight``, one after another for ``standard``."""
    return tree_roundings(n) if level is Level.TIGHT else max(n - 1, 0)


def summation(n: int, fmt: Format, level: Level) -> float:
    """Relative error granted to a sum of n terms of one sign: never more than √u, or long rows would accept all."""
    return min(roundings(n, level) * fmt.u, math.sqrt(fmt.u))


def log_error(fmt: Format, level: Level) -> float:
    """What is granted to the logarithm, in u: ``tight`` takes log1p of the rest, ``standard`` log of the sum."""
    return (LOG1P_ERROR if level is Level.TIGHT else LOG_ERROR)[fmt.name]


def extra_argument(fmt: Format, level: Level) -> float:
    """Roundings of exp's argument beside the shift, in u·d."""
    return 0.0 if level is Level.TIGHT else EXTRA_ARGUMENT_ROUNDINGS[fmt.name]
