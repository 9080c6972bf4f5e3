"""Implementations that end or block the process of their caller. Run them in a worker only.

Nothing imports this module by default, and importing it does no harm: the harm is in the calls.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, NoReturn

import numpy as np

from smxcheck.mistakes.model import Misbehaviour


def aborts(x: Any, axis: Any = -1) -> NoReturn:
    """SIGABRT, as a failed assertion in C raises it."""
    os.abort()


def sleeps_forever(x: Any, axis: Any = -1) -> NoReturn:
    while True:
        time.sleep(3600.0)


def eats_memory(x: Any, axis: Any = -1) -> np.ndarray:
    """Asks for 64 TiB: a MemoryError, or what the limit of the worker makes of it."""
    return np.ones((2**43,), np.float64)


def exits(x: Any, axis: Any = -1) -> NoReturn:
    """A library's way of saying that it does not like its input."""
    sys.exit(3)


FATAL: tuple[Misbehaviour, ...] = (
    Misbehaviour("softmax/aborts", "aborts", "SMX302", aborts),
    Misbehaviour("softmax/sleeps-forever", "never returns", "SMX303", sleeps_forever),
    Misbehaviour("softmax/eats-memory", "allocates 64 TiB", "SMX304", eats_memory),
    Misbehaviour("softmax/exits", "calls exit", "SMX305", exits),
)
