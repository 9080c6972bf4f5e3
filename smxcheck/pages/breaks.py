"""Where a formula that is too long for a line goes on on the next: before a sign, as far outside parentheses as it can.

And which columns of a table that is too wide stand beside one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: How good a place for a break is, at the same depth of parentheses: before the conditions, a relation, + or -, a product's
#: sign, a quotient's or a product's without spaces, and where nothing better is there any space.
CONDITION, RELATION, SUM, PRODUCT, TIGHT, SPACE = range(6)


@dataclass(frozen=True)
class Piece:
    """A part of a formula's text that is never broken, and how good a break just before it is."""

    text: str
    width: float
    depth: int = 0
    rank: int = SPACE


def fill(pieces: Sequence[Piece], first: float, rest: float) -> list[str]:
    """The pieces put on lines of at most ``first`` and then ``rest``; a piece that is wider than a line stays whole.

    A line ends at the best break that fits, of several equally good ones at the last, and not where the line is fullest: a
    sum is broken between its terms rather than inside one.
    """
    lines, start, room = [], 0, first
    while start < len(pieces):
        end = _end(pieces, start, room)
        lines.append("".join(piece.text for piece in pieces[start:end]).strip())
        start, room = end, rest
    return lines


def _end(pieces: Sequence[Piece], start: int, room: float) -> int:
    """Where the line that begins at ``start`` ends."""
    fitting, width = [], 0.0
    for end in range(start + 1, len(pieces) + 1):
        width += pieces[end - 1].width
        if width > room:
            break
        fitting.append(end)
    if fitting and fitting[-1] == len(pieces):
        return len(pieces)
    return min(fitting, key=lambda e: (pieces[e].depth, pieces[e].rank, -e), default=start + 1)


def broken(text: str, first: int, rest: int) -> list[str]:
    """A printed formula on lines of at most ``first`` characters, then ``rest``. A number or name is never broken."""
    return fill(list(_pieces(text)), first, rest)


# A space with what follows it, or a sign without spaces, or a parenthesis after another.
_PLACE = re.compile(
    r" (?:(?P<condition>if )|(?P<relation>==|!=|<=|>=|[=<>≤≥≠])|(?P<sum>[-+−] )|(?P<product>[·*/] )|)"
    r"|(?P<tight>[*/](?! )|(?<=\))\()"
)


def _pieces(text: str) -> Iterator[Piece]:
    start, rank, depth_before = 0, SPACE, 0
    for match in _PLACE.finditer(text):
        if match.start() == 0:
            continue
        yield Piece(text[start : match.start()], match.start() - start, depth_before, rank)
        start, depth_before = match.start(), _depth(text, match.start())
        rank = _rank(match, depth_before)
    yield Piece(text[start:], len(text) - start, depth_before, rank)


def _rank(match: re.Match[str], depth: int) -> int:
    if match["condition"]:
        return CONDITION
    if match["relation"]:
        return SPACE if depth else RELATION  # inside, as in sum(k != i, ...), it belongs to the index
    return SUM if match["sum"] else PRODUCT if match["product"] else TIGHT if match["tight"] else SPACE


def _depth(text: str, position: int) -> int:
    before = text[:position]
    return sum(map(before.count, "([{")) - sum(map(before.count, ")]}"))


def blocks(widths: Sequence[int], room: int, gap: int) -> Iterator[tuple[int, int]]:
    """Which columns stand beside one another: as many as fit, at least one."""
    start = 0
    while start < len(widths):
        end = start + 1
        while end < len(widths) and sum(widths[start : end + 1]) + gap * (end - start) <= room:
            end += 1
        yield start, end
        start = end
