"""The table of functions is complete: each has a reference, an implementation, cases, derivatives, and passes."""

from __future__ import annotations

import numpy as np
import pytest

import smxcheck
import smxref
from smxcheck import functions
from smxcheck.caseset import load_cases
from smxcheck.catalog import FUNCTIONS, SHAPES, Group
from smxcheck.functions import ALGORITHMS
from smxcheck.judge.result import Status
from smxcheck.mistakes import mistakes_in
from smxcheck.oracle import Kind, expect

#: What the toolkit promises to check, by purpose.
PROMISED = {
    Group.CORE: "softmax log_softmax logsumexp sigmoid log_sigmoid",
    Group.LOSS: "cross_entropy nll_loss binary_cross_entropy_with_logits",
    Group.INFORMATION: "entropy softmax_entropy kl_divergence distribution_cross_entropy",
    Group.DERIVATIVES: (
        "softmax_jacobian softmax_jvp softmax_vjp softmax_backward softmax_hessian log_softmax_jacobian log_softmax_vjp"
        " log_softmax_backward logsumexp_grad logsumexp_hessian cross_entropy_grad cross_entropy_hessian"
        " softmax_entropy_grad softmax_entropy_hessian kl_divergence_grad"
    ),
    Group.GENERALISED: (
        "generalized_softmax generalized_softmax_jacobian generalized_softmax_entropy generalized_softmax_entropy_grad"
        " taylor_softmax log_taylor_softmax spherical_softmax log_spherical_softmax soft_margin_softmax sm_taylor_softmax"
        " sparsemax entmax15"
    ),
    Group.SAMPLING: "gumbel_softmax gumbel_max_sample",
    Group.LARGE_VOCABULARIES: "adaptive_log_softmax",
}

#: Class indices do not depend on the logits smoothly.
NO_DERIVATIVE = {"gumbel_max_sample"}

#: Functions with second derivatives: losses and information functions, and what they are made of.
TWICE = {
    "softmax", "logsumexp", "cross_entropy", "binary_cross_entropy_with_logits", "entropy", "softmax_entropy",
    "kl_divergence", "distribution_cross_entropy",
}  # fmt: skip


@pytest.mark.parametrize("group", Group)
def test_what_is_promised_is_in_the_table(group: Group) -> None:
    for name in PROMISED[group].split():
        assert FUNCTIONS[name].group is group


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_reference_implementation_cases_and_mistakes(function: str) -> None:
    assert FUNCTIONS[function].shape in SHAPES
    assert callable(getattr(smxref, function)) and callable(getattr(functions, function))
    assert next(iter(ALGORITHMS[function].values())).declared == "tight"
    cases = load_cases([function], tier="full")
    assert {c.dtype for c in cases} >= {"float32", "float64"}
    assert {c.tier for c in cases} == {"quick", "full"}
    assert mistakes_in(function)


@pytest.mark.parametrize("function", [f.name for f in FUNCTIONS.values() if not f.derivative_of])
def test_a_function_has_a_derivative_where_one_exists(function: str) -> None:
    derivatives = [f for f in FUNCTIONS.values() if f.derivative_of == function]
    assert bool(derivatives) == (function not in NO_DERIVATIVE)
    if function in TWICE:
        assert any(f.name.endswith("_hessian") for f in derivatives)


@pytest.mark.parametrize("function", [f.name for f in FUNCTIONS.values() if f.derivative_of])
def test_a_derivative_is_of_a_function_of_the_table(function: str) -> None:
    assert not FUNCTIONS[FUNCTIONS[function].derivative_of].derivative_of


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if FUNCTIONS[f].shape != "drawn"])
def test_the_reference_answers_what_the_implementation_computes(function: str) -> None:
    """On the first case in float64: the same shape, and every number to ten digits of the largest."""
    case = next(c for c in load_cases([function], ["float64"]) if c.check == "accuracy")
    arguments = tuple(case.build().values())
    expected = expect(function, arguments, case.keywords)
    got = np.asarray(getattr(functions, function)(*arguments, **case.keywords))
    assert got.shape == expected.shape
    numbers = expected.kind == Kind.VALUE
    got, right = got[numbers], expected.enclosure.float64()[numbers]
    assert np.abs(got - right).max(initial=0) <= 1e-10 * np.abs(right).max(initial=1e-300)


@pytest.mark.slow
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if FUNCTIONS[f].group not in (Group.CORE, Group.LOSS)])
def test_the_implementation_passes(function: str) -> None:
    """``smxcheck verify builtin`` in float32, at the level that the default algorithm declares."""
    report = smxcheck.verify("builtin", function=function, dtypes=("float32",), require="tight")
    assert report.exit_code == 0, [p.message for p in report.problems]
    assert any(r.status is Status.OK for r in report.results)
