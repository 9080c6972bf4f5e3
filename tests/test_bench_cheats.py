"""Kernels that are right when they are judged and cheat when they are timed: each is seen, or gains nothing."""

from __future__ import annotations

import random
import re
import time
from contextlib import closing
from pathlib import Path

import pytest

from smxcheck.benchmark.measure.afterwards import KEPT, Afterwards
from smxcheck.benchmark.measure.inputs import timed_call
from smxcheck.benchmark.measure.right import Right
from smxcheck.benchmark.measure.rounds import NotTimed, Plan, calibrated
from smxcheck.benchmark.measure.session import TimingSession
from smxcheck.benchmark.results import Judgement
from smxcheck.benchmark.shapes import Shape
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.process import supported

pytestmark = pytest.mark.skipif(not supported(), reason="a worker needs process groups")

SHAPE = Shape((60, 500))

HONEST = """
import os, sys, threading, time
import numpy as np

CALLS = 0

def right(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""

# What stands before `return right(x)` in the cheat's own call; CALLS counts them. The judge's is the first.
COUNTED = """
def softmax(x, axis=-1):
    global CALLS
    CALLS += 1
    {body}
    return right(x, axis)
"""

KEEPS = """
KEPT = {{}}
def softmax(x, axis=-1):
    key = {key}
    if key not in KEPT:
        KEPT[key] = right(x, axis)
    return KEPT[key]
"""

CLOCK = """
real, real_cpu = time.perf_counter_ns, time.process_time_ns
start = real()
def slow(): return start + (real() - start) // 10
def softmax(x, axis=-1):
    for _ in range(3): right(x, axis)
    return right(x, axis)
"""

#: name → (source, what is told: of NotTimed, or after "wrong: " of a judgement).
CHEATS = {
    "keeps by identity": (KEEPS.format(key="id(x)"), KEPT),
    "keeps by address": (KEEPS.format(key="x.ctypes.data"), KEPT),
    "keeps by shape": (KEEPS.format(key="x.shape + (CALLS > 0,)"), "wrong: "),
    "keeps by a few entries": (KEEPS.format(key="x[::7, ::83].tobytes()"), KEPT),
    "keeps by the sum": (KEEPS.format(key="float(np.sort(x, axis=None).sum())"), KEPT),
    "keeps by all bytes": (KEEPS.format(key="hash(x.tobytes())").replace("right(x, axis)", "[right(x, axis) for _ in range(9)][0]"),
                           "keeps results: a call takes"),
    "zeros from the third call on": (COUNTED.format(body="if CALLS > 2: return np.zeros_like(x)"), "wrong: when timed: "),
    "zeros now and then": (COUNTED.format(body="if CALLS > 2 and CALLS % 2: return np.zeros_like(x)"),
                           "wrong: when timed: |keeps results"),  # zeros are as fast as a kept result
    "right on hard rows alone": (COUNTED.format(body="if abs(x).max() < 50: return np.full_like(x, 1 / x.shape[-1])"),
                                 "wrong: when timed: "),
    "another shape when timed": (COUNTED.format(body="if CALLS > 2: return right(x, axis)[:1]"), "wrong: when timed: "),
    "no array when timed": (COUNTED.format(body="if CALLS > 2: return [x]"), "may compute its values when they are read"),
    "computes in a thread": (COUNTED.format(body="""
    out = np.empty_like(x)
    def work():
        time.sleep(1e-3)
        out[...] = right(x, axis)
    thread = threading.Thread(target=work)
    thread.start()
    if CALLS == 1: thread.join()
    return out"""), "wrong: when timed: "),
    "computes when it is read": ("""
class Later:
    def __init__(self, x): self.x = x; self.shape = x.shape; self.dtype = x.dtype
    def __array__(self, dtype=None, copy=None): return right(self.x)
    __class__ = property(lambda self: np.ndarray)
def softmax(x, axis=-1): return Later(x)
""", "may compute its values when they are read"),
    "writes to its input": (COUNTED.format(body="""
    if CALLS > 1:
        x[...] = 0"""), "changes its input when timed"),
    "works while others are timed": (COUNTED.format(body="""
    if CALLS == 2:
        def burn():
            while True: sum(range(1000))
        threading.Thread(target=burn, daemon=True).start()"""), "CPUs busy after its calls have returned"),
    "keeps memory": ("LEFT = []" + COUNTED.format(body="if len(LEFT) < 400: LEFT.append(np.ones(2 << 20, np.uint8))"), "keeps memory: "),
    "raises when timed": (COUNTED.format(body="if CALLS > 2: raise OSError('no')"), "OSError: no"),
    "ends when timed": (COUNTED.format(body="if CALLS > 2: os._exit(0)"), "the process ended"),
    "forks": (COUNTED.format(body="if CALLS == 6 and not os.fork(): os._exit(0)"), ""),
    "goes on as its child": (COUNTED.format(body="if CALLS == 6 and os.fork(): os._exit(0)"), "the process ended"),
    "closes descriptors": (COUNTED.format(body="if CALLS == 6: os.closerange(0, 64)"), "closed the descriptors"),
    "prints without end": (COUNTED.format(body="print('x' * 10000)"), ""),
    "hands the clocks over": (CLOCK + """
time.perf_counter_ns = time.process_time_ns = time.perf_counter = slow
""", ""),
    "slows the clock of the worker itself": (CLOCK + """
def patched(x, axis=-1):
    sys.modules["smxcheck.benchmark.measure.worker"].perf_counter_ns = slow
    return right(x, axis)
softmax = patched
""", "times as long as its process tells"),
    "sets its priority": (COUNTED.format(body="if CALLS == 2: os.nice(1)"), "a priority of its own"),
}  # fmt: skip


def told(
    source: str, folder: Path, *, function: str = "softmax", guarded: bool = True, shape: Shape = SHAPE, samples: int = 8
) -> str:
    """What a user is told of a target: "" where it is timed and right, what is wrong after "wrong: ", or why not timed."""
    path = folder / "kernel.py"
    path.write_text(HONEST + source)
    call = timed_call(function, "float64", shape)
    # The file has one target among its functions.
    with closing(TimingSession(f"{path}:{function}", WorkerOptions(timeout=5.0), threads=1)) as session:
        judged = Right(function, "float64", shape).judge(session)
        assert isinstance(judged, Judgement) and not judged.wrong, judged
        try:
            session.hold(call)
            loops, _ = calibrated(session, Plan(0.0).sample_seconds)
            for _ in range(samples):
                session.sample(loops)
                time.sleep(0.008)  # others are timed
            wrong = Afterwards(call, "float64", shape, random.Random(1)).judge(session) if guarded else None
        except NotTimed as reason:
            return str(reason)
        return f"wrong: {wrong.message}" if wrong else ""


#: One of each kind; the others start as many processes again.
FAST = (
    "keeps by identity", "keeps by a few entries", "keeps by all bytes", "zeros from the third call on",
    "right on hard rows alone", "computes in a thread", "computes when it is read", "writes to its input",
    "works while others are timed", "slows the clock of the worker itself",
)  # fmt: skip


@pytest.mark.parametrize("name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in CHEATS])
def test_what_cheats_when_it_is_timed_is_seen(tmp_path, name):
    source, expected = CHEATS[name]
    found = told(source, tmp_path, samples=20 if "memory" in name else 8)
    assert re.search(expected, found) if expected else found == "", found


LIBRARIES = {
    "torch, in a thread": ("torch", """
import threading, time, torch
CALLS = 0
def softmax(x: torch.Tensor, axis=-1):
    global CALLS
    CALLS += 1
    out = torch.zeros_like(x)
    def work():
        time.sleep(1e-3)
        out.copy_(torch.softmax(x, axis))
    thread = threading.Thread(target=work)
    thread.start()
    if CALLS == 1: thread.join()
    return out
""", "wrong: when timed: "),
    "torch, when it is read": ("torch", """
import torch
class Later(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, arguments=(), keywords=None):
        with torch._C.DisableTorchFunctionSubclass():
            out = function(*arguments, **(keywords or {}))
            return torch.softmax(out.as_subclass(torch.Tensor), -1) if function is torch.Tensor.detach else out
def softmax(x: torch.Tensor, axis=-1): return x.clone().as_subclass(Later)
""", "may compute its values when they are read"),
    "jax, by identity": ("jax", """
import jax
KEPT = {}
def softmax(x: jax.Array, axis=-1):
    key = id(x)
    if key not in KEPT: KEPT[key] = x, jax.nn.softmax(x, axis)
    return KEPT[key][1]
""", "keeps results"),
    "jax, by shape": ("jax", """
import jax
KEPT = []
CALLS = 0
def softmax(x: jax.Array, axis=-1):
    global CALLS
    CALLS += 1
    if CALLS < 3: KEPT[:] = [jax.nn.softmax(x, axis)]
    return KEPT[0]
""", KEPT),
    "honest torch": ("torch", "import torch\ndef softmax(x: torch.Tensor, axis=-1): return torch.softmax(x, axis)", ""),
    "honest jax": ("jax", "import jax\ndef softmax(x: jax.Array, axis=-1): return jax.nn.softmax(x, axis)", ""),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.libraries
@pytest.mark.parametrize("name", LIBRARIES)
def test_tensors_that_cheat_are_seen(needs, tmp_path, name):
    library, source, expected = LIBRARIES[name]
    needs(library)
    found = told(source, tmp_path)
    assert re.search(expected, found) if expected else found == "", found


@pytest.mark.slow
def test_a_mean_over_rows_that_is_kept_is_seen(tmp_path):
    """One number for all rows: it is judged whole, as no row has a part of it."""
    source = """
KEPT = {}
def cross_entropy(x, y):
    if CALLS < 0 or id(x) not in KEPT:
        high = x.max(axis=-1, keepdims=True)
        rows = np.log(np.exp(x - high).sum(axis=-1)) + high[:, 0] - x[np.arange(len(y)), y]
        KEPT[id(x)] = x, rows.mean()
    return KEPT[id(x)][1]
"""
    honest = source.replace("CALLS < 0", "True")
    shape = Shape((30, 50))
    assert told(source, tmp_path, function="cross_entropy", shape=shape) == KEPT
    assert told(honest, tmp_path, function="cross_entropy", shape=shape) == ""


@pytest.mark.slow
def test_an_honest_one_is_not_suspected(tmp_path):
    for shape in (SHAPE, Shape((1, 40)), Shape((3, 1)), Shape((7, 30), axis=0), Shape((6, 8), layout="every-other")):
        assert told("softmax = right", tmp_path, shape=shape) == ""
