"""Reductions of a strip along its axis, 0 (standing) or 1 (lying); results keep the axis with length 1.

Sums are trees. Lying rows are summed by NumPy pairwise. Along axis 0 NumPy adds one row after another, n - 1 roundings on
the way of the first; here the second half of the rows is added to the first until one is left: ⌈log2 n⌉ roundings, never
more than those of pairwise summation (`smxcheck.judge.bounds.model.tree_roundings`: n - 1 below 8, where ⌈log2 n⌉ ≤ n - 1;
n/8 + 2 + n mod 8 up to 128, which is ≥ ⌈log2 n⌉ from 8 on; one more for each doubling beyond, as here).
"""

from __future__ import annotations

import numpy as np

from smxcheck.functions.arrays import Array
from smxcheck.functions.layout import Scratch

#: From so many entries side by side NumPy's own reduction along axis 0 is quicker than folding.
_WIDE = 1024


def largest(x: Array, axis: int, scratch: Scratch, slot: int) -> Array:
    """The maximum of each row; nan where there is one. Uses the slot."""
    if axis == 0:
        wide = x[0].size >= _WIDE
        return np.asarray(x.max(axis=0, keepdims=True)) if wide else _folded(np.maximum, x, scratch, slot)
    return np.asarray(x[place_of_largest(x)][:, None])


def place_of_largest(x: Array) -> tuple[Array, Array]:
    """Where a maximum, or the first nan, of each lying row is. argmax is quicker than max below some hundred entries, and
    as quick above."""
    return np.arange(len(x)), x.argmax(axis=1)


def total(x: Array, axis: int, scratch: Scratch, slot: int) -> Array:
    """The sum of each row. Uses the slot."""
    return np.asarray(x.sum(axis=1, keepdims=True)) if axis else _folded(np.add, x, scratch, slot)


def _folded(combine: np.ufunc, x: Array, scratch: Scratch, slot: int) -> Array:
    n = len(x)
    if n < 3:
        return np.asarray(combine.reduce(x, axis=0, keepdims=True))
    half = n // 2
    sums = scratch.like(slot, (n - half, *x.shape[1:]))
    combine(x[:half], x[n - half :], out=sums[:half])
    if n % 2:
        sums[half] = x[half]
    n -= half
    while n > 1:
        half = n // 2
        combine(sums[:half], sums[n - half : n], out=sums[:half])
        n -= half
    return sums[:1].copy()


def without_largest(
    weight: Array, axis: int, scratch: Scratch, slots: tuple[int, int]
) -> tuple[Array, Array]:
    """(largest weight, sum of all others) of each row of weights ≥ 0; one of several largest is left out.

    Along axis 0 the largest is found by a tournament, and the n - 1 losers of its matches are what is added: ⌈log2 (n-1)⌉
    roundings. In a lying row the largest is overwritten by 0. Uses two slots.
    """
    if axis:
        place = np.arange(len(weight)), weight.argmax(axis=1)
        top = weight[place]
        weight[place] = 0
        return top[:, None], weight.sum(axis=1, keepdims=True)
    n = len(weight)
    if n == 1:
        return weight.copy(), np.zeros_like(weight)
    winners = scratch.like(slots[0], (n - n // 2, *weight.shape[1:]))
    losers = scratch.like(slots[1], (n - 1, *weight.shape[1:]))
    entrants, lost = weight, 0
    while n > 1:
        half = n // 2
        first, second = entrants[:half], entrants[n - half : n]
        np.minimum(first, second, out=losers[lost : lost + half])
        np.maximum(first, second, out=winners[:half])
        if n % 2 and entrants is weight:
            winners[half] = weight[half]
        entrants, lost, n = winners, lost + half, n - half
    return winners[:1].copy(), total(losers, 0, scratch, slots[0])
