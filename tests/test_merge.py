"""Parts of a run put together are the run: the law, with targets whose verdicts need cases of several parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smxcheck.judge.call import Demand
from smxcheck.judge.result import Level, Report, Status
from smxcheck.report.as_json import load, render
from smxcheck.run import execute, merge, union
from smxcheck.run.options import RunOptions
from smxcheck.targets.load import in_process

from .cli_support import KERNEL, called, write


def right(x, axis=-1):
    if x.size == 0:
        return x.copy()
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)


def textbook(x, axis=-1):
    with np.errstate(all="ignore"):
        e = np.exp(x)
        return e / e.sum(axis=axis, keepdims=True)


def flat(x):
    """One or two axes, floating point, not empty: the rest is declined, as classes."""
    if x.ndim > 2 or x.ndim == 0 or x.size == 0 or x.dtype.kind != "f":
        raise ValueError("one or two axes")
    return right(x)


def half_declined(x, axis=-1):
    """Raises for three axes and not for four: no class is declined, which only cases of several parts can show."""
    if x.ndim == 3:
        raise ValueError("three axes")
    return right(x, axis)


def writes(x, axis=-1):
    out = right(x, axis)
    if x.size > 3 and x.flags.writeable:
        x[...] = 0
    return out


def undecided_choice(x, axis=-1):
    """A row of -inf is nan for odd lengths and zeros for even ones: no choice, but each alone looks like one."""
    out = right(x, axis)
    if x.shape and x.shape[-1] % 2 == 0:
        out = np.where(np.isneginf(x).all(axis=-1, keepdims=True), 0.0, out).astype(x.dtype)
    return out


def log_of_softmax(x, axis=-1):
    with np.errstate(all="ignore"):
        return np.log(right(x, axis))


TARGETS: list[tuple[Callable[..., Any], str, str]] = [
    (right, "softmax", "acceptance"), (textbook, "softmax", "far"), (flat, "softmax", "axis"), (flat, "softmax", "empty"),
    (half_declined, "softmax", "axes"), (writes, "softmax", "acceptance"), (undecided_choice, "softmax", "inf"),
    (log_of_softmax, "log_softmax", "tail"),
]  # fmt: skip


def report(target: Callable[..., Any], function: str, **options: Any) -> Report:
    asked = RunOptions((target.__name__,), **{"dtypes": ("float32", "float64"), **options})
    session = in_process(target, function, target.__name__, asked.worker_options(target.__name__), None)
    try:
        found = execute.run_with([session], asked)
    finally:
        session.close()
    return load(render(found))  # whatever a file loses is lost


def parts(n: int, target: Callable[..., Any], function: str, **options: Any) -> list[Report]:
    return [report(target, function, shard=(i, n), **options) for i in range(1, n + 1)]


def core(found: Report) -> dict[str, Any]:
    """What the law is about: everything but times, and the command."""
    def timeless(r):
        return replace(r, seconds=0.0)

    return {
        "results": [timeless(r) for r in found.results],
        "problems": sorted(found.problems, key=lambda p: (p.target, p.function, p.smallest)),
        "code": found.exit_code, "shard": found.shard, "part": found.part, "oracle": found.oracle, "notices": found.notices,
        "targets": [replace(t, import_seconds=0.0) for t in found.targets],
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("target", "function", "text"), TARGETS, ids=lambda v: getattr(v, "__name__", v))
def test_parts_that_are_put_together_are_the_run(target, function, text):
    whole = report(target, function, text=text)
    assert whole.results
    split = parts(3, target, function, text=text)
    assert sum(len([r for r in p.results if r.group != "properties"]) for p in split) > 2
    assert core(merge.whole(split)) == core(whole)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize(("target", "function"), [(textbook, "softmax"), (log_of_softmax, "log_softmax"), (undecided_choice, "softmax")])
def test_parts_of_all_cases_that_are_put_together_are_the_run(target, function, n):
    options = {"dtypes": ("float32",), "demand": Demand(Level.TIGHT, None, {"all-masked": "nan"}, frozenset({"SMX201"}))}
    assert core(merge.whole(parts(n, target, function, **options))) == core(report(target, function, **options))


def test_what_only_shows_beside_other_parts_is_found():
    # A part that has only cases of a class that raised calls the class declined; beside the others it is wrong.
    options = {"text": "axes", "dtypes": ("float32",)}
    split = parts(8, half_declined, "softmax", **options)
    merged, whole = merge.whole(split), report(half_declined, "softmax", **options)
    declined = [sum(r.status is Status.DECLINED for p in of for r in p.results) for of in (split, [merged], [whole])]
    assert declined[0] > declined[1] == declined[2] and core(merged) == core(whole)


@pytest.mark.slow
def test_a_problem_is_accepted_in_the_whole_if_it_is_in_every_part(tmp_path):
    path = write(tmp_path, "known.toml", '[[known]]\nfunction = "softmax"\nreason = "no shift"\n')
    whole = report(textbook, "softmax", text="far", known=str(path))
    merged = merge.whole(parts(3, textbook, "softmax", text="far", known=str(path)))
    assert core(merged) == core(whole) and merged.problems[0].known and merged.exit_code == 0


def test_an_interrupted_part_makes_the_whole_an_interrupted_run():
    """What it had not come to is in no part: the others alone are no verdict."""
    split = parts(2, right, "softmax", text="acceptance/1000", dtypes=("float32",))
    assert merge.whole(split).exit_code == 0
    assert merge.whole([split[0], replace(split[1], interrupted=True)]).exit_code == 130


@pytest.mark.slow
def test_missing_parts_are_told_and_never_pass():
    split = parts(3, right, "softmax", text="acceptance")
    merged = merge.whole(split[:2])
    assert [p.exit_code for p in split] == [0, 0, 0] and merged.exit_code == 1
    assert merged.part is not None and merged.part.missing == (3,)
    assert load(render(merged)).part == merged.part


@pytest.mark.parametrize("broken", ["places", "positions", "traits", "asked", "result"])
def test_a_part_that_no_run_wrote_is_refused(broken):
    one = report(textbook, "softmax", text="far", shard=(1, 2))
    of = one.part
    assert of is not None
    seen = of.seen[0]
    changed = {
        "places": replace(one, part=replace(of, seen=(replace(seen, places=seen.places[1:]),))),
        "positions": replace(one, part=replace(of, seen=(replace(seen, likened=(replace(seen.likened[0], agreed=(99999,)),)),))),
        "traits": replace(one, part=replace(of, seen=(replace(seen, traits={}),))),
        "asked": replace(one, part=replace(of, asked={})),
        "result": replace(one, results=one.results[1:]),
    }[broken]
    with pytest.raises(ValueError, match=r"report\.part"):
        merge.whole([changed])


# ---- the command

@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    write(tmp_path, "kernel.py", KERNEL)
    write(tmp_path, "other.py", KERNEL)
    monkeypatch.chdir(tmp_path)
    return lambda *words: called(monkeypatch, capsys, *words)


def verify(run, name: str, *words: str, target: str = "kernel.py:log_softmax") -> None:
    done = run("verify", target, "-k", "acceptance", "--dtype", "float32", "--no-isolate", "--no-store", "-q",
               "--report", name, *words)  # fmt: skip
    assert done.code in (0, 1), done


def test_the_command_gives_the_screens_files_and_exit_code_of_the_run(run):
    verify(run, "all.json")
    for i in (1, 2):
        verify(run, f"{i}.json.gz", "--shard", f"{i}/2")
    done = run("merge", "2.json.gz", "1.json.gz", "--report", "m.json", "--report", "m.xml")
    assert done.code == 1 and "1 problem" in done.out and "part" not in done.out.splitlines()[-1]
    a, b = (json.loads(Path(name).read_text(encoding="utf-8")) for name in ("all.json", "m.json"))
    assert a["rows"] == b["rows"] and a["verdict"] == b["verdict"] and a["problems"] == b["problems"]
    assert "<testsuite" in Path("m.xml").read_text(encoding="utf-8")
    quiet = run("merge", "1.json.gz", "2.json.gz", "-q")
    assert quiet.out.splitlines() == [done.out.splitlines()[-1]]


def test_runs_of_several_targets_are_put_side_by_side_split_or_not(run):
    verify(run, "a.json")
    for i in (1, 2):
        verify(run, f"b{i}.json", "--shard", f"{i}/2", target="other.py:softmax")
    done = run("merge", "a.json", "b2.json", "b1.json", "--report", "m.json")
    found = json.loads(Path("m.json").read_text(encoding="utf-8"))
    assert done.code == 1 and [t["name"] for t in found["targets"]] == ["kernel.py:log_softmax", "other.py:softmax"]
    assert {r["target"]: r["verdict"] for r in found["rows"]}["other.py:softmax"].startswith("ok")


def test_missing_parts_need_partial_which_says_so_in_every_format(run):
    verify(run, "1.json", "--shard", "1/3", target="kernel.py:softmax")
    done = run("merge", "1.json")
    assert (done.code, done.out) == (2, "") and "parts 2/3, 3/3" in done.err and "--partial" in done.err
    for format in ("rich", "plain", "github", "json"):
        done = run("merge", "1.json", "--partial", "--format", format)
        assert done.code == 1 and "parts 2 and 3 of the run are missing" in " ".join(done.out.split())


@pytest.mark.slow
def test_what_does_not_fit_is_told_in_one_line(run):
    verify(run, "1.json", "--shard", "1/2")
    verify(run, "2.json", "--shard", "2/2")
    verify(run, "allow.json", "--shard", "2/2", "--allow", "writes-input")
    verify(run, "tight.json", "--shard", "2/2", "--require", "tight")
    verify(run, "all.json")
    Path("no.json").write_text("{}", encoding="utf-8")
    write(Path(), "kernel.py", f"{KERNEL}\n    # changed\n")
    verify(run, "changed.json", "--shard", "2/2")
    for files, text in {
        ("1.json", "1.json", "2.json"): "both part 1/2",
        ("1.json", "2.json", "all.json"): "is in both",
        ("1.json", "allow.json"): "differ in allow",
        ("1.json", "tight.json"): "require tight, in 1.json standard",
        ("1.json", "changed.json"): "its file has other contents",
        ("1.json", "no.json"): "no.json: not a report",
        ("1.json", "none.json"): "none.json: No such file",
    }.items():
        done = run("merge", *files)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1) and text in done.err, done


def test_unlike_machines_are_told():
    a, b = parts(2, right, "softmax", text="acceptance")
    other = replace(b, environment={**b.environment, "cpu": "another one"})
    assert not union.machines([("a", a), ("b", b)])
    (text,) = union.machines([("a", a), ("b", other)])
    assert "unlike environments: cpu" in text and "another one" in text
