"""``smxcheck list``: the tables, one line per entry."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from smxcheck.cli.errors import Fail
from smxcheck.cli.output import emit, speaks_unicode


def command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="targets, functions, cases, shapes, checks, choices, statements, softmax.c, or a TARGET."
        ),
    ] = "functions",
) -> int:
    """List targets, functions, case groups, shapes of bench, checks, choices or published statements; a program in C that
    verify --command can check (softmax.c); or what a target calls for each function."""
    if what in _TABLES:
        emit("\n".join(_TABLES[what]()))
        return 0
    return _target(what)


#: A last column narrower than this is not worth wrapping: the cells go below one another instead.
_NARROW = 24


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """One line per row; on a terminal the last column is wrapped to its width, so that columns stay columns."""
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]) - 1)]
    start, room = sum(widths) + 2 * len(widths), _room()
    if room is None or max(start + len(r[-1]) for r in rows) <= room:
        return [_line(r, widths, r[-1]) for r in rows]
    if room - start < _NARROW:
        return [line for r in rows for line in [r[0], *_wrapped("  ".join(r[1:]), 4, room)]]
    lines: list[str] = []
    for r in rows:
        first, *more = textwrap.wrap(r[-1], room - start, break_on_hyphens=False) or [""]
        lines += [_line(r, widths, first), *(" " * start + text for text in more)]
    return lines


def _line(row: tuple[str, ...], widths: list[int], last: str) -> str:
    return "  ".join([*(c.ljust(w) for c, w in zip(row[:-1], widths, strict=True)), last]).rstrip()


def _wrapped(text: str, indent: int, room: int | None) -> list[str]:
    """``text`` behind an indent, in the width of the terminal where there is one."""
    if room is None:
        return [" " * indent + text]
    return textwrap.wrap(
        text, room, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2), break_on_hyphens=False
    )


def _room() -> int | None:
    """The width of the terminal; None off a terminal, where a line per entry serves grep."""
    return max(shutil.get_terminal_size().columns, 40) if sys.stdout.isatty() else None


def _targets() -> list[str]:
    from smxcheck.targets.table import LIBRARIES, algorithms

    rows = [("target", "installed", "what it is")]
    for library in LIBRARIES.values():
        missing = library.missing()
        rows.append((library.name, f"no: {library.install}" if missing else "yes", library.summary))
    by_name: dict[str, list[str]] = {}
    for function, entries in algorithms().items():
        for name in entries:
            by_name.setdefault(name, []).append(function)
    rows += [(f"builtin.{name}", "yes", f"the algorithm {name} of {', '.join(functions)}")
             for name, functions in by_name.items() if len(functions) < len(algorithms())]  # fmt: skip
    yours = "yours: FILE.py, FILE.py:NAME, FUNCTION=FILE.py:NAME, PACKAGE.MODULE:NAME"
    return [*_columns(rows), "", yours, "in any language: FUNCTION=command:PROGRAM; more: smxcheck explain command"]


def _functions() -> list[str]:
    from smxcheck.catalog import FUNCTIONS, Group

    lines: list[str] = []
    room = _room()
    for group in Group:
        lines += [*([""] if lines else []), f"{group}:"]
        for f in (f for f in FUNCTIONS.values() if f.group is group):
            call = f"{f.name}({', '.join((*f.arguments, *f.keywords))})"
            lines += [text for indent, part in ((0, call), (4, f.summary), (4, f.formula))
                      for text in _wrapped(part, indent, room)]  # fmt: skip
    return lines


def _cases() -> list[str]:
    from smxcheck.caseset import groups

    rows = [("group", "cases", "purpose")]
    rows += [(g.name, str(g.cases), g.purpose.split(". ")[0]) for g in groups()]
    return [*_columns(rows), "", "ids: smxcheck verify TARGET --list"]


def _shapes() -> list[str]:
    from smxcheck.benchmark.shapes import LADDER, NAMED

    rows = [("shape", "of the first argument", "elements", "what it stands for")]
    rows += [(name, shape.title, f"{shape.elements:,}", purpose) for name, (shape, purpose) in NAMED.items()]
    rows += [("--ladder", shape.title, f"{shape.elements:,}", f"rows of {shape.n:,}") for shape in LADDER]
    return [*_columns(rows), "", "yours: smxcheck bench TARGET --shape 4096x1000 --axis 0"]


def _checks() -> list[str]:
    from smxcheck.judge.codes import CHECKS

    return [*_columns([(c.code, c.name, c.title) for c in CHECKS.values()]), "", "more: smxcheck explain CODE"]


def _choices() -> list[str]:
    from smxcheck.judge.choices import CHOICES

    return _columns([("choice", "answers", "where no limit exists")]
                    + [(c.name, "|".join(c.answers), c.question) for c in CHOICES.values()])  # fmt: skip


def _statements() -> list[str]:
    from smxcheck.pages.document import listed

    rows, count = listed(ascii=not speaks_unicode())
    return [*_columns([("statement", "verdict", "what it says"), *rows]), "", count, "more: smxcheck explain STATEMENT"]


def _example() -> list[str]:
    """The program in C, as it is compiled in the tests."""
    from importlib.resources import files

    return files("smxcheck.targets").joinpath("softmax.c").read_text(encoding="utf-8").splitlines()


_TABLES: dict[str, Callable[[], list[str]]] = {
    "targets": _targets, "functions": _functions, "cases": _cases, "shapes": _shapes, "checks": _checks,
    "choices": _choices, "statements": _statements, "softmax.c": _example,
}  # fmt: skip


def _target(text: str) -> int:
    from smxcheck.targets.load import open_sessions, parse_target
    from smxcheck.targets.protocol import TargetError

    try:
        sessions = open_sessions(parse_target(text))
    except TargetError as error:
        raise Fail(f"{error}; tables: {', '.join(_TABLES)}" if ":" not in text else str(error)) from error
    rows = [("function", "calls", "keywords")]
    for session in sessions:
        rows += [(o.function, o.spelled, ", ".join(sorted(o.keywords)) or "none")
                 for o in session.info.offers.values()]  # fmt: skip
        session.close()
    emit("\n".join(_columns(rows)))
    return 0
