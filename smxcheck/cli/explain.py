"""``smxcheck explain``: derivations that are executed, published notes, a reader's own claim, and the words of reports."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from smxcheck.cli.errors import Fail
from smxcheck.cli.output import emit, speaks_unicode

if TYPE_CHECKING:
    from smxcheck.formula.grammar import FormulaError
    from smxcheck.pages.explanation import Explanation, Request

#: Columns of text: those of the terminal within these limits; off a terminal the usual number.
NARROWEST, USUAL, WIDEST = 40, 80, 100

#: No topic, statement or case has a name that comes near.
_LONGEST_NAME = 500

_FORMATS = ("text", "markdown", "latex", "latex-document", "json")

EPILOG = """\
\b
Examples:
  smxcheck explain                               all that can be explained
  smxcheck explain softmax-jacobian --at 0,4,5   a derivation, in numbers too
  smxcheck explain 004/entropy-gradient          a published statement
  smxcheck explain --claim "diff(H, z[i]) == p[i] - 1"
  smxcheck explain softmax-jacobian --format latex-document > jacobian.tex

\b
Exit codes:
  0    all that was executed is true; of a published statement: the verdict is
       the one on record, whichever it is
  1    something is false, or true under a condition only
  2    no such page, or options that do not fit
  3    something could not be decided
"""


def command(
    topic: Annotated[
        list[str] | None,
        typer.Argument(metavar="TOPIC", help="A derivation, a published statement, SMX101, a case id, ulp, bound softmax."),
    ] = None,
    claim: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A claim of your own: true, true if, or false with a counterexample.")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="VALUES", help="Numbers in each line of a derivation: 0,4,5 are logits, y=0,1,0 labels."),
    ] = None,
    symbols: Annotated[
        str, typer.Option(metavar="ROLE=LETTER,...", help="Your letters: logits=o,probabilities=y.")
    ] = "",
    format: Annotated[str, typer.Option(metavar="|".join(_FORMATS), help="How it is written.")] = "text",
    ascii: Annotated[bool, typer.Option("--ascii", help="No characters beyond ASCII.")] = False,
    exercise: Annotated[bool, typer.Option("--exercise", help="A derivation with blanks, and with one wrong sign.")] = False,
    solution: Annotated[bool, typer.Option("--solution", help="The solution of the exercise.")] = False,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Which exercise; the same number, the same sheet.")] = None,
) -> int:
    """Explain a derivation, a published statement, a claim of your own, a check, a case, or a word of the reports."""
    if format not in _FORMATS:
        raise Fail(f"no format {format!r}; there are {', '.join(_FORMATS)}")
    if (length := sum(map(len, topic or ()))) > _LONGEST_NAME:
        raise Fail(f"no page has a name of {length} characters; all there are: smxcheck explain")
    if ascii and format != "text":
        raise Fail(f"--ascii is about --format text, not {format}")
    from smxcheck.pages.explanation import Request

    shown = _answer(Request(topic or (), claim, at or None, symbols or None, exercise, solution, seed))
    if format != "text":
        emit(shown.to(format))
    elif sys.stdout.isatty():
        _on_terminal(shown, ascii or not speaks_unicode())
    else:
        emit(shown.to_text(ascii or not speaks_unicode(), USUAL))
    return shown.page.exit_code


def _answer(request: Request) -> Explanation:
    from smxcheck.caseset import CaseError
    from smxcheck.formula.grammar import FormulaError
    from smxcheck.pages.explanation import answer

    try:
        return answer(request)
    except FormulaError as error:
        if request.claim is not None:
            _point_at(request.claim, error)
        raise Fail(error.message) from error
    except (ValueError, CaseError) as error:
        raise Fail(str(error)) from error


#: Characters of a long claim that are shown before and after the one at fault.
_BEFORE, _AFTER = 50, 24


def _point_at(claim: str, error: FormulaError) -> None:
    """The claim on stderr, and a caret under the character at fault."""
    from smxcheck.report.escape import clean

    whole = len(claim) <= _BEFORE + _AFTER
    start, end = (0, len(claim)) if whole else (max(0, error.position - _BEFORE), error.position + _AFTER)
    shown = "".join(c if c.isprintable() and clean(c) == c else " " for c in claim[start:end])
    print(f"  {shown}\n  {' ' * (error.position - start)}^", file=sys.stderr)


def _on_terminal(shown: Explanation, ascii: bool) -> None:
    """As wide as the terminal, within limits, and with its colours."""
    from rich.console import Console

    from smxcheck.report.as_rich import print_lines

    width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
    console = Console(width=width)  # which COLUMNS=0 would make one that prints nothing
    with console.capture() as captured:  # written by emit, which knows what to do about a closed pipe
        print_lines(shown.lines(ascii, width), console)
    emit(captured.get())
