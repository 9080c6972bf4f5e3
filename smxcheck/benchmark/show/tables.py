"""The tables of a run: who is how fast and how exact, the cost of an element by shape, all figures of one shape, changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smxcheck.benchmark.compare.against import Change
from smxcheck.benchmark.compare.ranking import Overall, Standing
from smxcheck.benchmark.compare.statistics import Interval
from smxcheck.benchmark.results import Benchmark, Entry, Verdict
from smxcheck.benchmark.show.columns import bar, narrow, room, sparkline, table
from smxcheck.benchmark.show.figures import (
    accuracy,
    bytes_text,
    figure,
    interval,
    quartiles,
    range_text,
    seconds_text,
)
from smxcheck.benchmark.show.words import (
    FRONT,
    LEAST,
    NOT_COMPARED,
    NOT_RANKED,
    WRONG_MARK,
    Findings,
    Group,
    gigabytes,
    nanoseconds,
    overall_trouble,
    speed,
    times_copy,
    yardsticks,
)
from smxcheck.report.screen import BLANK, Layout, Line

_BAR_LEAST, _BAR_MOST = 5, 24
#: A heading of the matrix is broken into lines of so many characters.
_NARROW = 8
#: Shapes that make a curve over the length of a row: so many with as many elements, at least.
_LADDER = 4
_STYLES = {Verdict.FASTER: "good", Verdict.SLOWER: "doubt", Verdict.SAME: "", Verdict.UNDECIDED: "doubt"}
_CHANGES = {Verdict.FASTER: "good", Verdict.SLOWER: "bad", Verdict.SAME: "", Verdict.UNDECIDED: "doubt"}


@dataclass(frozen=True)
class _Ranked:
    """A row of the ranking: ``times`` as fast as the base, or what keeps it from being ranked."""

    name: str
    times: Interval | None
    verdict: Verdict | None
    error: str
    front: bool
    trouble: str


def overall_ranking(found: Findings, group: Group, layout: Layout) -> list[Line]:
    """All targets over all shapes of a group, the fastest first, those that are not ranked last."""
    return _ranking([_of_overall(found, group, o) for o in group.overall], found.base, layout)


def ranking(found: Findings, benchmark: Benchmark, layout: Layout) -> list[Line]:
    """The same for one shape."""
    return _ranking([_of_standing(found, s) for s in found.standings[benchmark.title]], found.base, layout)


def matrix(group: Group, layout: Layout) -> list[Line]:
    """Nanoseconds for one element, targets × shapes; shapes of a ladder have a table of their own."""
    rungs = ladder(group.benchmarks)
    others = [b for b in group.benchmarks if b not in rungs]
    lines: list[Line] = []
    if others:
        headings = ["ns per element", *(narrow(b.shape.title, _NARROW) for b in others)]
        lines += table(headings, _cells(others, layout, trend=False), layout, gap=1)
    if rungs:
        headings = ["ns per element", *(f"{'' if i else 'n = '}{b.shape.n}" for i, b in enumerate(rungs)), "trend"]
        lines += [*([BLANK] if lines else []), *table(headings, _cells(rungs, layout, trend=True), layout, gap=1)]
    return lines


def ladder(benchmarks: Sequence[Benchmark]) -> list[Benchmark]:
    """The shapes of as many elements each in rows of different lengths, the shortest rows first; empty where they are few."""
    by_elements: dict[int, dict[int, Benchmark]] = {}
    for b in benchmarks:
        if b.shape.layout == "contiguous" and b.shape.axis in (-1, len(b.shape.shape) - 1):
            by_elements.setdefault(b.shape.elements, {}).setdefault(b.shape.n, b)
    longest: Mapping[int, Benchmark] = max(by_elements.values(), key=len, default={})
    return [longest[n] for n in sorted(longest)] if len(longest) >= _LADDER else []


def costs(benchmark: Benchmark, layout: Layout) -> list[Line]:
    """Time, bytes and memory of every target on one shape, in the order of the ranking, and of the yardsticks."""
    headings = ("", "time", "quartiles", "ns/element", "GB/s", "x copy", "peak memory")
    entries = sorted((e for e in benchmark.targets if e.timed), key=lambda e: (not e.ranked, e.median))
    rows = [_cost(benchmark, e, "" if e.ranked else "bad") for e in entries]
    rows += [_cost(benchmark, e, "dim") for e in yardsticks(benchmark)]
    return table(headings, rows, layout)


def changes(found: Iterable[Change], layout: Layout) -> list[Line]:
    """Times then and now, the benchmark on a line of its own above its targets."""
    headings = ("", "base", "now", "now/base (95 %)", "verdict")
    rows: list[Line] = []
    title = ""
    for change in found:
        if change.title != title:
            title = change.title
            rows.append(((title, "dim"), ("", "")))
        rows.append((
            (f"  {change.target}", ""), (seconds_text(change.old_seconds), ""), (seconds_text(change.new_seconds), ""),
            (interval(change.ratio), ""), (str(change.verdict), _CHANGES[change.verdict]),
        ))  # fmt: skip
        if change.note:
            rows.append((("", ""), (change.note, "dim")))
    return table(headings, rows, layout, left=(4,))


def _of_overall(found: Findings, group: Group, of: Overall) -> _Ranked:
    times = _times(of.target, found.base, of.ratio)
    trouble = overall_trouble(group, of)
    missing = len(group.benchmarks) - of.benchmarks
    error = accuracy(of.worst, "" if of.wrong else of.level)
    if not trouble and missing > 0 and of.target != found.base:
        error += f" ({of.benchmarks} of {len(group.benchmarks)} shapes)"
    return _Ranked(of.target, times, of.verdict, error, of.pareto, trouble)


def _of_standing(found: Findings, standing: Standing) -> _Ranked:
    entry, judgement = standing.entry, standing.entry.judgement
    times = _times(entry.name, found.base, standing.ratio) if entry.ranked else None
    wrong = judgement is not None and judgement.wrong
    trouble = NOT_RANKED if wrong else "not timed" if not entry.timed else "" if times else NOT_COMPARED
    error = accuracy(judgement.worst, "" if wrong else judgement.level) if judgement else "-"
    return _Ranked(entry.name, times, standing.verdict, error, standing.pareto, trouble)


def _times(name: str, base: str, ratio: Interval | None) -> Interval | None:
    return Interval(1.0, 1.0, 1.0) if name == base else speed(ratio) if ratio is not None else None


def _ranking(found: Iterable[_Ranked], base: str, layout: Layout) -> list[Line]:
    ordered = sorted(found, key=lambda r: (bool(r.trouble), -r.times.value if r.times else 0.0))
    best = max((r.times.value for r in ordered if r.times and not r.trouble), default=1.0)
    names = {r.name: f"{FRONT if r.front and not r.trouble else ' '} {r.name}" for r in ordered}
    headings = ["", "times as fast", "verdict", "worst error"]
    left = {1, 2, 3}

    def row(ranked: _Ranked, bar_text: str | None) -> Line:
        if ranked.trouble:
            style = "bad" if ranked.trouble.startswith("WRONG") else "doubt"
            error = f"; worst error {ranked.error}" if ranked.error != "-" else ""
            return ((names[ranked.name], ""), (ranked.trouble + error, style))
        word = "the base" if ranked.name == base else str(ranked.verdict)
        style = _STYLES[ranked.verdict] if ranked.verdict and ranked.name != base else "dim"
        bars = [(bar_text, style if style == "good" else "")] if bar_text is not None else []
        return ((names[ranked.name], ""), (interval(ranked.times), ""), *bars, (word, style), (ranked.error, ""))

    width = min(_BAR_MOST, room(headings, [row(r, None) for r in ordered], layout))
    if width < _BAR_LEAST:
        return table(headings, [row(r, None) for r in ordered], layout, left=left)
    headings.insert(2, "")
    bars = {r.name: bar(r.times.value / best, width, unicode=layout.unicode) for r in ordered if r.times and not r.trouble}
    return table(headings, [row(r, bars.get(r.name, "")) for r in ordered], layout, left=left | {4})


def _cells(benchmarks: Sequence[Benchmark], layout: Layout, *, trend: bool) -> list[Line]:
    """A row for each target and yardstick that was timed, a cell for each benchmark, and the curve over them."""
    least = {}
    for b in benchmarks:
        ranked = [e for e in b.targets if e.ranked]
        least[b.title] = min(ranked, key=lambda e: e.median).name if len(ranked) > 1 else ""
    names = list(dict.fromkeys(e.name for b in benchmarks for e in b.targets))
    beside = list(dict.fromkeys(e.name for b in benchmarks for e in yardsticks(b)))
    rows: list[Line] = []
    for name in (*names, *beside):
        style = "dim" if name in beside else ""
        values = [nanoseconds(b, e) if (e := b.entry(name)) and e.timed else None for b in benchmarks]
        if any(value is not None for value in values):
            cells = [_cell(b, b.entry(name), least[b.title], style) for b in benchmarks]
            curve = [(sparkline(values, unicode=layout.unicode), style)] if trend else []
            rows.append(((name, style), *cells, *curve))
    return rows


def _cell(benchmark: Benchmark, entry: Entry | None, least: str, style: str) -> tuple[str, str]:
    """``0.462<``; a mark or a blank is behind every figure, so that the figures stand below each other."""
    if entry is None or not entry.timed:
        return "- ", style
    text = figure(nanoseconds(benchmark, entry))
    if entry.judgement and entry.judgement.wrong:
        return text + WRONG_MARK, "bad"
    return (text + LEAST, "good") if entry.name == least else (f"{text} ", style)


def _cost(benchmark: Benchmark, entry: Entry, style: str) -> Line:
    copies = times_copy(benchmark, entry)
    texts = (
        entry.name, seconds_text(entry.median), range_text(*quartiles(entry.seconds)), figure(nanoseconds(benchmark, entry)),
        figure(gigabytes(benchmark, entry)), figure(copies) if copies is not None else "-", bytes_text(entry.peak_bytes),
    )  # fmt: skip
    return tuple((text, style) for text in texts)
