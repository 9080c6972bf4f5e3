"""What becomes of one result, category by category; the laws of a comparison; and what "less accurate" is worth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from smxcheck.changes.compare import compare
from smxcheck.changes.judge import MORE_TIMES, MORE_ULP, growth
from smxcheck.changes.model import Bits, Changes, FailOn, Kind
from smxcheck.judge.result import Report, Result, Status

from .compare_samples import REPORTS, moved, report, result

RIGHT = (Status.OK, Status.CANNOT_TELL, Status.NO_SINGLE_ANSWER)
BAD = (Status.WRONG, Status.CRASHED, Status.HUNG)


def changes(old: Result, new: Result, *fail_on: FailOn) -> Changes:
    return compare(report(old), report(new), fail_on=fail_on)


def kind(old: Result, new: Result) -> Kind:
    return changes(old, new).pairs[0].kind


def test_equal_digests_are_the_same_bits_and_others_are_not():
    assert kind(result(), result()) is Kind.SAME_BITS
    assert kind(result(), moved()) is Kind.MOVED


@pytest.mark.parametrize(("old", "new"), [("", "aa"), ("aa", ""), ("", "")])
def test_without_a_digest_bits_are_unknown_and_never_the_same(old, new):
    assert kind(result(digest=old), result(digest=new)) is Kind.BITS_UNKNOWN


@pytest.mark.parametrize(
    ("old", "new", "worse"),
    [(0.5, 1.5, False), (0.5, 1.6, True), (0.0, 1.0, False), (0.0, 1.1, True), (60.0, 119.0, False), (60.0, 121.0, True), (4.0, 0.5, False)],
)  # fmt: skip
def test_less_accurate_is_more_than_an_ulp_and_more_than_twice(old, new, worse):
    found = changes(result(largest_error_ulp=old), moved(new)).pairs[0]
    assert found.less_accurate is worse is (found.kind is Kind.LESS_ACCURATE)
    assert (found.growth is not None) is worse


def test_elements_newly_flushed_to_zero_are_less_accurate_though_no_figure_says_so():
    found = changes(result(), moved(flushed=3)).pairs[0]
    assert (found.kind, found.flushed, found.growth) == (Kind.LESS_ACCURATE, 3, None)
    assert kind(result(flushed=3), moved(flushed=3)) is Kind.MOVED


def test_bits_that_moved_without_a_figure_are_not_called_no_less_accurate():
    assert kind(result(largest_error_ulp=None), moved(None)) is Kind.MOVED_UNMEASURED
    assert kind(result(), moved(math.nan)) is Kind.MOVED_UNMEASURED


@pytest.mark.parametrize("status", BAD)
def test_what_was_right_and_is_bad_is_newly_wrong(status):
    found = changes(result(), result(status=status))
    assert (found.pairs[0].kind, found.exit_code) == (Kind.NEWLY_WRONG, 1)
    assert kind(result(status=status), result()) is Kind.NEWLY_RIGHT
    assert changes(result(status=status), result(status=status)).exit_code == 0


@pytest.mark.parametrize("before", [Status.DECLINED, Status.NOT_RUN, Status.UNDECIDED])
def test_what_was_not_answered_and_is_wrong_fails_without_being_called_newly_wrong(before):
    found = changes(result(status=before), result(status=Status.WRONG))
    assert (found.pairs[0].kind, found.exit_code) == (Kind.WRONG_NOW, 1)
    assert kind(result(status=before), result()) is Kind.NEWLY_ANSWERED


@pytest.mark.parametrize(
    ("now", "expected", "code"),
    [
        (Status.NOT_RUN, Kind.NO_LONGER_RUN, 1),
        (Status.UNDECIDED, Kind.NO_LONGER_DECIDED, 3),
        (Status.DECLINED, Kind.NEWLY_DECLINED, 5),  # NEW answers nothing
    ],
)
def test_what_was_right_and_is_not_answered(now, expected, code):
    found = changes(result(), result(status=now))
    assert (found.pairs[0].kind, found.exit_code) == (expected, code)
    beside = compare(report(result(), result("rows/9")), report(result(status=now), result("rows/9")))
    assert beside.exit_code == code % 5  # of a target that answers the rest, what it declines is no failure


def test_a_choice_that_changed_is_told_with_both_answers():
    nan, zero = ({"all-masked": answer} for answer in ("nan", "zero"))
    found = changes(result(choice=nan), moved(choice=zero)).pairs[0]
    assert (found.kind, found.choices) == (Kind.CHOICE_CHANGED, (("all-masked", "nan", "zero"),))
    both = changes(result(choice=nan), moved(9.0, choice=zero)).pairs[0]
    assert (both.kind, both.choices) == (Kind.LESS_ACCURATE, found.choices)


def test_properties_are_compared_by_status_whatever_case_showed_them():
    """A property is a result at the first case, or at the one that broke it: not of that case."""
    kept = result("normal/1", group="properties", check="SMX205", digest="")
    broken = result("rows/9", Status.WRONG, group="properties", check="SMX205", digest="")
    assert kind(kept, kept) is Kind.AS_BEFORE
    assert kind(kept, broken) is Kind.NEWLY_WRONG
    assert not compare(report(kept), report(replace(kept, check="SMX206"))).pairs


def test_the_drift_of_a_row_is_a_result_beside_its_values():
    """Both have the id of the case and may have the same code; the drift has no output of its own."""
    values, drift = result(check="SMX108"), result(check="SMX108", digest="", largest_error_ulp=None)
    found = compare(report(values, drift), report(moved(check="SMX108"), replace(drift, status=Status.WRONG)))
    assert [(p.kind, p.bits) for p in found.pairs] == [(Kind.MOVED, Bits.MOVED), (Kind.NEWLY_WRONG, Bits.NONE)]
    assert [p.kind for p in compare(report(values, drift), report(values, drift)).pairs] == [Kind.SAME_BITS, Kind.AS_BEFORE]


@pytest.mark.parametrize(
    ("wish", "new", "others"),
    [
        (FailOn.MOVED, moved(), result()),
        (FailOn.MOVED, moved(9.0), result()),
        (FailOn.LESS_ACCURATE, moved(9.0), moved()),
        (FailOn.CHOICES, moved(choice={"all-masked": "nan"}), moved()),
        (FailOn.NEWLY_DECLINED, result(status=Status.DECLINED), moved()),
    ],
)
def test_fail_on_makes_the_exit_code_1_for_that_and_nothing_else(wish, new, others):
    assert changes(result(), new).exit_code != 1
    assert changes(result(), new, wish).exit_code == 1
    assert changes(result(), others, wish).exit_code == 0


def test_what_is_known_does_not_fail_and_stays_newly_wrong():
    found = changes(result(), result(status=Status.WRONG, known="upstream 7"))
    assert (found.pairs[0].kind, found.exit_code) == (Kind.NEWLY_WRONG, 0)


def test_nothing_that_was_answered_is_exit_5():
    declined = result(status=Status.DECLINED)
    assert changes(declined, declined).exit_code == 5
    assert compare(report(), report()).exit_code == 5


ANY = settings(derandomize=True, deadline=None, max_examples=60)


@ANY
@given(REPORTS)
def test_a_report_compared_with_itself_has_changed_in_nothing(one: Report):
    found = compare(one, one)
    same = (Kind.SAME_BITS, Kind.AS_BEFORE, Kind.BITS_UNKNOWN, Kind.STILL_WRONG, Kind.NOT_ANSWERED)
    assert all(p.kind in same and p.bits is not Bits.MOVED for p in found.pairs)
    assert len(found.pairs) == len(one.results)
    assert found.exit_code in (0, 5)


@ANY
@given(REPORTS, REPORTS)
def test_swapping_the_reports_swaps_newly_wrong_and_newly_right(one: Report, other: Report):
    there, back = compare(one, other).counts, compare(other, one).counts
    assert (there[Kind.NEWLY_WRONG], there[Kind.NEWLY_RIGHT]) == (back[Kind.NEWLY_RIGHT], back[Kind.NEWLY_WRONG])
    for symmetric in (Kind.SAME_BITS, Kind.AS_BEFORE, Kind.STILL_WRONG):
        assert there[symmetric] == back[symmetric]


@ANY
@given(REPORTS, REPORTS)
def test_every_result_is_compared_or_told_to_be_alone(one: Report, other: Report):
    found = compare(one, other)
    alone = {lone.side: lone.results for lone in found.lone}
    assert sum(found.counts.values()) == len(found.pairs)
    assert len(found.pairs) + alone.get("old", 0) == len(one.results)
    assert len(found.pairs) + alone.get("new", 0) == len(other.results)
    assert bool(found.failures) == (found.exit_code == 1)


def test_another_order_of_the_sum_is_seldom_called_less_accurate_and_a_loss_of_digits_nearly_always():
    """The table in ``smxcheck.changes.judge``: textbook softmax in float32, each row in 30 orders; and float16 terms."""
    chance = np.random.default_rng(0)
    noise, pairs, lost, rows = 0, 0, 0, 0
    for n in (2, 4, 8, 16, 32, 64, 128, 512, 1000, 4096):
        for scale in (0.5, 1.0, 3.0, 10.0):
            x = (chance.normal(size=n) * scale).astype(np.float32)
            errors = [_error(x[chance.permutation(n)]) for _ in range(30)]
            noise += sum(growth(a, b) is not None for a in errors for b in errors)
            pairs += len(errors) ** 2
            lost += growth(errors[0], _error(x, np.float16)) is not None
            rows += 1
    assert noise < 0.005 * pairs  # 0.18 % over 240 rows
    assert lost > 0.9 * rows
    assert (MORE_ULP, MORE_TIMES) == (1.0, 2.0)  # what the table is about


def _error(x: np.ndarray, terms: type = np.float32) -> float:
    """The largest error of exp(x - max)/sum in ulp of float32, against 64 bits of significand at least."""
    e = np.exp(x - x.max()).astype(terms).astype(np.float32)
    exact = np.exp(x.astype(np.longdouble) - x.max())
    exact /= exact.sum()
    kept = exact > 1e-36
    off = np.abs((e / e.sum()).astype(np.longdouble) - exact)[kept]
    return float(np.max(off / np.spacing(exact[kept].astype(np.float32)).astype(np.longdouble)))


def test_what_else_the_bits_and_the_input_say():
    wrong = result(status=Status.WRONG, digest="")
    assert changes(wrong, wrong).pairs[0].bits is Bits.UNKNOWN
    assert kind(wrong, result(status=Status.DECLINED, digest="")) is Kind.NEWLY_DECLINED
    unknown = changes(result(digest="", largest_error_ulp=1.0), result(digest="", largest_error_ulp=9.0)).pairs[0]
    assert unknown.less_accurate and unknown.bits is Bits.UNKNOWN  # a figure needs no bits
    nan, zero = (result(choice={"all-masked": answer}) for answer in ("nan", "zero"))
    assert changes(nan, zero, FailOn.MOVED).exit_code == 0
    assert len(changes(result(input="softmax([0, 1])"), result(input="")).pairs) == 1
