"""The suites at tiny sizes, their screens and files, and the command ``bench``. Times are real and never judged."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

from smxcheck import functions
from smxcheck.benchmark.suites import (
    contenders,
    launch,
    memory,
    oracle_contenders,
    words,
)
from smxcheck.benchmark.suites import (
    functions as functions_suite,
)
from smxcheck.benchmark.suites import (
    oracle as oracle_suite,
)
from smxcheck.benchmark.suites.correctness import judged, sampled_rows
from smxcheck.benchmark.suites.document import SCHEMA, document, load, render
from smxcheck.benchmark.suites.model import (
    Accuracy,
    Comparison,
    Goal,
    Interval,
    Outcome,
    Settings,
    Speed,
    Timing,
)
from smxcheck.benchmark.suites.screen import facts, lines
from smxcheck.benchmark.suites.timer import Contender, Plan
from smxcheck.benchmark.suites.workloads import LADDER, SHAPES, Workload, workloads
from smxcheck.cli import run_suites
from smxcheck.oracle import enclose
from smxcheck.report.screen import Layout

from .cli_support import called

TINY = (Workload((6, 10)), Workload((5, 6), axis=0), Workload((4, 12), step=2))
SIZE = oracle_suite.Size(elements=40, mpmath=20, arb=20, row=1000, plan=Plan(0.001, 2, 3, 1e-6))
SETTINGS = Settings(("functions", "oracle"), contenders.FUNCTIONS, ("float32", "float64"), quick=True)
MACHINE = {"cpu": "CPU", "cpus": 2, "numpy_simd": "AVX2", "python": "3.11", "numpy": "2.0"}


def silent(done: int, total: int, where: str) -> None:
    """No progress."""


def installed_but_torch(name: str) -> object:
    """PyTorch takes seconds to import; one test has it."""
    return None if name == contenders.TORCH else find_spec(name)


@pytest.fixture(autouse=True)
def without_torch(monkeypatch, request):
    if "libraries" not in request.keywords:
        monkeypatch.setattr(contenders, "find_spec", installed_but_torch)


@pytest.fixture(scope="module")
def speed():
    """Both suites on a few elements."""
    with pytest.MonkeyPatch.context() as p:
        p.setattr(contenders, "find_spec", installed_but_torch)
        p.setattr(functions_suite, "_QUICK_PLAN", Plan(0.001, 2, 3, 1e-6))
        one = functions_suite.run(SETTINGS, silent, TINY)
        other = oracle_suite.run(SETTINGS, silent, (4, 40), SIZE)
    return Speed(SETTINGS, MACHINE, (one, other), 1.5)


@pytest.fixture
def run(monkeypatch, capsys):
    return partial(called, monkeypatch, capsys)


# What is measured.


@pytest.mark.slow
def test_each_function_dtype_and_workload_is_compared_once(speed):
    titles = [c.title for c in speed.outcomes[0].comparisons]
    assert len(titles) == len(set(titles)) == 3 * 2 * len(TINY)


def test_the_shipped_algorithms_and_the_floors_stand_in_every_comparison(speed):
    libraries = {contenders.SCIPY} - set(contenders.missing())
    for comparison in speed.outcomes[0].comparisons:
        assert {t.name for t in comparison.timings} == {
            *contenders.ALGORITHMS,
            *libraries,
            "copy",
            "exp",
            "empty",
        }


def test_right_contenders_are_right_at_every_workload(speed):
    for comparison in speed.outcomes[0].comparisons:
        levels = {t.name: t.accuracy.level for t in comparison.timings if t.accuracy}
        assert set(levels) >= set(contenders.ALGORITHMS) and "wrong" not in levels.values()


@pytest.mark.parametrize("workload", TINY, ids=lambda w: w.name)
@pytest.mark.parametrize("function", contenders.FUNCTIONS)
def test_all_contenders_compute_the_same_function_of_the_same_axis(function, workload):
    x = workload.array("float64")
    axis = list(range(x.ndim))[workload.axis]
    assert x.shape[axis] == workload.n
    right = getattr(functions, function)(x, workload.axis)
    for contender in contenders.implementations(function, x, workload.axis, 1):
        np.testing.assert_allclose(np.asarray(contender.call()), right, rtol=1e-12, err_msg=contender.name)


@pytest.mark.libraries
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", contenders.FUNCTIONS)
def test_torch_computes_the_same_function_of_every_layout(needs, function, dtype):
    needs("torch")
    for workload in TINY:
        x = workload.array(dtype)
        found = {c.name: c for c in contenders.implementations(function, x, workload.axis, 1)}
        torch = found[contenders.TORCH]
        assert not judged(function, x, workload.axis, [torch])[torch.name].wrong


@pytest.mark.parametrize("function", contenders.FUNCTIONS)
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_add_the_shipped_algorithms_once_more(function, threads):
    found = contenders.implementations(function, TINY[0].array("float32"), -1, threads)
    more = [c.name for c in found if "threads" in c.name]
    assert len(more) == (
        len(contenders.ALGORITHMS) if threads > 1 and contenders.takes_threads(function) else 0
    )
    for contender in found:
        assert np.asarray(contender.call()).shape[0] == TINY[0].shape[0]


@pytest.mark.parametrize("workload", TINY, ids=lambda w: w.name)
@pytest.mark.parametrize("function", contenders.FUNCTIONS)
def test_wrong_values_are_found_before_they_are_timed(function, workload):
    """Scaled by 1 + 1e-3 they are far outside every bound; the right ones beside them are not."""
    x = workload.array("float32")
    own = getattr(functions, function)
    candidates = [
        Contender("right", lambda: own(x, workload.axis), x.size),
        Contender("wrong", lambda: own(x, workload.axis) * np.float32(1.001), x.size),
        Contender("nan", lambda: own(x, workload.axis) * np.float32(np.nan), x.size),
    ]
    found = judged(function, x, workload.axis, candidates)
    assert [found[c.name].wrong for c in candidates] == [False, True, True]


def test_sampled_rows_are_whole_rows_along_the_axis():
    x = np.arange(12.0).reshape(3, 4)
    rows, chosen = sampled_rows(x, 0)
    np.testing.assert_array_equal(rows, x.T[chosen])
    rows, chosen = sampled_rows(np.zeros((100_000, 10)), -1)
    assert len(rows) == len(set(chosen)) == (1 << 15) // 10 and chosen[-1] == 99_999


def test_workloads_are_the_same_numbers_every_time_and_quick_ones_keep_the_row_length():
    one = SHAPES[-1].quick()
    np.testing.assert_array_equal(one.array("float32"), one.array("float32"))
    assert not one.array("float32").flags.c_contiguous
    for workload in SHAPES + LADDER:
        quick = workload.quick()
        assert quick.n == workload.n or workload.shape[0] == 1
        assert quick.shape[0] * quick.shape[1] * 3 < workload.shape[0] * workload.shape[1]
    assert all(w.shape[0] * w.shape[1] == 1 << 20 for w in LADDER)
    assert len(workloads(quick=False, ladder=True)) == len(SHAPES) + len(LADDER)


# The oracle's rivals.


@pytest.mark.parametrize("bits", [40, 80])
def test_mpmath_reaches_the_error_that_its_precision_is_meant_for(bits):
    rows = (5 * np.random.default_rng(2).standard_normal((3, 50))).tolist()
    exact = oracle_contenders.truth(rows, bits)
    error = partial(oracle_contenders.mpmath_error, exact=exact)
    at = partial(oracle_contenders.mpmath_softmax, rows)
    assert error(at(oracle_contenders.mpmath_bits(bits))) <= 2.0**-bits
    assert error(at(bits - 3)) > 2.0**-bits


@pytest.mark.parametrize("n", [2, 50, 3000])
def test_arb_reaches_the_radius_that_its_precision_is_meant_for(needs, n):
    needs("flint")
    rows = (5 * np.random.default_rng(n).standard_normal((1, n))).tolist()
    found = oracle_contenders.arb_softmax(rows, oracle_contenders.arb_bits(80, n))
    assert oracle_contenders.arb_error(found) <= 2.0**-80
    exact = oracle_contenders.truth(rows, 80)
    assert [float(b.mid()) for b in found[0]] == pytest.approx([float(v) for v in exact[0]], rel=1e-14)


def test_an_enclosure_that_is_off_is_seen():
    x = np.array([[0.0, 1.0, -2.0]])
    found, exact = enclose("softmax", x), oracle_contenders.truth(x.tolist(), 80)
    assert (
        oracle_contenders.enclosure_error(found, exact) <= oracle_contenders.largest_bound(found) <= 2.0**-80
    )
    off = type(found)(found.hi * (1 + 2.0**-40), found.lo, found.exponent, found.bound)
    assert oracle_contenders.enclosure_error(off, exact) > 2.0**-42


def test_the_oracle_is_ranked_against_every_rival_that_is_there(speed):
    rivals = {oracle_contenders.MPMATH} | ({oracle_contenders.ARB} if oracle_contenders.has_arb() else set())
    for comparison in speed.outcomes[1].comparisons:
        assert all(comparison.ratio(oracle_contenders.OWN, rival) for rival in rivals)


def test_without_libraries_the_suites_say_what_is_missing_and_leave_goals_open(monkeypatch):
    monkeypatch.setattr(contenders, "find_spec", lambda name: None)
    monkeypatch.setattr(oracle_contenders, "find_spec", lambda name: None)
    monkeypatch.setattr(functions_suite, "_QUICK_PLAN", Plan(0.001, 2, 2, 1e-6))
    one = functions_suite.run(SETTINGS, silent, TINY[:1])
    assert [note for note in one.notes if "smxcheck[scipy]" in note] and {g.reached for g in one.goals} == {
        None
    }
    other = oracle_suite.run(SETTINGS, silent, (4,), SIZE)
    assert [note for note in other.notes if "python-flint" in note]
    assert {g.reached for g in other.goals if "arb" in g.text} == {None}


@pytest.mark.slow
def test_memory_is_that_of_a_process_of_its_own():
    """A few hundred MB held here are not counted there; NumPy and mpmath alone take more than 10 MB."""
    held = np.ones(40_000_000)
    peak = memory.peak(1000)
    assert peak is not None and 10 << 20 < peak < held.nbytes


def test_a_row_that_does_not_come_to_its_end_has_no_peak():
    assert memory.peak(-1) is None


# What is told.


def test_the_document_is_whole_and_reads_back(speed):
    data = json.loads(render(speed))
    assert data["schema"] == SCHEMA
    assert load(data) == speed
    timing = data["outcomes"][0]["comparisons"][0]["timings"][0]
    assert timing["quartiles_seconds"][0] <= timing["median_seconds"] <= timing["quartiles_seconds"][1]


@pytest.mark.parametrize("broken", [{}, {"schema": "smxcheck-report/1"}, {"schema": SCHEMA}])
def test_another_document_is_refused(broken):
    with pytest.raises(ValueError, match="document of schema smxcheck-speed/1"):
        load(broken)


@pytest.mark.parametrize("unicode", [True, False])
def test_the_screen_fits_80_columns_and_tells_every_contender_and_goal(speed, unicode):
    text = ["".join(piece for piece, _ in line) for line in lines(speed, Layout(unicode=unicode))]
    assert [line for line in text if len(line) > 80] == []
    whole = "\n".join(text)
    assert unicode or whole.isascii()
    verdicts = [words.goal_verdict(goal) for outcome in speed.outcomes for goal in outcome.goals]
    for word in set(verdicts):
        assert sum(line.startswith(word) for line in text) == verdicts.count(word)
    for name in (*contenders.ALGORITHMS, "smxcheck", "mpmath", "(4, 12)[:, ::2]", "n = 40"):
        assert name in whole


def test_the_last_line_says_how_many_goals_were_reached():
    goals = tuple(Goal("a", None, "", reached) for reached in (True, False, None))
    found = Speed(SETTINGS, MACHINE, (Outcome("functions", (), (), goals),), 20.0)
    assert words.took(found) == "Measured in 20.0 s: 1 of 3 goals reached."


def test_a_contender_is_as_wrong_as_where_it_is_worst():
    def comparison(error: float, level: str) -> Comparison:
        return Comparison("softmax", "float32", "w", 4, (Timing("a", 1, 1, (1.0,), Accuracy(error, "ulp", level)),))

    both = [comparison(9.0, "1ulp"), comparison(3.0, "standard")]
    assert words.overall(both, "a") == Accuracy(9.0, "ulp", "standard")
    assert words.overall(both, "b") is None


def test_plain_facts_stand_alone(speed):
    told = list(facts(speed, unicode=False))
    assert all(fact and fact.isascii() and "\n" not in fact for fact in told)
    goals = [goal for outcome in speed.outcomes for goal in outcome.goals]
    assert sum(fact.startswith("goal ") for fact in told) == len(goals)
    for comparison in speed.outcomes[1].comparisons:
        assert [fact for fact in told if fact.startswith(f"{comparison.title} smxcheck: ")]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.04567, "0.0457"), (0.4567, "0.457"), (12.345, "12.3"), (99.97, "100"),
                        (11204.2, "11,204")],
)  # fmt: skip
def test_figures_have_three_digits(value, text):
    assert words.figure(value) == text


@pytest.mark.parametrize(
    ("reached", "word"), [(True, "reached"), (False, "NOT REACHED"), (None, "not measured")]
)
def test_a_goal_is_told_with_its_interval(reached, word):
    goal = Goal("a ≥ 2 × b", Interval(2.31, 2.25, 2.38), "", reached, "over 14 workloads")
    assert words.goal_verdict(goal) == word
    assert words.goal_text(goal) == "a ≥ 2 × b: 2.31 (2.25–2.38), over 14 workloads"


# The command.


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["functions", "kernel.py:softmax"], "functions is a suite of smxcheck's own, kernel.py:softmax a target"),
        (["oracle", "--launches", "2"], "leave --launches out"),
        (["functions", "--dtype", "bfloat16"], "--dtype: no dtype 'bfloat16'"),
        (["functions", "-f", "softmin"], "did you mean softmax?"),
        (["oracle", "--ladder"], "leave --ladder out"),
        (["oracle", "--threads", "2"], "leave --threads out"),
        (["oracle", "-f", "softmax"], "leave --function out"),
        (["functions", "--threads", "0"], "from 1 to"),
        (["functions", "--output", "speed"], "end it in .json or .md"),
        (["functions", "--output", "no/such/folder/x.json"], "there is no folder"),
        (["functions", "--output", "folder.json"], "is a folder"),
        (["functions", "--quik"], "did you mean --quick?"),
    ],
)
def test_bad_options_exit_2_with_one_line(run, monkeypatch, tmp_path, typed, told):
    (tmp_path / "folder.json").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "run", lambda *_: pytest.fail("measured"))
    done = run("bench", *typed)
    assert (done.code, done.out) == (2, "")
    assert told in done.err and done.err.count("\n") == 1


def test_what_was_measured_is_printed_and_written_whole(run, monkeypatch, tmp_path, speed):
    asked = []
    monkeypatch.setattr(launch, "run", lambda settings, progress: (asked.append(settings), speed)[1])
    file, page = tmp_path / "speed.json", tmp_path / "speed.md"
    done = run(
        "bench",
        "functions",
        "oracle",
        "--quick",
        "--threads",
        "2",
        "--output",
        str(file),
        "--output",
        str(page),
    )
    assert done.code == 0
    assert asked == [Settings(("functions", "oracle"), ("softmax",), ("float32", "float64"), True, False, 2)]
    assert load(json.loads(file.read_text())) == speed
    assert all(
        "".join(piece for piece, _ in line).rstrip() in page.read_text() for line in lines(speed, Layout())
    )
    assert done.out.splitlines() == list(facts(speed))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["speed.json", "speed.md"]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(("functions", "oracle"), ("softmax", "logsumexp"), ("float32",), ladder=True, threads=2),
        Settings(("oracle",), ("softmax",), ("float64",), quick=True),
    ],
)
def test_the_page_names_the_command_that_measures_the_same_again(run, monkeypatch, settings):
    asked = []
    none = Speed(settings, MACHINE, (), 1.0)
    monkeypatch.setattr(launch, "run", lambda settings, progress: (asked.append(settings), none)[1])
    assert run(*words.command(none).split()[1:]).code == 0
    assert asked == [settings]


def test_a_goal_that_is_missed_does_not_change_the_exit_code(run, monkeypatch):
    missed = Goal("a", None, "", False)
    none = Speed(SETTINGS, MACHINE, (Outcome("functions", (), (), (missed,)),), 1.0)
    monkeypatch.setattr(launch, "run", lambda *_: none)
    done = run("bench", "functions")
    assert done.code == 0 and "NOT REACHED" in done.out


def test_a_measuring_process_that_dies_is_a_fault(run, monkeypatch):
    def dies(*_):
        raise launch.BenchmarkError("the measuring process ended with code -9")

    monkeypatch.setattr(launch, "run", dies)
    done = run("bench", "functions")
    assert (done.code, done.out) == (3, "") and "code -9" in done.err


def test_the_measuring_process_has_one_thread_and_reports_its_settings(monkeypatch):
    """The whole way through the worker, with nothing to measure."""
    told = launch.run(Settings((), ("softmax",), ("float32",)), silent)
    assert told.settings.suites == () and told.outcomes == ()
    assert {told.machine["variables"][name] for name in launch.ONE_THREAD} == {"1"}


def test_a_worker_that_ends_early_is_told_with_its_code(capfd):
    with pytest.raises(launch.BenchmarkError, match="ended with code 1"):
        launch.run(Settings(("no such suite",), (), ()), silent)
    assert "KeyError" in capfd.readouterr().err


def test_the_suites_of_the_command_are_those_of_the_worker():
    from smxcheck.benchmark.suites import worker

    assert tuple(worker.SUITES) == run_suites.SUITES
    assert run_suites.FUNCTIONS == contenders.FUNCTIONS
    assert set(words.TOLD_BY) == set(words.RATIO_HEADINGS) == set(words.LEGENDS) == set(run_suites.SUITES)


def test_no_escape_sequence_under_no_color_on_a_terminal(speed):
    import pty

    own, other = pty.openpty()
    code = (
        "import json, sys; from smxcheck.benchmark.suites.document import load; from smxcheck.cli import run_suites;"
        "run_suites._print(load(json.load(sys.stdin)))"
    )
    with os.fdopen(own, "rb") as screen:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=other,
            env={**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(other)
        assert process.stdin is not None
        process.stdin.write(json.dumps(document(speed)).encode())
        process.stdin.close()
        seen = b""
        with contextlib.suppress(OSError):  # a closed pseudo-terminal reads as an error
            while part := screen.read1(1 << 16):
                seen += part
        assert process.wait() == 0
    assert b"softmax float32" in seen and b"\x1b" not in seen


def test_a_comparison_without_a_copy_tells_no_floor():
    comparison = Comparison("softmax", "float32", "n = 4", 4, ())
    assert words.yardsticks(comparison) == ""
