"""Derivatives of entropies, divergences and cross-entropies of distributions, in float64, rounded once.

By the logits z of p = softmax(z), with d_i = max z - z_i and T = Σ p d: log p_i + H = T - d_i, so the entropy needs no
logarithm. An entry of -inf has p = 0 and takes no part; a row of -inf, or with +inf or nan, is nan. By given p and q the
limits at 0 are returned: nothing is normalised, and a negative entry is nan.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, Axis, as_real
from smxcheck.functions.extended_products import entropy_slope
from smxcheck.functions.logistic import elementwise
from smxcheck.functions.matrices import matrices, others, with_diagonal
from smxcheck.functions.row_products import paired
from smxcheck.functions.rows import map_rows


@elementwise
def entropy_grad(p: Array) -> Array:
    """Gradient of the entropy -Σ p log p by the probabilities: -log p_i - 1.

    Shape and dtype of p; +inf at 0. Raises TypeError for what is not real.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return 0.0 - np.log(p.astype(np.float64)) - 1.0


def entropy_hessian(p: ArrayLike) -> Array:
    """Hessian of the entropy by the probabilities: -δ_ij / p_i; p of shape (…, n) gives (…, n, n) in the dtype of p.

    -inf on the diagonal at 0. Raises TypeError for what is not real.
    """
    return matrices(lambda rows: _diagonal(-_quotient(np.ones_like(rows), rows)), as_real(p, "p"))


def softmax_entropy_grad(logits: ArrayLike, axis: Axis = -1) -> Array:
    """Gradient of the entropy of softmax(z) by the logits: -p_i (log p_i + H) = p_i (d_i - T).

    Exactly 0 where all logits tie. Shape and dtype of the logits. Raises TypeError for what is not real, AxisError for
    the axis. Source: H = log S + T and ∂p_i/∂z_j = p_i (δ_ij - p_j).
    """
    return _softmax_entropy_grad(as_real(logits, "logits"), axis=axis)


def softmax_entropy_hessian(logits: ArrayLike) -> Array:
    """Hessian of the entropy of softmax(z) by the logits, along the last axis.

    p_i p_j (log p_i + log p_j + 2H + 1) - δ_ij p_i (log p_i + H + 1), with c_i = d_i - T computed as p_i p_j (1 - c_i -
    c_j) beside the diagonal and p_i (c_i (1 - 2p_i) - (1 - p_i)) on it, which keeps its digits in a peaked row. Logits of
    shape (…, n) give (…, n, n) in their dtype. Raises TypeError for what is not real.
    """
    return matrices(_softmax_entropy_hessian, as_real(logits, "logits"))


def kl_divergence_grad(logits: ArrayLike, q: ArrayLike, axis: Axis = -1) -> Array:
    """Gradient of D = KL(softmax(z) || q) by the logits: p_i (r_i - D) with r = log p - log q.

    r is log1p((p - q)/q) where p and q are close, and is counted from its value at the largest logit. Where q_i = 0 and
    p_i > 0, D is infinite, and the row is nan. z and q have one shape, and so has the result; its dtype is the common
    one. Raises ValueError for two shapes, TypeError for what is not real, AxisError for the axis.
    """
    return paired(_kl_divergence_grad, ("logits", logits), ("q", q), axis)


def kl_divergence_hessian(logits: ArrayLike, q: ArrayLike) -> Array:
    """Hessian of KL(softmax(z) || q) by the logits, along the last axis.

    δ_ij p_i (r_i - D + 1) - p_i p_j (r_i + r_j - 2D + 1), with c = r - D computed as -p_i p_j (1 + c_i + c_j) beside the
    diagonal and p_i (c_i (1 - 2p_i) + (1 - p_i)) on it. Two arrays of shape (…, n) give (…, n, n) in their common dtype.
    nan and errors as for `kl_divergence_grad`.
    """
    return matrices(_kl_divergence_hessian, *_two("logits", logits, "q", q))


def distribution_cross_entropy_grad(p: ArrayLike, q: ArrayLike) -> Array:
    """Gradient of -Σ p log q by q: -p_i / q_i; -inf where p_i > 0 = q_i, nan where both are 0.

    p and q have one shape, and so has the result; its dtype is the common one. Raises ValueError for two shapes,
    TypeError for what is not real.
    """
    return paired(lambda a, b: 0.0 - _quotient(a, b), ("p", p), ("q", q), -1)


def distribution_cross_entropy_hessian(p: ArrayLike, q: ArrayLike) -> Array:
    """Hessian of -Σ p log q by q: δ_ij p_i / q_i², as (p_i / q_i) / q_i, since q_i² may underflow.

    Two arrays of shape (…, n) give (…, n, n) in their common dtype; on the diagonal inf where p_i > 0 = q_i, nan where
    both are 0. Errors as for `distribution_cross_entropy_grad`.
    """
    return matrices(lambda a, b: _diagonal(_quotient(_quotient(a, b), b)), *_two("p", p, "q", q))


def _two(first: str, a: ArrayLike, second: str, b: ArrayLike) -> tuple[Array, Array]:
    left, right = as_real(a, first), as_real(b, second)
    if left.shape != right.shape:
        raise ValueError(
            f"{first} has shape {left.shape} and {second} {right.shape}; pass two arrays of one shape"
        )
    return left, right


def _quotient(a: Array, b: Array) -> Array:
    """a/b of numbers that are not negative; nan for others."""
    with np.errstate(divide="ignore"):
        quotient = a.astype(np.float64) / b.astype(np.float64)
    return np.where((a < 0) | (b < 0), np.nan, quotient)


def _diagonal(entries: Array) -> Array:
    return with_diagonal(np.zeros((*entries.shape, entries.shape[-1])), entries)


def _centred_gaps(rows: Array) -> tuple[shift.Shifted, Array, Array]:
    """The rows from their maximum, p, and d - T."""
    x, p = shift.shifted(rows), shift.probabilities(rows)
    # An absent entry has no gap; the residual completes d = -(gap + residual).
    d = np.where((x.weight == 0) & (x.gap < 0), 0.0, -(x.gap + x.residual))
    return x, p, d - (x.weight * d).sum(axis=-1, keepdims=True) / (1.0 + x.rest)


_softmax_entropy_grad = map_rows(entropy_slope)


def _softmax_entropy_hessian(rows: Array) -> Array:
    x, p, c = _centred_gaps(rows)
    rest = others(x, p)
    product = p[:, :, None] * p[:, None, :] * (1.0 - c[:, :, None] - c[:, None, :])
    return with_diagonal(product, p * (c * (rest - p) - rest))


def _centred_log_ratios(rows: Array, q_rows: Array) -> tuple[shift.Shifted, Array, Array]:
    """The rows from their maximum, p, and r - D; an absent entry, which has no r, counts as r = 0.

    As s - Σ p s with s = r - r_k for the largest entry k: s_k is 0, so that r_k - D keeps its digits in a peaked row.
    """
    x, p, q = shift.shifted(rows), shift.probabilities(rows), q_rows.astype(np.float64)
    absent = (x.weight == 0) & np.isneginf(x.gap)
    # p - q is exact within a factor of two (Sterbenz), and log1p keeps the digits that log(p/q) has lost there.
    close = (p <= 2.0 * q) & (q <= 2.0 * p) & (q > 0)
    with np.errstate(divide="ignore"):
        far = x.log_probabilities() - np.log(q)
    near = np.log1p(np.divide(p - q, q, out=np.zeros_like(p), where=close))
    r = np.where(absent, 0.0, np.where(close, near, far))
    s = r - r[np.arange(len(r)), x.index][:, None]
    c = s - (p * s).sum(axis=-1, keepdims=True)
    return x, p, np.where(np.isinf(r).any(axis=-1, keepdims=True), np.nan, c)


def _kl_divergence_grad(rows: Array, q: Array) -> Array:
    _, p, c = _centred_log_ratios(rows, q)
    return p * c


def _kl_divergence_hessian(rows: Array, q: Array) -> Array:
    x, p, c = _centred_log_ratios(rows, q)
    rest = others(x, p)
    product = p[:, :, None] * p[:, None, :] * (1.0 + c[:, :, None] + c[:, None, :])
    return with_diagonal(0.0 - product, p * (c * (rest - p) + rest))


def _only(call: Callable[..., Array], summary: str) -> dict[str, Algorithm]:
    return table(Algorithm("accurate", call, "tight", summary))


TABLE: dict[str, dict[str, Algorithm]] = {
    "entropy_grad": _only(entropy_grad, "-log p - 1 in float64"),
    "entropy_hessian": _only(entropy_hessian, "one division"),
    "softmax_entropy_grad": _only(softmax_entropy_grad, "p (d - T), d = max z - z, T = Σ p d"),
    "softmax_entropy_hessian": _only(softmax_entropy_hessian, "from d - T, 1 - p as the sum of the others"),
    "kl_divergence_grad": _only(kl_divergence_grad, "log1p((p - q)/q) where p and q are close"),
    "kl_divergence_hessian": _only(kl_divergence_hessian, "log1p((p - q)/q) where p and q are close"),
    "distribution_cross_entropy_grad": _only(distribution_cross_entropy_grad, "one division"),
    "distribution_cross_entropy_hessian": _only(distribution_cross_entropy_hessian, "(p / q) / q"),
}
