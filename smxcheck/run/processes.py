"""How processes of a pool begin and end: deaf to Ctrl-C, never longer than their parent, at once where the user interrupts."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import connection

#: Seconds that an interrupted process gets to end its targets.
_GRACE = 0.5


def obey_parent(close: Callable[[], None]) -> None:
    """For the start of a process of a pool: SIGTERM, and the end of the parent, end it at once, after ``close``."""

    def leave() -> None:
        close()
        os._exit(1)

    signal.signal(signal.SIGTERM, lambda number, frame: leave())
    threading.Thread(target=_end_with_parent, args=(leave,), daemon=True).start()


def _end_with_parent(leave: Callable[[], None]) -> None:
    """A pool's process waits for work for ever where its parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        leave()


def end(pool: ProcessPoolExecutor) -> None:
    """End the pool's processes, whatever they are at.

    The pool's own thread is waited for: it closes a pipe that Python, at its end, writes to where the thread still runs.
    """
    processes = list((pool._processes or {}).values())
    thread: threading.Thread | None = getattr(pool, "_executor_manager_thread", None)  # shutdown forgets it
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(_GRACE)
        if process.is_alive():
            process.kill()
    if thread is not None:
        thread.join(_GRACE)


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until the block is left; processes started in it never get one.

    A terminal sends SIGINT to the whole group, but what it means is for this process to decide. A child inherits the
    blocked signals, so it is deaf from its first instruction on; a handler of its own would come too late.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
