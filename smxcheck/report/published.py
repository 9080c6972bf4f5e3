"""What a report says of the published statements, in sentences that all formats share."""

from __future__ import annotations

from smxcheck.judge.result import Published, Report
from smxcheck.report.numbers import plural


def published_line(report: Report) -> str:
    """``published statements: 59 checked: 34 true, …, as recorded (smxcheck list statements)``; empty where none were run."""
    found = report.published
    if found is None:
        return ""
    counts = ", ".join(f"{number} {verdict}" for verdict, number in found.counts.items())
    end = "all as recorded" if found.as_recorded else _departures(found)
    return f"published statements: {found.checked} checked: {counts}; {end} (smxcheck list statements)"


def published_misses(report: Report) -> list[str]:
    """A sentence for each statement whose verdict is not the recorded one, and for those that were not run."""
    found = report.published
    if found is None:
        return []
    sentences = [f"PUBLISHED STATEMENT NOT AS RECORDED: {text}" for text in found.misses]
    return sentences + ([f"{plural(found.not_run, 'published statement')} not run."] if found.not_run else [])


def published_verdict(report: Report) -> list[str]:
    """What the verdict of the run says of them: nothing where all are as recorded."""
    found = report.published
    return [] if found is None or found.as_recorded else [f"Published statements: {_departures(found)}."]


def _departures(found: Published) -> str:
    parts = [f"{len(found.misses)} NOT AS RECORDED"] if found.misses else []
    return ", ".join([*parts, *([f"{found.not_run} not run"] if found.not_run else [])])
