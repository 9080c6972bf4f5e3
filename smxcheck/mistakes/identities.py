"""Implementations that break an identity, and nothing else that is asked.

Where every value is within its bound no identity can fail: identities are judged against the sum of these bounds. What
only they find is wrong at an input that only they ask: a wrong entry of a table, a special case that is never taken
otherwise. So each of these is the textbook form but for rows that begin with one number, which the cases of one identity
hold and no other case does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes import gradient, information, two_class
from smxcheck.mistakes.model import Misbehaviour
from smxcheck.mistakes.rows import (
    Axis,
    Rows,
    elementwise,
    from_rows,
    number,
    real,
    reduced,
    right_logsumexp,
    right_softmax,
    same,
    to_rows,
    top,
    total,
)

#: What a wrong value is off by, relative.
_OFF = 1.0 + 2.0**-6


def begins_with(x: Rows, value: float) -> Rows:
    """The rows that begin with a number, as a column."""
    return x[:, :1] == number(x, value)


def _off(y: Rows) -> Rows:
    return y * number(y, _OFF)


# ---- right forms, row by row


def right_jacobian(x: Rows) -> Rows:
    """p_i (δ_ij - p_j) of each row, as (rows, n, n)."""
    p = right_softmax(x)
    return p[:, :, None] * (np.eye(x.shape[1], dtype=x.dtype) - p[:, None, :])


def right_product(x: Rows, g: Rows) -> Rows:
    """p (g - Σ p·g)."""
    p = right_softmax(x)
    return p * (g - total(p * g))


def _shifted(x: Rows) -> tuple[Rows, Rows]:
    """p, and d - Σ p·d with d = max x - x where p > 0 (else 0)."""
    p = right_softmax(x)
    d = np.where(p > 0, top(x) - x, number(x, 0.0))
    return p, d - total(p * d)


def right_entropy_gradient(x: Rows) -> Rows:
    """p (d - Σ p·d)."""
    p, centred = _shifted(x)
    return p * centred


def right_entropy_hessian(x: Rows) -> Rows:
    """p_i p_j (c_i + c_j + 1) - δ_ij p_i (c_i + 1), c = log p + H = Σ p·d - d."""
    p, centred = _shifted(x)
    c, one = -centred, number(x, 1.0)
    outer = p[:, :, None] * p[:, None, :] * (c[:, :, None] + c[:, None, :] + one)
    return outer - np.eye(x.shape[1], dtype=x.dtype) * (p * (c + one))[:, :, None]


# ---- as calls of the catalog


def _matrix(formula: Callable[[Rows], Rows]) -> Callable[..., np.ndarray]:
    """``(x)`` with a result of shape (…, n, n), from a function of rows."""

    def call(x: Any) -> np.ndarray:
        x = real(x)
        shape = x.shape or (1,)
        if x.size == 0:
            return np.zeros((*shape, shape[-1]), x.dtype)
        with np.errstate(all="ignore"):
            rows, _ = to_rows(x, -1)
            return np.asarray(formula(rows).astype(x.dtype, copy=False).reshape(*shape, shape[-1]))

    return call


def _product(formula: Callable[[Rows, Rows], Rows]) -> Callable[..., np.ndarray]:
    """``(x, v, axis)`` with a result of x's shape, from a function of two matrices of rows."""

    def call(x: Any, v: Any, axis: Axis = -1) -> np.ndarray:
        x, v = real(x), real(v)
        if x.size == 0:
            return np.array(x)
        with np.errstate(all="ignore"):
            rows, others = to_rows(x, axis)[0], to_rows(v, axis)[0]
            return from_rows(formula(rows, others).astype(x.dtype, copy=False), x, axis)

    return call


# ---- wrong at one row


def sums(x: Rows) -> Rows:
    """The first diagonal entry is off."""
    jacobian = right_jacobian(x)
    jacobian[:, 0, 0] = np.where(begins_with(x, 0.640625)[:, 0], _off(jacobian[:, 0, 0]), jacobian[:, 0, 0])
    return jacobian


def one_triangle(x: Rows) -> Rows:
    """The first row is off, its column is not."""
    jacobian = right_jacobian(x)
    jacobian[:, 0, 1:] = np.where(begins_with(x, 0.671875), _off(jacobian[:, 0, 1:]), jacobian[:, 0, 1:])
    return jacobian


def negated(x: Rows) -> Rows:
    """-J: its rows add up to 0, it is symmetric, and it is no matrix of variances."""
    jacobian = right_jacobian(x)
    return np.where(begins_with(x, 0.703125)[:, :, None], -jacobian, jacobian)


def not_centred(x: Rows, g: Rows) -> Rows:
    """p·g, without the mean."""
    return np.where(begins_with(x, 0.734375), right_softmax(x) * g, right_product(x, g))


def forward_off(x: Rows, v: Rows) -> Rows:
    product = right_product(x, v)
    return np.where(begins_with(x, 0.765625), _off(product), product)


def gradient_off(mark: float) -> Callable[[Rows], Rows]:
    def formula(x: Rows) -> Rows:
        p = right_softmax(x)
        return np.where(begins_with(x, mark), _off(p), p)

    return formula


def labels_sum_to_one(z: Rows, y: Rows) -> Rows:
    return np.where(begins_with(z, 0.828125), gradient.labels_taken_to_sum_to_one(z, y), gradient.right(z, y))


def shifted_off(x: Rows) -> Rows:
    """Off where 8 was added."""
    p = right_softmax(x)
    return np.where(begins_with(x, 8.859375), _off(p), p)


def first_place_off(x: Rows) -> Rows:
    p = right_softmax(x)
    return np.where(begins_with(x, 0.890625), _off(p), p)


def sigmoid_off(x: Rows) -> Rows:
    y = two_class.right_sigmoid(x)
    return np.where(x == number(x, 0.921875), _off(y), y)


def cross_off(p: Rows, q: Rows) -> Rows:
    y = information.right_cross(p, q)
    return np.where(begins_with(p, 0.265625), _off(y), y)


def below_maximum(x: Rows) -> Rows:
    return np.where(begins_with(x, 0.953125), top(x) - number(x, 2.0**-6), right_logsumexp(x))


def curvature_negated(x: Rows) -> Rows:
    hessian = right_entropy_hessian(x)
    return np.where(begins_with(x, 0.984375)[:, :, None], -hessian, hessian)


def sharpened(x: Rows) -> Rows:
    """A temperature of a half: softmax(2x)."""
    return np.where(begins_with(x, 0.671875), right_softmax(x + x), right_softmax(x))


_SOFTMAX, _LOGSUMEXP = same(right_softmax), reduced(right_logsumexp, -np.inf)
_SOFTMAX_TOO = {"softmax": _SOFTMAX}

TABLE: tuple[Misbehaviour, ...] = (
    Misbehaviour("softmax_jacobian/sums-off", "one diagonal entry off", "SMX601", _matrix(sums)),
    Misbehaviour("softmax_jacobian/one-triangle", "one triangle off", "SMX602", _matrix(one_triangle)),
    Misbehaviour("softmax_jacobian/negated", "the other sign", "SMX603", _matrix(negated)),
    Misbehaviour("softmax_vjp/not-centred", "the mean of the cotangent not taken off", "SMX604",
                 _product(not_centred)),
    Misbehaviour("softmax_jvp/forward-off", "forward and backward product disagree", "SMX605", _product(forward_off),
                 {"softmax_vjp": _product(right_product)}),
    Misbehaviour("logsumexp_grad/not-softmax", "the gradient of logsumexp and softmax disagree", "SMX606",
                 same(gradient_off(0.796875)), _SOFTMAX_TOO),
    Misbehaviour("cross_entropy_grad/sum-taken-for-1", "p - y for labels of another sum", "SMX607",
                 gradient.as_call(labels_sum_to_one), _SOFTMAX_TOO),
    Misbehaviour("softmax/shifted-off", "off after a shift", "SMX608", same(shifted_off)),
    Misbehaviour("softmax/first-place-off", "off in one order of the classes", "SMX609", same(first_place_off)),
    Misbehaviour("sigmoid/not-softmax", "sigmoid and softmax disagree", "SMX610", elementwise(sigmoid_off), _SOFTMAX_TOO),
    Misbehaviour("distribution_cross_entropy/parts-disagree", "not the sum of entropy and divergence", "SMX611",
                 reduced(cross_off), {"entropy": reduced(information.right_entropy),
                                      "kl_divergence": reduced(information.right_divergence)}),
    Misbehaviour("logsumexp/below-maximum", "less than the largest term", "SMX612", reduced(below_maximum, -np.inf)),
    Misbehaviour("softmax_entropy_hessian/negated", "the other sign", "SMX613", _matrix(curvature_negated),
                 {"softmax_entropy": reduced(information.right_softmax_entropy),
                  "softmax_entropy_grad": same(right_entropy_gradient)}),
    Misbehaviour("softmax/sharpened", "a temperature of a half", "SMX614", same(sharpened)),
    Misbehaviour("logsumexp_grad/not-its-own", "not the gradient of the target's logsumexp", "SMX615",
                 same(gradient_off(0.546875)), {"logsumexp": _LOGSUMEXP}),
)  # fmt: skip
