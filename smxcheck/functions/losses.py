"""Losses of logits or log-probabilities against labels. Definitions and defaults are those of PyTorch.

With ℓ = log softmax(z), class weights w (1 by default), smoothing ε and K classes, the loss of one row is

    integer label y:   (1 - ε) w_y (-ℓ_y) + ε/K Σ_c w_c (-ℓ_c)
    soft labels y_c:   (1 - ε) Σ_c w_c y_c (-ℓ_c) + ε/K Σ_c w_c (-ℓ_c)

and the mean divides by Σ w_y over the rows kept for integer labels, by the number of rows for soft ones. A product with
an exact 0 is 0, also 0·∞. Everything is computed in float64, in double-double where that is not enough, and rounded once,
to the dtype of the logits.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import double_double as dd
from smxcheck.functions import shift
from smxcheck.functions.arrays import Array, as_real, rounded
from smxcheck.functions.extended import small_blocks
from smxcheck.functions.extended_losses import (
    RowLosses,
    coefficients,
    of_log_probabilities,
    of_logits,
    quotient_of_sum,
    rounded_losses,
    row_losses,
    together,
)
from smxcheck.functions.labels import (
    Batch,
    IntegerLabels,
    Labels,
    SoftLabels,
    read_batch,
    read_class_weights,
    read_labels,
)
from smxcheck.functions.logistic import softplus_of_minus_magnitude
from smxcheck.functions.rows import blocks, quiet

REDUCTIONS = ("none", "sum", "mean")


def cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Array:
    """Cross-entropy of logits z against labels: -Σ_c y_c log softmax(z)_c, averaged over the rows.

    ``labels`` are integers of the shape of the logits without ``axis``, or a floating-point array of the logits' own
    shape, whose rows need not add up to 1. Rows with the integer label ``ignore_index`` count nowhere: their loss is 0
    and their logits are not looked at. ``reduction="none"`` gives one loss for each row, the others a scalar. The mean
    over no rows is nan, their sum 0. The dtype is that of the logits.

    -log p = (max - x) + log1p(the rest of Σ exp(x - max)), so a small loss keeps its digits. A label of probability 0
    costs +inf; a soft label that is exactly 0 costs nothing there; a row of -inf or with +inf or nan gives nan.

    Raises ValueError for a label outside [0, K) (it names the first), a wrong shape, ε outside [0, 1] or an unknown
    reduction; TypeError for labels that are neither integers nor floats; AxisError for the axis.
    """
    batch = read_batch(logits, axis, "logits")
    smoothing = float(label_smoothing)
    if not 0.0 <= smoothing <= 1.0:
        raise ValueError(f"label_smoothing={label_smoothing} is outside [0, 1]")
    return _loss(batch, True, labels, weight, ignore_index, smoothing, reduction)


def nll_loss(
    log_probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    axis: int = -1,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Array:
    """Negative log-likelihood -Σ_c y_c ℓ_c of given log-probabilities ℓ, averaged over the rows.

    Labels, weights, reductions, dtype and errors are those of `cross_entropy`; ℓ is taken as it is, normalised or not.
    """
    batch = read_batch(log_probabilities, axis, "log_probabilities")
    return _loss(batch, False, labels, weight, ignore_index, 0.0, reduction)


def binary_cross_entropy_with_logits(x: ArrayLike, y: ArrayLike) -> Array:
    """-y log σ(x) - (1 - y) log σ(-x), element by element; y broadcasts against x and is meant to lie in [0, 1].

    Computed as |x|·(y where x < 0, 1 - y elsewhere) + log1p(exp(-|x|)): for y in [0, 1] both terms are positive and
    nothing cancels. 0·∞ is 0, so (-inf, 0) and (inf, 1) give 0, and any other y at an infinite x gives +inf. Computed in
    float64, rounded once to the dtype of x. Raises TypeError for what is not real.
    """
    logits, targets = as_real(x, "x"), as_real(y, "y")
    z, t = np.broadcast_arrays(logits.astype(np.float64), targets.astype(np.float64))
    with np.errstate(under="ignore", over="ignore"):
        slope = np.where(z < 0, t, 1.0 - t)
        loss = _product(slope, np.abs(z)) + softplus_of_minus_magnitude(z)
    result: Array = rounded(np.asarray(loss), logits.dtype)[()]
    return result


@dataclass(frozen=True)
class _Task:
    """What is to be added up. ``logits`` says that rows are logits, and not log-probabilities."""

    batch: Batch
    logits: bool
    targets: Labels
    weights: Array | None
    smoothing: float

    def kept(self) -> Array:
        """The numbers of the rows that count."""
        if isinstance(self.targets, IntegerLabels):
            return np.flatnonzero(self.targets.kept)
        return np.arange(len(self.batch.rows))


def _loss(
    batch: Batch,
    logits: bool,
    labels: ArrayLike,
    weight: ArrayLike | None,
    ignore_index: int,
    smoothing: float,
    reduction: str,
) -> Array:
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} is unknown; choose one of {', '.join(REDUCTIONS)}")
    targets = read_labels(labels, batch, operator.index(ignore_index))
    class_weights = read_class_weights(weight, batch.classes)
    task = _Task(batch, logits, targets, class_weights, smoothing)
    if _needs_more_than_float64(task):
        exact = _extended_loss(task, reduction)
        if exact is not None:
            result: Array = rounded(exact, batch.rows.dtype)[()]
            return result
    losses = _row_losses(task)
    if reduction == "none":
        unreduced: Array = rounded(losses.reshape(batch.lead), batch.rows.dtype)[()]
        return unreduced
    divisor = 1.0 if reduction == "sum" else _mean_divisor(targets, class_weights)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a mean over nothing is 0/0
        reduced: Array = rounded(_quotient_of_sum(losses, divisor), batch.rows.dtype)[()]
    return reduced


def _needs_more_than_float64(task: _Task) -> bool:
    """float64 has no room for the roundings of a formula; narrower formats have, unless terms of both signs cancel."""
    batch, targets = task.batch, task.targets
    return batch.rows.size > 0 and (
        batch.rows.dtype == np.float64
        or (task.weights is not None and bool((task.weights < 0).any()))
        or (isinstance(targets, SoftLabels) and bool((targets.weights < 0).any()))
        or (not task.logits and bool((batch.rows > 0).any()))
    )


def _extended_loss(task: _Task, reduction: str) -> Array | None:
    """The loss from double-double, or None where a row is infinite or nan, or the mean is over nothing."""
    kept = task.kept()
    if not len(kept):
        return None
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        some_rows = small_blocks(len(kept), task.batch.classes)
        losses = together(_extended_block(task, kept[some]) for some in some_rows)
    if reduction == "none":
        values = np.zeros(len(task.batch.rows))
        with np.errstate(over="ignore", under="ignore"):
            values[kept] = rounded_losses(losses)
        if losses.special.any():
            values[kept[losses.special]] = _row_losses(task)[kept[losses.special]]
        return values.reshape(task.batch.lead)
    divisor = np.ones((1, 1)) if reduction == "sum" else _mean_weights(task)
    total = dd.total(dd.widen(divisor))
    if losses.special.any() or not np.isfinite(total[0]).all() or not total[0].all():
        return None
    with np.errstate(over="ignore", under="ignore"):
        return quotient_of_sum(losses, total)


def _extended_block(task: _Task, chosen: Array) -> RowLosses:
    rows, targets = task.batch.rows[chosen], task.targets
    distances = of_logits(rows) if task.logits else of_log_probabilities(rows)
    column = None
    if isinstance(targets, SoftLabels):
        shares = targets.weights[chosen].astype(np.float64)
    elif task.smoothing:
        shares = (np.arange(task.batch.classes) == targets.classes[chosen, None]).astype(np.float64)
    else:
        shares, column = np.ones((len(rows), 1)), targets.classes[chosen]
    weights = task.weights if task.weights is None or column is None else task.weights[column][:, None]
    return row_losses(distances, coefficients(shares, weights, task.smoothing, task.batch.classes), column)


def _mean_weights(task: _Task) -> Array:
    """What the mean divides by, as a row of numbers to add up."""
    if isinstance(task.targets, IntegerLabels) and task.weights is not None:
        return task.weights[task.targets.classes[task.kept()]][None, :]
    return np.array([[float(len(task.kept()))]])


def _quotient_of_sum(losses: Array, divisor: float) -> Array:
    total = losses.sum()
    if np.isinf(total) and np.isfinite(losses).all():
        return np.asarray((losses / divisor).sum())  # the mean may be finite where the sum is not
    return np.asarray(total / divisor)


def _mean_divisor(targets: Labels, weights: Array | None) -> float:
    if not isinstance(targets, IntegerLabels):
        return float(len(targets.weights))
    if weights is None:
        return float(targets.kept.sum())
    return float(weights[targets.classes[targets.kept]].sum())


def _row_losses(task: _Task) -> Array:
    losses = np.zeros(len(task.batch.rows))
    kept = task.kept()
    for some in blocks(len(kept), task.batch.classes):
        losses[kept[some]] = _block_losses(task, kept[some])
    return losses


@quiet
def _block_losses(task: _Task, chosen: Array) -> Array:
    """Losses of the rows numbered ``chosen``, shape (b,)."""
    rows, targets, weights = task.batch.rows[chosen], task.targets, task.weights
    if not rows.size:
        return np.zeros(len(rows))  # no classes: a sum of nothing
    surprise = 0.0 - (shift.shifted(rows).log_probabilities() if task.logits else rows.astype(np.float64))
    if isinstance(targets, IntegerLabels):
        label = targets.classes[chosen]
        loss = surprise[np.arange(len(rows)), label]
        loss = loss if weights is None else _product(weights[label], loss)
    else:
        shares = targets.weights[chosen].astype(np.float64)
        loss = _product(shares if weights is None else shares * weights, surprise).sum(axis=-1)
    if task.smoothing == 0.0:
        return np.asarray(loss)
    spread = (surprise if weights is None else _product(weights, surprise)).sum(axis=-1)
    return np.asarray(
        _product(np.float64(1.0 - task.smoothing), loss) + task.smoothing / rows.shape[1] * spread
    )


def _product(factor: Array | np.float64, value: Array) -> Array:
    """factor·value with 0·∞ = 0; 0·nan stays nan."""
    with np.errstate(invalid="ignore"):
        return np.where((factor == 0) & np.isinf(value), 0.0, factor * value)
