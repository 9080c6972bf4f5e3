"""Bounds by running error analysis: an algorithm is written down once, and its roundings are added up as it runs.

A `Computed` is a number of the algorithm: its exact value, and a bound on the error that the algorithm has made until
there, split by cause. Every operation propagates the errors of its operands as below and adds its own rounding:
u·|result| for +, -, ·, /, and what `smxcheck.judge.bounds.model` grants to exp, log, log1p; products, quotients and
exponentials can also be subnormal and lose `lost` (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
section 3.3).

=========== ================================== ==========================================================
x ± y       a + b                              + u·|x ± y| (additions lose nothing to underflow)
x · y       |x|·b + |y|·a + a·b                + u·|xy| + lost
x / y       (a + |x/y|·b) / (|y| - b)          + u·|x/y| + lost; b is cut to |y|/2
exp x       e^x·(e^a - 1)                      + c_e·u·e^x + lost
log y       b / (|y| - b)                      + c_l·u·|log y|
Σ x_j       Σ a_j                              + s·Σ|x_j|, s = `summation(n)`
=========== ================================== ==========================================================

The bound of a function is so the error of its last number; nothing is fitted, and nothing but the named algorithm is
counted. Values are formed in float64. What that loses is u(float64) times the terms that the first-order errors above
already hold u(fmt) times, and is covered by the bound's evaluation slack for the narrow formats; for float64 itself it
changes a bound of k·u by terms of order u².
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds.model import EXP_ERROR, Bound, log_error, summation
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

#: The cause of a rounding that is not named otherwise: the operations after the probabilities.
ARITHMETIC = "rounding of the arithmetic"
SUBNORMAL = "loss to subnormal numbers"
SUMMATION = "sum"
EXPONENTIAL = "exp"
LOGARITHM = "log"


@dataclass(frozen=True)
class Computed:
    """value, and the error made so far by cause, arrays that broadcast against each other, in one format and level."""

    value: Array
    errors: Mapping[str, Array]
    fmt: Format
    level: Level

    @property
    def error(self) -> Array:
        out = np.zeros_like(self.value)
        for part in self.errors.values():
            out = out + part
        return out

    def bound(self) -> Bound:
        """The error as a bound."""
        return Bound({}, {cause: np.broadcast_to(e, np.shape(self.value)) for cause, e in self.errors.items()})

    # -- roundings

    def _with(self, value: Array, *scaled: tuple[Computed, Any], **own: Any) -> Computed:
        """A result: every error of each operand times its factor, and own errors by cause."""
        errors: dict[str, Array] = {}
        for operand, factor in scaled:
            for cause, e in operand.errors.items():
                part = np.where(e == 0, 0.0, e * factor)
                errors[cause] = errors[cause] + part if cause in errors else part
        for cause, e in own.items():
            errors[cause] = errors[cause] + e if cause in errors else np.asarray(e)
        return Computed(np.asarray(value), errors, self.fmt, self.level)

    def _rounding(self, value: Array, loses: bool, nonzero: Array | None = None) -> dict[str, Any]:
        own: dict[str, Any] = {ARITHMETIC: self.fmt.u * np.abs(value)}
        if loses:
            own[SUBNORMAL] = lost(value, self.fmt, self.level, nonzero)
        return own

    # -- arithmetic

    def __add__(self, other: Computed) -> Computed:
        value = self.value + other.value
        return self._with(value, (self, 1.0), (other, 1.0), **self._rounding(value, False))

    def __sub__(self, other: Computed) -> Computed:
        value = self.value - other.value
        return self._with(value, (self, 1.0), (other, 1.0), **self._rounding(value, False))

    def __neg__(self) -> Computed:
        return Computed(-self.value, self.errors, self.fmt, self.level)

    def __mul__(self, other: Computed) -> Computed:
        value = self.value * other.value
        factor = np.abs(other.value) + other.error  # a·b goes with the first operand's cause
        own = self._rounding(value, True, (self.value != 0) & (other.value != 0))
        return self._with(value, (self, factor), (other, np.abs(self.value)), **own)

    def __truediv__(self, other: Computed) -> Computed:
        size = np.abs(other.value)
        value = self.value / other.value
        least = size - np.minimum(other.error, size / 2)
        own = self._rounding(value, True, np.broadcast_to(self.value != 0, value.shape))
        return self._with(value, (self, 1 / least), (other, np.abs(value) / least), **own)

    def scaled(self, factor: float) -> Computed:
        """Times an exact constant: a power of two rounds nothing, any other once."""
        value = self.value * factor
        exact = np.frexp(factor)[0] == 0.5 or factor in (0.0, 1.0)
        own = {} if exact else self._rounding(value, True)
        return self._with(value, (self, abs(factor)), **own)

    def exp(self) -> Computed:
        value = np.exp(self.value)
        own = {EXPONENTIAL: EXP_ERROR[self.fmt.name] * self.fmt.u * value, SUBNORMAL: lost(value, self.fmt, self.level)}
        total = np.minimum(self.error, 700.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            growth = np.where(total > 0, np.expm1(total) / np.where(total > 0, total, 1.0), 1.0)
        return self._with(value, (self, value * growth), **own)

    def log(self) -> Computed:
        """log y, y > 0, by the platform's log."""
        least = self.value - np.minimum(self.error, self.value / 2)
        value = np.log(self.value)
        own = {LOGARITHM: log_error(self.fmt, Level.STANDARD) * self.fmt.u * np.abs(value)}
        return self._with(value, (self, 1 / least), **own)

    def log1p(self) -> Computed:
        """log(1 + y), y ≥ 0, by the platform's log1p."""
        value = np.log1p(self.value)
        own = {LOGARITHM: log_error(self.fmt, Level.TIGHT) * self.fmt.u * np.abs(value)}
        return self._with(value, (self, 1.0), **own)

    def total(self, axis: int = -1) -> Computed:
        """The sum along an axis, which is kept: a tree for `tight`, one after another for `standard`."""
        value = self.value.sum(axis=axis, keepdims=True)
        size = np.abs(self.value).sum(axis=axis, keepdims=True)
        own = {SUMMATION: summation(self.value.shape[axis], self.fmt, self.level) * size}
        errors = {c: np.broadcast_to(e, self.value.shape).sum(axis=axis, keepdims=True) for c, e in self.errors.items()}
        summed = Computed(value, errors, self.fmt, self.level)
        return self._with(value, (summed, 1.0), **own)

    def at(self, index: Any) -> Computed:
        """Elements, or new axes, of the value and of every error."""
        errors = {c: np.broadcast_to(e, np.shape(self.value))[index] for c, e in self.errors.items()}
        return Computed(self.value[index], errors, self.fmt, self.level)

    def where(self, mask: Array, other: Computed) -> Computed:
        """Elements of this where the mask holds, of the other elsewhere."""
        causes = dict.fromkeys([*self.errors, *other.errors])
        errors = {c: np.where(mask, self.errors.get(c, 0.0), other.errors.get(c, 0.0)) for c in causes}
        return Computed(np.where(mask, self.value, other.value), errors, self.fmt, self.level)

    def rounded(self) -> Computed:
        """Stored once more in the format."""
        return self._with(self.value, (self, 1.0), **self._rounding(self.value, True))


def lost(value: Array, fmt: Format, level: Level, nonzero: Array | None = None) -> Array:
    """What a result may lose to being subnormal: λ, or all of it where `standard` lets the platform flush it to 0.

    Only below twice the smallest normal number (a computed value may be half the exact one), and not where it is 0;
    ``nonzero`` says where it is not, for values that may have underflowed in float64 themselves.
    """
    size = np.abs(value)
    flushes = level is Level.STANDARD and fmt.name != "float16"
    flushed = np.maximum(np.minimum(size, fmt.smallest_normal), fmt.smallest_subnormal)
    most = flushed if flushes else fmt.smallest_subnormal
    return np.where((size < 2 * fmt.smallest_normal) & (size > 0 if nonzero is None else nonzero), most, 0.0)


def exact(value: Any, fmt: Format, level: Level) -> Computed:
    """A number that the algorithm is given."""
    return Computed(np.asarray(value, np.float64), {}, fmt, level)


def from_bound(value: Array, bound: Bound, fmt: Format, level: Level) -> Computed:
    """A number computed by an algorithm whose bound is known already, as the probabilities are."""
    errors: dict[str, Array] = {}
    size = np.abs(value)
    relative = bound.total_relative() * size if bound.relative else 0.0
    whole = sum(np.asarray(v, float) for v in bound.relative.values()) if bound.relative else 1.0
    for cause, part in bound.relative.items():
        share = np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)
        errors[cause] = np.asarray(relative * share)
    for cause, part in bound.absolute.items():
        errors[cause] = errors[cause] + part if cause in errors else np.broadcast_to(np.asarray(part, float), value.shape)
    return Computed(value, errors, fmt, level)


def larger(first: Computed, second: Computed) -> Computed:
    """Element by element the one with the larger error: two algorithms that a level admits, of one value."""
    return first.where(first.error >= second.error, second)
