"""``smxcheck replay``: kept failing inputs again, with a word for each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smxcheck.cli.errors import FAULT, NOTHING, USAGE, Fail, complain
from smxcheck.cli.output import emit

if TYPE_CHECKING:
    from smxcheck.report.screen import Layout, Line
    from smxcheck.store import Entry
    from smxcheck.store.replay import Replayed

EPILOG = """\
A failing verify keeps its smallest failing inputs in .smxcheck/, beside the nearest pyproject.toml, else in the current
folder. replay runs the targets that are named there, with your rights.

\b
Exit codes:
  0    all are fixed (and are no longer kept, but for --keep)
  1    something still fails
  2    no kept file is usable, or no target can be loaded
  3    a fault of smxcheck, or a result that it could not decide
  5    nothing is kept

\b
Examples:
  smxcheck replay                     everything that is kept
  smxcheck replay kernel.py:softmax   the inputs of one target
  smxcheck replay --target scipy      the same inputs through another one
"""

_FORMATS = ("rich", "plain", "json")
#: Fewer digits of an id would mean anything.
_SHORTEST = 4


def command(
    which: Annotated[
        list[str] | None, typer.Argument(metavar="ID|TARGET", help="Only these; an id may be cut short.", show_default=False)
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Print what is kept, and stop.")] = False,
    target: Annotated[str, typer.Option(metavar="T", help="Put the inputs to T instead.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Keep what is fixed too.")] = False,
    format: Annotated[str, typer.Option(metavar="rich|plain|json", help="What stdout gets.")] = "",
) -> int:
    """Run failing inputs again that earlier runs kept, and say FIXED or STILL FAILING."""
    from smxcheck.cli.terminal import overwrite, wipe
    from smxcheck.report.escape import one_line
    from smxcheck.store import files, folder
    from smxcheck.store.replay import Word, replay

    if format not in ("", *_FORMATS):
        raise Fail(f"--format is one of {', '.join(_FORMATS)}, not {format!r}")
    store = folder(Path.cwd())
    files.sweep(store)
    kept, damaged = files.entries(store)
    for text in damaged:
        complain(text)
    if not kept:
        where = files.shown(store)
        raise Fail(f"no file in {where} is usable", USAGE) if damaged else Fail(
            f"nothing is kept in {where}: a verify that fails keeps its inputs there", NOTHING
        )
    chosen = _chosen(kept, which or ())
    if list_only:
        _show(_listed(chosen), lambda layout: _listed_lines(chosen, layout), {"entries": [_facts(e) for _, e in chosen]}, format)
        return 0
    done: list[Replayed] = []
    for one in replay(chosen, store.parent, target):
        overwrite(f"{len(done) + 1} of {len(chosen)}: {one_line(one.target)}")
        done.append(one)
    wipe()
    removed = [one for one in done if one.word is Word.FIXED and not keep and not target]
    for one in removed:
        files.remove(one.path)
    code = _code(done)
    last = _verdict(done, len(removed), code)
    document = {
        "exit_code": code, "verdict": last,
        "entries": [{**_facts(r.entry), "target": r.target, "word": str(r.word), "got": r.got, "right": r.right, "why": r.why,
                     "removed": r in removed} for r in done],
    }  # fmt: skip
    _show([*map(_fact, done), last], lambda layout: _lines(done, last, layout), document, format)
    return code


def _chosen(kept: Sequence[tuple[Path, Entry]], which: Sequence[str]) -> list[tuple[Path, Entry]]:
    """The entries that the words mean, all without one. Raises Fail for a word that means none."""
    found: dict[Path, Entry] = {} if which else dict(kept)
    for word in which:
        mine = {p: e for p, e in kept if word in _names(e) or _begins(e, word)}
        if not mine:
            raise Fail(f"nothing that is kept has the id or the target {word}: smxcheck replay --list shows what is")
        found |= mine
    return [(path, entry) for path, entry in kept if path in found]


def _names(entry: Entry) -> tuple[str, ...]:
    """The target, its file, one function of a file, and the case."""
    file, _, name = entry.target.rpartition(":")
    return (entry.target, entry.case.id, file if name else "", f"{entry.target}:{entry.case.function}")


def _begins(entry: Entry, word: str) -> bool:
    """Whether the word is the beginning of its id, or of the twelve digits in the id of a found case."""
    from smxcheck.caseset.found import is_found

    digits = entry.case.id.split("/")[2] if is_found(entry.case.id) else ""
    return len(word) >= _SHORTEST and (entry.id.startswith(word) or digits.startswith(word))


def _code(done: Sequence[Replayed]) -> int:
    from smxcheck.store.replay import Word

    words = {one.word for one in done}
    if Word.FAILING in words:
        return 1
    if Word.UNKNOWN in words:
        return FAULT
    return 0 if Word.FIXED in words else USAGE


def _verdict(done: Sequence[Replayed], removed: int, code: int) -> str:
    """The last line: every count that is not 0."""
    from smxcheck.report.numbers import plural
    from smxcheck.store.replay import Word

    count = {word: sum(one.word is word for one in done) for word in Word}
    sayings = (
        (Word.FAILING, "still failing"), (Word.FIXED, f"fixed{' and no longer kept' if removed else ''}"),
        (Word.UNKNOWN, "not decided"), (Word.GONE, "not run"),
    )  # fmt: skip
    some = [f"{count[word]} {saying}" for word, saying in sayings if count[word]]
    word = {0: "OK", 1: "FAIL", FAULT: "UNDECIDED"}.get(code, "NOTHING CHECKED")
    return f"{word}  {plural(len(done), 'kept input')}: {', '.join(some)}."


def _call(entry: Entry) -> str:
    return f"{entry.input or entry.case.id}, {entry.case.dtype}"


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id, "target": entry.target, "case": entry.case.id, "function": entry.case.function,
        "dtype": entry.case.dtype, "input": entry.input, "check": entry.check, "date": entry.date, "command": entry.command,
        "shrunk_from": entry.shrunk_from, "tried": entry.tried, "note": entry.note, "versions": dict(entry.versions),
    }  # fmt: skip


def _fact(one: Replayed) -> str:
    from smxcheck.report.escape import one_line
    from smxcheck.store.replay import Word

    told = [f"got {one.got}, right {one.right}"] if one.word in (Word.FIXED, Word.FAILING) and one.right else []
    told += [one.why] if one.why not in ("", one.got) else []
    return one_line(f"{one.word}: {one.target} {_call(one.entry)}: {'; '.join(told)}; id {one.entry.id}")


def _lines(done: Sequence[Replayed], last: str, layout: Layout) -> Iterator[Line]:
    """Under the name of each target its inputs."""
    from smxcheck.report.escape import one_line
    from smxcheck.report.screen import BLANK, plain
    from smxcheck.store.replay import Word

    style = {Word.FIXED: "good", Word.FAILING: "bad"}
    before = None
    for one in done:
        if one.target != before:
            yield from [] if before is None else [BLANK]
            yield plain(layout.fit(one_line(one.target)), "strong")
            before = one.target
        yield from layout.wrapped(f"{one.word}  {one_line(_call(one.entry))}", rest="    ", style=style.get(one.word, "doubt"))
        facts = [("got", one.got), ("right", one.right)] if one.word is Word.FAILING and one.right else []
        facts += [("why", one.why)] if one.why != one.got else []
        facts += [("id", one.entry.id)] if one.word is not Word.FIXED else []
        for label, text in facts:
            yield from layout.labelled(label, one_line(text)) if text else []
    yield BLANK
    yield from layout.wrapped(last, rest="    ", style="strong")


def _listed(kept: Sequence[tuple[Path, Entry]]) -> list[str]:
    from smxcheck.report.escape import one_line

    return [one_line(f"{e.id} {e.target} {_call(e)} {e.check} {e.date} {_origin(e)}") for _, e in kept]


def _listed_lines(kept: Sequence[tuple[Path, Entry]], layout: Layout) -> Iterator[Line]:
    from smxcheck.report.escape import one_line

    for _, e in kept:
        yield from layout.wrapped(one_line(f"{e.id}  {e.target}  {_call(e)}"), rest=" " * 14)
        yield from layout.wrapped(
            one_line(f"{e.check}, {e.date[:10]}, {_origin(e)}"), first=" " * 14, rest=" " * 14, style="dim"
        )


def _origin(entry: Entry) -> str:
    """Where the input is from."""
    if entry.shrunk_from:
        return f"shrunk from {entry.shrunk_from}"
    return f"{entry.case.id} ({entry.note})" if entry.note else entry.case.id


def _show(facts: Iterable[str], lines: Any, document: dict[str, Any], format: str) -> None:
    from smxcheck.cli.terminal import show
    from smxcheck.report.as_json import plain

    if format == "json":
        emit(json.dumps({"schema": "smxcheck-replay/1", **plain(document)}, indent=1))
        return
    show(lines, lambda unicode: facts, format)
