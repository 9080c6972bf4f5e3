"""``assert_conforms``: an assertion that says in a few lines what is wrong, and is no pass where nothing is known."""

from __future__ import annotations

import dataclasses
import re
import unittest

import numpy as np
import pytest

import smxcheck
from smxcheck.caseset import load_cases
from smxcheck.judge.result import Status
from smxcheck.testing import Nonconforming, assert_conforms

RIGHT = load_cases(["softmax"], ["float32"], only_text="far-tail/20/")
#: Enough for every mistake below, and little enough to be quick.
SOME = [c.id for c in load_cases(["softmax"], only_text="rows-apart") + load_cases(["softmax"], only_text="all-masked/")]
F32 = ("float32",)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def batch_maximum(x, axis=-1):
    e = np.exp(x - x.max())
    return e / e.sum(axis=axis, keepdims=True)


def careless(x, axis=-1):
    """Wrong in several ways: the batch's maximum, the input written to, the result of another dtype."""
    x -= x.max()
    return softmax(x, axis).astype(np.longdouble)


def moody(x, axis=-1):
    """A row of -inf is nan in float32 and zeros in float64: right on each case, not on both."""
    out = softmax(x, axis)
    masked = np.all(x == -np.inf, axis=axis, keepdims=True) & (x.dtype == np.float64)
    return np.where(masked, x.dtype.type(0), out)


def failing(target: object, *args: object, **options: object) -> Nonconforming:
    with pytest.raises(Nonconforming) as caught:
        assert_conforms(target, *args, **options)  # type: ignore[arg-type]
    assert isinstance(caught.value, AssertionError)
    return caught.value


def again(text: str) -> str:
    """The line that runs the first problem again."""
    return re.search(r"^  again +(.+)$", text, re.MULTILINE)[1]


def test_what_is_right_returns_the_report_of_verify() -> None:
    report = assert_conforms(softmax, dtypes=F32, case=[c.id for c in RIGHT])
    assert report.passed and {r.case for r in report.results} >= {c.id for c in RIGHT}


def test_what_was_not_checked_is_shown_under_pytest_and_nowhere_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"dtypes": F32, "case": ["softmax/empty/10-by-0/float32", RIGHT[0].id]}
    report = assert_conforms(softmax, **asked)
    shown = capsys.readouterr().out
    assert "declined by the target" in shown and repr(report)[20:40] in shown
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert_conforms(softmax, **asked)
    assert capsys.readouterr().out == ""


def test_a_failure_is_told_in_ten_lines_with_everything_to_act_on() -> None:
    error = failing(batch_maximum, function="softmax", case=SOME)
    lines = str(error).splitlines()
    assert lines[0].startswith("FAIL  batch_maximum: softmax is wrong") and len(lines) <= 1 + 10
    assert lines[1].startswith("PROBLEM 1 of 1: softmax returns nan")
    labels = [line.split("  ")[1].strip() for line in lines[2:]]
    assert labels == ["smallest", "also in", "got", "right", "behaves as", "instead", "again", "why"]
    assert "smxcheck explain SMX102" in lines[-1]
    assert error.report.problems and not error.report.passed


@pytest.mark.parametrize(("target", "options"), [(batch_maximum, {}), (moody, {}), (careless, {"require": "tight"})])
def test_the_line_that_runs_it_again_does(target: object, options: dict[str, str]) -> None:
    error = failing(target, "softmax", case=SOME, **options)
    line = again(str(error))
    assert all(f"{key}={value!r}" in line for key, value in options.items())
    with pytest.raises(Nonconforming) as caught:
        eval(line, globals())
    assert error.report.problems[0].check in {p.check for p in caught.value.report.problems}


def test_what_only_many_cases_show_is_run_again_on_all_of_them() -> None:
    """One row of -inf alone is no inconsistency."""
    error = failing(moody, "softmax", case=SOME)
    assert error.report.problems[0].check == "SMX501" and f"case={SOME!r}" in again(str(error))
    assert smxcheck.verify(moody, "softmax", case=error.report.problems[0].smallest).exit_code == 0


def test_a_lambda_has_a_stand_in_for_its_name() -> None:
    error = failing(lambda x: x, "softmax", case=SOME)
    assert again(str(error)).startswith("assert_conforms(f, function='softmax', case=")


def test_a_target_in_a_text_is_run_again_by_a_command() -> None:
    error = failing("builtin.textbook", "softmax", case=SOME)
    line = again(str(error))
    assert line.startswith("smxcheck verify builtin.textbook --case softmax/")
    case = line.rpartition(" ")[2]
    assert smxcheck.verify("builtin.textbook", case=case).exit_code == 1


def test_an_argument_that_is_not_understood_shows_no_line_of_smxcheck() -> None:
    with pytest.raises(ValueError, match="no function 'sofmax'; did you mean softmax") as caught:
        assert_conforms(lambda x: x, function="sofmax")
    assert len(str(caught.value)) < 80 and caught.value.__suppress_context__
    assert str(caught.traceback[-1].path).endswith("testing.py")


def test_at_most_two_problems_are_shown_and_the_others_counted() -> None:
    error = failing(careless, "softmax", case=SOME)
    text, count = str(error), len(error.report.problems)
    assert count > 2 and text.count("PROBLEM ") == 2 and f"PROBLEM 2 of {count}: " in text
    assert f"+{count - 2} more, in .report.problems" in text
    assert len(text.splitlines()) <= 1 + 2 * 10 + 1


def test_not_run_to_the_end_is_no_pass() -> None:
    text = str(failing(softmax, dtypes=F32, time_limit=0.0))
    assert text.startswith("FAIL") and "results not run: the time limit was reached" in text


def test_nothing_checked_is_no_pass() -> None:
    """A case of another function, and cases that the callable declines, tell nothing."""
    assert "nothing was checked, which is no pass" in str(failing(softmax, case="log_softmax/far-tail/200/float32"))

    def refuses(x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    text = str(failing(refuses, "softmax", case="softmax/empty/10-by-0/float32"))
    assert text.startswith("NOTHING CHECKED") and "declined by the target" in text


def test_undecided_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    report = smxcheck.verify(softmax, case=RIGHT[0].id)
    undecided = tuple(dataclasses.replace(r, status=Status.UNDECIDED) for r in report.results)
    monkeypatch.setattr("smxcheck.api.verify", lambda *_, **__: dataclasses.replace(report, results=undecided))
    text = str(failing(softmax))
    assert text.startswith("UNDECIDED") and "could not decide" in text and RIGHT[0].id in text


def test_an_interrupted_run_is_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    report = dataclasses.replace(smxcheck.verify(softmax, case=RIGHT[0].id), interrupted=True)
    monkeypatch.setattr("smxcheck.api.verify", lambda *_, **__: report)
    with pytest.raises(KeyboardInterrupt):
        assert_conforms(softmax)


def test_the_keywords_are_those_of_verify_with_the_same_checks() -> None:
    with pytest.raises(TypeError, match="requir"):
        assert_conforms(softmax, requir="tight")
    with pytest.raises(ValueError, match="standard, tight, 1ulp"):
        assert_conforms(softmax, require="best")
    with pytest.raises(ValueError, match=r"verify\(f, function='softmax'\)"):
        assert_conforms(lambda x: x)


def test_it_serves_unittest_too() -> None:
    class Conformance(unittest.TestCase):
        def test_right(self) -> None:
            assert_conforms(softmax, case=RIGHT[0].id)

        def test_wrong(self) -> None:
            assert_conforms(batch_maximum, "softmax", case="softmax/acceptance/rows-120-apart/float32")

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Conformance).run(result)
    assert (result.testsRun, len(result.failures), result.errors) == (2, 1, [])
