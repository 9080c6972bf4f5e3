"""A small process that ends what this one started, where this one is killed and cannot do so itself.

A target that hangs looks at no pipe, and SIGKILL leaves no time to end it. The watcher knows the process groups that are
in use from a pipe, and ends them when the pipe is closed, which the system does for a process however it ends. Not
PR_SET_PDEATHSIG: that is Linux alone, spares what a program has started itself, and would have to be set by Python code
between fork and exec, which is not safe beside threads.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading

# "+7" and "-7" on lines of their own: group 7 is in use, and no longer.
_WATCHER = """
import os, signal, sys
used = set()
for line in sys.stdin:
    (used.add if line[0] == "+" else used.discard)(int(line[1:]))
for group in used:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""

_lock = threading.Lock()
_watchers: dict[int, subprocess.Popen[bytes]] = {}  # by the process that it watches: a fork needs another one


def ready() -> None:
    """Before a group is made: beginning the watcher takes longer than a target needs to hang."""
    with _lock, contextlib.suppress(OSError):
        _watcher()


def using(group: int) -> None:
    """The group is to end when this process does."""
    _tell(f"+{group}\n")


def ended(group: int) -> None:
    """It has been ended. To be told before its leader is waited for, whose number another process may then get."""
    if os.getpid() in _watchers:
        _tell(f"-{group}\n")


def _tell(line: str) -> None:
    with _lock, contextlib.suppress(OSError):  # somebody ended the watcher: what it is for is seldom needed
        stdin = _watcher().stdin
        assert stdin is not None
        stdin.write(line.encode("ascii"))


def _watcher() -> subprocess.Popen[bytes]:
    """Begun before the first group. It is alone in its session: what ends this process's group must not end it."""
    own = os.getpid()
    if own not in _watchers:
        for inherited in _watchers.values():  # a parent's: while this end of its pipe is open, its watcher sees nothing
            assert inherited.stdin is not None
            inherited.stdin.close()
            inherited.returncode = 0  # for the parent to wait for
        _watchers.clear()
        _watchers[own] = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCHER], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True,
        )  # fmt: skip
        atexit.register(_close, own)
    return _watchers[own]


def _close(own: int) -> None:
    """At the end of Python: what was in use until now ends here."""
    if own == os.getpid() and (watcher := _watchers.pop(own, None)) is not None:
        assert watcher.stdin is not None
        watcher.stdin.close()
        watcher.wait()
