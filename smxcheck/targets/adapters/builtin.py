"""smxcheck's own functions: the default algorithm of each, or one algorithm of all that have it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets import threads
from smxcheck.targets.adapters import Adapted
from smxcheck.targets.table import algorithms
from smxcheck.version import __version__

ARRAYS = "numpy"


def adapted(algorithm: str = "") -> Mapping[str, Adapted]:
    """Every function of the catalog; with ``algorithm``, those that have it."""
    if not algorithm:
        from smxcheck import functions

        return {
            name: Adapted(f"smxcheck.functions.{name}", _in_threads(getattr(functions, name)))
            for name in FUNCTIONS
            if hasattr(functions, name)
        }
    return {
        name: Adapted(f"builtin.{algorithm}.{name}", _in_threads(entries[algorithm].call))
        for name, entries in algorithms().items()
        if name in FUNCTIONS and algorithm in entries
    }


def _in_threads(call: Callable[..., Any]) -> Callable[..., Any]:
    """The function with as many threads as it is allowed, where it takes a number of them."""
    count = threads.allowed()
    return partial(call, threads=count) if count > 1 and "threads" in inspect.signature(call).parameters else call


def versions() -> Mapping[str, str]:
    return {"smxcheck": __version__, "numpy": np.__version__}


def notes() -> tuple[str, ...]:
    return ()
