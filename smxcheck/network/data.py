"""Points to learn from: clouds about given centres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smxcheck.functions.arrays import Array


def blobs(
    count: int, centres: Sequence[Sequence[float]] = ((2, 6), (6, 2)), seed: int = 0
) -> tuple[Array, Array]:
    """``count`` points (count, d), float64, shuffled, and the number of the centre that each was drawn about, (count,).

    Point = centre + normal noise of deviation 1 in each coordinate. Every centre gets count/k points, the first ones one
    more where k does not divide. The numbers are those of scikit-learn's ``make_blobs(count, centers=centres,
    random_state=seed)`` and, like them, the same in every version of NumPy.
    """
    # Its streams are frozen (NumPy enhancement proposal 19); those of default_rng may change.
    rng = np.random.RandomState(seed)
    sizes = [(count + len(centres) - 1 - k) // len(centres) for k in range(len(centres))]
    points = [
        rng.normal(centre, 1.0, (size, len(centre))) for centre, size in zip(centres, sizes, strict=True)
    ]
    order = np.arange(count)
    rng.shuffle(order)
    return np.concatenate(points)[order], np.repeat(np.arange(len(centres)), sizes)[order]
