"""From an array and an axis to rows, and back: every reduction is judged row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.enclosure import Enclosure

Array = npt.NDArray[Any]


def exact_float64(x: Array) -> Array:
    """The same numbers as float64; every dtype that smxcheck knows converts exactly."""
    return np.asarray(x).astype(np.float64)


@dataclass(frozen=True)
class Rows:
    """``x`` of shape (number of rows, n), and how to undo the reshaping."""

    x: Array
    outer: tuple[int, ...]  # shape without the axes reduced over
    inner: tuple[int, ...]  # shape of the axes reduced over
    axes: tuple[int, ...]
    ndim: int

    def restore(self, values: Array) -> Array:
        """(number of rows, n) back to the shape of the input."""
        full = values.reshape(self.outer + self.inner)
        source = range(len(self.outer), self.ndim)
        return np.moveaxis(full, list(source), self.axes) if self.ndim else full.reshape(())

    def restored(self, enclosure: Enclosure) -> Enclosure:
        return Enclosure(*(self.restore(a) for a in (enclosure.hi, enclosure.lo, enclosure.exponent, enclosure.bound)))

    def reduce(self, values: Array) -> Array:
        """(number of rows,) to the shape without the axes."""
        return values.reshape(self.outer)


def normal_axes(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """Axes as sorted non-negative integers; None means all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if ndim == 0:
        return ()
    return tuple(sorted(a % ndim for a in axes))


def to_rows(x: Array, axis: int | tuple[int, ...] | None = -1, *, widen: bool = True) -> Rows:
    """Rows along ``axis`` (an int, a tuple, or None for all); a 0-d array is one row of one element.

    In float64, or, where ``widen`` is False, in float32 if they are that already: a large row is then not copied.
    """
    given = np.asarray(x)
    x64 = given if not widen and given.dtype == np.float32 else exact_float64(given)
    axes = normal_axes(axis, x64.ndim)
    outer = tuple(s for i, s in enumerate(x64.shape) if i not in axes)
    inner = tuple(x64.shape[i] for i in axes)
    moved = np.moveaxis(x64, axes, range(x64.ndim - len(axes), x64.ndim)) if axes else x64
    n = int(np.prod(inner, dtype=np.int64))
    rows = moved.reshape((int(np.prod(outer, dtype=np.int64)), n))
    return Rows(rows, outer, inner, axes, x64.ndim)
