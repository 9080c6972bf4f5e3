"""φ in the place of exp: by name, or a `Phi` of your own.

=========== ===================== ======================= ============================================
name        φ(z)                  φ is positive           φ is increasing
=========== ===================== ======================= ============================================
exp         e^z                   everywhere              everywhere
softplus    log(1 + e^z)          everywhere              everywhere
taylor-n    Σ_m z^m / m!, m ≤ n   everywhere, for even n  above its minimum (z = -1 for n = 2), not below
power-k     z^k                   for z > 0               for z > 0
=========== ===================== ======================= ============================================

A generalised softmax keeps the order of its inputs where φ is increasing; nothing here depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smxcheck.functions import weights
from smxcheck.functions.arrays import Array
from smxcheck.functions.weights import Weights

#: n! is exact in float64 up to here, and so are the coefficients n!/m!.
HIGHEST_ORDER = 18
_HIGHEST_POWER = 64


@dataclass(frozen=True)
class Phi:
    """A function φ > 0, increasing and differentiable, in the place of exp.

    ``function`` and ``derivative`` take and return float64 arrays of one shape, so does ``log``, which is log φ
    where that can be had without forming φ; default log(φ(z)). φ must be positive and finite on every z that it is
    given, which is checked; that it is increasing is up to you.

    >>> shifted_square = Phi("1 + z^2", lambda z: 1 + z * z, lambda z: 2 * z)
    """

    name: str
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    log: Callable[[Array], Array] | None = None


def check_order(order: int) -> None:
    """Raises ValueError for an order that is odd or outside 2 … 18."""
    if not isinstance(order, (int, np.integer)) or order % 2 or not 2 <= order <= HIGHEST_ORDER:
        raise ValueError(
            f"order {order!r}: pass an even number from 2 to {HIGHEST_ORDER}; odd orders have a zero and give negative"
            " probabilities"
        )


def weigher(phi: str | Phi) -> Callable[[Array], Weights]:
    """From rows to weights. Raises ValueError for a name that is not known; the callable, where φ breaks its
    condition."""
    if isinstance(phi, Phi):
        return lambda rows: _own(phi, rows.astype(np.float64))
    if phi == "exp":
        return weights.exponential
    if phi == "softplus":
        return weights.softplus
    kind, _, number = phi.partition("-")
    if kind == "taylor" and number.isdecimal():
        order = int(number)
        check_order(order)
        return lambda rows: weights.taylor(rows, order)
    if kind == "power" and number.isdecimal() and 1 <= int(number) <= _HIGHEST_POWER:
        return lambda rows: _power(rows, int(number))
    raise ValueError(
        f"phi {phi!r}: pass exp, softplus, taylor-n (n even, 2 to {HIGHEST_ORDER}), power-k (k from 1 to"
        f" {_HIGHEST_POWER}) or a Phi"
    )


def _power(rows: Array, exponent: int) -> Weights:
    wrong = rows <= 0
    if wrong.any():
        at = rows[wrong][0]
        raise ValueError(f"phi power-{exponent} needs z > 0, and z is {at}; shift z, or choose another phi")
    return weights.power(rows, exponent)


def _own(phi: Phi, z: Array) -> Weights:
    weight, slope = (np.asarray(f(z), np.float64) for f in (phi.function, phi.derivative))
    for what, values in (("function", weight), ("derivative", slope)):
        if values.shape != z.shape:
            raise ValueError(f"the {what} of phi {phi.name} returned shape {values.shape}; return {z.shape}")
        if not np.isfinite(values).all():
            at = z[~np.isfinite(values)][0]
            raise ValueError(f"the {what} of phi {phi.name} is not finite at z = {at}; scale z, or choose another phi")
    if not (weight > 0).all():
        at = z[~(weight > 0)][0]
        raise ValueError(f"phi {phi.name} is not positive at z = {at}; a probability needs phi > 0")
    mantissa, exponent = np.frexp(weight)
    slope_mantissa, slope_exponent = np.frexp(slope)
    exponent = exponent.astype(np.int64)
    log = None if phi.log is None else np.asarray(phi.log(z), np.float64) - exponent * np.log(2.0)
    return Weights(mantissa, slope_mantissa, exponent, slope_exponent.astype(np.int64), log)
