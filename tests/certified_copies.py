"""Copies of the certified arithmetic with one change, to show that a change is noticed."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import smxcheck.oracle.certified as package
from smxcheck.oracle.certified.constants import constants

from .certified_exact import MP, exact_row, number, used, used_by
from .certified_exact import log1p as exact_log1p

FOLDER = Path(package.__file__).parent
#: In the order in which one imports the other.
MODULES = ("exact", "constants", "exponential", "ball", "logarithm", "softmax")


def copy(
    changes: dict[str, tuple[str, str]] | None = None, constant: Callable[[Any], Any] = lambda c: c
) -> SimpleNamespace:
    """The modules made anew from their text, one passage of a module replaced, or the constants changed."""
    changes = changes or {}
    with pytest.MonkeyPatch.context() as patch:
        made: dict[str, ModuleType] = {}
        for name in MODULES:
            full = f"{package.__name__}.{name}"
            made[name] = ModuleType(full)
            patch.setitem(sys.modules, full, made[name])
            exec(_compiled(name, *changes.get(name, ())), made[name].__dict__)
            if name == "constants":
                made[name].__dict__["constants"] = functools.cache(lambda: constant(constants()))
    return SimpleNamespace(**made)


@functools.cache
def _compiled(name: str, old: str = "", new: str = "") -> Any:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    if old:
        assert text.count(old) == 1, f"{name}.py: {text.count(old)} times {old!r}"
        text = text.replace(old, new)
    return compile(text, f"{name}.py", "exec")


def flipped(field: str, index: int) -> Callable[[Any], Any]:
    """The constants with the last bit of one number changed."""

    def change(c: Any) -> Any:
        value = getattr(c, field)
        numbers = np.atleast_1d(np.array(value, np.float64))
        numbers[index] = np.nextafter(numbers[index], np.inf)
        if isinstance(value, float):
            return dataclasses.replace(c, **{field: float(numbers[0])})
        return dataclasses.replace(c, **{field: numbers if isinstance(value, np.ndarray) else tuple(numbers.tolist())})

    return change


# What must hold, on fixed inputs --------------------------------------------------------------


def holds(code: Any) -> bool:
    """Whether constants are what they should be and every enclosure on the fixed inputs holds its exact value."""
    with np.errstate(all="ignore"):
        return all(check(code) for check in (_constants, _softmax, _logarithms, _exp_single, _exp_double, _balls))


@functools.cache
def exact_powers() -> tuple[np.ndarray, np.ndarray]:
    """2^(j/4096), correctly rounded, and what that lost, correctly rounded."""
    values = [MP.mpf(2) ** (MP.mpf(j) / 4096) for j in range(4096)]
    high = np.array([float(v) for v in values])
    return high, np.array([float(v - number(h)) for v, h in zip(values, high, strict=True)])


def leading_parts(value: Any, bits: tuple[int, ...]) -> list[float]:
    """The leading bits of a number, then those of what is left, by truncation."""
    parts = []
    for count in bits:
        scale = MP.mpf(2) ** (count - 1 - MP.floor(MP.log(value, 2)))
        part = MP.floor(value * scale) / scale
        parts.append(float(part))
        value -= part
    return [*parts, float(value)]


def _constants(code: Any) -> bool:
    c, step = code.constants.constants(), MP.log(2) / 4096
    high, low = exact_powers()
    heads = leading_parts(step, (29, 29))
    return (
        np.array_equal(c.power, high)
        and np.array_equal(c.power_low, low)
        and np.array_equal(high - c.power_high_half, c.power_low_half)
        and np.array_equal(np.rint(c.power_high_half * 2.0**25), c.power_high_half * 2.0**25)
        and [*c.step_heads, c.step_tail] == heads
        and list(c.step_parts) == leading_parts(step, (53, 53, 53))[:3]
        and list(c.ln2_parts) == leading_parts(MP.log(2), (53, 53, 53))[:3]
        and c.inverse_step == float(1 / step)
    )


@functools.cache
def near_arguments() -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """(d, e) at the seams of the table and between them, up to NEAR, and exp(d + e)."""
    rng, c = np.random.default_rng(1), np.log(2) / 4096
    n = np.concatenate([np.arange(-20, 21), rng.integers(-16_546_000, 700_000, 60), [-16_546_014]])
    seams = [n * c, (n + 0.5) * c, (n - 0.4999999) * c, -rng.uniform(0, 2799, len(n)), 0.4999 * c * rng.uniform(-1, 1, len(n))]
    d = np.clip(np.concatenate(seams), -2799.99, 2799.99)
    e = 0.5 * np.spacing(np.abs(d)) * rng.uniform(-1, 1, len(d)) * rng.integers(0, 2, len(d))
    return d, e, _exact_exp(d, e)


@functools.cache
def far_arguments() -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """The same up to FARTHEST."""
    rng, c = np.random.default_rng(2), np.log(2) / 4096
    n = np.concatenate([rng.integers(-(2**42), -(2**24), 60), -(2 ** np.arange(24, 43))])
    d = np.concatenate([n * c, (n + 0.5) * c, [-2800.0, -2800.0000001, -744261118.0, -1e-4, 0.0]])
    d = np.maximum(d, -744261118.0)
    e = 0.5 * np.spacing(np.abs(d)) * rng.uniform(-1, 1, len(d))
    return d, e, _exact_exp(d, e)


def _exact_exp(d: np.ndarray, e: np.ndarray) -> list[Any]:
    return [MP.exp(number(a) + number(b)) for a, b in zip(d, e, strict=True)]


def shares_of_exp(code: Any, d: np.ndarray, e: np.ndarray, right: list[Any]) -> np.ndarray:
    """How much of the bound for its own argument each exponential uses."""
    h, low, n = code.exponential.exp_double(d, e)
    bound = [code.exponential.relative_error_double(abs(float(v))) for v in d]
    got = [MP.ldexp(number(a) + number(b), int(k)) for a, b, k in zip(h, low, n, strict=True)]
    return np.array([used(g - y, b * y) for g, y, b in zip(got, right, bound, strict=True)])


def _exp_double(code: Any) -> bool:
    near, far = shares_of_exp(code, *near_arguments()), shares_of_exp(code, *far_arguments())
    return bool(near.max() <= 1 and far.max() <= 1)


def shares_of_single(code: Any, d: np.ndarray, right: list[Any]) -> np.ndarray:
    """The same in float64, for arguments without an error of their own."""
    out = d.copy()
    code.exponential.exp_single(out, np.empty_like(d), np.empty_like(d), np.empty(d.shape, np.int64))
    u = 2.0**-53
    bound = [code.exponential.relative_error_single(abs(float(v))) - u * abs(float(v)) for v in d]
    return np.array([used(number(g) - y, b * y) for g, y, b in zip(out, right, bound, strict=True)])


@functools.cache
def single_arguments() -> tuple[np.ndarray, list[Any]]:
    d = near_arguments()[0]
    d = d[(d >= -680) & (d <= 0)]
    return d, _exact_exp(d, 0 * d)


def _exp_single(code: Any) -> bool:
    return bool(shares_of_single(code, *single_arguments()).max() <= 1)


def random_balls(code: Any, count: int, seed: int, inexact: bool) -> Any:
    """Balls of 106 bits, exact or with a bound between 2^-110 and 2^-3 of their size."""
    rng = np.random.default_rng(seed)
    hi = rng.uniform(1, 2, count) * rng.choice([-1.0, 1.0], count) * 2.0 ** rng.integers(-3, 4, count)
    lo = 0.5 * np.spacing(np.abs(hi)) * rng.uniform(-0.999, 0.999, count)
    return code.ball.Ball(hi, lo, np.abs(hi) * 2.0 ** rng.choice([-110, -80, -20, -5, -3], count) * inexact)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
}  # fmt: skip


def shares_of_operation(name: str, a: Any, b: Any) -> np.ndarray:
    """How much of the bound is used at the worst of the corners of the operands, in exact rational arithmetic."""
    operation = OPERATIONS[name]
    result = operation(a, b)

    def corners(x: Any, i: int) -> list[Fraction]:
        middle, err = Fraction(float(x.hi[i])) + Fraction(float(x.lo[i])), Fraction(float(x.err[i]))
        return [middle - err, middle + err]

    shares = []
    for i in range(len(a.hi)):
        got = Fraction(float(result.hi[i])) + Fraction(float(result.lo[i]))
        bound = Fraction(float(result.err[i])) * (1 + Fraction(1, 2**30))
        worst = max(abs(operation(x, y) - got) for x in corners(a, i) for y in corners(b, i))
        shares.append(used(worst, bound))
    return np.array(shares)


def _balls(code: Any) -> bool:
    for inexact in (False, True):
        a, b = random_balls(code, 30, 3, inexact), random_balls(code, 30, 4, inexact)
        plain = code.ball.Ball(a.hi, a.lo, 0 * a.err)
        for name in OPERATIONS:
            pairs = [(a, b), (plain, b), (b, plain)]
            if any(shares_of_operation(name, x, y).max() > 1 for x, y in pairs):
                return False
    return True


def shares_of_function(result: Any, right: list[Any]) -> np.ndarray:
    """How much of its bound each ball uses; one without a bound uses nothing."""
    inflated = 1 + MP.mpf(2) ** -30
    return np.array([
        used(number(h) + number(low) - y, number(err) * inflated) if err < np.inf else 0.0
        for h, low, err, y in zip(result.hi, result.lo, result.err, right, strict=True)
    ])  # fmt: skip


@functools.cache
def logarithm_arguments() -> tuple[np.ndarray, np.ndarray, list[Any], list[Any]]:
    """s and x with log1p(s) and log(x)."""
    rng = np.random.default_rng(5)
    small = rng.choice([-1.0, 1.0], 60) * 2.0 ** rng.uniform(-40, -8, 60)
    s = np.concatenate([small, [2.0**-8, -(2.0**-8), 0.004, -0.0039], rng.uniform(-0.49, 3, 40)])
    x = np.concatenate([2.0 ** rng.uniform(-890, 890, 60), rng.uniform(0.5, 2, 20)])
    return s, x, [exact_log1p(number(v)) for v in s], [MP.log(number(v)) for v in x]


def _logarithms(code: Any) -> bool:
    s, x, log1p, log = logarithm_arguments()
    of = code.logarithm
    results = [(of.log1p(code.ball.ball(s)), log1p), (of.log(code.ball.ball(x)), log), (of.log_of_float(x), log)]
    n = np.array([1.0, -3.0, 1074.0, 2.0**26 - 1])
    results.append((of.integer_times_ln2(n), [number(v) * MP.log(2) for v in n]))
    narrow = all((np.asarray(r.err) <= 2.0**-83 * np.abs(r.hi)).all() for r, _ in results)
    return bool(narrow and all(shares_of_function(r, y).max() <= 1 for r, y in results))


@functools.cache
def softmax_rows() -> list[tuple[np.ndarray, Any]]:
    """Rows in which each part of the sum and of the quotient matters, and their exact values."""
    rng = np.random.default_rng(6)
    long = np.repeat(np.append(rng.uniform(-27.5, -26.5, 63), 0.0), np.append(np.full(63, 65), 1))
    rows = [rng.normal(size=7) * 10, rng.uniform(-5, 0, 200), long, np.concatenate([long, rng.choice(long, 6000)])]
    for bits in (77, 49):  # just too small to be split by a grid of a piece, or of a row of 10^8 entries
        rows.append(np.append(np.log(0.97 * 2.0**-bits) + rng.choice(np.arange(32) * 1e-4, 4095), 0.0))
    return [(x, exact_row(x)) for x in rows]


def _softmax(code: Any) -> bool:
    for x, row in softmax_rows():
        some = range(0, len(x), max(1, len(x) // 40))
        wide = code.softmax.double(x[None])
        narrow, covered = code.softmax.single(x[None])
        if not covered.all():
            return False
        for e in (wide, narrow):
            if max(used_by(e, (0, i), row.softmax(i)) for i in some) > 1:
                return False
    return True
