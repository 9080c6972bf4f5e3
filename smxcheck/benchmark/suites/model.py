"""What a benchmark found, as data: times, ratios, goals. Nothing here measures, and nothing needs NumPy."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smxcheck.benchmark.results import Interval as Interval  # of ratios, means and goals

#: Name of the contender that does nothing.
EMPTY = "empty"

#: Called before each step of a suite: how many are done, how many there are, what comes now.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Settings:
    """What is to be measured."""

    suites: tuple[str, ...]
    functions: tuple[str, ...]
    dtypes: tuple[str, ...]
    quick: bool = False
    ladder: bool = False
    threads: int = 1


@dataclass(frozen=True)
class Accuracy:
    """The largest error among the judged elements, in ``unit`` (``ulp`` or ``relative``), and the level it earns."""

    worst: float
    unit: str
    level: str = ""

    @property
    def wrong(self) -> bool:
        return self.level == "wrong"


@dataclass(frozen=True)
class Timing:
    """Seconds of one call of a contender, one figure for each round: the mean over the round's ``loops`` calls."""

    name: str
    elements: int
    loops: int
    seconds: tuple[float, ...]
    accuracy: Accuracy | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The first and the third, by linear interpolation between the times."""
        if len(self.seconds) == 1:
            return self.seconds[0], self.seconds[0]
        first, _, third = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return first, third

    @property
    def nanoseconds(self) -> float:
        """Median nanoseconds for one element."""
        return self.median / self.elements * 1e9

    @property
    def wrong(self) -> bool:
        return self.accuracy is not None and self.accuracy.wrong


@dataclass(frozen=True)
class Ratio:
    """Time of ``slow`` for an element over that of ``fast``: how many times as fast ``fast`` is."""

    fast: str
    slow: str
    times: Interval


@dataclass(frozen=True)
class Comparison:
    """Contenders timed in the same rounds on one workload, whose rows have ``n`` entries."""

    function: str
    dtype: str
    workload: str
    n: int
    timings: tuple[Timing, ...]
    ratios: tuple[Ratio, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.function} {self.dtype} {self.workload}"

    def timing(self, name: str) -> Timing | None:
        return next((t for t in self.timings if t.name == name), None)

    def pair(self, fast: str, slow: str) -> tuple[Timing, Timing] | None:
        """The times behind a ratio, the slow one first; None where the two are not ranked."""
        one, other = self.timing(slow), self.timing(fast)
        return (one, other) if one and other and self.ratio(fast, slow) else None

    def ratio(self, fast: str, slow: str) -> Interval | None:
        return next((r.times for r in self.ratios if (r.fast, r.slow) == (fast, slow)), None)


@dataclass(frozen=True)
class Mean:
    """The geometric mean of a ratio over the workloads of one function and dtype that have it."""

    function: str
    dtype: str
    fast: str
    slow: str
    times: Interval
    workloads: int


@dataclass(frozen=True)
class Goal:
    """A figure that was aimed at, and what came out: ``reached`` is None where it could not be measured."""

    text: str
    measured: Interval | None
    unit: str
    reached: bool | None
    detail: str = ""


@dataclass(frozen=True)
class Outcome:
    """One suite: what was timed, means of ratios, goals, further figures by name, and remarks such as what was left out."""

    suite: str
    comparisons: tuple[Comparison, ...]
    means: tuple[Mean, ...]
    goals: tuple[Goal, ...]
    figures: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Speed:
    """A whole run of ``smxcheck bench``."""

    settings: Settings
    machine: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    seconds: float
