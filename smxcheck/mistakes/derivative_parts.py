"""What wrong derivatives are made of: from functions of rows to calls with products, matrices and tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes.rows import Axis, Rows, from_rows, real, to_rows, total

Formula = Callable[[Rows, Rows], Rows]


def product(formula: Formula) -> Callable[..., np.ndarray]:
    """``(x, g, axis)`` from a function of rows of both."""

    def call(x: Any, g: Any, axis: Axis = -1) -> np.ndarray:
        first, second = real(x), real(g)
        if first.size == 0:
            return np.array(first)
        with np.errstate(all="ignore"):
            rows = formula(to_rows(first, axis)[0], to_rows(second, axis)[0])
            return from_rows(np.asarray(rows).astype(first.dtype, copy=False), first, axis)

    return call


def tensor(formula: Callable[[Rows], Rows], rank: int) -> Callable[..., np.ndarray]:
    """``(x)`` with a result of ``rank`` axes of the row's length, from a function of rows."""

    def call(x: Any) -> np.ndarray:
        array = np.atleast_1d(real(x))
        n = array.shape[-1]
        shape = array.shape + (n,) * (rank - 1)
        if array.size == 0:
            return np.zeros(shape, array.dtype)
        with np.errstate(all="ignore"):
            values = np.asarray(formula(array.reshape(-1, n)))
            return np.broadcast_to(values, (array.size // n, *(n,) * rank)).astype(array.dtype).reshape(shape)

    return call


def centred(p: Rows, g: Rows) -> Rows:
    """p (g - Σ p g), whatever p is."""
    return p * (g - total(p * g))
