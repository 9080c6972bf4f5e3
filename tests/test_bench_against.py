"""The gate: what is compared, what it says on made-up runs, and its exit codes. No figure comes from a real clock."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.compare.against import (
    Change,
    Comparison,
    NewlyWrong,
    Rule,
    compare,
    confirmed,
    unusable,
    within,
)
from smxcheck.benchmark.compare.gate import judge as gate_judge
from smxcheck.benchmark.compare.gate import pooled
from smxcheck.benchmark.compare.statistics import Interval
from smxcheck.benchmark.compare.statistics import change as gate_word
from smxcheck.benchmark.results import COPY, EXP, Judgement, Run, Verdict
from smxcheck.benchmark.shapes import Shape

from .bench_samples import MACHINE, OWN, sample_run

RIGHT = ("scipy", "torch")


def drifted(run: Run, factor: float, names: tuple[str, ...] = ()) -> Run:
    """All times of the run (or of these entries) multiplied: the machine was slower as a whole."""

    def entry(e):
        scaled = tuple(replace(one, seconds=tuple(s * factor for s in one.seconds)) for one in e.launches)
        return replace(e, launches=scaled) if not names or e.name in names else e

    benchmarks = tuple(replace(b, entries=tuple(map(entry, b.entries))) for b in run.benchmarks)
    return replace(run, benchmarks=benchmarks)


def judged(run: Run, name: str, judgement: Judgement) -> Run:
    benchmarks = tuple(
        replace(b, entries=tuple(replace(e, judgement=judgement) if e.name == name else e for e in b.entries))
        for b in run.benchmarks
    )
    return replace(run, benchmarks=benchmarks)


def change(told: Verdict, target: str = "torch", title: str = "one") -> Change:
    return Change(title, target, Interval(1.2, 1.15, 1.25), told, 1.0, 1.2)


def gate(*told: Verdict) -> Comparison:
    return Comparison(tuple(change(v, title=f"title {i}") for i, v in enumerate(told)), 0.1)


# What it says of two runs.


@pytest.mark.parametrize("rule", Rule)
def test_the_same_code_is_the_same(rule):
    found = compare(sample_run(targets=RIGHT), sample_run(targets=RIGHT, seed=2), 0.1, rule)
    assert {c.verdict for c in found.changes} == {Verdict.SAME} and len(found.changes) == 12
    assert (found.exit_code, found.slower, found.not_compared) == (0, (), ())


@pytest.mark.parametrize("rule", Rule)
def test_a_target_that_takes_a_fifth_longer_is_found_and_only_it(rule):
    old, new = sample_run(targets=RIGHT), sample_run(targets=RIGHT, seed=2, slower={"torch": 1.2})
    found = compare(old, new, 0.1, rule)
    assert {c.target for c in found.slower} == {"torch"} and len(found.slower) == 6 and found.exit_code == 1
    assert all(1.15 < c.ratio.value < 1.25 and c.ratio.low > 1.1 for c in found.slower)
    back = compare(new, old, 0.1, rule)
    assert {c.target for c in back.changes if c.verdict is Verdict.FASTER} == {"torch"} and back.exit_code == 0


@pytest.mark.parametrize("drift", [0.8, 0.9, 1.1, 1.25])
def test_a_machine_that_drifts_as_a_whole_is_no_regression(drift):
    """And hides none: the yardsticks have drifted with the targets."""
    old = sample_run(targets=RIGHT)
    same = compare(old, drifted(sample_run(targets=RIGHT, seed=2), drift), 0.1)
    assert {c.verdict for c in same.changes} == {Verdict.SAME}
    assert any("the machine was" in note for note in same.notes)
    slowed = compare(old, drifted(sample_run(targets=RIGHT, seed=2, slower={"torch": 1.2}), drift), 0.1)
    assert {c.target for c in slowed.slower} == {"torch"} and len(slowed.slower) == 6


def test_what_only_one_of_the_two_ways_says_is_not_told_by_both():
    """Targets and yardsticks apart: the times alone say SLOWER, or the yardsticks alone do."""
    old, new = sample_run(targets=RIGHT), sample_run(targets=RIGHT, seed=2)
    for moved in (drifted(new, 1.25), drifted(new, 0.8, (COPY, EXP))):
        told = {rule: {c.verdict for c in compare(old, moved, 0.1, rule).changes} for rule in Rule}
        assert told[Rule.BOTH] == {Verdict.UNDECIDED}
        assert {Verdict.SLOWER} in (told[Rule.RAW], told[Rule.ANCHORED])
    assert all("SLOWER by its times alone" in c.note for c in compare(old, drifted(new, 1.25), 0.1).changes)


def test_without_yardsticks_times_are_compared_as_they_are():
    old, new = sample_run(targets=RIGHT), sample_run(targets=RIGHT, seed=2, slower={"torch": 1.3})
    bare = replace(new, benchmarks=tuple(replace(b, entries=b.targets) for b in new.benchmarks))
    found = compare(old, bare, 0.1)
    assert {c.target for c in found.slower} == {"torch"}
    assert all("were not timed beside it" in c.note for c in found.changes)


def test_the_threshold_is_what_counts_as_slower():
    old, new = sample_run(targets=RIGHT), sample_run(targets=RIGHT, seed=2, slower={"torch": 1.2})
    assert compare(old, new, 0.5).exit_code == 0
    assert {c.verdict for c in compare(old, new, 0.5).changes} == {Verdict.SAME}


# What is compared at all.


@pytest.mark.parametrize(("factor", "said"), [
    (1.2, ["the machine was slower: copy and exp took 20 % longer than in the base"]),
    (0.8, ["the machine was faster: copy and exp took 20 % less time than in the base"]), (1.04, []), (0.96, []), (0.94, 1),
])  # fmt: skip
def test_a_machine_that_drifts_is_told_beyond_what_counts_as_the_same(factor, said):
    """Of the very same run but for the yardsticks; 0.94 lies beyond 1/1.05."""
    old = sample_run(targets=RIGHT)
    told = [note for note in compare(old, drifted(old, factor, (COPY, EXP)), 0.1).notes if note.startswith("the machine was")]
    assert told == said if isinstance(said, list) else len(told) == said


def test_what_was_right_and_is_wrong_now_fails_the_gate():
    old = sample_run(targets=RIGHT)
    found = compare(old, judged(old, "torch", Judgement("wrong", math.inf, 1.0, "got nan")), 0.1)
    assert [(w.target, w.message) for w in found.newly_wrong] == [("torch", "got nan")] * 6
    assert {c.target for c in found.changes} == {"scipy"} and found.slower == () and found.exit_code == 1
    assert found.newly_wrong[0].title == old.benchmarks[0].title


def test_what_is_wrong_in_the_base_is_not_compared_and_the_reason_is_told():
    old = sample_run()
    found = compare(old, judged(old, OWN, Judgement("tight", 1.0, 3.0)), 0.1)
    assert OWN not in {c.target for c in found.changes} and found.newly_wrong == ()
    assert found.not_compared[0] == f"{OWN} on {old.benchmarks[0].title}: in the base: wrong"
    both = compare(old, old, 0.1)
    assert both.not_compared[0].endswith("in the base: wrong; now: wrong") and both.exit_code == 0


def test_what_is_in_one_run_only_or_was_not_timed_is_told():
    old = sample_run(targets=RIGHT, dtypes=("float32",))
    shapes = Shape((4096, 1000)), Shape((3, 3))
    new = sample_run(targets=("scipy", "jax"), dtypes=("float32",), shapes=shapes, failed={"scipy": "it hung"})
    found = compare(old, new, 0.1)
    told = dict(text.rsplit(": ", 1) if "now" not in text else text.split(": ", 1) for text in found.not_compared)
    assert told == {
        "jax on softmax float32 4096 x 1000": "not in the base",
        "torch on softmax float32 4096 x 1000": "only in the base",
        "softmax float32 64 x 50257": "only in the base",
        "softmax float32 1000 x 4096, axis 0": "only in the base",
        "softmax float32 3 x 3": "not in the base",
    }
    assert found.changes == ()


def test_what_was_timed_and_fails_now_fails_the_gate():
    """Green with everything else the same would say that a target that crashes is no slower."""
    old, new = sample_run(targets=RIGHT), sample_run(targets=RIGHT, failed={"scipy": "it hung"})
    found = compare(old, new, 0.1)
    assert {(b.target, b.message) for b in found.newly_wrong} == {("scipy", "not timed any more: it hung")}
    assert len(found.newly_wrong) == len(old.benchmarks) and not found.slower and found.exit_code == 1
    assert compare(new, new, 0.1).newly_wrong == ()  # it failed in the base as well
    reasons = {text.partition(": ")[2] for text in compare(new, old, 0.1).not_compared}
    assert reasons == {"in the base: not timed (it hung)"}


def test_a_base_of_another_machine_is_refused_and_one_of_other_versions_is_not():
    run = sample_run()
    assert unusable(run, MACHINE) == ""
    for key, value in (("cpu", "EPYC 7763"), ("cpus", 64), ("numpy_simd", "AVX2"), ("threads", 4)):
        told = unusable(run, {**MACHINE, key: value})
        assert str(value) in told and str(MACHINE[key]) in told and "measure a base here" in told and "\n" not in told
    assert unusable(run, {**MACHINE, "torch": "2.14.0", "python": "3.13.1", "smxcheck": "9"}) == ""


def test_versions_and_machines_that_differ_are_told():
    old = sample_run()
    new = replace(sample_run(), machine={**MACHINE, "torch": "2.14.0", "cpus": 64, "load_average": 3.0, "variables": {}})
    assert set(compare(old, new, 0.1).notes) == {
        "measured otherwise: number of CPUs 2, this is 64", "torch was 2.13.0, is 2.14.0",
        "variables was OMP_NUM_THREADS=1, is nothing",
    }  # fmt: skip
    fixed = replace(old, settings=replace(old.settings, fixed={"temperature": 2}))
    assert "--fixed was nothing, is temperature=2" in compare(old, fixed, 0.1).notes
    changed = replace(old, targets=tuple(replace(t, sha256="cd" * 32) if t.sha256 else t for t in old.targets))
    assert compare(old, changed, 0.1).notes == (f"{OWN}: the file has changed",)
    bare = {key: value for key, value in MACHINE.items() if key != "scipy"}  # a version that only the target tells
    newer = tuple(replace(t, versions={"scipy": "1.18.0"}) if t.name == "scipy" else t for t in old.targets)
    told = compare(replace(old, machine=bare), replace(old, machine=bare, targets=newer), 0.1).notes
    assert told == ("scipy: scipy was 1.17.0, is 1.18.0",)


# Confirmation and exit codes.


@pytest.mark.parametrize(
    ("first", "second", "together", "told"),
    [
        ("SLOWER", "SLOWER", "SLOWER", "SLOWER"),
        ("SLOWER", "SAME", "SLOWER", "UNDECIDED"),
        ("SLOWER", "UNDECIDED", "SLOWER", "UNDECIDED"),
        ("SLOWER", "SLOWER", "UNDECIDED", "UNDECIDED"),
        ("UNDECIDED", "SLOWER", "SLOWER", "UNDECIDED"),  # the first did not say so
        ("UNDECIDED", "SAME", "SAME", "SAME"),
        ("UNDECIDED", "FASTER", "FASTER", "FASTER"),
        ("SAME", "SLOWER", "SLOWER", "UNDECIDED"),
    ],
)
def test_slower_stands_only_where_both_measurements_and_both_together_say_so(first, second, together, told):
    found = confirmed(*(gate(Verdict(v)) for v in (first, second, together)))
    assert [c.verdict for c in found.changes] == [told]
    note = {"SLOWER": "confirmed"}.get(told, "not confirmed by a second measurement" if first == "SLOWER" else "")
    assert found.changes[0].note == note


def test_what_was_not_measured_again_stays_unless_it_was_slower():
    first = gate(Verdict.SLOWER, Verdict.FASTER, Verdict.SAME, Verdict.UNDECIDED)
    found = confirmed(first, gate(), gate())
    assert [c.verdict for c in found.changes] == ["UNDECIDED", "FASTER", "SAME", "UNDECIDED"]


def test_pooling_puts_the_launches_side_by_side():
    one, other = sample_run(), sample_run(seed=7)
    part = replace(other, benchmarks=other.benchmarks[:1])
    both = pooled(one, part)
    assert len(both.benchmarks) == len(one.benchmarks)
    for mine, own, more in zip(both.benchmarks[0].entries, one.benchmarks[0].entries, other.benchmarks[0].entries, strict=True):
        assert mine.launches == own.launches + more.launches
    assert both.benchmarks[1] == one.benchmarks[1]


@given(st.floats(0.5, 2.0), st.floats(1.0, 1.5), st.floats(0.01, 1.0), st.floats(0.0, 1.0))
@settings(derandomize=True, deadline=None)
def test_the_gate_s_word_is_the_mirror_image_of_its_inverse(value, spread, threshold, sure):
    """a against b is SLOWER exactly where b against a is FASTER; SLOWER is never said of less than the threshold."""
    ratio, inverse = Interval(value, value / spread, value * spread), Interval(1 / value, 1 / (value * spread), spread / value)
    mirror = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
    told = gate_word(ratio, threshold, sure)
    if min(abs(value / (1 + threshold) - 1), abs(value * (1 + threshold) - 1)) > 1e-9:
        assert gate_word(inverse, threshold, sure) is mirror.get(told, told)
    if told is Verdict.SLOWER:
        assert ratio.value > 1 + threshold and ratio.low > 1
    if told is Verdict.SAME:
        assert 1 / (1 + threshold) - 1e-9 <= ratio.low and ratio.high <= 1 + threshold + 1e-9


def test_what_the_second_measurement_finds_wrong_is_wrong():
    wrong = NewlyWrong("title 0", "torch", "got nan")
    found = confirmed(gate(Verdict.SLOWER), Comparison((), 0.1, newly_wrong=(wrong,)), gate())
    assert found.newly_wrong == (wrong,) and found.changes == () and found.exit_code == 1
    once = replace(gate(Verdict.SAME), newly_wrong=(replace(wrong, title="other"),))
    assert confirmed(once, gate(), gate()).newly_wrong == once.newly_wrong


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ((), 5), ((Verdict.UNDECIDED,), 3), ((Verdict.UNDECIDED, Verdict.SAME), 0), ((Verdict.FASTER,), 0),
        ((Verdict.UNDECIDED, Verdict.SLOWER), 1),
    ],
)  # fmt: skip
def test_exit_codes(told, code):
    """A gate that compared nothing is no pass, nor one that could decide nothing."""
    assert gate(*told).exit_code == code


def test_newly_wrong_fails_though_nothing_is_compared():
    assert Comparison((), 0.1, newly_wrong=(NewlyWrong("one", "torch", "got nan"),)).exit_code == 1


# Within one run.


def test_within_a_run_the_base_s_times_stand_for_the_old_ones():
    made = sample_run(targets=RIGHT, slower={"torch": 7.0})
    found = within(replace(made, settings=replace(made.settings, relative_to="scipy")), 0.1)
    assert {c.target for c in found.slower} == {"torch"} and len(found.changes) == 6 and found.exit_code == 1
    one = found.changes[0]
    scipy, torch = (made.benchmarks[0].entry(name) for name in RIGHT)
    assert (one.old_seconds, one.new_seconds) == (scipy.median, torch.median)
    assert one.ratio.value == pytest.approx(7 * 0.19 / 1.1, rel=0.03)


def test_within_a_run_a_wrong_target_fails_and_a_wrong_base_compares_nothing():
    found = within(sample_run(), 0.1)
    assert {w.target for w in found.newly_wrong} == {OWN} and found.exit_code == 1
    assert {c.target for c in found.changes} == {"torch"}
    made = sample_run()
    nothing = within(replace(made, settings=replace(made.settings, relative_to=OWN)), 0.1)
    assert nothing.exit_code == 5 and nothing.not_compared[0].endswith(f"{OWN}: wrong")


# How often it is right, on noise that is made up: the figures of the module's docstring.


def noisy(chance: random.Random, drift: float, slower: dict[str, float] | None = None) -> Run:
    run = sample_run(targets=RIGHT, dtypes=("float32",), rounds=10, noise=2.0, seed=chance.randrange(1 << 30), slower=slower)
    return drifted(run, 1 + drift)


@pytest.mark.slow
@pytest.mark.parametrize("drift", [-0.2, -0.1, 0.0, 0.1, 0.2])
def test_no_false_alarm_and_every_slowdown_by_a_fifth_whatever_the_machine_does(drift):
    chance = random.Random(1)
    for _ in range(20):
        old, new, again = noisy(chance, 0.0), noisy(chance, drift), noisy(chance, drift)
        assert gate_judge(old, new, 0.1, lambda titles, again=again: again).slower == ()
        slow, slow_again = (noisy(chance, drift, {"torch": 1.2}) for _ in range(2))
        found = gate_judge(old, slow, 0.1, lambda titles, again=slow_again: again)
        assert {c.target for c in found.slower} == {"torch"}
