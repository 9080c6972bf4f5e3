"""The spherical softmax: exp replaced by the square, (z_i² + ε) / Σ_k (z_k² + ε).

Sources: Vincent, de Brébisson & Bouthillier, "Efficient Exact Gradient Update for Training Deep Networks with Very
Large Sparse Targets" (NIPS 2015); de Brébisson & Vincent (ICLR 2016). It is even in every entry, and without ε it
does not change when z is scaled. (softmax(z/‖z‖), which some libraries call by this name, is another function.)

Squares overflow at |z| > √(largest number) and underflow near 0; here rows are scaled by powers of two. With ε = 0
a row of zeros is 0/0: nan.
"""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from smxcheck.functions import shares, weights
from smxcheck.functions.arrays import Array, as_real
from smxcheck.functions.taylor import Weigher, jacobian, log_jacobian

_EPS = 2.0**-10


def spherical_softmax(z: ArrayLike, eps: float = _EPS) -> Array:
    """(z_i² + ε) / Σ_k (z_k² + ε) along the last axis; shape and dtype of z.

    Raises TypeError for what is not real, ValueError for an ε that is negative or not finite.
    """
    x = as_real(z, "z")
    return shares.apply(shares.softmax, weigher(eps), x, x.shape[-1:] or (1,))


def spherical_softmax_jacobian(z: ArrayLike, eps: float = _EPS) -> Array:
    """∂p_i/∂z_j = 2 z_j (δ_ij - p_i) / Σ_k (z_k² + ε).

    z of shape (…, n) gives (…, n, n), j on the last axis, dtype of z. Errors as for `spherical_softmax`.
    """
    return jacobian(weigher(eps), as_real(z, "z"))


def log_spherical_softmax(z: ArrayLike, eps: float = _EPS) -> Array:
    """log(z_i² + ε) - log Σ_k (z_k² + ε); shape and dtype of z. -inf where z_i = ε = 0. Errors as for
    `spherical_softmax`."""
    x = as_real(z, "z")
    return shares.apply(shares.log_softmax, weigher(eps), x, x.shape[-1:] or (1,))


def log_spherical_softmax_jacobian(z: ArrayLike, eps: float = _EPS) -> Array:
    """∂ log p_i/∂z_j = 2 z_j δ_ij / (z_j² + ε) - 2 z_j / Σ_k (z_k² + ε); nan on the diagonal where z_j = ε = 0.

    z of shape (…, n) gives (…, n, n), j on the last axis, dtype of z. Errors as for `spherical_softmax`.
    """
    return log_jacobian(weigher(eps), as_real(z, "z"))


def weigher(eps: float) -> Weigher:
    """Rows to weights. Raises ValueError for an ε that is negative or not finite."""
    number = float(eps)
    if not 0 <= number < math.inf:
        raise ValueError(f"eps is {eps}; pass a finite number of at least 0")
    return lambda rows: weights.squares(rows, number)
