"""What one call takes of the memory, seen by the process that makes it, and what the C library does with free memory."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

# Bound here: a target may replace it in its module.
from gc import collect
from pathlib import Path
from typing import Any

from smxcheck.targets import adapters

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
#: Written to clear_refs it sets VmHWM back to VmRSS (proc(5), Linux 4.0).
_RESET = "5"

#: Parameters of glibc's mallopt(3): its malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: The most that glibc lets the size grow to from which on a block is a mapping of its own (mallopt(3): 32 MiB with
#: pointers of 8 bytes), and the free memory above which it gives some back: twice that.
_LARGEST_BLOCK = 32 << 20


def peak_of(call: Callable[[], Any]) -> int | None:
    """The most bytes resident during a call beyond those before it; None where the system does not tell (not Linux).

    The result lives until the peak was read. Free memory is given back first, else the call could take it again unseen: an
    untimed call leaves none behind, as the C library then gives back whatever is freed at the end of a heap (the heaps of
    threads are trimmed in no other way), and the sessions of adapters end. What a library keeps in another pool of its own
    is held before, and so is not counted. Whatever stays hidden makes a weighing too light, so that the heavier of two
    counts.
    """
    _mallopt(_TRIM_THRESHOLD, 0)
    try:
        return max(_weighed(call), _weighed(call))
    except (OSError, KeyError):
        return None
    finally:
        settle()


def _weighed(call: Callable[[], Any]) -> int:
    call()
    give_back()
    before = resident("VmRSS")
    _CLEAR.write_text(_RESET, encoding="ascii")
    result = call()
    highest = resident("VmHWM")
    del result
    return max(0, highest - before)


def settle() -> None:
    """Puts glibc's malloc into the state that it reaches by itself once a block of 32 MiB was freed.

    Unasked the thresholds grow with the largest block that was freed so far: whether a call's memory is kept or asked for
    anew, and so how long the call takes, would depend on what was timed before it.
    """
    _mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
    _mallopt(_TRIM_THRESHOLD, 2 * _LARGEST_BLOCK)


def give_back() -> None:
    """Frees what nothing refers to and what adapters keep, and has the C library return it to the system (glibc)."""
    adapters.forget()
    collect()
    _of_libc("malloc_trim", 0)


def _mallopt(parameter: int, value: int) -> None:
    _of_libc("mallopt", parameter, value)


def _of_libc(name: str, *arguments: int) -> None:
    """Calls a function of the C library; does nothing where it has none of that name."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        return
    function(*arguments)


def resident(field: str) -> int:
    """Bytes by a field of the process's status; raises KeyError where the system has no such field."""
    lines = (line.partition(":") for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines())
    return int({name: value for name, _, value in lines}[field].split()[0]) << 10
