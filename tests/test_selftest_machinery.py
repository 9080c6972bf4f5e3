"""Each check of smxcheck's own machinery holds as it stands, and finds a fault that is planted in what it checks."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.bounds import Bound
from smxcheck.judge.result import Level
from smxcheck.oracle import Enclosure, expect
from smxcheck.oracle.certified import table
from smxcheck.selftest import adversary, bounds, reference, reference_arb, reference_table, tiers
from smxcheck.selftest import reference_definitions as of
from smxcheck.selftest.adversary_forms import FORMS
from smxcheck.selftest.inputs import draw_call
from smxcheck.selftest.reference_jets import Jet, exp, jet, log, seeded, sqrt
from smxcheck.selftest.reference_table import LOSSES, TABLE

# ---- hyper-dual numbers


def middle(part: Any) -> float:
    return float(part.mid)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.floats(0.1, 8), st.floats(0.1, 8))
def test_jets_hold_the_derivatives_that_calculus_gives(x: float, y: float) -> None:
    """f = exp(x) √y log(y) / x: ∂f/∂x = f (1 - 1/x), and ∂²f/∂x∂y = f_y (1 - 1/x)."""
    u, v = seeded([jet(x), jet(y)], 0, 1)
    f = exp(u) * sqrt(v) * log(v) / u
    by_y = np.exp(x) / x * (np.log(y) / (2 * np.sqrt(y)) + 1 / np.sqrt(y))
    value = np.exp(x) * np.sqrt(y) * np.log(y) / x
    scale = np.exp(x) * 30 / x
    for part, right in ((f.a, value), (f.b, value * (1 - 1 / x)), (f.c, by_y), (f.d, by_y * (1 - 1 / x))):
        assert abs(middle(part) - right) <= 1e-12 * scale


@pytest.mark.parametrize(("call", "second"), [(exp, np.exp(1.5)), (log, -1 / 1.5**2), (sqrt, -0.25 * 1.5**-1.5)])
def test_a_jet_along_one_variable_twice_has_the_second_derivative(call: Any, second: float) -> None:
    (x,) = seeded([jet(1.5)], 0, 0)
    assert middle(call(x).d) == pytest.approx(second, rel=1e-14)
    assert middle((x * x * x).d) == pytest.approx(9.0, rel=1e-14)


# ---- the reference against definitions


def test_every_function_with_values_has_a_definition() -> None:
    assert {*TABLE, *LOSSES} == {*FUNCTIONS} - {"gumbel_max_sample"}
    assert "gumbel_max_sample" in reference.check_definitions(functions=["gumbel_max_sample"]).left_out[0]


#: One of each kind of answer; all of them are the slow test's.
SOME = ("log_softmax", "softmax_vjp", "logsumexp_hessian", "cross_entropy", "entmax15", "kl_divergence_grad")


@pytest.mark.parametrize("function", SOME)
def test_the_reference_agrees_with_the_definition(function: str) -> None:
    found = reference.check_definitions(1, [function])
    assert found.asked == found.held > 0 and not found.misses and not found.undecided


@pytest.mark.slow
def test_the_reference_agrees_with_every_definition_and_with_arb() -> None:
    for found in reference.check_reference(3):
        if not found.not_run:
            assert found.asked == found.held > 1000 and not found.misses


@pytest.mark.parametrize("function", SOME)
def test_a_reference_that_is_off_by_its_twelfth_digit_is_found(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    def off(*given: Any) -> Any:
        right = expect(*given)
        e = right.enclosure
        return dataclasses.replace(right, enclosure=dataclasses.replace(e, lo=e.lo + e.hi * 2.0**-40))

    monkeypatch.setattr(reference, "expect", off)
    found = reference.check_definitions(1, [function])
    assert found.misses and function in found.misses[0] and found.held < found.asked


def _without_the_mean(x: of.Row) -> of.Row:
    """p (g - 0): the Jacobian without what the other probabilities lose."""
    return [Jet(p.a, p.b, p.c, p.d) for p in (exp(v) for v in x)]


def test_a_wrong_second_formula_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reference_table.TABLE, "softmax_jacobian", of.Definition(_without_the_mean, 1))
    found = reference.check_definitions(0, ["softmax_jacobian"])
    assert len(found.misses) > found.asked // 2
    assert "its definition" in found.misses[0] and "softmax_jacobian([[" in found.misses[0]


def test_a_value_that_is_claimed_to_be_exact_is_held_to_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sparsemax gives (1/2, 1/2, 0, 0); a bound of 0 around a neighbour of 1/2 is a miss."""
    question = reference.Question("sparsemax", (np.array([[1.0, 1.0, 0.5, -4.0]]),), {})
    assert reference.ask(question) == (4, 0, [])
    right = expect("sparsemax", question.arguments)
    e = dataclasses.replace(right.enclosure, hi=right.enclosure.hi * (1 + 2.0**-52), bound=right.enclosure.bound * 0)
    monkeypatch.setattr(reference, "expect", lambda *given: dataclasses.replace(right, enclosure=e))
    held, undecided, misses = reference.ask(question)
    assert (held, undecided, len(misses)) == (2, 0, 2)  # two exact zeros stay what they are


def test_arb_agrees_and_finds_what_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("flint", reason="python-flint not installed: pip install 'smxcheck[recheck]'")
    few = ["softmax", "kl_divergence", "sparsemax"]
    found = reference_arb.check_arb(1, few)
    assert found.asked == found.held > 30 and "sparsemax" in found.left_out[0]

    def off(*given: Any) -> Any:
        right = expect(*given)
        return dataclasses.replace(right, enclosure=dataclasses.replace(right.enclosure, hi=right.enclosure.hi * (1 + 2.0**-52)))

    monkeypatch.setattr(reference_arb, "expect", off)
    assert reference_arb.check_arb(1, few).misses


def test_without_python_flint_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise ImportError

    monkeypatch.setattr(reference_arb.recheck, "covered", missing)
    assert "pip install" in reference_arb.check_arb().not_run


# ---- bounds


def test_the_search_drives_no_right_form_out_of_its_bound() -> None:
    found = bounds.check_bounds(2, ["logsumexp"])
    assert found.asked == found.held == 30 and not found.misses and "softmax_vjp" not in " ".join(found.left_out)


def test_what_is_not_searched_is_named() -> None:
    assert "softmax_vjp" in bounds.check_bounds(0, ["softmax_vjp"]).left_out[0]


@pytest.fixture
def quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that the search takes for the right ones, with every term a quarter of what it is."""
    whole = adversary.bounds_for

    def narrow(*given: Any) -> Bound:
        bound = whole(*given)
        parts = ({name: term / 4 for name, term in terms.items()} for terms in (bound.relative, bound.absolute))
        return Bound(*parts)

    monkeypatch.setattr(adversary, "bounds_for", narrow)


@pytest.mark.parametrize(("function", "level"), sorted({(f.function, f.level) for f in FORMS}))
def test_a_bound_that_is_four_times_too_narrow_is_broken(quarter: None, function: str, level: Level) -> None:
    """Every bound is filled to 0.3 by some form (`test_bounds_search`), so a quarter of it must break."""
    forms = [f for f in FORMS if (f.function, f.level) == (function, level)]
    assert any(bounds.exceeded(f, "float32", n, 0) for f in forms for n in bounds.LENGTHS)


def test_a_broken_bound_is_told_with_the_row(quarter: None) -> None:
    found = bounds.check_bounds(0, ["entropy"])
    assert found.held == found.asked - len(found.misses) < found.asked
    assert "times the tight bound" in found.misses[0] and "at [[" in found.misses[0]


# ---- tiers


def test_the_fast_tiers_agree_with_mpmath() -> None:
    found = tiers.check_tiers(1, ["softmax", "nll_loss", "sigmoid_grad"])
    assert found.asked == found.held > 300 and not found.misses and not found.left_out


@pytest.mark.slow
def test_every_fast_tier_agrees_with_mpmath() -> None:
    found = tiers.check_tiers(5)
    assert found.asked == found.held > 5000 and not found.misses and not found.left_out


@pytest.mark.parametrize("tier", ["single", "double"])
def test_a_shifted_enclosure_is_found(monkeypatch: pytest.MonkeyPatch, tier: str) -> None:
    """Off by 2^-30 in float64, by 2^-70 in pairs of them: each a thousand times its bound."""
    if tier == "single":
        whole = table.softmax.single

        def off(x: Any) -> Any:
            found, covered = whole(x)
            return dataclasses.replace(found, hi=found.hi * (1 + 2.0**-30)), covered

        monkeypatch.setattr(table.softmax, "single", off)
    else:
        put = table.enclosure
        monkeypatch.setattr(
            table, "enclosure", lambda v: dataclasses.replace(e := put(v), lo=e.lo + e.hi * 2.0**-70)
        )
    function = "softmax" if tier == "single" else "logsumexp"
    found = tiers.check_tiers(0, [function])
    assert found.misses and found.held < found.asked and function in found.misses[0]


def test_a_run_without_fast_tiers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMXCHECK_ORACLE", "mpmath")
    found = tiers.check_tiers()
    assert (found.asked, found.held) == (0, 0) and "unset it" in found.not_run


def one(hi: float, exponent: int = 0, bound: float = 0.0, lo: float = 0.0) -> Enclosure:
    return Enclosure(np.array(hi), np.array(lo), np.array(exponent, np.int32), np.array(bound))


@pytest.mark.parametrize(
    ("a", "b", "agree"),
    [
        (one(0.5), one(0.5), True),
        (one(0.5), one(0.5 + 2.0**-53), False),
        (one(0.5, bound=2.0**-50), one(0.5 + 2.0**-52), True),
        (one(0.5, bound=2.0**-60), one(0.5, lo=2.0**-60, bound=2.0**-61), False),
        (one(0.5, 1), one(0.5, 10**6, bound=0.25), False),
        (one(0.5, 1, bound=2.0**-52), one(1 - 2.0**-53, 0, bound=2.0**-52), True),
        (one(0.0), one(0.0), True),
        (one(0.0), one(0.5, -2000, bound=2.0**-80), False),
        (one(0.0, -5000, bound=1.0), one(0.5, -6000), True),
        (one(0.0, -5000, bound=1.0), one(0.5, -4000), False),
        (one(0.0, -5000, bound=1.0), one(0.0), True),
    ],
)
def test_enclosures_overlap_where_one_number_fulfils_both(a: Enclosure, b: Enclosure, agree: bool) -> None:
    assert tiers.overlap(a, b) is agree
    assert tiers.overlap(b, a) is agree


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.floats(0.5, 0.99), st.integers(-20, 20), st.floats(-0.99, 0.99), st.floats(-0.99, 0.99))
def test_two_true_enclosures_of_one_number_overlap(y: float, e: int, s: float, t: float) -> None:
    """v = y (1 + s b) is enclosed with bound b for every |s| ≤ 1; 1.01 covers the rounding of v."""
    wide, narrow = (one(y * (1 + share * b), e, 1.01 * b) for share, b in ((s, 2.0**-30), (t, 2.0**-40)))
    assert tiers.overlap(wide, narrow) and tiers.overlap(narrow, wide)


# ---- what is drawn


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_drawn_call_has_an_answer_and_is_the_same_for_one_seed(function: str) -> None:
    first, second = (draw_call(function, np.random.default_rng(7), (3, 5)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first[0], second[0], strict=True)) and first[1] == second[1]
    expected = expect(function, *first)
    assert not expected.must_raise and not np.isnan(expected.enclosure.float64()).any()


def test_rationals_of_intervals_arerational() -> None:
    assert of.rational(jet(-0.375)) == Fraction(-3, 8)
