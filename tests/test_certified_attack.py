"""Search for an input on which an enclosure of the certified oracle misses; exact values have 400 bits."""

from __future__ import annotations

import numpy as np
import pytest

from smxcheck.oracle.certified import ball, exponential, logarithm
from smxcheck.oracle.certified.scaled import enclosure, plain

from . import certified_copies as copies
from .certified_exact import MP, Found, climb, log1p, number, steps, used, used_by

CODE = copies.copy()
C = np.log(2) / 4096
LARGEST = np.finfo(np.float64).max
MEANINGFUL = 1e-3  # a bound a thousand times wider than anything found would be a defect, too


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def right_exp(d, e):
    return [MP.exp(number(a) + number(b)) for a, b in zip(d, e, strict=True)]


# exp --------------------------------------------------------------------------------------------


def seams(n: np.ndarray) -> np.ndarray:
    """n·c and (n + 1/2)·c, and their neighbours."""
    at = np.concatenate([n * C, (n + 0.5) * C])
    return np.concatenate([at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf)])


def with_low_parts(d: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """e up to half a spacing of d, also at its ends."""
    share = rng.choice([0.0, 1.0, -1.0, 0.5, 0.37, -0.71], len(d))
    return 0.5 * np.spacing(np.abs(d)) * share


@pytest.mark.parametrize(
    "d",
    [
        seams(np.array([0, 1, -1, 2, -2, 3, -4095, -4096, -4097, -8192, -16_546_014, 16_546_014])),
        seams(np.arange(-4096, 0, 61)),
        -np.array([2800.0, 2799.9999999999995, 700.0, 709.78, 745.13, 5e-324, 1e-310, 2.0**-1000, 2.0**-485, 2.0**-27, 0.0]),
    ],
    ids=["few", "a-period", "ends"],
)
def test_exp_near_0_at_the_seams_of_its_table(d):
    d = np.clip(d, -exponential.NEAR, exponential.NEAR)
    e = with_low_parts(d, np.random.default_rng(0))
    assert copies.shares_of_exp(CODE, d, e, right_exp(d, e)).max() < 1


def test_exp_far_from_0_at_the_seams_of_its_table():
    rng = np.random.default_rng(1)
    n = np.concatenate([[-1, 0, 1, -(2**24), -(2**42) + 1, -(2**42)], -rng.integers(2**24, 2**42, 40)])
    d = np.concatenate([seams(n), [-744261117.95479, -744261117.9999999, -2800.0000000000005]])
    d = np.maximum(d, -exponential.FARTHEST)
    d[0] = -exponential.FARTHEST  # the whole array goes the far way
    e = with_low_parts(d, rng)
    assert copies.shares_of_exp(CODE, d, e, right_exp(d, e)).max() < 1


def nudged_argument(pool, rng):
    d, _ = pool
    moved = np.clip(steps(d, rng), -exponential.FARTHEST, exponential.FARTHEST)
    return moved, 0.5 * np.spacing(np.abs(moved)) * rng.uniform(-1, 1, len(d))


def climb_exp_near() -> Found:
    rng = np.random.default_rng(2)
    d = np.append((rng.integers(-16_000_000, 16_000_000, 120) + 0.5) * C, 0.5 * C * rng.uniform(-1, 1, 80))

    def ratios(d, e):
        d = np.clip(d, -exponential.NEAR, exponential.NEAR)
        return copies.shares_of_exp(CODE, d, e, right_exp(d, e))

    return climb((d, 0 * d), ratios, nudged_argument)


def climb_exp_far() -> Found:
    rng = np.random.default_rng(3)
    d = -(rng.integers(2**24, 2**42, 200) + 0.5) * C
    return climb((d, 0 * d), lambda d, e: copies.shares_of_exp(CODE, d, e, right_exp(d, e)), nudged_argument)


def climb_exp_single() -> Found:
    rng = np.random.default_rng(4)
    d = -rng.uniform(0, 680, 200)

    def ratios(d):
        d = np.clip(d, -exponential.SINGLE, 0)
        return copies.shares_of_single(CODE, d, right_exp(d, 0 * d))

    return climb((d,), ratios, lambda pool, rng: (steps(pool[0], rng),))


# Balls and logarithms ---------------------------------------------------------------------------


def climb_operation(name: str) -> Found:
    """Exact operands: rounding alone; the inherited error is a sum that `holds` tests at its corners."""
    rng = np.random.default_rng(5)

    def operand(hi, share):
        return ball.Ball(hi, 0.5 * np.spacing(np.abs(hi)) * share, 0 * hi)

    def ratios(a, x, b, y):
        return copies.shares_of_operation(name, operand(a, x), operand(b, y))

    def nudged(pool, rng):
        a, x, b, y = pool
        return steps(a, rng), np.clip(steps(x, rng), -0.999, 0.999), steps(b, rng), np.clip(steps(y, rng), -0.999, 0.999)

    leading = [rng.uniform(1, 2, 200) * rng.choice([-1.0, 1.0], 200) for _ in range(2)]
    shares = [rng.uniform(-1, 1, 200) for _ in range(2)]
    return climb((leading[0], shares[0], leading[1], shares[1]), ratios, nudged, rounds=6)


def climb_log1p() -> Found:
    rng = np.random.default_rng(6)
    s = rng.choice([-1.0, 1.0], 200) * 2.0 ** rng.uniform(-12, -7, 200)

    def ratios(s):
        s = np.clip(s, -0.45, 1.0)
        return copies.shares_of_function(logarithm.log1p(ball.ball(s)), [log1p(number(v)) for v in s])

    return climb((s,), ratios, lambda pool, rng: (steps(pool[0], rng),))


def climb_log() -> Found:
    x = 2.0 ** np.random.default_rng(7).uniform(-880, 880, 200)

    def ratios(x):
        return copies.shares_of_function(logarithm.log(ball.ball(x)), [MP.log(number(v)) for v in x])

    return climb((x,), ratios, lambda pool, rng: (steps(pool[0], rng),))


LOG = np.log
PROPOSALS = {
    "off by 1e-10": lambda x: LOG(x) + 1e-10, "off by 0.1": lambda x: LOG(x) + 0.1, "off by -0.1": lambda x: LOG(x) - 0.1,
    "off by 1e-6 of itself": lambda x: LOG(x) * (1 + 1e-6), "negated": lambda x: -LOG(x),
    "huge": lambda x: 0 * x + 1e300, "nan": lambda x: 0 * x + np.nan, "zero": lambda x: 0 * x, "infinite": lambda x: 0 * x - np.inf,
}  # fmt: skip


@pytest.mark.parametrize("proposal", PROPOSALS.values(), ids=PROPOSALS)
def test_a_wrong_logarithm_of_the_library_is_not_believed(proposal, monkeypatch):
    """The bound becomes wider or infinite, and holds."""
    x = np.append(2.0 ** np.random.default_rng(8).uniform(-700, 700, 40), [1.0, 1.0000001])
    right = [MP.log(number(v)) for v in x]
    monkeypatch.setattr(np, "log", proposal)
    found = logarithm.log(ball.ball(x))
    monkeypatch.undo()
    assert copies.shares_of_function(found, right).max() <= 1


@pytest.mark.parametrize("x", [0.0, -1.0, np.inf, np.nan, 5e-324, 2.0**-1000, LARGEST])
def test_a_logarithm_out_of_range_has_no_bound_or_a_true_one(x):
    found = logarithm.log(ball.ball(np.array([x])))
    if found.err[0] < np.inf:
        assert copies.shares_of_function(found, [MP.log(number(x))]).max() <= 1


@pytest.mark.parametrize("err", [1e-30, 2.0**-9, 0.1, 0.4])
def test_log1p_of_wide_balls_holds_every_number_in_them(err):
    s = ball.Ball(np.array([0.0, 1e-3, -2.0**-9]), np.zeros(3), np.full(3, err))
    found = logarithm.log1p(s)
    for side in (-1, 1):
        right = [log1p(number(h) + side * number(err)) for h in s.hi]
        assert copies.shares_of_function(found, right).max() <= 1


def test_what_overflows_or_divides_by_what_may_be_0_gets_no_bound():
    """Infinities and nan in a ball never leave it with a bound."""
    big, tiny, one = np.array([2.0**1000, LARGEST]), np.array([2.0**-1060, 5e-324]), np.ones(2)
    a, b, wide = ball.ball(big), ball.ball(tiny), ball.Ball(one, 0 * one, one)
    half = ball.ball(np.array([0.75 * 2.0**512, (1 - 2.0**-53) * 2.0**512]))  # products of leading halves overflow first
    x, y, z = ([number(v) for v in column] for column in (big, tiny, half.hi))
    cases = [
        (a * a, [v * v for v in x]), (a + a, [2 * v for v in x]), (b / b, [MP.mpf(1)] * 2), (a / b, [v / w for v, w in zip(x, y, strict=True)]),
        (ball.ball(one) / wide, [MP.mpf(7)] * 2), (ball.difference(big, -big) * 1.0, [2 * v for v in x]), (a * 1.0, x),
        (half * half, [v * v for v in z]), (b * b, [v * v for v in y]), (a.times_power(np.array([30, 30])), [v * 2**30 for v in x]),
    ]  # fmt: skip
    for value, right in cases:
        found = enclosure(plain(value))
        assert not np.isnan(found.bound).any()
        assert [used_by(found, i, v) <= 1 for i, v in enumerate(right)] == [True, True]


@pytest.mark.parametrize("small", [2.0**-500, 2.0**-900, 2.0**-1022])
def test_a_quotient_of_small_numbers_is_held(small):
    """Two-product loses what lies below 2^-1074; divided by a small number that is much."""
    rng = np.random.default_rng(9)
    a, b = rng.uniform(1, 2, 50) * 2.0**-1000, rng.uniform(1, 2, 50) * small
    found = ball.ball(a) / ball.ball(b)
    right = [number(x) / number(y) for x, y in zip(a, b, strict=True)]
    assert copies.shares_of_function(found, right).max() <= 1


# The largest share of a bound that a climb finds -------------------------------------------------


CLIMBS = {
    "exp, double-double": climb_exp_near,
    "exp, double-double, far": climb_exp_far,
    "exp, float64": climb_exp_single,
    "ball + ball": lambda: climb_operation("+"),
    "ball - ball": lambda: climb_operation("-"),
    "ball * ball": lambda: climb_operation("*"),
    "ball / ball": lambda: climb_operation("/"),
    "log1p": climb_log1p,
    "log": climb_log,
}


@pytest.mark.parametrize("name", CLIMBS)
def test_no_climb_reaches_its_bound_and_no_bound_is_idle(name):
    found = CLIMBS[name]()
    assert MEANINGFUL < found.ratio < 1, found


# The exact values themselves ----------------------------------------------------------------------


def test_exact_exponentials_are_those_of_arb():
    flint = pytest.importorskip("flint")
    flint.ctx.prec = 400
    for d in (-0.3, -679.9, -2799.3, -7.4e8):
        low, high = (MP.mpf(str(v.str(100, radius=False))) for v in (flint.arb(d).exp().lower(), flint.arb(d).exp().upper()))
        assert low * (1 - MP.mpf(2) ** -300) <= MP.exp(number(d)) <= high * (1 + MP.mpf(2) ** -300)


def test_used_counts_what_nothing_allows():
    assert used(1, 0) == np.inf and used(0, 0) == 0 and used(1, 2) == 0.5
