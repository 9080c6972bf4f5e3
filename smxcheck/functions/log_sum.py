"""Algorithms for logsumexp: log Σ_k exp(x_k), x's shape without the axis, dtype of x.

The sum of no entries is 0 and its logarithm -inf; so is the result of a row of -inf. A row with +inf gives +inf.
All but ``accurate`` compute in the dtype of x, 16-bit formats in float32, and round the result once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import compensated, plain, shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, Axis, as_real, at_least_float32
from smxcheck.functions.drive import Plan, reduced
from smxcheck.functions.online import running_max_and_sum
from smxcheck.functions.rows import reduce_rows

_empty_sum = reduce_rows(empty=-np.inf)

_SINGLE, _DOUBLE = (Plan(plain.logsumexp, np.dtype(dtype)) for dtype in (np.float32, np.float64))
_NARROW = Plan(compensated.narrow_logsumexp, np.dtype(np.float64))
_TWO_PARTS = Plan(compensated.logsumexp, np.dtype(np.float64), in_place=False, block=1 << 19)


@_empty_sum
def textbook(rows: Array) -> Array:
    """log Σ exp(x): overflows to inf, underflows to -inf, and gives 0 where the answer is tiny; silent about it."""
    with np.errstate(all="ignore"):
        return np.asarray(np.log(np.exp(at_least_float32(rows)).sum(axis=-1, keepdims=True)))


def _finite_or(largest: Array, result: Array) -> Array:
    """``result`` in rows with a finite maximum, else the maximum: ±inf and nan are their own answer."""
    return np.where(np.isfinite(largest), result, largest)


@_empty_sum
def shifted(rows: Array) -> Array:
    """max + log Σ exp(x - max)."""
    rows = at_least_float32(rows)
    largest = rows.max(axis=-1, keepdims=True)
    return _finite_or(largest, largest + np.log(np.exp(rows - largest).sum(axis=-1, keepdims=True)))


@_empty_sum
def online(rows: Array) -> Array:
    """m + log S with the running maximum m and the rescaled sum S of one pass."""
    largest, total = running_max_and_sum(at_least_float32(rows))
    return _finite_or(largest, largest + np.log(total))


@_empty_sum
def log1p(rows: Array) -> Array:
    """max + log1p(s), s the sum without the largest term (Blanchard, Higham & Higham 2021, algorithm 4.1)."""
    rows = at_least_float32(rows)
    largest = rows.max(axis=-1, keepdims=True)
    _, _, _, rest = shift.largest_left_out(rows)
    return _finite_or(largest, largest + np.log1p(rest))


def fast(x: ArrayLike, axis: Axis = -1, *, threads: int = 1) -> Array:
    """The log1p form in strips that stay in cache; sums are trees along every axis."""
    array = as_real(x, "x")
    return reduced(_SINGLE if array.dtype.itemsize < 8 else _DOUBLE, array, axis, -np.inf, threads)


def accurate(x: ArrayLike, axis: Axis = -1, *, threads: int = 1) -> Array:
    """The log1p form; narrow formats in float64, float64 with sum and logarithm in two parts; rounded once.

    Rows in which max and log Σ cancel are computed anew in double-double; to 2^-20, in decimal arithmetic: 15 µs an entry.
    """
    array = as_real(x, "x")
    return reduced(_NARROW if array.dtype.itemsize < 8 else _TWO_PARTS, array, axis, -np.inf, threads)


ALGORITHMS = table(
    Algorithm(
        "accurate", accurate, "tight", "log1p of the rest; float64 inside, or in two parts; rounded once"
    ),
    Algorithm("fast", fast, "tight", "log1p of the rest, in strips"),
    Algorithm("shifted", shifted, "standard", "max + log Σ exp(x - max)"),
    Algorithm("log1p", log1p, "tight", "max + log1p(sum of the rest)"),
    Algorithm("online", online, "standard", "running maximum and rescaled sum, one pass"),
    Algorithm("textbook", textbook, "wrong", "log Σ exp(x): overflows"),
)
