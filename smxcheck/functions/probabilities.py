"""Algorithms for softmax: p_i = exp(x_i) / Σ_k exp(x_k), shape and dtype of x.

All but ``accurate`` compute in the dtype of x, 16-bit formats in float32, and round the result once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import plain, shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, Axis, as_real, at_least_float32, reduced_axes, rounded
from smxcheck.functions.drive import Plan, mapped
from smxcheck.functions.online import running_max_and_sum
from smxcheck.functions.rows import map_rows


def textbook(x: ArrayLike, axis: Axis = -1) -> Array:
    """exp(x) / Σ exp(x), the sum over the whole array whatever ``axis`` says, as it is often printed.

    Overflows to nan above 88.7 in float32 and 709.8 in float64, is 0/0 for very negative rows, and normalises the rows
    of a batch together. Silent about it: the values are the evidence.
    """
    array = as_real(x, "x")
    reduced_axes(axis, array.ndim)
    with np.errstate(all="ignore"):
        exponential = np.exp(at_least_float32(array))
        result: Array = rounded(np.asarray(exponential / exponential.sum()), array.dtype)[()]
        return result


_SINGLE = Plan(plain.softmax, np.dtype(np.float32))


@map_rows
def shifted(rows: Array) -> Array:
    """exp(x - max) / Σ exp(x - max): the usual stable form."""
    rows = at_least_float32(rows)
    weight = np.exp(rows - rows.max(axis=-1, keepdims=True))
    weight /= weight.sum(axis=-1, keepdims=True)
    return np.asarray(weight)


@map_rows
def online(rows: Array) -> Array:
    """exp(x - m) / S with the running maximum m and the rescaled sum S of one pass."""
    rows = at_least_float32(rows)
    largest, total = running_max_and_sum(rows)
    return np.asarray(np.exp(rows - largest) / total)


@map_rows
def subtract_lse(rows: Array) -> Array:
    """exp(x - lse): no division, but lse is rounded relative to the offset of the logits, so the relative error grows
    with |lse| (Blanchard, Higham & Higham 2021, theorem 4.4)."""
    rows = at_least_float32(rows)
    largest = rows.max(axis=-1, keepdims=True)
    lse = largest + np.log(np.exp(rows - largest).sum(axis=-1, keepdims=True))
    return np.asarray(np.exp(rows - lse))


@map_rows
def log1p(rows: Array) -> Array:
    """exp(x - max) / (1 + s), s the sum without the largest term (Blanchard, Higham & Higham 2021, algorithm 4.1)."""
    rows = at_least_float32(rows)
    _, _, weight, rest = shift.largest_left_out(rows)
    return np.asarray(weight / (1 + rest))


def fast(x: ArrayLike, axis: Axis = -1, *, out: Array | None = None, threads: int = 1) -> Array:
    """exp(x - max) times the reciprocal of the sum, in strips that stay in cache; sums are trees along every axis."""
    array = as_real(x, "x")
    return mapped(_SINGLE if array.dtype.itemsize < 8 else shift.PLAIN, array, axis, out, threads)


def accurate(x: ArrayLike, axis: Axis = -1, *, out: Array | None = None, threads: int = 1) -> Array:
    """Narrow formats in float64 and rounded once; float64 with weights, sum and quotient in two parts, rounded once."""
    array = as_real(x, "x")
    return mapped(shift.PLAIN if array.dtype.itemsize < 8 else shift.TWO_PARTS, array, axis, out, threads)


ALGORITHMS = table(
    Algorithm("accurate", accurate, "tight", "float64 inside, or in two parts; rounded once"),
    Algorithm("fast", fast, "tight", "in strips, times the reciprocal of the sum"),
    Algorithm("shifted", shifted, "tight", "exp(x - max) / Σ exp(x - max)"),
    Algorithm("log1p", log1p, "tight", "exp(x - max) / (1 + sum of the rest)"),
    Algorithm("online", online, "standard", "running maximum and rescaled sum, one pass"),
    Algorithm("subtract_lse", subtract_lse, "wrong", "exp(x - lse): error grows with the offset"),
    Algorithm("textbook", textbook, "wrong", "exp(x) / Σ exp(x) over the whole array: overflows"),
)
