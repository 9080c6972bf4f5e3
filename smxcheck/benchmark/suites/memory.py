"""The most memory that a process of its own holds while it encloses softmax of one long row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: Bytes of address space that the process may have: it fails rather than swaps.
ADDRESS_SPACE = 6 << 30
#: Seconds that it may take.
_TIMEOUT = 120


def peak(entries: int) -> int | None:
    """Peak bytes of a process that encloses a float64 row of ``entries``; None where it does not come to its end."""
    command = [sys.executable, "-m", "smxcheck.benchmark.suites.memory", str(entries)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return int(done.stdout)


def _limit_address_space() -> None:
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or hard > ADDRESS_SPACE:
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, hard))


def high_water() -> int:
    """The most bytes that this process has held so far.

    On Linux VmHWM: ru_maxrss would count what the parent held when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = (line.split() for line in status.read_text(encoding="ascii").splitlines())
        return next(int(words[1]) << 10 for words in lines if words[0] == "VmHWM:")
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used << 10


def main(entries: int) -> None:
    """Enclose softmax of a row of normals and print the peak."""
    _limit_address_space()
    import numpy as np

    from smxcheck.oracle import enclose

    row = 5 * np.random.default_rng(0).standard_normal(entries)
    enclose("softmax", row)
    print(high_water())


if __name__ == "__main__":
    main(int(sys.argv[1]))
