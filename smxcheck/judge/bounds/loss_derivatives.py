"""Bounds of the derivatives of the losses and of the two-class functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import core
from smxcheck.judge.bounds.families import RowsBound
from smxcheck.judge.bounds.probabilities import complements, of_row
from smxcheck.judge.bounds.rows import row_quantities
from smxcheck.judge.bounds.running import SUBNORMAL, Computed, exact, from_bound, larger, lost
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]


def matrix(off_diagonal: Computed, diagonal: Computed) -> Computed:
    """(R, n, n) from what stands beside the diagonal (R, n, n) and on it (R, n)."""
    own = np.eye(diagonal.value.shape[1], dtype=bool)[None]
    return diagonal.at((slice(None), slice(None), None)).where(own, off_diagonal)


def outer(left: Computed, right: Computed) -> tuple[Computed, Computed]:
    """(R, n) and (R, n) as (R, n, 1) and (R, 1, n), to be combined into a matrix."""
    return left.at((slice(None), slice(None), None)), right.at((slice(None), None, slice(None)))


def _sigmoid_value(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, t) / (1.0 + t))


def _sigmoid(x: Array, fmt: Format, level: Level) -> Computed:
    """σ(x), stored in the format: the bound of sigmoid, and for ``standard`` a flushed result."""
    value = _sigmoid_value(x)
    s = from_bound(value, core.sigmoid(x, fmt, level), fmt, level)
    flushed = s.errors.get(SUBNORMAL, 0.0) + lost(value, fmt, level)
    return Computed(value, {**s.errors, SUBNORMAL: flushed}, fmt, level)


def sigmoid_grad(x: Array, *, fmt: Format, level: Level) -> Computed:
    """σ(x)·σ(-x); ``standard`` also admits σ·(1 - σ), which has lost 1 - σ where σ rounds to 1."""
    s = _sigmoid(x, fmt, level)
    product = s * _sigmoid(-x, fmt, level)
    return product if level is Level.TIGHT else larger(product, s * (exact(1.0, fmt, level) - s))


def log_sigmoid_grad(x: Array, *, fmt: Format, level: Level) -> Computed:
    """σ(-x); ``standard`` also admits 1 - σ(x), which has lost its digits where σ rounds to 1."""
    other = _sigmoid(-x, fmt, level)
    return other if level is Level.TIGHT else larger(other, exact(1.0, fmt, level) - _sigmoid(x, fmt, level))


def binary_cross_entropy_with_logits_grad(x: Array, y: Array, *, fmt: Format, level: Level) -> Computed:
    """(1 - y)·σ(x) - y·σ(-x), which keeps its digits for y = 0 and y = 1; ``standard`` also admits σ(x) - y."""
    s, label = _sigmoid(x, fmt, level), exact(y, fmt, level)
    split = (exact(1.0, fmt, level) - label) * s - label * _sigmoid(-x, fmt, level)
    return split if level is Level.TIGHT else larger(split, s - label)


def binary_cross_entropy_with_logits_grad_terms(x: Array, y: Array) -> Array:
    """|1 - y|·σ(x) + |y|·σ(-x)."""
    return np.asarray(np.abs(1.0 - y) * _sigmoid_value(x) + np.abs(y) * _sigmoid_value(-x))


def binary_cross_entropy_with_logits_hessian(x: Array, y: Array, *, fmt: Format, level: Level) -> Computed:
    """The derivative of sigmoid: y drops out."""
    return sigmoid_grad(x, fmt=fmt, level=level)


def cross_entropy_hessian(z: Array, labels: Array, *, rows: int, fmt: Format, level: Level) -> Computed:
    """Σy·p_i·(1 - p_i)/m on the diagonal, -Σy·p_i·p_j/m beside it; 1 - p_i is the sum of the other probabilities.

    ``standard`` also admits p·(1 - p) and p - p·p, which cancel where p is near 1, and division as a product with the
    rounded 1/m.
    """
    r = row_quantities(z, fmt)
    p = of_row(r, fmt, level)
    diagonal = p * complements(r, fmt, level)
    if level is Level.STANDARD and z.shape[1] > 1:
        one = exact(1.0, fmt, level)
        diagonal = larger(diagonal, larger(p * (one - p), p - p * p))
    left, right = outer(p, p)
    labelled = exact(labels, fmt, level).total() if labels.ndim == 2 else exact(np.ones((len(z), 1)), fmt, level)
    return _over_rows(matrix(-(left * right), diagonal) * labelled.at((slice(None), slice(None), None)), rows)


def nll_loss_grad(log_probabilities: Array, labels: Array, *, rows: int, fmt: Format, level: Level) -> Computed:
    """-y/m: one division; ``standard`` also admits a product with the rounded 1/m."""
    n = log_probabilities.shape[1]
    y = labels if labels.ndim == 2 else (np.arange(n) == labels[:, None]) * 1.0
    return _over_rows(exact(-y, fmt, level), rows)


def _over_rows(value: Computed, rows: int) -> Computed:
    if rows == 1:
        return value
    quotient = value / exact(float(rows), value.fmt, value.level)
    return quotient if value.level is Level.TIGHT else quotient.rounded()


TABLE: dict[str, RowsBound] = {
    "sigmoid_grad": RowsBound(sigmoid_grad),
    "log_sigmoid_grad": RowsBound(log_sigmoid_grad),
    "binary_cross_entropy_with_logits_grad": RowsBound(
        binary_cross_entropy_with_logits_grad, binary_cross_entropy_with_logits_grad_terms
    ),
    "binary_cross_entropy_with_logits_hessian": RowsBound(binary_cross_entropy_with_logits_hessian),
    "cross_entropy_hessian": RowsBound(cross_entropy_hessian),
    "nll_loss_grad": RowsBound(nll_loss_grad),
}
