"""Files that are damaged or hostile: each is accepted, or one clear line and exit 2; never a traceback, a hang, or code run."""

from __future__ import annotations

import gzip
import io
import pickle
import random
import signal
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from .cli_support import KERNEL, called, write

_SECONDS = 600
_BUILTIN = ("verify", "builtin.shifted", "-f", "softmax", "--dtype", "float32", "--no-isolate", "--no-store", "-q", "-k")
_CASES = b"""group = "mine"
purpose = "own cases"
reason = "to be damaged"

[[case]]
name = "one"
functions = ["softmax"]
values = [0.0, -200.0, 3.5]
"""
_KNOWN = b"""[[known]]
function = "softmax"
check = "SMX101"
reason = "accepted"
link = "https://example.org/1"
until = 2099-03-31
"""
_CONFIG = b"""targets = ["kernel.py:softmax"]
functions = ["softmax"]
dtypes = ["float32"]
require = "tight"
max-ulp = 300
expect = { all-masked = "nan" }
"""
_GIANT = (b"9" * 5000, b"1e999999999", b"-" + b"1" * 400, b"18446744073709551616")
_FILLS = (b"\0" * 64, b"[" * 3000, b"{" * 3000, b'"' * 7, b"\xff\xfe", b"\xe2\x80\xae", b"''' \n", b'{"a":' * 2000)


class _Bomb:
    """A pickle that would leave a file behind."""

    def __reduce__(self):
        return Path.touch, (Path("executed"),)


def _npy(array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def _npz(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
    return stream.getvalue()


def _huge() -> bytes:
    return _npy(np.zeros(3)).replace(b"(3,), }".ljust(20), b"(3000000000000,), }".ljust(20))


def damaged(content: bytes, of: random.Random) -> bytes:
    """The content with one to three of the things that happen to files, or that somebody does to them."""
    data = bytearray(content)
    for _ in range(of.randint(1, 3)):
        at = of.randrange(len(data) + 1)
        kind = of.randrange(7)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << of.randrange(8)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            data[at:at] = data[at : at + of.randint(1, 200)] * of.randint(1, 5)
        elif kind == 3:
            data[at:at] = of.choice(_FILLS)
        elif kind == 4:
            digits = [i for i, b in enumerate(data[:5000]) if 48 <= b < 58] or [0]
            where = of.choice(digits)
            data[where : where + 1] = of.choice(_GIANT)
        elif kind == 5:
            del data[at : at + of.randint(1, 50)]
        else:
            old, new = of.sample([b"true", b"null", b"[]", b"{}", b'""', b"0", b'"x"', b"-1"], 2)
            data = data.replace(old, new, of.randint(1, 3))
    return bytes(data)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    write(tmp_path, "kernel.py", KERNEL)
    monkeypatch.chdir(tmp_path)
    return lambda *words: called(monkeypatch, capsys, *words)


@pytest.fixture
def within() -> Iterator[None]:
    """A hang ends the test."""

    def end(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _samples(run: Callable[..., object]) -> list[tuple[str, bytes, tuple[str, ...]]]:
    """File name, sound content, and the command that reads it."""
    run(*_BUILTIN, "acceptance/0", "--report", "sound.json")
    run(*_BUILTIN, "acceptance/0", "--shard", "1/1", "--report", "part.json")
    sound, part = Path("sound.json").read_bytes(), Path("part.json").read_bytes()
    inputs = (*_BUILTIN[:-1], "--inputs")
    return [
        ("a.toml", _CASES, (*inputs, "a.toml")), ("a.json", b'{"x": [[0.5, 1e3], [2, 3]]}', (*inputs, "a.json")),
        ("a.csv", b"1,2,3\n4,5.5,-inf\n", (*inputs, "a.csv")), ("a.npy", _npy(np.arange(6.0)), (*inputs, "a.npy")),
        ("p.npy", _npy(np.array([_Bomb()], dtype=object)), (*inputs, "p.npy")),
        ("q.npy", pickle.dumps(_Bomb()), (*inputs, "q.npy")), ("h.npy", _huge(), (*inputs, "h.npy")),
        ("a.npz", _npz(_npy(np.arange(4.0))), (*inputs, "a.npz")), ("b.npz", _npz(_huge() + b"\0" * 5_000_000), (*inputs, "b.npz")),
        ("known.toml", _KNOWN, (*_BUILTIN, "acceptance/0", "--known", "known.toml")),
        ("c.toml", _CONFIG, ("verify", "--config", "c.toml", "--show-config")),
        ("r.json", sound, ("merge", "r.json", "-q")), ("s.json", part, ("merge", "s.json", "-q")),
        ("r.json.gz", gzip.compress(part, mtime=0), ("merge", "r.json.gz", "-q")),
        ("t.json", sound, ("compare", "sound.json", "t.json", "-q")),
    ]  # fmt: skip


def _try(run, each: int, seed: int) -> tuple[int, int]:
    """How many were refused, and how many accepted."""
    of = random.Random(seed)
    refused = accepted = 0
    for name, content, words in _samples(run):
        for number in range(each):
            data = content if number == 0 else damaged(content, of)
            Path(name).write_bytes(data)
            done = run(*words)
            told = f"{name}, seed {seed}, number {number}: {done}"
            assert done.code in (0, 1, 2, 5), told
            assert "Traceback" not in done.err + done.out and not Path("executed").exists(), told
            if done.code == 2:
                refused += 1
                assert done.out == "" and done.err.startswith("smxcheck: ") and done.err.count("\n") == 1, told
            else:
                accepted += 1
    return refused, accepted


def test_damaged_files_are_refused_in_one_line_or_accepted(run, within):
    refused, accepted = _try(run, 6, 1)
    assert refused + accepted == 90 and refused > 40 and accepted > 8


@pytest.mark.slow
def test_a_thousand_damaged_files_are_refused_in_one_line_or_accepted(run, within):
    refused, accepted = _try(run, 67, 2)
    assert refused + accepted > 1000 and refused > 400 and accepted > 60
