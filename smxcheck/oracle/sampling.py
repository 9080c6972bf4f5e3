"""Enclosures of Gumbel-softmax, the sparse maps and adaptive softmax; what Gumbel-max must draw.

z + g decides about infinities: a sum of -inf makes a class absent, whichever of the two is infinite; one sum of +inf has
the limit of softmax (or nan, as IEEE arithmetic gives it), several have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.core import expect_rowwise
from smxcheck.oracle.enclosure import Enclosure, Expected
from smxcheck.oracle.families import RowFunction, expect_rows
from smxcheck.oracle.rows import exact_float64
from smxcheck.oracle.tiers import RELATIVE_BITS
from smxref import adaptive, gumbel, sparse

Array = npt.NDArray[Any]


def absent_noise(logits: Any, noise: Any) -> tuple[Array, Array]:
    """Logits and noise with every infinity of their sum in the logits alone. Where +inf meets -inf there is no sum, and the
    noise alone is infinite."""
    z, g = exact_float64(logits), exact_float64(noise)
    with np.errstate(invalid="ignore", over="ignore"):
        total = z + g
    summed = (np.isinf(z) | np.isinf(g)) & np.isinf(total)
    none = np.isinf(z) & np.isinf(g) & np.isnan(total)
    return np.where(summed, total, np.where(none, 0.0, z)), np.where(summed, 0.0, np.where(none, np.inf, g))


def expect_gumbel(
    function: str, logits: Any, noise: Any, keywords: Mapping[str, Any], bits: int
) -> Expected:
    """What is right for ``gumbel_softmax`` and its Jacobian."""
    z, g = absent_noise(logits, noise)
    base = expect_rows(function, (z, g), keywords, bits)
    return _with_limits(base, z, g) if function == "gumbel_softmax" and (z == np.inf).any() else base


def _with_limits(base: Expected, z: Array, g: Array) -> Expected:
    """``base`` with the limits of rows that hold +inf: those of softmax, whatever the temperature."""

    def in_all(mask: Array) -> Array:
        return np.broadcast_to(mask.all(axis=-1, keepdims=True), mask.shape)

    decided = in_all(np.isfinite(g) & ~np.isnan(z)) & ~in_all(z != np.inf)
    limits = expect_rowwise("softmax", np.where(decided, z, 0.0), -1, RELATIVE_BITS)
    parts = (
        np.where(decided, getattr(limits.enclosure, name), getattr(base.enclosure, name))
        for name in ("hi", "lo", "exponent", "bound")
    )
    choices = {name: mask & ~decided for name, mask in base.choices.items()}
    for name, mask in limits.choices.items():
        choices[name] = choices.get(name, np.zeros_like(mask)) | (mask & decided)
    kept = {name: mask for name, mask in choices.items() if mask.any()}
    return Expected(np.where(decided, limits.kind, base.kind), Enclosure(*parts), kept)


def expect_draws(logits: Any, bits: int) -> Expected:
    """The distribution that the draws of ``gumbel_max_sample`` must have: softmax along the last axis, (…, n)."""
    return expect_rowwise("softmax", logits, -1, bits)


TABLE: dict[str, RowFunction] = {
    "sparsemax": RowFunction(sparse.sparsemax),
    "sparsemax_jacobian": RowFunction(sparse.sparsemax_jacobian),
    "entmax15": RowFunction(sparse.entmax15),
    "entmax15_jacobian": RowFunction(sparse.entmax15_jacobian),
    "gumbel_softmax": RowFunction(gumbel.gumbel_softmax),
    "gumbel_softmax_jacobian": RowFunction(gumbel.gumbel_softmax_jacobian),
    "adaptive_log_softmax": RowFunction(adaptive.adaptive_log_softmax),
    "adaptive_log_softmax_jacobian": RowFunction(adaptive.adaptive_log_softmax_jacobian),
}
