"""The derivatives, as the formulas of the catalog are written in NumPy."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.right_forms.form import Array, RightForm, quiet, right

#: The forms below.
TABLE: list[RightForm] = []


def _softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Array, axis: int = -1) -> Array:
    d = x - np.max(x, axis=axis, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True))


def _eye(x: Array) -> Array:
    return np.eye(x.shape[-1], dtype=x.dtype)


def _diagonal(x: Array) -> Array:
    """Diagonal matrices, zero beside infinities too."""
    return np.where(np.eye(x.shape[-1], dtype=bool), x[..., None, :], x.dtype.type(0))


def _outer(x: Array, y: Array) -> Array:
    return x[..., :, None] * y[..., None, :]


def _sum(x: Array, axis: int = -1) -> Array:
    return np.sum(x, axis=axis, keepdims=True)


# softmax


@right(TABLE, "softmax_jacobian", "diag(p) - p pᵀ")
@quiet
def softmax_jacobian_diagonal_less_outer(x: Array) -> Array:
    p = _softmax(x)
    return _diagonal(p) - _outer(p, p)


@right(TABLE, "softmax_jacobian", "p_i (δ_ij - p_j)")
@quiet
def softmax_jacobian_factored(x: Array) -> Array:
    p = _softmax(x)
    return p[..., :, None] * (_eye(p) - p[..., None, :])


@right(TABLE, "softmax_jvp", "p (v - Σ p v)")
@quiet
def softmax_jvp_centred(x: Array, v: Array, axis: int = -1) -> Array:
    p = _softmax(x, axis)
    return p * (v - _sum(p * v, axis))


@right(TABLE, "softmax_vjp", "p (g - Σ p g)")
@quiet
def softmax_vjp_centred(x: Array, g: Array, axis: int = -1) -> Array:
    p = _softmax(x, axis)
    return p * (g - _sum(p * g, axis))


@right(TABLE, "softmax_backward", "y (g - Σ y g)")
@quiet
def softmax_backward_centred(grad_output: Array, output: Array, axis: int = -1) -> Array:
    return output * (grad_output - _sum(output * grad_output, axis))


@right(TABLE, "softmax_backward", "y g - y Σ y g")
@quiet
def softmax_backward_products(grad_output: Array, output: Array, axis: int = -1) -> Array:
    yg = output * grad_output
    return yg - output * _sum(yg, axis)


@right(TABLE, "softmax_hessian", "p_i [(δ_ij - p_j)(δ_ik - p_k) - p_j (δ_jk - p_k)]")
@quiet
def softmax_hessian_by_formula(x: Array) -> Array:
    p = _softmax(x)
    a = _eye(p) - p[..., None, :]
    jacobian = p[..., :, None] * a
    return p[..., :, None, None] * (a[..., :, :, None] * a[..., :, None, :] - jacobian[..., None, :, :])


@right(TABLE, "softmax_hessian", "J_ik (δ_ij - p_j) - p_i J_jk, J the Jacobian")
@quiet
def softmax_hessian_product_rule(x: Array) -> Array:
    """J_ij = p_i (δ_ij - p_j), differentiated by x_k: J_ik (δ_ij - p_j) - p_i J_jk."""
    p = _softmax(x)
    a = _eye(p) - p[..., None, :]
    jacobian = p[..., :, None] * a
    return np.einsum("...ik,...ij->...ijk", jacobian, a) - np.einsum("...i,...jk->...ijk", p, jacobian)


# log_softmax, logsumexp


@right(TABLE, "log_softmax_jacobian", "δ_ij - p_j")
@quiet
def log_softmax_jacobian_eye_less_softmax(x: Array) -> Array:
    p = _softmax(x)
    return _eye(p) - p[..., None, :]


@right(TABLE, "log_softmax_vjp", "g - p Σ g")
@quiet
def log_softmax_vjp_softmax(x: Array, g: Array, axis: int = -1) -> Array:
    return g - _softmax(x, axis) * _sum(g, axis)


@right(TABLE, "log_softmax_vjp", "g - exp(log_softmax(x)) Σ g")
@quiet
def log_softmax_vjp_exp(x: Array, g: Array, axis: int = -1) -> Array:
    return g - np.exp(_log_softmax(x, axis)) * _sum(g, axis)


@right(TABLE, "log_softmax_backward", "g - exp(y) Σ g")
@quiet
def log_softmax_backward_exp(grad_output: Array, output: Array, axis: int = -1) -> Array:
    return grad_output - np.exp(output) * _sum(grad_output, axis)


@right(TABLE, "logsumexp_grad", "softmax(x)")
@quiet
def logsumexp_grad_softmax(x: Array, axis: int = -1) -> Array:
    return _softmax(x, axis)


@right(TABLE, "logsumexp_grad", "exp(log_softmax(x))")
@quiet
def logsumexp_grad_of_value(x: Array, axis: int = -1) -> Array:
    """exp((x - max) - log Σ), the forward value kept for the backward."""
    return np.exp(_log_softmax(x, axis))


@right(TABLE, "logsumexp_hessian", "diag(p) - p pᵀ")
@quiet
def logsumexp_hessian_diagonal_less_outer(x: Array) -> Array:
    p = _softmax(x)
    return _diagonal(p) - _outer(p, p)


# sigmoid


def _sigmoid(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, t) / (1 + t)


@right(TABLE, "sigmoid_grad", "σ(x) σ(-x)")
@quiet
def sigmoid_grad_both_sides(x: Array) -> Array:
    return _sigmoid(x) * _sigmoid(-x)


@right(TABLE, "sigmoid_grad", "t / (1 + t)², t = exp(-|x|)")
@quiet
def sigmoid_grad_one_exp(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return t / (1 + t) ** 2


@right(TABLE, "log_sigmoid_grad", "σ(-x)")
@quiet
def log_sigmoid_grad_other_side(x: Array) -> Array:
    return _sigmoid(-x)


@right(TABLE, "log_sigmoid_grad", "1 / (1 + exp(x))")
@quiet
def log_sigmoid_grad_plain(x: Array) -> Array:
    return 1 / (1 + np.exp(x))


@right(TABLE, "binary_cross_entropy_with_logits_grad", "σ(x) - y")
@quiet
def binary_cross_entropy_with_logits_grad_difference(x: Array, y: Array) -> Array:
    return _sigmoid(x) - y.astype(x.dtype)


@right(TABLE, "binary_cross_entropy_with_logits_hessian", "t / (1 + t)², t = exp(-|x|)")
@quiet
def binary_cross_entropy_with_logits_hessian_one_exp(x: Array, y: Array) -> Array:
    t = np.exp(-np.abs(x))
    return t / (1 + t) ** 2 + np.zeros_like(y, dtype=x.dtype)


# losses


def _one_hot(labels: Array, z: Array) -> Array:
    """Labels as distributions over the classes of z."""
    if labels.dtype.kind not in "iu":
        return labels.astype(z.dtype)
    if np.any((labels < 0) | (labels >= z.shape[-1])):
        raise IndexError("a label is out of range")
    return _eye(z)[labels]


def _rows(z: Array) -> Array:
    return max(math.prod(z.shape[:-1]), 1)


@right(TABLE, "cross_entropy_hessian", "Σ y (diag(p) - p pᵀ) / m")
@quiet
def cross_entropy_hessian_blocks(logits: Array, labels: Array) -> Array:
    y, p = _one_hot(labels, logits), _softmax(logits)
    return _sum(y)[..., None] * (_diagonal(p) - _outer(p, p)) / _rows(logits)


@right(TABLE, "nll_loss_grad", "-y / m with one-hot rows")
@quiet
def nll_loss_grad_one_hot(log_probabilities: Array, labels: Array) -> Array:
    return -_one_hot(labels, log_probabilities) / _rows(log_probabilities)


# entropies and divergences


def _log_parts(z: Array, axis: int = -1) -> tuple[Array, Array]:
    """p = softmax(z) and its logarithm, which counts as 0 where p is: p log p → 0."""
    p = _softmax(z, axis)
    return p, np.where(p == 0, 0, _log_softmax(z, axis))


@right(TABLE, "entropy_grad", "-log p - 1")
@quiet
def entropy_grad_by_formula(p: Array) -> Array:
    return -np.log(p) - 1


@right(TABLE, "entropy_hessian", "diag(-1 / p)")
@quiet
def entropy_hessian_by_formula(p: Array) -> Array:
    return _diagonal(-1 / p)


@right(TABLE, "softmax_entropy_grad", "-p (log p + H)")
@quiet
def softmax_entropy_grad_by_formula(logits: Array, axis: int = -1) -> Array:
    p, log_p = _log_parts(logits, axis)
    entropy = -_sum(p * log_p, axis)
    return -p * (log_p + entropy)


@right(TABLE, "softmax_entropy_grad", "-p (d - Σ p d), d = z - max")
@quiet
def softmax_entropy_grad_of_gaps(logits: Array, axis: int = -1) -> Array:
    """-p_i (d_i - Σ_k p_k d_k), d = z - max z: log Σ cancels."""
    gap = logits - np.max(logits, axis=axis, keepdims=True)
    p = _softmax(logits, axis)
    gap = np.where(p == 0, 0, gap)
    return -p * (gap - _sum(p * gap, axis))


@right(TABLE, "softmax_entropy_hessian", "p_i p_j (log p_i + log p_j + 2H + 1) - δ_ij p_i (log p_i + H + 1)")
@quiet
def softmax_entropy_hessian_by_formula(logits: Array) -> Array:
    p, log_p = _log_parts(logits)
    h = -_sum(p * log_p)
    outer = _outer(p, p) * (log_p[..., :, None] + log_p[..., None, :] + 2 * h[..., None] + 1)
    return outer - _diagonal(p * (log_p + h + 1))


def _log_ratio(z: Array, q: Array, axis: int = -1) -> tuple[Array, Array]:
    p = _softmax(z, axis)
    return p, np.where(p == 0, 0, _log_softmax(z, axis) - np.log(q))


@right(TABLE, "kl_divergence_grad", "p (r - Σ p r), r = log p - log q")
@quiet
def kl_divergence_grad_by_formula(logits: Array, q: Array, axis: int = -1) -> Array:
    p, r = _log_ratio(logits, q, axis)
    return p * (r - _sum(p * r, axis))


@right(TABLE, "kl_divergence_hessian", "δ_ij p_i (r_i - D + 1) - p_i p_j (r_i + r_j - 2D + 1)")
@quiet
def kl_divergence_hessian_by_formula(logits: Array, q: Array) -> Array:
    p, r = _log_ratio(logits, q)
    d = _sum(p * r)
    outer = _outer(p, p) * (r[..., :, None] + r[..., None, :] - 2 * d[..., None] + 1)
    return _diagonal(p * (r - d + 1)) - outer


@right(TABLE, "distribution_cross_entropy_grad", "-p / q")
@quiet
def distribution_cross_entropy_grad_by_formula(p: Array, q: Array) -> Array:
    return -p / q


@right(TABLE, "distribution_cross_entropy_hessian", "diag(p / q / q)")
@quiet
def distribution_cross_entropy_hessian_by_formula(p: Array, q: Array) -> Array:
    return _diagonal(p / q / q)
