"""Identities of derivative matrices: sums, symmetry, sign; and of products with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import FUNCTIONS
from smxcheck.identities.model import Ask, Claim, Identity, inner, known, laid
from smxcheck.judge.bounds.running import Computed

Array = npt.NDArray[Any]

SUMS, SYMMETRY, SEMIDEFINITE, NULL, ADJOINT = "SMX601", "SMX602", "SMX603", "SMX604", "SMX605"


def _sums(function: str, axes: tuple[int, ...]) -> Callable[..., tuple[Claim, ...]]:
    words = {-1: "the rows", -2: "the columns"}

    def claims(ask: Ask, *arguments: Array, **keywords: Any) -> tuple[Claim, ...]:
        matrix = ask(function, *arguments, **keywords)
        return tuple(
            Claim(f"{words[axis]} add up to 0", matrix.total(axis), known(0.0),
                  size=np.abs(matrix.value).sum(axis=axis, keepdims=True))
            for axis in axes
        )  # fmt: skip

    return claims


def _symmetry(function: str) -> Callable[..., tuple[Claim, ...]]:
    def claims(ask: Ask, *arguments: Array, **keywords: Any) -> tuple[Claim, ...]:
        matrix = ask(function, *arguments, **keywords)
        pairs = [(-1, -2), (-2, -3)] if FUNCTIONS[function].shape == "hessian" else [(-1, -2)]
        return tuple(Claim("equal to its transpose", matrix, _transposed(matrix, *pair)) for pair in pairs)

    return claims


def _transposed(c: Computed, first: int, second: int) -> Computed:
    return laid(c, lambda a: np.swapaxes(a, first, second))


def _semidefinite(function: str) -> Callable[..., tuple[Claim, ...]]:
    def claims(ask: Ask, *arguments: Array, **keywords: Any) -> tuple[Claim, ...]:
        matrix = ask(function, *arguments, **keywords)
        n = matrix.value.shape[-1]
        return tuple(
            Claim("vᵀJv ≥ 0", -form, known(0.0), at_most=True, size=size)
            for form, size in (_form(matrix, v) for v in directions(n))
        )

    return claims


def directions(n: int) -> list[Array]:
    """Unit vectors, 1 and -1 in turn, differences of neighbours, and a ramp around 0."""
    units = np.eye(n)
    alternating = 1.0 - 2.0 * (np.arange(n) % 2)
    return [*units, alternating, *(units[:-1] - units[1:]), np.arange(n) - (n - 1) / 2]


def _form(matrix: Computed, v: Array) -> tuple[Computed, Array]:
    """vᵀJv, and the sum of the sizes of its terms."""
    outer = np.outer(v, v)
    rows = inner(matrix, outer)
    size = (np.abs(matrix.value * outer)).sum(axis=(-1, -2))
    return laid(rows.total(), lambda a: a[..., 0]), size


def _null(function: str) -> Callable[..., tuple[Claim, ...]]:
    def claims(ask: Ask, x: Array, v: Array, **keywords: Any) -> tuple[Claim, ...]:
        ones = np.ones_like(x)
        found = ((c, ask(function, x, ones * x.dtype.type(c), **keywords)) for c in (1.0, -2.5))
        return tuple(
            Claim(f"the product with a vector of {c:g} is 0", value, known(0.0), size=np.full(x.shape, abs(c)))
            for c, value in found
        )

    return claims


def _adjoint(ask: Ask, x: Array, v: Array, **keywords: Any) -> tuple[Claim, ...]:
    g = np.ascontiguousarray(np.roll(v, 1, axis=-1)[..., ::-1])
    forward, backward = ask("softmax_jvp", x, v, **keywords), ask("softmax_vjp", x, g, **keywords)
    g_wide, v_wide = g.astype(np.float64), v.astype(np.float64)
    size = np.abs(forward.value * g_wide).sum(axis=-1)
    return (Claim("⟨g, Jv⟩ = ⟨Jᵀg, v⟩", inner(forward, g_wide), inner(backward, v_wide), size=size),)


_ROWS, _COLUMNS, _BOTH = (-1,), (-2,), (-1, -2)
#: Rows, where adding a constant to all variables changes nothing; columns, where the values add up to 1.
_WITH_SUMS = {
    "softmax_jacobian": _BOTH, "log_softmax_jacobian": _ROWS, "logsumexp_hessian": _BOTH,
    "cross_entropy_hessian": _BOTH, "softmax_hessian": _BOTH, "softmax_entropy_hessian": _BOTH,
    "kl_divergence_hessian": _BOTH, "taylor_softmax_jacobian": _COLUMNS, "spherical_softmax_jacobian": _COLUMNS,
    "generalized_softmax_jacobian": _COLUMNS, "sparsemax_jacobian": _BOTH, "entmax15_jacobian": _BOTH,
    "gumbel_softmax_jacobian": _BOTH,
}  # fmt: skip
_SYMMETRIC = (
    "softmax_jacobian", "logsumexp_hessian", "cross_entropy_hessian", "softmax_hessian", "softmax_entropy_hessian",
    "kl_divergence_hessian", "sparsemax_jacobian", "entmax15_jacobian", "gumbel_softmax_jacobian",
)  # fmt: skip
_POSITIVE = (
    "softmax_jacobian", "logsumexp_hessian", "cross_entropy_hessian", "sparsemax_jacobian", "entmax15_jacobian",
    "gumbel_softmax_jacobian",
)  # fmt: skip

TABLE: tuple[Identity, ...] = (
    *(Identity(SUMS, f, _sums(f, axes)) for f, axes in _WITH_SUMS.items()),
    *(Identity(SYMMETRY, f, _symmetry(f)) for f in _SYMMETRIC),
    *(Identity(SEMIDEFINITE, f, _semidefinite(f)) for f in _POSITIVE),
    *(Identity(NULL, f, _null(f)) for f in ("softmax_jvp", "softmax_vjp")),
    Identity(ADJOINT, "softmax_jvp", _adjoint, ("softmax_vjp",)),
)
