"""The terminal: which format stdout gets, and the progress on stderr. Nothing is drawn off a terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from smxcheck.cli.errors import Fail
from smxcheck.cli.output import emit, speaks_unicode
from smxcheck.run.progress import Progress, Silent, Step

if TYPE_CHECKING:
    from smxcheck.cli.settle import Given
    from smxcheck.judge.result import Report

#: No progress is shown for a run that ends before this many seconds, and none more often than each of these.
_PATIENCE, _PERIOD = 1.0, 0.1


class Screen:
    """How much is printed, and where."""

    def __init__(self, given: Given) -> None:
        from smxcheck.report.formats import FORMATS

        consoles = [name for name, f in FORMATS.items() if f.console]
        if given.format and given.format not in consoles:
            raise Fail(f"--format is one of {', '.join(consoles)}, not {given.format!r}; a file is --report FILE")
        self._given = given
        self._terminal = sys.stdout.isatty()
        self.format = given.format or ("rich" if self._terminal else "plain")

    def progress(self) -> Progress:
        """A line with the time left on an interactive stderr, else nothing; nothing under a debugger's feet."""
        drawn = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        return Line() if drawn and self._given.isolate and not self._given.quiet else Silent()

    def targets_prints_apart(self) -> contextlib.AbstractContextManager[Any]:
        """Under --no-isolate the target prints into this process: off a terminal stdout stays the report's alone."""
        apart = not self._given.isolate and not self._terminal
        return contextlib.redirect_stdout(sys.stderr) if apart else contextlib.nullcontext()

    def print(self, report: Report) -> None:
        """The report on stdout, in one format."""
        from smxcheck.report.formats import RenderOptions, render

        given = self._given
        options = RenderOptions(given.everything, given.quiet, given.verbose, speaks_unicode())
        if self.format != "rich":
            emit(render(report, self.format, options=options))
            return
        from rich.console import Console

        from smxcheck.report.as_rich import print_report

        console = Console()
        with console.capture() as captured:  # written by emit, which knows what to do about a closed pipe
            print_report(report, console, options=options)
        emit(captured.get())


class Line:
    """One line on stderr that is written over, in plain characters, and wiped out at the end."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0
        self._shown = 0
        self._started = self._last = time.monotonic()

    def start(self, total: int) -> None:
        self._total = total
        self._started = time.monotonic()

    def step(self, step: Step) -> None:
        self._done += step.done
        now = time.monotonic()
        if now - self._started >= _PATIENCE and now - self._last >= _PERIOD:
            self._last = now
            self._write(self._text(step.where, now - self._started))

    def finish(self) -> None:
        if self._shown:
            self._write("")
            sys.stderr.write("\r")
            sys.stderr.flush()
            self._shown = 0

    def _text(self, where: str, passed: float) -> str:
        from smxcheck.report.escape import one_line
        from smxcheck.report.numbers import seconds

        left = passed / max(self._done, 1) * max(self._total - self._done, 0)
        counts = f"{self._done:,} of {self._total:,} calls, {seconds(max(round(left), 1))} left"
        whole = f"{counts}: {one_line(where)}"
        room = shutil.get_terminal_size().columns - 1
        return next((text for text in (whole, counts) if len(text) <= room), "")

    def _write(self, text: str) -> None:
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)
