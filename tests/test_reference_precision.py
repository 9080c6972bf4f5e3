"""Choosing and raising the precision, packing into floats, printing; and that smxref depends on mpmath alone."""

from __future__ import annotations

import ast
import doctest
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import MPContext, libmp

import smxref
from smxref import Ball, decimal_string, pack, refine, starting_bits
from smxref.arithmetic import context, relative_bound
from smxref.precision import is_narrow

CTX = MPContext()
CTX.prec = 300
lawful = settings(max_examples=300, deadline=None, derandomize=True)


def number(mantissa: int, exponent: int) -> object:
    return CTX.make_mpf(libmp.from_man_exp(mantissa, exponent))


def fraction(mantissa: int, exponent: int) -> Fraction:
    return Fraction(mantissa) * Fraction(2) ** exponent


mantissas = st.one_of(
    st.integers(1, 2**53), st.integers(2**100, 2**160), st.sampled_from([2**106 - 1, 2**107 - 1])
)


@lawful
@given(mantissas, st.integers(-1500, 1500), mantissas, st.integers(-1700, -20), st.booleans())
def test_packed_numbers_hold_the_whole_ball(m: int, e: int, error_m: int, below: int, negative: bool) -> None:
    """|y - (hi + lo)·2^exponent| <= bound·|y| at both ends of the ball, so everywhere in it."""
    sign = -1 if negative else 1
    error_e = e + m.bit_length() - error_m.bit_length() + below
    hi, lo, exponent, bound = pack(Ball(number(sign * m, e), number(error_m, error_e)))
    assert 0.5 <= abs(hi) < 1
    assert abs(lo) < 2.0**-53
    for end in (-1, 1):
        y = sign * fraction(m, e) + end * fraction(error_m, error_e)
        assert abs(y - (Fraction(hi) + Fraction(lo)) * Fraction(2) ** exponent) <= Fraction(bound) * abs(y)
    assert bound <= 2.0**-104 + 2.0 ** max(below + 2, -990)


@lawful
@given(mantissas, st.integers(-1500, 1500), mantissas, st.integers(-1, 1500))
def test_a_ball_about_as_wide_as_its_value_packs_as_its_size(
    m: int, e: int, error_m: int, above: int
) -> None:
    error_e = e + m.bit_length() - error_m.bit_length() + above + 1
    hi, lo, exponent, bound = pack(Ball(number(m, e), number(error_m, error_e)))
    assert (hi, lo, bound) == (0.0, 0.0, 1.0)
    assert fraction(m, e) + fraction(error_m, error_e) <= Fraction(2) ** exponent


@given(st.floats(allow_nan=False))
@settings(deadline=None, derandomize=True)
def test_floats_pack_exactly(x: float) -> None:
    hi, lo, exponent, bound = pack(Ball(CTX.mpf(x), CTX.zero))
    assert math.ldexp(hi, exponent) == x
    assert lo == bound == 0.0


def test_values_below_every_format_pack_as_their_size() -> None:
    tiny, zero = smxref.softmax([-1e300, 0.0], bits=64)[0], Ball(CTX.zero, number(1, -(2**40)))
    assert pack(tiny) == pack(zero) == (0.0, 0.0, -(2**30), 1.0)
    assert pack(Ball(CTX.zero, CTX.zero)) == (0.0, 0.0, 0, 0.0)
    assert pack(Ball(CTX.zero, number(3, -10))) == (0.0, 0.0, -8, 1.0)


def test_unrecognised_zero_ends_at_the_cap_as_a_tiny_ball() -> None:
    """KL of the unnormalised (1, 1) and (2, 1/2) is log(1/2) + log 2 = 0, which no precision can tell."""
    asked = []

    def compute(bits: int) -> Ball:
        asked.append(bits)
        return smxref.kl_divergence([1.0, 1.0], [2.0, 0.5], bits=bits)

    hi, lo, exponent, bound = pack(refine(compute, 80, 140, 1000))
    assert asked == [140, 280, 560, 1000]
    assert (hi, lo, bound) == (0.0, 0.0, 1.0)
    assert exponent < -990


def test_refine_stops_at_the_first_precision_that_is_enough_for_every_ball() -> None:
    asked = []

    def compute(bits: int) -> list[list[Ball]]:
        asked.append(bits)
        relative = {64: (-90, -70), 128: (-90, -80)}[bits]
        return [[Ball(number(3, 0), CTX.ldexp(3, e))] for e in relative] + [[Ball(CTX.inf, CTX.zero)]]

    refine(compute, 80, 64, 10_000)
    assert asked == [64, 128]


@lawful
@given(st.integers(1, 2**20), st.integers(1, 2**20), st.integers(-2, 2))
def test_narrow_is_decided_exactly(m: int, error_m: int, beside: int) -> None:
    """Around the threshold, where the exponents alone do not decide."""
    e = m.bit_length() - error_m.bit_length() - 40 + beside
    ball = Ball(number(-m, 0), number(error_m, e))
    assert is_narrow(ball, 40) == (fraction(error_m, e) * 2**40 <= m)


@pytest.mark.parametrize(
    "x", [[0.0, -40.0], [-math.log(2)] * 2, [1e300, -1e300, 5e-324], [0.1 * i for i in range(500)]]
)
def test_starting_bits_are_enough_for_rows(x: list[float]) -> None:
    bits = starting_bits(x, len(x), 80)
    for ball in (
        *smxref.softmax(x, bits=bits),
        *smxref.log_softmax(x, bits=bits),
        smxref.logsumexp(x, bits=bits),
    ):
        assert ball.error <= abs(ball.value) * 2.0**-80


def test_starting_bits_read_the_exponents_of_the_input() -> None:
    assert starting_bits([2.0, -4.0], 2, 80) < starting_bits([0.1, -4.0], 2, 80)
    assert starting_bits([1.0, 1e300], 2, 80) == starting_bits([1.0, 1e200], 2, 80)
    assert starting_bits([math.inf, math.nan, 0.0, 1.0], 4, 80) == starting_bits([1.0], 4, 80)


def test_a_precision_too_low_for_the_number_of_operations_is_refused() -> None:
    """The count of roundings is only a bound while 2k(k + 1)·eps <= 1."""
    assert relative_bound(2**30, context(64)) == libmp.from_man_exp(2**30 + 1, -63)
    with pytest.raises(ValueError, match="64 bits are too few"):
        relative_bound(2**31, context(64))


@pytest.mark.parametrize(
    ("ball", "digits", "text"),
    [
        (smxref.sigmoid(1.0, bits=200), 40, "0.7310585786300048792511592418218362743651"),
        (smxref.sigmoid(1.0, bits=200), 5, "0.73106"),
        (Ball(CTX.mpf(1) / 3, CTX.mpf(2) ** -30), 40, "0.33333333"),
        (Ball(CTX.zero, CTX.zero), 40, "0"),
        (Ball(CTX.zero, CTX.mpf(2) ** -300), 40, "|y| <= 2^-299"),
        (Ball(CTX.ninf, CTX.zero), 40, "-inf"),
        (Ball(CTX.mpf(-200), CTX.zero), 40, "-200"),
    ],
)
def test_decimal_strings(ball: Ball, digits: int, text: str) -> None:
    assert decimal_string(ball, digits) == text


def test_packed_numbers_print_the_digits_that_they_hold() -> None:
    packed = pack(smxref.sigmoid(1.0, bits=200))
    assert decimal_string(packed) == "0.7310585786300048792511592418218"
    assert decimal_string((0.0, 0.0, -500, 1.0)) == "|y| <= 2^-500"


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None, derandomize=True)
def test_floats_survive_printing(x: float) -> None:
    assert float(decimal_string(Ball(CTX.mpf(x), CTX.zero), 17)) == x


SOURCES = sorted(Path(smxref.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=[s.stem for s in SOURCES])
def test_smxref_imports_mpmath_and_the_standard_library_only(source: Path) -> None:
    allowed = sys.stdlib_module_names | {"mpmath", "smxref"}
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert (node.module or "").partition(".")[0] in allowed


def test_importing_smxref_loads_nothing_of_what_it_judges() -> None:
    code = "import sys, smxref; print(sorted({'numpy', 'smxcheck', 'smxcases', 'scipy', 'torch'} & set(sys.modules)))"
    path = str(Path(smxref.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {path!r}); {code}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_readme_shows_what_happens() -> None:
    readme = Path(smxref.__file__).parents[1] / "README.md"
    failed, tried = doctest.testfile(str(readme), module_relative=False, encoding="utf-8")
    assert (failed, tried) == (0, 3)
