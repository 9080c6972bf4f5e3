"""What a report says of the drawn inputs of ``--fuzz``, in sentences that all formats share."""

from __future__ import annotations

from collections import defaultdict

from smxcheck.judge.result import Fuzzed, Report
from smxcheck.report.numbers import plural


def fuzzed_lines(report: Report, verbose: bool = False) -> list[str]:
    """``fuzzed: 12,400 inputs in 60 s, largest error 0.83 of what is allowed (...)``; with ``verbose`` one line for each
    target, function and dtype too. Empty where nothing was to be drawn."""
    if not report.fuzzed:
        return []
    put = [f for f in report.fuzzed if not f.left_out]
    lines = [_summary(put)] if put else []
    if verbose:
        lines += [f"fuzzed {_where(f)}: {_facts([f])}{_found([f])}" for f in put]
    return lines


def fuzzed_caveats(report: Report) -> list[str]:
    """Where nothing was drawn, equal reasons together."""
    places: dict[str, list[str]] = defaultdict(list)
    for f in report.fuzzed:
        if f.left_out:
            places[f.left_out].append(_where(f))
    return [f"Not fuzzed: {_named(names)} ({reason})." for reason, names in places.items()]


def _summary(put: list[Fuzzed]) -> str:
    found = _found(put) or "; none failed, which is no proof"
    return f"fuzzed: {_facts(put, named=True)}{found}"


def _facts(put: list[Fuzzed], named: bool = False) -> str:
    inputs, seconds = sum(f.inputs for f in put), sum(f.seconds for f in put)
    rate = f" ({inputs / seconds:,.0f} a second)" if seconds > 0 else ""
    text = f"{plural(inputs, 'input')} in {seconds:,.3g} s{rate}"
    measured = [f for f in put if f.worst_ratio is not None]
    if not measured:
        return text
    top = max(measured, key=lambda f: f.worst_ratio or 0.0)
    at = f"{_where(top)}, {top.worst}" if named else top.worst
    return f"{text}, largest error {top.worst_ratio:.3g} of what is allowed ({at})"


def _found(put: list[Fuzzed]) -> str:
    number = sum(len(f.found) for f in put)
    return f"; {plural(number, 'failing input')} found" if number else ""


def _where(f: Fuzzed) -> str:
    return f"{f.target} {f.function} {f.dtype}"


def _named(names: list[str]) -> str:
    """Four names, or how many there are: a library has a hundred."""
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} others"
