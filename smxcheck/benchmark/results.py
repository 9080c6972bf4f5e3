"""What a run of ``bench`` found, as data. Nothing here measures or computes statistics, and nothing needs NumPy.

A *run* is a list of *benchmarks*: one function in one dtype on one shape. A benchmark has an *entry* for each target, and
for each yardstick (a copy of the same bytes, the bare exp, nothing at all), which were timed in the same rounds. All are
timed in several *launches*: the processes are started anew, since where memory lies differs from process to process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any

from smxcheck.benchmark.shapes import Shape

#: Yardsticks: one read and one write of the same bytes; exp of every element into memory that is there; nothing.
COPY, EXP, EMPTY = "copy", "exp", "empty"
YARDSTICKS = (COPY, EXP, EMPTY)


class Verdict(StrEnum):
    """How a time compares with another one, given a margin within which times count as the same."""

    FASTER = "FASTER"
    SLOWER = "SLOWER"
    SAME = "SAME"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True)
class Interval:
    """An estimate and its interval of 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Settings:
    """What is measured and how: two runs with equal settings measured the same.

    ``seconds`` is about the time that the run may take, one launch of everything at least; ``margin`` the share (0.05 for 5 %) below which two times
    count as the same. ``derive``, ``arrays``, ``device``, ``fixed``, ``gradients`` are those of the targets' options.
    """

    targets: tuple[str, ...]
    functions: tuple[str, ...]  # () is what the targets offer
    dtypes: tuple[str, ...]
    shapes: tuple[Shape, ...] = ()  # () is the default set
    ladder: bool = False
    quick: bool = False
    threads: int = 1
    relative_to: str = ""  # a target, "" for the first that is right
    margin: float = 0.05
    launches: int = 3
    seconds: float = 285.0
    arrays: str = "auto"
    device: str = "cpu"
    fixed: Mapping[str, Any] = field(default_factory=dict)
    gradients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What the values on the timed shape earned, hard rows among them. ``worst`` and ``allowed`` are in ulp.

    ``level`` is a level of the judge, "wrong" included; ``message`` says what is wrong, with ``got`` and ``right`` at the
    worst element.
    """

    level: str
    worst: float | None = None
    allowed: float | None = None
    message: str = ""
    got: str = ""
    right: str = ""

    @property
    def wrong(self) -> bool:
        return self.level == "wrong"


@dataclass(frozen=True)
class Launch:
    """One process: seconds of one call for each round (a mean over ``loops`` calls), in the order of the rounds.

    ``first_call`` is that of the first call, compilation included; ``cpus`` the CPU seconds that the process used for
    each second of its samples; ``peak_bytes`` the memory that a call took beyond what was held before it, None where the
    system does not tell.
    """

    loops: int
    seconds: tuple[float, ...]
    first_call: float = 0.0
    cpus: float = 1.0
    peak_bytes: int | None = None


@dataclass(frozen=True)
class Entry:
    """A target or a yardstick on one benchmark. ``failure`` says why it was not timed, "" where it was."""

    name: str
    launches: tuple[Launch, ...] = ()
    judgement: Judgement | None = None
    failure: str = ""
    spelled: str = ""  # what was called: "torch.softmax"

    @property
    def timed(self) -> bool:
        return bool(self.launches)

    @property
    def ranked(self) -> bool:
        """Only what is right is compared."""
        return self.timed and self.judgement is not None and not self.judgement.wrong

    @property
    def seconds(self) -> tuple[float, ...]:
        """All rounds of all launches."""
        return tuple(s for launch in self.launches for s in launch.seconds)

    @property
    def median(self) -> float:
        """Seconds of one call: the median over all rounds. Raises StatisticsError where nothing was timed."""
        return median(self.seconds)

    @property
    def first_call(self) -> float:
        """The median over the launches."""
        return median(launch.first_call for launch in self.launches)

    @property
    def peak_bytes(self) -> int | None:
        found = [launch.peak_bytes for launch in self.launches if launch.peak_bytes is not None]
        return max(found) if found else None


@dataclass(frozen=True)
class Benchmark:
    """One function in one dtype on one shape. ``moved`` is the bytes formula: arguments read once, result written once."""

    function: str
    dtype: str
    shape: Shape
    moved: int
    entries: tuple[Entry, ...] = ()

    @property
    def title(self) -> str:
        """``softmax float32 4096 x 1000``: unique in a run."""
        return f"{self.function} {self.dtype} {self.shape.title}"

    @property
    def targets(self) -> tuple[Entry, ...]:
        return tuple(e for e in self.entries if e.name not in YARDSTICKS)

    def entry(self, name: str) -> Entry | None:
        return next((e for e in self.entries if e.name == name), None)


@dataclass(frozen=True)
class TimedTarget:
    """A target as it was loaded; ``measured`` says what a call of it includes: allocation, copies, threads."""

    name: str
    arrays: str
    versions: Mapping[str, str]
    import_seconds: float
    path: str = ""
    sha256: str = ""  # of a user's file
    notes: tuple[str, ...] = ()
    measured: str = ""


@dataclass(frozen=True)
class Trust:
    """The comparison of runs put to the test: the same code compared with itself, and with itself slowed down.

    Each repetition is two runs: one of the same code, and one in which one target took ``slowed`` times as long (1.2).
    ``false_alarms`` of these got SLOWER for what had not changed, ``found`` of the slowed ones for what had, against the
    threshold ``threshold`` (0.1) and over ``comparisons`` comparisons in each run. ``spread`` are the ratios new to old of the same code, one for each comparison.
    """

    repetitions: int
    comparisons: int
    false_alarms: int
    found: int
    slowed: float
    threshold: float
    spread: tuple[float, ...] = ()
    targets: tuple[str, ...] = ()  # that it was tried with
    titles: tuple[str, ...] = ()  # of the benchmarks


@dataclass(frozen=True)
class Run:
    """A whole run. ``machine`` is the environment of every report with what times depend on beside it.

    ``complete`` is False as long as benchmarks or launches are missing: what is there can be read, compared and resumed.
    ``notes`` are remarks on what was left out and why.
    """

    settings: Settings
    machine: Mapping[str, Any]
    targets: tuple[TimedTarget, ...]
    benchmarks: tuple[Benchmark, ...]
    seconds: float = 0.0
    complete: bool = True
    notes: tuple[str, ...] = ()
    command: str = ""
    date: str = ""  # ISO 8601, UTC
    trust: Trust | None = None

    def benchmark(self, title: str) -> Benchmark | None:
        return next((b for b in self.benchmarks if b.title == title), None)


def rounded(seconds: float) -> float:
    """To six digits: more than the clock tells, and half the length of a file."""
    return float(f"{seconds:.6g}")
