"""Wrong soft-margin softmax functions and their Jacobians."""

from __future__ import annotations

import numpy as np

from smxcheck.mistakes.model import Mistake, ex
from smxcheck.mistakes.rows import Rows, divide_by_sum, number, right_softmax, total
from smxcheck.mistakes.weighted import (
    Formula,
    eye,
    jacobian,
    polynomial,
    transposed,
    weighted_jacobian,
    with_labels,
)

_GENERIC = (ex([[0.5, -1.25, 2.0, 0.75]], [2]),)
#: Logits whose exponentials overflow in every format; squares that do.
_UP = (ex([[100.0, 98.0, 95.0]], [0], margin=4.0), ex([[1000.0, 996.0, 990.0]], [0], margin=4.0))
_LARGE = (
    ex([[200.0, -400.0, 100.0]], [0], margin=8.0),
    ex([[1e25, -2e25, 5e24]], [0]),
    ex([[1e200, -2e200, 5e199]], [0]),
)


def less_margin(z: Rows, label: Rows, margin: float) -> Rows:
    return np.where(label, z - number(z, margin), z)


def shifted_exp(z: Rows) -> Rows:
    return np.exp(z - z.max(axis=1, keepdims=True))


# -- exp


def added(z: Rows, label: Rows, margin: float = 0.5) -> Rows:
    return right_softmax(less_margin(z, label, -margin))


def on_all_classes(z: Rows, label: Rows, margin: float = 0.5) -> Rows:
    """softmax(z - μ), which is softmax(z): the margin is lost."""
    return right_softmax(z - number(z, margin))


def label_counted_twice(z: Rows, label: Rows, margin: float = 0.5) -> Rows:
    """exp(t)/(exp(t_y) + Σ_k exp(z_k)): the others include the label."""
    largest = z.max(axis=1, keepdims=True)
    e, w = np.exp(z - largest), np.exp(less_margin(z, label, margin) - largest)
    return w / (total(e) + total(np.where(label, w, number(z, 0))))


def margin_in_each_entry(z: Rows, label: Rows, margin: float = 0.5) -> Rows:
    """exp(z_i - μ)/(exp(z_i - μ) + Σ_{j≠i} exp(z_j)) for every i, which does not add up to 1 (Banerjee et al. 2020)."""
    e = shifted_exp(z)
    w = e * np.exp(number(z, -margin))
    return w / (w + (total(e) - e))


def unshifted(z: Rows, label: Rows, margin: float = 0.5) -> Rows:
    return divide_by_sum(np.exp(less_margin(z, label, margin)))


def of_each_entry(z: Rows, label: Rows, margin: float = 0.5) -> Rows:
    """diag(q) - q qᵀ of that activation, in the code published with it: q is no distribution."""
    q = margin_in_each_entry(z, label, margin)
    return jacobian(q, q)


def _jacobian_of(formula: Formula) -> Formula:
    def call(z: Rows, label: Rows, margin: float = 0.5) -> Rows:
        p = formula(z, label, margin)
        return jacobian(p, p)

    return call


def not_centred(z: Rows, label: Rows, margin: float = 0.5) -> Rows:
    p = right_softmax(less_margin(z, label, margin))
    return p[:, None, :] * eye(p)


# -- Taylor polynomials


def taylor_added(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    return divide_by_sum(polynomial(less_margin(z, label, -margin), order))


def taylor_on_all_classes(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    return divide_by_sum(polynomial(z - number(z, margin), order))


def ratio_of_polynomials(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    """f(z_y)/f(μ) in place of f(z_y - μ), in the code published with the function: right for exp alone."""
    w = polynomial(z, order)
    return divide_by_sum(np.where(label, w / polynomial(np.full_like(z, margin), order), w))


def taylor_label_counted_twice(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    w, e = polynomial(less_margin(z, label, margin), order), polynomial(z, order)
    return w / (total(e) + total(np.where(label, w, number(z, 0))))


def taylor_unscaled(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    return divide_by_sum(polynomial(less_margin(z, label, margin), order))


def slopes_before_the_margin(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    """f'(z_j) in place of f'(z_j - μ) at the label."""
    return weighted_jacobian(polynomial(less_margin(z, label, margin), order), polynomial(z, order - 1))


def shares_for_slopes(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    p = taylor_unscaled(z, label, margin, order)
    return jacobian(p, p)


def taylor_jacobian(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    t = less_margin(z, label, margin)
    return weighted_jacobian(polynomial(t, order), polynomial(t, order - 1))


def taylor_transposed(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    return transposed(taylor_jacobian(z, label, margin, order))


def taylor_margin_ignored(z: Rows, label: Rows, margin: float = 0.5, order: int = 2) -> Rows:
    return taylor_jacobian(z, label, 0.0, order)


_LESS = "softmax(t), t = z but for t_y = z_y - margin"
_TAYLOR = "f(t)/sum(f(t)), t = z but for t_y = z_y - margin"
_SLOPES = "f'(t_j)/sum(f(t))*(delta_ij - p_i), t = z but for t_y = z_y - margin"
_PRODUCT = "p_j*(delta_ij - p_i), p = softmax(t), t = z but for t_y = z_y - margin"

TABLE: tuple[Mistake, ...] = tuple(
    Mistake(name, formula, instead, check, with_labels(call), examples)
    for name, formula, instead, check, call, examples in (
        ("soft_margin_softmax/added", "softmax(z + margin at the label)", _LESS, "SMX101", added, _GENERIC),
        ("soft_margin_softmax/on-all-classes", "softmax(z - margin) = softmax(z)", _LESS, "SMX101", on_all_classes,
         _GENERIC),
        ("soft_margin_softmax/label-counted-twice", "exp(t)/(exp(t_y) + sum(exp(z))), the label in both", _LESS,
         "SMX101", label_counted_twice, _GENERIC),
        ("soft_margin_softmax/margin-in-each-entry", "sigmoid(logit(softmax(z)) - margin), which does not sum to 1",
         _LESS, "SMX101", margin_in_each_entry, _GENERIC),
        ("soft_margin_softmax/unshifted", "exp(t)/sum(exp(t)), without subtracting the maximum", _LESS, "SMX102",
         unshifted, _UP),
        ("soft_margin_softmax_jacobian/margin-in-each-entry", "q_j*(delta_ij - q_i), q not a distribution", _PRODUCT,
         "SMX101", of_each_entry, _GENERIC),
        ("soft_margin_softmax_jacobian/added", "the Jacobian of softmax(z + margin at the label)", _PRODUCT, "SMX101",
         _jacobian_of(added), _GENERIC),
        ("soft_margin_softmax_jacobian/margin-ignored", "the Jacobian of softmax(z)", _PRODUCT, "SMX101",
         _jacobian_of(on_all_classes), _GENERIC),
        ("soft_margin_softmax_jacobian/not-centred", "p_j*delta_ij", _PRODUCT, "SMX101", not_centred, _GENERIC),
        ("sm_taylor_softmax/added", "taylor_softmax(z + margin at the label)", _TAYLOR, "SMX101", taylor_added,
         _GENERIC),
        ("sm_taylor_softmax/on-all-classes", "taylor_softmax(z - margin)", _TAYLOR, "SMX101", taylor_on_all_classes,
         _GENERIC),
        ("sm_taylor_softmax/ratio-of-polynomials", "f(z_y)/f(margin) in place of f(z_y - margin)", _TAYLOR, "SMX101",
         ratio_of_polynomials, _GENERIC),
        ("sm_taylor_softmax/label-counted-twice", "f(t)/(f(t_y) + sum(f(z))), the label in both", _TAYLOR, "SMX101",
         taylor_label_counted_twice, _GENERIC),
        ("sm_taylor_softmax/unscaled", "f(t)/sum(f(t)) as it is written: t^n overflows", _TAYLOR, "SMX102",
         taylor_unscaled, _LARGE),
        ("sm_taylor_softmax_jacobian/slopes-before-the-margin", "f'(z_j) in place of f'(t_j)", _SLOPES, "SMX101",
         slopes_before_the_margin, _GENERIC),
        ("sm_taylor_softmax_jacobian/shares-for-slopes", "p_j*(delta_ij - p_i), the rule of exp", _SLOPES, "SMX101",
         shares_for_slopes, _GENERIC),
        ("sm_taylor_softmax_jacobian/transposed", "f'(t_i)/sum(f(t))*(delta_ij - p_j)", _SLOPES, "SMX101",
         taylor_transposed, _GENERIC),
        ("sm_taylor_softmax_jacobian/margin-ignored", "the Jacobian of taylor_softmax(z)", _SLOPES, "SMX101",
         taylor_margin_ignored, _GENERIC),
    )
)  # fmt: skip
