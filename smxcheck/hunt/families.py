"""Rows on which softmax and its kin are known to err: where the shift rounds, sums drift, tails underflow, terms cancel.

Each family makes (m, n) float64 entries; `fresh` rounds them to the format, so that every stored entry is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from smxcheck.dtypes import Format
from smxcheck.hunt.model import NUMBERS
from smxcheck.hunt.question import COTANGENT, LABELS, Array, Batch, beside

Generator = np.random.Generator
Family = Callable[[Generator, int, int, Format], Array]

#: The widest spread of a row, where the format has room for it, and the largest offset outside float64.
WIDEST = 700.0
FARTHEST = 1e4
FARTHEST_FLOAT64 = 1e300


def vanishing(fmt: Format) -> float:
    """The gap at which exp(-gap) is below every number of the format: -log λ + 1."""
    return (fmt.precision - 1 - fmt.e_min) * math.log(2) + 1


def log_uniform(rng: Generator, low: float, high: float, shape: tuple[int, ...]) -> Array:
    """Numbers whose logarithm is uniform."""
    return np.asarray(np.exp(rng.uniform(math.log(low), math.log(high), shape)))


def signs(rng: Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(rng.choice([-1.0, 1.0], shape))


def normal(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    return rng.standard_normal((m, n)) * log_uniform(rng, 1e-3, WIDEST, (m, 1))


def offset(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    """Logits far from 0: what forms x - lse loses is u·|lse|."""
    far = FARTHEST_FLOAT64 if fmt.name == "float64" else FARTHEST
    near = log_uniform(rng, 1.0, FARTHEST, (m, 1))
    centre = np.where(rng.random((m, 1)) < 0.1, log_uniform(rng, 1.0, far, (m, 1)), near)
    return np.asarray(
        rng.standard_normal((m, n)) * log_uniform(rng, 0.1, 30, (m, 1)) + signs(rng, (m, 1)) * centre
    )


def ties(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    """Rows of two or three values."""
    values = rng.standard_normal((m, 3)) * log_uniform(rng, 1e-2, 50, (m, 1))
    return np.asarray(np.take_along_axis(values, rng.integers(0, 3, (m, n)), axis=1))


def peak(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    """One entry above all others, by gaps up to where their weights vanish."""
    x = -log_uniform(rng, 1e-3, vanishing(fmt), (m, 1)) - rng.random((m, n)) * log_uniform(
        rng, 1e-3, 10, (m, 1)
    )
    x[np.arange(m), rng.integers(0, n, m)] = 0.0
    return x + np.where(rng.random((m, 1)) < 0.5, 0.0, rng.standard_normal((m, 1)) * 20)


def tail(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    """Gaps all the way to where weights vanish: results from 1 down to subnormal numbers."""
    return rng.uniform(-vanishing(fmt), 0, (m, n))


def rivals(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    """Two largest entries a few ulps apart."""
    x = rng.standard_normal((m, n)) * log_uniform(rng, 1e-2, 30, (m, 1))
    top = np.abs(x).max(axis=1) + 1
    x[:, 0], x[:, -1] = top, top * (1 + rng.integers(-8, 9, m) * 2 * fmt.u)
    return x


def near_zero(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    """logsumexp near 0: the row less its own logsumexp."""
    x = rng.standard_normal((m, n)) * log_uniform(rng, 1e-2, 20, (m, 1))
    top = x.max(axis=1, keepdims=True)
    return np.asarray(x - (top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))))


def drift(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    """Ascending and descending rows: every step of a running maximum rescales the sum."""
    return np.arange(n) * (signs(rng, (m, 1)) * log_uniform(rng, 1e-3, 30, (m, 1)) * 2 / n) + rng.normal(
        0, 3, (m, 1)
    )


def widest_shift(rng: Generator, m: int, n: int, fmt: Format) -> Array:
    """All others at 1 + W((n - 1)/e) below the largest: there the rounding of the shift weighs most in the sum.

    (The maximum of Σ p_i d_i over gaps d, at which all d_i equal 1 + T, T e^(T + 1) = n - 1.)
    """
    t = 0.0
    for _ in range(60):  # a fixed point of T = log((n - 1)/e / T), reached by Newton's method on T + log T
        t = max(
            t - (t + math.log(max(t, 1e-9)) - math.log(max(n - 1, 1) / math.e)) / (1 + 1 / max(t, 1e-9)), 1e-3
        )
    x = -(1 + t) * (1 + rng.uniform(-0.05, 0.05, (m, n)))
    x[np.arange(m), rng.integers(0, n, m)] = 0.0
    return x + rng.standard_normal((m, 1)) * log_uniform(rng, 1e-2, 30, (m, 1))


FAMILIES: tuple[Family, ...] = (
    normal, offset, ties, peak, tail, rivals, near_zero, drift, widest_shift,
)  # fmt: skip


def fresh(rng: Generator, function: str, m: int, n: int, fmt: Format) -> Batch:
    """``m`` new rows of the families in equal parts; numbers of every exponent for functions of one number."""
    if function in NUMBERS:
        return Batch(rounded(numbers(rng, m, fmt), fmt))
    shares = np.diff(np.linspace(0, m, len(FAMILIES) + 1).astype(int))
    rows = [family(rng, int(part), n, fmt) for family, part in zip(FAMILIES, shares, strict=True)]
    x = rounded(np.concatenate(rows), fmt)
    return Batch(x, company(rng, beside(function), x, fmt))


def numbers(rng: Generator, m: int, fmt: Format) -> Array:
    """(m, 1): exponents drawn evenly, numbers drawn evenly, and numbers near the gap where weights vanish."""
    a, b = m // 3, m // 3
    low, end = 2.0 ** max(-70, fmt.e_min), vanishing(fmt)
    parts = (log_uniform(rng, low, 2 * end, (a, 1)), rng.uniform(0, 1, (b, 1)) * rng.choice([2.0, 40.0, end], (b, 1)),
             end + rng.standard_normal((m - a - b, 1)) * end / 20)  # fmt: skip
    return np.concatenate(parts) * signs(rng, (m, 1))


def company(rng: Generator, name: str, x: Array, fmt: Format) -> Array | None:
    """Labels at the largest, at the least and at any entry; cotangents even, sparse, wide and nearly constant."""
    m, n = x.shape
    if name == LABELS:
        choice = rng.integers(0, 3, m)
        wide = x.astype(np.float64)
        return np.asarray(
            np.choose(choice, [wide.argmax(axis=1), wide.argmin(axis=1), rng.integers(0, n, m)])
        )
    if name != COTANGENT:
        return None
    even = rng.standard_normal((m, n))
    sparse = np.where(rng.random((m, n)) < 1.5 / n, even, 0.0)
    wide = even * log_uniform(rng, 1e-3, 1e3, (m, n))
    constant = even * log_uniform(rng, 1e-4, 1, (m, 1)) + signs(rng, (m, 1))
    return rounded(np.choose(rng.integers(0, 4, (m, 1)), [even, sparse, wide, constant]), fmt)


def rounded(x: Array, fmt: Format) -> Array:
    """To the format, what is beyond its largest number cut to that."""
    return np.clip(x, -fmt.largest, fmt.largest).astype(fmt.numpy())
