"""``smxcheck replay``: FIXED only for what is right now, STILL FAILING, GONE, and the exit code; kills leave whole files."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smxcheck.caseset import load_cases
from smxcheck.caseset.found import found_case
from smxcheck.judge.call import Demand
from smxcheck.judge.contract import Filter
from smxcheck.judge.result import Level
from smxcheck.store import Entry, again, entries, files
from smxcheck.store.replay import Word, replay
from smxcheck.targets.load import open_session, parse_target

from .cli_support import Done, called, environment, write

STORE = Path(".smxcheck")
#: Shipped wrong, right, and one that cannot be loaded.
WRONG, RIGHT, NOWHERE = "builtin.textbook", "builtin", "nowhere.py"

Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: called(monkeypatch, capsys, *words)


def kept(target: str, *values: float, **more: object) -> Entry:
    x = np.array(values or (1000, 1001), np.float32)
    made = Entry(target, found_case("softmax", "float32", {"x": x}), check="SMX102", input=f"softmax({list(values)})")
    return replace(made, **more)  # type: ignore[arg-type]


def test_what_is_right_now_is_fixed_and_goes_and_what_is_wrong_stays(run: Run) -> None:
    files.put(STORE, [kept(WRONG), kept(RIGHT), kept(NOWHERE)])
    done = run("replay")
    lines = done.out.splitlines()
    assert done.code == 1 and lines[-1].startswith("FAIL  3 kept inputs: 1 still failing, 1 fixed and no longer kept, 1 not run")
    assert [line.partition(":")[0] for line in lines[:3]] == ["STILL FAILING", "FIXED", "GONE"]
    assert "got [nan, nan], right [0.26894142, 0.73105858]" in lines[0] and "no file nowhere.py" in lines[2]
    assert {e.target for _, e in entries(STORE)[0]} == {WRONG, NOWHERE}


@pytest.mark.parametrize(
    ("targets", "words", "code"),
    [
        ([RIGHT, RIGHT + ".shifted"], [], 0), ([WRONG], [], 1), ([NOWHERE], [], 2), ([], [], 5), ([RIGHT, NOWHERE], [], 0),
        ([WRONG], ["--target", RIGHT], 0), ([RIGHT], ["--target", WRONG], 1), ([WRONG], [RIGHT], 2), ([WRONG, RIGHT], [RIGHT], 0),
        ([WRONG], ["--format", "xml"], 2), ([WRONG], ["--list"], 0),
    ],
)  # fmt: skip
def test_the_exit_code(run: Run, targets: list[str], words: list[str], code: int) -> None:
    files.put(STORE, [kept(target) for target in targets])
    done = run("replay", *words)
    assert done.code == code and (code not in (2, 5) or len((done.err or done.out).splitlines()) <= 2)


def test_fixed_inputs_stay_where_they_are_asked_to_or_belong_to_another_target(run: Run) -> None:
    files.put(STORE, [kept(RIGHT)])
    assert "no longer kept" not in run("replay", "--keep").out and len(entries(STORE)[0]) == 1
    files.put(STORE, [kept(WRONG)])
    assert run("replay", WRONG, "--target", RIGHT).code == 0 and len(entries(STORE)[0]) == 2
    assert run("replay", kept(RIGHT).id[:6]).code == 0 and [e.target for _, e in entries(STORE)[0]] == [WRONG]


def test_an_input_is_named_as_any_screen_writes_it(run: Run) -> None:
    """By its id, the digits of its case, its case, its target, the file of that, or one function of a file."""
    entry = kept("kernel.py")
    files.put(STORE, [entry, kept("kernel.py:softmax", 5), kept("other.py", 7)])
    digits = entry.case.id.split("/")[2]
    told = {w: len(run("replay", w, "--list").out.splitlines())
            for w in (entry.id[:6], digits, entry.case.id, "kernel.py", "kernel.py:softmax", "other.py:softmax")}  # fmt: skip
    assert list(told.values()) == [1, 1, 1, 2, 2, 1]
    assert run("replay", "kernel.py:log_softmax", "--list").code == 2 and run("replay", digits[:3], "--list").code == 2
    unknown = run("repro", "softmax/found/0123456789ab/float32")
    assert unknown.code == 2 and "replay --list" in unknown.err


def test_the_demands_of_the_run_hold_again(run: Run) -> None:
    """An error of more than an ulp that level standard allows: kept under 1ulp, it is no more right than it was."""
    session = open_session(parse_target(RIGHT + ".shifted"))
    some = (c for c in load_cases(["softmax"], ("float32",)) if c.elements < 1000 and c.check == "accuracy")
    case = next(c for c in some if again.put(session, c, Demand(Level.ULP1), Filter()).failures)
    case = replace(case, keywords=dict(case.keywords))
    strict, lax = (Entry(RIGHT + ".shifted", case, Demand(level), check="SMX101") for level in (Level.ULP1, Level.STANDARD))
    words = [one.word for e in (strict, lax) for one in replay([(Path("x"), e)], Path.cwd())]
    assert words == [Word.FAILING, Word.FIXED]


def test_a_refusal_is_not_fixed_though_a_target_may_decline_a_class(tmp_path: Path) -> None:
    """The judge of a whole run calls an exception declined where all cases of a class raise; one input alone is its class."""
    write(tmp_path, "k.py", """
        def softmax(x, axis=-1):
            raise TypeError("no float16")
    """)  # fmt: skip
    case = found_case("softmax", "float16", {"x": np.ones(3, np.float16)})
    (one,) = replay([(Path("x"), Entry(str(tmp_path / "k.py"), case, check="SMX301"))], tmp_path)
    assert one.word is Word.FAILING and "no float16" in one.why


def test_what_several_calls_decide_is_undecided_for_one(run: Run) -> None:
    x = np.full(3, -np.inf, np.float32)
    files.put(STORE, [replace(kept(RIGHT), case=found_case("softmax", "float32", {"x": x}), check="SMX501")])
    done = run("replay")
    assert done.code == 3 and "UNDECIDED" in done.out and len(entries(STORE)[0]) == 1


def test_a_callable_that_lacks_the_function_or_the_keyword_is_gone(tmp_path: Path) -> None:
    write(tmp_path, "k.py", """
        def sigmoid(x):
            return x

        def log_softmax(x):
            return x
    """)  # fmt: skip
    x = np.ones((2, 2), np.float32)
    made = [found_case(f, "float32", {"x": x}, {"axis": 0}) for f in ("softmax", "log_softmax")]
    done = list(replay([(Path("x"), Entry("k.py", c, where=".")) for c in made], tmp_path))
    assert [one.word for one in done] == [Word.GONE, Word.GONE]
    assert "offers no softmax" in done[0].why and "keywords" in done[1].why


def test_a_target_is_opened_where_the_failing_run_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    write(tmp_path / "inner", "k.py", "def softmax(x, axis=-1):\n    return x * 0\n")
    monkeypatch.chdir(tmp_path)
    (one,) = replay([(Path("x"), kept("k.py", where="inner"))], tmp_path)
    assert one.word is Word.FAILING and Path.cwd() == tmp_path


def test_a_damaged_entry_is_told_and_passed_over(run: Run) -> None:
    files.put(STORE, [kept(RIGHT)])
    (STORE / "failing" / "0-bad.npz").write_bytes(b"PK\x03\x04")
    done = run("replay")
    assert done.code == 0 and len(done.err.splitlines()) == 1 and "0-bad.npz is damaged" in done.err
    done = run("replay")
    assert done.code == 2 and "no file" in done.err


@pytest.mark.slow
def test_json_and_text_of_a_stranger(run: Run) -> None:
    files.put(STORE, [kept(NOWHERE, input="softmax(\x1b[31m[1])\n::error")])
    done = run("replay", "--format", "json")
    document = json.loads(done.out)
    assert done.code == document["exit_code"] == 2 and document["schema"] == "smxcheck-replay/1"
    assert document["entries"][0]["word"] == "GONE" and not document["entries"][0]["removed"]
    for words in ([], ["--list"], ["--format", "rich"], ["--list", "--format", "rich"]):
        shown = run("replay", *words).out
        assert "\x1b" not in shown and "\n::" not in shown and max(map(len, shown.splitlines())) < 200


def test_a_property_is_put_again_as_a_property(tmp_path: Path) -> None:
    """A callable that writes into its input: wrong by what it does, not by its values."""
    write(tmp_path, "k.py", """
        import numpy as np

        def softmax(x, axis=-1):
            x -= x.max(axis=axis, keepdims=True)
            e = np.exp(x)
            return e / e.sum(axis=axis, keepdims=True)
    """)  # fmt: skip
    done = list(replay([(Path("x"), kept("k.py", 1.0, 2.0, check="SMX205"))], tmp_path))
    assert done[0].word is Word.FAILING and "input" in done[0].why


#: Forks a child for every line that it reads, tells its number, runs the command in it, and tells when it ended. All is
#: imported before, so that a kill lands in the run and not in its imports.
SERVER = """
import os, sys
import smxcheck.report.as_junit, smxcheck.report.as_markdown, smxcheck.run.execute
from smxcheck.cli.app import app
from smxcheck.cli.errors import run_app

sys.argv = ["smxcheck", *sys.argv[1:]]
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os._exit(run_app(app))
    print(pid, file=sys.stderr, flush=True)
    os.waitpid(pid, 0)
    print("ended", file=sys.stderr, flush=True)
"""
REPORTS = ("--report", "out.json", "--report", "out.xml", "--report", "out.md")
VERIFY = ("verify", WRONG, "-f", "softmax", "-k", "acceptance", "--dtype", "float32", "-q", *REPORTS)
#: Seconds that such a run takes with everything imported, about; kills are spread over them.
_SPAN = 0.5


def kill_in(folder: Path, delays: list[float]) -> Iterator[None]:
    """One run for each delay, killed so many seconds after its start."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, *VERIFY], cwd=folder, env=environment(), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with server:
        assert server.stdin and server.stderr
        for delay in delays:
            server.stdin.write("go\n")
            server.stdin.flush()
            child = int(server.stderr.readline())
            time.sleep(delay)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            assert server.stderr.readline() == "ended\n"
            yield
        server.stdin.close()


def assert_whole(folder: Path) -> None:
    """Every entry and report there is reads back; whatever else there is is a temporary file, which nothing reads."""
    from xml.etree import ElementTree

    found, told = entries(folder / ".smxcheck")
    assert not told
    for report in folder.glob("out.*"):
        text = report.read_text(encoding="utf-8")
        if report.suffix == ".json":
            assert json.loads(text)["schema"] == "smxcheck-report/1"
        elif report.suffix == ".xml":
            ElementTree.fromstring(text)
        assert text.endswith("\n")
    known = {"out.json", "out.xml", "out.md", ".smxcheck"}
    assert all(p.name in known or p.name.endswith(".tmp") for p in folder.iterdir()), sorted(folder.iterdir())
    ignored = folder / ".smxcheck" / ".gitignore"
    assert not ignored.exists() or ignored.read_text() == "*\n"
    assert ignored.exists() or not found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks, and SIGKILL is POSIX's")
@pytest.mark.parametrize("number", [pytest.param(8, id="8"), pytest.param(40, id="40", marks=pytest.mark.slow)])
def test_a_run_that_is_killed_leaves_whole_files_or_none_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    draw = random.Random(number)
    for _ in kill_in(tmp_path, [_SPAN * (k + draw.random()) / number for k in range(number)]):
        assert_whole(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert called(monkeypatch, capsys, *VERIFY).code == 1
    assert_whole(tmp_path)
    assert {p.name for p in tmp_path.glob("out.*")} == {"out.json", "out.xml", "out.md"}
    assert called(monkeypatch, capsys, "replay").code == 1 and len(entries(tmp_path / ".smxcheck")[0]) == 2
