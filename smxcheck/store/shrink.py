"""The smallest input that still fails: fewer rows and entries, then one axis, then simple values, then plain keywords.

Sizes shrink by delta debugging, ddmin of A. Zeller and R. Hildebrandt, "Simplifying and isolating failure-inducing
input", IEEE Transactions on Software Engineering 28 (2002): parts of an axis are tried alone, then left out, in halves,
quarters and so on. Every step that still fails is kept, and the steps begin again until none helps. The order of the
steps is fixed, so a target that gives the same values gives the same input; the search ends after a number of calls, and
after a time, which alone can make two runs differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from smxcheck.store import simpler
from smxcheck.store.call import (
    DISTRIBUTIONS,
    Array,
    Input,
    flattened,
    is_consistent,
    is_normalised,
    normalised,
    taken,
)

#: Larger inputs are not shrunk: every try would have to enclose 10⁵ values anew, and two seconds are few.
MOST_ELEMENTS = 1 << 17
#: Values are made simple one by one in arrays up to this size; in larger ones by parts.
_ONE_BY_ONE = 64


class Spent(Exception):
    """The search ends here: no call or no time is left."""


@dataclass(frozen=True)
class Limits:
    """When the search ends."""

    calls: int = 400
    seconds: float = 2.0


@dataclass(frozen=True)
class Shrunk:
    """The smallest input found, after so many tries, and whether the steps came to their end."""

    input: Input
    tried: int
    finished: bool


def shrink(start: Input, fails: Callable[[Input], bool], limits: Limits | None = None) -> Shrunk:
    """The smallest input found for which ``fails`` is true, as it is for ``start``. ``fails`` may raise Spent."""
    search = _Search(start, fails, limits or Limits())
    try:
        before = None
        while before is not search.current:
            before = search.current
            _shorten(search)
            _flatten(search)
            _simplify(search)
            _default(search)
    except Spent:
        return Shrunk(search.current, search.tried, False)
    return Shrunk(search.current, search.tried, True)


class _Search:
    """The smallest input so far."""

    def __init__(self, start: Input, fails: Callable[[Input], bool], limits: Limits) -> None:
        self.current, self.tried = start, 0
        self._fails, self._most, self._ends = fails, limits.calls, time.monotonic() + limits.seconds
        self._seen = {start.digest}
        self._distribution = is_normalised(start)

    def takes(self, candidate: Input | None) -> bool:
        """Whether the candidate fails too; it then is the current one. One that was tried is not tried again."""
        if self.tried >= self._most or time.monotonic() > self._ends:
            raise Spent
        if candidate is None or not is_consistent(candidate) or (key := candidate.digest) in self._seen:
            return False
        self._seen.add(key)
        self.tried += 1
        if not self._fails(candidate):
            return False
        self.current = candidate
        return True

    def takes_either(self, candidate: Input | None) -> bool:
        """The same, once more with its distributions divided by their sums; what began as a distribution stays one."""
        whole = normalised(candidate) if candidate is not None else None
        return self.takes(whole) or (not self._distribution and self.takes(candidate))


def minimal(items: Sequence[int], takes: Callable[[Sequence[int]], bool]) -> Sequence[int]:
    """ddmin: a part of ``items`` that ``takes``, of which no part left out is taken. At least one item is left."""
    parts = 2
    while len(items) > 1:
        chunks = list(_chunks(items, min(parts, len(items))))
        alone = next((chunk for chunk in chunks if takes(chunk)), None)
        if alone is not None:
            items, parts = alone, 2
            continue
        rest = next((r for r in _without_each(chunks) if takes(r)), None) if len(chunks) > 2 else None
        if rest is not None:
            items, parts = rest, max(len(chunks) - 1, 2)
        elif len(chunks) == len(items):
            break
        else:
            parts = 2 * len(chunks)
    return items


def _chunks(items: Sequence[int], parts: int) -> Iterator[Sequence[int]]:
    size, longer = divmod(len(items), parts)
    start = 0
    for k in range(parts):
        end = start + size + (k < longer)
        yield items[start:end]
        start = end


def _without_each(chunks: Sequence[Sequence[int]]) -> Iterator[Sequence[int]]:
    for left_out in range(len(chunks)):
        yield [item for k, chunk in enumerate(chunks) if k != left_out for item in chunk]


def _shorten(search: _Search) -> None:
    """Along every axis, the first ones first: rows cost more than entries."""
    for axis in range(search.current.first.ndim):
        if "sizes" in search.current.keywords:
            return
        whole = search.current

        def takes(keep: Sequence[int], axis: int = axis, whole: Input = whole) -> bool:
            return search.takes_either(taken(whole, axis, keep))

        minimal(range(whole.first.shape[axis]), takes)


def _flatten(search: _Search) -> None:
    search.takes(flattened(search.current))


def _default(search: _Search) -> None:
    """Keywords left out, one by one, and the plain layout."""
    for name in tuple(search.current.keywords):
        search.takes(search.current.without_keyword(name))
    search.takes(replace(search.current, layout="contiguous"))


def _simplify(search: _Search) -> None:
    """Simple values, argument by argument; distributions as a whole, since their entries belong together."""
    for name in search.current.arguments:
        values = search.current.arguments[name]
        for digits in (0, 1, 2):
            if values.dtype.kind not in "iub" and _put(search, name, simpler.rounded(values, digits)):
                break
        if name in DISTRIBUTIONS:
            continue
        if values.dtype.kind not in "ub":
            _zero(search, name, 0, values.size)
        if values.size <= _ONE_BY_ONE and values.dtype.kind != "b":
            for place in range(values.size):
                _simplify_one(search, name, place)


def _put(search: _Search, name: str, values: Array) -> bool:
    low, high = simpler.domain(search.current.function, name)
    wide = values.astype(np.float64)
    if ((wide < low) | (wide > high)).any():
        return False
    return search.takes_either(search.current.with_argument(name, values))


def _zero(search: _Search, name: str, start: int, end: int) -> None:
    """Zeros in the part of the flat array from ``start`` to ``end``, or in what of it can be zero."""
    values = search.current.arguments[name].copy()
    flat = values.reshape(-1)
    if not flat[start:end].any():
        return
    flat[start:end] = 0
    if _put(search, name, values) or end - start < 2:
        return
    middle = (start + end) // 2
    _zero(search, name, start, middle)
    _zero(search, name, middle, end)


def _simplify_one(search: _Search, name: str, place: int) -> None:
    """The simplest value that still fails at one place, and of whole numbers the smallest, by bisection."""

    def replaced(value: object) -> bool:
        values = search.current.arguments[name].copy()
        values.reshape(-1)[place] = value
        return _put(search, name, values)

    now = search.current.arguments[name].reshape(-1)[place]
    between = simpler.domain(search.current.function, name)
    next((True for value in simpler.candidates(now, between) if replaced(value)), False)
    now = float(search.current.arguments[name].reshape(-1)[place])
    if not now.is_integer() or abs(now) >= 1 << 20:
        return
    sign, right, wrong = (-1 if now < 0 else 1), 0, int(abs(now))
    while wrong - right > 1:
        middle = (right + wrong) // 2
        if replaced(sign * middle):
            wrong = middle
        else:
            right = middle
