r"""A page in LaTeX: a fragment for ``\input`` that needs amsmath alone, and a document that pdflatex compiles.

Displays are broken for a text 345 pt wide, that of the article class at 10 pt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from smxcheck.formula.notation import Notation
from smxcheck.pages.breaks import blocks
from smxcheck.pages.latex_chain import chain_lines
from smxcheck.pages.latex_inline import Inline, number
from smxcheck.pages.latex_math import LINE, broken, width
from smxcheck.pages.latex_words import verbatim, words
from smxcheck.pages.marks import executed, last_chain, marks
from smxcheck.pages.model import Chain, Code, Display, Facts, Heading, Letters, Page, Table, Text

#: Digits that one character of running text takes on the average.
_CHARACTER = 0.95
#: A letter's definition wider than this leaves no room for its meaning beside it.
_BESIDE = 34.0
#: Rows of one tabular, which no page break divides.
_ROWS = 25

# The fonts of T1 are bitmaps where no package of outlines is installed: those that LaTeX starts with are sharp everywhere.
_PREAMBLE = r"""\documentclass[10pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}
\begin{document}
"""

# Displays close to the text around them, their lines further apart, pages broken between lines of a chain, no word in the margin.
_BEGIN = r"""\begingroup\sloppy\allowdisplaybreaks\jot=5pt
\abovedisplayskip=5pt plus 2pt minus 2pt\belowdisplayskip=5pt plus 2pt minus 2pt
\abovedisplayshortskip=\abovedisplayskip\belowdisplayshortskip=\belowdisplayskip"""


def render(page: Page, notation: Notation, document: bool = False) -> str:
    """The page as a fragment, or as a whole document."""
    inline = Inline(notation)
    lines = [_BEGIN, rf"\section*{{\raggedright {inline.words(page.title)}}}"]
    for place, block in enumerate(page.blocks):
        lines += ["", *_RENDERERS[type(block)](block, inline)]
        if place == last_chain(page) and (text := executed(marks(page))):
            lines += [rf"\par\medskip\noindent{{\small {words(text)}}}\par"]
    body = "\n".join([*lines, r"\par\endgroup"]) + "\n"
    if document:
        return f"{_PREAMBLE}{body}\\end{{document}}\n"
    return f"% {verbatim(page.id)}: for \\input into a document with \\usepackage{{amsmath}}\n{body}"


def _heading(block: Heading, inline: Inline) -> list[str]:
    return [rf"\subsection*{{\raggedright {inline.words(block.text)}}}"]


def _text(block: Text, inline: Inline) -> list[str]:
    return [rf"\par\smallskip\noindent {inline.words(block.text)}\par"]


def _display(block: Display, inline: Inline) -> list[str]:
    first, *more = broken(inline.math(block.formula))
    if not more:
        return [r"\[", first, r"\]"]
    return [r"\begin{align*}", " \\\\\n".join([f"&{first}", *(rf"&\quad {line}" for line in more)]), r"\end{align*}"]


def _letters(block: Letters, inline: Inline) -> list[str]:
    rows = [(inline.math(row.symbol), inline.math(row.definition) if row.definition else "", inline.words(row.meaning))
            for row in block.rows]  # fmt: skip
    if any(width(symbol) + width(definition) > _BESIDE for symbol, definition, _ in rows):
        items = [rf"\item ${' = '.join(filter(None, [symbol, definition]))}$: {meaning}" for symbol, definition, meaning in rows]
        return [r"\begin{itemize}", *items, r"\end{itemize}"]
    lines = [
        rf"{symbol} &{'= ' if definition else ''}{definition} && \parbox{{0.42\linewidth}}{{\raggedright\small {meaning}}}"
        for symbol, definition, meaning in rows
    ]
    return [r"\begin{align*}", " \\\\\n".join(lines), r"\end{align*}"]


def _facts(block: Facts, inline: Inline) -> list[str]:
    items = [rf"\item[{words(label)}] {inline.words(text)}" for label, text in block.rows]
    return [r"\begin{description}\itemsep=0pt\parsep=0pt", *items, r"\end{description}"] if items else []


def _code(block: Code, inline: Inline) -> list[str]:
    return [r"{\footnotesize\begin{verbatim}", verbatim(block.text.rstrip("\n")), r"\end{verbatim}}"]


# ---- tables


def _table(block: Table, inline: Inline) -> list[str]:
    caption = [rf"\par\smallskip\noindent {inline.words(block.caption)}\par\nobreak"] if block.caption else []
    rows = [[_cell(cell, inline, block.numeric) for cell in row] for row in block.rows]
    header = [inline.words(cell) for cell in block.header]
    lengths = _lengths(block)
    if not lengths:
        return caption
    lines: list[str] = []
    if block.numeric:
        for start, end in blocks(lengths, int(LINE / _CHARACTER), 2):
            if end - start < len(lengths):
                lines.append(rf"\par\noindent{{\small columns {start + 1} to {end}:}}\par\nobreak")
            lines += _tabular("r" * (end - start), header[start:end], [row[start:end] for row in rows])
        return [*caption, *lines]
    room = LINE / _CHARACTER - 2 * len(lengths)
    if sum(lengths) <= room:
        columns, cells, heads = "l" * len(lengths), rows, header
    else:
        columns = "".join(rf"p{{{share:.3f}\linewidth}}" for share in _shares(lengths))
        cells = [[rf"\raggedright {cell}" for cell in row] for row in rows]
        heads = [rf"\raggedright {cell}" for cell in header]
    for start in range(0, len(cells), _ROWS):
        lines += _tabular(columns, heads if start == 0 else [], cells[start : start + _ROWS])
    return [*caption, *lines]


def _cell(cell: Sequence[Any], inline: Inline, numeric: bool) -> str:
    return number(cell[0]) if numeric and len(cell) == 1 and isinstance(cell[0], str) else inline.words(tuple(cell))


def _lengths(block: Table) -> list[int]:
    """About how many characters the widest cell of each column has."""
    rows = [*([block.header] if block.header else []), *block.rows]
    return [max(sum(len(p) if isinstance(p, str) else 8 for p in cell) for cell in column) for column in zip(*rows, strict=True)]


def _shares(lengths: Sequence[int]) -> list[float]:
    """Which part of the line each column takes: long ones give way, none gets less than it needs or a twelfth."""
    weights = [max(min(length, 40), 8) for length in lengths]
    room = 0.96 - 0.02 * len(lengths)
    return [room * weight / sum(weights) for weight in weights]


def _tabular(columns: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield rf"\par\smallskip\noindent{{\small\tabcolsep=3pt\begin{{tabular}}{{@{{}}{columns}@{{}}}}"
    if header:
        yield " & ".join(header) + r" \tabularnewline \hline"
    for row in rows:
        yield " & ".join(row) + r" \tabularnewline"
    yield r"\end{tabular}}\par\smallskip"


_RENDERERS: dict[type[Any], Callable[[Any, Inline], list[str]]] = {
    Heading: _heading, Text: _text, Display: _display, Letters: _letters, Chain: chain_lines, Table: _table,
    Facts: _facts, Code: _code,
}  # fmt: skip
