"""One worker process seen from the parent: messages with a deadline, and whatever it prints read and counted.

One loop waits for all three pipes, so a target that prints without end neither blocks nor fills anything, and
one that stops reading cannot hold the parent. Needs ``poll`` and process groups: Linux and macOS.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smxcheck.targets import watch, wire

#: How much of what a target prints is kept: the end of it.
TAIL = 2048

#: Longest sleep before the process is looked at: its children may hold the pipes open after its death.
_SLICE = 0.2

_CHUNK = 1 << 16
_PIPE_SIZE = 1 << 20  # where the system lets one ask (Linux); its default of 64 KiB costs a switch each

# Without the current folder on the path (-P): a file there may be named like a module of Python's.
_BOOT = (
    "import importlib, sys; sys.path.append(sys.argv.pop()); importlib.import_module(sys.argv.pop()).main()"
)


class TimedOut(Exception):
    """No answer by the deadline."""


class Died(Exception):
    """The process ended, or closed its end of the pipes.

    ``status`` is as in :mod:`subprocess`: -N for signal N; None where it had to be killed for closing them.
    """

    def __init__(self, status: int | None) -> None:
        super().__init__(status)
        self.status = status


def supported() -> bool:
    """Whether this platform has what a worker needs."""
    return hasattr(select, "poll") and hasattr(os, "killpg") and hasattr(os, "readv")


class WorkerProcess:
    """A running worker. ``printed`` counts bytes since the last exchange began, ``tail`` is their end.

    ``module`` is what it imports first: its ``main()`` answers.
    """

    def __init__(self, environment: Mapping[str, str], module: str) -> None:
        root = str(Path(__file__).resolve().parents[2])
        watch.ready()
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, module, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=dict(environment),
            start_new_session=True,
        )
        watch.using(self._popen.pid)
        pipes = (self._popen.stdin, self._popen.stdout, self._popen.stderr)
        self._request, self._reply, self._output = (pipe.fileno() for pipe in pipes if pipe is not None)
        for descriptor in (self._request, self._reply, self._output):
            os.set_blocking(descriptor, False)
            widen(descriptor)
        self._output_open = True
        self.printed = 0
        self.tail = b""

    @property
    def pid(self) -> int:
        return self._popen.pid

    def exchange(
        self, message: dict[str, Any], arrays: list[wire.Array], seconds: float, max_bytes: int
    ) -> tuple[dict[str, Any], list[wire.Array]]:
        """Sends a message and returns the answer to it.

        Raises :class:`TimedOut`, :class:`Died`, or :class:`~smxcheck.targets.wire.WireError` where what came
        back is no message; the process is of no use after any of them.
        """
        deadline = time.monotonic() + seconds
        self.printed, self.tail = 0, b""
        for part in wire.pack(message, arrays):
            self._write(part, deadline)
        head = bytearray(wire.HEAD.size)
        self._read(memoryview(head), deadline)
        header = bytearray(wire.header_length(head))
        self._read(memoryview(header), deadline)
        answer, values = wire.unpack_header(header, max_bytes)
        for value in values:
            self._read(wire.body(value), deadline)
        self._drain(at_most=2 * _PIPE_SIZE)
        return answer, values

    def kill(self) -> None:
        """Ends the worker and every process of its group; safe to call again."""
        if self._popen.returncode is None:
            kill_group(self._popen.pid)
            watch.ended(self._popen.pid)
            self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def _write(self, view: memoryview, deadline: float) -> None:
        while view:
            try:
                view = view[os.write(self._request, view) :]
            except BlockingIOError:
                self._wait(self._request, select.POLLOUT, deadline)
            except BrokenPipeError:
                raise Died(self._status()) from None

    def _read(self, view: memoryview, deadline: float) -> None:
        while view:
            try:
                count = os.readv(self._reply, [view])
            except BlockingIOError:
                self._wait(self._reply, select.POLLIN, deadline)
                continue
            if not count:
                raise Died(self._status())
            view = view[count:]

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        """Returns when the descriptor is ready; reads what the target prints meanwhile."""
        poll = select.poll()
        poll.register(descriptor, event)
        if self._output_open:
            poll.register(self._output, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOut
            ready = {found for found, _ in poll.poll(1000 * min(left, _SLICE))}
            if self._output in ready:
                self._drain(at_most=_CHUNK)
                if not self._output_open:
                    poll.unregister(self._output)
            if descriptor in ready:
                return
            if not ready and self._popen.poll() is not None:
                raise Died(self._status())

    def _drain(self, at_most: int) -> None:
        """Reads what was printed, as long as there is any, and keeps the end of it."""
        while self._output_open and at_most > 0:
            try:
                data = os.read(self._output, _CHUNK)
            except BlockingIOError:
                return
            self._output_open = bool(data)
            self.printed += len(data)
            self.tail = (self.tail + data)[-TAIL:]
            at_most -= len(data)

    def _status(self) -> int | None:
        """How the process ended. One that closed its pipes and lives on is killed."""
        try:
            status = self._popen.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        self._drain(at_most=2 * _PIPE_SIZE)
        kill_group(self._popen.pid)  # children that it left behind
        watch.ended(self._popen.pid)
        return status


def kill_group(group: int) -> None:
    """Ends every process of the group, as far as any is left."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # none is left (macOS: only dead ones)


def widen(descriptor: int) -> None:
    """Makes a pipe as wide as a message mostly is, where the system lets one."""
    try:
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
    except (ImportError, AttributeError, OSError):
        return  # a pipe of the default size works as well
