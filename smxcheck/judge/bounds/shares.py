"""Answers of a row of weights, with the error of the algorithm of a level: p = w/W, its logarithm, derivatives,
entropy.

``tight`` forms no difference that cancels: 1 - p_i is the sum of the other weights over W, log p_i of a large share is
-log1p(others/w_i), and the entropy adds -p·log p, all of one sign. ``standard`` also admits the formulas as they are
printed: 1 - p, log w - log W, s/w - s/W, log W - Σ p·log w.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.judge.bounds.model import log_error, summation
from smxcheck.judge.bounds.running import (
    ARITHMETIC,
    LOGARITHM,
    SUBNORMAL,
    SUMMATION,
    Computed,
    exact,
    larger,
    lost,
)
from smxcheck.judge.bounds.weights import Weights, times_power
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]


def softmax(w: Weights) -> Computed:
    """w_i / W. With relative errors r of the weights, those of a quotient are (1 - p_i)·r_i + Σ_{k≠i} p_k·r_k, since a
    weight's own error is in its sum too; summation, division. Alone, a weight is divided by itself."""
    weight = w.in_row()
    total = weight.value.sum(axis=-1, keepdims=True)
    whole = np.where(total > 0, total, 1.0)
    p, n = weight.value / whole, weight.value.shape[-1]
    rest = _left_out(weight.value, weight.value) / whole
    spread = np.minimum(weight.error.sum(axis=-1, keepdims=True) / whole, 0.5)
    growth = 1.0 / (1.0 - spread)
    errors = {}
    for cause, e in weight.errors.items():
        error = np.broadcast_to(e, p.shape)
        errors[cause] = (rest * error / whole + p * _left_out(error, weight.value) / whole) * growth
    alone = rest == 0
    own = {SUMMATION: summation(n, weight.fmt, weight.level), ARITHMETIC: weight.fmt.u}
    for cause, u in own.items():
        errors[cause] = np.where(alone, 0.0, errors.get(cause, 0.0) + u * p * growth)
    errors[SUBNORMAL] = errors.get(SUBNORMAL, 0.0) + lost(p, weight.fmt, weight.level)
    return Computed(p, errors, weight.fmt, weight.level)


def _left_out(values: Array, weight: Array) -> Array:
    """Σ_{k≠i} values_k ≥ 0; at the largest weight it is summed, at others the difference loses nothing that matters."""
    top = weight.argmax(axis=-1)[:, None]
    others = np.array(values, float)
    np.put_along_axis(others, top, 0.0, axis=-1)
    rest = others.sum(axis=-1, keepdims=True)
    out: Array = np.maximum(rest + np.take_along_axis(values, top, axis=-1) - values, 0.0)
    np.put_along_axis(out, top, rest, axis=-1)
    return out


def _others(weight: Computed) -> Computed:
    """Σ_{k≠i} w_k, added up without w_i."""
    value = _left_out(weight.value, weight.value)
    errors = {
        cause: _left_out(np.broadcast_to(e, value.shape), weight.value) for cause, e in weight.errors.items()
    }
    n = weight.value.shape[-1]
    errors[SUMMATION] = errors.get(SUMMATION, 0.0) + summation(max(n - 1, 1), weight.fmt, weight.level) * value
    return Computed(value, errors, weight.fmt, weight.level)


def _total(weight: Computed) -> Computed:
    """W, 1 where every weight is 0: such a row has no bound."""
    total = weight.total()
    return Computed(np.where(total.value > 0, total.value, 1.0), total.errors, total.fmt, total.level)


def slope_shares(w: Weights) -> Computed:
    """φ'(t_j) / W; of φ = exp these are the probabilities."""
    if w.slope is w.weight:
        return softmax(w)
    top = w.exponent.max(axis=-1, keepdims=True)
    return times_power(w.slope / _total(w.in_row()), w.slope_exponent - top)


# -- derivatives


def _matrix(diagonal: Computed, rest: Computed) -> Computed:
    """(R, n, n) from the diagonal (R, n) and the elements (R, i, j) off it."""
    n = diagonal.value.shape[-1]
    return diagonal.at((slice(None), None, slice(None))).where(np.eye(n, dtype=bool), rest)


def _columns(x: Computed) -> Computed:
    """x_j at every (i, j)."""
    return x.at((slice(None), None, slice(None)))


def _rows(x: Computed) -> Computed:
    """x_i at every (i, j)."""
    return x.at((slice(None), slice(None), None))


def jacobian(w: Weights) -> Computed:
    """(s_j/W)·(δ_ij - p_i); ``standard`` with 1 - p_i as a difference."""
    slope, p, weight = slope_shares(w), softmax(w), w.in_row()
    beside = -(_columns(slope) * _rows(p))
    out = _matrix(slope * (_others(weight) / _total(weight)), beside)
    if p.level is Level.TIGHT:
        return out
    one = exact(np.ones_like(p.value), p.fmt, p.level)
    return larger(out, _matrix(slope * (one - p), beside))


def jacobian_terms(w: Weights) -> Computed:
    """|s_j/W|·(δ_ij + p_i)."""
    slope, p = np.abs(slope_shares(w).value), softmax(w)
    n = p.value.shape[-1]
    return Computed(slope[:, None, :] * (np.eye(n) + p.value[:, :, None]), {}, p.fmt, p.level)


# -- logarithms


def log_softmax(w: Weights) -> Computed:
    """-log1p(others/w_i) where w_i ≥ others, else log w_i - log W. ``standard`` also admits log w_i - log W everywhere,
    without a common scale, and the logarithm of the probability."""
    weight = w.in_row()
    others = _others(weight)
    large = (weight.value >= others.value) & (weight.value > 0)
    one = exact(np.ones_like(weight.value), weight.fmt, weight.level)
    near = -(others.where(large, one) / weight.where(large, one)).log1p()
    log_weight = _log_weight(w)
    far = log_weight - _total(weight).log()
    out = near.where(large, far)
    if weight.level is Level.TIGHT:
        return out
    forms = _printed(w, larger(out, far))
    p = softmax(w)
    visible = p.value > 2 * weight.fmt.smallest_normal
    return forms.where(~visible, larger(forms, p.where(visible, one).log()))


def _log_weight(w: Weights) -> Computed:
    """log w in units of the row; 0 for a weight of 0, whose logarithm is -inf and needs no bound."""
    if w.log is not None:
        return w.log_weight()
    some = w.weight.value > 0
    one = exact(np.ones_like(w.weight.value), w.weight.fmt, w.weight.level)
    exponent = np.where(some, w.exponent, w.exponent.max(axis=-1, keepdims=True))
    return Weights(w.weight.where(some, one), w.slope, exponent, w.slope_exponent).log_weight()


def _printed(w: Weights, other: Computed) -> Computed:
    """log w_i - log W of the weights as they are, rounded at their own size, or ``other`` where its error is larger, or
    where W overflows or underflows: there the printed form has no answer."""
    weight = w.in_row()
    fmt, level = weight.fmt, weight.level
    total = _total(weight)
    log_total = np.log(total.value) + np.maximum(w.exponent.max(axis=-1, keepdims=True), -5000) * np.log(2.0)
    own = np.abs(other.value + log_total)
    relative = np.minimum(weight.error / np.where(weight.value > 0, weight.value, 1.0), 0.5)
    spread = np.minimum(total.error / total.value, 0.5)
    error = log_error(fmt, level) * fmt.u * (own + np.abs(log_total))
    rounding = fmt.u * np.abs(other.value) + relative / (1 - relative) + spread / (1 - spread)
    printed = Computed(other.value, {LOGARITHM: error, ARITHMETIC: rounding}, fmt, level)
    exists = (log_total < np.log(fmt.largest)) & (log_total > np.log(fmt.smallest_normal))
    return larger(printed, other).where(np.broadcast_to(exists, other.value.shape), other)


def log_jacobian(w: Weights) -> Computed:
    """-s_j/W off the diagonal, (s_j/W)·(others/w_j) on it; ``standard`` also s_j/w_j - s_j/W."""
    weight, slope = w.in_row(), slope_shares(w)
    some = w.weight.value > 0
    one = exact(np.ones_like(weight.value), weight.fmt, weight.level)
    own = w.weight.where(some, one)
    share = _others(weight) / _total(weight)
    ratio = times_power(w.slope / own, w.slope_exponent - np.where(some, w.exponent, 0))
    beside = -_columns(slope)
    out = _matrix(ratio * share, beside)
    if weight.level is Level.TIGHT:
        return out
    return larger(out, _matrix(ratio - slope, beside))


def log_jacobian_terms(w: Weights) -> Computed:
    """δ_ij |s_j/w_j| + |s_j/W|."""
    p, slope = softmax(w), np.abs(slope_shares(w).value)
    n = p.value.shape[-1]
    own = slope / np.where(p.value > 0, p.value, 1.0)
    return Computed(np.eye(n) * own[:, None, :] + slope[:, None, :], {}, p.fmt, p.level)


# -- entropy


def entropy(w: Weights) -> Computed:
    """-Σ p·log p; ``standard`` also log W - Σ p·log w."""
    p, logs = softmax(w), log_softmax(w)
    out = -(p * logs).total()
    if p.level is Level.STANDARD:
        out = larger(out, _total(w.in_row()).log() - (p * _log_weight(w)).total())
    return out.at((slice(None), 0))


def entropy_grad(w: Weights) -> Computed:
    """-(s_i/W)·(r_i - Σ p·r), r = log(w/max w), in which log W cancels; ``standard`` also -(s_i/W)·(log p_i + H), and
    with the products taken apart."""
    slope, p, ratio = slope_shares(w), softmax(w), _log_ratio(w)
    out = -(slope * (ratio - (p * ratio).total()))
    if p.level is Level.TIGHT:
        return out
    logs, whole = log_softmax(w), entropy(w).at((slice(None), None))
    return larger(out, larger(-(slope * (logs + whole)), -(slope * logs + slope * whole)))


def _log_ratio(w: Weights) -> Computed:
    """log(w_i/max w): of the quotient, or of both where that is subnormal; exactly 0 at the maximum."""
    weight, logs = w.in_row(), _log_weight(w)
    top = (np.arange(len(weight.value))[:, None], weight.value.argmax(axis=-1)[:, None])
    if w.log is not None and not logs.value[top].any():
        return logs
    one = exact(np.ones_like(weight.value), weight.fmt, weight.level)
    visible = weight.value > 4 * weight.fmt.smallest_normal
    out = (weight.where(visible, one) / weight.at(top)).log().where(visible, logs - logs.at(top))
    is_top = np.arange(weight.value.shape[-1]) == top[1]
    return exact(np.zeros_like(weight.value), weight.fmt, weight.level).where(is_top, out)


def entropy_grad_terms(w: Weights) -> Computed:
    """|s_i/W|·(|log p_i| + H)."""
    logs, whole = log_softmax(w), entropy(w).at((slice(None), None))
    return Computed(np.abs(slope_shares(w).value) * (np.abs(logs.value) + whole.value), {}, logs.fmt, logs.level)
