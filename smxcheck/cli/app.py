"""The Typer app: one module per command; nothing heavy is imported before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from smxcheck.cli import bench, compare, explain, hunt, listing, merge, replay, repro, self_test, verify
from smxcheck.version import CASE_SET_VERSION, JUDGE_VERSION, __version__

# Rich help alone costs more than the time that --help is allowed.
app = typer.Typer(
    name="smxcheck",
    help="Says, with evidence, how right an implementation of a softmax-family function is.",
    epilog="Start with:  smxcheck verify yours.py:softmax   or  smxcheck verify scipy",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"smxcheck {__version__}, case set {CASE_SET_VERSION}, judge {JUDGE_VERSION}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions and stop.")
    ] = False,
) -> None:
    """Says, with evidence, how right an implementation of a softmax-family function is."""


# A help of its own for each, or the first line of the docstring would be cut off with an ellipsis. To check, to understand,
# to keep: in this order --help lists them.
app.command("verify", short_help="Check implementations element by element.", epilog=verify.EPILOG)(verify.command)
app.command("bench", short_help="Time implementations, beside their accuracy.", epilog=bench.EPILOG)(bench.command)
app.command("compare", short_help="What moved between two reports.", epilog=compare.EPILOG)(compare.command)
app.command("hunt", short_help="Hunt for the worst error of every function.", epilog=hunt.EPILOG)(hunt.command)
app.command(
    "explain", short_help="Derivations, published statements, your own claim, checks.", epilog=explain.EPILOG
)(explain.command)
app.command("list", short_help="What there is: targets, functions, cases, checks, choices.")(listing.command)
app.command("replay", short_help="Run kept failing inputs again.", epilog=replay.EPILOG)(replay.command)
app.command("repro", short_help="Print one case as a script for a bug report.", epilog=repro.EPILOG)(repro.command)
app.command("merge", short_help="Put the reports of a split run together.", epilog=merge.EPILOG)(merge.command)
app.command("self-test", short_help="Test smxcheck itself: wrong ones, right ones.", epilog=self_test.EPILOG)(self_test.command)
