"""For test suites: ``assert_conforms``, with or without pytest. Nothing heavy is imported before it is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smxcheck.judge.result import Problem, Report

__all__ = ["Nonconforming", "assert_conforms"]

#: Problems that a message shows; an assertion is read in a log, and the error carries the report.
_SHOWN = 2
#: Sentences beside them, of each kind.
_SENTENCES = 4
#: Facts of a problem that a message shows: with its heading at most ten lines.
_FACTS = ("smallest", "also in", "got", "right", "behaves as", "instead", "again", "why")
#: Keywords that say nothing of a single case.
_OF_MANY = ("dtypes", "cases", "case", "recheck", "time_limit")
#: A check that one case alone cannot break: one choice over all lengths and dtypes.
_OVER_MANY = ("SMX501",)


class Nonconforming(AssertionError):
    """The assertion does not hold; ``report`` is everything that was found."""

    def __init__(self, text: str, report: Report) -> None:
        super().__init__(text)
        self.report = report


def assert_conforms(target: str | Callable[..., Any], function: str | None = None, **options: Any) -> Report:
    """Assert that an implementation is right on every case, and return the report of ``smxcheck.verify``.

    >>> assert_conforms(my_softmax, function="softmax", require="tight", dtypes=("float32",))

    ``options`` are the keywords of ``smxcheck.verify``. Raises ``Nonconforming``, an AssertionError, where anything is
    wrong or not run to its end (at most two problems, each in ten lines by its smallest call), where smxcheck could not
    decide, and where nothing that tells was checked: none of these is a pass. What could make a pass worth less stands
    in the report; under pytest it is printed too, and ``pytest -rA`` shows it. Raises what ``verify`` raises for
    arguments that are not understood.
    """
    __tracebackhide__ = True
    from smxcheck.api import verify

    try:
        report = verify(target, function, **options)
    except ValueError as error:  # arguments that are not understood: the line that has them is the test's own
        raise ValueError(str(error)) from None
    if report.interrupted:
        raise KeyboardInterrupt
    if not report.passed:
        raise Nonconforming(_message(report, lambda problem: _again(problem, target, function, options)), report)
    if "PYTEST_CURRENT_TEST" in os.environ:
        print("\n".join(_beside_a_pass(report)))
    return report


def problem_lines(problem: Problem, again: str, label: str = "smallest") -> list[str]:
    """A problem in ten lines at most: what is wrong, and its facts; ``label`` is that of the call."""
    from dataclasses import replace

    from smxcheck.report import sentences

    facts = sentences.problem_lines(replace(problem, again=again))
    shown = [(label if name == "smallest" else name, text) for name, text in facts if name in _FACTS]
    return [problem.message, *(f"  {name:<10}  {text}" for name, text in shown)]


def _message(report: Report, again: Callable[[Problem], str]) -> str:
    """The verdict, then what is behind it."""
    from smxcheck.report.escape import cleaned
    from smxcheck.report.sentences import verdict

    report = cleaned(report)
    reasons = {1: _wrong(report, again), 3: _undecided(report), 5: _nothing(report)}[report.exit_code]
    return "\n".join([verdict(report).text, *reasons])


def _wrong(report: Report, again: Callable[[Problem], str]) -> Iterator[str]:
    from smxcheck.judge.result import Status
    from smxcheck.judge.verdict import failures
    from smxcheck.report.numbers import plural
    from smxcheck.report.summary import open_problems

    found = open_problems(report)
    for number, problem in enumerate(found[:_SHOWN], 1):
        first, *facts = problem_lines(problem, again(problem))
        yield f"PROBLEM {number} of {len(found)}: {first} ({plural(problem.count, 'result')})"
        yield from facts
    if more := found[_SHOWN:]:
        yield f"+{len(more)} more, in .report.problems of this error: {'; '.join(p.message for p in more[:_SENTENCES])}"
    left = [r for r in failures(report) if r.status is Status.NOT_RUN]
    if left:
        yield f"{plural(len(left), 'result')} not run: {left[0].message}"


def _undecided(report: Report) -> Iterator[str]:
    from smxcheck.judge.result import Status

    yield "smxcheck could not decide, which is no pass and no failure of the target."
    if report.recheck is not None:
        yield from report.recheck.misses[:_SENTENCES]
    open_cases = dict.fromkeys(r.case for r in report.results if r.status is Status.UNDECIDED)
    yield from (f"  undecided   {case}" for case in list(open_cases)[:_SENTENCES])


def _nothing(report: Report) -> Iterator[str]:
    from smxcheck.report.caveats import caveats

    yield "nothing was checked, which is no pass."
    yield from caveats(report)[:_SENTENCES]


def _beside_a_pass(report: Report) -> Iterator[str]:
    """The verdict, and every sentence that could make it worth less."""
    from smxcheck.report.caveats import caveats, choices
    from smxcheck.report.escape import cleaned
    from smxcheck.report.sentences import verdict

    report = cleaned(report)
    yield f"smxcheck: {verdict(report).text}"
    yield from caveats(report)
    yield from choices(report)


def _again(
    problem: Problem, target: str | Callable[..., Any], function: str | None, options: dict[str, Any]
) -> str:
    """What runs the smallest case again: a command for a text, this function for a callable."""
    if isinstance(target, str):
        return problem.again
    given = {"function": function} if function else {}
    if problem.check in _OVER_MANY:
        given |= options
    else:
        given |= {"case": problem.smallest} | {k: v for k, v in options.items() if k not in _OF_MANY}
    return f"assert_conforms({', '.join([_spoken(target), *(f'{k}={_spoken(v)}' for k, v in given.items())])})"


def _spoken(value: Any) -> str:
    """A value as it is written in a call; a callable by its name."""
    if callable(value):
        name = str(getattr(value, "__name__", ""))
        return name if name.isidentifier() else "f"
    return repr(os.fspath(value) if isinstance(value, os.PathLike) else value)
