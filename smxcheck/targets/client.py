"""A target in a worker process: whatever it does there is an observation, and the next call goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from smxcheck.targets import wire
from smxcheck.targets.execute import clipped, largest_answer
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.process import Died, TimedOut, WorkerProcess
from smxcheck.targets.protocol import Call, Observation, Offer, TargetError, TargetInfo
from smxcheck.targets.spec import TargetSpec
from smxcheck.targets.worker import CHANNEL_LOST

#: No element that can cross is larger (complex numbers of two long doubles cannot).
LARGEST_ELEMENT = 16

_OUTCOMES = frozenset({"returned", "raised", "crashed", "exited", "out-of-memory", "not-array", "not-passed"})


class WorkerSession:
    """A loaded target in a process of its own; one call at a time.

    ``rest`` names further callables of a whole file that are targets of their own. A worker that died or hung
    is replaced at the next call, which imports the target again. ``module`` is what the worker runs;
    ``variables`` are set in its environment.
    """

    def __init__(
        self,
        spec: TargetSpec,
        options: WorkerOptions,
        module: str = "smxcheck.targets.worker",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._spec = spec
        self._options = options
        self._module = module
        self._environment = {**_environment(options), **(variables or {})}
        self._process: WorkerProcess | None = None
        self._known: set[tuple[Any, ...]] = set()
        self._compiles = False
        self._asked = 0
        self.rest: tuple[str, ...] = ()
        self.info = self._load()

    def call(self, call: Call) -> Observation:
        """What the call does; never raises for what the target does."""
        try:
            process = self._running()
        except TargetError as error:
            return Observation("crashed", error=f"the target could not be loaded again: {error}")
        limit = self._limit(call)
        arrays: list[wire.Array] = []
        message = {"kind": "call", **call_message(call, arrays)}
        try:
            answer, values = self._ask(message, arrays, limit, largest_answer(call) * LARGEST_ELEMENT)
            seen = _observation(answer, values)
        except (TimedOut, Died, wire.WireError) as error:
            self.close()
            seen = lost(error, limit, process.tail)
        return replace(seen, printed=process.printed)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _running(self) -> WorkerProcess:
        """The worker, a new one where the last is gone. Raises :class:`TargetError` where it cannot be started."""
        if self._process is None:
            self._load()
        assert self._process is not None
        return self._process

    def _ask(
        self, message: dict[str, Any], arrays: list[wire.Array], limit: float, max_bytes: int = 0
    ) -> tuple[dict[str, Any], list[wire.Array]]:
        """The running worker's answer within ``limit`` seconds.

        Raises what :meth:`WorkerProcess.exchange` raises; the worker is then gone.
        """
        assert self._process is not None
        self._asked += 1
        try:
            answer, values = self._process.exchange({**message, "id": self._asked}, arrays, limit, max_bytes)
            if answer.get("id") != self._asked:
                raise wire.WireError("the answer is to another call")
        except BaseException:
            self.close()  # after Ctrl-C too: the answer that is under way belongs to no later call
            raise
        return answer, values

    def _memory_limit(self) -> int | None:
        """None where address space is reserved in bulk: on a GPU, and by the compilers inside the shipped libraries."""
        unlimited = self._options.device == "cuda" or self._spec.kind == "library"
        return None if unlimited else self._options.memory_limit

    def _limit(self, call: Call) -> float:
        """Seconds for this call: more for the first of a shape and dtype, where the target may compile."""
        options = self._options
        key = (call.function, call.layout, *((a.shape, a.dtype.name) for a in call.arguments), *call.keywords)
        if not self._compiles or key in self._known:
            return options.timeout
        self._known.add(key)
        return max(options.timeout, options.compile_timeout)

    def _load(self) -> TargetInfo:
        """Starts a worker and has it import the target. Raises :class:`TargetError` where it cannot."""
        options = self._options
        request = {
            "target": self._spec.text,
            "array_kind": options.arrays,
            "device": options.device,
            "fixed": {name: wire.to_json(value, []) for name, value in options.fixed.items()},
            "memory_limit": self._memory_limit(),
            "derive": list(options.derive),
            "gradients": list(options.gradients),
        }
        process = WorkerProcess(self._environment, self._module)
        self._process = process
        self._known.clear()
        try:
            answer, _ = process.exchange(request, [], options.compile_timeout, 0)
            info = self._accept(answer)
        except (TimedOut, Died, wire.WireError) as error:
            self.close()
            raise TargetError(
                _not_loaded(self._spec.text, error, options.compile_timeout, process.tail)
            ) from None
        except BaseException:
            self.close()
            raise
        return info

    def _accept(self, answer: dict[str, Any]) -> TargetInfo:
        if answer.get("kind") == "refused":
            raise TargetError(str(answer.get("message")))
        try:
            info = _target_info(answer)
            self.rest = tuple(str(name) for name in answer["rest"])
            self._compiles = bool(answer["compiles"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise wire.WireError("the worker's first message cannot be read") from error
        return info


def call_message(call: Call, arrays: list[wire.Array]) -> dict[str, Any]:
    """A call as the fields of a message; its arrays are moved to ``arrays``."""
    return {
        "function": call.function,
        "layout": call.layout,
        "arguments": wire.to_json(tuple(call.arguments), arrays),
        "keywords": {name: wire.to_json(value, arrays) for name, value in call.keywords.items()},
    }


def _environment(options: WorkerOptions) -> dict[str, str]:
    """The parent's, and defaults that libraries read before they are imported.

    JAX: 64-bit arrays on, and no accelerator unasked. OpenMP: idle threads sleep. Their spinning takes the
    core that the parent needs for its next call: torch.softmax of 128 elements then took 2 to 11 ms a call on
    two cores, and 0.3 ms without. It moves no rounding: the number of threads stays the library's own.
    """
    added = {"JAX_ENABLE_X64": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    if options.device == "cpu":
        added["JAX_PLATFORMS"] = "cpu"
    return {**added, **os.environ}


def _target_info(answer: dict[str, Any]) -> TargetInfo:
    offers = {
        o["function"]: Offer(
            o["function"],
            o["spelled"],
            frozenset(o["keywords"]),
            {name: wire.from_json(value, []) for name, value in o["fixed"].items()},
        )
        for o in answer["offers"]
    }
    return TargetInfo(
        name=answer["name"],
        versions=dict(answer["versions"]),
        arrays=answer["array_kind"],
        offers=offers,
        import_seconds=float(answer["import_seconds"]),
        path=answer["path"],
        notes=tuple(answer["notes"]),
    )


def _observation(answer: dict[str, Any], values: list[wire.Array]) -> Observation:
    if answer.get("kind") != "observation" or answer.get("outcome") not in _OUTCOMES:
        raise wire.WireError("the answer is no observation")
    if (answer["outcome"] == "returned") != (len(values) == 1):
        raise wire.WireError("the answer has no value")
    return Observation(
        outcome=answer["outcome"],
        value=values[0] if values else None,
        returned_type=str(answer.get("returned_type", "")),
        error_type=str(answer.get("error_type", "")),
        error=str(answer.get("error", "")),
        wrote_input=answer.get("wrote_input") is True,
        aliases_input=answer.get("aliases_input") is True,
        seconds=float(answer.get("seconds", 0.0)),
    )


def lost(error: Exception, limit: float, tail: bytes) -> Observation:
    """A call after which the worker is gone."""
    if isinstance(error, TimedOut):
        return Observation("hung", error=f"no answer within {limit:g} s", seconds=limit)
    if isinstance(error, wire.WireError):
        return Observation(
            "crashed", error=f"the worker's answer cannot be read ({error}): did the target write to it?"
        )
    assert isinstance(error, Died)
    return _death(error.status, tail)


def _death(status: int | None, tail: bytes) -> Observation:
    if status is None or status == CHANNEL_LOST:
        return Observation("crashed", error="the target closed the descriptors of its process")
    if status >= 0:
        return Observation("exited", error=f"the process ended with exit status {status}{last_words(tail)}")
    if b"std::bad_alloc" in tail:
        return Observation("out-of-memory", error=f"killed by {signal_name(-status)}{last_words(tail)}")
    return Observation("crashed", error=f"killed by {signal_name(-status)}{last_words(tail)}")


def signal_name(number: int) -> str:
    """The signal's name; for SIGKILL also who usually sends it."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{name}, as the system does when memory runs out" if name == "SIGKILL" else name


def last_words(tail: bytes) -> str:
    """The last line that was printed: where the C library says why it gave up."""
    lines = tail.decode("utf-8", "replace").strip().splitlines()
    return f": {clipped(lines[-1])[:200]}" if lines else ""


def _not_loaded(text: str, error: Exception, limit: float, tail: bytes) -> str:
    if isinstance(error, TimedOut):
        return (
            f"{text}: its import did not end within {limit:g} s; raise --compile-timeout if it needs longer"
        )
    if isinstance(error, Died):
        return f"{text}: its import ended the process: {_death(error.status, tail).error}"
    return f"{text}: its import wrote to the worker's pipes ({error})"
