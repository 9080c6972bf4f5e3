"""The gate: what is slower, or cannot be told, is measured once more, and is slower only where both measurements say so.

SLOWER stands where the first measurement says so (by an estimate beyond the threshold and an interval beyond 1), the second
by itself too, in processes started anew, and both together with an interval beyond SURE times the threshold.

SURE was chosen by a measurement: 26 runs of the same code and 20 in which one of two targets took 1.2 times as long, of
softmax at (100000, 10) and (20000, 100) in float32, three launches each, two virtual CPUs with other work on them, threshold
10 %; all 650 ordered pairs of the 26, and 180 pairs of one of them with a slowed one:

    intervals of both together beyond          1      1 + 0.5 t   1 + 0.6 t   1 + 0.7 t   1 + 0.8 t   1 + t
    false alarms of 650 (30 at first)          10     7           1           0           0           0
    slowdowns found of 180                     180    180         180         180         178         172
    the same by times alone: false alarms      55     50          41          33          25          17
    and found (not in multiples of copy, exp)  77     64          61          57          51          44

``smxcheck bench TARGET... --false-alarms 20`` measures this anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from smxcheck.benchmark.compare.against import Change, Comparison, compare, confirmed, within
from smxcheck.benchmark.results import Benchmark, Entry, Run, Verdict

#: Measures these titles once more, in processes started anew.
Again = Callable[[frozenset[str]], Run]

#: The share of the threshold beyond which the interval of both measurements together must lie.
SURE = 0.7


def judge(old: Run, new: Run, threshold: float, again: Again) -> Comparison:
    """A run against a base."""
    first = compare(old, new, threshold)
    if not (titles := _open(first.changes)):
        return first
    second = again(titles)
    together = compare(old, pooled(new, second), threshold, sure=SURE)
    return confirmed(first, compare(old, second, threshold), together)


def judge_within(run: Run, threshold: float, again: Again) -> Comparison:
    """The targets of one run against its base."""
    first = within(run, threshold)
    if not (titles := _open(first.changes)):
        return first
    second = again(titles)
    return confirmed(first, within(second, threshold), within(pooled(run, second), threshold, sure=SURE))


def pooled(one: Run, other: Run) -> Run:
    """The benchmarks of the one, with the launches of the other beside their own."""
    return replace(one, benchmarks=tuple(_pooled(b, other.benchmark(b.title)) for b in one.benchmarks))


def _pooled(one: Benchmark, other: Benchmark | None) -> Benchmark:
    def both(entry: Entry) -> Entry:
        more = other.entry(entry.name) if other else None
        return replace(entry, launches=entry.launches + more.launches) if more and entry.timed else entry

    return replace(one, entries=tuple(map(both, one.entries)))


def _open(changes: Iterable[Change]) -> frozenset[str]:
    return frozenset(c.title for c in changes if c.verdict in (Verdict.SLOWER, Verdict.UNDECIDED))
