"""Enclosures of the generalised softmax functions and their derivatives.

Infinities have no answer: a polynomial of one is infinite, and inf/inf has no limit.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from smxcheck.oracle.families import NONE, RowFunction
from smxref import generalised as ref

Array = npt.NDArray[Any]


def no_weights(z: Array, *, eps: float) -> Array:
    """Rows of zeros with ε = 0: 0/0."""
    mask: Array = (z == 0).all(axis=1) & (eps == 0)
    return mask


def no_weight(z: Array, *, eps: float) -> Array:
    """Rows with a zero and ε = 0: the derivative of log 0."""
    mask: Array = (z == 0).any(axis=1) & (eps == 0)
    return mask


TABLE: dict[str, RowFunction] = {
    **{
        f.__name__: RowFunction(f, NONE)
        for f in (
            ref.generalized_softmax,
            ref.generalized_softmax_jacobian,
            ref.generalized_softmax_entropy,
            ref.generalized_softmax_entropy_grad,
            ref.taylor_softmax,
            ref.taylor_softmax_jacobian,
            ref.log_taylor_softmax,
            ref.log_taylor_softmax_jacobian,
            ref.soft_margin_softmax,
            ref.soft_margin_softmax_jacobian,
            ref.sm_taylor_softmax,
            ref.sm_taylor_softmax_jacobian,
        )
    },
    "spherical_softmax": RowFunction(ref.spherical_softmax, NONE, no_answer=no_weights),
    "spherical_softmax_jacobian": RowFunction(ref.spherical_softmax_jacobian, NONE, no_answer=no_weights),
    "log_spherical_softmax": RowFunction(ref.log_spherical_softmax, NONE, no_answer=no_weights),
    "log_spherical_softmax_jacobian": RowFunction(ref.log_spherical_softmax_jacobian, NONE, no_answer=no_weight),
}
