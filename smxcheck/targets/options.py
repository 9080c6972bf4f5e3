"""How a target is loaded and called: one frozen record that both sides of the worker's pipe read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: What ``--arrays`` accepts.
ARRAYS = ("auto", "numpy", "torch", "jax")

#: What ``--device`` accepts.
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class WorkerOptions:
    """Options of one target.

    ``fixed`` maps catalog keywords to the one value they are tested at. ``timeout`` is per call, in seconds;
    ``compile_timeout`` holds for loading and for the first call of a function, shape and dtype.
    ``memory_limit`` is the number of bytes that the target may map beyond what it held after its import; None
    for no limit. ``isolate`` False runs the target in this process, for a debugger: nothing then protects the
    run. ``derive`` names derivatives that automatic differentiation is to give where the target has none;
    ``gradients`` are callables that are derivatives of the target's functions, or "auto" for all that it gives.
    """

    arrays: str = "auto"
    device: str = "cpu"
    fixed: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 10.0
    compile_timeout: float = 60.0
    memory_limit: int | None = 4 << 30
    isolate: bool = True
    derive: tuple[str, ...] = ()
    gradients: tuple[str, ...] = ()
