"""Wrong generalised softmax functions and derivatives of them."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.mistakes import margins, polynomials
from smxcheck.mistakes.model import Mistake, ex
from smxcheck.mistakes.rows import Rows, divide_by_sum, number, right_log_softmax, right_softmax, total
from smxcheck.mistakes.weighted import diagonal, jacobian, on_rows, phi_weights, transposed, weighted_jacobian

_SOFTPLUS = (ex([[-2.0, 0.5, 3.0, -0.75]], phi="softplus"),)
#: Of an entropy that is far from 1.
_CUBES = (ex([[0.5, 1.5, 3.0, 0.25]], phi="power-3"),)
_DOWN = (ex([[-20.0, -21.0, -24.0]], phi="softplus"), ex([[-800.0, -801.0, -803.0]], phi="softplus"))
_ROWS = (ex([[3.0, 1.0, -1.0], [0.5, -2.0, 1.0]], phi="taylor-2"),)


def _shares(z: Rows, phi: str) -> Rows:
    return divide_by_sum(phi_weights(z, phi)[0])


# -- values


def exp_for_all(z: Rows, phi: str = "exp") -> Rows:
    return right_softmax(z)


def softmax_of_values(z: Rows, phi: str = "exp") -> Rows:
    """softmax(φ(z)): φ is put before exp, not in its place."""
    return right_softmax(phi_weights(z, phi)[0])


def unscaled(z: Rows, phi: str = "exp") -> Rows:
    """φ(z)/Σφ(z), log(1 + e^z) as it is written: 0/0 far below 0."""
    return divide_by_sum(np.log(number(z, 1) + np.exp(z)) if phi == "softplus" else phi_weights(z, phi)[0])


def whole_array(z: Rows, phi: str = "exp") -> Rows:
    w = phi_weights(z, phi)[0]
    return w / w.sum(dtype=total(w).dtype)


# -- Jacobian


def exp_rule(z: Rows, phi: str = "exp") -> Rows:
    p = _shares(z, phi)
    return jacobian(p, p)


def indices_swapped(z: Rows, phi: str = "exp") -> Rows:
    return transposed(weighted_jacobian(*phi_weights(z, phi)))


def not_centred(z: Rows, phi: str = "exp") -> Rows:
    w, slope = phi_weights(z, phi)
    return diagonal(slope / total(w))


def not_normalised(z: Rows, phi: str = "exp") -> Rows:
    w, slope = phi_weights(z, phi)
    return jacobian(divide_by_sum(w), slope)


# -- entropy


def _plogp(p: Rows, logs: Rows) -> Rows:
    return np.where(p == 0, number(logs, 0), p * logs)


def _entropy(z: Rows, phi: str) -> Rows:
    p = _shares(z, phi)
    return -total(_plogp(p, np.log(p)))


def of_weights(z: Rows, phi: str = "exp") -> Rows:
    """-Σ p·log φ: log Σφ is missing."""
    w = phi_weights(z, phi)[0]
    return -total(_plogp(divide_by_sum(w), np.log(w)))


def in_bits(z: Rows, phi: str = "exp") -> Rows:
    return _entropy(z, phi) / number(z, math.log(2.0))


def sign(z: Rows, phi: str = "exp") -> Rows:
    return -_entropy(z, phi)


def entropy_of_softmax(z: Rows, phi: str = "exp") -> Rows:
    return -total(_plogp(right_softmax(z), right_log_softmax(z)))


# -- its gradient


def gradient_of_softmax(z: Rows, phi: str = "exp") -> Rows:
    """-p (log p + H): the rule of exp."""
    p = _shares(z, phi)
    return -p * (np.log(p) + _entropy(z, phi))


def gradient_by_shares(z: Rows, phi: str = "exp") -> Rows:
    """-(φ'/Σφ)(log p + 1): ∂H/∂p, as if the shares were free."""
    w, slope = phi_weights(z, phi)
    return -slope / total(w) * (np.log(divide_by_sum(w)) + number(z, 1))


def gradient_sign(z: Rows, phi: str = "exp") -> Rows:
    w, slope = phi_weights(z, phi)
    return slope / total(w) * (np.log(divide_by_sum(w)) + _entropy(z, phi))


def gradient_by_weights(z: Rows, phi: str = "exp") -> Rows:
    """log φ in place of log p."""
    w, slope = phi_weights(z, phi)
    return -slope / total(w) * (np.log(w) + _entropy(z, phi))


_SHARE = "phi(z)/sum(phi(z))"
_SLOPE = "phi'(z_j)/sum(phi)*(delta_ij - p_i)"
_ENTROPY = "-sum(p*log(p)), p = phi(z)/sum(phi)"
_GRADIENT = "-(phi'(z)/sum(phi))*(log(p) + H)"
_SCALE = "for z far below 0 take softplus(z)/exp(max(z)): the common factor cancels"

TABLE: tuple[Mistake, ...] = (
    *polynomials.TABLE,
    *margins.TABLE,
    *(
        Mistake(f"generalized_softmax{name}", formula, instead, check,
                on_rows(call, "reduced" if name.startswith("_entropy/") else "same"), examples)
        for name, formula, instead, check, call, examples in (
            ("/exp-for-all", "softmax(z), whatever phi is", _SHARE, "SMX101", exp_for_all, _SOFTPLUS),
            ("/softmax-of-values", "softmax(phi(z))", _SHARE, "SMX101", softmax_of_values, _SOFTPLUS),
            ("/unscaled", "log(1 + exp(z)) over its sum: 0/0 far below 0", _SCALE, "SMX102", unscaled, _DOWN),
            ("/whole-array", "phi(z)/sum over the whole batch", _SHARE, "SMX105", whole_array, _ROWS),
            ("_jacobian/exp-rule", "p_j*(delta_ij - p_i)", _SLOPE, "SMX101", exp_rule, _SOFTPLUS),
            ("_jacobian/indices-swapped", "phi'(z_i)/sum(phi)*(delta_ij - p_j)", _SLOPE, "SMX101", indices_swapped,
             _SOFTPLUS),
            ("_jacobian/not-centred", "phi'(z_j)/sum(phi)*delta_ij", _SLOPE, "SMX101", not_centred, _SOFTPLUS),
            ("_jacobian/not-normalised", "phi'(z_j)*(delta_ij - p_i)", _SLOPE, "SMX101", not_normalised, _SOFTPLUS),
            ("_entropy/of-weights", "-sum(p*log(phi(z)))", _ENTROPY, "SMX101", of_weights, _SOFTPLUS),
            ("_entropy/in-bits", "-sum(p*log2(p))", _ENTROPY, "SMX101", in_bits, _SOFTPLUS),
            ("_entropy/sign", "sum(p*log(p))", _ENTROPY, "SMX101", sign, _SOFTPLUS),
            ("_entropy/of-softmax", "the entropy of softmax(z), whatever phi is", _ENTROPY, "SMX101",
             entropy_of_softmax, _SOFTPLUS),
            ("_entropy_grad/of-softmax", "-p*(log(p) + H), the rule of exp", _GRADIENT, "SMX101", gradient_of_softmax,
             _SOFTPLUS),
            ("_entropy_grad/by-shares", "-(phi'/sum(phi))*(log(p) + 1)", _GRADIENT, "SMX101", gradient_by_shares,
             _CUBES),
            ("_entropy_grad/sign", "(phi'/sum(phi))*(log(p) + H)", _GRADIENT, "SMX101", gradient_sign, _SOFTPLUS),
            ("_entropy_grad/log-phi", "-(phi'/sum(phi))*(log(phi) + H)", _GRADIENT, "SMX101", gradient_by_weights,
             _SOFTPLUS),
        )
    ),
)  # fmt: skip
