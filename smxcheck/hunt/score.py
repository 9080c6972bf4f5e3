"""From results to errors in ulp, each in its category.

**Cancelling.** Where the exact value y is a sum of terms of size t, every algorithm in the working precision that forms
them errs by about u·t, hence by t/|y| in ulp: what is measured there is the input, not the algorithm. An element is
counted apart where |y| < t/4; t is needed to a few bits only and is computed in float64:

    logsumexp            y = a + L                  t = max(|a|, L), a = max x, L = log Σ exp(x - a)
    softmax_vjp          y = p_i (g_i - Σ p g)      t = p_i (|g_i| + Σ p |g|)
    log_softmax_vjp      y = g_i - p_i Σ g          t = |g_i| + p_i Σ |g|
    softmax_entropy_grad y = -p_i (log p_i + H)     t = p_i (|log p_i| + H)

The other functions have terms of one sign, or exact forms without a difference (log_softmax, cross_entropy: the sum of
the others; cross_entropy_grad: p_y - 1 = -Σ p of the others), and all their answers count.

**No digit right**: nan; an infinity that rounding does not give; 0 where the exact value is a normal number that does not
cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.hunt.model import CANCELLING, NORMAL, SUBNORMAL
from smxcheck.hunt.question import Array, Batch
from smxcheck.judge.errors import measure, scale
from smxcheck.oracle import Enclosure

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """Certified lower bounds of the errors in ulp, and which elements are in which category."""

    error: Array
    categories: dict[str, Mask]
    wrong: Mask


def score(got: Array, exact: Enclosure, fmt: Format, cancelling: Mask | None = None) -> Scored:
    """Errors of ``got`` against the exact values of the same shape."""
    on = scale(exact, fmt)
    found = measure(got, on, fmt)
    normal = np.abs(on.value) >= 2.0 ** (fmt.precision - 1)
    infinite = np.isinf(np.asarray(got).astype(np.float64))
    apart = np.zeros(normal.shape, bool) if cancelling is None else cancelling
    wrong = (
        np.isnan(found.signed) | (infinite & (found.size > 0.5)) | ((np.asarray(got) == 0) & normal & ~apart)
    )
    categories = {
        NORMAL: normal & ~apart & ~wrong,
        SUBNORMAL: ~normal & ~apart & ~wrong,
        CANCELLING: apart & ~wrong,
    }
    with np.errstate(invalid="ignore"):
        error = np.where(wrong, 0.0, np.maximum(found.size - found.slack, 0.0))
    return Scored(error, categories, wrong)


def cancelling(function: str, batch: Batch, exact: Enclosure) -> Mask | None:
    """Which answers are small against the terms that they are the sum of; None where a function has none such."""
    formula = _TERMS.get(function)
    if formula is None:
        return None
    # Terms below the range of float64 vanish here; the answer made of them is then no normal number of any format.
    with np.errstate(under="ignore", over="ignore"):
        terms = formula(batch.x.astype(np.float64), batch.beside)
        return np.asarray(np.abs(exact.float64()) < terms / 4)


def _shares(x: Array) -> tuple[Array, Array]:
    """softmax and log_softmax, roughly."""
    gap = x - x.max(axis=1, keepdims=True)
    log = gap - np.log(np.exp(gap).sum(axis=1, keepdims=True))
    return np.asarray(np.exp(log)), np.asarray(log)


def _logsumexp_terms(x: Array, _: Any) -> Array:
    top = x.max(axis=1)
    return np.asarray(np.maximum(np.abs(top), np.log(np.exp(x - top[:, None]).sum(axis=1))))


def _softmax_vjp_terms(x: Array, g: Any) -> Array:
    p, size = _shares(x)[0], np.abs(g.astype(np.float64))
    return np.asarray(p * (size + (p * size).sum(axis=1, keepdims=True)))


def _log_softmax_vjp_terms(x: Array, g: Any) -> Array:
    size = np.abs(g.astype(np.float64))
    return np.asarray(size + _shares(x)[0] * size.sum(axis=1, keepdims=True))


def _softmax_entropy_grad_terms(x: Array, _: Any) -> Array:
    p, log = _shares(x)
    return np.asarray(p * (np.abs(log) - (p * log).sum(axis=1, keepdims=True)))


_TERMS = {
    "logsumexp": _logsumexp_terms,
    "softmax_vjp": _softmax_vjp_terms,
    "log_softmax_vjp": _log_softmax_vjp_terms,
    "softmax_entropy_grad": _softmax_entropy_grad_terms,
}
