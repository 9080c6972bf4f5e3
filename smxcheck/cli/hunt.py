"""``smxcheck hunt``: the options, and nothing that they mean."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = """\
TARGET is as for verify. Searches rows and numbers for the largest error, in ulp of the exact value: a lower bound, and no
verdict, since what is right for a hard input may err by many ulp; verify judges. All inputs of the 16-bit formats are
gone through for sigmoid, log_sigmoid and logsumexp([0, x]); with --exhaustive those of float32 too, 2^32 each. Without
TARGET: builtin and every library that is installed, for minutes. A report is written again and again while the hunt
runs, whole or not at all.

\b
Exit codes:
  0    done; errors that were found do not change it
  2    the command, a file or a target is not usable
  3    a fault of smxcheck, or a process of the hunt died
  5    no result of any target was judged
  130  interrupted; what was found is in the reports

\b
Examples:
  smxcheck hunt builtin scipy -f softmax --dtype float32 --seconds 10
  smxcheck hunt kernel.py:softmax
  smxcheck hunt --exhaustive -j 2 --report accuracy.json --report accuracy.md
  smxcheck hunt --resume accuracy.json -j 2 --report accuracy.md
"""

_Texts = list[str] | None


def command(
    targets: Annotated[
        _Texts, typer.Argument(metavar="TARGET", help="Whose errors to hunt for.", show_default=False)
    ] = None,
    function: Annotated[
        _Texts,
        typer.Option("--function", "-f", metavar="F", help="Only this function; a wrong name lists them."),
    ] = None,
    dtype: Annotated[
        _Texts, typer.Option(metavar="D", help="float16, bfloat16, float32, float64. [default: all]")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", help="Search time for each function, dtype and target. [default: 1]"),
    ] = None,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="All float32 inputs of functions of one number.")
    ] = False,
    exponents: Annotated[
        str,
        typer.Option(
            metavar="E,…|E:E", help="With --exhaustive only x from 2^E up to 2^(E+1). [default: all]"
        ),
    ] = "",
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the search. [default: 0]")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", help="Processes.")] = 1,
    report: Annotated[_Texts, typer.Option(metavar="FILE", help="Write .json or .md.")] = None,
    resume: Annotated[
        str, typer.Option(metavar="FILE", help="Go on with the hunt of this .json, and write it.")
    ] = "",
) -> int:
    """Hunt for the worst error of every function, and the input that has it."""
    from smxcheck.cli import run_hunt

    return run_hunt.run(run_hunt.Given(
        targets=tuple(targets or ()), functions=tuple(function or ()), dtypes=tuple(dtype or ()), seconds=seconds,
        exhaustive=exhaustive, exponents=exponents, seed=seed, jobs=jobs, reports=tuple(report or ()), resume=resume,
    ))  # fmt: skip
