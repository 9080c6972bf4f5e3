"""A cross-entropy in parts, so that a mistake replaces one of them and leaves the others right.

Row i of the logits has the target t_i = (1 - ε) y_i + ε/K and loses ℓ_i = -Σ_c w_c t_ic log p_ic; the mean divides by
Σ_i w[y_i] over the rows that count, by the number of rows for soft labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from smxcheck.mistakes.rows import Axis, Rows, number, real, right_log_softmax, to_rows


@dataclass(frozen=True)
class Batch:
    """The rows of one call, after labels and weights have been laid out beside them."""

    x: Rows  # logits, or log-probabilities
    target: Rows  # y: one-hot for integer labels
    counted: np.ndarray  # False where the label is ignore_index
    weight: np.ndarray  # of the classes
    row_weight: np.ndarray  # w[y_i], 1 for soft labels
    smoothing: float
    reduction: str
    left: tuple[int, ...]  # the shape of the labels of rows


def refuse(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels out of range are an error."""
    if np.any((labels < 0) | (labels >= classes)):
        raise IndexError(f"a label is not between 0 and {classes - 1}")
    return labels


def ignored(labels: np.ndarray, ignore_index: int) -> np.ndarray:
    return np.asarray(labels == ignore_index)


def sum_of_terms(batch: Batch, log_p: Rows) -> Rows:
    """-Σ_c w_c t_c log p_c of each row, where a target of 0 contributes 0, even against -inf."""
    weighted = smoothed(batch) * batch.weight
    terms = np.where(weighted == 0, number(log_p, 0.0), weighted * log_p)
    return -row_sum(terms)


def row_sum(terms: Rows) -> Rows:
    wide = terms.astype(np.float32) if terms.dtype.itemsize < 4 else terms
    return wide.sum(axis=1).astype(terms.dtype)


def smoothed(batch: Batch) -> Rows:
    """(1 - ε) y + ε/K."""
    if not batch.smoothing:
        return batch.target
    share = number(batch.x, batch.smoothing / batch.x.shape[1])
    return batch.target * number(batch.x, 1.0 - batch.smoothing) + share


def weighted_mean(losses: np.ndarray, batch: Batch) -> Any:
    """Σ ℓ / Σ w over the rows that count; 0/0 = NaN where none does."""
    return _sum(losses) / _sum(np.where(batch.counted, batch.row_weight, number(batch.x, 0.0)))


def left_out(losses: np.ndarray, batch: Batch) -> np.ndarray:
    """0 for the rows that do not count."""
    return np.where(batch.counted, losses, number(batch.x, 0.0))


def reduce(losses: np.ndarray, batch: Batch, mean: Callable[[np.ndarray, Batch], Any]) -> np.ndarray:
    if batch.reduction == "none":
        return losses.reshape(batch.left)
    total = mean(losses, batch) if batch.reduction == "mean" else _sum(losses)
    return np.asarray(total)


def _sum(values: np.ndarray) -> Any:
    return values.astype(np.float32).sum() if values.dtype.itemsize < 4 else values.sum()


@dataclass(frozen=True)
class Loss:
    """The parts. ``Loss()`` is a right cross-entropy in the dtype of its input."""

    log_p: Callable[[Rows], Rows] = right_log_softmax
    checked: Callable[[np.ndarray, int], np.ndarray] = refuse
    is_ignored: Callable[[np.ndarray, int], np.ndarray] = ignored
    prepare: Callable[[Batch], Batch] = lambda batch: batch
    row_loss: Callable[[Batch, Rows], Rows] = sum_of_terms
    masked: Callable[[np.ndarray, Batch], np.ndarray] = left_out
    mean: Callable[[np.ndarray, Batch], Any] = weighted_mean
    class_axis: Callable[[np.ndarray, Axis], tuple[Rows, tuple[int, ...]]] = to_rows

    def __call__(
        self,
        logits: Any,
        labels: Any,
        *,
        axis: int = -1,
        weight: Any = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> np.ndarray:
        x, labels = real(logits), np.asarray(labels)
        with np.errstate(all="ignore"):
            rows, left = self.class_axis(x, axis)
            classes = rows.shape[1]
            w = np.ones(classes, x.dtype) if weight is None else np.asarray(weight).astype(x.dtype)
            if labels.dtype.kind in "iu":
                flat = labels.reshape(-1)
                counted = ~self.is_ignored(flat, ignore_index)
                index = np.zeros_like(flat)
                index[counted] = self.checked(flat[counted], classes)
                known = (index >= 0) & (index < classes)
                target = ((np.arange(classes) == index[:, None]) & known[:, None]).astype(x.dtype)
                row_weight = w[np.where(known, index, 0)]
            else:
                target = self.class_axis(labels, axis)[0].astype(x.dtype)
                counted = np.ones(len(rows), np.bool_)
                row_weight = np.ones(len(rows), x.dtype)
            batch = Batch(rows, target, counted, w, row_weight, label_smoothing, reduction, left)
            batch = self.prepare(batch)
            losses = self.masked(self.row_loss(batch, self.log_p(rows)).astype(x.dtype), batch)
            return reduce(losses, batch, self.mean).astype(x.dtype)


def nll(loss: Loss) -> Loss:
    """The same parts for log-probabilities that are given."""
    return replace(loss, log_p=lambda rows: rows)
