"""What stdout, stderr and the report files get: one format each, whole, at the same exit code, with nothing else in it."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import select
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from functools import partial

import pytest

from .cli_support import COMMAND, FEW, KERNEL, called, environment, smxcheck, write

ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("output")
    write(path, "kernel.py", KERNEL)
    write(path, "noisy.py", KERNEL.replace("return e", "print('called'); return e") + "\n    print('imported')\n")
    return path


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """The command line in this process, in that folder."""
    monkeypatch.chdir(folder)
    return partial(called, monkeypatch, capsys)


def on_a_terminal(folder, *words: str, columns: int = 80, **changes: str) -> tuple[int, str, str]:
    """Exit code, and what stdout and stderr get on terminals of their own."""
    pairs = [pty.openpty(), pty.openpty()]
    for _, slave in pairs:
        subprocess.run(["stty", "cols", str(columns), "rows", "24"], stdin=slave, check=True)
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=folder, env=environment(**changes),
        stdin=subprocess.DEVNULL, stdout=pairs[0][1], stderr=pairs[1][1],
    )  # fmt: skip
    for _, slave in pairs:
        os.close(slave)
    texts = {master: b"" for master, _ in pairs}
    open_ends = set(texts)
    deadline = time.monotonic() + 120
    while open_ends and time.monotonic() < deadline:
        for master in select.select(list(open_ends), [], [], 1)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:  # EIO: the other end is closed
                data = b""
            texts[master] += data
            if not data:
                open_ends.discard(master)
    code = process.wait(timeout=10)
    for master, _ in pairs:
        os.close(master)
    out, err = (text.decode().replace("\r\n", "\n") for text in texts.values())
    return code, out, err


def test_a_terminal_gets_80_columns_colour_and_the_verdict_last(folder):
    code, out, _ = on_a_terminal(folder, "verify", "kernel.py", *FEW, columns=200)
    assert code == 1 and ESCAPE in out
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out).rstrip("\n").split("\n")
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("FAIL  kernel.py: log_softmax is wrong") for line in lines[-2:])
    assert ESCAPE not in re.sub(r"\x1b\[[0-9;]*m", "", out)  # colour, and no other sequence


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_escape_sequence_where_the_user_wants_none(folder, changes):
    code, out, err = on_a_terminal(folder, "verify", "kernel.py", *FEW, **changes)
    assert code == 1 and "WRONG" in out
    assert ESCAPE not in out + err


@pytest.mark.slow
def test_progress_is_on_a_terminals_stderr_alone_and_is_wiped_out(folder):
    write(folder, "slow.py", KERNEL.replace("e = np", "import time; time.sleep(0.08); e = np"))
    code, out, err = on_a_terminal(folder, "verify", "slow.py:softmax", *FEW, columns=60)
    assert code == 0 and "left" not in out
    drawn = err.split("\r")
    assert any(re.match(r"[\d,]+ of [\d,]+ calls, \S+ s left", line) for line in drawn), err
    assert all(len(line) < 60 for line in drawn) and ESCAPE not in err and "…" not in err
    assert drawn[-1] == "" and drawn[-2].strip() == ""


@pytest.mark.slow
def test_off_a_terminal_no_line_is_broken_and_nothing_is_drawn(folder):
    done = smxcheck(folder, "verify", "kernel.py", *FEW, COLUMNS="20")
    assert (done.code, done.err) == (1, "")
    assert ESCAPE not in done.out and "\r" not in done.out and "…" not in done.out
    assert any(len(line) > 120 for line in done.out.splitlines())
    assert done.out.splitlines()[-1].startswith("FAIL  kernel.py: log_softmax is wrong: 1 problem")


@pytest.mark.parametrize("format", ["rich", "plain", "json", "github"])
def test_the_exit_code_does_not_depend_on_the_format(run, format):
    done = run("verify", "kernel.py", *FEW, "--format", format)
    assert (done.code, done.err) == (1, "")
    assert ESCAPE not in done.out
    if format == "json":
        assert json.loads(done.out)["exit_code"] == 1
    if format == "github":
        assert done.out.startswith("::error file=kernel.py")


@pytest.mark.slow
def test_a_stream_without_unicode_gets_ascii(folder):
    done = smxcheck(folder, "verify", "kernel.py", *FEW, "--format", "github", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert (done.code, done.err) == (1, "")
    assert done.out.isascii()


@pytest.mark.slow
@pytest.mark.parametrize("isolation", [[], ["--no-isolate"]])
def test_json_on_stdout_is_pure_whatever_the_target_prints(folder, isolation):
    done = smxcheck(folder, "verify", "noisy.py", *FEW, "--format", "json", *isolation)
    assert json.loads(done.out)["schema"] == "smxcheck-report/1"
    assert done.code == 1
    assert ("called" in done.err) == bool(isolation)


@pytest.mark.slow
def test_quiet_is_one_line_in_every_spelling(run, folder):
    for format in ("rich", "plain", "github"):
        done = run("verify", "kernel.py:softmax", *FEW, "-q", "--format", format)
        assert done.code == 0 and done.out.startswith("OK  kernel.py:softmax") and done.out.count("\n") == 1


def test_several_reports_are_written_beside_stdout(run, folder):
    names = ["r.json", "r.xml", "r.md", "r.csv", "r.html", "r.txt", "junit:r.other"]
    done = run("verify", "kernel.py", *FEW, *(w for n in names for w in ("--report", n)))
    assert done.code == 1 and done.out.splitlines()[-1].startswith("FAIL")
    assert done.err.splitlines() == [f"wrote {n.removeprefix('junit:')}" for n in names]
    assert json.loads((folder / "r.json").read_text())["exit_code"] == 1
    assert ElementTree.parse(folder / "r.xml").getroot().tag == "testsuites"
    assert ElementTree.parse(folder / "r.other").getroot().tag == "testsuites"
    rows = list(csv.DictReader((folder / "r.csv").read_text().splitlines()))
    assert len(rows) == json.loads((folder / "r.json").read_text())["counts"]["results"]
    assert not [p.name for p in folder.iterdir() if p.name.endswith(".tmp")]


def test_a_report_that_cannot_be_written_leaves_what_was_there(run, folder):
    (folder / "kept.json").write_text("before")
    done = run("verify", "kernel.py", *FEW, "--report", "kept.json", "--require", "bogus")
    assert done.code == 2 and (folder / "kept.json").read_text() == "before"
    done = run("verify", "kernel.py", *FEW, "-q", "--report", "json:/dev/full")
    assert done.code == 2 and "cannot write /dev/full: No space left on device" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_found_before_the_run(folder):
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    done = smxcheck(folder, "verify", "kernel.py", *FEW, "--report", "locked/r.json")
    assert (done.code, done.out) == (2, "") and "cannot write in locked" in done.err


def test_nothing_is_written_that_was_not_asked_for(run, tmp_path, monkeypatch):
    write(tmp_path, "kernel.py", KERNEL)
    monkeypatch.chdir(tmp_path)
    run("verify", "kernel.py", *FEW)
    assert [p.name for p in tmp_path.iterdir()] == ["kernel.py"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--all"], ["--list"], ["--format", "rich"]])
def test_a_reader_that_goes_away_is_no_error_and_does_not_change_the_verdict(folder, words):
    process = subprocess.Popen(
        [*COMMAND, "verify", "kernel.py", *FEW, *words], cwd=folder, env=environment(), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == (0 if "--list" in words else 1)


def test_a_full_disk_under_stdout_is_said_and_not_called_a_fault(folder):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ran = subprocess.run([*COMMAND, "list", "checks"], stdout=full, stderr=subprocess.PIPE, text=True, env=environment())
    assert (ran.returncode, ran.stderr) == (2, "smxcheck: cannot write to stdout: No space left on device\n")


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_not_change_the_exit_code(folder, closed):
    command = " ".join([*COMMAND, "verify", "kernel.py:softmax", *FEW, "-q", closed])
    ran = subprocess.run(["sh", "-c", command], cwd=folder, env=environment(), capture_output=True, text=True)
    assert ran.returncode == 0 and ran.stderr == ""


def test_help_ends_with_examples_and_exit_codes_and_loads_no_numpy(folder):
    code = (
        "import sys; sys.argv = ['smxcheck', 'verify', '--help']\n"
        "from smxcheck.cli.app import app; from smxcheck.cli.errors import run_app\n"
        "code = run_app(app); print(sorted({'numpy', 'mpmath', 'rich'} & set(sys.modules)), code)"
    )
    ran = subprocess.run([COMMAND[0], "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert ran.stdout.splitlines()[-1] == "[] 0"
    for part in ("Examples:", "smxcheck verify kernel.py", "Exit codes:", "130  interrupted"):
        assert part in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert "smxcheck verify" in ran.stdout.splitlines()[-2]


@pytest.mark.slow
def test_the_examples_of_the_help_name_a_case_that_exists(folder):
    from smxcheck.cli.verify import EPILOG

    case = EPILOG.split("--case ")[1].split()[0]
    assert smxcheck(folder, "verify", "kernel.py", "--case", case, "--list").out == f"{case}\n"
