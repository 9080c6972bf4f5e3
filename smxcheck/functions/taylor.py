"""The Taylor softmax: exp replaced by f(z) = Σ_m z^m/m!, m = 0 … n, for an even order n.

Sources: de Brébisson & Vincent, "An Exploration of Softmax Alternatives Belonging to the Spherical Loss Family" (ICLR
2016), n = 2; Banerjee et al., "Exploring Alternatives to Softmax Function" (2020), any even n.

f is positive for even n only, since f_n' = f_(n-1). It is not e^z: subtracting the maximum changes the function,
and below its minimum (z = -1 for n = 2) a smaller z gets a larger share. z^n overflows from |z| = (largest
number·n!)^(1/n) on; here rows are scaled by powers of two and every finite z has its answer.
"""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from smxcheck.functions import shares, weights
from smxcheck.functions.arrays import Array, as_real
from smxcheck.functions.phi import check_order
from smxcheck.functions.weights import Weights

Weigher = Callable[..., Weights]


def taylor_softmax(z: ArrayLike, order: int = 2) -> Array:
    """f(z_i) / Σ_k f(z_k) along the last axis; shape and dtype of z.

    Raises TypeError for what is not real, ValueError for an order that is not an even number from 2 to 18.
    """
    x = as_real(z, "z")
    return shares.apply(shares.softmax, weigher(order), x, x.shape[-1:] or (1,))


def taylor_softmax_jacobian(z: ArrayLike, order: int = 2) -> Array:
    """∂p_i/∂z_j = f'(z_j) (δ_ij - p_i) / Σ_k f(z_k), f' being f of one order less.

    z of shape (…, n) gives (…, n, n), j on the last axis, dtype of z. Errors as for `taylor_softmax`.
    """
    return jacobian(weigher(order), as_real(z, "z"))


def log_taylor_softmax(z: ArrayLike, order: int = 2) -> Array:
    """log f(z_i) - log Σ_k f(z_k); shape and dtype of z. Finite where the probability underflows. Errors as for
    `taylor_softmax`."""
    x = as_real(z, "z")
    return shares.apply(shares.log_softmax, weigher(order), x, x.shape[-1:] or (1,))


def log_taylor_softmax_jacobian(z: ArrayLike, order: int = 2) -> Array:
    """∂ log p_i/∂z_j = δ_ij f'(z_j)/f(z_j) - f'(z_j) / Σ_k f(z_k).

    z of shape (…, n) gives (…, n, n), j on the last axis, dtype of z. Errors as for `taylor_softmax`.
    """
    return log_jacobian(weigher(order), as_real(z, "z"))


def weigher(order: int) -> Weigher:
    """Rows to weights. Raises ValueError for an order that is not an even number from 2 to 18."""
    check_order(order)
    return lambda rows: weights.taylor(rows, int(order))


def jacobian(weigh: Weigher, z: Array, *beside: Array) -> Array:
    """The Jacobian of the shares, z of shape (…, n) → (…, n, n); 0-d counts as one entry."""
    n = z.shape[-1] if z.ndim else 1
    return shares.apply(shares.jacobian, weigh, z, (n, n), *beside)


def log_jacobian(weigh: Weigher, z: Array) -> Array:
    """The same of their logarithms."""
    n = z.shape[-1] if z.ndim else 1
    return shares.apply(shares.log_jacobian, weigh, z, (n, n))
