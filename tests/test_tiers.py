"""The oracle's tiers in a run: counted, told, switched off without a change of verdict, and rechecked with Arb."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest

import smxcheck
from smxcheck import functions
from smxcheck.caseset import load_cases
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.accuracy import judge_values
from smxcheck.judge.call import ask
from smxcheck.judge.errors import errors, scale
from smxcheck.judge.result import Recheck, Report, Result, Status
from smxcheck.judge.ruler import Allowance, rulers
from smxcheck.judge.words import digits
from smxcheck.mistakes import mistakes_in
from smxcheck.oracle import Enclosure, Expected, enclose, expect, recheck, tally
from smxcheck.oracle.certified import table
from smxcheck.report.as_json import load
from smxcheck.report.exactness import exact_values, rechecked
from smxcheck.report.formats import RenderOptions, render
from smxcheck.run import execute
from smxcheck.run.options import RunOptions
from smxcheck.run.recheck import choose, merged
from smxcheck.selftest.trial import run, session

from .cli_support import KERNEL, called, write

WIDE = ("float32", "float64")
#: What a figure in ulp may differ by: float32 is enclosed to 2^-40 of at most 2^24 ulp, in two runs.
ULP = 2.0**-15


@pytest.fixture
def small_too(monkeypatch):
    """The certified tiers answer from one element on, not only where they are faster."""
    for name, entry in table.TABLE.items():
        monkeypatch.setitem(table.TABLE, name, dataclasses.replace(entry, least=1))


def targets(function: str, wrong: int = 3) -> list[Any]:
    """The shipped implementation and some mistakes, in this process."""
    own = session(function, "builtin", getattr(functions, function))
    return [own, *(session(function, m.id, m.call) for m in mistakes_in(function)[:wrong])]


def both(monkeypatch: pytest.MonkeyPatch, function: str, dtypes: tuple[str, ...], **options: Any) -> tuple[Report, Report]:
    """The same run with the certified tiers and without."""
    monkeypatch.setenv("SMXCHECK_ORACLE", "certified")
    certified = run(targets(function), function, dtypes, **options)
    monkeypatch.setenv("SMXCHECK_ORACLE", "mpmath")
    return certified, run(targets(function), function, dtypes, **options)


def near(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-6, abs_tol=ULP))


def differences(a: Result, b: Result) -> list[str]:
    """The fields of a result that depend on which tier answered."""
    exact = ("target", "case", "check", "status", "level", "index", "input", "got_hex", "choice", "cannot_tell", "elements",
             "flushed", "blind", "largest_term", "digest")  # fmt: skip
    found = [name for name in exact if getattr(a, name) != getattr(b, name)]
    figures = ("error_ulp", "allowed_ulp", "largest_error_ulp", "largest_allowed_ulp")
    return found + [name for name in figures if not near(getattr(a, name), getattr(b, name))]


def problems(report: Report) -> list[tuple[Any, ...]]:
    return [(p.target, p.check, p.cases, p.message, p.input, p.got, p.right, p.behaves_as) for p in report.problems]


def assert_alike(certified: Report, reference: Report) -> None:
    found = {
        (a.target, a.case): names
        for a, b in zip(certified.results, reference.results, strict=True)
        if (names := differences(a, b))
    }
    assert not found
    assert problems(certified) == problems(reference)
    assert certified.exit_code == reference.exit_code
    assert [t.choices for t in certified.targets] == [t.choices for t in reference.targets]


# ---- on and off


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("softmax", "acceptance"),
        ("softmax", "drift"),
        pytest.param("log_softmax", "far-tail", marks=pytest.mark.slow),
        ("logsumexp", "acceptance"),
        pytest.param("softmax_jvp", "cotangents/1000-entries", marks=pytest.mark.slow),
        ("log_softmax_backward", "log-2-3-2"),
        pytest.param("softmax_entropy_grad", "", marks=pytest.mark.slow),
        pytest.param("cross_entropy_grad", "far-tail", marks=pytest.mark.slow),
        ("kl_divergence_grad", "underflow"),
    ],
)
def test_every_verdict_is_that_of_mpmath_alone(monkeypatch, small_too, function, text):
    """SMXCHECK_ORACLE=mpmath changes what encloses, and nothing that is said of a target, right or wrong."""
    certified, reference = both(monkeypatch, function, WIDE, text=text or None)
    assert_alike(certified, reference)
    assert set(reference.oracle) == {tally.REFERENCE}
    assert certified.oracle.get(tally.DOUBLE, 0) + certified.oracle.get(tally.SINGLE, 0) > 0
    assert any(r.status is Status.WRONG for r in certified.results)


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_quick_verdicts_of_every_function_are_those_of_mpmath_alone(monkeypatch, small_too, function):
    """One case in six of every function: the others differ in values, not in what encloses them."""
    quick = [case.id for case in load_cases([function], WIDE, "quick")]
    assert_alike(*both(monkeypatch, function, WIDE, ids=tuple(quick[::6])))


@pytest.mark.slow
@pytest.mark.parametrize("function", ["softmax", "log_softmax", "logsumexp", "cross_entropy", "softmax_entropy"])
def test_every_large_verdict_is_that_of_mpmath_alone(monkeypatch, function):
    """Full cases of 2^10 to 2^17 elements as they are run, with the tiers at the sizes where they are faster."""
    large = [c.id for c in load_cases([function], WIDE, "full") if 2**10 <= c.elements <= 2**17]
    assert_alike(*both(monkeypatch, function, WIDE, ids=tuple(large[:: max(1, len(large) // 12)])))


def test_another_value_of_the_switch_is_refused(tmp_path, monkeypatch, capsys):
    write(tmp_path, "kernel.py", KERNEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMXCHECK_ORACLE", "fast")
    done = called(monkeypatch, capsys, "verify", "kernel.py")
    assert (done.code, done.out) == (2, "")
    assert done.err == "smxcheck: SMXCHECK_ORACLE is mpmath or certified, not 'fast': set it to one of them, or unset it\n"


# ---- counted and told


@pytest.fixture(scope="module")
def units():
    """The units of two functions, as a run finds them, and what the report is made of."""
    sessions = [session(f, f"own {f}", getattr(functions, f)) for f in ("softmax", "logsumexp")]
    options = RunOptions(targets=tuple(s.info.name for s in sessions), dtypes=("float32",), text="acceptance")
    from smxcheck.run.pool import run_units
    from smxcheck.run.progress import Silent

    found = [
        run_units({f: load_cases([f], ("float32",), only_text="drift" if f == "softmax" else "acceptance")}, sessions,
                  options, None, Silent())[0][0]
        for f in ("softmax", "logsumexp")
    ]  # fmt: skip
    return options, [s.info for s in sessions], found


def test_counts_add_up_in_any_order_of_the_units(units):
    options, infos, found = units
    assert all(u.oracle for u in found)
    reports = [execute.assemble(options, infos, order, (), False, 1.0) for order in itertools.permutations(found)]
    expected = {t: sum(u.oracle.get(t, 0) for u in found) for t in tally.TIERS}
    for report in reports:
        assert report.oracle == {t: n for t, n in expected.items() if n}
        assert list(report.oracle) == [t for t in tally.TIERS if t in report.oracle]


def test_a_unit_counts_its_own_questions_alone(units):
    _, _, (softmax, logsumexp) = units
    assert softmax.oracle.get(tally.SINGLE, 0) >= 1000  # a drift row of float32
    assert tally.SINGLE not in logsumexp.oracle
    assert tally.take() == {}


def sample(**changes: Any) -> Report:
    plain = smxcheck.verify(functions.softmax, dtypes=("float32",), cases="quick", time_limit=0)
    return dataclasses.replace(plain, **changes)


@pytest.fixture(scope="module")
def told() -> Report:
    return sample(oracle={"float64": 1_203_456, "double-double": 40_210, "mpmath": 3_012})


def test_the_line_says_how_many_by_which_arithmetic(told):
    line = "exact values: 1,203,456 from float64, 40,210 from pairs of float64, 3,012 from mpmath, each with a proven bound"
    assert exact_values(told) == line
    assert line in render(told, "plain").splitlines()
    assert line not in render(told, "rich")
    assert line.split(", ")[0] in render(told, "rich", options=RenderOptions(verbose=True))
    assert exact_values(dataclasses.replace(told, oracle={})) == ""


def test_json_has_the_counts_and_a_file_without_them_is_read(told):
    document = json.loads(told.to_json())
    assert document["oracle"] == dict(told.oracle) and document["recheck"] is None
    assert load(told.to_json()) == told
    del document["oracle"], document["recheck"]
    assert load(json.dumps(document)) == dataclasses.replace(told, oracle={})


# ---- figures that must not hang on the width of an enclosure


def around(value: float, bound: float) -> Enclosure:
    hi, exponent = math.frexp(value)
    return Enclosure(np.array([hi]), np.array([0.0]), np.array([exponent], np.int32), np.array([bound]))


def judged(got: float, enclosure: Enclosure, dtype: str = "float32") -> Any:
    from smxcheck.judge.bounds import Bound

    fmt = FORMATS[dtype]
    expected = Expected(np.zeros(1, np.uint8), enclosure)
    allowance = Allowance(Bound({"one": 2 * fmt.u}), Bound({"one": 4 * fmt.u}))
    return judge_values(np.array([got], fmt.numpy()), rulers(expected, allowance, fmt), fmt)


def test_an_error_within_the_enclosure_is_0():
    found = judged(0.75, around(0.75 * (1 + 2.0**-42), 2.0**-40))
    assert (found.error, found.largest, found.signed_sum, dict(found.histogram)) == (0.0, 0.0, 0.0, {None: 1})


def test_an_error_beyond_the_enclosure_is_told():
    found = judged(0.75, around(0.75 * (1 + 2.0**-30), 2.0**-40))
    assert found.error == pytest.approx(0.75 * 2.0**-6, rel=1e-6)  # 1 ulp is 2^-24, and 2^-30 of 0.75 is 0.75·2^-6 of it


def test_a_figure_that_the_enclosure_does_not_give_is_vague():
    assert judged(0.75, around(0.7500003, 2.0**-30)).vague
    assert not judged(0.75, around(0.7500003, 2.0**-40)).vague


def test_the_binade_is_that_of_the_value_and_not_of_its_leading_part():
    """1 - 2^-60 may come as hi + lo = 1 - 2^-60 or as 0.111…b: its ulp is that below 1."""
    as_sum = Enclosure(np.array([0.5]), np.array([-(2.0**-61)]), np.array([1], np.int32), np.array([2.0**-90]))
    as_digits = Enclosure(
        np.array([1 - 2.0**-53]), np.array([2.0**-53 - 2.0**-60]), np.array([0], np.int32), np.array([2.0**-90])
    )
    for dtype in WIDE:
        got = np.array([1.0], FORMATS[dtype].numpy())
        ulps = [float(errors(got, e, FORMATS[dtype]).signed[0]) for e in (as_sum, as_digits)]
        assert ulps[0] == ulps[1] == 2.0**-60 * 2.0 ** FORMATS[dtype].precision


@pytest.mark.parametrize(("hi", "exponent"), [(0.5, 1), (1 - 2.0**-53, 0)])
def test_a_power_of_two_within_the_enclosure_is_the_value(hi, exponent):
    """From below or from above, narrow or wide; a wide one is doubted, so that more bits are asked for."""
    for bound, doubted in ((2.0**-52, True), (2.0**-80 if hi == 0.5 else 2.0**-52, hi != 0.5)):
        on = scale(Enclosure(np.array([hi]), np.array([0.0]), np.array([exponent], np.int32), np.array([bound])),
                   FORMATS["float32"])  # fmt: skip
        assert on.ulp_exponent[0] == -23 and on.doubt is not None
        assert bool(on.doubt[0]) is doubted


def test_values_away_from_powers_of_two_cost_no_second_look():
    assert scale(around(0.75, 2.0**-40), FORMATS["float32"]).doubt is None


def test_digits_are_those_that_are_proven():
    one = expect("softmax", (np.array([0.0, 1.0]),))
    assert digits(one, (0,)) == "0.268941421369995120748841"
    wide = dataclasses.replace(one.enclosure, bound=np.array([2.0**-40, 2.0**-40]))
    assert digits(Expected(one.kind, wide), (0,)) == "0.26894142137"


def test_a_wrong_result_of_float32_is_shown_to_24_digits():
    """A row of 1,000 entries is enclosed to 2^-40, which is 12 digits; what is shown was asked for again."""
    off = session("softmax", "off", lambda x, axis=-1: functions.softmax(x, axis=axis) * np.float32(1.001))
    report = run([off], "softmax", ("float32",), text="drift")
    wrong = [r for r in report.results if r.status is Status.WRONG and r.right_digits]
    assert wrong
    for r in wrong:
        assert len(r.right_digits.partition("e")[0].replace("0.", "").lstrip("0")) >= 23


# ---- rechecked


flint = pytest.importorskip("flint", reason="python-flint not installed: pip install 'smxcheck[recheck]'")

COVERED = sorted(recheck.covered())


def test_what_the_certified_tiers_answer_is_what_arb_can_recheck():
    assert set(table.TABLE) <= set(COVERED) <= set(FUNCTIONS)


def checks(function: str) -> recheck.Checked:
    """Some cases of a function through both arithmetics."""
    cases = [c for c in load_cases([function], WIDE) if c.elements <= 2000 and c.check == "accuracy"]
    found = recheck.Checked()
    for case in cases[:: max(1, len(cases) // 8)]:
        arguments = tuple(case.build().values())
        expected = ask(case, arguments, case.keywords, "").expected
        one = recheck.check(function, arguments, case.keywords, expected, case.id)
        found = recheck.Checked(found.held + one.held, found.undecided + one.undecided, found.misses + one.misses)
    return found


@pytest.mark.parametrize("function", COVERED)
def test_certified_enclosures_hold_arbs_balls(small_too, function):
    found = checks(function)
    assert found.misses == () and found.undecided == 0 and found.held >= 5


X = np.array([[0.5, -3.0, 40.0, 2.0], [700.0, -700.0, 0.0, 1e-9]])


def shifted(expected: Expected, by: float, at: tuple[int, ...]) -> Expected:
    """The same with one value moved by a share of itself that is so many of its bounds."""
    lo = expected.enclosure.lo.copy()
    lo[at] += by * expected.enclosure.bound[at] * expected.enclosure.hi[at]
    return Expected(expected.kind, dataclasses.replace(expected.enclosure, lo=lo))


@pytest.mark.parametrize("by", [-2.5, 2.5])
def test_an_enclosure_that_misses_is_found(by):
    expected = expect("softmax", (X,))
    assert recheck.check("softmax", (X,), {}, expected, "") == recheck.Checked(held=8)
    found = recheck.check("softmax", (X,), {}, shifted(expected, by, (1, 2)), "")
    assert found.held == 7 and [m.index for m in found.misses] == [(1, 2)]
    assert found.misses[0].arb.startswith("[9.85")  # exp(-700)


def test_a_bound_that_is_too_narrow_is_found():
    expected = expect("logsumexp", (X,))
    e = expected.enclosure
    narrow = dataclasses.replace(e, lo=e.lo * (1 + 2.0**-30), bound=e.bound * 0)
    found = recheck.check("logsumexp", (X,), {}, Expected(expected.kind, narrow), "")
    assert len(found.misses) == 2


def test_an_exact_zero_is_held_to_be_exact():
    """A constant cotangent gives exactly 0, in both arithmetics; a wrong 0 is found."""
    g = np.full(4, 0.25)
    expected = expect("softmax_vjp", (X[0], g))
    assert not expected.enclosure.hi.any()
    assert recheck.check("softmax_vjp", (X[0], g), {}, expected, "").held == 4
    assert len(recheck.check("softmax_vjp", (X[0], X[1]), {}, expected, "").misses) == 4


def test_what_is_known_to_be_nothing_is_compared_by_its_size():
    x = np.array([0.0, -1e300])
    expected = expect("softmax", (x,))
    assert expected.enclosure.bound[1] == 1
    assert recheck.check("softmax", (x,), {}, expected, "").held == 2


def test_a_function_without_a_formula_is_refused():
    with pytest.raises(LookupError, match="sparsemax"):
        recheck.check("sparsemax", (X,), {}, expect("sparsemax", (X,)), "")


def test_the_sample_is_drawn_from_every_function_dtype_and_size_in_turn():
    functions_of = ("softmax", "logsumexp", "sparsemax")
    units = {f: load_cases([f], WIDE) for f in functions_of}
    chosen = choose(units, 40, seed=0)
    assert len(chosen) == 40 and chosen == choose(units, 40, seed=0) != choose(units, 40, seed=1)
    of = [c for f in functions_of for c in units[f] if c.id in chosen]
    parts = {(c.function, c.dtype, c.elements >= 96) for c in of}
    assert parts == set(itertools.product(("softmax", "logsumexp"), WIDE, (False, True)))
    assert choose(units, 0, seed=0) == frozenset()


def test_the_record_counts_and_names_what_was_left_out():
    found = {
        "softmax/a/b/float32": recheck.Checked(held=10),
        "softmax/a/c/float32": recheck.Checked(held=8, undecided=1, misses=(recheck.Miss((3,), "0.5 to 1e-12 of it", "[0.4]"),)),
    }
    record = merged(found, ["softmax", "sparsemax"])
    assert (record.questions, record.functions, record.compared, record.left_out) == (2, 1, 20, ("sparsemax",))
    assert record.misses == ("softmax/a/c/float32 at [3]: the oracle says 0.5 to 1e-12 of it, Arb [0.4]",)


def test_a_miss_is_a_fault_whatever_else_was_found(told):
    found = Recheck("Arb (FLINT 3.1)", 2, 1, 1999, 0, ("softmax/a/b/float32 at [3]: the oracle says 0.5, Arb [0.4]",))
    report = dataclasses.replace(told, recheck=found)
    assert report.exit_code == 3
    document = json.loads(report.to_json())
    assert document["verdict"]["word"] == "FAULT" and load(report.to_json()) == report
    assert rechecked(report) == (
        "recheck: 2,000 exact values of 1 function compared with Arb (FLINT 3.1): 1,999 agree within the bounds, 1 does not,"
        " 0 Arb could not decide"
    )
    for name in ("plain", "rich", "markdown", "html", "github", "json"):
        assert "WRONG EXACT VALUE, a fault of smxcheck" in render(report, name).replace("\n", " ")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    write(tmp_path, "kernel.py", KERNEL)
    monkeypatch.chdir(tmp_path)
    few = ("verify", "kernel.py:softmax", "-k", "drift", "--dtype", "float32", "--no-isolate", "--format", "plain")
    return partial(called, monkeypatch, capsys, *few)


def test_verify_compares_what_it_used(command):
    done = command("--recheck", "flint", "--recheck-sample", "3")
    assert done.code == 0
    (line,) = [text for text in done.out.splitlines() if text.startswith("recheck: ")]
    assert line.startswith("recheck: 30 exact values of 1 function compared with Arb (FLINT ")
    assert line.endswith("): 30 agree within the bounds, 0 do not, 0 Arb could not decide")


def test_verify_finds_a_wrong_tier(command, monkeypatch):
    """A float64 tier that is off by 2^-30 leaves verdicts of float32 as they were; the recheck is what sees it."""
    single = table.softmax.single

    def off(x):
        found, covered = single(x)
        return dataclasses.replace(found, hi=found.hi * (1 + 2.0**-30)), covered

    monkeypatch.setattr(table.softmax, "single", off)
    assert command().code == 0
    done = command("--recheck", "flint")
    assert done.code == 3
    assert "WRONG EXACT VALUE, a fault of smxcheck: softmax/drift/" in done.out and done.out.rstrip().splitlines()[-1].startswith("FAULT")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--recheck", "mpfi"), "--recheck is one of flint, not 'mpfi'"),
        (("--recheck-sample", "5"), "add --recheck flint"),
        (("--recheck", "flint", "--recheck-sample", "0"), "--recheck-sample is a whole number from 1 on, not 0"),
    ],
)
def test_what_is_asked_wrongly_is_one_line(command, words, said):
    done = command(*words)
    assert (done.code, done.out) == (2, "") and said in done.err and done.err.count("\n") == 1


def test_without_python_flint_the_remedy_is_said(command, monkeypatch):
    monkeypatch.setattr("smxcheck.run.recheck.find_spec", lambda name: None)
    done = command("--recheck", "flint")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "smxcheck: a recheck needs python-flint, which is not installed: pip install 'smxcheck[recheck]'\n"
    )
    with pytest.raises(ValueError, match="needs python-flint"):
        smxcheck.verify(functions.softmax, recheck=5)


@pytest.mark.slow
def test_verify_as_a_function_rechecks_too():
    report = smxcheck.verify(functions.logsumexp, dtypes=("float32",), recheck=4)
    assert report.passed and report.recheck is not None
    assert (report.recheck.questions, report.recheck.functions, report.recheck.misses) == (4, 1, ())
    with pytest.raises(ValueError, match="from 0 on"):
        smxcheck.verify(functions.logsumexp, recheck=-1)


def test_enclosures_of_the_public_call_are_those_that_are_compared():
    found = enclose("softmax", X)
    assert recheck.check("softmax", (X,), {}, Expected(np.zeros(X.shape, np.uint8), found), "").held == 8
