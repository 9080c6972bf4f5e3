"""The JSON report: its schema, its purity, its sums, and the way back."""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.judge.result import Report, Status
from smxcheck.report.as_json import load, render

from . import report_samples as samples

SCHEMA = json.loads(files("smxcheck.report").joinpath("schema.json").read_text())
every_sample = pytest.mark.parametrize("name", samples.ALL)


def data(name: str) -> dict:
    return json.loads(render(samples.ALL[name]()), parse_constant=pytest.fail)


@every_sample
def test_reports_are_valid_and_have_no_bare_infinity(name):
    jsonschema.Draft202012Validator(SCHEMA).validate(data(name))


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["targets", "rows", "problems", "results"])
def test_the_schema_names_every_key_that_is_written(part):
    written = {key for entry in data("one_wrong")[part] for key in entry}
    assert written == set(SCHEMA["$defs"][part.removesuffix("s")]["properties"])
    assert set(data("one_wrong")) == set(SCHEMA["properties"])


@pytest.mark.parametrize(
    ("key", "value"),
    [("exit_code", 2), ("schema", "smxcheck-report/2"), ("seconds", "Infinity"), ("counts", {})],
)
def test_the_schema_refuses_what_is_no_report(key, value):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate({**data("one_wrong"), key: value})


@every_sample
def test_counts_add_up_to_the_number_of_results(name):
    report = data(name)
    counts = report["counts"]
    assert sum(counts[status.value] for status in Status) == counts["results"] == len(report["results"])
    assert sum(row["results"] for row in report["rows"]) == counts["results"]
    for status in Status:
        assert sum(row["counts"][status.value] for row in report["rows"]) == counts[status.value]


@every_sample
def test_reading_a_report_gives_back_the_same_text(name):
    text = render(samples.ALL[name]())
    assert render(load(text)) == text


def test_reading_a_report_gives_back_the_same_report():
    report = samples.one_wrong()
    assert load(report.to_json()) == report


@pytest.mark.slow
@given(st.floats(allow_nan=False), st.text(st.characters(codec="utf-8")))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_any_number_and_text_survive(number, text):
    """Every float (infinities too) and every Unicode text come back as they were."""
    full = samples.one_wrong()
    result = dataclasses.replace(full.results[0], error_ulp=number, message=text)
    report = dataclasses.replace(full, results=(result,), command=text)
    assert load(render(report)) == report


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"schema": "smxcheck-report/2"}', '{"schema": "smxcheck-report/1"}', "no"]
)
def test_what_is_no_report_is_refused_with_one_line(text):
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        load(text)


def test_floats_stand_in_hex_as_well():
    result = data("one_wrong")["results"][1]
    assert float.fromhex(result["error_ulp_hex"]) == result["error_ulp"] == 63.19


def test_a_non_finite_error_is_a_string():
    worst = [r for r in data("one_wrong")["results"] if r["status"] == "wrong"]
    assert {r["error_ulp"] for r in worst} == {"inf"}


def test_the_exit_code_of_the_file_is_that_of_the_report():
    report: Report = dataclasses.replace(samples.one_wrong(), exit_zero=True)
    written = json.loads(report.to_json())
    assert (written["exit_code"], written["verdict"]["word"]) == (0, "FAIL")
