"""The frozen results of ``smxcheck self-test``, which its renderers read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What became of a wrong implementation."""

    KILLED = "killed"  # the run says that it is wrong
    LIVED = "lived"  # the run does not
    EQUIVALENT = "equivalent"  # declared to be no different from a right one where it was asked
    UNDECIDED = "undecided"  # no check found it, and on some case the judge could not decide


@dataclass(frozen=True)
class Mutant:
    """One implementation that must fail, in one dtype at one level.

    ``kind`` is "mistake" (values are wrong), "misbehaviour" (another property is broken), "fatal" (it ends or blocks its
    process) or "own" (from a file of the user). ``family`` is its number in the catalogue of mutants, else the module
    that holds it. ``declared`` is the check that it is declared for: a mistake is killed by any check, the others by that
    one only. ``checks`` are those that found it, ``smallest`` the id of the simplest case on which it is wrong.
    ``again`` is the command that shows it. ``group`` is the catalog's group of its function.
    """

    id: str
    kind: str
    function: str
    group: str
    family: str
    formula: str
    declared: str
    dtype: str
    level: str
    fate: Fate
    checks: tuple[str, ...] = ()
    smallest: str = ""
    cases: int = 0  # how many results it was judged by
    again: str = ""


@dataclass(frozen=True)
class Right:
    """One implementation that must pass. ``kind`` is "form" (written another way), "shipped" (an algorithm of
    `smxcheck.functions`) or "own". ``held_against`` are sentences: what the run says is wrong with it; ``undecided``
    where the judge could not decide."""

    id: str
    kind: str
    function: str
    group: str
    formula: str
    dtypes: tuple[str, ...]
    level: str
    held_against: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    cases: int = 0
    again: str = ""

    @property
    def passed(self) -> bool:
        return not self.held_against and not self.undecided


@dataclass(frozen=True)
class Rival:
    """What another check finds on the same mutants.

    ``what`` says in a sentence what it does: inputs, tolerances, source. ``asked`` is how many mutants it can be asked
    (it has the function and the dtype), ``survivors`` the ids of those that it accepts, ``killed`` the rest. ``refuses``
    are ids of right implementations that it refuses, of ``rights`` that were put to it. ``not_run`` is a sentence where
    it was not, and says what is missing.
    """

    name: str
    what: str
    asked: int = 0
    killed: int = 0
    survivors: tuple[str, ...] = ()
    rights: int = 0
    refuses: tuple[str, ...] = ()
    seconds: float = 0.0
    not_run: str = ""

    @property
    def accepts(self) -> int:
        """How many right implementations it accepts."""
        return self.rights - len(self.refuses)


@dataclass(frozen=True)
class Machinery:
    """A check of smxcheck's own machinery: ``question`` in words ("do the reference's values agree with …?"), how often
    it was ``asked``, how often it ``held``. ``misses`` are sentences, each a fault of smxcheck; ``left_out`` are sentences
    on what could not be asked; ``undecided`` counts questions without an answer. ``not_run`` is a sentence where none of
    it was asked, and says what is missing."""

    name: str
    question: str
    asked: int = 0
    held: int = 0
    misses: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    undecided: int = 0
    seconds: float = 0.0
    not_run: str = ""


@dataclass(frozen=True)
class SelfTest:
    """Everything that a self-test found. Renderers read it; nothing writes to it."""

    mutants: tuple[Mutant, ...]
    rights: tuple[Right, ...]
    rivals: tuple[Rival, ...] = ()
    machinery: tuple[Machinery, ...] = ()
    seconds: float = 0.0
    jobs: int = 1
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()  # what was left out, in sentences
    equivalents: int = 0  # mistakes in dtypes in which they are declared to be none, and which were not run

    def with_fate(self, fate: Fate) -> tuple[Mutant, ...]:
        return tuple(m for m in self.mutants if m.fate is fate)

    @property
    def asked(self) -> int:
        """Mutants that make the score: equivalents are none."""
        return len(self.mutants) - len(self.with_fate(Fate.EQUIVALENT))

    @property
    def killed(self) -> int:
        return len(self.with_fate(Fate.KILLED))

    @property
    def failed(self) -> tuple[Right, ...]:
        """Right implementations that the tool blames."""
        return tuple(r for r in self.rights if r.held_against)

    @property
    def misdeclared(self) -> tuple[Mutant, ...]:
        """Equivalents that were found all the same: the judge or the declaration is wrong."""
        return tuple(m for m in self.with_fate(Fate.EQUIVALENT) if m.checks)

    @property
    def misses(self) -> tuple[str, ...]:
        """Where smxcheck's own machinery failed."""
        return tuple(f"{m.name}: {text}" for m in self.machinery for text in m.misses)

    @property
    def undecided(self) -> bool:
        """Whether anything has no answer. What other checks find is no verdict on this one."""
        return (
            bool(self.with_fate(Fate.UNDECIDED))
            or any(r.undecided for r in self.rights)
            or any(m.undecided for m in self.machinery)
        )

    @property
    def exit_code(self) -> int:
        """0 all as it must be; 1 a mutant lived, a right one failed, or machinery failed; 3 undecided; 5 nothing was
        asked."""
        if self.with_fate(Fate.LIVED) or self.failed or self.misses or self.misdeclared:
            return 1
        if self.undecided:
            return 3
        return 0 if self.asked or self.rights else 5
