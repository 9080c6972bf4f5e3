"""Functions of two arrays row by row, and the sums and differences that they need with their rounding errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions.arrays import (
    Array,
    Axis,
    as_real,
    as_rows,
    common_dtype,
    from_rows,
    reduced_axes,
    rounded,
)
from smxcheck.functions.rows import blocks, quiet
from smxcheck.functions.shift import sum_in_two_parts, two_sum_error

#: Where cotangents are this large, their sums may overflow: they are divided by `_SCALE`, and the result is multiplied.
_LARGE, _SCALE = 2.0**960, 2.0**60
#: Splits 53 bits in two halves of 26 (Veltkamp).
_SPLITTER = 2.0**27 + 1


def paired(
    kernel: Callable[[Array, Array], Array], first: tuple[str, ArrayLike], second: tuple[str, ArrayLike], axis: Axis
) -> Array:
    """A kernel of rows (b, n), (b, n) → (b, n) as a function of two named arrays of one shape, along ``axis``.

    Raises ValueError for two shapes, TypeError for what is not real, AxisError for the axis.
    """
    a, b = as_real(first[1], first[0]), as_real(second[1], second[0])
    if a.shape != b.shape:
        raise ValueError(
            f"{first[0]} has shape {a.shape} and {second[0]} {b.shape}; pass two arrays of one shape"
        )
    dtype = common_dtype((a, b))
    axes = reduced_axes(axis, a.ndim)
    rows, others = as_rows(a, axes), as_rows(b, axes)
    result = np.empty(rows.shape, dtype)
    silent = quiet(kernel)
    if rows.size:
        for some in blocks(*rows.shape):
            result[some] = rounded(silent(rows[some], others[some]), dtype)
    return from_rows(result, a.shape, axes)


def linear_in(cotangent: int) -> Callable[[Callable[[Array, Array], Array]], Callable[[Array, Array], Array]]:
    """A kernel that is linear in its argument number ``cotangent``, given that argument in float64 and no larger than
    its sums can be."""

    def decorate(kernel: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
        def call(*arguments: Array) -> Array:
            rows = list(arguments)
            wide = rows[cotangent].astype(np.float64)
            large = (np.abs(wide) > _LARGE).any(axis=-1, keepdims=True)
            scale = np.where(large, _SCALE, 1.0)
            rows[cotangent] = wide / scale
            return np.asarray(kernel(*rows) * scale)

        return call

    return decorate


def split_difference(a: Array, b: Array) -> tuple[Array, Array]:
    """a - b, rounded, and what that lost."""
    high = a - b
    return high, two_sum_error(a, -b, high)


def signed_sum(terms: Array) -> tuple[Array, Array]:
    """The sum of each row in two parts, (b, 1) each: terms of either sign apart, each sum by `sum_in_two_parts`."""
    up, up_low = sum_in_two_parts(np.maximum(terms, 0.0))
    down, down_low = sum_in_two_parts(np.maximum(-terms, 0.0))
    high, low = split_difference(up, down)
    low = low + (up_low - down_low)
    total = high + low
    return total, low - (total - high)


def inner(a: Array, b: Array) -> tuple[Array, Array]:
    """Σ a·b of each row in two parts: the products are split into a rounded part and its error, both exact.

    (TwoProduct: Dekker, Numer. Math. 18, 1971, on numbers scaled to [½, 1), so that no splitting overflows.)
    """
    x, x_exponent = np.frexp(a)
    y, y_exponent = np.frexp(b)
    product = x * y
    x_high, y_high = _leading(x), _leading(y)
    x_low, y_low = x - x_high, y - y_high
    error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
    exponent = x_exponent + y_exponent
    total, low = signed_sum(np.ldexp(product, exponent))
    return total, low + np.ldexp(error, exponent).sum(axis=-1, keepdims=True)


def _leading(x: Array) -> Array:
    """The leading 26 bits."""
    scaled = _SPLITTER * x
    return np.asarray(scaled - (scaled - x))
