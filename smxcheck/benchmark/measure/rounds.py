"""Samples of several processes in interleaved rounds, so that drift of the machine hits all of them alike.

A round takes one sample of every contender; a sample is as many calls in a row as last five milliseconds, so that the
clock's resolution (below 0.1 µs) and the waking of the process are small against it, or a single call that lasts longer.
The order within the rounds follows a Williams design (`smxcheck.benchmark.measure.orders`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from smxcheck.benchmark.measure.orders import orders
from smxcheck.benchmark.results import rounded

#: No sample takes more calls than this: it ends calibration under a clock that stands still.
_MOST_LOOPS = 1 << 24


class NotTimed(Exception):
    """A contender cannot be timed, or no longer: one sentence that says why."""


@dataclass(frozen=True)
class Sample:
    """Seconds of all the calls of a sample, by the clock and by the CPUs."""

    seconds: float
    cpu_seconds: float


class Sampler(Protocol):
    """A contender that is ready to be called again and again. ``sample`` raises NotTimed where it has died or hangs."""

    def sample(self, loops: int) -> Sample: ...


@dataclass(frozen=True)
class Plan:
    """About ``seconds`` of rounds for all contenders together, within the limits on their number."""

    seconds: float
    least_rounds: int = 5
    most_rounds: int = 30
    sample_seconds: float = 0.005


@dataclass
class Taken:
    """What was sampled of one contender: seconds of one call for each round. ``failure`` ends it."""

    loops: int = 1
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    all_seconds: float = 0.0
    failure: str = ""

    @property
    def cpus(self) -> float:
        """CPU seconds for each second: how many processors worked."""
        return self.cpu_seconds / self.all_seconds if self.all_seconds else 1.0


def calibrated(contender: Sampler, least: float) -> tuple[int, float]:
    """How many calls last ``least`` seconds, and the seconds that they last."""
    loops = 1
    while (spent := contender.sample(loops).seconds) < least and loops < _MOST_LOOPS:
        loops = min(_MOST_LOOPS, max(2 * loops, math.ceil(least / max(spent / loops, 1e-9))))
    return loops, spent


def measure(contenders: Mapping[str, Sampler], plan: Plan) -> dict[str, Taken]:
    """What was taken of every contender, all from the same rounds. One that fails leaves; the others go on without it."""
    taken = {name: Taken() for name in contenders}
    cost = 0.0
    for name, contender in contenders.items():
        try:
            taken[name].loops, spent = calibrated(contender, plan.sample_seconds)
            cost += spent
        except NotTimed as reason:
            taken[name].failure = str(reason)
    alive = [name for name, t in taken.items() if not t.failure]
    fitting = int(plan.seconds / max(cost, 1e-9))
    rounds = min(max(fitting, plan.least_rounds), plan.most_rounds)
    for order in itertools.islice(itertools.cycle(orders(len(alive))), rounds if alive else 0):
        _round([alive[i] for i in order], contenders, taken)
    return taken


def _round(order: Sequence[str], contenders: Mapping[str, Sampler], taken: Mapping[str, Taken]) -> None:
    for name in order:
        mine = taken[name]
        if mine.failure:
            continue
        try:
            sample = contenders[name].sample(mine.loops)
        except NotTimed as reason:
            mine.failure = str(reason)
            continue
        mine.seconds.append(rounded(sample.seconds / mine.loops))
        mine.cpu_seconds += sample.cpu_seconds
        mine.all_seconds += sample.seconds
