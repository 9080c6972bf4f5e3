"""What every format shows of a report: one row per target, function and dtype, and the problems in order of
harm.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smxcheck.catalog import FUNCTIONS
from smxcheck.judge import verdict
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME, Check, is_identity
from smxcheck.judge.result import LEVEL_ORDER, Level, Problem, Report, Result, Status, TargetReport

#: What counts as wrong in a table: a wrong value, or none at all.
BAD = frozenset({Status.WRONG, Status.CRASHED, Status.HUNG})
_LONGEST_CELL = 16


@dataclass(frozen=True)
class Row:
    """All results of one target, function and dtype.

    ``worst_ulp`` is the largest error of any element (inf where a value is wrong without a distance),
    ``allowed_ulp`` the bound at that element, ``worst_text`` what to show where no distance exists: ``-inf,
    not -200``. Quantiles are upper edges of their bins, a factor 2^(1/8) wide. ``open`` counts bad results
    that no --known file accepts; ``missed`` those among them that are right at a lower level than the one
    required.
    """

    target: str
    function: str
    dtype: str
    results: int
    counts: Mapping[Status, int]
    levels: Mapping[Level, int]
    level: Level | None
    open: int
    missed: int
    worst_ulp: float | None
    worst_text: str
    worst_case: str
    allowed_ulp: float | None
    p99_ulp: float | None
    median_ulp: float | None
    mean_ulp: float | None
    elements: int
    flushed: int
    largest_term: str
    tells: bool = True  # False where nothing in the row tells right from wrong, as where all but refusals was refused

    @property
    def bad(self) -> int:
        return sum(self.counts.get(status, 0) for status in BAD)

    @property
    def known(self) -> int:
        return self.bad - self.open


def judged_targets(report: Report) -> tuple[TargetReport, ...]:
    """The targets that the verdict is about."""
    names = verdict.counted_targets(report)
    return tuple(t for t in report.targets if t.name in names)


def judged_results(report: Report) -> tuple[Result, ...]:
    """The results that the verdict is about."""
    names = verdict.counted_targets(report)
    return tuple(r for r in report.results if r.target in names)


def status_counts(results: Iterable[Result]) -> dict[Status, int]:
    """Every status with its number of results; the numbers add up to the number of results."""
    counts = Counter(r.status for r in results)
    return {status: counts[status] for status in Status}


def table(report: Report) -> tuple[Row, ...]:
    """The rows of every target, in the order of targets, of the catalog and of the requested dtypes."""
    groups: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in report.results:
        groups[result.target, result.function, result.dtype].append(result)
    targets = [t.name for t in report.targets]
    functions, dtypes = list(FUNCTIONS), list(report.dtypes)

    def position(key: tuple[str, str, str]) -> tuple[int, int, int]:
        return _place(targets, key[0]), _place(functions, key[1]), _place(dtypes, key[2])

    return tuple(table_row(groups[key]) for key in sorted(groups, key=position))


def beside_row(row: Row, rows: Iterable[Row], report: Report) -> Row | None:
    """The row of the ``--beside`` target for the function and dtype of ``row``."""
    names = {t.name for t in report.targets if t.beside}
    pair = row.function, row.dtype
    return next((r for r in rows if r.target in names and (r.function, r.dtype) == pair), None)


def quantile(histogram: Mapping[int | None, int], share: float, largest: float | None = None) -> float | None:
    """An upper bound of the ⌈share·N⌉-th smallest error: the upper edge 2^(k/8) of its bin, but no more
    than ``largest``.

    None where nothing was measured.
    """
    total = sum(histogram.values())
    rank, seen = math.ceil(share * total), 0
    for key in sorted(histogram, key=lambda k: -math.inf if k is None else k):
        seen += histogram[key]
        if total and seen >= rank:
            edge = 0.0 if key is None else _edge(key)
            return edge if largest is None else min(edge, largest)
    return None


def _edge(key: int) -> float:
    """2^(k/8), or inf beyond the floats: an error in float64 may reach 2^2098 ulp."""
    return 2.0 ** (key / 8) if key < 8 * 1024 else math.inf


def find_check(text: str) -> Check | None:
    """The check of that code or name."""
    return CHECKS.get(text) or CHECKS_BY_NAME.get(text)


def check_name(text: str) -> str:
    check = find_check(text)
    return check.name if check else text


def check_code(text: str) -> str:
    check = find_check(text)
    return check.code if check else text


def by_harm(problems: Iterable[Problem]) -> list[Problem]:
    """Problems, worst first: accepted ones last, then values, identities, labels and reductions, dying, contract,
    choices.

    A wrong value that nobody sees does more harm than a crash that everybody sees. Within a kind the judge's order stays:
    by function, then the problem that the earliest acceptance vector shows.
    """
    order = "164325"  # first digit of the code

    def harm(problem: Problem) -> tuple[bool, int]:
        code = check_code(problem.check)
        kind = order.find(code[3]) if code.startswith("SMX") and code[3:4] in order else len(order)
        return bool(problem.known), kind

    return sorted(problems, key=harm)


def open_problems(report: Report) -> list[Problem]:
    """The problems that the verdict rests on, worst first."""
    return by_harm(verdict.open_problems(report))


def known_problems(report: Report) -> list[Problem]:
    """The problems that a --known file accepts."""
    names = verdict.counted_targets(report)
    return by_harm(p for p in report.problems if p.target in names and p.known)


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def table_row(results: list[Result]) -> Row:
    """The figures of some results of one target, function and dtype. Raises IndexError for none."""
    counts = Counter(r.status for r in results)
    levels = Counter(r.level for r in results if r.level)
    histogram: Counter[int | None] = Counter()
    for result in results:
        histogram.update(result.histogram)
    measured = sum(r.elements for r in results)
    worst = _worst(results)
    largest = _error(worst) if worst else None
    unaccepted = [r for r in results if r.status in BAD and not r.known]
    return Row(
        target=results[0].target,
        function=results[0].function,
        dtype=results[0].dtype,
        results=len(results),
        counts={status: counts[status] for status in Status},
        levels={level: levels[level] for level in Level},
        level=max(levels, key=lambda level: LEVEL_ORDER[level]) if levels else None,
        open=len(unaccepted),
        missed=sum(r.status is Status.WRONG and r.level not in (None, Level.WRONG) for r in unaccepted),
        worst_ulp=largest,
        worst_text=_in_words(worst) if worst else "",
        worst_case=worst.case if worst else "",
        allowed_ulp=_allowed(worst) if worst else None,
        p99_ulp=quantile(histogram, 0.99, largest),
        median_ulp=quantile(histogram, 0.5, largest),
        mean_ulp=_mean(results, quantile(histogram, 0.99, largest)),
        elements=measured,
        flushed=sum(r.flushed for r in results),
        largest_term=worst.largest_term if worst else "",
        tells=verdict.tells(results),
    )


def _mean(results: list[Result], most: float | None) -> float | None:
    """The mean signed error; None where it is above what 99 % of the elements reach: a few elements then make it."""
    measured = sum(r.elements for r in results)
    if not measured or most is None:
        return None
    mean = sum(r.signed_sum for r in results) / measured
    return mean if abs(mean) <= max(most, 1.0) else None


def _error(result: Result) -> float | None:
    """The largest error of a result; inf for a wrong one that has no distance from the right value."""
    error = result.error_ulp if result.largest_error_ulp is None else result.largest_error_ulp
    if error is not None and not math.isnan(error):
        return error
    return math.inf if result.status in BAD else None


def _allowed(result: Result) -> float | None:
    """The bound at the element of the largest error, where it is known."""
    if result.largest_allowed_ulp is not None:
        return result.largest_allowed_ulp
    same = result.largest_error_ulp is None or result.largest_error_ulp == result.error_ulp
    return result.allowed_ulp if same else None


def _worst(results: list[Result]) -> Result | None:
    """The result with the largest error; among equals a wrong one, then one whose values fit into a cell.

    A broken identity has no error of its own: it is shown where no value is wrong.
    """
    measured = [r for r in results if _error(r) is not None]
    values = [r for r in measured if not is_identity(r.check)]
    if any(r.status in BAD for r in values):
        measured = values
    if not measured:
        return None
    return max(measured, key=lambda r: (_error(r), r.status is Status.WRONG, bool(_pair(r))))


def _in_words(result: Result) -> str:
    """What a table shows for an error that no number of ulp describes."""
    error = _error(result)
    if error is not None and math.isfinite(error):
        return ""
    if result.message.startswith("off by "):
        return result.message.partition(" where")[0]  # 0 is right: no number of ulp says how far off
    return _pair(result) or check_name(result.check)


def _pair(result: Result) -> str:
    """``-inf, not -200``: the first element where one of got and right is not finite; empty where none
    fits.
    """
    got, right = (text.strip("[]() ").split(",") for text in (result.got, result.right))
    if len(got) != len(right):
        return ""
    for one, other in zip(map(str.strip, got), map(str.strip, right), strict=True):
        text = f"{one}, not {other}"
        if one != other and _not_finite(one, other) and len(text) <= _LONGEST_CELL:
            return text
    return ""


def _not_finite(*texts: str) -> bool:
    return any(text.lstrip("+-") in ("inf", "nan") for text in texts)
