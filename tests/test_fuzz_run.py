"""``verify --fuzz``: what is drawn and what is not, what becomes of failures, what every report says of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from smxcheck.caseset.found import found_case
from smxcheck.fuzz.put import Answer
from smxcheck.judge.call import Demand
from smxcheck.judge.result import Fuzzed, Level, Report, Result, Status
from smxcheck.report import as_json, as_markdown, as_plain, as_rich
from smxcheck.run import fuzzing
from smxcheck.run.execute import run_with
from smxcheck.run.options import RunOptions
from smxcheck.run.progress import Silent
from smxcheck.run.unit import Limits
from smxcheck.targets.load import in_process

from .cli_support import FEW, smxcheck, write


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def wrong_in_few_lengths(x, axis=-1):
    return softmax(x, axis) * x.dtype.type(1.001 if x.shape[axis] in (5, 6, 7) else 1)


def report(call, seconds: float, **changes) -> Report:
    options = {"functions": ("softmax",), "dtypes": ("float32",), "text": "acceptance/0-and-minus-200", **changes}
    return run_with([in_process(call, "softmax", "mine")], RunOptions(("mine",), fuzz=seconds, **options))


def place() -> fuzzing._Place:
    return fuzzing._Place(in_process(softmax, "softmax", "mine"), "softmax", "float32")


@pytest.fixture(scope="module")
def failing() -> Report:
    """Its one fixed case is right."""
    return report(wrong_in_few_lengths, 2.0)


def test_what_is_found_is_an_ordinary_problem_and_makes_the_verdict(failing):
    record, found = failing.fuzzed[0], [r for r in failing.results if r.group == "found"]
    assert failing.exit_code == 1 and record.found
    assert {r.case for r in found if r.status is Status.WRONG} == set(record.found)
    assert failing.problems[0].smallest in record.found and record.found[0] in failing.problems[0].again
    assert record.worst_ratio is not None and record.worst_ratio > 1


def test_properties_are_counted_once(failing):
    """The fixed cases have shown them; the rerun of a found case must not add to the results."""
    properties = [r.check for r in failing.results if r.group == "properties"]
    assert len(properties) == len(set(properties))


def test_every_format_says_what_was_drawn_and_what_came_of_it(failing):
    assert as_json.load(as_json.render(failing)).fuzzed == failing.fuzzed
    for renderer in (as_plain, as_rich, as_markdown):
        text = " ".join(renderer.render(failing).split())
        assert "failing input" in text and "of what is allowed" in text, renderer.__name__


def test_a_function_that_fails_fixed_cases_is_left_out_and_every_format_says_so():
    found = report(lambda x, axis=-1: softmax(x, axis) * 2, 5.0)
    assert found.seconds < 5 and found.fuzzed == (
        Fuzzed("mine", "softmax", "float32", 0, left_out="fails fixed cases"),
    )  # fmt: skip
    for renderer in (as_plain, as_rich, as_markdown):
        text = " ".join(renderer.render(found).split())
        assert "Not fuzzed: mine softmax float32 (fails fixed cases)" in text, renderer.__name__


def test_under_x_nothing_is_drawn_after_a_problem():
    texts = ["softmax/acceptance/0-and-minus-200/float32", "softmax/acceptance/0-and-minus-200/float64"]

    def wrong_in_float32(x, axis=-1):
        return softmax(x, axis) * (2 if x.dtype == np.float32 else 1)

    options = {"text": None, "ids": tuple(texts), "dtypes": ("float32", "float64"), "stop_first": True}
    assert all(f.left_out and not f.inputs for f in report(wrong_in_float32, 5.0, **options).fuzzed)


def test_the_time_limit_bounds_the_drawing_too():
    found = report(softmax, 1000.0, time_limit=0.01)
    assert found.fuzzed[0].inputs == 0 and found.fuzzed[0].left_out


@pytest.mark.slow
def test_a_failure_that_does_not_come_again_is_reported_as_first_seen():
    """Right in the fixed case, wrong once among the drawn: the run is not right, and the message says what happened."""
    calls = iter(range(10**6))

    def now_and_then(x, axis=-1):
        return softmax(x, axis) * (2 if next(calls) == 6 else 1)

    found = report(now_and_then, 1.5)
    wrong = [r for r in found.results if r.status is Status.WRONG]
    assert found.exit_code == 1 and len(wrong) == 1 and "right when called again" in wrong[0].message
    assert found.problems[0].smallest == wrong[0].case


def test_a_property_that_is_broken_once_is_a_failure_and_a_part_hands_it_on():
    case = found_case("softmax", "float32", {"x": np.float32([0, 1])}, {}, "contiguous", "drawn")
    right = Result("mine", "softmax", "float32", case.id, case.group, "SMX101", Status.OK, Level.TIGHT)
    answer = Answer(case, "softmax([0, 1])", (right,), None, ("SMX205", "property"), False, False)
    unit = fuzzing._as_first_seen(answer, Demand(), Limits(of_part=True))
    [wrong] = [r for r in unit.results if r.status is Status.WRONG]
    assert (wrong.check, wrong.case, wrong.group) == ("SMX205", case.id, "properties")
    assert "right when called again" in wrong.message and len(unit.problems) == 1
    assert [b.code for b in unit.seen[0].broken] == ["SMX205"]


def test_ctrl_c_ends_the_drawing_and_the_run(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fuzzing, "_draw", interrupt)
    found = report(softmax, 5.0)
    assert found.interrupted and found.exit_code == 130 and found.fuzzed[0].left_out


def test_without_a_target_or_hypothesis_it_is_refused_before_anything_runs(monkeypatch):
    with pytest.raises(ValueError, match="--fuzz needs a TARGET"):
        fuzzing.check(RunOptions(("builtin",), own=True, fuzz=1.0))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'smxcheck\[fuzz\]'"):
        report(softmax, 1.0)


def test_parts_of_a_run_draw_different_inputs_and_each_the_same_again(monkeypatch):
    seeds = []

    def only_the_seed(search, until, grace):
        seeds.append(search._seed())
        search.exhausted = True

    monkeypatch.setattr("smxcheck.fuzz.search.Search.run", only_the_seed)
    parts = [None, (1, 2), (2, 2), (1, 3)]
    for shard in (*parts, *parts):
        fuzzing._draw(RunOptions(("mine",), fuzz=1.0, shard=shard), [place()], None, Silent())
    assert seeds[:4] == seeds[4:] and len(set(seeds)) == 4


@pytest.mark.slow
def test_the_command_writes_nothing_and_warns_of_nothing(tmp_path: Path):
    write(tmp_path, "kernel.py", """
        import numpy as np

        def softmax(x, axis=-1):
            e = np.exp(x - x.max(axis=axis, keepdims=True))
            return e / e.sum(axis=axis, keepdims=True)
    """)  # fmt: skip
    done = smxcheck(tmp_path, "verify", "kernel.py", *FEW, "--fuzz", "1", "--no-store")
    assert done.code == 0 and done.err == "" and "none failed, which is no proof" in done.out
    assert [p.name for p in tmp_path.iterdir() if p.name != "__pycache__"] == ["kernel.py"]
