"""The weights φ(t) of a row and their slopes φ'(t) as algorithms form them, with the error that they have made.

No number here overflows or underflows where the answer does not: each weight has an exponent of its own, so that a
polynomial of 1e300 is an ordinary number. An implementation gets there by dividing the row by a power of its largest
entry. `tight` divides by a power of two, which rounds nothing; `standard` also admits division by the entry itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds.model import EXP_ERROR, LOG1P_ERROR, extra_argument
from smxcheck.judge.bounds.running import (
    ARITHMETIC,
    EXPONENTIAL,
    LOGARITHM,
    SUBNORMAL,
    Computed,
    exact,
    larger,
    lost,
)
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

#: Exponent of a weight that is 0.
_NOTHING = -(2**20)
#: exp of less is 0 in every format, and its product with the argument still a number.
_DEEPEST = -1e4


@dataclass(frozen=True)
class Weights:
    """w = weight·2^exponent, φ' = slope·2^slope_exponent, rows (R, n), up to one common factor in each row.

    ``log`` is the logarithm of ``weight`` where an algorithm has it before the weight itself, as φ = exp does.
    """

    weight: Computed
    slope: Computed
    exponent: Array
    slope_exponent: Array
    log: Computed | None = None

    def in_row(self) -> Computed:
        """Weights in units of 2^(largest exponent of the row): of order 1 at most."""
        top = self.exponent.max(axis=-1, keepdims=True)
        return times_power(self.weight, self.exponent - top)

    def log_weight(self) -> Computed:
        """log w in the same units."""
        own = self.weight.log() if self.log is None else self.log
        distance = (self.exponent - self.exponent.max(axis=-1, keepdims=True)).astype(np.float64)
        return own + exact(distance, own.fmt, own.level).scaled(log(2.0)) if distance.any() else own


def times_power(x: Computed, exponent: Array) -> Computed:
    """x·2^exponent: rounds nothing but a subnormal result."""
    small = np.maximum(exponent, -5000)
    value = np.ldexp(x.value, small)
    errors = {cause: np.ldexp(np.broadcast_to(e, value.shape), small) for cause, e in x.errors.items()}
    # What is 0 here may be a small number of the format: it has lost as much as the smallest one may.
    size = np.where(x.value == 0, 0.0, np.maximum(np.abs(value), x.fmt.smallest_subnormal))
    errors[SUBNORMAL] = errors.get(SUBNORMAL, 0.0) + np.where(exponent < 0, lost(size, x.fmt, x.level), 0.0)
    return Computed(value, errors, x.fmt, x.level)


def _same_unit(weight: Computed, slope: Computed, logarithm: Computed | None = None) -> Weights:
    none = np.zeros(weight.value.shape, np.int64)
    return Weights(weight, slope, none, none, logarithm)


def from_name(z: Array, phi: str, fmt: Format, level: Level) -> Weights:
    """The weights of φ by its name, of rows of finite numbers."""
    t = exact(z, fmt, level)
    if phi == "exp":
        return exponential(t)
    if phi == "softplus":
        return softplus(z, fmt, level)
    kind, _, number = phi.partition("-")
    return taylor(t, int(number)) if kind == "taylor" else power(z, int(number), fmt, level)


def exponential(t: Computed) -> Weights:
    """exp(t - max t); ``standard`` grants exp's argument the roundings of exp2 forms."""
    top = np.take_along_axis(t.value, t.value.argmax(axis=-1)[:, None], axis=-1)
    return exponential_of(t - exact(top, t.fmt, t.level))


def exponential_of(shifted: Computed) -> Weights:
    """exp of logits from which a number near their maximum has been taken off."""
    value = np.maximum(shifted.value, _DEEPEST)
    more = extra_argument(shifted.fmt, shifted.level) * shifted.fmt.u * np.abs(value)
    size = {cause: np.minimum(e, 1e4) for cause, e in shifted.errors.items()}
    errors = {**size, ARITHMETIC: size.get(ARITHMETIC, 0.0) + more}
    d = Computed(value, errors, shifted.fmt, shifted.level)
    weight = d.exp()
    return _same_unit(weight, weight, d)


def softplus(z: Array, fmt: Format, level: Level) -> Weights:
    """z ≥ 0: z + log1p(exp(-z)). z < 0: exp(z - b)·h, b = min(max z, 0) and h = log1p(t)/t with t = exp(z), so that
    rows far below 0 do not underflow; b is 0 in others, where this is log1p(exp(z)).

    h has the condition number 1 - t/((1 + t)·log1p(t)) ≤ 0.28 in t. Its slope is 1/(1 + exp(-z)).
    """
    at = exact(z, fmt, level)
    base = np.minimum(z.max(axis=-1, keepdims=True), 0.0)
    d = at - exact(base, fmt, level)
    distance = np.maximum(d.value, _DEEPEST)
    d = Computed(distance, {ARITHMETIC: np.where(base < 0, fmt.u * np.abs(distance), 0.0)}, fmt, level)
    small = exact(np.maximum(-np.abs(z), _DEEPEST), fmt, level).exp()
    t = small.value
    h = np.where(t > 0, np.log1p(t) / np.where(t > 0, t, 1.0), 1.0)
    share = fmt.u * h
    ratio = Computed(h, {EXPONENTIAL: 0.28 * EXP_ERROR[fmt.name] * share, LOGARITHM: LOG1P_ERROR[fmt.name] * share,
                         ARITHMETIC: share}, fmt, level)  # fmt: skip
    one = exact(np.ones_like(z), fmt, level)
    negative = z < 0
    below, above = d.exp(), at + small.log1p()
    unit = np.where(z.max(axis=-1, keepdims=True) > 2.0**1000, -100, 0)  # a sum near the largest must not overflow
    logs = (d + ratio.log()).where(negative, one.where(negative, above).log())
    return _same_unit(
        times_power((below * ratio).where(negative, above), unit),
        times_power((below / (one + small)).where(negative, one / (one + small)), unit),
        Computed(logs.value + unit * log(2.0), logs.errors, fmt, level),
    )


def power(z: Array, exponent: int, fmt: Format, level: Level) -> Weights:
    """z^k by repeated multiplication, and k·z^(k-1); ``standard`` also admits division by the largest entry."""
    mantissa, own = np.frexp(np.where(z > 0, z, 1.0))
    v = _argument(exact(mantissa, fmt, level), level)
    lower = exact(np.ones_like(z), fmt, level)
    for step in range(exponent - 1):
        lower = v if step == 0 else lower * v
    weight = lower * v if exponent > 1 else v
    slope = lower.scaled(float(exponent))
    return Weights(weight, slope, own * exponent, own * (exponent - 1))


def spherical(z: Array, eps: float, fmt: Format, level: Level) -> Weights:
    """z² + ε and 2·z, each divided by a power of max(|z|, √ε)."""
    size = np.maximum(np.abs(z), sqrt(eps))
    own = np.where(size > 0, np.frexp(size)[1], 0)
    v = _argument(exact(np.ldexp(z, -own), fmt, level), level)
    constant = exact(np.ldexp(eps, -2 * own), fmt, level)
    if level is Level.STANDARD:
        constant = Computed(constant.value, {ARITHMETIC: 3 * fmt.u * constant.value}, fmt, level)
    exponent = np.where(size > 0, 2 * own, _NOTHING)
    return Weights(v * v + constant, v.scaled(2.0), exponent, own)


def _argument(v: Computed, level: Level) -> Computed:
    """An entry divided by the largest: exact by a power of two, rounded once by the entry itself."""
    return v if level is Level.TIGHT else v.rounded()


# -- Taylor polynomials


def taylor(t: Computed, order: int) -> Weights:
    """f(t) = Σ_m t^m / m! and f' of order n - 1, each divided by a power of max(1, |t|)."""
    own = np.maximum(np.frexp(t.value)[1], 0)
    v = times_power(t, -own)
    return Weights(_polynomial(v, own, order), _polynomial(v, own, order - 1), order * own, (order - 1) * own)


def _polynomial(v: Computed, own: Array, order: int) -> Computed:
    """2^(-kn)·f(2^k v). ``tight``: compensated Horner. ``standard``: Horner, and the sum of the terms."""
    if v.level is Level.TIGHT:
        return _compensated(v, own, order)
    return larger(_horner(v.rounded(), own, order), _terms(v, own, order))


def _coefficients(own: Array, order: int) -> list[Array]:
    """c_m = 2^(k(m - n)) / m!."""
    return [np.ldexp(1.0 / factorial(m), np.maximum(own * (m - order), -5000)) for m in range(order + 1)]


def _compensated(v: Computed, own: Array, order: int) -> Computed:
    """Horner in twice the working precision, rounded once: u·|f| + γ²·F, F = Σ_m |c_m v^m|, γ = 2nu/(1 - 2nu)
    (Graillat, Langlois & Louvet, "Compensated Horner Scheme", 2005, theorem 4), for coefficients n!/m!, which are
    integers. An argument that is off by δ moves f by at most |f'|·δ + δ²·Σ_m c_m·m(m - 1)/2·(|v| + δ)^(m - 2)."""
    value, size, slope = np.zeros_like(v.value), np.zeros_like(v.value), np.zeros_like(v.value)
    for c in reversed(_coefficients(own, order)):
        slope = slope * v.value + value
        value, size = value * v.value + c, size * np.abs(v.value) + c
    roundings = 2 * order * v.fmt.u
    errors = {ARITHMETIC: v.fmt.u * np.abs(value) + (roundings / (1 - roundings)) ** 2 * size}
    off = np.abs(v.value) + v.error
    curve = sum(c * (m * (m - 1) / 2) * off ** max(m - 2, 0) for m, c in enumerate(_coefficients(own, order)))
    for cause, e in v.errors.items():
        errors[cause] = errors.get(cause, 0.0) + (np.abs(slope) + curve * v.error) * e
    return Computed(value, errors, v.fmt, v.level)


def _horner(v: Computed, own: Array, order: int) -> Computed:
    """b ← c_m + v·b. A coefficient M^(m - n)/m! rounds n - m + 1 times."""
    out: Computed | None = None
    for m, c in reversed(list(enumerate(_coefficients(own, order)))):
        coefficient = Computed(c, {ARITHMETIC: (order - m + 1) * v.fmt.u * c}, v.fmt, v.level)
        out = coefficient if out is None else coefficient + v * out
    assert out is not None
    return out


def _terms(v: Computed, own: Array, order: int) -> Computed:
    """Σ_m t^m/m! from the lowest, each term the one before times t/m: two roundings a step."""
    out: Computed | None = None
    relative = v.error / np.where(v.value == 0, 1.0, np.abs(v.value))
    for m, c in enumerate(_coefficients(own, order)):
        term = c * v.value**m
        term_error = np.abs(term) * (2 * m * v.fmt.u + np.expm1(m * np.minimum(relative, 1.0)))
        step = Computed(term, {ARITHMETIC: term_error}, v.fmt, v.level)
        out = step if out is None else out + step
    assert out is not None
    return out
