"""Identities between functions: derivatives that are functions again, losses made of others, two classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.identities.model import Ask, Claim, Identity, inner, known, laid, moved

Array = npt.NDArray[Any]

EQUAL, LOSS_GRADIENT, TWO_CLASSES, DECOMPOSITION, EXPANSION = "SMX606", "SMX607", "SMX610", "SMX611", "SMX613"


def _equal(function: str, other: str) -> Callable[..., tuple[Claim, ...]]:
    def claims(ask: Ask, *arguments: Array, **keywords: Any) -> tuple[Claim, ...]:
        return (Claim(f"equal to {other}", ask(function, *arguments, **keywords), ask(other, *arguments, **keywords)),)

    return claims


def _log_sigmoid_grad(ask: Ask, x: Array) -> tuple[Claim, ...]:
    return (Claim("equal to sigmoid(-x)", ask("log_sigmoid_grad", x), ask("sigmoid", -x)),)


def _binary_hessian(ask: Ask, x: Array, y: Array) -> tuple[Claim, ...]:
    found = ask("binary_cross_entropy_with_logits_hessian", x, y)
    return (Claim("equal to sigmoid_grad(x)", found, ask("sigmoid_grad", x)),)


def _loss_gradient(ask: Ask, logits: Array, labels: Array) -> tuple[Claim, ...]:
    p = ask("softmax", logits)
    if labels.dtype.kind in "iu":
        y = (np.arange(logits.shape[-1]) == labels[..., None]).astype(np.float64)
    else:
        y = labels.astype(np.float64)
    rows = float(np.prod(logits.shape[:-1]))
    right = (p * known(y.sum(axis=-1, keepdims=True)) - known(y)) / known(rows)
    size = (p.value + np.abs(y)) / rows
    return (Claim("equal to (softmax(z)·Σy - y)/m", ask("cross_entropy_grad", logits, labels), right, size=size),)


def _two_classes(ask: Ask, x: Array) -> tuple[Claim, ...]:
    p = ask("softmax", np.stack([x, np.zeros_like(x)], axis=-1))
    first, second = laid(p, lambda a: a[..., 0]), laid(p, lambda a: a[..., 1])
    return (
        Claim("sigmoid(x) is the first entry of softmax((x, 0))", ask("sigmoid", x), first),
        Claim("sigmoid(-x) is the second entry of softmax((x, 0))", ask("sigmoid", -x), second),
    )


def _decomposition(ask: Ask, p: Array, q: Array, **keywords: Any) -> tuple[Claim, ...]:
    whole = ask("distribution_cross_entropy", p, q, **keywords)
    parts = ask("entropy", p, **keywords) + ask("kl_divergence", p, q, **keywords)
    return (Claim("equal to entropy(p) + kl_divergence(p, q)", whole, parts),)


def _expansion(ask: Ask, z: Array) -> tuple[Claim, ...]:
    """H(z + Δ) = H + gᵀΔ + ½ ΔᵀHΔ + R.

    Along a line the derivatives of H(z + tΔ) are joint cumulants under p: H' = -κ(Δ, z), and every further derivative
    adds one Δ, and a cumulant of the Δ alone since z moves too: H''' = -κ(Δ,Δ,Δ,z) - 2κ(Δ,Δ,Δ). With |Δ| ≤ δ and
    logits in a range of ρ, centred Δ and z are at most 2δ and ρ, with standard deviations of at most δ and ρ/2
    (Popoviciu), so |κ(Δ,Δ,Δ)| ≤ 2δ³ and |κ(Δ,Δ,Δ,z)| ≤ (2 + 3/2)δ³ρ. So |R| ≤ δ³·(3.5·(ρ + 2δ) + 4)/6.
    """
    delta = 2.0**-6 if z.dtype == np.float32 else 2.0**-12
    spread = float(np.ptp(z.astype(np.float64)))
    remainder = delta**3 * (3.5 * (spread + 2 * delta) + 4) / 6
    start, gradient = ask("softmax_entropy", z), ask("softmax_entropy_grad", z)
    hessian = ask("softmax_entropy_hessian", z)
    claims = []
    for signs in _DIRECTIONS:
        step = np.resize(signs, z.shape[-1]) * delta
        quadratic = inner(inner(hessian, step), step).scaled(0.5)
        gap = ask("softmax_entropy", moved(z, step)) - (start + inner(gradient, step) + quadratic)
        size = np.abs(quadratic.value) - remainder
        text = "the second-order expansion of softmax_entropy leaves a remainder of third order"
        claims += [Claim(text, side, known(remainder), at_most=True, size=size) for side in (gap, -gap)]
    return tuple(claims)


#: Signs of the steps along which an entropy is expanded.
_DIRECTIONS = ((1.0, 1.0, -1.0, -1.0), (1.0, -1.0, -1.0, 1.0))

TABLE: tuple[Identity, ...] = (
    Identity(EQUAL, "logsumexp_grad", _equal("logsumexp_grad", "softmax"), ("softmax",)),
    Identity(EQUAL, "logsumexp_hessian", _equal("logsumexp_hessian", "softmax_jacobian"), ("softmax_jacobian",)),
    Identity(EQUAL, "softmax_jvp", _equal("softmax_jvp", "softmax_vjp"), ("softmax_vjp",)),
    Identity(EQUAL, "log_sigmoid_grad", _log_sigmoid_grad, ("sigmoid",)),
    Identity(EQUAL, "binary_cross_entropy_with_logits_hessian", _binary_hessian, ("sigmoid_grad",)),
    Identity(LOSS_GRADIENT, "cross_entropy_grad", _loss_gradient, ("softmax",)),
    Identity(TWO_CLASSES, "sigmoid", _two_classes, ("softmax",)),
    Identity(DECOMPOSITION, "distribution_cross_entropy", _decomposition, ("entropy", "kl_divergence")),
    Identity(EXPANSION, "softmax_entropy_hessian", _expansion, ("softmax_entropy", "softmax_entropy_grad")),
)
