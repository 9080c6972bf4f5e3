"""From a kernel of strips to a function of an array along any axis, with an output that may be given."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from threading import Lock
from typing import Any

import numpy as np

from smxcheck.functions.arrays import Array, Axis, kept_axes, reduced_axes
from smxcheck.functions.layout import Scratch, Strip, bricks, strips

Kernel = Callable[[Strip, Scratch, int], None]


@dataclass(frozen=True)
class Plan:
    """A kernel, the dtype of its scratch memory, and the bytes of one scratch array.

    ``in_place``: whether it goes through what it need not copy without copies; see `layout.strips`.
    """

    kernel: Kernel
    working: np.dtype[Any]
    in_place: bool = True
    block: int = 1 << 20


def mapped(plan: Plan, x: Array, axis: Axis, out: Array | None = None, threads: int = 1) -> Array:
    """The kernel's results in the shape and dtype of ``x``: in ``out``, checked, or in a new C-contiguous array.

    Strips are shared out among ``threads``; the bits are those of one thread. Raises ValueError for fewer than one, and what `checked_out` and `reduced_axes` raise.
    """
    axes = reduced_axes(axis, x.ndim)
    result = np.empty(x.shape, x.dtype) if out is None else checked_out(out, x)
    if x.size:
        target = bricks(result, axes)
        _run(plan, bricks(x, axes), target, threads)
        if not np.may_share_memory(target, result):  # strides that bricks cannot follow
            np.copyto(result, _unbricked(target, x.shape, axes))
    return result[()] if out is None else result


def _unbricked(target: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """Bricks as an array of ``shape``."""
    axes = tuple(sorted(axes))
    if axes == tuple(range(axes[0], axes[-1] + 1)):
        return target.reshape(shape)
    order = kept_axes(axes, len(shape)) + axes
    inverse = tuple(order.index(a) for a in range(len(shape)))
    return target.reshape(tuple(shape[a] for a in order)).transpose(inverse)


def reduced(plan: Plan, x: Array, axis: Axis, empty: float, threads: int = 1) -> Array:
    """One value for each row of ``x``, in its shape without the axis; rows of no entries give ``empty``.

    Threads as in `mapped`.
    """
    axes = reduced_axes(axis, x.ndim)
    shape = tuple(x.shape[a] for a in kept_axes(axes, x.ndim))
    if not x.size:
        return np.asarray(np.full(shape, empty, x.dtype)[()])
    source = bricks(x, axes)
    result = np.empty((source.shape[0], 1, source.shape[2]), x.dtype)
    _run(plan, source, result, threads)
    flat: Array = result.reshape(shape)[()]
    return flat


def _run(plan: Plan, source: Array, target: Array, threads: int) -> None:
    if operator.index(threads) < 1:
        raise ValueError(f"threads is {threads}; pass 1 or more")
    size = plan.block // plan.working.itemsize
    in_place = plan.in_place and source.dtype == plan.working
    work = strips(source, target, size, in_place)
    ahead = list(islice(work, threads))
    workers, shared = len(ahead), _Shared(chain(ahead, work))
    if workers == 1:
        _work(plan, shared, size)
        return
    # Ufuncs release the interpreter's lock. A pool that lives as long as the call is safe in forks and at exit.
    with ThreadPoolExecutor(workers - 1) as pool:
        others = [pool.submit(_work, plan, shared, size) for _ in range(workers - 1)]
        _work(plan, shared, size)
        for other in others:
            other.result()


class _Shared:
    """Strips that several threads take one by one."""

    def __init__(self, strips: Iterator[Strip]) -> None:
        self._strips, self._lock = strips, Lock()

    def __iter__(self) -> Iterator[Strip]:
        while True:
            with self._lock:
                strip = next(self._strips, None)
            if strip is None:
                return
            yield strip


def _work(plan: Plan, shared: _Shared, size: int) -> None:
    scratch = Scratch(plan.working)
    # What is ordinary in this family: inf - inf of a row without a limit, x - max beyond the largest number, exp that
    # underflows. Division by zero is not ordinary and stays loud.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for strip in shared:
            plan.kernel(strip, scratch, 2 * size)


def checked_out(out: Array, x: Array) -> Array:
    """``out`` itself, if results of ``x`` may be written to it.

    It must be a writable array of x's shape and dtype; x itself is fine, other memory that overlaps the range of x's
    is not (every other entry of it is not apart from the entries between). Raises TypeError or ValueError.
    """
    if not isinstance(out, np.ndarray) or out.dtype != x.dtype:
        found = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out is {found}; pass an array of dtype {x.dtype}, that of the result")
    if out.shape != x.shape:
        raise ValueError(f"out has shape {out.shape}; pass an array of shape {x.shape}, that of x")
    if not out.flags.writeable:
        raise ValueError("out is read-only; pass a writable array")
    if not _same_memory(out, x) and np.may_share_memory(out, x):
        raise ValueError("out overlaps x; pass x itself, or memory apart from it")
    return out


def _same_memory(a: Array, b: Array) -> bool:
    return a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides
