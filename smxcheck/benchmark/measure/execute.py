"""A whole run: processes started, values judged, rounds timed, everything kept as it comes, and gone on with.

A launch starts every target anew and goes through all benchmarks. The first launch judges before it times. After the
last one the launches go on with those benchmarks alone that are not settled (`unsettled`: looking again and again has its
price), as long as there are seconds left.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from smxcheck.benchmark.compare.ranking import unsettled
from smxcheck.benchmark.compare.statistics import PROCESS
from smxcheck.benchmark.measure import plan
from smxcheck.benchmark.measure.afterwards import Afterwards
from smxcheck.benchmark.measure.inputs import bytes_moved, timed_call
from smxcheck.benchmark.measure.machine import facts
from smxcheck.benchmark.measure.memory import available, lacking
from smxcheck.benchmark.measure.plan import Item
from smxcheck.benchmark.measure.right import Right
from smxcheck.benchmark.measure.rounds import NotTimed, Plan, Taken, measure
from smxcheck.benchmark.measure.session import TimingSession
from smxcheck.benchmark.results import (
    YARDSTICKS,
    Benchmark,
    Entry,
    Judgement,
    Launch,
    Run,
    Settings,
    TimedTarget,
    rounded,
)
from smxcheck.catalog import FUNCTIONS
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Call

#: Launches that undecided benchmarks get beyond those that were asked for, in multiples of them.
_MOST_FURTHER = 3


@dataclass(frozen=True)
class Step:
    """How far a run is: the share that is done, the seconds that are left where that can be told, and what comes now."""

    done: float
    left: float | None
    where: str


Progress = Callable[[Step], None]
Keep = Callable[[Run], None]


def run(
    settings: Settings, progress: Progress, keep: Keep = lambda run: None, before: Run | None = None,
    only: Collection[str] = (), slowed: Mapping[str, float] | None = None, command: str = "",
) -> Run:  # fmt: skip
    """Measure what the settings name; what ``before`` has is not measured again.

    ``keep`` gets the run after every benchmark of every launch. ``only`` names the titles that are measured, all where it
    is empty. ``slowed`` makes calls of targets take so many times as long. Raises TargetError where a target cannot be
    used, ValueError where ``before`` is another run, KeyboardInterrupt.
    """
    work = _Work(settings, progress, keep, slowed or {}, time.monotonic())
    work.resume(before)
    work.command = work.command or command
    for launch in range(settings.launches):
        if not work.fits(launch, len(only) or None):
            break
        work.launch(launch, only)
    for launch in range(settings.launches, _MOST_FURTHER * settings.launches):
        titles = frozenset(unsettled(work.so_far())) & frozenset(only or work.found)
        if not titles or not work.fits(launch, len(titles)):
            break
        work.launch(launch, titles)
    work.finish()
    return work.so_far()


@dataclass
class _Work:
    """A run on its way."""

    settings: Settings
    progress: Progress
    keep: Keep
    slowed: Mapping[str, float]
    started: float
    command: str = ""
    earlier: float = 0.0
    complete: bool = False
    date: str = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    machine: Mapping[str, object] = field(default_factory=dict)
    targets: tuple[TimedTarget, ...] = ()
    items: list[Item] = field(default_factory=list)
    found: dict[str, Benchmark] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    steps: int = 0  # benchmarks that this process has measured, each in one launch
    lasted: float = 0.0  # the seconds that they took, without those of judging

    def resume(self, before: Run | None) -> None:
        if before is None:
            return
        if before.settings != self.settings:
            raise ValueError("what is to be gone on with was measured with other settings: begin anew")
        self.found = {b.title: b for b in before.benchmarks}
        self.notes = dict.fromkeys(before.notes)
        self.earlier, self.date, self.command = before.seconds, before.date, before.command

    def so_far(self) -> Run:
        ordered = [self.found[i.title] for i in self.items if i.title in self.found]
        others = [b for b in self.found.values() if b not in ordered]
        return Run(
            self.settings, self.machine, self.targets, (*ordered, *others),
            seconds=self.earlier + time.monotonic() - self.started, complete=self.complete, notes=tuple(self.notes),
            command=self.command, date=self.date,
        )  # fmt: skip

    def finish(self) -> None:
        remedy = "--launches 3 tells more" if self.settings.launches == 1 else "more launches tell more"
        if any(len(entry.launches) == 1 for benchmark in self.found.values() for entry in benchmark.targets):
            self.notes[f"some were timed in one process alone, and processes are taken to differ by {100 * PROCESS:g} %: nothing"
                       f" is SAME within that, and FASTER or SLOWER only by far more; {remedy}"] = None  # fmt: skip
        self.complete = True
        self.keep(self.so_far())

    def fits(self, launch: int, count: int | None = None) -> bool:
        """Whether a launch of so many benchmarks ends before the seconds are over; the first one always runs.

        What is left out for want of time is told in a note, except beyond the launches that were asked for.
        """
        if not self.steps:
            return True
        spent = self.earlier + time.monotonic() - self.started
        each = self.lasted / self.steps
        if spent + each * (len(self.items) if count is None else count) <= self.settings.seconds:
            return True
        if launch < self.settings.launches:
            self.notes[f"only {launch} of {self.settings.launches} launches: a further one would have taken longer than"
                       f" {self.settings.seconds:g} s; --time-limit gives more"] = None  # fmt: skip
        return False

    def launch(self, number: int, only: Collection[str]) -> None:
        """One start of every target, and all benchmarks that lack this launch."""
        if self.items and not self._todo(number, only):
            return
        self._tell("starting the targets")
        with _sessions(self.settings) as sessions:
            self._describe(sessions)
            for item in self._todo(number, only):
                self._tell(item.title)
                started = time.monotonic()
                with contextlib.suppress(_LeftOut):
                    self._benchmark(item, sessions)
                self.steps += 1
                self.lasted += time.monotonic() - started
                self.keep(self.so_far())

    def _todo(self, number: int, only: Collection[str]) -> list[Item]:
        def launches(item: Item) -> int:
            known = self.found.get(item.title)
            return max((len(e.launches) for e in known.entries), default=0) if known else 0

        chosen = [i for i in self.items if not only or i.title in only]
        return [i for i in chosen if launches(i) <= number and i.title not in self._left_out()]

    def _left_out(self) -> Collection[str]:
        return [note.partition(": ")[0] for note in self.notes]

    def _describe(self, sessions: Mapping[str, TimingSession]) -> None:
        infos = [s.info for name, s in sessions.items() if name not in YARDSTICKS]
        if not self.items:
            self.machine = facts(self.settings.threads)
            self.items = plan.items(self.settings, infos)
            self.notes |= dict.fromkeys(plan.lacking(self.settings, infos))
        self.targets = tuple(_target(s) for name, s in sessions.items() if name not in YARDSTICKS)

    def _benchmark(self, item: Item, sessions: Mapping[str, TimingSession]) -> None:
        """Judge where it is not done yet, time, and put the launch to those before it."""
        try:
            if too_large := lacking(item.function, item.dtype, item.shape, len(item.targets), available()):
                raise ValueError(too_large)
            call = timed_call(item.function, item.dtype, item.shape)
        except ValueError as reason:
            self.notes[f"{item.title}: left out: {reason}"] = None
            raise _LeftOut from reason
        known = self.found.get(item.title) or Benchmark(item.function, item.dtype, item.shape, bytes_moved(call))
        entries = {e.name: e for e in known.entries}
        contenders = {name: s for name, s in sessions.items() if name in item.targets or name in YARDSTICKS}
        started = time.monotonic()
        judged = _judged(item, contenders, entries)
        self.lasted -= time.monotonic() - started
        afterwards = Afterwards(call, item.dtype, item.shape)
        launches = _launched(call, contenders, judged, self.slowed, self._plan(), afterwards)
        self.lasted -= afterwards.seconds
        self.found[item.title] = replace(known, entries=tuple(_added(judged[name], launches.get(name)) for name in judged))

    def _plan(self) -> Plan:
        return Plan(plan.seconds_each(self.settings, len(self.items)))

    def _tell(self, where: str) -> None:
        total = max(1, len(self.items) * self.settings.launches)
        before = sum(len(e.launches) for b in self.found.values() for e in b.entries[-1:])
        done = min(1.0, before / total)
        spent = time.monotonic() - self.started
        within = self.settings.seconds - self.earlier - spent
        each = (self.lasted if before >= len(self.items) else spent) / max(1, self.steps)
        once, planned = (each * max(0, count - before) for count in (len(self.items), total))
        left = max(once, min(planned, within)) if self.steps else None  # the first launch ends, however late
        self.progress(Step(done, left, where))


class _LeftOut(Exception):
    """A function is not timed on a shape; a note says why."""


def _judged(item: Item, contenders: Mapping[str, TimingSession], entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Every contender's entry, with its judgement: worked out in the first launch, and known afterwards."""
    missing = [name for name in contenders if name not in entries]
    right = Right(item.function, item.dtype, item.shape) if any(n not in YARDSTICKS for n in missing) else None
    found: dict[str, Entry] = {}
    for name, session in contenders.items():
        if name in entries:
            found[name] = entries[name]
        elif name in YARDSTICKS or right is None:
            found[name] = Entry(name)
        else:
            verdict = right.judge(session)
            spelled = session.info.offers[item.function].spelled
            if isinstance(verdict, Judgement):
                found[name] = Entry(name, judgement=verdict, spelled=spelled)
            else:
                found[name] = Entry(name, failure=verdict, spelled=spelled)
    return found


@dataclass(frozen=True)
class _Launched:
    """One launch of a contender: seconds of its first call, bytes at its peak, and what was wrong in what was timed."""

    taken: Taken | NotTimed
    first: float = 0.0
    peak: int | None = None
    wrong: Judgement | None = None


def _launched(
    call: Call, contenders: Mapping[str, TimingSession], entries: Mapping[str, Entry], slowed: Mapping[str, float], how: Plan,
    afterwards: Afterwards,
) -> dict[str, _Launched]:  # fmt: skip
    """What was taken of each contender. In the first launch one that was right before is judged once more, on what was timed."""
    held: dict[str, float] = {}
    found: dict[str, _Launched] = {}
    for name, session in contenders.items():
        if entries[name].failure:
            continue
        try:
            held[name] = session.hold(call, name if name in YARDSTICKS else "", slowed.get(name, 1.0))
        except NotTimed as reason:
            found[name] = _Launched(reason)
    taken = measure({name: contenders[name] for name in held}, how)
    for name, first in held.items():
        session = contenders[name]
        target = not taken[name].failure and name not in YARDSTICKS
        once = not entries[name].launches
        peak = session.peak() if target and once else None  # it is the same in every launch
        found[name] = _Launched(taken[name], first, peak)
        judged = entries[name].judgement
        if target and once and judged is not None and not judged.wrong:
            try:
                found[name] = replace(found[name], wrong=afterwards.judge(session))
            except NotTimed as reason:
                found[name] = _Launched(reason)
        session.release()
    return found


def _added(entry: Entry, launched: _Launched | None) -> Entry:
    """The entry with one launch more, or with what ended it: a target that failed once is not timed any more."""
    if launched is None:
        return entry
    taken = launched.taken
    if isinstance(taken, NotTimed) or taken.failure:
        return replace(entry, launches=(), failure=str(taken) if isinstance(taken, NotTimed) else taken.failure)
    launch = Launch(taken.loops, tuple(taken.seconds), rounded(launched.first), rounded(taken.cpus), launched.peak)
    return replace(entry, launches=(*entry.launches, launch), judgement=launched.wrong or entry.judgement)


@contextlib.contextmanager
def _sessions(settings: Settings) -> Iterator[Mapping[str, TimingSession]]:
    """A process for every target and every yardstick; all are ended, whatever happens."""
    derive = tuple(f for f in settings.functions if FUNCTIONS[f].derivative_of)
    options = WorkerOptions(
        arrays=settings.arrays, device=settings.device, fixed=settings.fixed, derive=derive, gradients=settings.gradients
    )
    opened: list[tuple[str, TimingSession]] = []

    def start(name: str) -> TimingSession:
        session = TimingSession("" if name in YARDSTICKS else name, options, settings.threads, settings.functions)
        opened.append((name, session))
        return session

    try:
        names = (*settings.targets, *YARDSTICKS)
        with ThreadPoolExecutor(max_workers=2) as pool:
            first = list(pool.map(start, names))
        rest = [(text, start(text)) for session in first for text in session.rest]
        yield dict([*zip(settings.targets, first, strict=False), *rest, *zip(YARDSTICKS, first[-len(YARDSTICKS) :], strict=True)])
    finally:
        for _, session in opened:
            session.close()


def _target(session: TimingSession) -> TimedTarget:
    info = session.info
    return TimedTarget(
        info.name, info.arrays, info.versions, info.import_seconds, info.path, _digest(info.path), info.notes, session.measured
    )


def _digest(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except OSError:
        return ""  # the file went away during the run


