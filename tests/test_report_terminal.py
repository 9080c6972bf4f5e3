"""What a terminal, a pipe and a CI log show."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.result import Level
from smxcheck.report.as_rich import MOST_PROBLEMS, print_report
from smxcheck.report.formats import RenderOptions, render
from smxcheck.report.screen import Layout

from . import report_samples as samples

every_sample = pytest.mark.parametrize("name", samples.ALL)
both = pytest.mark.parametrize("format", ["rich", "plain"])
OPTIONS = [
    RenderOptions(),
    RenderOptions(verbose=True),
    RenderOptions(everything=True),
    RenderOptions(unicode=False),
]


def printed(
    report, *, terminal: bool = True, environment: dict[str, str] | None = None, width: int = 40
) -> str:
    stream = io.StringIO()
    variables = {"TERM": "xterm-256color", **(environment or {})}
    print_report(report, Console(file=stream, force_terminal=terminal, width=width, _environ=variables))
    return stream.getvalue()


@every_sample
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_lines_fit_80_columns_unless_one_word_is_longer(name, options):
    for line in render(samples.ALL[name](), "rich", options=options).splitlines():
        longest = max(map(len, line.split()), default=0)
        assert len(line) <= 80 or longest > 60, line


@every_sample
@both
def test_nothing_is_shortened(name, format):
    """No ellipsis, and every id, bound and command of a shown problem stands there whole."""
    report = replace(samples.ALL[name](), exit_zero=False)
    text = render(report, format, options=RenderOptions(everything=True))
    assert "…" not in text and "..." not in text
    flat = " ".join(text.replace("\\\n", " ").split())
    assert all(target.name in flat for target in report.targets)
    for problem in report.problems:
        if problem.target in {t.name for t in report.targets if not t.expected_wrong} and not problem.known:
            assert problem.again in flat
            assert all(case in flat for case in problem.cases)


@every_sample
@both
def test_the_verdict_is_last_and_alone_when_quiet(name, format):
    report = samples.ALL[name]()
    quiet = render(report, format, options=RenderOptions(quiet=True))
    assert quiet.count("\n") == 1
    assert re.match(r"(OK|OK EXCEPT KNOWN|FAIL|UNDECIDED|NOTHING CHECKED|INTERRUPTED)  \S", quiet)
    last = render(report, format).split("\n\n")[-1]
    assert quiet.partition("  ")[0] in last


@pytest.mark.parametrize(
    ("name", "word"),
    [("one_wrong", "FAIL"), ("right_beside", "OK"), ("own", "OK"), ("every_status", "UNDECIDED"), ("decided", "FAIL"),
     ("known", "OK EXCEPT KNOWN"), ("interrupted", "INTERRUPTED"), ("nothing", "NOTHING CHECKED")],
)  # fmt: skip
def test_the_first_word_of_the_verdict(name, word):
    assert render(samples.ALL[name](), "plain", options=RenderOptions(quiet=True)).startswith(f"{word}  ")


def test_the_verdict_of_one_wrong_function():
    text = render(samples.one_wrong(), "plain", options=RenderOptions(quiet=True))
    assert text == "FAIL  kernel.py: log_softmax is wrong: 1 problem, 60 of 804 results.  softmax is right.\n"


def test_exit_zero_does_not_change_the_verdict():
    text = render(replace(samples.one_wrong(), exit_zero=True), "plain", options=RenderOptions(quiet=True))
    assert text.startswith("FAIL  ") and "--exit-zero" in text


@both
def test_a_bare_run_says_first_and_last_that_nothing_of_the_users_was_checked(format):
    text = render(samples.own(), format)
    head, tail = text[:200], text[-250:]
    assert "NONE OF YOUR CODE IS CHECKED" in " ".join(head.split())
    assert "NONE OF YOUR CODE IS CHECKED" in tail
    assert "smxcheck verify file.py:softmax" in tail


@both
def test_a_bare_run_shows_groups_and_the_caught_implementation(format):
    text = render(samples.own(), format)
    assert "all caught, as they must be" in text
    assert "builtin.textbook: softmax([1000, 1001]) = [nan, nan], right [0.269, 0.731]" in text
    assert not any(f"\n{function} " in text for function in FUNCTIONS)


def test_an_implementation_that_should_be_wrong_and_is_not_fails_the_run():
    text = render(samples.own(caught=False), "rich")
    assert "NOT CAUGHT" in text and "\nFAIL  " in text


def test_the_problem_block_has_aligned_labels():
    lines = render(samples.one_wrong(), "rich").splitlines()
    start = lines.index("PROBLEM 1 of 1: log_softmax returns -inf where the answer is finite (60 results)")
    assert lines[start + 1 : start + 10] == [
        "  smallest    log_softmax([0, -200]), float32",
        "  also in     float64",
        "  got         [0, -inf]",
        "  right       [0, -200]",
        "  behaves as  log(softmax(x)), in 60 of the 60 wrong results",
        "  instead     x - max(x) - log(sum(exp(x - max(x))))",
        "  again       smxcheck verify kernel.py --case log_softmax/far-tail/200/float32",
        "  why         smxcheck explain SMX102",
        "  seen in     pytorch/pytorch#1020",
    ]


def test_the_table_names_each_function_once_and_the_library_beside_it():
    text = render(samples.right_beside(), "rich")
    assert re.search(r"^softmax +float32 +428 +0 +≥ 63\.1 ulp +100 ulp +ok$", text, re.MULTILINE)
    assert re.search(r"^  torch +float32 +428 +0 +≥ 99\.2 ulp +100 ulp +ok$", text, re.MULTILINE)
    assert len(re.findall(r"^log_softmax ", render(samples.one_wrong(), "rich"), re.MULTILINE)) == 1


@both
def test_five_problems_then_how_to_see_the_rest(format):
    text = render(samples.many_targets(), format)
    assert len(re.findall(r"^PROBLEM ", text, re.MULTILINE)) == MOST_PROBLEMS
    assert "\n+2 more: --all\n" in text
    everything = render(samples.many_targets(), format, options=RenderOptions(everything=True))
    assert len(re.findall(r"^PROBLEM ", everything, re.MULTILINE)) == 7 and "more: --all" not in everything


def test_a_command_that_is_too_long_is_continued_as_a_shell_does():
    text = render(samples.many_targets(), "rich")
    block = text.partition("  again\n")[2].partition("  why")[0]
    joined = " ".join(line.strip().removesuffix("\\").strip() for line in block.splitlines())
    assert joined == next(p for p in samples.many_targets().problems if p.count == 7).again
    assert all(line.endswith(" \\") for line in block.splitlines()[:-1])


@every_sample
@both
def test_ascii_where_the_stream_is_not_utf_8(name, format):
    text = render(samples.ALL[name](), format, options=RenderOptions(unicode=False))
    assert text.isascii()
    assert ("≥ " in render(samples.ALL[name](), format)) == (">= " in text)


@every_sample
@both
def test_no_control_character_of_a_target_reaches_the_output(name, format):
    text = render(samples.ALL[name](), format)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    assert not re.search(r"^\s*::|##\[", text, re.MULTILINE)


def test_a_terminal_gets_colour_and_the_same_words():
    report = samples.decided()
    coloured = printed(report)
    assert "\x1b[" in coloured
    without = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in without.splitlines()] == render(report, "rich").splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("terminal", "environment"), [(False, {}), (True, {"NO_COLOR": "1"}), (True, {"TERM": "dumb"})], ids=str
)
def test_no_escape_sequence_off_a_terminal_or_when_unwanted(terminal, environment):
    text = printed(samples.one_wrong(), terminal=terminal, environment=environment)
    assert "\x1b" not in text
    assert [line.rstrip() for line in text.splitlines()] == render(samples.one_wrong(), "rich").splitlines()


def test_caveats_stand_between_problems_and_verdict():
    text = render(samples.decided(), "rich")
    order = [
        "PROBLEM 2 of 2",
        "not run: ",
        "declined by the target",
        "cannot tell right from wrong",
        "FAIL  ",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_blind_cases_are_counted_and_listed_on_request():
    report = samples.right_beside()
    assert "25 results cannot tell right from wrong" in render(report, "rich")
    assert "cannot tell: softmax/tiny/24/float32" in render(
        report, "rich", options=RenderOptions(everything=True)
    )


def test_a_result_that_misses_only_the_required_level_is_not_called_wrong():
    full = samples.one_wrong()
    results = tuple(replace(r, level=Level.STANDARD) if r.status == "wrong" else r for r in full.results)
    text = render(replace(full, results=results, require=Level.TIGHT), "rich")
    assert "TOO FAR" in text and "log_softmax is not tight" in text and "WRONG" not in text


def test_known_problems_are_named_and_do_not_fail():
    text = render(samples.known(), "rich")
    assert "Accepted by --known: 1 problem (upstream, until 2027-01-01)." in text
    assert "PROBLEM" not in text


def test_a_console_that_is_not_utf_8_gets_ascii():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    report = samples.right_beside()
    unusual = replace(report, targets=(replace(report.targets[0], notes=("küche Σ",)), report.targets[1]))
    print_report(unusual, Console(file=stream, width=80))
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert "kuche sum" in text and ">= 63.1 ulp" in text


def test_a_word_longer_than_the_line_stays_whole():
    """Also with hyphens, where a text may else be broken."""
    word = "a-long-case-id/" * 4
    lines = Layout(width=20).wrapped(f"at {word} end", rest="  ")
    assert [line[0][0] for line in lines] == ["at", f"  {word}", "  end"]
