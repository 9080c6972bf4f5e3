"""Maximum and sum of exponentials in one pass over the row: rescale the sum whenever the maximum grows.

    m' = max(m, max block),   S' = S·exp(m - m') + Σ_block exp(x - m')

Milakov & Gimelshein, "Online normalizer calculation for softmax", arXiv:1805.02867, with blocks in place of single
entries, as in tiled kernels.
"""

from __future__ import annotations

import numpy as np

from smxcheck.functions.arrays import Array

#: Entries read at a time; small, so that rows of ordinary length are rescaled too.
TILE = 64


def running_max_and_sum(rows: Array) -> tuple[Array, Array]:
    """(m, S) of each row, shapes (b, 1): m = max x and S = Σ exp(x - m); S is nan where m is not finite."""
    largest = rows[:, :1]
    total = np.zeros_like(largest)
    for start in range(0, rows.shape[1], TILE):
        tile = rows[:, start : start + TILE]
        new = np.maximum(largest, tile.max(axis=-1, keepdims=True))
        # Before the first finite entry there is nothing to rescale, and -inf - -inf would be nan.
        base = np.where(np.isneginf(new), 0, new).astype(rows.dtype, copy=False)
        total = total * np.exp(largest - base) + np.exp(tile - base).sum(axis=-1, keepdims=True)
        largest = new
    return largest, total + (largest - largest)
