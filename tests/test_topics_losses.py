"""The topics on losses, entropy and softmax with other functions: every step holds, and so does every number in the prose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import mpmath
import pytest

from smxcheck.catalog import FUNCTIONS
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.points import RANDOM_POINTS, Given, Phi, Point, taylor
from smxcheck.derivations.run import StepResult, run, run_parts
from smxcheck.derivations.topics import topics
from smxcheck.formula.evaluate import DIGITS, evaluate
from smxcheck.formula.grammar import FormulaError
from smxcheck.formula.prose import prose
from smxcheck.formula.tree import Integral, Relation, order_of, walk

#: What each group is to hold, in the order of teaching.
GROUPS = {
    "losses": ("cross-entropy", "cross-entropy-gradient", "cross-entropy-hessian", "nll"),
    "entropy": (
        "gibbs", "kl-gradient", "entropy-of-probabilities", "softmax-entropy", "entropy-gradient", "entropy-hessian",
        "entropy-taylor",
    ),
    "generalised": (
        "generalised-softmax", "generalised-jacobian", "generalised-entropy", "generalised-entropy-gradient",
        "taylor-softmax", "log-taylor", "spherical-softmax", "soft-margin-softmax", "sm-taylor",
    ),
}  # fmt: skip
NAMES = tuple(name for names in GROUPS.values() for name in names)

#: Digits in which two lines agree: without derivatives, with them (first ones by a probability of 10^-17 keep no more than
#: second ones), and with an integral.
LEAST_DIGITS, LEAST_DIGITS_OF_DERIVATIVES, LEAST_DIGITS_OF_INTEGRALS = 100, 44, 25

#: Points of the quick run beside the simple ones, and at how many points a step is decided there and in the full run:
#: fewer than all, where one-hot labels or one function out of three are a condition.
QUICK_GENERIC, QUICK_POINTS, FULL_POINTS = 1, 12, 24


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_holds_its_topics_in_the_order_of_teaching(group: str) -> None:
    assert tuple(name for name, topic in topics().items() if topic.group == group) == GROUPS[group]

#: Derivations that take long: executed at all points only, among the slow tests.
DEAR = ("entropy-hessian", "kl-gradient", "generalised-jacobian", "entropy-taylor", "entropy-of-probabilities")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DEAR])
def test_every_step_holds(name: str) -> None:
    examine(run_parts(topics()[name].parts, topics()[name].lexicon, QUICK_GENERIC), QUICK_POINTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_step_and_result_holds_at_all_points(name: str) -> None:
    result = run(topics()[name], RANDOM_POINTS)
    assert result.true
    examine(result.steps, FULL_POINTS)


def examine(steps: Sequence[StepResult], points: int) -> None:
    """Every step is true, in the digits that its derivatives leave, at enough points, and at each that its conditions
    allow; every bound is reached somewhere."""
    for step in steps:
        assert step.true, step
        assert step.finding.points >= points, step
        assert not step.finding.undefined, step
        if step.step.operator == "==" and step.relation.order is None:
            assert step.finding.digits >= least_digits(step.relation), step
        assert (step.sharp is None) == (step.step.operator == "=="), step
        assert step.sharp is None or step.sharp.points >= 1, step


def least_digits(relation: Relation) -> int:
    if any(isinstance(node, Integral) for node in walk(relation)):
        return LEAST_DIGITS_OF_INTEGRALS
    return LEAST_DIGITS_OF_DERIVATIVES if order_of(relation) else LEAST_DIGITS


@pytest.mark.parametrize("name", NAMES)
def test_a_derivation_arrives_at_its_results(name: str) -> None:
    """The right side of every equation is a line of some chain: no result is there that is not derived."""
    topic = topics()[name]
    lines = {step.expression for _, _, step in topic.steps}
    relations = [claim.relation for claim in topic.results]
    assert [r for r in relations if r.operator == "==" and r.right not in lines] == []


def test_every_function_that_is_named_is_one_of_the_catalog_and_is_derived_once() -> None:
    named = [function for name in NAMES for function in topics()[name].functions]
    assert len(named) == len(set(named))
    assert set(named) <= set(FUNCTIONS)


@pytest.mark.parametrize("name", NAMES)
def test_prose_can_be_read_and_names_the_letters_of_the_topic_alone(name: str) -> None:
    topic = topics()[name]
    for text in texts(topic):
        try:
            prose(text, topic.lexicon)
        except FormulaError as error:
            pytest.fail(f"{text}: {error}")


def texts(topic: Derivation) -> Iterator[str]:
    """All running text of a topic."""
    yield topic.summary
    for part in topic.parts:
        yield part.text
        for step in part.steps:
            yield from (step.rule, step.note)


# ---- numbers that the prose states


def value(name: str, formula: str, n: int = 2, phi: Phi | None = None, indices: dict[str, int] | None = None, **given: Given) -> Any:
    """A formula in a topic's letters, with numbers in their place."""
    lexicon = topics()[name].lexicon
    point = Point(n, MappingProxyType(given), *([phi] if phi else []))
    return evaluate(lexicon.expression(formula), point.environment(lexicon, 2, DIGITS), indices or {})


def logits(*numbers: int) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, numbers))


def decimals(name: str) -> set[str]:
    """The numbers with a decimal point in the prose of a topic."""
    return {number for text in texts(topics()[name]) for number in re.findall(r"-?\d+\.\d+", text)}


def test_only_these_topics_state_decimals() -> None:
    assert {name for name in NAMES if decimals(name)} == {"taylor-softmax", "soft-margin-softmax", "sm-taylor"}


def test_minima_and_zeros_of_taylor_polynomials() -> None:
    """An even order is least where the polynomial of one order less, its derivative, is 0; that one has a single zero."""
    context = mpmath.MPContext()
    found = {"2.5"}  # of order 2 at -3
    for order in (1, 3, 5):
        zero = context.findroot(lambda x, order=order: taylor(order)(context, x), -1 - 0.3 * order)
        real = [r for r in context.polyroots([1 / context.factorial(k) for k in range(order, -1, -1)]) if abs(r.imag) < 1e-9]
        assert len(real) == 1 and abs(real[0].real - zero) < 1e-9
        found |= {f"{float(zero):.4f}", f"{float(taylor(order + 1)(context, zero)):.4f}"}
    assert taylor(2)(context, -3) == 2.5
    assert {float(number) for number in decimals("taylor-softmax")} == {float(number) for number in found} - {-1.0}


def test_a_taylor_softmax_is_neither_invariant_under_a_shift_nor_monotone() -> None:
    shares = {(0, 1): ("2/7", "5/7"), (1, 2): ("1/3", "2/3")}
    for z, expected in shares.items():
        for i, share in enumerate(expected, 1):
            error = value("taylor-softmax", f"T[{i}]", z=logits(*z), N=Fraction(2)) * 21 - 21 * Fraction(share)
            assert abs(error) < 1e-100
            assert share in " ".join(texts(topics()["taylor-softmax"]))
    assert value("taylor-softmax", "T[1] - T[2]", z=logits(-3, -1), N=Fraction(2)) > 0


def test_sum_of_the_margin_activation_of_two_equal_logits() -> None:
    total = value("soft-margin-softmax", "sum(k, Q[k])", z=logits(0, 0), m=Fraction(1))
    assert decimals("soft-margin-softmax") == {f"{float(total):.4f}"}


def test_the_margin_activation_with_no_margin_is_softmax() -> None:
    assert abs(value("soft-margin-softmax", "Q[1] - p[1]", z=logits(0, 3), m=Fraction(0))) < 1e-100


def test_a_taylor_polynomial_of_a_difference_is_no_quotient() -> None:
    difference = value("sm-taylor", "f(2 - 1)", n=1, N=Fraction(2))
    quotient = value("sm-taylor", "f(2)/f(1)", n=1, N=Fraction(2))
    assert (float(difference), float(quotient)) == (2.5, 2.0)
    assert decimals("sm-taylor") == {"2.5"}


def test_a_larger_margin_lowers_the_loss_of_a_taylor_softmax_below_its_minimum() -> None:
    given = {"y": logits(1, 0), "m": Fraction(1), "N": Fraction(2)}
    below = value("sm-taylor", "diff(-log(R[1]), m)", z=logits(-1, 0), **given)
    above = value("sm-taylor", "diff(-log(R[1]), m)", z=logits(1, 0), **given)
    assert below < 0 < above


def test_entropy_is_neither_convex_nor_concave_in_the_logits() -> None:
    """As `entropy-hessian` states: its curvature along one logit is negative at equal logits, positive far from them."""
    assert value("entropy-hessian", "diff(H, z[1], z[1])", z=logits(0, 0)) < 0
    assert value("entropy-hessian", "diff(H, z[1], z[1])", z=logits(0, 4)) > 0


@pytest.mark.parametrize(
    ("name", "letter", "given"),
    [
        ("generalised-jacobian", "P", {}),
        ("taylor-softmax", "T", {"N": Fraction(2)}),
        ("spherical-softmax", "P", {"eps": Fraction(1)}),
        ("sm-taylor", "R", {"N": Fraction(2), "m": Fraction(1), "y": logits(1, 0)}),
    ],
)
def test_these_jacobians_are_not_symmetric(name: str, letter: str, given: dict[str, Given]) -> None:
    assert abs(value(name, f"diff({letter}[1], z[2]) - diff({letter}[2], z[1])", z=logits(1, 3), **given)) > 0.01
