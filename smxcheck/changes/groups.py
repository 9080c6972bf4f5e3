"""Pairs put together as they are shown: by function and check or dtype, the worst first."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from smxcheck.changes.model import Changes, Kind, Pair

#: What is shown as a block of its own, in order of harm.
BLOCKS = (Kind.NEWLY_WRONG, Kind.WRONG_NOW, Kind.NO_LONGER_RUN, Kind.NO_LONGER_DECIDED)


@dataclass(frozen=True)
class Group:
    """Pairs of one kind that belong together, shown by ``first``."""

    kind: Kind
    target: str
    function: str
    check: str
    dtypes: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def first(self) -> Pair:
        return self.pairs[0]

    @property
    def accepted(self) -> str:
        """The reasons, where a --known file accepts all of them."""
        reasons = dict.fromkeys(pair.accepted for pair in self.pairs)
        return "" if "" in reasons else "; ".join(reasons)


def blocks(changes: Changes) -> list[Group]:
    """What is wrong, not run or undecided now and was not: by target, function and check, simplest input first.

    What a --known file accepts is last.
    """
    found = [
        group
        for kind in BLOCKS
        for group in _grouped(changes, lambda p, kind=kind: p.kind is kind, lambda p: p.new.check, _simplest)  # type: ignore[misc]
    ]
    return sorted(found, key=lambda group: bool(group.accepted))


def less_accurate(changes: Changes) -> list[Group]:
    """By target, function and dtype; the largest growth first, within a group and between them."""
    found = _grouped(changes, lambda p: p.less_accurate, lambda p: p.new.dtype, worst_first)
    return sorted(found, key=lambda group: worst_first(group.first))


def of_kind(changes: Changes, kind: Kind) -> list[Group]:
    """Pairs of a kind by target and function."""
    return _grouped(changes, lambda p: p.kind is kind, lambda p: "", _simplest)


def choices(changes: Changes) -> list[tuple[str, str, str, list[Pair]]]:
    """Every (choice, then, now) with its pairs, the commonest first."""
    found: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for pair in changes.pairs:
        for changed in pair.choices:
            found[changed].append(pair)
    return [(*changed, pairs) for changed, pairs in sorted(found.items(), key=lambda item: -len(item[1]))]


def worst_first(pair: Pair) -> tuple[float, int, str]:
    """By growth of the largest error, then by elements that are flushed to zero."""
    return (-(pair.growth if pair.growth is not None else 0.0), -pair.flushed, pair.new.case)


def _simplest(pair: Pair) -> tuple[bool, int, str]:
    return (pair.new.group != "acceptance", len(pair.new.input), pair.new.case)


def _grouped(
    changes: Changes, wanted: Callable[[Pair], bool], apart: Callable[[Pair], str], order: Callable[[Pair], tuple[object, ...]]
) -> list[Group]:  # fmt: skip
    """Groups by target, function and what sets them ``apart``, the largest first."""
    found: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for pair in filter(wanted, changes.pairs):
        found[pair.new.target, pair.new.function, apart(pair)].append(pair)
    groups = [_group(sorted(pairs, key=order)) for pairs in found.values()]
    return sorted(groups, key=lambda group: -len(group.pairs))


def _group(pairs: list[Pair]) -> Group:
    first = pairs[0]
    dtypes = tuple(dict.fromkeys(pair.new.dtype for pair in pairs))
    return Group(first.kind, first.new.target, first.new.function, first.new.check, dtypes, tuple(pairs))


def worst_growth(pairs: Iterable[Pair]) -> float | None:
    """The largest growth of an error among pairs that have one."""
    return max((pair.growth for pair in pairs if pair.growth is not None and not math.isnan(pair.growth)), default=None)
