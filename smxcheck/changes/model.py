"""What a comparison of two reports found: frozen, read by every renderer, written to by nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from smxcheck.judge.result import Result


class Kind(StrEnum):
    """What became of a result; one per pair, worst first. The values are those of the JSON file."""

    NEWLY_WRONG = "newly-wrong"  # right → wrong, crashed or hung
    WRONG_NOW = "wrong-not-answered-before"  # declined, not run or undecided → wrong, crashed or hung
    NO_LONGER_RUN = "no-longer-run"  # right → not run
    NO_LONGER_DECIDED = "no-longer-decided"  # right → undecided
    NEWLY_DECLINED = "newly-declined"  # answered, right or wrong → declined
    LESS_ACCURATE = "less-accurate"  # right in both, as all below down to AS_BEFORE
    CHOICE_CHANGED = "choice-changed"
    MOVED = "bits-moved"  # no less accurate
    MOVED_UNMEASURED = "bits-moved-unmeasured"
    BITS_UNKNOWN = "bits-unknown"
    SAME_BITS = "same-bits"
    AS_BEFORE = "as-before"  # no bits belong to it: properties, drift, identities, refusals
    STILL_WRONG = "still-wrong"
    NOT_ANSWERED = "not-answered"  # not answered in the new report, and not right in the old one
    NEWLY_RIGHT = "newly-right"  # wrong → right
    NEWLY_ANSWERED = "newly-answered"  # declined, not run or undecided → right


class Bits(StrEnum):
    """What the digests of two outputs say."""

    SAME = "same"
    MOVED = "moved"
    UNKNOWN = "unknown"  # an answer without a digest
    NONE = "none"  # there is no output to compare: a property, a refusal, a call that did not return


class FailOn(StrEnum):
    """What ``--fail-on`` adds to the failures."""

    MOVED = "moved"
    LESS_ACCURATE = "less-accurate"
    CHOICES = "choices"
    NEWLY_DECLINED = "newly-declined"


@dataclass(frozen=True)
class Pair:
    """A result then and now. ``growth`` is new largest error over old, where both are known and the result is less accurate
    in that figure; ``flushed`` is how many elements more are flushed to zero."""

    old: Result
    new: Result
    kind: Kind
    bits: Bits
    less_accurate: bool = False
    growth: float | None = None
    flushed: int = 0
    choices: tuple[tuple[str, str, str], ...] = ()  # (choice, then, now) of those that changed

    @property
    def accepted(self) -> str:
        """The reason, where a --known file accepts what is wrong now."""
        return self.new.known


class About(StrEnum):
    """What a difference is about; the first can move bits without any change of the target."""

    CPU = "cpu"
    CASES = "cases"
    JUDGE = "judge"
    VERSION = "version"
    OTHER = "other"


@dataclass(frozen=True)
class Difference:
    """A fact that is not the same in both reports, as a line: ``CPU path: AVX2 -> AVX512``."""

    about: About
    text: str


@dataclass(frozen=True)
class Matched:
    """A target then and now; the names differ where two were paired. ``versions`` are lines like ``torch 2.12.0 -> 2.13.0``."""

    old: str
    new: str
    versions: tuple[str, ...] = ()
    by_hand: bool = False  # by --map


@dataclass(frozen=True)
class Lone:
    """Results that one report alone has, by function, and the ids of their cases."""

    side: str  # "old" or "new"
    results: int
    functions: tuple[tuple[str, int], ...]
    case_ids: tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    """Everything that a comparison found."""

    targets: tuple[Matched, ...]
    pairs: tuple[Pair, ...]
    differences: tuple[Difference, ...]
    same: tuple[str, ...]  # what is the same and might not be: "case set 2", "CPU path"
    lone: tuple[Lone, ...] = ()
    other_inputs: tuple[str, ...] = ()  # case ids whose input is another one in the new report: not compared
    unmatched: tuple[tuple[str, str], ...] = ()  # (side, target)
    fail_on: frozenset[FailOn] = frozenset()
    notices: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Kind, int]:
        """Every kind with its number of pairs; the numbers add up to the intersection."""
        found = Counter(pair.kind for pair in self.pairs)
        return {kind: found[kind] for kind in Kind}

    @property
    def failures(self) -> tuple[Pair, ...]:
        """The pairs that make the exit code 1."""
        return tuple(pair for pair in self.pairs if fails(pair, self.fail_on))

    @property
    def exit_code(self) -> int:
        """1: something fails. 3: what was right is undecided now. 5: NEW answers nothing that both have. Else 0.

        A failure goes before what is undecided: it stays one however the rest would be decided.
        """
        if self.failures:
            return 1
        if any(pair.kind is Kind.NO_LONGER_DECIDED for pair in self.pairs):
            return 3
        return 5 if all(pair.kind in (Kind.NOT_ANSWERED, Kind.NEWLY_DECLINED) for pair in self.pairs) else 0


_ALWAYS = (Kind.NEWLY_WRONG, Kind.WRONG_NOW, Kind.NO_LONGER_RUN)


def fails(pair: Pair, on: frozenset[FailOn]) -> bool:
    """Whether a pair makes the exit code 1. What a --known file accepts never does; bits that moved count as moved whether
    or not the result is less accurate."""
    if pair.kind in _ALWAYS:
        return not pair.accepted
    right = pair.kind in (Kind.LESS_ACCURATE, Kind.CHOICE_CHANGED, Kind.MOVED, Kind.MOVED_UNMEASURED)
    wishes = {
        FailOn.MOVED: right and pair.bits is Bits.MOVED,
        FailOn.LESS_ACCURATE: pair.less_accurate,
        FailOn.CHOICES: bool(pair.choices),
        FailOn.NEWLY_DECLINED: pair.kind is Kind.NEWLY_DECLINED,
    }
    return any(wishes[one] for one in on)
