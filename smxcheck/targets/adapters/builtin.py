"""smxcheck's own functions: the default algorithm of each, or one algorithm of all that have it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.adapters import Adapted
from smxcheck.targets.table import algorithms
from smxcheck.version import __version__

ARRAYS = "numpy"


def adapted(algorithm: str = "") -> Mapping[str, Adapted]:
    """Every function of the catalog; with ``algorithm``, those that have it."""
    if not algorithm:
        from smxcheck import functions

        return {
            name: Adapted(f"smxcheck.functions.{name}", getattr(functions, name))
            for name in FUNCTIONS
            if hasattr(functions, name)
        }
    return {
        name: Adapted(f"builtin.{algorithm}.{name}", entries[algorithm].call)
        for name, entries in algorithms().items()
        if name in FUNCTIONS and algorithm in entries
    }


def versions() -> Mapping[str, str]:
    return {"smxcheck": __version__, "numpy": np.__version__}


def notes() -> tuple[str, ...]:
    return ()
