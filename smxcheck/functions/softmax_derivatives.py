"""Derivatives of softmax, log_softmax and logsumexp, in float64, rounded once. p = softmax(x) throughout.

No product forms a Jacobian. What cancels is arranged so that nothing is lost twice: products are centred by the largest
entry's cotangent, and 1 - p_i of the largest entry is the sum of the others (`smxcheck.functions.extended_products`).

A logit of -inf has p = 0 and takes part in every formula with that. A row with nan, with +inf or of nothing but -inf has
no derivative: all of it is nan. Along an empty axis there is nothing to differentiate, and the result is empty.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, Axis, as_real, rounded
from smxcheck.functions.extended_products import deviation, less_share
from smxcheck.functions.row_products import inner, linear_in, paired, signed_sum, split_difference
from smxcheck.functions.rows import blocks, map_rows, quiet


def softmax_vjp(x: ArrayLike, g: ArrayLike, axis: Axis = -1) -> Array:
    """Cotangent times the Jacobian of softmax: p_i (g_i - Σ_k p_k g_k), the backward pass from the logits.

    x and g have one shape, and the result has it, too; its dtype is the common one of both. Raises ValueError for two
    shapes, TypeError for what is not real, AxisError for the axis. Source: ∂p_i/∂x_j = p_i (δ_ij - p_j).
    """
    return paired(deviation, ("x", x), ("g", g), axis)


def softmax_jvp(x: ArrayLike, v: ArrayLike, axis: Axis = -1) -> Array:
    """The Jacobian of softmax times a tangent: p_i (v_i - Σ_k p_k v_k), the forward mode.

    The Jacobian is symmetric, so this is `softmax_vjp`, which see for shapes, dtype and errors.
    """
    return paired(deviation, ("x", x), ("v", v), axis)


def softmax_backward(grad_output: ArrayLike, output: ArrayLike, axis: Axis = -1) -> Array:
    """y_i (g_i - Σ_k y_k g_k) from the output y of softmax as it was stored, g being the gradient by it.

    y is taken as given: rounded, and with a sum that need not be 1. Shapes, dtype and errors as for `softmax_vjp`. In
    float64 the products are exact and their sum is compensated (Ogita, Rump & Oishi, "Accurate sum and dot product",
    SIAM J. Sci. Comput. 26(6), 2005).
    """
    return paired(_backward, ("grad_output", grad_output), ("output", output), axis)


def softmax_jacobian(x: ArrayLike) -> Array:
    """∂p_i/∂x_j = p_i (δ_ij - p_j) along the last axis.

    x of shape (…, n) gives (…, n, n), the last axis holding the variable; dtype of x. A number counts as a row of one.
    Raises TypeError for what is not real.
    """
    return _expanded(_jacobian, x, 2)


def softmax_hessian(x: ArrayLike) -> Array:
    """∂²p_i/∂x_j∂x_k = p_i [(δ_ij - p_j)(δ_ik - p_k) - p_j (δ_jk - p_k)] along the last axis.

    By cases: p_i (1 - p_i)(1 - 2p_i) where all indices are equal, -p_r p_s (1 - 2p_r) where two are r and one is s,
    2 p_i p_j p_k where all differ: symmetric in all three. x of shape (…, n) gives (…, n, n, n) in the dtype of x. A
    number counts as a row of one. Raises TypeError for what is not real.
    """
    return _expanded(_hessian, x, 3)


def log_softmax_vjp(x: ArrayLike, g: ArrayLike, axis: Axis = -1) -> Array:
    """Cotangent times the Jacobian of log_softmax: g_i - p_i Σ_k g_k, the backward pass from the logits.

    Shapes, dtype and errors as for `softmax_vjp`. Source: ∂ log p_i/∂x_j = δ_ij - p_j.
    """
    return paired(less_share, ("x", x), ("g", g), axis)


def log_softmax_backward(grad_output: ArrayLike, output: ArrayLike, axis: Axis = -1) -> Array:
    """g_i - exp(y_i) Σ_k g_k from the output y of log_softmax as it was stored, g being the gradient by it.

    y is taken as given; -inf is a class of probability 0, whose answer is g_i. Where y is near 0, exp(y) - 1 is formed
    instead, so that a gradient at the likely class keeps its digits. Shapes, dtype and errors as for `softmax_vjp`.
    """
    return paired(_log_backward, ("grad_output", grad_output), ("output", output), axis)


def log_softmax_jacobian(x: ArrayLike) -> Array:
    """∂ log p_i/∂x_j = δ_ij - p_j along the last axis; shapes, dtype and errors as for `softmax_jacobian`.

    Of a logit of -inf it is the same with p = 0: the limit of that row as the logit goes there.
    """
    return _expanded(_log_jacobian, x, 2)


def logsumexp_grad(x: ArrayLike, axis: Axis = -1) -> Array:
    """∂/∂x_i log Σ_k exp(x_k) = p_i; shape and dtype of x.

    Never as exp(x - logsumexp(x)), whose relative error grows with the offset of the logits. Raises TypeError for what
    is not real, AxisError for the axis.
    """
    return _gradient(x, axis=axis)


def logsumexp_hessian(x: ArrayLike) -> Array:
    """∂²/∂x_i∂x_j log Σ_k exp(x_k) = p_i (δ_ij - p_j), the Jacobian of softmax; shapes, dtype and errors as there."""
    return _expanded(_jacobian, x, 2)


@linear_in(0)
def _backward(g: Array, y: Array) -> Array:
    mean, mean_low = inner(y.astype(np.float64), g)
    centred, low = split_difference(g, mean)
    return np.asarray(y * (centred + (low - mean_low)))


@linear_in(0)
def _log_backward(g: Array, y: Array) -> Array:
    log_p = y.astype(np.float64)
    given, given_low = signed_sum(g)
    difference, low = split_difference(g, given)
    near = difference - (np.expm1(log_p) * given - low + np.exp(log_p) * given_low)
    far = g - (np.exp(log_p) * given + np.exp(log_p) * given_low)
    result = np.where(log_p > -np.log(2.0), near, far)
    # 0·exp(y) is 0 for every number y, also where exp overflows; but a nan stays.
    return np.where((given == 0) & (given_low == 0) & ~np.isnan(log_p), g, result)


def _jacobian(x: Array) -> Array:
    p = shift.probabilities(x)
    out = -(p[:, :, None] * p[:, None, :])
    place = np.arange(x.shape[1])
    out[:, place, place] = p * _one_less(x, p)
    return out


def _log_jacobian(x: Array) -> Array:
    p = shift.probabilities(x)
    out = np.repeat(-p[:, None, :], x.shape[1], axis=1)
    place = np.arange(x.shape[1])
    out[:, place, place] = _one_less(x, p)
    return out


def _hessian(x: Array) -> Array:
    p = shift.probabilities(x)
    rest = _one_less(x, p)
    odd = rest - p
    out = 2.0 * p[:, :, None, None] * p[:, None, :, None] * p[:, None, None, :]
    place = np.arange(x.shape[1])
    # -p_r p_s (1 - 2p_r), r down, s across, wherever r stands twice.
    two = -(p[:, :, None] * p[:, None, :]) * odd[:, :, None]
    out[:, place, place, :] = two
    out[:, place, :, place] = two.transpose(1, 0, 2)
    out[:, :, place, place] = two.transpose(0, 2, 1)
    out[:, place, place, place] = p * rest * odd
    return out


@map_rows
def _gradient(rows: Array) -> Array:
    return shift.probabilities(rows)


def _one_less(x: Array, p: Array) -> Array:
    """1 - p: the sum of the others for the largest entry; any other p is at most 1/2, and 1 - p loses nothing."""
    s = shift.shifted(x)
    out = 1.0 - p
    rest = s.rest[:, 0]
    out[np.arange(len(x)), s.index] = rest / (1.0 + rest)
    return np.asarray(out)


def _expanded(kernel: Callable[[Array], Array], x: ArrayLike, rank: int) -> Array:
    """A kernel (b, n) → (b, n, …) with ``rank`` axes of length n, as a function of x of shape (…, n)."""
    array = np.atleast_1d(as_real(x, "x"))
    n = array.shape[-1]
    rows = np.ascontiguousarray(array).reshape(-1, n) if array.size else np.empty((0, n), array.dtype)
    result = np.empty((len(rows),) + (n,) * rank, array.dtype)
    silent = quiet(kernel)
    for some in blocks(len(rows), n**rank):
        result[some] = rounded(silent(rows[some]), array.dtype)
    return result.reshape(array.shape + (n,) * (rank - 1))


def _only(call: Callable[..., Array], summary: str) -> dict[str, Algorithm]:
    return table(Algorithm("accurate", call, "tight", summary))


TABLE: dict[str, dict[str, Algorithm]] = {
    "softmax_jacobian": _only(softmax_jacobian, "-p pᵀ, on the diagonal p times the sum of the others"),
    "softmax_jvp": _only(softmax_jvp, "p·(v - mean), centred at the largest entry"),
    "softmax_vjp": _only(softmax_vjp, "p·(g - mean), centred at the largest entry"),
    "softmax_backward": _only(softmax_backward, "y·(g - Σ y·g), the sum compensated"),
    "softmax_hessian": _only(softmax_hessian, "case by case, from products only"),
    "log_softmax_jacobian": _only(log_softmax_jacobian, "-p, on the diagonal the sum of the others"),
    "log_softmax_vjp": _only(log_softmax_vjp, "g - p·Σ g, from 1 - p at the largest entry"),
    "log_softmax_backward": _only(log_softmax_backward, "g - exp(y)·Σ g, by expm1 where y is near 0"),
    "logsumexp_grad": _only(logsumexp_grad, "softmax, compensated"),
    "logsumexp_hessian": _only(logsumexp_hessian, "-p pᵀ, on the diagonal p times the sum of the others"),
}
