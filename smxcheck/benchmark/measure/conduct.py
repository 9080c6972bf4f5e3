"""What a target does beside its calls: work between its samples, memory that it keeps, changes to its input.

It costs two readings of the clocks between samples, and nothing in them.
"""

from __future__ import annotations

from time import perf_counter_ns, process_time_ns

from smxcheck.benchmark.measure.peak import resident
from smxcheck.targets.layout import NotPassed

#: Between its samples a process sleeps and the others are timed. It keeps this share of a CPU busy at most, over so many
#: seconds at least: a message takes less than 1 ms of the 15 that three yardsticks take.
_MOST_BUSY, _LEAST_IDLE = 0.5, 0.05
#: The sample after which memory is as it stays, and the bytes that it may grow by: twice what glibc keeps of freed memory.
_SETTLED, _MOST_GROWTH = 2, 128 << 20
#: Results that the second call and the judge's copies of it hold meanwhile, and what the C library keeps of them: at
#: (1000, 4096) in float64 right targets were 135 to 193 MiB larger, of 31 MiB for each result.
_OWN_COPIES = 6


class Conduct:
    """From the moment a call is held. ``given`` is a digest of its arguments."""

    def __init__(self, given: tuple[int, ...]) -> None:
        self._given = given
        self._samples = self._calls = 0
        self._resident = 0
        self._left: tuple[int, int] | None = None
        self._idle = self._busy = 0

    def woken(self) -> None:
        """A message has come."""
        if self._left is not None:
            self._idle += perf_counter_ns() - self._left[0]
            self._busy += process_time_ns() - self._left[1]
            self._left = None

    def sampled(self, loops: int) -> None:
        """A sample has ended."""
        self._samples += 1
        self._calls += loops
        if self._samples == _SETTLED:
            self._resident, self._calls = _bytes(), 0
        self._left = perf_counter_ns(), process_time_ns()

    def check(self, given: tuple[int, ...]) -> None:
        """Raises NotPassed, one sentence, where the input has changed or the process works between its samples."""
        if given != self._given:
            raise NotPassed("changes its input when timed")
        if self._idle > 1e9 * _LEAST_IDLE and self._busy > _MOST_BUSY * self._idle:
            raise NotPassed(
                f"keeps {self._busy / self._idle:.1f} CPUs busy after its calls have returned, while others are timed"
            )

    def check_growth(self, result: int) -> None:
        """Raises NotPassed where each call leaves at least half of a result's bytes behind."""
        growth = _bytes() - self._resident - _OWN_COPIES * result
        if self._resident and self._calls and growth > max(_MOST_GROWTH, self._calls * result // 2):
            raise NotPassed(
                f"keeps memory: {growth / 2**20:.0f} MiB more after {self._calls} calls"
            )


def _bytes() -> int:
    """Resident now; 0 where the system does not tell."""
    try:
        return resident("VmRSS")
    except (OSError, KeyError):
        return 0
