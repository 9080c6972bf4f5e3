"""The table of the files that a run of ``bench`` can be written to. One entry per format; nothing is imported early."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from smxcheck.benchmark.results import Run
from smxcheck.report.write import compressed, named

if TYPE_CHECKING:  # which needs NumPy
    from smxcheck.benchmark.compare.against import Comparison


#: Files that are written by the same command: the format, and the name as seen from the file that refers to it.
Beside = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class RunFormat:
    """A format: the module whose ``render(run)`` gives its text, or ``render(run, kind)`` the bytes of a picture.

    ``suffix`` is empty where no file name means the format. ``compares``: ``render(run, comparison)`` tells what the gate
    found, too; the other formats hold one run. ``refers``: ``render(run, pictures, data)`` names the files beside it.
    """

    name: str
    module: str
    suffix: str
    summary: str
    picture: bool = False
    compares: bool = False
    refers: bool = False

    def render(self, run: Run, comparison: Comparison | None = None, beside: Beside = ()) -> bytes:
        renderer = cast(Callable[..., str | bytes], import_module(self.module).render)
        more: tuple[object, ...] = (self.name,) if self.picture else (comparison,) if self.compares else ()
        if self.refers:
            pictures = [name for format, name in beside if FORMATS[format].picture]
            more = pictures, next((name for format, name in beside if format == "json"), "")
        made = renderer(run, *more)
        return made.encode() if isinstance(made, str) else made


#: Every format by its name.
FORMATS: dict[str, RunFormat] = {
    f.name: f
    for f in (
        RunFormat("json", "smxcheck.benchmark.files.document", ".json", "everything, schema smxcheck-bench/1"),
        RunFormat("pyperf", "smxcheck.benchmark.files.as_pyperf", "", "for python -m pyperf compare_to"),
        RunFormat("gh-benchmark", "smxcheck.benchmark.files.as_gh_benchmark", "", "customSmallerIsBetter, for github-action-benchmark"),
        RunFormat("csv", "smxcheck.benchmark.files.as_csv", ".csv", "one line per target and benchmark"),
        RunFormat("markdown", "smxcheck.benchmark.files.as_markdown", ".md", "tables for a job summary", compares=True),
        RunFormat("page", "smxcheck.benchmark.files.page", "", "everything that a reader may ask, in Markdown", refers=True),
        RunFormat("svg", "smxcheck.benchmark.files.as_plot", ".svg", "plots, as vectors", picture=True),
        RunFormat("png", "smxcheck.benchmark.files.as_plot", ".png", "plots, as pixels", picture=True),
    )
}  # fmt: skip


def destination(text: str, format: str = "") -> tuple[str, Path]:
    """The format and the file of ``--output TEXT``: ``pyperf:a.json``, else ``format``, else what the suffix means.

    Raises ValueError, with the list of formats, where none of these names one.
    """
    if format and format not in FORMATS:
        raise ValueError(f"no format {format!r} for a file; there are: {', '.join(FORMATS)}")
    suffixes = {f.name: f.suffix for f in FORMATS.values()}
    if format and not text.startswith(tuple(f"{name}:" for name in FORMATS)):
        return format, Path(text)
    return named(text, suffixes, "format")


def render(run: Run, format: str, comparison: Comparison | None = None, beside: Beside = ()) -> bytes:
    """The run in the format of that name. Raises ValueError where there is no such format, or no picture of the run."""
    if format not in FORMATS:
        raise ValueError(f"no format {format!r}; there are: {', '.join(FORMATS)}")
    return FORMATS[format].render(run, comparison, beside)


def content(
    run: Run, format: str, file: Path, comparison: Comparison | None = None, others: Sequence[tuple[str, Path]] = ()
) -> bytes:
    """What the file holds: compressed where its name ends in ``.gz``. The same run gives the same bytes.

    ``others`` are the files, with their formats, that the same command writes.
    """
    beside = [(name, Path(os.path.relpath(other, file.parent)).as_posix()) for name, other in others]
    made = render(run, format, comparison, beside)
    return gzip.compress(made, mtime=0) if compressed(file) else made
