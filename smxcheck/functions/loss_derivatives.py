"""Derivatives of the losses and of the two-class functions, in float64, rounded once.

t = exp(-|x|) ≤ 1 throughout: nothing overflows, and σ(-x) is never formed as 1 - σ(x).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, as_real, from_rows, rounded
from smxcheck.functions.labels import Batch, IntegerLabels, Labels, read_batch, read_labels
from smxcheck.functions.logistic import elementwise
from smxcheck.functions.matrices import matrices, others, with_diagonal


@elementwise
def sigmoid_grad(x: Array) -> Array:
    """Derivative of sigmoid: σ(x) σ(-x) = t / (1 + t)²; shape and dtype of x, 0 at ±inf. Raises TypeError for what is
    not real."""
    return _slope(x.astype(np.float64))


@elementwise
def log_sigmoid_grad(x: Array) -> Array:
    """Derivative of log_sigmoid: σ(-x); shape and dtype of x, 0 at inf and 1 at -inf. Raises TypeError for what is not
    real."""
    return _sigmoid(-x.astype(np.float64))


def binary_cross_entropy_with_logits_grad(x: ArrayLike, y: ArrayLike) -> Array:
    """Derivative of binary_cross_entropy_with_logits by x: σ(x) - y, element by element.

    Computed as (1 - y) σ(x) - y σ(-x), which keeps its digits for y = 1 where σ(x) rounds to 1. y broadcasts against x;
    any finite y is meant. The dtype is that of x. At x = ±inf the limits 1 - y and -y. Raises TypeError for what is not
    real, ValueError for shapes that do not broadcast.
    """

    def gradient(z: Array, label: Array) -> Array:
        split = (1.0 - label) * _sigmoid(z) - label * _sigmoid(-z)
        return np.where(np.isinf(label) & ~np.isnan(z), -label, split)

    return _two_class(gradient, x, y)


def binary_cross_entropy_with_logits_hessian(x: ArrayLike, y: ArrayLike) -> Array:
    """Second derivative of binary_cross_entropy_with_logits by x: σ(x) σ(-x), element by element.

    The loss is linear in y: the result does not depend on it, but for its shape and for nan, which stays nan. Shapes,
    dtype and errors as for `binary_cross_entropy_with_logits_grad`.
    """
    return _two_class(lambda z, label: np.where(np.isnan(label), label, _slope(z)), x, y)


def cross_entropy_hessian(logits: ArrayLike, labels: ArrayLike) -> Array:
    """Hessian of the mean cross-entropy by the logits, a block for each of m rows: (Σ_k y_k) p_i (δ_ij - p_j) / m.

    Classes lie along the last axis of the logits, shape (…, n), and m counts the rows of all others; the result has shape
    (…, n, n) and the dtype of the logits. Labels are integers of the shape (…), whose Σ y is 1, or soft labels of the
    logits' shape. Blocks of two rows are 0 and left out. 1 - p_i is the sum of the other probabilities. Errors as for
    `cross_entropy`. Source: the Jacobian of softmax, since the gradient is (p Σ y - y) / m.
    """
    batch, targets = _read(logits, "logits", labels)
    weight = targets.weights.astype(np.float64) if not isinstance(targets, IntegerLabels) else _ones(batch)
    scale = np.broadcast_to(weight.sum(axis=-1, keepdims=True) / max(len(batch.rows), 1), batch.rows.shape)

    def block(rows: Array, factor: Array) -> Array:
        x, p = shift.shifted(rows), shift.probabilities(rows)
        product = with_diagonal(0.0 - p[:, :, None] * p[:, None, :], p * others(x, p))
        return product * factor[:, :1, None]

    blocks = matrices(block, batch.rows, scale)
    return rounded(blocks.reshape((*batch.shape, batch.shape[-1])), batch.rows.dtype)


def nll_loss_grad(log_probabilities: ArrayLike, labels: ArrayLike) -> Array:
    """Gradient of the mean nll_loss by the log-probabilities: -y_i / m.

    The loss is linear in them: the result depends on their shape, on the labels, and on nan, which makes its row nan.
    Classes lie along the last axis, m counts the rows of all others; labels as for `cross_entropy_hessian`. Shape and
    dtype of the log-probabilities. Errors as for `nll_loss`.
    """
    batch, targets = _read(log_probabilities, "log_probabilities", labels)
    if isinstance(targets, IntegerLabels):
        y = (np.arange(batch.classes) == targets.classes[:, None]).astype(np.float64)
    else:
        y = targets.weights.astype(np.float64)
    gradient = 0.0 - y / max(len(batch.rows), 1)
    gradient[np.isnan(batch.rows).any(axis=-1)] = np.nan
    return from_rows(rounded(gradient, batch.rows.dtype), batch.shape, batch.axes)


def _read(scores: ArrayLike, name: str, labels: ArrayLike) -> tuple[Batch, Labels]:
    batch = read_batch(scores, -1, name)
    return batch, read_labels(labels, batch, None)


def _ones(batch: Batch) -> Array:
    """Σ y = 1 of an integer label, as a matrix of one column."""
    return np.ones((len(batch.rows), 1))


def _two_class(formula: Callable[[Array, Array], Array], x: ArrayLike, y: ArrayLike) -> Array:
    logits, targets = as_real(x, "x"), as_real(y, "y")
    z, t = np.broadcast_arrays(logits.astype(np.float64), targets.astype(np.float64))
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        result: Array = rounded(np.asarray(formula(z, t)), logits.dtype)[()]
    return result


def _sigmoid(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, t) / (1.0 + t))


def _slope(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.asarray(t / np.square(1.0 + t))


def _only(call: Callable[..., Array], summary: str) -> dict[str, Algorithm]:
    return table(Algorithm("accurate", call, "tight", summary))


TABLE: dict[str, dict[str, Algorithm]] = {
    "sigmoid_grad": _only(sigmoid_grad, "t / (1 + t)², t = exp(-|x|)"),
    "log_sigmoid_grad": _only(log_sigmoid_grad, "two-sided sigmoid of -x"),
    "binary_cross_entropy_with_logits_grad": _only(
        binary_cross_entropy_with_logits_grad, "(1 - y) σ(x) - y σ(-x)"
    ),
    "binary_cross_entropy_with_logits_hessian": _only(
        binary_cross_entropy_with_logits_hessian, "t / (1 + t)², t = exp(-|x|)"
    ),
    "cross_entropy_hessian": _only(cross_entropy_hessian, "1 - p as the sum of the others"),
    "nll_loss_grad": _only(nll_loss_grad, "one division"),
}
