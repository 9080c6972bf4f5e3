"""``verify --write-known FILE``: the open problems of the run behind what the file has already."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from smxcheck.cli.errors import Fail, complain

if TYPE_CHECKING:
    from smxcheck.judge.result import Report

_OPTION = "--write-known"
_HEAD = """\
# Problems that smxcheck --known accepts. Give each a reason; link and until are optional:
#   link = "https://..."    until = 2027-03-31, after which the problem counts again
"""
#: Whether a file can be added to is tried with this.
_PROBE = '[[known]]\ntarget = "t"\nreason = "r"'


def check(path: str) -> None:
    """Look at the file and its folder before the run, not after it. Raises Fail."""
    file = Path(path)
    if file.is_dir():
        raise Fail(f"{_OPTION} {path} is a folder; name a file in it")
    if not file.parent.is_dir():
        raise Fail(f"{_OPTION} {path}: there is no folder {file.parent}")
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise Fail(f"{_OPTION} {path}: cannot write in {file.parent}: {error.strerror or error}") from error
    text, _ = _there(path, None)
    _joined(path, text, [_PROBE])


def write(report: Report, path: str, quiet: bool = False) -> bool:
    """Add an entry for each open problem that the file does not accept; what it has stays as it is, byte for byte.

    Whether it could be written; what was done is told on stderr.
    """
    from smxcheck.report.known_entries import entries
    from smxcheck.report.numbers import plural
    from smxcheck.report.write import write_whole

    try:
        before, accepted = _there(path, report)
        if found := entries(report, accepted):
            write_whole(Path(path), _joined(path, before, found).encode())
    except (Fail, OSError) as error:
        complain(str(error) if isinstance(error, Fail) else f"cannot write {path}: {error.strerror or error}")
        return False
    if not quiet:
        lacking = f"no open problem that {path} lacks: nothing was written"
        print(f"wrote {plural(len(found), 'entry', 'entries')} to {path}: give each a reason" if found else lacking,
              file=sys.stderr)  # fmt: skip
    return True


def _joined(path: str, before: str, found: list[str]) -> str:
    """The new text. Raises Fail where the old one holds its entries in a form that tables cannot follow."""
    from smxcheck.run.known import KnownError, parse

    head = before.rstrip("\r\n") + "\n" if before.strip() else _HEAD
    text = "\n".join([head, *(f"{entry}\n" for entry in found)])
    try:
        parse(path, text, placeholders=True, option=_OPTION)
    except KnownError as error:
        raise Fail(f"{_OPTION} {path}: nothing can be added to it: write its entries as [[known]] tables") from error
    return text


def _there(path: str, report: Report | None) -> tuple[str, frozenset[tuple[str, str, str]]]:
    """The file's text, and which results of the report its entries accept, expired ones left out. Raises Fail."""
    import datetime

    from smxcheck.run.known import KnownError, parse, text_of

    if not Path(path).exists():
        return "", frozenset()
    try:
        text = text_of(path, _OPTION)
        known = parse(path, text, placeholders=True, option=_OPTION)
    except KnownError as error:
        raise Fail(str(error)) from error
    live = [k for k in known if k.until is None or k.until >= datetime.date.today()]
    results = report.results if report is not None else ()
    return text, frozenset((r.target, r.case, r.check) for r in results if any(k.accepts(r) for k in live))
