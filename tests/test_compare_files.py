"""The files that ``compare`` reads and writes: whatever stands in them, an answer or one clear line."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.files import document
from smxcheck.changes import as_github, as_json, as_markdown, as_text
from smxcheck.changes.compare import compare
from smxcheck.changes.model import Changes
from smxcheck.judge.result import Status
from smxcheck.report import read
from smxcheck.report.as_json import load, rebuilt, render
from smxcheck.report.screen import Layout

from . import report_samples
from .bench_samples import sample_run
from .cli_support import Done, called
from .compare_samples import moved, report, result

SCHEMA = json.loads(files("smxcheck.changes").joinpath("schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
#: Every way to show a comparison.
RENDERERS: dict[str, Callable[[Changes], str]] = {
    "json": as_json.render,
    "github": as_github.render,
    "markdown": as_markdown.render,
    "rich": lambda c: "\n".join("".join(text for text, _ in line) for line in as_text.lines(c, Layout(), everything=True)),
    "plain": lambda c: "\n".join(as_text.facts(c, everything=True)),
}
#: A value of the wrong type, or of the right one and out of any range.
STRANGE = st.sampled_from(
    [None, True, -1, 0, 2**63, 10**400, 1e308, -0.5, "", "inf", "nan", "wrong", "\x1b[31m::error::x", [], [1], [[1]], {}, {"a": {}}, [{}]]
)  # fmt: skip

Call = Callable[..., Done]


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """``smxcheck compare`` of two texts or contents, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(old: str | bytes, new: str | bytes, *options: str) -> Done:
        for name, content in (("old.json", old), ("new.json", new)):
            Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return called(monkeypatch, capsys, "compare", "old.json", "new.json", *options)

    return run


def example() -> Changes:
    """One result of nearly every kind."""
    cases = [f"normal/{i}" for i in range(8)]
    old = [*(result(case) for case in cases[:6]), result(cases[6], Status.WRONG), result(cases[7], Status.DECLINED)]
    new = [
        result(cases[0]), moved(case=cases[1]), moved(9.0, case=cases[2]), result(cases[3], Status.WRONG, got="inf"),
        moved(case=cases[4], choice={"all-masked": "nan"}), result(cases[5], Status.CRASHED, message="SIGSEGV"),
        result(cases[6]), result(cases[7]), result("normal/9"),
    ]  # fmt: skip
    return compare(report(*old), report(*new, shard="1/2"))


def test_the_json_is_valid_and_its_counts_add_up():
    VALIDATOR.check_schema(SCHEMA)
    told = json.loads(as_json.render(example()), parse_constant=pytest.fail)
    VALIDATOR.validate(told)
    counts = told["counts"]
    assert sum(number for kind, number in counts.items() if kind != "results") == counts["results"] == 8
    assert len(told["changes"]) == counts["results"] - counts["same-bits"] - counts["as-before"]
    assert {change["kind"] for change in told["changes"] if change["fails"]} == {"newly-wrong"}
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**told, "counts": {"results": 8}})


def paths(value: object, prefix: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [prefix, *(path for key, one in entries for path in paths(one, (*prefix, key)))]


WHOLE = json.loads(render(report_samples.every_status()))
PATHS = paths(WHOLE)[1:]


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.sampled_from(PATHS), STRANGE), min_size=1, max_size=3))
def test_a_report_with_strange_values_is_refused_in_one_line_or_compared_and_shown(changes):
    """The loader knows what each field may be; what it lets through, every renderer can show."""
    data = json.loads(json.dumps(WHOLE))
    for path, value in changes:
        place = data
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    try:
        strange = rebuilt(data)
    except ValueError as error:
        assert re.fullmatch(r"[^\n]+", str(error))
        return
    for found in (compare(strange, report_samples.decided()), compare(report_samples.every_status(), strange)):
        for show in RENDERERS.values():
            text = show(found)
            assert "\x1b" not in text
        VALIDATOR.validate(json.loads(as_json.render(found), parse_constant=pytest.fail))


@pytest.mark.parametrize("name", RENDERERS)
def test_text_of_a_target_does_no_harm_in_any_format(name):
    """Escapes are taken out; a workflow command stands at the start of no line; HTML is shown and not made."""
    old = report_samples.every_status()
    new = replace(old, results=tuple(replace(r, status=Status.WRONG, got=report_samples.HOSTILE) for r in old.results))
    text = RENDERERS[name](compare(old, new))
    assert "\x1b" not in text
    assert not re.search(r"^::error::owned", text, re.MULTILINE)
    outside_code = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert name != "markdown" or ("alert" in text and "<script>" not in outside_code)


def test_a_field_of_the_wrong_type_is_named():
    data = json.loads(render(report(result())))
    data["results"][0]["histogram"] = 3
    with pytest.raises(ValueError, match=r"report\.results\[0\]\.histogram: a list is expected, not a number"):
        rebuilt(data)


def test_a_report_of_an_earlier_version_lacks_fields_and_is_read():
    data = json.loads(render(report(result())))
    for name in ("oracle", "recheck", "published", "fuzzed", "shard"):
        del data[name]
    del data["results"][0]["digest"]
    assert rebuilt(data).results[0].digest == ""


TEXT = render(report(result()))
DEEP = '{"schema": ' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (TEXT[: len(TEXT) // 2], "not JSON"),
        (gzip.compress(TEXT.encode())[:-20], "not a whole compressed file"),
        (b"\x1f\x8b" + b"x" * 50, "not a whole compressed file"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (DEEP, "too deep"),
        ('{"schema": NaN}', "NaN is no JSON"),
        ("[]", "neither a report nor a run of bench"),
        ('{"schema": "smxcheck-hunt/1"}', "neither a report nor a run of bench"),
        (TEXT.replace('"ok"', '"fine"'), "expected one of ok, wrong"),
        (TEXT.replace('"seconds": 0.0', '"seconds": 1' + "0" * 400), "too large"),
        ('{"schema": "smxcheck-report/1", "results": 1' + "0" * 5000 + "}", "not JSON"),
    ],
)
def test_what_is_no_report_is_one_line_and_exit_2(compared, content, says):
    done = compared(TEXT, content)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"smxcheck: new\.json: [^\n]+\n", done.err), done.err
    assert says in done.err


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(compared, monkeypatch):
    """No more than the limit is ever unpacked; the line says what it is."""
    monkeypatch.setattr(read, "MOST_BYTES", 1 << 20)
    bomb = gzip.compress(b" " * (16 << 20))
    assert len(bomb) < 1 << 17
    done = compared(TEXT, bomb)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "more than 1 MiB of JSON" in done.err


def test_a_file_of_nothing_but_brackets_is_not_built(monkeypatch):
    monkeypatch.setattr(read, "MOST_PARTS", 1000)
    with pytest.raises(ValueError, match="more than 1,000 lists and objects"):
        load("[" + "[]," * 1000 + "[]]")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_one_line(compared, monkeypatch, capsys, name):
    compared(TEXT, TEXT)
    done = called(monkeypatch, capsys, "compare", name, "new.json")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "cannot be read" in done.err


def test_reports_and_runs_of_bench_do_not_mix(compared):
    run = document.render(sample_run())
    done = compared(TEXT, run)
    assert (done.code, "compare two of one kind" in done.err) == (2, True)


@pytest.mark.slow
def test_runs_of_bench_are_compared_as_the_gate_does(compared):
    base, same, slow = (document.render(sample_run(**of)) for of in ({}, {"seed": 2}, {"seed": 3, "slower": {"torch": 1.5}}))
    assert compared(base, same).code == 0
    done = compared(base, slow)
    assert done.code == 1
    assert done.out.splitlines()[-1].startswith("SLOWER")
    assert compared(base, slow, "--fail-above", "90%").code == 0
    github = compared(base, slow, "--format", "github")
    assert "::error title=smxcheck compare%3A slower::torch on" in github.out
    for options in (("--known", "x"), ("--fail-on", "moved"), ("--map", "a=b"), ("--format", "json")):
        assert compared(base, same, *options).code == 2


def test_runs_of_bench_of_two_machines_need_to_be_asked_for(compared):
    base = sample_run()
    other = document.render(replace(base, machine={**base.machine, "cpu": "EPYC"}))
    done = compared(document.render(base), other)
    assert (done.code, "--any-machine" in done.err) == (2, True)
    assert compared(document.render(base), other, "--any-machine").code == 0
