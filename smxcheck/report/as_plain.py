"""A report for logs and other programs' eyes: one fact per line, no width limit, no styles."""

from __future__ import annotations

from collections.abc import Iterator

from smxcheck.judge.result import Report, Status
from smxcheck.report.as_rich import MOST_PROBLEMS
from smxcheck.report.caveats import cannot_tell, caveats, choices
from smxcheck.report.details import details
from smxcheck.report.escape import cleaned, to_ascii
from smxcheck.report.exactness import exact_values, rechecked
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.fuzzed import fuzzed_lines
from smxcheck.report.groups import group_facts, purpose_example, purpose_facts
from smxcheck.report.numbers import allowed, at_least, in_ulp, plural, thousands
from smxcheck.report.published import published_line
from smxcheck.report.sentences import (
    NEXT_STEPS,
    OWN_FIRST,
    ULP,
    called_with,
    environment_lines,
    functions_of,
    machine,
    problem_lines,
    row_verdict,
    title,
    verdict,
)
from smxcheck.report.summary import Row, judged_targets, known_problems, open_problems, table


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The report, one fact per line; ASCII unless ``options.unicode``."""
    report = cleaned(report)
    facts = [verdict(report).text] if options.quiet else list(_facts(report, options))
    text = "".join(f"{fact}\n" for fact in facts)
    return text if options.unicode else to_ascii(text)


def _facts(report: Report, options: RenderOptions) -> Iterator[str]:
    yield from _header(report, options)
    yield from _results(report, options)
    yield ULP
    yield from _problems(report, options)
    yield from filter(None, (exact_values(report), rechecked(report), published_line(report)))
    yield from fuzzed_lines(report, options.verbose)
    yield from caveats(report)
    if not report.own or options.verbose:
        yield from choices(report)
    if options.everything:
        yield from (f"cannot tell: {r.case}" for r in cannot_tell(report))
        yield from (f"declined: {r.case}: {r.message}" for r in report.results if r.status is Status.DECLINED)
    if report.own:
        yield from (f"{label}: {text}" for label, text in NEXT_STEPS)
    yield verdict(report).text


def _header(report: Report, options: RenderOptions) -> Iterator[str]:
    if report.own:
        yield " ".join(OWN_FIRST)
    yield machine(report)
    yield "environment: " + ", ".join(f"{key} {text}" for key, text in environment_lines(report.environment))
    if report.own and not (options.verbose or options.everything):
        return
    for target in report.targets:
        if target.expected_wrong and not options.everything:
            continue
        kind = "beside" if target.beside else "target"
        yield f"{kind} {target.name}: {' | '.join(filter(None, (functions_of(target), called_with(target))))}"
        yield from (f"{kind} {target.name}: {note}" for note in target.notes)


def _results(report: Report, options: RenderOptions) -> Iterator[str]:
    if report.own:
        for group, functions, dtypes, results, wrong in group_facts(report):
            what = f"{plural(functions, 'function')}, {plural(dtypes, 'dtype')}, {plural(results, 'result')}"
            yield f"{group}: {what}, {thousands(wrong)} wrong"
    purpose = {t.name for t in report.targets if t.expected_wrong}
    if not report.own or options.everything or options.verbose:
        for row in table(report):
            if row.target not in purpose or options.everything:
                yield _row(row, options)
    if facts := purpose_facts(report):
        yield f"wrong on purpose: {facts[0]}, {facts[1]}"
    if example := purpose_example(report):
        yield f"wrong on purpose: {example}"


def _row(row: Row, options: RenderOptions) -> str:
    """``kernel.py softmax float32: ok; 428 results, 0 wrong; worst error ≥ 63.1 ulp, allowed 100 ulp;
    ...``
    """
    parts = [row_verdict(row), f"{plural(row.results, 'result')}, {thousands(row.bad)} wrong"]
    if error := row.worst_text or (in_ulp(at_least(row.worst_ulp)) if row.worst_ulp is not None else ""):
        parts.append(f"worst error {error}, allowed {in_ulp(allowed(row.allowed_ulp))}")
    if more := details(row, verbose=options.verbose):
        parts.append(more)
    return f"{row.target} {row.function} {row.dtype}: {'; '.join(parts)}"


def _problems(report: Report, options: RenderOptions) -> Iterator[str]:
    found = open_problems(report)
    several = len(judged_targets(report)) > 1
    shown = found if options.everything else found[:MOST_PROBLEMS]
    for number, problem in enumerate(shown, 1):
        yield f"PROBLEM {number} of {len(found)}: {title(problem, with_target=several)}"
        yield from (f"problem {number} {label}: {text}" for label, text in problem_lines(problem))
        if options.everything:
            yield from (f"problem {number} case: {case}" for case in problem.cases)
    if more := len(found) - len(shown):
        yield f"+{more} more: --all"
    if options.everything or options.verbose:
        for problem in known_problems(report):
            yield f"KNOWN {title(problem, with_target=several)}: {problem.known}; smallest {problem.smallest}"
