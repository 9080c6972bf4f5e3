"""Rows: an array of any rank as a matrix whose rows are what a function runs along, and the way back.

A mistake is written as a function of a matrix, in the matrix's own dtype. Sums of 16-bit numbers are float32, and so
is what is computed from them, so that a wrong formula is wrong for its own reason and not for its accumulator.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

#: A matrix (rows, entries), or a column of it. NumPy's stubs give the result of every ufunc the type Any.
Rows = Any
Axis = int | tuple[int, ...] | None
RowFunction = Callable[[Rows], Rows]


def real(x: Any) -> np.ndarray:
    """``x`` as an array of floating-point numbers; integers and booleans become float64."""
    x = np.asarray(x)
    return np.asarray(x, np.float64) if x.dtype.kind in "iub" else x


def axes_of(x: np.ndarray, axis: Axis) -> tuple[int, ...]:
    """The axes that ``axis`` names, non-negative; a 0-d array has none."""
    if axis is None or x.ndim == 0:
        return tuple(range(x.ndim))
    named = axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % x.ndim for a in named)


def to_rows(x: np.ndarray, axis: Axis) -> tuple[Rows, tuple[int, ...]]:
    """A C-contiguous matrix (rows, entries) of ``x``'s values, and the shape that is left without ``axis``."""
    axes = axes_of(x, axis)
    rest = tuple(a for a in range(x.ndim) if a not in axes)
    left = tuple(x.shape[a] for a in rest)
    length = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    return np.ascontiguousarray(x.transpose(rest + axes)).reshape(int(np.prod(left, dtype=np.int64)), length), left


def from_rows(rows: Rows, like: np.ndarray, axis: Axis) -> np.ndarray:
    """The inverse of ``to_rows`` for a result of the same shape."""
    axes = axes_of(like, axis)
    order = tuple(a for a in range(like.ndim) if a not in axes) + axes
    moved = rows.reshape(tuple(like.shape[a] for a in order))
    back = moved.transpose(np.argsort(order)) if order else moved
    return np.array(back, order="C")


def same(function: RowFunction) -> Callable[..., np.ndarray]:
    """``(x, axis)`` with a result of ``x``'s shape, from a function of rows. An array without entries is returned
    as it came."""

    @wraps(function)
    def call(x: Any, axis: Axis = -1) -> np.ndarray:
        x = real(x)
        if x.size == 0:
            return np.array(x)
        with np.errstate(all="ignore"):
            rows, _ = to_rows(x, axis)
            return from_rows(_as(function(rows), x.dtype), x, axis)

    return call


def reduced(function: Callable[..., Rows], empty: float = 0.0) -> Callable[..., np.ndarray]:
    """``(x, ..., axis)`` with a result without the axis, from a function of as many matrices of rows that returns one
    column or vector. ``empty`` is the value of a row without entries."""

    @wraps(function)
    def call(*arrays: Any, axis: Axis = -1) -> np.ndarray:
        given = np.broadcast_arrays(*(real(a) for a in arrays))
        with np.errstate(all="ignore"):
            rows = [to_rows(a, axis) for a in given]
            left, dtype = rows[0][1], given[0].dtype
            if given[0].size == 0:
                return np.full(left, empty, dtype)
            return _as(function(*(r for r, _ in rows)), dtype).reshape(left)

    return call


def elementwise(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """A function of arrays of one shape, entry by entry."""

    @wraps(function)
    def call(*arrays: Any) -> np.ndarray:
        given = [real(a) for a in arrays]
        with np.errstate(all="ignore"):
            return _as(function(*given), given[0].dtype)

    return call


def _as(values: Any, dtype: np.dtype[Any]) -> np.ndarray:
    return np.asarray(values).astype(dtype, copy=False)


def number(x: np.ndarray, value: float) -> Any:
    """``value`` rounded to the dtype of ``x``, so that no operation is promoted to a wider one."""
    return x.dtype.type(value)


def top(x: Rows) -> Rows:
    """The maximum of each row, as a column; NaN where there is one."""
    return np.max(x, axis=1, keepdims=True)


def finite_top(x: Rows) -> Rows:
    """The maximum of each row where it is finite, else 0: a shift that keeps the infinities."""
    a = top(x)
    return np.where(np.isfinite(a), a, number(x, 0.0))


def total(e: Rows) -> Rows:
    """The sum of each row, as a column; that of 16-bit numbers is a float32."""
    return e.sum(axis=1, keepdims=True, dtype=np.float32 if e.dtype.itemsize < 4 else e.dtype)


def log_total(e: Rows) -> Rows:
    """The logarithm of the sum of each row, rounded to the dtype of ``e``."""
    return np.log(total(e)).astype(e.dtype)


def divide_by_sum(e: Rows) -> Rows:
    return e / total(e)


def right_softmax(x: Rows) -> Rows:
    """exp(x - max x) / Σ: the textbook stable form, in the dtype of ``x``."""
    return divide_by_sum(np.exp(x - top(x)))


def right_log_softmax(x: Rows) -> Rows:
    """(x - max x) - log Σ: the textbook stable form, in the dtype of ``x``."""
    d = x - top(x)
    return d - log_total(np.exp(d))


def right_logsumexp(x: Rows) -> Rows:
    """max x + log Σ, with the infinities guarded, as a column."""
    a = finite_top(x)
    return a + log_total(np.exp(x - a))
