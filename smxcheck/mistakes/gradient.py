"""The gradient of the mean cross-entropy: (softmax(z) Σ y - y)/m."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes import shapes, shift
from smxcheck.mistakes.loss_parts import refuse
from smxcheck.mistakes.model import Mistake, ex
from smxcheck.mistakes.rows import Rows, from_rows, number, real, right_softmax, to_rows, total

INSTEAD = "(softmax(z)*sum(y) - y)/m, softmax and sum of each row"


def rows_and_targets(scores: Any, labels: Any) -> tuple[Any, Rows, Rows]:
    """The scores, their rows, and the targets y beside them: one-hot for integer labels, which must be in range."""
    z, labels = real(scores), np.asarray(labels)
    rows, _ = to_rows(z, -1)
    if labels.dtype.kind in "iu":
        index = refuse(labels.reshape(-1), rows.shape[1])
        return z, rows, (np.arange(rows.shape[1]) == index[:, None]).astype(z.dtype)
    return z, rows, to_rows(labels, -1)[0].astype(z.dtype)


def as_call(formula: Callable[[Rows, Rows], Rows]) -> Callable[..., np.ndarray]:
    """``(logits, labels)`` from a function of the rows and their targets y, one-hot for integer labels."""

    def call(logits: Any, labels: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            z, rows, y = rows_and_targets(logits, labels)
            return from_rows(formula(rows, y).astype(z.dtype, copy=False), z, -1)

    return call


def _over_rows(g: Rows) -> Rows:
    return g / number(g, g.shape[0])


def right(z: Rows, y: Rows) -> Rows:
    return _over_rows(right_softmax(z) * total(y) - y)


def labels_taken_to_sum_to_one(z: Rows, y: Rows) -> Rows:
    """p - y: the derivation used Σ y = 1. A row of zeros has loss 0, and this gives it a gradient."""
    return _over_rows(right_softmax(z) - y)


def not_divided_by_rows(z: Rows, y: Rows) -> Rows:
    return right_softmax(z) * total(y) - y


def divided_by_entries(z: Rows, y: Rows) -> Rows:
    return right(z, y) / number(z, z.shape[1])


def sign(z: Rows, y: Rows) -> Rows:
    return -right(z, y)


def label_entry_only(z: Rows, y: Rows) -> Rows:
    """∂L/∂z_k = p_k - 1 is the derivative by the label's own logit; the other classes have p_i."""
    return right(z, y) * y


def whole_array(z: Rows, y: Rows) -> Rows:
    """softmax over the whole batch: a published program, right for one row."""
    return _over_rows(shapes.whole_array(z) * total(y) - y)


def unshifted(z: Rows, y: Rows) -> Rows:
    return _over_rows(shift.unshifted(z) * total(y) - y)


def through_diagonal(z: Rows, y: Rows) -> Rows:
    """(p - y) p (1 - p): the sigmoid's derivative multiplied in, as for a squared error."""
    p = right_softmax(z)
    return right(z, y) * p * (number(z, 1.0) - p)


def probabilities(z: Rows, y: Rows) -> Rows:
    return _over_rows(right_softmax(z) * total(y))


def zeros(z: Rows, y: Rows) -> Rows:
    return np.zeros_like(z)


_Z = [[0.0, 1.0, 3.0], [2.0, -1.0, 0.5]]
_BATCH = (ex(_Z, [2, 0]),)
_ID = "cross_entropy_grad/"

TABLE = (
    Mistake(_ID + "labels-sum-to-one", "(softmax(z) - y)/m, right only where the labels sum to 1", INSTEAD, "SMX101",
            as_call(labels_taken_to_sum_to_one), (ex(_Z[:1], [[0.5, 0.25, 0.75]]),), "X59",
            ("tensorflow/tensorflow#46672", "tensorflow/tensorflow#60314")),
    Mistake(_ID + "not-divided", "softmax(z)*sum(y) - y, not divided by the number of rows", INSTEAD, "SMX101",
            as_call(not_divided_by_rows), _BATCH, "X51"),
    Mistake(_ID + "divided-by-entries", "(softmax(z)*sum(y) - y)/(m*K)", INSTEAD, "SMX101",
            as_call(divided_by_entries), _BATCH, "X51"),
    Mistake(_ID + "sign", "(y - softmax(z)*sum(y))/m", INSTEAD, "SMX101", as_call(sign), _BATCH, "X61"),
    Mistake(_ID + "label-entry-only", "(softmax(z) - 1)/m at the label, 0 elsewhere", INSTEAD, "SMX101",
            as_call(label_entry_only), _BATCH, "X60"),
    Mistake(_ID + "whole-array", "(softmax over the whole batch - y)/m", INSTEAD, "SMX105", as_call(whole_array),
            _BATCH, "X10"),
    Mistake(_ID + "unshifted", "(exp(z)/sum(exp(z)) - y)/m, without subtracting the maximum", INSTEAD, "SMX102",
            as_call(unshifted), (ex([[12.0, 0.0]], [0]), ex([[89.0, 0.0]], [0]), ex([[710.0, 0.0]], [0])), "X01"),
    Mistake(_ID + "through-diagonal", "(softmax(z) - y)*p*(1 - p)/m", INSTEAD, "SMX101", as_call(through_diagonal),
            _BATCH, "X66"),
    Mistake(_ID + "probabilities", "softmax(z)/m, without the labels", INSTEAD, "SMX101", as_call(probabilities),
            _BATCH),
    Mistake(_ID + "zeros", "zeros", INSTEAD, "SMX101", as_call(zeros), _BATCH),
)  # fmt: skip
