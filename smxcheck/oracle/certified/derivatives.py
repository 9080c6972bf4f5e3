"""Certified products with Jacobians of softmax and log_softmax, and gradients by logits of what is made from them."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.oracle.certified.ball import Ball, ball, difference
from smxcheck.oracle.certified.columns import Columns
from smxcheck.oracle.certified.core import Pieces, centred_product
from smxcheck.oracle.certified.exact import Array, U
from smxcheck.oracle.certified.exponential import FARTHEST, expm1_small
from smxcheck.oracle.certified.information import gap_factor, log_ratio, negative_or_infinite
from smxcheck.oracle.certified.logarithm import exponential
from smxcheck.oracle.certified.rows import Piece, Rows, weight_but_top, whole_sum
from smxcheck.oracle.certified.scaled import (
    Integers,
    Mask,
    Scaled,
    nothing,
    plain,
    product,
    scaled,
    scaled_floats,
    select,
    unknown,
    zero,
)

#: Up to here exp(y) - 1 has a relative bound of its own.
_SMALL = 2.0**-14
#: A hundred million entries below this add up without overflow.
_SUMMABLE = 1e300


def target(labels: Array, place: slice) -> Array:
    """Soft labels (R, m) as they are; class labels (R, 1) as ones and zeros."""
    if labels.dtype.kind == "f":
        return labels
    return np.asarray(np.arange(place.start, place.stop) == labels, np.float64)


def log_softmax_vjp(r: Rows) -> Pieces:
    """g_j - p_j G, G = Σ g; at the largest entry k, with R = Σ_{i≠k} g_i and q = 1 - p_k = s/S, it is q G - R.

    g_k - p_k G = (G - R) - (1 - q) G: what is left is small only where q and R are. ``g`` may be class labels, which
    stand for ones and zeros.
    """
    g = r.beside[0]
    at_top = r.at_top(g) if g.dtype.kind == "f" else np.asarray(g[:, 0] == r.index, np.float64)
    rest, others = r.sums(weight_but_top, lambda p: p.but_top(scaled_floats(target(p.beside[0], p.place))))
    s = plain(whole_sum(rest))
    whole = scaled_floats(at_top) + others
    peak, slope = (rest / s * whole - others).across(), (whole / s).across()
    for p in r.pieces():
        beside = scaled_floats(target(p.beside[0], p.place)) - p.weight * slope
        yield p.place, select(p.top, peak, beside)


def cross_entropy_grad(r: Rows, *, rows: int) -> Pieces:
    """(p_i Σ y - y_i)/m for m rows: minus the above with y for g."""
    divisor = plain(ball(np.float64(rows)))
    for place, value in log_softmax_vjp(r):
        yield place, -value / divisor


def nll_loss_grad(c: Columns, *, rows: int) -> Pieces:
    """-y_i/m."""
    divisor = plain(ball(np.float64(rows)))
    for place, (x, labels) in c.pieces():
        y = target(labels, place)
        yield place, -scaled_floats(np.broadcast_to(y, x.shape)) / divisor


def softmax_entropy_grad(r: Rows) -> Pieces:
    """-p_i (log p_i + H) = -p_i (d_i - Σ_j p_j d_j)."""
    for place, value in centred_product(r, gap_factor):
        yield place, -value


def kl_divergence_grad(r: Rows) -> Pieces:
    """p_i (r_i - Σ_j p_j r_j), r = log p - log q, with r_i - r_k = d_i + log(q_k/q_i) for the largest entry k."""
    q_top = r.at_top(r.beside[0])[:, None]
    # Asked of q itself: of a far entry no logarithm is looked at, and p > 0 = q is infinite however small p is.
    infinite = (r.beside[0] == 0) & (r.x > -np.inf)
    wrong = (negative_or_infinite(r.beside[0]) | infinite | (q_top == 0)).any(axis=1, keepdims=True)

    def h(p: Piece) -> Scaled:
        q = np.where(p.absent | p.top, q_top, p.beside[0])
        ratio = log_ratio(np.broadcast_to(q_top, q.shape), q)
        # Logarithms of ratios are below 1500, so that the bound of a far gap covers them, too.
        return select(p.far, gap_factor(p), gap_factor(p) + ratio)

    for place, value in centred_product(r, h):
        yield place, unknown(np.broadcast_to(wrong, value.ball.shape), value)


def softmax_backward(c: Columns) -> Pieces:
    """y_i (h_i - m) with h = g - b and m = Σ y h - b (1 - Y), Y = Σ y: an identity for every y and b.

    With b = g_k for the largest entry k of y, all of it is as small as the entries beside the peak; with b = 0 nothing
    but g_i - Σ y g is left, which is exact for a peak that is all of g. Each row takes the b whose m is known better.
    """
    g, y = c.parts
    index = np.abs(y).argmax(axis=1)[:, None]
    g_top, y_top = np.take_along_axis(g, index, axis=1), np.take_along_axis(y, index, axis=1)
    beside = np.array(y)
    np.put_along_axis(beside, index, 0.0, axis=1)
    missing = scaled(difference(np.ones(len(y)), y_top[:, 0])) - Columns((beside,)).sum(scaled_floats)
    constant = (g == g_top).all(axis=1)
    if constant.any():
        missing = select(constant, _missing(y, constant), missing)
    centred = (
        c.sum(lambda a, b: scaled_floats(b) * scaled(difference(a, g_top)))
        - scaled_floats(g_top[:, 0]) * missing
    )
    direct = c.sum(product)
    better = np.ldexp(direct.ball.err, _shift(direct, centred)) < centred.ball.err
    mean, base = select(better, direct, centred).across(), np.where(better[:, None], 0.0, g_top)
    for place, (a, b) in c.pieces():
        yield place, scaled_floats(b) * (scaled(difference(a, base)) - mean)


def _shift(a: Scaled, b: Scaled) -> Integers:
    """How many powers of two the units of a stand above those of b."""
    return np.asarray(np.clip(a.rank - b.rank, -3000, 3000).astype(np.int32))


def _missing(y: Array, rows: Mask) -> Scaled:
    """1 - Σ y for some rows, 0 elsewhere; math.fsum rounds once, and what it lost is another of its sums."""
    high, low = np.zeros(len(y)), np.zeros(len(y))
    for i in np.flatnonzero(rows & (np.abs(y).max(axis=1) < _SUMMABLE)):
        terms = [1.0, *(-y[i]).tolist()]
        high[i] = math.fsum(terms)
        low[i] = math.fsum([*terms, -high[i]])
    value = Ball(high, low, np.abs(low) * 2 * U)
    return unknown(rows & ~(np.abs(y).max(axis=1) < _SUMMABLE), scaled(value))


def log_softmax_backward(c: Columns) -> Pieces:
    """g_i - exp(y_i) G, G = Σ g; where y_i is near 0, as (g_i - G) - (exp(y_i) - 1) G."""
    whole = c.sum(lambda g, y: scaled_floats(g)).across()
    for place, (g, y) in c.pieces():
        near = np.abs(y) <= _SMALL
        own = scaled_floats(g)
        value = own - _exp(y) * whole
        if near.any():
            value = select(near, (own - whole) - _expm1(np.where(near, y, 0.0)) * whole, value)
        yield place, value


def _exp(y: Array) -> Scaled:
    """exp(y), exactly 0 at -inf; far below, next to nothing, and far above, no bound."""
    far = ~(np.abs(y) <= FARTHEST)
    value = Scaled(*exponential(np.where(far, 0.0, y)))
    if far.any():
        value = unknown(~(y <= FARTHEST), select(y < -FARTHEST, nothing(y.shape), value))
        value = select(np.isneginf(y), zero(y.shape), value)
    return value


def _expm1(y: Array) -> Scaled:
    """exp(y) - 1 for |y| ≤ 2^-14; below 2^-100 it is y to within y²."""
    tiny = np.abs(y) < 2.0**-100
    linear = scaled_floats(y)
    linear = Scaled(linear.ball.widened(np.abs(linear.ball.hi) * 2.0**-100), linear.exponent)
    high, low = expm1_small(np.where(tiny, 0.0, y), 0.0)
    return select(tiny, linear, plain(Ball(high, low, np.abs(high) * 2.0**-79)))
