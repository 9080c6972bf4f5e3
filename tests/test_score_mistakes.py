"""The checker checked, by the engine of ``smxcheck self-test``: every known mistake is found and named for what it is, every
misbehaviour is found by its own check and no other, every right implementation passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.agreement import Sample, agrees
from smxcheck.judge.call import ask
from smxcheck.judge.result import Level
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES, mistakes_in
from smxcheck.mistakes.fatal import FATAL
from smxcheck.mistakes.model import SIXTEEN_BIT, Mistake
from smxcheck.run.execute import select_cases
from smxcheck.run.options import RunOptions
from smxcheck.selftest.plan import Item, items
from smxcheck.selftest.results import Fate, Mutant
from smxcheck.selftest.subjects import IN_A_WORKER, USUAL, must_be_found, shipped
from smxcheck.selftest.trial import Found, named, run, session
from smxcheck.selftest.verdicts import mutant, right, trial

#: Of so many mistakes of a function, one may be without its name.
ONE_IN = 10

Score = Callable[[str, int, int], None]
BY_ID = {m.id: m for m in MISTAKES}
ITEMS = [item for item in items(shipped()) if not item.subjects[0].target]


def same_answers(true: Mistake, name: str, found: Found) -> bool:
    """Whether the mistake of that formula cannot be told from the true one on any input that failed."""
    other = next(m for m in mistakes_in(true.function) if m.formula == name)
    ids = tuple({r.case for r in found.bad(true.id)})
    options = RunOptions(targets=(), dtypes=found.report.dtypes, ids=ids)
    for case in select_cases(options, [true.function]):
        question = ask(case, tuple(case.build().values()), dict(case.keywords), "")
        sample = Sample(question, true.call(*question.arguments, **question.keywords))
        if not agrees(other, sample):
            return False
    return True


def misnamed(mutants: Sequence[Mutant], found: Found) -> list[str]:
    """Mistakes whose first problem names another formula, or none."""
    out = []
    for m in mutants:
        if m.kind == "mistake" and m.fate is Fate.KILLED:
            name = named(found.problems(m.id)[0])
            if name != m.formula and not (name and same_answers(BY_ID[m.id], name, found)):
                out.append(f"{m.id}: {name or 'no name'}")
    return out


def judged(chosen: Sequence[Item], score: Score) -> None:
    """All subjects of these items as they must be, and what they are named."""
    mutants, rights, wrong_names = [], [], []
    for item in chosen:
        found = trial(item)
        here = [mutant(s, item.dtype, found) for s in item.subjects if s.must_fail]
        wrong_names += misnamed(here, found)
        mutants += here
        rights += [right(s, item.dtype, found) for s in item.subjects if not s.must_fail]
    lived = [m.id for m in mutants if m.fate is not Fate.KILLED]
    not_alone = {m.id: m.checks for m in mutants if m.kind == "misbehaviour" and m.checks != (m.declared,)}
    mistakes = sum(m.kind == "mistake" for m in mutants)
    score("mutants killed", len(mutants) - len(lived), len(mutants))
    score("behaves-as names", mistakes - len(wrong_names), mistakes)
    score("right ones pass", sum(r.passed for r in rights), len(rights))
    assert not lived
    assert not not_alone
    assert ONE_IN * len(wrong_names) <= mistakes, wrong_names
    assert [(r.id, r.held_against, r.undecided) for r in rights if not r.passed] == []


#: Those with most mistakes or cases take most of the time.
_LONG = (
    "softmax", "log_softmax", "logsumexp", "cross_entropy", "cross_entropy_grad", "nll_loss", "softmax_entropy",
    "sigmoid", "log_sigmoid", "binary_cross_entropy_with_logits", "kl_divergence", "distribution_cross_entropy", "entropy",
)  # fmt: skip


@pytest.mark.parametrize("function", [pytest.param(f, marks=pytest.mark.slow) if f in _LONG else f for f in FUNCTIONS])
def test_what_must_fail_fails_and_what_must_pass_passes(function: str, score: Score) -> None:
    judged([i for i in ITEMS if i.function == function and i.dtype == USUAL], score)


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_and_in_the_other_dtypes(function: str, score: Score) -> None:
    """Mistakes that are none in the usual dtype, and right implementations, of the 16-bit formats in one by turns; the
    command runs them in both."""
    by_turns = SIXTEEN_BIT[list(FUNCTIONS).index(function) % 2]
    others = [i for i in ITEMS if i.function == function and i.dtype != USUAL]
    judged([i for i in others if i.dtype in ("float64", by_turns) or any(s.must_fail for s in i.subjects)], score)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ("float16", "float64"))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_mistakes_are_caught_in_other_dtypes_too(function: str, dtype: str) -> None:
    """And not blamed where they are declared equivalent, or fail a stricter level only. One mistake in four in each of the
    dtypes; ``smxcheck self-test --full`` runs them all in all."""
    mistakes = mistakes_in(function)
    mistakes = mistakes[{"float16": 0, "float64": len(mistakes) // 2}[dtype] :: 4]
    found = Found(run([session(m.function, m.id, m.call) for m in mistakes], function, (dtype,), Level.STANDARD))
    wanted = {m.id for m in mistakes if must_be_found(m, dtype) and m.fails == Level.STANDARD}
    free = {m.id for m in mistakes if not m.dtypes}  # of integers: in other dtypes they are right, and may be asked for
    caught = {m.id for m in mistakes if found.bad(m.id)}
    assert wanted - caught == set()
    assert caught - wanted - free == set()
    assert not [c for m in mistakes for c in found.undecided(m.id)]


def test_everything_wrong_is_looked_for_once() -> None:
    """Each mistake in one dtype, each misbehaviour once; those that need a process of their own have a test of their own."""
    looked = [s.id for item in ITEMS for s in item.subjects if s.must_fail]
    here = [m.id for m in MISBEHAVIOURS if m.check not in IN_A_WORKER]
    assert sorted(looked) == sorted([*BY_ID, *here])
    apart = [s.id for item in items(shipped()) for s in item.subjects if s.target]
    assert sorted(apart) == sorted([*(m.id for m in FATAL), *(m.id for m in MISBEHAVIOURS if m.check in IN_A_WORKER)])
