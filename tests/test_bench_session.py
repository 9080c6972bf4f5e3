"""A timing session: what it times, what it waits for, what it weighs, and what becomes of a target that fails.

Times are compared as ratios of the least of several samples: noise only adds to a time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from smxcheck.benchmark.measure.rounds import NotTimed
from smxcheck.benchmark.measure.session import TimingSession, measured
from smxcheck.benchmark.measure.worker import UNROLLED, loop
from smxcheck.benchmark.measure.yardsticks import yardstick
from smxcheck.benchmark.results import COPY, EMPTY, EXP, YARDSTICKS
from smxcheck.targets import threads
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.process import supported
from smxcheck.targets.protocol import Call, Offer, TargetError, TargetInfo
from smxcheck.targets.spec import parse_target

pytestmark = pytest.mark.skipif(not supported(), reason="a worker needs process groups")

X = np.array([[0.0, 1.0, 2.0], [3.0, 5.0, 4.0]])
BLOCK = 64 << 20

# One callable that does what its axis says: the tests share one process.
SOURCE = """
import gc, os, signal, sys, time
import numpy as np

CALLS = 0

def counts(x):
    global CALLS
    CALLS += 1
    return np.array([float(CALLS)])
def spins(x):
    until = time.perf_counter_ns() + 1_000_000
    while time.perf_counter_ns() < until: pass
    return x
def sleeps(x): time.sleep(0.02); return x
def allocates(x): return np.ones(64 << 20, np.uint8)
def raises(x): raise ValueError("only\\n2-d arrays")
def exits(x): sys.exit(4)
def dies(x): os.kill(os.getpid(), signal.SIGSEGV)
def hangs(x): time.sleep(60)
def prints(x): os.write(1, b"SMX1" * 4096); print("loud"); return x
def dies_later(x):
    global CALLS
    CALLS += 1
    if CALLS > 2: os._exit(3)
    return x
def resident(x):
    with open("/proc/self/statm") as f: return np.array([int(f.read().split()[1]) * 4096.0])
def collects(x): return np.array([float(gc.isenabled())])
def limits(x): return np.array([float(os.environ[n]) for n in ("OMP_NUM_THREADS", "NPROC", "SMXCHECK_THREADS")])
def imported(x): return np.array([float(n in sys.modules) for n in ("mpmath", "smxref", "smxcheck.oracle", "smxcheck.judge")])

BY_NUMBER = [value for value in list(globals().values()) if callable(value)]

def softmax(x, axis=-1):
    return BY_NUMBER[axis](x)
"""
NAMES = [line.split("(")[0].removeprefix("def ") for line in SOURCE.splitlines() if line.startswith("def ")]


def call(name: str, x: np.ndarray = X) -> Call:
    return Call("softmax", (x,), {"axis": NAMES.index(name)})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("timed") / "timed.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def session(file: Path) -> Iterator[TimingSession]:
    opened = TimingSession(f"{file}:softmax", WorkerOptions(timeout=0.5, compile_timeout=1.0), threads=2)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def yardsticks() -> Iterator[TimingSession]:
    opened = TimingSession("", WorkerOptions(), threads=1)
    yield opened
    opened.close()


def value(session: TimingSession, name: str) -> np.ndarray:
    seen = session.call(call(name))
    assert seen.outcome == "returned", seen
    return seen.value


def least(session: TimingSession, loops: int, times: int = 5) -> float:
    """Seconds of one call in the fastest of some samples."""
    return min(session.sample(loops).seconds for _ in range(times)) / loops


# ---- what is called


@pytest.mark.parametrize("loops", [1, UNROLLED - 1, UNROLLED, 3 * UNROLLED + 5])
def test_a_sample_makes_as_many_calls_as_it_says_and_one_before_them_if_many(session, loops):
    session.hold(call("counts"))
    before = value(session, "counts")[0]
    session.sample(loops)
    assert value(session, "counts")[0] - before == 1 + loops + (loops > 1)


def test_holding_calls_once(session):
    before = value(session, "counts")[0]
    session.hold(call("counts"))
    assert value(session, "counts")[0] - before == 1 + 1


@pytest.mark.parametrize("waits", [False, True])
def test_the_loop_passes_arrays_and_keywords_and_waits_for_each_result(waits):
    seen: list[object] = []
    waited: list[object] = []

    def target(x, y, *, axis, tau):
        seen.append((x, y, axis, tau))
        return len(seen)

    loop(2, ("axis", "tau"), waits)(range(2), range(3), target, waited.append, ("x", "y"), (-1, 2.0))
    assert seen == [("x", "y", -1, 2.0)] * (2 * UNROLLED + 3)
    assert waited == (list(range(1, len(seen) + 1)) if waits else [])


def test_a_call_with_keywords_is_timed_with_nothing_between_it_and_the_loop():
    """No frame of smxcheck's but the loop's own."""

    def target(x, axis):
        nonlocal caller
        caller = sys._getframe(1).f_code.co_name

    caller = ""
    loop(1, ("axis",), waits=False)(range(1), range(0), target, None, (X,), (-1,))
    assert caller == "repeated"


def test_a_sample_lasts_as_long_as_its_calls_and_sleeping_takes_no_cpu(session):
    session.hold(call("sleeps"))
    found = session.sample(3)
    assert found.seconds >= 3 * 0.02
    assert found.cpu_seconds < found.seconds / 2
    session.hold(call("spins"))
    found = session.sample(5)
    assert found.seconds >= 5e-3 and found.cpu_seconds <= 1.1 * found.seconds  # 2 threads were allowed, 1 worked


def test_the_first_call_is_timed_apart(session):
    assert session.hold(call("sleeps")) >= 0.02


def test_slowed_calls_take_that_many_times_as_long(session):
    session.hold(call("spins"))
    plain = least(session, 3, 9)
    session.hold(call("spins"), slowed=1.2)
    assert least(session, 3, 9) / plain == pytest.approx(1.2, rel=0.1)


def test_garbage_is_collected_between_samples_and_after_a_failure(session):
    session.hold(call("counts"))
    session.sample(2)
    with pytest.raises(NotTimed):
        session.hold(call("raises"))
    assert value(session, "collects")[0] == 1


# ---- yardsticks


def test_yardsticks_do_what_they_are_called():
    x = np.random.default_rng(1).normal(size=(5, 8))[:, ::2]
    for name, right in ((COPY, x), (EXP, np.exp(x))):
        function, arguments = yardstick(name, x)
        function(*arguments)
        out = next(a for a in arguments if a is not x)
        assert (out == right).all() and out.flags.c_contiguous
    assert set(YARDSTICKS) == {COPY, EXP, EMPTY}


@pytest.mark.parametrize("name", YARDSTICKS)
@pytest.mark.parametrize("layout", ["contiguous", "every-other", "transposed"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "bfloat16"])
def test_yardsticks_act_on_every_dtype_and_layout(yardsticks, name, layout, dtype):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    x = X.astype(dtype)
    assert yardsticks.hold(Call("softmax", (x,), {}, layout), name) > 0
    assert yardsticks.sample(10).seconds > 0


def test_an_empty_call_costs_less_than_a_copy_of_forty_numbers(yardsticks):
    """The loop is below what it times: np.copyto of (4, 10) takes 0.4 µs, an empty call 10 ns."""
    x = Call("softmax", (np.zeros((4, 10), np.float32),))
    yardsticks.hold(x, EMPTY)
    empty = least(yardsticks, 20_000)
    yardsticks.hold(x, COPY)
    assert empty < least(yardsticks, 2_000) / 4


def test_the_yardsticks_are_no_target(yardsticks):
    assert (yardsticks.info.name, dict(yardsticks.info.offers), yardsticks.rest) == ("", {}, ())
    assert yardsticks.call(Call("softmax", (X,))).outcome == "not-passed"
    with pytest.raises(NotTimed, match="the target has no softmax"):
        yardsticks.hold(Call("softmax", (X,)))


# ---- what fails


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raises", "^ValueError: only 2-d arrays$"),
        ("exits", r"sys.exit\(4\)"),
        ("dies", "killed by SIGSEGV"),
        ("hangs", "no answer within 1 s"),
        ("dies_later", "the process ended with exit status 3"),
    ],
)
def test_what_fails_is_not_timed_and_the_next_call_is(session, name, reason):
    with pytest.raises(NotTimed, match=reason):
        session.hold(call(name))
        session.sample(2)
    with pytest.raises(NotTimed, match="nothing is held"):
        session.sample(1)
    assert session.peak() is None
    session.release()
    session.hold(call("spins"))
    assert session.sample(2).seconds >= 2e-3


def test_what_a_target_prints_reaches_no_pipe_of_the_answers(session, capfd):
    session.hold(call("prints"))
    assert session.sample(20).seconds > 0
    assert session.call(call("prints")).printed > 4 * 4096
    assert capfd.readouterr() == ("", "")


def test_a_closed_session_can_be_closed_again_and_starts_anew(file):
    with closing(TimingSession(f"{file}:softmax", WorkerOptions(), threads=1)) as session:
        session.hold(call("spins"))
        session.close()
        session.close()
        session.release()
        with pytest.raises(NotTimed, match="nothing is held"):
            session.sample(1)
        session.hold(call("spins"))


def test_a_target_that_cannot_be_loaded_is_told_as_everywhere(tmp_path):
    with pytest.raises(TargetError, match="no file"):
        TimingSession(str(tmp_path / "absent.py") + ":f", WorkerOptions(), threads=1)
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0")
    with pytest.raises(TargetError, match="ZeroDivisionError"):
        TimingSession(f"softmax={broken}:f", WorkerOptions(), threads=1)


@pytest.mark.slow
def test_ctrl_c_during_a_sample_ends_the_process_of_the_target(file):
    code = (
        "import os, signal, threading, numpy as np\n"
        "from smxcheck.benchmark.measure.session import TimingSession\n"
        "from smxcheck.targets.options import WorkerOptions\n"
        "from smxcheck.targets.protocol import Call\n"
        f"s = TimingSession({str(file) + ':softmax'!r}, WorkerOptions(), 1)\n"
        f"s.hold(Call('softmax', (np.ones((1, 2)),), {{'axis': {NAMES.index('sleeps')}}}))\n"
        "pid = s._process._popen.pid\n"
        "threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "try:\n    s.sample(1000)\nexcept KeyboardInterrupt:\n    print(pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), signal.SIG_DFL)


# ---- memory


needs_linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak needs Linux")


@needs_linux
def test_the_peak_is_what_a_call_allocates(session):
    session.hold(call("allocates"))
    session.sample(2)
    peak = session.peak()
    assert peak is not None and BLOCK <= peak <= 80 << 20
    session.hold(call("counts"))
    small = session.peak()
    assert small is not None and small < 8 << 20


@needs_linux
def test_what_is_released_is_freed(session):
    before = value(session, "resident")[0]
    session.hold(call("spins", np.ones((BLOCK // 8,))))
    held = value(session, "resident")[0]
    session.release()
    assert held - before >= BLOCK
    assert value(session, "resident")[0] - before < BLOCK / 4


# ---- threads, and what is said of a call


def test_the_threads_are_set_before_anything_is_imported(session):
    assert list(value(session, "limits")) == [2, 2, 2]
    assert "at most 2 threads" in session.measured


def test_the_threads_of_the_command_count_more_than_those_of_the_shell(file, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with closing(TimingSession(f"{file}:softmax", WorkerOptions(), threads=1)) as session:
        assert list(value(session, "limits")) == [1, 1, 1]


@pytest.mark.parametrize(("told", "allowed"), [("3", 3), ("0", 1), ("", 1), ("many", 1), ("-2", 1)])
def test_the_allowed_threads_are_one_unless_told(monkeypatch, told, allowed):
    monkeypatch.setenv(threads.OWN, told)
    assert threads.allowed() == allowed


def test_the_right_answers_are_not_in_the_process(session):
    assert not value(session, "imported").any()


def test_own_functions_are_given_the_threads_and_return_the_same_bits(monkeypatch):
    from smxcheck.targets.adapters import builtin

    x = np.random.default_rng(2).normal(size=(64, 1000))
    one = builtin.adapted("fast")["softmax"].call(x)
    monkeypatch.setenv(threads.OWN, "2")
    many = builtin.adapted("fast")
    assert many["softmax"].call.keywords == {"threads": 2}
    assert many["softmax"].call(x).tobytes() == one.tobytes()
    assert "threads" not in getattr(builtin.adapted()["entropy"].call, "keywords", {})


def test_what_a_call_includes_is_said_by_the_arrays(file):
    users = parse_target(f"{file}:softmax")
    said = {kind: measured(users, TargetInfo("", {}, kind, {}), 1) for kind in ("numpy", "torch", "jax")}
    assert len(set(said.values())) == 3
    assert "compiled before" in said["jax"] and all("1 thread" in text for text in said.values())
    assert "NumPy" in (both := measured(users, TargetInfo("", {}, "numpy, torch", {}), 1)) and "tensors" in both


@pytest.mark.parametrize(("timed", "said"), [(("softmax",), False), (("softmax", "softmax_vjp"), True), ((), True)])
def test_a_forward_pass_is_said_to_be_in_a_call_only_where_a_derivative_is_timed(timed, said):
    spelled = {"softmax": "torch.softmax", "softmax_vjp": "autograd of torch.softmax"}
    offers = {name: Offer(name, called, frozenset()) for name, called in spelled.items()}
    told = measured(parse_target("torch"), TargetInfo("torch", {}, "torch", offers), 1, timed)
    assert ("includes its forward pass" in told) is said


# ---- libraries


SLOW_JAX = """
import jax, jax.numpy as jnp, numpy as np

LAST, LATE = None, 0

@jax.jit
def slow(x):
    return jax.lax.fori_loop(0, 40, lambda i, y: jnp.tanh(y) * 0.5 + x, x)

def softmax(x: jax.Array, axis=-1):
    global LAST, LATE
    if axis == 0:
        return np.array([float(LATE)])
    LATE += LAST is not None and not LAST.is_ready()
    LAST = slow(x)
    return LAST
"""


@pytest.mark.libraries
@pytest.mark.parametrize("slowed", [1.0, pytest.param(1.01, marks=pytest.mark.slow)])
def test_each_call_of_jax_finds_the_last_one_ended(needs, tmp_path, slowed):
    """JAX returns before its result is there; a sample of several milliseconds' work, by one thread, waits."""
    needs("jax")
    path = tmp_path / "kernel.py"
    path.write_text(SLOW_JAX)
    x = np.zeros((1 << 17,), np.float32)
    with closing(TimingSession(f"{path}:softmax", WorkerOptions(), threads=1)) as session:
        session.hold(Call("softmax", (x,), {"axis": -1}), slowed=slowed)
        samples = [session.sample(3) for _ in range(3)]
        assert session.call(Call("softmax", (x,), {"axis": 0})).value[0] == 0
        with pytest.raises(NotTimed, match="jax has no every-other arrays"):
            session.hold(Call("softmax", (x,), {}, "every-other"))
    assert sum(s.cpu_seconds for s in samples) <= 1.2 * sum(s.seconds for s in samples)


@pytest.mark.libraries
@pytest.mark.parametrize("name", [pytest.param("torch", marks=pytest.mark.slow), "onnxruntime"])
def test_libraries_get_their_threads(needs, name):
    needs(name)
    with closing(TimingSession(name, WorkerOptions(), threads=2)) as session:
        assert any("2 threads" in note for note in session.info.notes)
        session.hold(Call("softmax", (np.ones((64, 4096), np.float32),), {"axis": -1}))
        peak = session.peak() if Path("/proc/self/clear_refs").exists() else 1 << 20
    assert peak is not None and peak >= 1 << 20, "the result, a MiB, is in the peak"
