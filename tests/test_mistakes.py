"""The shipped wrong implementations are wrong, each on the smallest inputs that its entry names."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS, match_function
from smxcheck.dtypes import FORMATS
from smxcheck.judge.accuracy import judge_values
from smxcheck.judge.call import ask
from smxcheck.judge.codes import CHECKS
from smxcheck.judge.result import LEVEL_ORDER, Level
from smxcheck.mistakes import MISBEHAVIOURS, MISTAKES, mistakes_in
from smxcheck.mistakes.fatal import FATAL
from smxcheck.mistakes.loss_parts import Loss, nll
from smxcheck.mistakes.model import ALL_DTYPES, Misbehaviour, Mistake
from smxcheck.right_forms import RIGHT, RightForm

HERE = Path(__file__).parent / "implementations"
#: What tells a mistake from the rounding of the few operations behind an example, relative, in u.
ROUNDING = 8


def load(name: str) -> ModuleType:
    """A file beside the tests, as a user's file is loaded: by its path."""
    spec = importlib.util.spec_from_file_location(f"implementations_{name}", HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


plain = load("plain")


def differs(got: Any, exact: np.ndarray, dtype: str, units: int = ROUNDING) -> bool:
    """Whether a result is beyond ``units`` u from the exact one, in where it is not finite, or in shape."""
    got = np.asarray(got)
    if got.shape != exact.shape:
        return True
    pairs = zip(got.astype(np.float64).ravel(), exact.ravel(), strict=True)
    return any(_differs(g, e, dtype, units) for g, e in pairs)


def _differs(got: float, exact: Any, dtype: str, units: int) -> bool:
    if exact is None:
        return not np.isnan(got)
    fmt = FORMATS[dtype]
    if abs(exact) > fmt.largest * (1 + fmt.u):
        return bool(got != float(np.sign(exact)) * np.inf)
    if not np.isfinite(got):
        return True
    slack = units * fmt.u * abs(exact) + fmt.smallest_subnormal
    return bool(abs(plain.CTX.mpf(got) - exact) > slack)


def level_of(function: str, arguments: tuple[Any, ...], keywords: dict[str, Any], got: Any, dtype: str) -> Level:
    """The level that a result earns from the judge; an answer where only a refusal is right, or of another shape,
    is wrong."""
    case = Case(function, "mistakes", "example", dtype, "accuracy", "quick", build=dict)
    question = ask(case, arguments, keywords, "")
    if question.expected.must_raise or np.shape(got) != question.expected.shape:
        return Level.WRONG
    with np.errstate(all="ignore"):
        return judge_values(np.asarray(got), question.rulers(question.format), question.format).level


def levels(mistake: Mistake, dtype: str) -> list[Level]:
    """The levels that the mistake earns on its examples."""
    calls = [c for e in mistake.examples if (c := e.build(mistake.function, dtype)) is not None]
    return [level_of(mistake.function, a, k, mistake.call(*a, **k), dtype) for a, k in calls]


def exposing(mistake: Mistake, dtype: str) -> list[int]:
    """The numbers of the examples on which the mistake shows in this dtype."""
    shown = []
    for i, example in enumerate(mistake.examples):
        call = example.build(mistake.function, dtype)
        if call is None:
            continue
        arguments, keywords = call
        exact = plain.evaluate(mistake.function, arguments, keywords)
        got = mistake.call(*arguments, **keywords)
        if exact is None or differs(got, exact, dtype):  # exact None: only a refusal is right, and this is an answer
            shown.append(i)
    return shown


def test_ids_are_sorted_unique_and_permanent_in_form() -> None:
    ids = [m.id for m in MISTAKES]
    assert ids == sorted(set(ids))
    others = [m.id for m in (*MISBEHAVIOURS, *FATAL)]
    assert len(others) == len(set(others))
    for name in (*ids, *others):
        assert re.fullmatch(r"[a-z0-9_]+/[a-z0-9-]+", name)
        assert name.split("/")[0] in FUNCTIONS


def test_every_function_has_mistakes_of_several_kinds() -> None:
    """Many for what kernels are written for; at least a handful of wrong formulas for the rest."""
    assert len(MISTAKES) >= 500
    for function in FUNCTIONS:
        assert len(mistakes_in(function)) >= (8 if plain.knows(function) else 4), function


def test_every_check_has_an_implementation_that_it_must_catch() -> None:
    named = {m.check for m in (*MISTAKES, *MISBEHAVIOURS, *FATAL)}
    assert named == set(CHECKS)


def test_entries_are_complete() -> None:
    for m in MISTAKES:
        assert m.formula and m.instead and len(m.formula) <= 90, m.id
        assert m.fails in ("standard", "tight"), m.id
        assert not set(m.dtypes) & set(m.equivalent), m.id
        assert m.dtypes or m.check == "SMX209", m.id
        assert set(m.dtypes) | set(m.equivalent) <= set(ALL_DTYPES), m.id
        assert re.fullmatch(r"(X\d\d)?", m.families), m.id
        assert all(re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", bug) for bug in m.precedents), m.id


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if plain.knows(f)])
def test_every_mistake_shows_on_a_named_input(function: str) -> None:
    hidden = [(m.id, dtype) for m in mistakes_in(function) for dtype in m.dtypes if not exposing(m, dtype)]
    assert not hidden


def worst(mistake: Mistake, dtype: str) -> Level:
    return max(levels(mistake, dtype), key=LEVEL_ORDER.__getitem__)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_judge_finds_every_mistake_at_the_level_that_its_entry_says(function: str) -> None:
    due = {"standard": Level.WRONG, "tight": Level.STANDARD}
    found = {(m.id, dtype): (worst(m, dtype), due[m.fails]) for m in mistakes_in(function) for dtype in m.dtypes}
    assert not {place: pair for place, pair in found.items() if pair[0] is not pair[1]}


def test_equivalent_mistakes_pass_their_own_examples() -> None:
    found = [(m.id, dtype) for m in MISTAKES for dtype in m.equivalent if Level.WRONG in levels(m, dtype)]
    assert not found


@pytest.mark.parametrize("kind", [Loss(), nll(Loss())], ids=["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("labels", [[2, 0, -100], [[0.5, 0.25, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]], ids=str)
@pytest.mark.parametrize("weight", [None, [2.0, 4.0, 6.0]], ids=str)
def test_parts_of_the_losses_are_right_until_one_is_replaced(
    kind: Loss, reduction: str, labels: Any, weight: Any
) -> None:
    function = "cross_entropy" if kind.log_p(np.ones((1, 2)))[0, 0] < 0 else "nll_loss"
    x = -np.array([[0.5, 1.5, 3.0], [2.0, 0.25, 1.0], [4.0, 0.5, 2.0]])
    keywords = {"reduction": reduction, "weight": None if weight is None else np.array(weight)}
    if function == "cross_entropy":
        keywords["label_smoothing"] = 0.125
    exact = plain.evaluate(function, (x, np.array(labels)), keywords)
    assert not differs(kind(x, np.array(labels), **keywords), exact, "float64")
    as_columns = (x.T, np.array(labels).T if np.ndim(labels) == 2 else np.array(labels))
    assert not differs(kind(*as_columns, axis=0, **keywords), exact, "float64")


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f in plain.SAME or f in plain.REDUCED])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_mistakes_take_any_axis_and_never_write_to_their_input(function: str, axis: int) -> None:
    x = np.linspace(0.125, 1.0, 24, dtype=np.float32).reshape(2, 3, 4)
    arguments = tuple(x.copy() for _ in FUNCTIONS[function].arguments)
    shape = x.shape if function in plain.SAME else tuple(np.delete(x.shape, axis))
    for mistake in mistakes_in(function):
        got = mistake.call(*arguments, axis=axis)
        assert got.shape == shape and got.dtype == np.float32, mistake.id
        assert all(np.array_equal(a, x) for a in arguments), mistake.id
        assert not any(np.shares_memory(got, a) for a in arguments), mistake.id


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.floats(-5.0, 5.0, width=32), min_size=1, max_size=40), st.sampled_from(ALL_DTYPES))
def test_mistakes_of_softmax_answer_every_ordinary_row(values: list[float], dtype: str) -> None:
    x = np.array([values]).astype(FORMATS[dtype].numpy())
    for function in ("softmax", "log_softmax", "logsumexp"):
        for mistake in mistakes_in(function):
            got = mistake.call(x)
            assert got.dtype == x.dtype and got.size == (x.size if function in plain.SAME else 1), mistake.id


def ordinary() -> np.ndarray:
    """A contiguous float32 matrix of moderate numbers: the batch that every quick test tries."""
    return np.array([[0.5, -1.0, 2.0, 1.25], [3.0, 0.0, -2.0, 0.75], [1.0, 1.5, -0.5, 0.25]], np.float32)


def is_of_one_array(function: str) -> bool:
    return len(FUNCTIONS[function].arguments) == 1 and plain.knows(function)


@pytest.mark.parametrize(
    "misbehaviour",
    [m for m in MISBEHAVIOURS if is_of_one_array(m.function) and m.id != "softmax/none"],
    ids=lambda m: m.id,
)
def test_misbehaviour_gives_right_values_on_an_ordinary_batch(
    misbehaviour: Misbehaviour, capsys: pytest.CaptureFixture[str]
) -> None:
    x = ordinary()
    exact = plain.evaluate(misbehaviour.function, (x,), {})
    got = np.asarray(misbehaviour.call(x)).reshape(exact.shape)
    assert not differs(got, exact, "float32")


def test_misbehaviours_misbehave(capsys: pytest.CaptureFixture[str]) -> None:
    """Each on the smallest thing that shows it."""
    m = {b.id.split("/", 1)[1]: b.call for b in MISBEHAVIOURS}
    x = np.array([[0.0, 1.0], [2.0, 4.0]], np.float32)
    right = m["masked-is-zero"](x)
    inf, nan = np.inf, np.nan

    tail = np.float32([[0, -50]])
    assert differs(m["scaled-tail"](tail), plain.evaluate("softmax", (tail,), {}), "float32")
    assert np.isnan(m["product-overflows"](np.float32([[3e38, 0]]))).all()
    assert np.isfinite(m["finite-mask"](np.float32([[0, -inf]]))).all()
    assert np.isfinite(m["nan-row-is-zero"](np.float32([[nan, 0]]))).all()
    assert np.isnan(m["nan-spreads"](np.float32([[nan, 0], [0, 0]]))[1]).all()
    assert m["odd-lengths"](np.zeros((2, 513))).sum() > 2.001
    assert m["stops-at-2048"](np.zeros(2**12)) == pytest.approx(np.log(2.0**11))
    assert m["leaning"](np.zeros((1, 1024), np.float32)).astype(np.float64).sum() - 1 == pytest.approx(18 * 2.0**-24)
    assert m["keeps-dims"](x).shape == (2, 1)
    assert m["flattened"](x).shape == (4,)
    assert m["always-float64"](x).dtype == np.float64
    cube = np.stack([x, 2 * x])
    assert np.array_equal(m["middle-axis-is-last"](cube, axis=1), m["middle-axis-is-last"](cube, axis=2))
    for name in ("memory-order", "fortran-order"):
        assert not np.array_equal(m[name](x.T.copy().T), right)
    assert not np.array_equal(m["memory-order"](np.repeat(x, 2, axis=1)[:, ::2]), right)
    written = x.copy()
    m["writes-input"](written)
    assert not np.array_equal(written, x)
    zero = np.zeros((1, 1), np.float32)
    assert m["returns-input"](zero) is zero
    assert not np.array_equal(m["last-bits"](x), m["last-bits"](x))
    assert isinstance(m["list"](x), list) and m["none"](x) is None
    assert not m["integer-division"](np.array([[1, 2]])).any()
    assert m["sum-is-mean"](x, np.array([0, 1]), reduction="sum") == m["sum-is-mean"](x, np.array([0, 1]))
    assert m["empty-is-zero"](np.zeros((1, 0))) == 0
    with pytest.raises(ValueError):
        m["matrices-only"](x[0])
    with pytest.raises(IndexError):
        m["not-one-entry"](zero)
    assert not capsys.readouterr().out
    m["chatty"](x)
    assert len(capsys.readouterr().out) > 2**20
    masked = m["masked-by-length"]
    assert np.isnan(masked(np.full((1, 127), -inf))).all() and not masked(np.full((1, 128), -inf)).any()
    assert not m["masked-is-zero"](np.full((1, 2), -inf)).any()


MODERATE, WIDE_SPREAD = 1.0, 25.0


def generic(function: str, spread: float) -> tuple[np.ndarray, ...]:
    """Float64 arguments without anything special, one matrix of rows each; logits of standard deviation ``spread``."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(4, 33)) * spread
    labels = rng.integers(0, 33, size=4)
    p, q = (e / e.sum(axis=1, keepdims=True) for e in np.exp(rng.normal(size=(2, 4, 33))))
    if function in ("cross_entropy", "cross_entropy_grad"):
        return x, labels
    if function == "nll_loss":
        return np.log(p), labels
    if function == "binary_cross_entropy_with_logits":
        return x, (x > 0.5) * 0.75
    if function == "entropy":
        return (p,)
    return (p, q) if function in ("kl_divergence", "distribution_cross_entropy") else (x,)


def in_dtype(function: str, dtype: str, spread: float) -> tuple[np.ndarray, ...]:
    return tuple(a if a.dtype.kind == "i" else a.astype(FORMATS[dtype].numpy()) for a in generic(function, spread))


#: The right forms of what the definitions here know.
DEFINED = [form for form in RIGHT if plain.knows(form.function)]


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("form", DEFINED, ids=lambda form: form.id)
def test_right_implementation_agrees_with_the_definition(form: RightForm, dtype: str) -> None:
    function, call = form.function, form.call
    arguments = in_dtype(function, dtype, MODERATE)
    got = np.asarray(call(*arguments))
    assert got.dtype == arguments[0].dtype
    assert not differs(got, plain.evaluate(function, arguments, {}), dtype, units=32)
    arguments = in_dtype(function, dtype, WIDE_SPREAD)
    assert level_of(function, arguments, {}, call(*arguments), dtype) is not Level.WRONG


def test_there_are_twenty_right_implementations() -> None:
    assert len(DEFINED) >= 20


@pytest.mark.libraries
@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("spread", [MODERATE, WIDE_SPREAD])
def test_right_torch_implementations_agree_with_the_definition(dtype: str, spread: float) -> None:
    # Under SMXCHECK_CI=1 a missing library is a failure.
    torch = importlib.import_module("torch") if os.environ.get("SMXCHECK_CI") else pytest.importorskip("torch")
    for name, function, call, _ in load("right_torch").RIGHT:
        assert match_function(name) == function
        arguments = in_dtype(function, dtype, spread)
        wide = [torch.from_numpy(a if a.dtype.kind == "i" else a.astype(np.float64)) for a in arguments]
        given = [t.to(getattr(torch, dtype)) if t.is_floating_point() else t for t in wide]
        result = call(*given)
        assert result.dtype == given[0].dtype, name
        got = result.to(torch.float64).numpy()
        if spread == MODERATE:
            assert not differs(got, plain.evaluate(function, arguments, {}), dtype, units=32), name
        assert level_of(function, arguments, {}, got, dtype) is not Level.WRONG, name
