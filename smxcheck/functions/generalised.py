"""Softmax with another function φ in the place of exp, its Jacobian, its entropy and the entropy's gradient.

All functions of the generalised group run along the last axis, are computed in float64 and rounded once to the dtype of
z (integers become float64). A row with nan or an infinity is nan: no limit exists there.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from smxcheck.functions import margin, shares, spherical, taylor
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, as_real
from smxcheck.functions.phi import Phi, weigher


def generalized_softmax(z: ArrayLike, phi: str | Phi = "exp") -> Array:
    """p_i = φ(z_i) / Σ_k φ(z_k) along the last axis; shape and dtype of z.

    ``phi`` is "exp", "softplus", "taylor-n" (n even), "power-k", or a `Phi`. φ must be positive, increasing and
    differentiable; `smxcheck.functions.phi` says where those by name are. Weights are scaled by powers of two (exp and
    softplus shifted), so that no large or small z overflows.

    Raises TypeError for what is not real; ValueError where φ is not known, not positive or not finite on z.
    """
    x = as_real(z, "z")
    return shares.apply(shares.softmax, weigher(phi), x, x.shape[-1:] or (1,))


def generalized_softmax_jacobian(z: ArrayLike, phi: str | Phi = "exp") -> Array:
    """∂p_i/∂z_j = φ'(z_j) (δ_ij - p_i) / Σ_k φ(z_k); z of shape (…, n) gives (…, n, n), j on the last axis, dtype of z.

    1 - p_i is the sum of the other shares, so that the diagonal keeps its digits where p_i is close to 1. Errors as for
    `generalized_softmax`.
    """
    return taylor.jacobian(weigher(phi), as_real(z, "z"))


def generalized_softmax_entropy(z: ArrayLike, phi: str | Phi = "exp") -> Array:
    """H = log Σ_k φ(z_k) - Σ_k p_k log φ(z_k) = -Σ_k p_k log p_k ≥ 0, in nats; shape (…), dtype of z.

    An empty row has entropy 0. Errors as for `generalized_softmax`.
    """
    return shares.apply(shares.entropy, weigher(phi), as_real(z, "z"), ())


def generalized_softmax_entropy_grad(z: ArrayLike, phi: str | Phi = "exp") -> Array:
    """∂H/∂z_i = -(φ'(z_i) / Σ_k φ(z_k)) (log p_i + H); shape and dtype of z. Errors as for `generalized_softmax`."""
    x = as_real(z, "z")
    return shares.apply(shares.entropy_grad, weigher(phi), x, x.shape[-1:] or (1,))


_SHARE = "weights in units of a power of two, each with its own exponent"
_DIAGONAL = "the diagonal from the sum of the other weights"
_LOG = "-log1p(others/w) for a large share"

TABLE: dict[str, dict[str, Algorithm]] = {
    name: table(Algorithm("accurate", call, "tight", summary))
    for name, call, summary in (
        ("generalized_softmax", generalized_softmax, _SHARE),
        ("generalized_softmax_jacobian", generalized_softmax_jacobian, _DIAGONAL),
        ("generalized_softmax_entropy", generalized_softmax_entropy, "-Σ p log p, all terms of one sign"),
        ("generalized_softmax_entropy_grad", generalized_softmax_entropy_grad, "-(φ'/Σφ)·(log p + H)"),
        ("taylor_softmax", taylor.taylor_softmax, "compensated Horner"),
        ("taylor_softmax_jacobian", taylor.taylor_softmax_jacobian, _DIAGONAL),
        ("log_taylor_softmax", taylor.log_taylor_softmax, _LOG),
        ("log_taylor_softmax_jacobian", taylor.log_taylor_softmax_jacobian, _DIAGONAL),
        ("spherical_softmax", spherical.spherical_softmax, _SHARE),
        ("spherical_softmax_jacobian", spherical.spherical_softmax_jacobian, _DIAGONAL),
        ("log_spherical_softmax", spherical.log_spherical_softmax, _LOG),
        ("log_spherical_softmax_jacobian", spherical.log_spherical_softmax_jacobian, _DIAGONAL),
        ("soft_margin_softmax", margin.soft_margin_softmax, "(z - max z) - μ e_y, so that differences are rounded"),
        ("soft_margin_softmax_jacobian", margin.soft_margin_softmax_jacobian, _DIAGONAL),
        ("sm_taylor_softmax", margin.sm_taylor_softmax, "compensated Horner of z - μ e_y"),
        ("sm_taylor_softmax_jacobian", margin.sm_taylor_softmax_jacobian, _DIAGONAL),
    )
}
