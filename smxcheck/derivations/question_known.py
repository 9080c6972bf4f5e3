"""The right formula beside a wrong one, and the published note that makes the same error, found by their numbers.

Two sides are the same when their numbers are, at generic points: so ``diff(-sum(k, y[k]*log(p[k])), z[i])`` is found as
``diff(CE, z[i])``, and in whatever letters its indices are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from smxcheck.derivations.execute import DIFFER, setting_of
from smxcheck.derivations.points import Point, points
from smxcheck.derivations.statement import FormulaCheck, Verdict
from smxcheck.derivations.topics import topics
from smxcheck.derivations.verdicts import statements
from smxcheck.formula.evaluate import TooCostly, Undefined, evaluate
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.symbols import INDICES
from smxcheck.formula.tree import (
    Claim,
    Diff,
    Index,
    IndexRelation,
    Item,
    Name,
    Node,
    Over,
    Relation,
    children,
    free_indices,
    walk,
)

#: Points at which two sides are compared, each with all its indices different and with all the same: one with one-hot
#: labels, one with a distribution, one with labels of another sum.
_PROBES = 3


@dataclass(frozen=True)
class Known:
    """A result of a derivation, or a published formula, with its id, in the claim's own indices."""

    id: str
    claim: Claim


def known(relation: Relation, lexicon: Lexicon) -> Known | None:
    """What the side of a relation that is a derivative is, by the topics; where none is one, the left side.

    Results about a derivative are preferred for one, then results without conditions.
    """
    if relation.operator != "==" or relation.order is not None:
        return None
    results = [(topic.id, claim, topic.lexicon) for topic in topics().values() for claim in topic.results]
    sides = [side for side in (relation.left, relation.right) if any(isinstance(part, Diff) for part in walk(side))]
    for side in sides or [relation.left]:
        if isinstance(side, Name | Item):  # a letter is what it is defined to be
            continue
        found = list(_matches(side, lexicon, results))
        if found:
            return min(found, key=lambda k: (not _same_kind(k.claim.relation.left, side), len(k.claim.conditions)))
    return None


def _same_kind(one: Node, other: Node) -> bool:
    """Whether both are derivatives, or neither: p is the gradient of L, but what L changes by is told by the latter."""
    return isinstance(one, Diff) == isinstance(other, Diff)


def published(claim: Claim, lexicon: Lexicon) -> str:
    """The id of a published statement that is false and says the same; empty where there is none."""
    relation = _with_one_letter(claim)
    if relation.operator != "==" or relation.order is not None:
        return ""
    false = [
        (statement.id, check.claim, statement.lexicon)
        for statement in statements().values()
        for check in statement.checks
        if isinstance(check, FormulaCheck) and check.verdict is Verdict.FALSE
    ]
    letters = free_indices(relation.left)
    if set(free_indices(relation.right)) - set(letters):
        return ""
    for found in _matches(relation.left, lexicon, false):
        if _equal(relation.right, found.claim.relation.right, letters, lexicon):
            return found.id
    return ""


def _with_one_letter(claim: Claim) -> Relation:
    """The relation with one letter in the place of two that a condition makes equal."""
    letters = {letter: letter for letter in free_indices(claim.relation)}
    for condition in claim.conditions:
        match condition:
            case IndexRelation("==", str(left), str(right)):
                letters = {letter: left if chosen == right else chosen for letter, chosen in letters.items()}
    merged = in_letters(Claim(claim.relation), letters)
    return merged.relation if merged is not None else claim.relation


def _equal(one: Node, other: Node, letters: tuple[str, ...], lexicon: Lexicon) -> bool:
    if set(free_indices(other)) - set(letters):
        return False
    where = _probes((one, other), lexicon)
    numbers = _values(one, letters, lexicon, where)
    return numbers is not None and _same(other, letters, lexicon, where, numbers)


def _probes(nodes: Sequence[Node], lexicon: Lexicon) -> list[Point]:
    return list(points(lexicon, nodes, _PROBES, 5))[-_PROBES:]


def _matches(side: Node, lexicon: Lexicon, candidates: Iterable[tuple[str, Claim, Lexicon]]) -> Iterator[Known]:
    """Those of the candidates whose left side is this one, in its letters."""
    letters, given = free_indices(side), lexicon.given([side])
    where = _probes([side], lexicon)
    numbers = _values(side, letters, lexicon, where) if given else None
    if numbers is None or not any(numbers):
        return
    for name, claim, its in candidates:
        result = claim.relation
        own = {symbol.name for symbol in its.own}
        if (
            result.operator != "==" or result.order is not None or own & its.used([claim, side])
            or len(free_indices(result.left)) != len(letters) or lexicon.given([result.left]) != given
        ):  # fmt: skip
            continue
        renamed = in_letters(claim, dict(zip(free_indices(result.left), letters, strict=True)))
        if renamed is not None and _same(renamed.relation.left, letters, lexicon, where, numbers):
            yield Known(name, renamed)


def _values(side: Node, letters: tuple[str, ...], lexicon: Lexicon, where: list[Point]) -> list[Any] | None:
    """The numbers of a side at the points; None where it has none."""
    setting = setting_of(side)
    found = []
    try:
        for first, point in enumerate(where):  # another class each time: where all indices are 1, k != i is k != 1
            at = point.environment(lexicon, setting.order, setting.digits)
            for step in (1, 0):
                choice = {letter: 1 + (first + step * number) % point.classes for number, letter in enumerate(letters)}
                found.append(evaluate(side, at, choice))
    except (Undefined, TooCostly):
        return None
    return found


def _same(side: Node, letters: tuple[str, ...], lexicon: Lexicon, where: list[Point], numbers: list[Any]) -> bool:
    found = _values(side, letters, lexicon, where)
    return found is not None and all(
        abs(a - b) <= max(abs(a), abs(b), 1) * a.context.mpf(10) ** -DIFFER for a, b in zip(found, numbers, strict=True)
    )


# ---- in other letters


def in_letters(claim: Claim, letters: Mapping[str, str]) -> Claim | None:
    """A claim with other letters for its free indices; those that it binds get out of their way.

    None where there are not enough letters.
    """
    bound = list(dict.fromkeys(part.index for part in walk(claim) if isinstance(part, Over)))
    free = [letter for letter in INDICES if letter not in letters.values() and letter not in bound]
    chosen: dict[str, str] = dict(letters)
    for letter in bound:
        if letter in letters.values():
            if not free:
                return None
            chosen[letter] = free.pop(0)
        elif letter in letters:  # bound here, free elsewhere: one name for two things
            return None
    renamed: Claim = _renamed(claim, chosen)
    return renamed


def _renamed(node: Any, letters: Mapping[str, str]) -> Any:
    changed: dict[str, Any] = {}
    for f in fields(node):
        value = getattr(node, f.name)
        if isinstance(value, Node):
            changed[f.name] = _renamed(value, letters)
        elif isinstance(value, tuple) and any(isinstance(part, Node) for part in value):
            changed[f.name] = tuple(_renamed(part, letters) for part in value)
        elif _holds_indices(node, f.name):
            changed[f.name] = _index(value, letters)
    return replace(node, **changed)


def _holds_indices(node: Node, name: str) -> bool:
    return name in ("index", "without") or (name in ("left", "right") and not list(children(node)))


def _index(value: Index | tuple[Index, ...] | None, letters: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_index(part, letters) for part in value)
    return letters.get(value, value) if isinstance(value, str) else value
