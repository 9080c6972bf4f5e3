"""Exact values for the tests of the certified oracle (400 bits), how much of a bound an error uses, and a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from smxcheck.oracle.enclosure import Enclosure

MP = mpmath.mp.clone()
MP.prec = 400
Arrays = tuple[np.ndarray, ...]


def number(value: Any) -> Any:
    """A float as the number that it is."""
    return MP.mpf(float(value))


def log1p(s: Any) -> Any:
    """log(1 + s) to 400 bits of itself, which mpmath's own does not give for small s."""
    if abs(s) < MP.mpf(2) ** -100:
        return s * (1 - s / 2 + s**2 / 3 - s**3 / 4 + s**4 / 5)
    with MP.workprec(600):
        return MP.log(1 + s)


def used(error: Any, bound: Any) -> float:
    """error/bound; 0 for no error or no bound, infinite for an error that nothing allows."""
    if error == 0 or bound == MP.inf:
        return 0.0
    return float(abs(error) / bound) if bound > 0 else np.inf


def centre(e: Enclosure, index: Any) -> Any:
    return MP.ldexp(number(e.hi[index]) + number(e.lo[index]), int(e.exponent[index]))


def used_by(e: Enclosure, index: Any, y: Any) -> float:
    """How much of its bound an element uses: above 1 the enclosure misses y."""
    if e.hi[index] == 0 and e.bound[index] == 1:
        return used(y, MP.ldexp(1, int(e.exponent[index])))
    bound = float(e.bound[index])
    return 0.0 if bound == np.inf else used(centre(e, index) - y, bound * abs(y))


@dataclass(frozen=True)
class Row:
    """A row of logits seen from its largest entry; equal entries are worked out once."""

    largest: Any
    top: int
    gaps: list[Any]  # of the distinct values, downwards from 0
    weights: list[Any]
    which: np.ndarray  # entry -> distinct value
    rest: Any  # the sum of the weights without one largest

    @property
    def whole(self) -> Any:
        return self.rest + 1

    def softmax(self, i: int) -> Any:
        return self.weights[self.which[i]] / self.whole

    def log_softmax(self, i: int) -> Any:
        return self.gaps[self.which[i]] - log1p(self.rest)

    def logsumexp(self) -> Any:
        return self.largest + log1p(self.rest)

    def softmax_vjp(self, g: np.ndarray) -> list[Any]:
        """p_i (h_i - Σ p h), h = g - g_top: at the top what is left is -p Σ p h."""
        h = [number(v) - number(g[self.top]) for v in g]
        p = [self.softmax(i) for i in range(len(g))]
        mean = MP.fsum(p[i] * h[i] for i in range(len(g)) if i != self.top)
        return [p[i] * (h[i] - mean) for i in range(len(g))]


def exact_row(x: np.ndarray) -> Row:
    values, which, counts = np.unique(-x.astype(np.float64), return_inverse=True, return_counts=True)
    largest = -number(values[0])
    gaps = [-number(v) - largest for v in values]
    weights = [MP.exp(d) if d > -MP.inf else MP.mpf(0) for d in gaps]
    rest = MP.fsum(w * int(c) for w, c in zip(weights[1:], counts[1:], strict=True)) + (int(counts[0]) - 1)
    return Row(largest, int(x.argmax()), gaps, weights, which.reshape(-1), rest)


@dataclass
class Found:
    """The largest share of a bound that was met, and where."""

    ratio: float
    where: Arrays


def climb(
    pool: Arrays,
    ratios: Callable[..., np.ndarray],
    nudged: Callable[[Arrays, np.random.Generator], Arrays],
    rounds: int = 8,
    keep: int = 10,
) -> Found:
    """The best of a pool, improved ``rounds`` times by nudging the ``keep`` best; candidates along the first axis."""
    rng = np.random.default_rng(7)
    count = len(pool[0])
    worst = ratios(*pool)
    for _ in range(rounds):
        best = np.argsort(-worst)[:keep]
        parents = tuple(a[np.repeat(best, count // keep)] for a in pool)
        children = nudged(parents, rng)
        scores = ratios(*children)
        pool = tuple(np.concatenate([a[best], b]) for a, b in zip(pool, children, strict=True))
        worst = np.concatenate([worst[best], scores])
    i = int(np.argmax(worst))
    return Found(float(worst[i]), tuple(a[i : i + 1] for a in pool))


def steps(a: np.ndarray, rng: np.random.Generator, share: float = 0.5) -> np.ndarray:
    """Some entries moved by a few units in the last place, or by a power of two of them up to 1/16 of their size."""
    size = 2.0 ** rng.integers(-52, -4, a.shape)
    moved = a * (1 + size * rng.choice([-1.0, 1.0], a.shape))
    return np.where(rng.uniform(size=a.shape) < share, moved, a)
