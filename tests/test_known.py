"""Accepted problems: the file is understood whole or refused with its line; what it accepts is told in every format; what
it no longer needs is told too; and --write-known makes one that accepts what was seen and nothing else.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.judge.result import Level, Problem, Result, Status
from smxcheck.report.formats import FORMATS, render
from smxcheck.run import known

from . import report_samples as samples
from .cli_support import KERNEL, called, write

TODAY = datetime.date(2026, 6, 1)
CASE = "log_softmax/far-tail/200/float32"
OTHER = "log_softmax/acceptance/0-and-minus-200/float32"
#: Where log(softmax(x)) is wrong, and where it is right.
IDS = (
    "softmax/acceptance/1000-and-1001/float32", "log_softmax/acceptance/1000-and-1001/float32", OTHER,
    "log_softmax/acceptance/17-and-0/float64",
)  # fmt: skip
FEW = (*(word for name in IDS for word in ("--case", name)), "--no-store")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """``run("--known", "known.toml")``: verify of a right softmax and a wrong log_softmax, in an own folder."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "kernel.py", KERNEL)

    def verify(*words: str, target: str = "kernel.py"):
        return called(monkeypatch, capsys, "verify", target, *FEW, *words)

    return verify


def entry(*lines: str, reason: str = "r") -> str:
    return "\n".join(["[[known]]", f'reason = "{reason}"', *lines, ""])


def load(tmp_path: Path, *entries: str) -> tuple[known.Known, ...]:
    path = tmp_path / "known.toml"
    path.write_text("\n".join(entries), encoding="utf-8")
    return known.load(str(path))


def result(status: Status, case: str = CASE, check: str = "SMX101") -> Result:
    function, group, _, dtype = case.split("/")
    return Result("t", function, dtype, case, group, check, status, Level.WRONG)


def problem(check: str, *cases: str) -> Problem:
    return Problem("t", "log_softmax", check, "float32", ("float32",), cases[0], cases, len(cases), "wrong", "", "", "")


# ---- reading


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        (['function = "softmx"'], "no function 'softmx'; did you mean softmax?"),
        (['dtype = "float23"'], "no dtype 'float23'; did you mean float32?"),
        (['check = "SMX999"'], "no check 'SMX999'"),
        (['case = "softmax/far-tail/no-such/float32"'], "no case softmax/far-tail/no-such/float32"),
        (['cases = ["softmax"]'], "is not a case id"),
        (["cases = []"], "cases is empty"),
        (['cases = "softmax"'], "list of case ids"),
        (['function = "softmax"', f'case = "{CASE}"'], "is none of function 'softmax'"),
        (['dtype = "float64"', f'case = "{CASE}"'], "is none of dtype 'float64'"),
        (['target = "t"', "until = 2027-03-31T00:00:00"], "without a time of day"),
        (['target = "t"', 'until = "2027-03-31"'], "until is a date"),
        (['target = "t"', 'link = "javascript:alert(1)"'], "begins with https://"),
        (['target = "t"', 'link = "https://"'], "begins with https://"),
        (['target = "t"', 'link = "https://[a"'], "begins with https://"),
        (['target = "t"', 'link = "https://a.b/\\u001b[31m"'], "begins with https://"),
        (["target = 1"], "target is a string"),
        (["function = ''"], "name at least one of"),
        (['[known.more]\nx = 1'], "unknown key 'more'"),
    ],
)  # fmt: skip
def test_what_an_entry_says_that_there_is_not_is_an_error_with_its_line(tmp_path, lines, part):
    with pytest.raises(known.KnownError) as caught:
        load(tmp_path, '# first\n[[known]]\ntarget = "t"\nreason = "r"\n', entry(*lines))
    assert f"known.toml:6: {part}" in str(caught.value) or ("known.toml:6: " in str(caught.value) and part in str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_missing_reason_is_told_until_it_is_written(tmp_path):
    for reason in ("", "  ", "TODO", "todo: why is this accepted?"):
        with pytest.raises(known.KnownError, match="reason"):
            load(tmp_path, entry('target = "t"', reason=reason))


def test_cases_that_no_file_has_are_accepted_and_an_empty_file_accepts_nothing(tmp_path):
    found = load(tmp_path, entry('cases = ["softmax/found/0123456789ab/float32", "softmax/inputs/x/float64"]'))
    assert len(found[0].cases) == 2
    assert load(tmp_path, "# all of them are fixed\n") == ()


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)), st.integers(0, 100), st.integers(0, 100))
def test_a_damaged_file_is_understood_or_refused_in_one_line(noise, start, stop):
    right = entry('function = "softmax"', 'check = "SMX101"', "until = 2027-03-31", 'link = "https://a.b"').encode()
    data = right[: min(start, stop)] + noise + right[max(start, stop) :]
    path = Path("/dev/null").parent / "null"  # a name that is never opened: the text is given
    try:
        for one in known.parse(str(path), data.decode("utf-8")):
            assert one.reason
    except (UnicodeDecodeError, known.KnownError) as error:
        assert isinstance(error, UnicodeDecodeError) or str(error).startswith("--known")


# ---- what is accepted, and what is told of entries


def test_an_entry_accepts_its_own_cases_and_check_and_nothing_that_was_not_judged(tmp_path):
    entries = load(tmp_path, entry('check = "SMX101"', f'cases = ["{CASE}"]'))
    there = [result(s) for s in Status] + [result(Status.WRONG, OTHER), result(Status.WRONG, check="SMX102")]
    marked, _, _ = known.apply(entries, there, (), TODAY)
    assert {r.status for r in marked if r.known} == {Status.WRONG, Status.CRASHED, Status.HUNG}
    assert not any(r.known for r in marked if r.case == OTHER or r.check == "SMX102")


@pytest.mark.parametrize(
    ("lines", "results", "whole", "part"),
    [
        ([f'case = "{CASE}"'], [result(Status.OK)], False, "fixed: remove this entry"),
        ([f'case = "{CASE}"'], [result(Status.OK, OTHER)], True, ""),
        ([f'case = "{CASE}"'], [result(Status.NOT_RUN)], True, ""),
        ([f'case = "{CASE}"'], [result(Status.WRONG)], True, ""),
        ([f'case = "{CASE}"'], [result(Status.DECLINED)], True, ""),
        ([f'case = "{CASE}"', 'check = "SMX101"'], [result(Status.CRASHED, check="SMX302")], True, ""),
        ([f'case = "{CASE}"', 'check = "SMX101"'], [result(Status.OK), result(Status.WRONG, check="SMX108")], True, ""),
        (['function = "log_softmax"'], [result(Status.DECLINED)], True, ""),
        ([f'cases = ["{CASE}", "{OTHER}"]'], [result(Status.WRONG), result(Status.OK, OTHER)], False, f"remove {OTHER} of"),
        ([f'cases = ["{CASE}", "{OTHER}"]'], [result(Status.OK)], False, f"remove {CASE} of"),
        (['function = "log_softmax"'], [result(Status.OK)], True, "not seen in this run"),
        (['function = "log_softmax"'], [result(Status.OK)], False, ""),
        (['function = "log_softmax"'], [result(Status.OK), result(Status.NOT_RUN, OTHER)], True, ""),
        (['function = "softmax"'], [result(Status.OK)], True, ""),
        (['dtype = "float16"'], [result(Status.OK)], True, ""),
        (['target = "t"', "until = 2026-05-31"], [result(Status.WRONG)], True, "over since 2026-05-31, so it counts again"),
    ],
)  # fmt: skip
def test_what_became_of_a_problem_is_told_where_the_run_covered_it(tmp_path, lines, results, whole, part):
    notices = known.apply(load(tmp_path, entry(*lines)), results, (), TODAY, whole)[2]
    assert len(notices) == bool(part)
    assert not part or (part in notices[0] and "known.toml:1: " in notices[0])


def test_a_problem_is_known_once_all_its_results_are_and_no_other_of_the_same_case(tmp_path):
    """A wrong value and a broken property share a case: accepting the one leaves the other open."""
    value, more, shape = result(Status.WRONG), result(Status.WRONG, OTHER), result(Status.WRONG, check="SMX201")
    problems = [problem("SMX101", CASE, OTHER), problem("SMX201", CASE)]
    for lines, expected in (
        (['check = "SMX201"'], ["", "r"]),
        (['check = "SMX101"'], ["r", ""]),
        (['check = "SMX101"', f'case = "{CASE}"'], ["", ""]),
        (['function = "log_softmax"'], ["r", "r"]),
    ):
        found = known.apply(load(tmp_path, entry(*lines)), [value, more, shape], problems, TODAY)[1]
        assert [p.known for p in found] == expected, lines


# ---- every format says so


@pytest.mark.parametrize("format", FORMATS)
def test_a_run_that_is_right_but_for_known_problems_is_a_plain_pass_in_no_format(format):
    report = samples.known()
    text = render(report, format)
    assert report.exit_code == 0 and "upstream" in text
    if format not in ("csv", "junit"):
        assert re.search("OK EXCEPT KNOWN", text) and "Accepted by --known: 1 problem" in text


def test_junit_skips_what_is_known_and_csv_names_the_reason_in_each_line():
    report = samples.known()
    root = ET.fromstring(render(report, "junit").partition("\n")[2])
    bad = {(r.function, r.dtype, r.group) for r in report.results if r.known}
    skipped = [c for c in root.iter("testcase") if "known:" in (c.find("skipped").get("message") if c.find("skipped") is not None else "")]
    assert bad and {tuple(c.get("name").split()) for c in skipped} == bad
    assert int(root.get("skipped")) >= len(bad)
    rows = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    assert {row["known"] for row in rows if row["status"] == "wrong"} == {"upstream, until 2027-01-01"}


def test_github_gets_a_notice_for_each_and_json_the_word():
    text = render(samples.known(), "github")
    assert text.count("::notice ") == 1 and "::error" not in text
    assert json.loads(render(samples.known(), "json"))["verdict"]["word"] == "OK EXCEPT KNOWN"


def test_link_and_date_are_shown_with_the_reason(run):
    Path("known.toml").write_text(
        entry('function = "log_softmax"', 'link = "https://a.b/<1>?x=%0A"', "until = 2999-12-31", reason="a | *b*")
    )
    done = run("--known", "known.toml", "--report", "r.md", "--report", "r.html")
    assert done.code == 0
    assert "(a | *b*, until 2999-12-31, https://a.b/<1>?x=%0A)" in done.out
    outside_code = re.sub(r"(`+).+?\1", "", Path("r.md").read_text())
    assert "<1>" not in outside_code and "<1>" not in Path("r.html").read_text()


# ---- writing


def test_what_is_written_accepts_what_was_seen_and_nothing_new(run):
    done = run("--write-known", "known.toml")
    assert done.code == 1 and re.search(r"wrote \d entr(y|ies) to known.toml: give each a reason", done.err)
    text = Path("known.toml").read_text()
    refused = run("--known", "known.toml")
    assert refused.code == 2 and re.search(r"known.toml:\d+: the reason is still 'TODO", refused.err)
    Path("known.toml").write_text(text.replace("TODO: why is this accepted?", "log of a rounded softmax"))
    done = run("--known", "known.toml")
    assert done.code == 0 and done.out.splitlines()[-1].startswith("OK EXCEPT KNOWN  ")
    write(Path(), "kernel.py", KERNEL + "\n    def softmax(x): return np.exp(x) / np.exp(x).sum(-1, keepdims=True)\n")
    worse = run("--known", "known.toml")
    assert worse.code == 1 and "softmax and log_softmax are wrong" in worse.out.splitlines()[-1], worse.out
    write(Path(), "kernel.py", KERNEL.replace("np.log(softmax(x))", "softmax(x) * np.nan"))
    assert run("--known", "known.toml").code == 1  # the same function, wrong in more cases


def test_what_a_file_has_is_kept_byte_for_byte_and_only_what_it_lacks_is_added(run):
    mine = '# ours\r\n[[known]]  # since spring\r\ncheck = "not-finite"\r\nreason = "ours"\r\nuntil = 2999-01-01\r\n'
    Path("known.toml").write_bytes(mine.encode())
    assert run("--write-known", "known.toml").code == 1
    once = Path("known.toml").read_bytes()
    assert once.startswith(mine.encode()[:-2]) and b'check = "SMX101"' in once and b'check = "SMX102"' not in once
    again = run("--write-known", "known.toml")
    assert again.code == 1 and "nothing was written" in again.err and Path("known.toml").read_bytes() == once


def test_nothing_is_written_where_nothing_is_wrong(run):
    done = run("--write-known", "known.toml", target="kernel.py:softmax")
    assert done.code == 0 and not Path("known.toml").exists()


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("none/known.toml", None, "there is no folder none"),
        ("", None, "is a folder"),
        ("known.toml", "[[known\n", "is not TOML"),
        ("known.toml", "other = 1\n", "[[known]] tables"),
        ("known.toml", 'known = [{target = "t", reason = "r"}]\n', "write its entries as [[known]] tables"),
    ],
)
def test_a_file_that_cannot_be_added_to_is_refused_and_left_as_it_is(run, name, text, part):
    path = Path(name or ".")
    if text is not None:
        path.write_text(text)
    done = run("--write-known", str(path))
    assert done.code == 2 and part in done.err
    assert text is None or path.read_text() == text
