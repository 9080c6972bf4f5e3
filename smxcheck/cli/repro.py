"""``smxcheck repro``: one case through one target as a script of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smxcheck.cli.errors import USAGE, Fail, complain
from smxcheck.cli.output import emit

if TYPE_CHECKING:
    from smxcheck.caseset.model import Case
    from smxcheck.store import Entry
    from smxcheck.store.script import Script

EPILOG = """\
The script needs NumPy and the target, not smxcheck: the input, the call, the exact value in 40 digits at the worst element
and what is allowed there stand in it. It exits with 1 where the call is wrong.

\b
Examples:
  smxcheck repro softmax/overflow/1000/float32 --target kernel.py:softmax
  smxcheck repro softmax/found/0123456789ab/float32 -o bug.py --mpmath
"""


def command(
    case: Annotated[str, typer.Argument(metavar="CASE-ID", help="A case, shipped or kept.", show_default=False)],
    target: Annotated[str, typer.Option(metavar="T", help="The target. [default: that of the kept case]")] = "",
    output: Annotated[str, typer.Option("-o", metavar="FILE", help="Write here, not to stdout.")] = "",
    mpmath: Annotated[bool, typer.Option("--mpmath", help="Recheck the exact value by its plain definition.")] = False,
    arrays: Annotated[str, typer.Option(metavar="auto|numpy|torch|jax", help="What the callable receives.")] = "",
    require: Annotated[str, typer.Option(metavar="standard|tight|1ulp", help="The level that is demanded.")] = "",
) -> int:
    """Print a standalone script that shows one result, what is right there, and the error."""
    from dataclasses import replace

    from smxcheck.api import level
    from smxcheck.caseset import CaseError
    from smxcheck.caseset.found import is_found
    from smxcheck.cli import files
    from smxcheck.judge.call import Demand
    from smxcheck.store import cases, folder
    from smxcheck.store.script import script
    from smxcheck.targets.load import open_session, parse_target
    from smxcheck.targets.options import ARRAYS, WorkerOptions
    from smxcheck.targets.protocol import TargetError

    if arrays and arrays not in ARRAYS:
        raise Fail(f"--arrays is one of {', '.join(ARRAYS)}, not {arrays!r}")
    if output:
        files.writable("-o", output, Path(output))
    try:
        entry = _kept(case, target)
        target = target or (entry.target if entry else "")
        if not target:
            if is_found(case):
                cases([case], folder(Path.cwd()))  # raises: no kept case names its target
            raise Fail(f"name the target that {case} is put to, as in --target kernel.py:softmax")
        asked = entry.case if entry else _shipped(case)
        demand = entry.demand if entry else Demand()
        demand = replace(demand, require=level(require)) if require else demand
        options = WorkerOptions(**(entry.worker if entry else {}), derive=(asked.function,))
        options = replace(options, arrays=arrays) if arrays else options
        spec = parse_target(target)
        session = open_session(spec, options)
        try:
            made = script(asked, session, spec, demand, options, mpmath)
        finally:
            session.close()
    except (TargetError, CaseError, ValueError) as error:
        raise Fail(str(error)) from error
    if made.beside and not output:
        raise Fail(f"{case} is too large to be written into a script: -o FILE puts its arrays into an .npz beside it")
    if made.result.status in ("crashed", "hung", "not-run", "undecided"):
        complain(f"{case} through {target}: {made.result.status}: {made.result.message or 'no value to compare'}")
    if not output:
        emit(made.text)
        return 0
    return _write(made, Path(output))


def _kept(name: str, target: str) -> Entry | None:
    """The kept entry of that case, with its demands: that of the target, if one is named."""
    from smxcheck.store import entries, folder

    found = [e for _, e in entries(folder(Path.cwd()))[0] if e.case.id == name or e.id == name]
    return next((e for e in found if target in ("", e.target)), next(iter(found), None))


def _shipped(name: str) -> Case:
    from smxcheck.caseset import load_cases
    from smxcheck.caseset.found import is_found
    from smxcheck.identities import identity_of
    from smxcheck.store import cases, folder

    if is_found(name):
        return cases([name], folder(Path.cwd()))[0]
    case = load_cases(ids=[name])[0]
    if identity_of(case) is not None:
        raise Fail(f"{name} holds several values of the target against each other: no one call shows what is wrong")
    return case


def _write(made: Script, path: Path) -> int:
    from smxcheck.report.write import write_whole
    from smxcheck.store.script import stored

    try:
        if made.beside:
            write_whole(path.with_suffix(".npz"), stored(made.beside))
        write_whole(path, made.text.encode())
    except OSError as error:
        complain(f"cannot write {path}: {error.strerror or error}")
        return USAGE
    print(f"wrote {path}" + (f" and {path.with_suffix('.npz')}" if made.beside else ""), file=sys.stderr)
    return 0
