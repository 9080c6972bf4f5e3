"""A benchmark as text: tables in 80 columns for a terminal, one fact per line for everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from smxcheck.benchmark.show.figures import figure, interval
from smxcheck.benchmark.suites import words
from smxcheck.benchmark.suites.model import EMPTY, Comparison, Mean, Outcome, Speed, Timing
from smxcheck.report.escape import to_ascii
from smxcheck.report.screen import BLANK, Layout, Line, plain

#: Widths of the columns: contender, nanoseconds, times the copy, ratio, worst error.
_WIDTHS = (21, 8, 6, 19, 0)
_VERDICT = 12
_STYLES = {"reached": "good", "NOT REACHED": "bad", "not measured": "doubt"}


def lines(speed: Speed, layout: Layout) -> list[Line]:
    """The whole screen, top to bottom."""
    head = layout.wrapped(words.machine(speed), rest="  ", style="dim")
    sections = [head, *(section for outcome in speed.outcomes for section in _suite(outcome, layout))]
    sections.append(layout.wrapped(words.took(speed)))
    return [line for section in sections if section for line in (*section, BLANK)][:-1]


def facts(speed: Speed, *, unicode: bool = True) -> Iterator[str]:
    """The same, one fact per line without a limit of width; ASCII unless ``unicode``."""
    for fact in _facts(speed):
        yield fact if unicode else to_ascii(fact)


def markdown(speed: Speed) -> str:
    """The screen as a page: what it tells cannot be read without the command and the units."""
    text = "\n".join("".join(piece for piece, _ in line).rstrip() for line in lines(speed, Layout()))
    return f"# Speed\n\n{words.reading(speed)}\n\n```\n{text}\n```\n"


def _suite(outcome: Outcome, layout: Layout) -> Iterator[list[Line]]:
    if outcome.comparisons:
        yield layout.wrapped(words.LEGENDS[outcome.suite], rest="  ", style="dim")
    for (function, dtype), group in groupby(outcome.comparisons, lambda c: (c.function, c.dtype)):
        comparisons = list(group)
        means = dict(words.told_means(outcome, function, dtype))
        yield [
            *_table(f"{function} {dtype}", outcome.suite, comparisons, layout),
            *_overall(comparisons, means, layout),
        ]
    yield [line for text in words.figures(outcome) for line in layout.wrapped(text, rest="  ", style="dim")]
    yield [
        line
        for goal in outcome.goals
        for line in _goal(words.goal_verdict(goal), words.goal_text(goal), layout)
    ]


def _table(title: str, suite: str, comparisons: Iterable[Comparison], layout: Layout) -> Iterator[Line]:
    copied = suite == "functions"
    yield plain(layout.fit(title), "strong")
    headings = (
        "contender",
        "ns/entry",
        "× copy" if copied else "",
        words.RATIO_HEADINGS[suite],
        "worst error",
    )
    yield plain(layout.fit(_columns(headings)), "dim")
    for comparison in comparisons:
        beside = words.yardsticks(comparison)
        yield plain(layout.fit(comparison.workload + (f"   {beside}" if beside else "")), "dim")
        for timing in _contenders(comparison):
            yield plain(
                layout.fit(_columns(_cells(suite, comparison, timing))), "bad" if timing.wrong else ""
            )


def _overall(comparisons: list[Comparison], means: Mapping[str, Mean], layout: Layout) -> Iterator[Line]:
    """What the table comes to, for every contender; the rival by whose speed ratios are told has no mean."""
    if not means:
        return
    yield plain(layout.fit("all together: geometric mean, largest error"), "strong")
    for name in dict.fromkeys(t.name for c in comparisons for t in _contenders(c)):
        ratio = interval(means[name].times) if name in means else ""
        error = words.accuracy(words.overall(comparisons, name))
        yield plain(layout.fit(_columns((f"  {name}", "", "", ratio, error))))


def _cells(suite: str, comparison: Comparison, timing: Timing) -> tuple[str, ...]:
    ratio = comparison.ratio(*words.told_pair(suite, timing.name))
    return (f"  {timing.name}", figure(timing.nanoseconds), words.times_copy(comparison, timing),
            interval(ratio) if ratio else "", words.accuracy(timing.accuracy))  # fmt: skip


def _columns(texts: tuple[str, ...]) -> str:
    """Name on the left, figures on the right of their columns; a name that is too long pushes them on."""
    name, *others = texts
    padded = [name.ljust(_WIDTHS[0]), *(t.rjust(w) for t, w in zip(others[:-1], _WIDTHS[1:], strict=False))]
    return f"{' '.join(padded)}  {others[-1]}".rstrip()


def _goal(verdict: str, text: str, layout: Layout) -> list[Line]:
    """The verdict in its colour, the goal beside it, wrapped under itself."""
    first, *more = layout.wrapped(text, first=" " * (_VERDICT + 1), rest=" " * (_VERDICT + 1))
    told = first[0][0].lstrip()
    return [((verdict.ljust(_VERDICT), _STYLES[verdict]), (f" {told}", "")), *more]


def _contenders(comparison: Comparison) -> list[Timing]:
    """Those that compute the function."""
    return [t for t in comparison.timings if t.name not in (EMPTY, *words.YARDSTICKS)]


def _facts(speed: Speed) -> Iterator[str]:
    yield words.machine(speed)
    for outcome in speed.outcomes:
        if outcome.comparisons:
            yield words.LEGENDS[outcome.suite]
        for comparison in outcome.comparisons:
            if beside := words.yardsticks(comparison):
                yield f"{comparison.title}: {beside} per entry"
            for timing in _contenders(comparison):
                yield f"{comparison.title} {timing.name}: {_figures(outcome.suite, comparison, timing)}"
        for function, dtype in dict.fromkeys((c.function, c.dtype) for c in outcome.comparisons):
            for name, mean in words.told_means(outcome, function, dtype):
                told = f"{interval(mean.times)} {words.RATIO_HEADINGS[outcome.suite]}"
                yield f"{function} {dtype} {name}: {told} in geometric mean over {mean.workloads} workloads"
        yield from words.figures(outcome)
        yield from (f"goal {words.goal_verdict(goal)}: {words.goal_text(goal)}" for goal in outcome.goals)
    yield words.took(speed)


def _figures(suite: str, comparison: Comparison, timing: Timing) -> str:
    parts = [f"{figure(timing.nanoseconds)} ns per entry"]
    if copies := words.times_copy(comparison, timing):
        parts.append(f"{copies} × copy")
    if ratio := comparison.ratio(*words.told_pair(suite, timing.name)):
        parts.append(f"{interval(ratio)} {words.RATIO_HEADINGS[suite]}")
    if error := words.accuracy(timing.accuracy):
        parts.append(f"worst error {error}")
    return "; ".join(parts)
