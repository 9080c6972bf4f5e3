"""How the command line fails: one line on stderr with the remedy, and the right exit code. No box, no traceback."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import typer

#: Exit codes, the same for every format; the text stands in --help.
USAGE, FAULT, NOTHING, INTERRUPTED = 2, 3, 5, 130

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
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (2>&-)
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - as long as the process
    try:
        with _terminated_like_interrupted():
            code = app(prog_name="smxcheck", standalone_mode=False)
    except Fail as error:
        complain("interrupted" if _of_interrupt(error) else str(error))
        return INTERRUPTED if _of_interrupt(error) else error.code
    except typer.Exit as error:
        code = error.exit_code
    except ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(str(error), file=sys.stderr)
        else:
            complain(usage_text(error, app))
        return USAGE
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost handler: exit 3, not a traceback
        if not _of_interrupt(error):
            return _fault(error)
        code = INTERRUPTED
    if code == INTERRUPTED:  # Typer's own answer to Ctrl-C is this code without a word
        complain("interrupted")
    return code if isinstance(code, int) else 0


def _of_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: code that it hits in the middle may turn it into one of its own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that processes are ended and no half-written file stays."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def usage_text(error: BaseException, app: Any = None) -> str:
    """Typer's complaint as one line: what is wrong, what was meant, where to look."""
    name, parameters = _command(error, app)
    option = getattr(error, "option_name", None)
    if option and type(error).__name__ == "NoSuchOption":
        near = _closest(option, [o for p in parameters for o in p.opts])
        return f"no option {option}" + (f"; did you mean {near}?" if near else f"; see: {name} --help")
    text = str(getattr(error, "format_message", lambda: str(error))())
    if option and "requires an argument" in text:
        told = [f": {p.metavar or 'TEXT'} ({str(p.help).rstrip('.')})" for p in parameters if option in p.opts]
        return f"{option} needs a value{''.join(told[:1])}; see: {name} --help"
    text = " ".join(text.split()).rstrip(".?")
    return f"{text}; see: {name} --help"


def _command(error: BaseException, app: Any) -> tuple[str, Sequence[Any]]:
    """The command that was being parsed, and its parameters."""
    context = getattr(error, "ctx", None)
    if context is not None:
        return str(context.command_path), context.command.params
    commands = getattr(typer.main.get_command(app), "commands", {}) if app is not None else {}
    typed = next((word for word in sys.argv[1:] if word in commands), "")
    return f"smxcheck {typed}".rstrip(), commands[typed].params if typed else ()


def _closest(option: str, known: list[str]) -> str:
    import difflib

    found = difflib.get_close_matches(option, known, n=1, cutoff=0.5)
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
