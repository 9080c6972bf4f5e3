"""The panels of a run on one picture: for each function a row of cost and one of accuracy, the small print below all."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from smxcheck.benchmark.results import Run
from smxcheck.benchmark.show.plot_panels import FONT, SMALL, accuracy, cost, curve_label, text_size
from smxcheck.benchmark.show.plots import Curve, Marks, curves, marks, names
from smxcheck.benchmark.show.words import Findings, Group, findings, head
from smxcheck.report.escape import one_line
from smxcheck.report.numbers import listed

#: Inches: of a panel, left of it, between two; above it for its title, below it for the axis; of a line of small print.
_WIDE, _HIGH = 3.2, 2.4
_LEFT, _BETWEEN = 0.7, 0.25
_TITLE, _BELOW, _LINE = 0.32, 0.5, 0.145
#: Points for an inch, and points between a panel and the names right of it.
_INCH, _BESIDE = 72.0, 26.0
#: The width of a letter, as a share of the size of the font, in text of narrow ones: the first guess for a line.
_LETTER = 0.54


@dataclass(frozen=True)
class _Column:
    """What the panels of a function in one dtype show."""

    group: Group
    curves: tuple[Curve, ...]
    marks: Marks


def drawn(run: Run, function: str = "") -> Figure:
    """The picture of all functions, or of the named one. Raises ValueError where the run has none of them."""
    found = findings(run)
    rows = _rows(found, function)
    places = {name: place for place, name in enumerate(names(found.run))}
    figure = Figure(dpi=_INCH)
    FigureCanvasAgg(figure)  # measures the texts; an SVG is laid out by the same measures
    gutter = _gutter(figure, rows)
    columns = max(len(row) for row in rows)
    width = columns * (_LEFT + _WIDE + gutter + _BETWEEN)
    small = _wrapped(figure, _small_print(found, rows), width)
    figure.set_size_inches(width, sum(map(_height, rows)) + _LINE * (len(small) + 1))
    top = figure.get_figheight()
    for row in rows:
        for place, column in enumerate(row):
            left = _LEFT + place * (width / columns)
            _draw(figure, column, (left, top), gutter, places, _panels(row))
        top -= _height(row)
    for place, line in enumerate(small):
        _small(figure, _LINE * (len(small) - place), line)
    return figure


def _rows(found: Findings, function: str) -> list[list[_Column]]:
    """One row for each function, in it one column for each dtype."""
    by_function: dict[str, list[_Column]] = {}
    for group in found.groups:
        if function in ("", group.function):
            column = _Column(group, curves(found, group), marks(found, group))
            by_function.setdefault(group.function, []).append(column)
    if not by_function:
        raise ValueError(f"the run has no benchmark{' of ' + function if function else ''}: nothing to draw")
    return list(by_function.values())


def _panels(row: Sequence[_Column]) -> tuple[bool, bool]:
    """Whether any dtype has curves of cost, and whether any has marks."""
    return any(column.curves for column in row), any(column.marks.marks for column in row)


def _height(row: Sequence[_Column]) -> float:
    """Inches, of all panels of a function."""
    return sum(_panels(row)) * (_TITLE + _HIGH + _BELOW)


def _gutter(figure: Figure, rows: Sequence[Sequence[_Column]]) -> float:
    """Inches that the names right of the curves take."""
    labels = [curve_label(curve) for row in rows for column in row for curve in column.curves]
    widest = max((text_size(figure, label)[0] for label in labels), default=0.0)
    return (widest + _BESIDE) / _INCH if labels else 0.0


def _draw(
    figure: Figure,
    column: _Column,
    corner: tuple[float, float],
    gutter: float,
    places: dict[str, int],
    panels: tuple[bool, bool],
) -> None:
    """Cost above accuracy, the upper left corner of the panels at ``corner``."""
    (left, top), title = corner, column.group.title
    with_cost, with_accuracy = panels
    if with_cost:
        axes = _axes(figure, left, top, _WIDE, f"{title}: cost over the length of a row")
        if column.curves:
            cost(axes, column.curves, places)
        else:
            _empty(axes, "nothing timed on rows of two lengths")
        top -= _TITLE + _HIGH + _BELOW
    if with_accuracy:
        axes = _axes(figure, left, top, _WIDE + gutter, f"{title}: accuracy against time")
        if column.marks.marks:
            accuracy(axes, column.marks, places)
        else:
            _empty(axes, "nothing timed that has an error in ulp")


def _axes(figure: Figure, left: float, top: float, wide: float, title: str) -> Axes:
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, (top - _TITLE - _HIGH) / height, wide / width, _HIGH / height))
    axes.set_title(title, fontsize=FONT + 1, loc="left", fontweight="bold", parse_math=False)
    return axes


def _empty(axes: Axes, why: str) -> None:
    axes.set_axis_off()
    axes.text(0.02, 0.9, why, fontsize=FONT, transform=axes.transAxes)


def _small_print(found: Findings, rows: Sequence[Sequence[_Column]]) -> Iterator[str]:
    """How the panels are read, who is missing and why, then where the times come from."""
    columns = [column for row in rows for column in row]
    if any(column.curves for column in columns):
        yield "Cost: medians with quartiles; copy: one read and one write of the same bytes; exp: exp alone, of every element."
    else:
        yield "No cost over the length of a row: it takes contiguous rows of two lengths, along the last axis, that were timed."
    if any(column.marks.marks for column in columns):
        yield (
            "Accuracy: bars are intervals of 95 %; dashed: the Pareto front, on which no other is as fast and as"
            " accurate, and better in one of the two; errors are the largest found on the timed shapes, so lower bounds (≥); those below 0.5 are drawn at 0.5."
        )
    else:
        yield "No accuracy against time: nothing was timed that has an error in ulp."
    wrong = dict.fromkeys(mark.name for column in columns for mark in column.marks.marks if mark.wrong)
    if wrong:
        yield f"Hollow: WRONG on a timed shape, never ranked: {listed([one_line(name) for name in wrong])}."
    missing: dict[str, list[str]] = {}
    for column in columns:
        for note in column.marks.notes:
            missing.setdefault(one_line(note), []).append(column.group.title)
    for note, titles in missing.items():
        where = "" if len(titles) == len(columns) else f" ({listed(titles)})"
        yield f"Not marked: {note}{where}."
    yield from head(found)
    if found.run.date:
        yield f"Measured {found.run.date}."


def _wrapped(figure: Figure, sentences: Iterator[str], width: float) -> list[str]:
    """Lines that fit in so many inches."""
    lines, room = list[str](), (width - 2 * _LINE) * _INCH
    for sentence in sentences:
        letters = int(room / (_LETTER * SMALL))
        while any(text_size(figure, line, SMALL)[0] > room for line in textwrap.wrap(sentence, letters)) and letters > 1:
            letters -= 2
        lines += textwrap.wrap(sentence, letters)
    return lines


def _small(figure: Figure, bottom: float, line: str) -> None:
    width, height = figure.get_size_inches()
    figure.text(_LINE / width, bottom / height, line, fontsize=SMALL, color="#404040", va="center_baseline", parse_math=False)
