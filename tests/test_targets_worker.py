"""Whatever a target does to its process is an observation of that call, and the next call is answered."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smxcheck.targets.client import WorkerSession
from smxcheck.targets.load import in_process, open_session, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, Observation

X = np.array([[0.0, 1.0, 2.0], [3.0, 5.0, 4.0]])

# One callable that misbehaves in the way that the first element of its input names: every test shares one
# worker.
MISBEHAVIOURS = """
import os, signal, sys, time
import numpy as np

KEPT = []

class Odd(Exception):
    def __str__(self):
        raise ValueError("no message")

class Sub(np.ndarray):
    pass

def right(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def raises(x): raise ValueError("only 2-d arrays")
def refuses(x): raise NotImplementedError("no float64")
def interrupts(x): raise KeyboardInterrupt("ctrl-c")
def raises_odd(x): raise Odd
def raises_base(x): raise BaseException("base")
def hangs(x): time.sleep(60)
def spins(x):
    while True: pass
def prints_forever(x):
    while True: os.write(1, b"x" * 65536)
def segfaults(x): import ctypes; ctypes.string_at(0)
def kills(x): os.kill(os.getpid(), signal.SIGSEGV)
def aborts(x): os.write(2, b"free(): invalid pointer\\n"); os.abort()
def exits(x): sys.exit(4)
def exits_now(x): os._exit(3)
def eats(x): return np.ones(1 << 40, np.uint8)
def eats_slowly(x):
    while True: KEPT.append(bytearray(1 << 24))
def prints(x): print("y" * 3_000_000); return right(x)
def prints_a_line(x): print("hello"); return right(x)
def a_list(x): return [1.0, 2.0]
def none(x): return None
def text(x): return "0.5"
def objects(x): return np.array([object(), None])
def subclass(x): return right(x).view(Sub)
def huge(x): return np.broadcast_to(np.float64(1), (1 << 20, 1 << 20))
def other_shape(x): return right(x).sum(axis=-1)
def other_dtype(x): return right(x).astype(np.float32)
def big_endian(x): return right(x).astype(">f8")
def is_input(x): return x
def view_of_input(x): return x[::-1]
def writes(x): x[0, 0] = 7.0; return right(x)
def writes_minus_zero(x): x[0, 0] = -0.0; return right(x)
def a_float(x): return 0.5
def a_bool(x): return True
def closes(x): os.closerange(0, 256); return right(x)
def closes_output(x): os.close(1); os.close(2); return right(x)
def replaces_stdout(x): sys.stdout = None; sys.stderr = object(); return right(x)
def forks(x):
    if os.fork() == 0: return right(x)
    return right(x)
def forks_and_holds(x):
    if os.fork() == 0:
        time.sleep(60); os._exit(0)
    return right(x)
def forks_holds_and_dies(x):
    if os.fork() == 0:
        time.sleep(60); os._exit(0)
    os._exit(5)
def patches_numpy(x):
    for name in ("asarray", "array", "empty", "frombuffer", "may_share_memory", "ndarray", "full"):
        setattr(np, name, None)
    return x * 0 + 1
def writes_everywhere(x):
    for fd in range(3, 64):
        try: os.write(fd, b"\\0" * 64)
        except OSError: pass
    return right(x)
def reads_stdin(x): return sys.stdin.read() or right(x)
def warns(x):
    import warnings
    warnings.warn("overflow")
    return right(x) + np.exp(np.float64(1e6)) * 0 if False else right(x)
def recurses(x): return recurses(x)

BY_NUMBER = [value for value in list(globals().values()) if callable(value) and value not in (Odd, Sub)]
NUMBER = {f.__name__: i for i, f in enumerate(BY_NUMBER)}

def softmax(x, *, ignore_me=None, axis=-1):
    return BY_NUMBER[axis](x)
"""
NAMES: dict[str, int] = {}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("misbehaviours") / "misbehave.py"
    path.write_text(MISBEHAVIOURS)
    NAMES.update(runpy.run_path(str(path), run_name="misbehave")["NUMBER"])
    return path


@pytest.fixture(scope="module")
def session(file: Path) -> Iterator[WorkerSession]:
    options = WorkerOptions(timeout=0.8, compile_timeout=20.0, memory_limit=128 << 20)
    opened = open_session(parse_target(f"{file}:softmax"), options)
    assert isinstance(opened, WorkerSession)
    yield opened
    opened.close()


@pytest.fixture
def does(session: WorkerSession) -> Iterator[Callable[[str], Observation]]:
    """Calls the named misbehaviour; afterwards a right call must be answered rightly."""
    yield lambda name: session.call(Call("softmax", (X,), {"axis": NAMES[name]}))
    after = session.call(Call("softmax", (X,), {"axis": NAMES["right"]}))
    assert after.outcome == "returned", after
    assert np.allclose(after.value.sum(axis=-1), 1.0)


def test_a_right_call_returns_the_bits_of_the_same_call_here(does):
    seen = does("right")
    e = np.exp(X - X.max(axis=-1, keepdims=True))
    assert seen.value.tobytes() == (e / e.sum(axis=-1, keepdims=True)).tobytes()
    assert (seen.returned_type, seen.printed, seen.wrote_input, seen.aliases_input) == (
        "numpy.ndarray",
        0,
        False,
        False,
    )
    assert 0 < seen.seconds < 0.8


@pytest.mark.parametrize(
    ("name", "outcome", "error_type", "error"),
    [
        ("raises", "raised", "ValueError", "only 2-d arrays"),
        ("refuses", "raised", "NotImplementedError", "no float64"),
        ("interrupts", "raised", "KeyboardInterrupt", "ctrl-c"),
        ("raises_odd", "raised", "Odd", "(its message cannot be printed)"),
        ("raises_base", "raised", "BaseException", "base"),
        ("recurses", "raised", "RecursionError", "maximum recursion depth"),
        ("exits", "exited", "SystemExit", "sys.exit(4)"),
        ("exits_now", "exited", "", "exit status 3"),
        ("segfaults", "crashed", "", "SIGSEGV"),
        ("kills", "crashed", "", "SIGSEGV"),
        ("aborts", "crashed", "", "SIGABRT: free(): invalid pointer"),
        ("eats", "out-of-memory", "", "Unable to allocate"),
        ("eats_slowly", "out-of-memory", "MemoryError", ""),
        ("hangs", "hung", "", "no answer within 0.8 s"),
        ("spins", "hung", "", "no answer within 0.8 s"),
        ("closes", "crashed", "", "closed the descriptors"),
        ("forks_holds_and_dies", "exited", "", "exit status 5"),
    ],
)
def test_what_ends_a_call_is_named(does, name, outcome, error_type, error):
    if outcome == "out-of-memory" and not Path("/proc/self/statm").exists():
        pytest.skip("the memory limit needs Linux")
    seen = does(name)
    assert seen.outcome == outcome, seen
    assert seen.value is None
    assert error in seen.error
    assert not error_type or seen.error_type == error_type


@pytest.mark.parametrize(
    ("name", "returned_type", "error"),
    [
        ("a_list", "list", "returned list"),
        ("none", "NoneType", "returned NoneType"),
        ("text", "str", "returned str"),
        ("a_bool", "bool", "returned bool"),
        ("objects", "numpy.ndarray", "dtype object"),
        ("huge", "numpy.ndarray", "wrong size: shape (1048576, 1048576)"),
    ],
)
def test_what_is_no_array_is_named(does, name, returned_type, error):
    seen = does(name)
    assert (seen.outcome, seen.returned_type) == ("not-array", returned_type)
    assert error in seen.error


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("other_shape", (2,), "float64"),
        ("other_dtype", (2, 3), "float32"),
        ("big_endian", (2, 3), "float64"),
        ("subclass", (2, 3), "float64"),
        ("a_float", (), "float64"),
        ("closes_output", (2, 3), "float64"),
        ("replaces_stdout", (2, 3), "float64"),
        ("forks", (2, 3), "float64"),
        ("forks_and_holds", (2, 3), "float64"),
        ("reads_stdin", (2, 3), "float64"),
        ("warns", (2, 3), "float64"),
    ],
)
def test_what_is_an_array_comes_back_as_it_is(does, name, shape, dtype):
    seen = does(name)
    assert seen.outcome == "returned", seen
    assert (type(seen.value), seen.value.shape, seen.value.dtype.name) == (np.ndarray, shape, dtype)


def test_a_python_float_is_marked(does):
    assert does("a_float").returned_type == "float"


@pytest.mark.parametrize("name", ["is_input", "view_of_input"])
def test_a_result_in_the_memory_of_the_input_is_seen(does, name):
    seen = does(name)
    assert seen.aliases_input and not seen.wrote_input


@pytest.mark.parametrize("name", ["writes", "writes_minus_zero"])
def test_a_write_to_the_input_is_seen_by_its_bits(does, name):
    seen = does(name)
    assert seen.wrote_input and not seen.aliases_input


def test_a_nan_in_the_input_is_no_write(session):
    seen = session.call(Call("softmax", (np.array([[np.nan, 1.0]]),), {"axis": NAMES["right"]}))
    assert seen.outcome == "returned" and not seen.wrote_input


@pytest.fixture
def fresh(session: WorkerSession) -> None:
    """A new worker: what an earlier test did to the descriptors of the old one is no affair of this test."""
    session.close()


def test_what_is_printed_is_counted_and_held_back(fresh, does, capfd):
    assert does("prints").printed == 3_000_001
    assert does("prints_a_line").printed == 6
    assert does("right").printed == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_endless_printing_neither_blocks_nor_fills_the_memory(fresh, does):
    started = time.monotonic()
    seen = does("prints_forever")
    assert seen.outcome == "hung" and seen.printed > 1 << 20
    assert time.monotonic() - started < 5


def test_a_target_that_replaces_functions_of_numpy_does_not_break_the_worker(file):
    with_patch = open_session(parse_target(f"{file}:softmax"))
    try:
        for _ in range(2):
            seen = with_patch.call(Call("softmax", (X,), {"axis": NAMES["patches_numpy"]}))
            assert seen.outcome == "returned", seen
    finally:
        with_patch.close()


def test_bytes_written_to_every_descriptor_are_no_answer(does):
    assert does("writes_everywhere").outcome == "crashed"


def test_the_worker_does_not_outlive_its_session_nor_leave_children(file):
    opened = open_session(parse_target(f"{file}:softmax"))
    opened.call(Call("softmax", (X,), {"axis": NAMES["forks_and_holds"]}))
    group = opened._process._popen.pid
    opened.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _alive(group):
        time.sleep(0.02)
    assert not _alive(group)


def _alive(group: int) -> bool:
    """Whether a process of the group runs; one that is dead but not reaped does not."""
    if Path("/proc/self/stat").exists():
        return any(_state(entry, group) not in ("", "Z", "X") for entry in Path("/proc").glob("[0-9]*/stat"))
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return any(line.split()[0] == str(group) and "Z" not in line.split()[1] for line in found.splitlines())


def _state(entry: Path, group: int) -> str:
    """The state of a process of the group, "" for any other; after the name in brackets: state, parent,
    group."""
    try:
        fields = entry.read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[0] if fields[2] == str(group) else ""


@pytest.mark.slow
def test_a_worker_ends_with_its_parent_even_while_the_target_hangs(file):
    code = (
        "import sys, os, threading, numpy as np\n"
        "from smxcheck.targets.load import open_session, parse_target\n"
        "from smxcheck.targets.protocol import Call\n"
        f"s = open_session(parse_target({str(file) + ':softmax'!r}))\n"
        f"c = Call('softmax', (np.ones((1, 2)),), {{'axis': {NAMES['hangs']}}})\n"
        "threading.Timer(0.3, lambda: os._exit(0)).start()\n"
        "print(s._process._popen.pid, flush=True)\n"
        "s.call(c)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True
    )
    group = int(done.stdout)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _alive(group):
        time.sleep(0.02)
    assert not _alive(group)


@pytest.mark.slow
def test_an_interrupt_in_the_parent_ends_the_call_and_prints_nothing_from_the_worker(file):
    code = (
        "import os, signal, threading, numpy as np\n"
        "from smxcheck.targets.load import open_session, parse_target\n"
        "from smxcheck.targets.protocol import Call\n"
        f"s = open_session(parse_target({str(file) + ':softmax'!r}))\n"
        f"c = Call('softmax', (np.ones((1, 2)),), {{'axis': {NAMES['hangs']}}})\n"
        "threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "try:\n    s.call(c)\nexcept KeyboardInterrupt:\n    print('interrupted', s._process)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted None\n", "", 0)


def test_an_interrupt_of_the_whole_group_leaves_the_worker_alone(session):
    session.call(Call("softmax", (X,), {"axis": NAMES["right"]}))
    process = session._process
    os.kill(process._popen.pid, signal.SIGINT)
    assert session.call(Call("softmax", (X,), {"axis": NAMES["right"]})).outcome == "returned"
    assert session._process is process


def test_only_a_target_that_may_compile_gets_longer_for_a_first_call(session):
    call = Call("softmax", (np.ones((5, 7)),), {"axis": NAMES["right"]})
    session.call(call)
    assert session._limit(call) == 0.8
    session._compiles = True
    try:
        assert [session._limit(call), session._limit(call)] == [20.0, 0.8]
        other_dtype = replace(call, arguments=(np.ones((5, 7), np.float32),))
        assert session._limit(other_dtype) == 20.0
    finally:
        session._compiles = False


def test_a_large_array_crosses_whole(session):
    x = np.arange(1 << 20, dtype=np.float64).reshape(1 << 10, 1 << 10) / 1e4
    seen = session.call(Call("softmax", (x,), {"axis": NAMES["is_input"]}))
    assert seen.value.tobytes() == x.tobytes()


def test_importing_writes_no_bytecode(file, session):
    assert [p.name for p in file.parent.iterdir()] == [file.name]


# ---- in this process


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def test_in_process_gives_what_the_worker_gives(does):
    here = in_process(softmax)
    assert here.info.offers["softmax"].keywords == {"axis"}
    assert here.call(Call("softmax", (X,), {"axis": -1})).value.tobytes() == does("right").value.tobytes()


def test_in_process_sees_exceptions_writes_and_views():
    def writes(x):
        x[...] = 0.0
        return x

    seen = in_process(writes, "softmax").call(Call("softmax", (X.copy(),)))
    assert seen.wrote_input and seen.aliases_input
    raised = in_process(lambda x: 1 / 0, "softmax").call(Call("softmax", (X,)))
    assert (raised.outcome, raised.error_type) == ("raised", "ZeroDivisionError")
    assert in_process(lambda x: sys.exit(1), "softmax").call(Call("softmax", (X,))).outcome == "exited"


def test_in_process_an_interrupt_is_the_users():
    def interrupts(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_process(interrupts, "softmax").call(Call("softmax", (X,)))


def test_in_process_a_buffer_that_the_target_uses_again_changes_no_earlier_result():
    buffer = np.zeros(2)

    def reuses(x):
        buffer[...] = x
        return buffer

    session = in_process(reuses, "softmax")
    first = session.call(Call("softmax", (np.array([1.0, 2.0]),)))
    session.call(Call("softmax", (np.array([3.0, 4.0]),)))
    assert first.value.tolist() == [1.0, 2.0]


def test_a_warning_of_the_target_is_no_exception():
    textbook = in_process(lambda x: np.exp(x) / np.exp(x).sum(), "softmax")
    assert textbook.call(Call("softmax", (np.array([1e3, 1e3]),))).outcome == "returned"
