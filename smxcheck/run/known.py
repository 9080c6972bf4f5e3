"""``--known FILE``: accepted problems, with a reason and optionally a date after which they are accepted no longer.

A TOML file of tables::

    [[known]]
    target = "torch"            # optional, like function, dtype and case
    function = "log_softmax"
    check = "SMX101"            # code or name
    case = "log_softmax/dominant/17/float32"
    reason = "upstream issue 113708"
    until = 2027-03-31
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Problem, Result


class KnownError(Exception):
    """The file is not usable: one line with the remedy."""


@dataclass(frozen=True)
class Known:
    """One accepted problem; an empty field matches anything."""

    reason: str
    target: str = ""
    function: str = ""
    dtype: str = ""
    check: str = ""
    case: str = ""
    until: datetime.date | None = None

    def matches(self, r: Result) -> bool:
        wanted = ((self.target, r.target), (self.function, r.function), (self.dtype, r.dtype),
                  (self.check, r.check), (self.case, r.case))  # fmt: skip
        return all(not asked or asked == there for asked, there in wanted)

    def spoken(self) -> str:
        parts = [self.target, self.function, self.dtype, self.check, self.case]
        return " ".join(p for p in parts if p) or "everything"


def load(path: str) -> tuple[Known, ...]:
    """Read the file. Raises KnownError for anything that is not understood: nothing is skipped."""
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise KnownError(f"--known {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KnownError(f"--known {path} is not TOML: {error}") from error
    entries = data.pop("known", None)
    if data or not isinstance(entries, list):
        raise KnownError(f"--known {path}: expected [[known]] tables and nothing else")
    return tuple(_entry(path, i, e) for i, e in enumerate(entries, 1))


def _entry(path: str, number: int, entry: Any) -> Known:
    where = f"--known {path}, entry {number}"
    if not isinstance(entry, dict) or not str(entry.get("reason", "")).strip():
        raise KnownError(f"{where}: a reason is required")
    allowed = {f.name for f in fields(Known)}
    if unknown := sorted(set(entry) - allowed):
        raise KnownError(f"{where}: unknown key {unknown[0]!r}; there are {', '.join(sorted(allowed))}")
    check = str(entry.get("check", ""))
    if check and check not in CHECKS:
        if check not in CHECKS_BY_NAME:
            raise KnownError(f"{where}: no check {check!r}; see: smxcheck list checks")
        check = CHECKS_BY_NAME[check].code
    until = entry.get("until")
    if until is not None and not isinstance(until, datetime.date):
        raise KnownError(f"{where}: until is a date like 2027-03-31")
    if not any(entry.get(k) for k in ("target", "function", "dtype", "check", "case")):
        raise KnownError(f"{where}: name at least one of target, function, dtype, check, case")
    texts = {k: str(entry.get(k, "")) for k in ("target", "function", "dtype", "case", "reason")}
    return Known(check=check, until=until, **texts)


def apply(
    known: Sequence[Known], results: Sequence[Result], found: Sequence[Problem], today: datetime.date
) -> tuple[tuple[Result, ...], tuple[Problem, ...], tuple[str, ...]]:
    """Mark what is accepted; notices tell of entries that are over or match nothing."""
    live = [k for k in known if k.until is None or k.until >= today]
    used: set[Known] = set()

    def mark(r: Result) -> Result:
        if r.status not in BAD:
            return r
        for k in live:
            if k.matches(r):
                used.add(k)
                return replace(r, known=k.reason)
        return r

    marked = tuple(mark(r) for r in results)
    open_cases = {(r.target, r.case) for r in marked if r.status in BAD and not r.known}
    reasons = {(r.target, r.case): r.known for r in marked if r.known}
    problems = tuple(
        p if any((p.target, c) in open_cases for c in p.cases)
        else replace(p, known=reasons.get((p.target, p.smallest), ""))
        for p in found
    )  # fmt: skip
    notices = [f"known problem over since {k.until}: {k.spoken()}" for k in known if k not in live]
    notices += [f"known problem not seen in this run: {k.spoken()}" for k in live if k not in used]
    return marked, problems, tuple(notices)
