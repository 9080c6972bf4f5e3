"""Units one after another in this process, or side by side in several, each with targets of its own."""

from __future__ import annotations

import atexit
import multiprocessing
import shlex
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from typing import Any

from smxcheck.caseset.model import Case
from smxcheck.judge.contract import parse_filter
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Level
from smxcheck.run.options import RunOptions
from smxcheck.run.processes import end, interrupts_held, obey_parent
from smxcheck.run.progress import Progress, Step
from smxcheck.run.recheck import choose
from smxcheck.run.unit import STOPPED, Limits, UnitResult, run_unit
from smxcheck.targets.protocol import Session


def limits_of(options: RunOptions, deadline: float | None, rechecked: frozenset[str] = frozenset()) -> Limits:
    """What the options say about ending early, and what the repeat line needs beside target and case."""
    demand, worker = options.demand, options.worker
    words = [f" --inputs {options.inputs}" if options.inputs else ""]
    words += [f" --require {demand.require}" if demand.require is not Level.STANDARD else ""]
    words += [f" --max-ulp {demand.max_ulp:g}" if demand.max_ulp is not None else ""]
    words += [f" --expect {k}={v}" for k, v in demand.expectations.items()]
    words += [f" --arrays {worker['arrays']}" if worker.get("arrays", "auto") != "auto" else ""]
    words += [f" --device {worker['device']}" if worker.get("device", "cpu") != "cpu" else ""]
    words += [f" --fixed {k}={v}" for k, v in worker.get("fixed", {}).items()]
    words += [f" --gradient {shlex.quote(text)}" for text in options.gradients]
    return Limits("", deadline, options.stop_first, parse_filter(options.only), "".join(words),
                  options.in_first_dtype, options.dtypes[0], rechecked, options.seed, options.shard is not None)  # fmt: skip


def run_units(
    units: Mapping[str, list[Case]], sessions: Sequence[Session], options: RunOptions,
    deadline: float | None, progress: Progress,
) -> tuple[list[UnitResult], bool]:  # fmt: skip
    """The results of all units, and whether the user interrupted."""
    rechecked = choose(units, options.recheck, options.seed)
    limits = limits_of(options, deadline, rechecked)
    if options.jobs > 1 and len(units) > 1:
        found, left, interrupted = _side_by_side(units, rechecked, options, deadline, progress)
        # Under -x every case that is left says that it was not run: without a result it could be taken for right.
        over = replace(limits, stop=STOPPED)
        found += [
            run_unit(function, units[function], list(sessions), options.demand, over, _stepper(progress), options.declared)
            for function in left
        ]
        return found, interrupted
    found = []
    try:
        for function, cases in units.items():
            if options.stop_first and any(r.status in BAD for u in found for r in u.results):
                limits = replace(limits, stop=STOPPED)
            step = _stepper(progress)
            found.append(run_unit(function, cases, list(sessions), options.demand, limits, step, options.declared))
    except KeyboardInterrupt:
        return found, True
    return found, False


def _stepper(progress: Progress) -> Any:
    return lambda where: progress.step(Step(1, where))


# ---- several processes: each opens the targets for itself and keeps them for all its units

_state: dict[str, Any] = {}


def _initialise(options: RunOptions, queue: Any) -> None:
    from smxcheck.run.execute import open_targets

    obey_parent(_close)
    _state["options"] = options
    _state["queue"] = queue
    _state["sessions"] = open_targets(options.all_targets, options)
    atexit.register(_close)


def _close() -> None:
    for session in _state.get("sessions", ()):
        session.close()


def _work(function: str, ends: float | None, rechecked: frozenset[str]) -> UnitResult:
    """One unit; its cases are selected here again, which is less than sending them.

    ``ends`` is in ``time.time``, which is the same in all processes.
    """
    from smxcheck.run.execute import select_cases

    options: RunOptions = _state["options"]
    cases = select_cases(options.of_function(function), [function])
    deadline = None if ends is None else time.monotonic() + ends - time.time()
    last = [0, time.monotonic()]

    def step(where: str) -> None:
        last[0] += 1
        if time.monotonic() - last[1] > 0.1:
            _state["queue"].put(Step(int(last[0]), where))
            last[:] = [0, time.monotonic()]

    limits = limits_of(options, deadline, rechecked)
    result = run_unit(function, cases, _state["sessions"], options.demand, limits, step, options.declared)
    _state["queue"].put(Step(int(last[0]), function))
    return result


def _side_by_side(
    units: Mapping[str, list[Case]], rechecked: frozenset[str], options: RunOptions,
    deadline: float | None, progress: Progress,
) -> tuple[list[UnitResult], list[str], bool]:  # fmt: skip
    """What was found, the functions that -x left, and whether the user interrupted."""
    context = multiprocessing.get_context("spawn")
    queue: Any = context.SimpleQueue()
    teller = threading.Thread(target=_tell, args=(queue, progress), daemon=True)
    teller.start()
    found: list[UnitResult] = []
    left: list[str] = []
    interrupted = False
    pool = ProcessPoolExecutor(
        min(options.jobs, len(units)), mp_context=context, initializer=_initialise, initargs=(options, queue)
    )
    try:
        largest_first = sorted(units.items(), key=lambda kv: -sum(c.elements + 50 for c in kv[1]))
        ends = None if deadline is None else time.time() + deadline - time.monotonic()
        with interrupts_held():
            pending: dict[Future[UnitResult], str] = {
                pool.submit(_work, function, ends, rechecked): function for function, _ in largest_first
            }
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                del pending[future]
                found.append(future.result())
            if options.stop_first and any(r.status in BAD for u in found for r in u.results):
                cancelled = [future for future in pending if future.cancel()]
                left += [pending.pop(future) for future in cancelled]
    except KeyboardInterrupt:
        interrupted = True
        end(pool)
    finally:
        pool.shutdown(wait=not interrupted, cancel_futures=True)
        if not interrupted:  # a process that was ended may have left the queue locked
            queue.put(None)
            teller.join(timeout=1.0)
    return found, left, interrupted


def _tell(queue: Any, progress: Progress) -> None:
    while (step := queue.get()) is not None:
        progress.step(step)
