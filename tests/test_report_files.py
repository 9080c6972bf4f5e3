"""The formats for other programs, and the files that they are written to."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from smxcheck.judge.result import Status
from smxcheck.report import formats
from smxcheck.report.as_csv import cell
from smxcheck.report.as_github import annotation
from smxcheck.report.as_markdown import code, text
from smxcheck.report.formats import FORMATS, render
from smxcheck.report.write import ReportError, destination, write_report

from . import report_samples as samples

every_sample = pytest.mark.parametrize("name", samples.ALL)


@every_sample
@pytest.mark.parametrize("format", FORMATS)
def test_every_format_renders_every_report_as_utf_8_without_control_characters(name, format):
    written = render(samples.ALL[name](), format)
    written.encode()
    assert written.endswith("\n")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", written)


@pytest.mark.parametrize("format", ["markdown", "html", "github", "junit"])
def test_every_format_has_the_verdict_the_caveats_and_the_problem(format):
    written = render(samples.one_wrong(), format)
    for fact in (
        "FAIL",
        "GPU",
        "log_softmax returns -inf where the answer is finite",
        "log(softmax(x)), in 60 of the 60",
    ):
        assert fact in written, fact


# JUnit


@every_sample
def test_junit_names_are_unique_and_counts_are_those_of_the_tests(name):
    root = ET.fromstring(render(samples.ALL[name](), "junit").encode())
    cases = list(root.iter("testcase"))
    names = [(c.get("classname"), c.get("name")) for c in cases]
    assert len(set(names)) == len(names)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(attribute)) == sum(c.find(tag) is not None for c in cases)
    assert int(root.get("tests")) == len(cases) == sum(int(s.get("tests")) for s in root.iter("testsuite"))
    assert all(float(c.get("time")) >= 0 for c in cases)


@every_sample
def test_junit_is_red_exactly_where_the_exit_code_is(name):
    report = samples.ALL[name]()
    root = ET.fromstring(render(report, "junit").encode())
    assert (int(root.get("failures")) + int(root.get("errors")) > 0) == (report.exit_code != 0)


def test_junit_tells_wrong_from_crashed_from_skipped():
    root = ET.fromstring(render(samples.decided(), "junit").encode())
    kinds = {c.get("name"): [e.tag for e in c if e.tag != "system-out"] for c in root.iter("testcase")}
    assert kinds["softmax float32 far-tail"] == ["failure"]
    assert kinds["softmax float32 row-length"] == ["error"]
    assert kinds["softmax float32 layout"] == kinds["softmax float32 no-limit"] == ["skipped"]
    assert kinds["softmax float32 spread"] == []


def test_junit_puts_all_problems_and_the_figures_in_the_one_failure():
    full = samples.one_wrong()
    second = replace(full.problems[0], message="a second cause")
    root = ET.fromstring(render(replace(full, problems=(*full.problems, second)), "junit").encode())
    failures = list(root.iter("failure"))
    assert len(failures) == 2  # float32 and float64
    for failure in failures:
        assert "answer is finite" in failure.text and "a second cause" in failure.text
        assert "worst error -inf, not -200" in failure.text


def test_junit_does_not_pass_a_bare_run_off_as_the_users():
    root = ET.fromstring(render(samples.own(), "junit").encode())
    assert [c.get("name") for c in root.iter("testcase") if c.find("skipped") is not None] == ["your code"]


# CSV


@every_sample
def test_csv_has_one_line_per_result(name):
    report = samples.ALL[name]()
    rows = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    assert [row["case"] for row in rows] == [r.case for r in report.results]
    assert [row["status"] for row in rows] == [r.status.value for r in report.results]


def test_csv_has_floats_in_hex():
    row = list(csv.DictReader(io.StringIO(render(samples.one_wrong(), "csv"))))[1]
    assert float.fromhex(row["error_ulp_hex"]) == float(row["error_ulp"]) == 63.19


@pytest.mark.parametrize("formula", ["=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "-", "-infinite", "+1e", "=1"])
def test_csv_formulas_are_defused(formula):
    assert cell(formula) == f"'{formula}"


@pytest.mark.parametrize("number", ["-1", "+0.5", "-1e-30", "-inf", "-0x1.8p+3", "1.5", "-.5", "nan", ""])
def test_csv_numbers_are_left_alone(number):
    assert cell(number) == number


def test_csv_of_a_hostile_target_has_no_formula():
    for row in csv.reader(io.StringIO(render(samples.every_status(), "csv"))):
        assert all(cell(field) == field for field in row)


# GitHub


def test_github_has_one_error_per_problem_and_the_verdict_last():
    lines = render(samples.one_wrong(), "github").splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == 1
    assert errors[0].startswith("::error file=kernel.py,title=smxcheck SMX102::log_softmax returns -inf")
    assert lines[-1].startswith("FAIL  ")


def test_github_names_a_file_only_where_the_user_has_one():
    report = samples.one_wrong()
    library = replace(report, targets=(replace(report.targets[0], path=""),))
    assert "file=" not in render(library, "github")


@every_sample
def test_github_commands_are_only_ours(name):
    """Each line but the last is one command of ours, whatever the target printed."""
    lines = render(samples.ALL[name](), "github").splitlines()
    assert all(re.match(r"::(error|warning|notice) [^:]*title=smxcheck[^:]*::", line) for line in lines[:-1])
    assert not lines[-1].startswith("::")


def test_github_escapes_properties_and_data():
    assert annotation("error", "a,b:c\n", "50 %\n::x", "d:e") == (
        "::error file=d%3Ae,title=a%2Cb%3Ac%0A::50 %25%0A::x"
    )


@pytest.mark.parametrize("name", ["own", "every_status", "nothing", "interrupted"])
def test_github_annotates_what_no_problem_says(name):
    assert re.match(r"::(error|warning) ", render(samples.ALL[name](), "github").splitlines()[0])


def test_github_warns_that_nothing_of_the_users_was_checked():
    assert "::warning title=smxcheck::NONE OF YOUR CODE IS CHECKED" in render(samples.own(), "github")


# Markdown and HTML


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_pages_begin_with_verdict_and_caveats(format):
    written = render(samples.one_wrong(), format)
    body = written.partition("<body>")[2] or written
    parts = [
        "FAIL",
        "60 of 804 results",
        "worth less",
        "Results",
        "log_softmax returns",
        "No single right answer",
        "AVX512_SPR",
        "Run again",
    ]
    places = [body.index(part) for part in parts]
    assert places == sorted(places)


def test_markdown_shows_hostile_text_as_text():
    written = render(samples.decided(), "markdown")
    outside = re.sub(r"(`+) ?.*? ?\1", "", written)
    assert "<script" not in outside and "[bold]" not in outside
    tables = [line for line in written.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in tables}) == 1


@pytest.mark.parametrize("untrusted", ["a`b", "``", "`", "x", "a``b`c"])
def test_markdown_code_cannot_be_left(untrusted):
    """The fence is longer than any run of backticks in what it holds."""
    fence = re.match(r"`+", code(untrusted)).group()
    inside = code(untrusted)[len(fence) : -len(fence)]
    assert fence not in inside.strip(" ") and untrusted in inside


def test_markdown_text_keeps_function_names_readable():
    assert text("log_softmax is wrong: 60 of 1,712") == "log_softmax is wrong: 60 of 1,712"
    assert not set("|<>`*[]@") & set(text("a|b<c>`d`*e*[f](g)@h"))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.links += [value for key, value in attrs if key in ("src", "href", "action")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@every_sample
def test_html_is_whole_offline_and_without_script(name):
    parser = Tags()
    parser.feed(render(samples.ALL[name](), "html"))
    assert parser.open == [] and parser.links == []
    assert not parser.seen & {"script", "img", "link", "iframe", "object", "bold"}


# Files


def names(folder):
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize(
    ("given", "format", "file"),
    [("r.json", "json", "r.json"), ("a/r.XML", "junit", "a/r.XML"), ("junit:out.txt", "junit", "out.txt"), ("r.md", "markdown", "r.md"),
     ("r.txt", "plain", "r.txt"), ("github:-x", "github", "-x"), ("C:r.csv", "csv", "C:r.csv"), ("./odd:r.html", "html", "odd:r.html")],
)  # fmt: skip
def test_the_format_of_a_file(given, format, file):
    assert destination(given) == (format, Path(file))


@pytest.mark.parametrize("given", ["r.pdf", "r", "junti:out.xml", ".json"])
def test_a_file_of_no_format_is_refused_with_the_list(given):
    with pytest.raises(ValueError, match=r"suffixes: \.txt \.json \.xml \.md \.csv \.html, or FORMAT:FILE"):
        destination(given)


def test_an_unknown_format_is_refused_with_the_list():
    with pytest.raises(ValueError, match="rich, plain, json"):
        render(samples.nothing(), "pdf")


@pytest.mark.parametrize("format", FORMATS)
def test_files_are_written_whole(tmp_path, format):
    path = write_report(samples.one_wrong(), tmp_path / "report.out", format)
    assert path.read_text(encoding="utf-8") == render(samples.one_wrong(), format)
    assert names(tmp_path) == ["report.out"]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ReportError, match=r"^cannot write .*report.json: No space left on device$"):
        write_report(samples.one_wrong(), path)
    assert path.read_text() == "old" and names(tmp_path) == ["report.json"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="only Linux has files without a name")
def test_what_is_not_yet_whole_has_no_name(tmp_path, monkeypatch):
    """So that a process that is killed leaves nothing half-written, whatever it is at."""
    path, seen = tmp_path / "report.json", []
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(names(tmp_path)))
    write_report(samples.one_wrong(), path)
    assert seen == [["report.json"]] and names(tmp_path) == ["report.json"] and path.read_text() != "old"


def test_files_are_whole_where_every_file_has_a_name(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = write_report(samples.one_wrong(), tmp_path / "report.json")
    assert path.read_text() == render(samples.one_wrong(), "json") and names(tmp_path) == ["report.json"]


def test_a_failed_rendering_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    path.write_text("old")
    broken = replace(FORMATS["json"], module="smxcheck.report.nosuch")
    monkeypatch.setitem(formats.FORMATS, "json", broken)
    with pytest.raises(ModuleNotFoundError):
        write_report(samples.one_wrong(), path)
    assert path.read_text() == "old" and names(tmp_path) == ["report.json"]


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ReportError, match=r"^cannot write [^\n]*: No such file or directory$"):
        write_report(samples.nothing(), tmp_path / "no" / "report.json")


def test_a_folder_in_the_files_place_is_one_line(tmp_path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(ReportError, match="Is a directory"):
        write_report(samples.nothing(), tmp_path / "report.json")


def test_links_and_permissions_stay(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_report(samples.nothing(), link)
    assert link.is_symlink() and real.read_text().startswith("{") and real.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_not_replaced():
    write_report(samples.nothing(), f"json:{os.devnull}")
    assert not Path(os.devnull).is_file()


def test_every_status_is_in_a_sample():
    """The formats above met every status."""
    assert {r.status for r in samples.every_status().results} == set(Status)


def test_a_report_named_gz_is_the_same_compressed(tmp_path):
    report = next(iter(samples.ALL.values()))()
    plain = write_report(report, tmp_path / "a.json").read_bytes()
    packed = write_report(report, tmp_path / "a.json.gz").read_bytes()
    assert gzip.decompress(packed) == plain
