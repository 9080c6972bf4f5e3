"""The functions with φ, a polynomial or a square in the place of exp, as the formulas of the catalog are written in NumPy."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.right_forms.form import Array, RightForm, quiet, right
from smxcheck.right_forms.parts import eye as _eye
from smxcheck.right_forms.parts import largest as _max
from smxcheck.right_forms.parts import softmax as _softmax
from smxcheck.right_forms.parts import total as _sum

#: The forms below.
TABLE: list[RightForm] = []


def _shares(w: Array) -> Array:
    return w / _sum(w)


def _jacobian(w: Array, slope: Array) -> Array:
    """φ'(z_j) (δ_ij - p_i) / Σ_k φ(z_k), of weights and slopes on one scale."""
    return (slope / _sum(w))[..., None, :] * (_eye(w) - _shares(w)[..., :, None])


# Taylor polynomials: divided by a power of two no smaller than any |z|, so that no power overflows


def _power_of_two(x: Array) -> Array:
    """The power of two above x, at least 1."""
    return np.ldexp(np.ones_like(x), np.maximum(np.frexp(x)[1], 0))


def _polynomial(z: Array, order: int, scale: Array) -> Array:
    """f(z) / scale^order by Horner's rule in z / scale."""
    v, s, total = z / scale, 1 / scale, 0
    for m in range(order, -1, -1):
        total = total * v + s ** (order - m) / math.factorial(m)
    return total


def _taylor(z: Array, order: int) -> tuple[Array, Array]:
    """Weights f(z) and slopes f'(z), divided by the same power of the scale."""
    scale = _power_of_two(_max(np.abs(z)))
    return _polynomial(z, order, scale), _polynomial(z, order - 1, scale) / scale


@right(TABLE, "taylor_softmax", "f(z) / Σ f(z) by Horner's rule on a common power of two")
@quiet
def taylor_softmax_scaled(z: Array, order: int = 2) -> Array:
    return _shares(_taylor(z, order)[0])


@right(TABLE, "taylor_softmax_jacobian", "f'(z_j) (δ_ij - p_i) / Σ f on a common power of two")
@quiet
def taylor_softmax_jacobian_scaled(z: Array, order: int = 2) -> Array:
    return _jacobian(*_taylor(z, order))


@right(TABLE, "log_taylor_softmax", "log f(z) - log Σ f(z), each entry on a power of two of its own")
@quiet
def log_taylor_softmax_scaled(z: Array, order: int = 2) -> Array:
    """Each entry on a scale of its own: log f(z) does not underflow beside a larger entry."""
    own = _power_of_two(np.abs(z))
    log_f = np.log(_polynomial(z, order, own)) + order * np.log(own / _max(own))
    return log_f - np.log(_sum(np.exp(log_f)))


@right(TABLE, "log_taylor_softmax_jacobian", "δ_ij f'/f - f'_j / Σ f, each entry on a power of two of its own")
@quiet
def log_taylor_softmax_jacobian_scaled(z: Array, order: int = 2) -> Array:
    own = _power_of_two(np.abs(z))
    by_own = _polynomial(z, order - 1, own) / _polynomial(z, order, own) / own
    weights, slopes = _taylor(z, order)
    return _eye(z) * by_own[..., None, :] - (slopes / _sum(weights))[..., None, :]


# squares


def _sphere(z: Array, eps: float) -> tuple[Array, Array]:
    """Weights z² + ε and slopes 2z, divided by the square of the largest root of a weight."""
    scale = np.maximum(_max(np.abs(z)), np.sqrt(z.dtype.type(eps)))
    return (z / scale) ** 2 + eps / scale / scale, 2 * (z / scale) / scale


@right(TABLE, "spherical_softmax", "(z² + ε) / Σ (z² + ε), divided by the largest root")
@quiet
def spherical_softmax_scaled(z: Array, eps: float = 2.0**-10) -> Array:
    return _shares(_sphere(z, eps)[0])


@right(TABLE, "spherical_softmax_jacobian", "2 z_j (δ_ij - p_i) / Σ (z² + ε), divided by the largest root")
@quiet
def spherical_softmax_jacobian_scaled(z: Array, eps: float = 2.0**-10) -> Array:
    return _jacobian(*_sphere(z, eps))


@right(TABLE, "log_spherical_softmax", "log w - log Σ w, w = z² + ε divided by the largest root")
@quiet
def log_spherical_softmax_scaled(z: Array, eps: float = 2.0**-10) -> Array:
    w = _sphere(z, eps)[0]
    return np.log(w) - np.log(_sum(w))


@right(TABLE, "log_spherical_softmax_jacobian", "2 z_j δ_ij / (z_j² + ε) - 2 z_j / Σ (z² + ε), each scaled")
@quiet
def log_spherical_softmax_jacobian_scaled(z: Array, eps: float = 2.0**-10) -> Array:
    own = np.maximum(np.abs(z), np.sqrt(z.dtype.type(eps)))
    by_own = 2 * (z / own) / ((z / own) ** 2 + eps / own / own) / own
    weights, slopes = _sphere(z, eps)
    return _eye(z) * by_own[..., None, :] - (slopes / _sum(weights))[..., None, :]


# margins


def _less_margin(z: Array, labels: Array, margin: float) -> Array:
    if np.any((labels < 0) | (labels >= z.shape[-1])):
        raise IndexError("a label is out of range")
    return np.where(np.arange(z.shape[-1]) == labels[..., None], z - margin, z)


@right(TABLE, "soft_margin_softmax", "softmax(z - μ e_y)")
@quiet
def soft_margin_softmax_shifted(z: Array, labels: Array, margin: float = 0.5) -> Array:
    return _softmax(_less_margin(z, labels, margin))


@right(TABLE, "soft_margin_softmax_jacobian", "p_i (δ_ij - p_j), p = softmax(z - μ e_y)")
@quiet
def soft_margin_softmax_jacobian_factored(z: Array, labels: Array, margin: float = 0.5) -> Array:
    p = _softmax(_less_margin(z, labels, margin))
    return p[..., :, None] * (_eye(p) - p[..., None, :])


@right(TABLE, "sm_taylor_softmax", "taylor_softmax(z - μ e_y) on a common power of two")
@quiet
def sm_taylor_softmax_scaled(z: Array, labels: Array, margin: float = 0.5, order: int = 2) -> Array:
    return _shares(_taylor(_less_margin(z, labels, margin), order)[0])


@right(TABLE, "sm_taylor_softmax_jacobian", "its Jacobian on a common power of two")
@quiet
def sm_taylor_softmax_jacobian_scaled(z: Array, labels: Array, margin: float = 0.5, order: int = 2) -> Array:
    return _jacobian(*_taylor(_less_margin(z, labels, margin), order))


# φ by name


def _softplus(z: Array) -> tuple[Array, Array]:
    """log(1 + e^z) and its derivative, divided by e^top where all of the row is below 0."""
    top, t = np.minimum(_max(z), 0), np.exp(-np.abs(z))
    far = np.exp(np.minimum(z, 0) - top)
    weights = np.where(z < 0, far * np.where(t > 0, np.log1p(t) / t, 1), (z + np.log1p(t)) * np.exp(-top))
    return weights, np.where(z < 0, far, np.exp(-top)) / (1 + t)


def _weights(z: Array, phi: str) -> tuple[Array, Array]:
    """φ(z) and φ'(z), divided by one number for each row."""
    if phi == "exp":
        e = np.exp(z - _max(z))
        return e, e
    if phi == "softplus":
        return _softplus(z)
    kind, _, number = phi.partition("-")
    if kind == "taylor":
        return _taylor(z, int(number))
    k, top = int(number), _max(z)
    return (z / top) ** k, k * (z / top) ** (k - 1) / top


@right(TABLE, "generalized_softmax", "φ(z) / Σ φ(z), each φ on a scale of the row")
@quiet
def generalized_softmax_shares(z: Array, phi: str = "exp") -> Array:
    return _shares(_weights(z, phi)[0])


@right(TABLE, "generalized_softmax_jacobian", "φ'(z_j) (δ_ij - p_i) / Σ φ(z)")
@quiet
def generalized_softmax_jacobian_factored(z: Array, phi: str = "exp") -> Array:
    return _jacobian(*_weights(z, phi))


@right(TABLE, "generalized_softmax_entropy", "log Σ φ(z) - Σ p log φ(z)")
@quiet
def generalized_softmax_entropy_by_formula(z: Array, phi: str = "exp") -> Array:
    w = _weights(z, phi)[0]
    return (np.log(_sum(w)) - _sum(_shares(w) * np.log(w)))[..., 0]


@right(TABLE, "generalized_softmax_entropy_grad", "-(φ'(z) / Σ φ(z)) (log p + H)")
@quiet
def generalized_softmax_entropy_grad_by_formula(z: Array, phi: str = "exp") -> Array:
    w, slope = _weights(z, phi)
    log_p = np.log(w) - np.log(_sum(w))
    return -(slope / _sum(w)) * (log_p - _sum(_shares(w) * log_p))
