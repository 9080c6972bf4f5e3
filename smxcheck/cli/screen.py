"""The terminal: which format stdout gets, and the progress on stderr. Nothing is drawn off a terminal."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from smxcheck.cli.errors import Fail
from smxcheck.run.progress import Progress, Silent, Step

if TYPE_CHECKING:
    from smxcheck.judge.result import Report

#: No progress is shown for a run that ends before this many seconds.
_PATIENCE = 1.0


class Screen:
    """How much is printed, and where."""

    def __init__(self, format: str, everything: bool, quiet: bool, verbose: bool) -> None:
        from smxcheck.report.formats import FORMATS

        consoles = [name for name, f in FORMATS.items() if f.console]
        if format and format not in consoles:
            raise Fail(f"--format is one of {', '.join(consoles)}, not {format!r}; a file is --report FILE")
        self.format = format or ("rich" if sys.stdout.isatty() else "plain")
        self.everything, self.quiet, self.verbose = everything, quiet, verbose

    def progress(self) -> Progress:
        """A line with a bar and the time left on an interactive stderr, else nothing."""
        if self.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return Silent()
        return Line()

    def print(self, report: Report) -> None:
        """The report on stdout, in one format."""
        from smxcheck.report.formats import RenderOptions, render

        unicode = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"
        options = RenderOptions(self.everything, self.quiet, self.verbose, unicode)
        if self.format == "rich":
            from rich.console import Console

            from smxcheck.report.as_rich import print_report

            print_report(report, Console(), options=options)
            return
        text = render(report, self.format, options=options)
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()


class Line:
    """Rich's progress bar on stderr, shown once the run has lasted a second."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._total = 0
        self._done = 0
        self._started = time.monotonic()

    def start(self, total: int) -> None:
        self._total = total
        self._started = time.monotonic()

    def step(self, step: Step) -> None:
        self._done += step.done
        if self._bar is None:
            if time.monotonic() - self._started < _PATIENCE:
                return
            self._open()
        self._bar.update(self._task, completed=self._done, description=step.where)

    def finish(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24),
                   TextColumn("{task.completed}/{task.total}"), TimeRemainingColumn())  # fmt: skip
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=self._total)
        self._bar.start()
