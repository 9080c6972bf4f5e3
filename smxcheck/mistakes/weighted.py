"""Parts of the generalised softmax functions, right ones, of which each mistake replaces one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes.loss_parts import refuse
from smxcheck.mistakes.rows import Rows, divide_by_sum, from_rows, number, real, to_rows, top, total

Formula = Callable[..., Any]


def on_rows(formula: Formula, shape: str = "same") -> Callable[..., np.ndarray]:
    """``(z, **keywords)`` from a function of rows that gives rows, a matrix for each row, or a column ("reduced")."""

    def call(z: Any, **keywords: Any) -> np.ndarray:
        z = real(z)
        with np.errstate(all="ignore"):
            rows, left = to_rows(z, -1)
            return _laid_out(formula(rows, **keywords), z, left, shape)

    return call


def with_labels(formula: Formula) -> Callable[..., np.ndarray]:
    """``(z, labels, **keywords)``: the formula also gets a mask of the labels' entries."""

    def call(z: Any, labels: Any, **keywords: Any) -> np.ndarray:
        z = real(z)
        with np.errstate(all="ignore"):
            rows, left = to_rows(z, -1)
            index = refuse(np.asarray(labels).reshape(-1), rows.shape[1])
            label = np.arange(rows.shape[1]) == index[:, None]
            return _laid_out(formula(rows, label, **keywords), z, left)

    return call


def _laid_out(out: Any, z: np.ndarray, left: tuple[int, ...], shape: str = "same") -> np.ndarray:
    values: np.ndarray = np.asarray(out).astype(z.dtype, copy=False)
    if values.ndim == 3:
        return values.reshape(left + values.shape[1:])
    return from_rows(values, z, -1) if shape == "same" else values.reshape(left)


# -- weights


def polynomial(z: Rows, order: int, factorials: bool = True) -> Rows:
    """Σ_m z^m / m!, lowest first."""
    out, term = np.ones_like(z), np.ones_like(z)
    for m in range(1, order + 1):
        term = term * z
        out = out + term / number(z, math.factorial(m) if factorials else 1)
    return out


def power(z: Rows, exponent: int) -> Rows:
    out = np.ones_like(z)
    for _ in range(exponent):
        out = out * z
    return out


def phi_weights(z: Rows, phi: str) -> tuple[Rows, Rows]:
    """φ(z), φ'(z) by name: exp shifted, the others as they are written."""
    kind, _, order = phi.partition("-")
    if kind == "exp":
        w = np.exp(z - top(z))
        return w, w
    if kind == "softplus":
        small = np.exp(-np.abs(z))
        one = number(z, 1)
        return np.maximum(z, number(z, 0)) + np.log1p(small), np.where(z < 0, small, one) / (one + small)
    if kind == "taylor":
        return polynomial(z, int(order)), polynomial(z, int(order) - 1)
    return power(z, int(order)), number(z, int(order)) * power(z, int(order) - 1)


def squares(z: Rows, eps: float) -> Rows:
    return z * z + number(z, eps)


def scaled_polynomial(z: Rows, order: int) -> Rows:
    """f(z)/M^n with M the row's largest entry by size, or 1: finite for every finite z."""
    largest = np.maximum(np.abs(z).max(axis=1, keepdims=True), number(z, 1))
    v, inverse = z / largest, number(z, 1) / largest
    out, term = np.ones_like(z), np.ones_like(z)
    for m in range(1, order + 1):
        term = term * v / number(z, m)
        out = out * inverse + term
    return out


# -- answers


def jacobian(p: Rows, slope: Rows) -> Rows:
    """slope_j·(δ_ij - p_i), slope being φ'/Σφ."""
    return slope[:, None, :] * (eye(p) - p[:, :, None])


def eye(p: Rows) -> Rows:
    return np.eye(p.shape[1]).astype(p.dtype)


def transposed(matrix: Rows) -> Rows:
    return matrix.transpose(0, 2, 1)


def diagonal(values: Rows) -> Rows:
    """A diagonal matrix for each row."""
    return values[:, None, :] * eye(values)


def weighted_jacobian(w: Rows, slope: Rows) -> Rows:
    """The right Jacobian of w/Σw."""
    return jacobian(divide_by_sum(w), slope / total(w))


def log_jacobian(w: Rows, slope: Rows) -> Rows:
    """The right Jacobian of log(w/Σw)."""
    return diagonal(slope / w) - np.repeat((slope / total(w))[:, None, :], w.shape[1], axis=1)
