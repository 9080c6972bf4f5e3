"""Report files: the format from the file's name or a prefix, the file whole or not at all."""

from __future__ import annotations

import gzip
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from smxcheck.judge.result import Report
from smxcheck.report.formats import DEFAULT_OPTIONS, FORMATS, RenderOptions, render

# Two letters at least: "C:" is a Windows drive. A file whose name has such a prefix is written "./name:rest".
_PREFIX = re.compile(r"([a-z][a-z-]+):(.+)", re.DOTALL)


#: A report whose name ends so is compressed: the JSON of a large run has tens of megabytes.
_COMPRESSED = ".gz"


class ReportError(Exception):
    """A report file cannot be written: one line that says why."""


def destination(text: str) -> tuple[str, Path]:
    """The format and the file that ``--report TEXT`` means: ``out.xml``, ``out.json.gz`` or ``junit:out.txt``.

    Raises ValueError, with the list of formats, where neither a prefix nor the suffix names one.
    """
    return named(text, {f.name: f.suffix for f in FORMATS.values()}, "report format")


def named(text: str, suffixes: Mapping[str, str], kind: str) -> tuple[str, Path]:
    """The same for any table of formats: name → the suffix that means it, "" where none does."""
    if match := _PREFIX.fullmatch(text):
        name, file = match.groups()
        if name not in suffixes:
            raise ValueError(f"no {kind} {name!r} in {text!r}; {_known(suffixes)}")
        return name, Path(file)
    path = Path(text)
    suffix = (path.with_suffix("") if compressed(path) else path).suffix.lower()
    for name, own in suffixes.items():
        if own and suffix == own:
            return name, path
    raise ValueError(f"the name {text!r} does not say which format is meant; {_known(suffixes)}")


def compressed(file: Path) -> bool:
    """Whether a file's name asks for compression."""
    return file.suffix.lower() == _COMPRESSED


def write_report(
    report: Report,
    path: str | os.PathLike[str],
    format: str | None = None,
    *,
    options: RenderOptions = DEFAULT_OPTIONS,
) -> Path:
    """Write the report in UTF-8 and return the file's path.

    ``path`` may have a format as prefix, unless ``format`` names it. Raises ValueError for an unknown
    format and ReportError where the file cannot be written; what stood there before is then untouched.
    """
    name, file = (format, Path(path)) if format else destination(os.fspath(path))
    content = render(report, name, options=options).encode()
    if compressed(file):
        content = gzip.compress(content, mtime=0)
    try:
        write_whole(file, content)
    except OSError as error:
        raise ReportError(f"cannot write {file}: {error.strerror or error}") from error
    return file


def write_whole(file: Path, content: bytes) -> None:
    """Write to a file that has no name yet, and give it the name once it is whole; a device or pipe is written to as it is.

    Killed at any moment this leaves the old file or the new one. Where the system knows no files without a name (it is
    Linux that does), a half-written one may stay behind under a name that begins with a dot and ends in ``.tmp``.
    """
    if file.exists() and not file.is_file():
        file.write_bytes(content)
        return
    file = Path(os.path.realpath(file))  # through a symbolic link, which would else be replaced by the file
    whole = file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")
    try:
        if not _linked(whole, content):
            with whole.open("xb") as stream:
                _fill(stream, content)
        if file.exists():
            whole.chmod(file.stat().st_mode & 0o7777)
        whole.replace(file)
    finally:
        whole.unlink(missing_ok=True)


def _linked(path: Path, content: bytes) -> bool:
    """Fills a file without a name and links it as ``path``, as open(2) describes O_TMPFILE; False where that cannot be."""
    try:
        descriptor = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
    except (AttributeError, OSError):  # no Linux; a file system without it; no right to write there, told by what follows
        return False
    with os.fdopen(descriptor, "wb") as stream:
        _fill(stream, content)
        try:  # a descriptor beside the absolute path is what makes Python follow the link in /proc
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, follow_symlinks=True)
        except OSError:
            return False
    return True


def _fill(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)
    stream.flush()
    os.fsync(stream.fileno())


def _known(suffixes: Mapping[str, str]) -> str:
    told = " ".join(filter(None, suffixes.values()))
    return f"suffixes: {told}, or FORMAT:FILE with a format of {', '.join(suffixes)}"
