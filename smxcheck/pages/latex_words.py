"""Running text in LaTeX that pdflatex sets with UTF-8 input, its default: special characters, signs, Greek letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from smxcheck.formula.letters import GREEK
from smxcheck.report.escape import clean, to_ascii

#: Characters that mean something to TeX.
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_\allowbreak{}",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''",
}  # fmt: skip

#: Signs of running text that are not in the text fonts.
_SIGNS = {
    "−": "$-$", "–": "--", "—": "---", "·": r"$\cdot$", "×": r"$\times$", "±": r"$\pm$", "≤": r"$\le$", "≥": r"$\ge$",
    "≠": r"$\ne$", "≈": r"$\approx$", "∞": r"$\infty$", "√": r"$\surd$", "Σ": r"$\sum$", "Π": r"$\prod$", "∂": r"$\partial$",
    "∫": r"$\int$", "→": r"$\to$", "↦": r"$\mapsto$", "∈": r"$\in$", "′": "$'$", "°": r"$^{\circ}$", "⊙": r"$\odot$",
    "ᵀ": r"$^{\top}$", "½": r"$\frac{1}{2}$", "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''", "§": r"\S{}",
    "⌈": r"$\lceil$", "⌉": r"$\rceil$", "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "\u00a0": "~", "\t": " ", "ℓ": r"$\ell$",
}  # fmt: skip

_SCRIPTS = {
    **{char: f"$_{{{unicodedata.normalize('NFKD', char)}}}$" for char in "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₙₘ"},
    **{char: f"$^{{{unicodedata.normalize('NFKD', char)}}}$" for char in "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ"},
    "₋": "$_{-}$", "⁻": "$^{-}$", "₊": "$_{+}$", "⁺": "$^{+}$",
}  # fmt: skip

#: Letters that no accent makes of another and that every encoding of text fonts has.
_LETTERS = frozenset("ßæøåœłÆØÅŒŁ")

#: Every character that is replaced, and by what. Capital Greek letters that look like Latin ones have no command.
REPLACED: Mapping[str, str] = MappingProxyType(
    {**{g.text: f"${g.latex}$" for g in GREEK.values()}, **_SCRIPTS, **_SIGNS, **_SPECIAL}
)


def words(text: str) -> str:
    """Text for the body of a document. Letters with accents stay; a character that has no equivalent is spelled out.

    Long names may be broken after an underline or a stroke, without a hyphen.
    """
    spaced = re.sub(r"[ \t\n]+", " ", clean(text))
    return "".join(map(_character, spaced)).replace("/", r"/\allowbreak{}")


def verbatim(text: str) -> str:
    """Text for a verbatim environment, where nothing is replaced by TeX: in ASCII, and without the environment's end."""
    return to_ascii(clean(text)).expandtabs(4).replace(r"\end{verbatim}", r"\end {verbatim}")


def _accented(char: str) -> bool:
    """A Latin letter with an accent that pdflatex composes."""
    composed = unicodedata.normalize("NFD", char)
    return "À" <= char <= "ž" and len(composed) == 2 and composed[0].isascii() and composed[0].isalpha()


def _character(char: str) -> str:
    if char in REPLACED:
        return REPLACED[char]
    if char.isascii() or char in _LETTERS or _accented(char):
        return char
    return "".join(REPLACED.get(c, c) for c in to_ascii(char))
