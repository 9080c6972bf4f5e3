"""The tasks side by side in processes, each with targets and one thread of its own, and their results put together."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from smxcheck.hunt.model import PAIRS, SEARCHED, Entry, Hunt, Progress, Settings, Task, lacks, merged
from smxcheck.hunt.plan import tasks
from smxcheck.run.environment import describe
from smxcheck.run.processes import end, interrupts_held, obey_parent

#: The variables by which OpenMP, OpenBLAS and MKL are held to one thread.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
#: Seconds between two savings while results come faster.
SAVED_EVERY = 5.0

Versions = Mapping[str, Mapping[str, str]]
Done = tuple[list[Entry], Versions]


class HuntError(Exception):
    """The hunt cannot go on: one line that says why."""


class OtherVersion(HuntError):
    """What is to be gone on with is of another version of a target."""


@dataclass
class _Trophies:
    """Entries and versions so far."""

    entries: dict[tuple[str, str, str, str], Entry] = field(default_factory=dict)
    versions: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def add(self, found: Iterable[Entry], versions: Versions) -> None:
        for target, seen in versions.items():
            if self.versions.setdefault(target, seen) != seen:
                raise OtherVersion(f"the file was made with another {target} ({_told(self.versions[target])}; here is"
                                f" {_told(seen)}): begin anew, without --resume")  # fmt: skip
        for entry in found:
            known = self.entries.get(entry.key)
            self.entries[entry.key] = merged(known, entry) if known else entry


def _told(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def run(
    settings: Settings, progress: Progress, save: Callable[[Hunt], None], before: Hunt | None = None
) -> Hunt:
    """Do all tasks that ``before`` lacks; ``save`` gets what there is again and again, on Ctrl-C too.

    Raises HuntError where a process dies, OtherVersion where ``before`` is of another version of a target; what the
    targets raise when they are opened; KeyboardInterrupt.
    """
    started, earlier = time.monotonic(), before.seconds if before else 0.0
    trophies = _Trophies()
    if before:
        trophies.add(before.entries, before.versions)
    machine = describe()

    def so_far() -> Hunt:
        ordered = tuple(trophies.entries[key] for key in sorted(trophies.entries))
        return Hunt(settings, machine, dict(trophies.versions), ordered, earlier + time.monotonic() - started)

    todo = tasks(settings, before.entries if before else ())
    saved = started
    progress(0, len(todo), "")
    try:
        for number, (task, (entries, versions)) in enumerate(_side_by_side(todo, settings)):
            trophies.add(entries, versions)
            progress(number + 1, len(todo), str(task))
            if task.shard is None or time.monotonic() - saved > SAVED_EVERY:
                save(so_far())
                saved = time.monotonic()
    finally:
        save(so_far())
    return so_far()


def _side_by_side(todo: list[Task], settings: Settings) -> Iterator[tuple[Task, Done]]:
    """The results of all tasks as they come."""
    if not todo:
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(settings.jobs, len(todo)), mp_context=context, initializer=_initialise)
    whole = False
    try:
        with _one_thread(), interrupts_held():
            pending: dict[Future[Done], Task] = {pool.submit(work, task, settings): task for task in todo}
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), future.result()
        whole = True
    except BrokenProcessPool as error:
        raise HuntError("a process of the hunt died, as where a target crashes or memory ends") from error
    finally:
        if not whole:
            end(pool)
        pool.shutdown(wait=whole, cancel_futures=True)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Libraries read their number of threads when they are loaded, in processes that are started here."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# ---- in a process of the pool

#: Target → its session, opened when it is first asked.
_sessions: dict[str, Any] = {}


def _initialise() -> None:
    """A user's target has a process of its own, which must not outlive this one, nor this one the hunt."""
    obey_parent(_close)
    atexit.register(_close)


def _close() -> None:
    for session in _sessions.values():
        session.close()


def work(task: Task, settings: Settings) -> Done:
    """One task, for all its targets."""
    sessions = {target: _session(target) for target in task.targets}
    offering = {name: s for name, s in sessions.items() if task.function in s.info.offers}
    found = [
        Entry(name, task.function, task.dtype, task.domain, reason=lacks(task.function))
        for name in sessions
        if name not in offering
    ]
    if offering:
        found += _found(task, offering, settings)
    return found, {name: dict(s.info.versions) for name, s in sessions.items()}


def _session(target: str) -> Any:
    from smxcheck.targets.load import open_session, parse_target
    from smxcheck.targets.options import WorkerOptions

    if target not in _sessions:
        spec = parse_target(target)
        # The libraries need no guard; a user's own code gets a process of its own.
        _sessions[target] = open_session(spec, WorkerOptions(isolate=spec.kind in ("file", "module")))
    return _sessions[target]


def _found(task: Task, sessions: Mapping[str, Any], settings: Settings) -> list[Entry]:
    from smxcheck.hunt import floats, narrow, pairs
    from smxcheck.hunt.search import search

    if task.domain == SEARCHED:
        return search(task.function, task.dtype, sessions, settings.seed, settings.seconds)
    if task.domain == PAIRS:
        return pairs.scan(task.function, task.dtype, sessions)
    if task.shard is None:
        return narrow.scan(task.function, task.dtype, sessions)
    return floats.scan(task.function, task.shard, sessions, settings.seed)
