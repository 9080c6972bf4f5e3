"""``smxcheck compare`` of two runs of ``bench``: the comparison that its gate makes, from two files alone.

Nothing is measured a second time here, as ``bench --against`` does with what looks slower. So SLOWER stands only where the
interval lies beyond the share of the threshold that the gate asks of both measurements together (`smxcheck.benchmark.compare.gate`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smxcheck.cli.errors import Fail, complain
from smxcheck.cli.output import emit
from smxcheck.cli.run_compare import Given, rebuilt, write
from smxcheck.cli.terminal import show

if TYPE_CHECKING:
    from smxcheck.benchmark.compare.against import Comparison
    from smxcheck.benchmark.results import Run


def run(given: Given, old: Any, new: Any, destinations: list[tuple[str, Path]]) -> int:
    """Compare, print, write; the exit code. Raises Fail."""
    from smxcheck.benchmark.files import as_markdown, document
    from smxcheck.benchmark.show import screen

    _check(given, destinations)
    before, after = rebuilt(given.old, old, document.rebuilt), rebuilt(given.new, new, document.rebuilt)
    comparison = _compared(given, before, after)
    if given.quiet:
        emit(screen.verdict(after, comparison))
    elif given.format == "github":
        emit("\n".join([*_annotations(comparison), screen.verdict(after, comparison)]))
    else:
        show(
            lambda layout: screen.lines(after, layout, comparison, given.everything),
            lambda unicode: screen.facts(after, comparison, unicode=unicode),
            given.format,
        )
    written = write([(path, as_markdown.render(after, comparison)) for _, path in destinations], given.quiet)
    return written or comparison.exit_code


def _check(given: Given, destinations: list[tuple[str, Path]]) -> None:
    """Raises Fail for what means nothing to runs of bench."""
    for option, typed in (("--map", given.maps), ("--fail-on", given.fail_on), ("--known", given.known)):
        if typed:
            raise Fail(f"{option} is about reports of verify, and {given.old} is a run of bench: leave it out")
    if given.format == "json" or any(name == "json" for name, _ in destinations):
        raise Fail("two runs of bench are compared on the screen, as --format github, or in --report FILE.md, not as JSON")


def _compared(given: Given, before: Run, after: Run) -> Comparison:
    from smxcheck.benchmark.compare.against import compare, unusable
    from smxcheck.benchmark.compare.gate import SURE
    from smxcheck.cli.settle_bench import THRESHOLD, percent

    threshold = percent("--fail-above", given.fail_above) if given.fail_above else THRESHOLD
    for name, run in ((given.old, before), (given.new, after)):
        if not run.complete:
            raise Fail(f"{name}: it was not measured to its end; smxcheck bench --resume {name} goes on with it")
    now = {"threads": after.settings.threads, "device": after.settings.device, **after.machine}
    if reason := unusable(before, now):
        if not given.any_machine:
            raise Fail(f"{given.old}: {reason}, or take it as it is with --any-machine")
        complain(f"{given.old}: {reason}; compared nevertheless, as --any-machine says")
    return compare(before, after, threshold, sure=SURE)


def _annotations(comparison: Comparison) -> Iterator[str]:
    """One for what is wrong, one for what is slower, one for what differs."""
    from smxcheck.report.as_github import annotation
    from smxcheck.report.escape import cleaned

    found = cleaned(comparison)
    if wrong := [f"{one.target} on {one.title}: {one.message}" for one in found.newly_wrong]:
        yield annotation("error", "smxcheck compare: newly wrong", "\n".join(wrong))
    if slower := [f"{one.target} on {one.title}: {one.ratio.value:.2f} times the time" for one in found.slower]:
        yield annotation("error", "smxcheck compare: slower", "\n".join(slower))
    if doubts := [*found.notes, *found.not_compared]:
        yield annotation("warning", "smxcheck compare: what makes the verdict worth less", "\n".join(doubts))
