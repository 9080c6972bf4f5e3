"""Running error analysis: what an operation claims covers what it does in the format itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge.bounds.model import Bound
from smxcheck.judge.bounds.probabilities import complements, of_row, probabilities
from smxcheck.judge.bounds.rows import row_quantities
from smxcheck.judge.bounds.running import SUBNORMAL, Computed, exact, from_bound, larger, lost
from smxcheck.judge.result import Level

LONG = np.longdouble
LEVELS = (Level.TIGHT, Level.STANDARD)

#: In the running arithmetic and, with the same operators, in the format itself or in extended precision.
_PROGRAMS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "sum of products": (lambda a, b: (a * b).total(), lambda a, b: (a * b).sum(axis=-1, keepdims=True)),
    "centred product": (
        lambda a, b: b * (a - (a * b).total()), lambda a, b: b * (a - (a * b).sum(axis=-1, keepdims=True)),
    ),
    "quotient": (lambda a, b: a / (b + b * b), lambda a, b: a / (b + b * b)),
    "exponential": (lambda a, b: (a - b * b).exp() * b, lambda a, b: np.exp(a - b * b) * b),
    "logarithm": (lambda a, b: (b * b + b).log() - a, lambda a, b: np.log(b * b + b) - a),
    "log1p": (lambda a, b: (b * b).log1p() + a * a, lambda a, b: np.log1p(b * b) + a * a),
    "thirds": (lambda a, b: (a * b).scaled(1 / 3) - b.scaled(0.25), lambda a, b: a * b * (a.dtype.type(1) / 3) - b / 4),
}  # fmt: skip


def _inputs(fmt: Format, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(200, 7)) * 2.0 ** rng.uniform(-3, 2, (200, 1))
    b = np.exp(rng.normal(size=(200, 7)))
    return tuple(v.astype(fmt.numpy()) for v in (a, b))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("program", _PROGRAMS)
def test_the_error_of_a_program_is_within_its_running_bound(program: str, dtype: str, level: Level) -> None:
    """Programs of several operations run in the format itself, one rounding each; the exact values in 64 bits.

    An n of 7 is below NumPy's blocks, so that its sums add one after another, which both levels grant.
    """
    fmt = FORMATS[dtype]
    running, plain = _PROGRAMS[program]
    a, b = _inputs(fmt, 1)
    claimed = running(*(exact(v.astype(np.float64), fmt, level) for v in (a, b)))
    got = plain(a, b)
    assert got.dtype == fmt.numpy()
    right = plain(a.astype(LONG), b.astype(LONG))
    spare = 2.0**-60 * np.abs(right)  # what 64 bits themselves lose, a few units at most
    ratio = (np.abs(got.astype(LONG) - right) - spare) / claimed.error
    assert ratio.max() <= 1
    assert ratio.max() > (0.1 if dtype != "float64" else 0.05)  # and the bound is not far above what happens


def test_a_larger_operand_error_gives_a_larger_error() -> None:
    fmt = FORMATS["float32"]
    x = exact(np.array([[0.5, 2.0]]), fmt, Level.TIGHT)
    rough = Computed(x.value, {"given": np.array([[1e-3, 1e-3]])}, fmt, Level.TIGHT)
    for f in (lambda v: v * v, lambda v: v.exp(), lambda v: v.log(), lambda v: v.log1p(), lambda v: x / v, lambda v: v.total()):
        assert (f(rough).error > f(x).error).all()


def test_only_the_standard_level_lets_the_platform_flush() -> None:
    """A result below the normal numbers loses λ at most, all of it where it may be flushed, and never in float16."""
    for name, fmt in FORMATS.items():
        value = np.array([0.0, fmt.smallest_subnormal * 3, 4 * fmt.smallest_normal])
        assert lost(value, fmt, Level.TIGHT).tolist() == [0.0, fmt.smallest_subnormal, 0.0]
        flushed = value[1] if name != "float16" else fmt.smallest_subnormal
        assert lost(value, fmt, Level.STANDARD).tolist() == [0.0, flushed, 0.0]


@pytest.mark.parametrize("dtype", FORMATS)
def test_probabilities_carry_the_bound_of_softmax(dtype: str) -> None:
    """And 1 - p is formed without cancellation: its relative error stays of the order of u beside a dominant entry."""
    fmt = FORMATS[dtype]
    x = np.array([[6.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    p = probabilities(x, fmt, Level.TIGHT)
    assert p.value.sum(axis=1) == pytest.approx(1)
    assert (p.error <= 40 * fmt.u * p.value + fmt.smallest_subnormal).all() and (p.error > 0).all()
    others = complements(row_quantities(x, fmt), fmt, Level.TIGHT)
    assert others.value[0, 0] == pytest.approx(p.value[0, 1:].sum(), rel=1e-12)
    assert (others.error <= 60 * fmt.u * others.value).all()


def test_causes_add_up_and_merge() -> None:
    fmt = FORMATS["float32"]
    bound = Bound({"shift": 3 * fmt.u, "exp": 6 * fmt.u}, {SUBNORMAL: np.array(1e-40)})
    p = from_bound(np.array([0.25, 0.5]), bound, fmt, Level.STANDARD)
    assert p.error == pytest.approx(9 * fmt.u * p.value + 1e-40, rel=1e-5)
    assert p.errors["exp"] == pytest.approx(2 * p.errors["shift"])
    both = larger(p, exact(p.value, fmt, Level.STANDARD))
    assert (both.error == p.error).all()
    row = of_row(row_quantities(np.array([[0.0, -200.0]]), fmt), fmt, Level.STANDARD)
    assert row.errors[SUBNORMAL][0, 1] >= row.value[0, 1]  # e^-200 may be flushed to 0
