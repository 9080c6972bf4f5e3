"""Softmax to a proven relative error, row by row: the oracle, plain mpmath, and the balls of Arb (python-flint).

How many bits they need for an error of 2^-bits (every rounding is to nearest or with its radius kept):

- mpmath: e^x (one rounding of 2^-p, as mpmath promises nearly always), the sum (``fsum`` adds exactly and rounds once,
  and passes on the terms' error), the quotient: 4·2^-p and terms of second order, so p = bits + 3.
- Arb: the running sum rounds n - 1 times, each time by at most 2^-p of a sum that is at most the last: (n + 4)·2^-p, so
  p = bits + 3 + ⌈log2 (n + 4)⌉. The radii that come out are looked at before anything is timed.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

from smxcheck.oracle import Enclosure, enclose

Array = npt.NDArray[Any]
Rows = list[list[float]]

OWN, MPMATH, ARB = "smxcheck", "mpmath", "arb"
#: How to get Arb.
INSTALL_ARB = "pip install 'smxcheck[recheck]'"


def has_arb() -> bool:
    return find_spec("flint") is not None


def mpmath_bits(bits: int) -> int:
    """The precision at which plain mpmath errs by at most 2^-bits relative."""
    return bits + 3


def arb_bits(bits: int, n: int) -> int:
    """The precision at which Arb's radius is at most 2^-bits relative, for rows of ``n``."""
    return bits + 3 + math.ceil(math.log2(n + 4))


def own_softmax(x: Array, bits: int) -> Enclosure:
    """Enclosures of softmax along the last axis."""
    return enclose("softmax", x, bits=bits)


def mpmath_softmax(rows: Rows, precision: int) -> list[list[Any]]:
    """exp of every entry, fsum, division, with ``precision`` bits; no shift, since mpmath's exponents have no end."""
    context = mpmath.MPContext()
    context.prec = precision
    exp, fsum = context.exp, context.fsum
    found = []
    for row in rows:
        weights = [exp(x) for x in row]
        total = fsum(weights)
        found.append([w / total for w in weights])
    return found


def arb_softmax(rows: Rows, precision: int) -> list[list[Any]]:
    """A ball for every entry: exp, sum, division, with ``precision`` bits."""
    from flint import arb, ctx

    before, ctx.prec = ctx.prec, precision
    try:
        found = []
        for row in rows:
            weights = [arb(x).exp() for x in row]
            total = sum(weights, arb(0))
            found.append([w / total for w in weights])
        return found
    finally:
        ctx.prec = before


def arb_error(found: list[list[Any]]) -> float:
    """The largest relative radius of the balls, as Arb tells it: 2^-(accurate bits)."""
    return max(2.0 ** -int(ball.rel_accuracy_bits()) for row in found for ball in row)


def truth(rows: Rows, bits: int) -> list[list[Any]]:
    """Softmax with an error that is nothing beside 2^-bits: plain mpmath, twice the digits."""
    return mpmath_softmax(rows, 2 * bits + 64)


def mpmath_error(found: list[list[Any]], exact: list[list[Any]]) -> float:
    """The largest relative distance from the truth."""
    pairs = (pair for rows in zip(found, exact, strict=True) for pair in zip(*rows, strict=True))
    with mpmath.workprec(64):
        return float(max(_distance(one, other) for one, other in pairs))


def enclosure_error(found: Enclosure, exact: list[list[Any]]) -> float:
    """The largest relative distance of the enclosures' centres from the truth."""
    context = mpmath.MPContext()
    context.prec = 256
    centres = [
        [context.ldexp(context.mpf(hi) + context.mpf(lo), e) for hi, lo, e in zip(*row, strict=True)]
        for row in zip(found.hi.tolist(), found.lo.tolist(), found.exponent.tolist(), strict=True)
    ]
    return mpmath_error(centres, exact)


def _distance(one: Any, exact: Any) -> Any:
    """|one - exact| / exact; the difference is exact before it is rounded."""
    return abs(mpmath.fsub(one, exact, exact=True) / exact)


def largest_bound(found: Enclosure) -> float:
    """The largest relative bound that the oracle claims."""
    return float(np.max(found.bound))
