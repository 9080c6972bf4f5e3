"""Bounds of Gumbel-softmax, of its Jacobian, and of the frequencies of Gumbel-max draws.

**Gumbel-softmax.** a_i = fl(z_i + g_i) is off by u·|z_i + g_i|, and 1/τ multiplies that before it reaches exp: with noise
of size 10 and τ = 0.1 the argument is off by 100 u, whatever comes after. Every difference a_m - a_i to the largest entry
m has the errors of both, and so has the quotient by τ, which is rounded to the format itself (0.1 is no float). Entries
of one and the same sum have the same rounding, and exp(0) = 1 is exact.

    ``tight``     exp((a - max a) / τ) / Σ, tree summation
    ``standard``  also exp(x - max x) / Σ and exp((x - max x) - log Σ) with x = a / τ, where |x| is rounded, too

**Gumbel-max.** A class of probability p is drawn N·f times of N. By Bernstein's inequality (Boucheron, Lugosi & Massart,
Concentration Inequalities, 2013, section 2.8) both f - p and p - f exceed

    t = L/(3N) + √((L/(3N))² + 2 p(1 - p) L/N)        with probability at most exp(-L) each.

With L = log(2·K / `FALSE_ALARM`) for K probabilities on one input, a right sampler fails on it with probability at most
`FALSE_ALARM`. A class of probability 0 is never drawn: t = 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import KEYWORD_DEFAULTS
from smxcheck.dtypes import Format
from smxcheck.judge.bounds import adaptive, sparse
from smxcheck.judge.bounds.families import RowsBound
from smxcheck.judge.bounds.model import Bound, extra_argument
from smxcheck.judge.bounds.rows import row_quantities
from smxcheck.judge.bounds.running import ARITHMETIC, Computed, exact, larger
from smxcheck.judge.bounds.sums import others
from smxcheck.judge.result import Level
from smxcheck.oracle.rows import exact_float64

Array = npt.NDArray[Any]

NOISE = "rounding of z + g"
#: How often a right sampler fails on one input, at most.
FALSE_ALARM = 1e-9


def temperature(tau: float, fmt: Format, level: Level) -> Computed:
    """τ as the format holds it."""
    with np.errstate(over="ignore", under="ignore"):
        held = float(np.float64(tau).astype(fmt.numpy()))
    return Computed(np.array(tau), {ARITHMETIC: np.array(abs(held - tau))}, fmt, level)


def gumbel_softmax(
    z: Array, g: Array, *, tau: float, hard: bool = False, fmt: Format, level: Level
) -> Computed:
    """The forms of the module's first part; with ``hard``, and for a single entry, every operation is exact."""
    argument, absent = _centred(z, g, tau, fmt, level)
    nothing = exact(np.zeros(absent.shape), fmt, level)
    out = _divided(_weights(argument, absent))
    if hard or z.shape[1] == 1:
        return exact(out.value, fmt, level)
    if level is Level.STANDARD:
        argument, absent = _quotients(z, g, tau, fmt, level)
        weights = _weights(argument, absent)
        logarithm = nothing.where(absent, (argument - weights.total().log()).exp())
        out = larger(larger(out, _divided(weights)), logarithm)
    return out


def _gaps(z: Array, g: Array) -> tuple[Array, Array, Array]:
    """max a - a for a = z + g, the sum of the sizes of both, and which entries are absent; those have gap 0 here."""
    total = z + g
    largest = total.max(axis=1, keepdims=True)
    absent = total == -np.inf
    total = np.where(absent, largest, total)
    return largest - total, np.where(total == largest, 0.0, np.abs(total) + np.abs(largest)), absent


def _centred(z: Array, g: Array, tau: float, fmt: Format, level: Level) -> tuple[Computed, Array]:
    """(a - max a) / τ, and which entries are absent."""
    gap, size, absent = _gaps(z, g)
    difference = Computed(gap, {NOISE: fmt.u * size, ARITHMETIC: fmt.u * gap}, fmt, level)
    return -(difference / temperature(tau, fmt, level)), absent


def _quotients(z: Array, g: Array, tau: float, fmt: Format, level: Level) -> tuple[Computed, Array]:
    """x - max x with x = a / τ, and with what ``standard`` grants the argument of exp beside; and which are absent."""
    gap, size, absent = _gaps(z, g)
    quotient = Computed(gap, {NOISE: fmt.u * size}, fmt, level) / temperature(tau, fmt, level)
    own = fmt.u * size / tau + extra_argument(fmt, level) * fmt.u * quotient.value
    errors = {**quotient.errors, ARITHMETIC: quotient.errors[ARITHMETIC] + own}
    return -Computed(quotient.value, errors, fmt, level), absent


def _weights(argument: Computed, absent: Array) -> Computed:
    """exp of arguments ≤ 0; exp(0) = 1 and exp(-inf) = 0 are exact."""
    plain = exact(np.where(absent, 0.0, 1.0), argument.fmt, argument.level)
    return plain.where(argument.value == 0, argument.exp())


def _divided(weights: Computed) -> Computed:
    """w / Σ w."""
    return weights / weights.total()


def gumbel_softmax_jacobian(z: Array, g: Array, *, tau: float, fmt: Format, level: Level) -> Computed:
    """y_i (δ_ij - y_j) / τ: ``tight`` with y_i Σ_{k≠i} y_k on the diagonal, ``standard`` also with y - y² and y (1 - y).

    The last two have the error e of y twice, with opposite signs: together e·|1 - 2y| + e², and u·(y² + y) for their
    roundings."""
    y = gumbel_softmax(z, g, tau=tau, fmt=fmt, level=level)
    row, column = y.at((slice(None), slice(None), None)), y.at((slice(None), None, slice(None)))
    eye = np.eye(z.shape[1], dtype=bool)[None]
    diagonal = y * others(y)
    if level is Level.STANDARD and z.shape[1] > 1:
        factor = np.abs(1 - 2 * y.value) + y.error
        errors = {cause: e * factor for cause, e in y.errors.items()}
        errors[ARITHMETIC] = errors[ARITHMETIC] + fmt.u * (y.value**2 + y.value)
        diagonal = larger(diagonal, Computed(diagonal.value, errors, fmt, level))
    return diagonal.at((slice(None), slice(None), None)).where(eye, -(row * column)) / temperature(tau, fmt, level)


def frequencies(logits: Any, keywords: Mapping[str, Any], fmt: Format) -> Bound:
    """t of the module's second part for each class of each row, (…, n); the same at every level."""
    x = exact_float64(logits)
    rows = x.reshape(-1, x.shape[-1])
    bad = ~(np.isfinite(rows) | (rows == -np.inf)).all(axis=1) | (rows == -np.inf).all(axis=1)
    p = row_quantities(np.where(bad[:, None], 0.0, rows), fmt).p.reshape(x.shape)
    count = keywords.get("draws", KEYWORD_DEFAULTS["draws"])
    share = math.log(2 * p.size / FALSE_ALARM) / count
    allowed = share / 3 + np.sqrt((share / 3) ** 2 + 2 * p * (1 - p) * share)
    return Bound({}, {"chance": np.where(x == -np.inf, 0.0, allowed)})


TABLE: dict[str, RowsBound] = {
    **sparse.TABLE,
    **adaptive.TABLE,
    "gumbel_softmax": RowsBound(gumbel_softmax),
    "gumbel_softmax_jacobian": RowsBound(gumbel_softmax_jacobian),
}
