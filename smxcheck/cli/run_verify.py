"""What ``smxcheck verify`` does once its options are parsed: settle, run, print, write, exit code."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smxcheck.caseset import CaseError
from smxcheck.catalog import FUNCTIONS
from smxcheck.cli.config import Config, load
from smxcheck.cli.errors import FAULT, Fail, complain
from smxcheck.dtypes import DEFAULT_DTYPES, FORMATS
from smxcheck.targets.protocol import TargetError

if TYPE_CHECKING:
    from smxcheck.judge.result import Report
    from smxcheck.run.options import RunOptions


@dataclass(frozen=True)
class Given:
    """The command line as typed; empty where nothing was."""

    targets: tuple[str, ...]
    functions: tuple[str, ...]
    dtypes: tuple[str, ...]
    cases: str
    text: str
    ids: tuple[str, ...]
    inputs: str
    list_only: bool
    arrays: str
    device: str
    fixed: tuple[str, ...]
    gradient: str
    only: str
    require: str
    max_ulp: float | None
    allow: tuple[str, ...]
    expect: tuple[str, ...]
    known: str
    reports: tuple[str, ...]
    format: str
    everything: bool
    quiet: bool
    verbose: bool
    jobs: int
    timeout: float
    compile_timeout: float
    time_limit: float | None
    seed: int
    beside: str
    stop_first: bool
    isolate: bool
    exit_zero: bool


def run(given: Given) -> int:
    """The whole command; the exit code."""
    from smxcheck.cli.screen import Screen
    from smxcheck.run.known import KnownError

    screen = Screen(given.format, given.everything, given.quiet, given.verbose)
    try:
        options = settle(given, load(Path.cwd()))
        _check_reports(given.reports)
        if given.list_only:
            return _list(options)
        from smxcheck.run import execute

        report = execute.run(options, screen.progress())
    except (TargetError, CaseError, KnownError, ValueError) as error:
        raise Fail(str(error)) from error
    return _conclude(report, given, screen)


def _conclude(report: Report, given: Given, screen: Any) -> int:
    """Print, then write; a report that cannot be written is a failure of the command."""
    from smxcheck.report.write import ReportError, write_report

    if report.interrupted:
        complain(f"interrupted after {len(report.results):,} results; no report was written")
        return report.exit_code
    screen.print(report)
    for text in given.reports:
        try:
            path = write_report(report, text)
        except ReportError as error:
            complain(str(error))
            return FAULT if report.exit_code == FAULT else 2
        if not given.quiet:
            print(f"wrote {path}", file=sys.stderr)
    return report.exit_code


def _check_reports(texts: tuple[str, ...]) -> None:
    """Formats and folders are looked at before the run, not after it."""
    from smxcheck.report.write import destination

    for text in texts:
        _, path = destination(text)
        if not path.parent.is_dir():
            raise Fail(f"--report {text}: there is no folder {path.parent}")
        if path.is_dir():
            raise Fail(f"--report {text}: {path} is a folder")


def settle(given: Given, config: Config) -> RunOptions:
    """The command line over the configuration over the defaults. Raises Fail or ValueError."""
    from smxcheck.api import allowed_codes, level
    from smxcheck.judge.call import Demand
    from smxcheck.judge.choices import parse_expectations
    from smxcheck.run.options import RunOptions

    if given.gradient:
        raise Fail("--gradient is not there yet: this version checks values; name the gradient as a target of its own,"
                   " as in cross_entropy_grad=FILE.py:NAME")  # fmt: skip
    if given.targets:
        config = Config() if not config.values else Config(config.path, _without_targets(config))
    targets = given.targets or tuple(config["targets"] or ())
    expect = given.expect or tuple(f"{k}={v}" for k, v in (config["expect"] or {}).items())
    demand = Demand(
        level(given.require or config["require"] or "standard"),
        given.max_ulp if given.max_ulp is not None else config["max-ulp"],
        parse_expectations(expect),
        allowed_codes(given.allow or tuple(config["allow"] or ())),
    )
    own = not targets
    shipped = shipped_targets() if own else ((), (), {})
    return RunOptions(
        targets=targets or shipped[0], expected_wrong=shipped[1], declared=shipped[2], own=own,
        in_first_dtype=frozenset(shipped[0][1:]),
        functions=_known(given.functions or tuple(config["functions"] or ()), FUNCTIONS, "function") or None,
        dtypes=_known(given.dtypes or tuple(config["dtypes"] or ()), FORMATS, "dtype") or DEFAULT_DTYPES,
        tier=_one_of(given.cases or config["cases"] or "quick", ("quick", "full"), "--cases"),
        text=given.text or None, ids=given.ids or None, inputs=given.inputs or config["inputs"],
        demand=demand, only=given.only or config["only"] or "", known=given.known or config["known"],
        beside=given.beside or config["beside"], worker=_worker(given, config),
        jobs=given.jobs or _jobs(config, own),
        time_limit=given.time_limit if given.time_limit is not None else config["time-limit"],
        stop_first=given.stop_first, seed=given.seed, exit_zero=given.exit_zero,
        command=shlex.join(["smxcheck", *sys.argv[1:]]),
    )  # fmt: skip


def _without_targets(config: Config) -> dict[str, Any]:
    """Judging options of the section hold for any target; those that describe its own targets do not."""
    own = ("targets", "functions", "fixed", "only", "arrays", "inputs", "expect")
    return {k: v for k, v in config.values.items() if k not in own}


def _jobs(config: Config, own: bool) -> int:
    if config["jobs"]:
        return int(config["jobs"])
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2, cpus) if own else 1


def _worker(given: Given, config: Config) -> dict[str, Any]:
    from smxcheck.targets.options import ARRAYS, DEVICES
    from smxcheck.targets.signature import parse_fixed

    pairs = given.fixed or tuple(f"{k}={v}" for k, v in (config["fixed"] or {}).items())
    return {
        "arrays": _one_of(given.arrays or config["arrays"] or "auto", ARRAYS, "--arrays"),
        "device": _one_of(given.device or config["device"] or "cpu", DEVICES, "--device"),
        "fixed": dict(parse_fixed(text) for text in pairs),
        "timeout": float(config["timeout"] or given.timeout),
        "compile_timeout": float(config["compile-timeout"] or given.compile_timeout),
        "isolate": given.isolate,
    }


def shipped_targets() -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """The bare run: every algorithm, those that are wrong on purpose, and what each declares.

    The default algorithms come first; they alone run in every dtype, to keep the run short.
    """
    from smxcheck.targets.table import algorithms

    declared = {
        f"builtin.{name}/{function}": str(entry.declared)
        for function, entries in algorithms().items()
        for name, entry in entries.items()
    }
    declared |= {f"builtin/{f}": str(next(iter(entries.values())).declared) for f, entries in algorithms().items()}
    names = dict.fromkeys(key.partition("/")[0] for key in declared)
    wrong = tuple(n for n in names if any(v == "wrong" for k, v in declared.items() if k.startswith(f"{n}/")))
    first = ["builtin"] + [n for n in names if n not in ("builtin", "builtin.accurate")]
    return tuple(first), wrong, declared


def _known(names: tuple[str, ...], table: Any, kind: str) -> tuple[str, ...]:
    import difflib

    for name in names:
        if name not in table:
            near = difflib.get_close_matches(name, table, n=1)
            raise Fail(f"no {kind} {name!r}" + (f"; did you mean {near[0]}?" if near else f"; there are {', '.join(table)}"))
    return names


def _one_of(value: str, known: tuple[str, ...], option: str) -> str:
    if value not in known:
        raise Fail(f"{option} is one of {', '.join(known)}, not {value!r}")
    return value


def _list(options: RunOptions) -> int:
    """``--list``: the ids that would run, one per line."""
    from smxcheck.run import execute

    sessions = execute.open_targets(options.all_targets, options)
    try:
        cases = execute.select_cases(options, execute.offered_functions(options, [s.info for s in sessions]))
    finally:
        execute.close(sessions)
    for case in cases:
        print(case.id)
    return 0 if cases else 5
