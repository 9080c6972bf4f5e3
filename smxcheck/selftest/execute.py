"""A whole self-test: the work items and the other parts side by side in processes, and their results put together."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from smxcheck.caseset import load_cases
from smxcheck.catalog import FUNCTIONS
from smxcheck.run import environment
from smxcheck.run.processes import end, interrupts_held, obey_parent
from smxcheck.selftest.parts import PARTS, Part
from smxcheck.selftest.plan import Item, items
from smxcheck.selftest.results import Machinery, Mutant, Right, Rival, SelfTest
from smxcheck.selftest.subjects import USUAL, Subject, equivalents, shipped
from smxcheck.selftest.verdicts import joined, judge
from smxcheck.version import CASE_SET_VERSION, JUDGE_VERSION, __version__

#: Seconds that one subject takes for one case, about; the order of the work and the time left are all that hang on it.
_SECONDS_PER_CASE = 0.0006


@dataclass(frozen=True)
class Wanted:
    """What is asked for: ``functions`` none for all, ``text`` in the id of a subject, ``full`` for every dtype, ``own``
    subjects of the user's instead of those that ship."""

    functions: tuple[str, ...] = ()
    text: str = ""
    full: bool = False
    rivals: bool = True
    machinery: bool = True
    own: tuple[Subject, ...] = ()
    seed: int = 0
    jobs: int = 1

    @property
    def whole(self) -> bool:
        """Whether everything that ships is asked for, but perhaps of some functions only."""
        return not self.own and not self.text

    def subjects(self) -> list[Subject]:
        """The implementations to put through the run."""
        return [
            s
            for s in self.own or shipped(full=self.full)
            if (not self.functions or s.function in self.functions) and self.text.lower() in s.id.lower()
        ]

    def parts(self) -> list[Part]:
        """The parts beside them: of a selection by text, or of the user's own, there are none."""
        return [p for p in PARTS if self.whole and (self.rivals if p.rival else self.machinery)]


#: Told what is done of how much, in seconds of work, and what was done last.
Progress = Callable[[float, float, str], None]


@dataclass
class _Found:
    mutants: list[Mutant] = field(default_factory=list)
    rights: list[Right] = field(default_factory=list)
    records: list[Rival | Machinery] = field(default_factory=list)


def run(
    wanted: Wanted, progress: Progress = lambda done, total, where: None, notes: Iterable[str] = ()
) -> SelfTest:
    """The whole self-test; ``notes`` are remarks of the caller's. Raises what a target raises when it is opened, and KeyboardInterrupt."""
    started = time.monotonic()
    parts = [part for _, part in sorted(_side_by_side(wanted, progress), key=lambda pair: pair[0])]
    mutants = [m for part in parts for m in part.mutants]
    rights = [r for part in parts for r in part.rights]
    records = [r for part in parts for r in part.records]
    return SelfTest(
        mutants=tuple(sorted(mutants, key=lambda m: (_place(m), m.kind, m.id, m.dtype))),
        rights=tuple(sorted(joined(rights), key=lambda r: (_place(r), r.kind, r.id))),
        rivals=tuple(r for r in records if isinstance(r, Rival)),
        machinery=tuple(r for r in records if isinstance(r, Machinery)),
        seconds=time.monotonic() - started, jobs=wanted.jobs, seed=wanted.seed,
        versions={"smxcheck": __version__, "case_set": str(CASE_SET_VERSION), "judge": str(JUDGE_VERSION)},
        environment=environment.describe(), remarks=(*_remarks(wanted), *notes),
        equivalents=0 if wanted.full or not wanted.whole or wanted.functions else equivalents(),
    )  # fmt: skip


def _place(record: Mutant | Right) -> int:
    return list(FUNCTIONS).index(record.function)


def _remarks(wanted: Wanted) -> Iterable[str]:
    if wanted.own:
        yield "only the implementations of the file were run: those that ship run without --with"
    if not wanted.whole:
        yield "smxcheck's own machinery and other checks were left out: they run where all mutants do"
    elif not wanted.rivals:
        yield "other checks on the same mutants were left out (--no-rivals)"


def _side_by_side(wanted: Wanted, progress: Progress) -> Iterable[tuple[int, _Found]]:
    """The number of each unit of the work and what was found, as it comes."""
    work = _units(wanted)
    if not work:
        return
    seconds = _seconds(work)
    largest_first = sorted(range(len(work)), key=lambda number: -seconds[number])
    done = 0.0
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        min(wanted.jobs, len(work)), mp_context=context, initializer=_initialise, initargs=(wanted,)
    )
    whole = False
    try:
        with interrupts_held():
            pending: dict[Future[_Found], int] = {pool.submit(_work, number): number for number in largest_first}
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                number = pending.pop(future)
                yield number, future.result()
                done += seconds[number]
                progress(done, sum(seconds), work[number].where)
        whole = True
    finally:
        if not whole:
            end(pool)
        pool.shutdown(wait=whole, cancel_futures=True)


def _units(wanted: Wanted) -> list[Item | Part]:
    """Everything to be done, the same list in every process."""
    return [*items(wanted.subjects()), *wanted.parts()]


def _seconds(units: Iterable[Item | Part]) -> list[float]:
    """What each takes, about."""
    functions = {unit.function for unit in units if isinstance(unit, Item)}
    counts = Counter(case.function for case in load_cases(sorted(functions), (USUAL,))) if functions else {}
    return [
        unit.seconds
        if isinstance(unit, Part)
        else len(unit.subjects) * counts[unit.function] * _SECONDS_PER_CASE
        for unit in units
    ]


# ---- in a process of the pool

_state: dict[str, Any] = {}


def _initialise(wanted: Wanted) -> None:
    obey_parent(lambda: None)  # workers of targets end with this process
    _state["wanted"] = wanted
    _state["work"] = _units(wanted)  # the calls of subjects cannot be sent: they are found again


def _work(number: int) -> _Found:
    unit, wanted = _state["work"][number], _state["wanted"]
    if isinstance(unit, Item):
        return _Found(*judge(unit))
    return _Found(records=list(unit.run(wanted.seed, wanted.functions)))
