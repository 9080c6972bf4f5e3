"""A whole run with made-up targets: what is judged, timed, kept, resumed, and measured longer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smxcheck.benchmark.compare import gate
from smxcheck.benchmark.measure import execute, trust
from smxcheck.benchmark.measure.rounds import NotTimed, Sample
from smxcheck.benchmark.results import YARDSTICKS, Judgement, Run, Settings, Verdict
from smxcheck.benchmark.shapes import Shape
from smxcheck.targets.protocol import Offer, TargetInfo

SHAPES = (Shape((4, 10)), Shape((2, 20)))
SETTINGS = Settings(("quick", "slow"), ("softmax",), ("float32",), SHAPES, launches=2, seconds=30.0)


class Fake:
    """A target whose calls take the seconds in ``cost``; noise is drawn anew in each process. Nothing real is timed."""

    cost: dict[str, float]
    judgement: dict[str, Judgement | str]
    opened: list[str]
    closed: list[str]
    judged: list[str]
    held: list[str]
    fails: dict[str, str]
    rest_of: dict[str, tuple[str, ...]]
    noise = 0.01
    peaks: dict[str, int]
    afterwards: dict[str, Judgement]

    def __init__(self, target: str, options: object, threads: int, functions: object = ()) -> None:
        self.name = target or "yardstick"
        self.opened.append(target)
        self.random = np.random.default_rng(len(self.opened))
        offers = {"softmax": Offer("softmax", f"{target}.softmax", frozenset())}
        self.info = TargetInfo(self.name, {}, "numpy", offers)
        self.rest = self.rest_of.get(target, ())
        self.measured = "nothing"
        self.slowed = 1.0

    def hold(self, call: object, name: str = "", slowed: float = 1.0) -> float:
        if text := self.fails.get(self.name):
            raise NotTimed(text)
        self.held.append(name or self.name)
        self.slowed = slowed
        return 0.5

    def sample(self, loops: int) -> Sample:
        seconds = loops * self.cost.get(self.name, 1e-6) * self.slowed * float(np.exp(self.noise * self.random.normal()))
        return Sample(seconds, seconds)

    def peak(self) -> int | None:
        return 1000

    def release(self) -> None:
        self.slowed = 1.0

    def close(self) -> None:
        self.closed.append(self.name if self.name != "yardstick" else "")


class FakeRight:
    def __init__(self, function: str, dtype: str, shape: Shape) -> None:
        self.title = shape.title

    def judge(self, session: Fake) -> Judgement | str:
        Fake.judged.append(f"{session.name} {self.title}")
        return Fake.judgement.get(session.name, Judgement("tight", 1.0, 2.0))


class FakeAfterwards:
    seconds = 0.0

    def __init__(self, call: object, dtype: str, shape: Shape) -> None:
        pass

    def judge(self, session: Fake) -> Judgement | None:
        found = Fake.afterwards.get(session.name)
        if isinstance(found, str):
            raise NotTimed(found)
        return found


@pytest.fixture
def fake(monkeypatch):
    for name, value in {
        "cost": {"quick": 0.01, "slow": 0.02}, "judgement": {}, "opened": [], "closed": [], "judged": [], "held": [],
        "fails": {}, "rest_of": {}, "noise": 0.01, "afterwards": {},
    }.items():  # fmt: skip
        monkeypatch.setattr(Fake, name, value, raising=False)
    monkeypatch.setattr(execute, "TimingSession", Fake)
    monkeypatch.setattr(execute, "Right", FakeRight)
    monkeypatch.setattr(execute, "Afterwards", FakeAfterwards)
    return Fake


def silent(step: execute.Step) -> None:
    assert 0 <= step.done <= 1


def test_everything_is_timed_in_every_launch_and_judged_once(fake):
    run = execute.run(SETTINGS, silent)
    assert run.complete
    assert [b.shape for b in run.benchmarks] == list(SHAPES)
    for benchmark in run.benchmarks:
        assert [e.name for e in benchmark.entries] == ["quick", "slow", *YARDSTICKS]
        assert all(len(e.launches) >= 2 for e in benchmark.entries)
        rounds = [{len(launch.seconds) for launch in launches} for launches in zip(*(e.launches for e in benchmark.entries), strict=True)]
        assert all(len(r) == 1 for r in rounds), "ratios need the same rounds"
    assert sorted(fake.judged) == sorted(f"{t} {s.title}" for t in SETTINGS.targets for s in SHAPES)
    slow, quick = run.benchmarks[0].entry("slow"), run.benchmarks[0].entry("quick")
    assert slow.median / quick.median == pytest.approx(2.0, rel=0.1)


def test_every_process_is_ended_whatever_happens(fake, monkeypatch):
    execute.run(SETTINGS, silent)
    assert sorted(fake.opened) == sorted(fake.closed)

    def interrupted(run: Run) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute.run(SETTINGS, silent, interrupted)
    assert sorted(fake.opened) == sorted(fake.closed)


def test_a_wrong_target_is_timed_and_one_that_declines_is_not(fake):
    fake.judgement.update(quick=Judgement("wrong", None, 1.0, "nan"), slow="declined: no float32")
    run = execute.run(SETTINGS, silent)
    quick, slow = run.benchmarks[0].entry("quick"), run.benchmarks[0].entry("slow")
    assert quick.timed and not quick.ranked
    assert not slow.timed and slow.failure == "declined: no float32"


def test_what_is_wrong_when_it_is_timed_is_not_ranked_and_what_kept_its_result_has_no_time(fake):
    fake.afterwards.update(quick=Judgement("wrong", 9.0, 1.0, "when timed: zeros"), slow="kept it")
    for benchmark in execute.run(SETTINGS, silent).benchmarks:
        quick, slow = benchmark.entry("quick"), benchmark.entry("slow")
        assert quick.timed and not quick.ranked and quick.judgement.message == "when timed: zeros"
        assert not slow.timed and slow.failure == "kept it"


def test_one_that_cannot_be_timed_says_why_and_the_others_go_on(fake):
    fake.fails["quick"] = "it died"
    run = execute.run(SETTINGS, silent)
    assert {b.entry("quick").failure for b in run.benchmarks} == {"it died"}
    assert all(b.entry("slow").timed for b in run.benchmarks)


def test_an_interrupted_run_goes_on_where_it_was(fake):
    kept: list[Run] = []

    def keep(run: Run) -> None:
        kept.append(run)
        if len(kept) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute.run(SETTINGS, silent, keep, command="smxcheck bench quick slow")
    assert not kept[-1].complete
    judged = len(fake.judged)
    whole = execute.run(SETTINGS, silent, before=kept[-1])
    assert whole.complete
    assert len(fake.judged) == judged, "what was judged is not judged again"
    assert whole.command == "smxcheck bench quick slow"
    assert whole.seconds > kept[-1].seconds
    for before, after in zip(kept[-1].benchmarks, whole.benchmarks, strict=True):
        for old, new in zip(before.entries, after.entries, strict=True):
            assert new.launches[: len(old.launches)] == old.launches, "what was measured stays"
            assert len(new.launches) >= 2


def test_another_run_is_not_gone_on_with(fake):
    run = replace(execute.run(SETTINGS, silent), complete=False)
    with pytest.raises(ValueError, match="other settings"):
        execute.run(replace(SETTINGS, threads=2), silent, before=run)


def test_what_is_undecided_is_measured_longer_while_seconds_remain(fake):
    fake.cost["slow"] = 0.0105  # at the margin of 5 %
    fake.noise = 0.05
    run = execute.run(replace(SETTINGS, seconds=30.0, relative_to="quick"), silent)
    assert max(len(e.launches) for b in run.benchmarks for e in b.entries) > 2
    assert not run.notes


def test_one_launch_runs_however_short_the_time_and_the_others_are_told_to_be_missing(fake):
    short = execute.run(replace(SETTINGS, seconds=0.0), silent)
    assert {len(e.launches) for b in short.benchmarks for e in b.entries} == {1}
    assert short.complete and "only 1 of 2 launches" in short.notes[0]


def test_the_seconds_left_are_no_more_than_the_limit_leaves_but_for_the_first_launch(fake, monkeypatch):
    """Launches that will not fit are not counted as time to wait; the first one ends, however late."""
    clock = iter(range(10_000))
    monkeypatch.setattr(execute.time, "monotonic", lambda: float(next(clock)))
    told: list[float] = []
    limit = 60.0
    execute.run(replace(SETTINGS, launches=9, seconds=limit), lambda step: told.append(step.left or 0.0))
    assert max(told) > 0 and all(left < limit for left in told)
    told.clear()
    execute.run(replace(SETTINGS, launches=9, seconds=0.0), lambda step: told.append(step.left or 0.0))
    assert told[-1] > 0


def test_further_callables_of_a_file_are_targets_of_their_own(fake):
    fake.rest_of["quick"] = ("other",)
    run = execute.run(SETTINGS, silent)
    assert [t.name for t in run.targets] == ["quick", "slow", "other"]
    assert run.benchmarks[0].entry("other").timed


def test_a_shape_on_which_a_function_is_not_timed_is_left_out_with_a_note(fake, monkeypatch):
    def refuse(function: str, dtype: str, shape: Shape) -> object:
        raise ValueError("too odd")

    monkeypatch.setattr(execute, "timed_call", refuse)
    run = execute.run(SETTINGS, silent)
    assert not run.benchmarks
    assert [note.endswith("left out: too odd") for note in run.notes] == [True, True]


def test_only_the_titles_that_are_asked_for_are_measured(fake):
    whole = execute.run(SETTINGS, silent)
    one = execute.run(SETTINGS, silent, only=frozenset([whole.benchmarks[1].title]))
    assert [b.title for b in one.benchmarks] == [whole.benchmarks[1].title]


def test_the_gate_measures_again_what_is_slower_and_only_that(fake):
    old = execute.run(SETTINGS, silent)
    fake.cost["slow"] *= 1.5
    new = execute.run(SETTINGS, silent)
    asked: list[frozenset[str]] = []

    def again(titles: frozenset[str]) -> Run:
        asked.append(titles)
        return execute.run(SETTINGS, silent, only=titles)

    found = gate.judge(old, new, 0.1, again)
    assert {c.target for c in found.slower} == {"slow"}
    assert asked == [frozenset(b.title for b in old.benchmarks)]
    assert found.exit_code == 1


def test_a_slowdown_that_does_not_come_again_does_not_stand(fake):
    old = execute.run(SETTINGS, silent)
    fake.cost["slow"] *= 1.5
    new = execute.run(SETTINGS, silent)
    fake.cost["slow"] /= 1.5
    found = gate.judge(old, new, 0.1, lambda titles: execute.run(SETTINGS, silent, only=titles))
    assert not found.slower
    assert found.exit_code != 1
    assert Verdict.UNDECIDED in {c.verdict for c in found.changes if c.target == "slow"}


def test_the_gate_put_to_the_test_finds_what_was_slowed_and_nothing_else(fake):
    run = execute.run(SETTINGS, silent)
    tried = trust.put_to_test(run, 4, 0.1, silent)
    assert (tried.repetitions, tried.false_alarms, tried.found) == (4, 0, 4)
    assert tried.comparisons == 4 and len(tried.spread) == 16
    assert tried.targets == ("quick", "slow")


def test_a_gate_that_sees_noise_as_a_slowdown_is_told(fake, monkeypatch):
    """What must fail: a gate that calls everything slower."""
    run = execute.run(SETTINGS, silent)
    judge = gate.judge

    def alarmist(old: Run, new: Run, threshold: float, again: gate.Again) -> object:
        found = judge(old, new, threshold, again)
        return replace(found, changes=tuple(replace(c, verdict=Verdict.SLOWER) for c in found.changes))

    monkeypatch.setattr(gate, "judge", alarmist)
    assert trust.put_to_test(run, 2, 0.1, silent).false_alarms > 0
    monkeypatch.setattr(gate, "judge", lambda old, new, threshold, again: replace(judge(old, new, threshold, again), changes=()))
    assert trust.put_to_test(run, 2, 0.1, silent).found == 0


def test_one_launch_is_told_and_several_are_not(fake):
    """Processes differ, and no interval from one of them knows by how much."""
    one = execute.run(replace(SETTINGS, launches=1, seconds=0.0), silent)
    assert any("in one process alone" in note for note in one.notes)
    assert not execute.run(SETTINGS, silent).notes


def test_the_time_before_an_interruption_counts(fake, monkeypatch):
    """After an hour of a run of half a minute no further launch is begun but the one that was broken off."""
    kept: list[Run] = []
    monkeypatch.setattr(execute.time, "monotonic", lambda: float(len(fake.held)))

    def keep(run: Run) -> None:
        kept.append(run)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute.run(SETTINGS, silent, keep)
    late = execute.run(SETTINGS, silent, before=replace(kept[0], seconds=3600.0))
    assert {len(e.launches) for b in late.benchmarks for e in b.entries} == {1}
    assert any("only 1 of 2 launches" in note for note in late.notes)


def test_the_gate_is_tried_with_right_targets_alone(fake):
    """The quickest to load may be wrong: it is not compared, and no slowdown of it could be found."""
    fake.judgement.update(quick=Judgement("wrong", None, 1.0, "nan"))
    assert trust.tested(execute.run(SETTINGS, silent)).targets == ("slow",)
    fake.judgement.update(slow=Judgement("wrong", None, 1.0, "nan"))
    with pytest.raises(ValueError, match="no target is right"):
        trust.tested(execute.run(SETTINGS, silent))


def test_one_that_died_is_not_asked_for_its_memory(fake, monkeypatch):
    def sample(self: Fake, loops: int) -> Sample:
        if self.name == "quick":
            raise NotTimed("it died")
        return Sample(loops * 0.01, loops * 0.01)

    def peak(self: Fake) -> int:
        assert self.name == "slow"
        return 1000

    monkeypatch.setattr(Fake, "sample", sample)
    monkeypatch.setattr(Fake, "peak", peak)
    run = execute.run(SETTINGS, silent)
    assert {b.entry("quick").failure for b in run.benchmarks} == {"it died"}
    assert {b.entry("slow").peak_bytes for b in run.benchmarks} == {1000}


def test_a_file_is_known_by_its_digest(tmp_path):
    """What `--resume` and the gate compare: SHA-256 of "abc" from FIPS 180-2, appendix B.1."""
    (tmp_path / "kernel.py").write_bytes(b"abc")
    assert execute._digest(str(tmp_path / "kernel.py")).startswith("ba7816bf8f01cfea")
    assert execute._digest("") == execute._digest(str(tmp_path / "gone.py")) == ""
