"""The folder ``.smxcheck/``: where it is, what is in it, and how entries come into it and leave it.

It lies beside the nearest pyproject.toml, else in the current folder, and holds an ignore file of its own, so that it is
never committed by accident. Several runs may use it at once: every file is written whole, and who removes one that is gone
already has nothing to do.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from smxcheck.caseset.model import Case, CaseError
from smxcheck.report.write import write_whole
from smxcheck.store.entry import SUFFIX, Entry, EntryError, pack, read

NAME = ".smxcheck"
_FAILING = "failing"
#: The oldest entries go beyond this number.
MOST_ENTRIES = 200
#: A half-written file of a killed run is older than any write takes: an hour, in seconds.
_LEFT_BEHIND = 3600.0


def folder(start: Path) -> Path:
    """The store of a run that begins in ``start``; it need not exist."""
    start = start.absolute()
    homes = (p for p in (start, *start.parents) if (p / "pyproject.toml").is_file())
    return next(homes, start) / NAME


def paths(store: Path) -> list[Path]:
    """The files of all entries, oldest first."""
    found: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for path in (store / _FAILING).iterdir():
            if path.suffix == SUFFIX and not path.name.startswith("."):
                with contextlib.suppress(FileNotFoundError):  # another run removed it
                    found.append((path.lstat().st_mtime, path))  # a link that leads nowhere is told when it is read
    return [path for _, path in sorted(found)]


def entries(store: Path) -> tuple[list[tuple[Path, Entry]], list[str]]:
    """What can be read, oldest first, and a line for each file that cannot."""
    found: list[tuple[Path, Entry]] = []
    told: list[str] = []
    for path in paths(store):
        try:
            found.append((path, read(path)))
        except EntryError as error:
            told.append(str(error))
    return found, told


def put(store: Path, some: Sequence[Entry]) -> tuple[int, list[str]]:
    """Write entries: how many were, and a line for each that could not be. The folder is made when it is first needed."""
    written, told = 0, []
    for entry in some:
        try:
            content = pack(entry)
            _make(store)
            write_whole(store / _FAILING / entry.file_name, content)
            written += 1
        except EntryError as error:
            told.append(f"{error}: not kept; run again: smxcheck verify … --case {entry.case.id}")
        except OSError as error:
            told.append(f"cannot write in {store}: {error.strerror or error}; the failing inputs are not kept")
            break
    for path in paths(store)[:-MOST_ENTRIES]:
        remove(path)
    return written, told


def remove(path: Path) -> None:
    """Remove an entry; one that is gone already, or cannot be removed, is left at that."""
    with contextlib.suppress(OSError):
        path.unlink()


def sweep(store: Path) -> None:
    """Remove what killed runs left half-written."""
    for place in (store, store / _FAILING):
        with contextlib.suppress(OSError):
            for path in place.glob(".*.tmp"):
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > _LEFT_BEHIND:
                        path.unlink()


def cases(ids: Sequence[str], store: Path) -> list[Case]:
    """The kept cases of these ids. Raises CaseError for one that is not kept."""
    kept = {entry.case.id: entry.case for _, entry in entries(store)[0]} if ids else {}
    for name in ids:
        if name not in kept:
            raise CaseError(
                f"no case {name} is kept in {shown(store)}: smxcheck replay --list shows those that are; a failing run keeps"
                " its own, unless --no-store"
            )
    return [kept[name] for name in ids]


def shown(store: Path) -> str:
    """The folder as a reader would write it from here."""
    with contextlib.suppress(ValueError):  # another drive of Windows
        return os.path.relpath(store) + os.sep
    return str(store) + os.sep


def _make(store: Path) -> None:
    (store / _FAILING).mkdir(parents=True, exist_ok=True)
    ignore = store / ".gitignore"
    if not ignore.exists():
        write_whole(ignore, b"*\n")
