"""The topics on softmax, its logarithms, its derivatives, Gumbel noise and merged blocks: every step holds, and so does
every number that the prose states."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import mpmath
import numpy as np
import pytest

from smxcheck.catalog import FUNCTIONS
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.points import RANDOM_POINTS, Given, Point
from smxcheck.derivations.run import StepResult, run, run_parts
from smxcheck.derivations.topics import topics
from smxcheck.formula.evaluate import DIGITS, QUADRATURE_DIGITS, Undefined, evaluate
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.prose import prose
from smxcheck.formula.tree import Integral, Number, Relation, order_of, walk

#: What each group is to hold, in the order of teaching.
GROUPS = {
    "softmax": ("softmax", "softmax-shift", "softmax-jacobian", "softmax-temperature"),
    "logarithms": ("logsumexp", "log-softmax", "logsumexp-gradient", "log-softmax-jacobian"),
    "second derivatives": ("softmax-second", "logsumexp-hessian", "logsumexp-third"),
    "sampling": ("gumbel-max",),
    "blocks": ("online-merge",),
}
NAMES = tuple(name for names in GROUPS.values() for name in names)

#: Digits in which two lines agree, by the derivatives nested in them, and with an integral.
LEAST_DIGITS = {0: 110, 1: 60, 2: 44, 3: 30}
LEAST_DIGITS_OF_INTEGRALS = 30

#: Points of the quick run beside the simple ones, and at how many points a step is decided there and in the full run:
#: fewer than all, where a number of classes or which maximum is larger is a condition.
QUICK_GENERIC, QUICK_POINTS, FULL_POINTS = 2, 4, 12


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_holds_its_topics_in_the_order_of_teaching(group: str) -> None:
    assert tuple(name for name, topic in topics().items() if topic.group == group) == GROUPS[group]

#: Derivations that take long: executed at all points only, among the slow tests.
DEAR = ("gumbel-max", "logsumexp-third", "softmax-second")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DEAR])
def test_every_step_holds(name: str) -> None:
    topic = topics()[name]
    examine(name, run_parts(topic.parts, topic.lexicon, QUICK_GENERIC), QUICK_POINTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_step_and_result_holds_at_all_points(name: str) -> None:
    result = run(topics()[name], RANDOM_POINTS)
    assert result.true
    examine(name, result.steps, FULL_POINTS)


def examine(name: str, steps: Sequence[StepResult], points: int) -> None:
    """Every step is true, in the digits that its derivatives leave, at enough points; every bound is reached somewhere."""
    for step in steps:
        assert step.true, step
        assert step.finding.points >= points, step
        assert not step.finding.undefined or name == "gumbel-max", step  # exp(-exp(998)) at logits near 1000
        if step.step.operator == "==":
            assert step.finding.digits >= least_digits(step.relation), step
        assert (step.sharp is None) == (step.step.operator == "=="), step
        assert step.sharp is None or step.sharp.points >= 1, step


def least_digits(relation: Relation) -> int:
    if any(isinstance(node, Integral) for node in walk(relation)):
        return LEAST_DIGITS_OF_INTEGRALS
    return LEAST_DIGITS[order_of(relation)]


@pytest.mark.parametrize("name", NAMES)
def test_a_derivation_arrives_at_its_results(name: str) -> None:
    """The right side of an equation is a line of some chain: no result is there that is not derived. What adds up to 0 has
    no such line, since a sign turned in it would change nothing."""
    topic = topics()[name]
    lines = {step.expression for _, _, step in topic.steps}
    equations = [claim.relation.right for claim in topic.results if claim.relation.operator == "=="]
    assert [side for side in equations if side not in lines and side != Number(Fraction(0))] == []


@pytest.mark.parametrize("name", NAMES)
def test_functions_and_related_topics_exist(name: str) -> None:
    topic = topics()[name]
    assert set(topic.functions) <= set(FUNCTIONS)
    assert set(topic.see) - {"rounding-errors"} <= set(topics())
    assert name not in topic.see


@pytest.mark.parametrize("name", NAMES)
def test_prose_can_be_read(name: str) -> None:
    for text in texts(topics()[name]):
        prose(text, topics()[name].lexicon)


def texts(topic: Derivation) -> Iterator[str]:
    """All running text of a topic."""
    yield from (topic.title, topic.summary)
    for part in topic.parts:
        yield from (part.title, part.text)
        for step in part.steps:
            yield from (step.rule, step.note)


# ---- facts and numbers that the prose states


def numbers(name: str) -> list[str]:
    """The numbers with a decimal point in the prose of a topic, in the order of reading."""
    return [number for text in texts(topics()[name]) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", text)]


def value(name: str, formula: str, n: int, indices: dict[str, int] | None = None, **given: Given) -> Any:
    """A formula in a topic's letters, with numbers in their place."""
    lexicon = topics()[name].lexicon
    point = Point(n, MappingProxyType(given))
    return evaluate(lexicon.expression(formula), point.environment(lexicon, 2, DIGITS), indices or {})


def logits(*entries: int) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, entries))


def test_only_these_topics_state_decimals() -> None:
    assert [name for name in NAMES if numbers(name)] == ["softmax-shift", "logsumexp", "log-softmax"]


def test_where_the_exponential_overflows_and_rounds_to_0() -> None:
    """exp overflows where it rounds beyond the largest finite number, from half a unit above it on, and is 0 below half
    of the smallest subnormal one. Two decimals, rounded away from 0, so that what is stated is beyond the limit."""
    above, below = [], []
    for format in (np.float16, np.float32, np.float64):
        info = np.finfo(format)
        digits, smallest, largest = info.nmant, int(info.minexp) - info.nmant, int(info.maxexp)
        half_a_unit_above = mpmath.mpf(2) ** largest * (1 - mpmath.mpf(2) ** -(digits + 2))
        assert half_a_unit_above > float(info.max)
        above.append(_two_decimals(mpmath.log(half_a_unit_above), ROUND_CEILING))
        below.append(_two_decimals((smallest - 1) * mpmath.log(2), ROUND_FLOOR))
    assert numbers("softmax-shift") == above + below


def _two_decimals(x: Any, rounding: str) -> str:
    return str(Decimal(mpmath.nstr(x, 30)).quantize(Decimal("0.01"), rounding))


def test_what_the_shift_saves() -> None:
    """With it nothing overflows; without it equal logits of either sign give nan, as does any large one."""
    for z in ([1000.0, 1001.0], [-1000.0, -1000.0]):
        with np.errstate(all="ignore"):
            e = np.exp(np.array(z))
            assert np.isnan(e / e.sum()).any()
        shifted = np.exp(np.array(z) - max(z))
        assert math.isclose((shifted / shifted.sum()).sum(), 1)


def test_what_log1p_keeps() -> None:
    """For the logits 0 and -40: the logarithm of the sum, and of the larger probability, which rounds to 1."""
    rest = math.exp(-40)
    assert math.log(1 + rest) == 0 and 1 / (1 + rest) == 1
    assert numbers("logsumexp") == [str(math.log1p(rest))]
    assert float(value("logsumexp", "L", 2, z=logits(0, -40))) == math.log1p(rest)
    spacing = float(np.spacing(np.float32(10000)))
    assert numbers("log-softmax") == [f"{spacing:.5f}", str(-math.log1p(rest))]
    assert float(value("log-softmax", "log(p[1])", 2, z=logits(0, -40))) == -math.log1p(rest)


def test_a_rest_of_the_unit_roundoff_is_lost_and_more_is_not() -> None:
    assert 1 + 2.0**-53 == 1 < 1 + 1.01 * 2.0**-53


def test_where_a_probability_rounds_to_0() -> None:
    """104 below the largest logit in float32, 746 in float64; one less, with two classes, does not."""
    assert np.float32(mpmath.exp(-104)) == 0 < np.float32(mpmath.exp(-103) / 2)
    assert float(mpmath.exp(-746)) == 0 < float(mpmath.exp(-745))
    assert "104 below the largest in float32, 746 in float64" in " ".join(texts(topics()["log-softmax"]))


def test_the_wrong_factor_of_the_second_derivative_shows_only_where_probabilities_differ() -> None:
    """p_i p_k (2 p_i - 1), with the other probability, agrees at equal logits and differs elsewhere."""
    error = "-p[i]*p[k]*(1 - 2*p[k]) - p[i]*p[k]*(2*p[i] - 1)"
    where = {"i": 1, "k": 2}
    assert value("softmax-second", error, 2, where, z=logits(2, 2)) == 0
    assert abs(value("softmax-second", error, 2, where, z=logits(0, 1))) > 0.1


def test_the_limits_of_the_temperature() -> None:
    """Near 0 the largest logits share all, far up every class has 1/n."""
    z = logits(3, 1, 3)
    cold = [value("softmax-temperature", f"P[{i}]", 3, z=z, tau=Fraction(1, 100)) for i in (1, 2, 3)]
    hot = [value("softmax-temperature", f"P[{i}]", 3, z=z, tau=Fraction(10**30)) for i in (1, 2, 3)]
    assert [round(float(x), 12) for x in cold] == [0.5, 0, 0.5]
    assert [round(float(x), 12) for x in hot] == [round(1 / 3, 12)] * 3


def test_the_relaxed_sample_tends_to_one_hot_at_the_argmax() -> None:
    given = {"z": logits(0, 1, 2), "g": logits(3, 0, 0), "tau": Fraction(1, 100)}
    assert [round(float(value("gumbel-max", f"r[{i}]", 3, **given)), 12) for i in (1, 2, 3)] == [1, 0, 0]


@pytest.mark.slow
def test_the_largest_sum_with_gumbel_noise_is_drawn_from_softmax() -> None:
    """The integral that the topic reduces, as a whole, by quadrature: the probability of the least and the likeliest."""
    whole = COMMON.expression(
        "integral(x, -inf, inf, exp(-(x - z[c]))*exp(-exp(-(x - z[c])))*prod(k != c, exp(-exp(-(x - z[k])))))"
    )
    at = Point(3, MappingProxyType({"z": logits(0, 1, 3)})).environment(COMMON, 0, QUADRATURE_DIGITS)
    for c in (1, 3):
        assert abs(evaluate(whole, at, {"c": c}) - at.entry("p", c)) < 1e-30


# ---- quadrature with infinite ends


def integral(text: str, **given: Given) -> Any:
    lengths = {len(v) for v in given.values() if isinstance(v, tuple)} or {1}
    at = Point(lengths.pop(), MappingProxyType(given)).environment(COMMON, 0, QUADRATURE_DIGITS)
    return evaluate(COMMON.expression(text), at)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("integral(x, -inf, inf, exp(-x)*exp(-exp(-x)))", "1"),  # exp(exp(x)) has no value far out
        ("integral(x, -inf, inf, exp(-(x - 1003)^2))^2", "pi"),  # a peak far from 0
        ("integral(x, 0, inf, exp(-(x - 1003)^2))^2", "pi"),
        ("integral(x, -inf, inf, 1/(1 + x^2))", "pi"),  # falls off slowly
        ("integral(x, 1, inf, 1/x^2)", "1"),
        ("integral(x, 0, inf, x^6*exp(-x))", "720"),
        ("integral(x, 0, inf, log(x)*exp(-x))", "-euler"),  # no value at its end
        ("integral(x, -inf, inf, x*exp(-x^2))", "0"),
        ("integral(x, inf, 0, exp(-x))", "-1"),  # from the upper end to the lower
    ],
)
def test_an_integral_with_infinite_ends(text: str, expected: str) -> None:
    with mpmath.workdps(QUADRATURE_DIGITS):
        exact = {"pi": +mpmath.pi, "-euler": -mpmath.euler}.get(expected) or mpmath.mpf(expected)
        assert abs(mpmath.mpf(integral(text)) - exact) < mpmath.mpf(10) ** -30 * max(1, abs(exact))


@pytest.mark.parametrize(
    "text",
    [
        "integral(x, -inf, inf, 1)",
        "integral(x, 0, inf, exp(x))",
        "integral(x, 1, inf, 1/x)",
        "integral(x, -inf, inf, exp(x)*exp(-exp(-x)))",
        "integral(x, -inf, inf, exp(-(x - 1003.37)^2*10000000))",  # a peak that the search misses: in doubt, not 0
    ],
)
def test_an_integral_that_has_no_value_or_is_not_found(text: str) -> None:
    with pytest.raises(Undefined):
        integral(text)
