"""What a page (Markdown, HTML) shows, as text that is not yet escaped; the order is that of ``Page``."""

from __future__ import annotations

from dataclasses import dataclass

from smxcheck.judge.result import Problem, Report
from smxcheck.report.exactness import exact_values, rechecked
from smxcheck.report.fuzzed import fuzzed_lines
from smxcheck.report.groups import purpose_example, purpose_facts
from smxcheck.report.numbers import allowed, at_least, at_most, seconds, signed, thousands
from smxcheck.report.published import published_line
from smxcheck.report.sentences import (
    Verdict,
    called_with,
    environment_lines,
    functions_of,
    library_versions,
    problem_lines,
    row_verdict,
    software,
    title,
    verdict,
)
from smxcheck.report.summary import Row, find_check, judged_targets, known_problems, open_problems, table

COLUMNS = (
    "target", "function", "dtype", "results", "wrong", "worst error, ulp", "allowed, ulp", "99 %", "median", "mean",
    "worst at", "verdict",
)  # fmt: skip

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Page:
    """The parts of a page. ``problems`` are heading and facts, the accepted ones last."""

    verdict: Verdict
    rows: tuple[tuple[str, ...], ...]
    problems: tuple[tuple[str, Facts], ...]
    purpose: tuple[str, ...]
    environment: Facts
    again: str


def page(report: Report) -> Page:
    """The parts of a page about ``report``, which is cleaned already."""
    purpose = {t.name for t in report.targets if t.expected_wrong}
    facts = purpose_facts(report)
    return Page(
        verdict=verdict(report),
        rows=tuple(_cells(row) for row in table(report) if row.target not in purpose),
        problems=_problems(report),
        purpose=(": ".join(facts), *filter(None, [purpose_example(report)])) if facts else (),
        environment=_environment(report),
        again=report.command,
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.target,
        row.function,
        row.dtype,
        thousands(row.results),
        thousands(row.bad),
        row.worst_text or at_least(row.worst_ulp),
        allowed(row.allowed_ulp),
        at_most(row.p99_ulp),
        at_most(row.median_ulp),
        signed(row.mean_ulp),
        row.worst_case,
        row_verdict(row),
    )


def _problems(report: Report) -> tuple[tuple[str, Facts], ...]:
    several = len(judged_targets(report)) > 1
    found = open_problems(report)
    numbered = [
        (f"Problem {n} of {len(found)}: {title(p, with_target=several)}", p) for n, p in enumerate(found, 1)
    ]
    accepted = [(f"Known: {title(p, with_target=several)}", p) for p in known_problems(report)]
    return tuple((heading, (*problem_lines(p), *_excuse(p))) for heading, p in [*numbered, *accepted])


def _excuse(problem: Problem) -> Facts:
    """What would make it no defect: a page is read by those who wrote the target."""
    check = find_check(problem.check)
    return (("not a defect if", check.excuse),) if check and check.excuse else ()


def _environment(report: Report) -> Facts:
    targets = [
        (
            f"target {t.name}",
            " | ".join(
                filter(None, (functions_of(t), called_with(t), *t.notes, t.sha256 and f"sha256 {t.sha256}"))
            ),
        )
        for t in report.targets
    ]
    figures = [("libraries", library_versions(report)), *environment_lines(report.environment)]
    run = [
        ("cases", report.tier),
        ("required level", report.require.value),
        ("time", seconds(report.seconds)),
        *(text.partition(": ")[::2] for text in (exact_values(report), rechecked(report), published_line(report))),
        *(text.partition(": ")[::2] for text in fuzzed_lines(report)),
    ]
    return tuple(
        (key, value) for key, value in [("tool", software(report)), *targets, *figures, *run] if value
    )
