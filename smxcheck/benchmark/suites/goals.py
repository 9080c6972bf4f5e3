"""From comparisons to verdicts: whether a contender is as many times as fast as a rival as was aimed at."""

from __future__ import annotations

from collections.abc import Sequence

from smxcheck.benchmark.suites.model import Comparison, Goal, Interval
from smxcheck.benchmark.suites.statistics import geometric_mean


def mean_goal(text: str, comparisons: Sequence[Comparison], own: str, rival: str, wanted: float) -> Goal:
    """Whether the rival's time over the own one is at least ``wanted`` in geometric mean.

    Workloads without the rival do not count; one on which the own values are wrong decides against.
    """
    if wrong := _wrong(comparisons, own):
        return Goal(text, None, "", False, f"values are wrong on {wrong}")
    pairs = [pair for c in comparisons if (pair := c.pair(own, rival))]
    if not pairs:
        return Goal(text, None, "", None, f"{rival} was not measured")
    found = geometric_mean(pairs)
    return Goal(text, found, "", found.value >= wanted, f"over {len(pairs)} workloads")


def least_goal(text: str, comparisons: Sequence[Comparison], own: str, rival: str, wanted: float) -> Goal:
    """Whether that ratio is at least ``wanted`` on every workload; shown by the one where it is least."""
    if wrong := _wrong(comparisons, own):
        return Goal(text, None, "", False, f"values are wrong on {wrong}")
    found = [(ratio, c.title) for c in comparisons if (ratio := c.ratio(own, rival))]
    if not found:
        return Goal(text, None, "", None, f"{rival} was not measured")
    least, where = min(found, key=lambda pair: pair[0].value)
    met = sum(ratio.value >= wanted for ratio, _ in found)
    return Goal(text, least, "", met == len(found), f"met on {met} of {len(found)}; least on {where}")


def limit_goal(text: str, measured: float | None, limit: float, unit: str, detail: str) -> Goal:
    """Whether a figure stays below ``limit``; None is one that could not be measured."""
    if measured is None:
        return Goal(text, None, unit, None, detail)
    return Goal(text, Interval(measured, measured, measured), unit, measured < limit, detail)


def _wrong(comparisons: Sequence[Comparison], own: str) -> str:
    """The first workload on which the contender's values are wrong."""
    return next((c.title for c in comparisons if (t := c.timing(own)) and t.wrong), "")
