"""Rows seen from their largest entry, in pieces that stay in cache: what every certified row function is made from.

    x_i = a + d_i,  a = max x,  d_i ≤ 0 exactly,  w_i = exp(d_i),  S = Σ w_i = 1 + s,  s the sum without one largest entry

Weights have an exponent of their own, and so has every sum of them, so that what is small beside 1 keeps its digits
however small it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from smxcheck.oracle.certified.ball import Ball, where
from smxcheck.oracle.certified.exact import Array, two_sum
from smxcheck.oracle.certified.exponential import FARTHEST
from smxcheck.oracle.certified.logarithm import exponential
from smxcheck.oracle.certified.scaled import (
    Integers,
    Mask,
    Scaled,
    nothing,
    select,
    total,
    zero,
)

#: Elements of a piece.
PIECE = 4096


@dataclass(frozen=True, eq=False)
class Piece:
    """Some columns of a block of rows; arrays (R, m)."""

    gap: Ball  # d, exact; 0 where ``absent`` or ``far``
    weight: Scaled  # exp(d); an exact 0 where ``absent``, only known to be below 2^-(2^30) where ``far``
    top: Mask  # one entry of each row that is largest
    absent: Mask  # an entry of -inf
    far: Mask  # a gap beyond 2^30·ln 2
    beside: tuple[Array, ...]  # the other arguments, (R, m), or (R, 1) for one value for each row
    place: slice  # the columns

    def but_top(self, of: Scaled) -> Scaled:
        """``of`` with 0 at the largest entry."""
        return select(self.top, zero(self.top.shape), of)


@dataclass(frozen=True)
class Rows:
    """A block of rows (R, n), finite or -inf, at least one entry of each finite, and what stands beside them."""

    x: Array
    beside: tuple[Array, ...]
    index: Integers  # of one largest entry, (R,)
    largest: Array

    @property
    def shape(self) -> tuple[int, int]:
        return self.x.shape[0], self.x.shape[1]

    def at_top(self, column: Array) -> Array:
        """The entry of another argument beside the largest of x, (R,)."""
        return np.asarray(column[np.arange(len(column)), self.index])

    @functools.cached_property
    def _only(self) -> Piece:
        return self._piece(slice(0, self.x.shape[1]))

    def pieces(self) -> Iterator[Piece]:
        """The pieces in order; a row that is one piece has it made once."""
        n = self.x.shape[1]
        if n <= PIECE:
            yield self._only
            return
        for start in range(0, n, PIECE):
            yield self._piece(slice(start, min(start + PIECE, n)))

    def _piece(self, place: slice) -> Piece:
        x = self.x[:, place]
        d, e = two_sum(x, -self.largest[:, None])
        absent = np.isneginf(x)
        far = ~(d >= -FARTHEST) & ~absent
        out = absent | far
        if out.any():
            d, e = np.where(out, 0.0, d), np.where(out, 0.0, e)
        weight = Scaled(*exponential(d, e))
        if out.any():
            weight = select(far, nothing(far.shape), Scaled(where(absent, 0.0, weight.ball), weight.exponent))
        top = np.arange(place.start, place.stop) == self.index[:, None]
        beside = tuple(b if b.shape[1] == 1 else b[:, place] for b in self.beside)
        return Piece(Ball(d, e, np.zeros_like(d)), weight, top, absent, far, beside, place)

    def sums(self, *terms: Callable[[Piece], Scaled]) -> tuple[Scaled, ...]:
        """Row sums (R,) of several terms at once."""
        sums: tuple[Scaled, ...] = ()
        for piece in self.pieces():
            parts = tuple(total(term(piece)) for term in terms)
            sums = tuple(s + p for s, p in zip(sums, parts, strict=True)) if sums else parts
        return sums

    def rest(self) -> Scaled:
        """s."""
        return self.sums(weight_but_top)[0]


def weight_but_top(p: Piece) -> Scaled:
    return p.but_top(p.weight)


def whole_sum(rest: Scaled) -> Ball:
    """S = 1 + s."""
    return rest.plain() + 1.0


def rows(x: Array, *beside: Array) -> Rows:
    index = x.argmax(axis=1)
    return Rows(x, tuple(beside), index, x[np.arange(len(x)), index])


def blocks(count: int, n: int) -> Iterator[slice]:
    """Rows taken together: about a piece of elements, at least one row."""
    step = max(1, PIECE // max(n, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
