"""Writing to stdout: whole texts, in characters that the stream has, quiet when nobody reads any more."""

from __future__ import annotations

import os
import sys

from smxcheck.cli.errors import Fail


def speaks_unicode() -> bool:
    """Whether stdout takes the characters beyond ASCII."""
    return (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "").startswith("utf")


def emit(text: str) -> None:
    """Write ``text`` and a newline where it ends in none.

    A reader that went away (``| head``) is no error: the rest goes nowhere, the run and its exit code stand. Raises
    Fail where stdout cannot be written for another reason, as on a full disk.
    """
    if not speaks_unicode():
        from smxcheck.report.escape import to_ascii

        text = to_ascii(text)
    try:
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _write_nowhere()
    except OSError as error:
        _write_nowhere()
        raise Fail(f"cannot write to stdout: {error.strerror or error}") from error


def _write_nowhere() -> None:
    """Python flushes stdout once more at its end, and must not fail there."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
