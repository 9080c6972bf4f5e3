"""The verdict on a reader's own claim is right, however small a difference, however large a number."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import pytest

from smxcheck.derivations.points import PHIS
from smxcheck.derivations.question import Answer, Verdict, answer
from smxcheck.derivations.question_cases import CLASSES, points_of
from smxcheck.derivations.question_table import table
from smxcheck.formula.evaluate import Undefined, evaluate
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.notation import notation, text

GRAMMAR = notation(COMMON, ascii=True)

#: Several tests ask the same question.
judged = cache(answer)


def condition(found: Answer) -> str:
    """The condition that was found, in the grammar."""
    assert found.case is not None
    return ", ".join(text(c, GRAMMAR) for c in found.case.conditions)


#: Claims that take long, each beside a cheaper one of its kind.
DEAR = (
    "H > 0",
    "H < log(n)",
    "diff(p[i], z[j], z[k]) == 2*p[i]*p[j]*p[k]",
    "diff(L, z[i], z[j]) == p[i]*(delta(i, j) - p[j]) + 1e-40",
    "diff(L, z[i]) == p[i] + 1e-70",
    "integral(x, 0, 1, x^2) == 1/3 + 1e-30",
    "diff(L, z[i], z[i], z[i]) <= 0.0962",
    "diff(L, z[i], z[i], z[i]) <= 0.0963",
)


def dear_ones_slow(claims: Iterable[str]) -> list[Any]:
    """The claims as parameters, those of `DEAR` among the slow tests."""
    return [pytest.param(claim, marks=pytest.mark.slow) if claim in DEAR else claim for claim in claims]


# ---- verdicts

TRUE = (
    "diff(p[i], z[j]) == p[i]*(delta(i, j) - p[j])",
    "diff(H, z[i]) == -p[i]*(log(p[i]) + H)",
    "diff(L, z[i], z[j]) == p[i]*(delta(i, j) - p[j])",
    "diff(CE, z[i]) == p[i] - y[i] if Y == 1",
    "p[i] == p[j] if z[i] == z[j]",
    "H <= log(n)",
    "KL >= 0",
    "H(z + t*d) == H + t*sum(i, diff(H, z[i])*d[i]) + O(t^2)",
    "integral(x, 0, inf, exp(-x)) == 1",
    "L == M if n == 1",
    "diff(phi(z[i]), z[i]) == dphi(z[i])",
    "diff(M, z[i]) == delta(i, 1) if M == z[1], M > z[2], n == 2",
    "p(z/tau)[i] == p[i] if 1 == tau",
    "p[2] == 1/S if z[2] == 0",
)


@pytest.mark.slow
@pytest.mark.parametrize("claim", TRUE)
def test_identities_of_the_table_of_closed_forms_are_true(claim: str) -> None:
    found = judged(claim)
    assert found.verdict is Verdict.TRUE
    assert found.points >= 5 and found.witness is None


def test_the_agreement_told_is_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = COMMON.claim(TRUE[0])
    found = table(claim, COMMON, points_of(claim, COMMON))
    entries = tuple(replace(entry, digits=60 - entry.number) for entry in found.entries)
    monkeypatch.setattr("smxcheck.derivations.question.table", lambda *_: replace(found, entries=entries))
    assert answer(TRUE[0]).digits == 60 - max(entry.number for entry in entries)


#: Claim → the weakest condition under which it is true.
TRUE_IF = {
    "diff(CE, z[i]) == p[i] - y[i]": "Y == 1",
    "sum(k, y[k]*L) == L": "Y == 1",
    "diff(p[i], z[j]) == p[i]*(1 - p[j])": "i == j",
    "diff(p[k], z[l]) == -p[k]*p[l]": "k != l",
    "diff(-log(p[c]), z[k]) == p[k] - 1": "c == k",
    "diff(p[i], z[j], z[k]) == 2*p[i]*p[j]*p[k]": "i != j, i != k, j != k",
    "diff(p[i], z[j], z[k]) == p[i]*(1 - p[i])*(1 - 2*p[i])": "i == j, i == k",
    "CE == -log(p[c])": "Y == 1, y[c] == 1",
    "p[1] + p[2] == 1": "n == 2",
    "H > 0": "n > 1",
    "H < log(n)": "M > mu",
    "p(z/tau)[i] == p[i]": "tau == 1",
}


@pytest.mark.parametrize("claim", dear_ones_slow(TRUE_IF))
def test_the_weakest_condition_that_makes_a_claim_true_is_named(claim: str) -> None:
    found = judged(claim)
    assert found.verdict is Verdict.TRUE_IF
    assert condition(found) == TRUE_IF[claim]


def test_a_condition_is_said_in_words() -> None:
    words = {
        "diff(p[k], z[l]) == -p[k]*p[l]": "k and l are different",
        "diff(p[i], z[j]) == p[i]*(1 - p[j])": "i and j are the same",
        "CE == -log(p[c])": "c is the label's class and the labels are one-hot",
    }
    assert {claim: case.words for claim in words if (case := judged(claim).case)} == words


@pytest.mark.slow
@pytest.mark.parametrize("claim", dear_ones_slow(TRUE_IF))
def test_a_claim_is_true_under_the_condition_that_was_named(claim: str) -> None:
    """Run once more with the condition written out: other points, the same verdict."""
    assert judged(f"{claim} if {TRUE_IF[claim]}").verdict is Verdict.TRUE


FALSE = (
    "diff(H, z[i]) == p[i] - 1",
    "diff(H, z[i], z[j]) == delta(i, j)*p[i] - p[i]*p[j]",
    "diff(p[i], z[j], z[k]) == p[i]*p[k]*(2*p[i] - 1) if i != j, j == k",
    "L == M",
    "p[i] == 1/n",
    "H(z + t*d) == H + O(t^2)",
    "1 == 2",
    "e[i] == p[i]",
    "diff(abs(x), x) == 1",
)


@pytest.mark.slow
@pytest.mark.parametrize("claim", FALSE)
def test_false_claims_are_false(claim: str) -> None:
    assert judged(claim).verdict is Verdict.FALSE


@pytest.mark.parametrize("claim", [c for c in FALSE if "O(" not in c])
def test_the_counterexample_is_one(claim: str) -> None:
    """Evaluated anew at the witness, at other digits, the sides are what the answer says, and differ."""
    found = judged(claim)
    assert found.witness is not None
    at = found.witness.point.environment(COMMON, 2, 60)
    sides = [evaluate(s, at, found.witness.indices) for s in (found.claim.relation.left, found.claim.relation.right)]
    assert all(mpmath.almosteq(a, b, 1e-15) for a, b in zip(sides, (found.witness.left, found.witness.right), strict=True))
    assert abs(sides[0] - sides[1]) > 1e-3


def test_counterexamples_are_plain() -> None:
    """Two classes and small whole numbers where these already show the error."""
    found = judged("diff(H, z[i]) == p[i] - 1")
    assert found.witness is not None
    assert found.witness.point.given["z"] == (Fraction(0), Fraction(1)) and found.witness.indices == {"i": 1}
    p = 1 / (1 + math.e)
    entropy = -p * math.log(p) - (1 - p) * math.log(1 - p)
    assert float(found.witness.left) == pytest.approx(-p * (math.log(p) + entropy), rel=1e-14)
    assert float(found.witness.right) == pytest.approx(p - 1, rel=1e-14)


def test_equal_logits_that_hide_an_error_are_named() -> None:
    """The second derivative with its indices exchanged agrees at uniform p alone, so that symmetric tests miss it."""
    assert judged("p[i] == 1/n").hidden
    assert judged("mu == M").hidden
    assert not judged("diff(H, z[i]) == p[i] - 1").hidden
    assert not judged("H >= log(n)").hidden  # attained there, as a bound is


# ---- numbers that deceive


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("exp(-1000) == 0", Verdict.FALSE),
        ("exp(-1000) > 0", Verdict.TRUE),
        ("10^(-200) != 0", Verdict.TRUE),
        ("log(1 + exp(-z[i])) == log1p(exp(-z[i]))", Verdict.TRUE),
        ("(1 - exp(-800)) - 1 == -exp(-800)", Verdict.TRUE),
        ("sum(k, q[k]) - 1 == 0", Verdict.TRUE),
        ("10^(-1000000) == 0", Verdict.FALSE),
        ("diff(S, e[i]) == 1", Verdict.TRUE),
        ("diff(L, S) == 1/S", Verdict.TRUE),
    ],
)
def test_small_and_large_numbers_do_not_deceive(claim: str, verdict: Verdict) -> None:
    """What is tiny is not 0, what rounding made 0 is not small, and a large number does not swallow a step."""
    assert judged(claim).verdict is verdict


def test_a_kink_has_no_derivative() -> None:
    """At equal logits the maximum has no derivative; a central difference would give 1/2 there and refute what is true."""
    found = judged("diff(M, z[1]) == 1 if M == z[1]")
    assert found.verdict is Verdict.TRUE and found.undefined > 0
    at = next(p for p, _ in points_of(found.claim, COMMON) if p.given["z"] == (Fraction(0), Fraction(0))).environment(COMMON, 1)
    with pytest.raises(Undefined, match="no derivative"):
        evaluate(found.claim.relation.left, at)


@pytest.mark.parametrize(
    "claim", ["integral(x, 0, 1, 1/x) == 1", pytest.param("integral(x, 0, 1, x^(-0.9)) == 10", marks=pytest.mark.slow)]
)
def test_an_integral_that_quadrature_misses_is_undecided(claim: str) -> None:
    assert judged(claim).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("claim", ["1 == 1 if n == 100", "e[i] == p[i] if S == 1", "(-1)^(1/2) == 1", "1/0 == 1", "inf == inf"])
def test_what_few_points_or_none_decide_is_undecided(claim: str) -> None:
    found = judged(claim)
    assert found.verdict is Verdict.UNDECIDED and found.why


def test_kinds_of_labels_and_phi_come_at_every_number_of_classes() -> None:
    """Else a condition on the classes would stand for one on the labels."""
    labels = [(p.classes, sum(p.given["y"]) == 1, max(p.given["y"]) == 1)
              for p, generic in points_of(COMMON.claim("CE == y[1]"), COMMON) if generic]  # type: ignore[arg-type,type-var]  # fmt: skip
    kinds = {(True, True), (True, False), (False, False)}
    for n in range(2, CLASSES + 1):
        assert {(one, hot) for classes, one, hot in labels if classes == n} >= kinds
    phis = {(p.classes, p.phi.text) for p, _ in points_of(COMMON.claim("phi(z[1]) == 1"), COMMON)}
    assert phis >= {(n, phi.text) for n in range(2, CLASSES + 1) for phi in PHIS}


# ---- differences however small, and numbers however far out

#: Claims that are true but for a number far below any that a reader computes with, or far below the noise of 120 digits.
SMALL = (
    *(f"p[i] == p[i] + 1e-{k}" for k in (12, 25, 40, 60, 90, 150)),
    *(f"sum(k, p[k]) == 1 + 1e-{k}" for k in (20, 30, 40)),
    *(f"diff(L, z[i]) == p[i] + 1e-{k}" for k in (20, 40, 70)),
    "diff(L, z[i], z[j]) == p[i]*(delta(i, j) - p[j]) + 1e-40",
    "integral(x, 0, 1, x^2) == 1/3 + 1e-30",
    "1 - exp(-500) == 1",
    "1/(1 + exp(-1000)) == 1",
    "exp(1e-50) == 1",
    "diff(exp(-1000)*x, x) == 0",
    "sum(k, p[k]) <= 1 - 1e-100",
    "exp(t) == 1 + 1e-35 + t + O(t^2)",
    "exp(t) == 1 + t + t^2/2 + t^3/6 + 1e-20*t^3 + O(t^4)",
)


@pytest.mark.slow
@pytest.mark.parametrize("claim", dear_ones_slow(SMALL))
def test_a_difference_that_digits_do_not_make_smaller_is_one(claim: str) -> None:
    assert judged(claim).verdict is Verdict.FALSE


#: Claims that are true, though 120 digits leave a large difference at logits near 1000, or none where there is one.
NOISY = (
    "S*p[i] - exp(z[i]) == 0",
    "exp(z[i] + a) - exp(z[i])*exp(a) == 0",
    "diff(S, z[i], z[i]) - exp(z[i]) == 0",
    "(exp(z[i]) + 1) - exp(z[i]) == 1",
    "log(exp(z[i]) + 1) - log(exp(z[i])) == log1p(exp(-z[i]))",
    "log1p(exp(z[i])) > z[i]",
    "1/(1 + exp(-z[i])) < 1",
    "1e100*(exp(x) - expm1(x) - 1) == 0",
    "1 - exp(-1000) < 1",
    "1 + 1e-40 != 1",
    "(z[i] - z[j])^2 >= 0",
    "L > M if n > 1",
)


@pytest.mark.slow
@pytest.mark.parametrize("claim", NOISY)
def test_a_difference_that_falls_with_the_digits_is_none(claim: str) -> None:
    assert judged(claim).verdict is Verdict.TRUE


def test_what_no_digits_hold_is_undecided() -> None:
    """exp(-100000) beside 1 takes 43430 digits."""
    assert judged("1/(1 + exp(-100000)) == 1").verdict is Verdict.UNDECIDED


#: Claims that are true of plain numbers and fail far out, at ties of many classes, or at the ends of a letter's domain.
FAR = (
    "H <= 1.38", "(n - 1)*(n - 2)*(n - 3)*(n - 4) == 0", "n <= 8", "n != 5", "M < 10000", "abs(z[i]) < 100000", "L < 5000",
    "S > 1e-300", "M > -50", "p[i] > 1e-30", "a <= 3", "a < 100", "a != 7", "tau > 0.0001", "m > 0", "t > 0.01",
    "t < 0.999999", "x < 3.001", "y[i] <= 4", "Y <= 20", "d[i] < 4", "q[i] > 0.001", "u == 2^(-24)", "max(x, -5) == x",
)  # fmt: skip


@pytest.mark.parametrize("claim", FAR)
def test_what_fails_far_out_is_not_true(claim: str) -> None:
    """False, or true under a condition on the classes."""
    assert judged(claim).verdict in (Verdict.FALSE, Verdict.TRUE_IF)


#: Inequalities that fail in a small region, none of whose points is plain, and whether they are false beside their bound.
NARROW = {
    "x*exp(-x) <= 0.3675": Verdict.FALSE,
    "x*exp(-x) <= 0.368": Verdict.TRUE,
    "diff(L, z[i], z[i], z[i]) <= 0.0962": Verdict.FALSE,
    "diff(L, z[i], z[i], z[i]) <= 0.0963": Verdict.TRUE,
    "p[1]*p[2] <= 0.24": Verdict.FALSE,
    "p[i]*(1 - p[i]) <= 1/4": Verdict.TRUE,
}


@pytest.mark.slow
@pytest.mark.parametrize("claim", dear_ones_slow(NARROW))
def test_an_inequality_is_tried_where_it_comes_nearest_to_failing(claim: str) -> None:
    """x*exp(-x) is at most 1/e = 0.36788; p(1-p)(1-2p) at most 1/(6*sqrt(3)) = 0.096225."""
    assert judged(claim).verdict is NARROW[claim]


@pytest.mark.parametrize("claim", ["L != 2", "a^2 != 2"])
def test_sides_that_cross_between_points_are_not_said_to_differ(claim: str) -> None:
    """L is 2 somewhere between a point where it is smaller and one where it is larger; no rational point need hit that."""
    assert judged(claim).verdict is not Verdict.TRUE
