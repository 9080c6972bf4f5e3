"""A target in a process of its own that is timed from here: one call is held there and sampled again and again.

Each target has its process, so that no library's threads, allocator or modules are another's; the parent wakes one at a
time, so that only one works.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from statistics import quantiles
from typing import Any

from smxcheck.benchmark.measure import yardsticks
from smxcheck.benchmark.measure.recall import Change, Recalled
from smxcheck.benchmark.measure.rounds import NotTimed, Sample
from smxcheck.targets import threads as limits
from smxcheck.targets import wire
from smxcheck.targets.client import LARGEST_ELEMENT, WorkerSession, call_message, lost
from smxcheck.targets.execute import largest_answer
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.process import Died, TimedOut, WorkerProcess, supported
from smxcheck.targets.protocol import Call, TargetError, TargetInfo
from smxcheck.targets.spec import TargetSpec, parse_target

#: Seconds that an answer may take at least, and how many times longer than expected: other processes may have the cores.
_LEAST, _SLACK = 10.0, 20.0

#: A sample lasts at most so many times as long by the clock of this process as by that of the target's, in the fastest
#: quarter of the samples: it is called once more untimed, and a message there and back takes less than a millisecond.
_MOST_UNTIMED, _MESSAGE = 1.5, 0.001
_FEWEST_SAMPLES = 5


class TimingSession(WorkerSession):
    """A target, or the yardsticks for "", that can be called and timed with at most ``threads`` threads.

    Raises :class:`~smxcheck.targets.protocol.TargetError` where it cannot be loaded. ``measured`` says in a sentence
    what a timed call of ``functions`` (all, where none is named) includes. Idle threads of OpenMP sleep, as in every worker: they would spin into the next target's
    sample.

    >>> session = TimingSession("builtin.fast", WorkerOptions(), threads=1)   # doctest: +SKIP
    >>> first = session.hold(call)                                            # doctest: +SKIP
    >>> session.sample(loops=100).seconds / 100                               # doctest: +SKIP
    """

    def __init__(self, target: str, options: WorkerOptions, threads: int, functions: Collection[str] = ()) -> None:
        if not supported():
            raise TargetError("a target is timed in a process of its own, which needs Linux or macOS")
        spec = parse_target(target) if target else TargetSpec("", "yardsticks")
        self._holder: WorkerProcess | None = None
        self._each = 0.0
        self._untimed: list[float] = []
        self._call: Call | None = None
        super().__init__(spec, options, "smxcheck.benchmark.measure.worker", limits.variables(threads))
        self.measured = measured(spec, self.info, threads, functions) if target else yardsticks.MEASURED

    def hold(self, call: Call, name: str = "", slowed: float = 1.0) -> float:
        """Lays the call's arrays out as the target's library has them and calls once: the seconds of this first call.

        What was held before is released. ``name`` picks a yardstick, which acts on the first argument; ``slowed`` 1.2
        makes each call after the first take 1.2 times as long. Raises
        :class:`~smxcheck.benchmark.measure.rounds.NotTimed` where the target lacks the dtype or layout, and where a call raises,
        ends the process or has not ended after the time that a first call may take (``compile_timeout``).
        """
        self._holder = None
        try:
            process = self._running()
        except TargetError as error:
            raise NotTimed(str(error)) from None
        arrays: list[wire.Array] = []
        message = {"kind": "hold", **call_message(call, arrays), "name": name, "slowed": slowed}
        limit = max(self._options.timeout, self._options.compile_timeout)
        self._each = first = _number(self._told(message, arrays, limit), "seconds")
        self._holder, self._call, self._untimed = process, call, []
        return first

    def sample(self, loops: int) -> Sample:
        """Seconds of ``loops`` calls in a row, none of Python's garbage collected meanwhile.

        One untimed call precedes the sample where ``loops`` > 1: it finds the caches as its own calls left them. A call
        that lasts longer than a sample is sampled alone and gets none: the caches are then as the others left them, who
        came between. Where a result is computed after the call returned (JAX, a GPU) each call waits for its result.
        Raises NotTimed where the target raises, dies or hangs, and where nothing is held.
        """
        started = time.perf_counter()
        answer = self._told_of_held({"kind": "sample", "loops": loops}, loops)
        spent = time.perf_counter() - started
        found = Sample(_number(answer, "seconds"), _number(answer, "cpu_seconds"))
        calls = loops + (loops > 1)
        if found.seconds > 2 * _MESSAGE:  # shorter ones are calibration
            self._untimed.append(spent / (found.seconds * calls / loops + _MESSAGE))
        self._each = found.seconds / loops
        return found

    def recall(self, changes: Sequence[Change]) -> Recalled:
        """The values of what is held, as it was timed and after the first of ``changes`` in the same memory.

        Raises NotTimed where what was timed cannot be believed: the clock of the target's process disagrees with the one
        here, its priority differs from that of the others, or what `smxcheck.benchmark.measure.recall` and `.conduct` find.
        """
        if self._holder is None or self._holder is not self._process or self._call is None:
            raise NotTimed("nothing is held: the process that held it has ended")
        arrays: list[wire.Array] = []
        message = {"kind": "recall", "changes": wire.to_json(tuple(tuple(c) for c in changes), arrays)}
        limit = max(_LEAST, _SLACK * self._each * (2 * len(changes) + 1))
        values = self._exchanged(message, arrays, limit, 2 * largest_answer(self._call) * LARGEST_ELEMENT)[1]
        if reason := self._disagrees() or _priority(self._holder.pid):
            raise NotTimed(reason)
        if len(values) != 2:
            raise NotTimed(_UNREADABLE)
        return Recalled(*values)

    def _disagrees(self) -> str:
        """What is wrong with the clock of the target's process."""
        if len(self._untimed) < _FEWEST_SAMPLES:
            return ""
        quarter = quantiles(self._untimed, n=4)[0]
        if quarter <= _MOST_UNTIMED:
            return ""
        return f"its samples last {quarter:.1f} times as long as its process tells"

    def peak(self) -> int | None:
        """Bytes that one call takes beyond what was held before it, its result included.

        None where the system does not tell (not Linux, a GPU), or where the call fails.
        """
        try:
            found = self._told_of_held({"kind": "peak"}, 1).get("bytes")
        except NotTimed:
            return None
        return found if type(found) is int and found >= 0 else None

    def release(self) -> None:
        """Frees what is held; a session whose process is gone holds nothing."""
        if self._holder is not None and self._holder is self._process:
            try:
                self._told({"kind": "release"}, [], _LEAST)
            except NotTimed:
                self.close()
        self._holder = None

    def _told_of_held(self, message: dict[str, Any], loops: int) -> dict[str, Any]:
        if self._holder is None or self._holder is not self._process:
            raise NotTimed("nothing is held: the process that held it has ended")
        return self._told(message, [], max(_LEAST, _SLACK * self._each * (loops + 1)))

    def _told(self, message: dict[str, Any], arrays: list[wire.Array], limit: float) -> dict[str, Any]:
        """The answer to a message of the timing worker; raises NotTimed where there is none."""
        return self._exchanged(message, arrays, limit, 0)[0]

    def _exchanged(
        self, message: dict[str, Any], arrays: list[wire.Array], limit: float, max_bytes: int
    ) -> tuple[dict[str, Any], list[wire.Array]]:
        process = self._running()
        try:
            answer, values = self._ask(message, arrays, limit, max_bytes)
        except (TimedOut, Died, wire.WireError) as error:
            raise NotTimed(lost(error, limit, process.tail).error) from None
        if answer.get("kind") == "not-timed":
            raise NotTimed(str(answer.get("reason")))
        return answer, values


def _priority(process: int) -> str:
    """What sets a process apart from this one, which started it: its priority or its scheduling."""
    try:
        alike = os.getpriority(os.PRIO_PROCESS, process) == os.getpriority(os.PRIO_PROCESS, 0)
        if hasattr(os, "sched_getscheduler"):
            alike = alike and os.sched_getscheduler(process) == os.sched_getscheduler(0)
    except OSError:
        return ""  # it has ended, which the next message finds
    return "" if alike else "runs with a priority of its own"


_UNREADABLE = "the worker's answer cannot be read: did the target write to it?"


def _number(answer: dict[str, Any], name: str) -> float:
    found = answer.get(name)
    if not isinstance(found, int | float) or not found >= 0:
        raise NotTimed(_UNREADABLE)
    return float(found)


#: Shipped target, or array library → what is in a call's time.
_SHIPPED = {
    "builtin": "NumPy arrays; the result is allocated in each call",
    "scipy": "NumPy arrays; whatever SciPy allocates, the result among it, is allocated in each call",
    "torch": "tensors made before; the result is allocated in each call",
    "jax": "arrays on the device before, jitted, waited for; compiled before (first call apart)",
    "onnxruntime": (
        "NumPy arrays through session.run, a strided one is copied first; the result is allocated in each call"
    ),
}
_USERS = {
    "numpy": "NumPy arrays; whatever the callable allocates",
    "torch": "tensors made before; whatever the callable allocates",
    "jax": "arrays on the device before, waited for; what it compiles was compiled before (first call apart)",
}

#: How the spelling of a derivative begins that automatic differentiation gives.
_DIFFERENTIATED = ("autograd of ", "forward-mode autograd of ", "jax.vjp of ", "jax.jvp of ")


def measured(spec: TargetSpec, info: TargetInfo, threads: int, functions: Collection[str] = ()) -> str:
    """What a call of the target includes: copies, allocation, the forward pass of a derivative, threads.

    ``functions`` are those that are timed, all that are offered where none is named.
    """
    if spec.kind in ("builtin", "library"):
        parts = [_SHIPPED["builtin" if spec.kind == "builtin" else spec.name]]
    else:
        parts = [_USERS[arrays] for arrays in info.arrays.split(", ")]
    timed = [offer for name, offer in info.offers.items() if not functions or name in functions]
    if any(offer.spelled.startswith(_DIFFERENTIATED) for offer in timed):
        parts.append("a derivative by differentiation includes its forward pass")
    parts.append("1 thread" if threads == 1 else f"at most {threads} threads")
    return "; ".join(parts)
