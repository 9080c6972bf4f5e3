"""What the tables of a self-test say: by family of functions, by check, and what lived or was blamed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from smxcheck.catalog import Group
from smxcheck.judge.codes import CHECKS
from smxcheck.selftest.results import Fate, Mutant, Right, Rival, SelfTest


@dataclass(frozen=True)
class GroupRow:
    """The functions of one group of the catalog."""

    group: str
    mutants: int
    killed: int
    lived: int
    undecided: int
    rights: int
    blamed: int


@dataclass(frozen=True)
class CheckRow:
    """One check: how many mutants it found, and how many no other check found."""

    code: str
    name: str
    killed: int
    alone: int


def by_group(test: SelfTest) -> list[GroupRow]:
    """One row for each group with something in it."""
    rows = []
    for group in map(str, Group):
        fates = Counter(m.fate for m in test.mutants if m.group == group)
        rights = [r for r in test.rights if r.group == group]
        asked = fates.total() - fates[Fate.EQUIVALENT]
        if asked or rights:
            rows.append(GroupRow(
                group, asked, fates[Fate.KILLED], fates[Fate.LIVED], fates[Fate.UNDECIDED], len(rights),
                sum(bool(r.held_against) for r in rights),
            ))  # fmt: skip
    return rows


def by_check(test: SelfTest) -> list[CheckRow]:
    """One row for each check that found something, the one that found most alone first."""
    killed = [m for m in test.mutants if m.fate is Fate.KILLED]
    found = Counter(code for m in killed for code in m.checks)
    alone = Counter(m.checks[0] for m in killed if len(m.checks) == 1)
    rows = [CheckRow(code, CHECKS[code].name, found[code], alone[code]) for code in found]
    return sorted(rows, key=lambda r: (-r.alone, -r.killed, r.code))


def idle_checks(test: SelfTest) -> list[str]:
    """Checks that found nothing."""
    found = {r.code for r in by_check(test)}
    return [f"{code} {check.name}" for code, check in CHECKS.items() if code not in found]


def survivors(test: SelfTest) -> tuple[Mutant, ...]:
    """Those that lived, and those of which nothing is known."""
    return test.with_fate(Fate.LIVED) + test.with_fate(Fate.UNDECIDED)


def blamed(test: SelfTest) -> tuple[Right, ...]:
    """Right ones that did not pass."""
    return tuple(r for r in test.rights if not r.passed)


def percent(some: int, of: int) -> str:
    """A share that is never rounded up to the whole: 99.9 % of 999 in 1,000, 100 % of all."""
    if not of:
        return "-"
    return "100 %" if some == of else f"{int(1000 * some / of) / 10:g} %"


def measured(test: SelfTest) -> list[Rival]:
    return [r for r in test.rivals if not r.not_run]
