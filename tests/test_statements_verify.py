"""The published statements in a run: told in one line, a departure from the record fails it, in every format."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from importlib.resources import files
from types import MappingProxyType
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from smxcheck.cli.config import Config
from smxcheck.cli.settle import Given, settle
from smxcheck.derivations import verdicts
from smxcheck.derivations.statement import Verdict
from smxcheck.judge.result import Published, Report
from smxcheck.report.as_json import load
from smxcheck.report.formats import FORMATS, render
from smxcheck.run import published

from . import report_samples as samples
from .cli_support import called

#: Cheap ones, one of each verdict.
FEW = ("000/stable", "000/kronecker", "002/label-gradient", "000/by-exp", "004/simplex")
COUNTS = {"true": 1, "true if": 1, "false": 1, "definition": 1, "program": 1}
LINE = "published statements: 5 checked: 1 true, 1 true if, 1 false, 1 definition, 1 program; all as recorded (smxcheck list statements)"
MISS = "000/by-exp: recorded true, found false"


def few(**recorded: Verdict) -> MappingProxyType:
    """A few statements, of which some have another verdict on record, by the id's speaking half."""
    found = {name: verdicts.statements()[name] for name in FEW}
    changed = {s.id: dataclasses.replace(s, verdict=recorded[s.name]) for s in found.values() if s.name in recorded}
    return MappingProxyType({**found, **changed})


def own(*misses: str, not_run: int = 0) -> Report:
    """The report of a bare run that is right but for what is said of the statements."""
    return dataclasses.replace(samples.own(), published=Published(5, COUNTS, misses, not_run))


@pytest.fixture
def tampered(monkeypatch):
    statements = few(**{"by-exp": Verdict.TRUE})
    monkeypatch.setattr(verdicts, "statements", lambda: statements)


# ---- running them


def test_the_count_is_of_the_verdicts_found(monkeypatch):
    statements = few()
    monkeypatch.setattr(verdicts, "statements", lambda: statements)
    assert published.judge_all(None) == Published(5, COUNTS)


def test_a_record_that_was_tampered_with_is_a_miss_with_both_verdicts(tampered):
    found = published.judge_all(None)
    assert found.misses == (MISS,) and found.counts == COUNTS and not found.as_recorded


def test_none_is_begun_after_the_deadline_and_those_are_not_as_recorded():
    found = published.judge_all(time.monotonic())
    assert (found.checked, found.not_run, found.as_recorded) == (0, 59, False)


def test_none_is_begun_once_the_run_was_given_up():
    stop = threading.Event()
    stop.set()
    assert published.judge_all(None, stop).checked == 0


def test_leaving_the_run_gives_up_what_is_left(monkeypatch):
    """The first is still being judged when the block is left: no second one is begun."""
    statements, begun, left = few(), threading.Event(), threading.Event()
    judged = []

    def slowly(statement):
        judged.append(statement.id)
        begun.set()
        assert left.wait(60)
        return verdicts_judge(statement)

    verdicts_judge = verdicts.judge
    monkeypatch.setattr(verdicts, "statements", lambda: statements)
    monkeypatch.setattr(verdicts, "judge", slowly)
    before = set(threading.enumerate())
    with published.beside(True, 2, None):
        assert begun.wait(60)
    left.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    assert judged == [FEW[0]]


@pytest.mark.parametrize("jobs", [1, 2])
def test_beside_the_cases_or_after_them_the_outcome_is_the_same(jobs, tampered):
    with published.beside(True, jobs, None) as outcome:
        assert outcome() == Published(5, COUNTS, (MISS,))


def test_an_error_in_one_is_raised_not_swallowed(monkeypatch):
    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(verdicts, "statements", broken)
    with published.beside(True, 2, None) as outcome, pytest.raises(RuntimeError, match="broken"):
        outcome()


def test_where_they_are_not_wanted_nothing_is_said():
    with published.beside(False, 2, None) as outcome:
        assert outcome() is None


# ---- when they are run


def given(**more: object) -> Given:
    nothing = {f.name: None if f.default is dataclasses.MISSING else f.default for f in dataclasses.fields(Given)}
    empty = ("targets", "functions", "dtypes", "ids", "fixed", "gradients", "allow", "expect", "reports")
    texts = ("cases", "text", "inputs", "arrays", "device", "only", "require", "known", "format", "beside")
    return Given(**{**nothing, **dict.fromkeys(empty, ()), **dict.fromkeys(texts, ""), "isolate": True, "seed": 0, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [({}, True), ({"dtypes": ("float32",)}, True), ({"targets": ("builtin",)}, False), ({"functions": ("softmax",)}, False),
     ({"text": "far-tail"}, False), ({"ids": ("softmax/far-tail/200/float32",)}, False)],
)  # fmt: skip
def test_they_belong_to_the_bare_run_alone(more, wanted):
    assert settle(given(**more), Config("", {})).published is wanted


def test_targets_of_a_project_leave_them_out():
    assert not settle(given(), Config("pyproject.toml", {"targets": ["builtin"]})).published


# ---- what a report says


def test_one_line_gives_the_count_and_the_run_is_right():
    report = own()
    assert report.exit_code == 0
    assert LINE in render(report, "plain").splitlines()
    assert LINE in " ".join(render(report, "rich").split())


@pytest.mark.parametrize("format", [f for f in FORMATS if f != "csv"])
def test_a_departure_fails_the_run_and_names_id_and_both_verdicts(format):
    report = own(MISS)
    assert report.exit_code == 1 and dataclasses.replace(report, exit_zero=True).exit_code == 0
    shown = " ".join(render(report, format).split())
    assert all(part in shown for part in ("000/by-exp", "recorded true", "found false"))


def test_statements_that_were_not_run_fail_the_run():
    report = own(not_run=3)
    assert report.exit_code == 1
    assert "FAIL  Published statements: 3 not run." in render(report, "plain")


def test_reports_without_them_are_silent():
    report = dataclasses.replace(samples.own(), notices=())
    assert report.published is None
    assert all("published statement" not in render(report, name).lower() for name in FORMATS if name != "json")


@pytest.mark.slow
def test_json_carries_them_by_its_schema_and_back():
    schema = json.loads(files("smxcheck.report").joinpath("schema.json").read_text())
    for report in (own(), own(MISS, not_run=2), samples.own()):
        document = json.loads(report.to_json())
        jsonschema.Draft202012Validator(schema).validate(document)
        assert load(report.to_json()).published == report.published
    del document["published"]  # a file from before there were any
    assert load(json.dumps(document)).published is None


def test_junit_has_a_test_of_them_that_fails():
    def case(report: Report) -> ET.Element:
        found = [c for c in ET.fromstring(render(report, "junit")).iter("testcase") if c.get("name") == "published statements"]
        assert len(found) == 1
        return found[0]

    assert case(own()).find("failure") is None
    assert "000/by-exp" in (case(own(MISS)).find("failure").text or "")


def test_github_has_an_error_for_them():
    assert "::error title=smxcheck%3A published statements::PUBLISHED STATEMENT NOT AS RECORDED" in render(own(MISS), "github")


# ---- the command


def test_list_statements_shows_each_with_its_verdict_and_counts_them(monkeypatch, capsys):
    done = called(monkeypatch, capsys, "list", "statements")
    lines = done.out.splitlines()
    assert done.code == 0 and [line.split()[0] for line in lines[1:60]] == list(verdicts.statements())
    assert "59 statements: 32 true, 5 true if, 10 false, 5 definition, 7 program" in lines
    assert next(line for line in lines if line.startswith("004/entropy-gradient ")).split()[1] == "false"


@pytest.mark.slow
def test_a_tampered_record_fails_the_bare_command(tampered, monkeypatch, capsys):
    done = called(monkeypatch, capsys, "verify", "--format", "plain", "--dtype", "float32")
    assert done.code == 1
    assert f"PUBLISHED STATEMENT NOT AS RECORDED: {MISS}" in done.out.splitlines()
    assert done.out.splitlines()[-1].startswith("FAIL  Published statements: 1 NOT AS RECORDED.")
