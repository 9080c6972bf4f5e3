"""What a target is asked and what it is seen to do. Nothing here judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Call:
    """One call: positional arrays in catalog order, keywords (arrays allowed), and the memory layout of the first.

    ``layout`` is a key of ``smxcheck.caseset.model.LAYOUTS``.
    """

    function: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)
    layout: str = "contiguous"


@dataclass(frozen=True)
class Observation:
    """What one call did.

    ``outcome``: "returned", "raised" (an exception; ``error_type`` and ``error`` say which), "crashed" (the process
    died: ``error`` names the signal or exit status), "exited" (the target called exit), "hung" (over the time limit),
    "out-of-memory" (MemoryError, or killed at the memory limit), "not-array" (returned something that is no array),
    "not-passed" (the arrays or the layout do not exist in the target's array library).
    """

    outcome: str
    value: Any = None  # numpy.ndarray for "returned"
    returned_type: str = ""
    error_type: str = ""
    error: str = ""
    wrote_input: bool = False
    aliases_input: bool = False
    printed: int = 0  # bytes that the call wrote to stdout and stderr
    seconds: float = 0.0

    @property
    def dtype_name(self) -> str:
        """NumPy's name of the result's dtype, "" without a result."""
        return str(self.value.dtype) if self.value is not None else ""


@dataclass(frozen=True)
class Offer:
    """One function as a target offers it.

    ``keywords`` are the catalog's keywords that the callable takes; what it lacks is tested at the one value in
    ``fixed``. ``spelled`` is what a reader would call it ("torch.softmax", "kernel.py:fused_softmax").
    """

    function: str
    spelled: str
    keywords: frozenset[str]
    fixed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TargetInfo:
    """A target that was loaded: what it offers and what it needed."""

    name: str
    versions: Mapping[str, str]  # library -> version, for the header
    arrays: str  # "numpy", "torch", "jax"
    offers: Mapping[str, Offer]
    import_seconds: float = 0.0
    path: str = ""  # of the user's file, relative where possible
    notes: tuple[str, ...] = ()  # lines for the header, e.g. the CPU path a library reports


class Session(Protocol):
    """A loaded target, ready for calls. ``call`` never raises for what the target does."""

    info: TargetInfo

    def call(self, call: Call) -> Observation: ...

    def close(self) -> None: ...


class TargetError(Exception):
    """The target is not usable: one line with the remedy (exit code 2)."""
