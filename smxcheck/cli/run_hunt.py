"""What ``smxcheck hunt`` does: settle the options, hunt, write while it lasts, print."""

from __future__ import annotations

import difflib
import math
import re
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from smxcheck.cli import files
from smxcheck.cli.errors import FAULT, NOTHING, Fail
from smxcheck.cli.terminal import overwrite, show, wipe
from smxcheck.hunt.model import DTYPES, FUNCTIONS, Hunt, Settings
from smxcheck.targets.protocol import TargetError

MOST_JOBS = 256
#: The exponent of subnormal numbers and zero, and that of infinities and NaN.
LEAST, GREATEST = -127, 128


@dataclass(frozen=True)
class Given:
    """The command line as typed; empty where nothing was."""

    targets: tuple[str, ...]
    functions: tuple[str, ...]
    dtypes: tuple[str, ...]
    seconds: float | None
    exhaustive: bool
    exponents: str
    seed: int | None
    jobs: int
    reports: tuple[str, ...]
    resume: str


def run(given: Given) -> int:
    """The whole command; the exit code."""
    before = _before(given.resume) if given.resume else None
    settings = _resumed(given, before) if before else settle(given)
    reports = tuple(dict.fromkeys((*given.reports, *([given.resume] if given.resume else []))))
    for text in reports:
        files.check("--report", text)
    from smxcheck.hunt import execute

    def save(hunt: Hunt) -> None:
        for text in reports:
            _write(hunt, repeat(settings, reports), text)

    try:
        hunt = execute.run(settings, _progress, save, before)
    except (TargetError, execute.OtherVersion) as error:
        raise Fail(str(error)) from error
    except execute.HuntError as error:
        raise Fail(str(error), FAULT) from error
    finally:
        wipe()
    if not any(entry.elements for entry in hunt.entries):
        raise Fail(_nothing(hunt), NOTHING)
    from smxcheck.hunt import screen

    show(lambda layout: screen.lines(hunt, layout), lambda unicode: screen.facts(hunt, unicode=unicode))
    for text in reports:
        print(f"wrote {text}", file=sys.stderr)
    return 0


def settle(given: Given) -> Settings:
    """What was typed over the defaults. Raises Fail for what there is not."""
    functions = _names("function", given.functions, FUNCTIONS)
    dtypes = _names("dtype", given.dtypes, DTYPES)
    seconds, seed = given.seconds, given.seed
    if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
        raise Fail(f"--seconds is a number of seconds from 0 on, not {seconds:g}")
    if seed is not None and seed < 0:
        raise Fail(f"--seed is a whole number from 0 on, not {seed}")
    if given.exponents and not given.exhaustive:
        raise Fail("--exponents chooses among the inputs of --exhaustive; add that, or leave it out")
    exponents = _exponents(given.exponents) if given.exponents else Settings(()).exponents
    return Settings(
        _targets(given.targets), functions or FUNCTIONS, dtypes or DTYPES, 1.0 if seconds is None else seconds,
        given.exhaustive, exponents, seed or 0, _jobs(given.jobs),
    )  # fmt: skip


def _resumed(given: Given, before: Hunt) -> Settings:
    """The settings of the earlier hunt, with the processes of this one. Raises Fail for another setting."""
    typed = {
        "TARGET": given.targets, "--function": given.functions, "--dtype": given.dtypes, "--exhaustive": given.exhaustive,
        "--exponents": given.exponents, "--seconds": given.seconds is not None, "--seed": given.seed is not None,
    }  # fmt: skip
    if extra := next((name for name, value in typed.items() if value), ""):
        raise Fail(f"--resume goes on with the hunt as {given.resume} began it; leave {extra} out")
    return replace(before.settings, jobs=_jobs(given.jobs))


def _jobs(jobs: int) -> int:
    if not 1 <= jobs <= MOST_JOBS:
        raise Fail(f"--jobs is a whole number from 1 to {MOST_JOBS}, not {jobs}")
    return jobs


def _targets(typed: tuple[str, ...]) -> tuple[str, ...]:
    """What was typed, each once; else all that is installed, ours first."""
    from smxcheck.targets.spec import parse_target
    from smxcheck.targets.table import LIBRARIES

    if not typed:
        return tuple(name for name, library in LIBRARIES.items() if not library.missing())
    try:
        for text in typed:
            if parse_target(text).kind == "command":
                raise Fail(f"{text}: a process for each call is too slow to search with; call it from Python, by ctypes")
    except TargetError as error:
        raise Fail(str(error)) from error
    return tuple(dict.fromkeys(typed))


def _names(kind: str, typed: Iterable[str], known: tuple[str, ...]) -> tuple[str, ...]:
    """Names that must be in a table, in its order."""
    for name in typed:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            told = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise Fail(f"--{kind}: no {kind} {name!r} to hunt in; {told}")
    return tuple(name for name in known if name in tuple(typed))


def _exponents(text: str) -> tuple[int, ...]:
    """``-1,0``, ``-3:5`` or both: biased exponents of float32, ends included."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(-?\d{1,4})(?::(-?\d{1,4}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if not LEAST <= first <= last <= GREATEST:
            raise Fail(
                f"--exponents {text}: name exponents of float32 from {LEAST} to {GREATEST}, as in -1,0 or -3:5"
            )
        found.update(range(first - LEAST, last - LEAST + 1))
    return tuple(sorted(found))


def _before(text: str) -> Hunt:
    """The earlier hunt. Raises Fail."""
    from smxcheck.hunt.document import load
    from smxcheck.report.read import read_text

    if Path(text).suffix != ".json":
        raise Fail(f"--resume {text}: only a .json of an earlier hunt can be gone on with")
    try:
        return load(read_text(text))
    except OSError as error:
        raise Fail(f"--resume {text}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise Fail(f"--resume {text}: {error}") from error


def _write(hunt: Hunt, command: str, text: str) -> None:
    """One report, whole or not at all. Raises Fail."""
    from smxcheck.hunt.document import render
    from smxcheck.hunt.markdown import render as page
    from smxcheck.report.write import write_whole

    content = render(hunt) if text.endswith(".json") else page(hunt, command)
    try:
        write_whole(Path(text), content.encode())
    except OSError as error:
        raise Fail(f"cannot write {text}: {error.strerror or error}") from error


def repeat(settings: Settings, reports: tuple[str, ...]) -> str:
    """The command that makes the reports anew."""
    default = Settings(settings.targets)
    words = ["smxcheck hunt", *map(shlex.quote, settings.targets)]
    words += [f"--function {f}" for f in settings.functions if settings.functions != default.functions]
    words += [f"--dtype {d}" for d in settings.dtypes if settings.dtypes != default.dtypes]
    words += [f"--seconds {settings.seconds:g}"] + ["--exhaustive"] * settings.exhaustive
    if settings.exponents != default.exponents:
        words += [f"--exponents={','.join(str(e + LEAST) for e in settings.exponents)}"]
    words += [
        f"--seed {settings.seed}",
        f"-j {settings.jobs}",
        *(f"--report {shlex.quote(text)}" for text in reports),
    ]
    return " ".join(words)


def _progress(done: int, total: int, where: str) -> None:
    overwrite(f"{done} of {total} done{where and f', the last: {where}'}")


def _nothing(hunt: Hunt) -> str:
    """Why nothing was judged, and what to do about it."""
    from smxcheck.hunt.words import reasons

    if told := reasons(hunt):
        return f"nothing was judged: {told[0].rstrip('.')}"
    if any(not entry.reason for entry in hunt.entries):
        return "nothing was judged: there was no time to search; raise --seconds"
    return f"nothing was judged: {', '.join(hunt.settings.targets)}: no function that is hunted in; smxcheck hunt --help"
