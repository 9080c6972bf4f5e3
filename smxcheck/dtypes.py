"""The four floating-point formats, as exact integers and floats; NumPy only where an array type is asked for.

Notation (IEEE 754): precision p (bits of the significand, the hidden one included), e_min and e_max the exponents
of the smallest and largest normal number 2^e · 1.f, unit roundoff u = 2^-p, smallest subnormal λ = 2^(e_min - p + 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Format:
    """A binary floating-point format."""

    name: str
    precision: int
    e_min: int
    e_max: int

    @property
    def u(self) -> float:
        """Unit roundoff 2^-p: half the gap above 1."""
        return 2.0**-self.precision

    @property
    def smallest_normal(self) -> float:
        return 2.0**self.e_min

    @property
    def smallest_subnormal(self) -> float:
        """λ = 2^(e_min - p + 1)."""
        return 2.0 ** (self.e_min - self.precision + 1)

    @property
    def largest(self) -> float:
        """(2 - 2^(1-p)) · 2^e_max."""
        return (2.0 - 2.0 ** (1 - self.precision)) * 2.0**self.e_max

    @property
    def is_16_bit(self) -> bool:
        return self.name in ("float16", "bfloat16")

    def numpy(self) -> Any:
        """The NumPy dtype; bfloat16 is that of ml_dtypes."""
        import numpy as np

        if self.name == "bfloat16":
            import ml_dtypes

            return np.dtype(ml_dtypes.bfloat16)
        return np.dtype(self.name)


#: Every format that smxcheck knows, by NumPy's name.
FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("float16", precision=11, e_min=-14, e_max=15),
        Format("bfloat16", precision=8, e_min=-126, e_max=127),
        Format("float32", precision=24, e_min=-126, e_max=127),
        Format("float64", precision=53, e_min=-1022, e_max=1023),
    )
}

#: What is checked when the user does not say.
DEFAULT_DTYPES = ("float32", "float64")
