"""The worker: a process of its own that holds one target and answers calls over two pipes.

It starts with the requests on stdin, the answers on stdout and a pipe for whatever is printed on stderr. The
first two are moved to descriptors of their own before any code of the target runs. The right answers never
come here. Another module may serve more than calls the same way: :func:`serve`.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from smxcheck.targets import wire
from smxcheck.targets.execute import Executor, clipped, failure
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, Observation, TargetError
from smxcheck.targets.resolve import Loaded, resolve
from smxcheck.targets.spec import parse_target

#: Exit status that says: the pipes to the parent are gone.
CHANNEL_LOST = 98

#: What an observation says beside its value, which crosses as bytes, and what only the parent can count.
_FIELDS = tuple(f.name for f in fields(Observation) if f.name not in ("value", "printed"))

Message = dict[str, Any]
#: A message and its arrays → the answer and its arrays.
Handler = Callable[[Message, list[wire.Array]], tuple[Message, list[wire.Array]]]


class Channel:
    """Messages over a pair of descriptors, read and written whole."""

    def __init__(self, request: int, reply: int) -> None:
        self._request = request
        self._reply = reply

    def receive(self) -> tuple[Message, list[wire.Array]]:
        """The next message; raises :class:`EOFError` where the parent closed the pipe."""
        length = wire.header_length(self._exactly(wire.HEAD.size))
        message, arrays = wire.unpack_header(self._exactly(length))
        for array in arrays:
            self._into(wire.body(array))
        return message, arrays

    def send(self, message: Message, arrays: list[wire.Array]) -> None:
        for part in wire.pack(message, arrays):
            rest = part
            while rest:
                rest = rest[os.write(self._reply, rest) :]

    def _exactly(self, count: int) -> bytearray:
        data = bytearray(count)
        self._into(memoryview(data))
        return data

    def _into(self, view: memoryview) -> None:
        while view:
            count = os.readv(self._request, [view])
            if not count:
                raise EOFError
            view = view[count:]


def main() -> None:
    """Answers calls."""
    serve(load, lambda executor, _: lambda message, arrays: observed(executor, message, arrays))


def load(target: str, options: WorkerOptions) -> Loaded:
    """Imports the target. Raises :class:`TargetError` where it cannot be used."""
    return resolve(parse_target(target), options)


def serve(
    load: Callable[[str, WorkerOptions], Loaded], handler: Callable[[Executor, WorkerOptions], Handler]
) -> None:
    """Loads the target that the parent names and has a handler answer every message of the parent's.

    Returns never: the process ends when the parent closes the pipe; no exit handler of the target's is waited for.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    request, reply = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, args=(request,), daemon=True).start()
    warnings.simplefilter("ignore")  # overflow on extreme input is what is being looked for
    try:
        _serve(Channel(request, reply), load, handler)
    except EOFError:
        os._exit(0)
    except OSError:
        os._exit(CHANNEL_LOST)


def _end_with_parent(request: int) -> None:
    """Ends a worker whose parent is gone, even while the target hangs."""
    hang_up = select.poll()
    hang_up.register(request, 0)
    hang_up.poll()
    os._exit(0)


def _serve(
    channel: Channel,
    load: Callable[[str, WorkerOptions], Loaded],
    handler: Callable[[Executor, WorkerOptions], Handler],
) -> None:
    message, _ = channel.receive()
    options = WorkerOptions(
        arrays=message["array_kind"],
        device=message["device"],
        fixed={name: wire.from_json(value, []) for name, value in message["fixed"].items()},
        derive=tuple(message["derive"]),
        gradients=tuple(message["gradients"]),
    )
    sys.argv = [message["target"]]
    try:
        loaded = load(message["target"], options)
        executor = Executor(loaded.bindings, options.device, own_process=True)
    except TargetError as error:
        channel.send({"kind": "refused", "message": clipped(str(error))}, [])
        return
    channel.send({"kind": "loaded", **_described(loaded)}, [])
    _limit_memory(message["memory_limit"])
    answer_to = handler(executor, options)
    own = os.getpid()
    while True:
        message, arrays = channel.receive()
        answer, values = answer_to(message, arrays)
        if os.getpid() != own:
            os._exit(0)  # the target forked, and this is the child
        _flush()
        channel.send({**answer, "id": message["id"]}, values)


def observed(executor: Executor, message: Message, arrays: list[wire.Array]) -> tuple[Message, list[wire.Array]]:
    """What the call of the message does, as a message."""
    seen = _observation(executor, sent_call(message, arrays))
    values = [] if seen.value is None else [seen.value]
    return {"kind": "observation", **{f: getattr(seen, f) for f in _FIELDS}}, values


def sent_call(message: Message, arrays: list[wire.Array]) -> Call:
    """The call that a message holds."""
    return Call(
        message["function"],
        wire.from_json(message["arguments"], arrays),
        {name: wire.from_json(value, arrays) for name, value in message["keywords"].items()},
        message["layout"],
    )


def _observation(executor: Executor, call: Call) -> Observation:
    started = time.perf_counter()
    try:
        return executor.observe(call)
    except MemoryError as error:
        return replace(failure(error), seconds=time.perf_counter() - started)
    except Exception as error:  # noqa: BLE001
        # Beside the call itself only a target that tampers with its process gets here: the run must go on.
        text = f"the worker failed beside the call: {type(error).__name__}: {error}"
        return Observation("crashed", error_type=type(error).__name__, error=clipped(text))


def _described(loaded: Loaded) -> dict[str, Any]:
    info = loaded.info
    return {
        "name": info.name,
        "versions": dict(info.versions),
        "array_kind": info.arrays,
        "import_seconds": info.import_seconds,
        "path": info.path,
        "notes": list(info.notes),
        "rest": list(loaded.rest),
        "compiles": loaded.compiles,
        "offers": [
            {
                "function": offer.function,
                "spelled": offer.spelled,
                "keywords": sorted(offer.keywords),
                "fixed": {name: wire.to_json(value, []) for name, value in offer.fixed.items()},
            }
            for offer in info.offers.values()
        ],
    }


def _flush() -> None:
    """Empties the target's text buffers, so that what it printed is counted with this call."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the target may have put any object there
            stream.flush()


def _limit_memory(allowed: int | None) -> None:
    """Limits the address space to what is mapped now and ``allowed`` bytes more (Linux)."""
    statm = Path("/proc/self/statm")
    if allowed is None or not statm.exists():
        return
    import resource

    mapped = int(statm.read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = mapped + allowed if hard == resource.RLIM_INFINITY else min(mapped + allowed, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main()
