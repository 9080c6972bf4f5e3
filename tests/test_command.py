"""A program as a target: the arrays that cross, everything that a program can do instead of answering, and the C example.

The protocol is that of ``smxcheck explain command``; the array format is NumPy's own (numpy.lib.format).
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smxcheck.pages.program import PYTHON
from smxcheck.targets.npy import NotNpy, packed, unpacked
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call, Observation, TargetError
from smxcheck.targets.spec import parse_target

from .cli_support import called

DTYPES = ("float16", "float32", "float64", "int8", "int64", "uint8", "bool")
EXAMPLE = Path(__file__).parents[1] / "smxcheck" / "targets" / "softmax.c"
X = np.array([[0.0, 1.0, 2.0]], np.float32)

#: What every program of these tests begins with: its input, and a way to answer without NumPy, whose import is slow.
START = """
    import os, signal, sys
    def npy(values=b"\\0" * 12, descr="<f4", shape="(1, 3)", order="False", version=b"\\1\\0"):
        header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\\n".encode()
        size = len(header).to_bytes(2 if version[0] == 1 else 4, "little")
        return b"\\x93NUMPY" + version + size + header + values
    def answer(*args, **keywords):
        sys.stdout.buffer.write(npy(*args, **keywords))
        sys.stdout.buffer.flush()
"""


@pytest.fixture
def program(tmp_path):
    """``program("answer()")``: the words of a target that runs this Python."""

    def write(body: str) -> str:
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(START) + textwrap.dedent(body), encoding="utf-8")
        return f"{sys.executable} -SE {path}"

    return write


def run(target: str, call: Call | None = None, **options: object) -> Observation:
    """One call of softmax."""
    from smxcheck.targets.load import open_session

    session = open_session(parse_target(target), WorkerOptions(**options))  # type: ignore[arg-type]
    return session.call(call or Call("softmax", (X,)))


# ---- arrays


@settings(derandomize=True, deadline=None)
@given(hnp.arrays(st.sampled_from([*map(np.dtype, DTYPES), np.dtype("uint16")]), hnp.array_shapes(min_dims=0, min_side=0)))
def test_what_is_packed_is_unpacked_bit_for_bit_and_read_by_numpy(array):
    if array.dtype == np.uint16:
        array = array.view(ml_dtypes.bfloat16)
    back = unpacked(packed(array))
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    read = np.load(io.BytesIO(packed(array)))
    assert read.shape == array.shape and read.tobytes() == array.tobytes()


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", ">i2"])
def test_whatever_numpy_writes_is_read(version, order, dtype):
    stream = io.BytesIO()
    array = np.arange(24).reshape(2, 3, 4).astype(dtype, order=order)
    np.lib.format.write_array(stream, array, version=version)
    back = unpacked(stream.getvalue())
    assert back.dtype == array.dtype.newbyteorder("=") and np.array_equal(back, array)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.binary(max_size=60), st.integers(0, 140), st.integers(0, 140), st.booleans())
def test_damaged_bytes_are_an_array_or_one_clear_error(noise, start, stop, whole):
    """Bytes cut out of a right reply, or put into it: what cannot be read is said, whatever it is."""
    right = packed(np.arange(3.0))
    data = noise if whole else right[: min(start, stop)] + noise + right[max(start, stop) :]
    try:
        assert unpacked(data).size >= 0
    except NotNpy as error:
        assert str(error).isprintable()


# ---- what a program is given


def test_a_program_gets_the_arrays_in_order_and_the_keywords_that_it_takes(program, monkeypatch):
    monkeypatch.setenv("SMXCHECK_LABEL_SMOOTHING", "left over")
    words = program("""
        names = ("FUNCTION", "ARRAYS", "AXIS", "REDUCTION", "LABEL_SMOOTHING", "IGNORE_INDEX")
        print([os.environ.get(f"SMXCHECK_{n}") for n in names], sys.stdin.buffer.read().count(b"NUMPY"), file=sys.stderr)
        sys.exit(1)
    """)
    logits, labels, weight = X, np.array([1]), np.ones(3, np.float32)
    call = Call("cross_entropy", (logits, labels), {"weight": weight, "reduction": "none"})
    seen = run(f"cross_entropy(weight,reduction,axis)=command:{words}", call)
    assert seen.error == "['cross_entropy', 'logits labels weight', '-1', 'none', None, None] 3"
    call = Call("softmax", (X,), {"axis": (0, 1)})
    assert run(f"softmax(axis)=command:{words}", call).error == "['softmax', 'x', '0,1', None, None, None] 1"


def test_a_layout_or_keyword_that_cannot_be_sent_is_not_passed(program):
    words = program("answer()")
    assert run(f"softmax=command:{words}", Call("softmax", (X,), {}, "reversed")).outcome == "not-passed"
    assert run(f"softmax=command:{words}", Call("softmax", (X,), {"axis": 0})).outcome == "not-passed"


# ---- what a program does instead of answering: outcome, and a part of what is said


@pytest.mark.parametrize(
    ("body", "outcome", "part"),
    [
        ("answer()", "returned", ""),
        ("sys.stderr.write('no float32\\n'); sys.exit(3)", "raised", "no float32"),
        ("sys.exit(127)", "crashed", "127"),
        ("os.abort()", "crashed", "SIGABRT"),
        ("sys.stderr.write('std::bad_alloc\\n'); sys.stderr.flush(); os.abort()", "out-of-memory", "bad_alloc"),
        ("'x' * (1 << 28)", "out-of-memory", "MemoryError"),
        ("", "not-array", "nothing was written"),
        ("print('softmax\\x1b[31m is')", "not-array", r"begins with 'softmax\x1b[31m is\n'"),
        ("answer(b'\\0' * 13)", "not-array", "13 bytes follow"),
        ("answer(descr='|O')", "not-array", "dtype is |O"),
        ("answer(shape='(3000000000, 3000000000)')", "not-array", "12 bytes follow"),
        ("answer(version=b'\\3\\0')", "not-array", "version 3.0"),
        ("answer(b'x' * (1 << 25))", "not-array", "more than"),
        ("os.close(1); os.close(2); import time; time.sleep(60)", "hung", "no answer within"),
    ],
)  # fmt: skip
def test_every_end_of_a_program_is_an_observation(program, body, outcome, part):
    limit = 1 << 27 if "MemoryError" in part else 4 << 30
    seen = run(f"softmax=command:{program(body)}", timeout=0.5 if outcome == "hung" else 30.0, memory_limit=limit)
    assert (seen.outcome, part in seen.error) == (outcome, True), seen


def test_input_left_unread_and_standard_error_without_end_block_nothing(program):
    """More than a pipe holds, both ways at once."""
    large = np.zeros((1 << 20, 3), np.float32)
    words = program("sys.stderr.write('x' * 3_000_000); answer()")
    seen = run(f"softmax=command:{words}", Call("softmax", (large,)), timeout=30.0)
    assert (seen.outcome, seen.printed) == ("returned", 3_000_000)


def test_what_a_hanging_program_started_is_ended_with_it(program, tmp_path):
    words = program(f"""
        child = os.fork()
        if child:
            open({str(tmp_path / "child")!r}, "w").write(str(child))
        import time; time.sleep(60)
    """)
    assert run(f"softmax=command:{words}", timeout=0.5).outcome == "hung"
    child = int((tmp_path / "child").read_text())
    stop = time.monotonic() + 10
    while alive(child) and time.monotonic() < stop:
        time.sleep(0.01)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


# ---- what is refused before anything runs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["softmax=command:./nothing"], "no program ./nothing here"),
        (["softmax=command:nothing-of-that-name"], "in the folders of PATH"),
        (["softmax=command:kernel"], "write ./kernel"),
        (["softmax=command:./data.txt"], "chmod +x"),
        (["softmax=command:./folder"], "is a folder"),
        (["softmax=command:./text"], "cannot be started"),
        (["softmax=command:"], "no program is named"),
        (["softmax=command:'./kernel"], "No closing quotation"),
        (["command:./kernel"], "softmax=command:./kernel"),
        (["softmx=command:./kernel"], "did you mean softmax"),
        (["softmax(tau)=command:./kernel"], "no keyword 'tau'; it has axis"),
        (["softmax(=command:./kernel"], "is no function"),
        (["softmax,softmax=command:./kernel"], "named twice"),
        (["--command", "./kernel"], "needs -f FUNCTION"),
        (["--command", "./kernel", "-f", "softmax", "--no-isolate"], "--no-isolate"),
        (["--command", "./kernel", "-f", "softmax", "--arrays", "torch"], "--arrays torch"),
        (["--command", "./kernel", "-f", "softmax", "--gradient", "auto"], "softmax_vjp=command:"),
    ],
)  # fmt: skip
def test_a_program_that_cannot_be_used_is_refused_with_the_remedy(tmp_path, monkeypatch, capsys, words, part):
    monkeypatch.chdir(tmp_path)
    for name, mode in (("kernel", 0o755), ("data.txt", 0o644), ("text", 0o755)):
        (tmp_path / name).write_text("#!/bin/sh\n" if name == "kernel" else "softmax\n")
        (tmp_path / name).chmod(mode)
    (tmp_path / "folder").mkdir()
    done = called(monkeypatch, capsys, "verify", *words)
    assert (done.code, done.out) == (2, "")
    assert part in done.err and done.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("command", ["bench", "hunt"])
def test_what_measures_time_or_makes_millions_of_calls_refuses_a_program(monkeypatch, capsys, command):
    done = called(monkeypatch, capsys, command, f"softmax=command:{sys.executable}")
    assert done.code == 2 and "call it from Python" in done.err


def test_a_program_is_no_target_without_process_groups(monkeypatch):
    monkeypatch.setattr("smxcheck.targets.command.supported", lambda: False)
    with pytest.raises(TargetError, match="process groups"):
        run(f"softmax=command:{sys.executable}")


# ---- the examples


def test_the_ten_lines_of_python_are_right_on_another_axis(tmp_path, monkeypatch, capsys):
    (tmp_path / "kernel.py").write_text(PYTHON)
    monkeypatch.chdir(tmp_path)
    case = ("--case", "softmax/axes/3-by-1-axis-0/float32", "--no-store")
    done = called(monkeypatch, capsys, "verify", f"softmax(axis)=command:{sys.executable} kernel.py", *case)
    assert done.code == 0, done.out
    assert len(PYTHON.splitlines()) == 10


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The folder with the C example, as it is and without the subtraction of the largest entry."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        reason = "no C compiler: set CC, or install one"
        pytest.fail(reason) if os.environ.get("SMXCHECK_CI") == "1" else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("c")
    for name, flags in (("softmax", []), ("naive", ["-DNAIVE"])):
        words = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", *flags, "-o", str(folder / name), str(EXAMPLE), "-lm"]
        subprocess.run(words, check=True)
    return folder


@pytest.mark.parametrize("part", [("-k", "acceptance"), pytest.param((), marks=pytest.mark.slow)], ids=["few", "all"])
def test_the_c_example_is_right_and_without_its_subtraction_it_is_caught(compiled, part, monkeypatch, capsys):
    monkeypatch.chdir(compiled)
    assert len(EXAMPLE.read_text().splitlines()) < 100
    rest = ("-f", "softmax", "--dtype", "float32", "--dtype", "float64", "--no-store")
    few = ("-k", "acceptance")
    right = called(monkeypatch, capsys, "verify", "--command", "./softmax", *rest, *part)
    assert right.code == 0, right.out
    assert "softmax is right" in right.out and "not run" not in right.out
    wrong = called(monkeypatch, capsys, "verify", "--command", "./naive", *rest, *few)
    assert wrong.code == 1
    assert "behaves as: exp(x)/sum(exp(x)), without subtracting the maximum" in wrong.out
