"""The pytest plugin: ``@pytest.mark.smxcheck`` makes one test for each case and dtype.

>>> @pytest.mark.smxcheck("softmax", require="standard", dtypes=("float32",))
... def test_softmax(smxcheck_case):
...     smxcheck_case.check(my_softmax)

Loading it costs nothing: what judges is imported where the first marker is met.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from smxcheck.caseset.model import Case
    from smxcheck.judge.result import Report
    from smxcheck.run.options import RunOptions
    from smxcheck.run.single import OneByOne

_MARKER, _FIXTURE = "smxcheck", "smxcheck_case"
#: Keywords of ``smxcheck.verify`` that mean something for one case at a time.
KEYWORDS = (
    "dtypes", "cases", "require", "max_ulp", "allow", "expect", "inputs", "only", "arrays", "device", "fixed", "gradient",
)  # fmt: skip
#: Statuses of a case; those that tell right from wrong, and those that are a skip.
_TELLING = ("ok", "wrong", "undecided")
_SKIPPED = ("declined", "cannot-tell", "not-asked")
_PROPERTY = "smxcheck"


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known, and counts what the cases tell where all reports arrive: not in an xdist worker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(function, k='', {', '.join(f'{k}=' for k in KEYWORDS)}): one test for each case of the function and"
        f" dtype, in a test that takes the fixture {_FIXTURE}; the keywords are those of smxcheck.verify",
    )
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Tally(), "smxcheck-tally")


@dataclass(frozen=True)
class _Asked:
    """One case as the marker asks for it."""

    case: Case
    options: RunOptions
    gradient: Callable[..., Any] | None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case, with the case's id: the same in every process."""
    marker = metafunc.definition.get_closest_marker(_MARKER)
    if marker is None:
        return
    if _FIXTURE in metafunc.fixturenames:
        asked = _asked(marker, metafunc.definition.name)
        metafunc.parametrize(_FIXTURE, asked, ids=[a.case.id for a in asked], indirect=True)
    elif marker in metafunc.definition.own_markers:
        _refuse(f"{metafunc.definition.name} has the marker {_MARKER} and does not take the fixture {_FIXTURE}, so nothing would be checked")


def _asked(marker: pytest.Mark, test: str) -> list[_Asked]:
    """The cases that the marker of a test asks for; what it gets wrong is one line."""
    from smxcheck.caseset import CaseError

    try:
        if problem := _misuse(marker):
            raise ValueError(problem)
        return _selected(marker)
    except (ValueError, TypeError, CaseError) as error:
        raise pytest.fail.Exception(f"smxcheck: the marker of {test}: {error}", pytrace=False) from None


def _misuse(marker: pytest.Mark) -> str:
    """What is wrong with the form of a marker, and the remedy; "" where nothing is."""
    import difflib

    from smxcheck.catalog import FUNCTIONS

    if len(marker.args) != 1 or not isinstance(marker.args[0], str):
        return f"it names one function, as in @pytest.mark.{_MARKER}('softmax')"
    if marker.args[0] not in FUNCTIONS:
        near = difflib.get_close_matches(marker.args[0], FUNCTIONS, n=1)
        return f"no function {marker.args[0]!r}; " + (f"did you mean {near[0]}?" if near else "see: smxcheck list functions")
    if unknown := [name for name in marker.kwargs if name not in (*KEYWORDS, "k")]:
        return f"no keyword {unknown[0]!r}; there are k, {', '.join(KEYWORDS)}"
    gradient = marker.kwargs.get("gradient")
    return f"gradient is a callable or 'auto', not {gradient!r}" if isinstance(gradient, str) and gradient != "auto" else ""


def _selected(marker: pytest.Mark) -> list[_Asked]:
    """Raises ValueError, TypeError or CaseError for values that are not understood, and where no case is left."""
    from smxcheck.api import settled
    from smxcheck.run.execute import select_cases

    keywords = dict(marker.kwargs)
    text = str(keywords.pop("k", ""))
    options = settled(*marker.args, **keywords)
    cases = [c for c in select_cases(options, marker.args) if text.lower() in c.id.lower()]
    if not cases:
        where = f"{marker.args[0]} in {', '.join(options.dtypes)}"
        raise ValueError(f"no case of {where} has {text!r} in its id; see: smxcheck list cases")
    gradient = keywords.get("gradient")
    return [_Asked(case, options, gradient if callable(gradient) else None) for case in cases]


def _refuse(text: str) -> NoReturn:
    """One line, as an error of the collection."""
    pytest.fail(f"smxcheck: {text}", pytrace=False)


@pytest.fixture
def smxcheck_case(request: pytest.FixtureRequest) -> SmxcheckCase:
    """The case of this test; ``smxcheck_case.check(my_softmax)`` judges it. The test bears the marker ``smxcheck``."""
    asked = getattr(request, "param", None)
    if not isinstance(asked, _Asked):
        _refuse(f"the fixture {_FIXTURE} needs the marker on its test: @pytest.mark.{_MARKER}('softmax')")
    return SmxcheckCase(asked, request.node)


class SmxcheckCase:
    """One case of one function in one dtype: its permanent ``id``, ``function``, ``dtype`` and ``check``."""

    def __init__(self, asked: _Asked, node: pytest.Item) -> None:
        self._asked, self._node = asked, node
        self.id, self.function, self.dtype = asked.case.id, asked.case.function, asked.case.dtype
        self.checked = False

    def __repr__(self) -> str:
        return f"<smxcheck case {self.id}>"

    def check(self, target: Callable[..., Any]) -> None:
        """Judge the callable on this case; once in a test.

        Fails where the result is wrong or could not be decided. Skips, with the reason, where it shows nothing: the
        callable refuses a call beyond the core contract, lacks a keyword, or the bound would accept something wrong
        there too. A test of which no case tells right from wrong fails the session. Where there is no single right
        answer it passes, and what was chosen is a property of the test (``--junit-xml`` has it).

        One case shows neither that a choice is the same over lengths and dtypes, nor that a class of inputs is refused
        as a whole: ``smxcheck.testing.assert_conforms`` does. The call is made in this process: a crash ends it.
        """
        __tracebackhide__ = True
        from smxcheck.api import name_of
        from smxcheck.targets.protocol import TargetError

        if not callable(target):
            raise TypeError(f"{_FIXTURE}.check takes a callable, not {target!r}; smxcheck.testing.assert_conforms takes texts")
        self.checked = True
        asked = self._asked
        try:
            report = _judge().run(target, name_of(target), asked.case, asked.options, asked.gradient)
        except TargetError as error:
            _refuse(str(error))
        status, reason = _status(report)
        properties = self._node.user_properties
        properties.append((_PROPERTY, status))
        properties += [("smxcheck_choice", f"{k}={v}") for r in report.results for k, v in r.choice.items()]
        if status in _SKIPPED:
            pytest.skip(f"{status}: {reason}")
        if status in ("wrong", "undecided"):
            pytest.fail(reason or self._failure(report), pytrace=False)

    def _failure(self, report: Report) -> str:
        """Ten lines: the first problem, and the headings of others."""
        import shlex

        from smxcheck.report.escape import cleaned
        from smxcheck.testing import problem_lines

        first, *others = cleaned(report).problems
        lines = problem_lines(first, f"pytest {shlex.quote(self._node.nodeid)}", "call")
        return "\n".join(lines + ([f"  also        {'; '.join(p.message for p in others)}"] if others else []))


@cache
def _judge() -> OneByOne:
    """One for the process: what is right for a case is worked out once."""
    from smxcheck.run.single import OneByOne

    return OneByOne()


def _status(report: Report) -> tuple[str, str]:
    """What a case came to, and why where it is not in the report's problems."""
    from smxcheck.judge.result import Status
    from smxcheck.judge.verdict import failures
    from smxcheck.report.escape import one_line

    values = {r.status: r for r in reversed(report.results) if r.group != "properties"}
    if failures(report):
        return "wrong", ""
    if Status.UNDECIDED in values:
        return "undecided", "smxcheck could not decide this case, which is no pass: please report it"
    if not values:
        return "not-asked", one_line("; ".join(text for t in report.targets for text in t.not_tested))
    if Status.OK in values:
        return "ok", ""
    if Status.NO_SINGLE_ANSWER in values:
        return "no-single-answer", ""
    if Status.DECLINED in values:
        return "declined", one_line(values[Status.DECLINED].message)
    return "cannot-tell", f"the bound here also admits {values[Status.CANNOT_TELL].cannot_tell}"


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """After a test that passed: one that takes a case and does not check it proves nothing."""
    case = getattr(item, "funcargs", {}).get(_FIXTURE)
    if isinstance(case, SmxcheckCase) and not case.checked:
        _refuse(f"the test never called {_FIXTURE}.check, so nothing was checked")


class _Tally:
    """What the cases of each test told, over all processes; a test of which none tells fails the session."""

    def __init__(self) -> None:
        self._seen: dict[str, Counter[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        path, _, name = report.nodeid.partition("::")
        for key, status in report.user_properties:
            if key == _PROPERTY:
                self._seen.setdefault(f"{path}::{name.partition('[')[0]}", Counter())[str(status)] += 1

    def _barren(self) -> list[str]:
        """A line for each test without a case that tells."""
        return [
            f"{test}: none of {counts.total():,} cases tells right from wrong"
            f" ({', '.join(f'{n:,} {status}' for status, n in counts.items())}): nothing was checked"
            for test, counts in self._seen.items()
            if not any(counts[status] for status in _TELLING)
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._barren() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if barren := self._barren():
            terminalreporter.section("smxcheck", red=True)
            for line in barren:
                terminalreporter.line(f"ERROR {line}")
