"""Report files: the format from the file's name or a prefix, the file whole or not at all."""

from __future__ import annotations

import gzip
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

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
    """Write to a new file in the same folder and move it into place; a device or pipe is written to as it
    is.
    """
    if file.exists() and not file.is_file():
        file.write_bytes(content)
        return
    file = file.resolve()  # through a symbolic link, which would else be replaced by the file
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            temporary.chmod(file.stat().st_mode & 0o7777)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _known(suffixes: Mapping[str, str]) -> str:
    told = " ".join(filter(None, suffixes.values()))
    return f"suffixes: {told}, or FORMAT:FILE with a format of {', '.join(suffixes)}"
