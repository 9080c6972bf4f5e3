"""The page of a function's error bounds: their terms on a plain input, the constants, and the derivation."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from smxcheck.catalog import FUNCTIONS, Function
from smxcheck.derivations.topics import topics
from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge.bounds import Bound, bounds_for, derived_in
from smxcheck.judge.bounds import model as constants
from smxcheck.judge.errors import scale
from smxcheck.judge.result import Level
from smxcheck.oracle import Kind, expect
from smxcheck.pages.model import Block, Code, Facts, Page, Prose, Table, Text
from smxcheck.pages.sections import section
from smxcheck.version import JUDGE_VERSION

#: Numbers for each argument, by its name: exact in every format, and apart enough that no term vanishes.
_PLAIN: Mapping[str, Any] = MappingProxyType(
    {
        "x": [0, 1, 4], "z": [0, 1, 4], "logits": [0, 1, 4], "head": [0, 1, 4], "tail": [2, 0],
        "p": [0.25, 0.25, 0.5], "q": [0.5, 0.25, 0.25], "y": [1, 0, 0.5], "log_probabilities": [-3, -2, -0.25],
        "v": [1, -1, 2], "g": [1, -1, 2], "grad_output": [1, -1, 2], "output": [0.25, 0.25, 0.5],
        "noise": [0.5, -0.25, 1], "labels": 1,
    }
)  # fmt: skip

#: Log-probabilities where a function takes those of log_softmax as its output.
_LOG_OUTPUT = [-1.5, -1.25, -0.75]

_KEYWORDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"adaptive_log_softmax": {"sizes": (2,)}, "adaptive_log_softmax_jacobian": {"sizes": (2,)}}
)

_WHAT = (
    "A result is tight or standard where its error is within the bound of that level: the roundings of one named algorithm"
    " on its very input, term by term."
)

#: The levels that have a bound; 1ulp and wrong are what lies on either side.
_LEVELS = (Level.TIGHT, Level.STANDARD)

#: Granted by format, in units of the unit roundoff u, and where each number is from.
_CONSTANTS: tuple[tuple[str, Mapping[str, float], str], ...] = (
    ("exp", constants.EXP_ERROR, "NumPy's float32 exp is off by up to 2.54 ulp (all inputs tried), float64 libraries by up to 2"),
    ("log", constants.LOG_ERROR, "NumPy's float32 log is off by up to 3.83 ulp (all inputs tried)"),
    ("log1p", constants.LOG1P_ERROR, "NumPy's float32 log1p is off by up to 1.96 ulp (all inputs from 2^-24 to 2^24 tried)"),
    ("argument of exp, standard", constants.EXTRA_ARGUMENT_ROUNDINGS, "powers of 2 round a constant and a product; u times the gap"),
)


@dataclass(frozen=True)
class Sized:
    """One element of a result in one format: its value and the size in ulp of each term of a bound, and of all."""

    value: float
    terms: Mapping[str, float]
    total: float


def bound_page(function: str) -> Page:
    """The bounds of a function of the catalog. Raises ValueError for a name that is none."""
    if function not in FUNCTIONS:
        raise ValueError(f"no function {function!r}; smxcheck list functions names them")
    entry = FUNCTIONS[function]
    blocks = (
        Text((_WHAT,)),
        *_tables(entry),
        *section("granted to the platform", *_constants()),
        *section("derivation", *_derivation(function)),
    )
    return Page("bound", function, (f"Error bounds of {function}",), blocks, data=MappingProxyType({"judge": JUDGE_VERSION}))


# ---- the terms on a plain input


def _tables(entry: Function) -> Iterator[Block]:
    if entry.shape == "drawn":
        yield Text(("Draws have no error in ulp: how often each class may come out is bounded instead, see below.",))
        return
    place = _widest(entry)
    for level in _LEVELS:
        sized = {name: size(entry.name, fmt, level, place) for name, fmt in FORMATS.items()}
        terms = dict.fromkeys(term for s in sized.values() for term in s.terms)
        rows = [(term, *(_ulp(s.terms.get(term, 0.0)) for s in sized.values())) for term in terms]
        rows.append(("all together", *(_ulp(s.total) for s in sized.values())))
        header = ("in ulp", *FORMATS)
        value = sized["float64"].value
        caption = f"{level}: {call(entry)}{_index(place)} = {value:.9g}"
        yield Table(_cells(header), tuple(map(_cells, rows)), True, (caption,))


def _cells(texts: tuple[str, ...]) -> tuple[Prose, ...]:
    return tuple((text,) for text in texts)


def _ulp(size: float) -> str:
    return "0" if size == 0 else f"{size:.3g}"


def _index(place: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, place))}]" if place else ""


def call(entry: Function) -> str:
    """The call on the plain input: softmax([0, 1, 4])."""
    given = [repr(value) for value in plain(entry).values()]
    given += [f"{name}={value!r}" for name, value in _KEYWORDS.get(entry.name, {}).items()]
    return f"{entry.name}({', '.join(given)})"


def plain(entry: Function) -> Mapping[str, Any]:
    """The plain input of a function, by argument."""
    given = {name: _PLAIN[name] for name in entry.arguments}
    return {**given, "output": _LOG_OUTPUT} if entry.name == "log_softmax_backward" else given


def _widest(entry: Function) -> tuple[int, ...]:
    """The element whose bound is the widest at `standard` in float32."""
    total = _sized(entry.name, FORMATS["float32"], Level.STANDARD)[2]
    return tuple(map(int, np.unravel_index(int(np.argmax(total)), total.shape)))


def size(function: str, fmt: Format, level: Level, place: tuple[int, ...]) -> Sized:
    """The terms of a bound at one element of a function's plain input, in ulp of the exact value there."""
    value, terms, total = _sized(function, fmt, level)
    return Sized(float(value[place]), {name: float(term[place]) for name, term in terms.items()}, float(total[place]))


def _sized(function: str, fmt: Format, level: Level) -> tuple[Any, dict[str, Any], Any]:
    arguments = tuple(_in_format(value, fmt) for value in plain(FUNCTIONS[function]).values())
    keywords = _KEYWORDS.get(function, {})
    expected = expect(function, arguments, keywords)
    bound = bounds_for(function, arguments, keywords, fmt, level)
    on = scale(expected.enclosure, fmt)
    ulp = np.ldexp(1.0, on.ulp_exponent)
    relative = {name: np.abs(on.value) * term for name, term in bound.relative.items()}
    absolute = {name: np.asarray(term) / ulp for name, term in bound.absolute.items()}
    shape = expected.kind.shape
    number = expected.kind == Kind.VALUE
    terms = {name: np.where(number, np.broadcast_to(term, shape), 0.0) for name, term in {**relative, **absolute}.items()}
    return on.value * ulp, terms, np.where(number, _total(bound, np.abs(on.value), ulp), 0.0)


def _total(bound: Bound, size: Any, ulp: Any) -> Any:
    """All terms: the relative ones are logarithms of factors, and their sum one too."""
    return size * bound.total_relative() + bound.total_absolute() / ulp


def _in_format(value: Any, fmt: Format) -> Any:
    return np.asarray(value) if isinstance(value, int) else np.asarray(value, dtype=fmt.numpy())


# ---- what is granted


def _constants() -> Iterator[Block]:
    rows = tuple(_cells((name, *(f"{by_format[fmt]:g}" for fmt in FORMATS))) for name, by_format, _ in _CONSTANTS)
    yield Table(_cells(("in u", *FORMATS)), rows, True, ("The same on every machine, in units of the unit roundoff u: half an ulp of 1.",))
    yield Facts(tuple((name, (source,)) for name, _, source in _CONSTANTS))
    yield Text((f"Changing one of them changes verdicts, and raises the judge's version, which is {JUDGE_VERSION} here and stands in every report.",))


# ---- the derivation


def _derivation(function: str) -> Iterator[Block]:
    algorithm = derived_in(function)
    module = sys.modules[algorithm.__module__]
    for source in (algorithm, module, constants):
        yield from documented(inspect.getdoc(source) or "")
    path = f"{algorithm.__module__.replace('.', '/')}.py"
    steps = [topic.id for topic in topics().values() if topic.group == "rounding" and function in topic.functions]
    yield Facts((
        ("in code", (path,)),
        *(("step by step", (f"smxcheck explain {name}",)) for name in steps),
        ("levels", ("smxcheck explain levels",)),
    ))  # fmt: skip


def documented(text: str) -> Iterator[Block]:
    """A docstring as blocks: what is indented stays as it is, the rest is running text."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = paragraph.splitlines()
        if all(line.startswith(" ") for line in lines):
            yield Code(inspect.cleandoc("\n" + paragraph))
        elif paragraph:
            yield Text((re.sub(r"\*\*|`+", "", " ".join(line.strip() for line in lines)),))
