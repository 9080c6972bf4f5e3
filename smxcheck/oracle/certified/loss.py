"""Certified cross-entropy and negative log-likelihood: a loss for each row, and their sum or mean.

A row loses Σ_c w_c ((1 - ε) y_c + ε/K) ℓ_c with ℓ = -log p, a class label standing for ones and zeros y. Whether a class
counts is decided by exact zeros: 0·inf is 0 here, and an infinite loss gets no bound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.certified.ball import Ball, ball, difference
from smxcheck.oracle.certified.columns import Columns
from smxcheck.oracle.certified.core import gap
from smxcheck.oracle.certified.derivatives import target
from smxcheck.oracle.certified.exact import Array
from smxcheck.oracle.certified.rows import Rows
from smxcheck.oracle.certified.scaled import (
    Scaled,
    enclosure,
    log1p_scaled,
    normal,
    plain,
    scaled,
    scaled_floats,
    select,
    total,
    unknown,
    zero,
)
from smxcheck.oracle.enclosure import Enclosure

Weight = npt.ArrayLike | None


def cross_entropy(r: Rows, *, weight: Weight = None, label_smoothing: float = 0.0) -> Scaled:
    """A·log1p(s) + Σ_c a_c |d_c| with a_c = w_c ((1 - ε) y_c + ε/K) and A = Σ a_c: for a ≥ 0 both terms are positive."""
    weights = _class_weights(weight, r.shape[1])
    if not 0 <= label_smoothing <= 1:
        raise ValueError("label_smoothing must be from 0 to 1")
    log_sum = log1p_scaled(r.rest())
    labels = r.beside[0]
    if labels.dtype.kind != "f" and not label_smoothing:
        picked = _of_class(r.x, labels)
        loss = log_sum - scaled(difference(picked, r.largest))
        loss = unknown(np.isneginf(picked), loss)
        return loss if weights is None else _weighted(scaled_floats(_of_class(weights[None], labels)), loss)
    sizes: list[tuple[Scaled, Scaled]] = []
    for p in r.pieces():
        of_place = None if weights is None else weights[p.place]
        a = _coefficients(target(p.beside[0], p.place), of_place, label_smoothing, r.shape[1])
        distance = _weighted(a, unknown(p.absent, -scaled(gap(r, p))))
        sizes.append((total(a), total(distance)))
    whole, distances = sizes[0]
    for more, further in sizes[1:]:
        whole, distances = whole + more, distances + further
    loss = whole * log_sum + distances
    return loss / plain(ball(float(r.shape[1]))) if label_smoothing else loss


def _coefficients(y: Array, weights: Array | None, label_smoothing: float, classes: int) -> Scaled:
    """w_c (K (1 - ε) y_c + ε) of some classes; w_c y_c without smoothing."""
    a = scaled_floats(y)
    if label_smoothing:
        slope = difference(np.asarray(1.0), np.asarray(label_smoothing)) * float(classes)
        a = a * plain(slope) + plain(ball(label_smoothing))
    return a if weights is None else a * scaled_floats(weights[None])


def nll_loss(c: Columns, *, weight: Weight = None) -> Scaled:
    """-Σ_c w_c y_c ℓ_c for given ℓ, which may be -inf."""
    given, labels = c.parts
    weights = _class_weights(weight, given.shape[1])
    if labels.dtype.kind != "f":
        loss = -scaled_floats(_of_class(given, labels))
        loss = loss if weights is None else _weighted(scaled_floats(_of_class(weights[None], labels)), loss)
    else:
        loss = zero((len(given),))
        for place, (x, y) in c.pieces():
            a = scaled_floats(y)
            if weights is not None:
                a = a * scaled_floats(weights[None, place])
            loss = loss + total(_weighted(a, -scaled_floats(x)))
    return unknown((given == np.inf).any(axis=1), loss)


def _class_weights(weight: Weight, classes: int) -> Array | None:
    if weight is None:
        return None
    weights = np.asarray(weight, np.float64)
    if weights.shape != (classes,):
        raise ValueError(f"weight must have one entry for each of {classes} classes")
    return weights


def _of_class(values: Array, labels: Array) -> Array:
    """The entry of each row, or of the one row, that its class label (R, 1) names."""
    rows = np.arange(len(labels)) if len(values) > 1 else 0
    picked: Array = values[rows, labels[:, 0].astype(np.int64)]
    return picked


def _weighted(factor: Scaled, value: Scaled) -> Scaled:
    """factor·value, exactly 0 where the factor is, whatever the value."""
    return select(factor.ball.is_zero, zero(value.ball.shape), factor * value)


def reduced(losses: Enclosure, divisor: Array | None) -> Enclosure:
    """Σ losses / Σ divisor of shape (1,), or their sum alone: balls again from the enclosures of the rows."""
    size = np.abs(losses.hi) * (1 + 2.0**-50)
    relative = np.where(losses.bound < 0.5, losses.bound / (1 - losses.bound), np.inf) * (1 + 2.0**-50)
    nothing = (losses.hi == 0) & (losses.bound == 1)
    err = np.where(losses.bound == 0, 0.0, np.where(nothing, 1.0, size * relative))
    terms = Scaled(Ball(losses.hi, losses.lo, err)[None], losses.exponent.astype(np.int64)[None])
    value = total(terms)
    return enclosure(value if divisor is None else value / normal(total(scaled_floats(divisor[None]))))
