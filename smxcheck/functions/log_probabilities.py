"""Algorithms for log_softmax: x_i - log Σ_k exp(x_k), shape and dtype of x.

All but ``accurate`` compute in the dtype of x, 16-bit formats in float32, and round the result once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import compensated, plain, shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, Axis, as_real, at_least_float32, reduced_axes, rounded
from smxcheck.functions.drive import Plan, mapped
from smxcheck.functions.online import running_max_and_sum
from smxcheck.functions.rows import map_rows


def textbook(x: ArrayLike, axis: Axis = -1) -> Array:
    """log(exp(x) / Σ exp(x)), the sum over the whole array: what the textbook softmax gives, and its logarithm.

    -inf wherever a probability underflows, nan wherever an exponential overflows; silent about it.
    """
    array = as_real(x, "x")
    reduced_axes(axis, array.ndim)
    with np.errstate(all="ignore"):
        exponential = np.exp(at_least_float32(array))
        result: Array = rounded(np.asarray(np.log(exponential / exponential.sum())), array.dtype)[()]
        return result


_SINGLE, _DOUBLE = (Plan(plain.log_softmax, np.dtype(dtype)) for dtype in (np.float32, np.float64))
_TWO_PARTS = Plan(compensated.log_softmax, np.dtype(np.float64), in_place=False, block=1 << 19)


@map_rows
def shifted(rows: Array) -> Array:
    """(x - max) - log Σ exp(x - max)."""
    rows = at_least_float32(rows)
    gap = rows - rows.max(axis=-1, keepdims=True)
    return np.asarray(gap - np.log(np.exp(gap).sum(axis=-1, keepdims=True)))


@map_rows
def online(rows: Array) -> Array:
    """(x - m) - log S with the running maximum m and the rescaled sum S of one pass."""
    rows = at_least_float32(rows)
    largest, total = running_max_and_sum(rows)
    return np.asarray((rows - largest) - np.log(total))


@map_rows
def subtract_lse(rows: Array) -> Array:
    """x - lse: loses u·|lse|, every digit at large offsets."""
    rows = at_least_float32(rows)
    largest = rows.max(axis=-1, keepdims=True)
    lse = largest + np.log(np.exp(rows - largest).sum(axis=-1, keepdims=True))
    return np.asarray(rows - lse)


@map_rows
def log1p(rows: Array) -> Array:
    """(x - max) - log1p(s), s the sum without the largest term: right digits where one entry dominates."""
    rows = at_least_float32(rows)
    _, gap, _, rest = shift.largest_left_out(rows)
    return np.asarray(gap - np.log1p(rest))


def fast(x: ArrayLike, axis: Axis = -1, *, out: Array | None = None, threads: int = 1) -> Array:
    """The log1p form in strips that stay in cache; sums are trees along every axis."""
    array = as_real(x, "x")
    return mapped(_SINGLE if array.dtype.itemsize < 8 else _DOUBLE, array, axis, out, threads)


def accurate(x: ArrayLike, axis: Axis = -1, *, out: Array | None = None, threads: int = 1) -> Array:
    """The log1p form; narrow formats in float64, float64 with shift, sum and logarithm in two parts; rounded once."""
    array = as_real(x, "x")
    return mapped(_DOUBLE if array.dtype.itemsize < 8 else _TWO_PARTS, array, axis, out, threads)


ALGORITHMS = table(
    Algorithm(
        "accurate", accurate, "tight", "log1p of the rest; float64 inside, or in two parts; rounded once"
    ),
    Algorithm("fast", fast, "tight", "log1p of the rest, in strips"),
    Algorithm("shifted", shifted, "standard", "(x - max) - log Σ exp(x - max)"),
    Algorithm("log1p", log1p, "tight", "(x - max) - log1p(sum of the rest)"),
    Algorithm("online", online, "standard", "running maximum and rescaled sum, one pass"),
    Algorithm("subtract_lse", subtract_lse, "wrong", "x - lse: loses u·|lse|"),
    Algorithm("textbook", textbook, "wrong", "log(softmax(x)): -inf in the tail, overflows"),
)
