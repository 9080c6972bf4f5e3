"""A chain of steps on a terminal: number, rule, formula, tick, and below a line what is to be said of it.

Where every step fits on one line, in columns; otherwise, throughout the chain, the formula below its rule. So too where
the chain starts from a line of its own: the formulas stand below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smxcheck.pages.marks import failed, failure_head, mark_text, opening
from smxcheck.pages.model import Chain, Failure, Line, Mark, Numbers
from smxcheck.pages.text_layout import Layout
from smxcheck.report import screen

#: A chain that starts from something longer than this has it on a line of its own.
_LONGEST_OPENING = 16
#: The indent of formulas below their rules, and of what is said of a line.
_BELOW, _REMARK = 6, 6
#: Columns of the widest tick and the gap before it.
_WIDEST_TICK = 11
_BLANK = "_" * 24
_STYLES = {"true": "good", "false": "bad", "undecided": "doubt"}


@dataclass(frozen=True)
class _Row:
    """A step as it is printed: ``lead`` is the left side, or as much space, before the sign."""

    number: str
    rule: str
    lead: str
    formula: str
    mark: Mark | None
    line: Line

    @property
    def tick(self) -> str:
        return mark_text(self.mark) if self.mark else ""


def chain_lines(chain: Chain, layout: Layout) -> list[screen.Line]:
    """The lines of a chain, its title and conditions first."""
    rows = _rows(chain, layout)
    lines = [*_title(chain, layout), *_start(chain, rows, layout)]
    columns = _columns(rows, layout.width) if rows and rows[0].lead else None
    for row in rows:
        lines += [_in_columns(row, columns)] if columns else _stacked(row, rows, layout)
        lines += _remarks(row.line, layout)
    return lines


def _rows(chain: Chain, layout: Layout) -> list[_Row]:
    formulas = [_formula(line, layout) for line in chain.lines]
    lead = _lead(chain, formulas, layout)
    return [
        _Row(str(line.number), _rule(line, layout), " " * len(lead) if i else lead, formula, line.mark, line)
        for i, (line, formula) in enumerate(zip(chain.lines, formulas, strict=True))
    ]


def _formula(line: Line, layout: Layout) -> str:
    """The sign and the formula of a step, or room for one that the reader fills in."""
    expression = _BLANK if line.expression is None else layout.formula(line.expression)
    return f"{layout.sign(line.operator)} {expression}{layout.remainder(line.order)}"


def _lead(chain: Chain, formulas: list[str], layout: Layout) -> str:
    """What the chain starts from, where it is short and every line has room beside it; else it has a line of its own."""
    start = layout.formula(chain.start)
    room = layout.width - _BELOW - len(start) - 1 - _WIDEST_TICK
    fits = len(start) <= _LONGEST_OPENING and max(map(len, formulas), default=0) <= room
    return f"{start} " if opening(chain) and fits else ""


def _rule(line: Line, layout: Layout) -> str:
    rule = layout.words(line.rule)
    return f"{rule} (from here on {layout.conditions(line.given)})" if line.given else rule


def _title(chain: Chain, layout: Layout) -> list[screen.Line]:
    condition = f"if {layout.conditions(chain.conditions)}" if chain.conditions else ""
    title = ", ".join(filter(None, [layout.words(chain.title), condition]))
    return [*layout.paragraph(title, rest="  ", style="strong"), *layout.paragraph(layout.words(chain.text))]


def _start(chain: Chain, rows: list[_Row], layout: Layout) -> Iterator[screen.Line]:
    if rows and rows[0].lead.strip():
        return
    for text in layout.display(layout.formula(chain.start), _BELOW):
        yield screen.plain(text)
    yield from _numbers(chain.start_numbers, layout)


# ---- columns


def _columns(rows: list[_Row], width: int) -> tuple[int, int, int, int] | None:
    """The widths of the columns; None where a step does not fit."""
    if not rows:
        return None
    widths = (
        max(len(row.number) for row in rows),
        max(len(row.rule) for row in rows),
        max(len(row.lead) + len(row.formula) for row in rows),
        max(len(row.tick) for row in rows),
    )
    return widths if 2 + sum(widths) + 2 * (3 if widths[3] else 2) <= width else None


def _in_columns(row: _Row, widths: tuple[int, int, int, int]) -> screen.Line:
    number, rule, formula, _ = widths
    text = f"  {row.number:>{number}}  {row.rule:<{rule}}  {row.lead + row.formula:<{formula}}".replace("\u00a0", " ")
    return ((f"{text}  ", ""), _tick(row)) if row.mark else screen.plain(text.rstrip())


def _tick(row: _Row) -> tuple[str, str]:
    return row.tick, _STYLES.get(row.mark.outcome, "") if row.mark else ""


# ---- the formula below its rule


def _stacked(row: _Row, rows: list[_Row], layout: Layout) -> list[screen.Line]:
    number = max(len(r.number) for r in rows)
    room = max(len(r.tick) for r in rows)
    head = f"  {row.number:>{number}}  "
    lines = layout.paragraph(row.rule, first=head, rest=" " * len(head)) or [screen.plain(head.rstrip())]
    *before, last = layout.display(row.formula, _BELOW, room + 2 if room else 0, head=row.lead)
    lines += [screen.plain(text) for text in before]
    if not row.mark:
        return [*lines, screen.plain(last)]
    return [*lines, ((last.ljust(layout.width - room), ""), _tick(row))]


# ---- what is said of a line


def _remarks(line: Line, layout: Layout) -> Iterator[screen.Line]:
    if line.note:
        yield from layout.paragraph(layout.words(line.note), first=" " * _REMARK)
    if line.failure:
        outcome = line.mark.outcome if line.mark and failed(line) else "false"
        text = _failure(line.failure, outcome, layout)
        yield from layout.paragraph(text, first=" " * _REMARK, rest=" " * (_REMARK + 2), style=_STYLES.get(outcome, ""))
    yield from _numbers(line.numbers, layout)


def _failure(failure: Failure, outcome: str, layout: Layout) -> str:
    """``false at z = (0, 1), i = 1: left 0.1966119332, right −0.7310585786``."""
    given = [f"{layout.letter(name)} = {layout.point(value)}" for name, value in failure.point]
    place = ", ".join([*given, *([layout.assignments(failure.indices)] if failure.indices else [])])
    sides = f"left {layout.number(failure.left)}, right {layout.number(failure.right)}"
    return f"{failure_head(failure, outcome)}{place}: {sides}"


def _numbers(numbers: tuple[Numbers, ...], layout: Layout) -> Iterator[screen.Line]:
    for entry in numbers:
        put, value = layout.formula(entry.formula), layout.number(entry.value)
        indices = f"{layout.assignments(entry.indices)}: " if entry.indices else ""
        printed = value if put in (value, entry.value) else f"{put} = {value}"
        yield from (screen.plain(text, "dim") for text in layout.display(printed, _REMARK + 2, head=indices))
