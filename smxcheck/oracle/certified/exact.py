"""Error-free transformations: the rounding error of one operation, as a number.

Every function returns (result, error) with result + error equal to the exact value, whatever the numbers, as long as
IEEE 754 binary64 rounds to nearest and nothing over- or underflows; what underflow costs is said where it can happen.
NumPy rounds after every ufunc call, so that no compiler can fuse or reorder what these sequences rely on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Unit roundoff of float64.
U = 2.0**-53
#: Splits 53 bits into two halves of 26 (Veltkamp).
SPLITTER = 2.0**27 + 1


def two_sum(a: Any, b: Any) -> tuple[Array, Array]:
    """fl(a + b) and its error, exact for every a and b whose sum is finite (Knuth, TAOCP 2, 4.2.2)."""
    s = a + b
    part = s - a
    return s, (a - (s - part)) + (b - part)


def fast_two_sum(a: Any, b: Any) -> tuple[Array, Array]:
    """The same in three operations, for |a| ≥ |b| or a = 0 (Dekker, Numer. Math. 18, 1971)."""
    s = a + b
    return s, b - (s - a)


def split(a: Any) -> tuple[Array, Array]:
    """a = high + low, 26 bits each (Veltkamp); overflows to nan above 2^996."""
    t = SPLITTER * a
    high = t - (t - a)
    return high, a - high


def two_product(a: Any, b: Any) -> tuple[Array, Array]:
    """fl(a·b) and its error (Dekker 1971). Exact where 2^-969 ≤ |a·b| or a·b = 0; otherwise wrong by at most 2^-1070.

    nan above 2^996, which no bound that is made from it survives.
    """
    p = a * b
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low
