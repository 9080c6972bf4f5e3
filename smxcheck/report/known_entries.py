"""The open problems of a report as entries of a ``--known`` file, each for a person to give a reason.

An entry names every case, so that it accepts what was seen and nothing else: a new failure of the same function is new.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from smxcheck.judge.problems import headline, results_of
from smxcheck.judge.result import Problem, Report, Result
from smxcheck.report.escape import one_line
from smxcheck.report.summary import check_name, open_problems

#: Where the reason belongs. A file with it is refused: smxcheck.run.known holds the same word.
REASON = "TODO: why is this accepted?"


def entries(report: Report, accepted: frozenset[tuple[str, str, str]] = frozenset()) -> list[str]:
    """One TOML table for each open problem and check, worst first; results ``accepted`` already, as target, case and
    check, are left out."""
    problems = open_problems(report)
    found = []
    for problem, results in zip(problems, results_of(problems, report.results), strict=True):
        mine = [r for r in results if not r.known and (r.target, r.case, r.check) not in accepted]
        for check in dict.fromkeys(r.check for r in mine):
            found.append("\n".join(_entry(problem, [r for r in mine if r.check == check])))
    return found


def _entry(problem: Problem, results: Sequence[Result]) -> Iterator[str]:
    first = next((r for r in results if r.case == problem.smallest), results[0])
    yield f"# {one_line(headline(problem.function, first))}"
    yield f"# smallest: {one_line(f'{first.input}, {first.dtype}: got {first.got}, right {first.right}')}"
    yield "[[known]]"
    yield f"target = {_string(problem.target)}"
    yield f"function = {_string(problem.function)}"
    yield f"check = {_string(first.check)}  # {check_name(first.check)}"
    yield "cases = ["
    yield from (f"    {_string(case)}," for case in dict.fromkeys(r.case for r in results))
    yield "]"
    yield f"reason = {_string(REASON)}"


def _string(text: str) -> str:
    """A basic string of TOML: that of JSON, with DEL escaped too; a lone surrogate, which TOML has not, is shown."""
    return json.dumps(text.encode(errors="backslashreplace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
