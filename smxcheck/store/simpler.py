"""Which number is simpler than another, and the simple numbers near one.

Fewer significant digits are simpler; of as many, the smaller number is; of as large, the positive one. A power of two
counts as two digits, whatever its decimal has: its bits are simple.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Where an argument's values may lie: its function means nothing elsewhere.
DOMAINS = {"p": (0.0, 1.0), "q": (0.0, 1.0), "y": (0.0, 1.0), "log_probabilities": (-math.inf, 0.0)}
_BACKWARD = {"softmax_backward": (0.0, 1.0), "log_softmax_backward": (-math.inf, 0.0)}
#: Roundings to so many significant digits are tried.
_DIGITS = (1, 2, 3)


def domain(function: str, argument: str) -> tuple[float, float]:
    """Between which numbers the values of an argument lie."""
    if argument == "output":
        return _BACKWARD.get(function, (-math.inf, math.inf))
    return DOMAINS.get(argument, (-math.inf, math.inf))


def cost(value: Any) -> tuple[int, float, bool]:
    """Less is simpler."""
    number = float(value)
    if number == 0 or not math.isfinite(number):
        return (0 if number == 0 else 1, 0.0 if number == 0 else math.inf, math.copysign(1.0, number) < 0)
    digits = len(str(value).lstrip("-").split("e")[0].replace(".", "").strip("0"))
    if math.frexp(abs(number))[0] == 0.5:
        digits = min(digits, 2)
    return digits, abs(number), number < 0


def candidates(value: Any, between: tuple[float, float]) -> list[Any]:
    """Simpler numbers of the same dtype, the simplest first."""
    kind = np.asarray(value).dtype.type
    number = float(value)
    wished = [0.0, 1.0, -1.0]
    if math.isfinite(number) and number:
        wished += [float(round(number)), math.copysign(2.0 ** round(math.log2(abs(number))), number)]
        wished += [float(f"{number:.{d - 1}e}") for d in _DIGITS]
    found = {}
    with np.errstate(over="ignore", under="ignore"):
        for wish in wished:
            made = kind(wish)
            if math.isfinite(float(made)) and between[0] <= float(made) <= between[1] and cost(made) < cost(value):
                found[float(made)] = made
    return sorted(found.values(), key=cost)


def rounded(values: Array, digits: int) -> Array:
    """Every finite entry to so many significant digits; integers with 0."""
    wide = values.astype(np.float64)
    out = [v if not math.isfinite(v) else float(round(v)) if digits == 0 else float(f"{v:.{digits - 1}e}") for v in wide.flat]
    with np.errstate(over="ignore"):
        made = np.array(out, np.float64).reshape(values.shape).astype(values.dtype)
    return np.where(np.isfinite(made.astype(np.float64)), made, values).astype(values.dtype)
