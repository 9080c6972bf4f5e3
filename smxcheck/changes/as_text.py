"""A comparison as text: 80 columns for a terminal, one fact per line for everything else; the verdict is last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smxcheck.changes import groups, words
from smxcheck.changes.groups import Group
from smxcheck.changes.model import Changes, Kind
from smxcheck.report.escape import cleaned, to_ascii
from smxcheck.report.numbers import thousands
from smxcheck.report.screen import BLANK, Layout, Line, plain, verdict_style

#: Blocks, and lines of what is less accurate or chosen otherwise, that are shown without --all.
MOST = 5
#: Kinds that get a line for each function.
LISTED = ((Kind.NEWLY_DECLINED, "newly declined"), (Kind.NEWLY_RIGHT, "newly right"), (Kind.NEWLY_ANSWERED, "newly answered"))
#: Kinds whose every case is listed with --all.
_EVERY = (
    (Kind.MOVED, "bits moved"), (Kind.MOVED_UNMEASURED, "bits moved, without a figure"), (Kind.STILL_WRONG, "wrong as before"),
    (Kind.BITS_UNKNOWN, "bits unknown"), (Kind.NOT_ANSWERED, "not answered"), *LISTED,
)  # fmt: skip
_WORST = "less accurate: "


def lines(changes: Changes, layout: Layout, *, everything: bool = False, quiet: bool = False) -> list[Line]:
    """The whole screen, top to bottom; ``quiet`` leaves the verdict."""
    changes = cleaned(changes)
    if quiet:
        return _verdict(changes, layout)
    sections = [
        _wrapped([*map(words.head, changes.targets), *filter(None, [words.sameness(changes)])], layout),
        _wrapped([f"differs: {text}" for text in words.differences(changes)], layout),
        _table(changes, layout),
        *_blocks(changes, layout, everything),
        _wrapped(_remarks(changes, everything), layout),
        _wrapped(words.doubts(changes), layout, "doubt"),
        _verdict(changes, layout),
    ]
    return [line for section in sections if section for line in (*section, BLANK)][:-1]


def facts(changes: Changes, *, everything: bool = False, quiet: bool = False, unicode: bool = True) -> Iterator[str]:
    """The same, one fact per line without a limit of width; ASCII unless ``unicode``."""
    changes = cleaned(changes)
    for fact in [words.verdict(changes).text] if quiet else _facts(changes, everything):
        yield fact if unicode else to_ascii(fact)


def _facts(changes: Changes, everything: bool) -> Iterator[str]:
    yield from map(words.head, changes.targets)
    yield from filter(None, [words.sameness(changes)])
    yield from (f"differs: {text}" for text in words.differences(changes))
    for name, number, remark in words.table(changes):
        yield f"{name}: {thousands(number)}{f' ({remark})' if remark else ''}"
    found = groups.blocks(changes)
    for number, group in enumerate(_some(found, everything), 1):
        yield f"{words.HEADINGS[group.kind]} {number} of {len(found)}: {words.block_title(group)}"
        yield from (f"{number} {label}: {text}" for label, text in words.block_lines(group, everything=everything))
    yield from _more(found, everything)
    yield from _remarks(changes, everything)
    yield from words.doubts(changes)
    yield words.verdict(changes).text


def _table(changes: Changes, layout: Layout) -> list[Line]:
    rows = words.table(changes)
    name, number = max(len(row[0]) for row in rows), max(len(thousands(row[1])) for row in rows)
    bad = {"newly wrong", "wrong, not answered before", "no longer run", "undecided now"}
    found: list[Line] = []
    for text, count, remark in rows:
        first = f"{text:<{name}}  {thousands(count):>{number}}  "
        style = "bad" if text in bad and count else ""
        found += layout.wrapped(remark, first=first, rest=" " * len(first), style=style) or [plain(first.rstrip(), style)]
    return found


def _blocks(changes: Changes, layout: Layout, everything: bool) -> Iterator[list[Line]]:
    found = groups.blocks(changes)
    for number, group in enumerate(_some(found, everything), 1):
        head = f"{words.HEADINGS[group.kind]} {number} of {len(found)}: {words.block_title(group)}"
        block = layout.wrapped(head, rest="  ", style="" if group.accepted else "bad")
        for label, text in words.block_lines(group, everything=everything):
            block += (layout.command if label == "again" else layout.labelled)(label, text)
        yield block
    yield [plain(text) for text in _more(found, everything)]


def _remarks(changes: Changes, everything: bool) -> Iterator[str]:
    """Less accurate, choices, newly declined, newly right: a line each."""
    worse = groups.less_accurate(changes)
    for group in _some(worse, everything):
        yield f"{_WORST}{words.less_accurate_line(group)}"
        if everything:
            yield from (f"{_WORST}{words.accuracy(pair)}" for pair in group.pairs[1:])
    yield from _more(worse, everything)
    if worse:
        yield words.DEFINITION
    chosen = groups.choices(changes)
    yield from (f"choice changed: {words.choice_line(*one)}" for one in chosen[: None if everything else MOST])
    if (more := len(chosen) - MOST) > 0 and not everything:
        yield f"+{more} more: --all"
    if everything:
        yield from _every(changes)
        return
    for kind, text in LISTED:
        found = groups.of_kind(changes, kind)
        yield from (words.kind_line(group, text) for group in found[:MOST])
        yield from _more(found, everything)


def _every(changes: Changes) -> Iterator[str]:
    """Every pair that is not the same as before, with its case."""
    names = dict(_EVERY)
    for pair in changes.pairs:
        if pair.kind in names:
            why = f": {pair.new.message}" if pair.kind in (Kind.NEWLY_DECLINED, Kind.NOT_ANSWERED) and pair.new.message else ""
            yield f"{names[pair.kind]}: {pair.new.target}: {pair.new.case}{why}"
        for choice, was, now in pair.choices:
            yield f"choice changed: {pair.new.target}: {pair.new.case}: {choice}: {was} -> {now}"
    for lone in changes.lone:
        yield from (f"in {lone.side.upper()} alone: {case}" for case in lone.case_ids)


def _some(found: list[Group], everything: bool) -> list[Group]:
    return found if everything else found[:MOST]


def _more(found: list[Group], everything: bool) -> Iterator[str]:
    if (more := len(found) - MOST) > 0 and not everything:
        yield f"+{more} more: --all"


def _wrapped(texts: Iterable[str], layout: Layout, style: str = "") -> list[Line]:
    return [line for text in texts for line in layout.wrapped(text, rest="  ", style=style)]


def _verdict(changes: Changes, layout: Layout) -> list[Line]:
    """The word in its colour, then its sentences."""
    found = words.verdict(changes)
    first = f"{found.word}  "
    wrapped = layout.wrapped("  ".join(found.sentences), first=first, rest=" " * len(first))
    text = wrapped[0][0][0]
    return [((found.word, verdict_style(found.word)), (text.removeprefix(found.word), "")), *wrapped[1:]]
