"""``smxcheck list``: the tables, one line per entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from smxcheck.cli.errors import Fail
from smxcheck.cli.output import emit


def command(
    what: Annotated[str, typer.Argument(metavar="targets|functions|cases|checks|choices|TARGET")] = "functions",
) -> int:
    """List targets, functions, case groups, checks or choices; or what a target calls for each function."""
    if what in _TABLES:
        emit("\n".join(_TABLES[what]()))
        return 0
    return _target(what)


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]) - 1)]
    return ["  ".join([*(c.ljust(w) for c, w in zip(r[:-1], widths, strict=True)), r[-1]]).rstrip() for r in rows]


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
    return [*_columns(rows), "", "yours: FILE.py, FILE.py:NAME, FUNCTION=FILE.py:NAME, PACKAGE.MODULE:NAME"]


def _functions() -> list[str]:
    from smxcheck.catalog import FUNCTIONS

    rows = [("function", "call", "what it is")]
    for f in FUNCTIONS.values():
        rows.append((f.name, ", ".join((*f.arguments, *f.keywords)), f"{f.formula}: {f.summary}"))
    return [f"{r[0]}({r[1]})\n    {r[2]}" for r in rows[1:]]


def _cases() -> list[str]:
    from smxcheck.caseset import groups

    rows = [("group", "cases", "purpose")]
    rows += [(g.name, str(g.cases), g.purpose.split(". ")[0]) for g in groups()]
    return [*_columns(rows), "", "ids: smxcheck verify TARGET --list"]


def _checks() -> list[str]:
    from smxcheck.judge.codes import CHECKS

    return [*_columns([(c.code, c.name, c.title) for c in CHECKS.values()]), "", "more: smxcheck explain CODE"]


def _choices() -> list[str]:
    from smxcheck.judge.choices import CHOICES

    return _columns([("choice", "answers", "where no limit exists")]
                    + [(c.name, "|".join(c.answers), c.question) for c in CHOICES.values()])  # fmt: skip


_TABLES: dict[str, Callable[[], list[str]]] = {
    "targets": _targets, "functions": _functions, "cases": _cases, "checks": _checks, "choices": _choices,
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
