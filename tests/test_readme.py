"""The README is true: what it prints is what is printed, what it types works, what it counts is there.

``python tests/test_readme.py --write`` puts the real screen and the real counts into it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from smxcheck.caseset import groups, load_cases
from smxcheck.catalog import FUNCTIONS, Group
from smxcheck.cli.config import load as load_config
from smxcheck.derivations.topics import topics
from smxcheck.derivations.verdicts import counted, documents, statements
from smxcheck.judge.codes import CHECKS
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES
from smxcheck.mistakes.fatal import FATAL
from smxcheck.run.known import load as load_known

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
COMMAND = "smxcheck verify yours.py:softmax"
#: Marker → a command that prints the same on every machine, and its exit code.
PRINTED = {
    "claim": ('smxcheck explain --claim "diff(H, z[i]) == p[i] - 1"', 1),
    "statement": ("smxcheck explain 004/entropy-gradient", 0),
}
_REGENERATE = "python tests/test_readme.py --write"


def text() -> str:
    return README.read_text(encoding="utf-8")


def block(before: str) -> str:
    """The fenced block right after a line of the README."""
    found = re.search(rf"^{re.escape(before)}\n```\w*\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no block after {before!r}"
    return found[1]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL)


def smxcheck(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    command = [sys.executable, "-P", "-m", "smxcheck", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False)


def screen(folder: Path) -> str:
    """What the terminal shows for the README's wrong softmax."""
    (folder / "yours.py").write_text(block("<!-- yours.py -->"), encoding="utf-8")
    done = smxcheck(*COMMAND.split()[1:], "--format", "rich", cwd=folder)
    assert done.returncode == 1 and done.stderr.startswith("kept ") and done.stderr.count("\n") == 1, done.stderr
    lines = [f"$ {COMMAND}", *(line.rstrip() for line in (done.stdout + done.stderr).rstrip().splitlines())]
    return "\n".join(lines) + "\n"


def printed(marker: str) -> str:
    """A command and what it prints."""
    command, code = PRINTED[marker]
    done = smxcheck(*shlex.split(command)[1:], cwd=ROOT)
    assert (done.returncode, done.stderr) == (code, ""), done.stderr
    return f"```\n$ {command}\n{done.stdout.rstrip()}\n```\n"


def published() -> str:
    """The sentence that counts the derivations and the published statements by their recorded verdicts."""
    steps = sum(len(list(d.steps)) for d in topics().values())
    by_verdict = ", ".join(f"{n} {verdict}" for verdict, n in counted(s.verdict for s in statements().values()).items())
    return (
        f"{len(topics())} derivations with {steps} steps;\n{len(statements())} published statements in"
        f" {len(documents())} notes: {by_verdict}.\n"
    )


def normal(shown: str) -> str:
    """Without what differs from machine to machine: versions, CPU, seconds, and figures that hang on its exp."""
    shown = re.sub(r"^smxcheck [\d.]+, .*$", "HEADER", shown, flags=re.MULTILINE)
    shown = re.sub(r"^(?:\w+ \w+: )?median .*(?:\n  .*)?", "FIGURES", shown, flags=re.MULTILINE)
    shown = re.sub(r"^\d+ elements? flushed .*(?:\n  .*)*\n", "", shown, flags=re.MULTILINE)
    shown = re.sub(r"^  got .*$", lambda m: re.sub(r"\d\.\d+", _six_digits, m[0]), shown, flags=re.MULTILINE)
    return re.sub(r"\b\d+(?:\.\d+)? s\b", "N s", shown)


def _six_digits(number: re.Match[str]) -> str:
    return f"{float(number[0]):.6f}"


def counts() -> str:
    """The sentence that says how much is checked."""
    own = {g: [f"`{f.name}`" for f in FUNCTIONS.values() if f.group is g and not f.derivative_of] for g in Group}
    lines = [f"- {group.value}: {', '.join(names)}" for group, names in own.items() if names]
    derivatives = [f for f in FUNCTIONS.values() if f.derivative_of]
    kinds = ("jvp", "vjp", "backward", "jacobian", "grad", "hessian")
    counted = (f"{sum(f.name.endswith(kind) for f in derivatives)} `_{kind}`" for kind in kinds)
    lines += [f"- {len(derivatives)} derivatives of these: {', '.join(counted)}"]
    quick, full = len(load_cases()), sum(g.cases for g in groups())
    mistakes = len(MISTAKES) + len(MISBEHAVIOURS) + len(FATAL)
    default = f"{quick:,} cases in {len(groups())} groups by default ({full:,} with every dtype and `--cases full`)"
    lines += ["", f"{len(FUNCTIONS)} functions, {len(CHECKS)} checks,", f"{default},", f"{mistakes} known mistakes."]
    return "\n".join(lines) + "\n"


def between(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name}: {_REGENERATE} -->\n)(.*?)(<!-- end of {name} -->)", re.DOTALL)


def test_the_screen_is_the_real_one(tmp_path: Path) -> None:
    shown = between("screen").search(text())[2].removeprefix("```\n").removesuffix("```\n")
    assert normal(shown) == normal(screen(tmp_path)), f"regenerate it: {_REGENERATE}"


def test_the_screen_fits_80_columns_and_ends_with_the_verdict() -> None:
    lines = between("screen").search(text())[2].splitlines()[1:-1]
    assert max(map(len, lines)) <= 80
    assert lines[-2].startswith("FAIL  yours.py:softmax: softmax is wrong")
    assert lines[-1].startswith("kept ")


def test_normalising_leaves_what_the_reader_relies_on() -> None:
    """Counts, problems and verdicts are compared; only what a machine changes is not."""
    shown = between("screen").search(text())[2]
    assert {"HEADER", "FIGURES"} <= set(normal(shown).split())
    for kept in ("PROBLEM 1 of 1", "behaves as", "instead", "FAIL  yours.py:softmax", "WRONG"):
        assert kept in normal(shown)


def test_the_wrong_softmax_passes_the_usual_test() -> None:
    """As the README says: it agrees with a right one under allclose on normally distributed logits."""
    import numpy as np

    from smxcheck.functions import softmax

    scope: dict[str, object] = {}
    exec(block("<!-- yours.py -->"), scope)
    x = np.random.default_rng(0).standard_normal((64, 1000)).astype(np.float32)
    assert np.allclose(scope["softmax"](x), softmax(x))  # type: ignore[operator]


def test_the_counts_are_those_of_the_tables() -> None:
    assert between("counts").search(text())[2] == counts(), f"regenerate them: {_REGENERATE}"


@pytest.mark.slow
@pytest.mark.parametrize("marker", PRINTED)
def test_what_explain_prints_is_what_it_prints(marker: str) -> None:
    shown = between(marker).search(text())[2]
    assert shown == printed(marker), f"regenerate it: {_REGENERATE}"
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.slow
def test_the_commands_of_explain_can_be_typed() -> None:
    """All those in the README's shell blocks end with 0 and print something."""
    lines = [line.partition("  #")[0] for b in blocks("sh") for line in b.splitlines() if line.startswith("smxcheck explain")]
    assert len(lines) >= 5
    for line in lines:
        done = smxcheck(*shlex.split(line)[1:], cwd=ROOT)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout, line


def test_the_published_statements_are_counted() -> None:
    assert between("statements").search(text())[2] == published(), f"regenerate it: {_REGENERATE}"


@pytest.mark.slow
def test_the_python_example_runs() -> None:
    exec(block("<!-- example -->"), {})


def test_the_configurations_are_understood(tmp_path: Path) -> None:
    section, known = blocks("toml")
    (tmp_path / "pyproject.toml").write_text(section, encoding="utf-8")
    (tmp_path / "known-problems.toml").write_text(known, encoding="utf-8")
    config = load_config(tmp_path)
    assert set(config.values) == set(tomllib.loads(section)["tool"]["smxcheck"])
    assert [entry.check for entry in load_known(str(tmp_path / "known-problems.toml"))] == ["SMX101"]


def test_every_option_that_is_named_exists() -> None:
    offered = set(re.findall(r"(?<![\w-])-{1,2}[a-z][\w-]*", smxcheck("verify", "--help", cwd=ROOT).stdout))
    typed = [line for line in "\n".join(blocks("sh") + blocks("yaml")).splitlines() if "smxcheck verify " in line]
    used = {o for line in typed for o in re.findall(r"(?<= )-{1,2}[a-z][\w-]*", line.partition("smxcheck verify")[2])}
    assert len(used) > 15
    assert used <= offered


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


SOFTMAX_IN_C = """\
#include <math.h>

void softmax(const float *x, float *out, long rows, long n) {
    for (long r = 0; r < rows; r++, x += n, out += n) {
        float max = x[0], sum = 0;
        for (long i = 1; i < n; i++) if (!(x[i] <= max)) max = x[i];
        for (long i = 0; i < n; i++) sum += out[i] = expf(x[i] - max);
        for (long i = 0; i < n; i++) out[i] /= sum;
    }
}
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler: the ctypes example was not tried")
def test_a_right_softmax_in_c_passes(tmp_path: Path) -> None:
    (tmp_path / "softmax.c").write_text(SOFTMAX_IN_C, encoding="utf-8")
    (tmp_path / "kernel.py").write_text(block("<!-- kernel.py -->"), encoding="utf-8")
    line = next(b for b in blocks("sh") if b.startswith("cc "))
    compile_line, _, verify = line.partition(" && smxcheck ")
    subprocess.run(compile_line.split(), cwd=tmp_path, check=True)
    done = smxcheck(*verify.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def write() -> None:
    """Put the real screen and counts between their markers."""
    with tempfile.TemporaryDirectory() as folder:
        shown = screen(Path(folder))
    new = between("screen").sub(lambda m: f"{m[1]}```\n{shown}```\n{m[3]}", text())
    made = {"counts": counts(), "statements": published(), **{marker: printed(marker) for marker in PRINTED}}
    for marker, content in made.items():
        new = between(marker).sub(lambda m, content=content: f"{m[1]}{content}{m[3]}", new)
    README.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {_REGENERATE}")
    write()
