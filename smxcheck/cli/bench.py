"""``smxcheck bench``: the options, and nothing that they mean."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = """\
TARGET is as for verify. Each is judged on the very shape that is timed, with hard rows in it; a wrong one is timed and
never ranked. Targets take turns, so that drift hits all alike, and are started anew three times; copying the same
bytes and the bare exp are timed with them. A verdict is FASTER, SLOWER, SAME (within --same-within) or UNDECIDED, by a
95 % interval of the ratio. With --against or --fail-above, what is SLOWER or UNDECIDED is measured a second time, on
top of --time-limit: SLOWER has to be found twice before it fails the command.
functions and oracle instead of targets are the suites of smxcheck's own goals, which know -f, --dtype, --ladder,
--quick, --threads and --output alone.

\b
Exit codes:
  0    measured; nothing is slower than --fail-above allows
  1    slower than that, confirmed; wrong or failing where the base was right
  2    the command, a file or a target is not usable; nothing was measured
  3    a fault of smxcheck, or no comparison could be decided
  5    nothing was timed, or nothing could be compared
  130  interrupted; --save has what was measured

\b
Examples:
  smxcheck bench kernel.py:softmax scipy torch --shape 4096x1000
  smxcheck bench builtin scipy torch jax --dtype float32 --save base.json
  smxcheck bench --against base.json --fail-above 10%           in CI
  smxcheck bench new.py old.py --relative-to old.py --fail-above 5%
  smxcheck bench --resume base.json
"""

_Texts = list[str] | None


def command(
    targets: Annotated[
        _Texts, typer.Argument(metavar="TARGET|functions|oracle", help="What to time.", show_default=False)
    ] = None,
    function: Annotated[
        _Texts,
        typer.Option("--function", "-f", metavar="F", help="Only this. [default: what your file has, else softmax]"),
    ] = None,
    dtype: Annotated[
        _Texts, typer.Option(metavar="D", help="float16, bfloat16, float32, float64. [default: float32 float64]")
    ] = None,
    shape: Annotated[
        _Texts, typer.Option(metavar="NAME|4096x1000", help="On this shape; smxcheck list shapes. [default: all named]")
    ] = None,
    axis: Annotated[int | None, typer.Option(metavar="K", help="Of a --shape in numbers. [default: -1]")] = None,
    ladder: Annotated[bool, typer.Option("--ladder", help="Row lengths from 2 to 65,536 too.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A quarter of the rows, one launch, 30 seconds.")] = False,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Of every library. [default: 1]")] = None,
    arrays: Annotated[str, typer.Option(metavar="auto|numpy|torch|jax", help="What the callable receives.")] = "",
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where torch tensors live.")] = "",
    fixed: Annotated[_Texts, typer.Option(metavar="NAME=VALUE", help="The one value of a keyword it lacks.")] = None,
    gradient: Annotated[
        _Texts, typer.Option(metavar="auto|T", help="Its derivative: by autodiff, or FILE.py:NAME.")
    ] = None,
    relative_to: Annotated[
        str, typer.Option(metavar="T", help="The target that ratios are to. [default: the first that is right]")
    ] = "",
    same_within: Annotated[str, typer.Option(metavar="5%", help="Smaller differences are SAME. [default: 5%]")] = "",
    time_limit: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds it may take, about; all is timed once at least. [default: 285]")
    ] = None,
    launches: Annotated[int | None, typer.Option(metavar="N", help="Starts of every process. [default: 3]")] = None,
    save: Annotated[str, typer.Option(metavar="FILE", help="Keep all times in this .json or .json.gz as they come.")] = "",
    resume: Annotated[str, typer.Option(metavar="FILE", help="Go on with the run that --save kept here.")] = "",
    against: Annotated[
        str, typer.Option(metavar="FILE", help="Compare with this earlier run, and measure what it measured.")
    ] = "",
    fail_above: Annotated[
        str, typer.Option(metavar="10%", help="Exit 1 for what is slower than --against, or --relative-to. [with --against: 10%]")
    ] = "",
    any_machine: Annotated[bool, typer.Option("--any-machine", help="Compare with a FILE of another machine.")] = False,
    output: Annotated[
        _Texts, typer.Option("--output", "--report", metavar="FILE", help="Write .json .csv .md .svg .png or FORMAT:FILE.")
    ] = None,
    format: Annotated[
        str, typer.Option(metavar="NAME", help="Of --output, else of stdout: rich plain json pyperf gh-benchmark csv markdown.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", "--verbose", "-v", help="Every figure of every shape.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the last line.")] = False,
    false_alarms: Annotated[
        int | None, typer.Option(metavar="N", help="Put the comparison itself to the test N times; minutes.")
    ] = None,
) -> int:
    """Time implementations side by side, and show what their speed costs in accuracy.

    Without TARGET: what --against or --resume has, else the targets of [tool.smxcheck] in the nearest pyproject.toml.
    """
    from smxcheck.cli import run_bench
    from smxcheck.cli.settle_bench import Given

    return run_bench.run(Given(
        targets=tuple(targets or ()), functions=tuple(function or ()), dtypes=tuple(dtype or ()),
        shapes=tuple(shape or ()), axis=axis, ladder=ladder, quick=quick, threads=threads, arrays=arrays, device=device,
        fixed=tuple(fixed or ()), gradients=tuple(gradient or ()), relative_to=relative_to, same_within=same_within,
        time_limit=time_limit, launches=launches, save=save, resume=resume, against=against, fail_above=fail_above,
        any_machine=any_machine, outputs=tuple(output or ()), format=format, everything=everything, quiet=quiet,
        false_alarms=false_alarms,
    ))  # fmt: skip
