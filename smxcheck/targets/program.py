"""One run of a program: bytes in, bytes out, and whatever it does instead, within limits. Nothing here knows arrays.

One loop waits for all three pipes, so that a program which writes before it has read, prints without end, or leaves its
input unread blocks nothing. It runs in a process group of its own, which is ended with it, and with smxcheck. Needs what
:func:`smxcheck.targets.process.supported` asks for.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from smxcheck.targets import watch
from smxcheck.targets.process import TAIL, kill_group, widen

#: Longest sleep before the process is looked at: its children may hold the pipes open after its death.
_SLICE = 0.2

_CHUNK = 1 << 18


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    ``status`` is as in :mod:`subprocess`: -N for signal N; None where it was ended here, for want of time or, where
    ``flooded``, for writing more than it may. ``printed`` counts bytes on standard error, ``tail`` is their end.
    """

    status: int | None
    output: bytes
    printed: int
    tail: bytes
    seconds: float
    flooded: bool = False


@dataclass
class _Heard:
    """What came over the pipes so far."""

    output: bytearray = field(default_factory=bytearray)
    printed: int = 0
    tail: bytes = b""


def run_program(
    words: Sequence[str], environment: Mapping[str, str], data: bytes, seconds: float, most_bytes: int,
    memory: int | None = None,
) -> Ended:  # fmt: skip
    """Run ``words`` with ``data`` on standard input for at most ``seconds``.

    More than ``most_bytes`` on standard output ends it. ``memory`` is how many bytes of private writable memory it may
    map (Linux); None for no limit. Raises OSError where it cannot be started.
    """
    started = time.monotonic()
    process = start(words, environment)
    try:
        limit_memory(process.pid, memory)
        heard = _Heard()
        whole = _exchange(process, data, heard, started + seconds, most_bytes)
        status = _status(process, started + seconds) if whole else None
    finally:
        end(process)
    flooded = len(heard.output) > most_bytes
    output = b"" if flooded else bytes(heard.output)
    return Ended(None if flooded else status, output, heard.printed, heard.tail, time.monotonic() - started, flooded)


def start(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The program with pipes for all it reads and writes. Raises OSError where it cannot be started."""
    pipe = subprocess.PIPE
    watch.ready()
    process = subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env=dict(environment), start_new_session=True
    )
    watch.using(process.pid)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends the program and whatever it started in its group."""
    kill_group(process.pid)
    watch.ended(process.pid)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def limit_memory(pid: int, allowed: int | None) -> None:
    """Limits what the process may write to. Not its address space, as for a worker: the Java, Go and JavaScript run
    times reserve more of that at their start than any of them uses. Linux counts private writable mappings alone
    (setrlimit(2), RLIMIT_DATA, since 4.7). It holds from before the program has read its input."""
    if allowed is None:
        return
    import resource

    if not hasattr(resource, "prlimit"):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended already, or is not ours to limit
        _, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
        limit = allowed if hard == resource.RLIM_INFINITY else min(allowed, hard)
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, hard))


def _exchange(process: subprocess.Popen[bytes], data: bytes, heard: _Heard, deadline: float, most_bytes: int) -> bool:
    """Writes and reads until the program closes what it writes to, or is gone; False where it had to be given up."""
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    request, reply, printed = process.stdin.fileno(), process.stdout.fileno(), process.stderr.fileno()
    poll = select.poll()
    for descriptor, event in ((request, select.POLLOUT), (reply, select.POLLIN), (printed, select.POLLIN)):
        os.set_blocking(descriptor, False)
        widen(descriptor)
        poll.register(descriptor, event)
    left, reading = memoryview(data), {reply, printed}
    while reading:
        wait = deadline - time.monotonic()
        if wait <= 0 or len(heard.output) > most_bytes:
            return False
        ready = [descriptor for descriptor, _ in poll.poll(1000 * min(wait, _SLICE))]
        if request in ready:
            left = _written(request, left)
            if not left:
                poll.unregister(request)
                process.stdin.close()
        for descriptor in reading.intersection(ready):
            if not _read(descriptor, heard, descriptor == reply):
                poll.unregister(descriptor)
                reading.discard(descriptor)
        if not ready and process.poll() is not None:
            break
    return len(heard.output) <= most_bytes


def _written(descriptor: int, left: memoryview) -> memoryview:
    """What is left to write; nothing where the program reads no more, which is its own affair."""
    try:
        return left[os.write(descriptor, left) :]
    except BlockingIOError:
        return left
    except BrokenPipeError:
        return memoryview(b"")


def _read(descriptor: int, heard: _Heard, is_reply: bool) -> bool:
    """Reads what is there; False at the end of the pipe."""
    try:
        data = os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return True
    if is_reply:
        heard.output += data
    else:
        heard.printed += len(data)
        heard.tail = (heard.tail + data)[-TAIL:]
    return bool(data)


def _status(process: subprocess.Popen[bytes], deadline: float) -> int | None:
    """The exit status; None where the program closed its pipes and lives on."""
    try:
        return process.wait(max(deadline - time.monotonic(), 0.0))
    except subprocess.TimeoutExpired:
        return None
