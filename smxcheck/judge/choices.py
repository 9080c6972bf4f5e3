"""Choices: what a target does where no limit exists. Declared by the user or observed, never wrong by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.enclosure import Expected, Kind

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Choice:
    """A question without a single right answer, and the answers that a user can declare with --expect."""

    name: str
    question: str
    answers: tuple[str, ...]
    one_convention: bool = True  # the answer must be the same everywhere; else it may depend on the input


CHOICES: dict[str, Choice] = {
    c.name: c
    for c in (
        Choice("all-masked", "a row of -inf", ("nan", "zero", "uniform", "minus-inf")),
        Choice("plus-inf", "one +inf in a row", ("nan", "limit", "partly-nan")),
        Choice("plus-inf-ties", "several +inf in a row", ("nan", "limit", "partly-nan")),
        Choice("plus-inf-alone", "a row that is a single +inf", ("nan", "limit")),
        Choice("empty-mean", "the mean over no rows", ("nan", "zero")),
        Choice("empty-row", "the entropy of an empty row", ("nan", "zero")),
        Choice("all-masked-derivative", "the derivative at a row of -inf", ("nan", "zero")),
        Choice("plus-inf-derivative", "the derivative at +inf", ("nan", "zero"), one_convention=False),
        Choice("infinite-argument", "an infinity where no limit exists", ("nan", "zero"), one_convention=False),
        Choice("zero-over-zero", "0/0 of a finite row", ("nan", "zero", "uniform"), one_convention=False),
        Choice("int64-input", "what 64-bit integers become", ("float64", "float32")),
        Choice("int32-input", "what 32-bit integers become", ("float64", "float32")),
        Choice("label-out-of-range", "a label out of range", ("raise", "nan")),
    )
}


def observe(name: str, got: Array, mask: Array, expected: Expected, right: bool) -> str:
    """Which answer the elements of one choice show; "other" for none of the known ones.

    ``right`` says whether the elements that have a limit were judged right.
    """
    values = np.asarray(got).astype(np.float64)[mask]
    nan = np.isnan(values)
    if nan.all():
        return "nan"
    if name.startswith("plus-inf") and CHOICES[name].one_convention:
        limits = expected.kind[mask] != Kind.FREE
        if nan.any():
            return "partly-nan" if right else "other"
        return "limit" if right and (bool(limits.any()) or bool(np.isin(values, (0, 1, np.inf)).all())) else "other"
    if (values == 0).all():
        return "zero"
    if (values == -np.inf).all():
        return "minus-inf"
    return "uniform" if _is_uniform(values, got.shape, mask) else "other"


def _is_uniform(values: Array, shape: tuple[int, ...], mask: Array) -> bool:
    """All equal, and 1/n, -log n or log n for some axis length n of the result: what a uniform row gives."""
    if not np.isfinite(values).all() or not (values == values.flat[0]).all():
        return False
    v = float(values.flat[0])
    lengths = [n for n in shape if n > 1] or [1]
    return any(abs(v - t) <= 2.0**-6 * abs(t) for n in lengths for t in (1 / n, -np.log(n), np.log(n)))


def parse_expectations(texts: tuple[str, ...]) -> dict[str, str]:
    """``all-masked=zero`` -> mapping. Raises ValueError with the remedy."""
    out: dict[str, str] = {}
    for text in texts:
        name, _, answer = text.partition("=")
        if name not in CHOICES:
            raise ValueError(f"--expect {text}: no choice named {name}; there are {', '.join(CHOICES)}")
        if answer not in CHOICES[name].answers:
            raise ValueError(f"--expect {text}: {name} is one of {', '.join(CHOICES[name].answers)}")
        out[name] = answer
    return out


def sentence(name: str, answers: Mapping[str, int]) -> str:
    """"a row of -inf" -> "nan, always", or the answers with their counts."""
    if len(answers) == 1:
        return f"{next(iter(answers))}, always"
    return ", ".join(f"{a} ({n}x)" for a, n in sorted(answers.items(), key=lambda kv: -kv[1]))
