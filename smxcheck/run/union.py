"""Which reports fit together, and what of them only needs to be put side by side."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from smxcheck.judge.result import Fuzzed, Recheck, Report, TargetReport
from smxcheck.run.shard import parse

#: What of the environment makes two verdicts answers to different questions.
_QUESTION = ("smxcheck", "case_set", "judge")


class MergeError(Exception):
    """The reports do not fit together: one line with the remedy."""


def groups(named: Sequence[tuple[str, Report]]) -> list[list[tuple[str, Report]]]:
    """The reports, each with the name of its file, those that are parts of one run together, in the order of the parts.

    Raises MergeError where two do not fit: other versions, demands or dtypes, a part twice, a target twice.
    """
    for name, report in named:
        _check_versions(*named[0], name, report)
    runs: dict[str, list[tuple[str, Report]]] = {}
    for name, report in named:
        runs.setdefault(_run_of(name, report), []).append((name, report))
    found = [sorted(run, key=lambda pair: parse(pair[1].shard) if pair[1].shard else (0, 0)) for run in runs.values()]
    for run in found:
        _check_parts(run)
    _check_targets(found)
    return found


def lacking(run: Sequence[tuple[str, Report]]) -> list[int]:
    """The parts that are not there."""
    if not run[0][1].shard:
        return []
    there = {parse(report.shard)[0] for _, report in run}
    return [i for i in range(1, parse(run[0][1].shard)[1] + 1) if i not in there]


def side_by_side(reports: Sequence[Report]) -> Report:
    """One report of the targets of all. They are of one kind, by `groups`."""
    if len(reports) == 1:
        return reports[0]
    first = reports[0]
    missing = [r.part for r in reports if r.part and r.part.missing]
    return replace(
        first,
        targets=tuple(t for r in reports for t in r.targets),
        results=tuple(x for r in reports for x in r.results),
        problems=tuple(p for r in reports for p in r.problems),
        notices=tuple(dict.fromkeys(text for r in reports for text in r.notices)),
        seconds=sum(r.seconds for r in reports), fuzzed=tuple(f for r in reports for f in r.fuzzed),
        oracle={tier: sum(r.oracle.get(tier, 0) for r in reports) for r in reports for tier in r.oracle},
        recheck=rechecked(reports), kept=None, part=missing[0] if missing else None,
        exit_zero=all(r.exit_zero for r in reports), interrupted=any(r.interrupted for r in reports),
    )  # fmt: skip


def machines(named: Sequence[tuple[str, Report]]) -> list[str]:
    """A sentence where the reports come from unlike machines or libraries."""
    kinds = {_machine(report) for _, report in named}
    if len(kinds) < 2:
        return []
    differing = [key for key in dict(next(iter(kinds))) if len({dict(kind).get(key) for kind in kinds}) > 1]
    values = "; ".join(f"{key} {' and '.join(sorted({str(dict(kind).get(key)) for kind in kinds}))}" for key in differing)
    return [f"Put together from runs in unlike environments: {values}. The environment of this report is that of the first."]


def _machine(report: Report) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in sorted(report.environment.items()))


def _check_versions(first_name: str, first: Report, name: str, report: Report) -> None:
    here = {key: report.environment.get(key) for key in _QUESTION}
    there = {key: first.environment.get(key) for key in _QUESTION}
    demands = {"require": (first.require, report.require), "max-ulp": (first.max_ulp, report.max_ulp),
               "cases": (first.tier, report.tier), "dtypes": (first.dtypes, report.dtypes)}  # fmt: skip
    demands |= {key.replace("_", " "): (there[key], here[key]) for key in _QUESTION}
    for what, (a, b) in demands.items():
        if a != b:
            raise MergeError(f"{name}: {what} {_spoken(b)}, in {first_name} {_spoken(a)}: only reports of one kind fit together")
    if report.own:
        raise MergeError(f"{name} is of a run without a target, which is complete as it is: leave it out")
    if report.part and report.part.missing:
        raise MergeError(f"{name} was put together without all its parts: give the parts themselves")


def _spoken(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _run_of(name: str, report: Report) -> str:
    """What is the same in the parts of one run; a whole report is a run by itself."""
    if not report.shard:
        return f"whole {name}"
    if report.part is None:
        raise MergeError(f"{name} is part {report.shard} of a run, and does not say what it saw: it is not as smxcheck wrote it")
    try:
        _, n = parse(report.shard)
    except ValueError:
        raise MergeError(f"{name}: {report.shard!r} is no part of a run: it is not as smxcheck wrote it") from None
    return json.dumps([n, report.part.cases, report.part.asked, [t.name for t in report.targets]], sort_keys=True)


def _check_parts(run: Sequence[tuple[str, Report]]) -> None:
    for (one, a), (two, b) in itertools.pairwise(run):
        if a.shard == b.shard:
            raise MergeError(f"{one} and {two} are both part {a.shard}: leave one out")
        for t, u in zip(a.targets, b.targets, strict=True):
            if (t.sha256, t.versions) != (u.sha256, u.versions):
                raise MergeError(f"{t.name} is not the same in {one} and {two}: {_unlike(t, u)}; run the parts on one state")


def _unlike(t: TargetReport, u: TargetReport) -> str:
    names = [f"{k} {t.versions.get(k)} and {u.versions.get(k)}" for k in {**t.versions, **u.versions} if t.versions.get(k) != u.versions.get(k)]
    return ", ".join(names) or "its file has other contents"


def _check_targets(runs: Sequence[Sequence[tuple[str, Report]]]) -> None:
    """No target is in two runs: two parts of one run that were asked for different things would else be two halves."""
    seen: dict[str, tuple[str, Report]] = {}
    for run in runs:
        name, report = run[0]
        for target in report.targets:
            if target.name in seen:
                other, before = seen[target.name]
                raise MergeError(f"{target.name} is in both {other} and {name}{_asked_otherwise(before, report)}: leave one out")
            seen[target.name] = (name, report)


def _asked_otherwise(a: Report, b: Report) -> str:
    """What two parts of runs of one target were asked for differently."""
    if not (a.part and b.part):
        return ""
    one: Mapping[str, Any] = {**a.part.asked, "number of parts": a.shard.partition("/")[2]}
    two: Mapping[str, Any] = {**b.part.asked, "number of parts": b.shard.partition("/")[2]}
    keys = [key for key in {**one, **two} if one.get(key) != two.get(key)]
    return f", which differ in {', '.join(keys)}" if keys else ""


def target_reports(parts: Sequence[Report]) -> list[TargetReport]:
    """The targets of the parts of a run, each with the functions and notes that any part had."""
    out = []
    for i, target in enumerate(parts[0].targets):
        mine = [report.targets[i] for report in parts]
        out.append(replace(
            target,
            functions={f: spelled for t in mine for f, spelled in t.functions.items()},
            import_seconds=max(t.import_seconds for t in mine),
            notes=tuple(dict.fromkeys(text for t in mine for text in t.notes)),
        ))  # fmt: skip
    return out


def rechecked(reports: Sequence[Report]) -> Recheck | None:
    """What the second arithmetic said, in all reports that asked it; functions are counted where most were."""
    mine = [r.recheck for r in reports if r.recheck]
    if not mine:
        return None
    return Recheck(
        mine[0].library, sum(r.questions for r in mine), max(r.functions for r in mine), sum(r.held for r in mine),
        sum(r.undecided for r in mine), tuple(text for r in mine for text in r.misses),
        tuple(dict.fromkeys(f for r in mine for f in r.left_out)),
    )  # fmt: skip


def fuzzed(parts: Sequence[Report]) -> tuple[Fuzzed, ...]:
    """What was drawn, the same function and dtype of a target together: each part draws for itself."""
    found: dict[tuple[str, str, str], Fuzzed] = {}
    for f in (f for report in parts for f in report.fuzzed):
        key = f.target, f.function, f.dtype
        before = found.get(key)
        if before is None:
            found[key] = f
            continue
        worst = max((before, f), key=lambda one: -1.0 if one.worst_ratio is None else one.worst_ratio)
        found[key] = replace(
            worst, inputs=before.inputs + f.inputs, found=tuple(dict.fromkeys(before.found + f.found)),
            seconds=before.seconds + f.seconds, left_out=before.left_out and f.left_out,
        )  # fmt: skip
    return tuple(found.values())
