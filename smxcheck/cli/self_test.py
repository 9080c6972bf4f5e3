"""``smxcheck self-test``: the options, and nothing that they mean."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = """\
Puts implementations that are known to be wrong (mutants) and others that are known to be right through verify, and says
which the tool caught and which it blamed. Every mistake that ships is looked for in one dtype: float32, or the first in
which it is one; --full looks in every dtype, for some minutes. Right implementations are run in all four dtypes. Beside
them: smxcheck's own machinery (reference, bounds, tiers of the oracle), and what other checks find on the same mutants.

\b
--with FILE.py runs the callables of that file instead of what ships, each in
a process of its own. A name contains the function's; the first line of the
docstring says what is wrong. What begins with right_ must pass:
  def softmax_unshifted(x, axis=-1): ...    must fail
  def right_softmax(x, axis=-1): ...        must pass

\b
Exit codes:
  0    every mutant was killed, nothing right blamed, the machinery held
  1    a mutant lived, something right was blamed, or the machinery failed
  2    the command or a file is not usable
  3    a fault of smxcheck, or something is undecided
  5    nothing was selected
  130  interrupted

\b
Examples:
  smxcheck self-test
  smxcheck self-test --function softmax --no-rivals
  smxcheck self-test -k unshifted --all
  smxcheck self-test --with my_mutants.py
"""

_Texts = list[str] | None


def command(
    function: Annotated[
        _Texts, typer.Option("--function", "-f", metavar="F", help="Only this function; a wrong name lists them.")
    ] = None,
    text: Annotated[str, typer.Option("-k", metavar="TEXT", help="Only implementations with this text in their id.")] = "",
    own: Annotated[str, typer.Option("--with", metavar="FILE.py", help="Run those of this file instead.")] = "",
    dtype: Annotated[
        _Texts, typer.Option(metavar="D", help="Of the file of --with: its dtype. [default: float32]")
    ] = None,
    require: Annotated[
        str, typer.Option(metavar="LEVEL", help="Of the file of --with: standard or tight. [default: standard]")
    ] = "",
    full: Annotated[bool, typer.Option("--full", help="Every mistake in every dtype.")] = False,
    no_rivals: Annotated[bool, typer.Option("--no-rivals", help="Leave other checks out.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Of what is drawn.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", metavar="N", help="Processes. [default: one per core]")] = None,
    format: Annotated[str, typer.Option(metavar="F", help="rich, plain or json. [default: rich on a terminal]")] = "",
    report: Annotated[_Texts, typer.Option(metavar="FILE", help="Write .json or .md.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="List every implementation.")] = False,
) -> int:
    """Judge smxcheck itself: what must fail fails, what must pass passes."""
    from smxcheck.cli import run_self_test

    return run_self_test.run(run_self_test.Given(
        functions=tuple(function or ()), text=text, own=own, dtypes=tuple(dtype or ()), require=require, full=full,
        rivals=not no_rivals, seed=seed, jobs=jobs, format=format, reports=tuple(report or ()), everything=everything,
    ))  # fmt: skip
