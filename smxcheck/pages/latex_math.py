"""LaTeX formulas on lines: how wide one will be, about, and where it is broken.

TeX does not break displayed formulas, and how wide one gets is known only after it has run. So widths are estimated, in
digits of the text's font (5 pt at 10 pt), from what the commands of `smxcheck.formula.latex` print; the estimates are on
the wide side, and the documents of all topics are compiled in the tests, where a line in the margin is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smxcheck.pages.breaks import CONDITION, PRODUCT, RELATION, SUM, Piece, fill

#: The text of the article class at 10 pt is 345 pt wide: 69 digits, less what a display keeps free.
LINE = 66.0

# One token of a formula: a command, a group in braces begins or ends, any other character.
_TOKEN = re.compile(r"\\left(?![A-Za-z])|\\right(?![A-Za-z])|\\[A-Za-z]+|\\.|.", re.DOTALL)

_RELATIONS = frozenset({"=", "<", ">", r"\le", r"\ge", r"\ne", r"\leq", r"\geq", r"\neq", r"\lt", r"\gt"})
_BINARY = frozenset({"+", "-", r"\cdot", r"\times", r"\pm"})
_OPEN, _CLOSE = frozenset({"(", "["}), frozenset({")", "]"})
_SILENT = frozenset({
    " ", "{", "}", "&", "^", "_", r"\left", r"\right", r"\displaystyle", r"\limits", r"\mathrm", r"\text", r"\operatorname", r"\,",
})  # fmt: skip
_WIDE = {r"\exp": 3.6, r"\log": 3.4, r"\max": 4.0, r"\min": 3.8, r"\sum": 3.2, r"\prod": 3.0, r"\int": 2.2, r"\partial": 1.2,
         r"\quad": 2.0, r"\qquad": 4.0, r"\sqrt": 1.8, r"\infty": 2.0, r"\ldots": 3.0}  # fmt: skip
#: Subscripts and superscripts are set in 7 pt.
_SCRIPT = 0.75


def width(tex: str) -> float:
    """About how wide a displayed formula is, in digits of the text's font."""
    tokens = _TOKEN.findall(tex)
    return _sequence(tokens, 0, len(tokens))


def _sequence(tokens: list[str], start: int, end: int) -> float:
    total, at = 0.0, start
    while at < end:
        token = tokens[at]
        at += 1
        if token in (r"\frac", r"\dfrac", r"\tfrac"):
            above, at = _argument(tokens, at)
            below, at = _argument(tokens, at)
            total += max(above, below) + 0.6
        elif token in ("_", "^"):
            script, at = _argument(tokens, at)
            total += _SCRIPT * script
        else:
            total += _one(token)
    return total


def _argument(tokens: list[str], at: int) -> tuple[float, int]:
    """The width of a group, or of one token, and where it ends."""
    while at < len(tokens) and tokens[at] == " ":
        at += 1
    if at >= len(tokens) or tokens[at] != "{":
        return (_one(tokens[at]) if at < len(tokens) else 0.0), at + 1
    end = _group_end(tokens, at)
    return _sequence(tokens, at + 1, end - 1), end


def _group_end(tokens: list[str], at: int) -> int:
    depth = 0
    for i in range(at, len(tokens)):
        depth += (tokens[i] == "{") - (tokens[i] == "}")
        if depth == 0:
            return i + 1
    return len(tokens)


def _one(token: str) -> float:
    if token in _SILENT:
        return 0.0
    if token in _RELATIONS or token in _BINARY:
        return 2.6
    if token in _WIDE:
        return _WIDE[token]
    if token.startswith("\\"):
        return 1.2
    return 1.5 if token.isupper() else 0.8 if token in "()[]|.,;:!'" else 1.15


def broken(tex: str, first: float = LINE, rest: float = LINE - 4) -> list[str]:
    """A formula on lines that are at most so wide, each of which TeX can set by itself."""
    return list(_balanced(fill(list(_pieces(tex)), first, rest)))


def _pieces(tex: str) -> Iterator[Piece]:
    """Cut before relations and binary signs outside braces; a sign that follows a sign or an opening is no binary one."""
    tokens = _TOKEN.findall(tex)
    start, at, depth, begins, previous = 0, 0, 0, (0, RELATION), ""
    while at < len(tokens):
        token = tokens[at]
        rank = _rank(token, previous)
        if rank is not None and at > start:
            yield _piece(tokens, start, at, begins)
            start, begins = at, (depth, rank)
        depth += (token in _OPEN) - (token in _CLOSE)
        at = _group_end(tokens, at) if token == "{" else at + 1
        previous = previous if token == " " else token
    yield _piece(tokens, start, len(tokens), begins)


def _piece(tokens: list[str], start: int, end: int, begins: tuple[int, int]) -> Piece:
    return Piece("".join(tokens[start:end]), _sequence(tokens, start, end), *begins)


def _rank(token: str, previous: str) -> int | None:
    if token == r"\quad":  # in front of conditions
        return CONDITION
    if token in _RELATIONS:
        return RELATION
    if token in _BINARY and previous not in _RELATIONS | _BINARY | _OPEN | {"", "&", r"\left"}:
        return PRODUCT if token in (r"\cdot", r"\times") else SUM
    return None


_LEFT, _RIGHT = re.compile(r"\\left(?![A-Za-z])"), re.compile(r"\\right(?![A-Za-z])")


def _balanced(lines: list[str]) -> Iterator[str]:
    r"""``\left`` and ``\right`` on one line each: an invisible one stands in for the other that is on another line."""
    still_open = 0
    for line in lines:
        begins = still_open
        still_open += len(_LEFT.findall(line)) - len(_RIGHT.findall(line))
        yield r"\left." * begins + line + r"\right." * still_open
