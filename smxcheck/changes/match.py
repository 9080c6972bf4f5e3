"""Which result of one report is the same question as which of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smxcheck.changes.model import Lone, Matched
from smxcheck.judge.result import Report, Result, TargetReport
from smxcheck.report.summary import judged_targets

#: Target, function, dtype, case id (of a property its code), and the how-manieth: the name of a question.
Key = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Intersection:
    """``pairs`` are in the order of the new report; the flag says that a result is a second one of its call, made of no
    output of its own (the drift of a row beside its values)."""

    pairs: tuple[tuple[Result, Result, bool], ...]
    lone: tuple[Lone, ...]
    other_inputs: tuple[str, ...]


def targets(
    old: Report, new: Report, wishes: Sequence[str]
) -> tuple[tuple[tuple[TargetReport, TargetReport, bool], ...], tuple[tuple[str, str], ...]]:  # fmt: skip
    """The targets that belong together, then, now, and whether ``--map`` says so; and those left over, with their side.

    First what ``wishes`` (OLD=NEW) pair, then equal names, then one target that is the only one of its report with the only
    one of the other. Raises ValueError for a wish that names no target of its report, or one twice.
    """
    before = {t.name: t for t in judged_targets(old)}
    after = {t.name: t for t in judged_targets(new)}
    asked = [_wish(text, before, after) for text in wishes]
    for place, side in enumerate(("OLD", "NEW")):
        if twice := [name for name, n in Counter(names[place] for names in asked).items() if n > 1]:
            raise ValueError(f"--map: {twice[0]} of {side} is mapped twice: leave one out")
    taken = {a for a, _ in asked}, {b for _, b in asked}
    names = [(name, name) for name in before if name in after and name not in taken[0] and name not in taken[1]]
    if not asked and not names and len(before) == len(after) == 1:
        names = [(next(iter(before)), next(iter(after)))]
    joined = {pair: pair in asked for pair in (*asked, *names)}
    found = tuple((before[a], after[b], by_hand) for (a, b), by_hand in joined.items())
    left = [("old", name) for name in before if name not in {a for a, _ in joined}]
    left += [("new", name) for name in after if name not in {b for _, b in joined}]
    return found, tuple(left)


def _wish(text: str, old: Iterable[str], new: Iterable[str]) -> tuple[str, str]:
    """``OLD=NEW``; the name of a target may have a sign of equality in it, so every one is tried."""
    cuts = [(text[:i], text[i + 1 :]) for i, character in enumerate(text) if character == "="]
    found = [(a, b) for a, b in cuts if a in old and b in new]
    if len(found) != 1:
        raise ValueError(f"--map {text}: expected OLD=NEW; OLD has {_names(old)}, NEW has {_names(new)}")
    return found[0]


def _names(names: Iterable[str]) -> str:
    return ", ".join(names) or "no target"


def intersect(old: Report, new: Report, matched: Sequence[Matched]) -> Intersection:
    """The questions that both reports answer, and those that one alone has."""
    before = _keyed(old.results, {m.old: m.new for m in matched})
    after = _keyed(new.results, {m.new: m.new for m in matched})
    both = [(before[key], result, key) for key, result in after.items() if key in before]
    moved = {r.case for o, r, _ in both if _another_input(o, r)}
    pairs = tuple((o, r, key[4] > 0) for o, r, key in both if r.case not in moved or r.group == "properties")
    lone = (
        _lone("old", [r for key, r in before.items() if key not in after]),
        _lone("new", [r for key, r in after.items() if key not in before]),
    )
    return Intersection(pairs, tuple(one for one in lone if one.results), tuple(sorted(moved)))


def _keyed(results: Iterable[Result], names: Mapping[str, str]) -> dict[Key, Result]:
    """A property is one result per target, function and dtype, at whichever case showed it. Another is named by its case;
    where a call has several, they come in one order: the values, then the drift of the row."""
    found: dict[Key, Result] = {}
    seen: Counter[tuple[str, str, str, str]] = Counter()
    for r in results:
        if r.target in names:
            stem = (names[r.target], r.function, r.dtype, r.check if r.group == "properties" else r.case)
            found[*stem, seen[stem]] = r
            seen[stem] += 1
    return found


def _another_input(old: Result, new: Result) -> bool:
    """Whether the id stands for another call now. A text that is not there says nothing."""
    return bool(old.input and new.input) and old.input != new.input and old.group != "properties"


def _lone(side: str, results: Sequence[Result]) -> Lone:
    return Lone(side, len(results), tuple(Counter(r.function for r in results).items()), _ids(results))


def _ids(results: Iterable[Result]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(r.case for r in results if r.group != "properties"))
