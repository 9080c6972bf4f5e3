"""The two panels of a plot, drawn with matplotlib: cost over the length of a row, and accuracy against time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from smxcheck.benchmark.show.plot_labels import Box, placed, spread
from smxcheck.benchmark.show.plots import DRAWN, FLOOR, Curve, Mark, Marks
from smxcheck.report.escape import one_line

#: Told apart by people with any colour vision (Okabe & Ito, Color Universal Design, 2008), without the yellow, which is
#: too light for a line on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
#: Markers and line styles differ too, so that a grey print can be read. Seven, eight and five have no common divisor:
#: 280 targets before a style comes again.
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
_LINES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1.5, 1, 1.5, 1, 1.5)))
_GREY = "#767676"
_YARDSTICK_LINES: Mapping[str, Any] = {DRAWN[0]: "-", DRAWN[1]: (0, (4, 2))}

FONT, SMALL = 8.0, 7.0
#: Points from one label to the next, from baseline to baseline.
SPACING = 9.5
_MARKER_SIZE = 4.5
#: Points from a mark to its name from which on a line joins them.
_FAR = 14.0
#: Points from the centre of a mark to its edge.
_RADIUS = 4.0
#: Decades of an axis up to which 2 and 5 are told beside 1 and 10.
_FEW_DECADES = 2.2
#: The share of the panel's height that is kept for wrong targets.
_WRONG_BAND = 0.22
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def style(place: int) -> dict[str, Any]:
    """Colour, marker and line of the target in that place of the run, the same in all panels."""
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "marker": _MARKERS[place % len(_MARKERS)],
        "linestyle": _LINES[place % len(_LINES)],
    }


def cost(axes: Axes, curves: Sequence[Curve], places: Mapping[str, int]) -> None:
    """Nanoseconds for an element over the length of a row, with quartiles; each curve is named at its right end."""
    for curve in curves:
        x = [p.n for p in curve.points]
        y = [p.nanoseconds for p in curve.points]
        if curve.name in places:
            _curve(axes, curve, x, y, style(places[curve.name]))
        else:
            axes.plot(x, y, color=_GREY, linestyle=_YARDSTICK_LINES[curve.name], linewidth=1.0, zorder=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    _ticks(axes, "n (length of what is normalised)", "time, ns for an element")
    _named_at_the_end(axes, curves, places)


def _curve(axes: Axes, curve: Curve, x: list[int], y: list[float], drawn: dict[str, Any]) -> None:
    axes.plot(x, y, color=drawn["color"], linestyle=drawn["linestyle"], linewidth=1.2, zorder=2)
    below = [p.nanoseconds - p.low for p in curve.points]
    above = [p.high - p.nanoseconds for p in curve.points]
    axes.errorbar(x, y, yerr=(below, above), fmt="none", ecolor=drawn["color"], elinewidth=0.9, capsize=2, zorder=2)
    for point in curve.points:
        face = "white" if point.wrong else drawn["color"]
        axes.plot([point.n], [point.nanoseconds], marker=drawn["marker"], markersize=_MARKER_SIZE, markerfacecolor=face,
                  markeredgecolor=drawn["color"], linestyle="none", zorder=3)  # fmt: skip


def _named_at_the_end(axes: Axes, curves: Sequence[Curve], places: Mapping[str, int]) -> None:
    """Names right of the panel, spread until none touches the next, each with a line to the end of its curve."""
    box = _box(axes)
    ends = [_points(axes, c.points[-1].n, c.points[-1].nanoseconds) for c in curves]
    heights = spread([y for _, y in ends], SPACING, box.bottom + SPACING / 2, box.top - SPACING / 2)
    for curve, end, height in zip(curves, ends, heights, strict=True):
        drawn = style(places[curve.name]) if curve.name in places else {"color": _GREY, "marker": ""}
        _line(axes, [end, (box.right + 2, height), (box.right + 10, height)], drawn["color"])
        if drawn["marker"]:
            _line(axes, [(box.right + 15, height)], drawn["color"], drawn["marker"], hollow=curve.wrong)
        _text(axes, box.right + 20, height, curve_label(curve))


def curve_label(curve: Curve) -> str:
    return f"{one_line(curve.name)} (wrong)" if curve.wrong else one_line(curve.name)


def accuracy(axes: Axes, found: Marks, places: Mapping[str, int]) -> None:
    """Worst error over time relative to the reference, both logarithmic; wrong targets are hollow, in a band at the top."""
    right = [m for m in found.marks if not m.wrong]
    axes.set_xscale("log")
    axes.set_yscale("log")
    _limits(axes, found)
    reference = one_line(found.reference)
    _ticks(axes, f"time, over that of {reference} (geometric mean; left is faster)", "worst error found (≥), ulp")
    (left, far), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    if len(right) < len(found.marks):
        top = _height(axes, 1 - _WRONG_BAND)
        for minor in (False, True):  # nothing in the band has a height that means an error
            axes.set_yticks([y for y in axes.get_yticks(minor=minor) if y < top], minor=minor)
    base = [(1.0, bottom), (1.0, top)]
    band = [(left, top), (far, top)] if len(right) < len(found.marks) else []
    lines = (base, _front([m for m in right if m.front], far, top), band)
    for line, dashes in zip(lines, ("-", (0, (4, 2)), (0, (1, 1.5))), strict=True):
        axes.plot([x for x, _ in line], [y for _, y in line], color=_GREY, linewidth=0.9, linestyle=dashes, zorder=1)
    for mark in found.marks:
        _mark(axes, mark, style(places[mark.name]))
    _named_beside(axes, found.marks, lines)


def _limits(axes: Axes, found: Marks) -> None:
    """Room around all marks for their names, and above for the wrong ones; 0.5 ulp is the lowest."""
    times = [t for m in found.marks for t in (m.time.low, m.time.value, m.time.high)] + [1.0]
    margin = max(1.25, (max(times) / min(times)) ** 0.15)
    axes.set_xlim(min(times) / margin, max(times) * margin)
    errors = [max(FLOOR, m.error) for m in found.marks if m.error is not None] or [FLOOR]
    bottom, top = FLOOR / 1.5, max(4.0, 2.5 * max(errors))
    if any(m.wrong for m in found.marks):
        top = bottom * (top / bottom) ** (1 / (1 - _WRONG_BAND))
    axes.set_ylim(bottom, top)


def _height(axes: Axes, share: float) -> float:
    """The value at that share of the height of a logarithmic axis."""
    bottom, top = axes.get_ylim()
    return float(bottom * (top / bottom) ** share)


def _drawn_at(axes: Axes, mark: Mark) -> float:
    return _height(axes, 1 - _WRONG_BAND / 2) if mark.error is None else max(FLOOR, mark.error)


def _mark(axes: Axes, mark: Mark, drawn: dict[str, Any]) -> None:
    y = _drawn_at(axes, mark)
    beside = ([max(0.0, mark.time.value - mark.time.low)], [max(0.0, mark.time.high - mark.time.value)])
    axes.errorbar([mark.time.value], [y], xerr=beside, fmt="none", ecolor=drawn["color"], elinewidth=0.9, capsize=2, zorder=2)
    axes.plot([mark.time.value], [y], marker=drawn["marker"], markersize=_MARKER_SIZE + 1.5, linestyle="none", zorder=3,
              markerfacecolor="white" if mark.wrong else drawn["color"], markeredgecolor=drawn["color"])  # fmt: skip


def _front(marks: Sequence[Mark], right: float, top: float) -> list[tuple[float, float]]:
    """Corners of the stairs along the Pareto front: what lies above and to the right is slower and less accurate."""
    stairs = list[tuple[float, float]]()
    for mark in sorted(marks, key=lambda m: (m.time.value, m.error or 0.0)):
        before = stairs[-1][1] if stairs else top
        stairs += [(mark.time.value, before), (mark.time.value, min(before, max(FLOOR, mark.error or 0.0)))]
    return [*stairs, (right, stairs[-1][1])] if stairs else []


def _named_beside(axes: Axes, marks: Sequence[Mark], lines: Sequence[Sequence[tuple[float, float]]]) -> None:
    """Each name next to its mark, where it covers no other name, mark or line; with a line where that is far away."""
    centres = [_points(axes, m.time.value, _drawn_at(axes, m)) for m in marks]
    taken = [Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in centres]
    for line in [*lines, *([(t, _drawn_at(axes, m)) for t in (m.time.low, m.time.high)] for m in marks)]:
        corners = [_points(axes, x, y) for x, y in line]
        taken += [_around(start, end) for start, end in pairwise(corners)]
    labels = [f"{one_line(m.name)}: wrong" if m.wrong else one_line(m.name) for m in marks]
    order = sorted(range(len(marks)), key=lambda i: (-centres[i][1], centres[i][0]))
    sizes = [text_size(axes.figure, labels[i]) for i in order]
    boxes = placed([centres[i] for i in order], sizes, taken, _box(axes))
    for i, found in zip(order, boxes, strict=True):
        _text(axes, found.left, (found.bottom + found.top) / 2, labels[i])
        near, far = found.nearest(*centres[i]), math.dist(found.nearest(*centres[i]), centres[i])
        if far > _FAR:
            start = [c + _RADIUS / far * (n - c) for c, n in zip(centres[i], near, strict=True)]
            _line(axes, [(start[0], start[1]), near], _GREY)


def _around(start: tuple[float, float], end: tuple[float, float]) -> Box:
    """The points next to a line that is horizontal or vertical."""
    (left, right), (bottom, top) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return Box(left - 1.5, bottom - 1.5, right + 1.5, top + 1.5)


def text_size(figure: Any, text: str, size: float = FONT) -> tuple[float, float]:
    """Width and height in points."""
    probe = figure.text(0, 0, text, fontsize=size, parse_math=False)
    extent = probe.get_window_extent(figure.canvas.get_renderer())
    probe.remove()
    scale = 72 / figure.dpi
    return float(extent.width * scale), float(extent.height * scale)


def _text(axes: Axes, x: float, y: float, text: str) -> None:
    """Text at a place in points from the lower left corner of the figure. Names are no formulas, whatever is in them."""
    axes.figure.text(*_share(axes, x, y), text, fontsize=FONT, va="center_baseline", parse_math=False)


def _line(
    axes: Axes, through: Sequence[tuple[float, float]], colour: str, marker: str = "", *, hollow: bool = False
) -> None:
    """A thin line through places in points from the lower left corner of the figure, or a marker at one."""
    shares = [_share(axes, x, y) for x, y in through]
    figure: Any = axes.figure
    line = Line2D([x for x, _ in shares], [y for _, y in shares], color=colour, linewidth=0.5, marker=marker,
                  markersize=_MARKER_SIZE, markeredgewidth=1, markerfacecolor="white" if hollow else colour)  # fmt: skip
    figure.add_artist(line)


def _points(axes: Axes, x: float, y: float) -> tuple[float, float]:
    """Data to points from the lower left corner of the figure."""
    figure: Any = axes.figure
    place = axes.transData.transform((x, y)) * 72 / figure.dpi
    return float(place[0]), float(place[1])


def _share(axes: Axes, x: float, y: float) -> tuple[float, float]:
    figure: Any = axes.figure
    width, height = figure.get_size_inches()
    return x / (72 * width), y / (72 * height)


def _box(axes: Axes) -> Box:
    """The panel, in points from the lower left corner of the figure."""
    figure: Any = axes.figure
    width, height = (72 * length for length in figure.get_size_inches())
    at = axes.get_position()
    return Box(at.x0 * width, at.y0 * height, at.x1 * width, at.y1 * height)


def _ticks(axes: Axes, x: str, y: str) -> None:
    """Logarithmic axes with labels at 1, 2 and 5 times powers of ten, or at the powers alone where the axis is long."""
    axes.set_xlabel(x, fontsize=FONT, parse_math=False)
    axes.set_ylabel(y, fontsize=FONT, parse_math=False)
    axes.set_xlim(widened(*axes.get_xlim()))
    axes.set_ylim(widened(*axes.get_ylim()))
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        few = math.log10(high / low) < _FEW_DECADES
        axis.set_major_locator(FixedLocator(between(low, high, (1, 2, 5) if few else (1,))))
        axis.set_minor_locator(FixedLocator(between(low, high, range(1, 10))))
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=SMALL)
    axes.grid(True, color="#E4E4E4", linewidth=0.5, zorder=0)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def between(low: float, high: float, digits: Iterable[int]) -> list[float]:
    """The products of these digits and powers of ten from ``low`` to ``high``."""
    exponents = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    return [tick for e in exponents for d in digits if low <= (tick := float(f"{d}e{e}")) <= high]


def widened(low: float, high: float) -> tuple[float, float]:
    """The limits, moved apart until two labels lie between them."""
    while len(between(low, high, (1, 2, 5))) < 2:
        low, high = low / 1.1, high * 1.1
    return low, high


def tick(value: float) -> str:
    """``0.02``, ``5``, ``1,000``, ``10⁵``."""
    exponent = math.floor(math.log10(value) + 1e-9)
    if -3 < exponent < 4:
        return f"{value:,.{max(0, -exponent)}f}"
    power = "10" + str(exponent).translate(_SUPERSCRIPTS)
    first = round(value / 10.0**exponent)
    return power if first == 1 else f"{first}·{power}"

