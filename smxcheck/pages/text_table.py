"""Tables on a terminal: numbers below one another at their points, texts wrapped in their columns, nothing cut off."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from smxcheck.pages.breaks import blocks
from smxcheck.pages.marks import NUMBER
from smxcheck.pages.model import Prose, Table
from smxcheck.pages.text_layout import Layout
from smxcheck.report.screen import BLANK, Line, plain

_INDENT, _GAP = 2, 2
#: A column of text is not made narrower than this, nor than its longest word.
_NARROWEST = 12

Cells = Sequence[str]


def table_lines(table: Table, layout: Layout) -> list[Line]:
    """The lines of a table, its caption first."""
    if (line := _one_line(table, layout)) is not None:
        return [line]
    caption = layout.paragraph(layout.words(table.caption))
    return [*caption, *(_numbers(table, layout) if table.numeric else _texts(table, layout))]


def _one_line(table: Table, layout: Layout) -> Line | None:
    """A single row of numbers behind its caption, where there is room for both."""
    if not (table.numeric and table.caption and len(table.rows) == 1 and not table.header):
        return None
    numbers = (" " * _GAP).join(_cell(cell, layout) for cell in table.rows[0])
    text = f"{' ' * _INDENT}{layout.inline(table.caption)}:  {numbers}"
    return plain(text) if len(text) <= layout.width else None


# ---- numbers


def _numbers(table: Table, layout: Layout) -> Iterator[Line]:
    """Columns aligned at the point; those that do not fit beside one another follow in blocks of columns."""
    rows = [[_cell(cell, layout) for cell in row] for row in table.rows]
    header = [layout.inline(cell) for cell in table.header]
    columns = [_aligned([row[i] for row in rows]) for i in range(len(rows[0]) if rows else len(header))]
    widths = [max([len(text) for text in column] + [len(h) for h in header[i : i + 1]]) for i, column in enumerate(columns)]
    for block, (start, end) in enumerate(blocks(widths, layout.width - _INDENT, _GAP)):
        if block:
            yield BLANK
        if (start, end) != (0, len(widths)) and not header:
            yield plain(f"  columns {start + 1} to {end}:" if end > start + 1 else f"  column {end}:", "dim")
        if header:
            yield _row(header[start:end], widths[start:end], "dim")
        for i in range(len(rows)):
            yield _row([column[i] for column in columns[start:end]], widths[start:end])


def _cell(cell: Prose, layout: Layout) -> str:
    return layout.number(cell[0]) if len(cell) == 1 and isinstance(cell[0], str) else layout.inline(cell)


def _aligned(cells: Cells) -> list[str]:
    """Numbers padded so that their points stand below one another; what is no number goes to the right."""
    after = [len(c) - len(c.partition(".")[0].partition("e")[0]) if NUMBER.match(c) else 0 for c in cells]
    most = max(after, default=0)
    padded = [c + " " * (most - n) if NUMBER.match(c) else c for c, n in zip(cells, after, strict=True)]
    width = max(map(len, padded), default=0)
    return [text.rjust(width) for text in padded]


def _row(cells: Cells, widths: Sequence[int], style: str = "") -> Line:
    text = (" " * _GAP).join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return plain((" " * _INDENT + text).rstrip(), style)


# ---- texts


def _texts(table: Table, layout: Layout) -> Iterator[Line]:
    header = [layout.words(cell) for cell in table.header]
    rows = [[layout.words(cell) for cell in row] for row in table.rows]
    widths = _widths([*([header] if header else []), *rows], layout.width - _INDENT)
    if widths is None:
        yield from _below(rows, layout)
        return
    if header:
        yield from _wrapped(header, widths, "dim")
    for row in rows:
        yield from _wrapped(row, widths)


def _widths(rows: Sequence[Cells], room: int) -> list[int] | None:
    """Widths of columns: what their texts need, the widest made narrower until all fit; None where they never do."""
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    words = [max((len(word) for text in column for word in text.split(" ")), default=0) for column in columns]
    least = [min(width, max(_NARROWEST, word)) for width, word in zip(widths, words, strict=True)]
    room -= _GAP * (len(widths) - 1)
    while sum(widths) > room:
        spare, widest = max((width, i) for i, width in enumerate(widths) if width > least[i]) if widths != least else (0, 0)
        if not spare:
            return None
        widths[widest] -= 1
    return widths


def _wrapped(cells: Cells, widths: Sequence[int], style: str = "") -> Iterator[Line]:
    """One row on as many lines as its longest cell takes."""
    wrapped = [
        textwrap.wrap(cell, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]
        for cell, width in zip(cells, widths, strict=True)
    ]
    for i in range(max(map(len, wrapped), default=0)):
        parts = [lines[i] if i < len(lines) else "" for lines in wrapped]
        text = (" " * _GAP).join(part.ljust(width) for part, width in zip(parts, widths, strict=True))
        yield plain((" " * _INDENT + text).rstrip().replace("\u00a0", " "), style)


def _below(rows: Sequence[Cells], layout: Layout) -> Iterator[Line]:
    """Too wide for columns: the first cell on a line, the others below it."""
    for first, *others in rows:
        yield from layout.paragraph(first, first=" " * _INDENT, rest=" " * (_INDENT + 4))
        for cell in filter(None, others):
            yield from layout.paragraph(cell, first=" " * (_INDENT + 2), rest=" " * (_INDENT + 4))
