"""What bench and hunt share of the terminal: a line of progress that is written over, and tables where they can be seen."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from smxcheck.cli.output import emit, speaks_unicode

if TYPE_CHECKING:
    from smxcheck.report.screen import Layout, Line


def show(
    lines: Callable[[Layout], Iterable[Line]], facts: Callable[[bool], Iterable[str]], format: str = ""
) -> None:
    """``lines`` of a layout on a terminal, else ``facts``, one a line, with the characters that stdout has; ``format`` rich
    or plain chooses one of them wherever stdout goes."""
    if format != "rich" and (format == "plain" or not sys.stdout.isatty()):
        emit("\n".join(facts(speaks_unicode())))
        return
    from rich.console import Console

    from smxcheck.report.as_rich import print_lines
    from smxcheck.report.screen import Layout

    console = Console()
    with console.capture() as captured:  # written by emit, which knows what to do about a closed pipe
        print_lines(lines(Layout(unicode=speaks_unicode())), console)
    emit(captured.get())


def overwrite(text: str) -> None:
    """Progress, on an interactive stderr; nothing elsewhere."""
    if _drawn():
        sys.stderr.write(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}")
        sys.stderr.flush()


def wipe() -> None:
    """Take the progress away."""
    overwrite("")


def _drawn() -> bool:
    """Whether stderr is a terminal on which a line can be written over."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
