"""Hill-climbing: rows that differ a little from the worst ones so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smxcheck.dtypes import Format
from smxcheck.hunt.families import Generator, fresh, rounded
from smxcheck.hunt.question import COTANGENT, LABELS, Array, Batch, beside, joined

#: How many rows a pool keeps.
KEPT = 6


@dataclass(frozen=True)
class Pool:
    """The worst rows of one length so far, with different errors, worst first."""

    rows: Batch
    errors: Array


def best_of(pool: Pool | None, rows: Batch, errors: Array) -> Pool | None:
    """The pool with what is worse in a new batch; ``errors`` holds the largest of each row, 0 where there is none."""
    candidates = np.argsort(-errors, kind="stable")[:KEPT]
    candidates = candidates[errors[candidates] > 0]
    if not len(candidates):
        return pool
    new, scores = rows.take(candidates), errors[candidates]
    if pool is not None:
        new, scores = joined(pool.rows, new), np.concatenate([pool.errors, scores])
    _, first = np.unique(-scores, return_index=True)  # equal errors are mostly the same row again
    return Pool(new.take(first[:KEPT]), scores[first[:KEPT]])


def ulps(x: Array, fmt: Format) -> Array:
    """ulp(x) in the format, for float64 x."""
    exponent = np.frexp(x)[1].astype(np.int64) - 1
    return np.asarray(np.ldexp(1.0, np.maximum(exponent, fmt.e_min) - fmt.precision + 1))


def children(rng: Generator, function: str, pool: Pool, count: int, fmt: Format) -> Batch:
    """``count`` rows, each a change of a row of the pool."""
    parents = pool.rows.take(rng.integers(0, len(pool.rows), count))
    x = parents.x.astype(np.float64)
    changed = rounded(_changed(rng, function, x, fmt), fmt)
    return Batch(changed, _company_changed(rng, function, parents, fmt))


def _changed(rng: Generator, function: str, x: Array, fmt: Format) -> Array:
    count, n = x.shape
    step = np.rint(rng.standard_normal((count, n)) * np.exp2(rng.uniform(0, 12, (count, 1)))) * ulps(x, fmt)
    one = np.zeros((count, n), bool)
    one[np.arange(count), rng.integers(0, n, count)] = True
    shape = (count, 1)
    ways = (
        x + np.where(one, step, 0.0),  # an entry by some ulps
        x + step,  # all of them
        x * (1 + rng.standard_normal(shape) * np.exp2(rng.uniform(-fmt.precision, -2, shape))),
        x + rng.standard_normal(shape) * np.exp2(rng.uniform(-fmt.precision, 4, shape)),
        np.take_along_axis(x, np.argsort(rng.random((count, n)), axis=1), axis=1),  # another order
        np.where(one, fresh(rng, function, count, n, fmt).x.astype(np.float64), x),  # an entry from elsewhere
        np.where(one, x[:, rng.integers(0, n)][:, None], x),  # a tie
    )
    return np.asarray(np.choose(rng.integers(0, len(ways), shape), ways))


def _company_changed(rng: Generator, function: str, parents: Batch, fmt: Format) -> Array | None:
    if parents.beside is None:
        return None
    count, n = parents.x.shape
    if beside(function) == LABELS:
        return np.where(rng.random(count) < 0.8, parents.beside, rng.integers(0, n, count))
    assert beside(function) == COTANGENT
    g = parents.beside.astype(np.float64)
    step = np.rint(rng.standard_normal(g.shape) * np.exp2(rng.uniform(0, 12, (count, 1)))) * ulps(g, fmt)
    keep = rng.random((count, 1)) < 0.5
    return rounded(np.where(keep, g, g + np.where(rng.random(g.shape) < 1.5 / n, step, 0.0)), fmt)
