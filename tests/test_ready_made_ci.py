"""What is ready-made for CI does what it says: the action's scripts, the pre-commit hook, the snippets of the README."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

import smxcheck.run.single  # noqa: F401 - NumPy cannot be loaded again by every inner run
from smxcheck.report.as_markdown import text as markdown
from smxcheck.report.caveats import caveats
from smxcheck.report.escape import cleaned
from smxcheck.report.formats import render
from smxcheck.report.sentences import verdict

from . import report_samples as samples

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
IN_CI = README.partition("\n## In CI\n")[2].partition("\n## ")[0]

KERNEL = """\
import numpy as np

def softmax(x, axis=-1):
    e = np.exp(x - x.max({maximum}))
    return e / e.sum(axis=axis, keepdims=True)
"""
FEW = "--dtype float32 --case softmax/acceptance/rows-120-apart/float32"

pytest_plugins = ["pytester"]


def snippet(name: str) -> dict[str, Any]:
    """The README's block that begins with a comment on that file."""
    block = re.search(rf"^```yaml\n# {re.escape(name)}.*\n((?:.*\n)*?)```$", IN_CI, re.MULTILINE)
    assert block, f"README.md has no {name} under In CI"
    read: dict[str, Any] = yaml.safe_load(block[1])
    return read


def step(name: str) -> dict[str, Any]:
    (found,) = [s for s in ACTION["runs"]["steps"] if s.get("name") == name]
    return dict(found)


def bash(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A script as GitHub's runner starts it, with this Python first in the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{variables.pop('PATH', os.environ['PATH'])}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    environment = {**os.environ, "PATH": path, **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)


def act(folder: Path, targets: str, options: str = FEW, reports: str = "out") -> subprocess.CompletedProcess[str]:
    """The action's verification, in a folder with a right and a wrong kernel."""
    (folder / "right.py").write_text(KERNEL.format(maximum="axis=axis, keepdims=True"), encoding="utf-8")
    (folder / "wrong.py").write_text(KERNEL.format(maximum=""), encoding="utf-8")
    files = {f"GITHUB_{name}": str(folder / name) for name in ("STEP_SUMMARY", "OUTPUT")}
    return bash(step("smxcheck verify")["run"], folder, TARGETS=targets, OPTIONS=options, REPORTS=reports, **files)


def summary(folder: Path) -> list[str]:
    return [line for line in (folder / "STEP_SUMMARY").read_text(encoding="utf-8").splitlines() if line]


@pytest.mark.slow
def test_a_wrong_target_is_annotated_summarised_reported_and_fails(tmp_path: Path) -> None:
    done = act(tmp_path, "  wrong.py:softmax\n\nright.py:softmax\n")
    assert done.returncode == 1, done.stderr
    assert "::error file=wrong.py" in done.stdout
    lines = summary(tmp_path)
    assert lines[0] == "## smxcheck: FAIL" and len(lines) <= 5
    assert "wrong" in lines[1] and "returns nan" in lines[2] and "--case softmax" in lines[2]
    assert (tmp_path / "OUTPUT").read_text(encoding="utf-8") == "exit-code=1\n"
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"smxcheck.json", "smxcheck.xml", "smxcheck.md"}


@pytest.mark.slow
def test_a_right_target_passes(tmp_path: Path) -> None:
    done = act(tmp_path, "right.py:softmax", reports="a folder/-x")
    assert done.returncode == 0, done.stderr
    assert summary(tmp_path)[0] == "## smxcheck: OK" and (tmp_path / "a folder" / "-x" / "smxcheck.xml").is_file()


@pytest.mark.parametrize("name", samples.ALL)
def test_the_summary_is_five_lines_and_leaves_out_no_doubt(name: str) -> None:
    report = cleaned(samples.ALL[name]())
    written = render(report, "summary")
    lines = [line for line in written.splitlines() if line]
    assert len(lines) <= 5 and lines[0] == f"## smxcheck: {verdict(report).word}"
    assert all(markdown(doubt) in written for doubt in caveats(report))


@pytest.mark.slow
def test_what_stands_in_an_input_is_never_run(tmp_path: Path) -> None:
    """As a target, as an option and as the folder; the complaint goes into the summary."""
    evil = '"; touch pwned; "$(touch pwned)`touch pwned`'
    done = act(tmp_path, evil, options=f"{FEW} {evil} *", reports="$(touch pwned)")
    assert done.returncode == 2 and not list(tmp_path.rglob("pwned"))
    lines = summary(tmp_path)
    assert lines[0] == "## smxcheck: no verdict (exit code 2)" and lines[1].startswith("    smxcheck: ")
    assert not [line for line in done.stdout.splitlines() if line.startswith("::")]


@pytest.mark.slow
@pytest.mark.parametrize("targets", ["", "--help", "-q"])
def test_nothing_to_check_is_no_pass_and_an_option_is_no_target(tmp_path: Path, targets: str) -> None:
    done = act(tmp_path, targets, options="")
    assert done.returncode == 2 and summary(tmp_path)[0].endswith("(exit code 2)")


def test_words_reach_the_command_as_they_are(tmp_path: Path) -> None:
    """Targets by line, with their spaces; options by white space, unexpanded."""
    fake = tmp_path / "python"
    fake.write_text('#!/bin/bash\nprintf "%s\\n" "$@" >arguments\n', encoding="utf-8")
    fake.chmod(0o755)
    files = {f"GITHUB_{name}": str(tmp_path / name) for name in ("STEP_SUMMARY", "OUTPUT")}
    given = {"TARGETS": "my kernels/a b.py:f\n\tc.py", "OPTIONS": "--dtype\n float32  *", "REPORTS": "r"}
    script = f"PATH={shlex.quote(str(tmp_path))}:$PATH\n{step('smxcheck verify')['run']}"
    assert bash(script, tmp_path, **given, **files).returncode == 0
    arguments = (tmp_path / "arguments").read_text(encoding="utf-8").splitlines()
    assert arguments[:5] == ["-P", "-m", "smxcheck", "verify", "--no-shipped"]
    assert arguments[-6:] == ["--dtype", "float32", "*", "--", "my kernels/a b.py:f", "c.py"]


def test_extras_are_names_and_nothing_else(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text('#!/bin/bash\nprintf "%s\\n" "$@" >arguments\n', encoding="utf-8")
    fake.chmod(0o755)
    script = f"PATH={shlex.quote(str(tmp_path))}:$PATH\n{step('Install smxcheck')['run']}"
    for extras, wanted in (("", "/a checkout"), ("torch,jax", "/a checkout[torch,jax]")):
        assert bash(script, tmp_path, EXTRAS=extras, GITHUB_ACTION_PATH="/a checkout").returncode == 0
        assert (tmp_path / "arguments").read_text(encoding="utf-8").splitlines()[-1] == wanted
    for evil in ("x]; touch pwned", "$(touch pwned)", "torch\n--pre", "--upgrade"):
        assert bash(script, tmp_path, EXTRAS=evil, GITHUB_ACTION_PATH="/a checkout").returncode == 2
    assert not (tmp_path / "pwned").exists()


def test_inputs_reach_scripts_as_variables_alone() -> None:
    scripts = [s["run"] for s in ACTION["runs"]["steps"] if "run" in s]
    assert len(scripts) == 2 and not [script for script in scripts if "${{" in script]
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    assert all(i["description"] and "default" in i for i in ACTION["inputs"].values())
    assert ACTION["runs"]["using"] == "composite" and all("shell" in s for s in ACTION["runs"]["steps"] if "run" in s)


#: Keys of a hook, as pre-commit documents them (Creating new hooks).
HOOK_KEYS = {
    "id", "name", "entry", "language", "description", "types", "files", "pass_filenames", "always_run", "args",
    "require_serial", "additional_dependencies", "minimum_pre_commit_version", "verbose",
}  # fmt: skip


def test_the_hook_has_the_keys_that_pre_commit_knows() -> None:
    assert set(HOOK) <= HOOK_KEYS and {"id", "name", "entry", "language"} <= set(HOOK)
    assert (HOOK["id"], HOOK["language"], HOOK["types"], HOOK["pass_filenames"]) == ("smxcheck", "python", ["python"], False)


@pytest.mark.parametrize(("config", "code"), [(False, 2), pytest.param(True, 1, marks=pytest.mark.slow)])
def test_the_hook_checks_the_configured_targets_and_nothing_else(tmp_path: Path, config: bool, code: int) -> None:
    (tmp_path / "wrong.py").write_text(KERNEL.format(maximum=""), encoding="utf-8")
    section = '[tool.smxcheck]\ntargets = ["wrong.py:softmax"]\ndtypes = ["float32"]\n' if config else ""
    (tmp_path / "pyproject.toml").write_text(section, encoding="utf-8")
    done = bash(HOOK["entry"], tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert config or "--no-shipped, and no target is named" in done.stderr


def test_the_readmes_action_and_hook_exist() -> None:
    workflow = snippet(".github/workflows/softmax.yml")
    (uses,) = [s for s in workflow["jobs"]["softmax"]["steps"] if s["uses"] == "./smxcheck"]
    assert set(uses["with"]) <= set(ACTION["inputs"])
    ((hook,),) = [repo["hooks"] for repo in snippet(".pre-commit-config.yaml")["repos"]]
    assert hook["id"] == HOOK["id"] and set(hook) <= HOOK_KEYS


@pytest.mark.slow
def test_the_readmes_gitlab_job_runs_and_leaves_its_report(tmp_path: Path) -> None:
    job = snippet(".gitlab-ci.yml")["smxcheck"]
    install, *script = job["script"]
    assert install == "pip install ./smxcheck" and script
    (tmp_path / "wrong.py").write_text(KERNEL.format(maximum=""), encoding="utf-8")
    section = '[tool.smxcheck]\ntargets = ["wrong.py:softmax"]\ndtypes = ["float32"]\n'
    (tmp_path / "pyproject.toml").write_text(section, encoding="utf-8")
    done = bash("\n".join(script), tmp_path)
    assert done.returncode == 1, done.stderr
    assert job["artifacts"]["when"] == "always"
    suites = ET.parse(tmp_path / job["artifacts"]["reports"]["junit"]).getroot()
    assert int(suites.get("failures", "0")) > 0


@pytest.mark.slow
def test_the_readmes_pytest_file_passes(pytester: pytest.Pytester) -> None:
    block = re.search(r"^<!-- pytest -->\n```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert block
    pytester.makepyfile(kernels=KERNEL.format(maximum="axis=axis, keepdims=True"), test_readme_block=block[1])
    pytester.syspathinsert()
    done = pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:hypothesispytest", "-p", "no:cacheprovider", "-Werror")
    assert done.ret == 0 and done.parseoutcomes()["passed"] > 2
