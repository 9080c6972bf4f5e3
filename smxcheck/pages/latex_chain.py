r"""A chain of steps in LaTeX: an ``align*`` with the rules beside the lines, or above them where a line needs the width.

Beside them where every line leaves room and nothing is to be said of one (numbers, a failing point); one layout per chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smxcheck.pages.latex_inline import Inline
from smxcheck.pages.latex_math import LINE, broken, width
from smxcheck.pages.marks import failed, opening
from smxcheck.pages.model import Chain, Line

#: A left side wider than this has a line of its own.
_WIDEST_OPENING = 12.0
#: Up to this width there is room for a rule beside a line.
_BESIDE = 34.0


@dataclass
class _Display:
    """What stands on a page in turn: paragraphs, and formulas of one alignment that the paragraphs interrupt."""

    out: list[str] = field(default_factory=list)
    rows: int = 0
    waiting: list[str] = field(default_factory=list)

    def text(self, paragraph: str) -> None:
        self.waiting += [paragraph] if paragraph else []

    def row(self, tex: str) -> None:
        if self.rows:
            self.out[-1] += r" \\"
            if self.waiting:
                self.out.append(r"\intertext{" + r"\endgraf\smallskip\noindent ".join(self.waiting) + "}")
        else:
            self.out += [*(rf"\noindent {text}\par" for text in self.waiting), r"\begin{align*}"]
        self.waiting = []
        self.out.append(tex)
        self.rows += 1

    def done(self) -> list[str]:
        end = [r"\end{align*}"] if self.rows else []
        return [*self.out, *end, *(rf"\noindent {text}\par" for text in self.waiting)]


def chain_lines(chain: Chain, inline: Inline) -> list[str]:
    """The source of a chain, its title and conditions first."""
    title = inline.title(chain)
    head = [rf"\par\medskip\noindent\textbf{{{title}}}\par\nobreak"] if title else []
    head += [rf"\noindent {inline.words(chain.text)}\par"] if chain.text else []
    start = inline.math(chain.start)
    lead = start if opening(chain) and width(start) <= _WIDEST_OPENING else ""
    formulas = [inline.line(line) for line in chain.lines]
    room = _BESIDE - width(lead)
    narrow = all(width(formula) <= room for formula in (*formulas, "" if lead else start))
    beside = narrow and not any(map(_commented, chain.lines)) and not chain.start_numbers
    return [*head, *(_beside if beside else _above)(chain, lead, formulas, inline)]


def _commented(line: Line) -> bool:
    return bool(line.note or line.failure or line.numbers) or failed(line)


def _beside(chain: Chain, lead: str, formulas: Sequence[str], inline: Inline) -> list[str]:
    display = _Display()
    if not lead:
        _start(chain, display, inline)
    for i, (line, formula) in enumerate(zip(chain.lines, formulas, strict=True)):
        rule = rf"\parbox{{0.4\linewidth}}{{\raggedright\small {inline.rule(line)}}}"
        display.row(f"{lead if i == 0 else ''} &{formula} && {rule}".strip())
    return display.done()


def _above(chain: Chain, lead: str, formulas: Sequence[str], inline: Inline) -> list[str]:
    display = _Display()
    if not lead:
        _start(chain, display, inline)
    for i, (line, formula) in enumerate(zip(chain.lines, formulas, strict=True)):
        display.text(inline.rule(line))
        first, *more = broken(formula, LINE - width(lead), LINE - width(lead) - 4)
        display.row(f"{lead if i == 0 else ''} &{first}".strip())
        for part in more:
            display.row(rf"&\quad {part}")
        for remark in _remarks(line, inline):
            display.text(remark)
    return display.done()


def _start(chain: Chain, display: _Display, inline: Inline) -> None:
    first, *more = broken(inline.math(chain.start))
    display.row(f"&{first}")
    for part in more:
        display.row(rf"&\quad {part}")
    for entry in chain.start_numbers:
        display.text(rf"{{\small {inline.numbers(entry)}}}")


def _remarks(line: Line, inline: Inline) -> list[str]:
    outcome = line.mark.outcome if line.mark else ""
    found = [inline.words(line.note)] if line.note else []
    if line.failure:
        found.append(rf"\textbf{{{outcome or 'false'}}}" + inline.failure(line.failure, outcome)[len(outcome or "false") :])
    elif failed(line):
        found.append(rf"\textbf{{{outcome}}}")
    return [*found, *(rf"{{\small {inline.numbers(entry)}}}" for entry in line.numbers)]
