"""Algorithms for log_softmax: x_i - log Σ_k exp(x_k), shape and dtype of x.

All but ``accurate`` compute in the dtype of x, 16-bit formats in float32, and round the result once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, Axis, as_real, at_least_float32, reduced_axes, rounded
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


@map_rows
def fast(rows: Array) -> Array:
    """The shifted form with two arrays, in place."""
    rows = at_least_float32(rows)
    gap: Array = np.subtract(rows, rows.max(axis=-1, keepdims=True))
    gap -= np.log(np.exp(gap).sum(axis=-1, keepdims=True))
    return gap


@map_rows
def accurate(rows: Array) -> Array:
    """The log1p form; narrow formats in float64, float64 with the shift's rounding and the sum's low part kept."""
    return shift.shifted(rows).log_probabilities()


ALGORITHMS = table(
    Algorithm(
        "accurate", accurate, "tight", "log1p of the rest; float64 inside, or compensated; rounded once"
    ),
    Algorithm("fast", fast, "standard", "the shifted form in place"),
    Algorithm("shifted", shifted, "standard", "(x - max) - log Σ exp(x - max)"),
    Algorithm("log1p", log1p, "tight", "(x - max) - log1p(sum of the rest)"),
    Algorithm("online", online, "standard", "running maximum and rescaled sum, one pass"),
    Algorithm("subtract_lse", subtract_lse, "wrong", "x - lse: loses u·|lse|"),
    Algorithm("textbook", textbook, "wrong", "log(softmax(x)): -inf in the tail, overflows"),
)
