"""SMX201: the shape of a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

CODE = "SMX201"

Array = npt.NDArray[Any]


def fit(value: Array, shape: tuple[int, ...]) -> tuple[Array | None, str]:
    """The values in the right shape where only axes of length 1 differ, and what is wrong with the shape ("" if
    nothing is). None where the values cannot be told apart from a wrong shape."""
    if value.shape == shape:
        return value, ""
    complaint = f"shape {value.shape}, right {shape}"
    squeezed = tuple(s for s in value.shape if s != 1)
    if value.size == int(np.prod(shape)) and squeezed == tuple(s for s in shape if s != 1):
        return value.reshape(shape), complaint
    return None, complaint
