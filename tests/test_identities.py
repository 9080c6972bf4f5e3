"""Identities: right targets hold them, wrong ones do not, and what cannot be asked is said so."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck import functions
from smxcheck.caseset import load_cases
from smxcheck.caseset.model import Case
from smxcheck.derivatives.noise import standard_error
from smxcheck.dtypes import FORMATS
from smxcheck.identities import identity_of, missing, put
from smxcheck.identities.laws import orders
from smxcheck.identities.matrices import directions
from smxcheck.identities.model import CannotAsk, Claim, known, moved, observed
from smxcheck.identities.table import IDENTITIES
from smxcheck.judge.codes import CHECKS, code_of, is_identity
from smxcheck.judge.result import Result, Status
from smxcheck.mistakes import MISBEHAVIOURS, mistakes_in
from smxcheck.selftest.trial import Found, run, session_of
from smxcheck.targets.protocol import Call, Observation, Offer, Session, TargetInfo

Array = Any
CASES = [c for c in load_cases(tier="full") if is_identity(code_of(c.check))]
QUICK = [c for c in CASES if c.tier == "quick"]
ASKED = {f for i in IDENTITIES.values() for f in (i.function, *i.needs)}
BUILTIN = {f: getattr(functions, f) for f in ASKED}


class Told(Session):
    """A session whose answers are a function of the call."""

    def __init__(self, answer: Callable[[Call], Any], offers: Mapping[str, Offer] | None = None) -> None:
        self.info = TargetInfo("told", {}, "numpy", offers or {})
        self.answer, self.asked = answer, list[Call]()

    def call(self, call: Call) -> Observation:
        self.asked.append(call)
        value = self.answer(call)
        return value if isinstance(value, Observation) else Observation("returned", value)

    def close(self) -> None:
        """Nothing to close."""


def right(call: Call) -> Array:
    with np.errstate(all="ignore"):
        return BUILTIN[call.function](*call.arguments, **call.keywords)


def result_of(case: Case, answer: Callable[[Call], Any] = right) -> Result:
    identity = identity_of(case)
    assert identity is not None
    return put(identity, case, tuple(case.build().values()), dict(case.keywords), Told(answer), case.id).result


def case_of(check: str, function: str, dtype: str = "float32") -> Case:
    return next(c for c in QUICK if (c.check, c.function, c.dtype) == (check, function, dtype))


# ---- the table


def test_every_identity_has_a_check_a_quick_case_and_a_function_of_the_catalog() -> None:
    assert {check for check, _ in IDENTITIES} == {code for code in CHECKS if is_identity(code)}
    assert {(code_of(c.check), c.function) for c in QUICK} == set(IDENTITIES)


def test_every_case_of_an_identity_is_one_of_its_function() -> None:
    for case in CASES:
        identity = identity_of(case)
        assert identity is not None and identity.function == case.function


def test_cases_of_other_checks_are_judged_by_exact_values() -> None:
    assert all(identity_of(c) is None for c in load_cases(["softmax"]) if not is_identity(code_of(c.check)))


def test_a_check_without_an_identity_of_that_function_is_a_fault_of_the_case() -> None:
    case = dataclasses.replace(case_of("two-classes", "sigmoid"), function="entropy")
    with pytest.raises(LookupError, match="no identity of entropy"):
        identity_of(case)


def test_every_identity_is_broken_by_a_misbehaviour_whose_other_values_are_right() -> None:
    """That each is found by its own check and by no other is asked where all checks are scored."""
    assert {m.check for m in MISBEHAVIOURS if is_identity(m.check)} == {check for check, _ in IDENTITIES}


# ---- right targets


@pytest.mark.parametrize("case", QUICK, ids=lambda c: c.id)
def test_the_shipped_functions_hold_every_identity(case: Case) -> None:
    result = result_of(case)
    assert result.status is Status.OK, (result.message, result.cannot_tell)
    assert result.check == code_of(case.check) and result.level is None


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if c.tier == "full"], ids=lambda c: c.id)
def test_the_shipped_functions_hold_every_identity_of_the_full_set(case: Case) -> None:
    assert result_of(case).status is Status.OK


def _p(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _lse(x: Array, axis: int = -1) -> Array:
    top = x.max(axis=axis)
    return top + np.log(np.exp(x - np.expand_dims(top, axis)).sum(axis=axis))


def _jacobian(x: Array) -> Array:
    p = _p(x)
    return p[..., None] * (np.eye(x.shape[-1], dtype=x.dtype) - p[..., None, :])


def _product(x: Array, v: Array, axis: int = -1) -> Array:
    p = _p(x, axis)
    return p * (v - (p * v).sum(axis=axis, keepdims=True))


TEXTBOOK: dict[str, Callable[..., Array]] = {
    "softmax": _p,
    "log_softmax": lambda x, axis=-1: x - x.max(axis=axis, keepdims=True) - np.expand_dims(
        _lse(x - x.max(axis=axis, keepdims=True), axis), axis),
    "logsumexp": _lse,
    "sigmoid": lambda x: np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))),
    "softmax_jacobian": _jacobian,
    "logsumexp_hessian": _jacobian,
    "log_softmax_jacobian": lambda x: np.eye(x.shape[-1], dtype=x.dtype) - _p(x)[..., None, :],
    "softmax_jvp": _product,
    "softmax_vjp": _product,
    "logsumexp_grad": _p,
    "log_softmax_vjp": lambda x, g, axis=-1: g - _p(x, axis) * g.sum(axis=axis, keepdims=True),
}  # fmt: skip
IN_TEXTBOOK = [
    c for c in QUICK if c.function in TEXTBOOK and all(n in TEXTBOOK for n in identity_of(c).needs)  # type: ignore[union-attr]
]


@pytest.mark.parametrize("case", IN_TEXTBOOK, ids=lambda c: c.id)
def test_textbook_forms_in_the_dtype_itself_hold_every_identity(case: Case) -> None:
    result = result_of(case, lambda call: np.asarray(TEXTBOOK[call.function](*call.arguments, **call.keywords)))
    assert result.status is Status.OK, (result.message, result.cannot_tell)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.sampled_from(QUICK), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_values_within_their_bounds_never_break_an_identity(case: Case, seed: int, share: float) -> None:
    """The triangle inequality, by perturbing every value by a share of what is allowed, up or down."""
    random, fmt = np.random.default_rng(seed), FORMATS[case.dtype]

    def answer(call: Call) -> Array:
        exact = right(Call(call.function, tuple(_wide(a) for a in call.arguments), call.keywords))
        allowed = standard_error(call.function, call.arguments, call.keywords, exact, fmt)
        # Half: the bound of a value that is rounded to float64 only, and that of the value as it was perturbed, differ.
        return exact + 0.5 * share * allowed * random.choice([-1.0, 1.0], np.shape(exact))

    assert result_of(case, answer).status in (Status.OK, Status.CANNOT_TELL)


def _wide(a: Array) -> Array:
    return a if a.dtype.kind in "iu" else a.astype(np.float64)


# ---- wrong targets

#: (check, function) -> answers that break it.
WRONG: dict[tuple[str, str], Callable[[Call], Array]] = {
    ("row-sums", "softmax_jacobian"): lambda c: np.eye(4) * np.asarray(right(c)),
    ("row-sums", "log_softmax_jacobian"): lambda c: -np.asarray(right(c)).swapaxes(-1, -2) + np.eye(4),
    ("symmetry", "softmax_jacobian"): lambda c: np.triu(right(c)),
    ("semidefinite", "logsumexp_hessian"): lambda c: -np.asarray(right(c)),
    ("null-vector", "softmax_vjp"): lambda c: _p(c.arguments[0]) * c.arguments[1],
    ("adjoint", "softmax_jvp"): lambda c: np.asarray(right(c)) * (1.001 if c.function == "softmax_jvp" else 1),
    ("equal-functions", "logsumexp_grad"): lambda c: np.asarray(right(c)) * (1.001 if c.function == "softmax" else 1),
    ("shift", "softmax"): lambda c: np.asarray(c.arguments[0]) ** 2 / (np.asarray(c.arguments[0]) ** 2).sum(),
    ("shift", "logsumexp"): lambda c: np.asarray(right(c)) * 1.001,
    ("permutation", "softmax"): lambda c: np.sort(right(c)),
    ("two-classes", "sigmoid"): lambda c: np.asarray(right(c)) * (1.001 if c.function == "sigmoid" else 1),
    ("decomposition", "distribution_cross_entropy"): lambda c: np.asarray(right(c)) / (
        np.log(2) if c.function == "entropy" else 1),
    ("range", "logsumexp"): lambda c: np.asarray(right(c)) + 1,
    ("expansion", "softmax_entropy_hessian"): lambda c: np.asarray(right(c)) * (
        1.01 if c.function == "softmax_entropy_grad" else 1),
    ("lipschitz", "softmax"): lambda c: _p(c.arguments[0] * 2),
    ("own-forward", "softmax_jacobian"): lambda c: np.asarray(right(c)) * (
        1.001 if c.function == "softmax_jacobian" else 1),
    ("own-forward", "logsumexp_grad"): lambda c: np.asarray(right(c)) * (
        0 if c.function == "logsumexp_grad" else 1),
    ("own-forward", "softmax_vjp"): lambda c: _p(c.arguments[0]) * c.arguments[1]
    if c.function == "softmax_vjp" else right(c),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("check", WRONG, ids="/".join)
def test_a_broken_identity_is_wrong_and_shows_both_sides(check: tuple[str, str], dtype: str) -> None:
    result = result_of(case_of(*check, dtype), WRONG[check])
    assert (result.status, result.check) == (Status.WRONG, code_of(check[0]))
    assert "against" in result.message and result.message.endswith("allowed")
    assert result.got and "give or take" in result.right


def test_the_gradient_of_the_cross_entropy_needs_the_sum_of_the_labels() -> None:
    """p - y is right where the labels add up to 1, and there only."""
    wrong = next(m for m in mistakes_in("cross_entropy_grad") if m.id.endswith("labels-sum-to-one")).call

    def answer(call: Call) -> Array:
        return wrong(*call.arguments) if call.function == "cross_entropy_grad" else right(call)

    cases = {c.name: c for c in QUICK if c.check == "loss-gradient" and c.dtype == "float32"}
    found = {name: result_of(case, answer).status for name, case in cases.items()}
    assert found == {
        "loss-gradient-sum-1": Status.OK, "loss-gradient-sum-1.5": Status.WRONG, "loss-gradient-sum-0": Status.WRONG,
    }  # fmt: skip


def test_zeros_at_a_saturated_point_are_not_the_gradient_of_the_forward_function() -> None:
    for function in ("softmax_vjp", "log_softmax_vjp", "logsumexp_grad"):
        case = next(c for c in QUICK if c.function == function and c.name.startswith("saturated") and c.dtype == "float64")
        zeros = result_of(case, lambda c, f=function: np.zeros(4) if c.function == f else right(c))
        assert (zeros.status, result_of(case).status) == (Status.WRONG, Status.OK)


# ---- what a run makes of them


def test_an_identity_that_wants_another_function_is_not_put_and_named() -> None:
    target = session_of({"sigmoid": functions.sigmoid}, "alone")
    report = run([target], "sigmoid", ("float32",), text="/identities/")
    assert not [r for r in report.results if r.check == "SMX610"]
    assert report.targets[0].not_tested == ("two-classes of sigmoid, since softmax is not offered",)


def test_a_function_that_is_offered_at_another_keyword_is_not_asked() -> None:
    offers = {"softmax": Offer("softmax", "softmax", frozenset(), {"axis": 0})}
    assert missing(IDENTITIES["SMX610", "sigmoid"], offers) == ("softmax",)
    usual = {"softmax": Offer("softmax", "softmax", frozenset(), {"axis": -1})}
    assert missing(IDENTITIES["SMX610", "sigmoid"], usual) == ()


def test_a_case_of_an_identity_runs_again_by_its_id() -> None:
    calls = {"sigmoid": lambda x: functions.sigmoid(x) * x.dtype.type(1.01), "softmax": functions.softmax}
    identifier = "sigmoid/identities/two-classes/float32"
    report = run([session_of(calls, "two")], "sigmoid", ("float32",), ids=(identifier,), functions=None)
    found = Found(report)
    assert [(r.case, r.check) for r in found.bad("two")] == [(identifier, "SMX610")]
    problem = found.problems("two")[0]
    assert problem.again.endswith(f"--case {identifier}") and "sigmoid(x) is the first entry" in problem.message
    assert report.exit_code == 1


@pytest.mark.slow
def test_one_cause_is_one_problem() -> None:
    """A mistake that is named takes the identities that it breaks with it."""
    mistake = next(m for m in mistakes_in("cross_entropy_grad") if m.id.endswith("labels-sum-to-one"))
    target = session_of({"cross_entropy_grad": mistake.call, "softmax": functions.softmax}, "m")
    found = Found(run([target], "cross_entropy_grad", ("float32",)))
    broken = {r.case for r in found.bad("m") if is_identity(r.check)}
    (problem,) = found.problems("m")
    assert problem.behaves_as.startswith(mistake.formula)
    assert broken and broken <= set(problem.cases) and not is_identity(problem.check)


@pytest.mark.parametrize(("seen", "code", "status"), [
    (Observation("raised", error_type="ValueError", error="no"), "SMX301", Status.WRONG),
    (Observation("raised", error_type="NotImplementedError"), "SMX301", Status.DECLINED),
    (Observation("crashed", error="SIGSEGV"), "SMX302", Status.CRASHED),
    (Observation("not-array", returned_type="list"), "SMX208", Status.WRONG),
    (Observation("returned", np.zeros((3, 7))), "SMX201", Status.WRONG),
    (Observation("returned", np.full(4, np.nan)), "SMX608", Status.WRONG),
])  # fmt: skip
def test_a_call_without_an_answer_is_the_result(seen: Observation, code: str, status: Status) -> None:
    result = result_of(case_of("shift", "softmax"), lambda call: seen)
    assert (result.check, result.status) == (code, status)
    assert result.message.startswith("softmax")


def test_a_bound_as_large_as_the_values_cannot_tell() -> None:
    claim = Claim("", observed(np.array([1.0]), np.array([2.0])), known(0.0))
    assert not claim.tells
    assert Claim("", observed(np.array([1.0]), np.array([0.5])), known(0.0)).tells


def test_a_shift_that_rounds_is_not_asked() -> None:
    with pytest.raises(CannotAsk):
        moved(np.array([0.1, 1e-8], np.float32), 8.0)
    case = case_of("shift", "softmax")
    rounded = dataclasses.replace(case, build=lambda: {"x": np.array([0.1, 1e-8], np.float32)})
    assert result_of(rounded).status is Status.CANNOT_TELL


# ---- the mathematics


def test_directions_and_orders() -> None:
    assert all(sorted(o) == list(range(5)) and (o != np.arange(5)).any() for o in orders(5))
    assert any(abs(sum(d)) > 0 for d in directions(4)) and all(d.shape == (4,) for d in directions(4))


def test_the_remainder_of_the_expansion_of_the_entropy_is_within_its_bound() -> None:
    """|R| ≤ δ³(3.5(ρ + 2δ) + 4)/6, in 50 digits, over many logits and steps; and no bound of half the third derivative
    would do: some remainder comes within a factor of 30."""
    def entropy(z: list[Any]) -> Any:
        weights = [mpmath.exp(t) for t in z]
        p = [w / mpmath.fsum(weights) for w in weights]
        return -mpmath.fsum(t * mpmath.log(t) for t in p)

    worst = 0.0
    with mpmath.workdps(50):
        for z in itertools.product([0.0, 0.7, 2.0, 5.0], repeat=3):
            for step in ((1, -1, 0.5), (1, 1, -1), (-0.5, 0.25, 1)):
                delta = mpmath.mpf(2) ** -6
                at = [mpmath.mpf(t) for t in z]

                def along(t: Any, at: Any = at, step: Any = step) -> Any:
                    return entropy([a + t * d for a, d in zip(at, step, strict=True)])

                second = mpmath.taylor(along, 0, 2)
                remainder = abs(along(delta) - second[0] - second[1] * delta - second[2] * delta**2)
                bound = delta**3 * (3.5 * (max(z) - min(z) + 2 * delta) + 4) / 6
                assert remainder <= bound
                worst = max(worst, float(remainder / bound))
    assert worst > 1 / 30
