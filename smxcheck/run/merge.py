"""Reports put together: the parts of a run as one, settled again as if it had never been split; and runs of several targets.

What a part hands on (`smxcheck.judge.result.Part`) are its results as they were before anything was judged across cases.
They are put into the order of the whole run, and go through the functions that settle a whole run.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from smxcheck.caseset.load import parse_id
from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.judge import behaves, problems
from smxcheck.judge.call import Demand
from smxcheck.judge.result import Broken, Likened, Part, Problem, Report, Result, Seen, TargetReport, Traits
from smxcheck.oracle import tally
from smxcheck.run import known
from smxcheck.run.applicable import sentences
from smxcheck.run.settle import GROUP, choices_of, explained, properties, settled, wrong_ones
from smxcheck.run.shard import accepted_in, demand_in, lacking_in
from smxcheck.run.union import fuzzed, rechecked, target_reports


@dataclass
class _Whole:
    """What all parts saw of one function of a target: results with the places of their cases, and the rest together."""

    results: list[tuple[int, Result]] = field(default_factory=list)
    classes: dict[str, frozenset[str]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    broken: dict[tuple[str, str], Broken] = field(default_factory=dict)
    traits: dict[str, Traits] = field(default_factory=dict)
    looked: dict[str, float] = field(default_factory=dict)  # weights by case
    likened: list[tuple[tuple[str, ...], Likened]] = field(default_factory=list)  # with the cases of its positions


def whole(parts: Sequence[Report]) -> Report:
    """One report from the parts of a run. ``parts`` fit together, by `smxcheck.run.union.groups`.

    Where parts are missing, the report says so and never passes. Raises ValueError for a file that no run wrote.
    """
    first = parts[0]
    of = first.part
    assert of is not None
    numbers = [int(report.shard.partition("/")[0]) for report in parts]
    missing = tuple(i for i in range(1, int(first.shard.partition("/")[2]) + 1) if i not in numbers)
    demand, accepted = demand_in(of), accepted_in(of)
    results: list[Result] = []
    found: list[Problem] = []
    for (target, function), seen in _by_function(parts).items():
        mine, of_function = _settled(target, function, seen, demand, of.again)
        results += mine
        found += of_function
    found = [_carried(problem, parts) for problem in found]
    marked, told = tuple(results), tuple(found)
    notices: tuple[str, ...] = ()
    if accepted:
        ended = not any(r.interrupted for r in parts)
        covered = ended and not (missing or any(of.asked.get(key) for key in ("-k", "case", "inputs")))
        marked, told, notices = known.apply(accepted, marked, told, datetime.date.today(), covered)
    return replace(
        first,
        targets=tuple(_target(t, parts, [r for r in marked if r.target == t.name]) for t in target_reports(parts)),
        results=marked, problems=told, notices=notices, seconds=sum(r.seconds for r in parts),
        oracle=_added(r.oracle for r in parts), recheck=rechecked(parts), fuzzed=fuzzed(parts), kept=None,
        interrupted=any(r.interrupted for r in parts), shard="", part=Part(of.cases, of.asked, of.again, missing=missing) if missing else None,
    )  # fmt: skip


def _target(target: TargetReport, parts: Sequence[Report], results: Sequence[Result]) -> TargetReport:
    """With what is said of it from all results."""
    gaps = [gap for report in parts if report.part for gap in report.part.gaps.get(target.name, ())]
    lacking = lacking_in(list(dict.fromkeys(gaps)))
    lacking.sort(key=lambda entry: list(FUNCTIONS).index(entry.function) if entry.function in FUNCTIONS else -1)
    return replace(target, choices=choices_of(results), not_tested=sentences(lacking, {r.function for r in results}))


def _by_function(parts: Sequence[Report]) -> dict[tuple[str, str], _Whole]:
    """In the order of a whole run: by function, then by target."""
    found: dict[tuple[str, str], _Whole] = {}
    for report in parts:
        results: dict[tuple[str, str], list[Result]] = {}
        for r in report.results:
            if r.group != GROUP:
                results.setdefault((r.target, r.function), []).append(r)
        for seen in report.part.seen if report.part else ():
            key = seen.target, seen.function
            mine = results.get(key, [])
            of_unit, results[key] = mine[: len(seen.places)], mine[len(seen.places) :]
            _add(found.setdefault(key, _Whole()), of_unit, seen)
        if left := next((key for key, mine in results.items() if mine), None):
            raise ValueError(f"report.part.seen does not account for every result of {left[1]} of {left[0]}")
    targets = [t.name for report in parts for t in report.targets]
    known_order = list(FUNCTIONS)
    return dict(sorted(found.items(), key=lambda kv: (known_order.index(kv[0][1]), targets.index(kv[0][0]))))


def _add(to: _Whole, results: Sequence[Result], seen: Seen) -> None:
    if seen.function not in FUNCTIONS or len(results) != len(seen.places) or len(seen.looked) != len(seen.weights):
        raise ValueError(f"report.part.seen of {seen.function[:40]!a} does not fit the results")
    place_of = {}
    for i, (place, r) in enumerate(zip(seen.places, results, strict=True)):
        to.results.append((place, replace(seen.before.get(i, r), known="")))
        place_of[r.case] = place
    to.classes.update({name: frozenset(of) for name, of in seen.classes.items()})
    to.calls.update(seen.calls)
    for dtype, case in seen.first.items():
        to.first[dtype] = min(to.first.get(dtype, (place_of.get(case, 0), case)), (place_of.get(case, 0), case))
    for b in seen.broken:
        here = to.broken.get((b.dtype, b.code))
        shortest = b if here is None else min(here, b, key=lambda one: (len(one.input), one.place))
        to.broken[b.dtype, b.code] = replace(shortest, count=b.count + (here.count if here else 0))
    to.traits.update(seen.traits)
    to.looked.update(zip(seen.looked, seen.weights, strict=True))
    to.likened += [(seen.looked, one) for one in seen.likened]


def _settled(
    target: str, function: str, seen: _Whole, demand: Demand, again: str
) -> tuple[list[Result], list[Problem]]:  # fmt: skip
    """The results and problems of one function, as `smxcheck.run.unit` makes them."""
    ordered = [r for _, r in sorted(seen.results, key=lambda pair: pair[0])]
    results = settled(ordered, seen.classes, demand)
    first = {dtype: case for dtype, (_, case) in sorted(seen.first.items())}
    calls = dict(sorted(seen.calls.items(), key=lambda item: seen.first.get(item[0], (0, ""))[0]))
    results += properties(target, function, results, first, calls, seen.broken, demand)
    wrong = wrong_ones(results, _Cases(seen.traits))
    looked = [w for w in wrong if w.result.case in seen.looked and w.result.group != GROUP][: behaves.MOST_WRONG]
    position: dict[str, list[int]] = {}
    for i, w in enumerate(looked):
        position.setdefault(w.result.case, []).append(i)
    likened = _together(seen.likened, position)
    likenesses = behaves.likenesses_in(function, likened, [seen.looked[w.result.case] for w in looked])
    found = explained(likenesses, looked, wrong)
    return results, problems.group(target, function, wrong, found, problems.mostly_wrong(results), again) if wrong else []


class _Cases(dict[str, Case]):
    """The cases of wrong results, as far as problems need them."""

    def __init__(self, traits: Mapping[str, Traits]) -> None:
        super().__init__({name: _case(name, of) for name, of in traits.items()})

    def __missing__(self, name: str) -> Case:
        raise ValueError(f"report.part.seen lacks the traits of {name[:80]!a}")


def _case(name: str, traits: Traits) -> Case:
    of = parse_id(name)
    return Case(of.function, of.group, of.name, of.dtype, "", "", dict, layout=traits.layout, bugs=traits.bugs,
                elements=traits.elements, acceptance=traits.acceptance)  # fmt: skip


def _together(found: Iterable[tuple[tuple[str, ...], Likened]], position: Mapping[str, list[int]]) -> list[Likened]:
    """One record for each mistake, its positions among all the wrong results that are looked at."""
    merged: dict[tuple[str, bool], Likened] = {}
    for cases, one in found:
        if any(not 0 <= i < len(cases) for i in (*one.agreed, *one.akin)):
            raise ValueError("report.part.seen.likened has a position that there is not")
        agreed = tuple(p for i in one.agreed for p in position.get(cases[i], ()))
        akin = tuple(p for i in one.akin for p in position.get(cases[i], ()))
        here = merged.get((one.mistake, one.wider), Likened(one.mistake, one.wider, (), (), 0))
        merged[one.mistake, one.wider] = Likened(
            one.mistake, one.wider, here.agreed + agreed, here.akin + akin, here.contradicted + one.contradicted
        )
    return list(merged.values())


def _carried(problem: Problem, parts: Sequence[Report]) -> Problem:
    """With what a part found out about the same smallest case: a smaller one, and what the target beside gives."""
    for p in (p for report in parts for p in report.problems):
        if (p.target, p.function, p.check, p.smallest) == (problem.target, problem.function, problem.check, problem.smallest):
            return replace(problem, shrunk=p.shrunk, shrunk_again=p.shrunk_again, beside=p.beside)
    return problem


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Elements by tier."""
    total: Counter[str] = Counter()
    for of_part in counts:
        total.update(of_part)
    return {tier: total[tier] for tier in tally.TIERS if total[tier]}
