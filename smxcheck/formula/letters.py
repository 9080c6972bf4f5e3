"""Which letter is printed for each name of the grammar: its own, or the one that a reader has chosen."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.symbols import FUNCTIONS, INDICES
from smxcheck.formula.tree import Delta, Integral, Name, Node, Over, Relation, indices_of, names, walk


@dataclass(frozen=True)
class Letter:
    """One letter as it is printed in Unicode, in LaTeX and in ASCII."""

    text: str
    latex: str
    ascii: str


_GREEK_NAMES = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
)  # fmt: skip
_GREEK_LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"

#: The shapes of ε and φ that the common letters have.
_SHAPES = {"epsilon": r"\varepsilon", "phi": r"\varphi"}

#: Greek letters by the names that LaTeX gives them.
GREEK: Mapping[str, Letter] = MappingProxyType({
    name: Letter(char, _SHAPES.get(name, f"\\{name}"), name)
    for name, char in zip(_GREEK_NAMES, _GREEK_LETTERS, strict=True)
})  # fmt: skip

#: What is printed for the words that are no symbols of a lexicon, where a reader's letter may meet them.
_WORDS: Mapping[str, Letter] = MappingProxyType({
    "inf": Letter("∞", r"\infty", "inf"), "pi": GREEK["pi"], "delta": GREEK["delta"], "O": Letter("O", "O", "O"),
})  # fmt: skip

#: Functions whose letter is that of another with a prime.
_PRIMED = MappingProxyType({"dphi": "phi", "df": "f"})

#: Words that stay as they are, so that no letter can take their place.
_FIXED = frozenset({*FUNCTIONS, "sum", "prod", "diff", "integral", "if", "inf"})

#: Letters to propose for a symbol that has to make room.
_SPARE = ("t", "s", "r", "v", "g", "h", "b", *GREEK)

_NAMED = {"delta": "Kronecker's delta", "O": "the order of a remainder", "pi": "the number pi"}


@dataclass(frozen=True)
class Notation:
    """How formulas are printed: ``letters`` are a reader's own, by name of the grammar; ``ascii`` is without Unicode."""

    lexicon: Lexicon = field(default=COMMON, repr=False, compare=False)
    letters: Mapping[str, Letter] = field(default_factory=lambda: MappingProxyType({}))
    ascii: bool = False

    def letter(self, name: str) -> Letter:
        """The letter of a symbol, an index, a function or a constant."""
        if name in self.letters:
            return self.letters[name]
        if name in _PRIMED and _PRIMED[name] in self.letters:
            base = self.letters[_PRIMED[name]]
            return Letter(f"{base.text}′", f"{base.latex}'", f"d{base.ascii}")
        symbol = self.lexicon.symbols.get(name)
        if symbol:
            return Letter(symbol.text, symbol.latex, symbol.name)
        return _WORDS.get(name) or letter(name)


def notation(lexicon: Lexicon = COMMON, renames: Mapping[str, str] = MappingProxyType({}), ascii: bool = False) -> Notation:
    """The notation with a reader's letters: role, name or letter of a symbol, or an index → one or a few letters.

    Raises ValueError for a symbol that nobody knows, for what is no letter, and for one letter given to two symbols.
    """
    chosen: dict[str, Letter] = {}
    for key, wanted in renames.items():
        name = _name(key, lexicon)
        if name in chosen:
            raise ValueError(f"{_called(name, lexicon)} has two letters, {chosen[name].text} and {wanted}")
        other = next((n for n, taken in chosen.items() if taken == letter(wanted)), None)
        if other is not None:
            raise ValueError(f"{wanted} cannot stand for both {_called(other, lexicon)} and {_called(name, lexicon)}")
        chosen[name] = letter(wanted)
    return Notation(lexicon, MappingProxyType(chosen), ascii)


def check(notation: Notation, used: Iterable[str]) -> None:
    """Raises ValueError where two of the names that a page uses (see `used_names`) are printed alike."""
    seen: dict[str, str] = {}
    names = sorted(used, key=lambda name: (name not in notation.letters, name))
    for name in names:
        letter = notation.letter(name)
        for form in dict.fromkeys((letter.text, letter.ascii)):
            if form in seen:
                taken = {notation.letter(n).text for n in names}
                raise ValueError(_collision(form, seen[form], name, notation.lexicon, taken))
            seen[form] = name


def _collision(form: str, renamed: str, other: str, lexicon: Lexicon, taken: Iterable[str]) -> str:
    """What to do where a reader's letter is one that stands on the page already."""
    called = _called(other, lexicon)
    begin = f"{_called(renamed, lexicon)}={form}: {form} stands for {called} here"
    if other not in lexicon.symbols and other not in INDICES:
        return f"{begin}; choose another letter"
    spare = next(s for s in _SPARE if letter(s).text not in taken)
    return f"{begin}; give that another letter too, as in {called.removeprefix('index ')}={spare}"


def used_names(nodes: Iterable[Node]) -> set[str]:
    """The names whose letters appear when formulas are printed: symbols, functions, indices, bound variables."""
    found: set[str] = set()
    for node in nodes:
        found |= names(node) - set(FUNCTIONS)
        for part in walk(node):
            found |= {index for index in indices_of(part) if isinstance(index, str)}
            match part:
                case Integral(bound) | Over(_, bound):
                    found.add(bound)
                case Delta():
                    found.add("delta")
                case Relation(order=(_, _)):
                    found.add("O")
                case Name(name) if name in INDICES:
                    found.add(name)
    return found


def letter(text: str) -> Letter:
    """A letter as a reader writes it: o, theta, σ, CE. Raises ValueError for anything else."""
    if text in GREEK:
        return GREEK[text]
    for greek in GREEK.values():
        if greek.text == text:
            return greek
    if not re.fullmatch(r"[A-Za-z]{1,8}", text):
        raise ValueError(f"{text!r} is no letter: up to eight Latin letters, or a Greek one as sigma or σ")
    if text in _FIXED:
        raise ValueError(f"{text} means something in formulas already")
    return Letter(text, text if len(text) == 1 else rf"\mathrm{{{text}}}", text)


def _name(key: str, lexicon: Lexicon) -> str:
    """The name in the grammar of what a reader calls by its role, its name or its letter."""
    symbols = lexicon.symbols
    if key in symbols or key in INDICES:
        return key
    for symbol in symbols.values():
        if key in (symbol.role, symbol.text):
            return symbol.name
    roles = [s.role for s in symbols.values()]
    near = difflib.get_close_matches(key, [*roles, *symbols], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(roles)}"
    raise ValueError(f"no letter is called {key!r}; {hint}")


def _called(name: str, lexicon: Lexicon) -> str:
    symbol = lexicon.symbols.get(name)
    return symbol.role if symbol else f"index {name}" if name in INDICES else _NAMED.get(name, name)
