"""Times of several contenders in interleaved rounds, so that drift of the machine hits all of them alike.

A round takes one sample of every contender. A sample is as many calls in a row as last two milliseconds, so that the
clock's resolution (below 0.1 µs) and the loop's own cost are small against it. The order within the rounds follows a
Williams design: every contender follows every other one equally often, and so finds the caches left by each.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from smxcheck.benchmark.measure.orders import orders
from smxcheck.benchmark.suites.model import EMPTY, Timing

#: Nanoseconds; a test passes a clock of its own.
Clock = Callable[[], int]

#: No sample takes more calls than this: it ends calibration under a clock that stands still.
_MOST_LOOPS = 1 << 24


@dataclass(frozen=True)
class Contender:
    """What is timed; one call handles ``elements`` elements. ``name`` is unique among those timed together."""

    name: str
    call: Callable[[], object]
    elements: int


@dataclass(frozen=True)
class Plan:
    """How long one group of contenders is measured: about ``seconds``, within the limits on its rounds."""

    seconds: float
    least_rounds: int = 7
    most_rounds: int = 42
    sample_seconds: float = 0.002


def _nothing() -> None:
    """The call that shows what timing itself costs."""


def empty(elements: int = 1) -> Contender:
    """The contender that does nothing: its time is the harness's share in every other one's."""
    return Contender(EMPTY, _nothing, elements)


def sample(call: Callable[[], object], loops: int, clock: Clock) -> int:
    """Nanoseconds of ``loops`` calls."""
    repeat = itertools.repeat(None, loops)
    start = clock()
    for _ in repeat:
        call()
    return clock() - start


def calibrated(call: Callable[[], object], clock: Clock, least: float) -> tuple[int, float]:
    """How many calls make a sample of ``least`` nanoseconds, and nanoseconds of one call; the first call is warm-up."""
    call()
    loops = 1
    while (spent := sample(call, loops, clock)) < least and loops < _MOST_LOOPS:
        loops = min(_MOST_LOOPS, max(2 * loops, math.ceil(least / max(spent / loops, 1))))
    return loops, spent / loops


def measure(
    contenders: Sequence[Contender], plan: Plan, clock: Clock = time.perf_counter_ns
) -> tuple[Timing, ...]:
    """The times of all contenders, in their order, from the same rounds. Raises ValueError for names that repeat."""
    if len({c.name for c in contenders}) < len(contenders):
        raise ValueError("two contenders have the same name")
    with _no_collections():
        least = plan.sample_seconds * 1e9
        settled = [calibrated(c.call, clock, least) for c in contenders]
        round_cost = sum(loops * cost for loops, cost in settled)
        fitting = int(plan.seconds * 1e9 / max(round_cost, 1))
        rounds = min(max(fitting, plan.least_rounds), plan.most_rounds)
        spent: list[list[float]] = [[] for _ in contenders]
        for order in itertools.islice(itertools.cycle(orders(len(contenders))), rounds):
            for i in order:
                loops = settled[i][0]
                spent[i].append(_seconds(sample(contenders[i].call, loops, clock) / loops))
    return tuple(
        Timing(c.name, c.elements, loops, tuple(seconds))
        for c, (loops, _), seconds in zip(contenders, settled, spent, strict=True)
    )


def _seconds(nanoseconds: float) -> float:
    """Seconds to six digits: more than the clock tells, and half the length of a file."""
    return float(f"{nanoseconds / 1e9:.6g}")


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Cycles are not looked for during a measurement: whose call sets the search off is chance."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
