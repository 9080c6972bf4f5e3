"""The tables of a run: who is how fast and how exact, the cost of an element by shape, all figures of one shape, changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smxcheck.benchmark.compare.against import Change
from smxcheck.benchmark.compare.ranking import Overall, Standing
from smxcheck.benchmark.compare.statistics import Interval
from smxcheck.benchmark.results import Benchmark, Entry, Verdict
from smxcheck.benchmark.shapes import Shape
from smxcheck.benchmark.show.columns import WIDEST_NAME, bar, room, sparkline, stacked, table
from smxcheck.benchmark.show.figures import (
    accuracy,
    bytes_text,
    figure,
    interval,
    known,
    quartiles,
    range_text,
    rate_text,
    seconds_text,
)
from smxcheck.benchmark.show.means import MeanCost, mean_costs, means_title
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
    partial_means,
    speed,
    times_copy,
    yardsticks,
)
from smxcheck.report.screen import BLANK, Layout, Line

_BAR_LEAST, _BAR_MOST = 5, 24
#: Lines of a heading of the matrix have so many characters at most, where its pieces have.
_NARROW = 9
#: How a heading of the matrix says a layout, in a word.
IN_A_WORD = {"every-other": "strided", "transposed": "transposed"}
#: Shapes that make a curve over the length of a row: so many with as many elements, at least.
_LADDER = 4
_STYLES = {Verdict.FASTER: "good", Verdict.SLOWER: "doubt", Verdict.SAME: "", Verdict.UNDECIDED: "doubt"}
_CHANGES = {Verdict.FASTER: "good", Verdict.SLOWER: "bad", Verdict.SAME: "", Verdict.UNDECIDED: "doubt"}


@dataclass(frozen=True)
class _Ranked:
    """A row of the ranking: ``times`` as fast as the base, and what keeps it from being ranked, or ""."""

    name: str
    times: Interval | None
    verdict: Verdict | None
    error: str
    front: bool
    trouble: str


def overall_ranking(found: Findings, group: Group, layout: Layout) -> list[Line]:
    """All targets over all shapes of a group, the fastest first, those that are not ranked last."""
    lines = _ranking([_of_overall(found, group, o) for o in group.overall], found.base, layout)
    return lines + [line for text in partial_means(found, group) for line in layout.wrapped(text, first="  ", rest="    ", style="dim")]


def ranking(found: Findings, benchmark: Benchmark, layout: Layout) -> list[Line]:
    """The same for one shape."""
    return _ranking([_of_standing(found, s) for s in found.standings[benchmark.title]], found.base, layout)


def matrix(group: Group, layout: Layout) -> list[Line]:
    """Nanoseconds for one element, targets × shapes; shapes of a ladder have a table of their own."""
    rungs = ladder(group.benchmarks)
    others = [b for b in group.benchmarks if b not in rungs]
    lines: list[Line] = []
    if others:
        headings = ["ns per element", *(_heading(b.shape) for b in others)]
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
    headings = ("", "time", "quartiles", "ns per\nelement", "elements\neach s", "GB/s", "x copy", "peak\nmemory")
    entries = sorted((e for e in benchmark.targets if e.timed), key=lambda e: (not e.ranked, e.median))
    rows = [_cost(benchmark, e, "" if e.ranked else "bad") for e in entries]
    rows += [_cost(benchmark, e, "dim") for e in yardsticks(benchmark)]
    return table(headings, rows, layout, gap=1)


def means(group: Group, layout: Layout) -> list[Line]:
    """What the targets and the yardsticks cost in the mean over the shapes; nothing where there are no shapes in common."""
    headings = ("", "ns per element", "elements/s", "GB/s", "x copy", "peak memory")
    rows = [_mean(cost, group) for cost in mean_costs(group)]
    return [*layout.wrapped(means_title(group), rest="  ", style="dim"), *table(headings, rows, layout)] if rows else []


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
    times = _times(of.target, found.base, of.ratio) if of.ratio else None
    error = accuracy(of.worst, "" if of.wrong else of.level)
    return _Ranked(of.target, times, of.verdict, error, of.pareto, overall_trouble(group, of))


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
    ordered = sorted(found, key=lambda r: (bool(r.trouble), -r.times.value if r.times and not r.trouble else 0.0))
    best = max((r.times.value for r in ordered if r.times and not r.trouble), default=1.0)
    names = {r.name: f"{FRONT if r.front and not r.trouble else ' '} {r.name}" for r in ordered}
    headings = ["", "times as fast", "verdict", "worst error"]
    left = {1, 2, 3}

    def row(ranked: _Ranked, bar_text: str | None) -> Line:
        if ranked.trouble:
            style = "bad" if ranked.trouble.startswith("WRONG") else "doubt"
            if ranked.times:
                blank = [("", "")] if bar_text is not None else []
                return ((names[ranked.name], ""), (interval(ranked.times), ""), *blank, (ranked.trouble, style), (ranked.error, style))
            error = f"; worst error {ranked.error}" if ranked.error != "-" else ""
            return ((names[ranked.name], ""), (ranked.trouble + error, style))
        word = "the base" if ranked.name == base else str(ranked.verdict)
        style = _STYLES[ranked.verdict] if ranked.verdict and ranked.name != base else "dim"
        bars = [(bar_text, style if style == "good" else "")] if bar_text is not None else []
        return ((names[ranked.name], ""), (interval(ranked.times), ""), *bars, (word, style), (ranked.error, ""))

    without = [row(r, None) for r in ordered]
    widest = next((w for w in range(WIDEST_NAME, 0, -1) if room(headings, without, layout, widest=w) >= _BAR_LEAST), 0)
    if not widest:
        return table(headings, without, layout, left=left)
    width = min(_BAR_MOST, room(headings, without, layout, widest=widest))
    headings.insert(2, "")
    bars = {r.name: bar(r.times.value / best, width, unicode=layout.unicode) for r in ordered if r.times and not r.trouble}
    return table(headings, [row(r, bars.get(r.name, "")) for r in ordered], layout, left=left | {4}, widest=widest)


def _heading(shape: Shape) -> str:
    """``4096``, ``x 1000`` and ``strided`` below each other."""
    first, *others = shape.shape
    pieces = [str(first), *(f"x {length}" for length in others)]
    pieces += [f"axis {shape.axis}"] if shape.axis != -1 else []
    return stacked([*pieces, *([IN_A_WORD[shape.layout]] if shape.layout in IN_A_WORD else [])], _NARROW)


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
    copies, each = times_copy(benchmark, entry), nanoseconds(benchmark, entry)
    texts = (
        entry.name, seconds_text(entry.median), range_text(*quartiles(entry.seconds)), figure(each),
        rate_text(1e9 / each) if each else "-", figure(gigabytes(benchmark, entry)), known(copies), bytes_text(entry.peak_bytes),
    )  # fmt: skip
    return tuple((text, style) for text in texts)


def _mean(cost: MeanCost, group: Group) -> Line:
    """A mark or a blank is behind the first figure, as in the matrix."""
    style = "" if cost.name in {o.target for o in group.overall} else "dim"
    others = (
        rate_text(cost.elements) if cost.elements else "-", known(cost.gigabytes), known(cost.copies), bytes_text(cost.peak_bytes),
    )  # fmt: skip
    each = known(cost.nanoseconds)
    first = (f"{each}{WRONG_MARK}", "bad") if cost.wrong else (f"{each} ", style)
    return ((cost.name, style), first, *((text, style) for text in others))
