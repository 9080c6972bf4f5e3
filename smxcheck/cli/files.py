"""The files that bench and hunt write: looked at before minutes are spent, and written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from smxcheck.cli.errors import Fail

#: How a file's name says its format.
SUFFIXES = (".json", ".md")


def check(option: str, text: str) -> None:
    """Raises Fail where the name says no format, or the file cannot be written."""
    if Path(text).suffix not in SUFFIXES:
        raise Fail(f"{option} {text}: the name says no format; end it in {' or '.join(SUFFIXES)}")
    writable(option, text, Path(text))


def writable(option: str, text: str, path: Path) -> None:
    """Raises Fail, with the option and its ``text``, where the file that it means cannot be written."""
    if not path.parent.is_dir():
        raise Fail(f"{option} {text}: there is no folder {path.parent}")
    if path.is_dir():
        raise Fail(f"{option} {text}: {path} is a folder; name a file in it")
    if path.exists() and not os.access(path, os.W_OK):
        raise Fail(f"{option} {text}: cannot be written; name another file")
    try:  # permissions say nothing to root, nor of file systems that take no files
        with tempfile.TemporaryFile(dir=path.parent):
            return
    except OSError as error:
        raise Fail(f"{option} {text}: cannot write in {path.parent}: {error.strerror or error}") from error
