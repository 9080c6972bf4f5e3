"""Integrals, in arbitrary precision: mpmath's tanh-sinh quadrature, with an estimate of its error that must be small.

With an infinite end mpmath samples the integrand so far out that exp(exp(x)) has no value, and may miss a peak elsewhere.
So the peak is looked for first, and an infinite end cut where the integrand is negligible beside it; mpmath's own way is
left for what falls off slowly, as 1/(1 + x^2), or has no value at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mpmath import MPContext

Integrand = Callable[[Any], Any]

#: Steps of the search for a peak, which begins at the highest of 0 and the numbers up to 2^16 from it.
_STEPS, _SCAN = 200, 17

#: An end is cut within 2^40 of the peak or not at all: 1/x^2, negligible at 10^25, would lose 10^-25 there.
_CUTS = 40

#: An integrand that falls off slowly must be far below 1/x here.
_FAR = 2**150

_NO_END = "an integral without end, whose integrand does not fall off"


class NotIntegrable(ArithmeticError):
    """The integral has no value, or none that quadrature finds with enough digits."""


class _Flat(NotIntegrable):
    """No place was found where the integrand is not 0: a peak may be elsewhere."""


def integrate(integrand: Integrand, low: Any, high: Any, context: MPContext) -> Any:
    """The integral from ``low`` to ``high``, either of which may be infinite, in three quarters of the digits.

    Raises NotIntegrable, and whatever the integrand raises.
    """
    if high < low:
        return -integrate(integrand, high, low, context)
    if not (context.isinf(low) or context.isinf(high)):
        return _quadrature(integrand, [low, high], context)
    try:
        return _quadrature(integrand, _around_the_peak(integrand, low, high, context), context)
    except _Flat:
        raise
    except ArithmeticError:
        for end in (low, high):
            if context.isinf(end) and abs(_FAR * integrand(context.sign(end) * _FAR)) > context.mpf(2) ** -50:
                raise NotIntegrable(_NO_END) from None
        return _quadrature(integrand, [low, high], context)


def _quadrature(integrand: Integrand, ends: Sequence[Any], context: MPContext) -> Any:
    value, error = context.quad(integrand, ends, error=True)
    if not error <= context.mpf(10) ** -(context.dps * 3 // 4) * max(1, abs(value)):
        raise NotIntegrable("an integral that cannot be evaluated exactly enough")
    return value


def _around_the_peak(integrand: Integrand, low: Any, high: Any, context: MPContext) -> list[Any]:
    """The finite ends, the peak, and points beyond which the integrand adds nothing to these digits."""
    peak = _peak(integrand, low, high, context)
    if not integrand(peak):
        raise _Flat("an integral whose integrand is 0 wherever it was looked at")
    negligible = abs(integrand(peak)) * context.mpf(10) ** -(context.dps + 10)
    first = _beyond(integrand, peak, -1, negligible) if context.isinf(low) else low
    last = _beyond(integrand, peak, 1, negligible) if context.isinf(high) else high
    return sorted({first, peak, last})


def _peak(integrand: Integrand, low: Any, high: Any, context: MPContext) -> Any:
    """Uphill from the highest of 0, 1, -1, 2, -2, 4 …, with steps that double while they lead up, and are halved else."""
    heights: dict[Any, Any] = {}

    def height(x: Any) -> Any:
        if x not in heights:
            heights[x] = abs(integrand(x))
        return heights[x]

    def highest(*candidates: Any) -> Any:
        return max((min(max(x, low), high) for x in candidates), key=height)

    at, step = highest(context.zero, *(side * context.mpf(2) ** k for k in range(_SCAN) for side in (1, -1))), context.one
    for _ in range(_STEPS):
        best = highest(at, at + step, at - step)
        if best == at and step < 0.5:
            return at
        at, step = best, (step / 2 if best == at else step * 2)
    raise NotIntegrable(_NO_END)


def _beyond(integrand: Integrand, peak: Any, side: int, negligible: Any) -> Any:
    """The first of the distances 1, 2, 4, … from the peak at which the integrand is negligible."""
    for doubled in range(_CUTS):
        end = peak + side * 2**doubled
        if abs(integrand(end)) <= negligible:
            return end
    raise NotIntegrable(_NO_END)
