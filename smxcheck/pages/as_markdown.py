r"""A page in Markdown with mathematics between dollars, as GitHub, Jupyter and Pandoc show it.

Markdown takes ``\\`` and ``\,`` for escapes before the mathematics is read, and ``<`` for a tag; so rows end in ``\cr``, and
commands with a name stand for those that are a sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from smxcheck.formula.notation import Notation, latex
from smxcheck.formula.tree import Node
from smxcheck.pages.latex_inline import Inline, scientific
from smxcheck.pages.latex_math import broken
from smxcheck.pages.marks import NUMBER, failed, failure_head, last_chain, legend, mark_text, marks
from smxcheck.pages.model import Chain, Code, Display, Facts, Heading, Letters, Line, Page, Prose, Table, Text
from smxcheck.report.escape import clean

#: Displays are broken for a column of some 90 characters.
_LINE = 80.0

#: Signs that Markdown would read, and commands that mean the same.
_COMMANDS = ((r"\,", r"\thinspace "), (r"\;", r"\thickspace "), (r"\:", r"\medspace "), (r"\!", r"\negthinspace "),
             (r"\{", r"\lbrace "), (r"\}", r"\rbrace "), (r"\|", r"\Vert "), ("<", r"\lt "), (">", r"\gt "), ("|", r"\vert "),
             ("*", r"\ast "))  # fmt: skip
_SPECIAL = re.compile(r"([\\`*_\[\]<>|$~#&])")
_AT_START = re.compile(r"(\s*)(\d+)([.)])|(\s*)([-+])(?=\s)")


def render(page: Page, notation: Notation) -> str:
    """The page as Markdown."""
    writer = _Writer(notation)
    parts = [f"# {writer.words(page.title)}"]
    for place, block in enumerate(page.blocks):
        parts.append(_RENDERERS[type(block)](block, writer))
        if place == last_chain(page) and (text := legend(marks(page))):
            parts.append(writer.words((text,)))
    return "\n\n".join(filter(None, parts)) + "\n"


def formulas_only(page: Page, notation: Notation) -> str:
    """The chains and displayed formulas, in LaTeX between dollars: what a notebook sets that has nothing but MathJax."""
    inline = Inline(notation)
    rows = [
        chain_rows(block, inline) if isinstance(block, Chain) else _broken(inline.math(block.formula))
        for block in page.blocks
        if isinstance(block, Chain | Display)
    ]
    return "\n\n".join(_display_of(each, r"\\") for each in rows)


class _Writer(Inline):
    """Running text and formulas in Markdown, in a reader's letters."""

    def math(self, node: Node) -> str:
        """A formula without dollars, which Markdown leaves as it is."""
        return protected(latex(node, self.notation))

    def line(self, line: Line) -> str:
        return protected(super().line(line))

    def plain(self, text: str) -> str:
        return escaped(text)

    def words(self, prose: Prose) -> str:
        joined = super().words(prose).strip()
        return _AT_START.sub(_start_escaped, joined, count=1) if _AT_START.match(joined) else joined

    def cell(self, prose: Prose) -> str:
        """A cell of a table of numbers."""
        value = prose[0] if len(prose) == 1 else None
        return f"${scientific(value)}$" if isinstance(value, str) and NUMBER.match(value) else self.words(prose)


def protected(tex: str) -> str:
    r"""A formula that Markdown leaves as it is. ``_`` after a sign would begin emphasis: ``\relax`` stands between."""
    for sign, command in _COMMANDS:
        tex = tex.replace(sign, command)
    return re.sub(r"(?<=[)}\]])_", r"\\relax_", tex)


def escaped(text: str) -> str:
    """Running text in which nothing is markup, on one line."""
    return _SPECIAL.sub(r"\\\1", re.sub(r"[ \t\n]+", " ", clean(text)))


def _start_escaped(match: re.Match[str]) -> str:
    if match[2]:
        return f"{match[1]}{match[2]}\\{match[3]}"
    return f"{match[4]}\\{match[5]}"


def _display_of(rows: list[str], end: str = r"\cr") -> str:
    if len(rows) == 1:
        return f"$$\n{rows[0].replace('&', '')}\n$$"
    body = f" {end}\n".join(rows)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


def _broken(tex: str) -> list[str]:
    first, *more = broken(tex, _LINE, _LINE - 4)
    return [f"&{first}", *(rf"&\quad {line}" for line in more)]


def _heading(block: Heading, writer: _Writer) -> str:
    return f"## {writer.words(block.text)}"


def _text(block: Text, writer: _Writer) -> str:
    return writer.words(block.text)


def _display(block: Display, writer: _Writer) -> str:
    return _display_of(_broken(writer.math(block.formula)))


def _letters(block: Letters, writer: _Writer) -> str:
    items = []
    for row in block.rows:
        definition = f" = {writer.math(row.definition)}" if row.definition else ""
        items.append(f"- ${writer.math(row.symbol)}{definition}$: {writer.words(row.meaning)}")
    return "\n".join(items)


def _facts(block: Facts, writer: _Writer) -> str:
    rows = ((f"**{escaped(label)}** " if label else "", writer.words(text)) for label, text in block.rows)
    return "\n".join(f"- {label}{text}" for label, text in rows)


def _code(block: Code, writer: _Writer) -> str:
    text = clean(block.text.rstrip("\n"))
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{escaped(block.language)}\n{text}\n{fence}"


def _table(block: Table, writer: _Writer) -> str:
    columns = len(block.rows[0]) if block.rows else len(block.header)
    if not columns:
        return ""
    cell = writer.cell if block.numeric else writer.words
    header = [writer.words(cell) for cell in block.header] or [" "] * columns
    rule = ["---:" if block.numeric else "---"] * columns
    rows = [header, rule, *([cell(c) for c in row] for row in block.rows)]
    caption = [writer.words(block.caption), ""] if block.caption else []
    return "\n".join([*caption, *(f"| {' | '.join(row)} |" for row in rows)])


# ---- chains


def chain_rows(block: Chain, inline: Inline) -> list[str]:
    """The formulas of a chain as rows of one alignment, numbered."""
    rows = _broken(inline.math(block.start))
    for line in block.lines:
        rows += _broken(inline.line(line))
        rows[-1] += rf" && ({line.number})"
    return rows


def _chain(block: Chain, writer: _Writer) -> str:
    """The formulas in one display, with numbers; then the rules, as a list with these numbers."""
    title = writer.title(block)
    parts = [*([f"**{title}**"] if title else []), *([writer.words(block.text)] if block.text else [])]
    parts.append(_display_of(chain_rows(block, writer)))
    parts += ["\n".join(f"- {writer.numbers(entry)}" for entry in block.start_numbers)] if block.start_numbers else []
    return "\n\n".join([*parts, "\n".join(text for line in block.lines for text in _item(line, writer))])


def _item(line: Line, writer: _Writer) -> list[str]:
    tick = f" — {mark_text(line.mark)}" if line.mark and not failed(line) else ""
    given = f" (from here on {writer.conditions(line.given)})" if line.given else ""
    lines = [f"{line.number}. {writer.words(line.rule)}{given}{tick}"]
    if line.note:
        lines.append(writer.words(line.note))
    if line.failure:
        outcome = line.mark.outcome if line.mark else "false"
        head = failure_head(line.failure, outcome)
        lines.append(f"**{head.split()[0]}**{writer.failure(line.failure, outcome)[len(head.split()[0]):]}")
    elif line.mark and failed(line):
        lines.append(f"**{line.mark.outcome}**")
    lines += [writer.numbers(entry) for entry in line.numbers]
    indent = " " * (len(str(line.number)) + 2)
    return [lines[0], *(text for more in lines[1:] for text in ("", indent + more))]


_RENDERERS: dict[type[Any], Callable[[Any, Any], str]] = {
    Heading: _heading, Text: _text, Display: _display, Letters: _letters, Chain: _chain, Table: _table,
    Facts: _facts, Code: _code,
}  # fmt: skip
