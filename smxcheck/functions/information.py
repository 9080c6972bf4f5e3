"""Entropies and divergences, in nats, along an axis; 0·log 0 = 0.

Each is computed in float64 with pairwise sums, the entropy of float64 logits in double-double, and rounded once to the
dtype of the input. Distributions are taken as they are, normalised or not; a negative entry, like a nan, makes its row
nan. The sum over no entries is 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import double_double as dd
from smxcheck.functions import shift
from smxcheck.functions.arrays import Array, Axis, as_real
from smxcheck.functions.extended import by_small_blocks, extended, finish
from smxcheck.functions.rows import reduce_arrays


def entropy(p: ArrayLike, axis: Axis = -1) -> Array:
    """-Σ p_i log p_i of given probabilities; p's shape without the axis, dtype of p.

    Raises TypeError for what is not real, AxisError for the axis.
    """
    return reduce_arrays(_entropy, 0.0, axis, as_real(p, "p"))


def softmax_entropy(logits: ArrayLike, axis: Axis = -1) -> Array:
    """Entropy of softmax(z): log S + Σ p_i d_i with d = max z - z ≥ 0, S = Σ exp(-d).

    Both terms are non-negative, so nothing cancels, where log Σ exp(z) - Σ p_i z_i loses every digit of a peaked row.
    Entries of -inf count as absent; a row of -inf or with +inf or nan gives nan. Shape without the axis, dtype of the
    logits. Raises TypeError for what is not real, AxisError for the axis.
    """
    return reduce_arrays(_softmax_entropy, 0.0, axis, as_real(logits, "logits"))


def kl_divergence(p: ArrayLike, q: ArrayLike, axis: Axis = -1) -> Array:
    """Kullback-Leibler divergence Σ p_i log(p_i / q_i); +inf where p_i > 0 meets q_i = 0.

    p and q have one shape; the result has it without the axis. Raises ValueError for two shapes, TypeError for what is
    not real, AxisError for the axis.
    """
    return reduce_arrays(_kl_divergence, 0.0, axis, *_two_distributions(p, q))


def distribution_cross_entropy(p: ArrayLike, q: ArrayLike, axis: Axis = -1) -> Array:
    """-Σ p_i log q_i of two given distributions; +inf where p_i > 0 meets q_i = 0. Shapes and errors as for KL."""
    return reduce_arrays(_distribution_cross_entropy, 0.0, axis, *_two_distributions(p, q))


def _two_distributions(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    first, second = as_real(p, "p"), as_real(q, "q")
    if first.shape != second.shape:
        raise ValueError(f"p has shape {first.shape} and q {second.shape}; pass two arrays of one shape")
    return first, second


def _entropy(rows: Array) -> Array:
    p = rows.astype(np.float64)
    return 0.0 - _sum(_zero_where(p == 0, p * _log(p)))


def _softmax_entropy(rows: Array) -> Array:
    if rows.dtype == np.float64:
        return by_small_blocks(lambda some: _softmax_entropy_extended(rows[some]), rows.shape)
    x = shift.shifted(rows)
    # A weight of 0 ends the sum: its gap may be infinite. The residual completes d = -(gap + residual).
    terms = _zero_where((x.weight == 0) & (x.gap < 0), x.weight * (x.gap + x.residual))
    return x.log_sum() - _sum(terms) / (1.0 + x.rest)


def _softmax_entropy_extended(rows: Array) -> Array:
    x = extended(rows)
    gap_sum, exponent = x.sum_of_others(dd.negative(x.gap))
    mean_gap = dd.ldexp(dd.divide(gap_sum, x.sum()), exponent + x.scale)
    return finish(x, dd.add(x.log_sum(), mean_gap), -x.scale)


def _kl_divergence(p_rows: Array, q_rows: Array) -> Array:
    p, q = p_rows.astype(np.float64), q_rows.astype(np.float64)
    # p - q is exact within a factor of two (Sterbenz), and log1p keeps the digits that log(p/q) has lost there.
    close = (p <= 2.0 * q) & (q <= 2.0 * p) & (q > 0) & np.isfinite(q)
    ratio = np.divide(p, q, out=np.ones_like(p), where=q > 0)
    normal = (ratio > np.finfo(np.float64).tiny) & np.isfinite(ratio) & (q > 0)
    far = np.where(normal, _log(ratio), _log(p) - _log(q))
    near = np.log1p(np.divide(p - q, q, out=np.zeros_like(p), where=close))
    return _sum(_zero_where((p == 0) & (q >= 0), p * np.where(close, near, far)))


def _distribution_cross_entropy(p_rows: Array, q_rows: Array) -> Array:
    p, q = p_rows.astype(np.float64), q_rows.astype(np.float64)
    terms = _zero_where((p == 0) & (q >= 0), p * _log(q))
    return 0.0 - _sum(np.where(p < 0, np.nan, terms))


def _log(values: Array) -> Array:
    """log with log 0 = -inf and the log of a negative number nan."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))


def _zero_where(absent: Array, terms: Array) -> Array:
    return np.where(absent, 0.0, terms)


def _sum(terms: Array) -> Array:
    return np.asarray(terms.sum(axis=-1, keepdims=True))
