"""The figures of a row beyond its maximum, in one line."""

from __future__ import annotations

from smxcheck.report.numbers import at_most, plural, signed, thousands
from smxcheck.report.sentences import LEVEL_WORDS
from smxcheck.report.summary import Row


def details(row: Row, *, verbose: bool = False) -> str:
    """``median ≤ 0.5, 99 % ≤ 4.36, mean +0.01 ulp, worst at: spread/80``; with levels and the bound's
    largest term.
    """
    parts = []
    if row.median_ulp is not None:
        mean = "" if row.mean_ulp is None else f", mean {signed(row.mean_ulp)}"
        parts.append(f"median {at_most(row.median_ulp)}, 99 % {at_most(row.p99_ulp)}{mean} ulp")
    if row.worst_case:
        parts.append(f"worst at: {row.worst_case}")
    if verbose:
        levels = [
            f"{LEVEL_WORDS[level]} {thousands(number)}" for level, number in row.levels.items() if number
        ]
        if levels:
            parts.append(f"results per level: {', '.join(levels)}")
        if row.largest_term:
            parts.append(f"largest term of the bound: {row.largest_term}")
        if row.flushed:
            parts.append(f"{plural(row.flushed, 'element')} flushed to zero")
    return "; ".join(parts)
