"""Bounds for cross_entropy, nll_loss and the gradient of cross_entropy.

A loss is Σ_c t_c·(-log p_c) with a target t that folds in labels, class weights and smoothing; its error is that of the
log-probabilities, weighted with |t|, and the roundings of products and sums. A reduction adds its own sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import core
from smxcheck.judge.bounds.information import LOG_PROBABILITIES, SUM_OF_TERMS
from smxcheck.judge.bounds.model import Bound, summation
from smxcheck.judge.bounds.rows import RowQuantities
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Targets:
    """t (R, n): the weight of each -log p_c in the loss of a row; how many roundings t itself carries; the mean's
    divisor (Σ of the labels' weights, or the number of rows)."""

    t: Array
    roundings: int
    divisor: float
    reduction: str


def targets(labels: Array, counted: Array, classes: int, weight: Array | None, smoothing: float, reduction: str,
            ) -> Targets:  # fmt: skip
    """Fold labels (m,) or (m, K), class weights and smoothing into t; rows that do not count get zeros."""
    soft = labels.ndim == 2
    w = np.ones(classes) if weight is None else weight
    if soft:
        y = labels
    else:
        y = np.zeros((len(labels), classes))
        at = np.flatnonzero(counted)
        y[at, labels[at]] = 1.0
    t = w * ((1 - smoothing) * y + smoothing / max(classes, 1)) * counted[:, None]
    if not soft and smoothing:
        t = ((1 - smoothing) * y * w + smoothing / classes * w) * counted[:, None]
    divisor = float(counted.sum()) if soft else float((y * w)[counted].sum())
    carried = (1 if weight is not None else 0) + (3 if smoothing else 0)
    return Targets(t, carried, divisor, reduction)


def _assemble(log_p: Array, error: Array, t: Targets, n: int, fmt: Format, level: Level) -> Bound:
    """Σ_c t_c·(-log p_c) per row, then the reduction. ``error`` bounds each log-probability absolutely.

    Per row: Σ|t|·error; a product and t's own roundings u·(roundings + 1)·Σ|t·log p| (no product where t is one-hot
    without weights); a sum over the classes that take part. Reduction: a sum over m rows, a sum for the divisor and a
    division: 2·s(m)·u + 2u.
    """
    a = np.where(t.t != 0, np.abs(log_p), 0.0)
    size = np.abs(t.t) * np.minimum(a, np.finfo(np.float64).max)
    parts = (t.t != 0).sum(axis=1, initial=0)
    most = int(parts.max(initial=0))
    products = t.roundings + (1 if most > 1 else 0)
    row_size = size.sum(axis=1)
    carried = (np.where(t.t != 0, np.abs(t.t) * error, 0.0)).sum(axis=1)
    rounding = fmt.u * products * row_size
    summed = summation(min(n, most), fmt, level) * row_size + (fmt.u * row_size if most > 1 else 0.0)
    if t.reduction == "none":
        lost = fmt.smallest_subnormal * (1 + parts) * (products > 0)
        return Bound({}, {LOG_PROBABILITIES: carried, "labels, weights and smoothing": rounding,
                          SUM_OF_TERMS: summed, core.SUBNORMAL: lost})  # fmt: skip
    m = len(row_size)
    scale = 1.0 / t.divisor if t.reduction == "mean" and t.divisor else 1.0
    total = float(row_size.sum())
    steps = 2 if t.reduction == "mean" else 1
    reduce_error = (steps * summation(m, fmt, level) + (2 * fmt.u if m > 1 or t.roundings else 0.0)) * total
    return Bound({}, {
        LOG_PROBABILITIES: float(carried.sum()) * scale,
        "labels, weights and smoothing": float(rounding.sum()) * scale,
        SUM_OF_TERMS: float(np.sum(summed)) * scale,
        "reduction": reduce_error * scale,
        core.SUBNORMAL: 2 * fmt.smallest_subnormal if m > 1 or products else 0.0,
    })  # fmt: skip


def cross_entropy(r: RowQuantities, t: Targets, fmt: Format, level: Level) -> Bound:
    """The losses of the rows, each log-probability within the bound of log_softmax at the same level."""
    error = np.broadcast_to(core.log_softmax(r, fmt, level).total_absolute(), r.p.shape)
    return _assemble(r.log_p, error, t, r.n, fmt, level)


def nll_loss(log_p: Array, t: Targets, fmt: Format, level: Level) -> Bound:
    """The same with log-probabilities that are given, hence exact."""
    return _assemble(np.where(np.isfinite(log_p), log_p, 0.0), np.zeros(log_p.shape), t, log_p.shape[1], fmt, level)


def cross_entropy_grad(r: RowQuantities, y: Array, m: int, fmt: Format, level: Level) -> Bound:
    """(p·Σy - y)/m for labels y (R, n) as a distribution; shapes (R, n).

    p within softmax's bound β; Σy rounds s(n)·u unless y is one-hot; product and difference 2u of the value; division
    by m: u. The label's own entry loses what p has: β·p, which is the price of p - 1 (its own sum of the others would
    not). exp(log_softmax) is admitted by the softmax bound of ``standard``. A flushed p costs the smallest normal.
    """
    beta = np.broadcast_to(core.softmax(r, fmt, level).total_relative(), r.p.shape)
    total = np.abs(y.sum(axis=1, keepdims=True))
    one_hot = ((y == 0) | (y == 1)).all(axis=1) & (y.sum(axis=1) == 1)
    size = np.abs(y).sum(axis=1, keepdims=True)
    sums = np.where(one_hot[:, None], 0.0, summation(r.n, fmt, level) * size)
    value = np.abs(r.p * total - y)
    steps = (2 + (m > 1)) * (r.n > 1 or m > 1 or not bool(one_hot.all()))
    lost = 0.0 if r.n == 1 and m == 1 else 2 * fmt.smallest_subnormal
    if level is Level.STANDARD and fmt.name != "float16" and r.n > 1:
        lost = lost + fmt.smallest_normal * (1 + size) / m
    return Bound({}, {
        "error of the probabilities": r.p * total * beta / m,
        "sum of the labels": r.p * sums * (1 + beta) / m,
        core.RESULT: fmt.u * (steps * value + r.p * total * (1 if not one_hot.all() else 0)) / m,
        core.SUBNORMAL: lost,
    })  # fmt: skip
