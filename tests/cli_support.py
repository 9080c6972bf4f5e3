"""The command line under test: in this process where only words and codes count, else as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from smxcheck.cli.app import app
from smxcheck.cli.errors import run_app

#: A right softmax and a wrong log_softmax, both of plain NumPy.
KERNEL = """
    import numpy as np

    def softmax(x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def log_softmax(x):
        return np.log(softmax(x))
"""
#: Few cases, of which log(softmax(x)) fails one.
FEW = ("-k", "acceptance", "--dtype", "float32", "--no-store")
COMMAND = (sys.executable, "-m", "smxcheck")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def write(folder: Path, name: str, text: str) -> Path:
    """A file with dedented text."""
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def environment(**changes: str) -> dict[str, str]:
    """The environment of a person's shell, whatever the tests themselves run under."""
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "TERM", "FORCE_COLOR", "COLUMNS")}
    return {**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **changes}


def smxcheck(folder: Path, *words: str, **changes: str) -> Done:
    """The command as a process in ``folder``."""
    ran = subprocess.run(
        [*COMMAND, *words], cwd=folder, env=environment(**changes), capture_output=True, text=True, timeout=120,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Done(ran.returncode, ran.stdout, ran.stderr)


def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> Done:
    """The command in this process."""
    monkeypatch.setattr(sys, "argv", ["smxcheck", *words])
    code = run_app(app)
    text = capsys.readouterr()
    return Done(code, text.out, text.err)
