"""Wrong derivatives of the divergence KL(softmax(z) || q) by the logits; r = log p - log q, D = Σ p r."""

from __future__ import annotations

import numpy as np

from smxcheck.mistakes.information_derivatives import diagonal, mistakes_of, one, outer, pairs, row_sum
from smxcheck.mistakes.loss_derivatives import curvature
from smxcheck.mistakes.model import ex
from smxcheck.mistakes.rows import Rows, number, right_log_softmax, right_softmax

KL_GRAD = "p*(r - sum(p*r)) with p = softmax(z), r = log_softmax(z) - log(q)"
KL_HESSIAN = "diag(p*(c + 1)) - outer(p, p)*(c_i + c_j + 1) with c = r - sum(p*r), r = log_softmax(z) - log(q)"


def _ratio(z: Rows, q: Rows) -> Rows:
    """log p - log q, 0 at a masked class."""
    return np.where(z == -np.inf, number(z, 0.0), right_log_softmax(z) - np.log(q))


def _divergence(z: Rows, q: Rows) -> Rows:
    return row_sum(right_softmax(z) * _ratio(z, q))


def reverse_gradient(z: Rows, q: Rows) -> Rows:
    """The gradient of KL(q || softmax(z)), the loss of soft labels."""
    return right_softmax(z) - q


def kl_uncentred(z: Rows, q: Rows) -> Rows:
    return right_softmax(z) * _ratio(z, q)


def kl_through_p_alone(z: Rows, q: Rows) -> Rows:
    return right_softmax(z) * (_ratio(z, q) + one(z))


def kl_ratio_reversed(z: Rows, q: Rows) -> Rows:
    return right_softmax(z) * (_divergence(z, q) - _ratio(z, q))


def kl_plus_divergence(z: Rows, q: Rows) -> Rows:
    return right_softmax(z) * (_ratio(z, q) + _divergence(z, q))


def kl_of_log_softmax(z: Rows, q: Rows) -> Rows:
    """log of a softmax that underflowed: 0·(-inf)."""
    p = right_softmax(z)
    r = np.log(p / q)
    return p * (r - row_sum(p * r))


def reverse_curvature(z: Rows, q: Rows) -> Rows:
    return curvature(right_softmax(z))


def kl_curvature_sign(z: Rows, q: Rows) -> Rows:
    return -_kl_curvature(z, q)


def kl_curvature_diagonal(z: Rows, q: Rows) -> Rows:
    return _kl_curvature(z, q) * np.eye(z.shape[1], dtype=z.dtype)


def kl_curvature_without_ones(z: Rows, q: Rows) -> Rows:
    """The Hessian less diag(p) - p·pᵀ, the curvature of Σ p log p in p."""
    return _kl_curvature(z, q) - curvature(right_softmax(z))


def kl_curvature_one_divergence(z: Rows, q: Rows) -> Rows:
    """D in place of 2D."""
    return _kl_curvature(z, q) - outer(right_softmax(z)) * _divergence(z, q)[:, :, None]


def _kl_curvature(z: Rows, q: Rows) -> Rows:
    p, c = right_softmax(z), _ratio(z, q) - _divergence(z, q)
    return diagonal(p * (c + one(z))) - outer(p) * (pairs(c) + one(z))


_Z, _Q = [[0.0, 1.0, 3.0]], [[0.125, 0.375, 0.5]]
_FAR, _WITH_Q = [[0.0, -1000.0, -2.0]], (ex(_Z, _Q),)
_kg, _kh = mistakes_of(KL_GRAD, "kl_divergence_grad"), mistakes_of(KL_HESSIAN, "kl_divergence_hessian")

TABLE = (
    _kg("reverse", "p - q, the gradient of KL(q || p)", reverse_gradient, _WITH_Q, families="X69"),
    _kg("uncentred", "p*r", kl_uncentred, _WITH_Q, families="X62"),
    _kg("through-p-alone", "p*(r + 1)", kl_through_p_alone, _WITH_Q, families="X62"),
    _kg("ratio-reversed", "p*(D - r)", kl_ratio_reversed, _WITH_Q, families="X69"),
    _kg("plus-divergence", "p*(r + D)", kl_plus_divergence, _WITH_Q),
    _kg("zero-times-infinity", "p*(r - D) with r = log(softmax(z)/q), NaN where p is 0", kl_of_log_softmax,
        (ex(_FAR, _Q),), "SMX102", families="X57", precedents=("google-deepmind/optax#1786",)),
    _kh("reverse", "diag(p) - outer(p, p), the Hessian of KL(q || p)", reverse_curvature, _WITH_Q, families="X69"),
    _kh("sign", "the Hessian negated", kl_curvature_sign, _WITH_Q),
    _kh("diagonal", "the diagonal alone", kl_curvature_diagonal, _WITH_Q, families="X66"),
    _kh("without-ones", "diag(p*c) - outer(p, p)*(c_i + c_j)", kl_curvature_without_ones, _WITH_Q),
    _kh("one-divergence", "D in place of 2*D", kl_curvature_one_divergence, _WITH_Q),
)  # fmt: skip
