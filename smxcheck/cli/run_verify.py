"""What ``smxcheck verify`` does once its options are settled: run, print, write, exit code."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from smxcheck.caseset import CaseError
from smxcheck.cli import write_known
from smxcheck.cli.config import load
from smxcheck.cli.config_show import in_force
from smxcheck.cli.errors import FAULT, INTERRUPTED, NOTHING, USAGE, Fail, complain
from smxcheck.cli.output import emit
from smxcheck.cli.screen import Screen
from smxcheck.cli.settle import Given, settle
from smxcheck.targets.protocol import TargetError

if TYPE_CHECKING:
    from smxcheck.judge.result import Report
    from smxcheck.run.options import RunOptions


def run(given: Given) -> int:
    """The whole command; the exit code."""
    from smxcheck.run import execute
    from smxcheck.run.known import KnownError

    screen = Screen(given)
    try:
        config = load(Path.cwd(), given.config)
        options = settle(given, config)
        if given.show_config:
            emit(in_force(given, config, options))
            return 0
        check_reports(given.reports)
        if given.write_known:
            write_known.check(given.write_known)
        if given.list_only:
            return _list(options)
        with screen.targets_prints_apart():
            report = execute.run(options, screen.progress())
    except (TargetError, CaseError, KnownError, ValueError) as error:
        raise Fail(str(error)) from error
    return _conclude(report, given, screen)


def _conclude(report: Report, given: Given, screen: Screen) -> int:
    """Print, then write; a report that cannot be written is a failure of the command."""
    from smxcheck.judge.verdict import is_empty_part

    if report.interrupted:
        raise Fail("interrupted; no report was written", INTERRUPTED)
    if not (report.results or is_empty_part(report)):
        raise Fail(_nothing(report, given), NOTHING)
    screen.print(report)
    _tell_kept(report, given.quiet)
    if not write_reports(report, given.reports, given.quiet):
        return FAULT if report.exit_code == FAULT else USAGE
    if given.write_known and not write_known.write(report, given.write_known, given.quiet):
        return FAULT if report.exit_code == FAULT else USAGE
    return report.exit_code


def write_reports(report: Report, texts: tuple[str, ...], quiet: bool) -> bool:
    """Write every --report; False once one cannot be written, which is then said."""
    from smxcheck.report.write import ReportError, write_report

    for text in texts:
        try:
            path = write_report(report, text)
        except ReportError as error:
            complain(str(error))
            return False
        if not quiet:
            print(f"wrote {path}", file=sys.stderr)
    return True


def _tell_kept(report: Report, quiet: bool) -> None:
    """Where the failing inputs are, on stderr; what could not be kept is told even under -q."""
    from smxcheck.report.numbers import plural

    if report.kept is None:
        return
    for text in report.kept.told:
        complain(text)
    if report.kept.inputs and not quiet:
        print(f"kept {plural(report.kept.inputs, 'failing input')} in {report.kept.folder}; again: smxcheck replay",
              file=sys.stderr)  # fmt: skip


def _nothing(report: Report, given: Given) -> str:
    """Why nothing ran, and what to do about it."""
    reasons = [text for target in report.targets for text in target.not_tested]
    if reasons:
        return f"nothing was checked: {reasons[0]}"
    selection = [f"-k {given.text}"] if given.text else []
    selection += [f"--case {name}" for name in given.ids] + [f"--function {name}" for name in given.functions]
    selection += [f"--dtype {name}" for name in given.dtypes]
    return (f"nothing was checked: no case matches {' '.join(selection) or 'the selection'};"
            " --list shows the ids, smxcheck list cases the groups")  # fmt: skip


def check_reports(texts: tuple[str, ...]) -> None:
    """Formats and folders are looked at before the run, not after it. Raises Fail or ValueError."""
    from smxcheck.report.write import destination

    paths: dict[str, str] = {}
    for text in texts:
        _, path = destination(text)
        if not path.parent.is_dir():
            raise Fail(f"--report {text}: there is no folder {path.parent}")
        if path.is_dir():
            raise Fail(f"--report {text}: {path} is a folder; name a file in it")
        if os.path.realpath(path) in paths:
            raise Fail(f"--report {text}: {paths[os.path.realpath(path)]} writes the same file")
        paths[os.path.realpath(path)] = text
        if not path.exists() or path.is_file():
            _check_writable(path.parent, text)


def _check_writable(folder: Path, text: str) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise Fail(f"--report {text}: cannot write in {folder}: {error.strerror or error}") from error


def _list(options: RunOptions) -> int:
    """``--list``: the ids that would run, one per line."""
    from smxcheck.run import execute

    sessions = execute.open_targets(options.all_targets, options)
    try:
        cases = execute.select_cases(options, execute.offered_functions(options, [s.info for s in sessions]))
    finally:
        execute.close(sessions)
    if not cases:
        raise Fail("nothing to list: no case matches the selection; smxcheck list cases shows the groups", NOTHING)
    emit("\n".join(case.id for case in cases))
    return 0
