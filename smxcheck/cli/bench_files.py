"""The files of ``bench``, looked at before minutes are spent: an earlier run, the record of this one, its outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smxcheck.benchmark.results import Run, Settings
from smxcheck.cli import files
from smxcheck.cli.errors import Fail, complain

if TYPE_CHECKING:
    from smxcheck.benchmark.compare.against import Comparison

#: What a terminal and a pipe get unasked.
SCREENS = ("rich", "plain")
_RECORD, _COMPRESSED = ".json", ".gz"
#: Versions on which the times of a run depend: it cannot be gone on with under others.
_VERSIONS = ("smxcheck", "python", "numpy", "scipy", "torch", "jax", "jaxlib", "onnxruntime")


def outputs(texts: tuple[str, ...], name: str, *, quiet: bool) -> tuple[str, tuple[tuple[str, Path], ...]]:
    """The format of stdout, "" where it follows the terminal, and of every file. Raises Fail."""
    from smxcheck.benchmark.files.formats import FORMATS, destination

    known = (*SCREENS, *FORMATS)
    pictures = [f.name for f in FORMATS.values() if f.picture]
    if name and name not in known:
        raise Fail(f"--format is one of {', '.join(known)}, not {name!r}")
    if texts and name in SCREENS:
        raise Fail(f"--format {name} is for the screen, --output is a file: leave one out")
    if not texts and name in pictures:
        raise Fail(f"--format {name} is a picture: name its file, as in --output bench.{name}")
    if quiet and name and not texts and name not in SCREENS:
        raise Fail(f"-q and --format {name} exclude each other: leave one out")
    found: dict[str, tuple[str, Path]] = {}  # by the file that is meant, through links, loops of which are not followed
    for text in texts:
        try:
            entry = destination(text, name)
        except ValueError as error:
            raise Fail(f"--output {text}: {error}") from error
        files.writable("--output", text, entry[1])
        if os.path.realpath(entry[1]) in found:
            raise Fail(f"--output {text}: another --output writes the same file")
        found[os.path.realpath(entry[1])] = entry
    if any(entry[0] in pictures for entry in found.values()):
        _check_plots()
    return ("" if texts else name), tuple(found.values())


def _check_plots() -> None:
    from smxcheck.benchmark.files.as_plot import available

    if remedy := available():
        raise Fail(remedy)


def record(option: str, text: str) -> Path:
    """The file that keeps the run while it lasts. Raises Fail."""
    path = Path(text)
    if not text.endswith((_RECORD, _RECORD + _COMPRESSED)):
        raise Fail(f"{option} {text}: what is kept is JSON; end the name in {_RECORD} or {_RECORD}{_COMPRESSED}")
    files.writable(option, text, path)
    return path


def apart(against: str, save: Path | None, written: tuple[tuple[str, Path], ...]) -> None:
    """Raises Fail where one file is written twice, or the base would be written over."""
    names = [os.path.realpath(path) for _, path in written]
    if save and os.path.realpath(save) in names:
        raise Fail(f"--save and --output both write {save}: name another file")
    if against and os.path.realpath(against) in (*names, *([os.path.realpath(save)] if save else [])):
        raise Fail(f"--against {against} would be written over: name another file to write")


def base(text: str) -> Run:
    """The run to compare with, measured to its end. Raises Fail."""
    run = load("--against", text)
    if not run.complete:
        raise Fail(f"--against {text}: it was not measured to its end; smxcheck bench --resume {text} goes on with it")
    if not any(entry.ranked for b in run.benchmarks for entry in b.targets):
        raise Fail(f"--against {text}: it has no times of a right target to compare with; measure a base anew")
    return run


def comparable(text: str, run: Run, settings: Settings, any_machine: bool) -> None:
    """Raises Fail where a base is of another machine than what is to be measured, and says so where that is taken."""
    from smxcheck.benchmark.compare.differences import unusable

    if not (reason := unusable(run, _machine(settings))):
        return
    if not any_machine:
        raise Fail(f"--against {text}: {reason}, or take it as it is with --any-machine")
    complain(f"--against {text}: {reason}; compared nevertheless, as --any-machine says")


def in_common(text: str, run: Run, settings: Settings, typed: Mapping[str, Any]) -> None:
    """Raises Fail where a base has nothing of what was typed: minutes later there would be nothing to compare."""
    from smxcheck.benchmark.measure import plan

    names = {entry.name for b in run.benchmarks for entry in b.targets}
    functions, dtypes, shapes = ({getattr(b, of) for b in run.benchmarks} for of in ("function", "dtype", "shape"))
    planned = {shape for function in functions for shape in plan.shapes(settings, function)}
    there = {
        "TARGET": (names, {n for n in names for t in settings.targets if n == t or n.startswith(f"{t}:")}),
        "--function": (functions, functions & set(settings.functions)),
        "--dtype": (dtypes, dtypes & set(settings.dtypes)),
        "--shape": ({shape.title for shape in shapes}, shapes & planned),
    }
    for option, (known, common) in there.items():
        if typed[option] and not common:
            raise Fail(f"--against {text}: nothing to compare: {option} is {' '.join(typed[option])}, and the file has"
                       f" {'; '.join(sorted(known))}: name one of these, or measure another base with --save")  # fmt: skip
    if not shapes & planned:
        raise Fail(f"--against {text}: nothing to compare: it has {'; '.join(sorted(s.title for s in shapes))}, and this run"
                   f" {'; '.join(sorted(s.title for s in planned))}: measure with the options of the base")  # fmt: skip


def before(text: str) -> Run:
    """The run to go on with: not at its end, and of the same machine, versions and files. Raises Fail."""
    from smxcheck.benchmark.compare.differences import unusable

    run, anew = load("--resume", text), "measure anew, without --resume"
    if run.complete:
        raise Fail(f"--resume {text}: it is measured to its end; to measure anew, leave --resume out")
    now = _machine(run.settings)
    if unusable(run, now):
        raise Fail(f"--resume {text}: it was begun on another machine, and times do not mix; {anew}")
    known = [v for v in _VERSIONS if v in run.machine]
    if changed := next((v for v in known if run.machine[v] != now.get(v)), ""):
        raise Fail(f"--resume {text}: it was begun with {changed} {run.machine[changed]}, this is"
                   f" {now.get(changed, 'without')}; {anew}")  # fmt: skip
    if other := next((t.path for t in run.targets if t.sha256 and digest(t.path) != t.sha256), ""):
        raise Fail(f"--resume {text}: {other} has changed since; {anew}")
    return run


def digest(path: str) -> str:
    """SHA-256 of a file, "" where it cannot be read."""
    import hashlib

    if not Path(path).is_file():  # a name out of a file: no pipe or device is read for it
        return ""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def _machine(settings: Settings) -> dict[str, Any]:
    from smxcheck.benchmark.measure.machine import facts

    return {**facts(settings.threads), "device": settings.device}


def load(option: str, text: str) -> Run:
    """The run that a file holds. Raises Fail where it holds none."""
    from smxcheck.benchmark.files.document import read

    path = Path(text)
    if not path.exists():
        raise Fail(f"{option} {text}: there is no such file; smxcheck bench TARGET --save {text} makes it")
    try:
        return read(path)
    except OSError as error:
        raise Fail(f"{option} {text}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise Fail(f"{option} {text}: {error}") from error


def write(
    run: Run, path: Path, format: str = "json", comparison: Comparison | None = None, others: Sequence[tuple[str, Path]] = ()
) -> None:
    """The run in a format, with what a gate found where the format tells it, whole or not at all.

    ``others`` are the files that the same command writes, for a page that refers to them.

    Raises Fail where it cannot be written, or not be drawn.
    """
    from smxcheck.benchmark.files.formats import content
    from smxcheck.report.write import write_whole

    try:
        write_whole(path, content(run, format, path, comparison, others))
    except OSError as error:
        raise Fail(f"cannot write {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise Fail(f"cannot write {path}: {error}") from error
