"""Products with the Jacobians of softmax and log_softmax, entry by entry without avoidable cancellation.

With k the largest entry, q = 1 - p_k = s/S the sum of the other probabilities, and h_i = g_i - g_k:

    p_i (g_i - Σ p g) = p_i (h_i - m),            m = Σ_{i≠k} p_i h_i, so that entry k is -p_k m
    g_i - p_i Σ g     = q g_k - p_k Σ_{i≠k} g_i   at k

Narrow formats are computed in float64, and the rows where a difference cancels so far that it matters once more in
double-double; float64 always is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.functions import double_double as dd
from smxcheck.functions import shift
from smxcheck.functions.arrays import Array, common_dtype
from smxcheck.functions.double_double import Pair
from smxcheck.functions.extended import Extended, by_small_blocks, extended, finish

#: A difference a - b that is smaller than this part of b has lost too much of what float64 has beyond 24 bits. Any other
#: has |a| ≤ (1 + 2^20)|a - b|, and what is rounded of a few terms, 2^-51 (|a| + |b|), is 2^-30 of it: 2^-6 ulp of float32.
_WEAK = 2.0**-20
#: Cotangents beyond this are scaled: their sums must stay in the range.
_LARGE, _UNIT = 2.0**900, 100
#: A row whose gaps are all above this is one of near ties, p_i = 1/n but for what the gaps add.
_NEAR = -(2.0**-8)


def deviation(rows: Array, g: Array) -> Array:
    """p_i (g_i - Σ p g); a row with a cotangent that is not finite is nan."""
    if common_dtype((rows, g)) == np.float64:
        return by_small_blocks(lambda some: _deviation_extended(rows[some], g[some]), rows.shape)
    x, wide = shift.shifted(rows), g.astype(np.float64)
    return _deviation(x, wide - _at(wide, x.index), lambda some: _deviation_extended(rows[some], g[some]))


def entropy_slope(rows: Array) -> Array:
    """p_i (d_i - Σ p d), d = max x - x: the gradient of the entropy. An absent entry has no gap."""
    if rows.dtype == np.float64:
        return by_small_blocks(lambda some: _entropy_slope_extended(rows[some]), rows.shape)
    x = shift.shifted(rows)
    distance = np.where((x.weight == 0) & (x.gap < 0), 0.0, -x.gap)
    return _deviation(x, distance, lambda some: _entropy_slope_extended(rows[some]))


def less_share(rows: Array, g: Array) -> Array:
    """g_i - p_i Σ g; a row with a cotangent that is not finite is nan."""
    return less_share_over(rows, g, 1, common_dtype((rows, g)))


def less_share_over(rows: Array, g: Array, divisor: int, dtype: np.dtype[Any]) -> Array:
    """(g_i - p_i Σ g) / divisor, for a result that is rounded to ``dtype``."""
    if dtype == np.float64:
        return by_small_blocks(lambda some: _less_share_extended(rows[some], g[some], divisor), rows.shape)
    return _less_share(rows, g.astype(np.float64), divisor)


def _deviation(x: shift.Shifted, h: Array, again: Callable[[Array], Array]) -> Array:
    total = 1.0 + x.rest
    terms = x.weight * h
    mean = terms.sum(axis=-1, keepdims=True) / total
    size = np.abs(terms, out=terms).sum(axis=-1, keepdims=True) / total
    centred = h - (mean + (size - size))
    weak = np.abs(centred) < _WEAK * size
    centred *= x.weight
    centred /= total
    return _once_more(centred, weak, again)


def _less_share(rows: Array, g: Array, divisor: int) -> Array:
    x = shift.shifted(rows)
    total = 1.0 + x.rest
    p = x.weight / total
    row = np.arange(len(rows))
    given, share = _at(g, x.index), _at(p, x.index)
    g[row, x.index] = 0.0
    sum_of_others = g.sum(axis=-1, keepdims=True)
    size = np.abs(g).sum(axis=-1, keepdims=True)
    g[row, x.index] = given[:, 0]
    size_of_all = size + np.abs(given)
    undefined = size_of_all - size_of_all  # nan where a cotangent is not finite, else 0
    value = g - p * (sum_of_others + given + undefined)
    p *= _WEAK * size_of_all
    weak = np.abs(value) < p
    kept, taken = x.rest / total * given, share * sum_of_others
    value[row, x.index] = (kept - taken + undefined)[:, 0]
    weak[row, x.index] = (np.abs(kept - taken) < _WEAK * share * size)[:, 0]
    value /= divisor
    return _once_more(value, weak, lambda some: _less_share_extended(rows[some], g[some], divisor))


def _once_more(value: Array, weak: Array, again: Callable[[Array], Array]) -> Array:
    rows = np.flatnonzero(weak.any(axis=-1))
    if len(rows):
        value[rows] = again(rows)
    return value


def _deviation_extended(rows: Array, g: Array) -> Array:
    x = extended(rows)
    wide, unit, defined = _cotangents(g)
    h = dd.two_sum(wide, -_at(wide, x.index))
    value, exponent = _centred(x, h)
    return np.where(defined, finish(x, value, exponent + unit), np.nan)


def _entropy_slope_extended(rows: Array) -> Array:
    x = extended(rows)
    some = x.mantissa[0] != 0
    return finish(x, *_centred(x, (np.where(some, -x.gap[0], 0.0), np.where(some, -x.gap[1], 0.0))))


def _centred(x: Extended, h: Pair) -> tuple[Pair, Array]:
    """p_i (h_i - Σ p h) as value·2^exponent, h_k = 0. Where h_i is 0, minus the mean keeps its own exponent, since it may
    underflow."""
    total = x.sum()
    weighted, size = x.sum_of_others(h)
    mean = dd.negative(dd.divide(weighted, total))
    alone = h[0] == 0
    centred = _where(alone, mean, dd.add(h, dd.ldexp(mean, size)))
    exponent = x.exponent + np.where(alone, size, 0)
    ties = _override(centred, x, h, _centred_near_ties)
    exponent[ties] = x.exponent[ties]
    return dd.multiply(dd.divide(x.mantissa, total), centred), exponent


def _less_share_extended(rows: Array, g: Array, divisor: int) -> Array:
    x = extended(rows)
    wide, unit, defined = _cotangents(g)
    total = x.sum()
    p = dd.divide(x.mantissa, total)
    given = dd.widen(_at(wide, x.index))
    others = wide.copy()
    others[np.arange(len(wide)), x.index] = 0.0
    sum_of_others = dd.total(dd.widen(others))
    share = dd.negative(dd.multiply(p, dd.add(sum_of_others, given)))
    both = dd.add(dd.widen(wide), dd.ldexp(share, x.exponent))
    value, exponent = _where(wide == 0, share, both), np.where(wide == 0, x.exponent, 0)
    kept = dd.multiply(dd.divide(x.rest, total), given)
    taken = dd.negative(dd.multiply((_at(p[0], x.index), _at(p[1], x.index)), sum_of_others))
    alone = sum_of_others[0] == 0
    _put(value, _where(alone, kept, dd.add(dd.ldexp(kept, -x.scale), taken)), x.index)
    exponent[np.arange(len(wide)), x.index] = np.where(alone, -x.scale, 0)[:, 0]
    ties = _override(value, x, dd.widen(wide), _less_share_near_ties)
    exponent[ties] = 0
    quotient = dd.divide(value, dd.widen(np.array(float(divisor))))
    return np.where(defined, finish(x, quotient, exponent + unit), np.nan)


def _override(value: Pair, x: Extended, h: Pair, near_ties: Callable[[Pair, Pair], Pair]) -> Array:
    """Puts the rows of near ties in place, and returns their numbers."""
    ties = np.flatnonzero(((x.gap[0] > _NEAR) & ~x.absent).all(axis=-1))
    if len(ties):
        new = near_ties((x.gap[0][ties], x.gap[1][ties]), (h[0][ties], h[1][ties]))
        value[0][ties], value[1][ties] = new
    return ties


def _centred_near_ties(gap: Pair, h: Pair) -> Pair:
    """h_i - Σ p h with exp(g) = 1 + u, U = Σ u, S = n + U: [(n h_i - Σ h) + (U h_i - Σ u h)] / S. The first bracket is
    exact for cotangents of few digits, so that an answer of the size of the gaps keeps its own."""
    u = dd.expm1(gap)
    more, count = dd.total(u), _count(h)
    ties = dd.add(dd.multiply(count, h), dd.negative(dd.total(h)))
    rest = dd.add(dd.multiply(more, h), dd.negative(dd.total(dd.multiply(u, h))))
    return dd.divide(dd.add(ties, rest), dd.add(count, more))


def _less_share_near_ties(gap: Pair, g: Pair) -> Pair:
    """g_i - p_i G, G = Σ g, likewise: [(n g_i - G) + (U g_i - u_i G)] / S."""
    u = dd.expm1(gap)
    more, count, given = dd.total(u), _count(g), dd.total(g)
    ties = dd.add(dd.multiply(count, g), dd.negative(given))
    rest = dd.add(dd.multiply(more, g), dd.negative(dd.multiply(u, given)))
    return dd.divide(dd.add(ties, rest), dd.add(count, more))


def _count(h: Pair) -> Pair:
    return dd.widen(np.full((1, 1), float(h[0].shape[-1])))


def _cotangents(g: Array) -> tuple[Array, Array, Array]:
    """Cotangents in float64 in units of 2^unit, unit of shape (b, 1), and the rows where all are finite."""
    wide = g.astype(np.float64)
    defined = np.asarray(np.isfinite(wide).all(axis=-1, keepdims=True))
    wide = np.where(defined, wide, 0.0)
    unit: Array = np.where(np.abs(wide).max(axis=-1, keepdims=True) > _LARGE, _UNIT, 0).astype(np.int32)
    return np.ldexp(wide, -unit), unit, defined


def _at(values: Array, index: Array) -> Array:
    return np.asarray(values[np.arange(len(values)), index][:, None])


def _put(target: Pair, entry: Pair, index: Array) -> None:
    for part, new in zip(target, entry, strict=True):
        part[np.arange(len(part)), index] = new[:, 0]


def _where(condition: Array, a: Pair, b: Pair) -> Pair:
    return np.where(condition, a[0], b[0]), np.where(condition, a[1], b[1])
