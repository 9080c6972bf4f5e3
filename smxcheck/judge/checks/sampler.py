"""SMX109: draws from a distribution, judged by how often each class is drawn.

A right sampler draws a class of probability p nearly p·N times of N. How far a frequency may be off is what
`smxcheck.judge.bounds.sampling` derives from Bernstein's inequality, for all classes and rows of an input together: a
right sampler fails one input with probability at most `FALSE_ALARM`. Only frequencies are looked at: draws that depend on
each other but come as often as they should pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import KEYWORD_DEFAULTS
from smxcheck.judge.bounds import Bound
from smxcheck.judge.bounds.sampling import FALSE_ALARM
from smxcheck.judge.checks import shape
from smxcheck.oracle.enclosure import Expected, Kind

CODE = "SMX109"
FUNCTION = "gumbel_max_sample"

Array = npt.NDArray[Any]


#: Classes that are off by this share of each other or less are equally far off, and the first is told.
_EQUAL = 2.0**-20


@dataclass(frozen=True)
class Finding:
    """What was found about one call: ``right`` is None where a row has no distribution. ``frequency`` are the shares of
    the draws, (…, n), where the values are class indices of the right shape."""

    check: str
    right: bool | None
    message: str
    frequency: Array | None = None
    index: tuple[int, ...] = ()


def frequencies(values: Array, classes: int) -> Array | None:
    """Draws (…, N) as shares (…, n) of each class. None where a value is no class index."""
    drawn = np.asarray(values, np.float64)
    if drawn.ndim == 0 or drawn.shape[-1] == 0 or not np.isin(drawn, np.arange(classes)).all():
        return None
    rows = drawn.astype(np.int64).reshape(-1, drawn.shape[-1])
    shares = np.stack([np.bincount(row, minlength=classes) for row in rows]) / drawn.shape[-1]
    return np.asarray(shares.reshape(*drawn.shape[:-1], classes))


def judge(values: Array, expected: Expected, keywords: Mapping[str, Any], bound: Bound) -> Finding:
    """The draws that one call returned against the distribution ``expected``."""
    count = int({**KEYWORD_DEFAULTS, **keywords}["draws"])
    wanted, classes = (*expected.shape[:-1], count), expected.shape[-1]
    if values.shape != wanted:
        return Finding(shape.CODE, False, f"shape {values.shape}, right {wanted}")
    frequency = frequencies(values, classes)
    if frequency is None:
        return Finding(CODE, False, _stranger(values, classes))
    if not np.isin(expected.kind, (Kind.VALUE, Kind.VALUE_OR_NAN)).all():
        return Finding(CODE, None, "", frequency)
    probability = expected.enclosure.float64()
    allowed = np.broadcast_to(bound.total_absolute(), probability.shape)
    off = np.abs(frequency - probability)
    ratio = np.where(allowed > 0, off / np.where(allowed > 0, allowed, 1.0), np.where(off > 0, np.inf, 0.0))
    worst = int(np.argmax(ratio >= ratio.max() * (1 - _EQUAL)))  # of two classes both are equally far off
    index = tuple(int(i) for i in np.unravel_index(worst, ratio.shape))
    shares = (float(v[index]) for v in (frequency, probability, allowed))
    return Finding(CODE, bool(ratio[index] <= 1), _sentence(index, count, *shares), frequency, index)


def _sentence(index: tuple[int, ...], count: int, frequency: float, probability: float, allowed: float) -> str:
    row = f" of row {', '.join(map(str, index[:-1]))}" if len(index) > 1 else ""
    return (
        f"class {index[-1]}{row} came {frequency * count:,.0f} times in {count:,} draws,"
        f" {probability * count:,.1f} ± {allowed * count:,.1f} are right"
        f" (a right sampler is further off in at most one of {1 / FALSE_ALARM:,.0f} runs)"
    )


def _stranger(values: Array, classes: int) -> str:
    drawn = np.asarray(values, np.float64).reshape(-1)
    if drawn.size == 0:
        return "there are no draws"
    return f"{drawn[~np.isin(drawn, np.arange(classes))][0]:g} was drawn, which is none of the classes 0 to {classes - 1}"
