"""One work item judged: its subjects through one run, and from what the run found to what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.choices import parse_expectations
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Status
from smxcheck.selftest.plan import Item
from smxcheck.selftest.results import Fate, Mutant, Right
from smxcheck.selftest.subjects import Subject
from smxcheck.selftest.trial import Found, run, session, session_of
from smxcheck.targets.load import open_session, parse_target
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Session

#: Seconds that a worker process gets to load, beyond those of a call.
_LOADING = 2.0
#: So many sentences are kept of what is held against a right one.
_MOST_HELD = 5


def judge(item: Item) -> tuple[list[Mutant], list[Right]]:
    """What became of every subject of the item."""
    found = trial(item)
    mutants = [mutant(s, item.dtype, found) for s in item.subjects if s.must_fail]
    return mutants, [right(s, item.dtype, found) for s in item.subjects if not s.must_fail]


def trial(item: Item) -> Found:
    """The run of an item: every question is asked once, of all its subjects."""
    with _opened(item.subjects) as sessions:
        return Found(run(
            sessions, item.function, (item.dtype,),
            expectations=parse_expectations((item.expectation,) if item.expectation else ()),
            declared={f"{name(s)}/{item.function}": str(s.level) for s in item.subjects},
            text=item.subjects[0].cases or None,
        ))  # fmt: skip


def name(subject: Subject) -> str:
    """The name of a subject in the run."""
    return subject.target or subject.id


@contextmanager
def _opened(subjects: tuple[Subject, ...]) -> Iterator[list[Session]]:
    sessions: list[Session] = []
    try:
        for s in subjects:
            sessions.append(_session(s))
        yield sessions
    finally:
        for each in sessions:
            each.close()


def _session(s: Subject) -> Session:
    if s.target:
        options = WorkerOptions()
        if s.timeout is not None:
            options = replace(options, timeout=s.timeout, compile_timeout=s.timeout + _LOADING)
        return open_session(parse_target(s.target), options)
    if s.arrays:
        return session(s.function, s.id, s.calls[s.function], s.arrays)
    return session_of(s.calls, s.id)


def mutant(s: Subject, dtype: str, found: Found) -> Mutant:
    """What the run says of one that must fail. A misbehaviour is killed by its own check only: what another check finds
    on the way is not what it is there for."""
    codes = found.codes_by_count(name(s))
    problems = found.problems(name(s))
    if dtype in s.equivalent:
        fate = Fate.EQUIVALENT
    elif codes and (s.kind in ("mistake", "own") or s.declared in codes):
        fate = Fate.KILLED
    else:
        fate = Fate.UNDECIDED if found.undecided(name(s)) else Fate.LIVED
    return Mutant(
        id=s.id, kind=s.kind, function=s.function, group=str(FUNCTIONS[s.function].group), family=s.family,
        formula=s.formula, declared=s.declared, dtype=dtype, level=str(s.level), fate=fate, checks=codes,
        smallest=problems[0].smallest if problems else "", cases=len(found.results[name(s)]), again=s.again,
    )  # fmt: skip


def right(s: Subject, dtype: str, found: Found) -> Right:
    """What the run says of one that must pass. One that was not run to its end, or refuses all that tells, did not."""
    results = found.results[name(s)]
    against = [r for r in results if r.status in BAD or r.status is Status.NOT_RUN]
    held = [f"{r.check} {r.case}: {r.message}" for r in against[:_MOST_HELD]]
    held += [f"and {len(against) - _MOST_HELD:,} more in {dtype}"] if len(against) > _MOST_HELD else []
    refuses = not results or any(r.status is Status.DECLINED for r in results)
    if not against and refuses and not any(r.status is Status.OK and r.digest for r in results):  # a right refusal has no output
        counts = Counter(r.status for r in results)
        told = ", ".join(f"{n:,} {status}" for status, n in counts.items()) or "it was asked nothing"
        held.append(f"no result in {dtype} tells right from wrong ({told}), which is no pass")
    return Right(
        id=s.id, kind="own" if s.kind == "own right" else s.kind, function=s.function,
        group=str(FUNCTIONS[s.function].group), formula=s.formula, dtypes=(dtype,), level=str(s.level),
        held_against=tuple(held), undecided=tuple(found.undecided(name(s))), cases=len(results),
        again=f"{s.again} --dtype {dtype}" if s.again else "",
    )  # fmt: skip


def joined(rights: list[Right]) -> tuple[Right, ...]:
    """One record for each right one, whatever the order of its dtypes; the command is that of a dtype that fails."""
    out: dict[str, Right] = {}
    for r in rights:
        before = out.get(r.id)
        out[r.id] = r if before is None else replace(
            before, dtypes=before.dtypes + r.dtypes, held_against=before.held_against + r.held_against,
            undecided=before.undecided + r.undecided, cases=before.cases + r.cases,
            again=before.again if not before.passed or r.passed else r.again,
        )  # fmt: skip
    return tuple(out.values())
