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
from smxcheck.judge.contract import parse_filter
from smxcheck.judge.result import Part, Problem, Recheck, Report, Result, TargetReport
from smxcheck.oracle import tally
from smxcheck.run import environment, fuzzing, known, published, recheck, shard
from smxcheck.run.applicable import sentences
from smxcheck.run.options import RunOptions
from smxcheck.run.pool import limits_of, run_units
from smxcheck.run.progress import Progress, Silent
from smxcheck.run.settle import choices_of
from smxcheck.run.unit import UnitResult
from smxcheck.store import cases as kept_cases
from smxcheck.store import folder as store_folder
from smxcheck.store.keep import keep
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
    """The cases of a run, or of its part."""
    return shard.mine(all_cases(options, functions), options.shard)


def all_cases(options: RunOptions, functions: Sequence[str]) -> list[Case]:
    """Those of the whole run: the case set, and the user's own inputs first where --inputs gives some."""
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
        found = kept_cases([i for i in ids if i.split("/")[1:2] == ["found"]], store_folder(Path.cwd()))
        ids = tuple(i for i in ids if i not in {c.id for c in found})
        return found + (load_cases(functions, options.dtypes, options.tier, options.text, ids) if ids else [])
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
    fuzzing.check(options)
    accepted = known.load(options.known) if options.known else ()
    sessions = open_targets(options.all_targets, options)
    try:
        return _run_opened(options, sessions, accepted, progress, started)
    finally:
        close(sessions)


def run_with(sessions: Sequence[Session], options: RunOptions, progress: Progress | None = None) -> Report:
    """Run with sessions that are open already, in this process."""
    fuzzing.check(options)
    accepted = known.load(options.known) if options.known else ()
    return _run_opened(options, list(sessions), accepted, progress or Silent(), time.monotonic())


def _run_opened(
    options: RunOptions, sessions: list[Session], accepted: tuple[known.Known, ...], progress: Progress, started: float
) -> Report:  # fmt: skip
    infos = [s.info for s in sessions]
    whole = all_cases(options, offered_functions(options, infos))
    cases = shard.mine(whole, options.shard)
    units: dict[str, list[Case]] = {}
    for case in cases:
        units.setdefault(case.function, []).append(case)
    progress.start(sum(f in i.offers for f, some in units.items() for i in infos for _ in some))
    deadline = None if options.time_limit is None else started + options.time_limit
    with published.beside(options.published, options.jobs, deadline) as statements:
        try:
            found, interrupted = run_units(units, sessions, options, deadline, progress)
            judged = None if interrupted else statements()
            drawn = fuzzing.Outcome() if interrupted else fuzzing.fuzz(options, sessions, found, deadline, progress)
        finally:
            progress.finish()
    found, interrupted = [*found, *drawn.units], interrupted or drawn.interrupted
    report = assemble(options, infos, found, accepted, interrupted, time.monotonic() - started)
    if options.shard:
        report = replace(report, shard="/".join(map(str, options.shard)), part=_part(options, whole, found, accepted))
    report = replace(report, published=judged, fuzzed=drawn.fuzzed)
    return keep(report, [*cases, *drawn.cases], sessions, options, deadline)


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
        whole = not (options.text or options.ids or options.inputs or options.shard or interrupted)
        results, problems, notices = known.apply(accepted, results, problems, datetime.date.today(), whole)
    return Report(
        targets=tuple(_target_report(i, options, ordered, results) for i in infos),
        results=results, problems=problems, require=options.demand.require, tier=options.tier,
        dtypes=options.dtypes, environment=environment.describe(), command=options.command, seconds=seconds,
        own=options.own, max_ulp=options.demand.max_ulp, exit_zero=options.exit_zero, interrupted=interrupted,
        notices=notices, beside=options.beside or "", oracle=_added(u.oracle for u in found),
        recheck=_rechecked(ordered) if options.recheck else None,
    )  # fmt: skip


def _part(
    options: RunOptions, whole: Sequence[Case], found: Sequence[UnitResult], accepted: Sequence[known.Known]
) -> Part:  # fmt: skip
    ordered = sorted(found, key=lambda u: _order(u.results))
    return shard.part(options, whole, [(u.results, u.seen) for u in ordered], limits_of(options, None).again, accepted,
                      {t: [s for u in ordered for s in u.not_tested.get(t, ())] for u in ordered for t in u.not_tested})  # fmt: skip


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
    lacking = [s for u in found for s in u.not_tested.get(info.name, ())]
    return TargetReport(
        name=info.name, versions=info.versions, arrays=info.arrays,
        functions={f: o.spelled for f, o in info.offers.items() if f in checked},
        import_seconds=info.import_seconds, path=info.path, sha256=_digest(info.path),
        not_tested=sentences(lacking, checked),
        choices=choices_of(mine),
        notes=info.notes, expected_wrong=info.name in options.expected_wrong,
        beside=_is_beside(info, options),
    )  # fmt: skip


def _digest(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    except OSError:
        return ""  # the file went away during the run; the report then has no digest of it
