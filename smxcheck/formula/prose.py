"""Running text with formulas in it: what stands between backticks is read by the grammar."""

from __future__ import annotations

import re

from smxcheck.formula.grammar import FormulaError
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.symbols import FUNCTIONS, INDICES
from smxcheck.formula.tree import Name, Node

_CONDITION = re.compile(rf"\s*(?:{'|'.join(INDICES)})\s*(?:==|!=)")
_RELATION = re.compile(r"[<>=]|!=")


def prose(text: str, lexicon: Lexicon) -> tuple[str | Node, ...]:
    """Text and, where backticks enclose them, formulas, in the order of reading; without empty texts.

    A formula is an expression, a relation, a claim (a relation with conditions), one condition on indices, or a bare
    letter: a vector, a function or an index too, which are read as a `Name`. Raises FormulaError, whose position counts
    from the beginning of ``text``.
    """
    found: list[str | Node] = []
    start = 0
    for number, part in enumerate(pieces := text.split("`")):
        if number % 2 == 0:
            found += [part] if part else []
        elif number == len(pieces) - 1:
            raise FormulaError("a formula begins here and no second ` ends it", start - 1)
        else:
            try:
                found.append(_formula(part, lexicon))
            except FormulaError as error:
                raise FormulaError(error.message, start + error.position) from error
        start += len(part) + 1
    return tuple(found)


def _formula(text: str, lexicon: Lexicon) -> Node:
    word = text.strip()
    if word in INDICES or word in FUNCTIONS or word in lexicon.symbols:
        return Name(word)
    if _CONDITION.match(text):
        condition, *more = lexicon.conditions(text)
        if more:
            raise FormulaError("between two ` stands one condition", more[0].position)
        return condition
    if _RELATION.search(_outside_parentheses(text)):
        claim = lexicon.claim(text)
        return claim if claim.conditions else claim.relation
    return lexicon.expression(text)


def _outside_parentheses(text: str) -> str:
    """The text without what stands in parentheses, where != belongs to a sum."""
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text
