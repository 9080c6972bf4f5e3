"""allclose against a float64 reference, at the tolerances that three libraries publish.

- torch.testing.assert_close: |a - e| ≤ atol + rtol·|e| with rtol 1.3e-6 for float32, 1e-3 for float16, 1.6e-2 for bfloat16
  and atol 1e-5, nan unequal, dtypes and shapes equal (https://docs.pytorch.org/docs/stable/testing.html);
- numpy.testing.assert_allclose: rtol 1e-7, atol 0, nan equal (its reference page in NumPy's manual);
- KernelBench (ScalingIntelligence/KernelBench, as of March 2026): torch.allclose with rtol = atol = 1e-4
  in float32 and 1e-2 in float16, inputs uniform in [0, 1), for the functions that its level 1 has a task for.

The inputs of the first two are standard normal numbers, which is what tests draw. What is right is computed in float64 by
`smxcheck.functions`, from the same rounded inputs, and rounded to the dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from smxcheck import functions as right
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.selftest.inputs import Draw, cast, draw_call, normals
from smxcheck.selftest.results import Rival
from smxcheck.selftest.rivals_asked import Array, Call, all_accepted, exists_in, score
from smxcheck.selftest.subjects import Subject

#: (shape, axis) of the calls on normals; the answers of the second kind hold the square or cube of a row.
_SHAPES = (((8,), -1), ((4, 6), -1), ((2, 3, 5), -1), ((4, 6), 0), ((16, 256), -1))
_SMALL = (((6,), -1), ((3, 5), -1))
#: KernelBench asks for softmax of (4096, 393216): rows, which change nothing, and entries are fewer here, so that a run
#: takes seconds; 1/16384 is below the tolerance of float32 as 1/393216 is. The 4096 classes are this replica's own choice.
_KERNELBENCH = {"softmax": 16384, "log_softmax": 16384, "sigmoid": 16384, "kl_divergence": 16384, "cross_entropy": 4096}
_ROWS = 2


@dataclass(frozen=True)
class Tolerance:
    """What counts as close. ``strict`` wants an array of the same shape and dtype; without it nan equals nan."""

    rtol: float
    atol: float
    strict: bool

    def close(self, got: Any, expected: Array) -> bool:
        """|got - expected| ≤ atol + rtol·|expected|, and infinities equal."""
        if self.strict and not isinstance(got, np.ndarray | np.generic):
            return False
        try:
            a = np.asarray(got)
            a64 = a.astype(np.float64)
        except (TypeError, ValueError):
            return False
        if a.shape != expected.shape or (self.strict and a.dtype != expected.dtype):
            return False
        e64 = expected.astype(np.float64)
        with np.errstate(all="ignore"):
            near = np.abs(a64 - e64) <= self.atol + self.rtol * np.abs(e64)
        fits = np.where(np.isfinite(e64) & np.isfinite(a64), near, a64 == e64)
        return bool(np.all(fits | (np.isnan(a64) & np.isnan(e64) & (not self.strict))))


@dataclass(frozen=True)
class Plan:
    """One rival of this kind: which dtypes at which tolerance, for which functions, on which calls."""

    name: str
    what: str
    tolerances: dict[str, Tolerance]
    calls: Callable[[str, str, int], tuple[Call, ...]]
    functions: Collection[str] = ()

    def accepts(self, subject: Subject, seed: int) -> bool | None:
        if (self.functions and subject.function not in self.functions) or subject.function == "gumbel_max_sample":
            return None  # what is drawn by chance has no array to compare with
        verdicts = [
            all_accepted(subject, self.calls(subject.function, dtype, seed), tolerance.close)
            for dtype, tolerance in self.tolerances.items()
            if exists_in(subject, dtype)
        ]
        told = [v for v in verdicts if v is not None]
        return all(told) if told else None


def expected(function: str, arguments: tuple[Array, ...], keywords: dict[str, Any], dtype: str) -> Array:
    """The function in float64 of the arguments as they are rounded, in ``dtype``."""
    with np.errstate(all="ignore"):
        return np.asarray(getattr(right, function)(*cast(arguments, np.float64), **keywords)).astype(FORMATS[dtype].numpy())


def _call(function: str, dtype: str, rng: np.random.Generator, shape: tuple[int, ...], draw: Draw, **more: Any) -> Call:
    arguments, keywords = draw_call(function, rng, shape, draw)
    arguments, keywords = cast(arguments, FORMATS[dtype].numpy()), keywords | more
    return Call(arguments, keywords, expected(function, arguments, keywords, dtype))


@cache
def calls_on_normals(function: str, dtype: str, seed: int) -> tuple[Call, ...]:
    """Calls on standard normal numbers: `_SHAPES`, along the first axis where the function takes one; losses with each
    reduction."""
    rng, entry = np.random.default_rng(seed), FUNCTIONS[function]
    if entry.shape in ("jacobian", "hessian", "wide"):
        return tuple(_call(function, dtype, rng, shape, normals) for shape, _ in _SMALL)
    out = []
    for shape, axis in _SHAPES:
        labelled = "labels" in entry.arguments
        if (axis == 0 and ("axis" not in entry.keywords or labelled)) or (len(shape) == 1 and labelled):
            continue
        out.append(_call(function, dtype, rng, shape, normals, **({"axis": 0} if axis == 0 else {})))
    if "reduction" in entry.keywords:
        out += [_call(function, dtype, rng, (4, 6), normals, reduction=r) for r in ("none", "sum")]
    return tuple(out)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.uniform(size=shape)


@cache
def calls_on_uniforms(function: str, dtype: str, seed: int) -> tuple[Call, ...]:
    """One call on numbers uniform in [0, 1), of a function that KernelBench has a task for."""
    return (_call(function, dtype, np.random.default_rng(seed), (_ROWS, _KERNELBENCH[function]), _uniform),)


def _close_to(rtol: float, atol: float = 1e-5, strict: bool = True) -> Tolerance:
    return Tolerance(rtol, atol, strict)


_NORMALS = "on standard normal numbers of five shapes, against float64"
_RAND = "on numbers uniform in [0, 1), shape (2, 16384) in place of (4096, 393216), against float64"

PLANS: tuple[Plan, ...] = (
    Plan("torch assert_close, float32", f"rtol 1.3e-6, atol 1e-5 {_NORMALS}", {"float32": _close_to(1.3e-6)}, calls_on_normals),
    Plan("torch assert_close, 16 bits", f"rtol 1e-3 (float16), 1.6e-2 (bfloat16), atol 1e-5 {_NORMALS}",
         {"float16": _close_to(1e-3), "bfloat16": _close_to(1.6e-2)}, calls_on_normals),
    Plan("NumPy assert_allclose, float64", f"rtol 1e-7, atol 0 {_NORMALS}",
         {"float64": _close_to(1e-7, 0.0, strict=False)}, calls_on_normals),
    Plan("NumPy assert_allclose, float32", f"rtol 1e-7, atol 0 {_NORMALS}",
         {"float32": _close_to(1e-7, 0.0, strict=False)}, calls_on_normals),
    Plan("like KernelBench, float32", f"rtol = atol = 1e-4 {_RAND}", {"float32": _close_to(1e-4, 1e-4)},
         calls_on_uniforms, tuple(_KERNELBENCH)),
    Plan("like KernelBench, float16", f"rtol = atol = 1e-2 {_RAND}", {"float16": _close_to(1e-2, 1e-2)},
         calls_on_uniforms, tuple(_KERNELBENCH)),
)  # fmt: skip


def check_allclose(seed: int, functions: Collection[str]) -> tuple[Rival, ...]:
    """Every plan's score."""
    return tuple(score(p.name, p.what, lambda s, p=p: p.accepts(s, seed), functions) for p in PLANS)  # type: ignore[misc]
