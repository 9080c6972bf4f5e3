"""The pytest plugin: one test for each case, with the verdict of ``verify``; nothing that is unknown passes."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter

import numpy as np
import pytest

import smxcheck
from smxcheck import pytest_plugin
from smxcheck.api import settled
from smxcheck.caseset import load_cases
from smxcheck.judge.result import Status
from smxcheck.run import single

pytest_plugins = ["pytester"]

SHOWN = "softmax/far-tail/20/float32"

#: What the inner test files begin with: a right softmax, one with the maximum of the batch, one that refuses.
HEAD = """\
import numpy as np
import pytest

def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)

def batch_maximum(x, axis=-1):
    e = np.exp(x - x.max())
    return e / e.sum(axis=axis, keepdims=True)

def refuses(x, axis=-1):
    raise ValueError("later")

"""
scope: dict[str, object] = {}
exec(HEAD, scope)
#: Without the plugins that an inner run would import anew each time.
FLAGS = ("-p", "no:xdist", "-p", "no:hypothesispytest", "-p", "no:cacheprovider", "--strict-markers", "-Werror")


def one(target: str, marker: str, name: str = "test_it") -> str:
    return f"@pytest.mark.smxcheck({marker})\ndef {name}(smxcheck_case):\n    smxcheck_case.check({target})\n\n"


def inner(pytester: pytest.Pytester, source: str, *flags: str) -> pytest.RunResult:
    pytester.makepyfile(test_inner=HEAD + source)
    return pytester.runpytest_inprocess(*FLAGS, *flags)


def test_there_is_one_test_for_each_case_with_its_id(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(HEAD + one("softmax", "'softmax', k='far-tail', dtypes=('float32', 'float16')"))
    items, _ = pytester.inline_genitems(*FLAGS)
    wanted = [c.id for c in load_cases(["softmax"], ["float32", "float16"], only_text="far-tail")]
    assert len(wanted) >= 4 and [item.name for item in items] == [f"test_it[{name}]" for name in wanted]


def test_a_wrong_one_fails_and_a_right_one_passes_by_the_same_cases(pytester: pytest.Pytester) -> None:
    marker = "'softmax', k='rows-', dtypes=('float32',)"
    done = inner(pytester, one("softmax", marker, "test_right") + one("batch_maximum", marker, "test_wrong"))
    cases = [c.id for c in load_cases(["softmax"], ["float32"], only_text="rows-")]
    wrong = {r.case for r in smxcheck.verify(scope["batch_maximum"], case=cases, function="softmax").results if r.status == "wrong"}
    assert wrong and done.parseoutcomes()["failed"] == len(wrong)
    done.stdout.no_fnmatch_line("*test_right*rows-120-apart*")


def test_cases_are_chosen_with_k(pytester: pytest.Pytester) -> None:
    done = inner(pytester, one("softmax", "'softmax', dtypes=('float32',)"), "-k", "far-tail/20/")
    assert done.parseoutcomes()["passed"] == 1 and "failed" not in done.parseoutcomes()


def test_a_failure_is_ten_readable_lines_at_most(pytester: pytest.Pytester) -> None:
    done = inner(pytester, one("batch_maximum", "'softmax', k='acceptance/rows-120-apart', dtypes=('float32',)"))
    lines = [str(line) for line in done.outlines]
    start = next(i for i, line in enumerate(lines) if line.startswith("___")) + 1
    end = next(i for i, line in enumerate(lines) if "short test summary" in line)
    shown = lines[start:end]
    assert len(shown) <= 10 and shown[0] == "softmax returns nan where the answer is finite"
    labels = [line.split("  ")[1].strip() for line in shown[1:]]
    assert labels == ["call", "got", "right", "again", "why"]
    node = "test_inner.py::test_it[softmax/acceptance/rows-120-apart/float32]"
    assert shown[4].endswith(f"pytest '{node}'")
    assert pytester.runpytest_inprocess(*FLAGS, node).ret == 1


def test_a_refusal_is_a_failure_within_the_core_contract_and_a_skip_beyond_it(pytester: pytest.Pytester) -> None:
    source = one("refuses", "'softmax', k='far-tail/200/float32'") + one("refuses", "'softmax', k='empty/'", "test_beyond")
    done = inner(pytester, source, "-rs")
    empty = len(load_cases(["softmax"], only_text="empty/"))
    assert done.parseoutcomes() == {"failed": 1, "skipped": empty}
    done.stdout.fnmatch_lines(["*raises on an input that it must accept*", "SKIPPED*test_inner.py*declined: raised*"])


def test_a_keyword_that_lacks_is_a_skip_that_names_it(pytester: pytest.Pytester) -> None:
    source = "def last(x):\n    return softmax(x)\n\n" + one("last", "'softmax', k='axes/', dtypes=('float32',)")
    done = inner(pytester, source, "-rs")
    done.stdout.fnmatch_lines(["SKIPPED*not-asked: softmax: every case to be run gives axis*"])


def test_a_test_of_which_no_case_tells_fails_the_session(pytester: pytest.Pytester) -> None:
    """All skipped is green in pytest; here nothing would have been checked."""
    done = inner(pytester, one("refuses", "'softmax', k='empty/'") + one("softmax", "'softmax', k='far-tail/20/'", "test_ok"))
    assert done.ret == 1 and "failed" not in done.parseoutcomes()
    done.stdout.fnmatch_lines(["ERROR test_inner.py::test_it: none of * cases tells right from wrong (* declined)*"])
    done.stdout.no_fnmatch_line("ERROR*test_ok*")


def test_a_case_that_cannot_tell_is_a_skip(pytester: pytest.Pytester) -> None:
    cases = [c.id for c in load_cases(["softmax"], ["float32"], only_text="far-tail")]
    results = smxcheck.verify(scope["softmax"], case=cases).results
    blind = next(r.case for r in results if r.status == "cannot-tell")
    done = inner(pytester, one("softmax", f"'softmax', k={blind!r}"), "-rs")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["SKIPPED*cannot-tell: the bound here also admits*"])


def test_where_there_is_no_single_answer_the_choice_is_on_record(pytester: pytest.Pytester) -> None:
    inner(pytester, one("softmax", "'softmax', k='all-masked', dtypes=('float32',)"), "--junit-xml=out.xml")
    found = ET.parse(pytester.path / "out.xml").iter("property")
    values = Counter((p.get("name"), p.get("value")) for p in found)
    assert values["smxcheck", "no-single-answer"] and values["smxcheck_choice", "all-masked=nan"]


def test_what_checks_nothing_fails(pytester: pytest.Pytester) -> None:
    never = "@pytest.mark.smxcheck('softmax', k='far-tail/200/float32')\ndef test_never(smxcheck_case):\n    pass\n\n"
    done = inner(pytester, never + "def test_bare(smxcheck_case):\n    pass\n")
    assert done.parseoutcomes() == {"failed": 1, "errors": 1}
    done.stdout.fnmatch_lines(["smxcheck: the fixture smxcheck_case needs the marker*", "*never called smxcheck_case.check*"])


#: Arguments of a marker, and what is said of them.
MISUSED = (
    ("", "it names one function"),
    ("'softmax', 'logsumexp'", "it names one function"),
    ("'sofmax'", "no function 'sofmax'; did you mean softmax?"),
    ("'softmax', requir='tight'", "no keyword 'requir'; there are k, dtypes"),
    ("'softmax', known='known.toml'", "no keyword 'known'"),
    ("'softmax', require='best'", "no level 'best'"),
    ("'softmax', dtypes=('float8',)", "no dtype 'float8'"),
    ("'softmax', only='3f'", "is not understood"),
    ("'softmax', gradient='f.py:g'", "a callable or 'auto'"),
    ("'softmax', k='far-tial'", "no case of softmax in float32, float64 has 'far-tial' in its id"),
)


def test_a_marker_that_is_not_understood_is_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{f"test_{n}": HEAD + one("softmax", m, f"test_{n}") for n, (m, _) in enumerate(MISUSED)})
    done = pytester.runpytest_inprocess(*FLAGS)
    assert done.ret == pytest.ExitCode.INTERRUPTED and done.parseoutcomes() == {"errors": len(MISUSED)}
    for number, (marker, words) in enumerate(MISUSED):
        (line,) = [line for line in done.outlines if line.startswith(f"smxcheck: the marker of test_{number}: ")]
        assert words in line, marker
    assert not [line for line in done.outlines if "Traceback" in line or "During handling" in line]


def test_a_marker_without_the_fixture_is_an_error(pytester: pytest.Pytester) -> None:
    done = inner(pytester, "@pytest.mark.smxcheck('softmax')\ndef test_it():\n    pass\n")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["smxcheck: test_it has the marker*does not take the fixture smxcheck_case*"])


def test_the_keywords_of_the_marker_are_keywords_of_verify() -> None:
    assert settled("softmax", **dict.fromkeys(pytest_plugin.KEYWORDS[:1], ("float32",))).dtypes == ("float32",)
    assert set(pytest_plugin.KEYWORDS) <= set(inspect.signature(smxcheck.verify).parameters)


@pytest.mark.parametrize("name", ["softmax", "batch_maximum"])
def test_one_by_one_has_the_verdict_of_the_whole_run(name: str) -> None:
    """But for what only many cases show: a choice, and a class that is refused in part."""
    target, options, judge = scope[name], settled("softmax"), single.OneByOne()
    cases = load_cases(["softmax"], ["float32"])[::10]

    def statuses(reports: list[smxcheck.Report]) -> dict[tuple[str, str], str]:
        return {(r.case, r.check): r.status for report in reports for r in report.results if r.group != "properties"}

    whole = statuses([smxcheck.verify(target, "softmax", case=[c.id for c in cases])])
    assert len(whole) > 45 and statuses([judge.run(target, name, case, options) for case in cases]) == whole


def test_what_is_right_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    ask = single.ask
    monkeypatch.setattr(single, "ask", lambda case, *rest: asked.update([case.id]) or ask(case, *rest))
    cases = load_cases(["softmax"], ["float32"], only_text="far-tail")
    judge, options = single.OneByOne(), settled("softmax")

    def overwrites(x: np.ndarray, axis: int = -1) -> np.ndarray:
        x[...] = 0
        return x

    for target in (overwrites, scope["softmax"], scope["batch_maximum"]):
        reports = [judge.run(target, "f", case, options) for case in cases]
        assert all(r.passed for r in reports) == (target is not overwrites)
    assert asked == Counter(c.id for c in cases)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "_REMEMBERED", 100)
    judge, options = single.OneByOne(), settled("softmax")
    for case in load_cases(["softmax"], ["float32"])[:80]:
        judge.run(scope["softmax"], "softmax", case, options)
        held = sum(q.case.elements for q in judge._questions.values())
        assert held == judge._elements <= 100
    assert judge._questions


def test_what_could_not_be_decided_fails() -> None:
    report = smxcheck.verify(scope["softmax"], case=SHOWN)
    undecided = tuple(dataclasses.replace(r, status=Status.UNDECIDED) for r in report.results)
    status, text = pytest_plugin._status(dataclasses.replace(report, results=undecided))
    assert (pytest_plugin._status(report)[0], status) == ("ok", "undecided") and "no pass" in text


@pytest.mark.slow
def test_loading_the_plugin_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    """By its entry point, as in the runs of everybody who has smxcheck installed."""
    pytester.makepyfile("def test_it():\n    pass\n")
    code = (
        "import sys, pytest\n"
        "class Seen:\n"
        "    def pytest_collection_finish(self, session):\n"
        "        print('PLUGIN', session.config.pluginmanager.has_plugin('smxcheck'))\n"
        "pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider'], plugins=[Seen()])\n"
        "print('HEAVY', [m for m in ('numpy', 'mpmath', 'smxcheck.api', 'smxcheck.catalog') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=pytester.path, capture_output=True, text=True, check=True)
    assert "PLUGIN True" in done.stdout and "HEAVY []" in done.stdout


@pytest.mark.slow
def test_two_workers_see_the_same_cases_and_count_together(pytester: pytest.Pytester) -> None:
    source = one("softmax", "'softmax', k='far-tail'", "test_right") + one("batch_maximum", "'softmax', k='rows-1'", "test_wrong")
    pytester.makepyfile(test_inner=HEAD + source + one("refuses", "'softmax', k='empty/'", "test_nothing"))
    done = pytester.runpytest_subprocess("-n", "2", "-p", "no:hypothesispytest", "-p", "no:cacheprovider", "--strict-markers", "-Werror")
    alone = pytester.runpytest_inprocess(*FLAGS)
    assert done.parseoutcomes() == alone.parseoutcomes() and done.ret == 1
    done.stdout.fnmatch_lines(["ERROR test_inner.py::test_nothing: none of * cases tells right from wrong*"])
