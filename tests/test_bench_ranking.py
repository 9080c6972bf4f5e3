"""Who is ranked, to whom the ratios are, and the Pareto front: what is wrong or was not timed is never in it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.benchmark.compare.ranking import base_name, overall, standings, undecided, unsettled
from smxcheck.benchmark.results import Benchmark, Entry, Judgement, Launch, Run, Settings, Verdict
from smxcheck.benchmark.shapes import Shape

from .bench_samples import OWN, sample_run


def entry(name: str, seconds: float, worst: float | None = 1.0, level: str = "tight", noise: float = 0.001) -> Entry:
    """Two launches of four rounds; the noise is the same pattern for all, but for its sign."""
    sign = 1 if len(name) % 2 else -1
    launches = tuple(Launch(1, tuple(seconds * (1 + sign * noise * k) for k in ks)) for ks in ((-1, 0, 0, 1), (0, 0, 1, -1)))
    return Entry(name, launches, Judgement(level, worst))


def benchmark(*entries: Entry, n: int = 4, function: str = "softmax", dtype: str = "float32") -> Benchmark:
    return Benchmark(function, dtype, Shape((n, n)), 32, entries)


def run(*benchmarks: Benchmark, relative_to: str = "") -> Run:
    names = tuple(dict.fromkeys(e.name for b in benchmarks for e in b.targets))
    return Run(Settings(names, ("softmax",), ("float32",), relative_to=relative_to), {}, (), benchmarks)


def front(*entries: Entry) -> set[str]:
    return {s.entry.name for s in standings(benchmark(*entries), entries[0].name, 0.05) if s.pareto}


def test_the_base_is_the_first_of_those_ranked_most_often():
    wrong = entry("a", 1, level="wrong")
    assert base_name(run(benchmark(wrong, entry("b", 1), entry("c", 1)))) == "b"
    both = benchmark(entry("a", 1), entry("b", 1)), benchmark(wrong, entry("b", 1), n=5)
    assert base_name(run(*both)) == "b"
    assert base_name(run(*both, relative_to="a")) == "a"
    assert base_name(run(benchmark(wrong))) == ""


def test_what_is_wrong_or_was_not_timed_has_no_ratio_and_no_verdict():
    failed = Entry("c", failure="declined")
    found = standings(benchmark(entry("a", 1), entry("b", 0.1, level="wrong"), failed), "a", 0.05)
    assert [(s.entry.name, s.ratio is None, s.verdict, s.pareto) for s in found] == [
        ("a", False, Verdict.SAME, True), ("b", True, None, False), ("c", True, None, False),
    ]  # fmt: skip
    assert found[0].ratio and (found[0].ratio.low, found[0].ratio.high) == (1, 1)


def test_where_the_base_is_wrong_nobody_has_a_ratio():
    found = standings(benchmark(entry("a", 1, level="wrong"), entry("b", 1)), "a", 0.05)
    assert [s.ratio for s in found] == [None, None]
    assert [s.pareto for s in found] == [False, True]


def test_ratios_are_times_over_the_base_s_time():
    found = standings(benchmark(entry("a", 2.0), entry("b", 1.0), entry("c", 3.0)), "a", 0.05)
    assert [s.ratio.value for s in found if s.ratio] == pytest.approx([1, 0.5, 1.5], rel=0.01)
    assert [s.verdict for s in found] == ["SAME", "FASTER", "SLOWER"]


def test_the_front_has_what_no_other_beats_in_both():
    """Fast and rough, slow and exact stay; slow and rough goes; a wrong one, fast as it is, knocks nobody out."""
    assert front(entry("fast", 1, 50), entry("exact", 2, 0.5), entry("neither", 3, 60)) == {"fast", "exact"}
    assert front(entry("right", 1, 50), entry("wrong", 0.1, 0.1, level="wrong")) == {"right"}


def test_times_that_are_the_same_do_not_knock_each_other_out():
    """Two per cent apart, clearly, but within the margin: both stay where they are as accurate; else the rougher one goes."""
    assert front(entry("a", 1.0, 1), entry("bb", 1.02, 1)) == {"a", "bb"}
    assert front(entry("a", 1.0, 2), entry("bb", 1.02, 1)) == {"bb"}


def test_an_undecided_time_is_taken_as_it_is_measured():
    noisy = [entry("a", 1.0, 1, noise=0.2), entry("bb", 1.1, 1, noise=0.2)]
    assert standings(benchmark(*noisy), "a", 0.05)[1].verdict is Verdict.UNDECIDED
    assert front(*noisy) == {"a"}


def test_two_that_are_alike_and_undecided_do_not_knock_each_other_out():
    """A ratio of exactly 1 is no advantage, however wide its interval is: else the front would be empty."""
    steady = Entry("a", (Launch(1, (1.0, 1.0)), Launch(1, (1.0, 1.0))), Judgement("tight", 1.0))
    jumping = replace(steady, name="b", launches=(Launch(1, (2.0, 2.0)), Launch(1, (0.5, 0.5))))
    assert front(steady, jumping) == {"a", "b"}


def test_an_unknown_error_is_no_smaller_than_another():
    assert front(entry("a", 1.0, None), entry("b", 2.0, 1.0), entry("c", 3.0, None)) == {"a", "b"}


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0.5, 1.0, 2.0, 4.0])), min_size=1, max_size=6))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_whatever_is_off_the_front_is_beaten_by_one_that_is_on_it(made):
    """Times that are far apart or the same: the front is never empty, and holds the definition."""
    entries = [entry(f"t{i}", 1.5**power, worst, noise=0) for i, (power, worst) in enumerate(made)]
    on = front(*entries)
    beats = {
        (a.name, b.name)
        for a in entries for b in entries
        if a.median <= b.median and a.judgement.worst <= b.judgement.worst
        and (a.median, a.judgement.worst) != (b.median, b.judgement.worst)
    }  # fmt: skip
    assert on
    for one in entries:
        assert (one.name in on) == (not any((other.name, one.name) in beats for other in entries))
        assert one.name in on or any((name, one.name) in beats for name in on)


# Over several benchmarks.


def test_overall_is_the_mean_over_what_both_have_and_the_worst_of_the_rest():
    made = run(
        benchmark(entry("a", 1.0, 1), entry("b", 2.0, 3)),
        benchmark(entry("a", 1.0, 1), entry("b", 8.0, 7, level="standard"), n=5),
        benchmark(entry("a", 1.0, 1), entry("b", 9.0, 99, level="wrong"), n=6),
        benchmark(entry("a", 1.0, 1), Entry("b", failure="declined"), n=7),
    )
    a, b = overall(made)
    assert (a.target, a.benchmarks, a.wrong, a.failed, a.level, a.worst, a.pareto) == ("a", 4, 0, 0, "tight", 1, True)
    assert (b.target, b.benchmarks, b.wrong, b.failed, b.level, b.worst, b.pareto) == ("b", 2, 1, 1, "wrong", 99, False)
    assert b.ratio and b.ratio.value == pytest.approx(4, rel=0.01) and b.verdict is Verdict.SLOWER


def test_functions_and_dtypes_are_kept_apart():
    made = run(
        benchmark(entry("a", 1.0), entry("b", 2.0)),
        benchmark(entry("a", 1.0), entry("b", 0.5), dtype="float64"),
        benchmark(entry("a", 1.0), function="log_softmax"),
    )
    rows = [(o.function, o.dtype, o.target, o.verdict) for o in overall(made)]
    assert rows == [
        ("softmax", "float32", "a", "SAME"), ("softmax", "float32", "b", "SLOWER"),
        ("softmax", "float64", "a", "SAME"), ("softmax", "float64", "b", "FASTER"), ("log_softmax", "float32", "a", "SAME"),
    ]  # fmt: skip


def test_only_what_is_undecided_is_named():
    clear, noisy = benchmark(entry("a", 1.0), entry("bb", 2.0)), [entry("a", 1.0, noise=0.3), entry("bb", 1.1, noise=0.3)]
    blurred = benchmark(*noisy, n=5, dtype="float64")
    assert undecided(run(clear, blurred)) == (blurred.title,)
    wrong = replace(noisy[1], judgement=Judgement("wrong"))
    assert undecided(run(clear, benchmark(noisy[0], wrong, n=5))) == ()


def test_measuring_stops_by_wider_intervals_than_those_that_are_told():
    """Haybittle and Peto: who looks after every launch is strict until the last one."""
    rounds = [tuple(math.exp(0.015 * s + 0.002 * r) for r in (-1, 0, 1)) for s in (-1, 0, 1)]
    flat = Entry("a", tuple(Launch(1, (1.0,) * 3) for _ in rounds), Judgement("tight", 1.0))
    for factor, told, settled in ((1.3, True, True), (1.1, True, False), (1.06, False, False), (1.0, True, False)):
        other = replace(flat, name="b", launches=tuple(Launch(1, tuple(factor * s for s in each)) for each in rounds))
        # Launches 1.5 % apart: ±4.30 · 1.5 % / √3 = 3.7 %, and 5.6 % by the wider ones; the margin is 5 %.
        made = run(benchmark(flat, other))
        assert (not undecided(made), not unsettled(made)) == (told, settled), factor


def test_the_base_is_the_same_as_itself_even_after_one_launch():
    """One process tells little of others, but nothing can come between a target and itself: no launch is spent on that."""
    alone = Entry("a", (Launch(1, (1.0, 1.2, 0.9, 1.1)),), Judgement("tight", 1.0))
    made = run(benchmark(alone), benchmark(alone, n=5))
    itself = [standings(made.benchmarks[0], "a", 0.05, made.benchmarks)[0], overall(made)[0]]
    assert [(of.ratio.value, of.ratio.low, of.ratio.high, of.verdict) for of in itself if of.ratio] == [(1, 1, 1, Verdict.SAME)] * 2
    assert undecided(made) == unsettled(made) == ()


def test_a_run_as_they_are_is_ranked():
    """The sample run: its own target is wrong, torch is some six times as fast as scipy."""
    made = sample_run()
    rows = {(o.target, o.dtype): o for o in overall(made)}
    torch, own = rows["torch", "float32"], rows[OWN, "float32"]
    assert base_name(made) == "scipy"
    assert torch.verdict is Verdict.FASTER and torch.ratio and 0.15 < torch.ratio.low < torch.ratio.high < 0.2
    assert own.ratio is None and own.wrong == 3 and not own.pareto
    assert undecided(made) == ()
