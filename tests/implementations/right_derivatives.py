"""Right implementations of the derivatives, as the formulas of the catalog are written in NumPy; also usable as a user's
file: ``smxcheck verify tests/implementations/right_derivatives.py:softmax_vjp_centred``.

They take NumPy arrays of float16, bfloat16, float32 or float64. 16-bit input is computed in float32 and rounded once.
None of them warns.
"""

import functools
import math

import numpy as np


def _wide(x):
    """Wide enough to compute in; labels and other integers stay as they are."""
    return x.astype(np.float32) if x.dtype.kind not in "iub" and x.dtype.itemsize < 4 else x


#: Everything below: name, function, callable, arrays.
RIGHT = []


def _right(name):
    """A form of the function ``name``: wide arithmetic inside, the first argument's dtype outside, no warnings."""

    def enter(function):
        @functools.wraps(function)
        def call(x, *rest, **keywords):
            x = np.asarray(x)
            x = x.astype(np.float64) if x.dtype.kind in "iub" else x
            with np.errstate(all="ignore"):
                y = np.asarray(function(_wide(x), *(_wide(np.asarray(a)) for a in rest), **keywords))
            return y.astype(x.dtype)

        RIGHT.append((function.__name__, name, call, "numpy"))
        return call

    return enter


def _softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x, axis=-1):
    d = x - np.max(x, axis=axis, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True))


def _eye(x):
    return np.eye(x.shape[-1], dtype=x.dtype)


def _diagonal(x):
    """Diagonal matrices, zero beside infinities too."""
    return np.where(np.eye(x.shape[-1], dtype=bool), x[..., None, :], x.dtype.type(0))


def _outer(x, y):
    return x[..., :, None] * y[..., None, :]


def _sum(x, axis=-1):
    return np.sum(x, axis=axis, keepdims=True)


# softmax


@_right("softmax_jacobian")
def softmax_jacobian_diagonal_less_outer(x):
    p = _softmax(x)
    return _diagonal(p) - _outer(p, p)


@_right("softmax_jacobian")
def softmax_jacobian_factored(x):
    p = _softmax(x)
    return p[..., :, None] * (_eye(p) - p[..., None, :])


@_right("softmax_jvp")
def softmax_jvp_centred(x, v, axis=-1):
    p = _softmax(x, axis)
    return p * (v - _sum(p * v, axis))


@_right("softmax_vjp")
def softmax_vjp_centred(x, g, axis=-1):
    p = _softmax(x, axis)
    return p * (g - _sum(p * g, axis))


@_right("softmax_backward")
def softmax_backward_centred(grad_output, output, axis=-1):
    return output * (grad_output - _sum(output * grad_output, axis))


@_right("softmax_backward")
def softmax_backward_products(grad_output, output, axis=-1):
    yg = output * grad_output
    return yg - output * _sum(yg, axis)


@_right("softmax_hessian")
def softmax_hessian_by_formula(x):
    p = _softmax(x)
    a = _eye(p) - p[..., None, :]
    jacobian = p[..., :, None] * a
    return p[..., :, None, None] * (a[..., :, :, None] * a[..., :, None, :] - jacobian[..., None, :, :])


@_right("softmax_hessian")
def softmax_hessian_product_rule(x):
    """J_ij = p_i (δ_ij - p_j), differentiated by x_k: J_ik (δ_ij - p_j) - p_i J_jk."""
    p = _softmax(x)
    a = _eye(p) - p[..., None, :]
    jacobian = p[..., :, None] * a
    return np.einsum("...ik,...ij->...ijk", jacobian, a) - np.einsum("...i,...jk->...ijk", p, jacobian)


# log_softmax, logsumexp


@_right("log_softmax_jacobian")
def log_softmax_jacobian_eye_less_softmax(x):
    p = _softmax(x)
    return _eye(p) - p[..., None, :]


@_right("log_softmax_vjp")
def log_softmax_vjp_softmax(x, g, axis=-1):
    return g - _softmax(x, axis) * _sum(g, axis)


@_right("log_softmax_vjp")
def log_softmax_vjp_exp(x, g, axis=-1):
    return g - np.exp(_log_softmax(x, axis)) * _sum(g, axis)


@_right("log_softmax_backward")
def log_softmax_backward_exp(grad_output, output, axis=-1):
    return grad_output - np.exp(output) * _sum(grad_output, axis)


@_right("logsumexp_grad")
def logsumexp_grad_softmax(x, axis=-1):
    return _softmax(x, axis)


@_right("logsumexp_grad")
def logsumexp_grad_of_value(x, axis=-1):
    """exp((x - max) - log Σ), the forward value kept for the backward."""
    return np.exp(_log_softmax(x, axis))


@_right("logsumexp_hessian")
def logsumexp_hessian_diagonal_less_outer(x):
    p = _softmax(x)
    return _diagonal(p) - _outer(p, p)


# sigmoid


def _sigmoid(x):
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, t) / (1 + t)


@_right("sigmoid_grad")
def sigmoid_grad_both_sides(x):
    return _sigmoid(x) * _sigmoid(-x)


@_right("sigmoid_grad")
def sigmoid_grad_one_exp(x):
    t = np.exp(-np.abs(x))
    return t / (1 + t) ** 2


@_right("log_sigmoid_grad")
def log_sigmoid_grad_other_side(x):
    return _sigmoid(-x)


@_right("log_sigmoid_grad")
def log_sigmoid_grad_plain(x):
    return 1 / (1 + np.exp(x))


@_right("binary_cross_entropy_with_logits_grad")
def binary_cross_entropy_with_logits_grad_difference(x, y):
    return _sigmoid(x) - y.astype(x.dtype)


@_right("binary_cross_entropy_with_logits_hessian")
def binary_cross_entropy_with_logits_hessian_one_exp(x, y):
    t = np.exp(-np.abs(x))
    return t / (1 + t) ** 2 + np.zeros_like(y, dtype=x.dtype)


# losses


def _one_hot(labels, z):
    """Labels as distributions over the classes of z."""
    if labels.dtype.kind not in "iu":
        return labels.astype(z.dtype)
    if np.any((labels < 0) | (labels >= z.shape[-1])):
        raise IndexError("a label is out of range")
    return _eye(z)[labels]


def _rows(z):
    return max(math.prod(z.shape[:-1]), 1)


@_right("cross_entropy_hessian")
def cross_entropy_hessian_blocks(logits, labels):
    y, p = _one_hot(labels, logits), _softmax(logits)
    return _sum(y)[..., None] * (_diagonal(p) - _outer(p, p)) / _rows(logits)


@_right("nll_loss_grad")
def nll_loss_grad_one_hot(log_probabilities, labels):
    return -_one_hot(labels, log_probabilities) / _rows(log_probabilities)


# entropies and divergences


def _log_parts(z, axis=-1):
    """p = softmax(z) and its logarithm, which counts as 0 where p is: p log p → 0."""
    p = _softmax(z, axis)
    return p, np.where(p == 0, 0, _log_softmax(z, axis))


@_right("entropy_grad")
def entropy_grad_by_formula(p):
    return -np.log(p) - 1


@_right("entropy_hessian")
def entropy_hessian_by_formula(p):
    return _diagonal(-1 / p)


@_right("softmax_entropy_grad")
def softmax_entropy_grad_by_formula(logits, axis=-1):
    p, log_p = _log_parts(logits, axis)
    entropy = -_sum(p * log_p, axis)
    return -p * (log_p + entropy)


@_right("softmax_entropy_grad")
def softmax_entropy_grad_of_gaps(logits, axis=-1):
    """-p_i (d_i - Σ_k p_k d_k), d = z - max z: log Σ cancels."""
    gap = logits - np.max(logits, axis=axis, keepdims=True)
    p = _softmax(logits, axis)
    gap = np.where(p == 0, 0, gap)
    return -p * (gap - _sum(p * gap, axis))


@_right("softmax_entropy_hessian")
def softmax_entropy_hessian_by_formula(logits):
    p, log_p = _log_parts(logits)
    h = -_sum(p * log_p)
    outer = _outer(p, p) * (log_p[..., :, None] + log_p[..., None, :] + 2 * h[..., None] + 1)
    return outer - _diagonal(p * (log_p + h + 1))


def _log_ratio(z, q, axis=-1):
    p = _softmax(z, axis)
    return p, np.where(p == 0, 0, _log_softmax(z, axis) - np.log(q))


@_right("kl_divergence_grad")
def kl_divergence_grad_by_formula(logits, q, axis=-1):
    p, r = _log_ratio(logits, q, axis)
    return p * (r - _sum(p * r, axis))


@_right("kl_divergence_hessian")
def kl_divergence_hessian_by_formula(logits, q):
    p, r = _log_ratio(logits, q)
    d = _sum(p * r)
    outer = _outer(p, p) * (r[..., :, None] + r[..., None, :] - 2 * d[..., None] + 1)
    return _diagonal(p * (r - d + 1)) - outer


@_right("distribution_cross_entropy_grad")
def distribution_cross_entropy_grad_by_formula(p, q):
    return -p / q


@_right("distribution_cross_entropy_hessian")
def distribution_cross_entropy_hessian_by_formula(p, q):
    return _diagonal(p / q / q)
