"""A number with a bound on its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Estimate:
    """float64 arrays of one shape: |exact - value| ≤ error, element by element; infinite where nothing is known."""

    value: Array
    error: Array

    def better(self, other: Estimate) -> Estimate:
        """Element by element the one with the smaller error."""
        mine = self.error <= other.error
        return Estimate(np.where(mine, self.value, other.value), np.where(mine, self.error, other.error))

    def agrees(self, other: Estimate) -> Array:
        """Where both can be right."""
        with np.errstate(invalid="ignore"):
            close: Array = np.abs(self.value - other.value) <= self.error + other.error
        return close
