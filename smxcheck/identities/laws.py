"""Laws of one function at several inputs: shifts, permutations, range, Lipschitz constant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import FUNCTIONS
from smxcheck.identities.model import Ask, Claim, Identity, known, laid, magnitude, moved
from smxcheck.judge.bounds.running import Computed

Array = npt.NDArray[Any]

SHIFT, PERMUTATION, RANGE, LIPSCHITZ = "SMX608", "SMX609", "SMX612", "SMX614"

#: Shifts: powers of two, so that logits of few digits stay exact.
_SHIFTS = (8.0, -32.0)


def _shift(function: str) -> Callable[..., tuple[Claim, ...]]:
    adds = 1.0 if function == "logsumexp" else 0.0

    def claims(ask: Ask, x: Array, *others: Array, **keywords: Any) -> tuple[Claim, ...]:
        at = ask(function, x, *others, **keywords)
        return tuple(
            Claim(f"the same for x + ({c:g})" if not adds else f"{c:g} more for x + ({c:g})",
                  ask(function, moved(x, c), *others, **keywords), at + known(adds * c) if adds else at)
            for c in _SHIFTS
        )  # fmt: skip

    return claims


def orders(n: int) -> tuple[Array, ...]:
    """Two permutations: backwards, and by one place."""
    return np.arange(n)[::-1], np.roll(np.arange(n), 1)


def _permutation(function: str) -> Callable[..., tuple[Claim, ...]]:
    shape = FUNCTIONS[function].shape

    def arranged(array: Array, order: Array) -> Array:
        if shape == "reduced":
            return array
        once = array[..., order]
        return once[..., order, :] if shape == "jacobian" else once

    def claim(ask: Ask, at: Computed, order: Array, arguments: tuple[Array, ...], keywords: dict[str, Any]) -> Claim:
        text = "the same in any order" if shape == "reduced" else "the entries permuted as those of x are"
        permuted = (np.ascontiguousarray(a[..., order]) for a in arguments)
        return Claim(text, ask(function, *permuted, **keywords), laid(at, lambda a: arranged(a, order)))

    def claims(ask: Ask, *arguments: Array, **keywords: Any) -> tuple[Claim, ...]:
        at = ask(function, *arguments, **keywords)
        return tuple(claim(ask, at, order, arguments, keywords) for order in orders(arguments[0].shape[-1]))

    return claims


def _range(ask: Ask, x: Array, **keywords: Any) -> tuple[Claim, ...]:
    value = ask("logsumexp", x, **keywords)
    top = known(x.astype(np.float64).max(axis=-1))
    return (
        Claim("max(x) ≤ logsumexp(x)", top, value, at_most=True),
        Claim("logsumexp(x) ≤ max(x) + log n", value, top + known(float(x.shape[-1])).log(), at_most=True),
    )


def _lipschitz(ask: Ask, x: Array, **keywords: Any) -> tuple[Claim, ...]:
    """‖softmax(x + Δ) - softmax(x - Δ)‖ ≤ ½‖2Δ‖ in ℓ1, ℓ2 and ℓ∞ (Nair, arXiv 2510.23012). Two equal classes reach it,
    up to a relative Δ²/3."""
    n = x.shape[-1]
    step = np.resize([1.0, -1.0], n) * 2.0**-4 * (np.arange(n) < 2)
    difference = ask("softmax", moved(x, step), **keywords) - ask("softmax", moved(x, -step), **keywords)
    size, norms = magnitude(difference), np.abs(2 * step)
    largest = int(np.argmax(size.value))
    return (
        Claim("‖·‖₁ grows by at most ½", size.total(), known(norms.sum() / 2), at_most=True),
        Claim("‖·‖₂² grows by at most ¼", (size * size).total(), known((norms**2).sum() / 4), at_most=True),
        Claim("‖·‖∞ grows by at most ½", size.at((..., [largest])), known(norms.max() / 2), at_most=True),
    )


_SHIFTED = ("softmax", "log_softmax", "logsumexp", "softmax_entropy", "softmax_jacobian", "softmax_jvp", "softmax_vjp")
_PERMUTED = (
    "softmax", "log_softmax", "logsumexp", "softmax_entropy", "softmax_jacobian", "softmax_jvp", "softmax_vjp",
    "sparsemax", "entmax15",
)  # fmt: skip

TABLE: tuple[Identity, ...] = (
    *(Identity(SHIFT, f, _shift(f)) for f in _SHIFTED),
    *(Identity(PERMUTATION, f, _permutation(f)) for f in _PERMUTED),
    Identity(RANGE, "logsumexp", _range),
    Identity(LIPSCHITZ, "softmax", _lipschitz),
)
