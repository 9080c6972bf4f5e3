"""Tables without boxes in a fixed width. Nothing is shortened: what does not fit stands below, or on a line of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from smxcheck.report.screen import Layout, Line, plain

#: A name longer than this stands on a line of its own.
WIDEST_NAME = 24
_BLOCKS, _BLOCKS_ASCII = "▁▂▃▄▅▆▇█", "12345678"
_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def table(
    headings: Sequence[str], rows: Sequence[Line], layout: Layout, *,
    left: Collection[int] = (), gap: int = 2, widest: int = WIDEST_NAME,
) -> list[Line]:  # fmt: skip
    """Rows of cells with their styles under headings, which may have several lines; the first column has names.

    A row of a name and one text more has the text over all its columns. Columns beyond the width follow in a block of their
    own, with the names once more. ``left`` are the columns that are not figures. A name that is longer than ``widest`` stands
    above its row.
    """
    fitted = [tuple((layout.fit(text), style) for text, style in row) for row in rows]
    widths = _widths([layout.fit(h) for h in headings], fitted, widest)
    lines: list[Line] = []
    for block in _blocks(widths, layout.width, gap):
        lines += _headings([layout.fit(headings[i]) for i in block], [widths[i] for i in block], block, left, gap)
        for row in fitted:
            lines += _row(row, block, widths, len(headings), left, gap, layout)
    return lines


def room(headings: Sequence[str], rows: Sequence[Line], layout: Layout, *, gap: int = 2, widest: int = WIDEST_NAME) -> int:
    """How wide one column more may be; below 0 where the table is too wide already."""
    fitted = [tuple((layout.fit(text), style) for text, style in row) for row in rows]
    widths = _widths([layout.fit(h) for h in headings], fitted, widest)
    return layout.width - sum(widths) - gap * len(widths)


def bar(share: float, width: int, *, unicode: bool) -> str:
    """A bar of so many characters for a share of 1, in eighths of a block, or in whole number signs."""
    if not unicode:
        return "#" * max(1, round(share * width))
    eighths = max(1, round(share * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8]


def sparkline(values: Sequence[float | None], *, unicode: bool) -> str:
    """One character for each value, from 0 to the largest in eight steps: blocks, or digits from 1 to 8; blank for None."""
    top = max((value for value in values if value is not None), default=0.0)
    steps = _BLOCKS if unicode else _BLOCKS_ASCII
    return "".join(" " if v is None else steps[min(7, int(8 * v / top)) if top > 0 else 0] for v in values)


def stacked(pieces: Sequence[str], width: int) -> str:
    """A heading in as few lines as the width allows; no piece is broken."""
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return "\n".join(lines)


def _widths(headings: Sequence[str], rows: Sequence[Line], widest: int) -> list[int]:
    widths = [max(map(len, heading.split("\n"))) for heading in headings]
    for row in rows:
        for i, (text, _) in enumerate(row if len(row) == len(headings) else row[:1]):
            widths[i] = max(widths[i], len(text))
    return [min(widths[0], widest), *widths[1:]]


def _blocks(widths: Sequence[int], width: int, gap: int) -> list[list[int]]:
    """The columns of each block: as many as fit, one at least, each time with the first one."""
    blocks: list[list[int]] = []
    used = width + 1
    for column in range(1, len(widths)):
        if used + gap + widths[column] > width:
            blocks.append([0])
            used = widths[0]
        blocks[-1].append(column)
        used += gap + widths[column]
    return blocks


def _headings(texts: Sequence[str], widths: Sequence[int], block: Sequence[int], left: Collection[int], gap: int) -> list[Line]:
    columns = [text.split("\n") for text in texts]
    depth = max(map(len, columns))
    padded = [[*column, *[""] * (depth - len(column))] for column in columns]
    return [
        plain(_joined([column[i] for column in padded], widths, block, left, gap).rstrip(), "dim") for i in range(depth)
    ]


def _row(
    row: Line, block: Sequence[int], widths: Sequence[int], columns: int, left: Collection[int], gap: int, layout: Layout
) -> list[Line]:
    (name, style), *_ = row
    above = [plain(line[0][0], style) for line in layout.wrapped(name, rest="    ")] if len(name) > widths[0] else []
    name = "" if above else name
    if len(row) < columns:
        if block[1] > 1:
            return []  # it stands in the first block
        text, own = row[1]
        if above and not text:
            return above
        indent = widths[0] + gap
        first, *more = layout.wrapped(text, first=" " * indent, rest=" " * indent, style=own) or [plain("")]
        return [*above, ((name.ljust(indent), style), (first[0][0][indent:], own)), *more]
    pieces = [(name.ljust(widths[0]), style)]
    for column in block[1:]:
        text, own = row[column]
        pad = text.ljust(widths[column]) if column in left else text.rjust(widths[column])
        pieces.append((" " * gap + pad, own or style))
    pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
    return [*above, tuple(pieces)]


def _joined(texts: Sequence[str], widths: Sequence[int], block: Sequence[int], left: Collection[int], gap: int) -> str:
    padded = [
        text.ljust(width) if column == 0 or column in left else text.rjust(width)
        for text, width, column in zip(texts, widths, block, strict=True)
    ]
    return (" " * gap).join(padded)
