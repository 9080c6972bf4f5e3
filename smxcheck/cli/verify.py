"""``smxcheck verify``: the options, and nothing that they mean."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = """\
TARGET is builtin, builtin.ALGORITHM, scipy, torch, jax, onnxruntime, FILE.py[:NAME], PACKAGE.MODULE:NAME,
FUNCTION=FILE.py:NAME, or FUNCTION=command:PROGRAM for a program in any language (smxcheck explain command). verify runs the code that it is pointed at, with your rights: the worker process protects the run, not your machine.

\b
Exit codes:
  0    everything checked is right (as --require and --known say)
  1    something is wrong, or was not run to its end
  2    the command, a file or a target is not usable; nothing was checked
  3    a fault of smxcheck, or a result that it could not decide
  5    the selection matched nothing that tells
  130  interrupted

\b
Examples:
  smxcheck verify kernel.py                      every function found in it
  smxcheck verify scipy torch --dtype bfloat16   installed libraries
  smxcheck verify kernel.py:f --report out.xml   in CI
  smxcheck verify --command ./kernel -f softmax  a program, here from C
  smxcheck verify kernel.py --case log_softmax/far-tail/200/float32
"""

_Texts = list[str] | None


def command(
    targets: Annotated[_Texts, typer.Argument(metavar="TARGET", help="What to check.", show_default=False)] = None,
    function: Annotated[_Texts, typer.Option("--function", "-f", metavar="F", help="Only this function.")] = None,
    dtype: Annotated[
        _Texts, typer.Option(metavar="D", help="float16, bfloat16, float32, float64. [default: float32 float64]")
    ] = None,
    cases: Annotated[str, typer.Option(metavar="quick|full", help="How many cases.")] = "",
    text: Annotated[str, typer.Option("-k", metavar="TEXT", help="Only cases whose id contains TEXT.")] = "",
    case: Annotated[_Texts, typer.Option(metavar="ID", help="Exactly this case.")] = None,
    inputs: Annotated[str, typer.Option(metavar="FILE", help="Your own inputs: .npy .npz .csv .json .toml.")] = "",
    list_only: Annotated[bool, typer.Option("--list", help="Print what would run, and stop.")] = False,
    arrays: Annotated[str, typer.Option(metavar="auto|numpy|torch|jax", help="What the callable receives.")] = "",
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where torch tensors live.")] = "",
    fixed: Annotated[_Texts, typer.Option(metavar="NAME=VALUE", help="The one value of a keyword it lacks.")] = None,
    gradient: Annotated[
        _Texts, typer.Option(metavar="auto|T", help="Its derivative: by autodiff, or FILE.py:NAME.")
    ] = None,
    only: Annotated[str, typer.Option(metavar="2d,n<=8192", help="What it promises; errors beyond it are declined.")] = "",
    require: Annotated[str, typer.Option(metavar="standard|tight|1ulp", help="The level that is demanded.")] = "",
    max_ulp: Annotated[float | None, typer.Option(metavar="N", help="No error above N ulp, beside --require.")] = None,
    allow: Annotated[_Texts, typer.Option(metavar="CODE|NAME", help="Accept a property, like writes-input.")] = None,
    expect: Annotated[_Texts, typer.Option(metavar="CHOICE=VALUE", help="Declare a choice, like all-masked=zero.")] = None,
    known: Annotated[str, typer.Option(metavar="FILE", help="Accepted problems, with reasons (TOML).")] = "",
    report: Annotated[_Texts, typer.Option(metavar="FILE", help="Write .json .xml .md .csv .html besides.")] = None,
    format: Annotated[str, typer.Option(metavar="rich|plain|json|github", help="What stdout gets.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every problem and every blind case.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the verdict.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Levels and quantiles too.")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", metavar="N", help="Processes. [default: 1]")] = None,
    timeout: Annotated[float | None, typer.Option(metavar="S", help="Seconds for one call. [default: 10]")] = None,
    compile_timeout: Annotated[
        float | None,
        typer.Option(metavar="S", help="Seconds for loading, and the first call of a shape and dtype. [default: 60]"),
    ] = None,
    time_limit: Annotated[float | None, typer.Option(metavar="S", help="Seconds for all; the rest is not run.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="For what is drawn: --fuzz, --recheck; no shipped case.")] = 0,
    beside: Annotated[str, typer.Option(metavar="T", help="The same inputs through T, one row under each.")] = "",
    stop_first: Annotated[bool, typer.Option("-x", help="Stop at the first problem.")] = False,
    no_isolate: Annotated[bool, typer.Option("--no-isolate", help="Run in this process, for a debugger.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 where 1 is due; never hides 2, 3, 5.")] = False,
    command: Annotated[
        _Texts, typer.Option(metavar="PROGRAM", help="A program in any language: .npy on stdin, .npy on stdout; needs -f.")
    ] = None,
    fuzz: Annotated[float | None, typer.Option(metavar="S", help="Then S seconds of drawn inputs (Hypothesis).")] = None,
    no_shipped: Annotated[bool, typer.Option("--no-shipped", help="Without a target exit 2: for CI, where that is a slip.")] = False,
    no_store: Annotated[bool, typer.Option("--no-store", help="Keep no failing inputs in .smxcheck/.")] = False,
    write_known: Annotated[str, typer.Option(metavar="FILE", help="Write the problems found as a --known file.")] = "",
    shard: Annotated[str, typer.Option(metavar="I/N", help="Only part I of N of the cases; see smxcheck merge.")] = "",
    config: Annotated[
        str, typer.Option(metavar="FILE|none", help="Not the nearest pyproject.toml or smxcheck.toml.")
    ] = "",
    show_config: Annotated[bool, typer.Option("--show-config", help="Print what is in force, and stop.")] = False,
    recheck: Annotated[str, typer.Option(metavar="flint", help="Compare exact values with Arb, a second proven arithmetic.")] = "",
    recheck_sample: Annotated[
        int | None, typer.Option(metavar="N", help="Questions for --recheck, by --seed. [default: 200]")
    ] = None,
) -> int:
    """Check implementations against arbitrary precision, element by element.

    Without TARGET: the targets of [tool.smxcheck] in the nearest pyproject.toml, or of the nearest smxcheck.toml, else
    what smxcheck ships.
    """
    from smxcheck.cli import run_verify
    from smxcheck.cli.settle import Given

    return run_verify.run(Given(
        targets=tuple(targets or ()), functions=tuple(function or ()), dtypes=tuple(dtype or ()), cases=cases,
        text=text, ids=tuple(case or ()), inputs=inputs, list_only=list_only, arrays=arrays, device=device,
        fixed=tuple(fixed or ()), gradients=tuple(gradient or ()), only=only, require=require, max_ulp=max_ulp,
        allow=tuple(allow or ()), expect=tuple(expect or ()), known=known, reports=tuple(report or ()),
        format=format, everything=everything, quiet=quiet, verbose=verbose, jobs=jobs, timeout=timeout,
        compile_timeout=compile_timeout, time_limit=time_limit, seed=seed, beside=beside, stop_first=stop_first,
        isolate=not no_isolate, exit_zero=exit_zero, recheck=recheck, recheck_sample=recheck_sample,
        commands=tuple(command or ()), fuzz=fuzz, store=not no_store, shipped=not no_shipped, write_known=write_known, shard=shard,
        config=config, show_config=show_config,
    ))  # fmt: skip
