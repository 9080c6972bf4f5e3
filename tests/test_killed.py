"""SIGKILL at any moment: no file is half-written, no process of a target stays, and the next run works."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from smxcheck.benchmark.files.document import load as load_bench
from smxcheck.report.as_json import load as load_report
from smxcheck.store import entries

from .cli_support import COMMAND, environment, write

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="SIGKILL and process groups are POSIX's")

#: Wrong, so that there are entries to keep and problems to know; each process says who it is.
WRONG = """
    import os, pathlib
    import numpy as np

    pathlib.Path(f"pid-{os.getpid()}").touch()

    def softmax(x):
        e = np.exp(x)
        return e / e.sum(axis=-1, keepdims=True)
"""
#: A program that starts another and hangs, as do both: neither looks at a pipe.
HANGS = """\
    #!/bin/sh
    touch pid-$$
    sleep 600 &
    touch pid-$!
    wait
"""
VERIFY = (
    "verify", "wrong.py:softmax", "-k", "acceptance", "--dtype", "float32", "-q", "--report", "out.json", "--report", "out.json.gz",
    "--report", "out.xml", "--report", "out.html", "--report", "out.md", "--write-known", "known.toml",
)  # fmt: skip
BENCH = ("bench", "builtin", "-f", "softmax", "--dtype", "float32", "--shape", "8x16", "--quick", "--time-limit", "1", "-q", "--save", "bench.json")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    write(tmp_path, "wrong.py", WRONG)
    write(tmp_path, "hangs", HANGS).chmod(0o755)
    yield tmp_path
    for pid in alive(tmp_path):  # what a failed test leaves
        os.kill(pid, signal.SIGKILL)


def start(folder: Path, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
    nothing = subprocess.DEVNULL
    return subprocess.Popen([*COMMAND, *words], cwd=folder, env=environment(), stdin=nothing, stdout=nothing, stderr=nothing)


def alive(folder: Path) -> set[int]:
    """The processes that said who they are, and still run."""
    return {pid for path in folder.glob("pid-*") if _runs(pid := int(path.name.partition("-")[2]))}


def _runs(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")  # dead, but waited for by nobody
        return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
    return False


def assert_nobody_is_left(folder: Path) -> None:
    deadline = time.monotonic() + 10
    while (left := alive(folder)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left


class _Tags(HTMLParser):
    """The last tag that was closed."""

    last = ""

    def handle_endtag(self, tag: str) -> None:
        self.last = tag


def assert_whole(folder: Path) -> None:
    """Every file there is reads back; what is not whole has no name, where the system knows files without one."""
    for path in folder.glob("out.*"):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = content.decode()
        assert text.endswith("\n"), path
        if ".json" in path.suffixes:
            load_report(text)
        elif path.suffix == ".xml":
            ElementTree.fromstring(text)
        elif path.suffix == ".html":
            tags = _Tags()
            tags.feed(text)
            assert tags.last == "html"
    if (known := folder / "known.toml").exists():
        assert tomllib.loads(known.read_text(encoding="utf-8"))["known"]
    if (bench := folder / "bench.json").exists():
        load_bench(bench.read_text(encoding="utf-8"))
    found, told = entries(folder / ".smxcheck")
    assert not told
    ignored = folder / ".smxcheck" / ".gitignore"
    assert ignored.read_text() == "*\n" if ignored.exists() else not found
    if sys.platform == "linux":
        assert not list(folder.rglob(".*.tmp"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "number"),
    [
        pytest.param(VERIFY, 8, id="verify"), pytest.param((*VERIFY, "-j", "2"), 4, id="processes"),
        pytest.param(BENCH, 4, id="bench"),
    ],
)  # fmt: skip
def test_a_run_that_is_killed_leaves_whole_files_or_none_and_nobody(folder, words, number):
    """Kills are spread from the start to the end of a run that is measured first; files of runs before stand meanwhile."""
    started = time.monotonic()
    code = start(folder, words).wait(60)
    span, draw = time.monotonic() - started, random.Random(number)
    assert code == (0 if words is BENCH else 1)
    for k in range(number):
        if k % 2:
            for path in folder.glob("*.*"):
                path.unlink() if path.is_file() and path.name != "wrong.py" else None
        process = start(folder, words)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(span * (k + draw.random()) / number)
        process.kill()
        process.wait()
        assert_nobody_is_left(folder)
        assert_whole(folder)
    assert start(folder, words).wait(60) == code
    assert_whole(folder)
    assert (folder / "bench.json").exists() if words is BENCH else len(list(folder.glob("out.*"))) == 5 and (folder / "known.toml").exists()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_program_that_hangs_does_not_outlive_smxcheck(folder, jobs):
    """Nor does what it has started. The run is killed alone, not its group."""
    process = start(folder, ("verify", "--command", "./hangs", "-f", "softmax", "--dtype", "float32", "--no-store", "-j", jobs))
    deadline = time.monotonic() + 30
    while len(alive(folder)) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert_nobody_is_left(folder)
