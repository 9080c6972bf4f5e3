"""What ``smxcheck bench`` does: settle the options, measure, print, write."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from smxcheck.benchmark.model import Progress, Settings, Speed
from smxcheck.cli.errors import FAULT, USAGE, Fail, complain
from smxcheck.cli.output import emit, speaks_unicode
from smxcheck.dtypes import DEFAULT_DTYPES

#: What there is to choose from; the first function is the default.
SUITES = ("functions", "oracle")
FUNCTIONS = ("softmax", "log_softmax", "logsumexp")
MOST_THREADS = 64
#: How the file's name says its format.
SUFFIXES = (".json", ".md")


@dataclass(frozen=True)
class Given:
    """The command line as typed; empty where nothing was."""

    suites: tuple[str, ...]
    functions: tuple[str, ...]
    dtypes: tuple[str, ...]
    ladder: bool
    threads: int
    quick: bool
    outputs: tuple[str, ...]


def run(given: Given) -> int:
    """The whole command; the exit code."""
    settings = settle(given)
    for text in given.outputs:
        _check_output(text)
    from smxcheck.benchmark import launch

    try:
        speed = launch.run(settings, _progress())
    except launch.BenchmarkError as error:
        raise Fail(str(error), FAULT) from error
    finally:
        _wipe()
    _print(speed)
    return max((_write(speed, text) for text in given.outputs), default=0)


def settle(given: Given) -> Settings:
    """What was typed over the defaults. Raises Fail for a name that there is not, or an option without effect."""
    if not given.suites:
        raise Fail(f"name what to measure: smxcheck bench {' or '.join(SUITES)}")
    suites = _names("suite", given.suites, SUITES)
    functions = _names("--function: function", given.functions, FUNCTIONS)
    dtypes = _names("--dtype: dtype", given.dtypes, DEFAULT_DTYPES)
    if not 1 <= given.threads <= MOST_THREADS:
        raise Fail(f"--threads is a whole number from 1 to {MOST_THREADS}, not {given.threads}")
    typed = {"--function": functions, "--ladder": given.ladder, "--threads": given.threads > 1}
    if "functions" not in suites and (idle := next((o for o, value in typed.items() if value), "")):
        raise Fail(f"{idle} says nothing about oracle; add functions, or leave {idle} out")
    return Settings(
        suites, functions or FUNCTIONS[:1], dtypes or DEFAULT_DTYPES, given.quick, given.ladder, given.threads
    )


def _names(kind: str, typed: Iterable[str], known: tuple[str, ...]) -> tuple[str, ...]:
    """Names that must be in a table, each once."""
    for name in typed:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            head, _, noun = kind.rpartition(": ")
            raise Fail(f"{head + ': ' if head else ''}no {noun} {name!r} to measure;"
                       f" {'did you mean ' + near[0] + '?' if near else 'there are ' + ', '.join(known)}")  # fmt: skip
    return tuple(dict.fromkeys(typed))


def _check_output(text: str) -> None:
    """The file's folder is looked at before minutes are spent. Raises Fail."""
    path = Path(text)
    if path.suffix not in SUFFIXES:
        raise Fail(f"--output {text}: the name says no format; end it in {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise Fail(f"--output {text}: there is no folder {path.parent}")
    if path.is_dir():
        raise Fail(f"--output {text}: {path} is a folder; name a file in it")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise Fail(f"--output {text}: cannot be written; name another file")


def _print(speed: Speed) -> None:
    """Tables on a terminal, else one fact per line."""
    from smxcheck.benchmark.screen import facts, lines

    if not sys.stdout.isatty():
        emit("\n".join(facts(speed, unicode=speaks_unicode())))
        return
    from rich.console import Console

    from smxcheck.report.as_rich import print_lines
    from smxcheck.report.screen import Layout

    console = Console()
    with console.capture() as captured:  # written by emit, which knows what to do about a closed pipe
        print_lines(lines(speed, Layout(unicode=speaks_unicode())), console)
    emit(captured.get())


def _write(speed: Speed, output: str) -> int:
    """The file, whole or not at all."""
    from smxcheck.benchmark.document import render
    from smxcheck.benchmark.screen import markdown
    from smxcheck.report.write import write_whole

    content = markdown(speed) if output.endswith(".md") else render(speed)
    try:
        write_whole(Path(output), content.encode())
    except OSError as error:
        complain(f"cannot write {output}: {error.strerror or error}")
        return USAGE
    print(f"wrote {output}", file=sys.stderr)
    return 0


def _drawn() -> bool:
    """Whether stderr is a terminal on which a line can be written over."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _progress() -> Progress:
    """One line on an interactive stderr that is written over; nothing elsewhere."""

    def show(done: int, total: int, where: str) -> None:
        if _drawn():
            room = shutil.get_terminal_size().columns - 1
            _wipe()
            sys.stderr.write(f"{done + 1} of {total}: {where}"[:room])
            sys.stderr.flush()

    return show


def _wipe() -> None:
    if _drawn():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
