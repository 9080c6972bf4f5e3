"""Files that are damaged or hostile: each is accepted, or one clear line and exit 2; never a traceback, a hang, or code run."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import random
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from smxcheck.benchmark.files.document import render
from smxcheck.benchmark.shapes import Shape
from smxcheck.caseset.found import found_case
from smxcheck.store import Entry
from smxcheck.store.entry import pack

from . import bench_samples
from .cli_support import KERNEL, called, environment, write

#: No file takes a tenth of it.
_SECONDS = 20
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
    """A hang ends the test: every file sets the alarm anew."""

    def end(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _samples(run: Callable[..., object]) -> list[tuple[str, bytes, tuple[str, ...]]]:
    """File name, sound content, and the command that reads it."""
    run(*_BUILTIN, "acceptance/0", "--report", "sound.json")
    run(*_BUILTIN, "acceptance/0", "--shard", "1/1", "--report", "part.json")
    sound, part = Path("sound.json").read_bytes(), Path("part.json").read_bytes()
    inputs = (*_BUILTIN[:-1], "--inputs")
    bench = render(bench_samples.sample_run(shapes=[Shape((8, 10))], dtypes=["float32"])).encode()
    Path("bench.json").write_bytes(bench)
    entry = Entry("builtin", found_case("softmax", "float32", {"x": np.float32([1, 2])}), check="SMX102", input="softmax([1, 2])")
    Path(".smxcheck/failing").mkdir(parents=True)
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
        ("b.json", bench, ("compare", "bench.json", "b.json", "-q")),
        ("q.npz", _npz(_npy(np.array([_Bomb()], dtype=object))), (*inputs, "q.npz")),
        ("e.json", bench, ("bench", "builtin", "--against", "e.json")),  # a sound one is of another machine
        (".smxcheck/failing/0.npz", pack(entry), ("replay", "--list")),
    ]  # fmt: skip


def _try(run, each: int, seed: int) -> tuple[int, int]:
    """How many were refused, and how many accepted."""
    of = random.Random(seed)
    refused = accepted = 0
    for name, content, words in _samples(run):
        for number in range(each):
            data = content if number == 0 else damaged(content, of)
            Path(name).write_bytes(data)
            if _refuses(run, words, f"{name}, seed {seed}, number {number}"):
                refused += 1
            else:
                accepted += 1
    return refused, accepted


def _refuses(run, words: tuple[str, ...], what: str) -> bool:
    """Whether the file is refused in one line; else it is accepted."""
    signal.alarm(_SECONDS)
    done = run(*words)
    signal.alarm(0)
    told = f"{what}: {done}"
    assert done.code in (0, 1, 2, 5), told
    assert "Traceback" not in done.err + done.out and not Path("executed").exists(), told
    lines = done.err.splitlines()
    if done.code == 2:  # replay goes on after a file that it cannot read, and then has none
        assert done.out == "" and 1 <= len(lines) <= 1 + (words[0] == "replay"), told
        assert all(line.startswith("smxcheck: ") for line in lines), told
    return done.code == 2


def test_damaged_files_are_refused_in_one_line_or_accepted(run, within):
    refused, accepted = _try(run, 3, 1)
    assert refused + accepted == 57 and refused > 25 and accepted > 8


@pytest.mark.slow
def test_a_thousand_damaged_files_are_refused_in_one_line_or_accepted(run, within):
    refused, accepted = _try(run, 53, 2)
    assert refused + accepted > 1000 and refused > 400 and accepted > 60


#: A pipe to which nobody writes, a folder, a link to itself, to nothing, and to a file that has no end.
_NO_FILES: dict[str, Callable[[Path], None]] = {
    "pipe": lambda p: os.mkfifo(p), "loop": lambda p: p.symlink_to(p.name), "folder": lambda p: p.mkdir(),
    "nothing": lambda p: p.symlink_to("nowhere"), "endless": lambda p: p.symlink_to("/dev/zero"),
}  # fmt: skip
#: Commands with the same reader as r.json, which takes a second to find that a file has no end.
_READ_ALIKE = ("s.json", "r.json.gz", "t.json", "b.json", "e.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes and devices with names")
@pytest.mark.slow
@pytest.mark.parametrize("kind", _NO_FILES)
def test_what_stands_in_the_place_of_a_file_is_refused_and_not_waited_for(run, within, kind):
    for name, _, words in _samples(run):
        path = Path(name)
        if kind == "endless" and name in _READ_ALIKE:
            continue
        _NO_FILES[kind](path)
        assert _refuses(run, words, f"{name} as {kind}"), f"{name} as {kind}"
        path.rmdir() if kind == "folder" else path.unlink()


#: Commands one after another with 3 GiB of address space; a line for each: its exit code, and what it said.
_CONFINED = """
import contextlib, io, resource, sys
from smxcheck.cli.app import app
from smxcheck.cli.errors import run_app

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
for line in sys.stdin:
    sys.argv = ["smxcheck", *line.split()]
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        code = run_app(app)
    print(code, " ".join(said.getvalue().split()), flush=True)
"""


def _bombs(folder: Path) -> Iterator[str]:
    """The commands that read them."""
    inputs = " ".join((*_BUILTIN[:-1], "--inputs"))
    numbers, nested = b"1000," * (50 << 20), b'{"a":' * (40 << 20)
    contents = {
        "zeros.json.gz": gzip.compress(bytes(300 << 20), 1), "numbers.json.gz": gzip.compress(b"[" + numbers + b"1]", 1),
        "nested.json.gz": gzip.compress(nested, 1), "text.json.gz": gzip.compress(b'"' + b"a" * (250 << 20), 1),
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        yield f"merge {name}"
        yield f"compare {name} {name}"
        yield f"bench builtin --against {name}"
    (folder / "h.npy").write_bytes(_huge())
    yield f"{inputs} h.npy"
    for name, size in (("small.npz", 64), ("large.npz", 6 << 30)):  # what the archive's directory says it holds
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w", force_zip64=True) as member:
            member.write(_huge())
            for _ in range(64):
                member.write(bytes(16 << 20))
        data = stream.getvalue()
        at = data.rindex(b"PK\x01\x02") + 24  # the uncompressed size in the directory
        (folder / name).write_bytes(data[:at] + min(size, 2**32 - 2).to_bytes(4, "little") + data[at + 4 :])
        yield f"{inputs} {name}"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is held to on Linux")
def test_files_that_unpack_to_gigabytes_are_refused_within_three(tmp_path):
    commands = list(_bombs(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", _CONFINED], input="\n".join(commands) + "\n", cwd=tmp_path, env=environment(OPENBLAS_NUM_THREADS="1"),
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == len(commands), done
    for command, line in zip(commands, lines, strict=True):
        assert line.startswith("2 smxcheck: "), f"{command}: {line}"
