"""Certified log_softmax, logsumexp and the products with the Jacobian of softmax.

A function takes `Rows` and gives one `Scaled` value for each row, or yields (columns, values) piece by piece.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from smxcheck.oracle.certified.ball import Ball, difference, where
from smxcheck.oracle.certified.rows import Piece, Rows, weight_but_top, whole_sum
from smxcheck.oracle.certified.scaled import Scaled, log1p_scaled, plain, scaled, scaled_floats, select, zero

Pieces = Iterator[tuple[slice, Scaled]]


def log_softmax(r: Rows) -> Pieces:
    """log p_i = d_i - log1p(s): both terms have one sign, and the largest entry is -log1p(s) itself.

    At an entry of -inf the result is -inf, which no ball holds: there stands the place holder 0.
    """
    log_sum = log1p_scaled(r.rest()).across()
    beside = log_sum.plain()
    for p in r.pieces():
        value = select(p.top, -log_sum, plain(gap(r, p) - beside))
        yield p.place, select(p.absent, zero(p.absent.shape), value) if p.absent.any() else value


def gap(r: Rows, p: Piece) -> Ball:
    """d for every entry, also the far ones; 0 for absent ones."""
    if not p.far.any():
        return p.gap
    return where(p.far, difference(r.x[:, p.place], r.largest[:, None]), p.gap)


def logsumexp(r: Rows) -> Scaled:
    """a + log1p(s); where the two cancel the bound grows as it must."""
    return scaled_floats(r.largest) + log1p_scaled(r.rest())


def softmax_vjp(r: Rows) -> Pieces:
    """p_i (h_i - m), h = g - g_k for the largest entry k, m = Σ_{i≠k} p_i h_i: nothing cancels at a peak.

    h is exact, and m is as small as the weights beside the peak make it: at k the result is -p_k m.
    """
    g_top = r.at_top(r.beside[0])[:, None]
    return centred_product(r, lambda p: scaled(difference(p.beside[0], g_top)))


def centred_product(r: Rows, h: Callable[[Piece], Scaled]) -> Pieces:
    """p_i (h_i - Σ_j p_j h_j) for h that is 0 at the largest entry; h is not read where an entry is absent."""
    h = functools.lru_cache(maxsize=1)(h)  # a row of one piece asks for it twice
    rest, moment = r.sums(weight_but_top, lambda p: p.but_top(p.weight * h(p)))
    s = plain(whole_sum(rest))
    mean = (moment / s).across()
    share = -(mean / s.across())
    for p in r.pieces():
        yield p.place, select(p.top, share, p.weight * (h(p) - mean) / s.across())
