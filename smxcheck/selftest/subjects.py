"""What is put through the run: every shipped mistake, misbehaviour, right form and algorithm, with what is asked of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import ModuleType
from typing import Any

from smxcheck import mistakes
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.functions import ALGORITHMS
from smxcheck.judge.result import Level
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES, Misbehaviour, Mistake, fatal, misbehaviours
from smxcheck.right_forms import RIGHT

#: Where a mistake is looked for; one that is none there is looked for in the first dtype in which it is.
USUAL = "float32"
#: What is asked of a misbehaviour where it is not the usual: dtype, level, expectation. Integers are asked for with
#: float64, whose dtype they take.
DEMANDS = {
    "SMX108": (USUAL, Level.TIGHT, ""),
    "SMX209": ("float64", Level.STANDARD, ""),
    "SMX502": (USUAL, Level.STANDARD, "all-masked=nan"),
}
#: Checks of what a worker process alone can see.
IN_A_WORKER = ("SMX302", "SMX303", "SMX304", "SMX305", "SMX306")
#: Of those the acceptance vectors are enough, and so many seconds for a call: a hang takes all of them, three times.
_CASES, _TIMEOUT = "acceptance", 0.5
#: The kinds that must pass; the others must fail.
RIGHT_KINDS = ("form", "shipped", "own right")


@dataclass(frozen=True)
class Subject:
    """One implementation with the dtypes and the level in which it is asked for.

    ``kind`` is that of `results.Mutant` or `results.Right`. ``calls`` are the functions of its target;
    ``arrays`` "" gives it every keyword of the catalog, "numpy" those of its own signature. ``equivalent`` are dtypes in
    which it is declared to be no mistake. ``target`` is the text of a target that a worker process must run, ``cases`` the
    text that its cases have in their ids, ``timeout`` its seconds for each call (None: the usual).
    """

    id: str
    kind: str
    function: str
    formula: str
    calls: Mapping[str, Callable[..., Any]] = field(repr=False)  # of a target in a worker process none is needed
    dtypes: tuple[str, ...]
    level: Level = Level.STANDARD
    equivalent: tuple[str, ...] = ()
    expectation: str = ""
    family: str = ""
    declared: str = ""
    arrays: str = ""
    target: str = ""
    cases: str = ""
    timeout: float | None = None
    again: str = ""

    @property
    def must_fail(self) -> bool:
        return self.kind not in RIGHT_KINDS


def must_be_found(mistake: Mistake, dtype: str) -> bool:
    """Whether the mistake is one in ``dtype``. Integers are asked for with float64, whose dtype they take."""
    return dtype in mistake.dtypes or (not mistake.dtypes and dtype == "float64")


def dtypes_of(mistake: Mistake) -> tuple[str, ...]:
    """Where it must be found, the dtype in which it is looked for first."""
    return tuple(d for d in dict.fromkeys((USUAL, *FORMATS)) if must_be_found(mistake, d))


def shipped(*, full: bool = False) -> tuple[Subject, ...]:
    """Everything that ships. Mistakes are looked for in the first dtype of `dtypes_of`; with ``full`` in all of them, and
    run in those in which they are declared equivalent."""
    return tuple(s for subject in _all() for s in ([subject] if full else [_in_first_dtype(subject)]))


def equivalents() -> int:
    """How many pairs of mistake and dtype are declared equivalent."""
    return sum(len(s.equivalent) for s in _all())


def _in_first_dtype(subject: Subject) -> Subject:
    return replace(subject, dtypes=subject.dtypes[:1], equivalent=()) if subject.kind == "mistake" else subject


@cache
def _all() -> tuple[Subject, ...]:
    return (*_mistakes(), *_misbehaviours(), *_forms(), *_algorithms())


def _mistakes() -> Iterator[Subject]:
    modules = [m for m in vars(mistakes).values() if isinstance(m, ModuleType)]
    home = {m.id: module.__name__.rpartition(".")[2] for module in modules for m in getattr(module, "TABLE", ())}
    for m in MISTAKES:
        integers = not m.dtypes
        yield Subject(
            m.id, "mistake", m.function, m.formula, {m.function: m.call}, dtypes_of(m), Level(m.fails),
            () if integers else m.equivalent, family=m.families or home[m.id], declared=m.check, again=_again(m.id),
        )  # fmt: skip


def _misbehaviours() -> Iterator[Subject]:
    ending = [(m, "fatal", fatal) for m in fatal.FATAL]
    others = [(m, "misbehaviour", misbehaviours) for m in MISBEHAVIOURS]
    for m, kind, module in (*others, *ending):
        dtype, level, expectation = DEMANDS.get(m.check, (USUAL, Level.STANDARD, ""))
        worker = kind == "fatal" or m.check in IN_A_WORKER
        yield Subject(
            m.id, kind, m.function, m.breaks, m.calls, (dtype,), level, expectation=expectation,
            family=module.__name__.rpartition(".")[2], declared=m.check,
            again=_again(m.id), **(_apart(m, module) if worker else {}),
        )  # fmt: skip


def _apart(m: Misbehaviour, module: ModuleType) -> dict[str, Any]:
    """How it runs in a worker process."""
    return {"target": f"{m.function}={module.__name__}:{m.call.__name__}", "cases": _CASES, "timeout": _TIMEOUT}


def _again(name: str) -> str:
    return f"smxcheck self-test -k {shlex.quote(name)} --all"


def _forms() -> Iterator[Subject]:
    for form in RIGHT:
        yield Subject(
            form.id, "form", form.function, form.formula, {form.function: form.call}, form.dtypes, Level(form.level),
            arrays="numpy", again=f"smxcheck verify {form.module}:{form.id}",
        )  # fmt: skip


def _algorithms() -> Iterator[Subject]:
    for function, algorithms in ALGORITHMS.items():
        for a in algorithms.values():
            if function in FUNCTIONS and a.declared != "wrong":
                yield Subject(
                    f"builtin.{a.name}/{function}", "shipped", function, a.summary, {function: a.call}, tuple(FORMATS),
                    Level(a.declared), arrays="numpy",
                    again=f"smxcheck verify builtin.{a.name} --function {function} --require {a.declared}",
                )  # fmt: skip
