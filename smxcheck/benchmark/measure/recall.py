"""After the rounds, in the target's process: what was timed is called again, with other numbers in the same memory.

Each sample calls with the same arrays, so that a target could keep its result. Here a few entries change places between
calls; the values before and after go to the parent, who judges them (`smxcheck.benchmark.measure.afterwards`). The call is made
by a loop like the timed one, and its value is read as soon as it has returned.

What remains possible, as the process is the target's own: code that reads smxcheck's frames or replaces its functions and
so tells these calls from timed ones; a result kept under a digest of all its input, where that gains less than ``_KEPT``
times; a call that is wrong too rarely to be met in those made here; a clock made slow by less than the parent's tolerance
(`smxcheck.benchmark.measure.session`); and processes that a target starts, whose CPU time is not counted as its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from zlib import crc32

# Bound here: a target that replaces attributes of numpy changes its own calls, not these.
from numpy import array, asarray, generic, ndarray, uint8, unravel_index

from smxcheck.targets.arrays import ArrayKind, NotAnArray, result_to_host, type_name
from smxcheck.targets.execute import Ready
from smxcheck.targets.layout import Array, NotPassed, same_bytes

#: So many times as long as with numbers that it knows a call takes at least on ones that it does not, where it keeps
#: results. The least of the one is held against the median of the other, call by call in turn: an honest target would have
#: to be that much slower in each of three calls and in none of those between.
_KEPT = 2.0
_LEAST_PAIRS, _PAIRS_SECONDS = 3, 0.1

#: Exchanges of entries: places in C order, and those that their new values come from.
Change = tuple[Array, Array]
#: Calls once with these arguments: seconds, and the result.
Timed = Callable[[tuple[Any, ...]], tuple[float, Any]]


@dataclass(frozen=True)
class Recalled:
    """Values of the call as it was timed and after the first change. ``before`` is one that differs from the others, if any does."""

    before: Array
    after: Array


def recall(ready: Ready, timed: Timed, changes: Sequence[Change], device: str) -> Recalled:
    """Raises NotPassed, one sentence, where the result is kept from an earlier call or is nothing to be read at once."""

    def value(arguments: tuple[Any, ...]) -> tuple[float, Array]:
        seconds, result = timed(arguments)
        return seconds, read(result, ready.kind, device)

    _, before = value(ready.arguments)
    after, odd, spent = before, before, 0.0
    known: list[float] = []
    new: list[float] = []
    for i, change in enumerate(changes):
        same_seconds, same = value(ready.arguments)
        changed_seconds, changed = _with(ready, change, device, value)
        known.append(same_seconds)
        new.append(changed_seconds)
        after = changed if i == 0 else after
        odd = odd if same_bytes(same, before) else same
        spent += same_seconds + changed_seconds
        if i + 1 >= _LEAST_PAIRS and spent > _PAIRS_SECONDS:
            break
    if len(new) >= _LEAST_PAIRS and min(new) > _KEPT * median(known):
        raise NotPassed(
            f"keeps results: a call takes {min(new) / median(known):.1f} times as long on an input that it has not seen"
        )
    return Recalled(odd, after)


def _with(
    ready: Ready, change: Change, device: str, value: Callable[[tuple[Any, ...]], tuple[float, Array]]
) -> tuple[float, Array]:
    """A call with entries of the first argument exchanged: in its own memory, or in a new array where it has none of NumPy's."""
    view = ready.prepared.laid[0].view
    shared = ready.kind.name == "numpy" or (ready.kind.name == "torch" and device == "cpu")
    target = view if shared else array(view, copy=True)
    to, source = (unravel_index(places, view.shape) for places in change)
    kept, target[to] = target[to].copy(), target[source]
    if not shared:
        return value((ready.kind.from_host(target), *ready.arguments[1:]))
    try:
        return value(ready.arguments)
    finally:
        target[to] = kept


def read(result: Any, kind: ArrayKind, device: str) -> Array:
    """A copy of a result's values as they stand now. Raises NotPassed for what could compute them when they are read."""
    if refused := _deferred(result, device):
        raise NotPassed(refused)
    try:
        return array(result_to_host(result, kind), copy=True)
    except NotAnArray as error:
        raise NotPassed(f"when timed: {error}") from None


def _deferred(result: Any, device: str) -> str:
    """Why a result may not be there yet. Its type itself counts: an object can claim to be of another."""
    kind = type(result)
    torch: Any = sys.modules.get("torch")
    jax: Any = sys.modules.get("jax")
    if issubclass(kind, ndarray | generic) or kind in (int, float):
        return ""
    if torch is not None and kind in (torch.Tensor, torch.nn.Parameter):
        where = result.device.type
        return "" if where == device else f"returns a tensor on {where}, which is not waited for: give --device {where}"
    if jax is not None and kind is type(jax.device_put(0.0)):
        return ""
    return f"returns {type_name(result)} when timed, which may compute its values when they are read"


def digest(ready: Ready) -> tuple[int, ...]:
    """Of all bytes that the target is given, the gaps of a strided array included."""
    arrays = [ready.kind.to_host(native) for native in ready.prepared.natives]
    return tuple(crc32(asarray(a, order="C").reshape(-1).view(uint8).data) for a in (*arrays, ready.prepared.laid[0].base))
