"""Certified sigmoid, its logarithm, two-class cross-entropy, and their derivatives, element by element.

w = exp(-|x|) with an exponent of its own,  σ(-|x|) = w/(1 + w),  log(1 + exp(x)) = max(x, 0) + log1p(w)
"""

from __future__ import annotations

import numpy as np

from smxcheck.oracle.certified.ball import ball, difference, where
from smxcheck.oracle.certified.exact import Array
from smxcheck.oracle.certified.exponential import FARTHEST
from smxcheck.oracle.certified.logarithm import exponential
from smxcheck.oracle.certified.scaled import (
    Scaled,
    log1p_scaled,
    nothing,
    plain,
    scaled,
    scaled_floats,
    select,
)


def decay(x: Array) -> Scaled:
    """w = exp(-|x|), exactly 1 at 0; beyond 2^30·ln 2 only known to be next to nothing."""
    size = np.abs(x)
    far = size > FARTHEST
    w = Scaled(*exponential(np.where(far, 0.0, -size)))
    w = Scaled(where(size == 0, 1.0, w.ball), np.asarray(w.exponent, np.int64))
    return select(far, nothing(x.shape), w) if far.any() else w


def whole(w: Scaled) -> Scaled:
    """1 + w."""
    return plain(w.plain() + 1.0)


def sigmoid(x: Array) -> Scaled:
    """1/(1 + w) for x ≥ 0, w/(1 + w) below."""
    w = decay(x)
    return select(x >= 0, plain(ball(np.ones(x.shape))), w) / whole(w)


def log_sigmoid(x: Array) -> Scaled:
    """min(x, 0) - log1p(w): both terms have one sign."""
    return scaled_floats(np.minimum(x, 0.0)) - log1p_scaled(decay(x))


def sigmoid_grad(x: Array) -> Scaled:
    """w/(1 + w)²."""
    w = decay(x)
    total = whole(w)
    return w / (total * total)


def log_sigmoid_grad(x: Array) -> Scaled:
    """σ(-x)."""
    return sigmoid(-x)


def binary_cross_entropy(x: Array, y: Array) -> Scaled:
    """x(1 - y) + log1p(w) for x ≥ 0, -x·y + log1p(w) below: for 0 ≤ y ≤ 1 both terms are positive."""
    slope = select(x >= 0, scaled(difference(np.ones(y.shape), y)), scaled_floats(y))
    return scaled_floats(np.abs(x)) * slope + log1p_scaled(decay(x))


def binary_cross_entropy_grad(x: Array, y: Array) -> Scaled:
    """σ(x) - y as ((1 - y) - y·w)/(1 + w) for x ≥ 0, ((1 - y)·w - y)/(1 + w) below; ½ - y exactly at 0."""
    w = decay(x)
    there, here = scaled(difference(np.ones(y.shape), y)), scaled_floats(y)
    above = x >= 0
    numerator = select(above, there, there * w) - select(above, here * w, here)
    return select(x == 0, scaled(difference(np.full(y.shape, 0.5), y)), numerator / whole(w))


def binary_cross_entropy_hessian(x: Array, y: Array) -> Scaled:
    """σ(x) σ(-x): the loss is linear in y."""
    return sigmoid_grad(x)
