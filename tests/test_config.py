"""The configuration: where it is looked for, and that every complaint is one line that names the file and the line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from .cli_support import KERNEL, called, write

HEAD = '[project]\nname = "x"\n\n[tool.smxcheck]\ntargets = ["kernel.py:softmax"]\n'  # five lines


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    write(tmp_path, "kernel.py", KERNEL)
    monkeypatch.chdir(tmp_path)
    return lambda *words: called(monkeypatch, capsys, *words)


def refused(done, line: str, *parts: str) -> None:
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    assert f"{line}: " in done.err, done.err
    assert all(part in done.err for part in parts), done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("store = 1", 6, "store is true or false"),
        ("\n# x\n'dtypes' = 3", 8, "dtypes is a list"),
        ('dtypes = [\n  "float32",\n  "flaot16",\n]', 8, "did you mean float16?"),
        ('functions = ["softmaks"]', 6, "did you mean softmax?"),
        ('require = "best"', 6, "require is one of"),
        ('allow = [\n"shape",\n"shpae"]', 8, "no check 'shpae'"),
        ('[tool.smxcheck.expect]\nall-masked = "maybe"', 7, "all-masked is one of"),
        ('expect = { all-masked = "nan", odd = "x" }', 6, "no choice named odd"),
        ('expect.all-masked = ["nan"]', 6, "all-masked is none of them"),
        ("fixed.reduction = 3", 6, "a reduction is"),
        ('only = "3x"', 6, "is not understood"),
        ('known = "none.toml"', 6, "there is no file 'none.toml'"),
        ('gradient = ["kernel"]', 6, "no target 'kernel'"),
        ("jobs = 1e400", 6, "whole number"),
        ("max-ulp = nan", 6, "max-ulp is a number"),
        (f"jobs = {'9' * 400}", 6, "whole number"),
        ("fuzz = -1", 6, "fuzz is a number above 0"),
        ("tools = 1", 6, "no key 'tools'"),
        ("dtypes = 1\ndtypes = 2", 7, "not readable TOML"),
        ('only = "2d', 6, "not readable TOML"),
        ("a.b = { c = [", 6, "not readable TOML"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_complaint_names_the_line(run, text, line, part, newline):
    Path("pyproject.toml").write_bytes((HEAD + text + "\n").replace("\n", newline).encode())
    refused(run("verify", "-k", "acceptance"), f"pyproject.toml:{line}", part)


def test_what_is_no_text_or_no_toml_is_told_with_its_line(run):
    Path("smxcheck.toml").write_bytes(b'targets = ["kernel.py"]\nonly = "\xff"\n')
    refused(run("verify"), "smxcheck.toml:2", "UTF-8")
    Path("smxcheck.toml").write_text(f"targets = {'[' * 5000}", encoding="utf-8")
    refused(run("verify"), "smxcheck.toml", "nested too deeply")
    Path("smxcheck.toml").write_text(f"jobs = {'9' * 5000}", encoding="utf-8")
    refused(run("verify"), "smxcheck.toml", "not readable TOML")
    Path("smxcheck.toml").write_text('\ntargets = ["none.py"]', encoding="utf-8")
    refused(run("verify"), "smxcheck.toml:2", "no file none.py")


def test_a_file_of_its_own_has_the_keys_at_its_top(run, tmp_path, monkeypatch):
    Path("smxcheck.toml").write_text('\ufefftargets = ["kernel.py:softmax"]\ndtypes = ["float32"]\n', encoding="utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert run("verify", "-k", "acceptance", "-q", "--no-store").out.startswith("OK  ")
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    assert run("verify", "--list", "-k", "acceptance").code == 0
    Path("pyproject.toml").write_text(HEAD, encoding="utf-8")
    refused(run("verify"), "pyproject.toml:4 both configure smxcheck", "remove one")


@pytest.mark.slow
def test_the_file_can_be_named_or_left_out(run):
    Path("pyproject.toml").write_text(HEAD + "oops = 1\n", encoding="utf-8")
    Path("tight.toml").write_text('targets = ["kernel.py:log_softmax"]\nrequire = "tight"\n', encoding="utf-8")
    assert "log_softmax/acceptance" in run("verify", "--config", "tight.toml", "--list").out
    assert run("verify", "--config", "none", "--list", "kernel.py", "-k", "acceptance").code == 0
    refused(run("verify", "--config", "gone.toml"), "--config gone.toml", "no such file")


def test_what_is_in_force_is_shown_with_its_source_in_a_form_that_can_be_kept(run):
    Path("pyproject.toml").write_text(HEAD + 'require = "tight"\nexpect.all-masked = "nan"\nstore = false\n', encoding="utf-8")
    shown = run("verify", "--show-config", "--dtype", "float64").out
    lines = {line.partition(" = ")[0]: line for line in shown.splitlines()}
    assert lines["require"].endswith("pyproject.toml:6") and lines["dtypes"].endswith("# command line")
    assert lines["cases"].endswith("# default") and "# only is not set" in shown
    Path("pyproject.toml").unlink()
    Path("smxcheck.toml").write_text(shown, encoding="utf-8")
    again = run("verify", "--show-config").out
    assert tomllib.loads(again) == tomllib.loads(shown) and tomllib.loads(shown)["store"] is False
