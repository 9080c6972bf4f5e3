"""A run against a base: what is slower is measured once more, and stands only where it is slower again."""

from __future__ import annotations

from collections.abc import Callable

from smxcheck.benchmark.compare.against import Comparison, compare, confirmed
from smxcheck.benchmark.results import Run

#: Measures these titles once more, in processes started anew.
Again = Callable[[frozenset[str]], Run]


def judge(old: Run, new: Run, threshold: float, again: Again) -> Comparison:
    """The comparison of two runs in which every SLOWER has been confirmed by a second measurement."""
    first = compare(old, new, threshold)
    slower = frozenset(change.title for change in first.slower)
    return confirmed(first, compare(old, again(slower), threshold)) if slower else first
