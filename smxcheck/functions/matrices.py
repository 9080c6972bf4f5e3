"""From a kernel of rows to the matrix of second derivatives of every row, along the last axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smxcheck.functions import shift
from smxcheck.functions.arrays import Array, as_rows, common_dtype, reduced_axes, rounded
from smxcheck.functions.rows import blocks, quiet


def matrices(kernel: Callable[..., Array], *arrays: Array) -> Array:
    """A kernel of rows (b, n), … → (b, n, n) as a function of arrays of one shape (…, n), result (…, n, n).

    A number counts as a row of one. The dtype is the common one of all arrays.
    """
    shape, dtype = arrays[0].shape, common_dtype(arrays)
    axes = reduced_axes(-1, len(shape))
    rows = [as_rows(a, axes) for a in arrays]
    count, n = rows[0].shape
    result = np.empty((count, n, n), dtype)
    silent = quiet(kernel)
    if result.size:
        for some in blocks(count, n * n):
            result[some] = rounded(silent(*(r[some] for r in rows)), dtype)
    return result.reshape((*shape[:-1], n, n))


def with_diagonal(matrix: Array, diagonal: Array) -> Array:
    """The matrices (b, n, n) with their diagonals replaced by (b, n)."""
    out = matrix.copy()
    i = np.arange(matrix.shape[-1])
    out[:, i, i] = diagonal
    return out


def others(x: shift.Shifted, p: Array) -> Array:
    """1 - p without cancellation: rest/(1 + rest) at the largest entry; any other p is at most ½, and loses nothing."""
    out = 1.0 - p
    rest = x.rest[:, 0]
    out[np.arange(len(p)), x.index] = rest / (1.0 + rest)
    return out
