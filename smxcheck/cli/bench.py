"""``smxcheck bench``: the options, and nothing that they mean."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = """\
functions times softmax, log_softmax or logsumexp of smxcheck.functions against SciPy and PyTorch; oracle times the exact
values that verify judges by against mpmath and Arb. Each takes minutes, with --quick seconds. Values are judged before they are timed: a wrong one is shown,
not ranked. All run in one process and in turns, with one thread each, so ratios hold where the times themselves drift.
A goal that is not reached is told and does not change the exit code.

\b
Exit codes:
  0    measured
  2    an option or the file is not usable; nothing was measured
  3    a fault of smxcheck
  130  interrupted

\b
Examples:
  smxcheck bench functions --quick
  smxcheck bench functions -f logsumexp --dtype float32 --ladder
  smxcheck bench functions oracle --output speed.json
"""

_Texts = list[str] | None


def command(
    suites: Annotated[
        _Texts, typer.Argument(metavar="functions|oracle", help="What to measure.", show_default=False)
    ] = None,
    function: Annotated[
        _Texts,
        typer.Option(
            "--function", "-f", metavar="F", help="softmax, log_softmax, logsumexp. [default: softmax]"
        ),
    ] = None,
    dtype: Annotated[_Texts, typer.Option(metavar="D", help="float32 or float64. [default: both]")] = None,
    ladder: Annotated[bool, typer.Option("--ladder", help="Row lengths from 2 to 65,536 too.")] = False,
    threads: Annotated[int, typer.Option(metavar="N", help="smxcheck's functions in N threads too.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller arrays, fewer rounds.")] = False,
    output: Annotated[
        _Texts,
        typer.Option(metavar="FILE", help="Write .json with every time, .md with the tables, besides."),
    ] = None,
) -> int:
    """Measure the speed of what smxcheck ships, beside its accuracy and the libraries'."""
    from smxcheck.cli import run_suites

    return run_suites.run(run_suites.Given(
        suites=tuple(suites or ()), functions=tuple(function or ()), dtypes=tuple(dtype or ()), ladder=ladder,
        threads=threads, quick=quick, outputs=tuple(output or ()),
    ))  # fmt: skip
