"""The table of report formats and what the user may ask of them. One entry per format; nothing is imported
early.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from smxcheck.judge.result import Report


@dataclass(frozen=True)
class RenderOptions:
    """How much is shown, and where.

    ``everything`` (--all) lists every problem and every blind case, ``quiet`` (-q) leaves only the verdict,
    ``verbose`` (-v) adds level counts and quantiles. ``unicode`` False restricts plain and rich to ASCII.
    ``width`` is that of the rich layout; it does not follow the terminal, so that a log reads the same
    everywhere.
    """

    everything: bool = False
    quiet: bool = False
    verbose: bool = False
    unicode: bool = True
    width: int = 80


DEFAULT_OPTIONS = RenderOptions()

Renderer = Callable[..., str]


@dataclass(frozen=True)
class ReportFormat:
    """A format: the module whose ``render(report, *, options) -> str`` makes it, and the suffix that means
    it.

    ``suffix`` is empty where no file name means the format. ``console`` says whether ``--format`` offers it.
    """

    name: str
    module: str
    suffix: str
    summary: str
    console: bool = False

    def renderer(self) -> Renderer:
        return cast(Renderer, import_module(self.module).render)


#: Every format by its name.
FORMATS: dict[str, ReportFormat] = {
    f.name: f
    for f in (
        ReportFormat("rich", "smxcheck.report.as_rich", "", "a terminal, 80 columns", console=True),
        ReportFormat("plain", "smxcheck.report.as_plain", ".txt", "one fact per line, no width limit", console=True),
        ReportFormat("json", "smxcheck.report.as_json", ".json", "everything, schema smxcheck-report/1", console=True),
        ReportFormat("github", "smxcheck.report.as_github", "", "GitHub annotations, one per problem", console=True),
        ReportFormat("junit", "smxcheck.report.as_junit", ".xml", "JUnit XML, one test per function, dtype and group"),
        ReportFormat("markdown", "smxcheck.report.as_markdown", ".md", "a page for people"),
        ReportFormat("summary", "smxcheck.report.as_summary", "", "five lines of Markdown for a job's summary"),
        ReportFormat("csv", "smxcheck.report.as_csv", ".csv", "one line per result"),
        ReportFormat("html", "smxcheck.report.as_html", ".html", "one file, no script, nothing from the network"),
    )
}  # fmt: skip


def render(report: Report, format: str, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The report as text in the format of that name. Raises ValueError where there is no such format."""
    if format not in FORMATS:
        raise ValueError(f"no report format {format!r}; there are: {', '.join(FORMATS)}")
    return FORMATS[format].renderer()(report, options=options)
