"""The child of a timing session: answers calls as any worker does, and holds one call to time it again and again.

Only this process's clocks are read: what crosses the pipes is in no time. They are bound before the target is imported, and
the parent holds what they tell against its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# Bound here: a target that replaces these in their modules changes its own calls, not what times them.
from gc import disable, enable, isenabled
from itertools import repeat
from operator import methodcaller
from time import perf_counter_ns, process_time_ns
from typing import Any

from smxcheck.benchmark.measure.conduct import Conduct
from smxcheck.benchmark.measure.peak import give_back, peak_of, settle
from smxcheck.benchmark.measure.recall import digest, recall
from smxcheck.benchmark.measure.yardsticks import yardstick
from smxcheck.targets import threads, wire, worker
from smxcheck.targets.execute import Executor, Ready, failure
from smxcheck.targets.layout import NotPassed, lay_out
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, TargetInfo
from smxcheck.targets.resolve import Loaded

#: Calls written out in the body of a loop. Of a builtin that does nothing, a call then takes 10 ns with the loop, and
#: 15 ns in a loop of one call (CPython 3.11); more calls in the body gain nothing.
UNROLLED = 8

Message = worker.Message


def main() -> None:
    """Serves until the parent closes the pipe."""
    settle()
    worker.serve(_load, Stopwatch)


def _load(target: str, options: WorkerOptions) -> Loaded:
    """The target, or nothing but the yardsticks for "". Raises TargetError where it cannot be used."""
    if not target:
        return Loaded(TargetInfo("", {}, "numpy", {}), {})
    loaded = worker.load(target, options)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads.allowed())  # what a file set at its import counts less than --threads
    return loaded


@dataclass(frozen=True)
class Held:
    """A call that can be repeated: ``call(*arguments, **keywords)``, then ``wait`` for its result unless it is None."""

    call: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    wait: Callable[[Any], Any] | None = None

    def once(self) -> Any:
        result = self.call(*self.arguments, **self.keywords)
        if self.wait is not None:
            self.wait(result)
        return result


class Stopwatch:
    """Answers every message of the parent's: calls, and what holds, times, weighs and releases one of them."""

    def __init__(self, executor: Executor, options: WorkerOptions) -> None:
        self._executor = executor
        self._device = options.device
        self._held: Held | None = None
        self._loop: Callable[..., None] | None = None
        self._ready: Ready | None = None
        self._conduct = Conduct(())

    def __call__(self, message: Message, arrays: list[wire.Array]) -> tuple[Message, list[wire.Array]]:
        if message["kind"] == "call":
            return worker.observed(self._executor, message, arrays)
        try:
            if message["kind"] == "recall":
                return {"kind": "recall"}, self._recall(wire.from_json(message["changes"], arrays))
            return self._answer(message, arrays), []
        except NotPassed as reason:
            return _not_timed(str(reason)), []
        except BaseException as error:  # noqa: BLE001 - the process is the target's own, and so is whatever it raises
            seen = failure(error)
            return _not_timed(seen.error if seen.outcome == "exited" else f"{seen.error_type}: {seen.error}"), []

    def _answer(self, message: Message, arrays: list[wire.Array]) -> Message:
        kind = message["kind"]
        if kind == "hold":
            self._release()
            call = worker.sent_call(message, arrays)
            return {"kind": kind, "seconds": self._hold(call, message["name"], message["slowed"])}
        if kind == "sample":
            seconds, cpu_seconds = self._sample(message["loops"])
            return {"kind": kind, "seconds": seconds, "cpu_seconds": cpu_seconds}
        if kind == "peak":
            return {"kind": kind, "bytes": self._peak()}
        self._release()
        return {"kind": kind}

    def _hold(self, call: Call, name: str, slowed: float) -> float:
        """Makes the call ready and calls once: the seconds of that."""
        ready: Ready | None = None
        if name:
            function, given = yardstick(name, lay_out(call.arguments[0], call.layout).view)
            held = Held(function, given, {})
        else:
            ready = self._executor.ready(call)
            held = Held(ready.binding.call, ready.arguments, ready.keywords, ready.kind.wait)
        self._conduct = Conduct(digest(ready) if ready is not None else ())
        started = perf_counter_ns()
        result = held.once()
        seconds = (perf_counter_ns() - started) / 1e9
        wait = None if ready is None else self._wait(ready, result)
        self._ready = ready
        held = Held(held.call, held.arguments, held.keywords, wait)
        self._held = held if slowed == 1.0 else Held(_slowed(held, slowed), held.arguments, held.keywords)
        self._loop = loop(len(held.arguments), tuple(held.keywords), waits=self._held.wait is not None)
        return seconds

    def _wait(self, ready: Ready, result: Any) -> Callable[[Any], Any] | None:
        """How to wait for a result like this one, without a frame of Python's where the result has a method for it."""
        if hasattr(result, "block_until_ready"):
            return methodcaller("block_until_ready")
        return ready.kind.wait if ready.kind.name == "jax" or self._device != "cpu" else None

    def _sample(self, loops: int) -> tuple[float, float]:
        """Seconds and CPU seconds of ``loops`` calls. No garbage is collected meanwhile."""
        held, run = self._held, self._loop
        if held is None or run is None:
            raise NotPassed("nothing is held to be timed")
        self._conduct.woken()
        if loops > 1:
            held.once()
        given = (held.call, held.wait, held.arguments, tuple(held.keywords.values()))
        counters = repeat(None, loops // UNROLLED), repeat(None, loops % UNROLLED)
        collects = isenabled()
        disable()
        try:
            cpu_started, started = process_time_ns(), perf_counter_ns()
            run(*counters, *given)
            ended, cpu_ended = perf_counter_ns(), process_time_ns()
        finally:
            if collects:
                enable()
        self._conduct.sampled(loops)
        return (ended - started) / 1e9, (cpu_ended - cpu_started) / 1e9

    def _recall(self, changes: tuple[tuple[wire.Array, wire.Array], ...]) -> list[wire.Array]:
        """Values before and after the first of the changes. Raises NotPassed for what makes the times worthless."""
        held, ready = self._held, self._ready
        if held is None or ready is None:
            raise NotPassed("nothing is held to be called again")
        run = loop(len(held.arguments), tuple(held.keywords), waits=True)
        values = tuple(held.keywords.values())
        got: list[Any] = []

        def ended(result: Any) -> None:
            if held.wait is not None:
                held.wait(result)
            got[:] = [result]

        def timed(arguments: tuple[Any, ...]) -> tuple[float, Any]:
            started = perf_counter_ns()
            run(repeat(None, 0), repeat(None, 1), held.call, ended, arguments, values)
            return (perf_counter_ns() - started) / 1e9, got.pop()

        self._conduct.woken()
        self._conduct.check(digest(ready))
        found = recall(ready, timed, changes, self._device)
        self._conduct.check_growth(found.before.nbytes)
        return [found.before, found.after]

    def _peak(self) -> int | None:
        if self._held is None:
            raise NotPassed("nothing is held to be weighed")
        return peak_of(self._held.once) if self._device == "cpu" else None

    def _release(self) -> None:
        self._held = self._loop = self._ready = None
        give_back()


def loop(arguments: int, keywords: tuple[str, ...], waits: bool) -> Callable[..., None]:
    """A function of (rounds, rest, call, wait, arguments, values of the keywords) that calls UNROLLED times for each of
    ``rounds`` and once for each of ``rest``.

    It is compiled for the call, as ``timeit`` does it, so that a call costs what it costs in a user's own code: with a
    keyword, ``functools.partial`` adds 130 ns to each call, as it copies its dict (CPython 3.11), this nothing.
    """
    positional = [f"a{i}" for i in range(arguments)]
    by_name = [f"k{i}" for i in range(len(keywords))]
    listed = ", ".join([*positional, *(f"{name}={value}" for name, value in zip(keywords, by_name, strict=True))])
    once = f"wait(call({listed}))" if waits else f"call({listed})"
    source = [
        "def repeated(rounds, rest, call, wait, arguments, values):",
        f"    [{', '.join(positional)}] = arguments",
        f"    [{', '.join(by_name)}] = values",
        "    for _ in rounds:",
        *[f"        {once}"] * UNROLLED,
        "    for _ in rest:",
        f"        {once}",
    ]
    namespace: dict[str, Any] = {}
    exec("\n".join(source), namespace)
    compiled: Callable[..., None] = namespace["repeated"]
    return compiled


def _slowed(held: Held, factor: float) -> Callable[..., Any]:
    """The call, spinning after its result is there until ``factor`` times its own time has passed."""
    now, call, wait = perf_counter_ns, held.call, held.wait

    def slow(*arguments: Any, **keywords: Any) -> Any:
        started = now()
        result = call(*arguments, **keywords)
        if wait is not None:
            wait(result)
        until = started + factor * (now() - started)
        while now() < until:
            pass
        return result

    return slow


def _not_timed(reason: str) -> Message:
    return {"kind": "not-timed", "reason": " ".join(reason.split())}


if __name__ == "__main__":
    main()
