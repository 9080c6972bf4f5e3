"""What several forms are made of, along the last axis, which stays."""

from __future__ import annotations

import numpy as np

from smxcheck.right_forms.form import Array


def total(x: Array) -> Array:
    """Σ_j x_j."""
    return np.sum(x, axis=-1, keepdims=True)


def largest(x: Array) -> Array:
    """max_j x_j."""
    return np.max(x, axis=-1, keepdims=True)


def eye(x: Array) -> Array:
    """δ_ij, (n, n)."""
    return np.eye(x.shape[-1], dtype=x.dtype)


def softmax(z: Array) -> Array:
    """exp(z - max z) / Σ exp(z - max z)."""
    e = np.exp(z - largest(z))
    return e / total(e)
