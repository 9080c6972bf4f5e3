"""A target in this process: for a debugger, for callables of Python's own, and where no worker can be had.

Nothing protects the run here: a target that hangs, crashes or eats the memory takes the run with it, and what
it prints is neither counted nor held back.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from smxcheck.targets.execute import Executor
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, Observation
from smxcheck.targets.resolve import Loaded, resolve, resolve_callable
from smxcheck.targets.spec import TargetSpec


class InProcessSession:
    """Calls the target directly. Ctrl-C ends the run, whoever is running."""

    def __init__(self, loaded: Loaded, options: WorkerOptions, foreign: bool = True) -> None:
        own = ("called in this process: no limits",) if foreign else ()
        self.info = replace(loaded.info, notes=(*loaded.info.notes, *own))
        self.rest = loaded.rest
        self._executor = Executor(loaded.bindings, options.device, own_process=False)

    def call(self, call: Call) -> Observation:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # overflow on extreme input is what is being looked for
            seen = self._executor.observe(call)
        # The target may keep the array and write to it at its next call.
        return replace(seen, value=np.array(seen.value, copy=True)) if seen.value is not None else seen

    def close(self) -> None:
        """Nothing to do: the target stays imported."""


def load_in_process(spec: TargetSpec, options: WorkerOptions) -> InProcessSession:
    """Imports the target here; what the import prints is dropped. Raises :class:`TargetError`."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = resolve(spec, options)
    return InProcessSession(loaded, options, foreign=spec.kind != "builtin")


def in_process(
    call: Callable[..., Any], function: str = "", name: str = "", options: WorkerOptions | None = None,
    gradient: Callable[..., Any] | None = None,
) -> InProcessSession:  # fmt: skip
    """A callable of this process as a session.

    ``function`` is the catalog's name for what it computes; "" reads it from the callable's own name.
    ``gradient`` is a derivative of it. Raises :class:`TargetError` where neither name nor parameters say which
    function it is, or the callable cannot take the function's arrays.
    """
    options = options or WorkerOptions(isolate=False)
    return InProcessSession(resolve_callable(call, function, name, options, gradient), options)
