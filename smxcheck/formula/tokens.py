"""From the text of a formula to its words and signs, and the error that all reading ends with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smxcheck.formula import remedies

#: Longest formula that is read, in characters and in words and signs: what a person writes is far below, and recursion
#: stays bounded, since a chain of additions makes a tree as deep as the chain is long.
LONGEST = 2000
MOST_TOKENS = 400

_TOKEN = re.compile(r"(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3}(?!\d))?)|(?P<word>[A-Za-z_][A-Za-z_0-9]*)|(?P<sign>==|!=|<=|>=|\*\*|[-+*/^()\[\],<>])", re.ASCII)


class FormulaError(ValueError):
    """A text that is no formula: ``message``, and ``position``, the character (from 0) where reading stopped."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True)
class Token:
    """A number, a word, a sign, or the end."""

    kind: str
    text: str
    position: int


def tokens(text: str) -> list[Token]:
    """Words and signs, and the end behind them. Raises FormulaError for characters that belong to none, and too many."""
    if len(text) > LONGEST:
        raise FormulaError(f"a formula has at most {LONGEST} characters", LONGEST)
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise FormulaError(f"{text[at]!r} means nothing here{remedies.for_sign(text[at])}", at)
        if len(found) == MOST_TOKENS:
            raise FormulaError(f"a formula has at most {MOST_TOKENS} words and signs", at)
        found.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    return [*found, Token("end", "", len(text))]
