"""How the command line fails: one line on stderr with the remedy, and the right exit code. No box, no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import cast

import typer

#: Exit codes, the same for every format; the text stands in --help.
USAGE, FAULT, INTERRUPTED = 2, 3, 130

# Typer brings its own copy of Click in newer versions: the class is reached through Typer's own.
ClickException = cast(type[Exception], typer.BadParameter.__mro__[2])


class Fail(Exception):
    """Ends the program with one line and a code."""

    def __init__(self, message: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.code = code


def complain(message: str) -> None:
    """One line on stderr, control characters taken out."""
    from smxcheck.report.escape import one_line

    print(f"smxcheck: {one_line(message)}", file=sys.stderr)


def run_app(app: Callable[..., object]) -> int:
    """Run the Typer app; every way in which it ends becomes an exit code."""
    try:
        code = app(prog_name="smxcheck", standalone_mode=False)
    except Fail as error:
        complain(str(error))
        return error.code
    except typer.Exit as error:
        return int(error.exit_code)
    except ClickException as error:
        complain(usage_text(error))
        return USAGE
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted; nothing was written")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout went away (| head): nothing is left to say, and Python must not say it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the outermost handler: exit 3, not a traceback
        return _fault(error)
    return code if isinstance(code, int) else 0


def usage_text(error: BaseException) -> str:
    """Typer's complaint as one line: what is wrong, what was meant, where to look."""
    option = getattr(error, "option_name", None)
    if option and type(error).__name__ == "NoSuchOption":
        near = _closest(option, error)
        return f"no option {option}" + (f"; did you mean {near}?" if near else "; see: smxcheck verify --help")
    text = str(getattr(error, "format_message", lambda: str(error))())
    text = " ".join(text.split()).rstrip(".")
    return f"{text}; see: {_command(error)} --help" if "--help" not in text else text


def _command(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "smxcheck"


def _closest(option: str, error: BaseException) -> str:
    import difflib

    given = list(getattr(error, "possibilities", None) or ())
    context = getattr(error, "ctx", None)
    known = [o for p in context.command.params for o in p.opts] if context is not None else []
    found = difflib.get_close_matches(option, given + known, n=1, cutoff=0.5)
    return found[0] if found else ""


def _fault(error: Exception) -> int:
    """A fault of smxcheck's own: said in one line, with the traceback where the user asks for it."""
    if os.environ.get("SMXCHECK_DEBUG"):
        import traceback

        traceback.print_exc()
    place = ""
    if (frame := error.__traceback__) is not None:
        while frame.tb_next is not None:
            frame = frame.tb_next
        place = f" at {os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}"  # noqa: PTH119
    complain(f"a fault of smxcheck: {type(error).__name__}: {error}{place}; please report it (SMXCHECK_DEBUG=1 shows more)")
    return FAULT
