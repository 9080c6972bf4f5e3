"""The published statements of a run: executed beside the cases where other processes judge those, else after them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from smxcheck.judge.result import Published


def judge_all(deadline: float | None, stop: threading.Event | None = None) -> Published:
    """Executes every statement; none is begun after ``deadline`` (of ``time.monotonic``) or once ``stop`` is set."""
    from smxcheck.derivations.verdicts import counted, judge, statements

    left = list(statements().values())
    found = []
    while left and not (stop and stop.is_set()) and (deadline is None or time.monotonic() < deadline):
        found.append(judge(left.pop(0)))
    counts = {str(verdict): number for verdict, number in counted(r.verdict for r in found).items()}
    misses = tuple(f"{r.statement.id}: {'; '.join(r.problems)}" for r in found if r.problems)
    return Published(len(found), counts, misses, len(left))


@contextlib.contextmanager
def beside(wanted: bool, jobs: int, deadline: float | None) -> Iterator[Callable[[], Published | None]]:
    """Yields what gives the outcome; to be called at the end of the run. None where the statements are not wanted.

    With several jobs this process only waits for others, and a thread of it executes the statements meanwhile. With one it
    judges the cases itself, whose exact values are counted: then they come afterwards. Leaving the block gives up what is left.
    """
    if not wanted or jobs == 1:
        yield lambda: judge_all(deadline) if wanted else None
        return
    stop = threading.Event()
    pool = ThreadPoolExecutor(1)
    try:
        yield pool.submit(judge_all, deadline, stop).result
    finally:
        stop.set()
        pool.shutdown(wait=False)
