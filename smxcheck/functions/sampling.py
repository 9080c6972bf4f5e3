"""Gumbel-softmax with its noise given, its Jacobian, and Gumbel-max sampling."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, as_real, common_dtype, rounded
from smxcheck.functions.rows import quiet
from smxcheck.functions.softmax_derivatives import softmax_jacobian

#: Draws are made in blocks of about so many uniform numbers.
_BLOCK = 1 << 20
#: Bits of a uniform number: (k + 1/2)·2^-52 with 0 ≤ k < 2^52 is exact, and neither 0 nor 1.
_UNIFORM_BITS = 52


def gumbel_softmax(logits: ArrayLike, noise: ArrayLike, tau: float = 1.0, hard: bool = False) -> Array:
    """softmax((z + g) / τ) along the last axis, the noise g as given: a relaxed sample from softmax(z).

    With ``hard`` the first of the largest z + g gets 1 and all others 0. The maximum is taken off before the division, so
    that a small τ overflows nothing. An entry with z + g = -inf gets 0; a row in which z + g is nan, +inf or -inf
    everywhere gives nan.

    logits and noise have one shape, and the result has it, too; its dtype is the common one of both. Raises ValueError
    for two shapes and for a τ that is not positive and finite, TypeError for what is not real. Sources: Jang, Gu & Poole,
    "Categorical reparameterization with Gumbel-softmax"; Maddison, Mnih & Teh, "The concrete distribution", ICLR 2017.
    """
    argument, dtype = _argument(logits, noise, tau)
    rows = argument.reshape(-1, argument.shape[-1]) if argument.ndim else argument.reshape(1, 1)
    if rows.size == 0:
        return np.empty(argument.shape, dtype)
    y = _one_hot(rows) if hard else quiet(shift.probabilities)(rows)
    result: Array = rounded(y, dtype).reshape(argument.shape)[()]
    return result


def gumbel_softmax_jacobian(logits: ArrayLike, noise: ArrayLike, tau: float = 1.0) -> Array:
    """∂y_i/∂z_j = y_i (δ_ij - y_j) / τ of y = softmax((z + g) / τ), along the last axis.

    Arrays of shape (…, n) give (…, n, n), the last axis holding the variable. A number counts as a row of one. dtype and
    errors as for `gumbel_softmax`; its derivative by the noise is the same.
    """
    argument, dtype = _argument(logits, noise, tau)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return rounded(np.asarray(softmax_jacobian(argument) / tau), dtype)


def gumbel_max_sample(logits: ArrayLike, draws: int = 10_000, seed: int = 0) -> Array:
    """Class indices drawn from softmax(z): argmax_i (z_i + g_i) with g_i = -log(-log u_i), u_i uniform in (0, 1).

    Logits of shape (…, n) give int64 of shape (…, draws), the draws independent of each other. The interval is open: u is
    an odd multiple of 2^-53, so that g lies in [-3.61, 36.8] and is never infinite. A class of -inf is never drawn. The
    same seed gives the same draws. Raises ValueError where the last axis is empty, a row holds nan, +inf or nothing but
    -inf, or ``draws`` is negative; TypeError for what is not real. Sources: Yellott, J. Math. Psychology 15, 1977;
    Maddison, Tarlow & Minka, "A* sampling", NeurIPS 2014.
    """
    x = as_real(logits, "logits").astype(np.float64)
    count = operator.index(draws)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError("gumbel_max_sample needs at least one class along the last axis")
    if count < 0:
        raise ValueError(f"draws must not be negative, and is {count}")
    if not (np.isfinite(x) | (x == -np.inf)).all() or (x == -np.inf).all(axis=-1).any():
        raise ValueError("every row of logits needs a number and no nan or +inf: the others have no distribution")
    generator = np.random.default_rng(seed)
    rows = x.reshape(-1, x.shape[-1])
    out = np.empty((len(rows), count), np.int64)
    step = max(1, _BLOCK // x.shape[-1])
    for row, drawn in zip(rows, out, strict=True):
        for start in range(0, count, step):
            some = drawn[start : start + step]
            some[:] = np.argmax(row + _gumbel(generator, (len(some), len(row))), axis=-1)
    return out.reshape((*x.shape[:-1], count))


def _gumbel(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    """-log(-log u), u an odd multiple of 2^-53 in (0, 1)."""
    u = (generator.integers(0, 1 << _UNIFORM_BITS, shape) + 0.5) * 2.0**-_UNIFORM_BITS
    return np.asarray(-np.log(-np.log(u)))


def _argument(logits: ArrayLike, noise: ArrayLike, tau: float) -> tuple[Array, np.dtype]:
    """((z + g) - max) / τ in float64, nan throughout a row without an answer, and the dtype of the result."""
    z, g = as_real(logits, "logits"), as_real(noise, "noise")
    if z.shape != g.shape:
        raise ValueError(f"logits have shape {z.shape} and noise {g.shape}; pass two arrays of one shape")
    if not 0 < tau < math.inf:
        raise ValueError(f"tau must be positive and finite, and is {tau}")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        total = z.astype(np.float64) + g.astype(np.float64)
        if total.size:
            total = (total - total.max(axis=-1 if total.ndim else None, keepdims=True)) / tau
    return total, common_dtype((z, g))


def _one_hot(rows: Array) -> Array:
    out = np.zeros(rows.shape)
    out[np.arange(len(rows)), rows.argmax(axis=-1)] = 1.0
    out[np.isnan(rows).any(axis=-1)] = np.nan
    return out


def _only(call: Callable[..., Array], summary: str) -> dict[str, Algorithm]:
    return table(Algorithm("accurate", call, "tight", summary))


TABLE: dict[str, dict[str, Algorithm]] = {
    "gumbel_softmax": _only(gumbel_softmax, "softmax of ((z + g) - max)/τ"),
    "gumbel_softmax_jacobian": _only(gumbel_softmax_jacobian, "the Jacobian of softmax at ((z + g) - max)/τ, over τ"),
    "gumbel_max_sample": _only(gumbel_max_sample, "argmax of z + g, u in the open interval"),
}
