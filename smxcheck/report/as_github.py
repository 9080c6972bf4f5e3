"""GitHub workflow commands: one annotation per problem, worst first, and the verdict as the last line.

GitHub shows ten annotations of each kind for a step, hence never one per case.
"""

from __future__ import annotations

from collections.abc import Iterator

from smxcheck.judge.result import Problem, Report
from smxcheck.report.caveats import caveats
from smxcheck.report.escape import cleaned
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.published import published_misses
from smxcheck.report.sentences import NEXT_STEPS, NOTHING_OF_YOURS, outcome, problem_lines, title, verdict
from smxcheck.report.summary import check_code, judged_targets, known_problems, open_problems


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The annotations, then the verdict. With ``options.quiet`` only the verdict."""
    report = cleaned(report)
    lines = [] if options.quiet else list(_annotations(report))
    return "".join(f"{line}\n" for line in [*lines, verdict(report).text])


def annotation(level: str, title: str, message: str, file: str = "") -> str:
    """``::error file=kernel.py,title=...::message`` with every value escaped."""
    properties = {"file": file, "title": title}
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{level} {given}::{_data(message)}"


def _annotations(report: Report) -> Iterator[str]:
    if report.own:
        yield annotation("warning", "smxcheck", f"{NOTHING_OF_YOURS}. What to type next: {NEXT_STEPS[0][1]}")
    several = len(judged_targets(report)) > 1
    files = {t.name: t.path for t in report.targets}
    for problem in open_problems(report):
        yield annotation(
            "error",
            f"smxcheck {check_code(problem.check)}",
            _message(problem, several),
            files[problem.target],
        )
    if misses := published_misses(report):
        yield annotation("error", "smxcheck: published statements", "\n".join(misses))
    if outcome(report) in (3, 5, 130):
        yield annotation("error", "smxcheck", verdict(report).text)
    for problem in known_problems(report):
        text = f"known: {title(problem, with_target=several)}: {problem.known}"
        yield annotation("notice", f"smxcheck {check_code(problem.check)}", text, files[problem.target])
    if doubts := caveats(report):
        yield annotation("warning", "smxcheck: what makes the verdict worth less", "\n".join(doubts))


def _message(problem: Problem, several: bool) -> str:
    lines = [
        title(problem, with_target=several),
        *(f"{label}: {text}" for label, text in problem_lines(problem)),
    ]
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
