"""How an array is cut into strips that stay in cache, whatever axes are reduced; the kernels see only strips.

An array becomes bricks (outer, n, inner): the reduced axes in the middle, n entries to a row. A strip is a view of some
whole rows, either lying, (b, n), or standing, (n, b, i). NumPy reduces the last axis of short rows entry by entry but the
first axis of a standing strip with vector instructions, and standing is how rows lie along any axis but the last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from smxcheck.functions.arrays import Array, kept_axes, rounded

#: Rows up to this length stand. Lying rows of 64 take as long, transposing included (float32, AVX-512: 2.0 ns an entry).
SHORT = 48

#: Fewer rows side by side than this lie, where they are longer than `SHORT`: vectors would be mostly empty.
_NARROW = 16

#: Standing rows are at least so many side by side, where there are as many: shorter runs cost more in loops than in sums.
_WIDTH = 128


class Strip(NamedTuple):
    """Whole rows of the input and where their results go: views, n entries along ``axis`` (0 or 1)."""

    source: Array
    target: Array
    axis: int


class Scratch:
    """Uninitialised memory that is made once for each slot and used again by every strip of a call."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._slots: dict[int, Array] = {}

    def like(self, slot: int, shape: tuple[int, ...]) -> Array:
        """A C-contiguous array of ``shape`` in the slot; whatever was there before is lost."""
        size = math.prod(shape)
        flat = self._slots.get(slot)
        if flat is None or flat.size < size:
            flat = self._slots[slot] = np.empty(size, self.dtype)
        return flat[:size].reshape(shape)

    def load(self, slot: int, source: Array, axis: int) -> Array:
        """``source`` in the dtype of the scratch: itself where it is quick to read again, else a copy in the slot."""
        if source.dtype == self.dtype and quick(source, axis):
            return source
        copy = self.like(slot, source.shape)
        np.copyto(copy, source)
        return copy


def bricks(x: Array, axes: tuple[int, ...]) -> Array:
    """``x`` as (outer, n, inner), a view where its strides allow it; the order of the entries of a row is that of x."""
    axes = tuple(sorted(axes))
    if axes and axes != tuple(range(axes[0], axes[-1] + 1)):
        kept = kept_axes(axes, x.ndim)
        x = x.transpose(kept + axes)
        axes = tuple(range(len(kept), x.ndim))
    first = axes[0] if axes else 0
    last = first + len(axes)
    parts = (x.shape[:first], x.shape[first:last], x.shape[last:])
    return x.reshape(tuple(math.prod(part) for part in parts))


def strips(source: Array, target: Array, size: int, in_place: bool) -> Iterator[Strip]:
    """Bricks and the bricks of the result, cut into strips of about ``size`` entries, one whole row at least.

    A kernel that works ``in_place``, without copies, is given bricks as wide as they are: it can go through them in
    pieces without gaps. Others get narrower ones, so that a copy of whole rows stays in cache.
    """
    outer, n, inner = source.shape
    some: tuple[slice | int, ...]
    if n > SHORT and inner < _NARROW:
        step = max(1, size // n)
        for column in range(inner):
            for start in range(0, outer, step):
                some = slice(start, start + step), slice(None), column
                yield Strip(source[some], target[some], 1)
        return
    width = inner if in_place and inner <= size // 16 else min(inner, max(_WIDTH, size // n))
    step = _uneven(max(1, size // (n * width))) if width == inner else 1
    for start in range(0, outer, step):
        for left in range(0, inner, width):
            some = slice(start, start + step), slice(None), slice(left, left + width)
            yield Strip(_standing(source[some]), _standing(target[some]), 0)


def _standing(brick: Array) -> Array:
    return brick.transpose(1, 0, 2)[:, :, 0] if brick.shape[2] == 1 else brick.transpose(1, 0, 2)


def _uneven(count: int) -> int:
    """An odd multiple of 16 where there are as many: rows a power of two apart would share a few cache sets."""
    return count if count < 32 else (count // 32) * 32 - 16


def pieces(strip: Strip, size: int) -> Iterator[tuple[Array, Array]]:
    """(source, target) of the strip, cut along its rows into pieces of about ``size`` entries: the halves, halves of
    halves, ... of NumPy's pairwise summation, so that adding up the sums of the pieces as a tree is that summation."""
    n = strip.source.shape[strip.axis]
    for some in _halves(0, n, size * n // strip.source.size):
        cut = (slice(None),) * strip.axis + (some,)
        yield strip.source[cut], strip.target[cut]


def _halves(start: int, stop: int, size: int) -> Iterator[slice]:
    n = stop - start
    if n <= max(size, 16):
        yield slice(start, stop)
        return
    middle = start + n // 2 - n // 2 % 8
    yield from _halves(start, middle, size)
    yield from _halves(middle, stop, size)


def store(values: Array, target: Array) -> None:
    """``values`` rounded once into ``target``."""
    np.copyto(
        target, values if values.dtype.itemsize < 8 else rounded(values, target.dtype), casting="same_kind"
    )


def quick(view: Array, axis: int) -> bool:
    """Whether NumPy goes through the strip at full speed: without gaps, or in rows that lie without gaps."""
    return bool(view.flags.c_contiguous) or (axis == 1 and view.strides[-1] == view.itemsize)


def writable(target: Array, dtype: np.dtype[Any], axis: int) -> bool:
    """Whether the last operation may write its results where they belong."""
    return target.dtype == dtype and quick(target, axis)
