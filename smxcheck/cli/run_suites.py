"""What ``smxcheck bench functions|oracle`` does: settle the options, measure, print, write."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from smxcheck.benchmark.suites.model import Settings, Speed
from smxcheck.cli import files
from smxcheck.cli.errors import FAULT, USAGE, Fail, complain
from smxcheck.cli.terminal import overwrite, show, wipe
from smxcheck.cli.wishes import Wish
from smxcheck.dtypes import DEFAULT_DTYPES

#: What there is to choose from; the first function is the default.
SUITES = ("functions", "oracle")
FUNCTIONS = ("softmax", "log_softmax", "logsumexp")
MOST_THREADS = 64


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
        files.check("--output", text)
    from smxcheck.benchmark.suites import launch

    try:
        speed = launch.run(settings, _progress)
    except launch.BenchmarkError as error:
        raise Fail(str(error), FAULT) from error
    finally:
        wipe()
    _print(speed)
    return max((_write(speed, text) for text in given.outputs), default=0)


def settle(given: Given) -> Settings:
    """What was typed over the defaults. Raises Fail for a name that there is not, or an option without effect."""
    suites = tuple(dict.fromkeys(given.suites))
    functions = Wish(given.functions, "--function").names(FUNCTIONS, "function")
    dtypes = Wish(given.dtypes, "--dtype").names(DEFAULT_DTYPES, "dtype")
    if not 1 <= given.threads <= MOST_THREADS:
        raise Fail(f"--threads is a whole number from 1 to {MOST_THREADS}, not {given.threads}")
    typed = {"--function": functions, "--ladder": given.ladder, "--threads": given.threads > 1}
    if "functions" not in suites and (idle := next((o for o, value in typed.items() if value), "")):
        raise Fail(f"{idle} says nothing about oracle; add functions, or leave {idle} out")
    return Settings(
        suites, functions or FUNCTIONS[:1], dtypes or DEFAULT_DTYPES, given.quick, given.ladder, given.threads
    )


def _print(speed: Speed) -> None:
    from smxcheck.benchmark.suites import screen

    show(lambda layout: screen.lines(speed, layout), lambda unicode: screen.facts(speed, unicode=unicode))


def _write(speed: Speed, output: str) -> int:
    """The file, whole or not at all."""
    from smxcheck.benchmark.suites.document import render
    from smxcheck.benchmark.suites.screen import markdown
    from smxcheck.report.write import write_whole

    content = markdown(speed) if output.endswith(".md") else render(speed)
    try:
        write_whole(Path(output), content.encode())
    except OSError as error:
        complain(f"cannot write {output}: {error.strerror or error}")
        return USAGE
    print(f"wrote {output}", file=sys.stderr)
    return 0


def _progress(done: int, total: int, where: str) -> None:
    overwrite(f"{done + 1} of {total}: {where}")
