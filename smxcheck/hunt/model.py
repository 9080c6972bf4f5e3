"""What a hunt found, as data: the worst error of each target, with its input. Nothing here computes, or needs NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

#: What is hunted, in the order of the report: functions of a row, of one number, and derivatives.
FUNCTIONS = (
    "softmax", "log_softmax", "logsumexp", "cross_entropy", "softmax_entropy", "sigmoid", "log_sigmoid",
    "softmax_vjp", "log_softmax_vjp", "cross_entropy_grad", "softmax_entropy_grad",
)  # fmt: skip
DTYPES = ("float16", "bfloat16", "float32", "float64")

#: Functions of one number, and those whose two-class form is one: what is gone through input by input.
NUMBERS = ("sigmoid", "log_sigmoid")
EXHAUSTIVE = (*NUMBERS, "logsumexp")
#: Functions of two logits that are gone through for every [0, x] of a 16-bit format, and for pairs where that can be had.
OF_PAIRS = ("softmax", "log_softmax")

#: Errors are kept apart by the exact value: a normal number, one below those, a small difference of larger terms.
NORMAL, SUBNORMAL, CANCELLING = "normal", "subnormal", "cancelling"
CATEGORIES = (NORMAL, SUBNORMAL, CANCELLING)

#: What was gone through.
SEARCHED, ALL, TWO_CLASS, PAIRS = "searched", "all x", "all [0, x]", "pairs"

#: Every bit pattern of float32, in shards of one sign and exponent.
SHARDS = 512
SHARD_INPUTS = 1 << 23

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Worst:
    """One element with its error in ulp, a certified lower bound of it, and what it takes to see it again.

    ``inputs``: argument → its entries in C99 hexadecimal (class labels in decimal), one row; ``copies``: how many times
    the row stands in the call; ``element``: the place of the result in the row. ``error`` is infinite where no digit of
    ``got`` is right.
    """

    error: float
    inputs: Mapping[str, tuple[str, ...]]
    element: int
    got: str
    exact: str
    copies: int = 1


@dataclass(frozen=True)
class Entry:
    """A target on one function, dtype and domain.

    ``inputs`` rows or numbers were judged, ``elements`` results of them. ``ceiling`` is what no error of a category
    exceeds, where that is known. ``wrong`` results were nan, infinite or 0 where none of that is near; ``example`` is
    the first of them. ``shards``: which 2^23 float32 inputs were gone through. ``returned``: the dtype of the results
    where it is another. ``reason``: why the target was not asked (further).
    """

    target: str
    function: str
    dtype: str
    domain: str
    inputs: int = 0
    elements: int = 0
    worst: Mapping[str, Worst] = field(default_factory=dict)
    ceiling: Mapping[str, float] = field(default_factory=dict)
    wrong: int = 0
    example: Worst | None = None
    shards: tuple[int, ...] = ()
    returned: str = ""
    reason: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.function, self.dtype, self.domain, self.target

    @property
    def complete(self) -> bool:
        """Whether every input of the domain was gone through."""
        return not self.reason and self.domain != SEARCHED and (not self.shards or len(self.shards) == SHARDS)


def lacks(function: str) -> str:
    """The reason of a target that has no such function."""
    return f"it has no {function}"


def merged(one: Entry, other: Entry) -> Entry:
    """Two parts of the same entry as one."""
    worst, ceiling = dict(one.worst), dict(one.ceiling)
    for category, found in other.worst.items():
        worst[category] = max(worst.get(category, found), found, key=lambda w: w.error)
    for category, bound in other.ceiling.items():
        ceiling[category] = max(ceiling.get(category, bound), bound)
    return replace(
        one, inputs=one.inputs + other.inputs, elements=one.elements + other.elements, worst=worst, ceiling=ceiling,
        wrong=one.wrong + other.wrong, example=one.example or other.example,
        shards=tuple(sorted({*one.shards, *other.shards})), returned=one.returned or other.returned,
        reason=one.reason or other.reason,
    )  # fmt: skip


@dataclass(frozen=True)
class Task:
    """What one process does in one go: a search, all inputs of a 16-bit format, or one shard of float32."""

    function: str
    dtype: str
    domain: str
    targets: tuple[str, ...]
    shard: int | None = None

    def __str__(self) -> str:
        place = "" if self.shard is None else f" {self.shard + 1}/{SHARDS}"
        return f"{self.function} {self.dtype} {self.domain}{place}"


@dataclass(frozen=True)
class Settings:
    """What is to be hunted: ``seconds`` for each function, dtype and target; ``exponents`` biased, of both signs."""

    targets: tuple[str, ...]
    functions: tuple[str, ...] = FUNCTIONS
    dtypes: tuple[str, ...] = DTYPES
    seconds: float = 1.0
    exhaustive: bool = False
    exponents: tuple[int, ...] = tuple(range(256))
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True)
class Hunt:
    """A whole run of ``smxcheck hunt``: ``versions`` of what each target needed."""

    settings: Settings
    machine: Mapping[str, Any]
    versions: Mapping[str, Mapping[str, str]]
    entries: tuple[Entry, ...]
    seconds: float = 0.0
