"""The letters of formulas: what each stands for, how it is printed, and how it follows from the given ones.

One table for what every formula may use; a topic or a claim may define letters of its own in the same way. A letter
without a definition is *given*: a point puts numbers in its place. Logarithms are natural ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: Which numbers a given letter takes. The labels of half of the points add up to 1; a rounding is within ±u.
DOMAINS = ("real", "positive", "nonnegative", "unit", "labels", "distribution", "order", "rounding", "roundoff")

#: Letters that run over the classes 1 … n. c is by custom the label's class.
INDICES = ("i", "j", "k", "l", "c")


@dataclass(frozen=True)
class Symbol:
    """One letter: ``kind`` is scalar, vector or function; ``definition`` a formula (an entry's, with index i, of a vector).

    ``role`` is the name under which a reader may choose another letter, ``text`` and ``latex`` are how it is printed;
    in the grammar, and where there is no Unicode, it is its ``name``. ``domain`` says which numbers a given letter takes.
    """

    name: str
    kind: str
    role: str
    text: str
    latex: str
    meaning: str
    definition: str = ""
    domain: str = "real"


def _scalar(name: str, role: str, text: str, latex: str, meaning: str, definition: str = "", domain: str = "real") -> Symbol:
    return Symbol(name, "scalar", role, text, latex, meaning, definition, domain)


def _vector(name: str, role: str, text: str, latex: str, meaning: str, definition: str = "", domain: str = "real") -> Symbol:
    return Symbol(name, "vector", role, text, latex, meaning, definition, domain)


_ALL = (
    _vector("z", "logits", "z", "z", "logits, any real numbers"),
    _vector("w", "other-logits", "w", "w", "a second vector of logits"),
    _vector("y", "labels", "y", "y", "labels or targets, not negative; they need not add up to 1", domain="labels"),
    _vector("q", "other-probabilities", "q", "q", "a second distribution: positive, adds up to 1", domain="distribution"),
    _vector("d", "direction", "d", "d", "a direction, or a change of the logits"),
    _scalar("n", "classes", "n", "n", "number of classes"),
    _scalar("t", "step", "t", "t", "a number between 0 and 1", domain="unit"),
    _scalar("a", "constant", "a", "a", "any number"),
    _scalar("C", "factor", "C", "C", "any positive number", domain="positive"),
    _scalar("m", "margin", "m", "m", "a margin, 0 or larger", domain="nonnegative"),
    _scalar("tau", "temperature", "τ", r"\tau", "a temperature, positive", domain="positive"),
    _scalar("eps", "epsilon", "ε", r"\varepsilon", "a small positive number", domain="positive"),
    _scalar("u", "roundoff", "u", "u", "unit roundoff of the format", domain="roundoff"),
    _scalar("x", "argument", "x", "x", "a variable"),
    _scalar("N", "order", "N", "N", "an even order: 2, 4 or 6", domain="order"),
    _vector("e", "exponentials", "e", "e", "exponentials of the logits", "exp(z[i])"),
    _scalar("S", "normaliser", "S", "S", "normaliser of softmax", "sum(k, e[k])"),
    _scalar("M", "maximum", "M", "M", "largest logit", "max(k, z[k])"),
    _vector("p", "probabilities", "p", "p", "softmax of the logits", "e[i] / S"),
    _scalar("L", "logsumexp", "L", "L", "log-sum-exp of the logits", "log(S)"),
    _scalar("mu", "mean-logit", "μ", r"\mu", "mean logit under `p`", "sum(k, p[k]*z[k])"),
    _scalar("H", "entropy", "H", "H", "entropy of softmax", "-sum(k, p[k]*log(p[k]))"),
    _scalar("Y", "label-sum", "Y", "Y", "sum of the labels", "sum(k, y[k])"),
    _scalar("CE", "cross-entropy", "CE", r"\mathrm{CE}", "cross-entropy of labels and softmax", "-sum(k, y[k]*log(p[k]))"),
    _scalar("KL", "divergence", "KL", r"\mathrm{KL}", "Kullback-Leibler divergence of softmax from `q`",
            "sum(k, p[k]*log(p[k]/q[k]))"),
    Symbol("phi", "function", "phi", "φ", r"\varphi", "a positive, increasing, differentiable function"),
    Symbol("dphi", "function", "dphi", "φ′", r"\varphi'", "its derivative"),
    Symbol("f", "function", "taylor", "f", "f", "Taylor polynomial of exp of order `N` at 0"),
    Symbol("df", "function", "taylor-derivative", "f′", "f'", "its derivative: the Taylor polynomial of order `N - 1`"),
)  # fmt: skip

SYMBOLS: Mapping[str, Symbol] = MappingProxyType({s.name: s for s in _ALL})

#: Functions of numbers with fixed meaning, and how many arguments each takes.
FUNCTIONS: Mapping[str, int] = MappingProxyType(
    {"exp": 1, "log": 1, "sqrt": 1, "abs": 1, "log1p": 1, "expm1": 1, "max": 2, "min": 2}
)

#: Words of the grammar that are no functions of numbers.
WORDS = ("sum", "prod", "delta", "diff", "integral", "if", "inf", "pi", "O")


def table(own: Iterable[Symbol] = ()) -> Mapping[str, Symbol]:
    """The common letters and a formula's own, which win. Raises ValueError for a name that the grammar needs itself."""
    chosen = dict(SYMBOLS)
    for symbol in own:
        if symbol.name in INDICES or symbol.name in FUNCTIONS or symbol.name in WORDS:
            raise ValueError(f"{symbol.name!r} means something in formulas already and cannot be defined")
        chosen[symbol.name] = symbol
    return MappingProxyType(chosen)
