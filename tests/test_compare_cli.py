"""``smxcheck compare``: what is matched, what is told beside the results, the screen, the exit code, the options."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from smxcheck.changes import as_text, words
from smxcheck.changes.compare import compare
from smxcheck.changes.model import About, Changes, Kind
from smxcheck.judge.result import Level, Report, Status
from smxcheck.report.as_json import render
from smxcheck.report.screen import Layout

from .cli_support import Done, called
from .compare_samples import ENVIRONMENT, in_target, moved, report, result, target

Call = Callable[..., Done]


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """``smxcheck compare`` of two reports, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(old: Report, new: Report, *options: str) -> Done:
        Path("old.json").write_text(render(old), encoding="utf-8")
        Path("new.json").write_text(render(new), encoding="utf-8")
        return called(monkeypatch, capsys, "compare", "old.json", "new.json", *options)

    return run


def doubts(old: Report, new: Report) -> str:
    return "\n".join(words.doubts(compare(old, new)))


def differing(old: Report, new: Report) -> dict[str, About]:
    return {one.text: one.about for one in compare(old, new).differences}


# What is compared with what.


def test_one_target_on_each_side_is_paired_whatever_its_name():
    old = in_target(report(result()), "kernel_v1.py")
    new = in_target(report(moved()), "kernel_v2.py")
    found = compare(old, new)
    assert found.counts[Kind.MOVED] == 1
    assert words.head(found.targets[0]).startswith("kernel_v1.py -> kernel_v2.py (the only target of each report)")


def test_targets_that_have_no_partner_are_told_and_map_pairs_them(compared):
    old = replace(report(result()), targets=(target(), target("torch")))
    new = in_target(report(result()), "kernel=2.py")
    found = compare(old, new)
    assert found.unmatched == (("old", "kernel.py"), ("old", "torch"), ("new", "kernel=2.py"))
    assert (found.pairs, found.exit_code) == ((), 5)
    done = compared(old, new, "--map", "kernel.py=kernel=2.py")
    assert done.code == 0
    assert "kernel.py -> kernel=2.py (paired by --map)" in done.out
    assert "torch is a target of OLD alone" in done.out


@pytest.mark.parametrize("options", [("nothing",), ("kernel.py=other",), ("kernel.py=kernel.py", "kernel.py=kernel.py")])
def test_a_map_that_does_not_fit_is_one_line(compared, options):
    done = compared(report(result()), report(result()), *(word for text in options for word in ("--map", text)))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "--map" in done.err


def test_targets_beside_and_wrong_on_purpose_are_not_compared():
    found = compare(*[replace(report(result()), targets=(target(expected_wrong=True),))] * 2)
    assert found.exit_code == 5


def test_cases_that_one_report_alone_has_are_counted_and_not_compared():
    found = compare(report(result("a/1"), result("b/1")), report(result("b/1"), result("c/1"), result("d/1")))
    assert len(found.pairs) == 1
    assert [(one.side, one.results) for one in found.lone] == [("old", 1), ("new", 2)]
    assert "2 results in NEW alone, not compared: softmax 2." in words.doubts(found)


def test_a_case_with_another_input_under_its_id_is_not_compared():
    """As with files of one's own inputs, or another case set: equal bits of two questions mean nothing."""
    found = compare(report(result("a/1"), result("b/1")), report(result("a/1", input="softmax([7])"), result("b/1")))
    assert (found.other_inputs, len(found.pairs)) == (("softmax/a/1/float32",), 1)
    assert "1 case with another input under the same id" in "\n".join(words.doubts(found))


# What differs beside the results.


@pytest.mark.parametrize(
    ("change", "line", "about"),
    [
        ({"numpy_simd": "AVX512"}, "CPU path of NumPy: AVX2 -> AVX512", About.CPU),
        ({"variables": {"OMP_NUM_THREADS": "1"}}, "OMP_NUM_THREADS: not set -> 1", About.CPU),
        ({"flush_to_zero": True}, "flush-to-zero: not told -> yes", About.CPU),
        ({"case_set": 3}, "case set: 2 -> 3", About.CASES),
        ({"judge": 4}, "judge: 3 -> 4", About.JUDGE),
        ({"numpy": "2.5.0"}, "numpy 2.4.6 -> 2.5.0", About.VERSION),
        ({"smxcheck": "0.2.0"}, "smxcheck 0.1.0 -> 0.2.0", About.VERSION),
    ],
)
def test_what_differs_in_the_environment_is_a_line_each(change, line, about):
    old, new = report(result()), report(result(), environment={**ENVIRONMENT, **change})
    assert differing(old, new)[line] is about


def test_what_was_asked_and_the_path_that_a_library_tells_are_lines_too():
    old = report(result(), targets=(target(notes=("torch: CPU path AVX2, 2 threads",)),))
    new = report(
        result(), targets=(target(notes=("torch: CPU path AVX512, 4 threads",), versions={"torch": "2.14.0"}),),
        require=Level.TIGHT, tier="full", dtypes=("float32",), max_ulp=3.0,
    )  # fmt: skip
    assert differing(old, new) == {
        "kernel.py: CPU path: AVX2 -> AVX512": About.CPU, "kernel.py: threads: 2 threads -> 4 threads": About.CPU,
        "--cases: quick -> full": About.CASES, "dtypes: float32, float64 -> float32": About.CASES,
        "--require: standard -> tight": About.JUDGE, "--max-ulp: not told -> 3.0": About.JUDGE,
        "torch 2.13.0 -> 2.14.0": About.VERSION,
    }  # fmt: skip


def test_another_cpu_path_case_set_or_judge_is_a_warning_and_the_rest_is_compared():
    new = report(moved(), environment={**ENVIRONMENT, "numpy_simd": "AVX512", "case_set": 3, "judge": 4})
    found = compare(report(result()), new)
    assert words.doubts(found) == [words.CPU_WARNING, words.CASES_WARNING, words.JUDGE_WARNING]
    assert found.counts[Kind.MOVED] == 1
    assert found.same == ()
    assert compare(report(), report()).same == ("case set 2", "judge 3", "CPU path, threads")


def test_what_a_report_says_of_itself_and_another_file_are_told():
    old, new = report(result()), report(result())
    told = compare(replace(old, interrupted=True), replace(new, notices=("fixed: remove this entry",))).notices
    assert told[0].startswith("OLD was interrupted") and told[1:] == ("fixed: remove this entry",)
    files = [replace(r, targets=tuple(replace(t, sha256=digest) for t in r.targets)) for r, digest in ((old, "aa"), (new, "bb"))]
    assert "kernel.py: the file has changed" in [one.text for one in compare(*files).differences]


def test_a_shard_says_so():
    assert "NEW is shard 2/3 of a run: smxcheck merge puts the shards together." in doubts(report(), report(shard="2/3"))


# The screen.


def upgrade() -> tuple[Report, Report]:
    """Seven functions newly wrong, one less accurate, one newly right."""
    names = ("softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid", "entropy", "kl_divergence")
    old = [result(function=name) for name in names] + [result("rows/1"), result("rows/2", Status.WRONG)]
    new = [result(function=name, status=Status.WRONG, check="SMX102", got="inf") for name in names]
    return report(*old), report(*new, moved(21.5, case="rows/1"), result("rows/2"))


def text(changes: Changes, **options: bool) -> str:
    return "\n".join("".join(piece for piece, _ in line) for line in as_text.lines(changes, Layout(), **options))


def test_five_blocks_are_shown_and_all_with_all():
    found = compare(*upgrade())
    short, whole = text(found), text(found, everything=True)
    assert (short.count("NEWLY WRONG"), whole.count("NEWLY WRONG")) == (5, 7)
    assert "+2 more: --all" in short
    assert "--all" not in whole
    assert text(found, quiet=True).startswith("FAIL  7 results are newly wrong.")


def test_a_block_shows_what_was_got_then_and_now_and_how_to_see_it_again():
    for lines in (text(compare(*upgrade())), "\n".join(as_text.facts(compare(*upgrade())))):
        told = " ".join(lines.split())
        assert "finite value is right (SMX102) (1 result)" in told
        assert "less accurate: kernel.py: softmax float32: 1 result, worst x43: 0.5 -> 21.5" in told
        assert "newly right: kernel.py: softmax: 1 result, softmax/rows/2/float32" in told
    facts = list(as_text.facts(compare(*upgrade())))
    assert {"1 right: 0.5", "1 old: 0.5", "1 new: inf"} <= set(facts)
    assert facts[-1] == "FAIL  7 results are newly wrong.  1 of 9 results is right with other bits, 1 of them less accurate."


def test_lines_fit_80_columns_and_ascii_where_asked():
    lines = as_text.lines(compare(*upgrade()), Layout(unicode=False), everything=True)
    whole = ["".join(piece for piece, _ in line) for line in lines]
    assert all(line.isascii() and len(line) <= 80 for line in whole)


def test_the_same_bits_and_another_verdict_is_not_the_targets_doing():
    found = compare(report(result()), report(result(status=Status.WRONG), require=Level.ULP1))
    assert "the bits are the same: what is demanded" in " ".join(text(found).split())


def test_one_report_may_come_from_stdin(compared, monkeypatch, capsys):
    compared(*upgrade())
    stream = io.TextIOWrapper(io.BytesIO(Path("old.json").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert called(monkeypatch, capsys, "compare", "-", "new.json").code == 1
    done = called(monkeypatch, capsys, "compare", "-", "-")
    assert (done.code, done.err.count("\n")) == (2, 1)


def test_reports_are_written_beside_the_screen(compared):
    done = compared(*upgrade(), "--report", "comment.md", "--report", "changes.json", "-q")
    assert (done.code, done.out.count("\n")) == (1, 1)
    assert json.loads(Path("changes.json").read_text())["schema"] == "smxcheck-compare/1"
    page = Path("comment.md").read_text()
    assert page.count("<details>") == page.count("</details>") == 9
    assert page.startswith("## smxcheck compare: FAIL\n")


@pytest.mark.parametrize(
    "options",
    [("--format", "xml"), ("--fail-on", "anything"), ("--report", "x.html"), ("--report", "no/x.md"), ("-q", "--all"),
     ("--fail-above", "10%"), ("--any-machine",), ("--known", "missing.toml")],
)  # fmt: skip
def test_an_option_that_cannot_be_is_one_line(compared, options):
    done = compared(report(result()), report(result()), *options)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_known_accepts_what_is_newly_wrong_and_every_format_says_so(compared):
    Path("known.toml").write_text('[[known]]\nfunction = "softmax"\nreason = "upstream issue 7"\n')
    pair = report(result()), report(result(status=Status.WRONG))
    assert compared(*pair).code == 1
    for name in ("rich", "plain", "json", "github"):
        done = compared(*pair, "--known", "known.toml", "--format", name)
        assert done.code == 0, done
        assert "upstream issue 7" in done.out


@pytest.mark.slow
def test_two_versions_of_one_kernel(tmp_path, monkeypatch, capsys):
    """The textbook form after the right one: large and far values are newly wrong, and swapped they are newly right."""
    monkeypatch.chdir(tmp_path)
    for name in ("builtin", "builtin.textbook"):
        called(monkeypatch, capsys, "verify", name, "-k", "acceptance", "-f", "logsumexp", "--dtype", "float32",
               "--no-store", "--report", f"{name}.json.gz", "-q")  # fmt: skip
    done = called(monkeypatch, capsys, "compare", "builtin.json.gz", "builtin.textbook.json.gz")
    assert done.code == 1
    assert "1 new: inf" in done.out.splitlines()
    back = called(monkeypatch, capsys, "compare", "builtin.textbook.json.gz", "builtin.json.gz", "--format", "json")
    assert back.code == 0
    wrong = json.loads(back.out)["counts"]["newly-right"]
    assert f"newly wrong: {wrong}" in done.out.splitlines()
    assert wrong > 0
