"""The derivative of a black box along a direction, by central differences that know their own error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.derivatives.estimate import Estimate
from smxcheck.derivatives.noise import UNKNOWN_ULPS, Noise, ulps
from smxcheck.derivatives.richardson import extrapolate
from smxcheck.derivatives.stencil import Stencil, rounded_sum, stencil
from smxcheck.dtypes import FORMATS, Format

Array = npt.NDArray[Any]
Function = Callable[[Array], Array]

#: The imaginary step: its square is below any relative precision, and the products h·v are far from underflow.
_IMAGINARY = 2.0**-60
#: What the imaginary part of a value is granted, in units of noise·max|v|: every operation rounds the derivative
#: part as it rounds the value, and a product or quotient has two derivative terms for one of the value.
_COMPLEX_FACTOR = 8.0
#: A slope measured beside the points is granted to be half of what it is between them.
_SLOPE_SAFETY = 2.0


def directional_derivative(
    f: Function, x: Array, v: Array, *, noise: Noise | None = None, scale: float = 1.0, analytic: bool = False
) -> Estimate:
    """Σ_j v_j ∂f/∂x_j at x, as a value and a bound on its error for each element of f(x).

    f takes an array of the shape and dtype of x (float16, bfloat16, float32, float64) and returns one of any shape.
    ``noise`` bounds the error of its values: `standard_noise` for a function of the catalog, else `ulps`; by default 4
    ulp of the value. ``scale`` is the length over which f changes: 1 for functions of exp, the smallest entry for
    logarithms of x. The error is the truncation that successive extrapolates show, plus what the noise and the rounding
    of the points can do. With ``analytic``, f is also called with complex numbers, and its complex-step derivative is
    taken where that has the smaller error and agrees with the differences.

    The result is float64. Raises ValueError where v is 0, KeyError for another dtype, and what f raises.
    """
    fmt = FORMATS[str(x.dtype)]
    noise = noise or ulps(UNKNOWN_ULPS, fmt)
    points = stencil(x, v, fmt, scale)
    up, down = ([np.asarray(f(p)) for p in side] for side in (points.up, points.down))
    errors = [
        (noise(a, fa), noise(b, fb)) for a, fa, b, fb in zip(points.up, up, points.down, down, strict=True)
    ]
    moved = _moved(f, x, points, fmt, noise, scale)
    found = differences(points.steps, np.stack(up), np.stack(down), np.array([a + b for a, b in errors]) + moved)
    return _with_complex_step(found, f, x, v, noise) if analytic else found


def differences(steps: Array, up: Array, down: Array, noise: Array) -> Estimate:
    """From values (K, …) at the points of a stencil; ``noise`` is the sum of both their errors."""
    width = 2 * steps.reshape(-1, *[1] * (up.ndim - 1))
    with np.errstate(invalid="ignore", over="ignore"):
        central = (up.astype(np.float64) - down.astype(np.float64)) / width
    return extrapolate(central, noise / width)


def _moved(f: Function, x: Array, points: Stencil, fmt: Format, noise: Noise, scale: float) -> Array:
    """What f changes by because rounding moved the points: Σ_j |∂f/∂x_j|·moved_j for each step.

    Costs two calls for each entry of x that was moved; none where all points are exact.
    """
    middle = np.asarray(f(x))
    total = np.zeros((len(points.steps), *middle.shape))
    flat = points.moved.reshape(len(points.steps), -1)
    for j in np.flatnonzero(flat.any(axis=0)):
        slope = _slope(f, x, middle, int(j), fmt, noise, scale)
        with np.errstate(invalid="ignore"):
            charge = flat[:, j].reshape(-1, *[1] * middle.ndim) * slope
        total += np.where(np.isnan(charge), 0.0, charge)  # 0·inf: not moved
    return total


def _slope(f: Function, x: Array, middle: Array, j: int, fmt: Format, noise: Noise, scale: float) -> Array:
    """A bound on |∂f/∂x_j| near x, from a step to either side: part of the scale, or an ulp of x where that is more."""
    size = abs(float(x.reshape(-1)[j]))
    h = max(scale * 2.0**-3, 2.0 ** np.ceil(np.log2(max(size, 1e-300))) * 2 * fmt.u)
    largest = np.zeros(middle.shape)
    for side in (h, -h):
        step = np.zeros(x.size)
        step[j] = side
        at = rounded_sum(x.astype(np.float64), step.reshape(x.shape), fmt)[0]
        value = np.asarray(f(at))
        with np.errstate(invalid="ignore"):
            change = np.abs(value.astype(np.float64) - middle.astype(np.float64)) + noise(at, value) + noise(x, middle)
        largest = np.fmax(largest, change / h)
    return _SLOPE_SAFETY * largest


def _with_complex_step(found: Estimate, f: Function, x: Array, v: Array, noise: Noise) -> Estimate:
    """The complex-step derivative Im f(x + ihv)/h where it can be had, is better and agrees; else the differences.

    A function that takes |x| or compares is not analytic and gives something else, which the differences refute.
    """
    if x.dtype not in (np.float32, np.float64):
        return found
    step = (1j * _IMAGINARY * np.asarray(v, np.float64)).astype(np.result_type(x.dtype, np.complex64))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            value = np.asarray(f(x + step))
    except (TypeError, ValueError, np.exceptions.ComplexWarning):
        return found  # f does not take complex numbers
    if value.dtype.kind != "c" or value.shape != found.value.shape:
        return found
    real = np.asarray(value.real, x.dtype)
    # Where the value is tiny, its imaginary part, 2^-60 of it, is subnormal: rounded to multiples of the smallest one.
    flushed = float(np.finfo(x.dtype).smallest_subnormal) / _IMAGINARY
    error = _COMPLEX_FACTOR * (noise(x, real) * float(np.max(np.abs(v))) + flushed)
    step_value = Estimate(value.imag.astype(np.float64) / _IMAGINARY, np.where(np.isfinite(value), error, np.inf))
    better = found.better(step_value)
    keep = found.agrees(step_value)
    return Estimate(np.where(keep, better.value, found.value), np.where(keep, better.error, found.error))
