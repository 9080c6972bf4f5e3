"""What goes in and what comes out: dtypes, axes, and the final rounding. Nothing here knows a formula."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import ml_dtypes
import numpy as np
from numpy.exceptions import AxisError
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Axis = int | tuple[int, ...] | None

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_FLOATS = (np.dtype(np.float16), BFLOAT16, np.dtype(np.float32), np.dtype(np.float64))


def as_real(values: ArrayLike, name: str) -> Array:
    """``values`` as an array of one of the four formats; integers and booleans become float64.

    Raises TypeError for everything else (complex, object, strings, long double).
    """
    array = np.asarray(values)
    dtype = array.dtype.newbyteorder("=")
    if dtype in _FLOATS:
        return array.astype(dtype, copy=False)
    if dtype.kind in "biu":
        return array.astype(np.float64)
    raise TypeError(
        f"{name} has dtype {array.dtype}; pass real numbers as float16, bfloat16, float32, float64 or integers"
    )


def common_dtype(arrays: Iterable[Array]) -> np.dtype[Any]:
    """The dtype of a result of several inputs; float16 with bfloat16 gives float32, which holds both."""
    dtypes = {a.dtype for a in arrays}
    if dtypes == {BFLOAT16, np.dtype(np.float16)}:
        return np.dtype(np.float32)
    return np.result_type(*dtypes)


def at_least_float32(x: Array) -> Array:
    """The array that the plain algorithms compute in: 16-bit formats are widened, which is exact."""
    return x if x.dtype.itemsize >= 4 else x.astype(np.float32)


def reduced_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes that ``axis`` means, each in [0, ndim). A 0-d array counts as one entry along axis 0 or -1.

    Raises AxisError for an axis out of range, ValueError for one named twice, TypeError for a non-integer.
    """
    if axis is None:
        return tuple(range(ndim))
    named = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(_one_axis(a, ndim) for a in named)
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis {axis} names an axis twice")
    return axes if ndim else ()


def _one_axis(axis: int, ndim: int) -> int:
    number = operator.index(axis)
    dimensions = max(ndim, 1)
    if not -dimensions <= number < dimensions:
        raise AxisError(number, ndim)
    return number % dimensions


def as_rows(x: Array, axes: tuple[int, ...]) -> Array:
    """``x`` as a C-contiguous matrix, one row for each normalisation.

    Rows are contiguous so that NumPy sums them pairwise; along any other axis it adds from first to last. May share
    memory with ``x``.
    """
    kept = kept_axes(axes, x.ndim)
    shape = tuple(math.prod(x.shape[a] for a in some) for some in (kept, axes))
    return np.ascontiguousarray(x.transpose(kept + axes)).reshape(shape)


def from_rows(rows: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """The inverse of `as_rows`, C-contiguous; 0-d results become scalars, as NumPy's own functions return them."""
    order = kept_axes(axes, len(shape)) + axes
    inverse = tuple(order.index(a) for a in range(len(shape)))
    moved = rows.reshape(tuple(shape[a] for a in order)).transpose(inverse)
    result: Array = np.asarray(moved, order="C")[()]
    return result


def kept_axes(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    return tuple(a for a in range(ndim) if a not in axes)


def rounded(values: Array, dtype: np.dtype[Any]) -> Array:
    """``values`` rounded once, to nearest, to ``dtype``; beyond its range that is ±inf or 0, and no warning."""
    if values.dtype == dtype:
        return values
    with np.errstate(over="ignore", under="ignore"):
        if dtype == BFLOAT16 and values.dtype == np.float64:
            values = _float32_rounded_to_odd(values)
        return values.astype(dtype)


def _float32_rounded_to_odd(values: Array) -> Array:
    """float32 next to each float64, the one with an odd last bit where neither is exact.

    ml_dtypes converts float64 to bfloat16 through float32 and so rounds twice. Rounding to odd first makes the second
    rounding right (Boldo & Melquiond, "Emulation of FMA and correctly rounded sums", IEEE TC 57(4), 2008).
    """
    nearest = values.astype(np.float32)
    even = nearest.view(np.uint32) & 1 == 0
    move = even & (nearest != values) & np.isfinite(values)
    towards = np.where(values > nearest, np.float32(np.inf), np.float32(-np.inf))
    return np.where(move, np.nextafter(nearest, towards), nearest)
