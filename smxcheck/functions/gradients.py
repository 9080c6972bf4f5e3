"""Derivatives of the losses, in float64, rounded once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shift
from smxcheck.functions.arrays import Array, from_rows, rounded
from smxcheck.functions.labels import IntegerLabels, read_batch, read_labels
from smxcheck.functions.rows import blocks, quiet


def cross_entropy_grad(logits: ArrayLike, labels: ArrayLike) -> Array:
    """Gradient of the mean cross-entropy over the m rows with respect to the logits: (p_i Σ_k y_k - y_i) / m.

    Classes lie along the last axis, m counts the rows of all others. Labels are integers (no row is ignored) or soft
    labels of the logits' shape, whose rows need not add up to 1. Where a row has one label of weight 1, its own entry is
    minus the sum of the other probabilities and keeps its digits where p - 1 has lost them. Shape and dtype of the
    logits. Errors as for `cross_entropy`.
    """
    batch = read_batch(logits, -1, "logits")
    targets = read_labels(labels, batch, None)
    gradient = np.empty_like(batch.rows)
    if batch.rows.size:
        for some in blocks(*batch.rows.shape):
            if isinstance(targets, IntegerLabels):
                block = _one_label_each(batch.rows[some], targets.classes[some])
            else:
                block = _soft(batch.rows[some], targets.weights[some].astype(np.float64))
            with np.errstate(under="ignore"):
                gradient[some] = rounded(block / len(batch.rows), batch.rows.dtype)
    return from_rows(gradient, batch.shape, batch.axes)


@quiet
def _one_label_each(rows: Array, label: Array) -> Array:
    row = np.arange(len(rows))
    gradient = shift.probabilities(rows)
    x = shift.shifted(rows)
    rest = x.rest[:, 0]
    # The label that is the largest entry: the others are s. Any other has p ≤ 1/2, and 1 - p loses nothing.
    others = np.where(label == x.index, rest / (1.0 + rest), 1.0 - gradient[row, label])
    gradient[row, label] = 0.0 - others
    return gradient


@quiet
def _soft(rows: Array, weights: Array) -> Array:
    total = weights.sum(axis=-1, keepdims=True)
    gradient: Array = shift.probabilities(rows) * total - weights
    one_hot = (((weights == 0) | (weights == 1)).all(axis=-1)) & (total[:, 0] == 1)
    if one_hot.any():
        gradient[one_hot] = _one_label_each(rows[one_hot], weights[one_hot].argmax(axis=-1))
    return gradient
