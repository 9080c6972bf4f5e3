"""A whole run: targets opened, cases loaded, units run one after another or side by side, one report."""

from __future__ import annotations

import datetime
import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from smxcheck.caseset import load_cases, load_inputs
from smxcheck.caseset.model import Case, CaseError
from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.checks.consistency import observed
from smxcheck.judge.choices import CHOICES, sentence
from smxcheck.judge.contract import parse_filter
from smxcheck.judge.result import Problem, Recheck, Report, Result, TargetReport
from smxcheck.oracle import tally
from smxcheck.run import environment, known, published, recheck
from smxcheck.run.applicable import sentences
from smxcheck.run.options import RunOptions
from smxcheck.run.pool import run_units
from smxcheck.run.progress import Progress, Silent
from smxcheck.run.unit import UnitResult
from smxcheck.targets.gradients import AUTO, parse_gradient
from smxcheck.targets.load import open_sessions, parse_target
from smxcheck.targets.protocol import Session, TargetError, TargetInfo


def open_targets(texts: Sequence[str], options: RunOptions) -> list[Session]:
    """Every target, all before the first case runs. Raises TargetError, and leaves none open then."""
    specs = [parse_target(text) for text in texts]
    _check_gradients(options)
    opened: list[Session] = []
    try:
        for spec in specs:
            opened += open_sessions(spec, options.worker_options(spec.text))
        _distinct(opened)
    except BaseException:
        close(opened)
        raise
    return opened


def _check_gradients(options: RunOptions) -> None:
    """A gradient that is named has one target that it can be the gradient of. Raises TargetError."""
    named = [text for text in options.gradients if text != AUTO]
    for text in named:
        parse_gradient(text)
    if not named:
        return
    if len(options.targets) != 1:
        raise TargetError(f"--gradient {named[0]} is of one target, not of {', '.join(options.targets)}: name one")
    if parse_target(options.targets[0]).kind in ("builtin", "library"):
        raise TargetError(
            f"--gradient {named[0]}: {options.targets[0]} has its own derivatives, or none; name the callable that it is"
            " the gradient of"
        )


def _distinct(sessions: Sequence[Session]) -> None:
    names = [os.path.normpath(s.info.name) for s in sessions]  # ./kernel.py is kernel.py
    for name in names:
        if names.count(name) > 1:
            raise TargetError(f"the target {name} is named twice: leave one out")


def close(sessions: Sequence[Session]) -> None:
    """Close every session."""
    for session in sessions:
        session.close()


def select_cases(options: RunOptions, functions: Sequence[str]) -> list[Case]:
    """The cases of a run: the case set, and the user's own inputs first where --inputs gives some."""
    own: list[Case] = []
    if options.inputs:
        own = load_inputs(options.inputs, functions, options.dtypes)
        if options.text:
            own = [c for c in own if options.text.lower() in c.id.lower()]
        if options.ids is not None:
            return [c for c in own if c.id in options.ids] + _shipped(options, functions, own)
        return own
    return _shipped(options, functions, own)


def _shipped(options: RunOptions, functions: Sequence[str], own: Sequence[Case]) -> list[Case]:
    ids = options.ids
    if ids is not None:
        ids = tuple(i for i in ids if i not in {c.id for c in own})
        if any(i.split("/")[1:2] == ["inputs"] for i in ids) and not options.inputs:
            raise CaseError("a case of the group inputs is the user's own: name its file with --inputs FILE")
        if not ids:
            return []
    return load_cases(functions, options.dtypes, options.tier, options.text, ids)


def _is_beside(info: TargetInfo, options: RunOptions) -> bool:
    return info.name == options.beside and info.name not in options.targets


def offered_functions(options: RunOptions, infos: Sequence[TargetInfo]) -> list[str]:
    """Functions to check, in catalog order. Raises TargetError where a wish is offered by no target."""
    judged = [info for info in infos if not _is_beside(info, options)]
    offered = [f for f in FUNCTIONS if any(f in info.offers for info in judged)]
    if options.functions is None:
        return offered
    if not any(f in offered for f in options.functions):
        spoken = ", ".join(info.name for info in judged)
        given = [f for f in options.functions if FUNCTIONS[f].derivative_of in offered]
        refused = [note for info in judged for note in info.notes for f in options.functions if f" as {f}: " in note]
        remedy = f"; --gradient FILE.py:NAME names its {given[0]}, --arrays torch or jax derives it" if given else ""
        remedy = f"; {refused[0]}" if refused else remedy
        raise TargetError(
            f"{spoken}: offers none of {', '.join(options.functions)}; it offers {', '.join(offered)}{remedy}"
        )
    return [f for f in offered if f in options.functions]


def run(options: RunOptions, progress: Progress | None = None) -> Report:
    """Run it all. Raises TargetError, CaseError, KnownError or ValueError before the first case runs."""
    progress = progress or Silent()
    started = time.monotonic()
    parse_filter(options.only)
    accepted = known.load(options.known) if options.known else ()
    sessions = open_targets(options.all_targets, options)
    try:
        return _run_opened(options, sessions, accepted, progress, started)
    finally:
        close(sessions)


def run_with(sessions: Sequence[Session], options: RunOptions, progress: Progress | None = None) -> Report:
    """Run with sessions that are open already, in this process."""
    accepted = known.load(options.known) if options.known else ()
    return _run_opened(options, list(sessions), accepted, progress or Silent(), time.monotonic())


def _run_opened(
    options: RunOptions, sessions: list[Session], accepted: tuple[known.Known, ...], progress: Progress, started: float
) -> Report:  # fmt: skip
    infos = [s.info for s in sessions]
    cases = select_cases(options, offered_functions(options, infos))
    units: dict[str, list[Case]] = {}
    for case in cases:
        units.setdefault(case.function, []).append(case)
    progress.start(sum(f in i.offers for f, some in units.items() for i in infos for _ in some))
    deadline = None if options.time_limit is None else started + options.time_limit
    with published.beside(options.published, options.jobs, deadline) as statements:
        try:
            found, interrupted = run_units(units, sessions, options, deadline, progress)
            judged = None if interrupted else statements()
        finally:
            progress.finish()
    report = assemble(options, infos, found, accepted, interrupted, time.monotonic() - started)
    return replace(report, published=judged)


def assemble(
    options: RunOptions, infos: Sequence[TargetInfo], found: Sequence[UnitResult],
    accepted: tuple[known.Known, ...], interrupted: bool, seconds: float,
) -> Report:  # fmt: skip
    """One report from the units, whatever the order they came in."""
    ordered = sorted(found, key=lambda u: _order(u.results))
    results = tuple(r for u in ordered for r in u.results)
    problems = tuple(p for u in ordered for p in u.problems)
    notices: tuple[str, ...] = ()
    if accepted:
        results, problems, notices = known.apply(accepted, results, problems, datetime.date.today())
    return Report(
        targets=tuple(_target_report(i, options, ordered, results) for i in infos),
        results=results, problems=problems, require=options.demand.require, tier=options.tier,
        dtypes=options.dtypes, environment=environment.describe(), command=options.command, seconds=seconds,
        own=options.own, max_ulp=options.demand.max_ulp, exit_zero=options.exit_zero, interrupted=interrupted,
        notices=notices, beside=options.beside or "", oracle=_added(u.oracle for u in found),
        recheck=_rechecked(ordered) if options.recheck else None,
    )  # fmt: skip


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Elements by tier, whatever the order of the units."""
    total: Counter[str] = Counter()
    for of_unit in counts:
        total.update(of_unit)
    return {tier: total[tier] for tier in tally.TIERS if total[tier]}


def _rechecked(found: Sequence[UnitResult]) -> Recheck:
    functions = dict.fromkeys(u.results[0].function for u in found if u.results)
    return recheck.merged({case: checked for u in found for case, checked in u.rechecked.items()}, list(functions))


def _order(results: Sequence[Result] | Sequence[Problem]) -> int:
    return list(FUNCTIONS).index(results[0].function) if results else len(FUNCTIONS)


def _target_report(
    info: TargetInfo, options: RunOptions, found: Sequence[UnitResult], results: Sequence[Result]
) -> TargetReport:
    mine = [r for r in results if r.target == info.name]
    checked = {r.function for r in mine}
    answers: dict[str, dict[str, int]] = {}
    for (_, name), counts in observed(mine).items():
        merged = answers.setdefault(name, {})
        for answer, n in counts.items():
            merged[answer] = merged.get(answer, 0) + n
    lacking = [s for u in found for s in u.not_tested.get(info.name, ())]
    return TargetReport(
        name=info.name, versions=info.versions, arrays=info.arrays,
        functions={f: o.spelled for f, o in info.offers.items() if f in checked},
        import_seconds=info.import_seconds, path=info.path, sha256=_digest(info.path),
        not_tested=sentences(lacking, checked),
        choices={CHOICES[n].question: sentence(n, a) for n, a in answers.items()},
        notes=info.notes, expected_wrong=info.name in options.expected_wrong,
        beside=_is_beside(info, options),
    )  # fmt: skip


def _digest(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except OSError:
        return ""  # the file went away during the run; the report then has no digest of it
