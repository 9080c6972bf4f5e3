"""What becomes of a result beyond its error: cannot tell, choices, refusals, drift, accepted problems, exit codes."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.caseset.model import Case
from smxcheck.judge import choices, verdict
from smxcheck.judge.call import Demand, ask, judge_call
from smxcheck.judge.checks import consistency, drift
from smxcheck.judge.contract import Filter, classes, parse_filter, settle_refusals
from smxcheck.judge.result import Level, Report, Result, Status, TargetReport
from smxcheck.oracle import expect
from smxcheck.report import sentences, summary
from smxcheck.run import known
from smxcheck.targets.protocol import Observation

INF, NAN = np.inf, np.nan


def case(function="softmax", dtype="float32", name="case", layout="contiguous", **keywords):
    return Case(function, "made-up", name, dtype, "accuracy", "quick", build=dict, keywords=keywords, layout=layout)


def judge(function, x, got, dtype="float32", require=Level.STANDARD, expectations=None, **keywords):
    arguments = tuple(np.asarray(a, dtype if np.asarray(a).dtype.kind == "f" else None) for a in x)
    question = ask(case(function, dtype, **keywords), arguments, keywords, "call")
    seen = Observation("returned", value=np.asarray(got, dtype), returned_type="ndarray")
    return judge_call("t", question, seen, Demand(require, expectations=expectations or {})).results


# Cannot tell -------------------------------------------------------------------------------------


def test_a_tiny_logsumexp_cannot_tell_zeros_from_the_answer():
    """log(1 + e^-40) is 4e-18; the textbook form gives 0, and `standard` allows that."""
    (result,) = judge("logsumexp", (np.array([[0.0, -40.0]]),), [4.248354e-18])
    assert (result.status, result.cannot_tell) == (Status.CANNOT_TELL, "zeros")
    (result,) = judge("logsumexp", (np.array([[0.0, -40.0]]),), [0.0])
    assert result.status is Status.CANNOT_TELL
    (result,) = judge("logsumexp", (np.array([[0.0, -40.0]]),), [0.0], require=Level.TIGHT)
    assert result.status is Status.WRONG


def test_a_result_that_the_maximum_would_pass_for_cannot_tell():
    """max(x) is 0.75 ulp below 5 + e^-14.84, which 1 ulp accepts; below half an ulp it would be the rounded answer."""
    (result,) = judge("logsumexp", (np.array([[5.0, -9.84]]),), np.nextafter(np.float32([5]), np.float32(9)))
    assert (result.status, result.cannot_tell) == (Status.CANNOT_TELL, "max(x)")
    (result,) = judge("logsumexp", (np.array([[5.0, -13.0]]),), [5.0])
    assert (result.status, result.cannot_tell) == (Status.OK, "")
    (result,) = judge("logsumexp", (np.array([[5.0, 4.0]]),), np.float32([5.3132616]))
    assert (result.status, result.cannot_tell) == (Status.OK, "")


def test_an_ordinary_case_tells():
    for function, right in (("softmax", [0.26894143, 0.7310586]), ("log_softmax", [-1.3132616, -0.31326166])):
        (result,) = judge(function, (np.array([1.0, 2.0]),), right)
        assert (result.status, result.cannot_tell) == (Status.OK, "")


@given(n=st.integers(2, 9), seed=st.integers(0, 2**16))
@settings(derandomize=True, deadline=None, max_examples=25)
def test_a_constant_is_never_right_without_the_case_saying_so(n, seed):
    x = (np.random.default_rng(seed).normal(size=n) * 2.0 ** (seed % 40 - 30)).astype(np.float32)
    p = np.exp(x.astype(float) - x.max()) / np.exp(x.astype(float) - x.max()).sum()
    (constant,) = judge("softmax", (x,), np.full(n, 1 / n))
    (right,) = judge("softmax", (x,), p)
    if constant.status is not Status.WRONG and constant.level is not Level.ULP1:
        assert right.status is Status.CANNOT_TELL


# Levels against what is demanded -----------------------------------------------------------------


def test_max_ulp_and_the_required_level_are_both_demands():
    x = np.array([1.0, 2.0])
    off = np.array([0.26894143, 0.7310586]) * (1 + 2 * 2.0**-23)
    (result,) = judge("softmax", (x,), off)
    assert (result.status, result.level) == (Status.OK, Level.TIGHT)
    (result,) = judge("softmax", (x,), off, require=Level.ULP1)
    assert result.status is Status.WRONG
    assert "1ulp is required" in result.message
    question = ask(case(), (x.astype(np.float32),), {}, "")
    seen = Observation("returned", value=off.astype(np.float32), returned_type="ndarray")
    (result,) = judge_call("t", question, seen, Demand(max_ulp=2.0)).results
    assert (result.status, "--max-ulp 2" in result.message) == (Status.WRONG, True)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_what_is_not_finite_is_wrong_where_a_number_is_right(bad):
    (result,) = judge("log_softmax", (np.array([0.0, 1.0]),), [bad, -0.31326166])
    assert (result.status, result.index) == (Status.WRONG, (0,))


def test_nan_is_no_wildcard_and_a_number_is_none_for_nan():
    (result,) = judge("softmax", (np.array([NAN, 1.0]),), [0.5, 0.5])
    assert result.status is Status.WRONG
    (result,) = judge("softmax", (np.array([[NAN, 1.0], [0.0, 0.0]]),), [[NAN, NAN], [NAN, 0.5]])
    assert (result.status, result.index) == (Status.WRONG, (1, 0))


def test_a_flushed_result_is_standard_except_in_float16():
    x = np.array([0.0, -100.0])  # exp(-100) = 3.8e-44 is subnormal in float32
    (result,) = judge("softmax", (x,), [1.0, 0.0])
    assert (result.level, result.flushed) == (Level.STANDARD, 1)
    (result,) = judge("softmax", (np.array([0.0, -12.0]),), [1.0, 0.0], dtype="float16")
    assert result.status is Status.WRONG


# Choices -----------------------------------------------------------------------------------------

OBSERVED = [
    ("softmax", [-INF, -INF], [NAN, NAN], {"all-masked": "nan"}),
    ("softmax", [-INF, -INF], [0, 0], {"all-masked": "zero"}),
    ("softmax", [-INF, -INF], [0.5, 0.5], {"all-masked": "uniform"}),
    ("softmax", [-INF, -INF], [1, 0], {"all-masked": "other"}),
    ("softmax", [-INF, -INF], [NAN, 0], {"all-masked": "other"}),
    ("log_softmax", [-INF, -INF], [-INF, -INF], {"all-masked": "minus-inf"}),
    ("log_softmax", [-INF, -INF], [-0.6931472, -0.6931472], {"all-masked": "uniform"}),
    ("softmax", [INF, 0], [NAN, NAN], {"plus-inf": "nan"}),
    ("softmax", [INF, 0], [1, 0], {"plus-inf": "limit"}),
    ("softmax", [INF, 0], [NAN, 0], {"plus-inf": "partly-nan"}),
    ("softmax", [INF, 0], [0, 1], {"plus-inf": "other"}),
    ("softmax", [INF, INF, 0], [NAN, NAN, 0], {"plus-inf-ties": "partly-nan"}),
]


@pytest.mark.parametrize(("function", "x", "got", "answers"), OBSERVED)
def test_what_a_target_chooses_is_observed(function, x, got, answers):
    (result, *_) = judge(function, (np.array(x),), got)
    assert result.choice == answers
    assert (result.status is Status.WRONG) is (got == [0, 1])  # the limit of [inf, 0] is [1, 0]


def result(status=Status.NO_SINGLE_ANSWER, name="c", **more):
    return Result("t", "softmax", "float32", f"softmax/made-up/{name}/float32", "made-up", "SMX101", status, **more)


def chose(*answers):
    return [result(choice={"all-masked": a}, name=str(i)) for i, a in enumerate(answers)]


def test_one_convention_throughout_is_never_wrong():
    for answer in ("nan", "zero", "uniform"):
        assert all(r.status is Status.NO_SINGLE_ANSWER for r in consistency.settle(chose(answer, answer), {}))


def test_the_rarer_answer_is_inconsistent():
    settled = consistency.settle(chose("nan", "nan", "zero"), {})
    assert [r.status for r in settled] == [Status.NO_SINGLE_ANSWER] * 2 + [Status.WRONG]
    assert settled[2].check == consistency.INCONSISTENT
    assert settled[2].message == "a row of -inf: gives zero here and nan elsewhere"


def test_an_answer_outside_the_conventions_is_wrong_even_throughout():
    settled = consistency.settle(chose("other", "other"), {})
    assert {(r.status, r.check) for r in settled} == {(Status.WRONG, consistency.INCONSISTENT)}


def test_a_declared_answer_replaces_the_usual_one():
    settled = consistency.settle(chose("nan", "zero"), {"all-masked": "zero"})
    assert [r.status for r in settled] == [Status.WRONG, Status.NO_SINGLE_ANSWER]
    assert settled[0].check == consistency.UNEXPECTED


@pytest.mark.parametrize("text", ["all-masked", "all-masked=maybe", "no-such=nan", "=", ""])
def test_expectations_that_mean_nothing_are_refused(text):
    with pytest.raises(ValueError, match="--expect"):
        choices.parse_expectations((text,))


def test_every_choice_that_the_oracle_names_can_be_declared():
    for name, choice in choices.CHOICES.items():
        assert choices.parse_expectations((f"{name}={choice.answers[0]}",)) == {name: choice.answers[0]}


def test_a_label_out_of_range():
    """An error is right, nan is a choice, a plausible number is wrong."""
    x, label = np.zeros((1, 2), np.float32), np.array([7])
    question = ask(case("cross_entropy"), (x, label), {}, "")
    raised = Observation("raised", error_type="IndexError", error="7")
    assert judge_call("t", question, raised, Demand()).results[0].status is Status.OK
    for got, status in ((NAN, Status.NO_SINGLE_ANSWER), (0.7, Status.WRONG)):
        seen = Observation("returned", value=np.float32(got), returned_type="float32")
        assert judge_call("t", question, seen, Demand()).results[0].status is status


# The contract ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "keywords", "layout", "dtype", "beyond"), [
    (np.zeros((2, 3), np.float32), {}, "contiguous", "float32", set()),
    (np.zeros((2, 3), np.float32), {"axis": 0}, "transposed", "float32", set()),
    (np.zeros((2, 3, 4), np.float32), {}, "contiguous", "float32", {"three or more axes"}),
    (np.float32(1), {}, "contiguous", "float32", {"0-d"}),
    (np.zeros((2, 0), np.float32), {}, "contiguous", "float32", {"no elements along the axis"}),
    (np.zeros((0, 2), np.float32), {}, "contiguous", "float32", {"no rows"}),
    (np.zeros(3, np.int64), {}, "contiguous", "float64", {"integer input"}),
    (np.zeros((2, 3), np.float32), {"axis": None}, "contiguous", "float32", {"axis None"}),
    (np.zeros((2, 3), np.float32), {"axis": (0, 1)}, "contiguous", "float32", {"axis tuple"}),
    (np.zeros((2, 3), np.float16), {}, "contiguous", "float16", {"float16"}),
    (np.zeros((2, 3), np.float32), {}, "reversed", "float32", {"layout reversed"}),
])  # fmt: skip
def test_the_classes_beyond_the_core_contract(x, keywords, layout, dtype, beyond):
    assert classes(case(dtype=dtype, layout=layout, **keywords), (np.asarray(x),)) == beyond


def test_the_classes_of_losses():
    x, y = np.zeros((2, 3), np.float32), np.array([0, 1])
    assert classes(case("cross_entropy"), (x, y)) == set()
    assert classes(case("cross_entropy", axis=0), (x, y)) == {"class axis"}
    assert classes(case("cross_entropy", reduction="sum"), (x, y)) == {"keyword reduction"}
    assert classes(case("cross_entropy"), (x, x)) == {"soft labels"}


def refusal(name, raised=True):
    if raised:
        return replace(result(Status.WRONG, name), check="SMX301")
    return result(Status.OK, name)


def settled(results, class_of):
    of_case = {r.case: frozenset(class_of.get(r.case.split("/")[2], ())) for r in results}
    return [r.status for r in settle_refusals(list(results), of_case)]


def test_a_class_that_is_refused_throughout_is_declined_and_a_part_of_one_is_wrong():
    of = {"a": {"axis None"}, "b": {"axis None"}, "c": {"integer input"}, "d": {"integer input"}}
    results = [refusal("a"), refusal("b"), refusal("c"), refusal("d", raised=False), refusal("core")]
    declined, wrong, ok = Status.DECLINED, Status.WRONG, Status.OK
    assert settled(results, of) == [declined, declined, wrong, ok, wrong]


def test_a_wrong_value_is_never_declined():
    results = [result(Status.WRONG, "a"), refusal("b")]
    assert settled(results, {"a": {"axis None"}, "b": {"axis None"}}) == [Status.WRONG, Status.WRONG]


def test_an_error_in_the_core_contract_is_wrong_at_once():
    seen = Observation("raised", error_type="RuntimeError", error="no")
    question = ask(case(), (np.zeros(2, np.float32),), {}, "")
    (r,) = judge_call("t", question, seen, Demand()).results
    assert (r.status, r.check, r.message) == (Status.WRONG, "SMX301", "raised RuntimeError: no")


def test_only_excludes_what_it_names():
    only = parse_filter("2d,contiguous,n<=8,n%2==0")
    assert only == Filter(2, True, 8, 2)
    inside = np.zeros((3, 8))
    assert not only.excludes(case(), inside)
    assert only.excludes(case(), np.zeros(8))
    assert only.excludes(case(), np.zeros((3, 10)))
    assert only.excludes(case(), np.zeros((3, 7)))
    assert only.excludes(case(layout="transposed"), inside)
    with pytest.raises(ValueError, match="use 2d, contiguous"):
        parse_filter("3 d")


# Drift -------------------------------------------------------------------------------------------


def _drift(got, x, require=Level.TIGHT):
    question = ask(case(name="long"), (x,), {}, "long")
    seen = Observation("returned", value=got, returned_type="ndarray")
    return next(r for r in judge_call("t", question, seen, Demand(require)).results if r.check == drift.CODE)


def test_a_sequential_float32_sum_drifts_and_numpys_does_not():
    """65,536 logits of a few values, so that the reference is cheap; the plain sum loses 40 u and more of the total."""
    x = np.random.default_rng(11).choice(np.linspace(-2, 0, 7), 65_536).astype(np.float32)
    w = np.exp(x)
    tree = w / w.sum()
    sequential = w / np.add.accumulate(w)[-1]
    assert _drift(tree, x).status is Status.OK
    drifting = _drift(sequential, x)
    assert (drifting.status, drifting.level) == (Status.WRONG, Level.STANDARD)
    assert _drift(sequential, x, Level.STANDARD).status is Status.OK


@pytest.mark.slow
@pytest.mark.libraries
def test_torch_does_not_drift_over_a_vocabulary(needs):
    needs("torch")
    import torch

    x = np.random.default_rng(2).choice(np.linspace(-8, 8, 33), 32_000).astype(np.float32)
    assert _drift(torch.softmax(torch.from_numpy(x), -1).numpy(), x).status is Status.OK


@given(bias=st.floats(-200, 200), n=st.integers(1000, 10**6))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_the_drift_measured_is_the_drift_made(bias, n):
    """The mean relative error in u of a row that is off by ``bias`` u throughout, but for three roundings of up to 1 u
    each: of the exact value, of 1 + bias·u (a multiple of 2u), and of their product."""
    from smxcheck.dtypes import FORMATS

    fmt = FORMATS["float64"]
    x = np.array([0.0] * 1000)
    expected = expect("softmax", (x,))
    got = expected.enclosure.float64() * (1 + bias * fmt.u)
    (mean,) = np.atleast_1d(drift.mean_relative_errors(got, expected, -1, fmt))
    assert abs(mean - bias) <= 3
    earned = drift.level_of(bias, n, fmt)
    assert earned in (Level.ULP1, Level.TIGHT, Level.STANDARD)
    assert (earned is Level.ULP1) is (abs(bias) <= 2)  # what elements within 1 ulp can add up to, in u
    assert (earned is Level.STANDARD) is (abs(bias) > drift.allowed(n, fmt, Level.TIGHT))


# The exit code -----------------------------------------------------------------------------------

TARGET = TargetReport("t", {}, "numpy", {}, 0.0)


def report(*statuses, **more):
    results = tuple(result(s, str(i)) for i, s in enumerate(statuses))
    return Report((TARGET,), results, (), Level.STANDARD, "quick", ("float32",), {}, **more)


@pytest.mark.parametrize(("statuses", "code"), [
    ([Status.OK], 0),
    ([Status.OK, Status.DECLINED, Status.CANNOT_TELL, Status.NO_SINGLE_ANSWER], 0),
    ([Status.OK, Status.WRONG], 1),
    ([Status.OK, Status.CRASHED], 1),
    ([Status.OK, Status.HUNG], 1),
    ([Status.OK, Status.NOT_RUN], 1),
    ([Status.NOT_RUN], 1),
    ([Status.OK, Status.UNDECIDED], 3),
    ([Status.WRONG, Status.UNDECIDED], 3),
    ([Status.DECLINED], 5),
    ([Status.CANNOT_TELL, Status.NO_SINGLE_ANSWER], 5),
    ([], 5),
])  # fmt: skip
def test_exit_codes(statuses, code):
    """--exit-zero turns 1 into 0 and hides nothing else."""
    assert verdict.exit_code(report(*statuses)) == code
    assert verdict.exit_code(report(*statuses, exit_zero=True)) == (0 if code == 1 else code)
    assert verdict.exit_code(report(*statuses, exit_zero=True, interrupted=True)) == 130


def test_a_target_that_refuses_everything_is_not_right_where_only_a_refusal_is():
    refused = [replace(r, check="SMX401", digest="") for r in report(Status.OK).results]
    declined, answered = report(Status.DECLINED).results, [replace(r, digest="aa") for r in report(Status.OK).results]
    for results, code in ((refused, 0), ((*refused, *declined), 5), ((*answered, *declined), 0)):
        assert verdict.exit_code(replace(report(), results=tuple(results))) == code


def test_a_function_that_is_only_refused_is_not_called_right_beside_one_that_is():
    answered = [replace(r, digest="aa") for r in report(Status.OK).results]
    refused = [replace(r, function="nll_loss", check="SMX401", digest="") for r in answered]
    declined = [replace(r, function="nll_loss") for r in report(Status.DECLINED).results]
    found = replace(report(), results=(*answered, *refused, *declined))
    assert sentences.verdict(found).text.endswith("nll_loss is declined.  softmax is right.")
    assert {row.function: sentences.row_verdict(row) for row in summary.table(found)}["nll_loss"] == "declined"


def test_targets_beside_the_others_do_not_count_and_those_wrong_on_purpose_must_be_caught():
    beside = replace(TARGET, name="beside", beside=True)
    purpose = replace(TARGET, name="purpose", expected_wrong=True)
    ok = result(Status.OK)
    base = report()
    wrong_beside = replace(result(Status.WRONG), target="beside")
    assert verdict.exit_code(replace(base, targets=(TARGET, beside), results=(ok, wrong_beside))) == 0
    caught = replace(result(Status.WRONG), target="purpose")
    assert verdict.exit_code(replace(base, targets=(TARGET, purpose), results=(ok, caught))) == 0
    missed = replace(base, targets=(TARGET, purpose), results=(ok, replace(ok, target="purpose")))
    assert verdict.missed_on_purpose(missed) == ["purpose"]
    assert verdict.exit_code(missed) == 1


# Accepted problems -------------------------------------------------------------------------------

TODAY = datetime.date(2026, 6, 1)


def load(tmp_path, text):
    path = tmp_path / "known.toml"
    path.write_text(text, encoding="utf-8")
    return known.load(str(path))


def test_an_accepted_result_is_no_failure(tmp_path):
    entries = load(tmp_path, '[[known]]\nfunction = "softmax"\ncheck = "accuracy"\nreason = "upstream"\n')
    marked, _, notices = known.apply(entries, [result(Status.WRONG), result(Status.OK, "d")], (), TODAY)
    assert [r.known for r in marked] == ["upstream", ""]
    assert notices == ()
    assert verdict.exit_code(replace(report(), results=marked)) == 0


def test_an_entry_that_is_over_accepts_nothing_and_one_that_matches_nothing_is_told(tmp_path):
    text = '[[known]]\ntarget = "t"\nreason = "r"\nuntil = {}\n'
    old = load(tmp_path, text.format("2026-05-31"))
    marked, _, notices = known.apply(old, [result(Status.WRONG)], (), TODAY)
    assert marked[0].known == ""
    assert len(notices) == 1 and notices[0].startswith("known problem over since 2026-05-31, so it counts again (")
    assert notices[0].endswith("known.toml:1: t).")
    last_day = load(tmp_path, text.format("2026-06-01"))
    assert known.apply(last_day, [result(Status.WRONG)], (), TODAY)[0][0].known == "r, until 2026-06-01"
    stale = load(tmp_path, '[[known]]\ntarget = "t"\nreason = "r"\n')
    assert "not seen in this run" in known.apply(stale, [result(Status.OK)], (), TODAY)[2][0]


@pytest.mark.parametrize(("text", "complaint"), [
    ('[[known]]\ntarget = "t"\n', "a reason is required"),
    ('[[known]]\ntarget = "t"\nreason = "  "\n', "a reason is required"),
    ('[[known]]\nreason = "r"\n', "name at least one of"),
    ('[[known]]\ntarget = "t"\nreason = "r"\nuntill = 2027-01-01\n', "unknown key 'untill'"),
    ('[[known]]\ntarget = "t"\nreason = "r"\nuntil = "soon"\n', "until is a date"),
    ('[[known]]\ncheck = "SMX999"\nreason = "r"\n', "no check 'SMX999'"),
    ('known = "t"\n', "expected \\[\\[known\\]\\] tables"),
    ('other = 1\n', "expected \\[\\[known\\]\\] tables"),
    ("[[known\n", "is not TOML"),
])  # fmt: skip
def test_files_that_are_not_understood_are_refused(text, complaint, tmp_path):
    with pytest.raises(known.KnownError, match=complaint):
        load(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(known.KnownError, match="No such file"):
        known.load(str(tmp_path / "none.toml"))


def test_undecided_is_never_accepted(tmp_path):
    entries = load(tmp_path, '[[known]]\ntarget = "t"\nreason = "r"\n')
    marked, _, _ = known.apply(entries, [result(Status.UNDECIDED)], (), TODAY)
    assert verdict.exit_code(replace(report(), results=marked)) == 3
