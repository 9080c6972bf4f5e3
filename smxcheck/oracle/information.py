"""What is right for the entropies and divergences, degenerate rows included.

0·log 0 = 0. A p > 0 against q = 0 makes the divergence and the cross-entropy +inf. NaN in a row gives NaN. The
entropy of softmax has weight 0 at an entry -inf; a row of -inf or one with +inf has no single answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.core import row_classes, scatter
from smxcheck.oracle.enclosure import Expected, Kind, zeros
from smxcheck.oracle.rows import exact_float64, to_rows
from smxcheck.oracle.tiers import enclose_rows

Array = npt.NDArray[Any]


def expect_softmax_entropy(logits: Array, axis: Any, bits: int) -> Expected:
    """Entropy of softmax along ``axis``. One +inf among others: the limit is 0, nan is accepted as a choice."""
    rows = to_rows(logits, axis)
    count, n = rows.x.shape
    kind = np.full(count, Kind.VALUE, np.uint8)
    enclosure = zeros((count,))
    if n == 0:
        return Expected(rows.reduce(np.full(count, Kind.FREE, np.uint8)), enclosure.reshape(rows.outer),
                        {"empty-row": rows.reduce(np.ones(count, bool))})  # fmt: skip
    classes = row_classes(rows.x)
    if classes["regular"].any():
        values = enclose_rows("softmax_entropy", (rows.x[classes["regular"]],), bits)
        scatter(enclosure, classes["regular"], values)
    several = (classes["plus"] > 1) | ((classes["plus"] == 1) & (n == 1))
    one = (classes["plus"] == 1) & (n > 1)
    kind[classes["nan"]] = Kind.NAN
    kind[classes["masked"] | several] = Kind.FREE
    kind[one] = Kind.VALUE_OR_NAN
    masks = {"all-masked": classes["masked"], "plus-inf": one, "plus-inf-ties": several}
    return Expected(rows.reduce(kind), enclosure.reshape(rows.outer),
                    {k: rows.reduce(m) for k, m in masks.items() if m.any()})  # fmt: skip


def expect_distribution(function: str, arguments: tuple[Array, ...], axis: Any, bits: int) -> Expected:
    """entropy(p), kl_divergence(p, q), distribution_cross_entropy(p, q) along ``axis``."""
    shape = np.broadcast_shapes(*(np.shape(a) for a in arguments))
    parts = [to_rows(np.broadcast_to(exact_float64(a), shape), axis) for a in arguments]
    count, _ = parts[0].x.shape
    kind = np.full(count, Kind.VALUE, np.uint8)
    enclosure = zeros((count,))
    has_nan = np.any([np.isnan(r.x).any(axis=1) for r in parts], axis=0)
    infinite = np.zeros(count, bool)
    if len(parts) == 2:
        infinite = ((parts[0].x > 0) & (parts[1].x == 0)).any(axis=1) & ~has_nan
    regular = ~has_nan & ~infinite
    if regular.any():
        scatter(enclosure, regular, enclose_rows(function, tuple(r.x[regular] for r in parts), bits))
    kind[infinite] = Kind.PLUS_INFINITY
    kind[has_nan] = Kind.NAN
    return Expected(parts[0].reduce(kind), enclosure.reshape(parts[0].outer))


def expect_binary_cross_entropy(x: Array, y: Array, bits: int) -> Expected:
    """-y log σ(x) - (1 - y) log σ(-x) = log(1 + e^x) - x·y: 0 at (-inf, 0) and (inf, 1), infinite at other infinities.

    The sign is that of |x|·(1 - y) for x > 0 and of |x|·y for x < 0. At x = 0 an infinite y leaves no limit (a choice).
    """
    x64, y64 = np.broadcast_arrays(exact_float64(x), exact_float64(y))
    kind = np.full(x64.shape, Kind.VALUE, np.uint8)
    enclosure = zeros(x64.shape)
    finite = np.isfinite(x64) & np.isfinite(y64)
    if finite.any():
        values = enclose_rows("binary_cross_entropy_with_logits", (x64[finite], y64[finite]), bits)
        scatter(enclosure, finite, values)
    slope = np.where(x64 > 0, 1 - y64, y64)
    kind[~finite & (slope > 0)] = Kind.PLUS_INFINITY
    kind[~finite & (slope < 0)] = Kind.MINUS_INFINITY
    free = (x64 == 0) & np.isinf(y64)
    kind[free] = Kind.FREE
    kind[np.isnan(x64) | np.isnan(y64)] = Kind.NAN
    return Expected(kind, enclosure, {"infinite-argument": free} if free.any() else {})
