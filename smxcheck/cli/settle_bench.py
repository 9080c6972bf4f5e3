"""What ``bench`` is to measure, to compare and to write: the command line over a base, over ``[tool.smxcheck]``."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smxcheck.benchmark.results import Run, Settings
from smxcheck.benchmark.shapes import NAMED, Shape, parse
from smxcheck.catalog import FUNCTIONS
from smxcheck.cli import bench_files
from smxcheck.cli.config import Config
from smxcheck.cli.errors import Fail
from smxcheck.cli.wishes import Wish, Wishes
from smxcheck.dtypes import DEFAULT_DTYPES, FORMATS
from smxcheck.targets.protocol import TargetError

#: Keys of the section that hold for any target; the others describe its own.
_OF_ANY_TARGET = ("dtypes", "device")
MOST_LAUNCHES = 99
#: What a run is unasked, but for what is named; and seconds with ``--quick``.
_DEFAULT = Settings((), (), DEFAULT_DTYPES)
_QUICK_SECONDS = 30.0
#: Of the gate, and of the test that it is put to, where none is typed.
THRESHOLD = 0.1
_MOST_SHARE = 10.0
_NUMBER = re.compile(r"\s*(\d*\.?\d+|\d+\.)\s*(%?)\s*")
#: Longer texts name no shape that any memory holds.
_LONGEST_SHAPE = 80


@dataclass(frozen=True)
class Given:
    """The command line as typed; empty or None where nothing was."""

    targets: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    axis: int | None = None
    ladder: bool = False
    quick: bool = False
    threads: int | None = None
    arrays: str = ""
    device: str = ""
    fixed: tuple[str, ...] = ()
    gradients: tuple[str, ...] = ()
    relative_to: str = ""
    same_within: str = ""
    time_limit: float | None = None
    launches: int | None = None
    save: str = ""
    resume: str = ""
    against: str = ""
    fail_above: str = ""
    any_machine: bool = False
    outputs: tuple[str, ...] = ()
    format: str = ""
    everything: bool = False
    quiet: bool = False
    false_alarms: int | None = None

    def measured(self) -> dict[str, Any]:
        """What is measured and how, by option: a run that is gone on with has all of it."""
        return {
            "TARGET": self.targets, "--function": self.functions, "--dtype": self.dtypes, "--shape": self.shapes,
            "--axis": self.axis, "--ladder": self.ladder, "--quick": self.quick, "--threads": self.threads,
            "--arrays": self.arrays, "--device": self.device, "--fixed": self.fixed, "--gradient": self.gradients,
            "--relative-to": self.relative_to, "--same-within": self.same_within, "--time-limit": self.time_limit,
            "--launches": self.launches,
        }  # fmt: skip


def typed(values: dict[str, Any]) -> list[str]:
    """The options that were given a value."""
    return [name for name, value in values.items() if value not in (None, "", (), False)]


@dataclass(frozen=True)
class Task:
    """A run of ``bench``: ``before`` is gone on with; ``threshold`` is that of the gate, None where there is none.

    ``outputs`` are pairs of format and file; ``console`` is the format of stdout, "" for the terminal's own.
    """

    settings: Settings
    before: Run | None = None
    base: Run | None = None
    threshold: float | None = None
    save: Path | None = None
    outputs: tuple[tuple[str, Path], ...] = ()
    console: str = ""
    repetitions: int = 0


def settle(given: Given, config: Config) -> Task:
    """Raises Fail, one line with the remedy, before anything is measured."""
    _no_conflict(given)
    threshold = percent("--fail-above", given.fail_above) if given.fail_above else THRESHOLD if given.against else None
    console, outputs = bench_files.outputs(given.outputs, given.format, quiet=given.quiet)
    save = bench_files.record("--save", given.save or given.resume) if given.save or given.resume else None
    bench_files.apart(given.against, save, outputs)
    base = bench_files.base(given.against) if given.against else None
    before = bench_files.before(given.resume) if given.resume else None
    settings = before.settings if before else _settings(given, config, base)
    if base:
        bench_files.comparable(given.against, base, settings, given.any_machine)
        bench_files.in_common(given.against, base, settings, given.measured())
    if threshold is not None and base is None and not settings.relative_to:
        raise Fail("--fail-above needs something to compare with: --against FILE, or --relative-to TARGET")
    repetitions = Wish(given.false_alarms, "--false-alarms").whole(0)
    return Task(settings, before, base, threshold, save, outputs, console, repetitions)


def _no_conflict(given: Given) -> None:
    """Options that contradict each other or mean nothing are an error, not a guess."""
    if given.resume and (extra := typed(given.measured())):
        raise Fail(f"--resume goes on with the run as {given.resume} began it; leave {extra[0]} out")
    if given.quiet and given.everything:
        raise Fail("-q and -v exclude each other: leave one out")
    if given.any_machine and not given.against:
        raise Fail("--any-machine is about the machine of --against FILE: add that, or leave it out")
    if given.axis is not None and not given.shapes:
        raise Fail("--axis is that of --shape: add --shape 4096x1000, or leave it out")


def _settings(given: Given, config: Config, base: Run | None) -> Settings:
    from smxcheck.targets.options import ARRAYS, DEVICES

    if given.targets:
        config = Config(config.path, {k: v for k, v in config.values.items() if k in _OF_ANY_TARGET}, config.lines)
    wish = Wishes(Config() if base else config)
    old = base.settings if base else _DEFAULT
    quick = given.quick or old.quick
    asked = wish.texts("targets", given.targets, "TARGET")
    targets = asked.read(_targets) if asked.value else _targets(old.targets)
    found = Settings(
        targets=targets,
        functions=wish.texts("functions", given.functions, "--function").names(FUNCTIONS, "function") or old.functions,
        dtypes=wish.texts("dtypes", given.dtypes, "--dtype").names(FORMATS, "dtype") or old.dtypes,
        shapes=_shapes(given) or old.shapes,
        ladder=given.ladder or old.ladder,
        quick=quick,
        threads=_threads(given.threads, old.threads),
        relative_to=_relative(given.relative_to, targets) or (old.relative_to if old.relative_to in targets else ""),
        margin=percent("--same-within", given.same_within) if given.same_within else old.margin,
        launches=_launches(given, base, quick),
        seconds=_seconds(given, base, quick),
        arrays=wish("arrays", given.arrays).one_of(ARRAYS, old.arrays),
        device=wish("device", given.device).one_of(DEVICES, old.device),
        fixed=_fixed(wish.texts("fixed", given.fixed)) or old.fixed,
        gradients=_gradients(wish.texts("gradient", given.gradients)) or old.gradients,
    )
    _fits(given, found)
    return found


def percent(option: str, text: str) -> float:
    """``10%``, ``10 %`` and ``0.1`` are 0.1. Raises Fail for what could mean something else, for 0 and for 1000 % or more."""
    match = _NUMBER.fullmatch(text)
    if not match:
        raise Fail(f"{option} {text}: write a share above 0, as in 10% or 0.1")
    number, sign = float(match[1]), match[2]
    if number >= 1 and not sign:
        raise Fail(f"{option} {text}: {number:g} % or a factor of {number:g}? write {number:g}%")
    share = number / 100 if sign else number
    if not 0 < share < _MOST_SHARE:
        raise Fail(f"{option} {text}: a share above 0 and below {_MOST_SHARE:.0%}, as in 10%")
    return share


def _targets(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Targets that are there, each once; nothing of them is imported."""
    from smxcheck.targets.spec import parse_target
    from smxcheck.targets.table import LIBRARIES

    if not texts:
        raise Fail("name what to time: smxcheck bench kernel.py:softmax scipy, or set targets in [tool.smxcheck]"
                   " of pyproject.toml; smxcheck list targets shows what is installed")  # fmt: skip
    for text in texts:
        if texts.count(text) > 1:
            raise Fail(f"{text} is named {texts.count(text)} times: name it once")
        try:
            spec = parse_target(text)
        except TargetError as error:
            raise Fail(str(error)) from error
        if spec.kind == "command":
            raise Fail(f"{text}: the start of its process is what would be timed; call it from Python, by ctypes")
        library = LIBRARIES.get(text)
        if spec.kind == "library" and library and (missing := library.missing()):
            raise Fail(f"{text} needs {' and '.join(missing)}, not installed here: {library.install}")
    return texts


def _relative(text: str, targets: tuple[str, ...]) -> str:
    """A target of the run, or a callable of a file that is one: a file with several is several targets."""
    if not text or text in targets or text.partition(":")[0] in targets:
        return text
    raise Fail(f"--relative-to {text} is not measured: name one of {', '.join(targets)}, or add it to them")


def _shapes(given: Given) -> tuple[Shape, ...]:
    found = []
    for text in given.shapes:
        if given.axis is not None and text in NAMED:
            raise Fail(f"--axis is of a shape in numbers: {text} has its own; write --shape"
                       f" {'x'.join(map(str, NAMED[text][0].shape))} --axis {given.axis}")  # fmt: skip
        if len(text) > _LONGEST_SHAPE:
            raise Fail(f"--shape has {len(text):,} characters: write 4096x1000, or one of {', '.join(NAMED)}")
        try:
            found.append(parse(text, -1 if given.axis is None else given.axis))
        except ValueError as error:
            raise Fail(f"--shape {text}: {error}") from error
    return tuple(dict.fromkeys(found))


def _threads(number: int | None, default: int) -> int:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if number is not None and not 1 <= number <= cpus:
        raise Fail(f"--threads is a whole number from 1 to {cpus}, the processors here, not {number}")
    return default if number is None else number


def _launches(given: Given, base: Run | None, quick: bool) -> int:
    default = base.settings.launches if base and not given.quick else 1 if quick else _DEFAULT.launches
    found = Wish(given.launches, "--launches").whole(default)
    if found > MOST_LAUNCHES:
        raise Fail(f"--launches is a whole number from 1 to {MOST_LAUNCHES}, not {found}")
    return found


def _seconds(given: Given, base: Run | None, quick: bool) -> float:
    default = base.settings.seconds if base and not given.quick else _QUICK_SECONDS if quick else _DEFAULT.seconds
    return Wish(given.time_limit, "--time-limit").number(default) or default


def _fixed(wish: Wish) -> dict[str, Any]:
    from smxcheck.targets.signature import parse_fixed

    return dict(wish.read_each(parse_fixed))


def _gradients(wish: Wish) -> tuple[str, ...]:
    from smxcheck.targets.gradients import AUTO, parse_gradient

    wish.read_each(lambda text: parse_gradient(text) if text != AUTO else None)
    return tuple(wish.value)


def _fits(given: Given, settings: Settings) -> None:
    """Raises Fail for a shape that was typed and that no function can be timed on, or that memory cannot hold."""
    from smxcheck.benchmark.measure.memory import available, lacking
    from smxcheck.benchmark.measure.plan import shortened

    free, functions = available(), settings.functions or ("softmax",)
    for shape in settings.shapes if given.shapes else ():
        text = "x".join(map(str, shape.shape))
        measured = shortened(shape) if settings.quick else shape
        for function, dtype in itertools.product(functions, settings.dtypes):
            if reason := lacking(function, dtype, measured, len(settings.targets), free):
                raise Fail(f"--shape {text} {reason}: take fewer rows, or fewer targets")
        if settings.functions and all(reasons := [_untimed(f, measured) for f in functions]):
            raise Fail(f"--shape {text}: {reasons[0]}")


def _untimed(function: str, shape: Shape) -> str:
    """Why a function is not timed on a shape; "" where it is."""
    from smxcheck.benchmark.measure.inputs import check

    try:
        check(function, shape)
    except ValueError as error:
        return str(error)
    return ""
