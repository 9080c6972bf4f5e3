"""Implementations from a file of the user's: each of its callables is one that must fail, or must pass where its name
begins with ``right_``."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

from smxcheck.catalog import match_function
from smxcheck.judge.result import Level
from smxcheck.selftest.subjects import Subject
from smxcheck.targets.client import WorkerSession
from smxcheck.targets.inprocess import load_in_process
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.process import supported
from smxcheck.targets.protocol import TargetError
from smxcheck.targets.spec import parse_target

_RIGHT = "right_"


def subjects(text: str, dtypes: tuple[str, ...], require: Level) -> tuple[tuple[Subject, ...], tuple[str, ...]]:
    """The implementations of the file, in its order, and sentences on callables that were left out.

    The file is imported in a worker process, never here. Raises TargetError where it cannot be, or has none.
    """
    if not text.endswith(".py"):
        raise TargetError(f"--with {text}: name a file of Python, as in --with my_mutants.py")
    spec = parse_target(text)
    session = WorkerSession(spec, WorkerOptions()) if supported() else load_in_process(spec, WorkerOptions())
    session.close()  # what the file has is known; each of its callables gets a process of its own
    offered = {o.spelled: f for f, o in session.info.offers.items()}
    offered |= {spelled: match_function(spelled.rpartition(":")[2]) or "" for spelled in session.rest}
    notes = tuple(note for note in session.info.notes if note.startswith("left out"))
    told = _told(Path(text))
    order = {name: place for place, name in enumerate(told)}
    found = [_subject(spelled, function, told, dtypes, require) for spelled, function in offered.items()]
    return tuple(sorted(found, key=lambda s: order.get(s.id, len(order)))), notes


def _subject(
    spelled: str, function: str, told: dict[str, str], dtypes: tuple[str, ...], require: Level
) -> Subject:  # fmt: skip
    name = spelled.rpartition(":")[2]
    level = "" if require is Level.STANDARD else f" --require {require}"
    must_pass = name.lower().startswith(_RIGHT)
    again = f"smxcheck verify {shlex.quote(spelled)}{level}"
    again += "" if must_pass else "".join(f" --dtype {d}" for d in dtypes)  # a right one's command gets the dtype that fails
    return Subject(
        name, "own right" if must_pass else "own", function, told.get(name, ""), {}, dtypes, require,
        family=spelled.rpartition(":")[0], target=f"{function}={spelled}", again=again,
    )  # fmt: skip


def _told(path: Path) -> dict[str, str]:
    """The first line of each docstring, by the callable's name, in the order of the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return {node.name: (ast.get_docstring(node) or "").partition("\n")[0] for node in defined}
