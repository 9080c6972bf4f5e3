"""Cross-entropy, negative log-likelihood, and a gradient."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.right_forms.form import Array, RightForm, quiet, right, wide
from smxcheck.right_forms.log_softmax import log_softmax_textbook
from smxcheck.right_forms.softmax import softmax_two_pass

#: The forms below.
TABLE: list[RightForm] = []


def _losses(
    log_p: Array, labels: Array, smoothing: float, weight: Array, ignore_index: int
) -> tuple[Array, Array]:
    """Loss of each row and its weight in the mean, for classes on the last axis."""
    k = log_p.shape[-1]
    w = np.ones(k, log_p.dtype) if weight is None else np.asarray(weight).astype(log_p.dtype)
    if labels.dtype.kind in "iu":
        kept = labels != ignore_index
        if np.any(kept & ((labels < 0) | (labels >= k))):
            raise IndexError("a label is out of range")
        index = np.where(kept, labels, 0)
        picked = np.take_along_axis(log_p, index[..., None], -1)[..., 0]
        loss = -(1 - smoothing) * w[index] * picked
        if smoothing:
            loss = loss - smoothing / k * (w * log_p).sum(-1)
        return np.where(kept, loss, 0), np.where(kept, w[index], 0)
    target = ((1 - smoothing) * labels.astype(log_p.dtype) + smoothing / k) * w
    terms = np.where(target == 0, 0, target * log_p)
    return -terms.sum(-1), np.ones(log_p.shape[:-1])


def _mean(loss: Array, row_weight: Array, reduction: str) -> Array:
    if reduction == "none":
        return loss
    return loss.sum() / row_weight.sum() if reduction == "mean" else loss.sum()


@right(TABLE, "cross_entropy", "-log_softmax(z) at the label, weighted and averaged, in float64")
def cross_entropy_gather(
    logits: Array, labels: Array, *, axis: int = -1, weight: Array = None, ignore_index: int = -100,
    label_smoothing: float = 0.0, reduction: str = "mean",
) -> Array:
    dtype = np.asarray(logits).dtype
    labels = np.asarray(labels)
    z = np.moveaxis(np.asarray(logits).astype(np.float64), axis, -1)
    if labels.dtype.kind not in "iu":
        labels = np.moveaxis(labels.astype(np.float64), axis, -1)
    with np.errstate(all="ignore"):
        loss, row_weight = _losses(log_softmax_textbook(z), labels, label_smoothing, weight, ignore_index)
        return np.asarray(_mean(loss, row_weight, reduction)).astype(dtype)


@right(TABLE, "cross_entropy", "-Σ y log_softmax(z) / m with one-hot rows, in float64")
def cross_entropy_one_hot(logits: Array, labels: Array) -> Array:
    """Rows of a matrix, the mean over those whose label is not -100; integer labels or distributions."""
    dtype, labels = np.asarray(logits).dtype, np.asarray(labels)
    z = np.asarray(logits).astype(np.float64)
    if z.ndim != 2:
        raise NotImplementedError("logits must be a matrix")
    if labels.dtype.kind in "iu":
        z, labels = z[labels != -100], labels[labels != -100]
        if np.any((labels < 0) | (labels >= z.shape[1])):
            raise IndexError("a label is out of range")
        labels = np.eye(z.shape[1])[labels]
    with np.errstate(all="ignore"):
        d = z - z.max(axis=1, keepdims=True)
        log_p = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
        terms = np.where(labels == 0, 0, labels.astype(np.float64) * log_p)
        return np.asarray(-terms.sum() / len(z)).astype(dtype)


@right(TABLE, "nll_loss", "-ℓ at the label, weighted and averaged")
def nll_loss_gather(
    log_probabilities: Array, labels: Array, *, axis: int = -1, weight: Array = None, ignore_index: int = -100, reduction: str = "mean",
) -> Array:
    dtype = np.asarray(log_probabilities).dtype
    labels = np.asarray(labels)
    log_p = np.moveaxis(wide(log_probabilities), axis, -1)
    if labels.dtype.kind not in "iu":
        labels = np.moveaxis(wide(labels), axis, -1)
    with np.errstate(all="ignore"):
        loss, row_weight = _losses(log_p, labels, 0.0, weight, ignore_index)
        return np.asarray(_mean(loss, row_weight, reduction)).astype(dtype)


@right(TABLE, "binary_cross_entropy_with_logits", "y softplus(-x) + (1 - y) softplus(x)")
@quiet
def binary_cross_entropy_with_logits_two_softplus(x: Array, y: Array) -> Array:
    y = np.asarray(y).astype(x.dtype)
    log1p = np.log1p(np.exp(-np.abs(x)))
    yes, no = np.maximum(-x, 0) + log1p, np.maximum(x, 0) + log1p
    return np.where(y == 0, 0, y * yes) + np.where(y == 1, 0, (1 - y) * no)


@right(TABLE, "cross_entropy_grad", "(softmax(z) Σ y - y) / m")
@quiet
def cross_entropy_grad_rows(logits: Array, labels: Array) -> Array:
    labels = np.asarray(labels)
    k = logits.shape[-1]
    if labels.dtype.kind in "iu":
        if np.any((labels < 0) | (labels >= k)):
            raise IndexError("a label is out of range")
        y = np.eye(k, dtype=logits.dtype)[labels]
    else:
        y = labels.astype(logits.dtype)
    m = max(math.prod(logits.shape[:-1]), 1)
    return (np.asarray(softmax_two_pass(logits)) * y.sum(-1, keepdims=True) - y) / m
