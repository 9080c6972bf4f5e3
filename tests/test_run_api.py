"""``smxcheck.verify``: callables of every kind and names of targets; a report to ask, print and show."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

import smxcheck
from smxcheck import functions
from smxcheck.judge.result import Status
from smxcheck.run import pool
from smxcheck.run.execute import run_with
from smxcheck.run.options import RunOptions
from smxcheck.selftest.trial import session_of


def softmax(x, axis=-1):
    """As a file would have it."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def closure(power: float):
    def inner(x):
        return softmax(x * power)

    return inner


@functools.cache
def few() -> smxcheck.Report:
    return smxcheck.verify(lambda x: np.log(softmax(x)), "log_softmax", dtypes=("float32",))


@pytest.mark.slow
def test_a_callable_with_a_functions_name_needs_no_more():
    report = smxcheck.verify(softmax, dtypes=("float32",))
    assert report.passed and report.exit_code == 0 and report.problems == ()
    assert {r.function for r in report.results} == {"softmax"}


@pytest.mark.slow
def test_a_lambda_says_what_it_is_and_is_judged():
    report = few()
    assert not report.passed and report.exit_code == 1
    (problem,) = report.problems
    assert (problem.check, problem.function, problem.dtype) == ("SMX102", "log_softmax", "float32")
    assert problem.smallest in {r.case for r in report.results} and problem.count == len(problem.cases)
    assert "-inf" in problem.message


@pytest.mark.slow
def test_a_closure_runs_in_this_process_with_what_it_closes_over():
    assert smxcheck.verify(closure(1.0), "softmax", dtypes=("float32",)).passed
    assert not smxcheck.verify(closure(1.001), "softmax", dtypes=("float32",)).passed


@pytest.mark.slow
def test_a_name_is_a_target_as_on_the_command_line():
    report = smxcheck.verify("builtin.shifted", "logsumexp", dtypes=("float32",))
    assert report.passed and [t.name for t in report.targets] == ["builtin.shifted"]


def test_the_report_as_json_is_the_files_format():
    document = json.loads(few().to_json())
    assert document["schema"] == "smxcheck-report/1" and document["exit_code"] == 1


def test_a_shell_shows_the_verdict_and_a_notebook_the_page():
    report = few()
    assert repr(report).startswith("<smxcheck report: FAIL  ") and len(repr(report)) < 200
    page = report._repr_html_()
    assert page.startswith("<iframe srcdoc=") and page.count("<iframe") == 1 and "<script" not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"function": "sofmax"}, "no function 'sofmax'"),
        ({"function": ("softmax", "logsumexp")}, "say which function"),
        ({"dtypes": ("float8",)}, "no dtype 'float8'"),
        ({"cases": "fast"}, "quick or full"),
        ({"require": "best"}, "standard, tight, 1ulp"),
        ({"max_ulp": float("nan")}, "max_ulp is a finite number"),
        ({"timeout": -1.0}, "timeout is a finite number"),
        ({"time_limit": float("inf")}, "time_limit is a finite number"),
        ({"allow": ("SMX101",)}, "cannot be allowed"),
        ({"expect": ("all-masked=one",)}, "all-masked is one of"),
        ({"only": "3f"}, "is not understood"),
        ({"arrays": "cupy"}, "arrays is one of"),
        ({"device": "tpu"}, "device is one of"),
    ],
)
def test_an_argument_that_is_not_understood_is_a_value_error(arguments, words):
    with pytest.raises(ValueError, match=words):
        smxcheck.verify(softmax, **arguments)


def test_a_callable_without_a_functions_name_is_asked_for_one():
    with pytest.raises(ValueError, match=r"verify\(f, function='softmax'\)"):
        smxcheck.verify(lambda x: x)


def test_what_is_not_callable_and_no_text_is_a_value_error():
    with pytest.raises(ValueError, match="a callable or a text"):
        smxcheck.verify(3, "softmax")


def test_the_public_names_are_these_and_all_are_there():
    assert smxcheck.__all__ == sorted(smxcheck.__all__)
    for name in smxcheck.__all__:
        assert getattr(smxcheck, name) is not None
    with pytest.raises(AttributeError):
        _ = smxcheck.nothing


def test_functions_that_x_leaves_to_no_process_are_not_run_and_say_so(monkeypatch):
    """A case without a result could be taken for right, where the problem that ended the run is an accepted one."""
    monkeypatch.setattr(pool, "_side_by_side", lambda units, *_: ([], list(units), False))
    two = session_of({"softmax": functions.softmax, "sigmoid": functions.sigmoid}, "two")
    options = RunOptions(("two",), ("softmax", "sigmoid"), ("float32",), text="acceptance", jobs=2)
    found = run_with([two], options)
    assert {(r.function, r.status) for r in found.results} == {(f, Status.NOT_RUN) for f in options.functions}
    assert found.exit_code == 1 and "stopped at the first problem" in found.results[0].message


def test_a_problem_of_plain_values_and_of_a_circumstance_is_headed_by_the_plain_value() -> None:
    """exp in half precision is wrong at every length: "wrong at some row lengths" would be a wrong trail."""

    def halved(x: np.ndarray, axis: int = -1) -> np.ndarray:
        e = np.exp((x - x.max(axis=axis, keepdims=True)).astype(np.float16).astype(x.dtype))
        return e / e.sum(axis=axis, keepdims=True)

    names = ("513-columns", "1000-and-1001", "minus-10000-twice", "1e8-twice", "0-and-minus-40", "17-and-0")
    cases = [f"softmax/acceptance/{name}/float32" for name in names] + ["softmax/normal/1-d-of-2/float32"]
    report = smxcheck.verify(halved, function="softmax", case=cases)
    by_check = {r.check: r.case for r in report.results if r.status == "wrong"}
    assert set(by_check) == {"SMX101", "SMX106"}
    (problem,) = report.problems
    assert (problem.check, problem.smallest, problem.count) == ("SMX101", by_check["SMX101"], 2)
