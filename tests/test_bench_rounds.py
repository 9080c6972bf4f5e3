"""Rounds over contenders whose time the tests make up: no test here depends on the machine's speed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.measure.orders import orders
from smxcheck.benchmark.measure.rounds import NotTimed, Plan, Sample, calibrated, measure

PLAN = Plan(seconds=1.0, least_rounds=5, most_rounds=12, sample_seconds=0.001)


class Fake:
    """A contender whose calls take ``seconds``; it dies at its ``last`` sample. ``log`` is who was sampled when."""

    def __init__(self, name: str, seconds: float, log: list[str], last: int = 1 << 30) -> None:
        self.name, self.seconds, self.log, self.left = name, seconds, log, last

    def sample(self, loops: int) -> Sample:
        self.left -= 1
        if self.left < 0:
            raise NotTimed(f"{self.name} died")
        self.log.append(self.name)
        return Sample(loops * self.seconds, 2 * loops * self.seconds)


def fakes(log: list[str], **seconds: float) -> dict[str, Fake]:
    return {name: Fake(name, cost, log) for name, cost in seconds.items()}


@given(st.floats(1e-8, 1.0), st.floats(1e-4, 0.1))
@settings(derandomize=True, deadline=None)
def test_a_sample_lasts_as_long_as_asked_and_no_longer_than_needed(cost, least):
    log: list[str] = []
    loops, spent = calibrated(Fake("a", cost, log), least)
    assert len(log) <= 3, "the first sample tells how many calls are needed"
    assert spent == pytest.approx(loops * cost)
    assert spent >= least
    assert loops == 1 or spent <= max(3 * least, 2 * cost)


def test_all_contenders_are_sampled_once_in_every_round_in_the_design_s_order():
    log: list[str] = []
    taken = measure(fakes(log, a=0.002, b=0.003, c=0.004), PLAN)
    rounds = len(taken["a"].seconds)
    assert {len(t.seconds) for t in taken.values()} == {rounds}
    drawn = log[3:]  # after one sample each for calibration
    names = ("a", "b", "c")
    expected = [names[i] for order in (orders(3) * 5)[:rounds] for i in order]
    assert drawn == expected
    followers = Counter(pairwise(drawn[: 3 * len(orders(3))]))
    assert followers["a", "b"] == followers["b", "a"]


@pytest.mark.parametrize(("seconds", "rounds"), [(0.0, 5), (0.05, 9), (10.0, 12)])
def test_rounds_fill_the_seconds_within_their_limits(seconds, rounds):
    plan = Plan(seconds, 5, 12, 0.001)
    assert len(measure(fakes([], a=0.0025, b=0.003), plan)["a"].seconds) == rounds


def test_times_are_those_of_one_call_and_processors_are_counted():
    taken = measure(fakes([], a=0.00025), PLAN)["a"]
    assert taken.loops == 4
    assert taken.seconds == [0.00025] * len(taken.seconds)
    assert taken.cpus == pytest.approx(2.0)


@pytest.mark.parametrize("last", [0, 1, 4])
def test_one_that_dies_says_so_and_the_others_go_on(last):
    log: list[str] = []
    contenders = {**fakes(log, a=0.002, b=0.002), "dying": Fake("dying", 0.002, log, last)}
    taken = measure(contenders, PLAN)
    assert taken["dying"].failure == "dying died"
    assert len(taken["a"].seconds) == len(taken["b"].seconds) >= 5
    assert not taken["a"].failure


def test_nothing_is_measured_where_nobody_is_left():
    taken = measure({"dying": Fake("dying", 1.0, [], 0)}, PLAN)
    assert taken["dying"].seconds == []
