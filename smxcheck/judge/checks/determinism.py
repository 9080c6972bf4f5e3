"""SMX207: the same call twice gives the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

CODE = "SMX207"

Array = npt.NDArray[Any]


def complaint(first: Array, second: Array) -> str:
    """How far two results of the same call are apart, "" where their bits agree."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return f"first {first.dtype}{first.shape}, then {second.dtype}{second.shape}"
    if first.tobytes() == second.tobytes():
        return ""
    a, b = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(all="ignore"):
        differ = (a != b) & ~(np.isnan(a) & np.isnan(b))
        scale = np.maximum(np.abs(a), np.abs(b))
        relative = np.max(np.where(differ & (scale > 0), np.abs(a - b) / np.where(scale > 0, scale, 1), 0), initial=0)
    return f"{int(differ.sum())} of {a.size} elements differ between two calls, by up to {relative:.1e} relative"
