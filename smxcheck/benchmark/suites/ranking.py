"""From a group of timings to a comparison: who is set against whom, and how it comes out on the whole. Wrong values are timed, never ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from statistics import median

from smxcheck.benchmark.suites.model import EMPTY, Accuracy, Comparison, Mean, Ratio, Timing
from smxcheck.benchmark.suites.statistics import geometric_mean, ratio


def compared(
    function: str, dtype: str, workload: str, n: int, timings: Iterable[Timing],
    accuracies: Mapping[str, Accuracy], rivals: Sequence[str],
) -> Comparison:  # fmt: skip
    """Every right contender against every right rival. Those that are not judged (``copy``) are no contenders."""
    judged = tuple(replace(t, accuracy=accuracies.get(t.name)) for t in timings)
    right = [t for t in judged if t.accuracy is not None and not t.wrong]
    ratios = tuple(
        Ratio(fast.name, slow.name, ratio(slow, fast))
        for slow in right if slow.name in rivals
        for fast in right if fast is not slow
    )  # fmt: skip
    return Comparison(function, dtype, workload, n, judged, ratios)


def means(comparisons: Iterable[Comparison]) -> tuple[Mean, ...]:
    """The geometric mean of every ratio, for each function and dtype; comparisons of a pair stand together."""
    found: list[Mean] = []
    for (function, dtype), group in groupby(comparisons, lambda c: (c.function, c.dtype)):
        pairs: dict[tuple[str, str], list[tuple[Timing, Timing]]] = {}
        for comparison in group:
            for r in comparison.ratios:
                if pair := comparison.pair(r.fast, r.slow):
                    pairs.setdefault((r.fast, r.slow), []).append(pair)
        found += [Mean(function, dtype, *names, geometric_mean(p), len(p)) for names, p in pairs.items()]
    return tuple(found)


def overhead(comparisons: Iterable[Comparison]) -> dict[str, float]:
    """What timing costs: seconds of an empty call, and the largest share of it in any call that was timed."""
    pairs = [(empty.median, min(t.median for t in c.timings if t.name != EMPTY))
             for c in comparisons if (empty := c.timing(EMPTY))]  # fmt: skip
    return {"empty_call_seconds": max(e for e, _ in pairs), "overhead_share": max(e / t for e, t in pairs)}


def spread(comparisons: Iterable[Comparison]) -> dict[str, float]:
    """How much the times vary: the third quartile over the first, median and largest over all that was timed."""
    factors = [t.quartiles[1] / t.quartiles[0] for c in comparisons for t in c.timings if t.name != EMPTY]
    return {"spread_median": median(factors), "spread_largest": max(factors)}
