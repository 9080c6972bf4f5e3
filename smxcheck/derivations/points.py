"""Where formulas are evaluated: simple points first, that a reader can try on a calculator, then generic ones.

The simple ones hold what hides an error (one class, equal logits, a saturated row) and what shows it (logits that are all
different, a large offset). The generic ones are drawn with a fixed seed, with three decimals, so that each can be printed
in full. Labels come one-hot, as a distribution, and with any sum; a second distribution uniform and not.
"""

from __future__ import annotations

import itertools
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias

from smxcheck.formula.evaluate import DIGITS, Environment, Function
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.symbols import Symbol
from smxcheck.formula.tree import Node

Given: TypeAlias = Fraction | tuple[Fraction, ...]

#: Logits of the simple points, the plainest first.
SIMPLE_LOGITS: tuple[tuple[str, ...], ...] = (
    ("0", "1"), ("1", "2", "4"), ("0", "0"), ("0", "1", "3"), ("2", "2", "2"), ("0", "4", "5"), ("0",), ("1", "-1", "0", "2"),
    ("0", "0", "1"), ("0", "30"), ("-2", "-1", "-40"), ("1000", "1001", "1003"),
)  # fmt: skip

#: The unit roundoff that points use: that of float32.
ROUNDOFF = Fraction(1, 2**24)

RANDOM_POINTS = 40

#: Choices of free indices that are evaluated at a generic point, spread over all: with four classes and three indices there
#: are 64. At the simple points, which have up to four classes, all are.
MOST_CHOICES = 12
_SEED = 20240915


@dataclass(frozen=True)
class Phi:
    """A choice of φ, positive, increasing and differentiable, and its derivative."""

    text: str
    value: Function
    derivative: Function


#: exp itself, and two that are no exponential: one grows like its argument, one is bounded.
PHIS: tuple[Phi, ...] = (
    Phi("log(1 + exp(x))", lambda c, x: c.log1p(c.exp(x)), lambda c, x: 1 / (1 + c.exp(-x))),
    Phi("exp(x)", lambda c, x: c.exp(x), lambda c, x: c.exp(x)),
    Phi("1/(1 + exp(-x))", lambda c, x: 1 / (1 + c.exp(-x)), lambda c, x: 1 / (2 + c.exp(x) + c.exp(-x))),
)


def taylor(order: int) -> Function:
    """x ↦ Σ x^k/k! for k = 0 … order."""
    return lambda c, x: c.fsum(x**k / c.factorial(k) for k in range(order + 1))


@dataclass(frozen=True)
class Point:
    """Exact numbers for all letters that are given, and the functions φ and f that go with them.

    ``most`` is how many choices of free indices are evaluated there: all, or at a generic point some.
    """

    classes: int
    given: Mapping[str, Given]
    phi: Phi = field(default=PHIS[0], repr=False)
    most: int | None = field(default=None, compare=False, repr=False)

    def environment(self, lexicon: Lexicon, order: int, digits: int = DIGITS) -> Environment:
        """The point as an environment for formulas with ``order`` nested derivatives."""
        terms = int(self.given.get("N", 2))  # type: ignore[arg-type]
        functions = {
            "phi": self.phi.value, "dphi": self.phi.derivative, "f": taylor(terms), "df": taylor(terms - 1),
        }  # fmt: skip
        return Environment(lexicon, self.given, functions, self.classes, order, digits)


def points(
    lexicon: Lexicon, nodes: Sequence[Node], generic: int = RANDOM_POINTS, largest: int = 5, every_variant: bool = True
) -> Iterator[Point]:
    """The points at which formulas are evaluated, for the letters that they need; at most ``largest`` classes.

    The simple logits come with every kind of labels, distribution and φ, or, without ``every_variant``, with one kind each
    in turn.
    """
    used = lexicon.used(nodes)
    needed = [lexicon.symbols[name] for name in sorted(lexicon.given(nodes)) if lexicon.symbols[name].kind != "function"]
    if {"f", "df"} & used and "N" not in {s.name for s in needed}:
        needed.append(lexicon.symbols["N"])
    domains = {s.domain for s in needed}
    variants = max(
        3 if "labels" in domains else 1, len(PHIS) if {"phi", "dphi"} & used else 1, 2 if domains & {"distribution", "rounding"} else 1
    )
    for number, logits in enumerate(SIMPLE_LOGITS):
        for variant in range(variants) if every_variant else (number % variants,):
            yield _point(needed, len(logits), variant, _Simple(logits))
    draw = random.Random(_SEED)
    for number in range(generic):
        yield replace(_point(needed, 2 + number % (largest - 1), number, _Generic(draw)), most=MOST_CHOICES)


def at_point(lexicon: Lexicon, nodes: Sequence[Node], given: Mapping[str, tuple[Fraction, ...]]) -> Point:
    """A reader's point: what he gives, and plain numbers for the letters that are needed besides.

    Raises ValueError for letters that are not given ones, or vectors of several lengths.
    """
    for name, values in given.items():
        symbol = lexicon.symbols.get(name)
        if symbol is None or symbol.definition or symbol.kind == "function" or name == "n":
            raise ValueError(f"{name} is no letter that takes numbers")
        if symbol.kind == "scalar" and len(values) != 1:
            raise ValueError(f"{name} is one number, not {len(values)}")
    lengths = {len(values) for name, values in given.items() if lexicon.symbols[name].kind == "vector"}
    if len(lengths) > 1:
        raise ValueError(f"the vectors have different lengths: {', '.join(map(str, sorted(lengths)))}")
    needed = [lexicon.symbols[name] for name in sorted(lexicon.given(nodes)) if lexicon.symbols[name].kind != "function"]
    needed += [lexicon.symbols["N"]] if {"f", "df"} & lexicon.used(nodes) else []
    classes = lengths.pop() if lengths else 3
    plain = _point(needed, classes, 1, _Simple(tuple(map(str, range(classes)))))
    own = {n: v if lexicon.symbols[n].kind == "vector" else v[0] for n, v in given.items()}
    return Point(classes, MappingProxyType({**plain.given, **own}), plain.phi)


def _point(needed: list[Symbol], classes: int, variant: int, source: _Source) -> Point:
    given: dict[str, Given] = {}
    for symbol in sorted(needed, key=lambda s: s.name != "z"):
        if symbol.name == "n":
            continue
        if symbol.kind == "vector":
            given[symbol.name] = source.vector(symbol, classes, variant)
        else:
            given[symbol.name] = source.scalar(symbol, variant)
    return Point(classes, MappingProxyType(given), PHIS[variant % len(PHIS)])


class _Source(ABC):
    """Numbers for letters, by domain; subclasses say where a plain real and a positive number come from."""

    @abstractmethod
    def real(self, number: int) -> Fraction:
        """A real number."""

    @abstractmethod
    def positive(self, number: int) -> Fraction:
        """A positive number."""

    def scalar(self, symbol: Symbol, variant: int) -> Fraction:
        match symbol.domain:
            case "positive" | "nonnegative":
                return self.positive(0)
            case "unit":
                share, rest = self.positive(1), self.positive(2)
                return share / (share + rest)
            case "order":
                return Fraction((2, 4, 6)[variant % 3])
            case "roundoff":
                return ROUNDOFF
            case "rounding":
                return self.rounding(variant)
        return self.real(1)

    def rounding(self, number: int) -> Fraction:
        """All +u in variant 0, where bounds are attained; other variants have both signs."""
        return ROUNDOFF * (1, -1)[number % 2]

    def vector(self, symbol: Symbol, classes: int, variant: int) -> tuple[Fraction, ...]:
        match symbol.domain:
            case "positive" | "nonnegative":
                return tuple(self.positive(k) for k in range(classes))
            case "rounding":
                return tuple(self.rounding(variant * (k + 1)) for k in range(classes))
            case "labels":
                return self._labels(classes, variant)
            case "distribution":
                return _normalised([self.positive(k) for k in range(classes)])
        return tuple(self.real(k) for k in range(classes))

    def _labels(self, classes: int, variant: int) -> tuple[Fraction, ...]:
        """One-hot, a distribution, any sum but 1, in turn."""
        shares = [self.positive(k) for k in range(classes)]
        match variant % 3:
            case 0:
                return tuple(Fraction(k == (variant // 3 + 1) % classes) for k in range(classes))
            case 1:
                return _normalised(shares)
        return tuple(share + (sum(shares) == 1) for share in shares)


class _Simple(_Source):
    """Small whole numbers, the logits as they are listed."""

    def __init__(self, logits: tuple[str, ...]) -> None:
        self._logits = tuple(map(Fraction, logits))

    def vector(self, symbol: Symbol, classes: int, variant: int) -> tuple[Fraction, ...]:
        """The logits as listed; every second distribution is the uniform one: the softmax of equal logits."""
        if symbol.name == "z":
            return self._logits
        if symbol.domain == "distribution" and variant % 2 == 0:
            return _normalised([Fraction(1)] * classes)
        return super().vector(symbol, classes, variant)

    def real(self, number: int) -> Fraction:
        return Fraction((1, 2, -1, 3, 0)[number % 5])

    def positive(self, number: int) -> Fraction:
        return Fraction((2, 1, 1, 4, 3)[number % 5])


class _Generic(_Source):
    """Decimals drawn with a fixed seed."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def real(self, number: int) -> Fraction:
        return Fraction(self._draw.randint(-3000, 3000), 1000)

    def positive(self, number: int) -> Fraction:
        return Fraction(self._draw.randint(100, 3000), 1000)

    def rounding(self, number: int) -> Fraction:
        return ROUNDOFF * Fraction(self._draw.randint(-1000, 1000), 1000)


def _normalised(values: list[Fraction]) -> tuple[Fraction, ...]:
    return tuple(v / sum(values) for v in values)


def assignments(letters: tuple[str, ...], classes: int) -> Iterator[dict[str, int]]:
    """Every choice of classes for free indices; the plainest counterexamples first: i = 1, j = 1, then i = 1, j = 2."""
    for values in itertools.product(range(1, classes + 1), repeat=len(letters)):
        yield dict(zip(letters, values, strict=True))


