"""Balls that carry their error, and sums of exponentials that know when they are 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import libmp

from smxref.exponentials import Exponentials
from smxref.real import Real, Unbounded, exact_sum, total

BITS = 64
WIDE = 600

numbers = st.floats(-50, 50, allow_nan=False, allow_subnormal=False)
positive = st.floats(1e-3, 50)

_OPERATIONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "sum": (lambda a, b: a + b, lambda a, b: a + b),
    "difference": (lambda a, b: a - b, lambda a, b: a - b),
    "product": (lambda a, b: a * b, lambda a, b: a * b),
    "quotient": (lambda a, b: a / b, lambda a, b: a / b),
    "exp": (lambda a, b: a.exp(), lambda a, b: mpmath.exp(a)),
    "log": (lambda a, b: b.log(), lambda a, b: mpmath.log(b)),
    "log1p": (lambda a, b: b.log1p(), lambda a, b: mpmath.log1p(b)),
    "sqrt": (lambda a, b: b.sqrt(), lambda a, b: mpmath.sqrt(b)),
    "cube": (lambda a, b: a.power(3), lambda a, b: a**3),
}


def _ball(centre: float, radius: float) -> Real:
    return Real(libmp.from_float(centre), libmp.from_float(radius), BITS)


@pytest.mark.parametrize("name", _OPERATIONS)
@given(a=numbers, b=positive, da=st.floats(-1, 1), db=st.floats(-1, 1), width=st.sampled_from([0.0, 2.0**-60, 2.0**-20, 2.0**-12]))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_an_operation_holds_the_result_of_every_number_of_its_balls(
    name: str, a: float, b: float, da: float, db: float, width: float
) -> None:
    """The table in the module's docstring: errors of the operands and the rounding are both covered."""
    on_balls, plain = _OPERATIONS[name]
    answer = on_balls(_ball(a, width), _ball(b, width)).ball()
    with mpmath.workprec(WIDE):
        inside = plain(mpmath.mpf(a) + mpmath.mpf(da) * width, mpmath.mpf(b) + mpmath.mpf(db) * width)
        assert abs(mpmath.mpf(answer.value) - inside) <= mpmath.mpf(answer.error)


@pytest.mark.parametrize("name", _OPERATIONS)
def test_an_exact_operand_costs_one_rounding(name: str) -> None:
    """The error is not wider than two units of 2^(1-P) for each rounding: balls that are too wide would never decide."""
    on_balls, _ = _OPERATIONS[name]
    answer = on_balls(Real.of(0.7, BITS), Real.of(0.3, BITS)).ball()
    roundings = 2 if name in ("quotient", "cube") else 1
    assert 0 <= answer.error <= abs(answer.value) * roundings * 2.0 ** (3 - BITS)


@pytest.mark.parametrize(
    "wide",
    [
        lambda: _ball(0.5, 0.5).inverse(),
        lambda: _ball(0.0, 1e-30).inverse(),
        lambda: _ball(0.5, 0.75).log(),
        lambda: _ball(-1.0, 0.0).log(),
        lambda: _ball(-1.0, 0.0).sqrt(),
        lambda: _ball(0.0, 1.0).exp(),
        lambda: _ball(1e-9, 1e-8).sign,
    ],
)
def test_what_cannot_be_bounded_is_not_answered(wide: Callable[[], object]) -> None:
    with pytest.raises(Unbounded):
        wide()


def test_zero_is_exact_and_absorbs() -> None:
    zero, x = Real.of(0.0, BITS), Real.of(0.1, BITS).exp()
    assert zero.is_zero and zero.sign == 0
    assert (x * zero).is_zero and (zero * x).is_zero
    assert x + zero == x and total([], BITS).is_zero
    assert (-x).sign == -1


def test_infinities_are_no_reals() -> None:
    with pytest.raises(ValueError, match="infinity"):
        Real.of(math.inf, BITS)


@given(st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=6), st.data())
@settings(derandomize=True, deadline=None, max_examples=60)
def test_a_sum_of_exponentials_is_exactly_zero_only_where_its_coefficients_cancel(x: list[float], data: Any) -> None:
    """Lindemann-Weierstrass: Σ c_j e^(x_j) = 0 if and only if the coefficients of every distinct x_j add up to 0."""
    c = data.draw(st.lists(st.integers(-3, 3).map(float), min_size=len(x), max_size=len(x)))
    row = Exponentials.of(x, None, 160)
    answer = row.linear([libmp.from_float(v) for v in c])
    cancels = all(sum(cj for xj, cj in zip(x, c, strict=True) if xj == value) == 0 for value in set(x))
    assert answer.is_zero == cancels
    with mpmath.workprec(WIDE):
        exact = sum(mpmath.mpf(cj) * mpmath.exp(mpmath.mpf(xj) - max(x)) for xj, cj in zip(x, c, strict=True))
        assert abs(mpmath.mpf(answer.ball().value) - exact) <= mpmath.mpf(answer.ball().error)
        assert cancels or answer.sign == mpmath.sign(exact)


def test_counts_stand_for_equal_entries() -> None:
    once = Exponentials.of([0.0, -1.0, -1.0, -1.0], None, 160)
    counted = Exponentials.of([0.0, -1.0], [1, 3], 160)
    for f in (lambda r: r.total, lambda r: r.rest, lambda r: r.probability(1), lambda r: r.without({0: 1})):
        assert abs(f(once).ball().value - f(counted).ball().value) < 1e-40
    one = libmp.fone
    assert (once.linear([one, *[libmp.from_int(2)] * 3]).ball().value
            == pytest.approx(float(counted.linear([one, libmp.from_int(2)]).ball().value), rel=1e-15))  # fmt: skip


def test_absent_entries_have_no_weight() -> None:
    row = Exponentials.of([0.0, -math.inf], None, 160)
    assert row.weights[1].is_zero and row.rest.is_zero
    assert row.linear([libmp.fzero, libmp.fone]).is_zero
    assert row.without({1: 1}).ball().value == 1


def test_shifts_are_exact_over_the_whole_range() -> None:
    """The difference of floats 1e300 and 1e-300 apart is not rounded."""
    row = Exponentials.of([1e300, 1e-300], None, 160)
    assert Fraction(int(row.shifts[1][1])) * Fraction(2) ** row.shifts[1][2] == Fraction(1e300) - Fraction(1e-300)
    assert exact_sum([libmp.from_float(1e300), libmp.from_float(1e-300)]) != libmp.from_float(1e300)


@pytest.mark.parametrize("x", [[], [-math.inf], [math.inf, 0.0], [math.nan]])
def test_rows_without_a_limit_are_refused(x: list[float]) -> None:
    with pytest.raises(ValueError, match=r"limit|nan"):
        Exponentials.of(x, None, 160)
