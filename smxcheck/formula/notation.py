"""Formulas printed: in Unicode, in ASCII and in LaTeX, with the usual letters or with a reader's own.

>>> text(COMMON.claim("diff(p[i], z[j]) == p[i]*(delta(i, j) - p[j])"), notation(COMMON, {"logits": "o"}))
'∂pᵢ/∂oⱼ = pᵢ(δᵢⱼ − pⱼ)'
"""

from __future__ import annotations

from smxcheck.formula.latex import Latex
from smxcheck.formula.letters import Letter, Notation, check, letter, notation, used_names
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.source import Source
from smxcheck.formula.text import UnicodeText
from smxcheck.formula.tree import Node

__all__ = ["COMMON", "Letter", "Notation", "check", "latex", "letter", "notation", "text", "used_names"]


def text(node: Node, notation: Notation) -> str:
    """A formula on one line: an expression, a relation, a condition or a claim; in ASCII the grammar's own text."""
    return Source(notation).show(node) if notation.ascii else UnicodeText(notation).show(node)


def latex(node: Node, notation: Notation) -> str:
    """The same in LaTeX, without the $ around it. Needs amsmath."""
    return Latex(notation).show(node)
