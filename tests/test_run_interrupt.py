"""Ctrl-C and SIGTERM end a run soon, with one line and exit code 130; no process, no half report is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .cli_support import COMMAND, environment, write

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")

#: Tells by a file that it is in a call, and by another, in each process, who it is.
SLOW = """
    import os, pathlib, time
    import numpy as np

    pathlib.Path(f"worker-{os.getpid()}").touch()

    def softmax(x):
        pathlib.Path("called").touch()
        time.sleep(0.2)
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def log_softmax(x):
        return np.log(softmax(x))
"""
LOADING = """
    import os, pathlib, time

    pathlib.Path(f"worker-{os.getpid()}").touch()
    pathlib.Path("called").touch()
    time.sleep(60)
"""


@pytest.fixture
def start(tmp_path):
    """Starts the command in a group of its own; ends what a failed test leaves."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, "verify", "slow.py", *words], cwd=tmp_path, env=environment(), start_new_session=True, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str], seconds: float = 10) -> tuple[int, str, str]:
    """Exit code and output. The promise is 2 s; more is granted here to a machine with other work."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def nobody_is_left(folder: Path, group: int) -> None:
    """The targets' processes say who they are; those of -j are in the group of the command."""
    workers = [int(p.name.partition("-")[2]) for p in folder.glob("worker-*")]
    assert workers
    deadline = time.monotonic() + 5
    left = {*workers, -group}
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if _lives(pid)}
        time.sleep(0.05)
    assert not left


def _lives(pid: int) -> bool:
    """Whether a process, or for a negative number any of a group, runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("to_group", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_interrupted_run_ends_with_one_line_and_leaves_nothing(tmp_path, start, number, jobs, to_group):
    write(tmp_path, "slow.py", SLOW)
    (tmp_path / "kept.json").write_text("before")
    process = start("-j", jobs, "--report", "kept.json", "--report", "new.xml")
    wait_for(tmp_path / "called")
    if to_group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    code, out, err = ended(process)
    if number is signal.SIGINT or not to_group or jobs == "1":  # else the pool's own processes die of it first
        assert (code, out) == (130, ""), err
        assert err.startswith("smxcheck: interrupted") and err.count("\n") == 1
    assert "Traceback" not in err
    assert (tmp_path / "kept.json").read_text() == "before"
    assert not (tmp_path / "new.xml").exists() and not list(tmp_path.glob(".*.tmp"))
    nobody_is_left(tmp_path, process.pid)


@pytest.mark.slow
def test_ctrl_c_while_the_target_is_imported(tmp_path, start):
    write(tmp_path, "slow.py", LOADING)
    process = start()
    wait_for(tmp_path / "called")
    os.killpg(process.pid, signal.SIGINT)
    assert ended(process) == (130, "", "smxcheck: interrupted\n")
    nobody_is_left(tmp_path, process.pid)


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.05, 0.15, 0.3, 0.5])
def test_ctrl_c_while_smxcheck_itself_is_loaded(tmp_path, start, after):
    write(tmp_path, "slow.py", SLOW)
    process = start("-j", "2")
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    code, out, err = ended(process)
    # Before the first line of smxcheck runs, Python answers for itself.
    assert (code, err) == (130, "smxcheck: interrupted\n") or "smxcheck/cli" not in err
    assert out == ""


@pytest.mark.slow
def test_a_killed_command_leaves_no_process(tmp_path, start):
    write(tmp_path, "slow.py", SLOW)
    process = start("-j", "2")
    wait_for(tmp_path / "called")
    process.kill()
    process.communicate()
    nobody_is_left(tmp_path, process.pid)


def test_an_interrupt_in_the_middle_of_an_import_is_no_fault():
    from smxcheck.cli.errors import _of_interrupt

    try:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            raise RuntimeError("Error calling __set_name__") from interrupt
    except RuntimeError as error:
        assert _of_interrupt(error)
    assert not _of_interrupt(RuntimeError("of its own"))


def test_a_report_that_is_interrupted_is_not_there(tmp_path, monkeypatch):
    from smxcheck.report import write as writing

    from . import report_samples as samples

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing.os, "fsync", interrupt)
    (tmp_path / "a.json").write_text("before")
    for name in ("a.json", "b.xml"):
        with pytest.raises(KeyboardInterrupt):
            writing.write_report(samples.one_wrong(), tmp_path / name)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.json": "before"}
