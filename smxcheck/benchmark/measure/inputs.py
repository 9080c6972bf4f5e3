"""What the functions are called with: ordinary numbers to be timed on, and the same with hard rows to be judged on.

Logits are standard normals times 3, which is about what those of a trained classifier span; probabilities are their softmax,
computed in float64 and rounded; cotangents are standard normals, noise is Gumbel's, labels are uniform. The numbers depend
on function and shape alone and are rounded to the dtype, so that all dtypes compute the same. No probability is
below the smallest normal number in what is timed: subnormal numbers take many times as long on some processors.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.benchmark.measure import hard_rows
from smxcheck.benchmark.shapes import Shape
from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS, Group
from smxcheck.dtypes import FORMATS, Format
from smxcheck.oracle.certified.table import TABLE as CERTIFIED
from smxcheck.targets.protocol import Call

Array = npt.NDArray[Any]

_SPREAD = 3.0

#: Without certified arithmetic the reference works out values one by one, at 1 to 90 µs each (2 GHz): of so many a batch
#: is made, its other rows are copies. A row with more values than a long vocabulary is not timed.
_EXACT, _MOST_EXACT = 1 << 14, 1 << 16
#: As many distinct rows are as good as any number, and with fewer than two hard ones there would be little to find.
_MOST_ROWS, _FEWEST_HARD = 64, 2
#: A sampler draws a number for each class and draw; beyond so many it takes more than seconds.
_MOST_DRAWN = 1 << 27
_DRAWS: Any = KEYWORD_DEFAULTS["draws"]


def timed_call(function: str, dtype: str, shape: Shape) -> Call:
    """What is timed. ``shape`` is that of the first argument; of adaptive softmax (…, V), V classes in all.

    Raises ValueError, one line, where the function is not timed on that shape.
    """
    return _call(_Draw(function, FORMATS[dtype], shape, hard=False), shape)


def judged_call(function: str, dtype: str, shape: Shape) -> Call:
    """What is judged: the same call on the same shape, some rows of it hard (`smxcheck.benchmark.measure.hard_rows`). The answers
    are finite, one for each input. Where no certified arithmetic gives the exact values of a function, rows are copies
    of few distinct ones. Raises ValueError as `timed_call` does.
    """
    return _call(_Draw(function, FORMATS[dtype], shape, hard=True), shape)


def _call(draw: _Draw, shape: Shape) -> Call:
    function = draw.function
    check(function, shape)
    arguments = (_laid(_ARGUMENTS[name](draw), shape, draw.fmt) for name in FUNCTIONS[function].arguments)
    keywords: dict[str, Any] = {"axis": shape.axis} if shape.axis != -1 else {}
    if FUNCTIONS[function].group is Group.LARGE_VOCABULARIES:
        keywords["sizes"] = cluster_sizes(shape.n)
    return Call(function, tuple(arguments), keywords, shape.layout)


def check(function: str, shape: Shape) -> None:
    """Raise ValueError, one line, where ``function`` is not timed on ``shape``."""
    entry, n = FUNCTIONS[function], shape.n
    if shape.axis != -1 and "axis" not in entry.keywords:
        raise ValueError(f"{function} takes no axis")
    if "labels" in entry.arguments and len(shape.shape) < 2:
        raise ValueError(f"{function} takes rows of logits: write 1x{n}")
    if entry.group is Group.LARGE_VOCABULARIES and n < 3:
        raise ValueError(f"{function} needs 3 classes at least, a shortlist and two clusters")
    if entry.shape == "drawn" and shape.elements * _DRAWS > _MOST_DRAWN:
        most = _MOST_DRAWN // _DRAWS
        raise ValueError(f"{function} draws {_DRAWS:,} times from each row: give a shape of at most {most:,} elements")
    if not _is_certified(function) and exact_values(function, n) > _MOST_EXACT:
        raise ValueError(f"{function}: exact values for rows of {n:,} would take minutes, and what is not judged is not timed")


def _is_certified(function: str) -> bool:
    """Whether exact values of millions of elements take seconds. Samplers are judged against softmax."""
    return function in CERTIFIED or FUNCTIONS[function].shape == "drawn"


#: Entropies of which the reference takes every pair of entries.
_OF_PAIRS = ("generalized_softmax_entropy", "generalized_softmax_entropy_grad")


def exact_values(function: str, n: int) -> int:
    """How many values the reference works out for one row of n entries."""
    powers = {"jacobian": 2, "hessian": 3, "wide": 2}
    return int(n ** (2 if function in _OF_PAIRS else powers.get(FUNCTIONS[function].shape, 1)))


def cluster_sizes(classes: int) -> tuple[int, int]:
    """Two clusters of adaptive softmax beside a shortlist of a fifth of the classes: a third and two thirds of the rest."""
    rest = classes - max(1, classes // 5)
    first = max(1, rest // 3)
    return first, rest - first


def _laid(rows: Array, shape: Shape, fmt: Format) -> Array:
    """(R, m) → the shape of the call with m in the place of n, in the dtype; labels (R,) → without that place."""
    if rows.ndim == 1:
        return rows.reshape([s for i, s in enumerate(shape.shape) if i != shape.axis % len(shape.shape)])
    outer = list(shape.shape)
    del outer[shape.axis]
    with np.errstate(under="ignore"):
        rounded = rows.astype(fmt.numpy())
    return np.ascontiguousarray(np.moveaxis(rounded.reshape((*outer, rows.shape[1])), -1, shape.axis))


@dataclass
class _Draw:
    """Random numbers as rows (R, m) in float64, in the order in which arguments ask for them."""

    function: str
    fmt: Format
    shape: Shape
    hard: bool

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(zlib.crc32(f"{self.function} {self.shape.shape} {self.shape.axis}".encode()))
        self.n, self.count = self.shape.n, self.shape.elements // self.shape.n
        self.distinct = self.count
        if self.hard and not _is_certified(self.function):
            self.distinct = min(self.count, _MOST_ROWS, max(1, _EXACT // exact_values(self.function, self.n)))
        self.kinds = hard_rows.SHIFTABLE if _shifts(self.function, self.fmt) else hard_rows.UNSHIFTED
        if self.distinct < self.count:
            self.kinds = self.kinds[: max(_FEWEST_HARD, self.distinct)]
        self.places = hard_rows.places(self.count, len(self.kinds)) if self.hard else np.zeros(0, np.int64)
        self._first: Array | None = None

    def spread(self, drawn: Array) -> Array:
        """Distinct rows, as many as the batch has."""
        return drawn if len(drawn) == self.count else drawn[np.arange(self.count) % len(drawn)]

    def normals(self, width: int = 0) -> Array:
        return self.spread(self.rng.standard_normal((self.distinct, width or self.n)))

    def logits(self, width: int = 0) -> Array:
        """Normals times 3, some rows hard; those of the first argument are kept for the others that depend on them."""
        rows = _SPREAD * self.normals(width)
        if self.hard and _of_entries(self.function):
            hard_rows.harden_entries(rows, self.fmt)
        elif self.hard:
            hard_rows.harden(rows, self.fmt, self.kinds)
        if self._first is None:
            self._first = rows
        return rows

    @property
    def first(self) -> Array:
        return self.logits() if self._first is None else self._first


def _shifts(function: str, fmt: Format) -> bool:
    """Whether logits far from 0 are ordinary input: not of polynomials and of the sparse functions, nor in 16 bits where
    noise or a margin is added to them, which rounds away there."""
    if any(word in function for word in ("taylor", "spherical", "sparsemax", "entmax")):
        return False
    return not (fmt.is_16_bit and ("gumbel" in function or "margin" in function))


def _of_entries(function: str) -> bool:
    """The two-class functions: each entry for itself."""
    return "sigmoid" in function or function.startswith("binary_cross_entropy")


def _log_softmax(rows: Array) -> Array:
    shifted: Array = rows - rows.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def _labels(draw: _Draw) -> Array:
    """Uniform; of hard rows in turn the largest and the smallest entry."""
    labels = draw.spread(draw.rng.integers(0, draw.n, draw.distinct))
    for i, place in enumerate(draw.places):
        labels[place] = draw.first[place].argmin() if i % 2 else draw.first[place].argmax()
    return labels


def _targets(draw: _Draw) -> Array:
    """0 or 1, as of two classes; any share in hard rows."""
    shares = draw.spread(draw.rng.random((draw.distinct, draw.n)))
    out = np.rint(shares)
    out[draw.places] = shares[draw.places]
    return out


#: Functions that have one finite answer where p is 0.
_OF_ZEROS = (
    "entropy", "kl_divergence", "distribution_cross_entropy", "distribution_cross_entropy_grad",
    "distribution_cross_entropy_hessian",
)  # fmt: skip


def _p(draw: _Draw) -> Array:
    p = np.exp(_log_softmax(draw.first))
    return p if draw.hard and draw.function in _OF_ZEROS else np.maximum(p, draw.fmt.smallest_normal)


def _q(draw: _Draw) -> Array:
    """Of other logits; in every other hard row close to the softmax of the first ones, so that divergences cancel."""
    logits = _SPREAD * draw.normals()
    some = draw.places[1::2]
    logits[some] = draw.first[some] + logits[some] / 128
    return np.maximum(np.exp(_log_softmax(logits)), _smallest_q(draw))


def _smallest_q(draw: _Draw) -> float:
    """p/q² must not overflow, p/q cannot."""
    exponent = -(draw.fmt.e_max // 2) if draw.function == "distribution_cross_entropy_hessian" else draw.fmt.e_min
    return 2.0**exponent


def _cotangent(draw: _Draw) -> Array:
    """Normals; in hard rows in turn: far from 0 (differences cancel), the same everywhere, a single 1, and normals."""
    out = draw.normals()
    for i, place in enumerate(draw.places):
        if i % 4 == 1:
            out[place] += 50
        elif i % 4 == 2:
            out[place] = 1
        elif i % 4 == 3:
            out[place] = np.arange(draw.n) == draw.n - 1
    return out


def _output(draw: _Draw) -> Array:
    """What the forward function gives for the logits."""
    log_p = _log_softmax(draw.first)
    return log_p if FUNCTIONS[draw.function].derivative_of == "log_softmax" else np.exp(log_p)


def _head(draw: _Draw) -> Array:
    sizes = cluster_sizes(draw.n)
    return draw.logits(draw.n - sum(sizes) + len(sizes))


def _noise(draw: _Draw) -> Array:
    return draw.spread(draw.rng.gumbel(size=(draw.distinct, draw.n)))


#: Argument of the catalog → its rows (R, m), or (R,) for labels.
_ARGUMENTS: dict[str, Callable[[_Draw], Array]] = {
    "x": _Draw.logits,
    "z": _Draw.logits,
    "logits": _Draw.logits,
    "log_probabilities": lambda draw: _log_softmax(draw.first),
    "labels": _labels,
    "y": _targets,
    "p": _p,
    "q": _q,
    "v": _cotangent,
    "g": _cotangent,
    "grad_output": _cotangent,
    "output": _output,
    "noise": _noise,
    "head": _head,
    "tail": lambda draw: draw.logits(sum(cluster_sizes(draw.n))),
}


def result_shape(call: Call) -> tuple[int, ...]:
    """The shape of what a call returns, by the layout that the catalog gives the function."""
    first, keywords = call.arguments[0].shape, {**KEYWORD_DEFAULTS, **call.keywords}
    layout = FUNCTIONS[call.function].shape
    if layout == "same":
        return tuple(first)
    if layout in ("reduced", "loss"):
        if layout == "loss" and keywords["reduction"] != "none":
            return ()
        return tuple(np.delete(first, keywords["axis"]).tolist())
    n = first[-1]
    if layout == "drawn":
        return (*first[:-1], keywords["draws"])
    if layout in ("vocabulary", "wide"):
        width, clusters = call.arguments[1].shape[-1], len(keywords["sizes"])
        classes = n - clusters + width
        return (*first[:-1], classes) if layout == "vocabulary" else (*first[:-1], classes, n + width)
    return (*first, n) if layout == "jacobian" else (*first, n, n)


def bytes_moved(call: Call) -> int:
    """The bytes formula: every argument read once, the result written once.

    Σ elements · bytes per element, over the arrays among arguments and keywords and over the result, which has the dtype of
    the first argument (int64 for class indices). Of softmax it is 2·N·b for N elements of b bytes. It is what a call
    must move at least where nothing is in a cache; what a kernel moves beyond it is its own affair. Gaps of a strided view are not counted.
    """
    arrays = [a for a in (*call.arguments, *call.keywords.values()) if isinstance(a, np.ndarray)]
    each = 8 if FUNCTIONS[call.function].shape == "drawn" else call.arguments[0].itemsize
    return sum(a.nbytes for a in arrays) + math.prod(result_shape(call)) * each
