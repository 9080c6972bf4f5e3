"""A hunt as text: a table in 80 columns for a terminal, one fact per line for everything else; what matters most is last."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from smxcheck.hunt import words
from smxcheck.hunt.model import NORMAL, Hunt
from smxcheck.report.escape import one_line, to_ascii
from smxcheck.report.screen import BLANK, Layout, Line, plain
from smxcheck.report.sentences import ULP

#: Marks of ASCII, which every terminal has.
MARKS = _NO_DIGIT, _OTHER_DTYPE = "!", "*"
_HEADING, _GAP = "worst in ulp", "  "
_REST = (
    "not shown: errors of answers below the normal numbers, and of small differences of larger terms; --report FILE.json"
    f" has them, and rows of more than {words.SHOWN} entries"
)


def lines(hunt: Hunt, layout: Layout) -> list[Line]:
    """The whole screen, top to bottom."""
    sections = [
        layout.wrapped(words.machine(hunt), rest="  ", style="dim"),
        _table(hunt, layout) or _listed(hunt, layout),
        [line for text in _legend(hunt) for line in layout.wrapped(text, rest="  ", style="dim")],
        [line for text in words.reasons(hunt) for line in layout.wrapped(text, rest="  ", style="doubt")],
        [line for text, wrong in words.verdicts(hunt) for line in layout.wrapped(text, rest="  ", style="bad" if wrong else "")],
        layout.wrapped(words.took(hunt), style="dim"),
    ]  # fmt: skip
    return [line for section in sections if section for line in (*section, BLANK)][:-1]


def facts(hunt: Hunt, *, unicode: bool = True) -> Iterator[str]:
    """The same, one fact per line without a limit of width; ASCII unless ``unicode``."""
    for fact in _facts(hunt):
        yield fact if unicode else to_ascii(fact)


def _facts(hunt: Hunt) -> Iterator[str]:
    yield words.machine(hunt)
    yield from _figures(hunt)
    yield from _legend(hunt)
    yield from words.reasons(hunt)
    yield from (text for text, _ in words.verdicts(hunt))
    yield words.took(hunt)


def _figures(hunt: Hunt) -> Iterator[str]:
    for function, dtype, *cells in words.rows(hunt, NORMAL, MARKS):
        for target, cell in zip(hunt.settings.targets, cells, strict=True):
            yield one_line(
                f"{function} {dtype} {target}: " + ("-" if cell == "-" else f"worst error in ulp {cell}")
            )


def _table(hunt: Hunt, layout: Layout) -> list[Line]:
    """A function on a line of its own, its dtypes below it, a column for each target; nothing where that is too wide."""
    rows = [tuple(map(layout.fit, row)) for row in words.rows(hunt, NORMAL, MARKS)]
    heading = (_HEADING, *map(one_line, hunt.settings.targets))
    body = [(f"  {dtype}", *cells) for _, dtype, *cells in rows]
    widths = [max(map(len, column)) for column in zip(heading, *body, strict=True)]
    if not rows or sum(widths) + len(_GAP) * (len(widths) - 1) > layout.width:
        return []

    def columns(texts: tuple[str, ...]) -> str:
        return _GAP.join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()

    found = [plain(columns(heading), "dim")]
    for function, group in groupby(rows, lambda row: row[0]):
        found += [
            plain(function, "strong"),
            *(plain(columns((f"  {dtype}", *cells))) for _, dtype, *cells in group),
        ]
    return found


def _listed(hunt: Hunt, layout: Layout) -> list[Line]:
    return [line for fact in _figures(hunt) for line in layout.wrapped(fact, rest="  ")]


def _legend(hunt: Hunt) -> Iterator[str]:
    """The signs that stand in the table, and no others."""
    cells = [cell for row in words.rows(hunt, NORMAL, MARKS) for cell in row[2:]]
    signs = {
        "≥": "≥ the largest error that a search met: there may be larger ones",
        "=": "= the largest error of all inputs of the dtype",
        _NO_DIGIT: f"{_NO_DIGIT} some answers have not one right digit: nan, an infinity or 0 where another number is right",
        _OTHER_DTYPE: f"{_OTHER_DTYPE} results come in another dtype than the inputs; the ulp is that of the inputs' dtype",
    }
    if cells:
        yield f"{ULP}; rounding the exact value errs by at most 0.5"
    yield from (text for sign, text in signs.items() if any(sign in cell.split() for cell in cells))
    if any(category != NORMAL for entry in hunt.entries for category in entry.worst):
        yield _REST
