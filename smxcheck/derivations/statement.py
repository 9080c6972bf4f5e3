"""What a published statement is: what a document says, checks that can be executed, and the verdict on record.

A statement may hold several things that are true or false by themselves; each is a check with a verdict of its own. The
statement's verdict is the least favourable of them (`combined`). A check that is *aside* does not count for it: a reading
that the document does not make, as floats where it speaks of real numbers. It is executed and shown all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

from smxcheck.derivations.model import Part
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.tree import Claim, Condition, Node

KINDS = ("formula", "numbers", "definition", "program")


class Verdict(StrEnum):
    """On a statement or one of its checks. Only what was found can be undecided; nothing is recorded so."""

    TRUE = "true"
    TRUE_IF = "true if"
    FALSE = "false"
    DEFINITION = "definition"
    PROGRAM = "program"
    UNDECIDED = "undecided"


#: Verdicts on what is said to be so, the least favourable first.
_ORDER = (Verdict.UNDECIDED, Verdict.FALSE, Verdict.TRUE_IF, Verdict.TRUE)


@dataclass(frozen=True)
class Document:
    """A published note, cited as it cites itself. ``lacks`` says what it does not give; ``letters`` are its own, by role."""

    key: str
    title: str
    author: str = ""
    date: str = ""
    place: str = ""
    lacks: str = ""
    letters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class _Check:
    """``says`` is what this check is about, where the statement has several; ``why`` what there is to know of it."""

    verdict: Verdict
    says: str = ""
    why: str = ""
    aside: bool = False


@dataclass(frozen=True, kw_only=True)
class FormulaCheck(_Check):
    """A relation as printed, with the conditions that the document gives.

    ``needs`` are conditions that it does not give, or gives elsewhere, and that the relation is true under: "true if".
    ``right`` are the true relations beside it. ``points`` is at how many points it is evaluated at most, None for all.
    """

    claim: Claim
    needs: tuple[Condition, ...] = ()
    right: tuple[Claim, ...] = ()
    points: int | None = None


@dataclass(frozen=True, kw_only=True)
class ChainCheck(_Check):
    """A printed derivation, line by line. ``first_false`` is the number of the first step that does not follow, or 0."""

    parts: tuple[Part, ...]
    first_false: int = 0


@dataclass(frozen=True, kw_only=True)
class DefinitionCheck(_Check):
    """A formula, by entries i or without an index, that is what a function of the catalog computes.

    ``arguments`` are the letters that the function takes; ``keywords`` map a keyword to a letter or to a plain value.
    """

    formula: Node
    function: str
    arguments: tuple[str, ...]
    keywords: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class NumbersCheck(_Check):
    """Printed numbers, row by row, and the formula that they are values of, at a point.

    ``places`` is how many places after the point the numbers were printed with where trailing zeros were cut; None: as
    many as each has.
    """

    formula: Node
    at: Mapping[str, tuple[Fraction, ...]]
    printed: tuple[tuple[str, ...], ...]
    places: int | None = None


@dataclass(frozen=True, kw_only=True)
class ProgramCheck(_Check):
    """What a program does on an input: ``gives`` maps each thing observed to what came out.

    ``expected`` is what the document says of some of them; without it the program is shown as it is.
    """

    program: str
    given: Mapping[str, Any]
    gives: Mapping[str, str]
    expected: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


Check: TypeAlias = FormulaCheck | ChainCheck | DefinitionCheck | NumbersCheck | ProgramCheck


@dataclass(frozen=True)
class Statement:
    """One statement of a document. ``id`` is that of the document and a speaking half: 004/entropy-gradient.

    ``says`` is what it says, in one sentence; ``where`` the heading that it stands under; ``why`` the reason of the
    verdict; ``topic`` the derivation of what is right; ``letters`` are the document's, with those used here alone.
    """

    id: str
    document: Document
    kind: str
    says: str
    verdict: Verdict
    checks: tuple[Check, ...]
    where: str = ""
    why: str = ""
    topic: str = ""
    in_floats: str = ""
    letters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lexicon: Lexicon = field(default=COMMON, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The speaking half of the id."""
        return self.id.partition("/")[2]

    @property
    def needs(self) -> tuple[Condition, ...]:
        """The conditions of a verdict "true if"."""
        found = (c.needs for c in self.checks if isinstance(c, FormulaCheck) and not c.aside)
        return tuple(dict.fromkeys(condition for needs in found for condition in needs))


def combined(kind: str, verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a statement from those on its checks, those aside left out.

    The least favourable: undecided, false, true if, true. A definition that is one, and a program that does what is
    recorded, have no other verdict than that.
    """
    judged = [v for v in verdicts if v is not Verdict.PROGRAM]
    least = min(judged, key=_ORDER.index, default=Verdict.TRUE)
    if least is Verdict.TRUE and kind in ("definition", "program"):
        return Verdict(kind)
    return least
