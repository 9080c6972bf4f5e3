"""``--shard I/N``: every case in one part, the parts alike in size, and what a part says of itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.caseset import load_cases
from smxcheck.caseset.load import all_ids
from smxcheck.run import shard

from .cli_support import KERNEL, Done, called, write

RUN = ("verify", "kernel.py:softmax", "--dtype", "float32", "--no-isolate", "--no-store")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    write(tmp_path, "kernel.py", KERNEL)
    monkeypatch.chdir(tmp_path)
    return lambda *words: called(monkeypatch, capsys, *words)


CASES = load_cases(("softmax", "logsumexp"), ("float32", "bfloat16"))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(1, shard.MOST))
def test_every_case_is_in_one_part_with_all_its_dtypes_and_the_parts_are_the_whole(n):
    place = {c.id: shard.part_of(c.id, n) for c in CASES}
    assert all(1 <= i <= n for i in place.values())
    for i in list(dict.fromkeys(place.values()))[:5]:
        assert [c.id for c in shard.mine(CASES, (i, n))] == [name for name in place if place[name] == i]
    dtypes: dict[str, set[int]] = {}
    for name, i in place.items():
        dtypes.setdefault(name.rpartition("/")[0], set()).add(i)
    assert all(len(places) == 1 for places in dtypes.values())


def test_the_parts_differ_in_size_as_chance_makes_them_differ():
    # Ids fall into n parts like balls into boxes: a part of k ids is off by more than 4 sqrt(k) once in 16,000 times.
    ids = {name.rpartition("/")[0] for name in all_ids()}
    for n in (2, 3, 7, 16):
        sizes = Counter(shard.part_of(f"{name}/float32", n) for name in ids)
        fair = len(ids) / n
        assert all(abs(sizes[i] - fair) < 4 * fair**0.5 for i in range(1, n + 1))


def test_the_part_of_a_case_is_the_same_in_another_process_and_never_changes():
    names = ["softmax/acceptance/1000-and-1001/float32", "log_softmax/far-tail/200/float64", "softmax/inputs/x/bfloat16"]
    code = f"from smxcheck.run.shard import part_of; print([part_of(n, 97) for n in {names!r}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    # CI jobs of two versions of smxcheck must agree: these numbers are SHA-256, and are not to be adapted.
    assert json.loads(done.stdout) == [shard.part_of(n, 97) for n in names] == [9, 73, 66]


@pytest.mark.parametrize("text", ["0/3", "4/3", "a/b", "1", "1/0", "-1/3", "1/3/5", "1/1001", "٢/٣", "99999999999/99999999999"])
def test_what_is_no_part_is_refused_with_the_form_that_is_one(run, text):
    done: Done = run(*RUN, "--shard", text)
    assert (done.code, done.out) == (2, "") and done.err.count("\n") == 1 and "as in 2/3" in done.err


def test_the_run_without_a_target_is_not_split(run):
    done = run("verify", "--shard", "1/2")
    assert done.code == 2 and "name one" in done.err


def test_a_part_says_that_it_is_one_and_lists_what_it_runs(run):
    whole = run(*RUN, "-k", "acceptance", "--list").out.split()
    listed = [run(*RUN, "-k", "acceptance", "--list", "--shard", f"{i}/2").out.split() for i in (1, 2)]
    assert sorted(listed[0] + listed[1]) == sorted(whole) and all(listed)
    done = run(*RUN, "-k", "acceptance", "--shard", "2/2", "--report", "part.json")
    found = json.loads(Path("part.json").read_text(encoding="utf-8"))
    assert {r["case"] for r in found["results"]} == set(listed[1])
    assert "This is part 2 of 2 of the run" in done.out.splitlines()[-1] and found["shard"] == "2/2"
    for format in ("rich", "github", "json"):
        assert "part 2 of 2 of the run" in " ".join(run(*RUN, "-k", "acceptance", "--shard", "2/2", "--format", format).out.split())


def test_a_part_that_gets_nothing_by_chance_passes_and_says_so(run):
    case = "softmax/acceptance/1000-and-1001/float32"
    empty = next(i for i in (1, 2) if i != shard.part_of(case, 2))
    done = run(*RUN, "--case", case, "--shard", f"{empty}/2", "--report", "part.json")
    assert done.code == 0 and "nothing was run" in done.out and f"part {empty} of 2" in done.out
    assert json.loads(Path("part.json").read_text(encoding="utf-8"))["exit_code"] == 0
    # But a selection that matches nothing is still nothing.
    assert run(*RUN, "-k", "no-such-text", "--shard", "1/2").code == 5
