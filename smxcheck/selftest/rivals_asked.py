"""What every rival shares: whom it can ask, how a call is made, and how the score is counted.

A rival is made anew from the inputs and tolerances that it publishes, and asked only where it can be: of a function that
it has, in a dtype that it uses. Every right implementation is put to it too, since a check that refuses everything would
find every mutant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from smxcheck.judge.result import Level
from smxcheck.selftest.results import Rival
from smxcheck.selftest.subjects import IN_A_WORKER, Subject, shipped

Array = Any
#: What a rival says of an implementation: True where it accepts it, False where it refuses, None where it cannot ask it.
Accepts = Callable[[Subject], bool | None]

#: Misbehaviours that only show with integers, or where the run was told which choice is wanted, and those that no value of
#: one call shows: written input, shared memory, two calls that differ. No rival asks for any of them.
_NOT_COMMON = ("SMX205", "SMX206", "SMX207", "SMX209", "SMX502")


@dataclass(frozen=True)
class Call:
    """One call with what is right for it: arguments as they are given, and the expected array in the result's dtype."""

    arguments: tuple[Array, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)
    expected: Array = None


def fair(subject: Subject) -> bool:
    """Whether a rival is asked at all: the mutant is wrong at the level `standard`, in values that it returns itself to one
    process. What fails `tight` alone, ends its process, or prints is none of a rival's business."""
    if not subject.must_fail:
        return True
    alone = subject.kind != "fatal" and subject.declared not in IN_A_WORKER
    return alone and subject.level == Level.STANDARD and subject.declared not in _NOT_COMMON


def exists_in(subject: Subject, dtype: str) -> bool:
    """Whether the implementation is a mutant, or a right one, in that dtype; a misbehaviour is in every one."""
    return subject.kind == "misbehaviour" or dtype in subject.dtypes


def answer(subject: Subject, call: Call) -> Any:
    """What the implementation returns for fresh copies of the arguments.

    Raises what it raises; NotImplementedError where a right form has not the keyword.
    """
    with np.errstate(all="ignore"):
        return subject.calls[subject.function](*(np.array(a) for a in call.arguments), **call.keywords)


def all_accepted(subject: Subject, calls: Iterable[Call], close: Callable[[Any, Array], bool]) -> bool | None:
    """Whether every call is answered closely; None where none could be put to it. An exception is a refusal, but for
    that of a right form which has no such keyword."""
    asked = False
    for call in calls:
        try:
            got = answer(subject, call)
        except NotImplementedError:
            continue
        except Exception:  # noqa: BLE001 - whatever a mutant raises, a test that calls it fails
            if not subject.must_fail and call.keywords:
                continue  # a right form takes what its own signature says
            return False
        asked = True
        if not close(got, call.expected):
            return False
    return True if asked else None


def score(name: str, what: str, accepts: Accepts, functions: Collection[str]) -> Rival:
    """The rival's score over everything that ships, of some functions or of all."""
    began = perf_counter()
    survivors, refuses = [], []
    asked = rights = 0
    for subject in shipped(full=True):
        if (functions and subject.function not in functions) or not fair(subject):
            continue
        accepted = accepts(subject)
        if accepted is None:
            continue
        if subject.must_fail:
            asked += 1
            survivors += [subject.id] if accepted else []
        else:
            rights += 1
            refuses += [] if accepted else [subject.id]
    killed = asked - len(survivors)
    return Rival(
        name, what, asked, killed, tuple(survivors), rights, tuple(refuses), perf_counter() - began
    )
