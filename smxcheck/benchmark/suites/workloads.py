"""The arrays that the functions are timed on: short and long rows, another axis, a strided view, a ladder of lengths."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Standard normals times this: logits of a trained classifier span about as much.
_SPREAD = 3.0
#: ``quick`` leaves one in so many rows, or so much of a single row.
_QUICK = 4


@dataclass(frozen=True)
class Workload:
    """An array of normals; every ``step``-th column of it where that is not 1. Reduced along ``axis``."""

    shape: tuple[int, int]
    axis: int = -1
    step: int = 1

    @property
    def name(self) -> str:
        """``(4096, 2000)[:, ::2]``, ``(1000, 4096) axis 0``."""
        view = f"[:, ::{self.step}]" if self.step > 1 else ""
        return f"{self.shape}{view}" + (f" axis {self.axis}" if self.axis != -1 else "")

    @property
    def n(self) -> int:
        """The length of what is normalised."""
        return self.shape[self.axis] // (self.step if self.axis == -1 else 1)

    def array(self, dtype: str) -> Array:
        """The same numbers in every run: normals of one seed, rounded to ``dtype``."""
        values = _SPREAD * np.random.default_rng(math.prod(self.shape)).standard_normal(self.shape)
        return values.astype(dtype)[:, :: self.step]

    def quick(self) -> Workload:
        """The same row length with fewer rows; a single row is shortened."""
        short = list(self.shape)
        which = 1 if self.axis == 0 or self.shape[0] == 1 else 0
        short[which] = max(1, short[which] // _QUICK)
        return replace(self, shape=(short[0], short[1]))


SHAPES = (
    Workload((100_000, 10)), Workload((20_000, 100)), Workload((4096, 1000)), Workload((64, 50_257)),
    Workload((1, 1 << 22)), Workload((1000, 4096), axis=0), Workload((4096, 2000), step=2),
)  # fmt: skip
#: Row lengths from 2 to 2^16, 2^20 elements each.
LADDER = tuple(Workload(((1 << 20) // n, n)) for n in (2, 4, 16, 64, 256, 1024, 4096, 65_536))


def workloads(*, quick: bool, ladder: bool) -> tuple[Workload, ...]:
    """What a run measures."""
    chosen = SHAPES + (LADDER if ladder else ())
    return tuple(w.quick() for w in chosen) if quick else chosen
