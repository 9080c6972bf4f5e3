"""What ``smxcheck bench`` does: settle, measure and keep, compare, print, write, exit code."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from smxcheck.cli import bench_files, run_suites
from smxcheck.cli.config import load
from smxcheck.cli.errors import INTERRUPTED, NOTHING, Fail, complain
from smxcheck.cli.output import emit
from smxcheck.cli.settle_bench import THRESHOLD, Given, Task, settle, typed
from smxcheck.cli.terminal import overwrite, show, wipe
from smxcheck.targets.protocol import TargetError

if TYPE_CHECKING:
    from smxcheck.benchmark.compare.against import Comparison
    from smxcheck.benchmark.measure.execute import Step
    from smxcheck.benchmark.results import Run


def run(given: Given) -> int:
    """The whole command; the exit code."""
    if any(target in run_suites.SUITES for target in given.targets):
        return run_suites.run(_suites(given))
    task = settle(given, load(Path.cwd()))
    kept = Kept(task.save)
    try:
        found, comparison = _measured(task, kept)
    except KeyboardInterrupt:
        found = None
    except TargetError as error:
        raise Fail(str(error)) from error
    finally:
        wipe()
    if found is None:  # raised here, since what is raised under an interrupt is told as one
        raise Fail(kept.interrupted(), INTERRUPTED)
    if not any(entry.timed for benchmark in found.benchmarks for entry in benchmark.targets):
        raise Fail(f"nothing was timed: {_why(found)}", NOTHING)
    _print(found, comparison, task, given)
    written = _write(found, comparison, task, given.quiet)
    return (comparison.exit_code if comparison else 0) or written


def _write(found: Run, comparison: Comparison | None, task: Task, quiet: bool) -> int:
    """Every output; 2 where one could not be written, after the others were."""
    code, written = 0, [task.save] if task.save else []
    others = [*task.outputs, *([("json", task.save)] if task.save else [])]
    for format, path in task.outputs:
        try:
            bench_files.write(found, path, format, comparison, others)
            written.append(path)
        except Fail as error:
            complain(str(error))
            code = error.code
    for path in () if quiet else written:
        print(f"wrote {path}", file=sys.stderr)
    return code


@dataclass
class Kept:
    """The run as far as it is there, and in ``file`` if there is one: written after every benchmark, whole or not at all."""

    file: Path | None
    run: Run | None = None
    share: float = 0.0

    def __call__(self, run: Run) -> None:
        self.run = run
        if self.file:
            bench_files.write(run, self.file)

    def progress(self, step: Step) -> None:
        """One line with the share done and the time left."""
        from smxcheck.report.escape import one_line
        from smxcheck.report.numbers import seconds

        self.share = step.done
        left = "" if step.left is None else f", {seconds(max(round(step.left), 1))} left"
        overwrite(f"{step.done:.0%}{left}: {one_line(step.where)}")

    def interrupted(self) -> str:
        """What there is of the run, and how to go on with it."""
        benchmarks = len(self.run.benchmarks) if self.run else 0
        if not self.file:
            return "interrupted; nothing was kept: with --save FILE.json a run can be gone on with"
        if not benchmarks:
            return f"interrupted before anything was measured; nothing was written to {self.file}"
        if self.run and self.run.complete:
            return f"interrupted after the run, which is whole in {self.file}; what was to follow it was not done"
        share = f"at {self.share:.0%}; " if 0 < self.share < 1 else ""
        return (f"interrupted {share}{benchmarks} benchmark{'s' if benchmarks != 1 else ''} {'are' if benchmarks != 1 else 'is'}"
                f" kept in {self.file}: go on with smxcheck bench --resume {shlex.quote(str(self.file))}")  # fmt: skip


def _measured(task: Task, kept: Kept) -> tuple[Run, Comparison | None]:
    """The run, with the test of the gate where it was asked for, and its comparison. Raises KeyboardInterrupt."""
    from smxcheck.benchmark.measure import execute, trust

    command = shlex.join(["smxcheck", *sys.argv[1:]])
    found = execute.run(task.settings, kept.progress, kept, task.before, command=command)
    if task.repetitions and any(entry.ranked for b in found.benchmarks for entry in b.targets):
        threshold = THRESHOLD if task.threshold is None else task.threshold
        found = replace(found, trust=trust.put_to_test(found, task.repetitions, threshold, kept.progress))
        kept(found)
    return found, _compared(found, task, kept) if task.threshold is not None else None


def _compared(found: Run, task: Task, kept: Kept) -> Comparison:
    """The gate: against the base, or against another target of the run; what is slower is measured once more."""
    from smxcheck.benchmark.compare import gate
    from smxcheck.benchmark.measure import execute

    threshold = task.threshold or THRESHOLD

    def again(titles: frozenset[str]) -> Run:
        return execute.run(task.settings, kept.progress, only=titles)

    if task.base:
        return gate.judge(task.base, found, threshold, again)
    return gate.judge_within(found, threshold, again)


def _print(found: Run, comparison: Comparison | None, task: Task, given: Given) -> None:
    """The screen, or the format that stdout is to get; the verdict of a gate is then told on stderr."""
    from smxcheck.benchmark.files import formats
    from smxcheck.benchmark.show import screen

    if given.quiet:
        emit(screen.verdict(found, comparison))
    elif task.console in ("", *bench_files.SCREENS):
        show(
            lambda layout: screen.lines(found, layout, comparison, given.everything),
            lambda unicode: screen.facts(found, comparison, unicode=unicode),
            task.console,
        )
    else:
        try:
            text = formats.render(found, task.console, comparison).decode()
        except ValueError as error:
            raise Fail(f"--format {task.console}: {error}") from error
        emit(text)
        if comparison:
            complain(screen.verdict(found, comparison))


def _why(found: Run) -> str:
    """Why nothing was timed: the first target that failed, else the first remark."""
    failed = [f"{e.name}: {e.failure}" for b in found.benchmarks for e in b.targets if e.failure]
    return next(iter([*failed, *found.notes]), "no target has the function in that dtype and shape")


def _suites(given: Given) -> run_suites.Given:
    """``functions`` and ``oracle``: smxcheck's own suites. Raises Fail for an option that means nothing to them."""
    if others := [target for target in given.targets if target not in run_suites.SUITES]:
        suite = next(target for target in given.targets if target in run_suites.SUITES)
        raise Fail(f"{suite} is a suite of smxcheck's own, {others[0]} a target: measure them one after the other")
    theirs = ("TARGET", "--function", "--dtype", "--ladder", "--quick", "--threads")
    options = {name: value for name, value in given.measured().items() if name not in theirs}
    options |= {
        "--save": given.save, "--resume": given.resume, "--against": given.against, "--fail-above": given.fail_above,
        "--any-machine": given.any_machine, "--format": given.format, "-v": given.everything, "-q": given.quiet,
        "--false-alarms": given.false_alarms,
    }  # fmt: skip
    if idle := typed(options):
        raise Fail(f"{idle[0]} is about targets, and {given.targets[0]} is a suite of smxcheck's own: leave {idle[0]} out")
    threads = 1 if given.threads is None else given.threads
    return run_suites.Given(
        given.targets, given.functions, given.dtypes, given.ladder, threads, given.quick, given.outputs
    )
