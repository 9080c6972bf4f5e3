"""A self-test as text: tables in 80 columns for a terminal, one fact per line for everything else; the verdict is last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from smxcheck.report.escape import one_line, to_ascii
from smxcheck.report.numbers import plural, thousands
from smxcheck.report.screen import BLANK, Layout, Line, plain
from smxcheck.selftest import words
from smxcheck.selftest.results import SelfTest
from smxcheck.selftest.summary import by_check, by_group, idle_checks

_GAP = "  "


def lines(test: SelfTest, layout: Layout, *, everything: bool = False) -> list[Line]:
    """The whole screen, top to bottom; with ``everything`` each implementation too."""
    bad = test.exit_code != 0
    sections = [
        [*layout.wrapped(words.header(test), rest="  ", style="dim"), *layout.wrapped(words.asked(test), rest="  ")],
        [line for text in words.remarks(test) for line in layout.wrapped(text, rest="  ", style="dim")],
        _listed(test, layout) if everything else [],
        _table(layout, words.HEADINGS_GROUP, _group_cells(test)),
        _checks(test, layout),
        _machinery(test, layout),
        _rivals(test, layout, everything),
        *(_block(block, layout) for block in words.blocks(test)),
        [*layout.wrapped(words.took(test), style="dim"), *layout.wrapped(words.verdict(test), rest="  ", style="bad" if bad else "good")],
    ]  # fmt: skip
    return [line for section in sections if section for line in (*section, BLANK)][:-1]


def facts(test: SelfTest, *, everything: bool = False, unicode: bool = True) -> Iterator[str]:
    """The same, one fact per line without a limit of width; ASCII unless ``unicode``."""
    for fact in filter(None, _facts(test, everything)):
        yield one_line(fact if unicode else to_ascii(fact))


def _facts(test: SelfTest, everything: bool) -> Iterator[str]:
    yield words.header(test)
    yield words.asked(test)
    yield from words.remarks(test)
    if everything:
        yield from map(words.killed, test.mutants)
        yield from map(words.passed, test.rights)
    for g in by_group(test):
        undecided = f", {thousands(g.undecided)} undecided" if g.undecided else ""
        yield (
            f"{g.group}: {thousands(g.killed)} of {thousands(g.mutants)} mutants killed, {thousands(g.lived)} lived{undecided};"
            f" {thousands(g.blamed)} of {thousands(g.rights)} right ones blamed"
        )
    for c in by_check(test):
        yield f"{c.code} {c.name}: killed {plural(c.killed, 'mutant')}, {thousands(c.alone)} of them alone"
    if idle := _idle(test):
        yield idle
    yield from map(words.machinery, words.asked_machinery(test))
    for r in test.rivals:
        name, killed, asked, share, refused = words.rival(r)
        found = f"killed {killed} of {asked} ({share}), refuses {refused} right ones" if not r.not_run else f"not run: {r.not_run}"
        yield f"other check {name}: {found}; {r.what}"
    if test.rivals:
        yield words.HONEST
    for block in words.blocks(test):
        yield from (f"{label}: {text}" if label else text for label, text in block)
    yield words.took(test)
    yield words.verdict(test)


def _group_cells(test: SelfTest) -> list[tuple[str, ...]]:
    rows = by_group(test)
    cells = [(g.group, *map(thousands, (g.mutants, g.killed, g.lived, g.rights, g.blamed))) for g in rows]
    if len(rows) > 1:
        sums = (sum(column) for column in zip(*((g.mutants, g.killed, g.lived, g.rights, g.blamed) for g in rows), strict=True))
        cells.append(("all", *map(thousands, sums)))
    return cells


def _checks(test: SelfTest, layout: Layout) -> list[Line]:
    rows = [(f"{c.code} {c.name}", thousands(c.killed), thousands(c.alone)) for c in by_check(test)]
    return [*_table(layout, words.HEADINGS_CHECK, rows), *layout.wrapped(_idle(test), rest="  ", style="dim")] if rows else []


def _idle(test: SelfTest) -> str:
    """The checks without a mutant of theirs; of a selection that says nothing."""
    idle = idle_checks(test)
    return f"found nothing: {', '.join(idle)}" if idle and by_check(test) and not test.remarks else ""


def _machinery(test: SelfTest, layout: Layout) -> list[Line]:
    return [
        line
        for m in words.asked_machinery(test)
        for line in layout.wrapped(words.machinery(m), rest="  ", style="bad" if m.misses else "doubt" if m.not_run else "")
    ]


def _rivals(test: SelfTest, layout: Layout, everything: bool) -> list[Line]:
    if not test.rivals:
        return []
    out = [plain(words.RIVALS, "strong"), *_table(layout, words.HEADINGS_RIVAL, map(words.rival, test.rivals))]
    for r in test.rivals:
        if r.not_run:
            out += layout.wrapped(f"{r.name} not run: {r.not_run}", rest="  ", style="doubt")
        elif everything:
            out += layout.wrapped(f"{r.name}: {r.what}", rest="  ", style="dim")
    return [*out, *layout.wrapped(words.HONEST, rest="  ", style="dim")]


def _block(block: Sequence[tuple[str, str]], layout: Layout) -> list[Line]:
    """A headline, and labelled lines below it."""
    out: list[Line] = []
    for label, text in ((label, one_line(text)) for label, text in block):
        if label == "again":
            out += layout.command(label, text)
        else:
            out += layout.labelled(label, text) if label else layout.wrapped(text, rest="  ", style="bad")
    return out


def _listed(test: SelfTest, layout: Layout) -> list[Line]:
    texts = (*map(words.killed, test.mutants), *map(words.passed, test.rights))
    return [line for text in texts for line in layout.wrapped(one_line(text), rest="  ")]


def _table(layout: Layout, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[Line]:
    """Columns of text, all but the first aligned to the right; a name wider than its column stands on a line of its own."""
    body = [tuple(map(layout.fit, map(one_line, row))) for row in rows]
    if not body:
        return []
    widths = [max(map(len, column)) for column in zip(headings, *body, strict=True)]
    widths[0] = min(widths[0], layout.width - sum(widths[1:]) - len(_GAP) * (len(widths) - 1))
    out: list[Line] = []
    for row, style in ((tuple(headings), "dim"), *((row, "") for row in body)):
        first, *rest = row
        if len(first) > widths[0]:
            out.append(plain(first, style))
            first = ""
        right = [text.rjust(width) for text, width in zip(rest, widths[1:], strict=True)]
        out.append(plain(_GAP.join([first.ljust(widths[0]), *right]), style))
    return out
