"""Running text and formulas on the lines of a terminal: a width, and the characters and letters that are printed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from smxcheck.formula.notation import Notation, text
from smxcheck.formula.tree import Condition, Name, Node
from smxcheck.pages.breaks import broken
from smxcheck.pages.marks import NUMBER, UNICODE_SIGNS
from smxcheck.pages.model import Prose
from smxcheck.report.escape import clean, to_ascii
from smxcheck.report.screen import Line, plain

#: Holds the parts of a formula together while a paragraph is wrapped, and becomes a space.
_GLUE = "\u00a0"
#: A formula in running text that is longer than this may be broken.
_LONGEST_WHOLE = 40

_SPACES = re.compile(r"[ \t\n]+")
_POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Layout:
    """How a page is set on a terminal."""

    notation: Notation
    width: int = 80

    def fit(self, plain_text: str) -> str:
        """Text without control characters, in ASCII where nothing else may be printed."""
        cleaned = clean(plain_text)
        return to_ascii(cleaned) if self.notation.ascii else cleaned

    def formula(self, node: Node) -> str:
        """A formula on one line."""
        return text(node, self.notation)

    def number(self, value: str) -> str:
        """A printed number, with a minus sign that is one."""
        if self.notation.ascii or not NUMBER.match(value):
            return self.fit(value)
        return value.replace("-", "−")

    def letter(self, name: str) -> str:
        """The letter that is printed for a name of the grammar, a function's with its argument."""
        symbol = self.notation.lexicon.symbols.get(name)
        printed = self.formula(Name(name))
        return f"{printed}(x)" if symbol and symbol.kind == "function" else printed

    def point(self, value: str) -> str:
        """Numbers that were put in, as ``(0, −1)``."""
        return self.fit(value) if self.notation.ascii else value.replace("-", "−")

    def words(self, prose: Prose) -> str:
        """Running text with its formulas, those that are short in one piece."""
        parts = (_SPACES.sub(" ", self.fit(part)) if isinstance(part, str) else self._glued(part) for part in prose)
        return "".join(parts)

    def inline(self, prose: Prose) -> str:
        """Running text on one line, however long."""
        return self.words(prose).replace(_GLUE, " ")

    def _glued(self, node: Node) -> str:
        printed = self.formula(node)
        return printed.replace(" ", _GLUE) if len(printed) <= _LONGEST_WHOLE else printed

    def conditions(self, conditions: Sequence[Condition]) -> str:
        """Conditions as they stand behind "if"; in ASCII separated as the grammar separates them."""
        return (", " if self.notation.ascii else " and ").join(map(self.formula, conditions))

    def sign(self, operator: str) -> str:
        """The sign of a relation."""
        return operator if self.notation.ascii else UNICODE_SIGNS[operator]

    def remainder(self, order: tuple[str, int] | None) -> str:
        """`` + O(t³)``, nothing where there is none."""
        if order is None:
            return ""
        name, power = order
        letter = self.formula(Name(name))
        if power == 1:
            return f" + O({letter})"
        return f" + O({letter}^{power})" if self.notation.ascii else f" + O({letter}{str(power).translate(_POWERS)})"

    def assignments(self, indices: Sequence[tuple[str, int]]) -> str:
        """``i = 1, j = 2``."""
        return ", ".join(f"{self.formula(Name(letter))} = {number}" for letter, number in indices)

    def paragraph(self, words: str, first: str = "", rest: str | None = None, style: str = "") -> list[Line]:
        """Text wrapped between its words, which stay whole; ``first`` and ``rest`` are the indents."""
        lines = textwrap.wrap(
            words, self.width, initial_indent=first, subsequent_indent=first if rest is None else rest,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        return [plain(line.replace(_GLUE, " "), style) for line in lines]

    def display(self, printed: str, indent: int, room: int = 0, head: str = "") -> list[str]:
        """A formula on lines of its own, indented; what does not fit goes on four columns further in.

        ``room`` is how many columns are kept free on the right; ``head`` stands before the formula on its first line.
        """
        room = max(self.width - indent - room, 24)
        first, *more = broken(printed, room - len(head), room - 4)
        return [" " * indent + head + first, *(" " * (indent + 4) + line for line in more)]
