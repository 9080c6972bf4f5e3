"""What a reader may have meant where a formula cannot be read: the remedy for one name, or for one character."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from types import MappingProxyType

from smxcheck.formula.symbols import FUNCTIONS, INDICES, WORDS, Symbol

#: Names that books and programs use, and what the grammar writes for them.
COMMON_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "ln": "log", "loge": "log", "log2": "log(x)/log(2)", "log10": "log(x)/log(10)", "softmax": "p[i]", "sigma": "p[i]",
        "s": "p[i]", "entropy": "H", "lse": "L", "logsumexp": "L", "Z": "S", "o": "z[i]", "logits": "z[i]", "theta": "z[i]",
        "lambda": "tau", "lam": "tau", "T": "tau", "temperature": "tau", "alpha": "a", "beta": "a", "epsilon": "eps",
        "Sigma": "sum(k, ...)", "Prod": "prod(k, ...)", "Pi": "prod(k, ...)", "D": "diff(H, z[i])", "partial": "diff(H, z[i])",
        "grad": "diff(H, z[i])", "derivative": "diff(H, z[i])", "kronecker": "delta(i, j)", "exponential": "exp",
        "infinity": "inf", "oo": "inf", "argmax": "max(k, z[k])", "K": "n", "loss": "CE",
    }
)  # fmt: skip

#: Characters that are no part of the grammar, and what it writes for them.
SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "=": "==", "·": "*", "×": "*", "−": "-", "–": "-", "÷": "/", "²": "^2", "³": "^3", "≤": "<=", "≥": ">=", "≠": "!=",
        "∂": "diff(H, z[i])", "∇": "diff(H, z[i])", "Σ": "sum(k, ...)", "∑": "sum(k, ...)", "Π": "prod(k, ...)",
        "∏": "prod(k, ...)", "δ": "delta(i, j)", "∫": "integral(x, 0, 1, ...)", "√": "sqrt", "∞": "inf", "π": "pi", "τ": "tau",
        "ε": "eps", "μ": "mu", "φ": "phi", "σ": "p[i]", "λ": "tau", "|": "abs(...)", "{": "(", "}": ")", "&": ",", "!": "!=",
    }
)  # fmt: skip

_SUBSCRIPTED = re.compile(r"(?P<letter>[A-Za-z]+?)_?(?P<indices>[ijklc]|\d|[ijklc]_?[ijklc])\Z")


def for_name(name: str, symbols: Mapping[str, Symbol]) -> str:
    """The remedy for an unknown name, as "; write p[i]"."""
    if name in COMMON_NAMES:
        return f"; write {COMMON_NAMES[name]}"
    return _for_subscript(name, symbols) or _near(name, symbols)


def _for_subscript(name: str, symbols: Mapping[str, Symbol]) -> str:
    """p_i, zj, d_ij, sum_k."""
    match = _SUBSCRIPTED.match(name)
    if match is None:
        return ""
    letter, indices = match["letter"], match["indices"].replace("_", "")
    if len(indices) == 2:
        return f"; write delta({indices[0]}, {indices[1]})" if letter in ("d", "delta", "kronecker") else ""
    if letter in ("sum", "prod", "max"):
        return f"; write {letter}({indices if indices in INDICES else 'k'}, ...)"
    symbol = symbols.get(letter)
    return f"; write {letter}[{indices}]" if symbol and symbol.kind == "vector" else ""


def _near(name: str, symbols: Mapping[str, Symbol]) -> str:
    known = [*symbols, *FUNCTIONS, *WORDS]
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(symbols)}"


def for_sign(character: str) -> str:
    """The remedy for a character that is no part of the grammar."""
    if character in SIGNS:
        return f"; write {SIGNS[character]}{' for equality' * (character == '=')}"
    if character in "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗ":
        return "; write an index in brackets, as in p[i]"
    return "; formulas are written in plain letters, as in p[i]*(1 - p[j])" if not character.isascii() else ""


def for_leftover(text: str, kind: str) -> str:
    """The remedy where a token follows a complete formula."""
    if kind in ("word", "number") or text == "(":
        return "; write if before a condition" if text in ("when", "where", "for", "with", "and") else "; write * for a product"
    return "; one relation at a time" if text in ("==", "!=", "<=", ">=", "<", ">") else ""
