"""Timing, ratios and verdicts on clocks that the tests turn themselves: no test here depends on the machine's speed."""

from __future__ import annotations

import gc
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.measure.orders import orders
from smxcheck.benchmark.suites.goals import least_goal, limit_goal, mean_goal
from smxcheck.benchmark.suites.model import EMPTY, Accuracy, Timing
from smxcheck.benchmark.suites.ranking import compared, means, overhead, spread
from smxcheck.benchmark.suites.statistics import geometric_mean, ratio
from smxcheck.benchmark.suites.timer import Contender, Plan, calibrated, empty, measure

PLAN = Plan(seconds=1.0, least_rounds=5, most_rounds=12, sample_seconds=0.001)


class Clock:
    """Nanoseconds that pass only while a contender works; a second of work takes ``drift`` longer each second."""

    def __init__(self, drift: float = 0.0) -> None:
        self.now = 0.0
        self.drift = drift

    def __call__(self) -> int:
        return round(self.now)

    def works(self, nanoseconds: float):
        def call() -> None:
            self.now += nanoseconds * (1 + self.drift * self.now / 1e9)

        return call


def timing(name: str, *seconds: float, elements: int = 1, level: str = "tight") -> Timing:
    return Timing(name, elements, 1, seconds, Accuracy(0.5, "ulp", level))


def group(*timings: Timing, workload: str = "(4, 4)"):
    accuracies = {t.name: t.accuracy for t in timings if t.accuracy}
    return compared("softmax", "float32", workload, 4, timings, accuracies, ("rival",))


# The timer.


@given(st.integers(1, 12))
@settings(derandomize=True, deadline=None)
def test_every_contender_takes_every_place_and_follows_every_other_equally_often(count):
    """What makes a Williams design: balance of places, and of the contender that went before."""
    design = orders(count)
    assert all(sorted(order) == list(range(count)) for order in design)
    places = Counter((place, one) for order in design for place, one in enumerate(order))
    assert len(places) == count**2 and len(set(places.values())) == 1
    followers = Counter(pair for order in design for pair in pairwise(order))
    assert len(followers) == count * (count - 1) and len(set(followers.values())) <= 1


def test_a_contender_that_takes_a_quarter_longer_has_the_ratio_1_25():
    clock = Clock()
    a, b = measure([Contender("a", clock.works(1250), 1), Contender("b", clock.works(1000), 1)], PLAN, clock)
    found = ratio(a, b)
    assert (found.value, found.low, found.high) == pytest.approx((1.25, 1.25, 1.25), rel=1e-12)
    assert a.median == pytest.approx(1250e-9)


def test_times_are_told_for_an_element():
    clock = Clock()
    a, b = measure(
        [Contender("a", clock.works(1000), 10), Contender("b", clock.works(1000), 40)], PLAN, clock
    )
    assert (a.nanoseconds, b.nanoseconds) == pytest.approx((100, 25))
    assert ratio(a, b).value == pytest.approx(4)


def test_drift_hits_all_contenders_alike():
    """The machine slows down to a half during the run: in turns the ratio stays, one after the other it would not."""
    calls = {"a": 1_250_000.0, "b": 1_000_000.0}
    clock = Clock(drift=10)
    plan = Plan(seconds=0.2, least_rounds=5, most_rounds=40)
    a, b = measure([Contender(name, clock.works(ns), 1) for name, ns in calls.items()], plan, clock)
    assert ratio(a, b).value == pytest.approx(1.25, rel=0.03)
    clock = Clock(drift=10)
    alone = [measure([Contender(n, clock.works(ns), 1)], plan, clock)[0] for n, ns in calls.items()]
    assert alone[0].median / alone[1].median < 0.9


def test_every_round_samples_every_contender_once_in_the_design_s_order():
    clock, seen = Clock(), []

    def noted(name: str):
        work = clock.works(2e6)
        return lambda: (seen.append(name), work())

    measure(
        [Contender(name, noted(name), 1) for name in "abc"], Plan(0.1, least_rounds=6, most_rounds=6), clock
    )
    rounds = ["".join(seen[i : i + 3]) for i in range(len(seen) - 18, len(seen), 3)]
    assert rounds == ["".join("abc"[i] for i in order) for order in orders(3)]


@given(st.floats(100, 1e7), st.floats(1e3, 1e6))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_a_sample_lasts_as_long_as_asked_and_no_more_than_three_times(cost, least):
    """Or is a single call: the loops are no more than needed, counted in powers of two or by the cost so far."""
    clock = Clock()
    loops, told = calibrated(clock.works(cost), clock, least)
    spent = loops * told
    assert spent >= least and (loops == 1 or spent <= 3 * least + 2 * cost)


@pytest.mark.parametrize(("seconds", "rounds"), [(0.001, 5), (0.01, 10), (10.0, 12)])
def test_rounds_fill_the_seconds_within_their_limits(seconds, rounds):
    clock = Clock()
    plan = Plan(seconds, least_rounds=5, most_rounds=12, sample_seconds=0.001)
    (found,) = measure([Contender("a", clock.works(1e6), 1)], plan, clock)
    assert len(found.seconds) == rounds


def test_garbage_is_not_collected_during_a_measurement_and_is_again_after_a_failing_one():
    during = []
    measure([Contender("a", lambda: during.append(gc.isenabled()), 1)], Plan(0.001, 1, 1, 0.0))
    assert not any(during) and gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        measure([Contender("a", lambda: 1 / 0, 1)], PLAN)
    assert gc.isenabled()


def test_names_that_repeat_are_refused():
    with pytest.raises(ValueError, match="same name"):
        measure([empty(), empty()], PLAN, Clock())


def test_the_overhead_is_the_largest_share_of_any_call():
    quick, slow = (group(timing("a", t), Timing(EMPTY, 1, 1, (1e-9,))) for t in (1e-6, 1e-3))
    assert overhead([slow, quick]) == pytest.approx({"empty_call_seconds": 1e-9, "overhead_share": 1e-3})


def test_the_spread_is_that_between_the_quartiles():
    steady, shaken = timing("a", 1.0, 1.0, 1.0), timing("b", 1.0, 2.0, 3.0, 4.0, 5.0)
    assert spread([group(steady, shaken)]) == {"spread_median": 1.5, "spread_largest": 2.0}


# Statistics.


def test_quartiles_and_median_of_known_times():
    found = timing("a", 5.0, 1.0, 4.0, 2.0, 3.0)
    assert (found.quartiles[0], found.median, found.quartiles[1]) == (2.0, 3.0, 4.0)
    assert timing("a", 7.0).quartiles == (7.0, 7.0)


def test_the_interval_covers_the_true_ratio_as_often_as_it_says():
    """200 runs of 21 rounds with noise of each contender and what both share; for medians 95 % is approximate."""
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        shared = np.exp(generator.normal(0, 0.2, 21))
        noise = np.exp(generator.normal(0, 0.05, (2, 21)))
        a, b = timing("a", *(1.25 * shared * noise[0])), timing("b", *(shared * noise[1]))
        found = ratio(a, b)
        covered += found.low <= 1.25 <= found.high
    assert 0.90 <= covered / 200 < 1


def test_what_slows_a_round_cancels_in_the_ratio():
    shared = [1.0, 2.0, 5.0, 1.5, 3.0, 9.0, 1.2]
    found = ratio(timing("a", *(2 * s for s in shared)), timing("b", *shared))
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2), rel=1e-12)


@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=1, max_size=6))
@settings(derandomize=True, deadline=None, max_examples=25)
def test_the_geometric_mean_inverts_with_its_ratios(pairs):
    """Why it is the mean of ratios: the mean of the inverses is the inverse of the mean."""
    timings = [(timing("a", a, a), timing("b", b, b)) for a, b in pairs]
    there, back = geometric_mean(timings), geometric_mean([(b, a) for a, b in timings])
    assert there.value * back.value == pytest.approx(1)
    assert there.low * (1 - 1e-9) <= there.value <= there.high * (1 + 1e-9)


def test_means_are_of_known_ratios():
    pairs = [(timing("a", 8.0), timing("b", 1.0)), (timing("a", 2.0), timing("b", 1.0))]
    assert geometric_mean(pairs).value == pytest.approx(4)
    with pytest.raises(ValueError, match="no ratios"):
        geometric_mean([])
    with pytest.raises(ValueError, match="same rounds"):
        ratio(timing("a", 1.0, 2.0), timing("b", 1.0))


# Rankings and goals.


def test_a_wrong_contender_is_timed_and_not_ranked():
    found = group(timing("own", 1.0, level="wrong"), timing("other", 1.0), timing("rival", 3.0))
    assert found.timing("own") is not None and found.ratio("own", "rival") is None
    assert found.ratio("other", "rival").value == pytest.approx(3)
    assert found.ratio("rival", "other") is None


def test_a_yardstick_is_not_ranked():
    copy = Timing("copy", 1, 1, (1.0,))
    assert [r.fast for r in group(copy, timing("own", 1.0), timing("rival", 3.0)).ratios] == ["own"]


def test_means_of_every_ratio_by_dtype():
    found = means([group(timing("own", 1.0), timing("rival", t)) for t in (2.0, 8.0)])
    assert [(m.fast, m.slow, m.workloads) for m in found] == [("own", "rival", 2)]
    assert found[0].times.value == pytest.approx(4)


@pytest.mark.parametrize(
    ("rivals", "wanted", "mean", "least"),
    [
        ((2.0, 8.0), 2.0, True, True),
        ((1.5, 8.0), 2.0, True, False),
        ((2.0, 2.0), 2.0, True, True),
        ((1.9, 2.0), 2.0, False, False),
    ],
)
def test_goals_are_decided_both_ways(rivals, wanted, mean, least):
    found = [group(timing("own", 1.0), timing("rival", t), workload=f"w{t}") for t in rivals]
    assert mean_goal("", found, "own", "rival", wanted).reached is mean
    goal = least_goal("", found, "own", "rival", wanted)
    assert goal.reached is least
    assert goal.measured.value == pytest.approx(min(rivals)) and f"w{min(rivals)}" in goal.detail


@pytest.mark.parametrize("goal", [mean_goal, least_goal])
def test_a_goal_without_a_rival_is_open_and_one_with_wrong_values_is_missed(goal):
    alone = goal("", [group(timing("own", 1.0))], "own", "rival", 1.0)
    assert (alone.reached, alone.measured) == (None, None)
    wrong = goal("", [group(timing("own", 1.0, level="wrong"), timing("rival", 9.0))], "own", "rival", 1.0)
    assert (wrong.reached, wrong.measured) == (False, None) and "wrong" in wrong.detail


@pytest.mark.parametrize(("measured", "reached"), [(1.9, True), (2.0, False), (2.1, False), (None, None)])
def test_a_limit_is_decided_both_ways(measured, reached):
    assert limit_goal("", measured, 2.0, "GiB", "").reached is reached
