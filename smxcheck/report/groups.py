"""The short summary of a bare run: shipped functions by group, and the targets that are wrong on purpose."""

from __future__ import annotations

from smxcheck.catalog import FUNCTIONS, Group
from smxcheck.judge.result import Report
from smxcheck.report.numbers import plural, thousands
from smxcheck.report.screen import Layout, Line, plain
from smxcheck.report.sentences import not_caught, wrong_on_purpose
from smxcheck.report.summary import BAD, judged_results

_LABEL, _COUNTS = 20, 26


def group_facts(report: Report) -> list[tuple[str, int, int, int, int]]:
    """(group, functions, dtypes, results, wrong) for each group of the catalog that was run."""
    facts = []
    for group in Group:
        met = [
            r
            for r in judged_results(report)
            if r.function in FUNCTIONS and FUNCTIONS[r.function].group is group
        ]
        if met:
            functions, dtypes = len({r.function for r in met}), len({r.dtype for r in met})
            facts.append((group.value, functions, dtypes, len(met), sum(r.status in BAD for r in met)))
    return facts


def purpose_facts(report: Report) -> tuple[str, str] | None:
    """How many targets are wrong on purpose, and whether all were caught; None where there are none."""
    shipped = wrong_on_purpose(report)
    if not shipped:
        return None
    missed = not_caught(report)
    caught = f"{len(missed)} NOT CAUGHT" if missed else "all caught, as they must be"
    return plural(len(shipped), "implementation"), caught


def purpose_example(report: Report) -> str:
    """One target that is wrong on purpose with the input that shows it."""
    for target, problem in wrong_on_purpose(report):
        if problem:
            return f"{target.name}: {problem.input} = {problem.got}, right {problem.right}"
    return ""


def group_lines(report: Report) -> list[Line]:
    """``core                5 functions, 2 dtypes        9,812 results   0 wrong``, a line per group."""
    return [
        plain(
            f"{group:<{_LABEL}}{_counted(functions, dtypes):<{_COUNTS}}"
            f"{thousands(results):>7} results  {thousands(wrong):>5} wrong"
        )
        for group, functions, dtypes, results, wrong in group_facts(report)
    ]


def purpose_lines(report: Report, layout: Layout) -> list[Line]:
    """``wrong on purpose    5 implementations  all caught, as they must be``, and one example."""
    facts = purpose_facts(report)
    if not facts:
        return []
    lines = [plain(f"{'wrong on purpose':<{_LABEL}}{facts[0]:<{_COUNTS}}{facts[1]}")]
    if example := purpose_example(report):
        lines += layout.wrapped(example, first="  ", rest="    ", style="dim")
    return lines


def _counted(functions: int, dtypes: int) -> str:
    return f"{plural(functions, 'function')}, {plural(dtypes, 'dtype')}"
