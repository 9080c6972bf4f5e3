"""Derivatives of plain mpmath functions by differences in high precision, to hold closed forms against.

Central differences with h = 10^-40 in 200 digits: the truncation is h²·|f'''|/6 ~ 1e-81, the cancellation 1e-200/h =
1e-160 (1e-120 for second differences), relative to functions of order 1 far more than the 30 digits that are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath

from smxref import Ball

DIGITS = 200
H = mpmath.mpf(10) ** -40
#: What a closed form must agree to.
AGREEMENT = mpmath.mpf(10) ** -30

Vector = list[Any]
Function = Callable[[Vector], Vector]


def exact(x: Sequence[float]) -> Vector:
    return [mpmath.mpf(v) for v in x]


def moved(x: Vector, *steps: tuple[int, Any]) -> Vector:
    out = list(x)
    for place, step in steps:
        out[place] += step
    return out


def first(f: Function, x: Sequence[float], j: int) -> Vector:
    """∂f_i/∂x_j for every i."""
    with mpmath.workdps(DIGITS):
        at = exact(x)
        up, down = f(moved(at, (j, H))), f(moved(at, (j, -H)))
        return [(a - b) / (2 * H) for a, b in zip(up, down, strict=True)]


def second(f: Function, x: Sequence[float], j: int, k: int) -> Vector:
    """∂²f_i/∂x_j∂x_k for every i: four corners, or three points on one axis."""
    with mpmath.workdps(DIGITS):
        at = exact(x)
        if j == k:
            up, middle, down = f(moved(at, (j, H))), f(at), f(moved(at, (j, -H)))
            return [(a - 2 * b + c) / H**2 for a, b, c in zip(up, middle, down, strict=True)]
        corners = [f(moved(at, (j, s * H), (k, t * H))) for s in (1, -1) for t in (1, -1)]
        return [(a - b - c + d) / (4 * H**2) for a, b, c, d in zip(*corners, strict=True)]


def agrees(ball: Ball, value: Any, scale: Any = 1) -> bool:
    """Whether a closed form and a difference agree to 30 digits, relative to the larger of the value and ``scale``·1e-30.

    ``scale`` is the size of the terms that cancel in an answer that is (nearly) 0.
    """
    with mpmath.workdps(DIGITS):
        limit = AGREEMENT * max(abs(mpmath.mpf(value)), AGREEMENT * abs(mpmath.mpf(scale)))
        return bool(abs(mpmath.mpf(ball.value) - value) <= limit + mpmath.mpf(ball.error))
