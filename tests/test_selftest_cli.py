"""``smxcheck self-test`` as a user sees it: screen, files, exit codes, and implementations from a file of the user's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import smxcheck
from smxcheck.cli.run_self_test import Given, _wanted
from smxcheck.report.screen import Layout
from smxcheck.selftest import as_json, as_markdown, screen, words
from smxcheck.selftest.results import Fate, Machinery, Mutant, Right, Rival, SelfTest
from smxcheck.targets.protocol import TargetError

from .cli_support import COMMAND, called, environment, write

SCHEMA = json.loads((Path(smxcheck.__file__).parent / "selftest" / "schema.json").read_text())
FEW = ("-f", "nll_loss_grad")

OWN = '''
    import numpy as np

    def nll_loss_grad_of_zeros(log_probabilities, labels):
        """Zeros, whatever the labels.

        A second line.
        """
        return np.zeros_like(log_probabilities)

    def right_log_sigmoid_grad(x):
        return 1 / (1 + np.exp(x))
'''
LIVES = OWN + '''
    def log_sigmoid_grad_that_is_right(x):
        "Nothing is wrong with it."
        return 1 / (1 + np.exp(x))
'''
FALSE_ALARM = OWN + '''
    def right_sigmoid_grad(x):
        return np.exp(x)
'''

MUTANT = Mutant(
    "softmax/a", "mistake", "softmax", "core", "X01", "exp(x)", "SMX101", "float32", "standard", Fate.KILLED,
    ("SMX101", "SMX102"), "softmax/acceptance/b/float32", 480, "smxcheck self-test -k softmax/a --all",
)  # fmt: skip
FORM = Right("softmax_two_pass", "form", "softmax", "core", "exp / Σ", ("float32",), "standard", again="smxcheck verify a")
MACHINE = {"cpu": "a CPU", "numpy_simd": "AVX2"}
VERSIONS = {"smxcheck": "0", "case_set": "1", "judge": "2"}
BAD = SelfTest(
    (
        MUTANT,
        replace(MUTANT, id="softmax/lives", fate=Fate.LIVED, checks=(), smallest=""),
        replace(MUTANT, id="softmax/late", kind="misbehaviour", fate=Fate.LIVED, declared="SMX207", checks=("SMX101",)),
        replace(MUTANT, id="softmax/same", fate=Fate.EQUIVALENT),
    ),
    (FORM, replace(FORM, id="softmax_blamed", held_against=("SMX101 softmax/x/float32: off by 9 ulp",))),
    (
        Rival("allclose", "rtol 1e-7 on normals", 3, 1, ("softmax/a",), 2, ("softmax_two_pass",)),
        Rival("gradcheck", "", not_run="PyTorch is not installed"),
    ),
    (Machinery("tiers", "Do they agree?", 10, 9, ("softmax: 1 and 2",)), Machinery("Arb", "And this?", not_run="no flint")),
    12.0, 2, 0, VERSIONS, MACHINE, equivalents=76,
)  # fmt: skip


def test_the_screen_fits_a_terminal_and_ends_with_the_verdict() -> None:
    found = ["".join(text for text, _ in line) for line in screen.lines(BAD, Layout(), everything=True)]
    assert max(map(len, found)) <= 80
    text = "\n".join(found)
    last = " ".join(" ".join(found[-4:]).split())
    assert last.endswith("FAILED: 1 of 3 mutants killed (33.3 %); 1 of 2 right implementations blamed; 0 of 1 checks of its"
                         " own machinery held. 2 mutants lived, 1 equivalent was found, 1 right one was blamed and 1 fault of"
                         " the machinery.")  # fmt: skip
    assert "LIVED: softmax/lives" in text and "self-test -k softmax/a --all" in text
    assert "found by SMX101, not by SMX207, which it is for" in text.replace("\n              ", " ")
    assert "FOUND ALL THE SAME: softmax/same" in text
    assert "BLAMED: softmax_blamed" in text and "FAULT: tiers: softmax: 1 and 2" in text
    assert "gradcheck not run: PyTorch is not installed" in text


def test_facts_say_the_same_in_one_line_each_and_ascii_where_asked() -> None:
    facts = list(screen.facts(BAD, unicode=False))
    assert all(fact.isascii() and "\n" not in fact for fact in facts)
    assert any(fact.startswith("other check allclose: killed 1 of 3 (33.3 %), refuses 1 of 2 right ones") for fact in facts)
    assert words.HONEST in facts
    assert facts[-1] == words.verdict(BAD)


def test_json_is_what_the_schema_says() -> None:
    data = json.loads(as_json.render(BAD))
    jsonschema.validate(data, SCHEMA)
    assert data["exit_code"] == 1
    assert data["score"] == {"mutants": 3, "killed": 1, "rights": 2, "blamed": 1}
    assert [m["fate"] for m in data["mutants"]] == ["killed", "lived", "lived", "equivalent"]


def test_the_page_has_every_mutant() -> None:
    page = as_markdown.render(BAD)
    assert page.startswith("# FAILED")
    assert all(f"| {m.id} |" in page for m in BAD.mutants)


def test_control_characters_of_a_file_reach_no_output() -> None:
    evil = replace(BAD, mutants=(replace(MUTANT, id="a\x1b[31m\nb", formula="\x07", fate=Fate.LIVED),))
    whole = [*screen.facts(evil, everything=True), as_json.render(evil)]
    whole += ["".join(t for t, _ in line) for line in screen.lines(evil, Layout(), everything=True)]
    assert not any(c in text for text in whole for c in "\x1b\x07")


# ---- the command


def test_one_function_passes_and_the_file_says_so(monkeypatch, capsys, tmp_path) -> None:
    report = tmp_path / "self.json"
    done = called(monkeypatch, capsys, "self-test", *FEW, "--no-rivals", "-j", "1", "--report", str(report), "--format", "plain")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1].startswith("PASSED: ")
    data = json.loads(report.read_text())
    jsonschema.validate(data, SCHEMA)
    assert {m["function"] for m in data["mutants"]} == {"nll_loss_grad"}
    assert not data["rivals"] and data["machinery"]


@pytest.mark.parametrize(("text", "code", "told"), [
    (OWN, 0, "PASSED: 1 of 1 mutants killed (100 %); 0 of 1 right implementations blamed."),
    (LIVES, 1, "LIVED: log_sigmoid_grad_that_is_right"),
    (FALSE_ALARM, 1, "BLAMED: right_sigmoid_grad, which is right"),
])  # fmt: skip
@pytest.mark.slow
def test_a_file_of_the_users_own_is_judged_alone(monkeypatch, capsys, tmp_path, text, code, told) -> None:
    write(tmp_path, "mine.py", text)
    monkeypatch.chdir(tmp_path)
    done = called(monkeypatch, capsys, "self-test", "--with", "mine.py", "-j", "1", "--format", "plain")
    lines = done.out.splitlines()
    assert (done.code, told in lines) == (code, True), done.out + done.err
    assert any(line.startswith("only the implementations of the file were run") for line in lines)


def test_what_is_wrong_is_the_first_line_of_the_docstring(monkeypatch, tmp_path) -> None:
    write(tmp_path, "mine.py", OWN)
    monkeypatch.chdir(tmp_path)
    wanted, _ = _wanted(Given((), "", "mine.py", ("float64",), "tight", False, True, 0, 1, "", (), False))
    mutant, right = wanted.own
    assert (mutant.kind, mutant.formula, mutant.dtypes) == ("own", "Zeros, whatever the labels.", ("float64",))
    assert (right.kind, right.must_fail, wanted.parts()) == ("own right", False, [])
    assert mutant.again == "smxcheck verify mine.py:nll_loss_grad_of_zeros --require tight --dtype float64"


@pytest.mark.parametrize(("content", "told"), [
    (None, "mine.py"), ("def f(:", "not valid Python"), ("x = 1", "no callable"), ("raise ValueError(1)", "ValueError"),
])  # fmt: skip
def test_a_file_that_is_not_usable_is_one_line(monkeypatch, capsys, tmp_path, content, told) -> None:
    if content is not None:
        (tmp_path / "mine.py").write_text(content)
    monkeypatch.chdir(tmp_path)
    done = called(monkeypatch, capsys, "self-test", "--with", "mine.py")
    assert done.code == 2 and not done.out
    assert told in done.err and done.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("options", [
    ("-f", "softmx"), ("-j", "0"), ("--dtype", "float32"), ("--require", "tight"), ("--format", "xml"),
    ("--report", "x.txt"), ("--seed", "-1"), ("--with", "a.py", "--full"), ("--with", "a.txt"), ("--with", "a.py", "--dtype", "f"),
])  # fmt: skip
def test_a_command_that_is_not_usable_is_one_line(monkeypatch, capsys, options) -> None:
    done = called(monkeypatch, capsys, "self-test", *options)
    assert done.code == 2 and not done.out
    assert done.err.count("\n") == 1


def test_nothing_selected_is_no_pass(monkeypatch, capsys) -> None:
    done = called(monkeypatch, capsys, "self-test", "-k", "no such mutant", "--format", "plain")
    assert done.code == 5 and done.out.splitlines()[-1].startswith("NOTHING")


def test_a_fault_of_a_target_is_raised_where_it_is_opened(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetError):
        _wanted(Given((), "", "nowhere.py", (), "", False, True, 0, 1, "", (), False))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_ctrl_c_ends_it_and_every_process_of_it(tmp_path) -> None:
    write(tmp_path, "mine.py", """
        import os, pathlib, time

        def sigmoid(x):
            pathlib.Path(f"called-{os.getpid()}").touch()
            time.sleep(30)
    """)  # fmt: skip
    process = subprocess.Popen(
        [*COMMAND, "self-test", "--with", "mine.py", "-j", "1"], cwd=tmp_path, env=environment(), text=True,
        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (calls := list(tmp_path.glob("called-*"))):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "smxcheck: interrupted\n")
    worker = int(calls[0].name.partition("-")[2])
    deadline = time.monotonic() + 5
    with pytest.raises(ProcessLookupError):
        while True:
            os.kill(worker, 0)
            assert time.monotonic() < deadline, "the worker of the target is left behind"
            time.sleep(0.05)
