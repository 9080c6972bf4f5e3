"""Where the labels of a plot go so that none covers another: pure geometry, in points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Directions from a mark to its label, the first free one is taken: right, left, above, below, then the corners.
_DIRECTIONS = tuple(math.radians(angle) for angle in (0, 180, 90, 270, 45, 135, 225, 315, 20, 160, 200, 340, 65, 115, 245, 295))
#: Points between a mark and its label; farther ones get a line.
_DISTANCES = (6.0, 12.0, 20.0, 30.0, 42.0, 56.0, 72.0, 90.0)
#: Covering a square point costs as much as being that many points farther from the mark.
_COVERING = 3.0


@dataclass(frozen=True)
class Box:
    """A rectangle, its edges in points."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def area(self) -> float:
        return max(0.0, self.right - self.left) * max(0.0, self.top - self.bottom)

    def shared(self, other: Box) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of the box that is nearest to (x, y)."""
        return min(max(x, self.left), self.right), min(max(y, self.bottom), self.top)


def spread(wanted: Sequence[float], spacing: float, low: float, high: float) -> list[float]:
    """Heights at least ``spacing`` apart and as near to the wanted ones as their order allows, within [low, high].

    Labels that touch form a block whose centre is the mean of what its members want (least squares with a common shift;
    blocks are joined until none touch: the pool-adjacent-violators algorithm on wanted[i] - i * spacing). Where there is
    no room for all, they are spaced evenly over [low, high].
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    if not order:
        return []
    if (len(order) - 1) * spacing > high - low:
        spacing = (high - low) / (len(order) - 1)
    blocks: list[list[float]] = []
    for place, i in enumerate(order):
        blocks.append([wanted[i] - place * spacing])
        while len(blocks) > 1 and _mean(blocks[-2]) >= _mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    shifts = [_mean(block) for block in blocks for _ in block]
    top = high - (len(order) - 1) * spacing
    heights = [0.0] * len(order)
    for place, (i, shift) in enumerate(zip(order, shifts, strict=True)):
        heights[i] = min(max(shift, low), top) + place * spacing
    return heights


def placed(
    marks: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], taken: Sequence[Box], within: Box
) -> list[Box]:
    """A box of each size near each mark, one after the other, that covers least of what stands there already.

    ``taken`` are marks and lines that no label may cover, ``within`` what labels should not leave.
    """
    boxes = list[Box]()
    for mark, size in zip(marks, sizes, strict=True):
        occupied = [*taken, *boxes]
        boxes.append(min(_candidates(mark, size), key=lambda found: _cost(found, occupied, within))[1])
    return boxes


def _candidates(mark: tuple[float, float], size: tuple[float, float]) -> Iterator[tuple[float, Box]]:
    """Distance and box: the box touches the circle around the mark on the far side."""
    (x, y), (width, height) = mark, size
    for distance in _DISTANCES:
        for angle in _DIRECTIONS:
            cosine, sine = math.cos(angle), math.sin(angle)
            left = x + distance * cosine + (cosine - 1) * width / 2
            bottom = y + distance * sine + (sine - 1) * height / 2
            yield distance, Box(left, bottom, left + width, bottom + height)


def _cost(found: tuple[float, Box], occupied: Sequence[Box], within: Box) -> float:
    distance, box = found
    outside = box.area - box.shared(within)
    return distance + _COVERING * (outside + sum(box.shared(other) for other in occupied))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
