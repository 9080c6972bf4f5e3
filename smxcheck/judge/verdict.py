"""From results to an exit code: the one place that decides what a run means."""

from __future__ import annotations

from smxcheck.judge.result import Problem, Report, Result, Status

#: Code of the check under which a refusal is right, and leaves no output.
_REFUSAL = "SMX401"
_FAILED = (Status.WRONG, Status.CRASHED, Status.HUNG, Status.NOT_RUN)
_TELLING = (Status.OK, Status.WRONG, Status.CRASHED, Status.HUNG, Status.NOT_RUN)


def counted_targets(report: Report) -> set[str]:
    """Targets whose results make the verdict: neither beside the others, nor wrong on purpose."""
    return {t.name for t in report.targets if not t.beside and not t.expected_wrong}


def failures(report: Report) -> list[Result]:
    """Results that are wrong or did not come to an end, without those that a --known file accepts."""
    names = counted_targets(report)
    return [r for r in report.results if r.target in names and r.status in _FAILED and not r.known]


def open_problems(report: Report) -> list[Problem]:
    """Problems that make the verdict."""
    names = counted_targets(report)
    return [p for p in report.problems if p.target in names and not p.known]


def missed_on_purpose(report: Report) -> list[str]:
    """Targets that are wrong on purpose and were not caught."""
    names = {t.name for t in report.targets if t.expected_wrong}
    caught = {r.target for r in report.results if r.status is Status.WRONG}
    return sorted(names - caught)


def published_as_recorded(report: Report) -> bool:
    """Whether every published statement that was to be run has the verdict on record."""
    return report.published is None or report.published.as_recorded


def is_empty_part(report: Report) -> bool:
    """Whether this is a part of a run to which, by chance, none of the run's cases fell."""
    return bool(report.shard and report.part and report.part.cases and not report.results)


def is_incomplete(report: Report) -> bool:
    """Whether parts of the run were missing when the others were put together."""
    return bool(report.part and report.part.missing)


def tells(results: list[Result]) -> bool:
    """Whether anything of the results tells right from wrong. A refusal where only a refusal is right tells nothing of a
    target that refuses all the rest, nor does a property of calls that gave no value."""
    telling = [r for r in results if r.status in _TELLING]
    refused = any(r.status is Status.DECLINED for r in results)
    return any(not (refused and r.status is Status.OK and _without_value(r)) for r in telling)


def _without_value(r: Result) -> bool:
    return r.group == "properties" or (r.check == _REFUSAL and not r.digest)


def exit_code(report: Report) -> int:
    """130 interrupted, 3 a wrong enclosure or undecided, 5 nothing telling, 1 wrong, not run to its end or a published
    statement with another verdict than the recorded one, or parts of the run missing, 0 right.

    ``--exit-zero`` turns 1 into 0 and nothing else.
    """
    if report.interrupted:
        return 130
    if report.recheck is not None and report.recheck.misses:
        return 3
    names = counted_targets(report)
    mine = [r for r in report.results if r.target in names]
    if any(r.status is Status.UNDECIDED for r in mine):
        return 3
    if not tells(mine):
        # Which cases a part has is chance: it is the whole run that must tell right from wrong.
        return 0 if report.shard and report.part and report.part.cases else 5
    if failures(report) or missed_on_purpose(report) or not published_as_recorded(report) or is_incomplete(report):
        return 0 if report.exit_zero else 1
    return 0
