"""How much memory a benchmark takes at its largest moment, worked out before anything starts.

There are two such moments. When values are *judged*, one process holds exact answers with their enclosures and bounds, and
one target its arguments, its result and a working copy. When calls are *timed*, every target holds these at the same time,
each in a process of its own, and every yardstick the first argument and room for a result.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from smxcheck.benchmark.results import YARDSTICKS
from smxcheck.benchmark.shapes import Shape
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS, Format

#: Bytes that the judge takes for each value of the arguments and of the result, dtype whatever: its arithmetic is in
#: float64 pairs. Measured as VmHWM, reset by clear_refs before `smxcheck.judge.call.ask` and read after `judge_call`, less
#: VmRSS before, on 2^22 elements: softmax 65 to 91, log_softmax 71, logsumexp 104, cross_entropy 114; of derivatives
#: softmax_vjp 179, softmax_jacobian (100 rows of 100) 274.
_JUDGED, _JUDGED_DERIVATIVE = 120, 280
#: No processor of today addresses more: 2^47 bytes. It stands for what is free where the system does not tell.
_ADDRESSABLE = 1 << 47
_UNITS = (("EiB", 1 << 60), ("PiB", 1 << 50), ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("bytes", 1))


def needed(function: str, dtype: str, shape: Shape, targets: int) -> int:
    """Bytes of one benchmark of so many targets, about; what a library takes for itself is not in it.

    With a values of the arguments, r of the result, b bytes a value, e elements of the first argument:
    the larger of (a + 2r)·b·targets + 2e·b·yardsticks + a·b and j·(a + r) + (2a + 2r)·b, where j is what the judge takes
    for a value and the arguments exist twice, here and in the target.
    """
    entry, width = FUNCTIONS[function], _width(FORMATS[dtype])
    held = shape.elements * (2 if shape.layout == "every-other" else 1)  # the gaps of a view are held too
    arguments = held + shape.elements * (len(entry.arguments) - 1)
    result = _values(entry.shape, shape)
    timed = targets * (arguments + 2 * result) + len(YARDSTICKS) * (held + shape.elements) + arguments
    judge = _JUDGED_DERIVATIVE if entry.derivative_of else _JUDGED
    return max(timed * width, judge * (arguments + result) + 2 * (arguments + result) * width)


def _width(fmt: Format) -> int:
    """Bytes of a number: sign and visible significand are p bits, and the exponent has w where e_max = 2^(w-1) - 1."""
    return (fmt.precision + (2 * (fmt.e_max + 1)).bit_length() - 1) // 8


def _values(result: str, shape: Shape) -> int:
    """Values of a result with a key of `smxcheck.catalog.SHAPES`; as many as in the first argument where it says less."""
    times = {"jacobian": shape.n, "hessian": shape.n**2}
    if result in ("reduced", "loss"):
        return shape.elements // shape.n
    return shape.elements * times.get(result, 1)


def lacking(function: str, dtype: str, shape: Shape, targets: int, free: int | None) -> str:
    """Why a benchmark does not fit into ``free`` bytes: ``needs about 48 TiB for 3 targets; 12 GiB are free``. "" where it
    does; where ``free`` is None, it does unless no machine could hold it."""
    bytes_needed = needed(function, dtype, shape, targets)
    if bytes_needed <= (_ADDRESSABLE if free is None else free):
        return ""
    whose = f"{targets} target{'s' if targets != 1 else ''}"
    told = "more than a machine can address" if free is None else f"{in_words(free)} are free"
    return f"needs about {in_words(bytes_needed)} for {whose}; {told}"


def in_words(count: int) -> str:
    """``48.1 TiB``, ``1,010 GiB``, ``512 bytes``: three significant digits, in powers of 1024."""
    unit, size = next((entry for entry in _UNITS if count >= entry[1]), _UNITS[-1])
    value = float(f"{count / size:.3g}")
    return f"{value:,.0f} {unit}" if 100 <= value < 1024 else f"{value:.3g} {unit}"


def available(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that processes can take without swapping, None where the system does not tell.

    MemAvailable of Linux, or what the limit of the control group leaves where that is less; elsewhere the free pages of
    POSIX. See proc(5), and the kernel's cgroup-v2 (memory.max) and cgroup-v1 (memory.limit_in_bytes) documents.
    """
    told = [_machine(proc), *_groups(cgroup)]
    return min((count for count in told if count is not None), default=None)


def _machine(proc: Path) -> int | None:
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", _text(proc / "meminfo"), re.MULTILINE)
    if found:
        return int(found[1]) * 1024
    for pages in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
        if pages in getattr(os, "sysconf_names", {}):
            return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    return None


def _groups(root: Path) -> list[int]:
    """What each limit of a control group leaves: less what it has of its own memory; files in the cache give way."""
    left = []
    for folder, limit, own in ((root, "memory.max", "anon"), (root / "memory", "memory.limit_in_bytes", "total_rss")):
        most = _text(folder / limit).strip()
        used = re.search(rf"^{own} (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
        if most.isdigit():  # "max" is none
            left.append(max(0, int(most) - (int(used[1]) if used else 0)))
    return left


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
