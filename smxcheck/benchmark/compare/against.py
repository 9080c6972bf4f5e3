"""A run compared with an earlier one, or two targets of one run: the gate that fails on a regression and not on noise.

Two runs share no rounds, so what the machine as a whole did in one of them does not cancel. Every time is therefore
compared twice: as it is, and *anchored*, as a multiple of what copy and exp took in the same rounds. Which of the two
decides is a `Rule`. BOTH takes the union of the two intervals, so that SLOWER is told only where each of them says so: a test
that rejects only where each of several tests of level α does has level α at most (Berger, Technometrics 24, 1982).

Simulated 40 times, 3 benchmarks of 3 launches and 10 rounds, launches apart by 1 %, rounds by 3 %, yardsticks likewise,
threshold 10 %, SLOWER where the intervals of two measurements lie wholly beyond it: runs with a false alarm, and runs in
which a target that takes 1.2 times as long is found (on a real machine, with the gate's own rule:
`smxcheck.benchmark.compare.gate`):

    machine            raw            anchored       both
    as before          0 %, 100 %     0 %, 100 %     0 %, 100 %
    10 % slower        5 %, 100 %     0 %, 100 %     0 %, 100 %
    20 % slower      100 %, 100 %     0 %, 100 %     0 %, 100 %
    10 % faster        0 %,   0 %     0 %, 100 %     0 %,   0 %
    20 % faster        0 %,   0 %     0 %, 100 %     0 %,   0 %

With a machine that drifts, BOTH moreover leaves all the others UNDECIDED where ANCHORED finds them the SAME. What ANCHORED
cannot tell from a slowdown is a change that the yardsticks alone feel, or feel less: a machine that is 20 % slower for the
targets and half as much for them gives it 5 % false alarms. (A slow test of `tests/test_bench_against.py`
holds the column of ANCHORED in 20 of 20 runs.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

from smxcheck.benchmark.compare.differences import differences
from smxcheck.benchmark.compare.differences import (
    unusable as unusable,  # the gate's own question before it measures
)
from smxcheck.benchmark.compare.ranking import base_name
from smxcheck.benchmark.compare.statistics import Interval, anchored, change, ratio_between, time_ratio
from smxcheck.benchmark.results import COPY, EXP, Benchmark, Entry, Run, Verdict

Pair = tuple[Entry, Entry]


class Rule(StrEnum):
    """Whose word counts: the times as they are, the times in multiples of copy and exp, or both."""

    RAW = "raw"
    ANCHORED = "anchored"
    BOTH = "both"


#: What `compare` goes by unless told otherwise.
RULE = Rule.ANCHORED
#: Notes on what was SLOWER at first: what a second measurement said of it.
CONFIRMED, NOT_CONFIRMED = "confirmed", "not confirmed by a second measurement"


@dataclass(frozen=True)
class Change:
    """A target on one benchmark then and now; ``ratio`` is new over old. ``note`` is a remark on the verdict, or ""."""

    title: str
    target: str
    ratio: Interval
    verdict: Verdict
    old_seconds: float
    new_seconds: float
    note: str = ""


@dataclass(frozen=True)
class NewlyWrong:
    """A target that was timed and right, and is wrong or fails now; ``message`` says what is wrong, or how it fails."""

    title: str
    target: str
    message: str


@dataclass(frozen=True)
class Comparison:
    """What a gate found. ``notes`` say what differs between the runs, ``not_compared`` what was left out and why."""

    changes: tuple[Change, ...]
    threshold: float
    notes: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    newly_wrong: tuple[NewlyWrong, ...] = ()

    @property
    def slower(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.verdict is Verdict.SLOWER)

    @property
    def exit_code(self) -> int:
        """1: something is slower, or wrong that was right. 5: nothing was compared. 3: nothing could be decided. Else 0."""
        if self.slower or self.newly_wrong:
            return 1
        if not self.changes:
            return 5
        return 3 if all(change.verdict is Verdict.UNDECIDED for change in self.changes) else 0


def compare(old: Run, new: Run, threshold: float, rule: Rule = RULE, sure: float = 0.0) -> Comparison:
    """Every target on every benchmark that is in both runs, and right in both.

    A verdict is that of `smxcheck.benchmark.compare.statistics.change`; its ratio is that of the rule
    (of the union, for BOTH, with the geometric mean as value). What is wrong or fails now and was right is ``newly_wrong``: a gate
    that let a crash pass as "not compared" would be green where there is nothing left to be slow.
    """
    sides = [(before, after) for after in new.benchmarks if (before := old.benchmark(after.title))]
    missing, broken, pairs = list[str](), list[NewlyWrong](), dict[str, list[tuple[Benchmark, Benchmark]]]()
    for before, after in sides:
        for name in _names(before, after):
            entry, earlier = after.entry(name), before.entry(name)
            if entry and earlier and earlier.ranked and entry.judgement and entry.judgement.wrong:
                broken.append(NewlyWrong(after.title, name, entry.judgement.message))
            elif entry and earlier and earlier.ranked and entry.failure:
                broken.append(NewlyWrong(after.title, name, f"not timed any more: {entry.failure}"))
            elif entry and earlier and entry.ranked and earlier.ranked:
                pairs.setdefault(name, []).append((before, after))
            else:
                missing.append(f"{name} on {after.title}: {_reason(earlier, entry)}")
    missing += _only_in(old, new, "only in the base")
    missing += _only_in(new, old, "not in the base")
    changes = [c for name, found in pairs.items() for c in _changes(name, found, rule, lambda ratio: change(ratio, threshold, sure))]
    notes = [*differences(old, new), *_drift(sides, new.settings.margin)]
    return Comparison(_in_order(changes, new), threshold, tuple(notes), tuple(missing), tuple(broken))


def within(run: Run, threshold: float, sure: float = 0.0) -> Comparison:
    """The targets of one run against its base, timed in the same rounds: the base's times stand for the old ones."""
    base, changes, missing, broken = base_name(run), list[Change](), list[str](), list[NewlyWrong]()
    for benchmark in run.benchmarks:
        old = benchmark.entry(base)
        for entry in (e for e in benchmark.targets if e.name != base):
            if old and old.ranked and entry.judgement and entry.judgement.wrong:
                broken.append(NewlyWrong(benchmark.title, entry.name, entry.judgement.message))
            elif old and old.ranked and entry.ranked:
                others = [(e, o) for b in run.benchmarks if b is not benchmark
                          if (e := b.entry(entry.name)) and (o := b.entry(base)) and e.ranked and o.ranked]  # fmt: skip
                ratio = time_ratio(entry, old, others)
                told = change(ratio, threshold, sure)
                changes.append(Change(benchmark.title, entry.name, ratio, told, old.median, entry.median))
            else:
                reason = _state(old, base) if not (old and old.ranked) else _state(entry, entry.name)
                missing.append(f"{entry.name} on {benchmark.title}: {reason}")
    return Comparison(tuple(changes), threshold, (), tuple(missing), tuple(broken))


def confirmed(first: Comparison, second: Comparison, together: Comparison) -> Comparison:
    """SLOWER where each of two measurements says so, and both taken together: else what was SLOWER is UNDECIDED.

    The second may have measured a part only. Where it did, what both say together holds, but no SLOWER that was none before.
    What any of them found wrong is kept: values do not depend on luck.
    """
    again = {(c.title, c.target): c.verdict for c in second.changes}
    pooled = {(c.title, c.target): c for c in together.changes}
    broken = tuple(dict.fromkeys((*first.newly_wrong, *second.newly_wrong)))
    gone = {(b.title, b.target) for b in broken}

    def told(before: Change) -> Change:
        now = pooled.get((before.title, before.target), before)
        if before.verdict is not Verdict.SLOWER:
            return replace(now, verdict=Verdict.UNDECIDED) if now.verdict is Verdict.SLOWER else now
        if now.verdict is Verdict.SLOWER is again.get((before.title, before.target)):
            return replace(now, note="; ".join(filter(None, (CONFIRMED, now.note))))
        return replace(now, verdict=Verdict.UNDECIDED, note=NOT_CONFIRMED)

    changes = tuple(told(c) for c in first.changes if (c.title, c.target) not in gone)
    return replace(first, changes=changes, newly_wrong=broken)


def _changes(
    name: str, sides: Sequence[tuple[Benchmark, Benchmark]], rule: Rule, judge: Callable[[Interval], Verdict]
) -> list[Change]:
    """Those of one target. The noise of each benchmark is a prior for that of the others."""
    raw = [_pair(name, before, after) for before, after in sides]
    beside = [_anchored(name, before, after) for before, after in sides] if rule is not Rule.RAW else [None] * len(raw)
    found = []
    for place, ((_, after), (new, old), pair) in enumerate(zip(sides, raw, beside, strict=True)):
        ratios = {Rule.RAW: ratio_between(new, old, _without(raw, place))}
        if pair:
            ratios[Rule.ANCHORED] = ratio_between(*pair, _without(beside, place))
        ratio = _joined(list(ratios.values())) if rule is Rule.BOTH else ratios.get(rule, ratios[Rule.RAW])
        told = judge(ratio)
        note = _note({r: judge(i) for r, i in ratios.items()}, told, rule)
        found.append(Change(after.title, name, ratio, told, old.median, new.median, note))
    return found


def _note(verdicts: Mapping[Rule, Verdict], told: Verdict, rule: Rule) -> str:
    """Where the two ways to compare do not agree, and where there is only one."""
    if rule is Rule.RAW:
        return ""
    if Rule.ANCHORED not in verdicts:
        return f"{COPY} and {EXP} were not timed beside it: compared by its times alone"
    apart = set(verdicts.values()) != {told}
    return f"{verdicts[Rule.RAW]} by its times alone, {verdicts[Rule.ANCHORED]} beside {COPY} and {EXP}" if apart else ""


def _joined(intervals: Sequence[Interval]) -> Interval:
    """The union, which says of a ratio only what each of them says; its value is their geometric mean."""
    value = math.exp(math.fsum(math.log(i.value) for i in intervals) / len(intervals))
    return Interval(value, min(i.low for i in intervals), max(i.high for i in intervals))


def _pair(name: str, before: Benchmark, after: Benchmark) -> Pair:
    new, old = after.entry(name), before.entry(name)
    assert new is not None and old is not None
    return new, old


def _anchored(name: str, before: Benchmark, after: Benchmark) -> Pair | None:
    new, old = _pair(name, before, after)
    try:
        return anchored(new, after), anchored(old, before)
    except ValueError:
        return None


def _without(pairs: Sequence[Pair | None], place: int) -> list[Pair]:
    return [pair for other, pair in enumerate(pairs) if pair and other != place]


def _drift(sides: Iterable[tuple[Benchmark, Benchmark]], margin: float) -> Iterable[str]:
    """A machine that is slower or faster as a whole, by more than what counts as the same."""
    ratios = [
        ratio_between(new, old).value
        for before, after in sides for name in (COPY, EXP)
        if (new := after.entry(name)) and (old := before.entry(name)) and new.timed and old.timed
    ]  # fmt: skip
    factor = median(ratios) if ratios else 1.0
    if factor > 1 + margin:
        yield f"the machine was slower: {COPY} and {EXP} took {100 * (factor - 1):.0f} % longer than in the base"
    if factor < 1 / (1 + margin):
        yield f"the machine was faster: {COPY} and {EXP} took {100 * (1 - factor):.0f} % less time than in the base"


def _names(before: Benchmark, after: Benchmark) -> Iterable[str]:
    return dict.fromkeys(e.name for e in (*after.targets, *before.targets))


def _only_in(run: Run, other: Run, words: str) -> list[str]:
    return [f"{b.title}: {words}" for b in run.benchmarks if other.benchmark(b.title) is None]


def _reason(earlier: Entry | None, now: Entry | None) -> str:
    """Why there is no ratio, given that one of the two is not ranked, and nothing that was right became wrong."""
    if earlier is None or now is None:
        return "not in the base" if earlier is None else "only in the base"
    if earlier.ranked:
        return _state(now, "now")
    then = _state(earlier, "in the base")
    return then if now.ranked else f"{then}; {_state(now, 'now')}"


def _state(entry: Entry | None, where: str) -> str:
    """Why an entry is not ranked."""
    if entry is None:
        return f"{where}: not measured"
    if entry.judgement and entry.judgement.wrong:
        return f"{where}: wrong"
    return f"{where}: not timed ({entry.failure})" if entry.failure else f"{where}: not timed"


def _in_order(changes: Iterable[Change], run: Run) -> tuple[Change, ...]:
    """By benchmark as in the run, not by target."""
    place = {benchmark.title: i for i, benchmark in enumerate(run.benchmarks)}
    return tuple(sorted(changes, key=lambda change: place[change.title]))
