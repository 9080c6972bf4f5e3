"""Evaluation: every node against values by hand, definitions against the reference, differences against SymPy's rules."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import smxref
from smxcheck.derivations.points import PHIS, taylor
from smxcheck.formula import evaluate as module
from smxcheck.formula.evaluate import Environment, TooCostly, Undefined, evaluate, holds
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.symbols import Symbol
from smxcheck.formula.tree import Condition

FUNCTIONS = {
    "phi": PHIS[0].value, "dphi": PHIS[0].derivative, "f": taylor(2), "df": taylor(1),
}  # fmt: skip
GIVEN: Mapping[str, Any] = {
    "z": (0, 1, 3), "y": (1, 2, Fraction(1, 2)), "q": (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)), "d": (1, 0, -1),
    "w": (4, 9, 2), "x": 3, "t": Fraction(1, 2), "a": -2, "m": 1, "tau": 2, "N": 2,
}  # fmt: skip
SCOPE = {"i": 1, "j": 2, "k": 3, "l": 3, "c": 2}


def point(order: int = 1, **given: Any) -> Environment:
    return Environment(COMMON, {**GIVEN, **given}, FUNCTIONS, 3, order)


def value(text: str, order: int = 1, **given: Any) -> Any:
    return evaluate(COMMON.expression(text), point(order, **given), SCOPE)


def close(left: Any, right: Any, digits: int = 50) -> bool:
    context = point().context
    left, right = context.mpf(left), context.mpf(right)
    return bool(abs(left - right) <= context.mpf(10) ** -digits * max(abs(left), abs(right), 1))


BY_HAND = {
    "2.5": "2.5", "x": "3", "n": "3", "pi": "3.14159265358979323846264338327950288419716939937510582",
    "w[i] + w[3]": "6",
    "x - a": "5", "x*a": "-6", "x/a": "-1.5", "x^2": "9", "x^a": Fraction(1, 9), "2^t*2^t": "2", "(x - 3)^0": "1", "-x^2": "-9", "(-x)^2": "9",
    "x - a - 1": "4", "12/x/a": "-2", "2^3^2": "512",
    "exp(0)": "1", "exp(log(7))": "7", "log(exp(a))": "-2", "sqrt(16)": "4", "abs(a)": "2", "log1p(exp(1) - 1)": "1",
    "expm1(log(3))": "2", "max(x, a)": "3", "min(x, a)": "-2",
    "delta(i, j)": "0", "delta(k, l)": "1", "delta(j, 2)": "1",
    "sum(k, w[k])": "15", "sum(k != i, w[k])": "11", "sum(k != i != 2, w[k])": "2", "prod(k, w[k])": "72", "max(k, w[k])": "9",
    "max(k != j, w[k])": "4", "sum(i, sum(j, w[i]*delta(i, j)))": "15", "sum(k, w[k])*w[k]": "30",
    "prod(k != 1 != 2 != 3, w[k])": "1", "sum(k != 1 != 2 != 3, w[k])": "0",
    "M": "3", "M(w)": "9", "M(w + x*d)": "9", "M(2*z - 1)": "5", "e(log(2) + 0*z)[j]": "2", "S(0*z)": "3",
    "L(0*z)": "1.0986122886681096913952452369225257046474905578227494517",
    "diff(x^3, x)": "27", "diff(x^3, x, x)": "18", "diff(x^3, x, x, x)": "6", "diff(w[i]*w[j]^2, w[j])": "72",
    "diff(w[i]*w[j]^2, w[i], w[j])": "18", "diff(x*t, x, t)": "1", "diff(sum(k, w[k]^2), w[j])": "18",
    "diff(diff(x^3*t, x), t)": "27", "x*diff(w[i], w[j])": "0",
    "f(x)": "8.5", "df(x)": "4", "diff(f(x), x)": "4", "dphi(0)": "0.5",
    "phi(0)": "0.6931471805599453094172321214581765680755001343602552541",
    "Y": "3.5", "KL(0*z) - log(32/27)/3": "0",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BY_HAND.items())
def test_every_node_has_the_value_that_one_finds_by_hand(text: str, expected: Any) -> None:
    assert close(value(text, order=3), point()._number(expected), 40)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("integral(x, 0, inf, exp(-x))", "1"), ("integral(x, 0, 2, x^2)", Fraction(8, 3)), ("integral(x, 0, t, x)", "0.125"),
        ("integral(x, 2, 0, x^2)", Fraction(-8, 3)),
        ("integral(x, 0, inf, exp(-(x - 5000)^2))^2", "3.14159265358979323846264338327950288419716939937510582"),
    ],
)  # fmt: skip
def test_an_integral(text: str, expected: Any) -> None:
    at = Environment(COMMON, GIVEN, FUNCTIONS, 3, 0, module.QUADRATURE_DIGITS)
    assert close(evaluate(COMMON.expression(text), at), at._number(expected), 25)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("log(0)", "log of a number that is not positive"), ("log1p(-1)", "log of a number"), ("sqrt(a)", "sqrt of a negative"),
        ("1/(x - 3)", "a division by 0"), ("0^a", "a negative power of 0"), ("a^t", "a power of a negative number"),
        ("2^2000000", "a power beyond"), ("exp(2000000)", "exp beyond"), ("exp(exp(exp(x)))", "exp beyond"),
        ("z[4]", "of 3 classes"),        ("eps", "no number is given for eps"), ("max(k != 1 != 2 != 3, z[k])", "the maximum of nothing"),
        ("diff(H, z[4])", "of 3 classes"),        ("diff(abs(x - 3), x)", "no derivative"), ("diff(M(0*z + x*d), x)", ""),
        ("diff(max(x, 3), x)", "no derivative"), ("diff(max(k, z[k]*(x - 3)), x)", "no derivative"),
    ],
)  # fmt: skip
def test_what_has_no_value_is_undefined_and_never_a_number(text: str, why: str) -> None:
    if not why:  # the maximum of x, 0, -x at x = 3 has a slope
        assert close(value(text), 1)
        return
    with pytest.raises(Undefined, match=why):
        value(text)


def test_classes_count_from_1() -> None:
    """Python would take entry 0 for the last one."""
    with pytest.raises(Undefined, match="of 3 classes"):
        point().entry("z", 0)


def test_letters_that_follow_from_the_variable_of_an_integral_follow_it() -> None:
    """Others are evaluated once: here x, which is also given, is another number at each point of the integral."""
    lexicon = Lexicon([Symbol("R", "scalar", "square", "R", "R", "the square of x", "x^2", "real")])
    at = Environment(lexicon, GIVEN, FUNCTIONS, 3, 0, module.QUADRATURE_DIGITS)
    assert close(evaluate(lexicon.expression("integral(x, 0, 1, R)"), at), at.context.mpf(1) / 3, 25)
    assert close(evaluate(lexicon.expression("integral(t, 0, 1, R)"), at), 9, 25)


def test_a_large_number_is_moved_by_a_share_of_itself() -> None:
    assert close(value("diff(x^2, x)", x=10**50), 2 * 10**50)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("integral(x, 0, inf, exp(-(x - 10^9)^2))", "0 wherever it was looked at"),  # a peak beyond what is searched
        ("integral(x, 1, inf, 1/x)", "does not fall off"),
    ],
)
def test_an_integral_that_is_not_found_is_undefined_and_not_0(text: str, why: str) -> None:
    at = Environment(COMMON, GIVEN, FUNCTIONS, 3, 0, module.QUADRATURE_DIGITS)
    with pytest.raises(Undefined, match=why):
        evaluate(COMMON.expression(text), at)


def test_a_function_that_no_point_chooses_is_undefined() -> None:
    with pytest.raises(Undefined, match="no function is given for phi"):
        evaluate(COMMON.expression("phi(x)"), Environment(COMMON, GIVEN))


def test_what_takes_too_many_operations_is_refused() -> None:
    at = Environment(COMMON, {"z": tuple(range(60))}, classes=60)
    at.allow(20_000)
    with pytest.raises(TooCostly):
        evaluate(COMMON.expression("sum(i, sum(j, sum(k, sum(l, z[i]*z[j]*z[k]*z[l]))))"), at)


def test_more_digits_at_a_point_are_spent_from_what_is_left_there() -> None:
    at = point()
    at.allow(1000)
    finer = at.finer(1, 240)
    evaluate(COMMON.expression("x + 1"), finer)
    assert at.left == finer.left == 997


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("i == 1", True), ("i != j", True), ("k == l", True), ("k != l", False), ("x == 3", True), ("x != 3", False),
        ("x < 3", False), ("x <= 3", True), ("a > x", False), ("a >= -2", True), ("sum(k, p[k]) == 1", True), ("sum(k, p[k]) >= 1", True),
        ("Y == 1", False), ("x == 3 + 10^-100", False), ("x == 3 + 10^-110", True),
    ],
)  # fmt: skip
def test_conditions(text: str, truth: bool) -> None:
    condition: Condition = COMMON.conditions(text)[0]
    assert holds(condition, point(), SCOPE) is truth


def test_a_letter_with_a_definition_may_be_given_and_then_is_what_is_given() -> None:
    assert close(value("L - log(S)", S=5), 0)
    assert close(value("p[i]*S", S=5), 1)


# ---- definitions against the reference, which knows nothing of formulas

ROWS = ([0.0, 1.0, 3.0], [0.0, 4.0, 5.0], [2.0, 2.0], [-1.5, 0.25, 7.0, -30.0], [1000.0, 1001.0, 1003.0], [0.5])


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_definitions_are_those_of_the_reference(row: list[float]) -> None:
    at = Environment(COMMON, {"z": tuple(row)}, classes=len(row))

    def same(text: str, ball: Any, **scope: int) -> bool:
        return close(evaluate(COMMON.expression(text), at, scope), ball.value, 45)

    assert same("L", smxref.logsumexp(row, bits=200))
    assert same("H", smxref.softmax_entropy(row, bits=200))
    for i, (p, log_p) in enumerate(zip(smxref.softmax(row, bits=200), smxref.log_softmax(row, bits=200), strict=True), 1):
        assert same("p[i]", p, i=i)
        assert same("z[i] - L", log_p, i=i)
    for i, (gradient, slope) in enumerate(
        zip(smxref.softmax_entropy_grad(row, bits=200), smxref.logsumexp_grad(row, bits=200), strict=True), 1
    ):
        assert same("diff(H, z[i])", gradient, i=i)
        assert same("diff(L, z[i])", slope, i=i)


def test_divergence_and_cross_entropy_are_those_of_the_reference() -> None:
    p, q = [0.5, 0.25, 0.25], [0.125, 0.375, 0.5]
    at = Environment(COMMON, {"p": tuple(p), "q": tuple(q), "y": tuple(q)}, classes=3)
    assert close(evaluate(COMMON.expression("KL"), at), smxref.kl_divergence(p, q, bits=200).value, 45)
    assert close(evaluate(COMMON.expression("CE"), at), smxref.distribution_cross_entropy(q, p, bits=200).value, 45)


# ---- differences against SymPy, which differentiates by rules and shares nothing with them

LOGITS = sympy.symbols("z1:4")
LABELS = (sympy.Rational(1, 2), sympy.Integer(2), sympy.Rational(3, 4))


@cache
def symbolic() -> Mapping[str, Any]:
    """p, L, H and CE of three classes as SymPy expressions in z1, z2, z3."""
    exponentials = [sympy.exp(z) for z in LOGITS]
    total = sum(exponentials)
    p = [e / total for e in exponentials]
    return {
        "p[1]": p[0], "p[3]": p[2], "L": sympy.log(total),
        "H": -sum(v * sympy.log(v) for v in p), "CE": -sum(y * sympy.log(v) for y, v in zip(LABELS, p, strict=True)),
    }  # fmt: skip


@cache
def derivative(name: str, *by: int) -> Any:
    return sympy.diff(symbolic()[name], *(LOGITS[k - 1] for k in by))


ENTRIES = [
    (name, by) for name in ("p[1]", "p[3]", "L", "H", "CE") for r in (1, 2)
    for by in itertools.combinations_with_replacement((1, 2, 3), r)
]  # fmt: skip
AT = ((0, 1, 3), (Fraction(-7, 4), Fraction(1, 8), Fraction(9, 4)))


@pytest.mark.slow
@pytest.mark.parametrize("logits", AT, ids=str)
def test_differences_agree_with_symbolic_derivatives_in_40_digits(logits: tuple[Any, ...]) -> None:
    put = dict(zip(LOGITS, (sympy.Rational(v.numerator, v.denominator) for v in map(Fraction, logits)), strict=True))
    labels = tuple(Fraction(int(y.p), int(y.q)) for y in LABELS)
    for name, by in ENTRIES:
        at = Environment(COMMON, {"z": logits, "y": labels}, classes=3, order=len(by))
        ours = evaluate(COMMON.expression(f"diff({name}, {', '.join(f'z[{k}]' for k in by)})"), at)
        theirs = at.context.mpf(str(derivative(name, *by).evalf(60, subs=put)))
        assert abs(ours - theirs) <= at.context.mpf(10) ** -40, (name, by)


def test_the_order_of_differentiation_does_not_matter() -> None:
    for i, j in itertools.combinations((1, 2, 3), 2):
        assert close(value(f"diff(H, z[{i}], z[{j}])", 2), value(f"diff(H, z[{j}], z[{i}])", 2), 40)
        assert close(value(f"diff(diff(H, z[{i}]), z[{j}])", 2), value(f"diff(H, z[{i}], z[{j}])", 2), 40)


# ---- laws

NUMBERS = st.integers(-400, 400).map(lambda v: Fraction(v, 100))
ROW = st.lists(NUMBERS, min_size=1, max_size=4)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(ROW, NUMBERS)
def test_shifting_the_logits_changes_no_probability_and_no_entropy(row: list[Fraction], a: Fraction) -> None:
    at = Environment(COMMON, {"z": tuple(row), "a": a}, classes=len(row))
    laws = ("sum(k, abs(p(z + a)[k] - p[k]))", "H(z + a) - H", "L(z + a) - L - a", "sum(k, p[k]) - 1", "diff(H(z + a), a)")
    for text in laws:
        assert close(evaluate(COMMON.expression(text), at), 0), text


@settings(derandomize=True, deadline=None, max_examples=30)
@given(ROW, st.sampled_from(["L", "H", "p[1]", "mu"]))
def test_the_derivative_along_a_direction_is_the_sum_of_partial_ones(row: list[Fraction], name: str) -> None:
    """d/dt F(z + t*d) at t = 0 is Σ d[k] ∂F/∂z[k]: an At differentiated against Diff by entries."""
    n = len(row)
    at = Environment(COMMON, {"z": tuple(row), "d": tuple(reversed(row)), "t": 0}, classes=n, order=1)
    letter, _, index = name.partition("[")
    along = evaluate(COMMON.expression(f"diff({letter}(z + t*d){'[' * bool(index)}{index}, t)"), at)
    parts = evaluate(COMMON.expression(f"sum(k, d[k]*diff({name}, z[k]))"), at)
    assert close(along, parts)
