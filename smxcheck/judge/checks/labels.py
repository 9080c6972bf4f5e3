"""SMX401: a label out of range must be refused: an error, or nan where that is the target's declared choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

CODE = "SMX401"
CHOICE = "label-out-of-range"

Array = npt.NDArray[Any]


def answer(value: Array | None) -> str:
    """"raise" for an error (None), "nan" where a NaN came out, "other" for a plausible number."""
    if value is None:
        return "raise"
    return "nan" if bool(np.isnan(np.asarray(value).astype(np.float64)).any()) else "other"
