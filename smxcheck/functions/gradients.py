"""The gradient of cross-entropy, in float64 or double-double, rounded once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shift
from smxcheck.functions.arrays import Array, from_rows, rounded
from smxcheck.functions.extended_products import less_share_over
from smxcheck.functions.labels import Batch, IntegerLabels, Labels, read_batch, read_labels
from smxcheck.functions.rows import blocks, quiet


def cross_entropy_grad(logits: ArrayLike, labels: ArrayLike) -> Array:
    """Gradient of the mean cross-entropy over the m rows with respect to the logits: (p_i Σ_k y_k - y_i) / m.

    Classes lie along the last axis, m counts the rows of all others. Labels are integers (no row is ignored) or soft
    labels of the logits' shape, whose rows need not add up to 1. The likely label's own entry p - 1 is minus the sum of
    the other probabilities, and keeps its digits. Shape and dtype of the logits. Errors as for `cross_entropy`.
    """
    batch = read_batch(logits, -1, "logits")
    targets = read_labels(labels, batch, None)
    gradient = np.empty_like(batch.rows)
    if batch.rows.size:
        for some in blocks(*batch.rows.shape):
            gradient[some] = rounded(_block(batch, targets, some), batch.rows.dtype)
    return from_rows(gradient, batch.shape, batch.axes)


@quiet
def _block(batch: Batch, targets: Labels, some: slice) -> Array:
    rows, count = batch.rows[some], len(batch.rows)
    if not isinstance(targets, IntegerLabels):
        return 0.0 - less_share_over(rows, targets.weights[some], count, rows.dtype)
    label = targets.classes[some]
    if rows.dtype != np.float64:
        return _one_label_each(rows, label) / count
    one_hot = (np.arange(batch.classes) == label[:, None]).astype(np.float64)
    return 0.0 - less_share_over(rows, one_hot, count, rows.dtype)


def _one_label_each(rows: Array, label: Array) -> Array:
    row = np.arange(len(rows))
    x = shift.shifted(rows)
    total = 1.0 + x.rest
    gradient: Array = x.weight / total
    # The label that is the largest entry: the others are s. Any other has p ≤ 1/2, and 1 - p loses nothing.
    others = np.where(label == x.index, (x.rest / total)[:, 0], 1.0 - gradient[row, label])
    gradient[row, label] = 0.0 - others
    return gradient
