"""Bounds for softmax, log_softmax, logsumexp, sigmoid and log_sigmoid.

**The normaliser.** ŵ_j = exp(fl(x_j - a)) has the logarithmic error ρ_j from the shift and c_e·u from exp where d_j > 0
(exp(0) = 1 is exact), so Ŝ before summation has the relative error R + c_e·u·Σ_{d_j>0} p_j; summation adds s(n)·u
(`tight`: tree, `standard`: one after another). ``standard`` also grants exp's argument the roundings of
`EXTRA_ARGUMENT_ROUNDINGS`, weighted with p: ·u·T. The sum of all this is capped at √u. An exponential below the normal
numbers is rounded to a multiple of λ, which costs the sum at most min(λ, w_j): together ``lost``, relative since S ≥ 1.
η denotes that relative error of Ŝ.

Checked by adversarial search in the tests; `tight` ≤ `standard` holds term by term, and n = 1 gives 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds.model import EXP_ERROR, LOG_ERROR, Bound, extra_argument, roundings
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


def normaliser(r: RowQuantities, fmt: Format, level: Level) -> Array:
    """η: relative error of S, at most √u; see the module's derivation."""
    eta = r.R + fmt.u * (extra_argument(fmt, level) * r.T + EXP_ERROR[fmt.name] * r.granted + roundings(r.n, level))
    return np.minimum(eta + r.lost, math.sqrt(fmt.u))


def softmax(r: RowQuantities, fmt: Format, level: Level) -> Bound:
    """exp(x - max) / Σ.

    ŵ_j: ρ_j + c_e·u [d_j > 0]; division or multiplication by the rounded reciprocal: 2u; normaliser: η; exp's result
    and the quotient may be subnormal: 2λ. ``standard`` also admits exp((x - max) - log Σ): the logarithm adds
    c_l·u·L and the difference u·(d_j + L), so (c_l + 2)·u·L and the extra roundings of the argument.
    At n = 1 every operation is exact.
    """
    if r.n == 1:
        return Bound()
    relative = {
        SHIFT: r.rho + extra_argument(fmt, level) * fmt.u * r.d,
        EXP: fmt.u * EXP_ERROR[fmt.name] * r.inexact,
        SUM: normaliser(r, fmt, level),
        DIVISION: 2 * fmt.u,
    }
    if level is Level.STANDARD:
        relative[LOG] = fmt.u * (LOG_ERROR[fmt.name] + 2) * r.L
    return Bound(relative, {SUBNORMAL: 2 * fmt.smallest_subnormal})


def log_of_sum(r: RowQuantities, fmt: Format, level: Level) -> Array:
    """|Δ log S| from the error of S: ``tight`` takes log1p of the rest, so summation weighs only q = s/S; ``standard``
    takes log of the whole sum: -log(1 - η)."""
    if level is Level.TIGHT:
        rest = r.R + r.lost + fmt.u * (EXP_ERROR[fmt.name] * r.granted + roundings(r.n, level) * r.q)
        return np.asarray(np.minimum(rest, math.sqrt(fmt.u)))
    return -np.log1p(-normaliser(r, fmt, level))


def log_softmax(r: RowQuantities, fmt: Format, level: Level) -> Bound:
    """(x - max) - log Σ, with log1p of the rest for ``tight``.

    The shift ρ_j, the error of log S, the logarithm itself c_l·u·L, and the rounding of the difference u·|log p_j|.
    ``standard`` admits the same in base 2 (extra roundings of d, 2u·L). The form x - (max + log Σ) loses u·|lse| and is
    not granted it.
    """
    if r.n == 1:
        return Bound()
    more = 2 if level is Level.STANDARD else 0
    return Bound(
        {},
        {
            SHIFT: r.rho + extra_argument(fmt, level) * fmt.u * r.d,
            SUM: log_of_sum(r, fmt, level),
            LOG: fmt.u * (LOG_ERROR[fmt.name] + more) * r.L,
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
            LOG: fmt.u * (LOG_ERROR[fmt.name] + more) * r.L,
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
    """min(x, 0) - log1p(exp(-|x|)): both parts have one sign, so relative errors carry over: (c_l + c_e + 2)·u.

    ``standard`` admits log(1 + t): the rounding of 1 + t costs u absolutely (twice with a rounded constant), and the
    argument's roundings cost 2u·|x|·t/(1 + t). Subnormal results: 2λ.
    """
    with np.errstate(under="ignore"):
        t = np.exp(-np.abs(x))
    absolute: dict[str, Any] = {SUBNORMAL: 2 * fmt.smallest_subnormal}
    if level is Level.STANDARD:
        absolute["rounding of 1 + exp"] = fmt.u * (2 + 2 * np.where(t > 0, np.abs(x), 0.0) * t / (1 + t))
    c = EXP_ERROR[fmt.name] + LOG_ERROR[fmt.name] + 2
    return Bound({"exp and log": fmt.u * c}, absolute)
