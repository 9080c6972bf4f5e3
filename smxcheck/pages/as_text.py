"""A page for a terminal: no boxes, nothing cut off, the width kept whatever the formula; colour never the only carrier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smxcheck.formula.notation import Notation
from smxcheck.formula.tree import Node, Relation
from smxcheck.pages.marks import last_chain, legend, marks
from smxcheck.pages.model import Chain, Code, Display, Facts, Heading, Letter, Letters, Page, Table, Text
from smxcheck.pages.text_chain import chain_lines
from smxcheck.pages.text_layout import Layout
from smxcheck.pages.text_table import table_lines
from smxcheck.report.screen import BLANK, Line, plain

#: Labels of facts and formulas of letters have columns of their own up to these widths.
_WIDEST_LABEL, _WIDEST_LETTER = 22, 36
_INDENT = "  "


def render(page: Page, notation: Notation, width: int = 80) -> str:
    """The page as plain text."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines(page, notation, width))


def lines(page: Page, notation: Notation, width: int = 80) -> list[Line]:
    """The page as styled lines of at most ``width`` columns, but for code and words that are longer."""
    layout = Layout(notation, width)
    found = [*layout.paragraph(layout.words(page.title), style="strong")]
    after_heading = False
    for number, block in enumerate(page.blocks):
        if not after_heading or (isinstance(block, Chain) and (block.title or block.conditions)):
            found.append(BLANK)
        found += _RENDERERS[type(block)](block, layout)
        after_heading = isinstance(block, Heading) or _introduces(block)
        if number == last_chain(page) and (text := legend(marks(page))):
            found += [BLANK, *layout.paragraph(text, style="dim")]
    return found


def _introduces(block: Any) -> bool:
    """Whether a paragraph ends with a colon: what follows stands right below it."""
    return isinstance(block, Text) and isinstance(block.text[-1], str) and block.text[-1].endswith(":")


def _heading(block: Heading, layout: Layout) -> list[Line]:
    return layout.paragraph(layout.words(block.text), style="strong")


def _text(block: Text, layout: Layout) -> list[Line]:
    return layout.paragraph(layout.words(block.text))


def _display(block: Display, layout: Layout) -> list[Line]:
    return [plain(text) for text in layout.display(layout.formula(block.formula), 4)]


def _letters(block: Letters, layout: Layout) -> list[Line]:
    """Letters with their definitions, then what they mean; the meaning below where a definition is long."""
    rows = [(layout.formula(_defined(row)), layout.words(row.meaning)) for row in block.rows]
    width = max((len(formula) for formula, _ in rows if len(formula) <= _WIDEST_LETTER), default=0)
    found: list[Line] = []
    for formula, meaning in rows:
        if len(formula) <= width:
            head = f"{_INDENT}{formula:<{width}}  "
            found += layout.paragraph(meaning, first=head, rest=" " * len(head)) or [plain(head.rstrip())]
        else:
            found += [plain(text) for text in layout.display(formula, len(_INDENT))]
            found += layout.paragraph(meaning, first=" " * (width + 4))
    return found


def _defined(row: Letter) -> Node:
    return row.symbol if row.definition is None else Relation("==", row.symbol, row.definition)


def _facts(block: Facts, layout: Layout) -> list[Line]:
    labels = [layout.fit(label) for label, _ in block.rows]
    width = max((len(label) for label in labels if len(label) <= _WIDEST_LABEL), default=0)
    found: list[Line] = []
    for label, (_, text) in zip(labels, block.rows, strict=True):
        head, rest = f"{_INDENT}{label:<{width}}  ", " " * (width + 4)
        if len(label) > width:
            found.append(plain(f"{_INDENT}{label}"))
            head = rest
        found += layout.paragraph(layout.words(text), first=head, rest=rest) or [plain(head.rstrip())]
    return found


def _code(block: Code, layout: Layout) -> list[Line]:
    """As it stands: a command that is cut or wrapped cannot be copied."""
    return [plain(f"    {layout.fit(line)}".rstrip()) for line in block.text.expandtabs(4).rstrip().splitlines()]


_RENDERERS: dict[type[Any], Callable[[Any, Layout], list[Line]]] = {
    Heading: _heading, Text: _text, Display: _display, Letters: _letters, Chain: chain_lines, Table: table_lines,
    Facts: _facts, Code: _code,
}  # fmt: skip
