"""What ``smxcheck self-test`` does: settle the options, run, write, print."""

from __future__ import annotations

import difflib
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smxcheck.catalog import FUNCTIONS
from smxcheck.cli import files
from smxcheck.cli.errors import Fail
from smxcheck.cli.output import emit
from smxcheck.cli.terminal import overwrite, show, wipe
from smxcheck.dtypes import FORMATS
from smxcheck.judge.result import Level
from smxcheck.targets.protocol import TargetError

if TYPE_CHECKING:
    from smxcheck.selftest.execute import Progress, Wanted
    from smxcheck.selftest.results import SelfTest

MOST_JOBS = 256
FORMATS_OF_STDOUT = ("rich", "plain", "json")
_LEVELS = ("standard", "tight")


@dataclass(frozen=True)
class Given:
    """The command line as typed; empty where nothing was."""

    functions: tuple[str, ...]
    text: str
    own: str
    dtypes: tuple[str, ...]
    require: str
    full: bool
    rivals: bool
    seed: int
    jobs: int | None
    format: str
    reports: tuple[str, ...]
    everything: bool


def run(given: Given) -> int:
    """The whole command; the exit code."""
    _settle(given)
    from smxcheck.selftest import execute, screen
    from smxcheck.selftest.as_json import render

    try:
        wanted, notes = _wanted(given)
        test = execute.run(wanted, _Told().progress, notes)
    except TargetError as error:
        raise Fail(str(error)) from error
    finally:
        wipe()
    for text in dict.fromkeys(given.reports):
        _write(test, text)
    if given.format == "json":
        emit(render(test))
    else:
        show(
            lambda layout: screen.lines(test, layout, everything=given.everything),
            lambda unicode: screen.facts(test, everything=given.everything, unicode=unicode),
            given.format,
        )
    for text in dict.fromkeys(given.reports):
        print(f"wrote {text}", file=sys.stderr)
    return test.exit_code


def _settle(given: Given) -> None:
    """Raises Fail for what there is not."""
    _one_of("--function", given.functions, FUNCTIONS)
    _one_of("--dtype", given.dtypes, FORMATS)
    _one_of("--require", (given.require,) if given.require else (), _LEVELS)
    _one_of("--format", (given.format,) if given.format else (), FORMATS_OF_STDOUT)
    if not given.own and (given.dtypes or given.require):
        raise Fail("--dtype and --require are of the file of --with: what ships is asked where it must be found")
    if given.own and given.full:
        raise Fail("--full is of what ships: of a file, name the dtypes with --dtype")
    if given.seed < 0:
        raise Fail(f"--seed is a whole number from 0 on, not {given.seed}")
    if given.jobs is not None and not 1 <= given.jobs <= MOST_JOBS:
        raise Fail(f"--jobs is a whole number from 1 to {MOST_JOBS}, not {given.jobs}")
    for text in given.reports:
        files.check("--report", text)


def _one_of(option: str, typed: Iterable[str], known: Iterable[str]) -> None:
    there = list(known)
    for name in typed:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=1)
            raise Fail(f"{option}: no {name!r}; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(there)}"))


def _wanted(given: Given) -> tuple[Wanted, tuple[str, ...]]:
    """What is asked for, and sentences on what of the user's file is left out. Raises TargetError."""
    from smxcheck.selftest import own
    from smxcheck.selftest.execute import Wanted

    dtypes, level = given.dtypes or ("float32",), Level(given.require or "standard")
    subjects, notes = own.subjects(given.own, dtypes, level) if given.own else ((), ())
    jobs = given.jobs or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    return Wanted(
        functions=given.functions, text=given.text, full=given.full, rivals=given.rivals, own=subjects, seed=given.seed,
        jobs=min(jobs, MOST_JOBS),
    ), notes  # fmt: skip


class _Told:
    """Progress on an interactive stderr, with the time left."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def progress(self) -> Progress:
        return self._tell

    def _tell(self, done: float, total: float, where: str) -> None:
        from smxcheck.report.numbers import seconds

        share = done / total
        left = (time.monotonic() - self._started) * (1 - share) / share
        overwrite(f"{100 * share:.0f} % done, about {seconds(max(round(left), 1))} left; the last: {where}")


def _write(test: SelfTest, text: str) -> None:
    """One report, whole or not at all. Raises Fail."""
    from smxcheck.report.write import write_whole
    from smxcheck.selftest import as_json, as_markdown

    render = as_json.render if text.endswith(".json") else as_markdown.render
    try:
        write_whole(Path(text), render(test).encode())
    except OSError as error:
        raise Fail(f"cannot write {text}: {error.strerror or error}") from error
