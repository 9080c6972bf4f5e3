"""What is timed is judged on the very shape, hard rows among it: right targets stay right, wrong ones are found wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck import functions
from smxcheck.benchmark.measure import hard_rows
from smxcheck.benchmark.measure.inputs import (
    bytes_moved,
    check,
    exact_values,
    judged_call,
    result_shape,
    timed_call,
)
from smxcheck.benchmark.measure.right import Right
from smxcheck.benchmark.results import Judgement
from smxcheck.benchmark.shapes import Shape, defaults
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.functions import ALGORITHMS
from smxcheck.mistakes import MISBEHAVIOURS, mistakes_in
from smxcheck.oracle import expect
from smxcheck.targets.execute import largest_answer
from smxcheck.targets.load import in_process, open_session, parse_target
from smxcheck.targets.options import WorkerOptions

#: The default shapes scaled down, each with what makes it one of its own: few long rows, one row, an axis, strides.
SMALL = (
    Shape((200, 10)), Shape((40, 100)), Shape((8, 1000)), Shape((1, 4096)), Shape((100, 40), axis=0),
    Shape((40, 100), layout="every-other"),
)  # fmt: skip
OWN = {
    "jacobian": (Shape((40, 10)), Shape((4, 12))), "hessian": (Shape((30, 5)),), "wide": (Shape((40, 10)),),
    "drawn": (Shape((10, 10)),),
}  # fmt: skip
WIDE = ("float32", "float64")
#: Functions of which kernels are written most, and the kinds of mistakes that ordinary finite input can show: not those of
#: infinities and NaN, of keywords that are not timed, of labels out of range, of square matrices or certain lengths.
UNSEEN = ("infinity", "infinities", "nan", "-impossible", "keepdims", "odd-widths", "masked", "-unguarded", "maximum-stored")
KERNELS = ("softmax", "log_softmax", "logsumexp", "cross_entropy", "softmax_vjp")


def shapes(function: str) -> tuple[Shape, ...]:
    return OWN.get(FUNCTIONS[function].shape, SMALL)


def taken(function: str) -> list[Shape]:
    """The small shapes that the function is timed on."""
    found = []
    for shape in shapes(function):
        try:
            timed_call(function, "float32", shape)
        except ValueError:
            continue
        found.append(shape)
    return found


def judged(call: Callable[..., Any], function: str, shape: Shape, dtype: str = "float32") -> Judgement | str:
    return Right(function, dtype, shape).judge(in_process(call, function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_inputs_of_the_shape_the_dtype_and_the_catalogs_arguments(function: str) -> None:
    assert taken(function)
    for shape in taken(function)[:: 3]:
        for dtype in FORMATS:
            for call in (timed_call(function, dtype, shape), judged_call(function, dtype, shape)):
                assert len(call.arguments) == len(FUNCTIONS[function].arguments)
                assert set(call.keywords) <= set(FUNCTIONS[function].keywords)
                assert call.keywords.get("axis", -1) == shape.axis and call.layout == shape.layout
                for name, array in zip(FUNCTIONS[function].arguments, call.arguments, strict=True):
                    assert array.flags.c_contiguous and np.isfinite(array.astype(np.float64)).all(), name
                    assert array.dtype.name == ("int64" if name == "labels" else dtype)
                    if name not in ("labels", "head", "tail"):
                        assert array.shape == shape.shape


@pytest.mark.parametrize("function", FUNCTIONS)
def test_shape_of_the_result_is_that_of_the_function(function: str) -> None:
    """`result_shape` derives it from the catalog, the implementation computes it."""
    for shape in taken(function):
        call = timed_call(function, "float32", shape)
        assert result_shape(call) == np.shape(getattr(functions, function)(*call.arguments, **call.keywords))


def test_bytes_formula_on_calls_counted_by_hand() -> None:
    moved = {
        ("softmax", "float32", Shape((8, 16))): 2 * 128 * 4,
        ("softmax", "float64", Shape((8, 16), layout="every-other")): 2 * 128 * 8,
        ("logsumexp", "float32", Shape((8, 16), axis=0)): (128 + 16) * 4,
        ("cross_entropy", "float32", Shape((8, 16))): 128 * 4 + 8 * 8 + 4,
        ("softmax_vjp", "bfloat16", Shape((8, 16))): 3 * 128 * 2,
        ("softmax_jacobian", "float64", Shape((8, 16))): (128 + 128 * 16) * 8,
        ("softmax_hessian", "float64", Shape((2, 4))): (8 + 8 * 16) * 8,
        ("gumbel_max_sample", "float32", Shape((2, 4))): 8 * 4 + 2 * 10_000 * 8,
        # A shortlist of 2 of 10 classes, clusters of 2 and 6: 4 logits of the head, 8 of the tail, 10 results a row.
        ("adaptive_log_softmax", "float32", Shape((3, 10))): 3 * (4 + 8 + 10) * 4,
        ("adaptive_log_softmax_jacobian", "float32", Shape((3, 10))): 3 * (4 + 8 + 10 * 12) * 4,
    }
    for (function, dtype, shape), wanted in moved.items():
        assert bytes_moved(timed_call(function, dtype, shape)) == wanted, function


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    st.sampled_from([f for f in FUNCTIONS if not f.startswith("gumbel_max")]),
    st.lists(st.integers(3, 6), min_size=2, max_size=3),
    st.integers(0, 2),
)
def test_every_axis_and_number_of_axes(function: str, lengths: list[int], axis: int) -> None:
    """What normalises along an axis has probabilities that add up to 1 there, and labels without it."""
    shape = Shape(tuple(lengths), axis % len(lengths) if "axis" in FUNCTIONS[function].keywords else -1)
    call = timed_call(function, "float64", shape)
    assert result_shape(call) == np.shape(getattr(functions, function)(*call.arguments, **call.keywords))
    for name, array in zip(FUNCTIONS[function].arguments, call.arguments, strict=True):
        if name in ("p", "q"):
            assert np.allclose(array.sum(axis=shape.axis), 1, rtol=1e-12)
        if name == "labels":
            assert ((array >= 0) & (array < shape.n)).all()


def test_the_same_numbers_in_every_call_and_dtype() -> None:
    shape = Shape((50, 20))
    first = timed_call("cross_entropy", "float64", shape)
    again = timed_call("cross_entropy", "float64", shape)
    narrow = timed_call("cross_entropy", "float16", shape)
    assert all(np.array_equal(a, b) for a, b in zip(first.arguments, again.arguments, strict=True))
    assert np.array_equal(first.arguments[0].astype(np.float16), narrow.arguments[0])
    assert np.array_equal(first.arguments[1], narrow.arguments[1])


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", ["entropy", "kl_divergence", "entropy_hessian", "distribution_cross_entropy_hessian"])
def test_timed_probabilities_are_normal_numbers(function: str, dtype: str) -> None:
    for array in timed_call(function, dtype, Shape((2, 200))).arguments:
        assert array.astype(np.float64).min() >= FORMATS[dtype].smallest_normal


def test_only_some_rows_differ_from_what_is_timed() -> None:
    shape = Shape((400, 30))
    timed, hard = (make("softmax", "float32", shape).arguments[0] for make in (timed_call, judged_call))
    changed = np.flatnonzero((timed != hard).any(axis=1))
    assert set(changed) == set(hard_rows.places(400, len(hard_rows.SHIFTABLE))) and len(changed) == 14
    assert {0, 399} <= set(changed)


@pytest.mark.parametrize("function", ["softmax_jacobian", "taylor_softmax", "gumbel_softmax", "adaptive_log_softmax"])
def test_where_exact_values_are_dear_the_distinct_rows_are_few(function: str) -> None:
    """The reference works out at most the values of so many rows; hard ones are among them."""
    call = judged_call(function, "float32", Shape((3000, 30)))
    rows = np.concatenate([a.reshape(3000, -1) for a in call.arguments], axis=1)
    assert len(np.unique(rows, axis=0)) <= 64 + len(hard_rows.SHIFTABLE)


def test_equal_rows_are_enclosed_once_and_alike() -> None:
    """What the judge relies on for those functions: copies of a row have the answer that the row has alone."""
    rows = np.array([[0.5, 1, -2], [3, 0, 1], [0.5, 1, -2]], np.float32)
    labels = np.array([0, 2, 1])
    for function in ("softmax_jacobian", "soft_margin_softmax", "cross_entropy_hessian"):
        of = (rows, labels)[: len(FUNCTIONS[function].arguments)]
        whole = expect(function, of).enclosure.float64()
        for i in range(3):
            alone = expect(function, tuple(np.repeat(a[i : i + 1], 3, axis=0) for a in of)).enclosure.float64()
            assert np.array_equal(whole[i], alone[0])


@pytest.mark.parametrize(("function", "shape", "said"), [
    ("sigmoid", Shape((4, 4), axis=0), "takes no axis"),
    ("softmax_jacobian", Shape((4, 4), axis=0), "takes no axis"),
    ("cross_entropy", Shape((1000,)), "write 1x1000"),
    ("softmax_jacobian", Shape((4, 1000)), "rows of 1,000"),
    ("gumbel_max_sample", Shape((4096, 1000)), "at most 13,421 elements"),
    ("adaptive_log_softmax", Shape((4, 2)), "3 classes"),
])  # fmt: skip
def test_what_is_not_timed_is_said_in_one_line(function: str, shape: Shape, said: str) -> None:
    for make in (timed_call, judged_call, Right):
        with pytest.raises(ValueError, match=said) as refused:
            make(function, "float32", shape)
        assert "\n" not in str(refused.value) and function in str(refused.value)


def test_functions_with_shapes_of_their_own_are_timed_on_all_of_them() -> None:
    for function, entry in FUNCTIONS.items():
        if entry.shape in OWN:
            for shape in defaults(entry.shape):
                check(function, shape)
                assert exact_values(function, shape.n) * (entry.shape != "drawn") <= 1 << 14


@pytest.mark.parametrize("function", FUNCTIONS)
def test_results_of_any_size_are_accepted_from_a_target(function: str) -> None:
    """Where a batch of matrices is large beside its input, it is no wrong answer."""
    call = timed_call(function, "float32", Shape((100, 10) if FUNCTIONS[function].shape == "drawn" else (4000, 30)))
    assert math.prod(result_shape(call)) < largest_answer(call)


@pytest.mark.parametrize("function", sorted(FUNCTIONS)[::4])  # all of them in the slow one
def test_shipped_implementations_are_right_on_hard_rows(function: str) -> None:
    """In turn on few long rows, many short ones, along another axis and on strided ones."""
    turn = sorted(FUNCTIONS).index(function)
    shape = taken(function)[turn % len(taken(function))]
    found = Right(function, WIDE[turn % 2], shape).judge(open_session(parse_target("builtin")))
    assert isinstance(found, Judgement) and found.level in ("1ulp", "tight"), (shape.title, found)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_shipped_implementations_are_right_on_every_small_shape(function: str, dtype: str) -> None:
    """In 16 bits a few results of a long row may be allowed so much that the judge says it cannot tell."""
    session = open_session(parse_target("builtin"))
    for shape in taken(function):
        found = Right(function, dtype, shape).judge(session)
        if FORMATS[dtype].is_16_bit and isinstance(found, str):
            assert found.startswith("not judged: what is allowed here"), (shape.title, found)
            continue
        assert isinstance(found, Judgement) and not found.wrong, (shape.title, found)


@pytest.mark.parametrize("function", KERNELS[:2])
def test_algorithms_are_judged_as_they_are_declared(function: str) -> None:
    for name, algorithm in ALGORITHMS[function].items():
        session = in_process(algorithm.call, function, name=name)
        found = [Right(function, "float32", shape).judge(session) for shape in SMALL]
        assert all(isinstance(f, Judgement) for f in found)
        assert any(f.wrong for f in found if isinstance(f, Judgement)) == (algorithm.declared == "wrong"), name


@pytest.mark.parametrize("function", KERNELS)
def test_known_mistakes_are_found_on_ordinary_finite_input(function: str) -> None:
    rights = [Right(function, "float32", shape) for shape in SMALL]
    missed = []
    for mistake in mistakes_in(function):
        if "float32" not in mistake.dtypes or mistake.fails != "standard" or any(word in mistake.id for word in UNSEEN):
            continue
        session = in_process(mistake.call, function, name=mistake.id)
        if not any(isinstance(found := right.judge(session), Judgement) and found.wrong for right in rights):
            missed.append(mistake)
    # What is left shows in other arguments alone: soft labels, ignored labels and labels out of range, keywords.
    if function == "cross_entropy":
        missed = [m for m in missed if m.check not in ("SMX401", "SMX402", "SMX403", "SMX404", "SMX405")]
        assert {m.id for m in missed} <= {
            "cross_entropy/hard-labels", "cross_entropy/labels-normalised", "cross_entropy/zero-times-infinity",
        }  # fmt: skip
    else:
        assert not {m.id for m in missed}


@pytest.mark.parametrize(("check", "said"), [("SMX205", "input array was changed"), ("SMX202", "dtype"), ("SMX201", "shape")])
def test_broken_properties_count_as_wrong_and_are_told(check: str, said: str) -> None:
    """Of the shipped misbehaviours of softmax one for each, whose values are right."""
    chosen = next(m for m in (*MISBEHAVIOURS, *mistakes_in("softmax")) if m.check == check and m.function == "softmax")
    found = [judged(chosen.call, "softmax", shape) for shape in SMALL[:3]]
    assert any(isinstance(f, Judgement) and f.wrong and said in f.message for f in found), found


def test_what_cannot_be_judged_has_a_reason_and_no_judgement() -> None:
    def absent(x: Any, axis: int = -1) -> Any:
        raise NotImplementedError("not written yet")

    def failing(x: Any, axis: int = -1) -> Any:
        raise RuntimeError("no kernel for it")

    def nothing(x: Any, axis: int = -1) -> Any:
        return None

    def last_only(x: Any) -> Any:
        return functions.softmax(x)

    assert judged(absent, "softmax", SMALL[0]) == "declined: not written yet"
    assert judged(failing, "softmax", SMALL[0]) == "raised: RuntimeError: no kernel for it"
    assert "not an array" in str(judged(nothing, "softmax", SMALL[0]))
    assert "takes no axis" in str(judged(last_only, "softmax", SMALL[4]))
    assert isinstance(judged(last_only, "softmax", SMALL[0]), Judgement)


def test_figures_of_a_judgement_are_those_of_the_judge() -> None:
    """A right one shows its largest error, a wrong one the element that exceeds its bound most."""
    right = judged(functions.softmax, "softmax", SMALL[1], "float64")
    assert isinstance(right, Judgement) and right.worst is not None and 0 < right.worst <= 1
    assert (right.got, right.right) == ("", "")  # the judge shows the element nearest to its bound: that of another error
    wrong = judged(lambda x, axis=-1: functions.softmax(x, axis=axis) * np.float32(1.01), "softmax", SMALL[1])
    assert isinstance(wrong, Judgement) and wrong.wrong and wrong.worst is not None and wrong.allowed is not None
    # A hundredth of a number is 2^23/100 to 2^24/100 ulp of it, give or take the rounding of the product.
    assert 2**23 / 101 < wrong.worst < 1.01 * 2**24 / 100 and wrong.allowed < wrong.worst
    assert wrong.got and wrong.right and "ulp allowed" in wrong.message


def test_a_fixed_keyword_is_judged_at_its_own_value() -> None:
    def warm(logits: Any, noise: Any) -> Any:
        return functions.gumbel_softmax(logits, noise, tau=2.0)

    session = in_process(warm, "gumbel_softmax", options=WorkerOptions(isolate=False, fixed={"tau": 2.0}))
    plain = in_process(warm, "gumbel_softmax")
    right = Right("gumbel_softmax", "float32", SMALL[1])
    found, other = right.judge(session), right.judge(plain)
    assert isinstance(found, Judgement) and not found.wrong
    assert isinstance(other, Judgement) and other.wrong


def test_a_mean_does_not_hide_a_wrong_row() -> None:
    """An error of one part in 10^5 in one row of 40 is a part in 4·10^6 of the mean, within what is allowed to it."""

    def careless(logits: Any, labels: Any, reduction: str = "mean") -> Any:
        losses = functions.cross_entropy(logits, labels, reduction="none")
        losses[5] *= 1 + 1e-5
        return losses if reduction == "none" else functions.cross_entropy(logits, labels)

    found = judged(careless, "cross_entropy", SMALL[1])
    assert isinstance(found, Judgement) and found.wrong and math.isfinite(found.worst or math.inf)


@pytest.mark.slow
@pytest.mark.libraries
@pytest.mark.parametrize("library", ["scipy", "torch"])
def test_libraries_are_right_on_small_shapes(library: str, needs: Callable[..., None]) -> None:
    needs(library)
    session = open_session(parse_target(library), WorkerOptions())
    try:
        for function in sorted(set(KERNELS) & set(session.info.offers)):
            for shape in taken(function)[1::2]:
                for dtype in WIDE:
                    found = Right(function, dtype, shape).judge(session)
                    if isinstance(found, str):
                        assert "axis" in found, (function, shape.title, found)
                    else:
                        assert not found.wrong, (function, shape.title, dtype, found)
    finally:
        session.close()


@pytest.mark.slow
@pytest.mark.parametrize("shape", defaults("same"), ids=lambda s: s.title)
@pytest.mark.parametrize("dtype", WIDE)
def test_softmax_is_right_on_the_shapes_that_are_timed(shape: Shape, dtype: str) -> None:
    found = Right("softmax", dtype, shape).judge(open_session(parse_target("builtin")))
    assert isinstance(found, Judgement) and found.level == "1ulp"
