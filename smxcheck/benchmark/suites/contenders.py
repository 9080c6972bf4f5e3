"""Who computes softmax, log_softmax or logsumexp: the shipped algorithms, SciPy, PyTorch; and what bounds them all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck import functions
from smxcheck.benchmark.suites.timer import Contender, empty

Array = npt.NDArray[Any]

#: The functions that every contender has.
FUNCTIONS = ("softmax", "log_softmax", "logsumexp")
#: The shipped algorithms that are timed.
ALGORITHMS = ("fast", "accurate")
SCIPY, TORCH = "scipy", "torch"
#: Every library that may be set against them → how to install it.
LIBRARIES = {SCIPY: "pip install 'smxcheck[scipy]'", TORCH: "pip install 'smxcheck[torch]'"}


def missing() -> tuple[str, ...]:
    """The libraries that are not installed."""
    return tuple(name for name in LIBRARIES if find_spec(name) is None)


def in_threads(algorithm: str, threads: int) -> str:
    """The name of an algorithm that runs in several threads: ``fast, 2 threads``."""
    return algorithm if threads == 1 else f"{algorithm}, {threads} threads"


def takes_threads(function: str) -> bool:
    """Whether the shipped function has a keyword ``threads``."""
    return "threads" in inspect.signature(getattr(functions, function)).parameters


def implementations(function: str, x: Array, axis: int, threads: int) -> tuple[Contender, ...]:
    """All that compute ``function`` of ``x`` along ``axis``: ours in one thread, and in ``threads`` where more."""
    counts = dict.fromkeys((1, threads if takes_threads(function) else 1))
    calls = {
        in_threads(algorithm, count): _own(function, x, axis, algorithm, count)
        for count in counts for algorithm in ALGORITHMS
    }  # fmt: skip
    if find_spec(SCIPY):
        calls[SCIPY] = _scipy(function, x, axis)
    if find_spec(TORCH):
        calls[TORCH] = _torch(function, x, axis)
    return tuple(Contender(name, call, x.size) for name, call in calls.items())


def yardsticks(x: Array) -> tuple[Contender, ...]:
    """The floors: one read and one write of the same bytes, NumPy's bare exp, and nothing at all."""
    target = np.empty(x.shape, x.dtype)
    return (
        Contender("copy", lambda: np.copyto(target, x), x.size),
        Contender("exp", lambda: np.exp(x, out=target), x.size),
        empty(x.size),
    )


def _own(function: str, x: Array, axis: int, algorithm: str, threads: int) -> Callable[[], Any]:
    call = getattr(functions, function)
    if threads == 1:
        return lambda: call(x, axis, algorithm=algorithm)
    return lambda: call(x, axis, algorithm=algorithm, threads=threads)


def _scipy(function: str, x: Array, axis: int) -> Callable[[], Any]:
    import scipy.special

    call = getattr(scipy.special, function)
    return lambda: call(x, axis=axis)


def _torch(function: str, x: Array, axis: int) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(1)
    call, tensor = getattr(torch, function), torch.from_numpy(x)
    return lambda: call(tensor, axis)
