"""From a formula for one block of rows to a function of whole arrays along any axis.

A kernel takes C-contiguous rows of shape (b, n), n ≥ 1, in the dtype of the input, never writes to them, and returns
new rows or one value for each row. What it computes in is its own affair; its result is rounded once, here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Concatenate, ParamSpec, Protocol

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions.arrays import (
    Array,
    Axis,
    as_real,
    as_rows,
    common_dtype,
    from_rows,
    kept_axes,
    reduced_axes,
    rounded,
)

#: Elements of a block: a few float64 temporaries of this size stay in a second-level cache of 1 MiB and more.
BLOCK = 1 << 16

P = ParamSpec("P")


class AlongAxis(Protocol):
    """A function of an array along ``axis``: int, tuple, or None for all."""

    def __call__(self, x: ArrayLike, axis: Axis = -1) -> Array: ...


def blocks(count: int, length: int) -> Iterator[slice]:
    """Slices of ``count`` rows of ``length`` entries, about `BLOCK` entries each, at least one row."""
    step = max(1, BLOCK // max(length, 1))
    for start in range(0, count, step):
        yield slice(start, start + step)


def quiet(function: Callable[P, Array]) -> Callable[P, Array]:
    """Silences what is ordinary in this family: inf - inf of a row without a limit, x - max beyond the largest
    number, exp that underflows. Division by zero is not ordinary and stays loud."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Array:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return function(*args, **kwargs)

    return call


def map_rows(kernel: Callable[[Array], Array]) -> AlongAxis:
    """A kernel (b, n) → (b, n) as a function ``f(x, axis=-1)`` of the shape and dtype of x."""

    silent = quiet(kernel)

    @functools.wraps(kernel)
    def call(x: ArrayLike, axis: Axis = -1) -> Array:
        array = as_real(x, "x")
        axes = reduced_axes(axis, array.ndim)
        rows = as_rows(array, axes)
        result = np.empty_like(rows)
        if rows.size:
            for some in blocks(*rows.shape):
                result[some] = rounded(silent(rows[some]), array.dtype)
        return from_rows(result, array.shape, axes)

    return call


def reduce_rows(empty: float) -> Callable[[Callable[[Array], Array]], AlongAxis]:
    """A kernel (b, n) → (b, 1) as a function ``f(x, axis=-1)`` of x's shape without the axis; n = 0 gives ``empty``."""

    def decorate(kernel: Callable[[Array], Array]) -> AlongAxis:
        @functools.wraps(kernel)
        def call(x: ArrayLike, axis: Axis = -1) -> Array:
            return reduce_arrays(kernel, empty, axis, as_real(x, "x"))

        return call

    return decorate


def reduce_arrays(
    kernel: Callable[Concatenate[Array, ...], Array], empty: float, axis: Axis, *arrays: Array
) -> Array:
    """One value (b, 1) for each row of one or several arrays of the same shape, as an array without ``axis``."""
    dtype, shape = common_dtype(arrays), arrays[0].shape
    axes = reduced_axes(axis, len(shape))
    matrices = [as_rows(a, axes) for a in arrays]
    count, length = matrices[0].shape
    result = np.full(count, empty, dtype)
    silent = quiet(kernel)
    if length:
        for some in blocks(count, length):
            result[some] = rounded(silent(*(m[some] for m in matrices))[:, 0], dtype)
    return from_rows(result, tuple(shape[a] for a in kept_axes(axes, len(shape))), ())
