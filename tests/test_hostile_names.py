"""A script of `repro` runs its target and nothing else, whatever the target's file or the case is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from smxcheck.caseset import load_cases
from smxcheck.judge.call import Demand
from smxcheck.store.script import script
from smxcheck.targets.load import open_session, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import TargetError

TARGET = """
import numpy as np

def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
"""
NAMES = {
    "an end of line": 'a\rimport os;os.system("touch pwned")#.py',  # Python takes a carriage return for one
    "an encoding": "coding:utf-7 +AAo-open(+ACI-pwned+ACI-,+ACI-w+ACI-)+ACM-.py",
    "quotes": "\"'\"\"\";import os;os.system('touch pwned')#.py",
    "a shell's": "$(touch pwned)`touch pwned`.py",
    "escape sequences": "\x1b[31m\u202e.py",
    "no text": "\udce9.py",
}


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_a_script_runs_nothing_but_its_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case = load_cases(ids=["softmax/acceptance/1000-and-1001/float32"])[0]
    for number, name in enumerate(NAMES.values()):
        Path(name).write_text(TARGET)
        spec, options = parse_target(f"{name}:softmax"), WorkerOptions(isolate=False, derive=("softmax",))
        session = open_session(spec, options)
        made = script(case, session, spec, Demand(), options)
        session.close()
        assert "\x1b" not in made.text and "\u202e" not in made.text and "\r" not in made.text
        file = Path(f"{number}.script")
        file.write_text(made.text, encoding="utf-8")
        done = subprocess.run([sys.executable, "-S", "-c", _RUN, str(file)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "right" in done.stdout, (name, done)
        assert not list(tmp_path.glob("pwned*")), name


#: As Python runs a file, with this process's path.
_RUN = f"import runpy, sys; sys.path[:0] = {sys.path!r}; runpy.run_path(sys.argv[1], run_name='__main__')"


@pytest.mark.parametrize("text", ["a" * 5000 + ".py:softmax", "a" * 5000, "softmax=command:./" + "a" * 5000, "softmax=command:./a\0b"])
def test_a_name_that_no_file_can_have_is_no_target(text: str) -> None:
    with pytest.raises(TargetError):
        open_session(parse_target(text), WorkerOptions())
