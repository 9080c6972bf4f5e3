"""Softmax with another function φ in the place of exp, and its derivatives: p_i = w_i/W, w = φ(t), W = Σ_k w_k.

Every function here is this one with its own φ and t: the Taylor, the spherical and the soft-margin softmax differ in
nothing else. With s = φ'(t):

    ∂p_i/∂t_j = (s_j/W)(δ_ij - p_i)              1 - p_i is the sum of the other weights over W
    log p_i = -log1p((W - w_i)/w_i)              ∂ log p_i/∂t_j = δ_ij s_j/w_j - s_j/W
    H = -Σ_k p_k log p_k                         ∂H/∂t_j = -(s_j/W) Σ_k p_k log(w_j/w_k)

Answers that are exactly 0 come out as an exact 0: products with an exact 0 factor, sums of no other weights, and the
sums of logarithms that `smxref.phi` recognises.
"""

from __future__ import annotations

from smxref.arithmetic import Raw, exact
from smxref.ball import Ball
from smxref.phi import Weights, sphere, taylor, weights
from smxref.real import exact_difference, infinite, total

# -- answers of a row of weights


def _softmax(w: Weights) -> list[Ball]:
    return [w.share(i, w.weight).ball() for i in range(w.n)]


def _jacobian(w: Weights) -> list[Ball]:
    slopes = [w.share(j, w.slope) for j in range(w.n)]
    shares = [w.share(i, w.weight) for i in range(w.n)]
    rest = [w.others(i) / w.total for i in range(w.n)]
    return [
        (slopes[j] * rest[i] if i == j else -(slopes[j] * shares[i])).ball() for i in range(w.n) for j in range(w.n)
    ]


def _log_softmax(w: Weights) -> list[Ball]:
    """-inf where the weight is 0."""
    return [infinite(-1, w.bits) if v.is_zero else w.log_share(i).ball() for i, v in enumerate(w.weight)]


def _log_jacobian(w: Weights) -> list[Ball]:
    """Raises ValueError where a weight is 0: log p is -inf there, and has no derivative."""
    if any(v.is_zero for v in w.weight):
        raise ValueError("no limit: the logarithm of a weight of 0 has no derivative")
    slopes = [w.share(j, w.slope) for j in range(w.n)]
    own = [slopes[j] * w.others(j) / w.weight[j] for j in range(w.n)]
    return [(own[j] if i == j else -slopes[j]).ball() for i in range(w.n) for j in range(w.n)]


def _entropy(w: Weights) -> list[Ball]:
    return [(-total((w.share(k, w.weight) * w.log_share(k) for k in range(w.n)), w.bits)).ball()]


def _entropy_grad(w: Weights) -> list[Ball]:
    return [(-(w.share(i, w.slope) * w.centred_log(i) / w.total)).ball() for i in range(w.n)]


# -- φ by name


def generalized_softmax(z: list[float], *, phi: str, bits: int) -> list[Ball]:
    """φ(z_i) / Σ_k φ(z_k), φ one of exp, softplus, taylor-n (n even), power-k (z > 0).

    Raises ValueError for a number that is not finite and where φ breaks its condition; so do the next three.
    """
    return _softmax(_named(z, phi, bits))


def generalized_softmax_jacobian(z: list[float], *, phi: str, bits: int) -> list[Ball]:
    """φ'(z_j) (δ_ij - p_i) / Σ_k φ(z_k)."""
    return _jacobian(_named(z, phi, bits))


def generalized_softmax_entropy(z: list[float], *, phi: str, bits: int) -> list[Ball]:
    """log Σ_k φ(z_k) - Σ_k p_k log φ(z_k), as -Σ p log p, whose terms have one sign."""
    return _entropy(_named(z, phi, bits))


def generalized_softmax_entropy_grad(z: list[float], *, phi: str, bits: int) -> list[Ball]:
    """-(φ'(z_i) / Σ_k φ(z_k)) (log p_i + H)."""
    return _entropy_grad(_named(z, phi, bits))


def _named(z: list[float], phi: str, bits: int) -> Weights:
    return weights(_finite(z), phi, bits)


# -- Taylor polynomials


def taylor_softmax(z: list[float], *, order: int, bits: int) -> list[Ball]:
    """f(z_i) / Σ_k f(z_k), f(z) = Σ_m z^m / m!, m = 0 … order. Raises ValueError for an odd order, as the next
    three."""
    return _softmax(taylor(_finite(z), order, bits))


def taylor_softmax_jacobian(z: list[float], *, order: int, bits: int) -> list[Ball]:
    """f'(z_j) (δ_ij - p_i) / Σ_k f(z_k); f' is the polynomial of one order less."""
    return _jacobian(taylor(_finite(z), order, bits))


def log_taylor_softmax(z: list[float], *, order: int, bits: int) -> list[Ball]:
    """log f(z_i) - log Σ_k f(z_k)."""
    return _log_softmax(taylor(_finite(z), order, bits))


def log_taylor_softmax_jacobian(z: list[float], *, order: int, bits: int) -> list[Ball]:
    """δ_ij f'(z_j) / f(z_j) - f'(z_j) / Σ_k f(z_k)."""
    return _log_jacobian(taylor(_finite(z), order, bits))


# -- squares


def spherical_softmax(z: list[float], *, eps: float, bits: int) -> list[Ball]:
    """(z_i² + ε) / Σ_k (z_k² + ε). Raises ValueError where ε < 0 and where every weight is 0, as the next three."""
    return _softmax(_sphere(z, eps, bits))


def spherical_softmax_jacobian(z: list[float], *, eps: float, bits: int) -> list[Ball]:
    """2 z_j (δ_ij - p_i) / Σ_k (z_k² + ε)."""
    return _jacobian(_sphere(z, eps, bits))


def log_spherical_softmax(z: list[float], *, eps: float, bits: int) -> list[Ball]:
    """log(z_i² + ε) - log Σ_k (z_k² + ε); -inf at a weight of 0."""
    return _log_softmax(_sphere(z, eps, bits))


def log_spherical_softmax_jacobian(z: list[float], *, eps: float, bits: int) -> list[Ball]:
    """2 z_j δ_ij / (z_j² + ε) - 2 z_j / Σ_k (z_k² + ε). Raises ValueError where a weight is 0."""
    return _log_jacobian(_sphere(z, eps, bits))


def _sphere(z: list[float], eps: float, bits: int) -> Weights:
    return sphere(_finite(z), exact(eps), bits)


# -- a margin taken off the label's logit


def soft_margin_softmax(z: list[float], labels: int, *, margin: float, bits: int) -> list[Ball]:
    """softmax(z - μ e_y). Raises ValueError for a label that is no class, as the next three."""
    return _softmax(weights(_less_margin(z, labels, margin), "exp", bits))


def soft_margin_softmax_jacobian(z: list[float], labels: int, *, margin: float, bits: int) -> list[Ball]:
    """p_i (δ_ij - p_j), p = softmax(z - μ e_y)."""
    return _jacobian(weights(_less_margin(z, labels, margin), "exp", bits))


def sm_taylor_softmax(z: list[float], labels: int, *, margin: float, order: int, bits: int) -> list[Ball]:
    """taylor_softmax(z - μ e_y)."""
    return _softmax(taylor(_less_margin(z, labels, margin), order, bits))


def sm_taylor_softmax_jacobian(z: list[float], labels: int, *, margin: float, order: int, bits: int) -> list[Ball]:
    """f'(t_j) (δ_ij - p_i) / Σ_k f(t_k), t = z - μ e_y."""
    return _jacobian(taylor(_less_margin(z, labels, margin), order, bits))


def _finite(z: list[float]) -> list[Raw]:
    raw = [exact(v) for v in z]
    if any(not v[1] and v[2] for v in raw):
        raise ValueError("no limit: an entry is infinite")
    return raw


def _less_margin(z: list[float], label: int, margin: float) -> list[Raw]:
    """t = z - μ e_y without any rounding."""
    if not 0 <= label < len(z):
        raise ValueError(f"label {label} is outside 0..{len(z) - 1}")
    t = _finite(z)
    t[label] = exact_difference(t[label], exact(margin))
    return t
