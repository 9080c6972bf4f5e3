"""The layout of a terminal report: lines of styled pieces, at a fixed width, without boxes.

Nothing is ever shortened: what does not fit goes on on the next line, and a word that is longer than a line
stays whole.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from smxcheck.report.escape import to_ascii
from smxcheck.report.numbers import allowed, at_least, in_ulp, thousands
from smxcheck.report.sentences import row_verdict
from smxcheck.report.summary import Row

#: Pieces of text with the name of their style: "", "good", "bad", "doubt", "dim", "strong".
Line = tuple[tuple[str, str], ...]

BLANK: Line = ()
LABEL = 12
_GAP = "  "
_HEADINGS = ("function", "dtype", "results", "wrong", "worst error", "allowed", "verdict")
_RIGHT_ALIGNED = (2, 3)
# A shell word: quotes hold spaces together.
_SHELL_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*"|['"])+""")


def plain(text: str, style: str = "") -> Line:
    return ((text, style),)


@dataclass(frozen=True)
class Layout:
    """A width, and whether the characters beyond ASCII are there: they are replaced before lines are
    broken.
    """

    width: int = 80
    unicode: bool = True

    def fit(self, text: str) -> str:
        return text if self.unicode else to_ascii(text)

    def wrapped(self, text: str, *, first: str = "", rest: str = "", style: str = "") -> list[Line]:
        """``text`` broken between words; ``first`` and ``rest`` are the indents. Words are never broken."""
        lines = textwrap.wrap(
            self.fit(text),
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [plain(line, style) for line in lines]

    def labelled(self, label: str, text: str) -> list[Line]:
        """``  smallest    log_softmax([0, -200]), float32``, wrapped under the text."""
        head = f"  {label:<{LABEL - 1}} "
        return self.wrapped(text, first=head, rest=" " * len(head))

    def command(self, label: str, text: str) -> list[Line]:
        """A labelled command, in one piece where it fits, else on lines of its own, continued with a
        backslash.
        """
        head, text = f"  {label:<{LABEL - 1}} ", self.fit(text)
        if len(head) + len(text) <= self.width:
            return [plain(head + text)]
        lines, room = [plain(head.rstrip())], self.width - 6
        current = ""
        for word in _SHELL_WORD.findall(text):
            longer = f"{current} {word}" if current else word
            if current and len(longer) > room:
                lines.append(plain(f"    {current} \\"))
                longer = word
            current = longer
        return [*lines, plain(f"    {current}")]

    def table(self, rows: Iterable[tuple[Row, str, str]]) -> list[Line]:
        """The table of (row, name, style of the line). A name wider than its column stands on a line of its
        own.

        Equal names that follow each other are printed once.
        """
        body = [(tuple(map(self.fit, cells(row, name))), style) for row, name, style in rows]
        widths = [max(len(c[i]) for c in [_HEADINGS, *(b[0] for b in body)]) for i in range(len(_HEADINGS))]
        others = sum(widths[1:]) + len(_GAP) * (len(widths) - 1)
        widths[0] = max(len(_HEADINGS[0]), min(widths[0], self.width - others))
        lines = [plain(_columns(_HEADINGS, widths), "dim")]
        previous = ""
        for texts, style in body:
            name = "" if texts[0] == previous else texts[0]
            previous = texts[0]
            if len(name) > widths[0]:
                lines.append(plain(name, style))
                name = ""
            start = _columns((name, *texts[1:-1], ""), widths)
            lines.append(((f"{start}{_GAP}", style), (texts[-1], style or verdict_style(texts[-1]))))
        return lines


def cells(row: Row, name: str) -> tuple[str, ...]:
    """The cells of a row as text, in the order of the headings."""
    error = row.worst_text or in_ulp(at_least(row.worst_ulp))
    bound = in_ulp(allowed(row.allowed_ulp))
    return (name, row.dtype, thousands(row.results), thousands(row.bad), error, bound, row_verdict(row))


def verdict_style(word: str) -> str:
    if word.startswith(("ok", "OK")):
        return "good"
    return "bad" if word.isupper() else "doubt"


def _columns(texts: tuple[str, ...], widths: list[int]) -> str:
    padded = [
        text.rjust(size) if i in _RIGHT_ALIGNED else text.ljust(size)
        for i, (text, size) in enumerate(zip(texts, widths, strict=True))
    ]
    return _GAP.join(padded[:-1] if not texts[-1] else [*padded[:-1], texts[-1]])
