"""Bounds for softmax, log_softmax, logsumexp, sigmoid and log_sigmoid.

**The normaliser.** ŵ_j = exp(fl(x_j - a)) is w_j times a factor whose logarithm is at most ρ_j from the shift and c_e·u
from exp where d_j > 0 (exp(0) = 1 is exact); ``standard`` also grants exp's argument the roundings of
`EXTRA_ARGUMENT_ROUNDINGS`, κ·u·d_j. An exponential below the normal numbers is rounded to a multiple of λ, which costs
the sum at most min(λ, w_j): together ``lost``, relative since S ≥ 1. Before summation the relative error of Ŝ is at most

    ε = Σ_j p_j (exp(ρ_j + (c_e [d_j > 0] + κ·d_j)·u) - 1) + lost

The exponential is kept, since ρ_j reaches ½ in bfloat16. Summation adds s(n)·u of what is summed (`tight`: tree,
`standard`: one after another; Jeannerod & Rump 2013: no terms of second order, in any order):

    η = min(ε + s(n)·u·(1 + ε), √u)

and log S moves by at most -log(1 - η), which is also the logarithm of the factor that η puts on a quotient.

Checked by adversarial search in the tests; `tight` ≤ `standard` holds term by term, and n = 1 gives 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds.model import (
    BASE_2,
    EXP_ERROR,
    LOG_ERROR,
    Bound,
    extra_argument,
    log_error,
    roundings,
)
from smxcheck.judge.bounds.rows import RowQuantities
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

SHIFT = "rounding of x - max"
EXP = "exp"
SUM = "sum of the exponentials"
LOG = "log of the sum"
DIVISION = "division"
RESULT = "rounding of the result"
SUBNORMAL = "subnormal results"


def exponentials(r: RowQuantities, fmt: Format, level: Level) -> Array:
    """ε: relative error of S before it is summed."""
    factor = r.rho + fmt.u * (EXP_ERROR[fmt.name] * r.inexact + extra_argument(fmt, level) * r.d)
    return r.mean(np.expm1(np.minimum(factor, 700.0))) + r.lost


def normaliser(r: RowQuantities, fmt: Format, level: Level) -> Array:
    """η: relative error of S, at most √u; see the module's derivation."""
    before = exponentials(r, fmt, level)
    return np.minimum(before + roundings(r.n, level) * fmt.u * (1 + before), math.sqrt(fmt.u))


def softmax(r: RowQuantities, fmt: Format, level: Level) -> Bound:
    """exp(x - max) / Σ.

    ŵ_j: ρ_j + c_e·u [d_j > 0]; division or multiplication by the rounded reciprocal: 2u; normaliser: -log(1 - η);
    exp's result and the quotient may be subnormal: 2λ. ``standard`` also admits exp((x - max) - log Σ): the logarithm
    adds c_l·u·L and the difference u·(d_j + L), so (c_l + 2)·u·L and the extra roundings of the argument.
    At n = 1 every operation is exact.
    """
    if r.n == 1:
        return Bound()
    relative = {
        SHIFT: r.rho + extra_argument(fmt, level) * fmt.u * r.d,
        EXP: fmt.u * EXP_ERROR[fmt.name] * r.inexact,
        SUM: -np.log1p(-normaliser(r, fmt, level)),
        DIVISION: 2 * fmt.u,
    }
    if level is Level.STANDARD:
        relative[LOG] = fmt.u * (LOG_ERROR[fmt.name] + 2) * r.L
    return Bound(relative, {SUBNORMAL: 2 * fmt.smallest_subnormal})


def log_of_sum(r: RowQuantities, fmt: Format, level: Level) -> Array:
    """|Δ log S| from the error of S. ``standard`` takes the log of the whole sum. ``tight`` takes log1p of the rest: one
    maximal term is replaced by 0, so that summation weighs only q = s/S, and among fewer than 8 terms, which are added
    one after another, has one rounding less."""
    if level is Level.TIGHT:
        before = exponentials(r, fmt, level)
        added = roundings(r.n, level) - (r.n < 8)
        eta = np.minimum(before + added * fmt.u * (r.q + before), math.sqrt(fmt.u))
    else:
        eta = normaliser(r, fmt, level)
    return -np.log1p(-eta)


def log_softmax(r: RowQuantities, fmt: Format, level: Level) -> Bound:
    """(x - max) - log Σ, with log1p of the rest for ``tight``.

    The shift ρ_j, the error of log S, the logarithm itself c_l·u·L, and the rounding of the difference u·|log p_j|.
    ``standard`` in float32 and float64 admits the same in base 2, (d·log2 e - log2 Σ)·ln 2: a product before and one
    after, and the two rounded constants, together `BASE_2`·u·d and 2u·L. The form x - (max + log Σ) loses u·|lse| and
    is not granted it.
    """
    if r.n == 1:
        return Bound()
    more = 2 if level is Level.STANDARD else 0
    base_2 = 0.0 if level is Level.TIGHT or fmt.is_16_bit else BASE_2
    return Bound(
        {},
        {
            SHIFT: r.rho + base_2 * fmt.u * r.d,
            SUM: log_of_sum(r, fmt, level),
            LOG: fmt.u * (log_error(fmt, level) + more) * r.L,
            RESULT: fmt.u * np.abs(r.log_p),
            SUBNORMAL: fmt.smallest_subnormal,
        },
    )


def logsumexp(r: RowQuantities, fmt: Format, level: Level) -> Bound:
    """max + log Σ, with log1p of the rest for ``tight``: as log_softmax without the shift of the entry itself.
    Shapes (R, 1)."""
    if r.n == 1:
        return Bound()
    more = 2 if level is Level.STANDARD else 0
    return Bound(
        {},
        {
            SUM: log_of_sum(r, fmt, level),
            LOG: fmt.u * (log_error(fmt, level) + more) * r.L,
            RESULT: fmt.u * np.abs(r.lse),
            SUBNORMAL: fmt.smallest_subnormal,
        },
    )


def sigmoid(x: Array, fmt: Format, level: Level) -> Bound:
    """1/(1 + t) or t/(1 + t) with t = exp(-|x|).

    exp's error c_e·u reaches the result weighted by σ(-|x|)'s share: for y = 1/(1 + exp(-x)) the logarithmic derivative
    is 1 - y. Addition, division and the last rounding: 3u. ``standard`` admits 1/(1 + exp(-x)) at either sign and exp2
    forms: 2·|x| roundings of the argument in float32 and float64. Subnormal results: 2λ.
    """
    with np.errstate(under="ignore"):
        t = np.exp(-np.abs(x))
        other = np.where(x >= 0, t, 1.0) / (1.0 + t)  # 1 - y
    argument = 0.0 if level is Level.TIGHT or fmt.is_16_bit else 2.0
    return Bound(
        {EXP: fmt.u * EXP_ERROR[fmt.name] * other, SHIFT: fmt.u * argument * np.abs(x) * other, DIVISION: 3 * fmt.u},
        {SUBNORMAL: 2 * fmt.smallest_subnormal},
    )  # fmt: skip


def log_sigmoid(x: Array, fmt: Format, level: Level) -> Bound:
    """min(x, 0) - log1p(t) with t = exp(-|x|), c = log1p(t).

    exp's error c_e·u reaches c through t: u·c_e·t/(1 + t); log1p's own: u·c_l·c; the difference for x < 0: u·(|x| + c),
    while 0 - c is exact. ``standard`` admits log(1 + t): the rounding of 1 + t costs u absolutely (twice with a rounded
    constant), and the argument's roundings cost 2u·|x|·t/(1 + t). Subnormal results: 2λ.
    """
    with np.errstate(under="ignore"):
        t = np.exp(-np.abs(x))
    c, share = np.log1p(t), t / (1 + t)
    absolute: dict[str, Any] = {
        "exp and log": fmt.u * (EXP_ERROR[fmt.name] * share + log_error(fmt, level) * c),
        RESULT: fmt.u * np.where(x < 0, np.abs(x) + c, 0.0),
        SUBNORMAL: 2 * fmt.smallest_subnormal,
    }
    if level is Level.STANDARD:
        absolute["rounding of 1 + exp"] = fmt.u * (2 + 2 * np.where(t > 0, np.abs(x), 0.0) * share)
    return Bound({}, absolute)
