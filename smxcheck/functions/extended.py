"""Rows seen from their maximum in double-double: what float64 results are made of, and others where much cancels.

    x_i = a + g_i,   a = max x = x_k,   exp(g_i) = m_i·2^(e_i),   s = Σ_{i≠k} exp(g_i),   S = 1 + s

g is exact, the mantissas m are good to 2^-90, and s is kept as s·2^scale, so that a row whose second largest entry lies
far below the first loses nothing to underflow before its last operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from smxcheck.functions import double_double as dd
from smxcheck.functions.arrays import Array
from smxcheck.functions.double_double import Pair

#: Where the second largest entry is further below the largest, s² / 2 is nothing beside s, and s needs a scale.
_FAR = -400.0
#: Exponent of a sum of nothing: 2^-4000 is 0.
_NOTHING = -4000


@dataclass(frozen=True)
class Extended:
    """A block of rows of any of the four formats; shapes (b, n), (b, 1) or, for ``index``, (b,).

    Rows without a finite maximum are rows of zeros here, and marked.
    """

    defined: Array  # whether the maximum is finite, (b, 1)
    index: Array  # k, one largest entry
    gap: Pair  # g, and 0 where it is -inf
    absent: Array  # where it is -inf
    mantissa: Pair  # m, with 0 for an absent entry
    exponent: Array  # e
    scale: Array  # a whole number ≥ 0
    rest: Pair  # s·2^scale

    def sum(self) -> Pair:
        """S."""
        return dd.add(_ONE, dd.ldexp(self.rest, -self.scale))

    def log_sum(self) -> Pair:
        """log S·2^scale = log1p(s)·2^scale, which is s·2^scale wherever scale > 0."""
        far = self.scale > 0
        near = dd.log1p((np.where(far, 0.0, self.rest[0]), np.where(far, 0.0, self.rest[1])))
        return np.where(far, self.rest[0], near[0]), np.where(far, self.rest[1], near[1])

    def sum_of_others(self, factor: Pair) -> tuple[Pair, Array]:
        """Σ_{i≠k} exp(g_i)·factor_i as value·2^exponent, (b, 1) each: its largest term may lie far below s, where
        factors are 0. A term without weight is 0, however large its factor."""
        counts = self.mantissa[0] != 0
        counts[np.arange(len(counts)), self.index] = False
        terms = dd.multiply(
            self.mantissa, (np.where(counts, factor[0], 0.0), np.where(counts, factor[1], 0.0))
        )
        size = np.where(terms[0] != 0, self.exponent + np.frexp(terms[0])[1], _NOTHING)
        top = size.max(axis=-1, keepdims=True)
        return dd.total(dd.ldexp(terms, np.maximum(self.exponent - top, _NOTHING))), top


_ONE = dd.widen(np.ones((1, 1)))


def extended(rows: Array) -> Extended:
    """The rows of any of the four formats; none may be empty."""
    wide = rows.astype(np.float64)
    row = np.arange(len(wide))
    index = wide.argmax(axis=-1)  # the first nan, where there is one
    largest = wide[row, index][:, None]
    defined = np.isfinite(largest)
    if not defined.all():
        wide, largest = np.where(defined, wide, 0.0), np.where(defined, largest, 0.0)
    difference, low = dd.two_sum(wide, -largest)
    absent = np.isneginf(difference)
    if absent.any():
        low[absent] = 0.0
    mantissa, exponent = _exp_by_pieces((difference, low))
    second = difference.copy()
    second[row, index] = -np.inf
    scale = _scale(second.max(axis=-1, keepdims=True))
    if absent.any():
        difference[absent] = 0.0
    rest = dd.total(_others(mantissa, exponent, scale, index))
    return Extended(defined, index, (difference, low), absent, mantissa, exponent, scale, rest)


def small_blocks(count: int, length: int) -> Iterator[slice]:
    """Slices of ``count`` rows, at least one row each, whose many temporaries stay in cache."""
    step = max(1, dd.PIECE // max(length, 1))
    for start in range(0, count, step):
        yield slice(start, start + step)


def by_small_blocks(kernel: Callable[[slice], Array], shape: tuple[int, ...]) -> Array:
    """What a kernel returns for some rows, for all of the rows of an array of this shape, of which there are some."""
    return np.concatenate([kernel(some) for some in small_blocks(*shape)])


def finish(x: Extended, value: Pair, exponent: Array | int) -> Array:
    """value·2^exponent, rounded to float64: the one place where a result can leave the range of normal numbers."""
    return np.where(x.defined, np.ldexp(value[0], exponent), np.nan)


def _scale(second: Array) -> Array:
    """2^scale is about exp(-second) where that is far from 1 and not beyond any use."""
    use = (second < _FAR) & (second > dd.DEEPEST)
    return np.where(use, np.rint(np.where(use, second, 0.0) / -math.log(2.0)), 0.0).astype(np.int32)


def _others(mantissa: Pair, exponent: Array, scale: Array, index: Array) -> Pair:
    high, low = dd.ldexp(mantissa, exponent + scale)
    row = np.arange(len(high))
    high[row, index] = 0.0
    low[row, index] = 0.0
    return high, low


def _exp_by_pieces(x: Pair) -> tuple[Pair, Array]:
    flat = tuple(part.reshape(-1) for part in x)
    high, low = np.empty_like(flat[0]), np.empty_like(flat[0])
    exponent = np.empty(high.shape, np.int32)
    for start in range(0, len(high), dd.PIECE):
        some = slice(start, start + dd.PIECE)
        (high[some], low[some]), exponent[some] = dd.exp_parts((flat[0][some], flat[1][some]))
    shape = x[0].shape
    return (high.reshape(shape), low.reshape(shape)), exponent.reshape(shape)
