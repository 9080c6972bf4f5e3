"""The checker checked: every known mistake is found by a real run, and named for what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.agreement import Sample, agrees
from smxcheck.judge.call import ask
from smxcheck.judge.result import Level
from smxcheck.mistakes import MISTAKES, mistakes_in
from smxcheck.mistakes.model import Mistake
from smxcheck.run.execute import select_cases
from smxcheck.run.options import RunOptions

from .scoring import Found, named, run, session

#: Where most mistakes are looked for; those that are none here are looked for in the first dtype in which they are.
USUAL = "float32"
#: Of so many mistakes of a function, one may be without its name.
ONE_IN = 10

Score = Callable[[str, int, int], None]


def search(mistakes: Sequence[Mistake], dtype: str, level: Level) -> Found:
    """One run over mistakes of one function."""
    sessions = [session(m.function, m.id, m.call) for m in mistakes]
    return Found(run(sessions, mistakes[0].function, (dtype,), level))


def must_be_found(mistake: Mistake, dtype: str) -> bool:
    """Integers are asked for with float64, whose dtype they take."""
    return dtype in mistake.dtypes or (not mistake.dtypes and dtype == "float64")


def dtype_for(mistake: Mistake) -> str:
    return next(d for d in (USUAL, *FORMATS) if must_be_found(mistake, d))


def groups(function: str) -> dict[tuple[str, Level], list[Mistake]]:
    """The mistakes of a function by where they are looked for."""
    out: dict[tuple[str, Level], list[Mistake]] = {}
    for mistake in mistakes_in(function):
        out.setdefault((dtype_for(mistake), Level(mistake.fails)), []).append(mistake)
    return out


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


#: Those with most mistakes take most of the time.
_LONG = (
    "softmax", "log_softmax", "logsumexp", "cross_entropy", "cross_entropy_grad", "nll_loss", "softmax_entropy",
    "sigmoid", "log_sigmoid", "binary_cross_entropy_with_logits", "kl_divergence", "distribution_cross_entropy", "entropy",
)  # fmt: skip


@pytest.mark.parametrize(
    "function", [pytest.param(f, marks=pytest.mark.slow) if f in _LONG else f for f in FUNCTIONS]
)
def test_every_mistake_is_caught_and_named(function: str, score: Score) -> None:
    missed, misnamed, undecided, total = [], [], [], 0
    for (dtype, level), mistakes in groups(function).items():
        found = search(mistakes, dtype, level)
        for mistake in mistakes:
            total += 1
            undecided += found.undecided(mistake.id)
            if not found.bad(mistake.id):
                missed.append(f"{mistake.id} in {dtype} at {level}")
                continue
            name = named(found.problems(mistake.id)[0])
            if name != mistake.formula and not (name and same_answers(mistake, name, found)):
                misnamed.append(f"{mistake.id}: {name or 'no name'}")
    score("mistakes caught", total - len(missed), total)
    score("behaves-as names", total - len(missed) - len(misnamed), total)
    assert not missed, misnamed
    assert not undecided
    assert ONE_IN * len(misnamed) <= total, misnamed


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ("float16", "float64"))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_mistakes_are_caught_in_other_dtypes_too(function: str, dtype: str) -> None:
    """And not blamed where they are declared equivalent, or fail a stricter level only. Every mistake in one of the dtypes."""
    mistakes = mistakes_in(function)
    if len(mistakes) > 1:
        mistakes = mistakes[{"float16": 0, "float64": 1}[dtype] :: 2]
    found = search(mistakes, dtype, Level.STANDARD)
    wanted = {m.id for m in mistakes if must_be_found(m, dtype) and m.fails == Level.STANDARD}
    free = {m.id for m in mistakes if not m.dtypes}  # of integers: in other dtypes they are right, and may be asked for
    caught = {m.id for m in mistakes if found.bad(m.id)}
    assert wanted - caught == set()
    assert caught - wanted - free == set()
    assert not [c for m in mistakes for c in found.undecided(m.id)]


def test_every_mistake_is_looked_for() -> None:
    assert sum(len(ms) for f in FUNCTIONS for ms in groups(f).values()) == len(MISTAKES)
