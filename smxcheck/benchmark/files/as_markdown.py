"""A run as tables for a job summary or a comment on a change: the verdict first, what doubts it, then the figures.

The long page, with plots and how everything was measured, is `smxcheck.benchmark.files.page`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smxcheck.benchmark.compare.against import Comparison
from smxcheck.benchmark.files.page import costs, matrix, summary, table
from smxcheck.benchmark.results import Run, Verdict
from smxcheck.benchmark.show import remarks
from smxcheck.benchmark.show.figures import interval, seconds_text
from smxcheck.benchmark.show.words import FRONT, FRONT_MEANS, Findings, error_text, findings, head
from smxcheck.report.as_markdown import code, text
from smxcheck.report.escape import cleaned

#: What changed comes before what did not.
_ORDER = (Verdict.SLOWER, Verdict.UNDECIDED, Verdict.FASTER, Verdict.SAME)


def render(run: Run, comparison: Comparison | None = None) -> str:
    """The tables as GitHub's Markdown, with those of a comparison where there is one. Equal runs give equal text."""
    return "\n".join(_lines(findings(run), cleaned(comparison))).rstrip("\n") + "\n"


def _lines(found: Findings, comparison: Comparison | None) -> Iterator[str]:
    run = found.run
    yield "## smxcheck bench"
    yield ""
    yield text(remarks.verdict(found, comparison))
    yield ""
    yield from _section("Compared with the base", _changes(comparison) if comparison is not None else ())
    yield from _section("Wrong: timed, never ranked", _bullets(remarks.wrongs(found)))
    yield from _section("What makes these figures worth less", _bullets([*remarks.failures(run), *remarks.doubts(run)]))
    for group in found.groups:
        body = [*summary(found, group), "", *costs(group), "Nanoseconds for an element:", "", *matrix(group)]
        yield from _section(text(group.title), body)
    yield from _section("Where and how", [*_bullets([*head(found), f"{FRONT}: {FRONT_MEANS}"]), *_again(run)])


def _section(title: str, body: Iterable[str]) -> Iterator[str]:
    """A heading and what stands below it; nothing at all where that is nothing."""
    if lines := list(body):
        yield from (f"### {title}", "", *lines, "")


def _bullets(facts: Iterable[str]) -> Iterator[str]:
    return (f"- {text(fact)}" for fact in facts)


def _changes(comparison: Comparison) -> Iterator[str]:
    yield text(remarks.counts(comparison))
    rows = [
        (c.title, c.target, seconds_text(c.old_seconds), seconds_text(c.new_seconds), interval(c.ratio),
         ": ".join(filter(None, (str(c.verdict), c.note))))
        for verdict in _ORDER for c in comparison.changes if c.verdict is verdict
    ]  # fmt: skip
    if rows:
        yield ""
        yield from table(("benchmark", "target", "before", "now", "now/before (95 %)", "verdict"), rows)
    facts = [
        *(f"{w.target} is WRONG on {w.title}, and was right: {error_text(w.message)}" for w in comparison.newly_wrong),
        *(f"differs: {note}" for note in comparison.notes),
        *(f"not compared: {reason}" for reason in comparison.not_compared),
    ]
    if facts:
        yield ""
        yield from _bullets(facts)


def _again(run: Run) -> Iterator[str]:
    if run.command:
        yield from ("", f"Run again: {code(run.command)}")
