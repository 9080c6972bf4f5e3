"""What is not usable ends in one line on stderr with the remedy, exit code 2, and nothing on stdout."""

from __future__ import annotations

import io
import zipfile
from functools import partial

import numpy as np
import pytest

from .cli_support import KERNEL, Done, called, smxcheck, write

BUILTIN = ("verify", "builtin.shifted", "-f", "softmax", "--dtype", "float32")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An own folder with a kernel in it."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "kernel.py", KERNEL)
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.fixture
def run(here, monkeypatch, capsys):
    """The command line in this process."""

    return partial(called, monkeypatch, capsys)


def refused(done: Done, *parts: str) -> None:
    """One clear line, and nothing else."""
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("smxcheck: ")
    assert done.err.count("\n") == 1 and done.err.endswith("\n"), done.err
    assert "Traceback" not in done.err and "╭" not in done.err and "\x1b" not in done.err
    for part in parts:
        assert part in done.err, done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--dtyp", "float32"], ["no option --dtyp", "did you mean --dtype?"]),
        (["--dtype"], ["--dtype needs a value", "bfloat16", "smxcheck verify --help"]),
        (["--expect"], ["--expect needs a value", "CHOICE=VALUE"]),
        (["--all=3"], ["--all", "does not take a value"]),
        (["--dtype", "float33"], ["'float33'", "did you mean float32?"]),
        (["--function", "sofmax"], ["no function 'sofmax'", "did you mean softmax?"]),
        (["--cases", "fast"], ["--cases is one of quick, full"]),
        (["--require", "bogus"], ["--require is one of standard, tight, 1ulp"]),
        (["--arrays", "bogus"], ["--arrays is one of auto, numpy, torch, jax"]),
        (["--arrays", "torch"], ["builtin takes numpy arrays"]),
        (["--device", "tpu"], ["--device is one of cpu, cuda"]),
        (["--format", "html"], ["--format is one of rich, plain, json, github", "--report FILE"]),
        (["--case", "nope"], ["'nope' is not a case id", "log_softmax/far-tail/200/float32"]),
        (["--case", "softmax/acceptance/squar/float32"], ["did you mean softmax/acceptance/square/float32?"]),
        (["--case", "log_softmax/far-tail/200/float32"], ["is no case of --function softmax"]),
        (["--case", "softmax/acceptance/square/float64"], ["is no case of --dtype float32"]),
        (["--allow", "bogus"], ["no check 'bogus' to allow", "smxcheck list checks"]),
        (["--allow", "SMX101"], ["cannot be allowed", "--known"]),
        (["--expect", "bogus"], ["there are all-masked"]),
        (["--expect", "all-masked"], ["all-masked is one of nan, zero, uniform"]),
        (["--expect", "all-masked=one"], ["all-masked is one of nan, zero, uniform"]),
        (["--fixed", "bogus=1"], ["NAME one of axis"]),
        (["--fixed", "axis=__import__('os')"], ["--fixed axis="]),
        (["--only", "3f"], ["'3f' is not understood", "n<=8192"]),
        (["--beside", "bogus"], ["no target 'bogus'"]),
        (["--beside", "builtin.shifted"], ["is the target itself"]),
        (["--gradient", "f"], ["--gradient f: no target"]),
        (["--gradient", "numpy:exp"], ["builtin.shifted has its own derivatives", "name the callable"]),
        (["-j", "0"], ["-j is a whole number from 1 on, not 0"]),
        (["-j", "many"], ["Invalid value for '--jobs'"]),
        (["--timeout", "-1"], ["--timeout is a number above 0, not -1"]),
        (["--timeout", "nan"], ["--timeout is a number above 0, not nan"]),
        (["--timeout", "inf"], ["--timeout is a number above 0, not inf"]),
        (["--compile-timeout", "0"], ["--compile-timeout is a number above 0"]),
        (["--time-limit", "-3"], ["--time-limit is a number above 0"]),
        (["--max-ulp", "nan"], ["--max-ulp is a number from 0, not nan"]),
        (["--max-ulp", "-1"], ["--max-ulp is a number from 0, not -1"]),
        (["--max-ulp", "few"], ["Invalid value for '--max-ulp'"]),
        (["-q", "-v"], ["-q and -v exclude each other"]),
        (["-q", "--all"], ["-q and --all exclude each other"]),
        (["--no-isolate", "-j", "2"], ["--no-isolate and -j exclude each other"]),
        (["--list", "--report", "a.json"], ["--list and --report exclude each other"]),
        (["--case", "softmax/acceptance/square/float32", "-k", "x"], ["--case and -k exclude each other"]),
        (["--report", "out"], ["does not say which format", ".json"]),
        (["--report", "out.pdf"], ["does not say which format", ".json"]),
        (["--report", "bogus:out"], ["no report format 'bogus'"]),
        (["--report", "missing/out.json"], ["there is no folder missing"]),
        (["--report", "json:folder"], ["folder is a folder"]),
        (["--report", "a.json", "--report", "json:a.json"], ["a.json writes the same file"]),
        (["--known", "none.toml"], ["--known none.toml", "No such file"]),
        (["--known", "folder"], ["--known folder"]),
        (["--inputs", "none.npy"], ["none.npy"]),
        (["--inputs", "folder"], ["unknown suffix"]),
    ],
)
def test_an_option_that_cannot_be_meant_is_one_line_with_the_remedy(run, words, parts):
    refused(run(*BUILTIN, *words), *parts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("", ["names no target"]),
        ("softmax=", ["names no target"]),
        ("scpy", ["did you mean scipy?"]),
        ("builtin.shiftd", ["did you mean builtin.shifted"]),
        ("missing.py", ["no file missing.py"]),
        ("folder", ["is a folder", "name a Python file"]),
        ("./folder", ["is a folder"]),
        ("kernel.py:nope", ["has no nope", "softmax, log_softmax"]),
        ("softmax=kernel.py", ["softmax=kernel.py:NAME"]),
        ("sofmax=kernel.py:softmax", ["no function 'sofmax'", "did you mean softmax"]),
        ("no.such.module:f", ["no module"]),
        ("smxcheck.dtypes", ["name the callable in the module"]),
    ],
)
def test_a_target_that_is_not_there_is_one_line_with_the_remedy(run, target, parts):
    refused(run("verify", target, "-k", "acceptance"), *parts)


@pytest.mark.slow
@pytest.mark.parametrize("again", ["kernel.py", "./kernel.py"])
def test_a_target_named_twice_is_an_error_under_either_spelling(run, again):
    refused(run("verify", "kernel.py", again), "kernel.py is named twice")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("def softmax(x:\n", ["not valid Python", "mine.py:1"]),
        ("import there_is_no_such_package\n", ["there_is_no_such_package", "must be installed where smxcheck is"]),
        ("raise ValueError('first\\nsecond')\n", ["ValueError: first (mine.py:1)"]),
        ("import sys\nsys.exit(3)\n", ["exits when it is imported", "mine.py:2", "__main__"]),
        ("import os\nos._exit(7)\n", ["ended the process", "7"]),
        ("while True: pass\n", ["did not end within 1 s", "--compile-timeout"]),
        ("def foo(x): return x\n", ["foo", "softmax=mine.py:NAME"]),
        ("softmax = 3\n", ["mine.py"]),
        ("raise KeyboardInterrupt\n", ["mine.py"]),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_line_with_the_place(run, here, code, parts):
    (here / "mine.py").write_text(code)
    refused(run("verify", "mine.py", "--compile-timeout", "1"), *parts)


def test_a_missing_library_names_what_installs_it(run, monkeypatch):
    monkeypatch.setattr("smxcheck.targets.table.importlib.util.find_spec", lambda name: None)
    refused(run("verify", "scipy", "--no-isolate"), "pip install 'smxcheck[scipy]'")


def _huge(shape: str) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def _bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", _huge("(1000000000000,)") + b"\0" * 10_000_000)
    return stream.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("huge.npy", _huge("(1000000000000,)"), "huge.npy"),
        ("bomb.npz", _bomb(), "bomb.npz"),
        ("cut.npy", b"\x93NUMPY\x01\x00", "cut.npy"),
        ("zero.npy", b"", "empty"),
        ("bad.json", b'{"x": [1,2', "not JSON"),
        ("bad.toml", b"not toml [", "not TOML"),
        ("bad.csv", b"\x80\x81\xff\n", "bad.csv"),
        ("ragged.json", b"[[1, 2], [3]]", "different lengths"),
    ],
)
def test_a_hostile_file_of_inputs_is_refused_before_it_is_read_whole(run, here, name, content, part):
    (here / name).write_bytes(content)
    refused(run(*BUILTIN, "--inputs", name), part)


def test_a_pickle_is_never_loaded(run, here):
    np.save(here / "pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    refused(run(*BUILTIN, "--inputs", "pickled.npy"), "pickle", "never loaded")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("not toml [", "is not TOML"),
        ("[[known]]\nfunction = 'softmax'\n", "a reason is required"),
        ("[[known]]\nreason = 'x'\n", "at least one of target"),
        ("[[known]]\nreason = 'x'\nfuntion = 'softmax'\n", "unknown key 'funtion'"),
        ("[[known]]\nreason = 'x'\ncheck = 'SMX999'\n", "smxcheck list checks"),
        ("[[known]]\nreason = 'x'\ncheck = 'SMX101'\nuntil = 'soon'\n", "until is a date"),
        ("other = 1\n", "[[known]] tables"),
    ],
)
def test_a_file_of_known_problems_is_understood_whole_or_not_at_all(run, here, text, part):
    (here / "known.toml").write_text(text)
    refused(run(*BUILTIN, "--known", "known.toml"), part)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "parts"),
    [
        ("", ["names no targets", 'targets = ["kernel.py:softmax"]']),
        ("targets = []", ["names no targets"]),
        ('targets = "kernel.py"', ["pyproject.toml:2", "a list of strings"]),
        ('targets = ["kernel.py"]\ntagets = 1', ["pyproject.toml:3", "no key 'tagets'", "did you mean targets?"]),
        ('targets = ["kernel.py"]\nmax-ulp = "3"', ["pyproject.toml:3", "max-ulp is a number"]),
        ('targets = ["kernel.py"]\nmax-ulp = true', ["max-ulp is a number"]),
        ('targets = ["kernel.py"]\njobs = 1.5', ["pyproject.toml:3: jobs is a whole number"]),
        ('targets = ["kernel.py"]\nrequire = "best"', ["pyproject.toml:3: require is one of"]),
        ('targets = ["kernel.py"]\ndtypes = ["float31"]', ["pyproject.toml:3: dtypes: no dtype 'float31'"]),
        ('targets = ["kernel.py", "kernel.py"]', ["named twice"]),
        ("targets = [", ["not readable TOML"]),
    ],
)
def test_a_section_that_is_not_understood_stops_the_run_with_its_line(run, here, section, parts):
    (here / "pyproject.toml").write_text(f"[tool.smxcheck]\n{section}\n")
    refused(run("verify"), *parts)


@pytest.mark.parametrize("words", [["-k", "no-such-text"], ["-k", "no-such-text", "--list"]])
def test_an_empty_selection_is_exit_5_and_says_how_to_see_what_there_is(run, words):
    done = run(*BUILTIN, *words)
    assert (done.code, done.out) == (5, "")
    assert done.err.count("\n") == 1 and "no case matches" in done.err and "smxcheck list cases" in done.err


def test_a_function_that_no_target_offers_is_not_an_empty_success(run):
    refused(run("verify", "builtin.shifted", "-f", "entropy"), "offers none of entropy", "softmax, log_softmax")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["verfy"], ["No such command 'verfy'", "verify"]),
        (["--bogus"], ["no option --bogus", "smxcheck --help"]),
        (["list", "--bogus"], ["no option --bogus", "smxcheck list --help"]),
        (["list", "bogus"], ["tables: targets, functions, cases, shapes, checks, choices"]),
        (["explain", "SMX110"], ["no page 'SMX110'", "did you mean SMX"]),
        (["explain", "bound", "ulp"], ["no page 'bound ulp'", "did you mean"]),
        (["explain", "softmax/far-tail/nope/float32"], ["did you mean softmax/far-tail/"]),
    ],
)
def test_other_commands_refuse_in_one_line_too(run, words, parts):
    refused(run(*words), *parts)


def test_no_command_prints_the_help_on_stderr_and_is_not_green(run):
    done = run()
    assert (done.code, done.out) == (2, "")
    assert "Usage: smxcheck" in done.err and "…" not in done.err and "..." not in done.err.partition("Commands")[2]


@pytest.mark.parametrize("changes", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"FORCE_COLOR": "1"}])
def test_a_usage_error_as_a_process_has_no_box_and_no_escape(tmp_path, changes):
    refused(smxcheck(tmp_path, "verify", "--dtyp", "x", **changes), "did you mean --dtype?")


def test_a_fault_of_smxcheck_is_exit_3_in_one_line(run, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("of its own")

    monkeypatch.setattr("smxcheck.run.execute.run", fail)
    monkeypatch.delenv("SMXCHECK_DEBUG", raising=False)
    done = run(*BUILTIN)
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert "a fault of smxcheck: ZeroDivisionError: of its own" in done.err and "please report it" in done.err
