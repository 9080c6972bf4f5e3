"""One call of one callable, seen from inside its process: arrays in, observation out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy import ndarray

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.arrays import ArrayKind, NotAnArray, array_kind, result_to_host, size_of, type_name
from smxcheck.targets.layout import Laid, NotPassed, lay_out, same_bytes
from smxcheck.targets.protocol import Call, Observation
from smxcheck.targets.signature import Binding

#: An answer may have this many elements beside four times those that the function has for the input.
SPARE_ELEMENTS = 1 << 20

MAX_TEXT = 2000

TRITON_ADVICE = (
    "Triton found no GPU here. To check the logic on the CPU: TRITON_INTERPRET=1 smxcheck verify …"
    " (rounding is then NumPy's, not the GPU's)"
)

#: What libraries say, in errors of their own types, when memory is refused.
_OUT_OF_MEMORY = ("can't allocate memory", "cuda out of memory", "resource_exhausted", "std::bad_alloc")


@dataclass(frozen=True)
class Prepared:
    """The arguments as the target gets them, and the memory that they lie in."""

    natives: tuple[Any, ...]
    laid: tuple[Laid, ...]


@dataclass(frozen=True)
class Ready:
    """A call that only has to be made: ``binding.call(*arguments, **keywords)``."""

    binding: Binding
    kind: ArrayKind
    prepared: Prepared
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]


class Executor:
    """Calls the bindings of one target.

    With ``own_process`` a :class:`KeyboardInterrupt` is the target's doing; without, it is the user's
    and goes through.
    """

    def __init__(self, bindings: Mapping[str, Binding], device: str, own_process: bool) -> None:
        self._bindings = bindings
        self._own_process = own_process
        self._kinds: dict[str, ArrayKind] = {
            b.arrays: array_kind(b.arrays, device) for b in bindings.values()
        }

    def observe(self, call: Call) -> Observation:
        """What ``call`` does, whatever the target raises; ``printed`` is left to the caller."""
        try:
            ready = self.ready(call)
        except NotPassed as reason:
            return Observation("not-passed", error=str(reason))
        prepared, kind = ready.prepared, ready.kind
        result, error, seconds = self._timed(ready)
        seen = failure(error) if error is not None else _returned(result, prepared, call, kind)
        return replace(seen, seconds=seconds, wrote_input=_written(prepared, call, kind))

    def ready(self, call: Call) -> Ready:
        """The call with the arrays of the target's library, not yet made.

        Raises :class:`~smxcheck.targets.layout.NotPassed` where the function, the layout, the dtype or a keyword
        is one that the target lacks.
        """
        binding = self._bindings.get(call.function)
        if binding is None:
            raise NotPassed(f"the target has no {call.function}")
        kind = self._kinds[binding.arrays]
        try:
            prepared = _prepare(call, kind)
            positional, keywords = binding.keywords_for(call, call.arguments[0].ndim)
            keywords = {name: _native(value, kind) for name, value in keywords.items()}
        except (TypeError, RuntimeError) as refusal:  # of the array library, for this dtype
            raise NotPassed(f"{binding.arrays}: {first_line(refusal)}") from refusal
        return Ready(binding, kind, prepared, (*prepared.natives, *positional), keywords)

    def _timed(self, ready: Ready) -> tuple[Any, BaseException | None, float]:
        """The result or what was raised, and the seconds until the result was there."""
        started = time.perf_counter()
        try:
            result = ready.binding.call(*ready.arguments, **ready.keywords)
            ready.kind.wait(result)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not self._own_process:
                raise
            return None, error, time.perf_counter() - started
        return result, None, time.perf_counter() - started


def _prepare(call: Call, kind: ArrayKind) -> Prepared:
    if call.layout not in kind.layouts:
        raise NotPassed(f"{kind.name} has no {call.layout} arrays")
    first, *others = call.arguments
    laid = (lay_out(first, call.layout), *(lay_out(a, _layout_beside(first, a, call.layout)) for a in others))
    return Prepared(tuple(kind.from_host(part.view) for part in laid), laid)


def _layout_beside(first: Any, other: Any, layout: str) -> str:
    """An argument of the shape and dtype of the first is laid out like it, unless its rows would have to be equal."""
    alike = other.shape == first.shape and other.dtype == first.dtype and layout != "broadcast"
    return layout if alike else "contiguous"


def _native(value: Any, kind: ArrayKind) -> Any:
    return kind.from_host(value.copy()) if isinstance(value, ndarray) else value


def _returned(result: Any, prepared: Prepared, call: Call, kind: ArrayKind) -> Observation:
    """A value that came back: what it is, and whether it lies in the input."""
    named = type_name(result)
    size, allowed = size_of(result), largest_answer(call)
    if size > allowed:
        shape = tuple(int(n) for n in result.shape)
        return Observation(
            "not-array",
            returned_type=named,
            error=f"wrong size: shape {shape} has {size} elements, the input {call.arguments[0].size}",
        )
    try:
        value = result_to_host(result, kind)
        aliases = any(kind.aliases(result, native) for native in prepared.natives)
    except NotAnArray as error:
        return Observation("not-array", returned_type=named, error=clipped(str(error)))
    return Observation("returned", value, named, aliases_input=aliases)


def largest_answer(call: Call) -> int:
    """The most elements that an answer may have: matrices and draws have many for each element of the input."""
    n = sum(int(a.shape[-1]) for a in call.arguments[:2] if a.ndim)
    draws = int(call.keywords.get("draws", 1))
    each = {"jacobian": n, "wide": n, "hessian": n * n, "drawn": draws}.get(FUNCTIONS[call.function].shape, 1)
    most: int = 4 * each * max(int(a.size) for a in call.arguments) + SPARE_ELEMENTS
    return most


def _written(prepared: Prepared, call: Call, kind: ArrayKind) -> bool:
    """Whether the target changed an argument, or the memory between the elements of a view."""
    try:
        if any(
            not same_bytes(kind.to_host(native), values)
            for native, values in zip(prepared.natives, call.arguments, strict=True)
        ):
            return True
    except (NotAnArray, RuntimeError, TypeError, ValueError):
        return True  # the argument can no longer be read: the target took its memory away
    if call.layout == "contiguous":
        return False
    return not same_bytes(prepared.laid[0].base, lay_out(call.arguments[0], call.layout).base)


def failure(error: BaseException) -> Observation:
    """An exception as an observation."""
    name, text = type(error).__name__, message_of(error)
    if isinstance(error, SystemExit):
        return Observation("exited", error_type=name, error=f"sys.exit({text})")
    if isinstance(error, MemoryError) or any(known in text.lower() for known in _OUT_OF_MEMORY):
        return Observation("out-of-memory", error_type=name, error=text)
    return Observation("raised", error_type=name, error=text)


def message_of(error: BaseException) -> str:
    """The message of an exception, cut to a sane length; an exception that cannot be printed has none."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a __str__ of the target's may raise anything
        text = "(its message cannot be printed)"
    if "0 active drivers" in text:
        text = TRITON_ADVICE
    return clipped(text)


def first_line(error: BaseException) -> str:
    """The first line of the message of an exception."""
    return next(iter(message_of(error).splitlines()), "")


def clipped(text: str) -> str:
    """At most 2,000 characters, all of which can be encoded."""
    text = (
        text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + f" (and {len(text) - MAX_TEXT} characters more)"
    )
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
