"""JUnit XML in the dialect that GitLab and Jenkins read: one test per function, dtype and group, a suite
per target.

A wrong value is a failure; a target that raised, died, hung or was not run is an error. Names are unique
(GitLab keeps the first of equal ones), a test has one failure with all problems in its text (Jenkins shows
one), and the figures stand in the text (properties are not shown).
"""

from __future__ import annotations

from collections import defaultdict
from xml.etree import ElementTree as ET

from smxcheck.judge.result import Problem, Report, Result, Status, TargetReport
from smxcheck.judge.verdict import missed_on_purpose
from smxcheck.report.caveats import caveats
from smxcheck.report.details import details
from smxcheck.report.escape import cleaned
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.numbers import allowed, at_least, in_ulp, plural
from smxcheck.report.published import published_line, published_misses
from smxcheck.report.sentences import NOTHING_OF_YOURS, outcome, problem_lines, software, title, verdict
from smxcheck.report.summary import by_harm, check_name, judged_targets, table_row

_ERRORS = frozenset({Status.CRASHED, Status.HUNG, Status.NOT_RUN, Status.UNDECIDED})
_RAISED = "raises"


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The report as an XML document. ``options`` change nothing."""
    report = cleaned(report)
    root = ET.Element("testsuites", name="smxcheck")
    for target in judged_targets(report):
        root.append(_suite(target, report))
    root.append(_run_suite(report))
    _count(root, list(root.iter("testcase")), report.seconds)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(target: TargetReport, report: Report) -> ET.Element:
    groups: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in report.results:
        if result.target == target.name:
            groups[result.function, result.dtype, result.group].append(result)
    suite = ET.Element("testsuite", name=target.name)
    problems = [p for p in by_harm(report.problems) if p.target == target.name]
    for (function, dtype, group), results in groups.items():
        case = ET.SubElement(
            suite, "testcase", classname=f"{target.name}.{function}", name=f"{function} {dtype} {group}"
        )
        if target.path:
            case.set("file", target.path)
        case.set("time", _time(sum(r.seconds for r in results)))
        _judge(case, results, problems)
    _count(suite, list(suite), sum(r.seconds for found in groups.values() for r in found))
    return suite


def _judge(case: ET.Element, results: list[Result], problems: list[Problem]) -> None:
    """Add failure, error or skipped, and the figures."""
    bad = [r for r in results if not r.known and (r.status is Status.WRONG or r.status in _ERRORS)]
    figures = _figures(results)
    if bad:
        values = [r for r in bad if r.status is Status.WRONG and check_name(r.check) != _RAISED]
        first = (values or bad)[0]
        statuses = sorted({r.status.value for r in bad})
        verdict_element = ET.SubElement(case, "failure" if values else "error")
        verdict_element.set("type", check_name(first.check) if values else first.status.value)
        verdict_element.set(
            "message", f"{plural(len(bad), 'result')} {' or '.join(statuses)}: {first.message or first.case}"
        )
        verdict_element.text = "\n\n".join([*_problem_texts(bad, problems), figures])
        return
    if reason := _skipped(results):
        ET.SubElement(case, "skipped", message=reason).text = reason
    ET.SubElement(case, "system-out").text = figures


def _problem_texts(bad: list[Result], problems: list[Problem]) -> list[str]:
    """The problems that these results belong to, then every result that belongs to none."""
    cases = {r.case for r in bad}
    met = [p for p in problems if not p.known and cases.intersection(p.cases)]
    covered = {case for problem in met for case in problem.cases}
    texts = ["\n".join([title(p), *(f"{label}: {text}" for label, text in problem_lines(p))]) for p in met]
    loose = [f"{r.status.value}: {r.case} {r.message}".rstrip() for r in bad if r.case not in covered]
    return [*texts, *(["\n".join(loose)] if loose else [])]


def _figures(results: list[Result]) -> str:
    """``12 results: 10 ok, 2 wrong`` and the largest error."""
    row = table_row(results)
    counts = ", ".join(f"{number} {status.value}" for status, number in row.counts.items() if number)
    lines = [f"{plural(len(results), 'result')}: {counts}"]
    if row.worst_ulp is not None:
        error = row.worst_text or in_ulp(at_least(row.worst_ulp))
        lines.append(f"worst error {error}, allowed {in_ulp(allowed(row.allowed_ulp))}; {details(row)}")
    return "\n".join(lines)


def _skipped(results: list[Result]) -> str:
    """Why a test without failures says nothing, or accepts a failure; empty where it passed."""
    reasons = sorted({f"known: {r.known}" for r in results if r.known})
    if reasons:
        return "; ".join(reasons)
    if any(r.status is Status.OK for r in results):
        return ""
    statuses = " and ".join(sorted({r.status.value for r in results}))
    return "; ".join(sorted({f"{statuses}: {r.message}" if r.message else statuses for r in results}))


def _run_suite(report: Report) -> ET.Element:
    """The run itself, so that a run that checked nothing, or was cut short, is never a green file."""
    suite = ET.Element("testsuite", name="smxcheck")
    run = ET.SubElement(
        suite, "testcase", classname="smxcheck", name="the run came to a verdict", time=_time(report.seconds)
    )
    text = verdict(report).text
    if outcome(report) in (3, 5, 130):
        ET.SubElement(run, "error", type="run", message=text).text = text
    ET.SubElement(run, "system-out").text = "\n".join(
        [software(report), report.command, *caveats(report), text]
    )
    missed = missed_on_purpose(report)
    for target in (t for t in report.targets if t.expected_wrong):
        case = ET.SubElement(
            suite, "testcase", classname="smxcheck", name=f"{target.name} is wrong on purpose", time="0"
        )
        if target.name in missed:
            ET.SubElement(
                case, "failure", type="not caught", message="no wrong result"
            ).text = "no wrong result"
    if report.published is not None:
        case = ET.SubElement(suite, "testcase", classname="smxcheck", name="published statements", time="0")
        if misses := published_misses(report):
            ET.SubElement(case, "failure", type="verdict", message=misses[0]).text = "\n".join(misses)
        ET.SubElement(case, "system-out").text = published_line(report)
    if report.own:
        case = ET.SubElement(suite, "testcase", classname="smxcheck", name="your code", time="0")
        ET.SubElement(case, "skipped", message=NOTHING_OF_YOURS).text = NOTHING_OF_YOURS
    _count(suite, list(suite), report.seconds)
    return suite


def _count(element: ET.Element, cases: list[ET.Element], seconds: float) -> None:
    element.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", _time(seconds))


def _time(seconds: float) -> str:
    return f"{seconds:.6f}"
