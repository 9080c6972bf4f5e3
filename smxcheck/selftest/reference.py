"""smxref's values against independent formulas: the definitions, evaluated in intervals.

A value of smxref claims |y - v| ≤ b·|y|. The definition, evaluated in intervals of mpmath without any of smxref's code
(`reference_definitions`), gives an interval that holds y for certain; the claim holds where every number of it fulfils the
inequality, and misses where none does. Between the two the precision is doubled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from time import perf_counter
from typing import Any

import numpy as np
from mpmath import libmp

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS
from smxcheck.oracle import Expected, Kind, expect
from smxcheck.selftest.inputs import Draw, draw_call, normals
from smxcheck.selftest.reference_arb import BITS, ENTRIES, ROWS, check_arb
from smxcheck.selftest.reference_jets import intervals
from smxcheck.selftest.reference_table import LOSSES, TABLE, intervals_of
from smxcheck.selftest.results import Machinery

NAME = "reference"
QUESTION = "Do the reference's values agree with the definitions, evaluated in intervals by other code?"

#: The precision at first, and the last: rows here span 1100 binades, of which second derivatives hold the cube.
FIRST_BITS, LAST_BITS = 256, 8192
#: A value that is claimed to be exact (1/4, 0 …) is held where it is in an interval narrower than this.
NOTHING = Fraction(1, 2**1000)
#: Entries of a row where the answer holds their square or cube.
_FEWER = {"jacobian": 3, "hessian": 3, "wide": 3}


@dataclass(frozen=True)
class Question:
    """One call of a function, as float64 arrays."""

    function: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(str(a.tolist()) for a in self.arguments)}, {dict(self.keywords)})"


def check_reference(seed: int = 0, functions: Collection[str] = ()) -> tuple[Machinery, Machinery]:
    """smxref against the definitions and against Arb, the same questions for one ``seed``."""
    return check_definitions(seed, functions), check_arb(seed, functions)


def check_definitions(seed: int = 0, functions: Collection[str] = ()) -> Machinery:
    """Every function with a definition, on random and special inputs; a question is one element."""
    began, rng = perf_counter(), np.random.default_rng(seed)
    held = undecided = 0
    misses: list[str] = []
    for function in (f for f in FUNCTIONS if not functions or f in functions):
        for question in questions(function, rng):
            one = ask(question)
            held, undecided, misses = held + one[0], undecided + one[1], misses + one[2]
    without = [f for f in FUNCTIONS if f not in TABLE and f not in LOSSES and (not functions or f in functions)]
    left_out = (f"no second formula for {', '.join(without)}: class numbers are drawn, not values",) if without else ()
    asked = held + undecided + len(misses)
    return Machinery(NAME, QUESTION, asked, held, tuple(misses), left_out, undecided, perf_counter() - began)


# ---- inputs


def _scaled(scale: float) -> Draw:
    return lambda rng, shape: rng.normal(size=shape) * scale


def _tied(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Small whole numbers and halves, some of them equal."""
    return rng.integers(-2, 3, shape) / 2 + 0.25


def _far(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """One entry far above the others, whose probabilities are subnormal in float64, and not yet 0 (from 745.2 on)."""
    x = -rng.uniform(700, 740, shape)
    x[..., 0] = rng.uniform(size=shape[:-1])
    return x


#: How logits are drawn.
DRAWS: tuple[Draw, ...] = (normals, _scaled(30.0), _tied, _scaled(2.0**-40), _far)


def questions(function: str, rng: np.random.Generator) -> Iterator[Question]:
    """The calls of one function: every way to draw, with keywords that change from call to call."""
    if function not in TABLE and function not in LOSSES:
        return
    n = _FEWER.get(FUNCTIONS[function].shape, ENTRIES)
    for turn, draw in enumerate(DRAWS):
        arguments, keywords = draw_call(function, rng, (ROWS, n), draw)
        yield _varied(function, arguments, keywords, turn, rng)
    yield from _special(function)


def _varied(
    function: str, arguments: tuple[Any, ...], keywords: dict[str, Any], turn: int, rng: np.random.Generator
) -> Question:
    names = FUNCTIONS[function].keywords
    choices: dict[str, list[Any]] = {
        "phi": ["softplus", "taylor-4", "exp", "power-3", "softplus"],
        "order": [2, 4, 6, 2, 4],
        "margin": [0.5, 3.0, 0.0, 0.1, 1.0],
        "tau": [1.0, 0.1, 2.0, 0.5, 3.0],
        "eps": [2.0**-10, 1.0, 0.1, 2.0**-40, 2.0**-10],
        "hard": [False, True, False, False, False],
        "reduction": ["mean", "sum", "none", "mean", "none"],
        "label_smoothing": [0.0, 0.1, 0.0, 0.5, 0.1],
    }
    keywords.update({name: values[turn % len(values)] for name, values in choices.items() if name in names})
    if "weight" in names and turn % 2:
        keywords["weight"] = rng.uniform(0.5, 2, arguments[0].shape[-1])
    if "labels" in FUNCTIONS[function].arguments and "margin" not in names and turn in (2, 3):
        arguments = (arguments[0], rng.uniform(size=arguments[0].shape))
    if str(keywords.get("phi", "")).startswith("power"):
        arguments = (np.abs(arguments[0]) + 2.0**-30,)
    return Question(function, arguments, keywords)


def _special(function: str) -> Iterator[Question]:
    """Absent classes, zero probabilities, neighbouring distributions, an ignored row."""
    inf = float("inf")
    match function:
        case "softmax" | "log_softmax" | "logsumexp" | "softmax_entropy" | "logsumexp_grad":
            yield Question(function, (np.array([[0.0, -inf, 1.5], [-inf, 2.0, -inf]]),), {})
        case "entropy":
            yield Question(function, (np.array([[0.0, 0.25, 0.75], [0.0, 1.0, 0.0]]),), {})
        case "kl_divergence" | "distribution_cross_entropy":
            p = np.array([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25]])
            yield Question(function, (p, np.array([[0.5 + 2.0**-53, 0.5 - 2.0**-53, 0.0], [0.5, 0.25, 0.25]])), {})
        case "cross_entropy" | "nll_loss":
            yield Question(function, (np.array([[-1.0, -0.5], [-3.0, -0.25]]), np.array([1, -100])), {"reduction": "mean"})


# ---- answers


def ask(question: Question) -> tuple[int, int, list[str]]:
    """How many elements of the reference's answer hold, how many are undecided, and a sentence for each that misses."""
    with np.errstate(all="ignore"):
        expected = expect(question.function, question.arguments, question.keywords, BITS)
    open_ = [i for i in range(expected.kind.size) if _comparable(expected, i)]
    held, misses = 0, []
    for found in _more_and_more_exact(question):
        still = []
        for i in open_:
            verdict = holds(expected, i, found[i])
            if verdict is None:
                still.append(i)
            elif verdict:
                held += 1
            else:
                misses.append(f"{_in_words(expected, i)}, its definition {_interval_in_words(found[i])}: element {i} of {question}")
        open_ = still
        if not open_:
            break
    return held, len(open_), misses


def _more_and_more_exact(question: Question) -> Iterator[list[Any]]:
    """The intervals of all elements, each time in twice as many bits."""
    names = FUNCTIONS[question.function].keywords
    keywords = {k: question.keywords.get(k, KEYWORD_DEFAULTS[k]) for k in names if k != "axis"}
    columns = [a.tolist() for a in question.arguments]
    before, bits = intervals.prec, FIRST_BITS
    try:
        while bits <= LAST_BITS:
            intervals.prec = bits
            yield [value.a for value in intervals_of(question.function, columns, keywords)]
            bits *= 2
    finally:
        intervals.prec = before


_INFINITIES = {Kind.PLUS_INFINITY: float("inf"), Kind.MINUS_INFINITY: -float("inf")}


def _comparable(expected: Expected, i: int) -> bool:
    kind = Kind(int(expected.kind.flat[i]))
    return kind == Kind.VALUE or kind in _INFINITIES


def holds(expected: Expected, i: int, interval: Any) -> bool | None:
    """Whether the i-th value holds for every number of the interval, for none (False), or for some (None)."""
    kind = Kind(int(expected.kind.flat[i]))
    if kind in _INFINITIES:
        return bool(interval.a == interval.b == _INFINITIES[kind])
    low, high = _rational(interval._mpi_[0]), _rational(interval._mpi_[1])
    if low is None or high is None:
        return None
    e = expected.enclosure.reshape((expected.kind.size,)).take(i)
    bound = Fraction(float(e.bound))
    if not e.hi and bound:
        return _at_most(Fraction(2) ** max(int(e.exponent), -(1 << 16)), low, high)
    value = (Fraction(float(e.hi)) + Fraction(float(e.lo))) * Fraction(2) ** int(e.exponent)
    if not bound:
        return _is_exactly(value, low, high)
    nearest, farthest = value / (1 + bound), value / (1 - bound)
    first, last = min(nearest, farthest), max(nearest, farthest)
    if first <= low and high <= last:
        return True
    return False if high < first or low > last else None


def _at_most(size: Fraction, low: Fraction, high: Fraction) -> bool | None:
    """Whether |y| ≤ size, which is all that such an enclosure says."""
    if -size <= low and high <= size:
        return True
    return False if low > size or high < -size else None


def _is_exactly(value: Fraction, low: Fraction, high: Fraction) -> bool | None:
    """No interval proves that y is one number; it holds where y can be no other by more than `NOTHING`."""
    if value < low or value > high:
        return False
    return True if high - low < NOTHING else None


def _rational(number: Any) -> Fraction | None:
    """An end of an interval as it is; None where it is infinite or nan."""
    sign, mantissa, exponent, _ = number
    if not mantissa and exponent:
        return None
    return Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** int(exponent)


def _in_words(expected: Expected, i: int) -> str:
    e = expected.enclosure.reshape((expected.kind.size,)).take(i)
    kind = Kind(int(expected.kind.flat[i]))
    if kind in _INFINITIES:
        return f"the reference says {_INFINITIES[kind]}"
    return f"the reference says {float(e.hi)!r}·2^{int(e.exponent)} to {float(e.bound):.2g} of it"


def _interval_in_words(interval: Any) -> str:
    ends = [libmp.to_str(end, 20) for end in interval._mpi_]
    return ends[0] if ends[0] == ends[1] else f"between {ends[0]} and {ends[1]}"
