"""Other checks on our mutants: each accepts what is right and refuses what is plainly wrong, and its score is counted so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from smxcheck import functions
from smxcheck.catalog import FUNCTIONS
from smxcheck.selftest import rivals_allclose, rivals_asked, rivals_gradients, rivals_onnx
from smxcheck.selftest.parts import PARTS
from smxcheck.selftest.results import Rival
from smxcheck.selftest.rivals_allclose import PLANS, Tolerance, calls_on_normals
from smxcheck.selftest.rivals_asked import Call, exists_in, fair
from smxcheck.selftest.rivals_gradients import Program, program
from smxcheck.selftest.subjects import Subject, shipped

Array = Any
DERIVATIVES = tuple(f.name for f in FUNCTIONS.values() if f.derivative_of)


def subject(function: str, call: Callable[..., Array], kind: str = "mistake", dtypes: tuple[str, ...] = ("float32",)) -> Subject:
    return Subject(f"{function}/planted", kind, function, "planted", {function: call}, dtypes)


def among(monkeypatch: pytest.MonkeyPatch, *planted: Subject) -> None:
    """The rivals are asked of these alone."""
    monkeypatch.setattr(rivals_asked, "shipped", lambda *, full: planted)


def by_name(found: tuple[Rival, ...]) -> dict[str, Rival]:
    return {r.name: r for r in found}


def zeros(x: Array, axis: int = -1) -> Array:
    return np.zeros_like(x)


def unshifted(x: Array, axis: int = -1) -> Array:
    w = np.exp(x)
    return w / w.sum(axis=axis, keepdims=True)


# ---- who is asked, and how it is counted


def test_a_mutant_that_a_rival_accepts_survives_and_one_that_it_refuses_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros pass the tolerance that KernelBench has in float32 on a long row (KernelBench#165), and no other."""
    among(monkeypatch, subject("softmax", zeros), subject("softmax", unshifted))
    found = by_name(rivals_allclose.check_allclose(0, ()))
    torch, bench = found["torch assert_close, float32"], found["like KernelBench, float32"]
    assert (torch.asked, torch.killed, torch.survivors) == (2, 1, ("softmax/planted",))
    assert (bench.asked, bench.killed) == (2, 0)


def test_a_right_one_that_is_refused_is_named_and_is_no_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """rtol 1e-7 is less than one rounding of float32."""
    among(monkeypatch, subject("softmax", unshifted, "form", ("float32", "float64")))
    found = by_name(rivals_allclose.check_allclose(0, ()))
    narrow, wide = found["NumPy assert_allclose, float32"], found["NumPy assert_allclose, float64"]
    assert (narrow.asked, narrow.rights, narrow.refuses) == (0, 1, ("softmax/planted",))
    assert (wide.rights, wide.refuses, wide.accepts) == (1, (), 1)


def test_who_is_not_in_its_dtype_or_has_not_its_function_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    among(monkeypatch, subject("softmax", zeros, dtypes=("float64",)), subject("entropy", zeros))
    found = by_name(rivals_allclose.check_allclose(0, ()))
    assert found["torch assert_close, 16 bits"].asked == 0
    assert found["like KernelBench, float32"].asked == 0
    assert found["torch assert_close, float32"].asked == found["NumPy assert_allclose, float64"].asked == 1


def test_an_exception_kills_a_mutant_and_a_missing_keyword_leaves_out_a_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def last_axis_only(x: Array) -> Array:
        return functions.softmax(x)

    def refusing(x: Array, axis: int = -1) -> Array:
        raise ValueError

    among(monkeypatch, subject("softmax", refusing), subject("softmax", last_axis_only, "form"))
    found = by_name(rivals_allclose.check_allclose(0, ()))["torch assert_close, float32"]
    assert (found.killed, found.survivors, found.rights, found.refuses) == (1, (), 1, ())


def test_a_functions_filter_leaves_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    among(monkeypatch, subject("softmax", zeros), subject("entropy", zeros))
    assert all(r.asked == 0 for r in rivals_allclose.check_allclose(0, ("logsumexp",)))


def test_what_no_caller_in_one_process_could_see_is_no_rivals_question() -> None:
    asked = {s.id for s in shipped(full=True) if fair(s)}
    assert "softmax/unshifted" in asked and "softmax/odd-lengths" in asked
    unseen = {"chatty", "integer-division", "leaning", "masked-is-zero", "writes-input", "returns-input", "last-bits"}
    assert not {f"softmax/{name}" for name in unseen} & asked
    assert not [s.id for s in shipped(full=True) if s.kind == "fatal" and fair(s)]
    (one,) = [s for s in shipped(full=True) if s.id == "softmax/odd-lengths"]
    assert exists_in(one, "float64")


# ---- allclose


@pytest.mark.parametrize(
    ("got", "expected", "strict", "lenient"),
    [
        (np.float32([1, 1e-6]), np.float32([1, 0]), True, True),
        (np.float32([1, 3e-5]), np.float32([1, 0]), False, False),
        (np.float32([np.nan]), np.float32([np.nan]), False, True),
        (np.float32([np.inf]), np.float32([np.inf]), True, True),
        (np.float32([np.inf]), np.float32([3e38]), False, False),
        (np.float64([1.0]), np.float32([1.0]), False, True),
        (np.float32([[1.0]]), np.float32([1.0]), False, False),
        ([1.0], np.float32([1.0]), False, True),
        (None, np.float32([1.0]), False, False),
    ],
)
def test_close_is_what_the_libraries_call_close(got: Any, expected: Array, strict: bool, lenient: bool) -> None:
    assert Tolerance(1.3e-6, 1e-5, strict=True).close(got, expected) is strict
    assert Tolerance(1.3e-6, 1e-5, strict=False).close(got, expected) is lenient


@pytest.mark.libraries
def test_close_is_what_torch_and_numpy_say(needs: Callable[..., None]) -> None:
    """On pairs around the edge of the tolerance."""
    needs("torch")
    import torch

    rng = np.random.default_rng(0)
    for _ in range(60):
        e = rng.normal(size=4).astype(np.float32) * np.float32(10.0 ** rng.integers(-7, 3))
        a = (e * (1 + 1e-5 * rng.normal(size=4) * rng.integers(0, 2))).astype(np.float32)
        torchs = np.all(torch.isclose(torch.tensor(a), torch.tensor(e), rtol=1.3e-6, atol=1e-5).numpy())
        assert Tolerance(1.3e-6, 1e-5, strict=True).close(a, e) == torchs
        assert Tolerance(1e-7, 0.0, strict=False).close(a, e) == np.allclose(a.astype(float), e.astype(float), 1e-7, 0.0)


@pytest.mark.parametrize("plan", PLANS, ids=lambda p: p.name)
def test_shipped_functions_are_accepted(plan: Any) -> None:
    for function in ("softmax", "log_softmax", "cross_entropy", "softmax_hessian"):
        for dtype, tolerance in plan.tolerances.items():
            for call in calls_on_normals(function, dtype, 1):
                got = getattr(functions, function)(*call.arguments, **call.keywords)
                assert tolerance.close(got, call.expected) or tolerance.rtol == 1e-7


# ---- ONNX


@pytest.mark.libraries
def test_onnx_cases_are_its_own_and_shipped_functions_pass_them(needs: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    needs("onnx")
    among(
        monkeypatch,
        *(subject(f, getattr(functions, f), "shipped", ("float32", "float64")) for f in set(rivals_onnx._OPERATORS.values())),
        subject("softmax", zeros), subject("softmax", unshifted), subject("entropy", zeros),
    )  # fmt: skip
    (found,) = rivals_onnx.check_onnx(0, ())
    assert (found.rights, found.refuses) == (5, ())
    assert (found.asked, found.killed) == (2, 2)  # a row of logits near 10,000 is among the cases
    assert int(found.what.split()[0]) >= 70


def test_without_onnx_it_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals_onnx, "find_spec", lambda name: None)
    (found,) = rivals_onnx.check_onnx(0, ())
    assert (found.asked, found.killed) == (0, 0) and found.not_run.endswith("pip install onnx")


# ---- gradients


def ask(p: Program, direction: Array) -> tuple[float, float]:
    """Both sides of ⟨g, f'(x) v⟩ = ⟨backward(x, g), v⟩, f' by central differences."""
    step = 1e-6
    slope = (np.asarray(p.forward(p.x + step * direction)) - np.asarray(p.forward(p.x - step * direction))) / (2 * step)
    g = np.random.default_rng(1).normal(size=slope.shape)
    return float((g * slope).sum()), float((np.asarray(p.backward(p.x, g)) * direction).sum())


@pytest.mark.parametrize("function", DERIVATIVES)
def test_the_backward_pass_of_every_derivative_is_that_of_its_forward(function: str) -> None:
    """Else a gradient checker would be asked something else than the derivative, and kill it for that."""
    p = program(function, getattr(functions, function), 3)
    assert p is not None
    numeric, analytic = ask(p, np.random.default_rng(2).normal(size=p.x.shape))
    assert abs(numeric - analytic) <= 1e-7 * max(1.0, abs(numeric))
    doubled = program(function, lambda *a, **k: 2 * np.asarray(getattr(functions, function)(*a, **k)), 3)
    assert doubled is not None
    numeric, analytic = ask(doubled, np.random.default_rng(2).normal(size=p.x.shape))
    assert analytic == pytest.approx(2 * numeric, rel=1e-6, abs=1e-7)


def test_a_function_that_is_no_derivative_is_not_asked() -> None:
    assert program("softmax", functions.softmax, 0) is None


@pytest.mark.slow
@pytest.mark.libraries
@pytest.mark.parametrize("name", [rivals_gradients.TORCH, rivals_gradients.JAX])
def test_gradient_checkers_accept_the_right_and_refuse_the_wrong(
    name: str, needs: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign is found; what is wrong only at -inf is not, since no difference is taken there."""
    needs(rivals_gradients._CHECKERS[name][0])
    right = functions.softmax_vjp

    def at_minus_infinity(x: Array, g: Array) -> Array:
        return np.where(np.isinf(x), 1.0, right(x, g))

    among(
        monkeypatch,
        subject("softmax_vjp", right, "shipped", ("float64",)),
        subject("softmax_vjp", lambda x, g: -right(x, g), dtypes=("float64",)),
        subject("softmax_vjp", at_minus_infinity, dtypes=("float64",)),
        subject("softmax_vjp", at_minus_infinity, dtypes=("float32",)),
    )
    found = rivals_gradients._checked(name, 0, ())
    assert (found.rights, found.refuses, found.asked, found.killed) == (1, (), 2, 1)


@pytest.mark.parametrize("name", [rivals_gradients.TORCH, rivals_gradients.JAX])
def test_without_its_library_a_gradient_checker_is_not_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals_gradients, "find_spec", lambda library: None)
    found = rivals_gradients._checked(name, 0, ())
    assert found.asked == found.rights == 0 and "is not installed: pip install" in found.not_run


# ---- all of them


@pytest.mark.slow
@pytest.mark.libraries
def test_no_rival_kills_all_and_every_one_is_the_same_twice(needs: Callable[..., None]) -> None:
    needs("torch", "jax", "onnx")
    chosen = ("softmax", "logsumexp_grad")
    first, second = (
        tuple(dataclasses.replace(r, seconds=0.0) for p in PARTS if p.rival for r in p.run(4, chosen)) for _ in range(2)
    )
    assert first == second
    assert all(r.asked and r.killed == r.asked - len(r.survivors) for r in first)
    assert all(r.survivors or r.refuses for r in first)  # what refuses right ones may kill all


def test_an_answer_may_write_to_its_copy_only() -> None:
    """A mutant that writes to its input must not change what the next one is asked."""

    def writing(x: Array, axis: int = -1) -> Array:
        x[:] = 0
        return x

    call = Call((np.ones((2, 3), np.float32),))
    rivals_asked.answer(subject("softmax", writing), call)
    assert (call.arguments[0] == 1).all()
