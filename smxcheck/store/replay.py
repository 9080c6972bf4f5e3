"""Kept inputs put to their targets once more, with the demands of the run that they failed in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.checks.consistency import INCONSISTENT
from smxcheck.judge.contract import parse_filter
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Result, Status
from smxcheck.run.unit import Limits, run_unit
from smxcheck.store.entry import Entry
from smxcheck.targets.load import open_sessions, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Session, TargetError


class Word(StrEnum):
    """What became of an input."""

    FIXED = "FIXED"
    FAILING = "STILL FAILING"
    UNKNOWN = "UNDECIDED"
    GONE = "GONE"


@dataclass(frozen=True)
class Replayed:
    """One entry, put again to ``target``: the word, and what was got where what is right; ``why`` in words where neither
    can be told."""

    path: Path
    entry: Entry
    target: str
    word: Word
    got: str = ""
    right: str = ""
    why: str = ""


def replay(kept: Sequence[tuple[Path, Entry]], root: Path, target: str = "") -> Iterator[Replayed]:
    """Every entry, those of one target together, as it is done. ``target`` takes the place of their own.

    A target is opened in the folder that the failing run was in, below ``root``, if that is still there.
    """
    groups: dict[str, list[tuple[Path, Entry]]] = {}
    for path, entry in kept:
        key = f"{entry.where}\n{target or entry.target}\n{sorted(entry.worker.items())}\n{entry.gradients}"
        groups.setdefault(key, []).append((path, entry))
    for group in groups.values():
        with _in_folder(root / group[0][1].where, bool(target)):
            yield from _of_target(group, target or group[0][1].target)


def _in_folder(folder: Path, stay: bool) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if stay or not folder.is_dir() else contextlib.chdir(folder)


def _of_target(group: Sequence[tuple[Path, Entry]], target: str) -> Iterator[Replayed]:
    first = group[0][1]
    derived = tuple(dict.fromkeys(e.case.function for _, e in group if FUNCTIONS[e.case.function].derivative_of))
    options = WorkerOptions(**first.worker, derive=derived, gradients=first.gradients)
    try:
        sessions = open_sessions(parse_target(target), options)
    except TargetError as error:
        yield from (Replayed(path, entry, target, Word.GONE, why=str(error)) for path, entry in group)
        return
    try:
        yield from (_again(path, entry, target, sessions[0]) for path, entry in group)
    finally:
        for session in sessions:
            session.close()


def _again(path: Path, entry: Entry, target: str, session: Session) -> Replayed:
    """Anything but a right result is not fixed: an exception is none, even where a target may decline the whole class."""
    function = entry.case.function
    if function not in session.info.offers:
        return Replayed(path, entry, target, Word.GONE, why=f"{target} offers no {function}")
    limits = Limits(only=parse_filter(entry.only))
    unit = run_unit(function, [entry.case], [session], entry.demand, limits, lambda where: None)
    if not unit.results:
        return Replayed(path, entry, target, Word.GONE, why=f"{target} does not take the keywords that the case gives")
    if bad := _first(unit.results, (*BAD, Status.DECLINED), entry.check):
        return Replayed(path, entry, target, Word.FAILING, bad.got or bad.message, bad.right, bad.message)
    if open_ := _first(unit.results, (Status.UNDECIDED, Status.NOT_RUN), entry.check):
        return Replayed(path, entry, target, Word.UNKNOWN, why=open_.message)
    if entry.check == INCONSISTENT:
        why = f"its verdict is about several calls: smxcheck verify {target} -f {function} decides it"
        return Replayed(path, entry, target, Word.UNKNOWN, why=why)
    right = unit.results[0]
    return Replayed(path, entry, target, Word.FIXED, right.got, right.right)


def _first(results: Sequence[Result], statuses: Sequence[Status], check: str) -> Result | None:
    """The result of the check that failed, else the first, among those of such a status."""
    found = [r for r in results if r.status in statuses]
    return next((r for r in found if r.check == check), next(iter(found), None))
