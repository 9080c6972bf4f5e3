"""Derivatives of the losses and of the two-class functions; m is the number of rows of the whole call.

A label is an int, which stands for its one-hot y, or a list of weights y that need not add up to 1.
"""

from __future__ import annotations

from math import isinf

from mpmath import libmp

from smxref.arithmetic import Raw, exact
from smxref.ball import Ball
from smxref.exponentials import Exponentials
from smxref.loss import Label
from smxref.real import Real, exact_difference, exact_sum, infinite, zero


def sigmoid_grad(x: list[float], *, bits: int) -> list[Ball]:
    """σ(x) σ(-x) = t / (1 + t)² with t = exp(-|x|), which is symmetric; 0 at ±inf. Never 0 elsewhere."""
    answers = []
    for number in x:
        t = _exp_of_minus_magnitude(number, bits)
        answers.append((t / (_one(bits) + t).power(2)).ball())
    return answers


def log_sigmoid_grad(x: list[float], *, bits: int) -> list[Ball]:
    """σ(-x): t / (1 + t) for x ≥ 0 and 1 / (1 + t) below, t = exp(-|x|); its limits are 0 and 1."""
    answers = []
    for number in x:
        t = _exp_of_minus_magnitude(number, bits)
        answers.append(((t if number >= 0 else _one(bits)) / (_one(bits) + t)).ball())
    return answers


def binary_cross_entropy_with_logits_grad(x: list[float], y: list[float], *, bits: int) -> list[Ball]:
    """σ(x) - y for any y, with its limits at infinities.

    As ((1 - y) - y t) / (1 + t) for x ≥ 0 and ((1 - y) t - y) / (1 + t) below, t = exp(-|x|), where 1 - y is exact. The
    numerator a + b t has rational a, b, not both 0: at x ≠ 0, where t is transcendental (Lindemann), it is never 0. At
    x = 0 it is 1 - 2y, formed exactly.
    """
    return [_two_class_gradient(number, label, bits) for number, label in zip(x, y, strict=True)]


def _two_class_gradient(x: float, y: float, bits: int) -> Ball:
    if isinf(y):
        return infinite(-1 if y > 0 else 1, bits)
    wanted = exact(y)
    other = exact_difference(libmp.fone, wanted)
    if x == 0:
        return (Real.of(exact_difference(other, wanted), bits) / Real.of(2, bits)).ball()
    t = _exp_of_minus_magnitude(x, bits)
    there, here = Real.of(other, bits), Real.of(wanted, bits)
    numerator = there - here * t if x > 0 else there * t - here
    return (numerator / (_one(bits) + t)).ball()


def binary_cross_entropy_with_logits_hessian(x: list[float], y: list[float], *, bits: int) -> list[Ball]:
    """σ(x) σ(-x): the loss is linear in y, which drops out of the second derivative."""
    if len(x) != len(y):
        raise ValueError(f"y must have one entry per logit: {len(x)}, not {len(y)}")
    return sigmoid_grad(x, bits=bits)


def cross_entropy_hessian(logits: list[float], label: Label, *, rows: int, bits: int) -> list[Ball]:
    """(Σ_k y_k) p_i (δ_ij - p_j) / m for one of m rows, row by row of the matrix.

    1 - p_i is the sum of the other weights over S. Exactly 0 where Σ y is, where i or j is absent (a logit of -inf), and
    on the diagonal of a row with one entry. Raises ValueError for a label out of range, nan, rows without a limit.
    """
    row = Exponentials.of(logits, None, bits)
    scale = Real.of(exact_sum(_target(label, row.n)), bits) / row.total.power(2) / Real.of(rows, bits)
    answers = []
    for i in range(row.n):
        for j in range(row.n):
            other = row.without({i: 1}) if i == j else -row.weights[j]
            answers.append((scale * row.weights[i] * other).ball())
    return answers


def nll_loss_grad(log_probabilities: list[float], label: Label, *, rows: int, bits: int) -> list[Ball]:
    """-y_i / m for one of m rows; the loss is linear in the log-probabilities, whose values do not matter.

    Raises ValueError for a label out of range.
    """
    answers = []
    for y in _target(label, len(log_probabilities)):
        if not y[1] and y[2]:
            answers.append(infinite(-1 if y == libmp.finf else 1, bits))
        else:
            answers.append((-Real.of(y, bits) / Real.of(rows, bits)).ball() if y[1] else zero(bits))
    return answers


def _target(label: Label, classes: int) -> list[Raw]:
    if isinstance(label, int):
        if not 0 <= label < classes:
            raise ValueError(f"label {label} is out of range for {classes} classes")
        return [libmp.fone if c == label else libmp.fzero for c in range(classes)]
    if len(label) != classes:
        raise ValueError(f"a soft label must have {classes} entries, not {len(label)}")
    return [exact(y) for y in label]


def _one(bits: int) -> Real:
    return Real.of(1, bits)


def _exp_of_minus_magnitude(x: float, bits: int) -> Real:
    """exp(-|x|), exactly 1 at 0 and exactly 0 at ±inf."""
    if isinf(x):
        return Real.of(0, bits)
    return (-Real.of(abs(x), bits)).exp() if x else _one(bits)
