"""A run as a page for readers who were not there: the verdict, what makes it worth less, how it was measured, all figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

from smxcheck.benchmark.compare.ranking import undecided
from smxcheck.benchmark.results import EMPTY, Benchmark, Entry, Run, TimedTarget, Trust, Verdict
from smxcheck.benchmark.show import remarks
from smxcheck.benchmark.show.figures import (
    accuracy,
    bytes_text,
    figure,
    interval,
    known,
    percent,
    quartiles,
    range_text,
    seconds_text,
)
from smxcheck.benchmark.show.means import mean_costs, means_title
from smxcheck.benchmark.show.words import (
    BYTES_FORMULA,
    FRONT,
    FRONT_MEANS,
    Findings,
    Group,
    cpus,
    findings,
    gigabytes,
    head,
    nanoseconds,
    overall_trouble,
    speed,
    times_copy,
)
from smxcheck.report.as_markdown import text as escaped
from smxcheck.report.escape import one_line
from smxcheck.report.numbers import listed, plural, seconds

_NOTHING = "-"
#: Columns that have no figures.
_WORDS = ("verdict", "worst error", "front")


def render(run: Run, plots: Sequence[str] = (), data: str = "") -> str:
    """The page as Markdown. Equal runs give equal pages.

    ``plots`` are the names of image files and ``data`` that of the JSON file of the same run, relative to the page.
    """
    return "\n".join(_lines(findings(run), plots, data)).rstrip("\n") + "\n"


def _lines(found: Findings, plots: Sequence[str], data: str) -> Iterator[str]:
    yield "# Speed, and the accuracy that it costs"
    yield ""
    yield escaped(remarks.verdict(found))
    yield ""
    yield from _section("What makes these figures worth less", _bullets(_doubts(found)))
    yield from _section("Where and how it was run", _environment(found))
    yield from _section("How it was measured", _bullets(_method(found)))
    if found.run.trust is not None:
        yield from _section("The gate put to the test", _trust(found.run.trust))
    yield from _plots(found, plots)
    for group in found.groups:
        yield from _section(escaped(group.title), _group(found, group))
    yield from _section("Wrong: timed, never ranked", _bullets(map(escaped, remarks.wrongs(found))))
    yield from _section("Raw data", [f"Every time of every round: [{escaped(data)}]({_address(data)})."] if data else [])


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A heading and what stands below it; nothing at all where that is nothing."""
    body = list(lines)
    if body:
        yield from (f"## {title}", "", *body, "")


def _bullets(sentences: Iterable[str]) -> Iterator[str]:
    return (f"- {sentence}" for sentence in sentences)


def _doubts(found: Findings) -> Iterator[str]:
    run = found.run
    yield from map(escaped, remarks.doubts(run))
    yield from map(escaped, remarks.failures(run))
    wrong = list(dict.fromkeys(e.name for b in run.benchmarks for e in b.targets if e.judgement and e.judgement.wrong))
    if wrong:
        yield f"WRONG on a timed shape, so timed and never ranked: {escaped(listed(wrong))}."
    if open_ := undecided(run):
        yield f"UNDECIDED on {plural(len(open_), 'benchmark')}: {escaped('; '.join(open_))}."
    yield "One machine: another one may order the targets differently. Errors are lower bounds (≥), from rows that were judged."


def _environment(found: Findings) -> Iterator[str]:
    run = found.run
    yield from (f"- {escaped(line)}" for line in head(found))
    yield from (f"- {_target(target)}" for target in run.targets)
    took = f"{seconds(run.seconds)}, {escaped(run.date)}" if run.date else seconds(run.seconds)
    yield f"- measured in {took}"
    if run.command:
        yield from ("", "```", one_line(run.command).replace("```", "` ` `"), "```", "", "measures the same again.")


def _target(target: TimedTarget) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in target.versions.items())
    told = [versions, f"{target.arrays} arrays", f"imported in {seconds_text(target.import_seconds)}"]
    told += [f"{target.path}, SHA-256 {target.sha256}"] if target.path else []
    return escaped(f"{target.name}: {'; '.join(filter(None, [*told, *target.notes]))}")


def _method(found: Findings) -> Iterator[str]:
    run, margin = found.run, found.run.settings.margin
    yield (
        "Every target runs in a process of its own, one at a time. They take turns round by round, the yardsticks with them, so"
        " that what slows the machine slows all alike; all processes are started anew for each launch."
    )
    yield (
        "A time is that of one call, a mean over the calls of a sample. First calls, compilation among them, are in no time."
        " Figures are medians over all rounds of all launches."
    )
    yield from map(escaped, remarks.definitions(replace(run, trust=None)))  # the gate's own test has a section
    yield (
        "The limit: **copy** reads and writes the first argument's elements once, into memory that is there; **exp** is exp alone"
        " of the same elements. `× copy` is a time over that of the copy in the same rounds."
    )
    yield f"GB/s are those of the {escaped(BYTES_FORMULA)}; 1 GB is 10^9 bytes."
    yield (
        "A ratio is the median over the rounds of a launch of the ratio of the times, averaged over the launches by its logarithm;"
        " the interval of 95 % has in it what differs from round to round and from launch to launch."
    )
    bound = figure(1 + margin)
    yield (
        f"Times count as the same within {percent(margin)}: with r a time over the base's, {Verdict.SLOWER} is an interval wholly"
        f" above {bound}, {Verdict.FASTER} one wholly below 1/{bound}, {Verdict.SAME} one wholly between; any other is"
        f" {Verdict.UNDECIDED}."
    )
    yield (
        "Right first: before the timing the values on the very shape are held against exact ones, hard rows among them. The error"
        " is in ulp of the exact value; what lies outside the proven bound is wrong, and is never ranked."
    )
    yield f"{escaped(FRONT)} marks the Pareto front of accuracy against time: {FRONT_MEANS}."


def _trust(trust: Trust) -> Iterator[str]:
    n = trust.repetitions
    yield (
        f"{plural(2 * n, 'run')} against a base at a threshold of {percent(trust.threshold)},"
        f" {plural(trust.comparisons, 'comparison')} in each: {n} of unchanged code, and {n} in which one target was held up until"
        f" it took {figure(trust.slowed)} times as long and the others were unchanged. A run with any SLOWER for what had not"
        " changed is a false alarm."
    )
    yield ""
    yield from table(
        ("", "found", "of"),
        [
            ("false alarms: SLOWER for what had not changed", str(trust.false_alarms), str(2 * trust.repetitions)),
            (f"slowdowns of {percent(trust.slowed - 1)} found", str(trust.found), str(trust.repetitions)),
        ],
    )
    if trust.spread:
        yield ""
        spread = remarks.spread_text(trust)
        yield f"{spread[0].upper()}{spread[1:]}."
    if trust.targets:
        yield ""
        yield escaped(f"Tried with {listed(list(trust.targets))} on {'; '.join(trust.titles)}.")


def _plots(found: Findings, plots: Sequence[str]) -> Iterator[str]:
    functions = list(dict.fromkeys(g.function for g in found.groups))
    alt = f"{listed(functions)}: nanoseconds for an element over the length of a row, and worst error in ulp against time"
    yield from _section("Plots", [line for name in plots for line in (f"![{escaped(alt)}]({_address(name)})", "")][:-1])


def _address(name: str) -> str:
    """A relative address that Markdown takes for one, whatever is in the name."""
    return quote(name)


def _group(found: Findings, group: Group) -> Iterator[str]:
    yield from summary(found, group)
    yield ""
    yield from costs(group)
    yield "ns for an element:"
    yield ""
    yield from matrix(group)
    for benchmark in group.benchmarks:
        yield ""
        yield f"<details><summary>{escaped(benchmark.title)}</summary>"
        yield ""
        yield from _details(found, benchmark)
        yield ""
        yield "</details>"


def summary(found: Findings, group: Group) -> Iterator[str]:
    """A row for each target over all shapes."""
    rows = []
    for of in group.overall:
        ratio, verdict = _NOTHING, _NOTHING
        if of.target == found.base and of.ratio:
            ratio, verdict = "1", "the base"
        elif of.ratio:
            ratio, verdict = interval(speed(of.ratio)), str(of.verdict or _NOTHING)
        trouble = overall_trouble(group, of)
        front = FRONT if of.pareto else ""
        rows.append((of.target, ratio, trouble or verdict, str(of.benchmarks), accuracy(of.worst, of.level), front))
    yield from table(("target", f"× speed of {found.base or 'the base'} (95 %)", "verdict", "shapes", "worst error", "front"), rows)


def costs(group: Group) -> Iterator[str]:
    """What targets and yardsticks cost in the mean over the shapes, and a blank line; nothing for one shape."""
    means = mean_costs(group) if len(group.benchmarks) > 1 else []
    if not means:
        return
    yield f"{means_title(group).capitalize()}:"
    yield ""
    rows = [
        (m.name, f"{known(m.nanoseconds)}{' WRONG' if m.wrong else ''}", known(m.elements and m.elements / 1e6),
         known(m.gigabytes), known(m.copies), bytes_text(m.peak_bytes))
        for m in means
    ]  # fmt: skip
    yield from table(("", "ns for an element", "M elements/s", "GB/s", "× copy", "peak memory"), rows)
    yield ""


def matrix(group: Group) -> Iterator[str]:
    """Nanoseconds for an element, shapes × targets and yardsticks."""
    names = list(dict.fromkeys(e.name for b in group.benchmarks for e in b.entries if e.name != EMPTY))
    rows = [(b.shape.title, *(_cost(b, b.entry(name)) for name in names)) for b in group.benchmarks]
    yield from table(("shape", *names), rows)


def _cost(benchmark: Benchmark, entry: Entry | None) -> str:
    if entry is None or not entry.timed:
        return _NOTHING
    wrong = entry.judgement is not None and entry.judgement.wrong
    return f"{figure(nanoseconds(benchmark, entry))}{' WRONG' if wrong else ''}"


def _details(found: Findings, benchmark: Benchmark) -> Iterator[str]:
    """Every figure of a benchmark."""
    headings = ("", "time", "quartiles", "M elements/s", "GB/s", "× copy", "ratio of speeds (95 %)", "verdict", "worst error",
                "memory of a call", "first call", "CPUs")  # fmt: skip
    yield from table(headings, [_row(found, benchmark, e) for e in benchmark.entries if e.timed])


def _row(found: Findings, benchmark: Benchmark, entry: Entry) -> tuple[str, ...]:
    standing = next((s for s in found.standings[benchmark.title] if s.entry.name == entry.name), None)
    ratio = standing.ratio if standing else None
    judged = entry.judgement
    verdict = str(standing.verdict or _NOTHING) if standing else _NOTHING
    if judged and judged.wrong:
        verdict = "WRONG"
    elif entry.name == found.base:
        verdict = "the base"
    return (
        f"{entry.name}{' ' + FRONT if standing and standing.pareto else ''}",
        seconds_text(entry.median),
        range_text(*quartiles(entry.seconds)),
        figure(benchmark.shape.elements / entry.median / 1e6) if entry.median and entry.name != EMPTY else _NOTHING,
        figure(gigabytes(benchmark, entry)) if entry.name != EMPTY else _NOTHING,
        figure(copies) if (copies := times_copy(benchmark, entry)) is not None and entry.name != EMPTY else _NOTHING,
        interval(speed(ratio)) if ratio and entry.name != found.base else _NOTHING,
        verdict,
        accuracy(judged.worst, judged.level) if judged else _NOTHING,
        bytes_text(entry.peak_bytes),
        seconds_text(entry.first_call),
        f"{cpus(entry):.2g}",
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Names and words to the left, figures to the right."""
    left = [place == 0 or heading in _WORDS for place, heading in enumerate(headings)]
    yield f"| {' | '.join(map(escaped, headings))} |"
    yield f"| {' | '.join('---' if to_left else '---:' for to_left in left)} |"
    yield from (f"| {' | '.join(escaped(one_line(cell)) for cell in row)} |" for row in rows)
