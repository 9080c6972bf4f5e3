"""Intervals of ratios and verdicts: laws of the formulas, and the coverage of the intervals on made-up noise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.compare.statistics import (
    PROCESS,
    Interval,
    _median_variance,
    _student,
    anchored,
    mean_ratio,
    ratio_between,
    time_ratio,
    verdict,
    wider,
)
from smxcheck.benchmark.results import COPY, EXP, Benchmark, Entry, Launch, Verdict
from smxcheck.benchmark.shapes import Shape

LAW = settings(derandomize=True, deadline=None, max_examples=50)
SECONDS = st.floats(1e-9, 100, allow_nan=False)
MARGINS = st.floats(0.001, 3)


def entry(*launches: Sequence[float], name: str = "a") -> Entry:
    return Entry(name, tuple(Launch(1, tuple(rounds)) for rounds in launches))


def pair(chance: np.random.Generator, launches: int, rounds: int, between: float, within: float) -> tuple[Entry, Entry]:
    """Two that take equally long, but for the noise of processes and of rounds (standard deviations of logarithms)."""
    logs = chance.normal(size=(2, launches, 1)) * between + chance.normal(size=(2, launches, rounds)) * within
    return entry(*np.exp(logs[0]), name="a"), entry(*np.exp(logs[1]), name="b")


def covers(interval: Interval) -> bool:
    return interval.low <= 1 <= interval.high


# The parts.


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_the_variance_of_the_median_is_that_over_all_resamples(n):
    """All nⁿ resamples, enumerated."""
    values = np.random.default_rng(n).normal(size=n)
    medians = [np.median(resample) for resample in itertools.product(values, repeat=n)]
    assert _median_variance(values) == pytest.approx(float(np.var(medians)), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("n", [29, 30, 800])
def test_the_variance_of_the_median_holds_for_many_rounds(n):
    """Of normal values it tends to π/(2n): no power of n overflows on the way."""
    found = [_median_variance(np.random.default_rng(seed).normal(size=n)) for seed in range(40)]
    assert float(np.mean(found)) == pytest.approx(math.pi / 2 / n, rel=0.2)


@pytest.mark.parametrize(
    ("freedom", "told"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (6, 2.447), (10, 2.228), (120, 1.980)]
)
def test_quantiles_of_student(freedom, told):
    """The table of every textbook (Abramowitz & Stegun, table 26.10)."""
    assert _student(freedom) == pytest.approx(told, abs=5e-4)


# Ratios.


def test_a_ratio_without_noise_is_exact():
    a, b = entry([3.0] * 5, [3.0] * 5), entry([2.0] * 5, [2.0] * 5)
    for found in (time_ratio(a, b), ratio_between(a, b), mean_ratio([(a, b), (a, b)])):
        assert (found.value, found.low, found.high) == pytest.approx((1.5, 1.5, 1.5), rel=1e-12)


@given(st.lists(st.lists(st.tuples(SECONDS, SECONDS), min_size=2, max_size=7), min_size=1, max_size=4))
@LAW
def test_swapping_the_two_inverts_the_ratio_and_its_interval(launches):
    a = entry(*([x for x, _ in rounds] for rounds in launches))
    b = entry(*([y for _, y in rounds] for rounds in launches))
    for ratio in (time_ratio, ratio_between, lambda a, b: mean_ratio([(a, b), (b, b)])):
        one, other = ratio(a, b), ratio(b, a)
        assert one.low <= one.value <= one.high
        found = [math.log(x) if 0 < x < math.inf else math.copysign(700, x - 1) for x in (other.low, other.value, other.high)]
        wanted = [math.log(x) if 0 < x < math.inf else math.copysign(700, x - 1) for x in (one.high, one.value, one.low)]
        assert found == pytest.approx([-x for x in wanted], rel=1e-9, abs=1e-9)


@given(st.lists(st.floats(-2, 2), min_size=8, max_size=8), st.floats(1e-3, 1e3))
@LAW
def test_what_slows_a_round_down_slows_both_and_cancels(drift, unit):
    """Within a run; and a unit of time changes nothing."""
    chance = np.random.default_rng(3)
    a, b = pair(chance, 2, 4, 0.01, 0.03)
    slow = [np.reshape(np.exp(drift), (2, 4)) * np.array([one.seconds for one in e.launches]) * unit for e in (a, b)]
    found, wanted = time_ratio(entry(*slow[0]), entry(*slow[1])), time_ratio(a, b)
    assert (found.low, found.value, found.high) == pytest.approx((wanted.low, wanted.value, wanted.high), rel=1e-9)


def test_anchored_times_are_free_of_what_the_machine_does_as_a_whole():
    """Launch by launch and round by round; two runs then compare as if nothing had happened."""
    chance = np.random.default_rng(4)

    def benchmark(drift: float) -> Benchmark:
        factors = np.exp(chance.normal(size=(2, 5)) + drift)
        made = [entry(*(factors * cost), name=name) for name, cost in (("t", 4.0), (COPY, 1.0), (EXP, 3.0))]
        return Benchmark("softmax", "float32", Shape((2, 2)), 32, tuple(made))

    old, new = benchmark(0.0), benchmark(0.3)
    found = ratio_between(*(anchored(b.entry("t"), b) for b in (new, old)))
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1), rel=1e-12)
    assert anchored(new.entry("t"), new).seconds == pytest.approx([1.0] * 10)


def test_only_common_rounds_and_launches_are_compared():
    a, b = entry([2.0, 2.0, 9.0], [2.0, 2.0], [50.0]), entry([1.0, 1.0], [1.0, 1.0, 7.0])
    assert time_ratio(a, b).value == pytest.approx(2)


def test_what_shares_no_round_has_no_ratio():
    a, nothing = entry([1.0]), Entry("none", failure="declined")
    for make in (lambda: time_ratio(a, nothing), lambda: ratio_between(a, nothing), lambda: mean_ratio([])):
        with pytest.raises(ValueError, match=r"not timed|no ratios"):
            make()
    bare = Benchmark("softmax", "float32", Shape((2, 2)), 32, (a,))
    with pytest.raises(ValueError, match="copy and exp"):
        anchored(a, bare)


def test_a_single_round_of_a_single_launch_decides_nothing():
    found = time_ratio(entry([9.0]), entry([1.0]))
    assert found.value == pytest.approx(9) and (found.low, found.high) == (0, math.inf)
    assert verdict(found, 0.05) is Verdict.UNDECIDED


def test_the_mean_is_geometric_and_the_spread_of_its_ratios_is_no_noise():
    one = entry([1.0] * 3, [1.0] * 3)
    pairs = [(entry([ratio] * 3, [ratio] * 3), one) for ratio in (8.0, 2.0)]
    found = mean_ratio(pairs)
    assert (found.value, found.low, found.high) == pytest.approx((4, 4, 4))


def test_other_benchmarks_narrow_the_interval_and_leave_the_estimate():
    """Three launches alone are worth two degrees of freedom; with those of the others six."""
    chance = np.random.default_rng(5)
    drawn = [[pair(chance, 3, 10, 0.02, 0.01) for _ in range(5)] for _ in range(60)]
    alone = [time_ratio(*pairs[0]) for pairs in drawn]
    among = [time_ratio(*pairs[0], pairs[1:]) for pairs in drawn]
    assert [i.value for i in alone] == [i.value for i in among]
    widths = [float(np.mean([math.log(i.high / i.low) for i in found])) for found in (alone, among)]
    assert widths[1] < 0.75 * widths[0]


# Verdicts.


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (1.11, 1.3, "SLOWER"), (1.09, 1.3, "UNDECIDED"), (0.95, 1.05, "SAME"), (0.92, 1.09, "SAME"),
        (0.90, 1.09, "UNDECIDED"), (0.5, 0.9, "FASTER"), (0.5, 0.92, "UNDECIDED"), (0.0, math.inf, "UNDECIDED"),
    ],
)  # fmt: skip
def test_a_verdict_takes_the_whole_interval(low, high, told):
    assert verdict(Interval(1.0, low, high), 0.1) == told


@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5), MARGINS)
@LAW
def test_swapping_the_two_swaps_the_verdict(middle, below, above, margin):
    """Away from the bounds by more than rounding: exp(-x) is 1/exp(x) up to one."""
    low, high = middle - below, middle + above
    if min(abs(abs(end) - math.log1p(margin)) for end in (low, high)) < 1e-12:
        return
    one = verdict(Interval(math.exp(middle), math.exp(low), math.exp(high)), margin)
    other = verdict(Interval(math.exp(-middle), math.exp(-high), math.exp(-low)), margin)
    swapped = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
    assert other is swapped.get(one, one)


@given(st.floats(-1, 1), st.floats(0, 0.5), MARGINS, st.floats(0.001, 0.3))
@LAW
def test_less_is_known_from_a_wider_interval(middle, half, margin, more):
    """It says the same, or UNDECIDED: no other word."""
    ends = [(middle - h, middle + h) for h in (half, half + more)]
    one, other = (verdict(Interval(math.exp(middle), *map(math.exp, end)), margin) for end in ends)
    assert other in (one, Verdict.UNDECIDED)


# Coverage: how often the interval has the truth (1), of 95 % nominal.

#: (launches, rounds, deviation between launches, between rounds)
NOISE = [(2, 10, 0.01, 0.03), (3, 5, 0.04, 0.01), (3, 10, 0.0, 0.1)]


@pytest.mark.parametrize("noise", NOISE, ids=str)
def test_intervals_cover_in_nine_cases_of_ten(noise):
    """From two launches on; alone and with six other benchmarks of the same noise, in the mean of them, and between runs."""
    chance = np.random.default_rng(6)
    drawn = [[pair(chance, *noise) for _ in range(7)] for _ in range(60)]
    assert np.mean([covers(time_ratio(*p)) for pairs in drawn for p in pairs]) >= 0.9
    assert np.mean([covers(time_ratio(*pairs[0], pairs[1:])) for pairs in drawn]) >= 0.9
    assert np.mean([covers(mean_ratio(pairs)) for pairs in drawn]) >= 0.9
    assert np.mean([covers(ratio_between(*p)) for pairs in drawn for p in pairs]) >= 0.9


@pytest.mark.parametrize("rounds", [5, 30])
def test_one_launch_covers_what_processes_are_taken_to_differ_by(rounds):
    """With processes PROCESS apart it covers (each of the two by a √2 of it), and with processes twice as far it does not."""
    chance, apart = np.random.default_rng(7), PROCESS / math.sqrt(2)
    for one_launch in (lambda between, within: time_ratio(*pair(chance, 1, rounds, between, within)),
                       lambda between, within: ratio_between(*pair(chance, 1, rounds, PROCESS * between / apart, within)),
                       lambda between, within: mean_ratio([pair(chance, 1, rounds, between, within)])):  # fmt: skip
        assert np.mean([covers(one_launch(apart, 0.03)) for _ in range(200)]) >= 0.92
        assert np.mean([covers(one_launch(2 * apart, 0.01)) for _ in range(200)]) < 0.8


def test_after_one_launch_nothing_is_the_same_and_only_what_is_far_apart_has_an_order():
    """1.96 · 5 % on either side: more than a margin of 5 %, and of 15 % with it. The gate has two such runs: 10 % and 15 %."""
    base = entry([1.0] * 9)
    told = {factor: verdict(time_ratio(entry([factor] * 9), base), 0.05) for factor in (1.0, 1.1, 1.15, 1.17, 0.85)}
    assert told == {1.0: "UNDECIDED", 1.1: "UNDECIDED", 1.15: "UNDECIDED", 1.17: "SLOWER", 0.85: "FASTER"}
    between = {factor: verdict(ratio_between(entry([factor] * 9), base), 0.1) for factor in (1.0, 1.25, 1.28)}
    assert between == {1.0: "UNDECIDED", 1.25: "UNDECIDED", 1.28: "SLOWER"}


def test_one_launch_borrows_what_several_launches_of_other_benchmarks_tell():
    """t with PRIOR degrees of freedom and their variance, instead of PROCESS."""
    quiet = entry(*([1.0] * 5 for _ in range(5))), entry(*([1.0] * 5 for _ in range(5)))
    assert time_ratio(entry([2.0] * 5), entry([1.0] * 5), [quiet]) == Interval(2.0, 2.0, 2.0)


@given(st.floats(0.2, 5), st.floats(0, 1), st.floats(0, 1), st.floats(1, 3))
@LAW
def test_wider_is_wider_in_logarithms_and_leaves_the_value(value, below, above, times):
    found = wider(Interval(value, value * math.exp(-below), value * math.exp(above)), times)
    assert found.value == value
    assert math.log(value / found.low) == pytest.approx(times * below, abs=1e-9)
    assert math.log(found.high / value) == pytest.approx(times * above, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("launches", [2, 3, 5])
@pytest.mark.parametrize("between", [0.0, 0.04])
@pytest.mark.parametrize("rounds", [5, 30])
def test_coverage_over_the_whole_range_of_noise(launches, between, rounds):
    chance = np.random.default_rng(8)
    for within in (0.01, 0.03, 0.1):
        drawn = [[pair(chance, launches, rounds, between, within) for _ in range(7)] for _ in range(200)]
        assert np.mean([covers(time_ratio(*p)) for pairs in drawn for p in pairs[:3]]) >= 0.9
        assert np.mean([covers(time_ratio(*pairs[0], pairs[1:])) for pairs in drawn]) >= 0.9
        assert np.mean([covers(mean_ratio(pairs)) for pairs in drawn]) >= 0.9
        assert np.mean([covers(ratio_between(*pairs[0], pairs[1:])) for pairs in drawn]) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("launches", [2, 3, 5])
def test_coverage_where_the_noise_of_the_benchmarks_differs(launches):
    """Between launches 0 or 4 %, by chance: on the average over them what is borrowed from others does no harm."""
    chance = np.random.default_rng(9)
    found = []
    for _ in range(600):
        pairs = [pair(chance, launches, 10, chance.choice([0.0, 0.04]), 0.02) for _ in range(7)]
        found.append(covers(time_ratio(*pairs[0], pairs[1:])))
    assert np.mean(found) >= 0.93
