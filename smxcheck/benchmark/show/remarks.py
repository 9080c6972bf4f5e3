"""What a reader of the times has to know besides, and what it all comes to: notes and the last line, one text each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from smxcheck.benchmark.compare.against import Change, Comparison
from smxcheck.benchmark.results import EMPTY, Benchmark, Entry, Run, Trust, Verdict
from smxcheck.benchmark.show.figures import figure, interval, percent, quartiles, seconds_text
from smxcheck.benchmark.show.words import (
    Findings,
    Group,
    beyond,
    compiles,
    cpus,
    error_text,
    not_timed,
    speed,
    wrong_text,
)
from smxcheck.report.numbers import listed, plural, seconds

#: A harness that takes more of what is timed than this is named.
_MOST_OVERHEAD = 0.01
#: With more functions and dtypes than this the last line counts instead of naming each.
_MOST_NAMED = 4
#: Of a kind the last line names so many; what stands above it has all.
_MOST_SHOWN = 3


def wrongs(found: Findings) -> list[str]:
    """What each wrong target gave in place of what, said once for all functions, dtypes and shapes that share it."""
    wrong = ((b, e, e.judgement) for b, e in _entries(found.run) if e.judgement and e.judgement.wrong)
    return _together((e, b, "is WRONG", wrong_text(judgement)) for b, e, judgement in wrong)


def failures(run: Run) -> list[str]:
    """Why targets were not timed, said once for all that share it."""
    return _together((e, b, "was not timed", not_timed(e)) for b, e in _entries(run) if not e.timed)


def undecided(found: Findings) -> list[str]:
    """The shapes on which it is open how a target compares, even where the mean over all shapes is decided."""
    open_ones = [
        (s.entry, b) for b in found.run.benchmarks for s in found.standings[b.title]
        if s.verdict is Verdict.UNDECIDED and s.entry.name != found.base
    ]  # fmt: skip
    return _together((e, b, f"against {found.base} is UNDECIDED", "--time-limit gives more time") for e, b in open_ones)


def _together(told: Iterable[tuple[Entry, Benchmark, str, str]]) -> list[str]:
    where: dict[tuple[str, str, str], list[Benchmark]] = {}
    for entry, benchmark, what, why in told:
        where.setdefault((entry.name, what, why), []).append(benchmark)
    return [f"{name} {what} on {_places(found)}: {why}" for (name, what, why), found in where.items()]


def _places(benchmarks: Iterable[Benchmark]) -> str:
    """``softmax float32 and float64 64 x 10; 1 x 7``: dtypes with the same shapes, then functions with the same dtypes, together."""
    shapes: dict[tuple[str, str], list[str]] = {}
    for b in benchmarks:
        shapes.setdefault((b.function, b.dtype), []).append(b.shape.title)
    dtypes: dict[tuple[str, str], list[str]] = {}
    for (function, dtype), titles in shapes.items():
        dtypes.setdefault((function, "; ".join(titles)), []).append(dtype)
    functions: dict[tuple[str, str], list[str]] = {}
    for (function, where), names in dtypes.items():
        functions.setdefault((listed(names), where), []).append(function)
    return ", on ".join(f"{listed(names)} {of} {where}" for (of, where), names in functions.items())


def doubts(run: Run) -> Iterator[str]:
    """What makes the times worth less: what is missing, a harness too slow for what is timed, processors beyond --threads."""
    if not run.complete:
        yield "incomplete: the run did not come to its end; what it has so far stands here"
    yield from run.notes
    if (overhead := _overhead(run)) and overhead[1]:
        yield overhead[0]
    for name, entries in _by_target(run).items():
        if used := [cpus(e) for _, e in entries if beyond(run, e)]:
            yield f"{name} used {max(used):.2g} CPUs: more than the {plural(run.settings.threads, 'thread')} asked for"


def definitions(run: Run) -> Iterator[str]:
    """How to read the times: first calls, overhead, spread, what a call includes, the gate's own test."""
    for name, entries in _by_target(run).items():
        if first := [(e.first_call, b.title) for b, e in entries if compiles(e)]:
            longest, title = max(first)
            yield f"{name}: first call {seconds_text(longest)} on {title}, of which compiling is the most; not in the times"
    if (overhead := _overhead(run)) and not overhead[1]:
        yield overhead[0]
    yield from _spread(run)
    for sentence, names in measured(run).items():
        yield f"a call of {listed(names)} includes: {sentence}"
    if run.trust is not None:
        yield trust_text(run.trust)


def measured(run: Run) -> dict[str, list[str]]:
    """What a call includes → the targets of which it is true."""
    told: dict[str, list[str]] = {}
    for target in run.targets:
        if target.measured:
            told.setdefault(target.measured, []).append(target.name)
    return told


def trust_text(trust: Trust) -> str:
    """``… 0 false alarms in 40 runs, 20 of them of unchanged code and 20 with one target slowed by 20 % …``."""
    n, slowed = trust.repetitions, percent(trust.slowed - 1)
    told = (
        f"the gate at {percent(trust.threshold)} put to the test: {plural(trust.false_alarms, 'false alarm')} in {2 * n} runs,"
        f" {n} of unchanged code and {n} with one target slowed by {slowed} (SLOWER for what had not changed,"
        f" {plural(trust.comparisons, 'comparison')} in each run); the slowed target found in {trust.found} of {n}"
    )
    return f"{told}; {spread_text(trust)}" if trust.spread else told


def spread_text(trust: Trust) -> str:
    """``unchanged code took from 0.98 to 1.03 times as long as before, in 80 ratios``."""
    low, high = figure(min(trust.spread)), figure(max(trust.spread))
    return f"unchanged code took from {low} to {high} times as long as before, in {plural(len(trust.spread), 'ratio')}"


def verdict(found: Findings, comparison: Comparison | None = None) -> str:
    """The last line: the gate's verdict where there is one, else what is fastest and what is wrong."""
    took = f"Measured in {seconds(found.run.seconds)}."
    incomplete = "" if found.run.complete else "INCOMPLETE: "
    if comparison is not None:
        return f"{incomplete}{gate(comparison)}. {took}"
    if not any(e.timed for _, e in _entries(found.run)):
        return f"{incomplete}NOTHING TIMED. {took}"
    told = [_group(found, g) for g in found.groups] if len(found.groups) <= _MOST_NAMED else _counted(found)
    return f"{incomplete}{'. '.join(told)}. {took}"


def gate(comparison: Comparison) -> str:
    """``OK: …``, ``SLOWER: …``, ``WRONG: …``, ``UNDECIDED: …`` or ``NOTHING COMPARED: …``, as the exit code has it.

    What is undecided is never told as not slower.
    """
    threshold, compared = percent(comparison.threshold), len(comparison.changes)
    bad = {"SLOWER": [slowdown(c) for c in comparison.slower], "WRONG": newly_wrong(comparison)}
    if told := [f"{word}: {_at_most(texts)}" for word, texts in bad.items() if texts]:
        return "; ".join(told)
    if not compared:
        return "NOTHING COMPARED: nothing is in both and right in both"
    undecided = sum(c.verdict is Verdict.UNDECIDED for c in comparison.changes)
    if undecided == compared:
        return f"UNDECIDED: none of {compared} compared could be decided at {threshold}: more --launches tell more, in the base too"
    if undecided:
        return f"OK: {compared - undecided} of {compared} compared are not slower by {threshold}; {undecided} UNDECIDED"
    return f"OK: {compared} compared, none slower by {threshold}"


def newly_wrong(comparison: Comparison) -> list[str]:
    """``kernel.py on softmax float32 4096 x 1000, where the base is right: nan in place of a number``."""
    return [f"{w.target} on {w.title}, where the base is right: {error_text(w.message)}" for w in comparison.newly_wrong]


def _at_most(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_SHOWN
    return "; ".join([*texts[:_MOST_SHOWN], *([f"and {more} more"] if more > 0 else [])])


def slowdown(change: Change) -> str:
    """``kernel.py by 23 % (18–28 %) on softmax float32 4096 x 1000, confirmed``."""
    low, high = (percent(end - 1).removesuffix(" %") for end in (change.ratio.low, change.ratio.high))
    note = f", {change.note}" if change.note else ""
    return f"{change.target} by {percent(change.ratio.value - 1)} ({low}–{high} %) on {change.title}{note}"


def change_text(change: Change) -> str:
    """``18.2 ms, base 14.8 ms: 1.23 (1.18–1.28) times as long, SLOWER``."""
    times = f"{seconds_text(change.new_seconds)}, base {seconds_text(change.old_seconds)}"
    note = f": {change.note}" if change.note else ""
    return f"{times}: {interval(change.ratio)} times as long, {change.verdict}{note}"


def counts(comparison: Comparison) -> str:
    """``28 compared at a threshold of 10 %: 2 FASTER, 1 SLOWER, 20 SAME, 5 UNDECIDED``."""
    number = {v: sum(c.verdict is v for c in comparison.changes) for v in Verdict}
    told = ", ".join(f"{n} {v}" for v, n in number.items() if n) or "nothing"
    wrong = f", {len(comparison.newly_wrong)} WRONG where the base is right" if comparison.newly_wrong else ""
    return f"{len(comparison.changes)} compared at a threshold of {percent(comparison.threshold)}: {told}{wrong}"


def _group(found: Findings, group: Group) -> str:
    wrong = [f"{o.target} is WRONG on {plural(o.wrong, 'shape')}" for o in group.overall if o.wrong]
    return f"{group.title}: {'; '.join([_fastest(found, group), *wrong])}"


def _fastest(found: Findings, group: Group) -> str:
    """Who is how much faster than the base, as far as that is decided."""
    if not found.base:
        return "no target is right"
    if all(not o.benchmarks for o in group.overall if o.target == found.base):
        return f"nothing is compared: {found.base}, the base, is not ranked"
    ranked = [(o.ratio, o) for o in group.overall if not o.wrong and o.ratio is not None and o.target != found.base]
    faster = [(ratio, o) for ratio, o in ranked if o.verdict is Verdict.FASTER]
    undecided = [o.target for _, o in ranked if o.verdict is Verdict.UNDECIDED]
    if faster:
        ratio, best = min(faster, key=lambda pair: pair[0].value)
        mean = f" in the mean of {best.benchmarks} shapes" if best.benchmarks > 1 else ""
        return f"{best.target} is {figure(speed(ratio).value)} times as fast as {found.base}{mean}"
    if undecided:
        return f"whether {' or '.join(undecided)} is faster than {found.base} is UNDECIDED"
    return f"none is faster than {found.base}" if ranked else f"{found.base} alone is ranked"


def _counted(found: Findings) -> list[str]:
    """For many functions: how often which target is the fastest right one, and where which is wrong."""
    fastest: dict[str, int] = {}
    for group in found.groups:
        ranked = [(o.ratio.value, o.target) for o in group.overall if not o.wrong and o.ratio is not None]
        if ranked:
            name = min(ranked)[1]
            fastest[name] = fastest.get(name, 0) + 1
    ordered = sorted(fastest.items(), key=lambda item: -item[1])
    told = ", ".join(f"{name} on {count}" for name, count in ordered) or "none"
    wrong = [f"{o.target} is WRONG in {g.title}" for g in found.groups for o in g.overall if o.wrong]
    return [f"the least time of the right ones, of {len(found.groups)} functions and dtypes: {told}", *wrong]


def _overhead(run: Run) -> tuple[str, bool] | None:
    """The empty call beside the shortest one of each benchmark, and whether it is too much: it is part of every time."""
    shares = []
    for benchmark in run.benchmarks:
        empty = benchmark.entry(EMPTY)
        timed = [e.median for e in benchmark.targets if e.timed and e.median > 0]
        if empty and empty.timed and timed:
            shares.append((empty.median / min(timed), empty.median, benchmark.shape.title, benchmark.title))
    if not shares:
        return None
    share, empty_seconds, _, title = max(shares)
    told = f"timing an empty call takes {seconds_text(empty_seconds)}, at most {percent(share)} of any call timed here ({title})"
    high = list(dict.fromkeys(shape for share, _, shape, _ in shares if share > _MOST_OVERHEAD))
    return (f"{told}; above {percent(_MOST_OVERHEAD)}: do not trust {'; '.join(high)}", True) if high else (told, False)


def _spread(run: Run) -> Iterator[str]:
    wide = [(b[1] / b[0]) for _, e in _entries(run) if e.timed and (b := quartiles(e.seconds))[0] > 0]
    if wide:
        yield (
            f"the upper quartile of a target's times is {median(wide):.2f} times the lower one in the median,"
            f" {max(wide):.2f} times at most: where that is far from 1, trust the ratios, not the times"
        )


def _entries(run: Run) -> Iterator[tuple[Benchmark, Entry]]:
    return ((benchmark, entry) for benchmark in run.benchmarks for entry in benchmark.targets)


def _by_target(run: Run) -> dict[str, list[tuple[Benchmark, Entry]]]:
    found: dict[str, list[tuple[Benchmark, Entry]]] = {}
    for benchmark, entry in _entries(run):
        found.setdefault(entry.name, []).append((benchmark, entry))
    return found
