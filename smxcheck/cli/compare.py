"""``smxcheck compare``: the options, and nothing that they mean."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = """\
OLD and NEW are two reports of verify (--report FILE.json or FILE.json.gz), or two runs of bench (--save FILE.json); - is stdin. Results are
matched by target, function, dtype, case and check; what one file alone has is told, and not compared.

\b
Exit codes:
  0    nothing is newly wrong (bits may have moved: --fail-on)
  1    something is newly wrong, no longer run or slower, or as --fail-on says
  2    the command or a file is not usable
  3    a fault of smxcheck, or what was right is undecided now
  5    the files have nothing in common that tells

\b
Examples:
  smxcheck verify torch --report old.json.gz     then upgrade, and
  smxcheck verify torch --report new.json.gz
  smxcheck compare old.json.gz new.json.gz
  smxcheck compare old.json new.json --fail-on moved --report comment.md
  smxcheck compare v1.json v2.json --map kernel_v1.py=kernel_v2.py
"""

_Texts = list[str] | None


def command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The file from before.", show_default=False)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The file from after.", show_default=False)],
    maps: Annotated[_Texts, typer.Option("--map", metavar="OLD=NEW", help="Compare two targets of different names.")] = None,
    fail_on: Annotated[
        _Texts, typer.Option(metavar="WHAT", help="Exit 1 for this too: moved, less-accurate, choices, newly-declined.")
    ] = None,
    known: Annotated[str, typer.Option(metavar="FILE", help="Accepted problems, with reasons (TOML).")] = "",
    fail_above: Annotated[str, typer.Option(metavar="SHARE", help="Of bench: how much slower fails. [default: 10%]")] = "",
    any_machine: Annotated[bool, typer.Option("--any-machine", help="Of bench: compare times of two machines.")] = False,
    report: Annotated[_Texts, typer.Option(metavar="FILE", help="Write .md (for a pull request) or .json besides.")] = None,
    format: Annotated[str, typer.Option(metavar="rich|plain|json|github", help="What stdout gets.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every change with its case.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the verdict.")] = False,
) -> int:
    """Compare two reports: same bits, bits moved, newly wrong, newly right, choices changed."""
    from smxcheck.cli import run_compare

    return run_compare.run(run_compare.Given(
        old=old, new=new, maps=tuple(maps or ()), fail_on=tuple(fail_on or ()), known=known, fail_above=fail_above,
        any_machine=any_machine, reports=tuple(report or ()), format=format, everything=everything, quiet=quiet,
    ))  # fmt: skip
