"""Two reports compared: what became of every result that both have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from smxcheck.changes import differences, judge, match
from smxcheck.changes.model import Changes, FailOn, Matched
from smxcheck.judge.result import Report


def compare(
    old: Report, new: Report, maps: Sequence[str] = (), fail_on: Collection[FailOn] = ()
) -> Changes:
    """What moved from one report to the other. Raises ValueError for a ``--map`` that does not fit.

    The verdict is about the targets that the reports' own verdicts are about: neither beside the others nor wrong on purpose.
    """
    together, unmatched = match.targets(old, new, maps)
    matched = tuple(
        Matched(a.name, b.name, differences.versions(a, b), by_hand) for a, b, by_hand in together
    )
    common = match.intersect(old, new, matched)
    told = differences.differences(old, new, together)
    return Changes(
        targets=matched,
        pairs=tuple(judge.pair(a, b, bitless=second) for a, b, second in common.pairs),
        differences=told,
        same=differences.same(old, new, told),
        lone=common.lone,
        other_inputs=common.other_inputs,
        unmatched=unmatched,
        fail_on=frozenset(fail_on),
        notices=tuple(_notices(old, new)),
    )


def _notices(old: Report, new: Report) -> Iterator[str]:
    """What a report alone says that makes the comparison worth less."""
    for side, report in (("OLD", old), ("NEW", new)):
        if report.shard:
            yield f"{side} is shard {report.shard} of a run: smxcheck merge puts the shards together."
        if report.interrupted:
            yield f"{side} was interrupted: the cases that were left are not in it."
        if report.environment.get("flush_to_zero") is True:
            yield f"{side} was made in a process that flushes subnormal numbers to zero: its figures about tails are off."
    yield from new.notices
