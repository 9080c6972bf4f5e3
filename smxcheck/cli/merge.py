"""``smxcheck merge``: the options, what is read and what is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from smxcheck.cli.errors import FAULT, NOTHING, USAGE, Fail

if TYPE_CHECKING:
    from smxcheck.judge.result import Report

EPILOG = """\
FILE is a report of verify (--report FILE.json or FILE.json.gz): the parts of one run (--shard 1/3, 2/3, 3/3), or runs of
several targets with the same cases and demands. What was split is judged again as one run.

\b
Exit codes, those of verify:
  0    everything in the reports is right
  1    something is wrong, was not run to its end, or parts are missing
  2    a file is not usable, or the files do not fit
  3    a fault of smxcheck, or a result that it could not decide
  5    the reports have nothing that tells

\b
Examples:
  smxcheck merge part-*.json --report all.xml
  smxcheck merge torch.json jax.json.gz --format github
  smxcheck merge part-1.json part-3.json --partial
"""


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Reports in JSON.", show_default=False)],
    partial: Annotated[bool, typer.Option("--partial", help="Accept missing parts, and say so; never passes.")] = False,
    report: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Write .json .xml .md .csv .html besides.")
    ] = None,
    format: Annotated[str, typer.Option(metavar="rich|plain|json|github", help="What stdout gets.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every problem and every blind case.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the verdict.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Levels and quantiles too.")] = False,
) -> int:
    """Put reports together: the parts of a run that was split, or runs of several targets."""
    from smxcheck.cli.run_verify import check_reports, write_reports
    from smxcheck.cli.screen import Screen
    from smxcheck.cli.settle import Given

    given = Given(reports=tuple(report or ()), format=format, everything=everything, quiet=quiet, verbose=verbose)
    if quiet and (everything or verbose):
        raise Fail(f"-q and {'--all' if everything else '-v'} exclude each other: leave one out")
    screen = Screen(given)
    try:
        check_reports(given.reports)
    except ValueError as error:
        raise Fail(str(error)) from error
    merged = merge(files, partial=partial)
    if not merged.results:
        raise Fail("nothing was checked in any of the reports", NOTHING)
    screen.print(merged)
    if not write_reports(merged, given.reports, quiet):
        return FAULT if merged.exit_code == FAULT else USAGE
    return merged.exit_code


def merge(files: list[str], *, partial: bool) -> Report:
    """One report from files. Raises Fail for what cannot be read, or does not fit."""
    from dataclasses import replace

    from smxcheck.caseset.model import CaseError
    from smxcheck.run import merge as parts
    from smxcheck.run import union

    named = [(name, _read(name)) for name in files]
    whole = []
    try:
        for run in union.groups(named):
            if (missing := union.lacking(run)) and not partial:
                raise Fail(_missing(run[0][1], missing))
            whole.append(parts.whole([r for _, r in run]) if run[0][1].shard else run[0][1])
    except union.MergeError as error:
        raise Fail(str(error)) from error
    except (ValueError, CaseError) as error:
        raise Fail(f"{', '.join(files)}: not as smxcheck wrote them: {error}") from error
    merged = union.side_by_side(whole)
    return replace(merged, notices=(*merged.notices, *union.machines(named)))


def _missing(report: Report, missing: list[int]) -> str:
    n = report.shard.partition("/")[2]
    told = ", ".join(f"{i}/{n}" for i in missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
    return f"{'part' if len(missing) == 1 else 'parts'} {told} of {', '.join(t.name for t in report.targets)} missing: add the report, or --partial"


def _read(name: str) -> Report:
    from smxcheck.report.as_json import load
    from smxcheck.report.read import read_text

    try:
        return load(read_text(name))
    except OSError as error:
        raise Fail(f"{name}: {error.strerror or error}") from error
    except ValueError as error:
        raise Fail(f"{name}: {error}") from error
