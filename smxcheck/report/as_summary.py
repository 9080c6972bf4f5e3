"""Five lines of Markdown at most, for the page of a CI job: verdict, worst problem, what makes it worth less, versions."""

from __future__ import annotations

from collections.abc import Iterator

from smxcheck.judge.result import Report
from smxcheck.report.as_markdown import code, text
from smxcheck.report.caveats import caveats
from smxcheck.report.escape import cleaned
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.numbers import plural
from smxcheck.report.sentences import machine, title, verdict
from smxcheck.report.summary import judged_targets, open_problems


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The summary as Markdown, an empty line after the heading and the verdict. ``options`` change nothing."""
    return "\n".join(_lines(cleaned(report))) + "\n"


def _lines(report: Report) -> Iterator[str]:
    said = verdict(report)
    yield f"## smxcheck: {text(said.word)}"
    yield ""
    yield text(" ".join(said.sentences))
    yield ""
    if found := open_problems(report):
        more = f" and {plural(len(found) - 1, 'more problem')}" if found[1:] else ""
        worst = title(found[0], with_target=len(judged_targets(report)) > 1)
        again = f", again: {code(found[0].again)}" if found[0].again else ""
        yield f"- {text(worst)}{more}; smallest {code(found[0].input or found[0].smallest)}{again}"
    if doubts := caveats(report):
        yield f"- What makes this verdict worth less: {text(' '.join(doubts))}"
    yield f"- {text(machine(report))}"
