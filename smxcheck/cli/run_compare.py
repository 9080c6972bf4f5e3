"""What ``smxcheck compare`` does: read two files of one kind, compare, print, write, exit code."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smxcheck.cli import files
from smxcheck.cli.errors import USAGE, Fail, complain
from smxcheck.cli.output import emit
from smxcheck.cli.terminal import show

if TYPE_CHECKING:
    from smxcheck.changes.model import Changes
    from smxcheck.judge.result import Report

_CONSOLES = ("rich", "plain", "json", "github")
_REPORTS = {"markdown": ".md", "json": ".json"}


@dataclass(frozen=True)
class Given:
    """The command line as typed; empty where nothing was."""

    old: str
    new: str
    maps: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ()
    known: str = ""
    fail_above: str = ""
    any_machine: bool = False
    reports: tuple[str, ...] = ()
    format: str = ""
    everything: bool = False
    quiet: bool = False


def run(given: Given) -> int:
    """The whole command; the exit code. Raises Fail."""
    from smxcheck.benchmark.files.document import SCHEMA as BENCH
    from smxcheck.report.as_json import SCHEMA as REPORT

    _check(given)
    destinations = _destinations(given.reports)
    old, new = _document(given.old), _document(given.new)
    kinds = [data.get("schema") if isinstance(data, dict) else None for data in (old, new)]
    for name, kind in zip((given.old, given.new), kinds, strict=True):
        if kind not in (REPORT, BENCH):
            raise Fail(f"{_spoken(name)}: neither a report nor a run of bench: write one with smxcheck verify --report FILE.json")
    if kinds[0] != kinds[1]:
        raise Fail(f"{_spoken(given.old)} is {kinds[0]}, {_spoken(given.new)} is {kinds[1]}: compare two of one kind")
    if kinds[0] == BENCH:
        from smxcheck.cli import compare_bench

        return compare_bench.run(given, old, new, destinations)
    return _reports(given, old, new, destinations)


def _check(given: Given) -> None:
    """What can be said without a look at the files. Raises Fail."""
    from smxcheck.changes.model import FailOn

    if given.format and given.format not in _CONSOLES:
        raise Fail(f"--format is one of {', '.join(_CONSOLES)}, not {given.format!r}; a file is --report FILE")
    for text in given.fail_on:
        if text not in list(FailOn):
            raise Fail(f"--fail-on is one of {', '.join(FailOn)}, not {text!r}")
    if given.quiet and given.everything:
        raise Fail("-q and --all exclude each other: leave one out")
    if given.old == given.new == "-":
        raise Fail("one of OLD and NEW can be - (stdin), not both")


def _destinations(texts: tuple[str, ...]) -> list[tuple[str, Path]]:
    """Format and file of every --report, looked at before anything is read. Raises Fail."""
    from smxcheck.report.write import named

    found: dict[str, tuple[str, Path]] = {}  # by the file that is meant, through links, loops of which are not followed
    for text in texts:
        try:
            entry = named(text, _REPORTS, "report format")
        except ValueError as error:
            raise Fail(f"--report {text}: {error}") from error
        files.writable("--report", text, entry[1])
        if os.path.realpath(entry[1]) in found:
            raise Fail(f"--report {text}: another --report writes the same file")
        found[os.path.realpath(entry[1])] = entry
    return list(found.values())


def _document(name: str) -> Any:
    """The JSON value of a file. Raises Fail."""
    from smxcheck.report.read import parsed, read_text

    try:
        return parsed(read_text(name))
    except OSError as error:
        raise Fail(f"{_spoken(name)} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise Fail(f"{_spoken(name)}: {error}") from error


def rebuilt(name: str, data: Any, load: Callable[[Any], Any]) -> Any:
    """What a JSON value holds. Raises Fail, with the file's name."""
    try:
        return load(data)
    except ValueError as error:
        raise Fail(f"{_spoken(name)}: {error}") from error


def _spoken(name: str) -> str:
    return "stdin" if name == "-" else name


def _reports(given: Given, old: Any, new: Any, destinations: list[tuple[str, Path]]) -> int:
    """Two reports of verify."""
    from smxcheck.changes import as_github, as_json, as_markdown, as_text
    from smxcheck.changes.compare import compare
    from smxcheck.changes.model import FailOn
    from smxcheck.report.as_json import rebuilt as report_of

    for option, typed in (("--fail-above", given.fail_above), ("--any-machine", given.any_machine)):
        if typed:
            raise Fail(f"{option} is about times, and {_spoken(given.old)} is a report of verify: leave it out")
    before, after = rebuilt(given.old, old, report_of), rebuilt(given.new, new, report_of)
    after = _accepted(after, given.known)
    try:
        changes = compare(before, after, given.maps, [FailOn(text) for text in given.fail_on])
    except ValueError as error:
        raise Fail(str(error)) from error
    if given.format == "json":
        emit(as_json.render(changes))
    elif given.format == "github":
        emit(as_github.render(changes, quiet=given.quiet))
    else:
        options = {"everything": given.everything, "quiet": given.quiet}
        show(
            lambda layout: as_text.lines(changes, layout, **options),
            lambda unicode: as_text.facts(changes, **options, unicode=unicode),
            given.format,
        )
    renderers: dict[str, Callable[[Changes], str]] = {"markdown": as_markdown.render, "json": as_json.render}
    written = write([(path, renderers[name](changes)) for name, path in destinations], given.quiet)
    return written or changes.exit_code


def _accepted(report: Report, name: str) -> Report:
    """The report with its problems marked that a --known file accepts. Raises Fail."""
    if not name:
        return report
    from smxcheck.run import known

    try:
        entries = known.load(name)
        # A report does not say whether its run put every case (-k, --case), so nothing is called gone for want of a result.
        results, problems, notices = known.apply(entries, report.results, report.problems, datetime.date.today(), whole=False)
    except (known.KnownError, ValueError) as error:
        raise Fail(str(error)) from error
    return replace(report, results=results, problems=problems, notices=tuple(dict.fromkeys((*report.notices, *notices))))


def write(texts: list[tuple[Path, str]], quiet: bool) -> int:
    """Every file, whole or not at all; 2 where one could not be written, after the others were."""
    import gzip

    from smxcheck.report.write import compressed, write_whole

    code = 0
    for path, text in texts:
        content = text.encode()
        try:
            write_whole(path, gzip.compress(content, mtime=0) if compressed(path) else content)
        except OSError as error:
            complain(f"cannot write {path}: {error.strerror or error}")
            code = USAGE
            continue
        if not quiet:
            print(f"wrote {path}", file=sys.stderr)
    return code
