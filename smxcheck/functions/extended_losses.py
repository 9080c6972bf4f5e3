"""Losses in double-double: Σ_c a_c (d_c + log S) over classes and rows, d_c = max z - z_c.

For float64, and for narrower formats where weights or labels of both signs let terms cancel: every term is good to 2^-90.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from smxcheck.functions import double_double as dd
from smxcheck.functions.arrays import Array
from smxcheck.functions.double_double import Pair
from smxcheck.functions.extended import extended


@dataclass(frozen=True)
class RowLosses:
    """value·2^exponent for each row, shapes (b,). ``special`` marks rows whose loss is infinite or nan."""

    value: Pair
    exponent: Array
    special: Array


@dataclass(frozen=True)
class _Distances:
    """Shape (b, K), and (b, 1) for the part that all classes share."""

    each: Pair  # d
    infinite: Array
    shared: Pair  # log S·2^scale
    scale: Array
    special: Array  # (b,)


def coefficients(shares: Array, weights: Array | None, smoothing: float, classes: int) -> Pair:
    """w_c·((1 - ε) y_c + ε/K) for rows of shares y, of one class where w has its weight or of all."""
    factor = dd.multiply(dd.two_sum(np.array(1.0), np.array(-smoothing)), dd.widen(shares))
    if smoothing:
        part = dd.divide(dd.widen(np.array(smoothing)), dd.widen(np.array(float(classes))))
        factor = dd.add(factor, part)
    return factor if weights is None else dd.multiply(factor, dd.widen(weights))


def of_logits(rows: Array) -> _Distances:
    x = extended(rows)
    return _Distances(dd.negative(x.gap), x.absent, x.log_sum(), x.scale, ~x.defined[:, 0])


def of_log_probabilities(rows: Array) -> _Distances:
    """d = -ℓ, and nothing shared."""
    wide = rows.astype(np.float64)
    infinite = np.isinf(wide)
    none = np.zeros((len(rows), 1))
    return _Distances(
        dd.widen(np.where(infinite, 0.0, 0.0 - wide)),
        infinite,
        (none, none),
        none.astype(np.int32),
        none[:, 0] > 0,
    )


def row_losses(x: _Distances, coefficient: Pair, column: Array | None) -> RowLosses:
    """Σ_c a_c (d_c + log S), the coefficients (b, K), or (b, 1) for the one class of each row that ``column`` names."""
    each, infinite = x.each, x.infinite
    if column is not None:
        row = np.arange(len(column))
        each = each[0][row, column][:, None], each[1][row, column][:, None]
        infinite = infinite[row, column][:, None]
    counts = coefficient[0] != 0
    # In units of the largest coefficient, so that no product leaves the range.
    unit = np.frexp(np.abs(coefficient[0]).max(axis=-1, keepdims=True))[1]
    scaled = dd.ldexp(coefficient, -unit)
    own = dd.total(dd.multiply(scaled, (np.where(counts, each[0], 0.0), np.where(counts, each[1], 0.0))))
    shared = dd.multiply(dd.total(scaled), x.shared)
    both = dd.add(own, dd.ldexp(shared, -x.scale))
    alone = own[0] == 0  # the loss of the likely class: it keeps its scale, since it may underflow
    value = tuple(np.where(alone, a, b)[:, 0] for a, b in zip(shared, both, strict=True))
    exponent = (unit + np.where(alone, -x.scale, 0))[:, 0]
    special = x.special | (infinite & counts).any(axis=-1) | ~np.isfinite(value[0])
    return RowLosses((value[0], value[1]), exponent, special)


def together(parts: Iterable[RowLosses]) -> RowLosses:
    """The rows of several blocks, one after the other."""
    listed = list(parts)
    return RowLosses(
        (np.concatenate([p.value[0] for p in listed]), np.concatenate([p.value[1] for p in listed])),
        np.concatenate([p.exponent for p in listed]),
        np.concatenate([p.special for p in listed]),
    )


def rounded_losses(losses: RowLosses) -> Array:
    """The loss of each row in float64, rounded once."""
    return np.ldexp(losses.value[0], losses.exponent)


def quotient_of_sum(losses: RowLosses, divisor: Pair) -> Array:
    """Σ losses / divisor, rounded once: terms in units of the largest, so that neither the sum nor a subnormal loss
    leaves the range before the end. ``divisor`` has shape (1, 1) and is not 0."""
    top = np.where(
        losses.value[0] != 0, losses.exponent + np.frexp(losses.value[0])[1], np.iinfo(np.int16).min
    )
    unit = top.max()
    terms = dd.ldexp((losses.value[0][None, :], losses.value[1][None, :]), (losses.exponent - unit)[None, :])
    size = np.frexp(divisor[0])[1]
    quotient = dd.divide(dd.total(terms), dd.ldexp(divisor, -size))
    return np.asarray(np.ldexp(quotient[0], unit - size)[0, 0])
